//! A billing account's own state and rules (rules A1, A2, B1, B2, C1).

use std::fmt;

use super::account_command::AccountCommand;
use super::account_event::AccountEvent;
use super::charge::Category;
use super::ids::{AccountIndex, Currency};
use super::imports::{ImportedRow, Imports};
use super::keys::Keys;
use super::money::{Money, RunningSum};
use super::paid_cloud_account::PaidCloudAccount;
use super::prefetch::prefetch;
use super::profile::{AccountType, Opening, Profile};
use super::refusals::Refusal;
use super::time::{Cycle, CycleSpan, Timestamp, UtcOffset};

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
    charges: u64,
    currency: Currency,
    /// The account's dense number.
    pub index: AccountIndex,
    offset: UtcOffset,
    kind: AccountType,
    status: Status,
    cash: Money,
    credit_limit: Money,
    at: Timestamp,
    created_at: Timestamp,
    rare: Option<Box<Rare>>,
}

const _: () = assert!(std::mem::offset_of!(Account, cash) == 64);
const _: () = assert!(size_of::<Account>() == 128);

/// Why a charge can't be posted to an account, or where it goes.
pub type ChargeDecision = Result<Cycle, Refusal>;

impl Account {
    /// A new account with nothing in it.
    pub fn open(index: AccountIndex, opening: &Opening) -> Self {
        let rare = (opening.profile != Profile::default())
            .then(|| Box::new(Rare { profile: opening.profile.clone(), ..Rare::default() }));
        Self {
            available_credit: Money::ZERO,
            unsettled_current: Money::ZERO,
            sequence: 0,
            charges: 0,
            index,
            offset: opening.offset,
            kind: opening.kind,
            status: Status::Valid,
            currency: opening.currency,
            cash: Money::ZERO,
            credit_limit: Money::ZERO,
            at: opening.at,
            created_at: opening.at,
            rare,
        }
    }

    /// Brings what a charge touches nearer to the processor.
    #[inline]
    pub fn prefetch(&self) {
        prefetch(&self.available_credit);
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
        self.charges
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
        self.rare.as_ref().map_or(Money::ZERO, |rare| rare.quota)
    }

    /// Quota consumed by billed charges (rule B2).
    pub fn quota_consumed(&self) -> Money {
        self.rare.as_ref().map_or(Money::ZERO, |rare| rare.quota_consumed)
    }

    /// Direct or ecosystem.
    pub const fn kind(&self) -> AccountType {
        self.kind
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
        self.rare.as_ref().map_or_else(Profile::default, |rare| rare.profile.clone())
    }

    /// The rarely used part, if there is one.
    pub fn rare(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }

    /// The rarely used part, made when first needed.
    pub fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Available credit from its parts (rules B1, B2): the check of the cached figure.
    pub fn available_credit_recomputed(&self) -> Option<Money> {
        let sum = RunningSum::default().minus(self.unsettled_current);
        let sum = match self.kind {
            AccountType::Direct => sum.plus(self.cash).plus(self.credit_limit),
            AccountType::Ecosystem => sum.plus(self.quota()).minus(self.quota_consumed()),
        };
        sum.total()
    }

    /// Decides where a charge goes: its cycle, or why it can't be posted (rules A2, C4, D9).
    ///
    /// `span` is a cycle looked up before; it saves the calendar for the usual charge.
    #[inline]
    #[allow(clippy::too_many_arguments)] // the fields of one charge that rules look at
    pub fn decide_charge(
        &self,
        paid: &PaidCloudAccount,
        amount: Money,
        currency: Currency,
        period_start: Timestamp,
        billing_cycle: Option<Cycle>,
        category: Category,
        span: &mut Option<CycleSpan>,
    ) -> ChargeDecision {
        if self.status == Status::Canceled && !self.takes_after_cancel(amount, period_start) {
            return Err(Refusal::AccountCanceled);
        }
        if currency != self.currency {
            return Err(Refusal::CurrencyMismatch);
        }
        if self.unsettled_current.checked_add(amount).is_none()
            || self.available_credit.checked_sub(amount).is_none()
        {
            return Err(Refusal::AmountOverflow);
        }
        let cycle = match billing_cycle {
            Some(cycle) => cycle,
            None => match span {
                Some(span) if span.holds(period_start, self.offset) => span.cycle,
                _ => {
                    *span = CycleSpan::of(period_start, self.offset);
                    span.map(|span| span.cycle).ok_or(Refusal::TimeOutOfRange)?
                }
            },
        };
        paid.sum(cycle, category).checked_add(amount).map(|_| cycle).ok_or(Refusal::AmountOverflow)
    }

    /// A canceled account takes only late charges and refunds (rule A2).
    fn takes_after_cancel(&self, amount: Money, period_start: Timestamp) -> bool {
        let canceled_at = self.rare().and_then(|rare| rare.canceled_at);
        amount < Money::ZERO || canceled_at.is_some_and(|canceled_at| period_start < canceled_at)
    }

    /// Posts a charge that was decided; the account's record number rises by one.
    #[inline]
    pub fn apply_charge(
        &mut self,
        paid: &mut PaidCloudAccount,
        amount: Money,
        cycle: Cycle,
        category: Category,
    ) {
        const FITS: &str = "invariant: sums were checked by decide_charge";
        self.unsettled_current = self.unsettled_current.checked_add(amount).expect(FITS);
        self.available_credit = self.available_credit.checked_sub(amount).expect(FITS);
        self.sequence += 1;
        self.charges += 1;
        let sum = paid.sum_mut(cycle, category);
        sum.amount = sum.amount.checked_add(amount).expect(FITS);
        sum.charges += 1;
    }

    /// Decides a command (rules A2, B1, B2); `pays` tells whether cloud accounts are paid by this account.
    pub fn decide(&self, command: &AccountCommand, pays: bool) -> Result<AccountEvent, Refusal> {
        if self.status == Status::Canceled {
            return Err(Refusal::AccountCanceled);
        }
        let event = match command {
            AccountCommand::TopUp { amount, reference } => {
                self.require(AccountType::Direct)?;
                positive(*amount)?;
                let cash_after = self.cash.checked_add(*amount).ok_or(Refusal::AmountOverflow)?;
                AccountEvent::CashToppedUp { amount: *amount, cash_after, reference: reference.clone() }
            }
            AccountCommand::AdjustCash { amount, reason } => {
                self.require(AccountType::Direct)?;
                if *amount == Money::ZERO {
                    return Err(Refusal::AmountMustBePositive);
                }
                let cash_after = self.cash.checked_add(*amount).ok_or(Refusal::AmountOverflow)?;
                AccountEvent::CashAdjusted { amount: *amount, cash_after, reason: reason.clone() }
            }
            AccountCommand::GrantCreditLimit { amount } => {
                self.permits_increase(*amount > self.credit_limit)?;
                self.require(AccountType::Direct)?;
                if !self.profile().credit_enabled {
                    return Err(Refusal::CreditNotEnabled);
                }
                not_negative(*amount)?;
                AccountEvent::CreditLimitGranted { before: self.credit_limit, after: *amount }
            }
            AccountCommand::SetQuota { amount } => {
                self.permits_increase(*amount > self.quota())?;
                self.require(AccountType::Ecosystem)?;
                not_negative(*amount)?;
                AccountEvent::QuotaSet { before: self.quota(), after: *amount }
            }
            AccountCommand::RepayQuota { amount } => {
                self.require(AccountType::Ecosystem)?;
                positive(*amount)?;
                let consumed_after = self
                    .quota_consumed()
                    .checked_sub(*amount)
                    .filter(|left| *left >= Money::ZERO)
                    .ok_or(Refusal::ExceedsQuotaConsumed)?;
                AccountEvent::QuotaRepaid { amount: *amount, consumed_after }
            }
            AccountCommand::Modify { change } => {
                let profile = self.profile().changed(change.clone());
                if self.credit_limit != Money::ZERO && !profile.credit_enabled {
                    return Err(Refusal::FieldNotModifiable);
                }
                AccountEvent::ProfileModified { profile }
            }
            AccountCommand::Freeze => {
                if self.status == Status::Frozen {
                    return Err(Refusal::AccountFrozen);
                }
                AccountEvent::StatusChanged { status: Status::Frozen }
            }
            AccountCommand::Thaw => {
                if self.status != Status::Frozen {
                    return Err(Refusal::AccountNotFrozen);
                }
                AccountEvent::StatusChanged { status: Status::Valid }
            }
            AccountCommand::Cancel => {
                if self.cash != Money::ZERO {
                    return Err(Refusal::CashNotZero);
                }
                if self.unsettled_current != Money::ZERO || self.quota_consumed() != Money::ZERO {
                    return Err(Refusal::UnsettledNotZero);
                }
                if pays {
                    return Err(Refusal::PaysForCloudAccounts);
                }
                AccountEvent::StatusChanged { status: Status::Canceled }
            }
        };
        self.check_fits(&event)?;
        Ok(event)
    }

    /// A frozen account refuses an increase of its limit (rule A2).
    fn permits_increase(&self, increases: bool) -> Result<(), Refusal> {
        if increases && self.status == Status::Frozen { Err(Refusal::AccountFrozen) } else { Ok(()) }
    }

    fn require(&self, kind: AccountType) -> Result<(), Refusal> {
        if self.kind == kind { Ok(()) } else { Err(Refusal::NotSupportedForAccountType) }
    }

    /// Refuses an event after which available credit would not fit (rule B4).
    fn check_fits(&self, event: &AccountEvent) -> Result<(), Refusal> {
        let (before, after) =
            match event {
                AccountEvent::CashToppedUp { cash_after, .. }
                | AccountEvent::CashAdjusted { cash_after, .. } => (self.cash, *cash_after),
                AccountEvent::CreditLimitGranted { before, after }
                | AccountEvent::QuotaSet { before, after } => (*before, *after),
                AccountEvent::QuotaRepaid { consumed_after, .. } => (*consumed_after, self.quota_consumed()),
                AccountEvent::ProfileModified { .. } | AccountEvent::StatusChanged { .. } => return Ok(()),
            };
        after
            .checked_sub(before)
            .and_then(|change| self.available_credit.checked_add(change))
            .map(|_| ())
            .ok_or(Refusal::AmountOverflow)
    }

    /// Decides whether a row of an import continues what was imported (rule C7).
    pub fn imports_decide(&self, imported: &ImportedRow<'_>, cycle: Cycle) -> Result<(), Refusal> {
        self.rare().map_or(Ok(()), |rare| rare.imports.decide(imported, cycle))
    }

    /// Every figure of the account, with its composition (rule B3).
    pub fn view(&self) -> AccountView {
        AccountView {
            account: self.index,
            kind: self.kind,
            status: self.status,
            currency: self.currency,
            offset: self.offset,
            created_at: self.created_at,
            profile: self.profile(),
            cash: self.cash,
            credit_limit: self.credit_limit,
            quota: self.quota(),
            quota_consumed: self.quota_consumed(),
            unsettled_current: self.unsettled_current,
            available_credit: self.available_credit,
            charges: self.charges,
            sequence: self.sequence,
            at: self.at,
        }
    }

    /// Applies what happened at business time `at` (rule J5); may not fail.
    pub fn apply(&mut self, event: &AccountEvent, at: Timestamp) {
        match event {
            AccountEvent::CashToppedUp { cash_after, .. } | AccountEvent::CashAdjusted { cash_after, .. } => {
                self.cash = *cash_after;
            }
            AccountEvent::CreditLimitGranted { after, .. } => self.credit_limit = *after,
            AccountEvent::QuotaSet { after, .. } => self.rare_mut().quota = *after,
            AccountEvent::QuotaRepaid { consumed_after, .. } => {
                self.rare_mut().quota_consumed = *consumed_after;
            }
            AccountEvent::ProfileModified { profile } => self.rare_mut().profile = profile.clone(),
            AccountEvent::StatusChanged { status } => {
                self.status = *status;
                if *status == Status::Canceled {
                    self.rare_mut().canceled_at = Some(at);
                }
            }
        }
        self.sequence += 1;
        self.at = self.at.max(at);
        self.available_credit =
            self.available_credit_recomputed().expect("invariant: fits, as checked by decide");
    }
}

fn positive(amount: Money) -> Result<(), Refusal> {
    if amount > Money::ZERO { Ok(()) } else { Err(Refusal::AmountMustBePositive) }
}

fn not_negative(amount: Money) -> Result<(), Refusal> {
    if amount >= Money::ZERO { Ok(()) } else { Err(Refusal::AmountMustBePositive) }
}

/// Every figure of one account (rule B3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountView {
    /// Its number.
    pub account: AccountIndex,
    /// Direct or ecosystem.
    pub kind: AccountType,
    /// Status.
    pub status: Status,
    /// Base currency.
    pub currency: Currency,
    /// Offset of its months.
    pub offset: UtcOffset,
    /// When it was opened.
    pub created_at: Timestamp,
    /// Name, owner and settings.
    pub profile: Profile,
    /// Prepaid cash.
    pub cash: Money,
    /// Credit limit.
    pub credit_limit: Money,
    /// Quota (ecosystem).
    pub quota: Money,
    /// Quota consumed by billed charges (ecosystem).
    pub quota_consumed: Money,
    /// Unsettled charges of open cycles; of an ecosystem account, the unbilled amount.
    pub unsettled_current: Money,
    /// Available credit.
    pub available_credit: Money,
    /// Charges posted so far.
    pub charges: u64,
    /// Its newest record.
    pub sequence: u64,
    /// Business time of its last decision.
    pub at: Timestamp,
}

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
    /// Everything rare.
    pub rare: Option<Box<Rare>>,
}

impl Account {
    /// The state, for a snapshot.
    pub fn to_parts(&self) -> AccountParts {
        AccountParts {
            unsettled_current: self.unsettled_current,
            sequence: self.sequence,
            charges: self.charges,
            kind: self.kind,
            status: self.status,
            currency: self.currency,
            offset: self.offset,
            cash: self.cash,
            credit_limit: self.credit_limit,
            at: self.at,
            created_at: self.created_at,
            rare: self.rare.clone(),
        }
    }

    /// The account that a snapshot held; `None` where its sums don't fit, which no account's do.
    pub fn from_parts(index: AccountIndex, parts: AccountParts) -> Option<Self> {
        let mut account = Self {
            available_credit: Money::ZERO,
            unsettled_current: parts.unsettled_current,
            sequence: parts.sequence,
            charges: parts.charges,
            index,
            offset: parts.offset,
            kind: parts.kind,
            status: parts.status,
            currency: parts.currency,
            cash: parts.cash,
            credit_limit: parts.credit_limit,
            at: parts.at,
            created_at: parts.created_at,
            rare: parts.rare,
        };
        account.available_credit = account.available_credit_recomputed()?;
        Some(account)
    }
}
