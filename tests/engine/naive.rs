//! What the ledger should say: plain maps, no log, no shards, no threads.

use std::collections::{BTreeMap, BTreeSet};

use exchequer::domain::charge::Category;
use exchequer::domain::money::Money;
use exchequer::domain::refusals::Refusal;
use exchequer::domain::time::{Cycle, Timestamp, UtcOffset};
use exchequer::engine::{Command, OnError, PostReport};

use crate::rig::{NOW, Sent, at};

/// Everything shown of one billing account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Figures {
    pub name: String,
    pub status: String,
    pub cash: Money,
    pub limit: Money,
    pub unsettled: Money,
    pub available: Money,
    pub newest: Money,
    pub charges: u64,
    pub clouds: BTreeSet<String>,
}

/// By billing account, cloud account, cycle and category: count and sum.
pub type Sums = BTreeMap<Vec<String>, (u64, Money)>;

#[derive(Clone, PartialEq, Eq, Debug)]
struct Account {
    name: String,
    status: &'static str,
    cash: Money,
    limit: Money,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Posted {
    payer: String,
    cycle: Cycle,
    category: Category,
    amount: Money,
}

#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Naive {
    accounts: BTreeMap<String, Account>,
    /// The first payer, and from when on others pay.
    payers: BTreeMap<String, Vec<(Timestamp, String)>>,
    posted: BTreeMap<(String, String), Posted>,
    /// Of commands.
    keys: BTreeSet<String>,
}

/// What becomes of one charge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    Accepted,
    Duplicate,
    Refused(Refusal),
}

impl Naive {
    pub fn figures(&self) -> BTreeMap<String, Figures> {
        self.accounts.iter().map(|(id, account)| (id.clone(), self.figures_of(id, account))).collect()
    }

    fn figures_of(&self, id: &str, account: &Account) -> Figures {
        let mine: Vec<_> = self.posted.values().filter(|posted| posted.payer == id).collect();
        let unsettled = sum(mine.iter().map(|posted| posted.amount));
        let assets = account.cash.checked_add(account.limit).unwrap();
        let available = assets.checked_sub(unsettled).unwrap();
        Figures {
            name: account.name.clone(),
            status: account.status.to_owned(),
            cash: account.cash,
            limit: account.limit,
            unsettled,
            available,
            newest: available,
            charges: mine.len() as u64,
            clouds: self.payers.keys().filter(|cloud| self.payer(cloud, at(NOW)) == id).cloned().collect(),
        }
    }

    pub fn sums(&self) -> Sums {
        let mut sums = Sums::new();
        for ((cloud, _), posted) in &self.posted {
            let keys = vec![
                posted.payer.clone(),
                cloud.clone(),
                posted.cycle.to_string(),
                posted.category.name().to_owned(),
            ];
            let (count, amount) = sums.entry(keys).or_insert((0, Money::ZERO));
            *count += 1;
            *amount = amount.checked_add(posted.amount).unwrap();
        }
        sums
    }

    /// Who pays for a charge period of `cloud` that starts at `start` (rule A4).
    pub fn payer(&self, cloud: &str, start: Timestamp) -> &str {
        let payers = &self.payers[cloud];
        let paying = payers.iter().rev().find(|(from, _)| *from <= start).unwrap_or(&payers[0]);
        &paying.1
    }

    /// Whether the command with that key was carried out.
    pub fn has_done(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    /// Carries out a command, once for each key.
    pub fn execute(&mut self, command: &Command, key: &str) {
        if !self.keys.insert(key.to_owned()) {
            return;
        }
        match command {
            Command::RegisterCloudAccount { cloud_account, .. } => {
                self.open(cloud_account);
                self.register(cloud_account, cloud_account);
            }
            Command::OpenBillingAccount { billing_account, .. } => self.open(billing_account),
            Command::CancelBillingAccount { billing_account } => {
                self.accounts.get_mut(billing_account).unwrap().status = "canceled";
            }
            Command::RegisterPaidCloudAccount { cloud_account, billing_account } => {
                self.register(cloud_account, billing_account);
            }
            Command::SetPayer { cloud_accounts, billing_account, effective_at } => {
                for cloud in cloud_accounts {
                    let change = (effective_at.unwrap(), billing_account.clone());
                    self.payers.get_mut(cloud).unwrap().push(change);
                }
            }
            Command::TopUp { billing_account, amount, .. } => {
                let cash = &mut self.accounts.get_mut(billing_account).unwrap().cash;
                *cash = cash.checked_add(amount.money()).unwrap();
            }
            Command::GrantCreditLimit { billing_account, amount } => {
                self.accounts.get_mut(billing_account).unwrap().limit = amount.money();
            }
            Command::FreezeBillingAccount { billing_account } => {
                self.accounts.get_mut(billing_account).unwrap().status = "frozen";
            }
            Command::ThawBillingAccount { billing_account } => {
                self.accounts.get_mut(billing_account).unwrap().status = "valid";
            }
            Command::ModifyBillingAccount { billing_account, settings } => {
                let name = settings.name.clone().unwrap();
                self.accounts.get_mut(billing_account).unwrap().name = name;
            }
            other => panic!("the naive ledger does not know {other:?}"),
        }
    }

    fn open(&mut self, id: &str) {
        let (cash, limit) = (Money::ZERO, Money::ZERO);
        let account = Account { name: id.to_owned(), status: "valid", cash, limit };
        assert!(self.accounts.insert(id.to_owned(), account).is_none());
    }

    fn register(&mut self, cloud: &str, payer: &str) {
        let first = vec![(Timestamp::MIN, payer.to_owned())];
        assert!(self.payers.insert(cloud.to_owned(), first).is_none());
    }

    /// What would become of a charge.
    pub fn fate(&self, sent: &Sent) -> Fate {
        if !self.payers.contains_key(&sent.cloud) {
            return Fate::Refused(Refusal::NotFound);
        }
        match self.posted.get(&(sent.cloud.clone(), sent.id.clone())) {
            Some(posted) if posted.amount == sent.money() => Fate::Duplicate,
            Some(_) => Fate::Refused(Refusal::Conflict),
            None if sent.currency != "USD" => Fate::Refused(Refusal::CurrencyMismatch),
            None => Fate::Accepted,
        }
    }

    pub fn has_posted(&self, sent: &Sent) -> bool {
        self.posted.contains_key(&(sent.cloud.clone(), sent.id.clone()))
    }

    pub fn posted_count(&self) -> usize {
        self.posted.len()
    }

    /// Posts one charge if nothing speaks against it.
    pub fn post_one(&mut self, sent: &Sent) -> Fate {
        let fate = self.fate(sent);
        if fate == Fate::Accepted {
            let cycle = sent.cycle.or_else(|| Cycle::of(sent.start, UtcOffset::default())).unwrap();
            let posted = Posted {
                payer: self.payer(&sent.cloud, sent.start).to_owned(),
                cycle,
                category: sent.category,
                amount: sent.money(),
            };
            self.posted.insert((sent.cloud.clone(), sent.id.clone()), posted);
        }
        fate
    }

    /// Posts a batch; the answer that the engine must give, but for the words (rule C6).
    pub fn post(&mut self, charges: &[Sent], on_error: OnError) -> Counts {
        let before = self.clone();
        let mut counts = Counts::default();
        for (index, sent) in (0..).zip(charges) {
            match self.post_one(sent) {
                Fate::Accepted => counts.accepted += 1,
                Fate::Duplicate => counts.duplicate += 1,
                Fate::Refused(Refusal::Conflict) => {
                    counts.conflict += 1;
                    counts.items.push((index, Refusal::Conflict));
                }
                Fate::Refused(refusal) => {
                    counts.rejected += 1;
                    counts.items.push((index, refusal));
                }
            }
            if on_error == OnError::Stop && !counts.items.is_empty() {
                let done = usize::try_from(index).unwrap() + 1;
                counts.unsubmitted = (charges.len() - done) as u64;
                break;
            }
        }
        if on_error == OnError::Atomic && !counts.items.is_empty() {
            *self = before;
            counts.rejected += std::mem::take(&mut counts.accepted);
        }
        counts
    }
}

/// The countable part of a [`PostReport`].
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    pub accepted: u64,
    pub duplicate: u64,
    pub conflict: u64,
    pub rejected: u64,
    pub unsubmitted: u64,
    pub items: Vec<(u32, Refusal)>,
}

impl From<&PostReport> for Counts {
    fn from(report: &PostReport) -> Self {
        Self {
            accepted: report.accepted,
            duplicate: report.duplicate,
            conflict: report.conflict,
            rejected: report.rejected,
            unsubmitted: report.unsubmitted,
            items: report.items.iter().map(|item| (item.index, item.code)).collect(),
        }
    }
}

fn sum(amounts: impl Iterator<Item = Money>) -> Money {
    amounts.fold(Money::ZERO, |sum, amount| sum.checked_add(amount).unwrap())
}
