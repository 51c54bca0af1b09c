//! The parts of a snapshot, as they are written.

use serde::{Deserialize, Serialize};

use super::super::JournalFault;
use super::super::forms::billing::{RateV1, RemittanceV1};
use super::super::forms::from_slice;
use super::super::forms::outbox::ChannelV1;
use super::super::forms::parts::{RememberedV1, currency_of};
use super::super::forms::snapshot_account::AccountV1;
use super::super::forms::snapshot_enterprise::{AuthorizationV1, CreditControlV1};
use super::{
    KIND_ACCOUNTS, KIND_AUTHORIZATION, KIND_CREDIT_CONTROL, KIND_DIRECTORY, KIND_IDENTITIES, KIND_STRINGS,
};
use crate::domain::account::AccountParts;
use crate::domain::admin_authorization::AdminAuthorization;
use crate::domain::credit_control::CreditControl;
use crate::domain::directory::DirectoryParts;
use crate::domain::identities::IdentityKey;
use crate::domain::ids::{AccountIndex, CloudIndex, EnterpriseIndex, Partition};
use crate::domain::keys::Remembered;
use crate::domain::paid_cloud_account::PaidCloudAccount;
use crate::domain::strings::Strings;
use crate::domain::time::{Cycle, Timestamp};

/// One part of a snapshot, encoded; made where the state lives, written by whoever takes the snapshot.
pub struct Part {
    pub(super) kind: u32,
    pub(super) body: Vec<u8>,
}

/// Collects accounts for one part.
#[derive(Default)]
pub struct AccountsPart(Vec<AccountV1>);

impl AccountsPart {
    /// Adds an account and what it owes for each cloud account.
    pub fn push<'a>(
        &mut self,
        index: AccountIndex,
        parts: &AccountParts,
        payments: impl Iterator<Item = (CloudIndex, &'a PaidCloudAccount)>,
    ) {
        self.0.push(AccountV1::new(index, parts, payments));
    }

    /// The encoded part.
    pub fn finish(&self) -> Part {
        Part::encode(KIND_ACCOUNTS, &self.0)
    }
}

impl Part {
    pub(super) fn encode(kind: u32, form: &impl Serialize) -> Self {
        let body = rmp_serde::to_vec(form).expect("invariant: encoding into memory can't fail");
        Self { kind, body }
    }

    /// The identities of one partition and cycle.
    pub fn identities(partition: Partition, cycle: Cycle, keys: &[IdentityKey]) -> Self {
        let bytes: Vec<u8> = keys.iter().flat_map(|key| key.0.to_le_bytes()).collect();
        let form = IdentitiesV1 { partition: partition.0, cycle: cycle.index(), keys: bytes };
        Self::encode(KIND_IDENTITIES, &form)
    }

    /// The directory.
    pub fn directory(parts: &DirectoryParts) -> Self {
        let form = DirectoryV1 {
            sequence: parts.sequence,
            at: parts.at.micros(),
            accounts: parts.accounts.clone(),
            clouds: parts.clouds.iter().map(|(id, payer)| (id.clone(), payer.0)).collect(),
            changes: parts.changes.iter().map(|(cloud, payer, at)| (cloud.0, payer.0, at.micros())).collect(),
            keys: parts.keys.iter().map(RememberedV1::from).collect(),
            enterprises: parts.enterprises.clone(),
            rates: parts
                .rates
                .iter()
                .map(|(from, to, day, rate)| (from.as_str().into(), to.as_str().into(), *day, (*rate).into()))
                .collect(),
            remittances: parts
                .remittances
                .iter()
                .map(|(id, received)| (id.clone(), received.into()))
                .collect(),
            channels: parts.channels.iter().map(|(name, channel)| (&**name, channel).into()).collect(),
        };
        Self::encode(KIND_DIRECTORY, &form)
    }

    /// One enterprise's credit control; taken after the directory's part.
    pub fn credit_control(control: &CreditControl) -> Self {
        Self::encode(KIND_CREDIT_CONTROL, &CreditControlV1::from(control))
    }

    /// One enterprise's authorization, or that outside of enterprises; taken after the directory's part.
    pub fn authorization(enterprise: EnterpriseIndex, authorization: &AdminAuthorization) -> Self {
        Self::encode(KIND_AUTHORIZATION, &AuthorizationV1::new(enterprise, authorization))
    }

    /// The kept strings.
    pub fn strings(strings: &Strings) -> Self {
        let form: Vec<(u32, &str)> = strings.iter().map(|(number, text)| (number.0, text)).collect();
        Self::encode(KIND_STRINGS, &form)
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct IdentitiesV1 {
    pub(super) partition: u16,
    pub(super) cycle: u32,
    #[serde(with = "serde_bytes")]
    pub(super) keys: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct DirectoryV1 {
    sequence: u64,
    at: i64,
    accounts: Vec<Box<str>>,
    clouds: Vec<(Box<str>, u32)>,
    changes: Vec<(u32, u32, i64)>,
    keys: Vec<RememberedV1>,
    // Since version 2.
    #[serde(default)]
    enterprises: Vec<Box<str>>,
    // Since version 3.
    #[serde(default)]
    rates: Vec<(Box<str>, Box<str>, i32, RateV1)>,
    #[serde(default)]
    remittances: Vec<(Box<str>, RemittanceV1)>,
    // Since version 4.
    #[serde(default)]
    channels: Vec<ChannelV1>,
}

pub(super) fn directory_parts(body: &[u8]) -> Result<DirectoryParts, JournalFault> {
    let form: DirectoryV1 = from_slice("directory", body)?;
    Ok(DirectoryParts {
        sequence: form.sequence,
        at: Timestamp::from_micros(form.at),
        accounts: form.accounts,
        clouds: form.clouds.into_iter().map(|(id, payer)| (id, AccountIndex(payer))).collect(),
        changes: form
            .changes
            .into_iter()
            .map(|(cloud, payer, at)| (CloudIndex(cloud), AccountIndex(payer), Timestamp::from_micros(at)))
            .collect(),
        keys: form.keys.into_iter().map(Remembered::try_from).collect::<Result<_, _>>()?,
        enterprises: form.enterprises,
        rates: form
            .rates
            .into_iter()
            .map(|(from, to, day, rate)| Ok((currency_of(&from)?, currency_of(&to)?, day, rate.try_into()?)))
            .collect::<Result<_, JournalFault>>()?,
        remittances: form
            .remittances
            .into_iter()
            .map(|(id, received)| Ok((id, received.try_into()?)))
            .collect::<Result<_, JournalFault>>()?,
        channels: form.channels.into_iter().map(Into::into).collect(),
    })
}
