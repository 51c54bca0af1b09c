//! The directory's state, to and from a snapshot.

use std::sync::Arc;

use super::{AccountEntry, Admission, Directory, DirectoryEvent, Remittance};
use crate::domain::billing::rate::Rate;
use crate::domain::ids::{AccountIndex, CloudIndex, Currency};
use crate::domain::keys::Keys;
use crate::domain::outbox::Channel;
use crate::domain::time::Timestamp;

/// The directory's state as a snapshot holds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DirectoryParts {
    /// See [`Directory::sequence`].
    pub sequence: u64,
    /// See [`Directory::at`].
    pub at: Timestamp,
    /// Ids of the billing accounts, in the order of their numbers.
    pub accounts: Vec<Box<str>>,
    /// Ids of the cloud accounts in the order of their numbers, with the first payers.
    pub clouds: Vec<(Box<str>, AccountIndex)>,
    /// Changes of payer, for each cloud account in order.
    pub changes: Vec<(CloudIndex, AccountIndex, Timestamp)>,
    /// Remembered idempotency keys.
    pub keys: Keys,
    /// Ids of the enterprises, in the order of their numbers.
    pub enterprises: Vec<Box<str>>,
    /// Exchange rates: from, to, day counted from 1970-01-01, and rate.
    pub rates: Vec<(Currency, Currency, i32, Rate)>,
    /// Remittances by id, claimed or not.
    pub remittances: Vec<(Box<str>, Remittance)>,
    /// Channels of notifications by name.
    pub channels: Vec<(Box<str>, Channel)>,
}

impl Directory {
    /// An empty directory filled with what a snapshot held; the admissions of all payment relationships.
    pub fn restore(shards: usize, parts: DirectoryParts) -> Option<(Self, Vec<Admission>)> {
        let mut directory = Self::new(shards);
        for id in &parts.accounts {
            directory.account_names.insert(id)?;
            directory.accounts.push(AccountEntry::default());
        }
        let known = |account: AccountIndex| (account.0 as usize) < parts.accounts.len();
        let mut admissions = Vec::with_capacity(parts.clouds.len());
        for (id, payer) in parts.clouds {
            let event = DirectoryEvent::CloudAccountRegistered { id, payer };
            known(payer).then(|| directory.apply_event(&event, &mut admissions))?;
        }
        for (cloud, account, effective_at) in parts.changes {
            let event = DirectoryEvent::PayerChanged { cloud, account, effective_at };
            let cloud_known = (cloud.0 as usize) < directory.first_payers.len();
            (known(account) && cloud_known).then(|| directory.apply_event(&event, &mut admissions))?;
        }
        for ecid in &parts.enterprises {
            directory.enterprise_names.insert(ecid)?;
        }
        for (from, to, day, rate) in parts.rates {
            Arc::make_mut(&mut directory.rates).set(from, to, day, rate);
        }
        directory.remittances = parts.remittances.into_iter().collect();
        directory.channels = parts.channels.into_iter().collect();
        directory.sequence = parts.sequence;
        directory.at = parts.at;
        directory.keys = parts.keys;
        Some((directory, admissions))
    }

    /// The state, for a snapshot.
    pub fn to_parts(&self) -> DirectoryParts {
        DirectoryParts {
            sequence: self.sequence,
            at: self.at,
            accounts: self.account_names.iter().map(Into::into).collect(),
            clouds: self
                .cloud_names
                .iter()
                .zip(&self.first_payers)
                .map(|(id, payer)| (id.into(), payer.account))
                .collect(),
            changes: self
                .changes
                .iter()
                .flat_map(|(cloud, changes)| changes.iter().map(|change| (CloudIndex(*cloud), change)))
                .map(|(cloud, change)| (cloud, change.payer.account, change.effective_at))
                .collect(),
            keys: self.keys.clone(),
            enterprises: self.enterprise_names.iter().map(Into::into).collect(),
            rates: self.rates.iter().collect(),
            remittances: self.remittances.clone().into_iter().collect(),
            channels: self.channels.clone().into_iter().collect(),
        }
    }
}
