//! What the auditor knows: plain maps and integers, changed by what was answered and by nothing else.

use std::collections::BTreeMap;

use exchequer::domain::ids::Currency;
use exchequer::domain::permissions::{Permissions, Policy};
use exchequer::domain::profile::AccountType;
use exchequer::domain::refusals::Refusal;
use exchequer::domain::time::Timestamp;
use exchequer::engine::EngineError;

use crate::bills::{Bills, Rates};
use crate::standing::Standing;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    Valid,
    Frozen,
    Canceled,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HoldState {
    Open,
    Captured(i128),
    Released,
    Expired,
}

#[derive(Clone, Debug)]
pub struct Hold {
    pub amount: i128,
    pub expires_at: Timestamp,
    pub state: HoldState,
}

#[derive(Clone, Debug)]
pub struct Account {
    pub kind: AccountType,
    pub currency: String,
    pub owner: String,
    pub name: String,
    pub credit_enabled: bool,
    pub pay_on_behalf: bool,
    pub status: Status,
    pub cash: i128,
    /// What each giver has transferred, and taken back.
    pub book: BTreeMap<String, (i128, i128)>,
    pub limit: i128,
    pub quota: i128,
    /// Of open cycles.
    pub unsettled: i128,
    pub charges: u64,
    pub holds: BTreeMap<String, Hold>,
    pub enterprise: Option<String>,
    /// Topped up, adjusted, withdrawn and spent in all.
    pub from_outside: i128,
    pub bills: Bills,
    pub standing: Standing,
}

impl Account {
    pub fn in_book(&self) -> i128 {
        let received: i128 = self.book.values().map(|(transferred, revoked)| transferred - revoked).sum();
        received - self.bills.book_consumed
    }

    pub fn held(&self) -> i128 {
        let open = self.holds.values().filter(|hold| hold.state == HoldState::Open);
        open.map(|hold| hold.amount).sum()
    }

    pub fn available(&self) -> i128 {
        let bills = &self.bills;
        let assets = self.cash + self.limit + self.quota + bills.credit_refund();
        assets - self.unsettled - bills.previous() - bills.quota_consumed
    }

    pub fn spendable(&self) -> i128 {
        self.available() - self.held()
    }

    pub fn remaining(&self, giver: &str) -> i128 {
        self.book.get(giver).map_or(0, |(transferred, revoked)| transferred - revoked)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Member {
    pub active: bool,
    /// The limit; it waits until the contract is confirmed.
    pub limit: i128,
}

#[derive(Clone, Debug)]
pub struct Enterprise {
    pub management: String,
    pub center: bool,
    pub contract: &'static str,
    pub total: i128,
    pub members: BTreeMap<String, Member>,
    /// The total was ever lowered below what was assigned.
    pub lowered: bool,
}

impl Enterprise {
    pub fn confirmed(&self) -> bool {
        self.contract == "confirmed"
    }

    pub fn assigned(&self) -> i128 {
        self.members.values().map(|member| member.limit).sum()
    }
}

/// The administrators of an account, by the enterprise whose list it is; outside of any, by none.
type Administrators = BTreeMap<(Option<String>, String), BTreeMap<String, Permissions>>;

#[derive(Clone, Debug)]
pub struct Posted {
    pub amount: i128,
    pub currency: &'static str,
    /// Told as accepted; otherwise as a duplicate of one whose answer was lost, or is still to come.
    pub accepted: bool,
}

#[derive(Clone, Default, Debug)]
pub struct Model {
    pub accounts: BTreeMap<String, Account>,
    pub enterprises: BTreeMap<String, Enterprise>,
    /// The first payer of each cloud account, and from when on others pay.
    pub payers: BTreeMap<String, Vec<(Timestamp, String)>>,
    /// Every charge that was posted, with its amount and currency, and whether that was told as such.
    pub posted: BTreeMap<(String, String), Posted>,
    pub administrators: Administrators,
    pub policies: BTreeMap<String, Policy>,
    pub rates: Rates,
    /// What came to the shared bank account: how much, in which currency, and who has claimed it.
    pub remittances: BTreeMap<String, (i128, Currency, Option<String>)>,
    /// Months pass in this seed, and bills are issued: what happens to one account happens in order.
    pub months: bool,
    /// By the auditor's own clock.
    pub now: i64,
}

/// What an answer contradicts.
pub type Contradiction = String;

impl Model {
    pub fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.get(id)
    }

    pub fn account_mut(&mut self, id: &str) -> Result<&mut Account, Contradiction> {
        self.accounts
            .get_mut(id)
            .ok_or_else(|| format!("answered ok for account `{id}`, which nobody opened"))
    }

    pub fn enterprise_mut(&mut self, id: &str) -> Result<&mut Enterprise, Contradiction> {
        self.enterprises
            .get_mut(id)
            .ok_or_else(|| format!("answered ok for enterprise `{id}`, which nobody opened"))
    }

    pub fn payer(&self, cloud: &str, start: Timestamp) -> Option<&str> {
        let payers = self.payers.get(cloud)?;
        let paying = payers.iter().rev().find(|(from, _)| *from <= start).unwrap_or(&payers[0]);
        Some(&paying.1)
    }

    pub fn pays(&self, account: &str) -> bool {
        let now = Timestamp::from_micros(self.now);
        self.payers.iter().any(|(cloud, payers)| {
            payers.last().is_some_and(|(_, last)| last == account) || self.payer(cloud, now) == Some(account)
        })
    }

    /// Everything that is due by now has been decided; how much that was, and whose bills could not be issued.
    pub fn settle_due(&mut self) -> (u64, BTreeMap<String, Refusal>) {
        let (mut count, mut refused) = (0, BTreeMap::new());
        for (id, account) in &mut self.accounts {
            let decided = account.advance(self.now, &self.rates);
            count += decided.0;
            refused.extend(decided.1.map(|refusal| (id.clone(), refusal)));
        }
        (count, refused)
    }

    /// What is due at these accounts has been decided before something else.
    pub fn settle(&mut self, ids: &[String], at: Timestamp) {
        for id in ids {
            if let Some(account) = self.accounts.get_mut(id) {
                account.settle(at.micros().max(account.bills.at));
            }
        }
    }

    /// Which list of administrators decides about an account.
    pub fn list_of(&self, account: &str) -> (Option<String>, String) {
        (self.account(account).and_then(|account| account.enterprise.clone()), account.to_owned())
    }
}

/// The refusal, if it is one.
pub fn refusal_of(error: &EngineError) -> Option<Refusal> {
    match error {
        EngineError::Refused { refusal, .. } => Some(*refusal),
        _ => None,
    }
}
