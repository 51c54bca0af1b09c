//! Paying bills: by themselves, by hand, and together (rules D3–D5, D8).

use std::collections::BTreeMap;

use super::Account;
use crate::domain::account_command::{AccountCommand, PayWith};
use crate::domain::account_event::AccountEvent;
use crate::domain::billing::asset::{Asset, AssetKind, BillPayment, Portion};
use crate::domain::billing::bill::Bill;
use crate::domain::billing::coupon::{Coupons, Use};
use crate::domain::billing::settlement::{Settlement, SettlementEnd};
use crate::domain::ids::Currency;
use crate::domain::money::{Money, RunningSum};
use crate::domain::profile::{AccountType, Site};
use crate::domain::refusals::Refusal;
use crate::domain::time::{Cycle, Timestamp};
use crate::limits::{MEMBER_UNITS_MAX, PAYMENT_METHODS_MAX, SETTLEMENT_CYCLES_MAX, SETTLEMENTS_MAX};

const FITS: &str = "invariant: at most what is there is paid with";

/// What bills can be paid with, as it is used up by a plan.
struct Purse {
    at: Timestamp,
    coupons: Coupons,
    /// By how much available credit may rise: a coupon that pays raises it.
    room: Money,
    credit_refund: BTreeMap<Cycle, Money>,
    previous_bills: bool,
    transfer_book: Money,
    cash: Money,
}

impl Purse {
    /// What `kind` pays of `left` of a bill, into `parts`; what is left then.
    fn pay(&mut self, kind: AssetKind, bill: &Bill, mut left: Money, parts: &mut Vec<Portion>) -> Money {
        match kind {
            AssetKind::Coupon => {
                let used = Use { at: self.at, service: None, amount: bill.after_tax() };
                let first = parts.len();
                let kept = left.checked_sub(left.min(self.room)).expect(FITS);
                left = self.coupons.plan(used, left.min(self.room), parts).checked_add(kept).expect(FITS);
                for part in &parts[first..] {
                    let Asset::Coupon(number) = part.asset else { continue };
                    self.coupons.deduct(number, part.amount);
                    self.room = self.room.checked_sub(part.amount).expect(FITS);
                }
            }
            AssetKind::CreditRefund => {
                for (month, balance) in &mut self.credit_refund {
                    if self.previous_bills || *month <= bill.cycle {
                        left = take(Asset::CreditRefund(*month), balance, left, parts);
                    }
                }
            }
            AssetKind::TransferBook => left = take(Asset::TransferBook, &mut self.transfer_book, left, parts),
            AssetKind::Cash => left = take(Asset::Cash, &mut self.cash, left, parts),
        }
        left
    }

    /// What of `bill` is paid by assets of these kinds.
    fn pay_all(&mut self, kinds: &[AssetKind], bill: &Bill, payments: &mut Vec<BillPayment>) {
        let mut parts = Vec::new();
        let outstanding = bill.outstanding();
        kinds.iter().fold(outstanding, |left, kind| self.pay(*kind, bill, left, &mut parts));
        payments.extend(parts.into_iter().map(|part| BillPayment { cycle: bill.cycle, part }));
    }
}

fn take(asset: Asset, balance: &mut Money, left: Money, parts: &mut Vec<Portion>) -> Money {
    let amount = left.min(*balance);
    if amount <= Money::ZERO {
        return left;
    }
    *balance = balance.checked_sub(amount).expect(FITS);
    parts.push(Portion { asset, amount });
    left.checked_sub(amount).expect(FITS)
}

impl Account {
    /// What automatic write-off does now: bills oldest first, each by the order of assets; none if it is off, or there is
    /// nothing to pay or to pay with (rule D3). The credit limit is headroom and pays nothing (rule D4).
    pub fn decide_write_off(&self, at: Timestamp) -> Option<AccountEvent> {
        if self.unsettled_previous() == Money::ZERO || !self.billing().writes_off() {
            return None;
        }
        let payments = self.plan_write_off(&AssetKind::ALL, at, |_| true);
        let payments = payments.into_boxed_slice();
        (!payments.is_empty()).then_some(AccountEvent::BillsWrittenOff { payments })
    }

    fn plan_write_off(
        &self,
        kinds: &[AssetKind],
        at: Timestamp,
        of: impl Fn(Cycle) -> bool,
    ) -> Vec<BillPayment> {
        let mut payments = Vec::new();
        let mut purse = self.purse(at);
        for bill in self.billing().bills.unsettled().filter(|bill| of(bill.cycle)) {
            purse.pay_all(kinds, bill, &mut payments);
        }
        payments
    }

    fn purse(&self, at: Timestamp) -> Purse {
        let billing = self.billing();
        let most = if self.enterprise().is_some() { MEMBER_UNITS_MAX } else { i128::MAX };
        let room = Money::from_units(most).checked_sub(self.available_credit.max(Money::ZERO));
        Purse {
            at,
            coupons: billing.coupons.clone(),
            room: room.unwrap_or_default().max(Money::ZERO),
            credit_refund: billing.credit_refund.clone(),
            previous_bills: billing.write_off_previous_bills,
            transfer_book: self.usable_book(),
            cash: self.own_cash().max(Money::ZERO),
        }
    }

    /// Transferred funds that can pay: an operator may have corrected the cash to less.
    pub(super) fn usable_book(&self) -> Money {
        self.transfer_book().min(self.cash).max(Money::ZERO)
    }

    /// Takes what an asset pays; below 0 it comes back.
    pub(super) fn spend(&mut self, part: Portion) {
        let Portion { asset, amount } = part;
        match asset {
            Asset::Coupon(number) => self.billing_mut().coupons.deduct(number, amount),
            Asset::CreditRefund(month) => {
                let back = Money::ZERO.checked_sub(amount).expect(FITS);
                self.billing_mut().refund_credit(month, back);
            }
            Asset::TransferBook => {
                self.cash = self.cash.checked_sub(amount).expect(FITS);
                self.rare_mut().transfer_book.consume(amount);
            }
            Asset::Cash => self.cash = self.cash.checked_sub(amount).expect(FITS),
            Asset::Quota => {
                let consumed = self.quota_consumed().checked_add(amount);
                self.rare_mut().quota_consumed = consumed.expect(FITS);
            }
            Asset::Credit => {}
        }
    }

    pub(super) fn apply_payments(&mut self, payments: &[BillPayment], at: Timestamp) {
        for payment in payments {
            self.spend(payment.part);
            self.billing_mut().bills.pay(payment.cycle, payment.part, at);
        }
    }

    fn unsettled_bill(&self, cycle: Cycle) -> Result<&Bill, Refusal> {
        let bill = self.billing().bills.of(cycle).ok_or(Refusal::NotFound)?;
        if bill.settled_at.is_some() { Err(Refusal::BillSettled) } else { Ok(bill) }
    }

    pub(super) fn decide_pay(
        &self,
        cycle: Cycle,
        with: &[PayWith],
        at: Timestamp,
    ) -> Result<AccountEvent, Refusal> {
        let bill = self.billing().bills.of(cycle).ok_or(Refusal::NotFound)?;
        self.require(AccountType::Direct)?;
        let amounts = || {
            with.iter().map(|asset| match asset {
                PayWith::Coupon { amount, .. } | PayWith::Asset { amount, .. } => *amount,
            })
        };
        amounts().try_for_each(super::decide::positive)?;
        let mut purse = self.purse(at);
        let mut payments = Vec::new();
        if with.is_empty() {
            purse.pay_all(&AssetKind::ALL, bill, &mut payments);
            if bill.settled_at.is_none() && payments.is_empty() {
                return Err(Refusal::InsufficientAsset);
            }
        }
        let mut parts = Vec::new();
        let refused =
            with.iter().filter_map(|asset| self.pay_with(asset, bill, &mut purse, &mut parts).err());
        refused.min().map_or(Ok(()), Err)?;
        self.unsettled_bill(cycle)?;
        let left = amounts().fold(RunningSum::default().plus(bill.outstanding()), RunningSum::minus);
        if left.total().is_none_or(|left| left < Money::ZERO) {
            return Err(Refusal::ExceedsOutstanding);
        }
        if self.billing().settlements.holds(cycle) {
            return Err(Refusal::UnifiedSettlementInProgress);
        }
        payments.extend(parts.into_iter().map(|part| BillPayment { cycle, part }));
        Ok(AccountEvent::BillsWrittenOff { payments: payments.into() })
    }

    /// Plans one asset that a person has chosen.
    fn pay_with(
        &self,
        asset: &PayWith,
        bill: &Bill,
        purse: &mut Purse,
        parts: &mut Vec<Portion>,
    ) -> Result<(), Refusal> {
        let left = match asset {
            PayWith::Coupon { coupon, amount } => {
                let number = self.billing().coupons.number(coupon).ok_or(Refusal::NotFound)?;
                let chosen = purse.coupons.coupon(number).ok_or(Refusal::NotFound)?;
                if chosen.balance.min(purse.room) < *amount {
                    return Err(Refusal::InsufficientAsset);
                }
                if !chosen.fits(Use { at: purse.at, service: None, amount: bill.after_tax() }) {
                    return Err(Refusal::CouponNotApplicable);
                }
                purse.coupons.deduct(number, *amount);
                purse.room = purse.room.checked_sub(*amount).expect(FITS);
                parts.push(Portion { asset: Asset::Coupon(number), amount: *amount });
                Money::ZERO
            }
            PayWith::Asset { kind: AssetKind::CreditRefund, month: Some(month), amount } => {
                let eligible = purse.previous_bills || *month <= bill.cycle;
                let balance = purse.credit_refund.get_mut(month).ok_or(Refusal::InsufficientAsset)?;
                let left = take(Asset::CreditRefund(*month), balance, *amount, parts);
                if left == Money::ZERO && !eligible {
                    return Err(Refusal::CreditRefundNotEligible);
                }
                left
            }
            PayWith::Asset { kind, amount, .. } => {
                let left = purse.pay(*kind, bill, *amount, parts);
                // What is there, but not for this bill.
                let there =
                    purse.credit_refund.values().fold(RunningSum::default(), |sum, left| sum.plus(*left));
                let enough = there.total().is_none_or(|there| there >= left);
                if *kind == AssetKind::CreditRefund && left > Money::ZERO && enough {
                    return Err(Refusal::CreditRefundNotEligible);
                }
                left
            }
        };
        if left > Money::ZERO { Err(Refusal::InsufficientAsset) } else { Ok(()) }
    }

    pub(super) fn decide_start_settlement(
        &self,
        settlement: &str,
        cycles: &[Cycle],
        assets: &[AssetKind],
    ) -> Result<AccountEvent, Refusal> {
        self.require(AccountType::Direct)?;
        let billing = self.billing();
        let Settlement { cycles, assets, .. } = Settlement::of(cycles, assets);
        let mut bills = cycles.iter().filter(|cycle| **cycle < self.open_from);
        bills.try_for_each(|cycle| self.unsettled_bill(*cycle).map(|_| ()))?;
        if cycles.len() > SETTLEMENT_CYCLES_MAX || billing.settlements.by_id.len() >= SETTLEMENTS_MAX {
            return Err(Refusal::TooManyItems);
        }
        if cycles.iter().any(|cycle| billing.settlements.holds(*cycle)) {
            return Err(Refusal::UnifiedSettlementInProgress);
        }
        if cycles.iter().any(|cycle| *cycle >= self.open_from) {
            return Err(Refusal::CycleOpen);
        }
        Ok(AccountEvent::UnifiedSettlementStarted {
            settlement: settlement.into(),
            cycles: cycles.into(),
            assets: assets.into(),
        })
    }

    pub(super) fn decide_end_settlement(
        &self,
        settlement: &str,
        end: SettlementEnd,
        at: Timestamp,
    ) -> Result<AccountEvent, Refusal> {
        let known = self.billing().settlements.by_id.get(settlement);
        let open = known.filter(|known| known.end.is_none()).ok_or(Refusal::NotFound)?;
        let payments = match end {
            SettlementEnd::Finished => {
                self.plan_write_off(&open.assets, at, |cycle| open.cycles.contains(&cycle))
            }
            SettlementEnd::Closed => Vec::new(),
        };
        let payments = payments.into();
        Ok(AccountEvent::UnifiedSettlementEnded { settlement: settlement.into(), payments, end })
    }

    /// Settings and payment methods (rules D2, D3, D5, D9, D10).
    pub(super) fn decide_setting(
        &self,
        command: &AccountCommand,
        at: Timestamp,
    ) -> Result<AccountEvent, Refusal> {
        let billing = self.billing();
        let methods = &billing.payment_methods;
        let known = |method: &str| methods.by_id.get(method).ok_or(Refusal::NotFound);
        Ok(match command {
            AccountCommand::SetAutomaticWriteOff { enabled } => {
                if *enabled && billing.settlements.open().next().is_some() {
                    return Err(Refusal::UnifiedSettlementInProgress);
                }
                AccountEvent::AutomaticWriteOffSet { enabled: *enabled }
            }
            AccountCommand::SetWriteOffPreviousBills { enabled } => {
                self.require(AccountType::Direct)?;
                AccountEvent::WriteOffPreviousBillsSet { enabled: *enabled }
            }
            AccountCommand::SetTaxRate { rate } => {
                AccountEvent::TaxRateSet { before: billing.tax_rate, after: *rate }
            }
            AccountCommand::SetSettlementCurrency { currency } => {
                self.decide_settlement_currency(*currency, at)?
            }
            AccountCommand::LinkPaymentMethod { method, linked } => {
                if methods.by_id.len() >= PAYMENT_METHODS_MAX {
                    return Err(Refusal::TooManyItems);
                }
                AccountEvent::PaymentMethodLinked { method: method.clone(), linked: linked.clone() }
            }
            AccountCommand::EditPaymentMethod { method, token } => {
                let mut linked = known(method)?.clone();
                linked.token = token.clone();
                AccountEvent::PaymentMethodEdited { method: method.clone(), linked }
            }
            AccountCommand::UnlinkPaymentMethod { method } => {
                known(method)?;
                AccountEvent::PaymentMethodUnlinked { method: method.clone() }
            }
            AccountCommand::SetDefaultPaymentMethod { method } => {
                known(method)?;
                AccountEvent::DefaultPaymentMethodSet { method: method.clone() }
            }
            _ => unreachable!("invariant: `decide` has decided everything else"),
        })
    }

    fn decide_settlement_currency(&self, currency: Currency, at: Timestamp) -> Result<AccountEvent, Refusal> {
        const OFFERED: [&str; 4] = ["USD", "EUR", "SGD", "HKD"];
        self.require(AccountType::Direct)?;
        if self.rare().is_some_and(|rare| rare.profile.site != Site::International) {
            return Err(Refusal::NotSupportedForAccountType);
        }
        if !OFFERED.contains(&currency.as_str()) && currency != self.currency {
            return Err(Refusal::CurrencyMismatch);
        }
        let from = Cycle::of(at, self.offset).map(Cycle::next).filter(|from| *from <= Cycle::LAST);
        let from = from.ok_or(Refusal::TimeOutOfRange)?;
        Ok(AccountEvent::SettlementCurrencySet { from, currency })
    }

    pub(super) fn decide_claim(
        &self,
        remittance: &str,
        amount: Money,
        currency: Currency,
    ) -> Result<AccountEvent, Refusal> {
        self.require(AccountType::Direct)?;
        if currency != self.currency {
            return Err(Refusal::CurrencyMismatch);
        }
        let cash_after = self.cash.checked_add(amount).ok_or(Refusal::AmountOverflow)?;
        let event = AccountEvent::RemittanceClaimed { remittance: remittance.into(), amount, cash_after };
        self.check_fits(&event)?;
        self.may_claim()?;
        Ok(event)
    }

    /// What the account's settings, coupons and purchases say of a command that was done before: it has no effect. What
    /// names something that is not there is refused before anything else.
    pub(super) fn billing_done_already(&self, command: &AccountCommand) -> Result<bool, Refusal> {
        let billing = self.billing();
        let same = |known: bool| if known { Ok(true) } else { Err(Refusal::AlreadyExists) };
        let there = |known: bool| if known { Ok(false) } else { Err(Refusal::NotFound) };
        match command {
            AccountCommand::GrantCoupon { coupon } => match billing.coupons.number(&coupon.id) {
                None => Ok(false),
                Some(number) => {
                    same(billing.coupons.coupon(number).is_some_and(|known| known.terms == **coupon))
                }
            },
            AccountCommand::Purchase { order, amount, .. } => match billing.orders.get(order) {
                None => Ok(false),
                Some(known) => same(known.amount == *amount),
            },
            AccountCommand::RefundPurchase { order, refund, amount } => {
                let known = billing.orders.get(order).ok_or(Refusal::NotFound)?;
                match known.refunds.iter().find(|known| known.id == *refund) {
                    None => Ok(false),
                    Some(known) => same(known.amount == *amount),
                }
            }
            AccountCommand::ClaimRemittance { remittance, .. } => {
                Ok(billing.remittances.contains_key(remittance))
            }
            AccountCommand::StartUnifiedSettlement { settlement, cycles, assets } => {
                let mut bills = cycles.iter().filter(|cycle| **cycle < self.open_from);
                match billing.settlements.by_id.get(settlement) {
                    None => there(bills.all(|cycle| billing.bills.of(*cycle).is_some())),
                    // One that has ended does not begin again.
                    Some(known) => same(*known == Settlement::of(cycles, assets)),
                }
            }
            AccountCommand::EndUnifiedSettlement { settlement, end } => {
                let known = billing.settlements.by_id.get(settlement);
                there(known.is_some_and(|known| known.end.is_none_or(|known| known == *end)))?;
                Ok(known.is_some_and(|known| known.end == Some(*end)))
            }
            AccountCommand::PayBill { cycle, with } => {
                let mut coupons = with.iter().filter_map(|asset| match asset {
                    PayWith::Coupon { coupon, .. } => Some(coupon),
                    PayWith::Asset { .. } => None,
                });
                let known = |coupon: &str| billing.coupons.number(coupon).is_some();
                there(billing.bills.of(*cycle).is_some() && coupons.all(|coupon| known(coupon)))
            }
            AccountCommand::EditPaymentMethod { method, .. }
            | AccountCommand::UnlinkPaymentMethod { method }
            | AccountCommand::SetDefaultPaymentMethod { method } => {
                there(billing.payment_methods.by_id.contains_key(method))
            }
            AccountCommand::LinkPaymentMethod { method, linked } => {
                match billing.payment_methods.by_id.get(method) {
                    None => Ok(false),
                    Some(known) => same(known == linked),
                }
            }
            _ => Ok(false),
        }
    }
}
