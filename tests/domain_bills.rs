//! Bills, case by case (rules B2, C4, C5, D1, D2, D9).
#![allow(missing_docs, clippy::unwrap_used)]

mod billing;

use billing::*;
use exchequer::domain::account_command::AccountCommand;
use exchequer::domain::billing::rate::Rate;
use exchequer::domain::charge::Category::{self, Adjustment, Tax, Usage};
use exchequer::domain::money::Money;
use exchequer::domain::profile::{AccountType, Opening, Profile};
use exchequer::domain::refusals::Refusal;
use exchequer::domain::time::UtcOffset;

/// A bill's figures: gross, coupons, dropped by rounding, tax, after tax, and what is outstanding.
fn figures(bench: &Bench, cycle: &str) -> String {
    let bill = bench.bill(cycle);
    let figures =
        [bill.gross, bill.coupons, bill.round_down_discount, bill.tax, bill.after_tax(), bill.outstanding()];
    figures.map(|figure| figure.to_string()).join(" ")
}

fn opening(code: &str, credit_enabled: bool) -> Opening {
    let profile = Profile { credit_enabled, ..Profile::default() };
    Opening { currency: currency(code), profile, ..usual() }
}

#[test]
fn a_bill_is_rounded_down_and_taxed() {
    // rule D2
    let check = |code, rate, coupon: &str, charges: &[(&str, Category)], expect: &str| {
        let mut bench = Bench::of(opening(code, true));
        bench.does(&tax(rate));
        if !coupon.is_empty() {
            bench.does(&grant(terms("c", coupon)));
        }
        for (amount, category) in charges {
            assert_eq!(bench.post(money(amount), instant("2026-05-20"), *category, ""), "2026-05");
        }
        let before = bench.account().available_credit();
        bench.at("2026-06-03").issues("2026-05");
        assert_eq!(figures(&bench, "2026-05"), expect, "{code} {rate} {coupon} {charges:?}");
        // What rounding drops is given back, and tax is owed.
        let bill = bench.bill("2026-05");
        let after = before.checked_add(bill.round_down_discount).unwrap().checked_sub(bill.tax).unwrap();
        let after = after.checked_add(bill.paid().coupon).unwrap();
        assert_eq!(bench.account().available_credit(), after);
        assert_eq!(bench.account().unsettled_current(), Money::ZERO);
    };
    check("USD", "0", "", &[("10.019", Usage)], "10.019 0 0.009 0 10.01 10.01");
    // Only the sum is rounded.
    check(
        "USD",
        "0",
        "",
        &[("0.004", Usage), ("0.004", Usage), ("0.004", Adjustment)],
        "0.012 0 0.002 0 0.01 0.01",
    );
    check("USD", "0.06", "", &[("100", Usage)], "100 0 0 6 106 106");
    // 5 % of 0.1 is 0.005: half up.
    check("USD", "0.05", "", &[("0.1", Usage)], "0.1 0 0 0.01 0.11 0.11");
    // Tax is on what is exact: 5 % of 0.099 is 0.00495; of 0.109, 0.00545, though of 0.1 that is billed it is 0.005.
    check("USD", "0.05", "", &[("0.099", Usage)], "0.099 0 0.009 0 0.09 0.09");
    check("USD", "0.05", "", &[("0.109", Usage)], "0.109 0 0.009 0.01 0.11 0.11");
    // What is a tax itself is not taxed, nor is what coupons pay; they pay no taxes.
    check("USD", "0.05", "", &[("100", Usage), ("7", Tax)], "107 0 0 5 112 112");
    check("USD", "0.05", "30", &[("100", Usage), ("7", Tax)], "107 30 0 3.5 80.5 80.5");
    check("USD", "0.05", "30", &[("7", Tax)], "7 0 0 0 7 0"); // the coupon pays the bill at issue
    check("USD", "0.05", "30", &[("20.005", Usage)], "20.005 20.005 0 0 0 0");
    // Nothing to pay.
    check("USD", "0.05", "", &[("5", Usage), ("-5", Adjustment)], "0 0 0 0 0 0");
    check("USD", "0.05", "", &[("0.009", Usage)], "0.009 0 0.009 0 0 0");
    // Other minor units: 10 % of 99.9 is 9.99; 5 % of 1.2345 is 0.061725.
    check("JPY", "0.1", "", &[("99.9", Usage)], "99.9 0 0.9 10 109 109");
    check("BHD", "0.05", "", &[("1.2345", Usage)], "1.2345 0 0.0005 0.062 1.296 1.296");
    check("TOKENS", "0.05", "", &[("1.2345", Usage)], "1.2345 0 0.0045 0.06 1.29 1.29");
    // Below 0, down is away from 0: 5 % of -1.001 is -0.05005.
    check("USD", "0.05", "", &[("-1.001", Usage)], "-1.001 0 0.009 -0.05 -1.06 0");
    check("JPY", "0", "", &[("-0.1", Usage)], "-0.1 0 0.9 0 -1 0");
}

#[test]
fn a_bill_below_0_becomes_credit_refund_or_cash() {
    // rule D2
    for (credit_enabled, paid, cash, refund) in
        [(true, "refund 2026-06: -1.01", "0", "1.01"), (false, "cash: -1.01", "1.01", "0")]
    {
        let mut bench = Bench::of(opening("USD", credit_enabled));
        bench.usage("-1.001", "2026-05-20").at("2026-06-30").issues("2026-05");
        assert_eq!((bench.paid(), bench.outstanding()), (paid.to_owned(), "0".to_owned()));
        assert_eq!(bench.account().cash(), money(cash));
        assert_eq!(bench.account().credit_refund(), money(refund));
        assert_eq!(bench.account().available_credit(), money("1.01"));
        assert_eq!(bench.bill("2026-05").settled_at, Some(instant("2026-06-30")));
        // It pays the next bill.
        bench.at("2026-07-03").usage("3", "2026-06-20").issues("2026-06");
        assert_eq!(bench.outstanding(), "0 1.99");
    }
}

#[test]
fn a_cycle_is_issued_once_and_when_it_has_ended() {
    // rule D1
    let mut bench = Bench::of(Opening { offset: UtcOffset::parse("+08:00").unwrap(), ..usual() });
    bench.usage("1", "2026-05-20").at("2026-05-31T15:59:59.999999Z");
    assert_eq!(bench.issue(cycle("2026-05")), Err(Refusal::CycleOpen));
    assert_eq!(bench.issue(cycle("9999-12")), Err(Refusal::CycleOpen));
    bench.at("2026-05-31T16:00:00Z").issues("2026-05");
    assert_eq!(bench.issue(cycle("2026-05")), Err(Refusal::AlreadyIssued));
    assert_eq!(bench.issue(cycle("2026-04")), Err(Refusal::AlreadyIssued));
    assert_eq!(bench.issue(cycle("2026-06")), Err(Refusal::CycleOpen));
    assert_eq!(bench.account().issue_due(cycle("2026-05")), instant("2026-06-02T16:00:00Z"));
}

#[test]
fn moves_the_total_from_current_to_previous() {
    // rules B1, D1
    let mut bench = Bench::new();
    bench.usage("10", "2026-05-20").usage("5", "2026-06-01").at("2026-06-03").issues("2026-05");
    let account = bench.account();
    assert_eq!(account.unsettled_current(), money("5"));
    assert_eq!(account.unsettled_previous(), money("10"));
    assert_eq!(account.available_credit(), money("-15"));
    assert_eq!(account.charges(), 2);
    assert_eq!(bench.bill("2026-05").charges, 1);
}

#[test]
fn captured_holds_and_purchases_on_credit_are_billed() {
    // rules B5, D6
    let mut bench = Bench::new();
    let (hold, expires_at): (Box<str>, _) = ("h".into(), instant("2026-05-09"));
    bench.does(&limit("100"));
    bench.does(&AccountCommand::PlaceHold { hold: hold.clone(), amount: money("20"), expires_at });
    bench.does(&AccountCommand::CaptureHold { hold, amount: Some(money("15")) });
    bench.does(&purchase("o", "30")).usage("1", "2026-05-20").at("2026-06-03").issues("2026-05");
    assert_eq!(figures(&bench, "2026-05"), "46 0 0 0 46 46");
}

#[test]
fn a_bill_is_due_by_the_accounts_terms_and_long_overdue_90_days_later() {
    // rules D1, E6
    for (days, due) in [(10, "2026-06-13"), (30, "2026-07-03"), (0, "2026-06-03")] {
        let profile = Profile { payment_terms_days: days, ..Profile::default() };
        let mut bench = Bench::of(Opening { profile, ..usual() });
        bench.billed("2026-05", "1");
        let bill = bench.bill("2026-05");
        assert_eq!((bill.issued_at, bill.due_at), (instant("2026-06-03"), instant(due)));
        let limit = bill.due_at.plus_days(90);
        let after = exchequer::domain::time::Timestamp::from_micros(limit.micros() + 1);
        assert!(!bench.account().is_long_overdue(limit));
        assert!(bench.account().is_long_overdue(after));
        bench.does(&top_up("1"));
        assert!(!bench.account().is_long_overdue(after));
    }
}

#[test]
fn a_late_charge_goes_to_the_first_open_cycle_until_it_is_too_old() {
    // rules C2, C4
    let mut bench = Bench::new();
    let check = |bench: &mut Bench, start: &str, expect: &str| {
        assert_eq!(bench.post(money("1"), instant(start), Usage, ""), expect, "{start}");
    };
    check(&mut bench, "2026-05-20", "2026-05");
    bench.at("2026-06-03").issues("2026-05");
    check(&mut bench, "2026-05-20", "2026-06");
    check(&mut bench, "2026-04-20", "2026-06");
    check(&mut bench, "2026-03-20", "cycle_too_old");
    check(&mut bench, "2026-07-20", "2026-07");
    bench.at("2026-07-03").issues("2026-06");
    check(&mut bench, "2026-05-20", "2026-07");
    check(&mut bench, "2026-04-20", "cycle_too_old");
    bench.at("2026-08-03").issues("2026-07");
    check(&mut bench, "2026-05-20", "cycle_too_old");
    check(&mut bench, "2026-06-20", "2026-08");
    // What was late is billed where it was posted: 1 and 1 in June, 1 and 1 in July.
    assert_eq!(bench.outstanding(), "1 2 2");
}

#[test]
fn a_bill_is_converted_by_the_rate_of_its_day() {
    // rule D9
    let settle = |code| AccountCommand::SetSettlementCurrency { currency: currency(code) };
    let mut bench = Bench::new();
    bench.does(&settle("HKD")).does(&settle("EUR")).usage("10.01", "2026-05-20").usage("10.01", "2026-06-20");
    bench.at("2026-06-03").issues("2026-05");
    assert_eq!(bench.bill("2026-05").converted, None); // it is set from the next month on
    bench.at("2026-07-04T23:00:00Z");
    let before = bench.account().clone();
    assert_eq!(bench.issue(cycle("2026-06")), Err(Refusal::ExchangeRateMissing));
    assert_eq!(bench.account(), &before);
    // Of two broken rules the first: the cycle is open besides.
    assert_eq!(bench.issue(cycle("2026-07")), Err(Refusal::ExchangeRateMissing));
    let day = i32::try_from(instant("2026-07-04").micros() / 86_400_000_000).unwrap();
    for (day, rate) in [(day - 9, "0.7"), (day - 1, "0.9"), (day + 1, "0.8")] {
        bench.rates.set(currency("USD"), currency("EUR"), day, Rate::parse(rate).unwrap());
    }
    bench.issues("2026-06");
    let converted = bench.bill("2026-06").converted.clone().unwrap();
    assert_eq!((converted.currency, converted.day), (currency("EUR"), day - 1));
    assert_eq!(converted.amount, money("9.01")); // 9.009
    assert_eq!(bench.bill("2026-06").after_tax(), money("10.01"));
    bench.does(&settle("USD")).at("2026-09-03").usage("1", "2026-08-20").issues("2026-08");
    assert_eq!(bench.bill("2026-08").converted, None);
    assert_eq!(bench.told(&settle("JPY")), "currency_mismatch");
    let ecosystem = Opening { kind: AccountType::Ecosystem, ..usual() };
    assert_eq!(Bench::of(ecosystem).told(&settle("EUR")), "not_supported_for_account_type");
    let site = exchequer::domain::profile::Site::China;
    let china = Opening { profile: Profile { site, ..Profile::default() }, ..usual() };
    assert_eq!(Bench::of(china).told(&settle("EUR")), "not_supported_for_account_type");
}

#[test]
fn an_ecosystem_bill_consumes_quota() {
    // rule B2
    let mut bench = Bench::of(Opening { kind: AccountType::Ecosystem, ..usual() });
    bench.does(&AccountCommand::SetQuota { amount: money("100") }).does(&tax("0.1"));
    bench.usage("30.005", "2026-05-20");
    assert_eq!(bench.account().available_credit(), money("69.995"));
    bench.at("2026-06-03").issues("2026-05");
    // 10 % of 30.005 is 3.0005.
    assert_eq!(figures(&bench, "2026-05"), "30.005 0 0.005 3 33 0");
    assert_eq!(bench.paid(), "quota: 33");
    assert_eq!(bench.account().quota_consumed(), money("33"));
    assert_eq!(bench.account().available_credit(), money("67"));
    bench.does(&AccountCommand::RepayQuota { amount: money("33") });
    assert_eq!(bench.account().available_credit(), money("100"));
    assert_eq!(bench.told(&pay("2026-05", &[])), "not_supported_for_account_type");
    assert_eq!(bench.told(&start("s", &["2026-05"], &[])), "not_supported_for_account_type");
}

#[test]
fn refuses_a_bill_whose_sums_do_not_fit() {
    // rule B4
    let largest = Money::from_units(i128::MAX);
    let less = Money::from_units(-i128::MAX);
    let mut bench = Bench::new();
    for (amount, start, category) in
        [(largest, "2026-05-20", Usage), (less, "2026-06-20", Usage), (largest, "2026-05-20", Tax)]
    {
        bench.post(amount, instant(start), category, "");
    }
    bench.at("2026-06-03");
    assert_eq!(bench.issue(cycle("2026-05")), Err(Refusal::AmountOverflow));
    let mut bench = Bench::new();
    bench.does(&tax("0.5")).post(largest, instant("2026-05-20"), Usage, "");
    bench.at("2026-06-03");
    assert_eq!(bench.issue(cycle("2026-05")), Err(Refusal::AmountOverflow));
}
