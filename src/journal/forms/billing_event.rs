//! What happened to an account's bills and to what pays them, as its records hold it since version 3.

use super::billing::{
    BillPaymentV1, BillV1, CouponTermsV1, PaymentMethodV1, PortionV1, RateV1, asset_kind_number,
    asset_kind_of, cycle_of, forms, read,
};
use super::parts::currency_of;
use crate::domain::account_event::AccountEvent;
use crate::domain::billing::settlement::SettlementEnd;
use crate::domain::ids::CloudIndex;
use crate::domain::money::Money;
use crate::journal::JournalFault;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) enum BillingEventV1 {
    BillIssued {
        bill: Box<BillV1>,
    },
    BillsWrittenOff {
        payments: Vec<BillPaymentV1>,
    },
    CouponGranted {
        coupon: Box<CouponTermsV1>,
    },
    CouponExpired {
        number: u32,
        amount: i128,
    },
    AutomaticWriteOffSet {
        enabled: bool,
    },
    WriteOffPreviousBillsSet {
        enabled: bool,
    },
    TaxRateSet {
        before: RateV1,
        after: RateV1,
    },
    SettlementCurrencySet {
        from: u32,
        currency: Box<str>,
    },
    Purchased {
        order: Box<str>,
        amount: i128,
        funding: Vec<PortionV1>,
        cycle: u32,
        cloud: Option<u32>,
        service: Option<Box<str>>,
    },
    PurchaseRefunded {
        order: Box<str>,
        refund: Box<str>,
        amount: i128,
        returned: Vec<PortionV1>,
        forfeited: i128,
        month: u32,
    },
    UnifiedSettlementStarted {
        settlement: Box<str>,
        cycles: Vec<u32>,
        assets: Vec<u8>,
    },
    UnifiedSettlementEnded {
        settlement: Box<str>,
        payments: Vec<BillPaymentV1>,
        finished: bool,
    },
    RemittanceClaimed {
        remittance: Box<str>,
        amount: i128,
        cash_after: i128,
    },
    PaymentMethodLinked {
        method: Box<str>,
        linked: PaymentMethodV1,
    },
    PaymentMethodEdited {
        method: Box<str>,
        linked: PaymentMethodV1,
    },
    PaymentMethodUnlinked {
        method: Box<str>,
    },
    DefaultPaymentMethodSet {
        method: Box<str>,
    },
}

impl From<&AccountEvent> for BillingEventV1 {
    fn from(event: &AccountEvent) -> Self {
        match event {
            AccountEvent::BillIssued { bill } => Self::BillIssued { bill: Box::new((&**bill).into()) },
            AccountEvent::BillsWrittenOff { payments } => Self::BillsWrittenOff { payments: forms(payments) },
            AccountEvent::CouponGranted { coupon } => {
                Self::CouponGranted { coupon: Box::new((&**coupon).into()) }
            }
            AccountEvent::CouponExpired { number, amount } => {
                Self::CouponExpired { number: *number, amount: amount.units() }
            }
            AccountEvent::AutomaticWriteOffSet { enabled } => {
                Self::AutomaticWriteOffSet { enabled: *enabled }
            }
            AccountEvent::WriteOffPreviousBillsSet { enabled } => {
                Self::WriteOffPreviousBillsSet { enabled: *enabled }
            }
            AccountEvent::TaxRateSet { before, after } => {
                Self::TaxRateSet { before: (*before).into(), after: (*after).into() }
            }
            AccountEvent::SettlementCurrencySet { from, currency } => {
                Self::SettlementCurrencySet { from: from.index(), currency: currency.as_str().into() }
            }
            AccountEvent::Purchased { order, amount, funding, cycle, cloud, service } => Self::Purchased {
                order: order.clone(),
                amount: amount.units(),
                funding: forms(funding),
                cycle: cycle.index(),
                cloud: cloud.map(|cloud| cloud.0),
                service: service.clone(),
            },
            AccountEvent::PurchaseRefunded { order, refund, amount, returned, forfeited, month } => {
                Self::PurchaseRefunded {
                    order: order.clone(),
                    refund: refund.clone(),
                    amount: amount.units(),
                    returned: forms(returned),
                    forfeited: forfeited.units(),
                    month: month.index(),
                }
            }
            AccountEvent::UnifiedSettlementStarted { settlement, cycles, assets } => {
                Self::UnifiedSettlementStarted {
                    settlement: settlement.clone(),
                    cycles: cycles.iter().map(|cycle| cycle.index()).collect(),
                    assets: assets.iter().map(|kind| asset_kind_number(*kind)).collect(),
                }
            }
            AccountEvent::UnifiedSettlementEnded { settlement, payments, end } => {
                Self::UnifiedSettlementEnded {
                    settlement: settlement.clone(),
                    payments: forms(payments),
                    finished: *end == SettlementEnd::Finished,
                }
            }
            AccountEvent::RemittanceClaimed { remittance, amount, cash_after } => Self::RemittanceClaimed {
                remittance: remittance.clone(),
                amount: amount.units(),
                cash_after: cash_after.units(),
            },
            AccountEvent::PaymentMethodLinked { method, linked } => {
                Self::PaymentMethodLinked { method: method.clone(), linked: linked.into() }
            }
            AccountEvent::PaymentMethodEdited { method, linked } => {
                Self::PaymentMethodEdited { method: method.clone(), linked: linked.into() }
            }
            AccountEvent::PaymentMethodUnlinked { method } => {
                Self::PaymentMethodUnlinked { method: method.clone() }
            }
            AccountEvent::DefaultPaymentMethodSet { method } => {
                Self::DefaultPaymentMethodSet { method: method.clone() }
            }
            _ => unreachable!("invariant: the account's form has written everything else"),
        }
    }
}

impl TryFrom<BillingEventV1> for AccountEvent {
    type Error = JournalFault;

    fn try_from(form: BillingEventV1) -> Result<Self, JournalFault> {
        let money = Money::from_units;
        Ok(match form {
            BillingEventV1::BillIssued { bill } => Self::BillIssued { bill: Box::new((*bill).try_into()?) },
            BillingEventV1::BillsWrittenOff { payments } => {
                Self::BillsWrittenOff { payments: read(payments)? }
            }
            BillingEventV1::CouponGranted { coupon } => {
                Self::CouponGranted { coupon: Box::new((*coupon).try_into()?) }
            }
            BillingEventV1::CouponExpired { number, amount } => {
                Self::CouponExpired { number, amount: money(amount) }
            }
            BillingEventV1::AutomaticWriteOffSet { enabled } => Self::AutomaticWriteOffSet { enabled },
            BillingEventV1::WriteOffPreviousBillsSet { enabled } => {
                Self::WriteOffPreviousBillsSet { enabled }
            }
            BillingEventV1::TaxRateSet { before, after } => {
                Self::TaxRateSet { before: before.try_into()?, after: after.try_into()? }
            }
            BillingEventV1::SettlementCurrencySet { from, currency } => {
                Self::SettlementCurrencySet { from: cycle_of(from)?, currency: currency_of(&currency)? }
            }
            BillingEventV1::Purchased { order, amount, funding, cycle, cloud, service } => Self::Purchased {
                order,
                amount: money(amount),
                funding: read(funding)?,
                cycle: cycle_of(cycle)?,
                cloud: cloud.map(CloudIndex),
                service,
            },
            BillingEventV1::PurchaseRefunded { order, refund, amount, returned, forfeited, month } => {
                Self::PurchaseRefunded {
                    order,
                    refund,
                    amount: money(amount),
                    returned: read(returned)?,
                    forfeited: money(forfeited),
                    month: cycle_of(month)?,
                }
            }
            BillingEventV1::UnifiedSettlementStarted { settlement, cycles, assets } => {
                Self::UnifiedSettlementStarted {
                    settlement,
                    cycles: cycles.into_iter().map(cycle_of).collect::<Result<_, _>>()?,
                    assets: assets.into_iter().map(asset_kind_of).collect::<Result<_, _>>()?,
                }
            }
            BillingEventV1::UnifiedSettlementEnded { settlement, payments, finished } => {
                let end = if finished { SettlementEnd::Finished } else { SettlementEnd::Closed };
                Self::UnifiedSettlementEnded { settlement, payments: read(payments)?, end }
            }
            BillingEventV1::RemittanceClaimed { remittance, amount, cash_after } => {
                Self::RemittanceClaimed { remittance, amount: money(amount), cash_after: money(cash_after) }
            }
            BillingEventV1::PaymentMethodLinked { method, linked } => {
                Self::PaymentMethodLinked { method, linked: linked.try_into()? }
            }
            BillingEventV1::PaymentMethodEdited { method, linked } => {
                Self::PaymentMethodEdited { method, linked: linked.try_into()? }
            }
            BillingEventV1::PaymentMethodUnlinked { method } => Self::PaymentMethodUnlinked { method },
            BillingEventV1::DefaultPaymentMethodSet { method } => Self::DefaultPaymentMethodSet { method },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::billing::asset::{Asset, AssetKind, BillPayment, Portion};
    use crate::domain::billing::bill::{Bill, Converted};
    use crate::domain::billing::coupon::{CouponKind, CouponTerms};
    use crate::domain::billing::payment_method::{PaymentMethod, PaymentMethodKind};
    use crate::domain::billing::rate::Rate;
    use crate::domain::ids::{AccountIndex, Currency};
    use crate::domain::time::{Cycle, Timestamp};
    use crate::journal::forms::account_record::AccountRecord;
    use crate::journal::frame::{Kind, append, frames};
    use std::collections::BTreeMap;

    fn money(units: i128) -> Money {
        Money::from_units(units)
    }

    fn month(month: u32) -> Cycle {
        Cycle::new(2026, month).unwrap()
    }

    fn rate(text: &str) -> Rate {
        Rate::parse(text).unwrap()
    }

    /// One of every asset.
    fn portions() -> [Portion; 6] {
        let assets = [
            Asset::Coupon(u32::MAX),
            Asset::CreditRefund(month(4)),
            Asset::TransferBook,
            Asset::Cash,
            Asset::Quota,
            Asset::Credit,
        ];
        assets.map(|asset| Portion { asset, amount: money(7) })
    }

    fn bill() -> Bill {
        Bill {
            cycle: month(5),
            issued_at: Timestamp::from_micros(1),
            due_at: Timestamp::MAX,
            charges: u64::MAX,
            gross: money(i128::MAX),
            coupons: money(2),
            round_down_discount: money(3),
            taxable: money(-4),
            tax_rate: rate("0.06"),
            tax: money(5),
            converted: Some(Box::new(Converted {
                currency: Currency::parse("EUR").unwrap(),
                rate: rate("0.912345678901234567"),
                day: -1,
                amount: money(i128::MIN),
            })),
            payments: portions()[..5].to_vec(),
            settled_at: None,
        }
    }

    fn coupon(kind: CouponKind, services: &[&str]) -> CouponTerms {
        CouponTerms {
            id: "c".into(),
            kind,
            nominal: money(i128::MAX),
            starts_at: Timestamp::MIN,
            ends_at: Timestamp::MAX,
            services: services.iter().map(|service| Box::from(*service)).collect(),
            minimum_spend: money(9),
        }
    }

    fn events() -> Vec<AccountEvent> {
        let id = || Box::from("id");
        let (amount, forfeited, cash_after) = (money(i128::MAX), money(1), money(-1));
        let (funding, returned): (Box<[_]>, Box<[_]>) = (portions().into(), portions().into());
        let payment = |part| BillPayment { cycle: month(5), part };
        let payments: Box<[_]> = portions().into_iter().take(5).map(payment).collect();
        let method = |kind| PaymentMethod { kind, token: "t".into() };
        let before_zero = Bill {
            gross: money(-8),
            payments: vec![Portion { asset: Asset::Cash, amount: money(-8) }],
            converted: None,
            settled_at: Some(Timestamp::MIN),
            coupons: Money::ZERO,
            round_down_discount: Money::ZERO,
            tax: Money::ZERO,
            ..bill()
        };
        vec![
            AccountEvent::BillIssued { bill: Box::new(bill()) },
            AccountEvent::BillIssued { bill: Box::new(before_zero) },
            AccountEvent::BillsWrittenOff { payments: payments.clone() },
            AccountEvent::CouponGranted { coupon: Box::new(coupon(CouponKind::Coupon, &[])) },
            AccountEvent::CouponGranted {
                coupon: Box::new(coupon(CouponKind::Voucher, &["compute", "storage"])),
            },
            AccountEvent::CouponExpired { number: u32::MAX, amount },
            AccountEvent::AutomaticWriteOffSet { enabled: true },
            AccountEvent::WriteOffPreviousBillsSet { enabled: true },
            AccountEvent::TaxRateSet { before: Rate::default(), after: rate("1000000000") },
            AccountEvent::SettlementCurrencySet { from: month(6), currency: Currency::USD },
            AccountEvent::Purchased {
                order: id(),
                amount,
                funding,
                cycle: month(12),
                cloud: Some(CloudIndex(u32::MAX)),
                service: Some("compute".into()),
            },
            AccountEvent::Purchased {
                order: id(),
                amount,
                funding: Box::default(),
                cycle: Cycle::default(),
                cloud: None,
                service: None,
            },
            AccountEvent::PurchaseRefunded {
                order: id(),
                refund: id(),
                amount,
                returned,
                forfeited,
                month: month(7),
            },
            AccountEvent::UnifiedSettlementStarted {
                settlement: id(),
                cycles: [month(4), month(5)].into(),
                assets: AssetKind::ALL.into(),
            },
            AccountEvent::UnifiedSettlementEnded { settlement: id(), payments, end: SettlementEnd::Finished },
            AccountEvent::UnifiedSettlementEnded {
                settlement: id(),
                payments: Box::default(),
                end: SettlementEnd::Closed,
            },
            AccountEvent::RemittanceClaimed { remittance: id(), amount, cash_after },
            AccountEvent::PaymentMethodLinked { method: id(), linked: method(PaymentMethodKind::Card) },
            AccountEvent::PaymentMethodEdited { method: id(), linked: method(PaymentMethodKind::Paypal) },
            AccountEvent::PaymentMethodUnlinked { method: id() },
            AccountEvent::DefaultPaymentMethodSet { method: id() },
        ]
    }

    fn record(event: AccountEvent) -> AccountRecord {
        AccountRecord {
            account: AccountIndex(7),
            sequence: 8,
            at: Timestamp::MIN,
            actor: "provider".into(),
            remembered: None,
            event,
        }
    }

    fn encoded(event: AccountEvent) -> Vec<u8> {
        let mut bytes = Vec::new();
        record(event).encode(&mut bytes);
        bytes
    }

    #[test]
    fn records_of_bills_are_of_version_3_and_read_back() {
        for event in events() {
            let bytes = encoded(event.clone());
            let frame = frames(&bytes).next().unwrap().unwrap();
            assert_eq!(frame.version, 3);
            assert_eq!(AccountRecord::decode(&frame).unwrap(), record(event));
        }
    }

    #[test]
    fn hostile_records_are_refused_never_a_panic() {
        for event in events() {
            let bytes = encoded(event);
            for at in 0..bytes.len() {
                for hostile in [bytes[at] ^ 1, bytes[at] ^ 0x80, !bytes[at]] {
                    let mut bytes = bytes.clone();
                    bytes[at] = hostile;
                    for frame in frames(&bytes).map_while(Result::ok).filter(|one| one.kind == Kind::Account)
                    {
                        drop(AccountRecord::decode(&frame));
                    }
                }
            }
        }
    }

    #[test]
    fn cycles_out_of_range_are_malformed() {
        let check = |form: BillingEventV1| {
            let read = AccountEvent::try_from(form);
            assert!(matches!(read, Err(JournalFault::Malformed("cycle"))), "{read:?}");
        };
        check(BillingEventV1::SettlementCurrencySet { from: u32::MAX, currency: "USD".into() });
        let (settlement, assets) = (Box::from("s"), Vec::new());
        check(BillingEventV1::UnifiedSettlementStarted { settlement, cycles: vec![119_988], assets });
        let mut bytes = Vec::new();
        let unknown = BTreeMap::from([("Billing", BTreeMap::from([("Unknown", [0])]))]);
        let form = (7, 8, 0, "provider", (), unknown);
        append(&mut bytes, Kind::Account, 3, |bytes| rmp_serde::encode::write(bytes, &form));
        let read = AccountRecord::decode(&frames(&bytes).next().unwrap().unwrap());
        assert!(matches!(read, Err(JournalFault::Form { .. })), "{read:?}");
    }
}
