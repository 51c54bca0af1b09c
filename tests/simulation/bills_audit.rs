//! Compares bills, and what pays them, with what the auditor has worked out.

use std::collections::BTreeMap;

use exchequer::domain::money::Money;
use exchequer::domain::time::{Cycle, Timestamp};
use exchequer::engine::billing_queries::{BillView, CouponView, OrderView, PaymentMethodView};
use exchequer::engine::queries::AccountOverview;
use exchequer::engine::{Engine, EngineError};

use crate::auditor::{same, units};
use crate::bills::{Asset, Bill, Bills};
use crate::bills_learned::check_funding;
use crate::model::{Account, Model};

/// What is shown of one account's bills.
#[derive(Clone, Debug)]
pub struct ShownBills {
    bills: Vec<BillView>,
    coupons: Vec<CouponView>,
    refund: Vec<(Cycle, Money)>,
    methods: Vec<PaymentMethodView>,
    orders: Vec<OrderView>,
}

impl ShownBills {
    pub async fn ask(engine: &Engine, id: &str, orders: &[String]) -> Result<Self, EngineError> {
        let mut shown = Vec::new();
        for order in orders {
            shown.push(engine.order_async(order).await?);
        }
        Ok(Self {
            bills: engine.bills_async(id, None).await?,
            coupons: engine.coupons_async(id).await?,
            refund: engine.credit_refund_async(id).await?,
            methods: engine.payment_methods_async(id).await?,
            orders: shown,
        })
    }
}

/// The orders of each account.
pub fn orders(model: &Model) -> BTreeMap<String, Vec<String>> {
    let of = |account: &Account| account.bills.orders.keys().cloned().collect();
    model.accounts.iter().map(|(id, account)| (id.clone(), of(account))).collect()
}

pub fn compare_bills(id: &str, account: &Account, found: &ShownBills) -> Result<(), String> {
    let bills = &account.bills;
    let shown: Vec<_> = found.bills.iter().map(|bill| bill.facts.cycle).collect();
    same("the cycles of bills", &shown, &bills.issued.keys().copied().collect())?;
    for bill in &found.bills {
        compare_bill(bills, bill.facts.cycle, bill)?;
    }
    same("the number of coupons", &found.coupons.len(), &bills.coupons.len())?;
    for (coupon, known) in found.coupons.iter().zip(&bills.coupons) {
        let wrong = |wrong| format!("coupon `{}`: {wrong}", known.id);
        same("id", &*coupon.facts.terms.id, known.id.as_str()).map_err(wrong)?;
        units("nominal value", coupon.facts.terms.nominal, known.nominal).map_err(wrong)?;
        units("balance", coupon.facts.balance, known.balance).map_err(wrong)?;
        same("expired", &coupon.facts.expired, &known.expired).map_err(wrong)?;
    }
    let refund: BTreeMap<_, _> = found.refund.iter().map(|(month, left)| (*month, left.units())).collect();
    same("credit refund by month", &refund, &bills.refund)?;
    let methods: Vec<_> =
        found.methods.iter().map(|shown| (shown.method.clone(), shown.kind, shown.is_default)).collect();
    let is_default = |method: &String| bills.default_method.as_ref() == Some(method);
    let known = bills.methods.iter().map(|(method, (kind, _))| (method.clone(), *kind, is_default(method)));
    same("payment methods", &methods, &known.collect())?;
    for shown in &found.orders {
        let known = &bills.orders[&shown.order];
        let wrong = |wrong| format!("order `{}`: {wrong}", shown.order);
        same("buyer", shown.billing_account.as_str(), id).map_err(wrong)?;
        units("amount", shown.amount, known.amount).map_err(wrong)?;
        units("refundable", shown.refundable, known.refundable()).map_err(wrong)?;
        check_funding("funding", shown.funding, &known.funding).map_err(wrong)?;
        same("refunds", &shown.refunds.len(), &known.refunds.len()).map_err(wrong)?;
        for (refund, returned) in &shown.refunds {
            let known = &known.refunds[&*refund.id];
            units("refunded", refund.amount, known.amount).map_err(wrong)?;
            units("forfeited", refund.forfeited, known.forfeited).map_err(wrong)?;
            check_funding("returned", *returned, &known.returned).map_err(wrong)?;
        }
    }
    Ok(())
}

pub fn compare_bill(bills: &Bills, cycle: Cycle, found: &BillView) -> Result<(), String> {
    let known = bills.issued.get(&cycle).ok_or_else(|| format!("the bill of {cycle} is not issued"))?;
    compare_facts(bills, known, found).map_err(|wrong| format!("bill of {cycle}: {wrong}"))
}

fn compare_facts(bills: &Bills, known: &Bill, found: &BillView) -> Result<(), String> {
    let facts = &found.facts;
    same("issued at", &facts.issued_at, &Timestamp::from_micros(known.issued_at))?;
    same("due at", &facts.due_at, &Timestamp::from_micros(known.due_at))?;
    same("charges", &facts.charges, &known.charges)?;
    units("gross", facts.gross, known.gross)?;
    units("coupons", facts.coupons, known.coupons)?;
    units("round down discount", facts.round_down_discount, known.dropped)?;
    units("taxable", facts.taxable, known.taxable)?;
    same("tax rate", &facts.tax_rate, &known.tax_rate)?;
    units("tax", facts.tax, known.tax)?;
    let converted = facts.converted.as_ref();
    let converted = converted.map(|into| (into.currency, into.rate, into.day, into.amount.units()));
    same("converted", &converted, &known.converted)?;
    units("after tax", facts.after_tax(), known.after_tax())?;
    units("outstanding", facts.outstanding(), known.outstanding())?;
    let name = |asset: &Asset| match asset {
        Asset::Coupon(place) => format!("coupon {}", bills.coupons[*place].id),
        Asset::Refund(month) => format!("credit_refund {month}"),
        Asset::Book => "transfer_book".to_owned(),
        Asset::Cash => "cash".to_owned(),
        Asset::Quota => "quota".to_owned(),
        Asset::Credit => "credit".to_owned(),
    };
    let paid: BTreeMap<_, _> = known.paid.iter().map(|(asset, amount)| (name(asset), *amount)).collect();
    let shown = found.payments.iter().map(|(name, amount)| (name.clone(), amount.units()));
    same("payments", &shown.collect(), &paid)?;
    same("settled at", &facts.settled_at, &known.settled_at.map(Timestamp::from_micros))
}

/// The figures of an overview that bills have brought.
pub fn compare_bill_figures(account: &Account, found: &AccountOverview) -> Result<(), String> {
    let bills = &account.bills;
    units("unsettled of bills", found.unsettled_previous, bills.previous())?;
    units("credit refund", found.credit_refund, bills.credit_refund())?;
    units("quota consumed", found.quota_consumed, bills.quota_consumed)?;
    let valid = bills.coupons.iter().filter(|coupon| {
        let in_time = !coupon.expired && (coupon.starts_at..coupon.ends_at).contains(&bills.at);
        in_time && coupon.balance > 0
    });
    same("valid coupons", &found.coupons_valid, &(valid.clone().count() as u64))?;
    units("balance of coupons", found.coupon_balance, valid.map(|coupon| coupon.balance).sum())?;
    same("automatic write-off", &found.automatic_write_off, &bills.writes_off())?;
    same("write-off of previous bills", &found.write_off_previous_bills, &bills.previous_too)?;
    same("tax rate", &found.tax_rate, &bills.tax_rate)?;
    let set_last = bills.currencies.values().next_back();
    let own = account.currency.as_str();
    same(
        "settlement currency",
        found.settlement_currency.as_str(),
        set_last.map_or(own, |last| last.as_str()),
    )
}
