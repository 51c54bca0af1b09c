//! `ingest --replace-period`: a month that was delivered again (rule C8). Every figure is derived by hand.

use serde_json::{Value, json};

use super::harness::{Home, focus};

/// A line of NDJSON for billing account `p`, with some fields of its own.
fn line(cloud_account: &str, id: &str, amount: &str, others: &[(&str, Value)]) -> String {
    let mut line = json!({
        "cloud_account": cloud_account, "billing_account": "p", "source": "meter", "id": id, "amount": amount,
        "currency": "USD", "occurred_at": "2026-05-03T00:00:00Z",
    });
    for (name, value) in others {
        line[*name] = value.clone();
    }
    format!("{line}\n")
}

fn service(name: &str) -> (&'static str, Value) {
    ("service", name.into())
}

fn category(name: &str) -> (&'static str, Value) {
    ("category", name.into())
}

/// Gives rows as the whole of May: the report.
fn replace(home: &Home, options: &[&str], text: impl AsRef<[u8]>) -> Value {
    home.file("again", text);
    home.json(&[&["ingest", "--replace-period", "2026-05", "again"], options].concat())
}

fn ingest(home: &Home, text: impl AsRef<[u8]>) {
    home.file("first", text);
    assert_eq!(home.run(&["ingest", "--open-accounts", "first"]).status, 0);
}

/// What `report` says, one text a line.
fn sums(home: &Home, by: &str) -> Vec<String> {
    let report = home.json(&["report", "--by", by]);
    let keys: Vec<_> = by.split(',').chain(["charges", "amount"]).collect();
    let text = |item: &Value, key: &str| match &item[key] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let lines = report["items"].as_array().unwrap().iter();
    lines.map(|item| keys.iter().map(|key| text(item, key)).collect::<Vec<_>>().join(" ")).collect()
}

/// Adjustments, unchanged keys, charges left, and the total in USD.
fn outcome(report: &Value) -> (u64, u64, u64, &str) {
    let count = |name: &str| report[name].as_u64().unwrap();
    assert_eq!(report["refused"], 0, "{report:#}");
    (
        count("adjustments"),
        count("unchanged"),
        count("charges_left"),
        report["totals"]["USD"].as_str().unwrap_or("-"),
    )
}

#[test]
fn sums_equal_the_redelivery_key_by_key() {
    let home = Home::new();
    ingest(
        &home,
        [
            line("a", "1", "10", &[service("compute")]),
            line("a", "2", "2.50", &[service("compute")]),
            line("a", "3", "7", &[service("storage")]),
            line("b", "4", "4", &[category("tax")]),
            line("c", "5", "0.000000000000000001", &[]),
            line("a", "6", "100", &[service("compute"), ("occurred_at", "2026-06-01T00:00:00Z".into())]),
            line("a", "7", "50", &[service("compute"), ("source", "other".into())]),
        ]
        .concat(),
    );
    let again = [
        line("a", "x1", "11", &[service("compute")]),
        line("a", "x2", "0.01", &[service("compute"), ("sku", "large".into())]),
        line("b", "x3", "1", &[category("tax")]),
        line("b", "x4", "3", &[category("tax")]),
        line(
            "b",
            "x5",
            "3",
            &[
                category("purchase"),
                ("billing_cycle", "2026-05".into()),
                ("occurred_at", "2026-06-03T00:00:00Z".into()),
            ],
        ),
    ]
    .concat();
    home.file("again", &again);
    home.check(
        &["ingest", "--replace-period", "2026-05", "again"],
        "
exit 0
replaced 2026-05 by 5 rows: 6 sums compared, 1 equal, 5 adjustments posted

currency                  total
USD       -5.490000000000000001
",
    );
    assert_eq!(
        sums(&home, "cloud_account,cycle,source,service,sku"),
        [
            "a 2026-05 meter compute  3 11",
            "a 2026-05 meter compute large 1 0.01",
            "a 2026-05 meter storage  2 0",
            "a 2026-05 other compute  1 50",
            "a 2026-06 meter compute  1 100",
            "b 2026-05 meter   2 7",
            "c 2026-05 meter   2 0",
        ]
    );
    assert_eq!(
        sums(&home, "category"),
        ["adjustment 5 -5.490000000000000001", "tax 1 4", "usage 6 169.500000000000000001"]
    );
    // The same again, also where it is cut into files.
    assert_eq!(outcome(&replace(&home, &[], &again)), (0, 6, 0, "-"));
    let (one, two) = again.split_at(again.find('\n').unwrap() + 1);
    home.file("two", two);
    assert_eq!(outcome(&replace(&home, &["two"], one)), (0, 6, 0, "-"));
    home.verified();
}

#[test]
fn deliveries_may_go_back_and_forth() {
    let home = Home::new();
    let [one, other] = ["10", "12"].map(|amount| line("a", "1", amount, &[category("credit")]));
    ingest(&home, &one);
    for (delivery, total) in [(&other, "2"), (&one, "-2"), (&other, "2"), (&one, "-2")] {
        assert_eq!(outcome(&replace(&home, &[], delivery)), (1, 0, 0, total));
    }
    assert_eq!(sums(&home, "category"), ["adjustment 4 0", "credit 1 10"]);
    // An adjustment of the provider's own is of its own category.
    let own = |amount, tags| line("a", "2", amount, &[category("adjustment"), ("tags", tags)]);
    let with_own = one.clone()
        + &own("5", json!({"why": "goodwill"}))
        + &own("1", json!({"adjusts": "credit", "x": "y"}));
    assert_eq!(outcome(&replace(&home, &[], &with_own)), (1, 1, 0, "6"));
    assert_eq!(outcome(&replace(&home, &[], &with_own)), (0, 2, 0, "-"));
    assert_eq!(outcome(&replace(&home, &[], &one)), (1, 1, 0, "-6"));
    home.verified();
}

#[test]
fn the_first_delivery_may_be_a_replacement() {
    let home = Home::new();
    let rows = focus(&[("payer", "one", "1"), ("payer", "one", "2"), ("payer", "", "4")]);
    assert_eq!(outcome(&replace(&home, &["--open-accounts"], &rows)), (2, 0, 0, "7"));
    assert_eq!(outcome(&replace(&home, &[], &rows)), (0, 2, 0, "-"));
    assert_eq!(sums(&home, "cloud_account,category"), ["payer adjustment 1 4", "payer/one adjustment 1 3"]);
}

#[test]
fn nothing_is_posted_unless_every_row_can_be() {
    let home = Home::new();
    home.file("commands", r#"{"do": "open_billing_account", "billing_account": "p", "type": "direct", "owner": "x", "utc_offset": "+08:00"}"#);
    assert_eq!(home.run(&["apply", "commands"]).status, 0);
    ingest(&home, line("a", "1", "10", &[]));
    home.file(
        "again",
        [
            line("a", "1", "11", &[]),
            line("a", "2", "1", &[("occurred_at", "2026-05-31T16:00:00Z".into())]), // June in the offset of `p`
            line("a", "3", "1", &[("occurred_at", "2026-04-30T16:00:00Z".into())]),
            line("a", "4", "1", &[("billing_cycle", "2026-04".into())]),
            line("a", "5", "1", &[("currency", "EUR".into())]),
            line("nobody", "6", "1", &[]),
            line("a", "7", "much", &[]),
        ]
        .concat(),
    );
    home.check(
        &["ingest", "--replace-period", "2026-05", "again"],
        "
exit 1
nothing was posted: 7 rows were read, and not all of them can replace 2026-05

not posted:
  row 2: other_cycle: it belongs to 2026-06
  row 4: other_cycle: it belongs to 2026-04
  row 5: currency_mismatch: cloud account `a`: use the billing account's currency
  row 6: not_found: cloud account `nobody`: open it first, or check its id
  row 7: invalid_amount: amount `much`: not a decimal number
---
hint: `--lenient` also reads times without an offset, and amounts and categories in other spellings
hint: `--open-accounts` opens the accounts that are not known yet
",
    );
    // Nothing that a lenient reader would take.
    home.file("strangers", line("nobody", "6", "1", &[]));
    let ran = home.run(&["ingest", "--replace-period", "2026-05", "strangers"]);
    assert_eq!(ran.stderr.trim(), "hint: `--open-accounts` opens the accounts that are not known yet");
    let report = replace(&home, &["missing"], line("a", "1", "11", &[]));
    assert_eq!((&report["adjustments"], &report["faults"][0]["file"]), (&0.into(), &"missing".into()));
    assert_eq!(sums(&home, "cycle"), ["2026-05 1 10"]);
    for option in [["--append", "again"], ["--on-error", "stop"]] {
        let ran = home.run(&[&["ingest", "--replace-period", "2026-05", "again"][..], &option].concat());
        assert_eq!(ran.status, 2, "{}", ran.stderr);
    }
    assert_eq!(home.run(&["ingest", "--replace-period", "2026-5", "again"]).status, 2);
}

#[test]
fn only_billing_accounts_of_the_delivery_are_compared() {
    // Each file is of one billing account of the cloud.
    let home = Home::new();
    let [one, two] = [("one", "1"), ("two", "2")]
        .map(|(billing, cost)| focus(&[(billing, "x", cost), (billing, "y", "4")]));
    ingest(&home, &one);
    ingest(&home, &two);
    let without_y = focus(&[("one", "x", "1")]);
    assert_eq!(outcome(&replace(&home, &[], &without_y)), (1, 1, 2, "-4"));
    // Also where somebody else pays for both.
    home.file("commands", [
        r#"{"do": "register_cloud_account", "cloud_account": "corp"}"#,
        r#"{"do": "set_payer", "billing_account": "corp", "cloud_accounts": ["one/x", "one/y", "two/x", "two/y"], "effective_at": "2026-05-01T00:00:00Z"}"#,
    ].join("\n"));
    assert_eq!(home.run(&["apply", "commands"]).status, 0);
    assert_eq!(outcome(&replace(&home, &[], &one)), (1, 1, 2, "4"));
    // A source whose rows name their cloud accounts delivers all of a payer.
    let home = Home::new();
    let q = ("billing_account", json!("q"));
    ingest(&home, line("a", "1", "1", &[]) + &line("b", "1", "2", &[]) + &line("c", "1", "4", &[q]));
    assert_eq!(outcome(&replace(&home, &[], line("a", "1", "1", &[]))), (1, 1, 1, "-2"));
    assert_eq!(sums(&home, "cloud_account"), ["a 1 1", "b 2 0", "c 1 4"]);
}

#[test]
fn a_difference_goes_to_who_paid_for_the_period() {
    // rule A4
    let home = Home::new();
    let rows = |early, late| {
        line("a", "1", early, &[]) + &line("a", "2", late, &[("occurred_at", "2026-05-20T00:00:00Z".into())])
    };
    home.file("commands", [
        r#"{"do": "register_cloud_account", "cloud_account": "a"}"#,
        r#"{"do": "register_cloud_account", "cloud_account": "new"}"#,
        r#"{"do": "set_payer", "billing_account": "new", "cloud_accounts": ["a"], "effective_at": "2026-05-10T00:00:00Z"}"#,
    ].join("\n"));
    assert_eq!(home.run(&["apply", "commands"]).status, 0);
    ingest(&home, rows("1", "2"));
    assert_eq!(outcome(&replace(&home, &[], rows("1.5", "1"))), (2, 0, 0, "-0.5"));
    assert_eq!(sums(&home, "billing_account"), ["a 2 1.5", "new 2 1"]);
}

#[test]
fn a_difference_too_long_for_one_amount_is_split() {
    // rule B4
    let most = "79228162514.264337593543950335";
    let home = Home::new();
    ingest(&home, line("a", "1", "-79228162514.264337593543950335", &[]));
    let again = line("a", "1", most, &[]) + &line("a", "2", most, &[]);
    // Three times the longest amount.
    assert_eq!(outcome(&replace(&home, &[], &again)), (2, 0, 0, "237684487542.793012780631851005"));
    assert_eq!(outcome(&replace(&home, &[], &again)), (0, 1, 0, "-"));
    assert_eq!(sums(&home, "cloud_account"), ["a 3 158456325028.52867518708790067"]);
    // A sum that nobody can hold is told before anything is posted.
    let large = "100000000000000000000";
    home.file("again", line("b", "1", large, &[]) + &line("b", "2", large, &[]) + &line("c", "3", "1", &[]));
    home.check(
        &["ingest", "--open-accounts", "--replace-period", "2026-05", "again"],
        "
exit 1
---
error: cannot replace 2026-05: nothing was posted: amount_overflow: the delivery
hint: give an amount whose sums fit
",
    );
    assert_eq!(sums(&home, "cloud_account"), ["a 3 158456325028.52867518708790067"]);
}

#[test]
fn a_refused_adjustment_is_told() {
    let home = Home::new();
    let large = "100000000000000000000";
    ingest(&home, line("a", "1", large, &[("source", "other".into())]));
    home.file("again", line("a", "1", large, &[]) + &line("a", "2", "1", &[service("small")]));
    let ran = home.run(&["ingest", "--replace-period", "2026-05", "again"]);
    assert_eq!(ran.status, 1);
    assert!(
        ran.stdout
            .contains("1 refused, whose differences remain:\n  amount_overflow: charge `replace-2026-05-"),
        "{}",
        ran.stdout
    );
    let report = replace(&home, &[], line("a", "1", large, &[]) + &line("a", "2", "1", &[service("small")]));
    assert_eq!((&report["refused"], &report["unchanged"]), (&1.into(), &1.into()));
    assert_eq!(report["refusals"][0]["code"], "amount_overflow");
    home.verified();
}
