//! Paying bills: by themselves, by hand, and together (rules D3–D5, D8, D11).
#![allow(missing_docs, clippy::unwrap_used)]

mod billing;

use std::slice;

use billing::*;
use exchequer::domain::account_command::{AccountCommand, PayWith};
use exchequer::domain::billing::asset::AssetKind::{self, Cash, Coupon, CreditRefund, TransferBook};
use exchequer::domain::billing::coupon::CouponTerms;

/// A coupon that pays bills but no charges of May and June: it begins with July.
fn july(id: &str, nominal: &str) -> AccountCommand {
    let mut terms = terms(id, nominal);
    (terms.starts_at, terms.ends_at) = (instant("2026-07-01"), instant("2027-01-01"));
    grant(terms)
}

/// Bills of May and June of 10 each, and nothing to pay them with, on the 3rd of July.
fn two_bills() -> Bench {
    let mut bench = Bench::new();
    bench.does(&limit("100")).billed("2026-05", "10").billed("2026-06", "10");
    assert_eq!(bench.outstanding(), "10 10"); // rule D4: the limit pays nothing
    bench
}

#[test]
fn assets_pay_in_their_order_and_the_oldest_bill_first() {
    // rule D3
    let mut bench = two_bills();
    bench.does(&automatic(false)).refunded_credit("3").does(&july("c", "4")).receive("5").does(&top_up("20"));
    bench.does(&previous(true));
    assert_eq!(bench.outstanding(), "10 10"); // off: nothing moves
    assert_eq!(bench.account().available_credit(), money("105"));
    bench.does(&automatic(true));
    // May: 4 + 3 + 3 of 5; June: 2 of the book, 8 of own cash.
    assert_eq!(bench.paid(), "coupon 0: 4, refund 2026-07: 3, book: 3; book: 2, cash: 8");
    assert_eq!(bench.outstanding(), "0 0");
    assert_eq!((bench.account().cash(), bench.account().transfer_book()), (money("12"), money("0")));
    assert_eq!(bench.account().available_credit(), money("109")); // a coupon is no part of available credit
    assert_eq!(bench.bill("2026-06").settled_at, Some(instant("2026-07-03")));
}

#[test]
fn every_asset_that_arrives_pays() {
    // rules D3, D11
    let (remittance, amount, reason) = ("r".into(), money("15"), "x".into());
    let claim = AccountCommand::ClaimRemittance { remittance, amount, currency: currency("USD") };
    let adjust = AccountCommand::AdjustCash { amount, reason };
    for command in [top_up("15"), july("c", "15"), adjust, claim.clone()] {
        assert_eq!(two_bills().does(&command).outstanding(), "0 5", "{command:?}");
    }
    assert_eq!(two_bills().receive("15").outstanding(), "0 5");
    assert_eq!(two_bills().does(&previous(true)).refunded_credit("15").outstanding(), "0 5");
    assert_eq!(two_bills().does(&claim).told(&claim), "again");
    // A purchase by transferred funds that is refunded.
    let mut bench = Bench::new();
    bench.receive("15").does(&purchase("o", "15")).billed("2026-05", "20").does(&refund("o", "r", "12"));
    assert_eq!((bench.outstanding().as_str(), bench.paid().as_str()), ("8", "book: 12"));
}

#[test]
fn a_coupon_pays_when_its_time_begins() {
    // rules D3, J5: also if nobody asks before it has ended
    let mut bench = two_bills();
    for (id, starts_at, ends_at) in [("a", "2026-08-01", "2026-08-05"), ("b", "2026-07-20", "2026-08-01")] {
        let (starts_at, ends_at) = (instant(starts_at), instant(ends_at));
        bench.does(&grant(CouponTerms { starts_at, ends_at, ..terms(id, "6") }));
    }
    bench.at("2026-07-19T23:59:59Z");
    assert_eq!(bench.outstanding(), "10 10");
    bench.at("2026-09-01");
    assert_eq!(bench.paid(), "coupon 1: 6, coupon 0: 4; coupon 0: 2");
    assert_eq!(bench.account().at(), instant("2026-08-01"));
}

#[test]
fn credit_refund_pays_bills_of_its_month_and_later_unless_switched() {
    // rule D5
    let mut bench = Bench::new();
    bench.does(&limit("100")).billed("2026-05", "10").at("2026-06-10").refunded_credit("4");
    assert_eq!(bench.outstanding(), "10"); // it is of June
    assert_eq!(bench.account().available_credit(), money("90")); // 100 + 4 - 4 on credit - 10
    bench.at("2026-07-01").refunded_credit("5").at("2026-07-03").issues("2026-06");
    // The purchase of June is its bill: it is paid by the refund of June.
    assert_eq!(bench.paid(), "; refund 2026-06: 4");
    bench.does(&previous(true));
    assert_eq!(bench.paid(), "refund 2026-07: 5; refund 2026-06: 4");
    assert_eq!(bench.account().credit_refund(), money("0"));
}

#[test]
fn the_oldest_month_of_credit_refund_pays_first() {
    // rule D5
    let mut bench = Bench::new();
    bench
        .does(&limit("100"))
        .does(&automatic(false))
        .refunded_credit("2")
        .at("2026-06-01")
        .refunded_credit("3");
    bench
        .usage("2", "2026-06-02")
        .at("2026-08-01")
        .issues("2026-05")
        .issues("2026-06")
        .does(&automatic(true));
    // May: 2 bought; June: 3 bought and 2 used, of which June's refund pays 3.
    assert_eq!(bench.paid(), "refund 2026-05: 2; refund 2026-06: 3");
    assert_eq!(bench.outstanding(), "0 2");
}

#[test]
fn holds_do_not_keep_bills_from_being_paid() {
    // rules B5, D3
    let mut bench = Bench::new();
    bench.does(&top_up("10")).usage("10", "2026-05-20").does(&limit("10"));
    let (hold, expires_at) = (Box::from("h"), instant("2026-07-01"));
    bench.does(&AccountCommand::PlaceHold { hold, amount: money("10"), expires_at });
    bench.at("2026-06-03").issues("2026-05");
    assert_eq!((bench.paid().as_str(), bench.account().cash()), ("cash: 10", money("0")));
}

#[test]
fn a_person_pays_what_and_with_what_is_chosen() {
    // rule D3
    let mut bench = two_bills();
    bench.does(&automatic(false)).refunded_credit("3").does(&july("c", "4")).receive("5").does(&top_up("20"));
    bench.does(&pay("2026-06", &[by(Cash, "2"), by_coupon("c", "1"), by(TransferBook, "1.5")]));
    assert_eq!(bench.paid(), "; cash: 2, coupon 0: 1, book: 1.5");
    bench.does(&previous(true)).does(&pay("2026-05", &[by_month("2026-07", "1"), by(CreditRefund, "2")]));
    bench.does(&pay("2026-06", &[])); // by what automatic write-off would take
    // 5.5 were left: 3 of the coupon, and 2.5 of the book, since May's bill has taken the credit refund.
    assert_eq!(bench.paid(), "refund 2026-07: 3; cash: 2, coupon 0: 4, book: 4");
    assert_eq!(bench.outstanding(), "7 0");
}

#[test]
fn refuses_to_pay_by_the_first_rule_that_is_broken() {
    // rule D3
    let mut bench = Bench::new();
    bench.does(&limit("100")).does(&automatic(false)).does(&top_up("50"));
    bench.usage("10", "2026-05-02").usage("-3", "2026-06-02").usage("6", "2026-07-02");
    bench.at("2026-08-03").issues("2026-05").issues("2026-06").issues("2026-07"); // a credit refund of 3 in August
    let mut scoped = terms("scoped", "9");
    (scoped.services, scoped.ends_at) = (Box::new(["s".into()]), instant("2027-01-01"));
    let mut dear = terms("dear", "9");
    (dear.minimum_spend, dear.ends_at) = (money("10.01"), instant("2027-01-01"));
    bench.does(&grant(scoped)).does(&grant(dear)).does(&start("s", &["2026-07"], &[Cash]));
    let (cash, unfit) = (by(Cash, "51"), by_coupon("scoped", "1"));
    let (early, none) = (by(CreditRefund, "1"), by_coupon("?", "1"));
    let much = by(Cash, "11");
    let check = |bench: &mut Bench, cycle: &str, with: &[PayWith], expect: &str| {
        assert_eq!(bench.told(&pay(cycle, with)), expect, "{cycle} {with:?}");
    };
    let may = "2026-05";
    check(&mut bench, "2026-04", &[by(Cash, "0")], "not_found");
    check(&mut bench, may, &[by(Cash, "0"), none.clone()], "not_found");
    check(&mut bench, may, &[cash.clone(), by(Cash, "0")], "amount_must_be_positive");
    check(&mut bench, may, &[by(Cash, "-1")], "amount_must_be_positive");
    check(&mut bench, may, &[unfit.clone(), early.clone(), cash.clone()], "insufficient_asset");
    check(&mut bench, may, &[by_coupon("scoped", "10")], "insufficient_asset");
    check(&mut bench, may, &[by(TransferBook, "1")], "insufficient_asset");
    check(&mut bench, may, &[by(CreditRefund, "4")], "insufficient_asset");
    check(&mut bench, may, &[by_month("2026-06", "1")], "insufficient_asset");
    check(&mut bench, may, &[by(Cash, "26"), by(Cash, "25")], "insufficient_asset");
    check(&mut bench, may, &[early.clone(), unfit.clone()], "coupon_not_applicable");
    check(&mut bench, may, &[by_coupon("dear", "1")], "coupon_not_applicable");
    check(&mut bench, may, &[much.clone(), early.clone()], "credit_refund_not_eligible");
    check(&mut bench, may, &[by_month("2026-08", "3")], "credit_refund_not_eligible");
    check(&mut bench, "2026-06", &[early], "credit_refund_not_eligible");
    check(&mut bench, "2026-06", slice::from_ref(&much), "bill_settled");
    check(&mut bench, "2026-06", &[], "bill_settled");
    check(&mut bench, may, slice::from_ref(&much), "exceeds_outstanding");
    check(&mut bench, "2026-07", &[much], "exceeds_outstanding");
    check(&mut bench, "2026-07", &[by(Cash, "1")], "unified_settlement_in_progress");
    check(&mut bench, "2026-07", &[], "unified_settlement_in_progress");
    check(&mut bench, may, &[], "ok");
    check(&mut bench, may, &[], "bill_settled");
    let mut empty = two_bills();
    check(&mut empty, may, &[], "insufficient_asset");
}

/// Bills of May to August of 10 each, on the 3rd of September.
fn four_bills() -> Bench {
    let mut bench = two_bills();
    bench.billed("2026-07", "10").billed("2026-08", "10");
    bench
}

#[test]
fn a_unified_settlement_is_refused_by_the_first_rule_that_is_broken() {
    // rule D8
    let (may, june, july, august) = ("2026-05", "2026-06", "2026-07", "2026-08");
    let all = AssetKind::ALL;
    let mut bench = four_bills();
    let check = |bench: &mut Bench, id: &str, cycles: &[&str], expect: &str| {
        assert_eq!(bench.told(&start(id, cycles, &all)), expect, "{id} {cycles:?}");
    };
    bench.does(&top_up("10")); // May is settled
    check(&mut bench, "s", &[may, "2026-04"], "not_found");
    check(&mut bench, "s", &[may, june, july, august, "2026-09"], "bill_settled");
    check(&mut bench, "s", &[june, july, august, "2026-09"], "too_many_items");
    check(&mut bench, "s", &[june, july, "2026-09"], "cycle_open");
    check(&mut bench, "s", &[july, june, july, june], "ok");
    check(&mut bench, "s", &[june, july], "again");
    check(&mut bench, "s", &[june], "already_exists");
    check(&mut bench, "t", &[july, august, "2026-09"], "unified_settlement_in_progress");
    check(&mut bench, "t", &[august], "ok"); // two tasks, and no cycle in both
    assert_eq!(bench.told(&automatic(true)), "unified_settlement_in_progress");
    assert_eq!(bench.told(&end("u", true)), "not_found");
}

#[test]
fn while_a_unified_settlement_is_open_nothing_is_written_off_and_then_as_before() {
    // rule D8
    let cycles = ["2026-06", "2026-07"];
    for (finish, expect, by_hand) in [
        // May's bill is not in it. 25 of cash, of which 15 are of the book: June and July by the book first.
        (true, "; book: 10; book: 5, cash: 5; ", "5"),
        (false, "; ; ; ", "25"),
    ] {
        let mut bench = four_bills();
        bench.does(&automatic(false)).does(&start("s", &cycles, &[Cash, TransferBook]));
        bench.does(&july("c", "3")).receive("15").does(&top_up("10"));
        assert_eq!(bench.outstanding(), "10 10 10 10");
        bench.does(&end("s", finish));
        assert_eq!((bench.paid().as_str(), bench.account().cash()), (expect, money(by_hand)));
        assert_eq!(bench.told(&end("s", finish)), "again");
        assert_eq!(bench.told(&end("s", !finish)), "not_found");
        bench.does(&automatic(true));
    }
    // Automatic before: as soon as it is closed, the oldest bills are paid.
    let mut bench = four_bills();
    bench.does(&start("s", &cycles, &[Coupon])).does(&top_up("25"));
    assert_eq!(bench.outstanding(), "10 10 10 10");
    bench.does(&end("s", false));
    assert_eq!(bench.outstanding(), "0 0 5 10");
    // Switched off while it was open: it stays off.
    let mut bench = four_bills();
    bench
        .does(&start("s", &cycles, &[Coupon]))
        .does(&automatic(false))
        .does(&top_up("25"))
        .does(&end("s", true));
    assert_eq!(bench.outstanding(), "10 10 10 10");
}
