//! A billing account's own state, and the rules of its charges (rules A1, A2, B1, B2, C1).

mod apply;
mod charge;
mod crossing;
mod decide;
mod issue;
mod marks;
mod parts;
mod purchase;
mod standing;
mod view;
mod write_off;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

pub use decide::{Counterpart, Surroundings};
pub use issue::CycleSums;
pub use parts::AccountParts;
pub use view::AccountView;

use self::marks::{Mark, Marks};

use crate::domain::billing::Billing;
use crate::domain::crossing::{Inbox, Outbox};
use crate::domain::holds::Holds;
use crate::domain::ids::{AccountIndex, Currency, EnterpriseIndex};
use crate::domain::imports::Imports;
use crate::domain::keys::Keys;
use crate::domain::money::{Money, RunningSum};
use crate::domain::prefetch::prefetch;
use crate::domain::profile::{AccountType, Opening, Profile};
use crate::domain::refusals::Refusal;
use crate::domain::standing::Watch;
use crate::domain::time::{Cycle, Timestamp, UtcOffset};
use crate::domain::transfer_book::{Pair, TransferBook};
use crate::limits::LONG_OVERDUE_DAYS;

/// Status of an account (rule A2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// Everything is permitted.
    Valid,
    /// Takes charges, refunds, top-ups and write-offs only.
    Frozen,
    /// Takes late charges and refunds only.
    Canceled,
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Valid => "valid",
            Self::Frozen => "frozen",
            Self::Canceled => "canceled",
        })
    }
}

/// What is rare: kept aside so that the usual account stays small.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Rare {
    /// Facts that differ from the defaults.
    pub profile: Profile,
    /// Quota given by the partner (ecosystem).
    pub quota: Money,
    /// Consumption billed against the quota (ecosystem).
    pub quota_consumed: Money,
    /// When the account was canceled.
    pub canceled_at: Option<Timestamp>,
    /// Idempotency keys (rule J2).
    pub keys: Keys,
    /// How far imports of files without row keys have come (rule C7).
    pub imports: Imports,
    /// The enterprise it belongs to (rule A6).
    pub enterprise: Option<EnterpriseIndex>,
    /// Transferred funds, part of the cash (rules F1-F3).
    pub transfer_book: TransferBook,
    /// Reserved amounts (rule B5).
    pub holds: Holds,
    /// Purchases on credit and captured from holds, by open cycle: how many, and the sum (rules B5, D6).
    pub captured: BTreeMap<Cycle, (u64, Money)>,
    /// Cash withdrawn to the bank so far (rule D11).
    pub withdrawn: Money,
    /// What it sent to other accounts (rule F5).
    pub outbox: Outbox,
    /// What it received from them.
    pub inbox: Inbox,
}

/// One billing account: its balances and everything its rules need.
///
/// What a charge touches comes first and fills one cache line.
#[derive(Clone, PartialEq, Eq, Debug)]
#[repr(C, align(64))]
pub struct Account {
    /// Cached: what [`Account::available_credit_recomputed`] would say.
    available_credit: Money,
    unsettled_current: Money,
    sequence: u64,
    currency: Currency,
    /// The account's dense number.
    pub index: AccountIndex,
    /// The cycles before it are issued (rule D1).
    open_from: Cycle,
    /// Cached: charges that lead below this rank of available credit are looked at closer (rules H2-H4).
    attention: i32,
    offset: UtcOffset,
    status: Status,
    marks: Marks,
    cash: Money,
    credit_limit: Money,
    at: Timestamp,
    created_at: Timestamp,
    /// Records that are no charges.
    events: u64,
    aside: Option<Box<Aside>>,
}

/// What accounts get one after the other: few have what is rare, and none has bills before its first cycle ends.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
struct Aside {
    rare: Option<Box<Rare>>,
    billing: Option<Box<Billing>>,
    watch: Option<Box<Watch>>,
}

static NO_BILLING: LazyLock<Billing> = LazyLock::new(Billing::default);

const _: () = assert!(std::mem::offset_of!(Account, cash) == 64);
const _: () = assert!(size_of::<Account>() == 128);

/// Where a charge goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChargePlace {
    /// The cycle that it is posted to.
    pub cycle: Cycle,
    /// The cycle that it is of: an earlier one whose bill is issued already, or the same (rule C4).
    pub original: Cycle,
}

impl ChargePlace {
    /// Whether it corrects a bill that is issued.
    pub fn is_late(self) -> bool {
        self.original != self.cycle
    }
}

/// Why a charge can't be posted to an account, or where it goes.
pub type ChargeDecision = Result<ChargePlace, Refusal>;

impl Account {
    /// A new account with nothing in it.
    pub fn open(index: AccountIndex, opening: &Opening) -> Self {
        let mut account = Self {
            available_credit: Money::ZERO,
            unsettled_current: Money::ZERO,
            sequence: 0,
            currency: opening.currency,
            index,
            open_from: Cycle::default(),
            attention: 0,
            offset: opening.offset,
            status: Status::Valid,
            marks: Marks::of(opening.kind),
            cash: Money::ZERO,
            credit_limit: Money::ZERO,
            at: opening.at,
            created_at: opening.at,
            events: 0,
            aside: None,
        };
        if opening.profile != Profile::default() {
            account.rare_mut().profile = opening.profile.clone();
        }
        account
    }

    /// Brings what a charge touches nearer to the processor.
    #[inline]
    pub fn prefetch(&self) {
        prefetch(&self.available_credit);
    }

    /// Brings what coupons deduct by nearer to the processor, one step of the way at a time: each step reads what the one
    /// before has asked for. Free for accounts without coupons.
    #[inline]
    pub fn prefetch_coupons(&self, step: usize) {
        if !self.deducts() {
            return;
        }
        if step == 0 {
            return prefetch(&self.aside);
        }
        let Some(aside) = &self.aside else { return };
        if step == 1 {
            return prefetch(&**aside);
        }
        let Some(billing) = &aside.billing else { return };
        if step == 2 {
            prefetch(&billing.coupons);
            prefetch(&billing.deducted);
        } else {
            billing.coupons.prefetch();
        }
    }

    /// A place kept for an account whose opening is still to come.
    pub fn placeholder(index: AccountIndex) -> Self {
        let opening = Opening {
            kind: AccountType::Direct,
            currency: Currency::USD,
            offset: UtcOffset::default(),
            at: Timestamp::MIN,
            profile: Profile::default(),
        };
        Self::open(index, &opening)
    }

    /// Number of the account's newest record in the log; 0 before the first (its opening is the directory's).
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Charges posted so far.
    pub const fn charges(&self) -> u64 {
        self.sequence - self.events
    }

    /// Whether it has incurred costs: a charge was posted to it (rule A8). Costs a charge nothing to know.
    #[inline]
    pub const fn has_costs(&self) -> bool {
        self.marks.has(Mark::Costs)
    }

    /// The first cycle whose bill is not issued (rule D1).
    pub const fn open_from(&self) -> Cycle {
        self.open_from
    }

    /// Whether a charge must be looked at for coupons (rule C5).
    #[inline]
    pub const fn deducts(&self) -> bool {
        self.marks.has(Mark::Deducts)
    }

    /// What is outstanding of issued bills (rule B1).
    pub fn unsettled_previous(&self) -> Money {
        self.billing().bills.outstanding()
    }

    /// What credit refund is left (rules B1, D5).
    pub fn credit_refund(&self) -> Money {
        self.billing().credit_refund_total()
    }

    /// Whether something is past due for so long that the account may not serve itself (rule E6).
    pub fn is_long_overdue(&self, at: Timestamp) -> bool {
        let mut unsettled = self.billing().bills.unsettled();
        unsettled.any(|bill| bill.due_at.plus_days(LONG_OVERDUE_DAYS) < at)
    }

    /// Money usable now, maintained with every change (rule B1); may be negative.
    pub const fn available_credit(&self) -> Money {
        self.available_credit
    }

    /// Charges of open cycles, not yet written off; for an ecosystem account the unbilled amount.
    pub const fn unsettled_current(&self) -> Money {
        self.unsettled_current
    }

    /// Prepaid cash (rule B1).
    pub const fn cash(&self) -> Money {
        self.cash
    }

    /// The limit granted (rule B1).
    pub const fn credit_limit(&self) -> Money {
        self.credit_limit
    }

    /// The quota of an ecosystem account (rule B2).
    pub fn quota(&self) -> Money {
        self.rare().map_or(Money::ZERO, |rare| rare.quota)
    }

    /// Quota consumed by billed charges (rule B2).
    pub fn quota_consumed(&self) -> Money {
        self.rare().map_or(Money::ZERO, |rare| rare.quota_consumed)
    }

    /// Direct or ecosystem.
    pub const fn kind(&self) -> AccountType {
        self.marks.kind()
    }

    /// Valid, frozen or canceled.
    pub const fn status(&self) -> Status {
        self.status
    }

    /// Base currency.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// Offset of its months.
    pub const fn offset(&self) -> UtcOffset {
        self.offset
    }

    /// When it was opened.
    pub const fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// The business time of its last decision (rule J5).
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// The profile, where it differs from the defaults.
    pub fn profile(&self) -> Profile {
        self.rare().map_or_else(Profile::default, |rare| rare.profile.clone())
    }

    /// The enterprise it belongs to (rule A6).
    pub fn enterprise(&self) -> Option<EnterpriseIndex> {
        self.rare().and_then(|rare| rare.enterprise)
    }

    /// Transferred funds, part of the cash (rule B1).
    pub fn transfer_book(&self) -> Money {
        self.rare().map_or(Money::ZERO, |rare| rare.transfer_book.total())
    }

    /// What open holds reserve (rule B5).
    pub fn held(&self) -> Money {
        self.rare().map_or(Money::ZERO, |rare| rare.holds.held())
    }

    /// Available credit less what is held (rule B5): what may leave, or be lowered.
    pub fn spendable(&self) -> Money {
        self.available_credit.checked_sub(self.held()).unwrap_or(Money::from_units(i128::MIN))
    }

    /// Cash that it sent and nobody has received yet (rule F5).
    pub fn in_flight(&self) -> Money {
        let sent = self.rare().into_iter().flat_map(|rare| rare.outbox.waiting());
        sent.fold(RunningSum::default(), |sum, sent| sum.plus(sent.cargo.cash()))
            .total()
            .unwrap_or(Money::from_units(i128::MAX))
    }

    /// Cash that may be transferred to another account (rule F1).
    pub fn transferable(&self) -> Money {
        self.own_cash().min(self.spendable()).max(Money::ZERO)
    }

    /// Cash that `giver` may take back (rule F3).
    pub fn revocable(&self, giver: AccountIndex) -> Money {
        let pair = self.rare().and_then(|rare| rare.transfer_book.pair(giver));
        let remaining = pair.map_or(Money::ZERO, Pair::remaining);
        self.transfer_book().min(remaining).min(self.spendable()).max(Money::ZERO)
    }

    /// Cash that may leave to a bank (rule D11): never transferred funds, never what is owed.
    pub fn withdrawable(&self) -> Money {
        let owed =
            self.unsettled_current.checked_add(self.unsettled_previous()).map(|owed| owed.max(Money::ZERO));
        let free = owed.and_then(|owed| self.own_cash().checked_sub(owed)).unwrap_or(Money::ZERO);
        free.min(self.spendable()).max(Money::ZERO)
    }

    /// Cash without transferred funds.
    fn own_cash(&self) -> Money {
        self.cash.checked_sub(self.transfer_book()).unwrap_or(Money::from_units(i128::MIN))
    }

    /// The rarely used part, if there is one.
    pub fn rare(&self) -> Option<&Rare> {
        self.aside.as_ref()?.rare.as_deref()
    }

    /// The rarely used part, made when first needed.
    pub fn rare_mut(&mut self) -> &mut Rare {
        self.aside.get_or_insert_default().rare.get_or_insert_default()
    }

    /// Bills and what pays them, as if there were nothing where there is nothing.
    pub fn billing(&self) -> &Billing {
        self.aside.as_ref().and_then(|aside| aside.billing.as_deref()).unwrap_or(&NO_BILLING)
    }

    /// Bills and what pays them, made when first needed.
    pub(super) fn billing_mut(&mut self) -> &mut Billing {
        self.aside.get_or_insert_default().billing.get_or_insert_default()
    }

    /// Available credit from its parts (rules B1, B2): the check of the cached figure.
    pub fn available_credit_recomputed(&self) -> Option<Money> {
        let sum = RunningSum::default().minus(self.unsettled_current);
        let sum = match self.kind() {
            AccountType::Direct => sum
                .plus(self.cash)
                .plus(self.credit_limit)
                .plus(self.credit_refund())
                .minus(self.unsettled_previous()),
            AccountType::Ecosystem => sum.plus(self.quota()).minus(self.quota_consumed()),
        };
        sum.total()
    }
}
