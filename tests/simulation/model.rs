//! What the auditor knows: plain maps and integers, changed by what was answered and by nothing else.

use std::collections::BTreeMap;

use exchequer::domain::ids::Currency;
use exchequer::domain::permissions::{Permission, Permissions, Policy};
use exchequer::domain::profile::AccountType;
use exchequer::domain::refusals::Refusal;
use exchequer::domain::time::Timestamp;
use exchequer::engine::{Answer, Command, EngineError};

use crate::bills::{Bills, Rates};
use crate::bills_learned::check_advanced;
use crate::op::{Op, Reply, What};
use crate::standing::Standing;
use crate::touches::deciding;

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

    fn enterprise_mut(&mut self, id: &str) -> Result<&mut Enterprise, Contradiction> {
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

    /// Takes in what was answered; whether it changed anything.
    pub fn learn(&mut self, op: &Op, reply: &Reply) -> Result<bool, Contradiction> {
        match (&op.what, reply) {
            (What::Command(request), Reply::Answer(answer)) => {
                let at = request.at.unwrap_or(Timestamp::from_micros(self.now));
                let deciding = deciding(&request.command, self);
                self.settle(&deciding, at);
                let changed = self.learn_command(op, &request.command, answer, at)?;
                for id in deciding.iter().filter(|_| changed) {
                    self.account_mut(id)?.event(at.micros());
                }
                Ok(changed)
            }
            (What::Post(charges, on_error, at), Reply::Report(report)) => {
                let at = at.map_or(self.now, Timestamp::micros);
                if self.months && op.reissued {
                    self.learn_posted_before(charges, *on_error, report, at)?;
                }
                self.learn_report(charges, *on_error, report, at)
            }
            _ => Err("answered as something else".to_owned()),
        }
    }

    /// What is due at these accounts has been decided before something else.
    pub fn settle(&mut self, ids: &[String], at: Timestamp) {
        for id in ids {
            if let Some(account) = self.accounts.get_mut(id) {
                account.settle(at.micros().max(account.bills.at));
            }
        }
    }

    #[allow(clippy::too_many_lines)] // one arm a command
    fn learn_command(
        &mut self,
        op: &Op,
        command: &Command,
        answer: &Answer,
        at: Timestamp,
    ) -> Result<bool, Contradiction> {
        match command {
            Command::RegisterCloudAccount { cloud_account, settings } => {
                self.open(cloud_account, settings)?;
                self.register(cloud_account, cloud_account);
            }
            Command::RegisterPaidCloudAccount { cloud_account, billing_account } => {
                self.register(cloud_account, billing_account);
            }
            Command::OpenBillingAccount { billing_account, settings } => {
                self.open(billing_account, settings)?;
            }
            Command::ModifyBillingAccount { billing_account, settings } => {
                let id = billing_account.clone();
                let account = self.account_mut(billing_account)?;
                if let Some(name) = &settings.name {
                    account.name = if name.is_empty() { id } else { name.clone() };
                }
                if let Some(owner) = &settings.owner {
                    account.owner.clone_from(owner);
                }
                let terms = settings.payment_terms_days.map(i64::from);
                account.bills.terms_days = terms.unwrap_or(account.bills.terms_days);
                account.credit_enabled = settings.credit_enabled.unwrap_or(account.credit_enabled);
                account.pay_on_behalf = settings.pay_on_behalf.unwrap_or(account.pay_on_behalf);
            }
            Command::SetPayer { billing_account, effective_at, .. } => {
                let Answer::Items(items) = answer else { return Err("not answered by items".to_owned()) };
                let mut changed = false;
                for (cloud, result) in items {
                    if result.is_ok() {
                        let change = (effective_at.unwrap_or(at), billing_account.clone());
                        self.payers.entry(cloud.clone()).or_default().push(change);
                        changed = true;
                    }
                }
                return Ok(changed);
            }
            Command::FreezeBillingAccount { billing_account } => {
                self.account_mut(billing_account)?.status = Status::Frozen;
            }
            Command::ThawBillingAccount { billing_account } => {
                self.account_mut(billing_account)?.status = Status::Valid;
            }
            Command::CancelBillingAccount { billing_account } => {
                self.account_mut(billing_account)?.status = Status::Canceled;
            }
            Command::TopUp { billing_account, amount, .. }
            | Command::AdjustCash { billing_account, amount, .. } => {
                let account = self.account_mut(billing_account)?;
                account.cash += amount.money().units();
                account.from_outside += amount.money().units();
            }
            Command::WithdrawCash { billing_account, amount } => {
                let account = self.account_mut(billing_account)?;
                account.cash -= amount.money().units();
                account.from_outside -= amount.money().units();
            }
            Command::GrantCreditLimit { billing_account, amount } => {
                self.account_mut(billing_account)?.limit = amount.money().units();
            }
            Command::SetQuota { billing_account, amount } => {
                self.account_mut(billing_account)?.quota = amount.money().units();
            }
            Command::RepayQuota { billing_account, amount } => {
                self.account_mut(billing_account)?.bills.quota_consumed -= amount.money().units();
            }
            Command::PlaceHold { billing_account, hold, amount, expires_at } => {
                let placed =
                    Hold { amount: amount.money().units(), expires_at: *expires_at, state: HoldState::Open };
                let holds = &mut self.account_mut(billing_account)?.holds;
                if holds.contains_key(hold) {
                    return Ok(false);
                }
                holds.insert(hold.clone(), placed);
            }
            Command::CaptureHold { billing_account, hold, amount } => {
                let amount = amount.map(|amount| amount.money().units());
                return self.capture(billing_account, hold, amount);
            }
            Command::ReleaseHold { billing_account, hold } => {
                let known = self.account_mut(billing_account)?.holds.get_mut(hold);
                let known = known.ok_or("released an unknown hold")?;
                return match known.state {
                    HoldState::Open => {
                        known.state = HoldState::Released;
                        Ok(true)
                    }
                    HoldState::Released => Ok(false),
                    state => Err(format!("released a hold that was {state:?}")),
                };
            }
            Command::AdvanceTime => {
                let (count, refused) = self.settle_due();
                return check_advanced(answer, (self.months && !op.reissued).then_some(count), &refused)
                    .map(|()| count > 0);
            }
            command => return self.learn_crossing(op, command, answer, at),
        }
        Ok(true)
    }

    #[allow(clippy::too_many_lines)] // one arm a command
    fn learn_crossing(
        &mut self,
        op: &Op,
        command: &Command,
        answer: &Answer,
        at: Timestamp,
    ) -> Result<bool, Contradiction> {
        match command {
            Command::OpenEnterprise { ecid, management_account, .. } => {
                let enterprise = Enterprise {
                    management: management_account.clone(),
                    center: false,
                    contract: "none",
                    total: 0,
                    members: BTreeMap::new(),
                    lowered: false,
                };
                if self.enterprises.insert(ecid.clone(), enterprise).is_some() {
                    return Err(format!("enterprise `{ecid}` was opened twice"));
                }
            }
            Command::EnableAccountCenter { ecid } => {
                let center = &mut self.enterprise_mut(ecid)?.center;
                return Ok(!std::mem::replace(center, true));
            }
            Command::InviteAccount { ecid, billing_account } => {
                let members = &mut self.enterprise_mut(ecid)?.members;
                if members.contains_key(billing_account) {
                    return Ok(false);
                }
                members.insert(billing_account.clone(), Member::default());
            }
            Command::AcceptInvitation { ecid, billing_account } => {
                self.enterprise_mut(ecid)?.members.entry(billing_account.clone()).or_default().active = true;
                self.account_mut(billing_account)?.enterprise = Some(ecid.clone());
            }
            Command::EndAssociation { ecid, billing_account } => {
                self.enterprise_mut(ecid)?.members.remove(billing_account);
                self.account_mut(billing_account)?.enterprise = None;
            }
            Command::SetTotalCredit { ecid, public_cloud, hybrid_cloud } => {
                let hybrid = hybrid_cloud.map_or(0, |amount| amount.money().units());
                let enterprise = self.enterprise_mut(ecid)?;
                enterprise.total = public_cloud.money().units() + hybrid;
                // Increases may be on their way: the engine's own check is the stricter one.
                enterprise.lowered = true;
            }
            Command::RequestCreditContract { ecid } => self.enterprise_mut(ecid)?.contract = "requested",
            Command::ApproveCreditContract { ecid } => self.enterprise_mut(ecid)?.contract = "approved",
            Command::ConfirmCreditContract { ecid } => {
                let enterprise = self.enterprise_mut(ecid)?;
                enterprise.contract = "confirmed";
                for (id, member) in enterprise.members.clone() {
                    if member.limit != 0 {
                        let account = self.account_mut(&id)?;
                        account.limit += member.limit;
                        account.event(at.micros());
                    }
                }
            }
            Command::AllocateCredit { dry_run: true, .. } => return Ok(false),
            Command::AllocateCredit { ecid, billing_account, .. } => {
                let Answer::Allocation(answer) = answer else { return Err("not answered as one".to_owned()) };
                let delta = answer.credit_limit_after.units() - answer.credit_limit_before.units();
                self.assign(ecid, billing_account, delta)?;
                return Ok(delta != 0);
            }
            Command::MoveCredit { ecid, from, to, amount } => {
                self.assign(ecid, from, -amount.money().units())?;
                self.assign(ecid, to, amount.money().units())?;
            }
            Command::TransferCash { from, to, amount } => {
                let amount = amount.money().units();
                self.account_mut(from)?.cash -= amount;
                let receiver = self.account_mut(to)?;
                receiver.cash += amount;
                receiver.book.entry(from.clone()).or_default().0 += amount;
            }
            Command::RevokeTransfer { giver, receiver, amount } => {
                let amount = amount.money().units();
                self.account_mut(giver)?.cash += amount;
                let receiver = self.account_mut(receiver)?;
                receiver.cash -= amount;
                receiver.book.entry(giver.clone()).or_default().1 += amount;
            }
            Command::GrantAdministrators { billing_account, permissions, .. } => {
                let Answer::Items(items) = answer else { return Err("not answered by items".to_owned()) };
                let default = [Permission::ReadAccount, Permission::ModifyAccount];
                let permissions = permissions.unwrap_or_else(|| default.into_iter().collect());
                let list = self.list_of(billing_account);
                let granted: Vec<_> = items.iter().filter(|(_, result)| result.is_ok()).collect();
                for (cloud, _) in &granted {
                    self.administrators.entry(list.clone()).or_default().insert(cloud.clone(), permissions);
                }
                return Ok(!granted.is_empty());
            }
            Command::RevokeAdministrator { billing_account, cloud_account } => {
                let list = self.list_of(billing_account);
                self.administrators.entry(list).or_default().remove(cloud_account);
            }
            Command::AttachPolicy { user, policy } => {
                self.policies.insert(user.clone(), *policy);
            }
            Command::DetachPolicy { user } => {
                self.policies.remove(user);
            }
            other => return self.learn_billing(op, other, answer, at),
        }
        Ok(true)
    }

    /// Which list of administrators decides about an account.
    pub fn list_of(&self, account: &str) -> (Option<String>, String) {
        (self.account(account).and_then(|account| account.enterprise.clone()), account.to_owned())
    }

    fn assign(&mut self, ecid: &str, account: &str, delta: i128) -> Result<(), Contradiction> {
        let enterprise = self.enterprise_mut(ecid)?;
        enterprise.members.entry(account.to_owned()).or_default().limit += delta;
        if enterprise.confirmed() {
            self.account_mut(account)?.limit += delta;
        }
        Ok(())
    }

    fn capture(&mut self, account: &str, hold: &str, amount: Option<i128>) -> Result<bool, Contradiction> {
        let now = self.now;
        let account = self.account_mut(account)?;
        let known = account.holds.get_mut(hold).ok_or("captured an unknown hold")?;
        let amount = amount.unwrap_or(known.amount);
        match known.state {
            HoldState::Open => {
                known.state = HoldState::Captured(amount);
                account.owe(account.bills.month(now).max(account.bills.open_from), amount);
                Ok(true)
            }
            HoldState::Captured(before) if before == amount => Ok(false),
            state => Err(format!("captured {amount} of a hold that was {state:?}")),
        }
    }

    fn open(&mut self, id: &str, settings: &exchequer::engine::AccountSettings) -> Result<(), Contradiction> {
        let account = Account {
            kind: settings.kind.unwrap_or(AccountType::Direct),
            currency: settings.currency.map_or_else(|| "USD".to_owned(), |currency| currency.to_string()),
            owner: settings.owner.clone().unwrap_or_else(|| id.to_owned()),
            name: settings.name.clone().unwrap_or_else(|| id.to_owned()),
            credit_enabled: settings.credit_enabled.unwrap_or(true),
            pay_on_behalf: settings.pay_on_behalf.unwrap_or(false),
            status: Status::Valid,
            cash: 0,
            book: BTreeMap::new(),
            limit: 0,
            quota: 0,
            unsettled: 0,
            charges: 0,
            holds: BTreeMap::new(),
            enterprise: None,
            from_outside: 0,
            bills: Bills {
                offset: settings.utc_offset.unwrap_or_default(),
                terms_days: settings.payment_terms_days.unwrap_or(10).into(),
                at: self.now,
                ..Bills::default()
            },
            standing: Standing::default(),
        };
        match self.accounts.insert(id.to_owned(), account) {
            None => Ok(()),
            Some(_) => Err(format!("account `{id}` was opened twice")),
        }
    }

    fn register(&mut self, cloud: &str, payer: &str) {
        self.payers.insert(cloud.to_owned(), vec![(Timestamp::MIN, payer.to_owned())]);
    }
}

/// The refusal, if it is one.
pub fn refusal_of(error: &EngineError) -> Option<Refusal> {
    match error {
        EngineError::Refused { refusal, .. } => Some(*refusal),
        _ => None,
    }
}
