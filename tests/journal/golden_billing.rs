//! Records and a snapshot of version 3, and charges of version 2, kept for ever: they must read as they did.

use std::fs;

use exchequer::domain::account::{Account, AccountParts};
use exchequer::domain::account_event::AccountEvent;
use exchequer::domain::billing::Billing;
use exchequer::domain::billing::asset::{Asset, AssetKind, BillPayment, Portion};
use exchequer::domain::billing::bill::{Bill, Bills, Converted};
use exchequer::domain::billing::coupon::{Coupon, CouponKind, CouponTerms, Coupons};
use exchequer::domain::billing::order::{Order, Refund};
use exchequer::domain::billing::payment_method::{PaymentMethod, PaymentMethodKind, PaymentMethods};
use exchequer::domain::billing::rate::Rate;
use exchequer::domain::billing::settlement::{Settlement, SettlementEnd, Settlements};
use exchequer::domain::directory::{Directory, DirectoryEvent, DirectoryParts, Remittance};
use exchequer::domain::ids::{AccountIndex, CloudIndex, Currency};
use exchequer::domain::strings::Strings;
use exchequer::domain::time::{Cycle, Timestamp};
use exchequer::journal::charges::{ChargesBuilder, ChargesPosted, PostedCharge};
use exchequer::journal::forms::account_record::AccountRecord;
use exchequer::journal::forms::directory_record::DirectoryRecord;
use exchequer::journal::frame::frames;
use exchequer::journal::snapshot::{AccountsPart, Part};
use exchequer::wal::Lsn;

use super::golden_rig::{
    charge, check_records, encoded, golden, instant, money, read_snapshot, write_snapshot,
};

const LOW_WATER: Lsn = Lsn::new(18);

fn month(month: u32) -> Cycle {
    Cycle::new(2026, month).unwrap()
}

fn rate(text: &str) -> Rate {
    Rate::parse(text).unwrap()
}

fn euro() -> Currency {
    Currency::parse("EUR").unwrap()
}

/// One of every asset that pays bills, and credit.
fn portions() -> [Portion; 6] {
    let assets = [
        Asset::Coupon(1),
        Asset::CreditRefund(month(4)),
        Asset::TransferBook,
        Asset::Cash,
        Asset::Quota,
        Asset::Credit,
    ];
    assets.map(|asset| Portion { asset, amount: money(7) })
}

fn terms(kind: CouponKind) -> CouponTerms {
    CouponTerms {
        id: "spring".into(),
        kind,
        nominal: money(1_000),
        starts_at: instant(-1),
        ends_at: Timestamp::MAX,
        services: ["compute".into(), "storage".into()].into(),
        minimum_spend: money(9),
    }
}

fn bill(cycle: Cycle) -> Bill {
    let amount = money(i128::MIN);
    Bill {
        cycle,
        issued_at: instant(1),
        due_at: Timestamp::MAX,
        charges: 3,
        gross: money(i128::MAX),
        coupons: money(2),
        round_down_discount: money(3),
        taxable: money(-4),
        tax_rate: rate("0.06"),
        tax: money(5),
        converted: Some(Box::new(Converted {
            currency: euro(),
            rate: rate("0.912345678901234567"),
            day: -1,
            amount,
        })),
        payments: portions()[..5].to_vec(),
        settled_at: None,
    }
}

/// A bill below 0, which became cash.
fn bill_below_zero(cycle: Cycle) -> Bill {
    Bill {
        gross: money(-6),
        payments: vec![Portion { asset: Asset::Cash, amount: money(-6) }],
        converted: None,
        settled_at: Some(instant(1)),
        ..bill(cycle)
    }
}

fn method(kind: PaymentMethodKind) -> PaymentMethod {
    PaymentMethod { kind, token: "tok_1".into() }
}

fn account_events() -> Vec<AccountEvent> {
    let id = || Box::from("id");
    let (amount, cash_after) = (money(i128::MAX), money(-1));
    let payment = |part| BillPayment { cycle: month(5), part };
    let payments: Box<[_]> = portions().into_iter().take(5).map(payment).collect();
    let granted = |kind| AccountEvent::CouponGranted { coupon: Box::new(terms(kind)) };
    let bought = |cloud, service| AccountEvent::Purchased {
        order: id(),
        amount,
        funding: portions().into(),
        cycle: month(5),
        cloud,
        service,
    };
    vec![
        AccountEvent::BillIssued { bill: Box::new(bill(month(5))) },
        AccountEvent::BillIssued { bill: Box::new(bill_below_zero(month(6))) },
        AccountEvent::BillsWrittenOff { payments: payments.clone() },
        granted(CouponKind::Coupon),
        granted(CouponKind::Voucher),
        AccountEvent::CouponExpired { number: 1, amount },
        AccountEvent::AutomaticWriteOffSet { enabled: true },
        AccountEvent::WriteOffPreviousBillsSet { enabled: false },
        AccountEvent::TaxRateSet { before: Rate::default(), after: rate("0.06") },
        AccountEvent::SettlementCurrencySet { from: month(7), currency: euro() },
        bought(None, None),
        bought(Some(CloudIndex(4)), Some("compute".into())),
        AccountEvent::PurchaseRefunded {
            order: id(),
            refund: "refund".into(),
            amount,
            returned: portions().into(),
            forfeited: money(1),
            month: month(6),
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

fn account_records() -> Vec<AccountRecord> {
    let record = |(sequence, event)| AccountRecord {
        account: AccountIndex(5),
        sequence,
        at: instant(-1),
        actor: "acme/ann".into(),
        remembered: None,
        event,
    };
    (1..).zip(account_events()).map(record).collect()
}

fn remittance() -> Remittance {
    Remittance { amount: money(8), currency: euro(), reference: Some("invoice 7".into()) }
}

fn directory_record() -> DirectoryRecord {
    let (from, to) = (Currency::USD, euro());
    DirectoryRecord {
        sequence: 4,
        at: instant(5),
        actor: "provider".into(),
        remembered: None,
        events: vec![
            DirectoryEvent::ExchangeRateSet { from, to, day: 20_000, rate: rate("0.9") },
            DirectoryEvent::RemittanceReceived { remittance: "wire 1".into(), received: remittance() },
        ],
    }
}

#[test]
#[ignore = "writes the golden files of this version; once, when a format version is new"]
fn write_the_golden_records_of_version_3() {
    fs::write(golden("records-v3"), encoded(account_records(), &directory_record())).unwrap();
}

#[test]
fn records_of_version_3_say_the_same_for_ever() {
    let bytes = fs::read(golden("records-v3")).unwrap();
    let mut frames = frames(&bytes).map(Result::unwrap);
    check_records(&mut frames, 3, account_records(), directory_record());
    assert!(frames.next().is_none());
}

fn charges() -> Vec<PostedCharge<'static>> {
    vec![charge(0), PostedCharge { original_cycle: month(4), ..charge(1) }]
}

fn deductions() -> Vec<(usize, Portion)> {
    let part = |(row, number, units)| (row, Portion { asset: Asset::Coupon(number), amount: money(units) });
    [(0, 3, 1), (1, 0, 2), (1, u32::MAX, i128::MAX)].map(part).into()
}

#[test]
#[ignore = "writes the golden files of this version; once, when a format version is new"]
fn write_the_golden_charges_of_version_2() {
    let mut builder = ChargesBuilder::default();
    for (row, charge) in charges().iter().enumerate() {
        builder.push(charge);
        let of_row = deductions().into_iter().filter(|(place, _)| *place == row);
        builder.push_deductions(&of_row.map(|(_, part)| part).collect::<Vec<_>>());
    }
    let mut bytes = Vec::new();
    builder.finish(&mut bytes);
    fs::write(golden("charges-posted-v2"), bytes).unwrap();
}

#[test]
fn charges_of_version_2_say_the_same_for_ever() {
    let bytes = fs::read(golden("charges-posted-v2")).unwrap();
    let frame = frames(&bytes).next().unwrap().unwrap();
    assert_eq!(frame.version, 2);
    let posted = ChargesPosted::decode(&frame).unwrap();
    let rows: Vec<_> = posted.iter().map(Result::unwrap).collect();
    assert_eq!(rows, charges());
    assert_eq!(posted.deductions().collect::<Vec<_>>(), deductions());
}

#[test]
fn charges_that_version_1_can_say_are_written_as_it_did() {
    let bytes = fs::read(golden("charges-posted-v1")).unwrap();
    let frame = frames(&bytes).next().unwrap().unwrap();
    let posted = ChargesPosted::decode(&frame).unwrap();
    let mut builder = ChargesBuilder::default();
    posted.strings.iter().for_each(|(number, text)| builder.push_string(*number, text));
    posted.iter().for_each(|charge| builder.push(&charge.unwrap()));
    let mut written = Vec::new();
    builder.finish(&mut written);
    assert_eq!(written, bytes);
}

fn order() -> Order {
    let part = |asset, amount| Portion { asset, amount: money(amount) };
    let (cash, credit) = (part(Asset::Cash, 3), part(Asset::Credit, 4));
    let refund = |id: &str, returned: Portion, forfeited| Refund {
        id: id.into(),
        amount: returned.amount,
        returned: [returned].into(),
        forfeited: money(forfeited),
        at: instant(8),
    };
    Order {
        amount: money(8),
        funding: [part(Asset::Coupon(0), 1), cash, credit].into(),
        at: instant(7),
        refunds: vec![refund("r 1", credit, 0), refund("r 2", cash, 1)],
    }
}

fn billing() -> Billing {
    let coupon = |kind, balance, expired| Coupon { terms: terms(kind), balance: money(balance), expired };
    let settlement = |end| Settlement { end, ..Settlement::of(&[month(5)], &AssetKind::ALL) };
    Billing {
        coupons: Coupons::from_parts(vec![
            coupon(CouponKind::Coupon, 1_000, false),
            coupon(CouponKind::Voucher, 0, true),
        ]),
        deducted: [(month(7), money(2))].into(),
        credit_refund: [(month(5), money(3)), (month(6), money(4))].into(),
        write_off_by_hand: true,
        write_off_previous_bills: true,
        tax_rate: rate("0.06"),
        settlement_currencies: [(month(5), euro()), (month(6), Currency::USD)].into(),
        orders: [("order".into(), order())].into(),
        settlements: Settlements {
            by_id: [
                ("closed".into(), settlement(Some(SettlementEnd::Closed))),
                ("finished".into(), settlement(Some(SettlementEnd::Finished))),
                ("open".into(), settlement(None)),
            ]
            .into(),
        },
        payment_methods: PaymentMethods {
            by_id: [
                ("card".into(), method(PaymentMethodKind::Card)),
                ("paypal".into(), method(PaymentMethodKind::Paypal)),
            ]
            .into(),
            default: Some("card".into()),
        },
        remittances: [("wire 1".into(), money(8))].into(),
        bills: Bills::from_parts(vec![bill_below_zero(month(4)), bill(month(5))]).unwrap(),
    }
}

fn account_parts() -> AccountParts {
    let placeholder = Account::placeholder(AccountIndex(0)).to_parts();
    AccountParts { sequence: 12, open_from: month(6), billing: Some(Box::new(billing())), ..placeholder }
}

fn directory_parts() -> DirectoryParts {
    DirectoryParts {
        sequence: 4,
        accounts: vec!["acme".into()],
        rates: vec![
            (euro(), Currency::USD, -1, rate("1.1")),
            (Currency::USD, euro(), 20_000, rate("0.912345678901234567")),
        ],
        remittances: vec![
            ("wire 1".into(), remittance()),
            ("wire 2".into(), Remittance { reference: None, ..remittance() }),
        ],
        ..Directory::new(1).to_parts()
    }
}

#[test]
#[ignore = "writes the golden files of this version; once, when a format version is new"]
fn write_the_golden_snapshot_of_version_3() {
    let mut accounts = AccountsPart::default();
    accounts.push(AccountIndex(0), &account_parts(), std::iter::empty());
    let parts = [accounts.finish(), Part::directory(&directory_parts()), Part::strings(&Strings::default())];
    write_snapshot("snapshot-v3", LOW_WATER, &parts);
}

#[test]
fn a_snapshot_of_version_3_says_the_same_for_ever() {
    let state = read_snapshot("snapshot-v3", LOW_WATER);
    assert_eq!(state.accounts, [(AccountIndex(0), account_parts(), vec![])]);
    assert_eq!(state.directory, directory_parts());
}
