//! Coupons granted, purchases and their refunds (rules D5–D7).

use super::Account;
use super::decide::positive;
use crate::domain::account_event::AccountEvent;
use crate::domain::billing::asset::{Asset, Portion};
use crate::domain::billing::coupon::{CouponTerms, Use};
use crate::domain::billing::order::{Order, Refund};
use crate::domain::ids::CloudIndex;
use crate::domain::money::{Money, RunningSum};
use crate::domain::profile::AccountType;
use crate::domain::refusals::Refusal;
use crate::domain::time::{Cycle, Timestamp};
use crate::limits::{COUPONS_MAX, ORDERS_MAX, REFUNDS_MAX, REMITTANCES_MAX};

const FITS: &str = "invariant: sums were checked by decide";

impl Account {
    pub(super) fn decide_grant_coupon(
        &self,
        coupon: &CouponTerms,
        at: Timestamp,
    ) -> Result<AccountEvent, Refusal> {
        positive(coupon.nominal)?;
        // Then every sum of what coupons pay fits.
        let granted = self.billing().coupons.iter().map(|coupon| coupon.terms.nominal);
        let granted = granted.fold(RunningSum::default().plus(coupon.nominal), RunningSum::plus);
        granted.total().ok_or(Refusal::AmountOverflow)?;
        if coupon.ends_at <= coupon.starts_at || coupon.ends_at <= at {
            return Err(Refusal::TimeOutOfRange);
        }
        if self.billing().coupons.iter().len() >= COUPONS_MAX {
            return Err(Refusal::TooManyItems);
        }
        Ok(AccountEvent::CouponGranted { coupon: Box::new(coupon.clone()) })
    }

    /// A purchase is paid at once: by coupons, transferred funds and own cash; the rest becomes unsettled.
    pub(super) fn decide_purchase(
        &self,
        order: &str,
        amount: Money,
        cloud: Option<CloudIndex>,
        service: Option<&str>,
        at: Timestamp,
    ) -> Result<AccountEvent, Refusal> {
        self.not_frozen()?;
        positive(amount)?;
        let mut funding = Vec::new();
        let used = Use { at, service, amount };
        let rest = self.billing().coupons.plan(used, amount, &mut funding);
        self.available_credit.checked_sub(rest).ok_or(Refusal::AmountOverflow)?;
        let book = self.usable_book().min(rest);
        let own = self.own_cash().max(Money::ZERO);
        let own = own.min(rest.checked_sub(book).expect(FITS));
        let credit = rest.checked_sub(book).and_then(|rest| rest.checked_sub(own)).expect(FITS);
        let parts = [(Asset::TransferBook, book), (Asset::Cash, own), (Asset::Credit, credit)];
        let parts = parts.into_iter().filter(|(_, amount)| *amount > Money::ZERO);
        funding.extend(parts.map(|(asset, amount)| Portion { asset, amount }));
        let cycle = Cycle::of(at, self.offset).map(|cycle| cycle.max(self.open_from));
        self.check_captured_fits(cycle.unwrap_or_default(), credit)?;
        if rest > self.spendable() {
            return Err(Refusal::InsufficientSpendable);
        }
        let cycle = cycle.ok_or(Refusal::TimeOutOfRange)?;
        if self.billing().orders.len() >= ORDERS_MAX {
            return Err(Refusal::TooManyItems);
        }
        Ok(AccountEvent::Purchased {
            order: order.into(),
            amount,
            funding: funding.into(),
            cycle,
            cloud,
            service: service.map(Into::into),
        })
    }

    /// A refund takes the funding back, the last part first. A canceled account takes it too (rule A2).
    pub(super) fn decide_refund(
        &self,
        order: &str,
        refund: &str,
        amount: Money,
        at: Timestamp,
    ) -> Result<AccountEvent, Refusal> {
        positive(amount)?;
        let bought = self.billing().orders.get(order).ok_or(Refusal::NotFound)?;
        let month = Cycle::of(at, self.offset);
        let (mut returned, mut forfeited, mut back) = (Vec::new(), Money::ZERO, Money::ZERO);
        for part in bought.taken_back(amount) {
            if let Asset::Coupon(number) = part.asset {
                let coupon = self.billing().coupons.coupon(number);
                if coupon.is_none_or(|coupon| coupon.expired || coupon.terms.ends_at <= at) {
                    forfeited = forfeited.checked_add(part.amount).expect(FITS);
                    continue;
                }
            } else {
                back = back.checked_add(part.amount).expect(FITS);
            }
            if (part.asset, self.kind()) == (Asset::Credit, AccountType::Ecosystem) {
                let less = Money::ZERO.checked_sub(part.amount).expect(FITS);
                self.check_captured_fits(month.unwrap_or_default().max(self.open_from), less)?;
            }
            returned.push(part);
        }
        self.check_room(back)?;
        if amount > bought.refundable() {
            return Err(Refusal::ExceedsRefundable);
        }
        let month = month.ok_or(Refusal::TimeOutOfRange)?;
        if bought.refunds.len() >= REFUNDS_MAX {
            return Err(Refusal::TooManyItems);
        }
        Ok(AccountEvent::PurchaseRefunded {
            order: order.into(),
            refund: refund.into(),
            amount,
            returned: returned.into(),
            forfeited,
            month,
        })
    }

    /// Refuses what would raise cash, transferred funds, credit refund and available credit by so much that they don't fit.
    fn check_room(&self, more: Money) -> Result<(), Refusal> {
        for figure in [self.available_credit, self.cash, self.transfer_book(), self.credit_refund()] {
            let after = figure.checked_add(more).ok_or(Refusal::AmountOverflow)?;
            if more > Money::ZERO && !self.leaves_room(after) {
                return Err(Refusal::AmountOverflow);
            }
        }
        Ok(())
    }

    pub(super) fn may_claim(&self) -> Result<(), Refusal> {
        if self.billing().remittances.len() >= REMITTANCES_MAX { Err(Refusal::TooManyItems) } else { Ok(()) }
    }

    pub(super) fn coupon_expired(&self, number: u32) -> AccountEvent {
        let left = self.billing().coupons.coupon(number).map_or(Money::ZERO, |coupon| coupon.balance);
        AccountEvent::CouponExpired { number, amount: left }
    }

    pub(super) fn apply_purchase(
        &mut self,
        order: &str,
        amount: Money,
        funding: &[Portion],
        cycle: Cycle,
        at: Timestamp,
    ) {
        for part in funding {
            self.spend(*part);
            if part.asset == Asset::Credit {
                self.buy_on_credit(cycle, part.amount);
            }
        }
        let bought = Order { amount, funding: funding.into(), at, refunds: Vec::new() };
        self.billing_mut().orders.insert(order.into(), bought);
    }

    /// Posts a purchase that nothing has paid yet to an open cycle.
    pub(super) fn buy_on_credit(&mut self, cycle: Cycle, amount: Money) {
        let (count, bought) = self.rare_mut().captured.entry(cycle).or_default();
        *count += 1;
        *bought = bought.checked_add(amount).expect(FITS);
        self.unsettled_current = self.unsettled_current.checked_add(amount).expect(FITS);
    }

    pub(super) fn apply_refund(&mut self, order: &str, refund: Refund, month: Cycle) {
        for part in &refund.returned {
            let back = Money::ZERO.checked_sub(part.amount).expect(FITS);
            match (part.asset, self.kind()) {
                (Asset::Credit, AccountType::Direct) => self.billing_mut().refund_credit(month, part.amount),
                (Asset::Credit, AccountType::Ecosystem) => {
                    self.buy_on_credit(month.max(self.open_from), back);
                }
                (asset, _) => self.spend(Portion { asset, amount: back }),
            }
        }
        let bought = self.billing_mut().orders.get_mut(order);
        bought.expect("invariant: only purchases are refunded").refunds.push(refund);
    }
}
