//! `ingest`: what is posted, what is refused, and how far it has come.

use super::harness::{Home, charge, focus, sample, sample_text};

#[test]
fn imports_the_sample_and_says_what_it_did() {
    let home = Home::new();
    home.check(
        &["ingest", "--open-accounts", &sample("focus-1.2.csv")],
        "
exit 0
posted 288 charges of 288 rows

currency                    total
EUR                  270.71460701
USD       1568.181690420000000018

next: exchequer accounts
      exchequer report --by billing_account,cycle
",
    );
    // rule C2
    home.check(
        &["ingest", "--open-accounts", &sample("focus-1.2.csv")],
        "
exit 0
nothing new: all 288 rows were posted before

next: exchequer accounts
      exchequer report --by billing_account,cycle
",
    );
    home.verified();
}

#[test]
fn imports_several_files_and_goes_on_after_one_that_is_missing() {
    let home = Home::new();
    let files = [&*sample("charges.ndjson"), "missing.csv", &sample("focus-1.2.csv")];
    let ran = home.run(
        &[&["ingest", "--open-accounts", "--progress", "plain", "--output", "json"], &files[..]].concat(),
    );
    assert_eq!(ran.status, 1);
    assert_eq!(
        ran.stderr,
        "420 rows durable\n420 rows durable\n\
         error: cannot import `missing.csv`: No such file or directory (os error 2)\n\
         hint: check the path, and that you may read the file\n708 rows durable\n"
    );
    let summary: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(summary["rows"], 708);
    assert_eq!(summary["accepted"], 708);
    assert_eq!(summary["faults"][0]["file"], "missing.csv");
    home.verified();
}

#[test]
fn makes_no_ledger_for_files_that_are_not_there() {
    let home = Home::new();
    home.check(
        &["ingest", "missing.csv"],
        "
exit 1
nothing was posted of 0 rows
---
error: cannot import `missing.csv`: No such file or directory (os error 2)
hint: check the path, and that you may read the file
",
    );
    assert!(!home.path("exchequer-data").exists());
}

#[test]
fn rejects_rows_of_unknown_accounts_unless_told_to_open_them() {
    // rule A4
    let home = Home::new();
    home.file("charges.ndjson", charge("acme", "1", "1.50") + &charge("acme", "2", "2"));
    home.check(
        &["ingest", "charges.ndjson"],
        "
exit 1
nothing was posted of 2 rows

2 rejected

not posted:
  row 1: not_found: charge `1` of cloud account `acme`: open it first, or check its id
  row 2: not_found: charge `2` of cloud account `acme`: open it first, or check its id
---
hint: `--open-accounts` opens the accounts that are not known yet
",
    );
    let summary = home.json(&["ingest", "--open-accounts", "charges.ndjson"]);
    assert_eq!((&summary["accepted"], &summary["totals"]["USD"]), (&2.into(), &"3.5".into()));
}

#[test]
fn names_the_row_and_the_reason_of_what_it_rejects() {
    // rules B4, C2, D9
    let home = Home::new();
    let euro = charge("acme", "9", "1").replace("USD", "EUR");
    let lines = [
        charge("acme", "1", "1"),
        charge("acme", "2", r#""NaN""#),
        charge("acme", "3", "1e999"),
        charge("acme", "4", "0.12345678901234567890123456789"),
        euro,
        charge("acme", "1", "2"),
        charge("acme", "5", "\"1.000000000000000001\""),
    ];
    home.file("charges.ndjson", lines.concat());
    home.check(
        &["ingest", "--open-accounts", "charges.ndjson"],
        "
exit 1
posted 2 charges of 7 rows

currency                 total
USD       2.000000000000000001

1 posted before with another amount: left as it was (conflict)
4 rejected

not posted:
  row 2: invalid_amount: amount `NaN`: not a decimal number
  row 3: amount_overflow: amount `1e999`: too large to be held exactly
  row 4: amount_too_precise: amount `0.12345678901234567890123456789`: more than 18 fraction digits
  row 5: currency_mismatch: charge `9` of cloud account `acme`: use the billing account's currency
  row 6: conflict: charge `1` of cloud account `acme`: a charge can't change; post the difference under a new id

next: exchequer accounts
      exchequer report --by billing_account,cycle
---
hint: `--lenient` also reads times without an offset, and amounts and categories in other spellings
",
    );
    home.verified();
}

#[test]
fn stops_at_the_first_exception_when_told_so() {
    // rule C6
    let home = Home::new();
    let bad_by_rule = [charge("acme", "1", "1"), charge("acme", "1", "2"), charge("acme", "3", "3")].concat();
    let summary = {
        home.file("charges.ndjson", bad_by_rule);
        home.json(&["ingest", "--open-accounts", "--on-error", "stop", "charges.ndjson"])
    };
    assert_eq!(
        (&summary["rows"], &summary["accepted"], &summary["conflict"]),
        (&2.into(), &1.into(), &1.into())
    );
    assert_eq!((&summary["stopped"]["row"], &summary["totals"]["USD"]), (&2.into(), &"1".into()));
    let bad_by_form =
        [charge("acme", "3", "3"), charge("acme", "4", "true"), charge("zz", "5", "5")].concat();
    home.file("more.ndjson", bad_by_form);
    let summary = home.json(&["ingest", "--open-accounts", "--on-error", "stop", "more.ndjson"]);
    assert_eq!(
        (&summary["rows"], &summary["accepted"], &summary["rejected"]),
        (&2.into(), &1.into(), &1.into())
    );
    assert_eq!(home.json(&["accounts"])["items"].as_array().unwrap().len(), 1);
    home.verified();
}

#[test]
fn totals_are_those_of_what_was_posted_now() {
    let home = Home::new();
    home.file("half.ndjson", charge("a", "1", "1") + &charge("b", "1", "2"));
    home.file(
        "whole.ndjson",
        charge("b", "2", "4") + &charge("a", "1", "1") + &charge("b", "1", "2") + &charge("a", "2", "8"),
    );
    assert_eq!(home.json(&["ingest", "--open-accounts", "half.ndjson"])["totals"]["USD"], "3");
    let summary = home.json(&["ingest", "--open-accounts", "whole.ndjson"]);
    assert_eq!((&summary["duplicate"], &summary["totals"]["USD"]), (&2.into(), &"12".into()));
}

#[test]
fn a_charge_is_the_same_in_every_format() {
    // rules C2, C7
    let home = Home::new();
    let lines = charge("acme", "1", "\"1.50\"") + &charge("acme", "2", "2");
    let charges: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let array = serde_json::json!(["acme", "meter", "1", "1.5", "USD", "2026-05-01T00:00:00Z"]);
    let conflict = serde_json::json!(["acme", "meter", "2", "2.1", "USD", "2026-05-01T00:00:00Z"]);
    let pack = |value| rmp_serde::to_vec(value).unwrap();
    home.file("maps", charges.iter().flat_map(pack).collect::<Vec<u8>>());
    home.file("list", rmp_serde::to_vec(&charges).unwrap());
    home.file("arrays", [pack(&array), pack(&conflict), vec![0x93]].concat());
    assert_eq!(home.json(&["ingest", "--open-accounts", "maps"])["totals"]["USD"], "3.5");
    for (file, duplicate, conflict) in [("list", 2, 0), ("arrays", 1, 1)] {
        let summary = home.json(&["ingest", "--format", "msgpack", file]);
        assert_eq!((&summary["duplicate"], &summary["conflict"]), (&duplicate.into(), &conflict.into()));
        assert_eq!(summary["accepted"], 0);
    }
    home.file("lines", lines);
    assert_eq!(home.json(&["ingest", "lines"])["duplicate"], 2);
    let ran = home.run(&["ingest", "arrays"]);
    assert_eq!(ran.status, 1);
    assert_eq!(
        ran.stderr,
        "error: cannot import `arrays`: the MessagePack data ends too early, at byte 87: record 3 begins at byte 86 and \
         needs at least 3 more bytes\nhint: what follows can't be told apart; write or fetch the file again and import the \
         whole: rows that were posted are not posted twice\n"
    );
    home.verified();
}

#[test]
fn refuses_an_overlapping_import_unless_it_is_meant() {
    // rule C7
    let home = Home::new();
    assert_eq!(home.run(&["ingest", "--open-accounts", &sample("focus-1.2.csv")]).status, 0);
    let text = sample_text("focus-1.2.csv");
    let (header, rows) = text.split_once('\n').unwrap();
    let without_first = rows.split_once('\n').unwrap().1;
    home.file("other.csv", format!("{header}\n{without_first}"));
    let refused = home.json(&["ingest", "other.csv"]);
    assert_eq!((&refused["accepted"], &refused["rejected"]), (&0.into(), &287.into()));
    assert_eq!(refused["items"][0]["code"], "overlapping_import");
    assert_eq!(refused["items"].as_array().unwrap().len(), 100);
    assert_eq!(refused["items_omitted"], 187);
    let meant = home.json(&["ingest", "--append", "other.csv"]);
    assert_eq!((&meant["accepted"], &meant["rejected"]), (&287.into(), &0.into()));
    let again = home.json(&["ingest", "other.csv"]);
    assert_eq!((&again["accepted"], &again["duplicate"]), (&0.into(), &287.into()));
    home.verified();
}

#[test]
fn a_longer_delivery_of_the_same_month_posts_nothing_twice() {
    // rule C7: both begin alike; then rows stand in between, and the rest is further down.
    let rows = |counts: [usize; 2]| {
        let of = |sub, count| (0..count).map(move |row| ("payer", sub, ["1", "2", "3", "4"][row % 4]));
        let rows: Vec<_> = of("one", counts[0]).chain(of("two", counts[1])).collect();
        focus(&rows)
    };
    let home = Home::new();
    home.file("first.csv", rows([10, 5]));
    home.file("second.csv", rows([12, 8]));
    assert_eq!(home.json(&["ingest", "--open-accounts", "first.csv"])["accepted"], 15);
    for files in [&["second.csv"][..], &["first.csv", "second.csv"]] {
        let again = home.json(&[&["ingest", "--open-accounts"][..], files].concat());
        assert_eq!((&again["accepted"], &again["rejected"]), (&0.into(), &10.into()), "{again:#}");
        assert_eq!(again["items"][0]["code"], "overlapping_import");
    }
    home.verified();
}

#[test]
fn never_posts_to_another_payer_whose_ids_compose_alike() {
    // rule A4: `a` + `b/c`, `a/b` + `c` and `a/b/c` alone
    let alike = [("a", "b/c", "1"), ("a/b", "c", "2"), ("a/b/c", "", "3")];
    for rows in [[0, 1], [1, 0], [0, 2], [2, 0], [1, 2], [2, 1]].map(|pair| pair.map(|row| alike[row])) {
        let home = Home::new();
        home.file("both.csv", focus(&rows));
        let summary = home.json(&["ingest", "--open-accounts", "both.csv"]);
        assert_eq!((&summary["accepted"], &summary["rejected"]), (&1.into(), &1.into()), "{summary:#}");
        assert_eq!(summary["items"][0]["row"], 2);
        assert_eq!(summary["items"][0]["code"], "ambiguous_cloud_account");
        let (billing, _, cost) = rows[0];
        let report = home.json(&["report", "--by", "billing_account"]);
        assert_eq!(report["items"][0]["billing_account"], billing);
        assert_eq!(report["items"][0]["amount"], cost);
        // Known from before, without opening anything.
        home.file("second.csv", focus(&rows[1..]));
        let summary = home.json(&["ingest", "second.csv"]);
        assert_eq!(summary["items"][0]["code"], "ambiguous_cloud_account");
    }
}

#[test]
fn reads_a_pipe_and_counts_every_page_as_durable_in_order() {
    let home = Home::new();
    let lines: String =
        (0..20_000).map(|id| charge(&format!("acme-{}", id % 50), &id.to_string(), "0.01")).collect();
    let ran =
        home.feed(&["ingest", "--open-accounts", "--progress", "plain", "--output", "json", "-"], &lines);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stderr.ends_with("20000 rows durable\n"), "{}", ran.stderr);
    let summary: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(summary["totals"]["USD"], "200");
    home.verified();
}
