//! The past of an account: balances, history, transactions, and exports of rows (rules D12, J3, J4).

use exchequer::domain::money::{Money, RunningSum};
use serde_json::Value;

use super::harness::{Home, sample};

fn year() -> Home {
    let home = Home::new();
    home.run(&["apply", &sample("account-year.ndjson")]);
    home
}

fn rows(home: &Home, arguments: &[&str]) -> Vec<Value> {
    let ran = home.run(arguments);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn accounts(home: &Home) -> Vec<String> {
    let accounts = rows(home, &["export", "accounts", "--format", "ndjson"]);
    accounts.iter().map(|account| account["billing_account"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn at_the_end_of_time_the_past_is_the_present() {
    // rule J3
    let home = year();
    for account in accounts(&home) {
        let mut now = home.json(&["account", &account]);
        let past = home.json(&["balance", &account, "--at", "9999-12-30T00:00:00Z"]);
        for field in ["cloud_accounts", "cloud_account_count"] {
            now.as_object_mut().unwrap().remove(field);
        }
        assert_eq!(past, now);
    }
}

#[test]
fn changes_lead_from_one_balance_to_the_next() {
    // rules B3, D12, J3
    let home = year();
    let items = rows(&home, &["export", "transactions", "--format", "ndjson"]);
    assert!(!items.is_empty());
    for account in accounts(&home) {
        for (fund, figure) in [("cash", "cash_balance"), ("credit_refund", "credit_refund")] {
            let of_fund = |item: &&Value| item["billing_account"] == *account && item["fund"] == fund;
            let mine: Vec<_> = items.iter().filter(of_fund).collect();
            assert!(mine.windows(2).all(|pair| pair[0]["after"] == pair[1]["before"]), "{mine:#?}");
            let Some(last) = mine.last() else { continue };
            assert_eq!(last["after"], home.json(&["account", &account])[figure], "{account} {fund}");
            let at = last["at"].as_str().unwrap();
            assert_eq!(
                last["after"],
                home.json(&["balance", &account, "--at", at])[figure],
                "{account} {at}"
            );
            let months = home.json(&["transactions", &account, "--fund", fund])["months"].clone();
            let months = months.as_array().unwrap();
            assert!(months.windows(2).all(|pair| pair[0]["closing"] == pair[1]["opening"]), "{months:#?}");
            assert_eq!(months.last().unwrap()["closing"], last["after"]);
        }
        let history = rows(&home, &["history", &account, "--output", "json"]);
        let charges = history.iter().filter(|item| item["asset"] == "charge").count() as u64;
        assert_eq!(home.json(&["account", &account])["charges"], charges);
    }
}

#[test]
fn a_past_balance_counts_what_was_recorded_and_began_by_then() {
    // rule J3
    let home = Home::new();
    let charge = |id: &str, day: &str| {
        format!(
            r#"{{"do":"post_charges","charges":[{{"cloud_account":"a","source":"m","id":"{id}","amount":"{id}","currency":"USD","occurred_at":"2026-05-{day}T00:00:00Z"}}],"at":"2026-05-{day}T00:00:00Z"}}"#
        )
    };
    let lines = [
        r#"{"do":"register_cloud_account","cloud_account":"a","at":"2026-05-01T00:00:00Z"}"#.to_owned(),
        charge("1", "02"),
        charge("2", "20"),
        r#"{"do":"top_up","billing_account":"a","amount":"100","at":"2026-05-10T00:00:00Z"}"#.to_owned(),
        charge("4", "03"),
        charge("8", "21"),
    ];
    home.apply(&lines.join("\n"));
    for (day, credit) in [("01", "0"), ("02", "-1"), ("09", "-1"), ("10", "93"), ("21", "85")] {
        let at = format!("2026-05-{day}T00:00:00Z");
        assert_eq!(home.json(&["balance", "a", "--at", &at])["available_credit"], credit, "{day}");
        let query = format!(r#"{{"do":"balance_at","billing_account":"a","time":"{at}"}}"#);
        let answer: Value = serde_json::from_str(&home.feed(&["apply", "-"], &query).stdout).unwrap();
        assert_eq!(answer["ok"]["available_credit"], credit);
    }
    let ran = home.run(&["balance", "a", "--at", "2026-04-30T00:00:00Z"]);
    assert_eq!(ran.status, 1);
    assert!(
        ran.stderr.starts_with("error: cannot show billing account `a` at 2026-04-30T00:00:00Z: not_found")
    );
    home.check(
        &["transactions", "a"],
        "
exit 0
transaction  at                    asset  type    amount  before  after  actor     reason
1-3          2026-05-10T00:00:00Z  cash   top_up     100       0    100  provider

fund  month    opening   in  out  closing
cash  2026-05        0  100    0      100
",
    );
    let span = ["--from", "2026-05-03T00:00:00Z", "--to", "2026-05-20T00:00:00Z"];
    let history = home.run(&[&["history", "a"][..], &span].concat());
    assert_eq!(
        history.stdout,
        "1-3\t2026-05-10T00:00:00Z\tcash\ttop_up\t100\t0\t100\tprovider
1-4\t2026-05-10T00:00:00Z\tstanding\tresumed\t\t\t97\tprovider
1-4\t2026-05-10T00:00:00Z\tstanding\tcleared\t\t\t97\tprovider
1-5\t2026-05-03T00:00:00Z\tcharge\tusage\t4\t\t\ta\t2026-05  4\n"
    );
}

#[test]
fn bills_are_exported_with_all_their_parts() {
    // rules D2, J4
    let home = year();
    let bills = rows(&home, &["export", "bills", "--format", "ndjson"]);
    let money = |bill: &Value, field: &str| Money::parse(bill[field].as_str().unwrap()).unwrap();
    let sum = |bill: &Value, plus: &[&str], minus: &[&str]| {
        let sum = plus.iter().fold(RunningSum::default(), |sum, field| sum.plus(money(bill, field)));
        minus.iter().fold(sum, |sum, field| sum.minus(money(bill, field))).total().unwrap()
    };
    assert!(!bills.is_empty());
    for bill in &bills {
        assert_eq!(money(bill, "pretax"), sum(bill, &["gross"], &["coupons", "round_down_discount"]));
        assert_eq!(money(bill, "after_tax"), sum(bill, &["pretax", "tax"], &[]));
        let paid = ["paid_coupon", "paid_credit_refund", "paid_transfer_book", "paid_cash", "paid_quota"];
        assert_eq!(money(bill, "outstanding"), sum(bill, &["after_tax"], &paid));
    }
    let csv = home.run(&["export", "bills"]).stdout;
    assert_eq!(csv.lines().count(), bills.len() + 1);
    assert!(csv.starts_with("bill,billing_account,cycle,state,currency,issued_at,"));
}
