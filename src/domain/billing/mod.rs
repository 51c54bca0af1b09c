//! Bills, the assets that pay them, and what was bought at once (rules C5, D1–D9).

pub mod asset;
pub mod bill;
pub mod coupon;
pub mod order;
pub mod payment_method;
pub mod rate;
pub mod settlement;

use std::collections::BTreeMap;

use self::bill::Bills;
use self::coupon::Coupons;
use self::order::Order;
use self::payment_method::PaymentMethods;
use self::rate::Rate;
use self::settlement::{Settlement, Settlements};
use super::account_event::AccountEvent;
use super::ids::Currency;
use super::money::{Money, RunningSum};
use super::time::Cycle;

/// What an account pays its bills with and by which settings, but for its cash (rules C5, D2, D3, D5–D9, D11).
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Billing {
    /// Coupons and vouchers (rule D7).
    pub coupons: Coupons,
    /// What coupons have deducted from charges of open cycles (rule C5).
    pub deducted: BTreeMap<Cycle, Money>,
    /// Credit refund by the month of the refund (rule D5); nothing that is zero.
    pub credit_refund: BTreeMap<Cycle, Money>,
    /// Bills are paid by a person alone (rule D3).
    pub write_off_by_hand: bool,
    /// Credit refund pays older bills too (rule D5).
    pub write_off_previous_bills: bool,
    /// Tax on every bill (rule D2).
    pub tax_rate: Rate,
    /// By the first cycle that it holds for, the settlement currency that was set (rule D9).
    pub settlement_currencies: BTreeMap<Cycle, Currency>,
    /// Purchases by their id (rule D6).
    pub orders: BTreeMap<Box<str>, Order>,
    /// Unified settlements (rule D8).
    pub settlements: Settlements,
    /// Third-party payment methods (rule D10).
    pub payment_methods: PaymentMethods,
    /// Remittances that were claimed, with their amounts (rule D11).
    pub remittances: BTreeMap<Box<str>, Money>,
    /// The bills.
    pub bills: Bills,
}

impl Billing {
    /// A copy of everything but purchases, of which there may be very many.
    #[must_use]
    pub fn but_orders(&self) -> Self {
        Self {
            coupons: self.coupons.clone(),
            deducted: self.deducted.clone(),
            credit_refund: self.credit_refund.clone(),
            write_off_by_hand: self.write_off_by_hand,
            write_off_previous_bills: self.write_off_previous_bills,
            tax_rate: self.tax_rate,
            settlement_currencies: self.settlement_currencies.clone(),
            orders: BTreeMap::new(),
            settlements: self.settlements.clone(),
            payment_methods: self.payment_methods.clone(),
            remittances: self.remittances.clone(),
            bills: self.bills.clone(),
        }
    }

    /// What credit refund is left in all (rule B1).
    pub fn credit_refund_total(&self) -> Money {
        let sum = self.credit_refund.values().fold(RunningSum::default(), |sum, left| sum.plus(*left));
        sum.total().expect("invariant: credit refund was checked to fit")
    }

    /// Whether bills are written off by themselves, and coupons deduct as charges post (rules C5, D3, D8).
    pub fn writes_off(&self) -> bool {
        !self.write_off_by_hand && self.settlements.open().next().is_none()
    }

    /// Whether a charge must be looked at for coupons (rule C5).
    pub fn deducts(&self) -> bool {
        self.writes_off() && self.coupons.has_live()
    }

    /// Adds to the credit refund of a month, or takes from it.
    pub(super) fn refund_credit(&mut self, month: Cycle, amount: Money) {
        let left = self.credit_refund.entry(month).or_default();
        *left = left.checked_add(amount).expect("invariant: credit refund was checked to fit");
        if *left == Money::ZERO {
            self.credit_refund.remove(&month);
        }
    }

    /// The currency that a cycle's bill is settled in, if it is not the account's own (rule D9).
    pub fn settlement_currency(&self, cycle: Cycle, own: Currency) -> Option<Currency> {
        let (_, currency) = self.settlement_currencies.range(..=cycle).next_back()?;
        (*currency != own).then_some(*currency)
    }

    /// Applies what concerns coupons, settings and payment methods alone.
    pub(super) fn apply(&mut self, event: &AccountEvent) {
        let methods = &mut self.payment_methods;
        match event {
            AccountEvent::CouponGranted { coupon } => self.coupons.grant((**coupon).clone()),
            AccountEvent::CouponExpired { number, .. } => self.coupons.expire(*number),
            AccountEvent::AutomaticWriteOffSet { enabled } => self.write_off_by_hand = !enabled,
            AccountEvent::WriteOffPreviousBillsSet { enabled } => self.write_off_previous_bills = *enabled,
            AccountEvent::TaxRateSet { after, .. } => self.tax_rate = *after,
            AccountEvent::SettlementCurrencySet { from, currency } => {
                self.settlement_currencies.insert(*from, *currency);
            }
            AccountEvent::UnifiedSettlementStarted { settlement, cycles, assets } => {
                let begun = Settlement { cycles: cycles.to_vec(), assets: assets.to_vec(), end: None };
                self.settlements.by_id.insert(settlement.clone(), begun);
            }
            AccountEvent::PaymentMethodEdited { method, linked } => {
                methods.by_id.insert(method.clone(), linked.clone());
            }
            AccountEvent::PaymentMethodLinked { method, linked } => {
                methods.by_id.insert(method.clone(), linked.clone());
                // The first one is used if none is named.
                methods.default.get_or_insert_with(|| method.clone());
            }
            AccountEvent::PaymentMethodUnlinked { method } => {
                methods.by_id.remove(method);
                methods.default.take_if(|default| default == method);
            }
            AccountEvent::DefaultPaymentMethodSet { method } => methods.default = Some(method.clone()),
            _ => unreachable!("invariant: the account applies everything else"),
        }
    }
}
