//! Bills and what pays them, in the forms that records and snapshots share.

use super::parts::currency_of;
use crate::domain::billing::asset::{Asset, AssetKind, BillPayment, Portion};
use crate::domain::billing::bill::{Bill, Converted};
use crate::domain::billing::coupon::{CouponKind, CouponTerms};
use crate::domain::billing::payment_method::{PaymentMethod, PaymentMethodKind};
use crate::domain::billing::rate::Rate;
use crate::domain::directory::Remittance;
use crate::domain::money::{Money, RunningSum};
use crate::domain::time::{Cycle, Timestamp};
use crate::journal::JournalFault;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Mantissa, and how many of its digits are fractions.
#[derive(Serialize, Deserialize, Default)]
pub(in crate::journal) struct RateV1(i128, u32);

impl From<Rate> for RateV1 {
    fn from(rate: Rate) -> Self {
        Self(rate.decimal().mantissa(), rate.decimal().scale())
    }
}

impl TryFrom<RateV1> for Rate {
    type Error = JournalFault;

    fn try_from(RateV1(mantissa, scale): RateV1) -> Result<Self, JournalFault> {
        let decimal = Decimal::try_from_i128_with_scale(mantissa, scale).ok();
        decimal.and_then(Self::new).ok_or(JournalFault::Malformed("rate"))
    }
}

#[derive(Serialize, Deserialize)]
enum AssetV1 {
    Coupon(u32),
    CreditRefund(u32),
    TransferBook,
    Cash,
    Quota,
    Credit,
}

/// Some of an asset.
#[derive(Serialize, Deserialize)]
pub(super) struct PortionV1(AssetV1, i128);

impl From<&Portion> for PortionV1 {
    fn from(part: &Portion) -> Self {
        let asset = match part.asset {
            Asset::Coupon(number) => AssetV1::Coupon(number),
            Asset::CreditRefund(month) => AssetV1::CreditRefund(month.index()),
            Asset::TransferBook => AssetV1::TransferBook,
            Asset::Cash => AssetV1::Cash,
            Asset::Quota => AssetV1::Quota,
            Asset::Credit => AssetV1::Credit,
        };
        Self(asset, part.amount.units())
    }
}

impl TryFrom<PortionV1> for Portion {
    type Error = JournalFault;

    fn try_from(PortionV1(asset, amount): PortionV1) -> Result<Self, JournalFault> {
        let asset = match asset {
            AssetV1::Coupon(number) => Asset::Coupon(number),
            AssetV1::CreditRefund(month) => Asset::CreditRefund(cycle_of(month)?),
            AssetV1::TransferBook => Asset::TransferBook,
            AssetV1::Cash => Asset::Cash,
            AssetV1::Quota => Asset::Quota,
            AssetV1::Credit => Asset::Credit,
        };
        Ok(Self { asset, amount: Money::from_units(amount) })
    }
}

/// Some of an asset that pays the bill of a cycle.
#[derive(Serialize, Deserialize)]
pub(super) struct BillPaymentV1(u32, PortionV1);

impl From<&BillPayment> for BillPaymentV1 {
    fn from(payment: &BillPayment) -> Self {
        Self(payment.cycle.index(), (&payment.part).into())
    }
}

impl TryFrom<BillPaymentV1> for BillPayment {
    type Error = JournalFault;

    fn try_from(BillPaymentV1(cycle, part): BillPaymentV1) -> Result<Self, JournalFault> {
        let part = Portion::try_from(part)?;
        if part.asset == Asset::Credit {
            return Err(JournalFault::Malformed("payment of a bill"));
        }
        Ok(Self { cycle: cycle_of(cycle)?, part })
    }
}

#[derive(Serialize, Deserialize)]
struct ConvertedV1 {
    currency: Box<str>,
    rate: RateV1,
    day: i32,
    amount: i128,
}

#[derive(Serialize, Deserialize)]
pub(super) struct BillV1 {
    cycle: u32,
    issued_at: i64,
    due_at: i64,
    charges: u64,
    gross: i128,
    coupons: i128,
    round_down_discount: i128,
    taxable: i128,
    tax_rate: RateV1,
    tax: i128,
    converted: Option<ConvertedV1>,
    payments: Vec<PortionV1>,
    settled_at: Option<i64>,
}

impl From<&Bill> for BillV1 {
    fn from(bill: &Bill) -> Self {
        let converted = |converted: &Converted| ConvertedV1 {
            currency: converted.currency.as_str().into(),
            rate: converted.rate.into(),
            day: converted.day,
            amount: converted.amount.units(),
        };
        Self {
            cycle: bill.cycle.index(),
            issued_at: bill.issued_at.micros(),
            due_at: bill.due_at.micros(),
            charges: bill.charges,
            gross: bill.gross.units(),
            coupons: bill.coupons.units(),
            round_down_discount: bill.round_down_discount.units(),
            taxable: bill.taxable.units(),
            tax_rate: bill.tax_rate.into(),
            tax: bill.tax.units(),
            converted: bill.converted.as_deref().map(converted),
            payments: forms(&bill.payments),
            settled_at: bill.settled_at.map(Timestamp::micros),
        }
    }
}

impl TryFrom<BillV1> for Bill {
    type Error = JournalFault;

    fn try_from(form: BillV1) -> Result<Self, JournalFault> {
        let money = Money::from_units;
        let converted = |form: ConvertedV1| -> Result<_, JournalFault> {
            let (currency, rate) = (currency_of(&form.currency)?, form.rate.try_into()?);
            Ok(Box::new(Converted { currency, rate, day: form.day, amount: money(form.amount) }))
        };
        let bill = Self {
            cycle: cycle_of(form.cycle)?,
            issued_at: Timestamp::from_micros(form.issued_at),
            due_at: Timestamp::from_micros(form.due_at),
            charges: form.charges,
            gross: money(form.gross),
            coupons: money(form.coupons),
            round_down_discount: money(form.round_down_discount),
            taxable: money(form.taxable),
            tax_rate: form.tax_rate.try_into()?,
            tax: money(form.tax),
            converted: form.converted.map(converted).transpose()?,
            payments: read(form.payments)?,
            settled_at: form.settled_at.map(Timestamp::from_micros),
        };
        if is_sound(&bill) { Ok(bill) } else { Err(JournalFault::Malformed("bill")) }
    }
}

/// Whether a bill's sums fit, and no more has paid it than it comes to: its own functions take that for granted.
fn is_sound(bill: &Bill) -> bool {
    let exact = RunningSum::default().plus(bill.gross).minus(bill.coupons);
    let pretax = exact.minus(bill.round_down_discount);
    let Some(after_tax) = pretax.plus(bill.tax).total() else { return false };
    let left = bill.payments.iter().fold(pretax.plus(bill.tax), |left, part| left.minus(part.amount));
    let pays = |part: &Portion| {
        let no_less = part.amount.units().signum() == after_tax.units().signum();
        no_less && part.asset != Asset::Credit
    };
    exact.total().is_some()
        && pretax.total().is_some()
        && bill.payments.iter().all(pays)
        && left.total().is_some_and(|left| left.units().signum() * after_tax.units().signum() >= 0)
}

#[derive(Serialize, Deserialize)]
pub(super) struct CouponTermsV1 {
    id: Box<str>,
    kind: u8,
    nominal: i128,
    starts_at: i64,
    ends_at: i64,
    services: Vec<Box<str>>,
    minimum_spend: i128,
}

impl From<&CouponTerms> for CouponTermsV1 {
    fn from(terms: &CouponTerms) -> Self {
        Self {
            id: terms.id.clone(),
            kind: match terms.kind {
                CouponKind::Coupon => 0,
                CouponKind::Voucher => 1,
            },
            nominal: terms.nominal.units(),
            starts_at: terms.starts_at.micros(),
            ends_at: terms.ends_at.micros(),
            services: terms.services.to_vec(),
            minimum_spend: terms.minimum_spend.units(),
        }
    }
}

impl TryFrom<CouponTermsV1> for CouponTerms {
    type Error = JournalFault;

    fn try_from(form: CouponTermsV1) -> Result<Self, JournalFault> {
        if form.nominal <= 0 {
            return Err(JournalFault::Malformed("coupon"));
        }
        Ok(Self {
            id: form.id,
            kind: match form.kind {
                0 => CouponKind::Coupon,
                1 => CouponKind::Voucher,
                _ => return Err(JournalFault::Malformed("kind of coupon")),
            },
            nominal: Money::from_units(form.nominal),
            starts_at: Timestamp::from_micros(form.starts_at),
            ends_at: Timestamp::from_micros(form.ends_at),
            services: form.services.into(),
            minimum_spend: Money::from_units(form.minimum_spend),
        })
    }
}

/// The kind, and the token.
#[derive(Serialize, Deserialize)]
pub(super) struct PaymentMethodV1(u8, Box<str>);

impl From<&PaymentMethod> for PaymentMethodV1 {
    fn from(method: &PaymentMethod) -> Self {
        let kind = match method.kind {
            PaymentMethodKind::Card => 0,
            PaymentMethodKind::Paypal => 1,
        };
        Self(kind, method.token.clone())
    }
}

impl TryFrom<PaymentMethodV1> for PaymentMethod {
    type Error = JournalFault;

    fn try_from(PaymentMethodV1(kind, token): PaymentMethodV1) -> Result<Self, JournalFault> {
        let kind = match kind {
            0 => PaymentMethodKind::Card,
            1 => PaymentMethodKind::Paypal,
            _ => return Err(JournalFault::Malformed("kind of payment method")),
        };
        Ok(Self { kind, token })
    }
}

/// A remittance to the shared bank account.
#[derive(Serialize, Deserialize)]
pub(in crate::journal) struct RemittanceV1 {
    amount: i128,
    currency: Box<str>,
    reference: Option<Box<str>>,
}

impl From<&Remittance> for RemittanceV1 {
    fn from(received: &Remittance) -> Self {
        Self {
            amount: received.amount.units(),
            currency: received.currency.as_str().into(),
            reference: received.reference.clone(),
        }
    }
}

impl TryFrom<RemittanceV1> for Remittance {
    type Error = JournalFault;

    fn try_from(form: RemittanceV1) -> Result<Self, JournalFault> {
        let currency = currency_of(&form.currency)?;
        Ok(Self { amount: Money::from_units(form.amount), currency, reference: form.reference })
    }
}

pub(super) fn asset_kind_number(kind: AssetKind) -> u8 {
    match kind {
        AssetKind::Coupon => 0,
        AssetKind::CreditRefund => 1,
        AssetKind::TransferBook => 2,
        AssetKind::Cash => 3,
    }
}

pub(super) fn asset_kind_of(number: u8) -> Result<AssetKind, JournalFault> {
    match number {
        0 => Ok(AssetKind::Coupon),
        1 => Ok(AssetKind::CreditRefund),
        2 => Ok(AssetKind::TransferBook),
        3 => Ok(AssetKind::Cash),
        _ => Err(JournalFault::Malformed("kind of asset")),
    }
}

/// A month of the years 1 to 9999: those beyond have no month after them that could be counted on.
pub(super) fn cycle_of(index: u32) -> Result<Cycle, JournalFault> {
    Cycle::new(index / 12 + 1, index % 12 + 1).ok_or(JournalFault::Malformed("cycle"))
}

/// The forms of several.
pub(super) fn forms<'a, T, F: From<&'a T>>(all: &'a [T]) -> Vec<F> {
    all.iter().map(F::from).collect()
}

/// What several forms say.
pub(super) fn read<F, T: TryFrom<F, Error = JournalFault>, C: FromIterator<T>>(
    forms: Vec<F>,
) -> Result<C, JournalFault> {
    forms.into_iter().map(T::try_from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bill(gross: i128, payments: &[(Asset, i128)]) -> Bill {
        let money = Money::from_units;
        let part = |(asset, amount): &(Asset, i128)| Portion { asset: *asset, amount: money(*amount) };
        Bill {
            cycle: Cycle::from_index(5),
            issued_at: Timestamp::MIN,
            due_at: Timestamp::MAX,
            charges: 1,
            gross: money(gross),
            coupons: money(3),
            round_down_discount: money(2),
            taxable: money(7),
            tax_rate: Rate::parse("0.06").unwrap(),
            tax: money(1),
            converted: None,
            payments: payments.iter().map(part).collect(),
            settled_at: None,
        }
    }

    #[test]
    fn bills_are_sound_or_malformed() {
        let check = |gross, payments: &[_], sound| {
            let bill = bill(gross, payments);
            let read = Bill::try_from(BillV1::from(&bill));
            match read {
                Ok(read) => assert!(sound && read == bill, "{read:?}"),
                Err(fault) => assert!(!sound, "{fault}"),
            }
        };
        let (coupon, refund) = (Asset::Coupon(u32::MAX), Asset::CreditRefund(Cycle::from_index(4)));
        check(10, &[], true);
        check(10, &[(coupon, 1), (refund, 2), (Asset::TransferBook, 1), (Asset::Cash, 1)], true);
        check(10, &[(Asset::Quota, 6)], true);
        check(0, &[(refund, -4)], true);
        check(i128::MAX, &[], true);
        check(10, &[(Asset::Cash, 7)], false);
        check(10, &[(Asset::Cash, -1)], false);
        check(10, &[(Asset::Cash, 0)], false);
        check(10, &[(Asset::Credit, 1)], false);
        check(0, &[(Asset::Cash, -5)], false);
        check(i128::MIN, &[], false);
        check(10, &[(Asset::Cash, i128::MAX), (Asset::Cash, i128::MAX)], false);
        check(10, &[(Asset::CreditRefund(Cycle::from_index(u32::MAX)), 1)], false);
    }

    #[test]
    fn numbers_out_of_range_are_malformed() {
        assert!(cycle_of(119_987).is_ok() && cycle_of(119_988).is_err() && cycle_of(u32::MAX).is_err());
        for kind in AssetKind::ALL {
            assert_eq!(asset_kind_of(asset_kind_number(kind)).unwrap(), kind);
        }
        assert!(asset_kind_of(4).is_err());
        let rate = |mantissa, scale| Rate::try_from(RateV1(mantissa, scale));
        assert_eq!(rate(60, 3).unwrap(), Rate::parse("0.06").unwrap());
        for (mantissa, scale) in [(-1, 0), (1, 19), (1, 29), (1, u32::MAX), (i128::MAX, 0), (i128::MIN, 5)] {
            assert!(rate(mantissa, scale).is_err(), "{mantissa} {scale}");
        }
        assert!(PaymentMethod::try_from(PaymentMethodV1(2, "t".into())).is_err());
        let credit = BillPaymentV1(5, PortionV1(AssetV1::Credit, 1));
        assert!(BillPayment::try_from(credit).is_err());
    }
}
