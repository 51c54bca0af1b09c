//! An account's state, to and from a snapshot.

use super::marks::{Mark, Marks};
use super::{Account, Aside, Rare, Status};
use crate::domain::billing::Billing;
use crate::domain::ids::{AccountIndex, Currency};
use crate::domain::money::Money;
use crate::domain::profile::AccountType;
use crate::domain::standing::Watch;
use crate::domain::time::{Cycle, Timestamp, UtcOffset};

/// An account's state as a snapshot holds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountParts {
    /// See [`Account::unsettled_current`].
    pub unsettled_current: Money,
    /// See [`Account::sequence`].
    pub sequence: u64,
    /// See [`Account::charges`].
    pub charges: u64,
    /// Direct or ecosystem.
    pub kind: AccountType,
    /// Status.
    pub status: Status,
    /// Currency.
    pub currency: Currency,
    /// Offset.
    pub offset: UtcOffset,
    /// Cash.
    pub cash: Money,
    /// Credit limit.
    pub credit_limit: Money,
    /// Last business time.
    pub at: Timestamp,
    /// When it was opened.
    pub created_at: Timestamp,
    /// See [`Account::open_from`].
    pub open_from: Cycle,
    /// Everything rare.
    pub rare: Option<Box<Rare>>,
    /// Bills and what pays them.
    pub billing: Option<Box<Billing>>,
    /// Alert and suspension benefit.
    pub watch: Option<Box<Watch>>,
    /// See [`Account::overdue`].
    pub overdue: bool,
    /// See [`Account::suspended`].
    pub suspended: bool,
}

impl Account {
    /// The state, for a snapshot.
    pub fn to_parts(&self) -> AccountParts {
        AccountParts {
            unsettled_current: self.unsettled_current,
            sequence: self.sequence,
            charges: self.charges(),
            kind: self.kind(),
            status: self.status,
            currency: self.currency,
            offset: self.offset,
            cash: self.cash,
            credit_limit: self.credit_limit,
            at: self.at,
            created_at: self.created_at,
            open_from: self.open_from,
            rare: self.aside.as_ref().and_then(|aside| aside.rare.clone()),
            billing: self.aside.as_ref().and_then(|aside| aside.billing.clone()),
            watch: self.aside.as_ref().and_then(|aside| aside.watch.clone()),
            overdue: self.overdue(),
            suspended: self.suspended(),
        }
    }

    /// The account that a snapshot held; `None` where its sums don't fit, which no account's do.
    pub fn from_parts(index: AccountIndex, parts: AccountParts) -> Option<Self> {
        let aside = (parts.rare.is_some() || parts.billing.is_some() || parts.watch.is_some())
            .then(|| Box::new(Aside { rare: parts.rare, billing: parts.billing, watch: parts.watch }));
        let mut marks = Marks::of(parts.kind);
        marks.set(Mark::Overdue, parts.overdue);
        marks.set(Mark::Suspended, parts.suspended);
        marks.set(Mark::Costs, parts.charges > 0);
        let mut account = Self {
            available_credit: Money::ZERO,
            unsettled_current: parts.unsettled_current,
            sequence: parts.sequence,
            index,
            open_from: parts.open_from,
            attention: 0,
            marks,
            offset: parts.offset,
            status: parts.status,
            currency: parts.currency,
            cash: parts.cash,
            credit_limit: parts.credit_limit,
            at: parts.at,
            created_at: parts.created_at,
            events: parts.sequence.checked_sub(parts.charges)?,
            aside,
        };
        let deducts = account.billing().deducts();
        account.marks.set(Mark::Deducts, deducts);
        account.available_credit = account.available_credit_recomputed()?;
        account.find_attention();
        Some(account)
    }
}
