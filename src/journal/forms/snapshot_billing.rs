//! An account's bills and what pays them, in a snapshot.

use super::billing::{
    BillV1, CouponTermsV1, PaymentMethodV1, PortionV1, RateV1, asset_kind_number, asset_kind_of, cycle_of,
    forms, read,
};
use super::parts::currency_of;
use crate::domain::billing::Billing;
use crate::domain::billing::asset::Portion;
use crate::domain::billing::bill::{Bill, Bills};
use crate::domain::billing::coupon::{Coupon, CouponTerms, Coupons};
use crate::domain::billing::order::{Order, Refund};
use crate::domain::billing::payment_method::PaymentMethods;
use crate::domain::billing::settlement::{Settlement, SettlementEnd, Settlements};
use crate::domain::money::{Money, RunningSum};
use crate::domain::time::{Cycle, Timestamp};
use crate::journal::JournalFault;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Serialize, Deserialize)]
pub(super) struct BillingV1 {
    coupons: Vec<CouponV1>,
    deducted: Vec<(u32, i128)>,
    credit_refund: Vec<(u32, i128)>,
    write_off_by_hand: bool,
    write_off_previous_bills: bool,
    tax_rate: RateV1,
    settlement_currencies: Vec<(u32, Box<str>)>,
    orders: Vec<(Box<str>, OrderV1)>,
    /// By id, the cycles and the kinds of assets.
    settlements: Vec<SettlementV1>,
    payment_methods: Vec<(Box<str>, PaymentMethodV1)>,
    default_payment_method: Option<Box<str>>,
    remittances: Vec<(Box<str>, i128)>,
    bills: Vec<BillV1>,
}

/// Id, cycles, kinds of assets, and whether it was finished or closed if it has ended.
type SettlementV1 = (Box<str>, Vec<u32>, Vec<u8>, Option<bool>);

/// The terms, what is left, and whether its time has run out.
#[derive(Serialize, Deserialize)]
struct CouponV1(CouponTermsV1, i128, bool);

#[derive(Serialize, Deserialize)]
struct OrderV1 {
    amount: i128,
    funding: Vec<PortionV1>,
    at: i64,
    refunds: Vec<RefundV1>,
}

#[derive(Serialize, Deserialize)]
struct RefundV1 {
    id: Box<str>,
    amount: i128,
    returned: Vec<PortionV1>,
    forfeited: i128,
    at: i64,
}

impl From<&Billing> for BillingV1 {
    fn from(billing: &Billing) -> Self {
        let by_cycle = |sums: &BTreeMap<Cycle, Money>| {
            sums.iter().map(|(cycle, amount)| (cycle.index(), amount.units())).collect()
        };
        let methods = &billing.payment_methods;
        Self {
            coupons: billing.coupons.iter().map(CouponV1::from).collect(),
            deducted: by_cycle(&billing.deducted),
            credit_refund: by_cycle(&billing.credit_refund),
            write_off_by_hand: billing.write_off_by_hand,
            write_off_previous_bills: billing.write_off_previous_bills,
            tax_rate: billing.tax_rate.into(),
            settlement_currencies: billing
                .settlement_currencies
                .iter()
                .map(|(cycle, currency)| (cycle.index(), currency.as_str().into()))
                .collect(),
            orders: billing.orders.iter().map(|(id, order)| (id.clone(), order.into())).collect(),
            settlements: billing
                .settlements
                .by_id
                .iter()
                .map(|(id, Settlement { cycles, assets, end })| {
                    let cycles = cycles.iter().map(|cycle| cycle.index()).collect();
                    let assets = assets.iter().map(|kind| asset_kind_number(*kind)).collect();
                    (id.clone(), cycles, assets, end.map(|end| end == SettlementEnd::Finished))
                })
                .collect(),
            payment_methods: methods.by_id.iter().map(|(id, method)| (id.clone(), method.into())).collect(),
            default_payment_method: methods.default.clone(),
            remittances: billing
                .remittances
                .iter()
                .map(|(id, amount)| (id.clone(), amount.units()))
                .collect(),
            bills: billing.bills.iter().map(BillV1::from).collect(),
        }
    }
}

impl TryFrom<BillingV1> for Billing {
    type Error = JournalFault;

    fn try_from(form: BillingV1) -> Result<Self, JournalFault> {
        let by_cycle = |sums: Vec<(u32, i128)>| -> Result<BTreeMap<_, _>, JournalFault> {
            sums.into_iter()
                .map(|(cycle, amount)| Ok((cycle_of(cycle)?, Money::from_units(amount))))
                .collect()
        };
        let credit_refund = by_cycle(form.credit_refund)?;
        let refunded = credit_refund.values().fold(RunningSum::default(), |sum, left| sum.plus(*left));
        refunded.total().ok_or(JournalFault::Malformed("credit refund"))?;
        let settlement = |(id, cycles, assets, finished): SettlementV1| {
            let cycles = cycles.into_iter().map(cycle_of).collect::<Result<_, _>>()?;
            let assets = assets.into_iter().map(asset_kind_of).collect::<Result<_, _>>()?;
            let ended = |finished| if finished { SettlementEnd::Finished } else { SettlementEnd::Closed };
            Ok((id, Settlement { cycles, assets, end: finished.map(ended) }))
        };
        let by_id = form.payment_methods.into_iter().map(|(id, method)| Ok((id, method.try_into()?)));
        let coupons: Vec<Coupon> = read(form.coupons)?;
        let bills: Vec<Bill> = read(form.bills)?;
        Ok(Self {
            coupons: Coupons::from_parts(coupons),
            deducted: by_cycle(form.deducted)?,
            credit_refund,
            write_off_by_hand: form.write_off_by_hand,
            write_off_previous_bills: form.write_off_previous_bills,
            tax_rate: form.tax_rate.try_into()?,
            settlement_currencies: form
                .settlement_currencies
                .into_iter()
                .map(|(cycle, currency)| Ok((cycle_of(cycle)?, currency_of(&currency)?)))
                .collect::<Result<_, JournalFault>>()?,
            orders: form
                .orders
                .into_iter()
                .map(|(id, order)| Ok((id, order.try_into()?)))
                .collect::<Result<_, JournalFault>>()?,
            settlements: Settlements {
                by_id: form.settlements.into_iter().map(settlement).collect::<Result<_, JournalFault>>()?,
            },
            payment_methods: PaymentMethods {
                by_id: by_id.collect::<Result<_, JournalFault>>()?,
                default: form.default_payment_method,
            },
            remittances: form
                .remittances
                .into_iter()
                .map(|(id, amount)| (id, Money::from_units(amount)))
                .collect(),
            bills: Bills::from_parts(bills).ok_or(JournalFault::Malformed("bills"))?,
        })
    }
}

impl From<&Coupon> for CouponV1 {
    fn from(coupon: &Coupon) -> Self {
        Self((&coupon.terms).into(), coupon.balance.units(), coupon.expired)
    }
}

impl TryFrom<CouponV1> for Coupon {
    type Error = JournalFault;

    fn try_from(CouponV1(terms, balance, expired): CouponV1) -> Result<Self, JournalFault> {
        let (terms, balance) = (CouponTerms::try_from(terms)?, Money::from_units(balance));
        if balance < Money::ZERO || balance > terms.nominal {
            return Err(JournalFault::Malformed("balance of a coupon"));
        }
        Ok(Self { terms, balance, expired })
    }
}

impl From<&Order> for OrderV1 {
    fn from(order: &Order) -> Self {
        let refund = |refund: &Refund| RefundV1 {
            id: refund.id.clone(),
            amount: refund.amount.units(),
            returned: forms(&refund.returned),
            forfeited: refund.forfeited.units(),
            at: refund.at.micros(),
        };
        Self {
            amount: order.amount.units(),
            funding: forms(&order.funding),
            at: order.at.micros(),
            refunds: order.refunds.iter().map(refund).collect(),
        }
    }
}

impl TryFrom<OrderV1> for Order {
    type Error = JournalFault;

    fn try_from(form: OrderV1) -> Result<Self, JournalFault> {
        let refund = |form: RefundV1| -> Result<_, JournalFault> {
            Ok(Refund {
                id: form.id,
                amount: Money::from_units(form.amount),
                returned: read(form.returned)?,
                forfeited: Money::from_units(form.forfeited),
                at: Timestamp::from_micros(form.at),
            })
        };
        let order = Self {
            amount: Money::from_units(form.amount),
            funding: read(form.funding)?,
            at: Timestamp::from_micros(form.at),
            refunds: form.refunds.into_iter().map(refund).collect::<Result<_, _>>()?,
        };
        if is_sound(&order) { Ok(order) } else { Err(JournalFault::Malformed("purchase")) }
    }
}

/// Whether a purchase is funded, and refunded no more than that: its own functions take that for granted.
fn is_sound(order: &Order) -> bool {
    let positive = |amount: Money| amount > Money::ZERO;
    let funded =
        order.funding.iter().fold(RunningSum::default(), |sum, Portion { amount, .. }| sum.plus(*amount));
    let cost = RunningSum::default().plus(order.amount);
    let left = order.refunds.iter().fold(cost, |left, refund| left.minus(refund.amount));
    funded == cost
        && order.funding.iter().all(|part| positive(part.amount))
        && order.refunds.iter().all(|refund| positive(refund.amount))
        && left.total().is_some_and(|left| left >= Money::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::billing::asset::{Asset, AssetKind};
    use crate::domain::billing::coupon::CouponKind;
    use crate::domain::billing::payment_method::{PaymentMethod, PaymentMethodKind};
    use crate::domain::billing::rate::Rate;
    use crate::domain::ids::Currency;
    use crate::journal::forms::from_slice;

    fn money(units: i128) -> Money {
        Money::from_units(units)
    }

    fn instant(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    fn month(month: u32) -> Cycle {
        Cycle::new(2026, month).unwrap()
    }

    fn coupon(id: &str, balance: i128, expired: bool) -> Coupon {
        let terms = CouponTerms {
            id: id.into(),
            kind: CouponKind::Voucher,
            nominal: money(10),
            starts_at: instant(1),
            ends_at: instant(2),
            services: ["compute".into()].into(),
            minimum_spend: money(3),
        };
        Coupon { terms, balance: money(balance), expired }
    }

    fn bill(cycle: Cycle, paid: i128) -> Bill {
        Bill {
            cycle,
            issued_at: instant(3),
            due_at: instant(4),
            charges: 5,
            gross: money(100),
            coupons: money(1),
            round_down_discount: money(2),
            taxable: money(99),
            tax_rate: Rate::parse("0.06").unwrap(),
            tax: money(6),
            converted: None,
            payments: vec![Portion { asset: Asset::Coupon(1), amount: money(paid) }],
            settled_at: (paid == 103).then_some(instant(6)),
        }
    }

    fn order() -> Order {
        let part = |(asset, amount)| Portion { asset, amount: money(amount) };
        let parts = [(Asset::Coupon(0), 1), (Asset::TransferBook, 2), (Asset::Cash, 3), (Asset::Credit, 4)];
        let refund = |id: &str, amount, returned: &[_], forfeited| Refund {
            id: id.into(),
            amount: money(amount),
            returned: returned.iter().copied().map(part).collect(),
            forfeited: money(forfeited),
            at: instant(8),
        };
        Order {
            amount: money(10),
            funding: parts.map(part).into(),
            at: instant(7),
            refunds: vec![refund("r 1", 4, &[parts[3]], 0), refund("r 2", 6, &[parts[2], parts[1]], 1)],
        }
    }

    /// Something of everything.
    fn billing() -> Billing {
        let settlement = |end| Settlement { end, ..Settlement::of(&[month(4), month(5)], &AssetKind::ALL) };
        let method = |kind| PaymentMethod { kind, token: "token".into() };
        Billing {
            coupons: Coupons::from_parts(vec![
                coupon("a", 10, false),
                coupon("b", 0, false),
                coupon("c", 4, true),
            ]),
            deducted: [(month(6), money(1)), (month(7), money(2))].into(),
            credit_refund: [(month(5), money(3)), (month(6), money(i128::MAX - 3))].into(),
            write_off_by_hand: true,
            write_off_previous_bills: true,
            tax_rate: Rate::parse("0.0725").unwrap(),
            settlement_currencies: [(month(5), Currency::parse("EUR").unwrap()), (month(6), Currency::USD)]
                .into(),
            orders: [("o".into(), order())].into(),
            settlements: Settlements {
                by_id: [
                    ("s".into(), settlement(None)),
                    ("t".into(), settlement(Some(SettlementEnd::Finished))),
                    ("u".into(), settlement(Some(SettlementEnd::Closed))),
                    ("v".into(), Settlement::default()),
                ]
                .into(),
            },
            payment_methods: PaymentMethods {
                by_id: [
                    ("m".into(), method(PaymentMethodKind::Card)),
                    ("n".into(), method(PaymentMethodKind::Paypal)),
                ]
                .into(),
                default: Some("n".into()),
            },
            remittances: [("w".into(), money(9))].into(),
            bills: Bills::from_parts(vec![bill(month(4), 103), bill(month(5), 1)]).unwrap(),
        }
    }

    /// What a snapshot gives back of a form.
    fn read_back(form: &BillingV1) -> Result<Billing, JournalFault> {
        let bytes = rmp_serde::to_vec(form).unwrap();
        from_slice::<BillingV1>("account", &bytes)?.try_into()
    }

    #[test]
    fn billing_reads_back() {
        for billing in [billing(), Billing::default()] {
            assert_eq!(read_back(&BillingV1::from(&billing)).unwrap(), billing);
        }
    }

    #[test]
    fn what_contradicts_itself_is_malformed() {
        let check = |change: &dyn Fn(&mut BillingV1), expect: &str| {
            let mut form = BillingV1::from(&billing());
            change(&mut form);
            assert_eq!(read_back(&form).unwrap_err().to_string(), format!("malformed {expect}"));
        };
        check(&|form| form.bills.reverse(), "bills");
        check(&|form| form.coupons[0].1 = 11, "balance of a coupon");
        check(&|form| form.coupons[0].1 = -1, "balance of a coupon");
        check(&|form| form.deducted[0].0 = u32::MAX, "cycle");
        check(&|form| form.credit_refund[0].1 = 4, "credit refund");
        check(&|form| form.settlement_currencies[0].1 = "usd".into(), "currency");
        check(&|form| form.settlements[0].2[0] = 4, "kind of asset");
        check(&|form| form.orders[0].1.amount = 11, "purchase");
        check(&|form| form.orders[0].1.refunds[0].amount = 5, "purchase");
        check(&|form| form.orders[0].1.refunds[0].amount = -4, "purchase");
        check(&|form| form.orders[0].1.funding.truncate(3), "purchase");
    }
}
