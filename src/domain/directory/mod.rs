//! The directory: which accounts exist, by which ids, and who pays for whom (rules A3, A4, A7).

mod event;
mod parts;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use event::{Admission, DirectoryEvent, Remittance};
pub use parts::DirectoryParts;

use crate::domain::billing::rate::ExchangeRates;
use crate::domain::credit_control::Charter;
use crate::domain::ids::{AccountIndex, CloudIndex, EnterpriseIndex};
use crate::domain::keys::{Keys, Remembered};
use crate::domain::money::Money;
use crate::domain::names::{LOOK_UPS_AHEAD, Names};
use crate::domain::outbox::{Channel, Position, Settled};
use crate::domain::prefetch::prefetch;
use crate::domain::refusals::Refusal;
use crate::domain::time::Timestamp;
use crate::limits::{CHANNELS_MAX, PARTITIONS};

/// Where a charge of one cloud account goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Payer {
    /// The billing account that pays.
    pub account: AccountIndex,
    /// Place of the payment relationship among those of the account's shard.
    pub slot: u32,
}

/// From when on somebody pays (rule A4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PayerChange {
    /// The payer from then on.
    pub payer: Payer,
    /// Charge periods that start at or after this instant are paid by `payer`.
    pub effective_at: Timestamp,
}

#[derive(Clone, Copy, Default)]
struct AccountEntry {
    pays: u32,
    canceled: bool,
    /// As the account's own record says; noted when it is durable.
    enterprise: Option<EnterpriseIndex>,
}

/// The directory's state. Its sequence number counts its records in the log.
pub struct Directory {
    shards: usize,
    account_names: Names,
    accounts: Vec<AccountEntry>,
    cloud_names: Names,
    first_payers: Vec<Payer>,
    changes: BTreeMap<u32, Vec<PayerChange>>,
    slots: Vec<u32>,
    sequence: u64,
    /// Counts changes of where charges go.
    routing: u64,
    at: Timestamp,
    keys: Keys,
    enterprise_names: Names,
    rates: Arc<ExchangeRates>,
    remittances: BTreeMap<Box<str>, Remittance>,
    channels: BTreeMap<Box<str>, Channel>,
}

impl Directory {
    /// An empty directory that places accounts on that many shards.
    pub fn new(shards: usize) -> Self {
        Self {
            shards,
            account_names: Names::default(),
            accounts: Vec::new(),
            cloud_names: Names::default(),
            first_payers: Vec::new(),
            changes: BTreeMap::new(),
            slots: vec![0; shards],
            sequence: 0,
            routing: 0,
            at: Timestamp::MIN,
            keys: Keys::default(),
            enterprise_names: Names::default(),
            rates: Arc::default(),
            remittances: BTreeMap::new(),
            channels: BTreeMap::new(),
        }
    }

    /// Number of its newest record in the log.
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Rises whenever charges may go elsewhere than before.
    pub const fn routing(&self) -> u64 {
        self.routing
    }

    /// Business time of its last decision (rule J5).
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// The remembered idempotency keys (rule J2).
    pub const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// How many billing accounts there are.
    pub fn account_count(&self) -> usize {
        self.accounts.len()
    }

    /// How many cloud accounts there are.
    pub fn cloud_count(&self) -> usize {
        self.first_payers.len()
    }

    /// The billing account with that id.
    #[inline]
    pub fn account(&self, id: &str) -> Option<AccountIndex> {
        self.account_names.number(id).map(AccountIndex)
    }

    /// The id of a billing account.
    pub fn account_id(&self, account: AccountIndex) -> Option<&str> {
        self.account_names.name(account.0)
    }

    /// The cloud account with that id.
    #[inline]
    pub fn cloud(&self, id: &str) -> Option<CloudIndex> {
        self.cloud_names.number(id).map(CloudIndex)
    }

    /// The cloud accounts with these ids, at most [`LOOK_UPS_AHEAD`], whose look-ups overlap.
    #[inline]
    pub fn clouds(&self, ids: &[&str], clouds: &mut [Option<u32>; LOOK_UPS_AHEAD]) {
        self.cloud_names.numbers(ids, clouds);
        for cloud in clouds.iter().take(ids.len()).flatten() {
            prefetch(&self.first_payers[*cloud as usize]);
        }
    }

    /// The id of a cloud account.
    pub fn cloud_id(&self, cloud: CloudIndex) -> Option<&str> {
        self.cloud_names.name(cloud.0)
    }

    /// The first payer of a cloud account, in whose partition its charges' identities are remembered.
    #[inline]
    pub fn first_payer(&self, cloud: CloudIndex) -> Payer {
        self.first_payers[cloud.0 as usize]
    }

    /// Who pays for a charge period of `cloud` that starts at `start` (rule A4).
    #[inline]
    pub fn payer(&self, cloud: CloudIndex, start: Timestamp) -> Payer {
        if self.changes.is_empty() {
            return self.first_payer(cloud);
        }
        self.changes
            .get(&cloud.0)
            .and_then(|changes| changes.iter().rev().find(|change| change.effective_at <= start))
            .map_or_else(|| self.first_payer(cloud), |change| change.payer)
    }

    /// The changes of payer of one cloud account, in the order of their instants.
    pub fn payer_changes(&self, cloud: CloudIndex) -> &[PayerChange] {
        self.changes.get(&cloud.0).map_or(&[], Vec::as_slice)
    }

    /// Cloud accounts that `account` pays for at `at`.
    pub fn paid_by(&self, account: AccountIndex, at: Timestamp) -> impl Iterator<Item = &str> {
        (0..self.first_payers.len())
            .map(|number| CloudIndex(u32::try_from(number).expect("invariant: numbered by u32")))
            .filter(move |cloud| self.payer(*cloud, at).account == account)
            .filter_map(|cloud| self.cloud_id(cloud))
    }

    /// Whether `account` pays for any cloud account now or later, so that it can't be canceled (rule A2).
    pub fn pays(&self, account: AccountIndex, at: Timestamp) -> bool {
        self.accounts[account.0 as usize].pays > 0
            || self.changes.keys().any(|cloud| self.payer(CloudIndex(*cloud), at).account == account)
    }

    /// Notes whether an account is canceled: then it becomes nobody's payer any more.
    pub fn note_canceled(&mut self, account: AccountIndex, canceled: bool) {
        self.accounts[account.0 as usize].canceled = canceled;
    }

    /// Whether the account was canceled.
    pub fn is_canceled(&self, account: AccountIndex) -> bool {
        self.accounts[account.0 as usize].canceled
    }

    /// The enterprise with that id.
    pub fn enterprise(&self, ecid: &str) -> Option<EnterpriseIndex> {
        self.enterprise_names.number(ecid).map(EnterpriseIndex)
    }

    /// The id of an enterprise.
    pub fn enterprise_id(&self, enterprise: EnterpriseIndex) -> Option<&str> {
        self.enterprise_names.name(enterprise.0)
    }

    /// Notes which enterprise an account belongs to, as its own record says.
    pub fn note_enterprise(&mut self, account: AccountIndex, enterprise: Option<EnterpriseIndex>) {
        self.accounts[account.0 as usize].enterprise = enterprise;
    }

    /// The enterprise that an account belongs to.
    pub fn enterprise_of(&self, account: AccountIndex) -> Option<EnterpriseIndex> {
        self.accounts[account.0 as usize].enterprise
    }

    /// The exchange rates (rule D9).
    pub fn rates(&self) -> Arc<ExchangeRates> {
        Arc::clone(&self.rates)
    }

    /// A remittance to the shared bank account, claimed or not (rule D11).
    pub fn remittance(&self, remittance: &str) -> Option<&Remittance> {
        self.remittances.get(remittance)
    }

    /// Every remittance by its id.
    pub fn remittances(&self) -> impl Iterator<Item = (&str, &Remittance)> {
        self.remittances.iter().map(|(id, received)| (&**id, received))
    }

    /// How far a channel has come with notifications, if it ever settled any (rule H5).
    pub fn channel(&self, channel: &str) -> Option<&Channel> {
        self.channels.get(channel)
    }

    /// Every channel by its name.
    pub fn channels(&self) -> impl Iterator<Item = (&str, &Channel)> {
        self.channels.iter().map(|(name, channel)| (&**name, channel))
    }

    /// Decides whether a channel can note what became of notifications (rule H5).
    pub fn decide_settled(&self, channel: &str, next: Position, settled: &[Settled]) -> Result<(), Refusal> {
        let has_room = match self.channel(channel) {
            Some(channel) => channel.has_room(next, settled),
            None => self.channels.len() < CHANNELS_MAX && Channel::default().has_room(next, settled),
        };
        if has_room { Ok(()) } else { Err(Refusal::TooManyItems) }
    }

    /// Decides a remittance that has come; `false` if it was recorded before (rule D11).
    pub fn decide_remittance(&self, remittance: &str, received: &Remittance) -> Result<bool, Refusal> {
        match self.remittance(remittance) {
            Some(known) if known == received => Ok(false),
            Some(_) => Err(Refusal::AlreadyExists),
            None if received.amount <= Money::ZERO => Err(Refusal::AmountMustBePositive),
            None => Ok(true),
        }
    }

    /// Decides the opening of an enterprise (rule A6).
    pub fn decide_enterprise(&self, ecid: &str, charter: &Charter) -> Result<(), Refusal> {
        self.cloud(&charter.management_account).ok_or(Refusal::NotFound)?;
        if self.enterprise(ecid).is_some() { Err(Refusal::AlreadyExists) } else { Ok(()) }
    }

    /// Whether a cloud account has payers on different shards.
    pub fn spans_shards(&self, cloud: CloudIndex) -> bool {
        let home = self.first_payer(cloud).account.partition().shard(self.shards);
        self.payer_changes(cloud)
            .iter()
            .any(|change| change.payer.account.partition().shard(self.shards) != home)
    }

    /// Decides the opening of one billing account.
    pub fn decide_open(&self, id: &str) -> Result<(), Refusal> {
        if self.account(id).is_some() { Err(Refusal::AlreadyExists) } else { Ok(()) }
    }

    /// Decides the registration of a cloud account that `payer` is to pay for.
    pub fn decide_register(&self, id: &str) -> Result<(), Refusal> {
        if self.cloud(id).is_some() { Err(Refusal::AlreadyExists) } else { Ok(()) }
    }

    /// Decides one change of payer (rule A4).
    pub fn decide_payer(
        &self,
        cloud: &str,
        account: &str,
        effective_at: Timestamp,
    ) -> Result<DirectoryEvent, Refusal> {
        let cloud = self.cloud(cloud).ok_or(Refusal::NotFound)?;
        let account = self.account(account).ok_or(Refusal::NotFound)?;
        if self.is_canceled(account) {
            return Err(Refusal::AccountCanceled);
        }
        let (last, since) = self.payer_changes(cloud).last().map_or_else(
            || (self.first_payer(cloud), Timestamp::MIN),
            |change| (change.payer, change.effective_at),
        );
        if last.account == account {
            return Err(Refusal::SameAccount);
        }
        if effective_at <= since {
            return Err(Refusal::EffectiveBeforeLastChange);
        }
        Ok(DirectoryEvent::PayerChanged { cloud, account, effective_at })
    }

    /// Applies one record and gives the places that shards must make, in order.
    pub fn apply(
        &mut self,
        events: &[DirectoryEvent],
        at: Timestamp,
        remembered: Option<Remembered>,
    ) -> Vec<Admission> {
        let mut admissions = Vec::with_capacity(events.len());
        for event in events {
            self.apply_event(event, &mut admissions);
        }
        self.sequence += 1;
        self.at = self.at.max(at);
        if let Some(remembered) = remembered {
            self.keys.remember(remembered);
        }
        admissions
    }

    fn apply_event(&mut self, event: &DirectoryEvent, admissions: &mut Vec<Admission>) {
        const FITS: &str = "invariant: at most 2^32 accounts and 16 GiB of ids, as checked by has_room";
        self.routing += u64::from(event.routes());
        match event {
            DirectoryEvent::AccountOpened { id, opening } => {
                let account = AccountIndex(self.account_names.insert(id).expect(FITS));
                self.accounts.push(AccountEntry::default());
                admissions.push(Admission::Account { account, opening: opening.clone() });
            }
            DirectoryEvent::CloudAccountRegistered { id, payer } => {
                let cloud = CloudIndex(self.cloud_names.insert(id).expect(FITS));
                let payer = self.new_payer(*payer);
                self.first_payers.push(payer);
                self.accounts[payer.account.0 as usize].pays += 1;
                admissions.push(Admission::Payment { account: payer.account, cloud });
            }
            DirectoryEvent::PayerChanged { cloud, account, effective_at } => {
                let first = self.first_payer(*cloud);
                let known = self.payment(*cloud, *account);
                let last = self.payer_changes(*cloud).last().map_or(first, |change| change.payer);
                let payer = known.unwrap_or_else(|| {
                    admissions.push(Admission::Payment { account: *account, cloud: *cloud });
                    self.new_payer(*account)
                });
                self.accounts[last.account.0 as usize].pays -= 1;
                self.accounts[account.0 as usize].pays += 1;
                let change = PayerChange { payer, effective_at: *effective_at };
                self.changes.entry(cloud.0).or_default().push(change);
            }
            DirectoryEvent::EnterpriseOpened { ecid, charter } => {
                let enterprise = EnterpriseIndex(self.enterprise_names.insert(ecid).expect(FITS));
                admissions.push(Admission::Enterprise { enterprise, charter: charter.clone() });
            }
            DirectoryEvent::ExchangeRateSet { from, to, day, rate } => {
                Arc::make_mut(&mut self.rates).set(*from, *to, *day, *rate);
            }
            DirectoryEvent::RemittanceReceived { remittance, received } => {
                self.remittances.insert(remittance.clone(), received.clone());
            }
            DirectoryEvent::NotificationsSettled { channel, next, settled } => {
                self.channels.entry(channel.clone()).or_default().settle(*next, settled);
            }
        }
    }

    /// Where the charges of `cloud` that `account` pays for stand.
    pub fn payment(&self, cloud: CloudIndex, account: AccountIndex) -> Option<Payer> {
        let first = *self.first_payers.get(cloud.0 as usize)?;
        std::iter::once(first)
            .chain(self.payer_changes(cloud).iter().map(|change| change.payer))
            .find(|payer| payer.account == account)
    }

    /// Whether so many more accounts, with ids of so many bytes, can be numbered.
    pub fn has_room(&self, accounts: usize, id_bytes: usize) -> bool {
        self.account_names.has_room(accounts, id_bytes)
            && self.cloud_names.has_room(accounts, id_bytes)
            && self.enterprise_names.has_room(accounts, id_bytes)
    }

    fn new_payer(&mut self, account: AccountIndex) -> Payer {
        let slot = &mut self.slots[account.partition().shard(self.shards)];
        let payer = Payer { account, slot: *slot };
        *slot += 1;
        payer
    }
}

/// The place of an account among those of its shard, without a table.
#[inline]
pub fn account_slot(account: AccountIndex, shards: usize) -> usize {
    let number = account.0 as usize;
    let (block, partition) = (number / PARTITIONS, number % PARTITIONS);
    let shard = partition % shards;
    let partitions_of_shard = (PARTITIONS - shard).div_ceil(shards);
    block * partitions_of_shard + partition / shards
}

/// How many of the first `count` accounts are a shard's: their slots come before those of the others.
pub fn slots_below(count: usize, shard: usize, shards: usize) -> usize {
    let (blocks, rest) = (count / PARTITIONS, count % PARTITIONS);
    let partitions_of_shard = (PARTITIONS - shard).div_ceil(shards);
    blocks * partitions_of_shard + rest.saturating_sub(shard).div_ceil(shards)
}

#[cfg(test)]
mod tests;
