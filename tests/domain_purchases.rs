//! Coupons, purchases and their refunds, case by case (rules C5, D5–D7).
#![allow(missing_docs, clippy::unwrap_used)]

mod billing;

use billing::*;
use exchequer::domain::account_command::AccountCommand;
use exchequer::domain::billing::coupon::CouponTerms;
use exchequer::domain::charge::Category;
use exchequer::domain::money::Money;
use exchequer::domain::profile::{AccountType, Opening};

/// What has paid a purchase.
fn funding(bench: &Bench, order: &str) -> String {
    parts(&bench.account().billing().orders[order].funding)
}

/// Where the refunds of a purchase went, and what is lost.
fn returned(bench: &Bench, order: &str) -> String {
    let refunds = bench.account().billing().orders[order].refunds.iter();
    let texts = refunds.map(|refund| format!("{} -{}", parts(&refund.returned), refund.forfeited));
    texts.collect::<Vec<_>>().join("; ")
}

fn ending(id: &str, nominal: &str, ends_at: &str) -> CouponTerms {
    CouponTerms { ends_at: instant(ends_at), ..terms(id, nominal) }
}

fn scoped(id: &str, nominal: &str, service: &str) -> CouponTerms {
    CouponTerms { services: Box::new([service.into()]), ..terms(id, nominal) }
}

#[test]
fn coupons_are_used_by_expiry_then_balance_then_age() {
    // rule D7
    let mut bench = Bench::new();
    for terms in [
        ending("late", "1", "2026-06-30"),
        ending("large", "3", "2026-06-01"),
        ending("small", "2", "2026-06-01"),
        ending("young", "2", "2026-06-01"),
    ] {
        bench.does(&grant(terms));
    }
    bench.does(&purchase("o", "7.5"));
    assert_eq!(funding(&bench, "o"), "coupon 2: 2, coupon 3: 2, coupon 1: 3, coupon 0: 0.5");
    assert_eq!(bench.coupons(), "0.5 0 0 0");
    // What is left of one counts, not what it was worth.
    let mut bench = Bench::new();
    bench.does(&grant(terms("a", "5"))).does(&purchase("o", "4")).does(&grant(terms("b", "3")));
    bench.does(&purchase("p", "2"));
    assert_eq!(funding(&bench, "p"), "coupon 0: 1, coupon 1: 1");
}

#[test]
fn a_coupon_pays_for_its_services_from_its_minimum_on_within_its_time() {
    // rules C5, D7
    let dear = CouponTerms { minimum_spend: money("5"), ..terms("c", "9") };
    let check = |terms: &CouponTerms, amount: &str, start: &str, category, service: &str, expect: &str| {
        let mut bench = Bench::new();
        bench.does(&grant(terms.clone()));
        bench.post(money(amount), instant(start), category, service);
        let owed = bench.account().unsettled_current();
        assert_eq!(owed, money(expect), "{terms:?} {amount} {start} {service}");
        assert_eq!(bench.account().available_credit(), Money::ZERO.checked_sub(owed).unwrap());
    };
    let usage = Category::Usage;
    check(&terms("c", "9"), "20", "2026-05-20", usage, "s", "11");
    check(&terms("c", "9"), "9", "2026-05-20", usage, "", "0");
    check(&terms("c", "9"), "9", "2026-05-20", Category::Purchase, "", "0");
    check(&terms("c", "9"), "-9", "2026-05-20", usage, "", "-9");
    check(&terms("c", "9"), "9", "2026-05-20", Category::Tax, "", "9");
    check(&scoped("c", "9", "s"), "9", "2026-05-20", usage, "s", "0");
    check(&scoped("c", "9", "s"), "9", "2026-05-20", usage, "t", "9");
    check(&scoped("c", "9", "s"), "9", "2026-05-20", usage, "", "9");
    check(&dear, "5", "2026-05-20", usage, "", "0");
    check(&dear, "4.999999999999999999", "2026-05-20", usage, "", "4.999999999999999999");
    check(&ending("c", "9", "2026-05-20"), "9", "2026-05-19T23:59:59.999999Z", usage, "", "0");
    check(&ending("c", "9", "2026-05-20"), "9", "2026-05-20", usage, "", "9");
    let june = CouponTerms { starts_at: instant("2026-06-01"), ..terms("c", "9") };
    check(&june, "9", "2026-05-31T23:59:59.999999Z", usage, "", "9");
    check(&june, "9", "2026-06-01", usage, "", "0");
    // What the account's own time has come by does not count by the charge's time.
    let mut bench = Bench::new();
    bench.does(&grant(ending("c", "9", "2026-05-20"))).at("2026-05-20").usage("9", "2026-05-10");
    assert_eq!(bench.account().unsettled_current(), money("9"));
}

#[test]
fn coupons_deduct_from_charges_only_while_write_off_is_automatic() {
    // rules C5, D3, D8
    let mut bench = Bench::new();
    bench.billed("2026-05", "1").does(&automatic(false)).does(&grant(terms("c", "9")));
    bench.usage("2", "2026-06-04");
    assert_eq!((bench.coupons().as_str(), bench.account().unsettled_current()), ("9", money("2")));
    bench.does(&start("s", &["2026-05"], &[])).does(&end("s", false));
    assert_eq!(bench.coupons(), "9");
    bench.does(&automatic(true)).usage("2", "2026-06-04"); // the bill of 1, and the charge of 2
    assert_eq!((bench.coupons().as_str(), bench.account().unsettled_current()), ("6", money("2")));
}

#[test]
fn expiry_does_not_touch_what_was_deducted() {
    // rule D7
    let mut bench = Bench::new();
    bench.does(&grant(ending("c", "9", "2026-05-20"))).usage("4", "2026-05-10").at("2026-05-20");
    let coupon = bench.account().billing().coupons.coupon(0).unwrap();
    assert_eq!(
        (coupon.balance, coupon.expired, coupon.status(instant("2026-05-01"))),
        (money("5"), true, "expired")
    );
    assert_eq!(bench.account().available_credit(), Money::ZERO);
    bench.usage("1", "2026-05-10").at("2026-06-03").issues("2026-05");
    assert_eq!((bench.bill("2026-05").coupons, bench.outstanding().as_str()), (money("4"), "1"));
}

#[test]
fn refuses_coupons_by_the_first_rule_that_is_broken() {
    // rule D7
    let mut bench = Bench::new();
    let largest = Money::from_units(i128::MAX);
    let check = |bench: &mut Bench, terms: CouponTerms, expect: &str| {
        assert_eq!(bench.told(&grant(terms.clone())), expect, "{terms:?}");
    };
    check(&mut bench, terms("a", "1"), "ok");
    check(&mut bench, terms("a", "1"), "again");
    check(&mut bench, ending("a", "0", "2026-05-01"), "already_exists");
    check(&mut bench, ending("b", "0", "2026-05-01"), "amount_must_be_positive");
    let much = CouponTerms { nominal: largest, ..terms("b", "1") };
    check(&mut bench, CouponTerms { ends_at: instant("2026-05-01"), ..much.clone() }, "amount_overflow");
    check(&mut bench, much, "amount_overflow"); // with the other one
    check(&mut bench, ending("b", "1", "2026-05-01"), "time_out_of_range");
    bench.at("2026-06-10");
    check(&mut bench, ending("b", "1", "2026-06-10"), "time_out_of_range"); // it has ended
}

#[test]
fn purchases_are_paid_by_coupon_book_cash_and_credit() {
    // rule D6
    let check = |amount: &str, expect: &str, available: &str| {
        let mut bench = Bench::new();
        bench.does(&grant(terms("c", "4"))).receive("3").does(&top_up("2")).does(&limit("10"));
        bench.does(&purchase("o", amount));
        assert_eq!(funding(&bench, "o"), expect);
        assert_eq!(bench.account().available_credit(), money(available));
    };
    check("4", "coupon 0: 4", "15");
    check("6", "coupon 0: 4, book: 2", "13");
    check("8", "coupon 0: 4, book: 3, cash: 1", "11");
    check("19", "coupon 0: 4, book: 3, cash: 2, credit: 10", "0");
    // Credit is owed at once, in the month of the purchase.
    let mut bench = Bench::new();
    bench.does(&limit("10")).does(&purchase("o", "10")).at("2026-06-03").issues("2026-05");
    assert_eq!(bench.outstanding(), "10");
    // A purchase in a month whose bill is issued can't be; its clock would have to go back.
    let ecosystem = Opening { kind: AccountType::Ecosystem, ..usual() };
    let mut bench = Bench::of(ecosystem);
    bench.does(&AccountCommand::SetQuota { amount: money("5") }).does(&grant(terms("c", "4")));
    bench.does(&purchase("o", "9"));
    assert_eq!(funding(&bench, "o"), "coupon 0: 4, credit: 5");
    bench.does(&refund("o", "r", "6"));
    assert_eq!(returned(&bench, "o"), "credit: 5, coupon 0: 1 -0");
    assert_eq!(
        (bench.account().available_credit(), bench.account().credit_refund()),
        (money("5"), money("0"))
    );
    bench.at("2026-06-03").issues("2026-05");
    assert_eq!(bench.account().quota_consumed(), Money::ZERO);
}

#[test]
fn refuses_purchases_by_the_first_rule_that_is_broken() {
    // rules A2, B5, D6
    let mut bench = Bench::new();
    bench.does(&top_up("5")).does(&grant(scoped("c", "4", "s"))).does(&purchase("o", "1"));
    let (hold, expires_at) = (Box::from("h"), instant("2026-06-01"));
    bench.does(&AccountCommand::PlaceHold { hold, amount: money("3"), expires_at });
    let check = |bench: &mut Bench, order: &str, amount: &str, expect: &str| {
        assert_eq!(bench.told(&purchase(order, amount)), expect, "{order} {amount}");
    };
    check(&mut bench, "o", "1", "again");
    check(&mut bench, "o", "0", "already_exists");
    check(&mut bench, "p", "0", "amount_must_be_positive");
    check(&mut bench, "p", "-1", "amount_must_be_positive");
    check(&mut bench, "p", "1.000000000000000001", "insufficient_spendable"); // 5 - 1 - 3 held
    let mut frozen = bench.clone();
    frozen.does(&AccountCommand::Freeze);
    check(&mut frozen, "o", "1", "again");
    check(&mut frozen, "p", "0", "account_frozen");
    assert_eq!(frozen.told(&refund("o", "r", "1")), "ok");
    check(&mut bench, "p", "1", "ok");
    // What coupons pay need not be spendable.
    let (order, service) = (Box::from("q"), Some("s".into()));
    bench.does(&AccountCommand::Purchase { order, amount: money("4"), cloud: None, service });
    let mut large = Bench::new();
    large.post(Money::from_units(i128::MAX), instant("2026-05-02"), Category::Usage, "");
    check(&mut large, "p", "100", "amount_overflow");
}

#[test]
fn refunds_take_the_funding_back_from_its_end() {
    // rules D5, D6
    let mut bench = Bench::new();
    bench.does(&grant(terms("c", "4"))).receive("3").does(&top_up("2")).does(&limit("10"));
    bench.does(&purchase("o", "14")).at("2026-06-10");
    let told = |bench: &mut Bench, id: &str, amount: &str| bench.told(&refund("o", id, amount));
    assert_eq!(told(&mut bench, "a", "5"), "ok"); // all of the credit: 5
    assert_eq!(told(&mut bench, "a", "5"), "again");
    assert_eq!(told(&mut bench, "a", "6"), "already_exists");
    assert_eq!(bench.account().billing().credit_refund[&cycle("2026-06")], money("5"));
    assert_eq!(told(&mut bench, "b", "3"), "ok"); // cash 2, book 1
    assert_eq!((bench.account().cash(), bench.account().transfer_book()), (money("3"), money("1")));
    assert_eq!(told(&mut bench, "c", "6.1"), "exceeds_refundable");
    assert_eq!(told(&mut bench, "c", "0"), "amount_must_be_positive");
    assert_eq!(told(&mut bench, "c", "3"), "ok"); // book 2, coupon 1
    bench.at("2026-07-01");
    assert_eq!(told(&mut bench, "d", "3"), "ok"); // the rest of the coupon, which has expired
    assert_eq!(told(&mut bench, "e", "1"), "exceeds_refundable");
    assert_eq!(returned(&bench, "o"), "credit: 5 -0; cash: 2, book: 1 -0; book: 2, coupon 0: 1 -0;  -3");
    assert_eq!((bench.coupons().as_str(), bench.account().transfer_book()), ("1", money("3")));
    assert_eq!(bench.told(&refund("?", "r", "0")), "not_found");
}

#[test]
fn a_canceled_account_takes_refunds_and_nothing_else() {
    // rule A2
    let mut bench = Bench::new();
    bench.does(&top_up("5")).does(&purchase("o", "5")).does(&AccountCommand::Cancel);
    assert_eq!(bench.told(&purchase("p", "1")), "account_canceled");
    assert_eq!(bench.told(&grant(terms("c", "1"))), "account_canceled");
    assert_eq!(bench.told(&pay("2026-05", &[])), "not_found");
    assert_eq!(bench.told(&end("s", true)), "not_found");
    assert_eq!(bench.told(&refund("o", "r", "2")), "ok");
    assert_eq!(bench.account().cash(), money("2"));
    // A late charge is billed, and paid by what was refunded.
    bench.usage("3", "2026-04-20").at("2026-06-03").issues("2026-04");
    assert_eq!((bench.outstanding().as_str(), bench.account().cash()), ("1", Money::ZERO));
}
