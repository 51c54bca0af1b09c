//! What an account may do: each command becomes an event, or is refused, in the documented order.

use std::collections::BTreeSet;

use super::{Account, Status};
use crate::domain::account_command::AccountCommand;
use crate::domain::account_event::AccountEvent;
use crate::domain::billing::coupon::Coupons;
use crate::domain::holds::{Hold, HoldState};
use crate::domain::ids::{AccountIndex, Currency, EnterpriseIndex};
use crate::domain::keys::Remembered;
use crate::domain::money::Money;
use crate::domain::profile::{AccountType, ProfileChange};
use crate::domain::refusals::Refusal;
use crate::domain::time::{Cycle, Timestamp};
use crate::limits::HOLDS_MAX;

/// What the other account of a transfer answered about itself shortly before (rule F4).
///
/// It can't refuse what is in flight; so what would make it refuse is asked first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counterpart {
    /// Its number.
    pub account: AccountIndex,
    /// Its status.
    pub status: Status,
    /// Direct or ecosystem.
    pub kind: AccountType,
    /// Its currency.
    pub currency: Currency,
    /// Its enterprise.
    pub enterprise: Option<EnterpriseIndex>,
    /// Whether it may not serve itself (rule E6).
    pub may_not_serve_itself: bool,
    /// Its cash, or what was ever transferred to it and not revoked, if that is more.
    pub cash: Money,
    /// How many givers its transfer book names, unless the asking one is among them.
    pub givers: usize,
}

/// What an account can't know of itself.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Surroundings {
    /// Whether cloud accounts are paid by this account, as the directory says.
    pub pays: bool,
    /// Whether something is on its way to it.
    pub incoming: bool,
}

impl Account {
    /// What another account must know of this one before it sends something at `at`.
    pub fn counterpart(&self, asked_by: AccountIndex, at: Timestamp) -> Counterpart {
        let book = self.rare().map(|rare| &rare.transfer_book);
        // Consumption does not lower what its pairs have transferred.
        let received = book.map_or(Some(Money::ZERO), |book| book.total().checked_add(book.consumed()));
        let received = received.unwrap_or(Money::from_units(i128::MAX));
        let givers = book.filter(|book| book.pair(asked_by).is_none()).map_or(0, |book| book.pairs().len());
        Counterpart {
            account: self.index,
            status: self.status,
            kind: self.kind(),
            currency: self.currency,
            enterprise: self.enterprise(),
            may_not_serve_itself: self.may_not_serve_itself(at.max(self.at)),
            cash: self.cash.max(received),
            givers,
        }
    }

    /// Whether a partner pays for it, or it owes for too long (rule E6).
    pub fn may_not_serve_itself(&self, at: Timestamp) -> bool {
        self.rare().is_some_and(|rare| rare.profile.pay_on_behalf) || self.is_long_overdue(at)
    }

    /// What is due by `at` and must be decided before anything else (rule J5): the oldest first.
    pub fn due(&self, at: Timestamp) -> Option<(AccountEvent, Timestamp)> {
        let hold = self.rare().and_then(|rare| rare.holds.due(at));
        let hold =
            hold.map(|(hold, expires_at)| (AccountEvent::HoldExpired { hold: hold.into() }, expires_at));
        let coupon = self.aside.as_ref().and_then(|_| self.billing().coupons.due(at));
        let coupon = coupon.map(|(number, ends_at)| (self.coupon_expired(number), ends_at));
        // A coupon whose time begins is an asset that arrives (rule D3).
        let begun: BTreeSet<_> =
            self.billing().coupons.starts().filter(|start| self.at < *start && *start <= at).collect();
        let paid = begun.into_iter().find_map(|start| Some((self.decide_write_off(start)?, start)));
        let standing = self.standing_due(at);
        hold.into_iter().chain(coupon).chain(paid).chain(standing).min_by_key(|(_, due)| *due)
    }

    /// When something is due next: for whoever wakes the account then. It is later once [`Self::due`] has nothing more.
    pub fn next_due(&self) -> Option<Timestamp> {
        let aside = self.aside.as_ref()?;
        let hold = self.rare().and_then(|rare| rare.holds.due(Timestamp::MAX)).map(|(_, due)| due);
        let coupons = aside.billing.as_ref().map(|billing| &billing.coupons);
        let expiry = coupons.and_then(|coupons| coupons.due(Timestamp::MAX)).map(|(_, due)| due);
        let starts = coupons.into_iter().flat_map(Coupons::starts).filter(|start| *start > self.at);
        let starts = starts.filter(|start| self.decide_write_off(*start).is_some());
        let standing = self.standing_next().map(|(due, _)| due);
        hold.into_iter().chain(expiry).chain(starts).chain(standing).min()
    }

    /// Decides a command at business time `at`, when nothing is due any more; `None` if it was done already
    /// (rules A2, A6, B1, B2, B5, D11, E3, F1–F4).
    pub fn decide(
        &self,
        command: &AccountCommand,
        at: Timestamp,
        around: Surroundings,
    ) -> Result<Option<AccountEvent>, Refusal> {
        if self.done_already(command)? {
            return Ok(None);
        }
        if self.status == Status::Canceled && !matches!(command, AccountCommand::RefundPurchase { .. }) {
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
            AccountCommand::GrantCreditLimit { amount } => self.decide_grant(*amount)?,
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
            AccountCommand::Modify { change } => self.decide_modify(change)?,
            AccountCommand::Freeze => {
                self.not_frozen()?;
                AccountEvent::StatusChanged { status: Status::Frozen }
            }
            AccountCommand::Thaw => {
                if self.status != Status::Frozen {
                    return Err(Refusal::AccountNotFrozen);
                }
                AccountEvent::StatusChanged { status: Status::Valid }
            }
            AccountCommand::Cancel => self.decide_cancel(around)?,
            AccountCommand::WithdrawCash { amount } => self.decide_withdraw(*amount)?,
            AccountCommand::TransferCash { to, amount } => self.decide_transfer(to, *amount, at)?,
            AccountCommand::RevokeTransfer { giver, amount } => self.decide_revoke(giver, *amount, at)?,
            AccountCommand::ReturnCredit { amount, limit_after, min_available_credit_after, moves_to } => {
                self.decide_return(*amount, *limit_after, *min_available_credit_after, *moves_to)?
            }
            AccountCommand::JoinEnterprise { enterprise, same_owner } => {
                self.decide_join(*enterprise, *same_owner)?
            }
            AccountCommand::LeaveEnterprise { enterprise } => self.decide_leave(*enterprise, around)?,
            AccountCommand::PlaceHold { hold, amount, expires_at } => {
                self.may_place(*amount, *expires_at, at)?;
                AccountEvent::HoldPlaced { hold: hold.clone(), amount: *amount, expires_at: *expires_at }
            }
            AccountCommand::CaptureHold { hold, amount } => self.decide_capture(hold, *amount, at)?,
            AccountCommand::ReleaseHold { hold } => {
                is_open(self.hold(hold)?)?;
                AccountEvent::HoldReleased { hold: hold.clone() }
            }
            AccountCommand::Purchase { order, amount, cloud, service } => {
                self.decide_purchase(order, *amount, *cloud, service.as_deref(), at)?
            }
            AccountCommand::RefundPurchase { order, refund, amount } => {
                self.decide_refund(order, refund, *amount, at)?
            }
            AccountCommand::GrantCoupon { coupon } => self.decide_grant_coupon(coupon, at)?,
            AccountCommand::ClaimRemittance { remittance, amount, currency } => {
                self.decide_claim(remittance, *amount, *currency)?
            }
            AccountCommand::PayBill { cycle, with } => self.decide_pay(*cycle, with, at)?,
            AccountCommand::StartUnifiedSettlement { settlement, cycles, assets } => {
                self.decide_start_settlement(settlement, cycles, assets)?
            }
            AccountCommand::EndUnifiedSettlement { settlement, end } => {
                self.decide_end_settlement(settlement, *end, at)?
            }
            AccountCommand::SetLowBalanceAlert { enabled, threshold } => {
                return self.decide_alert_setting(*enabled, *threshold);
            }
            AccountCommand::SetSuspensionBenefit { benefit } => return self.decide_benefit(*benefit),
            setting => self.decide_setting(setting, at)?,
        };
        self.check_fits(&event)?;
        Ok(Some(event))
    }

    /// Puts the key of a command besides into the message that its event sends (rule J2).
    pub fn remember_with(event: &mut AccountEvent, key: &Remembered) {
        if let AccountEvent::CreditReturned { remembered, .. } = event {
            *remembered = Some(Box::new(key.clone()));
        }
    }

    /// A step of a hold that was done before has no effect (rule B5).
    fn done_already(&self, command: &AccountCommand) -> Result<bool, Refusal> {
        match command {
            AccountCommand::PlaceHold { hold, amount, expires_at } => match self.hold(hold) {
                Err(_) => Ok(false),
                Ok(before) if (before.amount, before.expires_at) == (*amount, *expires_at) => Ok(true),
                Ok(_) => Err(Refusal::AlreadyExists),
            },
            AccountCommand::CaptureHold { hold, amount } => {
                let before = self.hold(hold)?;
                Ok(before.state == HoldState::Captured(amount.unwrap_or(before.amount)))
            }
            AccountCommand::ReleaseHold { hold } => Ok(self.hold(hold)?.state == HoldState::Released),
            command => self.billing_done_already(command),
        }
    }

    fn decide_grant(&self, limit: Money) -> Result<AccountEvent, Refusal> {
        self.permits_increase(limit > self.credit_limit)?;
        self.require(AccountType::Direct)?;
        if !self.profile().credit_enabled {
            return Err(Refusal::CreditNotEnabled);
        }
        not_negative(limit)?;
        let event = AccountEvent::CreditLimitGranted { before: self.credit_limit, after: limit };
        self.check_fits(&event)?;
        if self.enterprise().is_some() {
            return Err(Refusal::ManagedByEnterprise);
        }
        Ok(event)
    }

    fn decide_modify(&self, change: &ProfileChange) -> Result<AccountEvent, Refusal> {
        let profile = self.profile().changed(change.clone());
        if self.credit_limit != Money::ZERO && !profile.credit_enabled {
            return Err(Refusal::FieldNotModifiable);
        }
        // What an enterprise relies on.
        let (before, member) = (self.profile(), self.enterprise().is_some());
        let disabled = before.credit_enabled && !profile.credit_enabled;
        if member && (profile.owner != before.owner || disabled) {
            return Err(Refusal::FieldNotModifiable);
        }
        Ok(AccountEvent::ProfileModified { profile })
    }

    fn decide_withdraw(&self, amount: Money) -> Result<AccountEvent, Refusal> {
        self.not_frozen()?;
        self.require(AccountType::Direct)?;
        positive(amount)?;
        let event = AccountEvent::CashWithdrawn { amount, cash_after: self.cash_less(amount)? };
        self.check_fits(&event)?;
        if amount > self.withdrawable() { Err(Refusal::ExceedsWithdrawable) } else { Ok(event) }
    }

    fn may_place(&self, amount: Money, expires_at: Timestamp, at: Timestamp) -> Result<(), Refusal> {
        self.not_frozen()?;
        positive(amount)?;
        if amount > self.spendable() {
            return Err(Refusal::InsufficientSpendable);
        }
        if expires_at <= at {
            return Err(Refusal::TimeOutOfRange);
        }
        let kept = self.rare().map_or(0, |rare| rare.holds.kept(at));
        if kept >= HOLDS_MAX { Err(Refusal::TooManyItems) } else { Ok(()) }
    }

    fn decide_cancel(&self, around: Surroundings) -> Result<AccountEvent, Refusal> {
        if self.enterprise().is_some() {
            return Err(Refusal::ManagedByEnterprise);
        }
        self.nothing_in_flight(around)?;
        if self.cash != Money::ZERO || self.credit_refund() != Money::ZERO {
            return Err(Refusal::CashNotZero);
        }
        let unsettled = [self.unsettled_current, self.unsettled_previous(), self.quota_consumed()];
        if unsettled.iter().any(|unsettled| *unsettled != Money::ZERO) {
            return Err(Refusal::UnsettledNotZero);
        }
        if around.pays {
            return Err(Refusal::PaysForCloudAccounts);
        }
        Ok(AccountEvent::StatusChanged { status: Status::Canceled })
    }

    fn decide_capture(
        &self,
        hold: &str,
        amount: Option<Money>,
        at: Timestamp,
    ) -> Result<AccountEvent, Refusal> {
        self.not_frozen()?;
        let placed = self.hold(hold)?;
        let amount = amount.unwrap_or(placed.amount);
        positive(amount)?;
        let cycle = Cycle::of(at, self.offset).map(|cycle| cycle.max(self.open_from));
        let event =
            AccountEvent::HoldCaptured { hold: hold.into(), amount, cycle: cycle.unwrap_or_default() };
        self.check_fits(&event)?;
        if amount > placed.amount {
            return Err(Refusal::InsufficientSpendable);
        }
        is_open(placed)?;
        cycle.map(|_| event).ok_or(Refusal::TimeOutOfRange)
    }

    fn hold(&self, hold: &str) -> Result<&Hold, Refusal> {
        self.rare().and_then(|rare| rare.holds.hold(hold)).ok_or(Refusal::NotFound)
    }

    pub(super) fn nothing_in_flight(&self, around: Surroundings) -> Result<(), Refusal> {
        let sent = self.rare().is_some_and(|rare| !rare.outbox.is_empty());
        if around.incoming || sent { Err(Refusal::MoneyInFlight) } else { Ok(()) }
    }

    /// Cash after so much has left.
    pub(super) fn cash_less(&self, amount: Money) -> Result<Money, Refusal> {
        self.available_credit.checked_sub(amount).ok_or(Refusal::AmountOverflow)?;
        self.cash.checked_sub(amount).ok_or(Refusal::AmountOverflow)
    }

    pub(super) fn not_frozen(&self) -> Result<(), Refusal> {
        if self.status == Status::Frozen { Err(Refusal::AccountFrozen) } else { Ok(()) }
    }

    /// A frozen account refuses an increase of its limit (rule A2).
    fn permits_increase(&self, increases: bool) -> Result<(), Refusal> {
        if increases { self.not_frozen() } else { Ok(()) }
    }

    pub(super) fn require(&self, kind: AccountType) -> Result<(), Refusal> {
        if self.kind() == kind { Ok(()) } else { Err(Refusal::NotSupportedForAccountType) }
    }

    /// Refuses an event after which a figure would not fit (rule B4), or would leave no room for what is in flight.
    pub(super) fn check_fits(&self, event: &AccountEvent) -> Result<(), Refusal> {
        let (before, after) = match event {
            AccountEvent::CashWithdrawn { amount, cash_after } => {
                let withdrawn = self.rare().map_or(Money::ZERO, |rare| rare.withdrawn);
                withdrawn.checked_add(*amount).ok_or(Refusal::AmountOverflow)?;
                (self.cash, *cash_after)
            }
            AccountEvent::CashToppedUp { cash_after, .. }
            | AccountEvent::RemittanceClaimed { cash_after, .. }
            | AccountEvent::CashAdjusted { cash_after, .. }
            | AccountEvent::CashTransferred { cash_after, .. }
            | AccountEvent::TransferRevoked { cash_after, .. } => (self.cash, *cash_after),
            AccountEvent::CreditLimitGranted { before, after } | AccountEvent::QuotaSet { before, after } => {
                (*before, *after)
            }
            AccountEvent::QuotaRepaid { consumed_after, .. } => (*consumed_after, self.quota_consumed()),
            AccountEvent::CreditReturned { limit_after, .. } => (self.credit_limit, *limit_after),
            AccountEvent::HoldCaptured { amount, cycle, .. } => {
                self.check_captured_fits(*cycle, *amount)?;
                (*amount, Money::ZERO)
            }
            _ => return Ok(()),
        };
        let change = after.checked_sub(before).ok_or(Refusal::AmountOverflow)?;
        let available = self.available_credit.checked_add(change).ok_or(Refusal::AmountOverflow)?;
        if change > Money::ZERO && !self.leaves_room(available.max(after)) {
            return Err(Refusal::AmountOverflow);
        }
        Ok(())
    }

    /// Refuses a purchase on credit after which what is unsettled would not fit.
    pub(super) fn check_captured_fits(&self, cycle: Cycle, amount: Money) -> Result<(), Refusal> {
        let captured = self.rare().and_then(|rare| rare.captured.get(&cycle));
        let captured = captured.map_or(Money::ZERO, |(_, captured)| *captured);
        captured.checked_add(amount).ok_or(Refusal::AmountOverflow)?;
        self.unsettled_current.checked_add(amount).map(|_| ()).ok_or(Refusal::AmountOverflow)
    }
}

fn is_open(hold: &Hold) -> Result<(), Refusal> {
    if hold.state == HoldState::Open { Ok(()) } else { Err(Refusal::HoldNotOpen) }
}

pub(super) fn positive(amount: Money) -> Result<(), Refusal> {
    if amount > Money::ZERO { Ok(()) } else { Err(Refusal::AmountMustBePositive) }
}

fn not_negative(amount: Money) -> Result<(), Refusal> {
    if amount >= Money::ZERO { Ok(()) } else { Err(Refusal::AmountMustBePositive) }
}
