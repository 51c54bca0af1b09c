//! One account in a snapshot, with its payment relationships.

use super::billing::cycle_of;
use super::crossing::{InboxV1, OutboxV1};
use super::parts::{
    ProfileV1, RememberedV1, currency_of, kind_number, kind_of, offset_of, status_number, status_of,
};
use super::snapshot_billing::BillingV1;
use super::standing::WatchV1;
use crate::domain::account::{AccountParts, Rare};
use crate::domain::billing::Billing;
use crate::domain::charge::Category;
use crate::domain::holds::{Hold, HoldState, Holds};
use crate::domain::ids::{AccountIndex, CloudIndex, EnterpriseIndex};
use crate::domain::imports::{ImportedUpTo, Reading};
use crate::domain::keys::Remembered;
use crate::domain::money::Money;
use crate::domain::paid_cloud_account::{ChargeSum, PaidCloudAccount};
use crate::domain::standing::Watch;
use crate::domain::time::{Cycle, Timestamp};
use crate::domain::transfer_book::{Pair, TransferBook};
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
    // Since version 3 of snapshots.
    #[serde(default)]
    open_from: u32,
    #[serde(default)]
    billing: Option<Box<BillingV1>>,
    // Since version 4 of snapshots.
    #[serde(default)]
    watch: Option<Box<WatchV1>>,
    /// Overdue 1, suspended 2.
    #[serde(default)]
    standing: u8,
}

#[derive(Serialize, Deserialize)]
struct RareV1 {
    profile: ProfileV1,
    quota: i128,
    quota_consumed: i128,
    canceled_at: Option<i64>,
    keys: Vec<RememberedV1>,
    imports: Vec<(Box<str>, u32, u64)>,
    // Since version 2 of snapshots.
    #[serde(default)]
    enterprise: Option<u32>,
    /// Consumed, and by giver what was transferred and revoked.
    #[serde(default)]
    transfer_book: (i128, Vec<(u32, i128, i128)>),
    #[serde(default)]
    holds: Vec<HoldV1>,
    /// By cycle, how many and the sum.
    #[serde(default)]
    captured: Vec<(u32, u64, i128)>,
    #[serde(default)]
    withdrawn: i128,
    #[serde(default)]
    outbox: OutboxV1,
    #[serde(default)]
    inbox: InboxV1,
}

#[derive(Serialize, Deserialize)]
struct HoldV1 {
    id: Box<str>,
    amount: i128,
    expires_at: i64,
    state: HoldStateV1,
    changed_at: i64,
}

#[derive(Serialize, Deserialize)]
enum HoldStateV1 {
    Open,
    Captured(i128),
    Released,
    Expired,
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
            rare: parts.rare.as_deref().map(RareV1::from),
            payments: payments
                .map(|(cloud, paid)| PaymentV1 {
                    cloud: cloud.0,
                    sums: paid
                        .sums()
                        .filter(|sum| sum.cycle >= parts.open_from)
                        .map(|sum| (sum.cycle.index(), sum.category as u8, sum.charges, sum.amount.units()))
                        .collect(),
                })
                .collect(),
            open_from: parts.open_from.index(),
            billing: parts.billing.as_deref().map(|billing| Box::new(billing.into())),
            watch: parts.watch.as_deref().map(|watch| Box::new(watch.into())),
            standing: u8::from(parts.overdue) | u8::from(parts.suspended) << 1,
        }
    }

    pub(in crate::journal) fn into_state(self) -> Result<AccountState, JournalFault> {
        let rare = self.rare.map(RareV1::into_rare).transpose()?.map(Box::new);
        let billing = self.billing.map(|form| Billing::try_from(*form)).transpose()?.map(Box::new);
        let watch = self.watch.map(|form| Watch::try_from(*form)).transpose()?.map(Box::new);
        if self.standing > 3 {
            return Err(JournalFault::Malformed("standing"));
        }
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
            open_from: cycle_of(self.open_from)?,
            rare,
            billing,
            watch,
            overdue: self.standing & 1 != 0,
            suspended: self.standing & 2 != 0,
        };
        let payments = self.payments.into_iter().map(PaymentV1::into_payment).collect::<Result<_, _>>()?;
        Ok((AccountIndex(self.index), parts, payments))
    }
}

impl From<&Rare> for RareV1 {
    fn from(rare: &Rare) -> Self {
        let pair =
            |(giver, pair): (AccountIndex, Pair)| (giver.0, pair.transferred.units(), pair.revoked.units());
        Self {
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
            enterprise: rare.enterprise.map(|enterprise| enterprise.0),
            transfer_book: (
                rare.transfer_book.consumed().units(),
                rare.transfer_book.pairs().map(pair).collect(),
            ),
            holds: rare.holds.iter().map(HoldV1::new).collect(),
            captured: rare
                .captured
                .iter()
                .map(|(cycle, (count, amount))| (cycle.index(), *count, amount.units()))
                .collect(),
            withdrawn: rare.withdrawn.units(),
            outbox: (&rare.outbox).into(),
            inbox: (&rare.inbox).into(),
        }
    }
}

impl RareV1 {
    fn into_rare(self) -> Result<Rare, JournalFault> {
        let money = Money::from_units;
        let (consumed, pairs) = self.transfer_book;
        let pairs = pairs.into_iter().map(|(giver, transferred, revoked)| {
            (AccountIndex(giver), Pair { transferred: money(transferred), revoked: money(revoked) })
        });
        Ok(Rare {
            profile: self.profile.try_into()?,
            quota: money(self.quota),
            quota_consumed: money(self.quota_consumed),
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
            enterprise: self.enterprise.map(EnterpriseIndex),
            transfer_book: TransferBook::from_parts(money(consumed), pairs)
                .ok_or(JournalFault::Malformed("transfer book"))?,
            holds: Holds::from_parts(self.holds.into_iter().map(HoldV1::into_hold))
                .ok_or(JournalFault::Malformed("holds"))?,
            captured: self
                .captured
                .into_iter()
                .map(|(cycle, count, amount)| Ok((cycle_of(cycle)?, (count, money(amount)))))
                .collect::<Result<_, JournalFault>>()?,
            withdrawn: money(self.withdrawn),
            outbox: self.outbox.try_into()?,
            inbox: self.inbox.into(),
        })
    }
}

impl HoldV1 {
    fn new((id, hold): (&str, &Hold)) -> Self {
        Self {
            id: id.into(),
            amount: hold.amount.units(),
            expires_at: hold.expires_at.micros(),
            state: match hold.state {
                HoldState::Open => HoldStateV1::Open,
                HoldState::Captured(amount) => HoldStateV1::Captured(amount.units()),
                HoldState::Released => HoldStateV1::Released,
                HoldState::Expired => HoldStateV1::Expired,
            },
            changed_at: hold.changed_at.micros(),
        }
    }

    fn into_hold(self) -> (Box<str>, Hold) {
        let hold = Hold {
            amount: Money::from_units(self.amount),
            expires_at: Timestamp::from_micros(self.expires_at),
            state: match self.state {
                HoldStateV1::Open => HoldState::Open,
                HoldStateV1::Captured(amount) => HoldState::Captured(Money::from_units(amount)),
                HoldStateV1::Released => HoldState::Released,
                HoldStateV1::Expired => HoldState::Expired,
            },
            changed_at: Timestamp::from_micros(self.changed_at),
        };
        (self.id, hold)
    }
}

impl PaymentV1 {
    fn into_payment(self) -> Result<(CloudIndex, PaidCloudAccount), JournalFault> {
        let sums = self
            .sums
            .into_iter()
            .map(|(cycle, category, charges, amount)| {
                Ok(ChargeSum {
                    cycle: cycle_of(cycle)?,
                    category: Category::from_number(category).ok_or(JournalFault::Malformed("category"))?,
                    charges,
                    amount: Money::from_units(amount),
                })
            })
            .collect::<Result<Vec<_>, JournalFault>>()?;
        Ok((CloudIndex(self.cloud), PaidCloudAccount::from_sums(&sums)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::Status;
    use crate::domain::crossing::{Cargo, Party};
    use crate::domain::ids::Currency;
    use crate::domain::profile::AccountType;
    use crate::domain::time::UtcOffset;
    use crate::journal::forms::from_slice;

    fn parts(rare: Rare) -> AccountParts {
        AccountParts {
            unsettled_current: Money::from_units(1),
            sequence: 2,
            charges: 3,
            kind: AccountType::Direct,
            status: Status::Frozen,
            currency: Currency::USD,
            offset: UtcOffset::default(),
            cash: Money::from_units(4),
            credit_limit: Money::from_units(5),
            at: Timestamp::from_micros(6),
            created_at: Timestamp::from_micros(7),
            open_from: Cycle::from_index(8),
            rare: Some(Box::new(rare)),
            billing: None,
            watch: None,
            overdue: false,
            suspended: false,
        }
    }

    fn everything_rare() -> Rare {
        let money = Money::from_units;
        let (day, cycle) = (Timestamp::from_micros, Cycle::from_index(5));
        let mut rare = Rare { enterprise: Some(EnterpriseIndex(2)), withdrawn: money(8), ..Rare::default() };
        rare.transfer_book.receive(AccountIndex(9), money(100));
        rare.transfer_book.receive(AccountIndex(1), money(7));
        rare.transfer_book.revoke(AccountIndex(9), money(40));
        for (id, closed) in [
            ("a", None),
            ("b", Some(HoldState::Captured(money(3)))),
            ("c", Some(HoldState::Released)),
            ("d", Some(HoldState::Expired)),
        ] {
            rare.holds.place(id, money(5), day(20), day(1));
            if let Some(state) = closed {
                rare.holds.close(id, state, day(2));
            }
        }
        rare.captured.insert(cycle, (1, money(3)));
        let key = Remembered {
            principal: "p".into(),
            key: "k".into(),
            digest: 1,
            answer: Box::from([2]),
            at: day(3),
        };
        let (other, control) = (Party::Account(AccountIndex(9)), Party::CreditControl(EnterpriseIndex(2)));
        for cargo in [
            Cargo::Transfer { amount: money(1) },
            Cargo::Revocation { amount: money(2) },
            Cargo::Credit { amount: money(3) },
            Cargo::CreditReturn {
                amount: money(4),
                moves_to: Some(AccountIndex(9)),
                remembered: Some(Box::new(key)),
            },
            Cargo::CreditReturn { amount: money(4), moves_to: None, remembered: None },
            Cargo::Joined,
            Cargo::Left,
        ] {
            rare.outbox.push(other, cargo.clone());
            rare.outbox.push(control, cargo);
        }
        rare.outbox.acknowledge(3);
        rare.inbox.receive(other, 6);
        rare.inbox.receive(control, u64::MAX);
        rare
    }

    #[test]
    fn accounts_read_back_with_everything_that_is_rare() {
        let mut parts = parts(everything_rare());
        parts.billing = Some(Box::new(Billing { write_off_by_hand: true, ..Billing::default() }));
        let form = AccountV1::new(AccountIndex(3), &parts, std::iter::empty());
        let bytes = rmp_serde::to_vec(&form).unwrap();
        let read: AccountV1 = from_slice("account", &bytes).unwrap();
        assert_eq!(read.into_state().unwrap(), (AccountIndex(3), parts, Vec::new()));
    }

    #[test]
    fn what_versions_2_and_3_say_reads_with_defaults() {
        let parts = AccountParts { open_from: Cycle::default(), ..parts(everything_rare()) };
        let bytes = rmp_serde::to_vec(&AccountV1::new(AccountIndex(3), &parts, std::iter::empty())).unwrap();
        // One array of eighteen fields: fourteen of version 2, and two more of each version since, which are 0 and nothing, a
        // byte each.
        let (body, added) = bytes[3..].split_at(bytes.len() - 7);
        assert_eq!((&bytes[..3], added), (&[0xdc, 0, 18][..], &[0, 0xc0, 0xc0, 0][..]));
        for old in [[&[0x9e], body].concat(), [&[0xdc, 0, 16], body, &[0, 0xc0]].concat()] {
            let read: AccountV1 = from_slice("account", &old).unwrap();
            assert_eq!(read.into_state().unwrap(), (AccountIndex(3), parts.clone(), Vec::new()));
        }
    }

    #[test]
    fn standings_are_two_bits() {
        for (overdue, suspended) in [(false, false), (true, false), (false, true), (true, true)] {
            let parts = AccountParts { overdue, suspended, ..parts(Rare::default()) };
            let form = AccountV1::new(AccountIndex(3), &parts, std::iter::empty());
            assert_eq!(form.into_state().unwrap().1, parts);
        }
        for standing in [4, 255] {
            let form = AccountV1::new(AccountIndex(3), &parts(Rare::default()), std::iter::empty());
            let fault = AccountV1 { standing, ..form }.into_state().unwrap_err();
            assert_eq!(fault.to_string(), "malformed standing");
        }
    }

    #[test]
    fn what_version_1_says_of_what_is_rare_reads_with_defaults() {
        let rare = Rare { quota: Money::from_units(9), ..Rare::default() };
        let form = RareV1::from(&rare);
        // The fields of version 1, as an array.
        let version_1 =
            (form.profile, form.quota, form.quota_consumed, form.canceled_at, form.keys, form.imports);
        let bytes = rmp_serde::to_vec(&version_1).unwrap();
        let read: RareV1 = from_slice("account", &bytes).unwrap();
        assert_eq!(read.into_rare().unwrap(), rare);
    }
}
