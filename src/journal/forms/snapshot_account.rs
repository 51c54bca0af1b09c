//! One account in a snapshot, with its payment relationships.

use super::parts::{
    ProfileV1, RememberedV1, currency_of, kind_number, kind_of, offset_of, status_number, status_of,
};
use crate::domain::account::{AccountParts, Rare};
use crate::domain::charge::Category;
use crate::domain::ids::{AccountIndex, CloudIndex};
use crate::domain::imports::{ImportedUpTo, Reading};
use crate::domain::keys::Remembered;
use crate::domain::money::Money;
use crate::domain::paid_cloud_account::{ChargeSum, PaidCloudAccount};
use crate::domain::time::{Cycle, Timestamp};
use crate::journal::JournalFault;
use serde::{Deserialize, Serialize};

/// One account in a snapshot, with the payment relationships of its shard.
#[derive(Serialize, Deserialize)]
pub(in crate::journal) struct AccountV1 {
    index: u32,
    unsettled_current: i128,
    sequence: u64,
    charges: u64,
    kind: u8,
    status: u8,
    currency: Box<str>,
    offset: i16,
    cash: i128,
    credit_limit: i128,
    at: i64,
    created_at: i64,
    rare: Option<RareV1>,
    payments: Vec<PaymentV1>,
}

#[derive(Serialize, Deserialize)]
struct RareV1 {
    profile: ProfileV1,
    quota: i128,
    quota_consumed: i128,
    canceled_at: Option<i64>,
    keys: Vec<RememberedV1>,
    imports: Vec<(Box<str>, u32, u64)>,
}

#[derive(Serialize, Deserialize)]
struct PaymentV1 {
    cloud: u32,
    sums: Vec<(u32, u8, u64, i128)>,
}

/// One account as a snapshot holds it: its number, its state, and what it owes for each cloud account.
pub type AccountState = (AccountIndex, AccountParts, Vec<(CloudIndex, PaidCloudAccount)>);

impl AccountV1 {
    pub(in crate::journal) fn new<'a>(
        index: AccountIndex,
        parts: &AccountParts,
        payments: impl Iterator<Item = (CloudIndex, &'a PaidCloudAccount)>,
    ) -> Self {
        Self {
            index: index.0,
            unsettled_current: parts.unsettled_current.units(),
            sequence: parts.sequence,
            charges: parts.charges,
            kind: kind_number(parts.kind),
            status: status_number(parts.status),
            currency: parts.currency.as_str().into(),
            offset: parts.offset.minutes(),
            cash: parts.cash.units(),
            credit_limit: parts.credit_limit.units(),
            at: parts.at.micros(),
            created_at: parts.created_at.micros(),
            rare: parts.rare.as_deref().map(|rare| RareV1 {
                profile: (&rare.profile).into(),
                quota: rare.quota.units(),
                quota_consumed: rare.quota_consumed.units(),
                canceled_at: rare.canceled_at.map(Timestamp::micros),
                keys: rare.keys.iter().map(RememberedV1::from).collect(),
                imports: rare
                    .imports
                    .iter()
                    .map(|one| (one.source.clone(), one.cycle.index(), one.row))
                    .collect(),
            }),
            payments: payments
                .map(|(cloud, paid)| PaymentV1 {
                    cloud: cloud.0,
                    sums: paid
                        .sums()
                        .map(|sum| (sum.cycle.index(), sum.category as u8, sum.charges, sum.amount.units()))
                        .collect(),
                })
                .collect(),
        }
    }

    pub(in crate::journal) fn into_state(self) -> Result<AccountState, JournalFault> {
        let rare = self.rare.map(RareV1::into_rare).transpose()?.map(Box::new);
        let parts = AccountParts {
            unsettled_current: Money::from_units(self.unsettled_current),
            sequence: self.sequence,
            charges: self.charges,
            kind: kind_of(self.kind)?,
            status: status_of(self.status)?,
            currency: currency_of(&self.currency)?,
            offset: offset_of(self.offset)?,
            cash: Money::from_units(self.cash),
            credit_limit: Money::from_units(self.credit_limit),
            at: Timestamp::from_micros(self.at),
            created_at: Timestamp::from_micros(self.created_at),
            rare,
        };
        let payments = self.payments.into_iter().map(PaymentV1::into_payment).collect::<Result<_, _>>()?;
        Ok((AccountIndex(self.index), parts, payments))
    }
}

impl RareV1 {
    fn into_rare(self) -> Result<Rare, JournalFault> {
        Ok(Rare {
            profile: self.profile.try_into()?,
            quota: Money::from_units(self.quota),
            quota_consumed: Money::from_units(self.quota_consumed),
            canceled_at: self.canceled_at.map(Timestamp::from_micros),
            keys: self.keys.into_iter().map(Remembered::try_from).collect::<Result<_, _>>()?,
            imports: self
                .imports
                .into_iter()
                .map(|(source, cycle, row)| ImportedUpTo {
                    source,
                    cycle: Cycle::from_index(cycle),
                    row,
                    reading: Reading::default(),
                })
                .collect(),
        })
    }
}

impl PaymentV1 {
    fn into_payment(self) -> Result<(CloudIndex, PaidCloudAccount), JournalFault> {
        let sums = self
            .sums
            .into_iter()
            .map(|(cycle, category, charges, amount)| {
                Ok(ChargeSum {
                    cycle: Cycle::from_index(cycle),
                    category: Category::from_number(category).ok_or(JournalFault::Malformed("category"))?,
                    charges,
                    amount: Money::from_units(amount),
                })
            })
            .collect::<Result<Vec<_>, JournalFault>>()?;
        Ok((CloudIndex(self.cloud), PaidCloudAccount::from_sums(&sums)))
    }
}
