//! The commands that only ask.

use super::harness::{Home, sample};

fn ledger() -> Home {
    let home = Home::new();
    home.apply(
        r#"{"do":"register_cloud_account","cloud_account":"acme","at":"2026-05-01T00:00:00Z"}
{"do":"top_up","billing_account":"acme","amount":"100","reference":"wire 7","at":"2026-05-02T00:00:00Z"}
{"do":"grant_credit_limit","billing_account":"acme","amount":"50","at":"2026-05-03T00:00:00Z"}
{"do":"post_charges","charges":[{"cloud_account":"acme","source":"m","id":"1","amount":"160.25","currency":"USD","occurred_at":"2026-05-01T00:00:00Z","service":"vm"}],"at":"2026-05-04T00:00:00Z"}
"#,
    );
    home
}

#[test]
fn shows_accounts() {
    // rules A8, B1, B3
    let home = ledger();
    home.check(
        &["accounts"],
        "
exit 0
billing account  type    status  currency  available credit  alert  threshold  unsettled  cash  transfer book  coupons  charges
acme             direct  valid   USD                 -10.25  off                  160.25   100              0                 1  SUSPENDED
",
    );
    home.check(
        &["account", "acme"],
        "
exit 0
billing account acme (number 1): direct, valid, USD
owner           acme
opened          2026-05-01T00:00:00Z
charges         1
pays for        acme

  cash balance                 100
+ credit limit                  50
- unsettled, current cycles 160.25
= available credit          -10.25 USD  OVERDUE
",
    );
    home.check(
        &["account", "nobody"],
        "
exit 1
---
error: cannot show billing account `nobody`: not_found: `nobody`
hint: open it first, or check its id
",
    );
}

#[test]
fn shows_reports_and_changes() {
    let home = ledger();
    home.check(
        &["report", "--by", "billing_account,cycle", "--by", "service"],
        "
exit 0
billing_account  cycle    service  currency  charges  amount
acme             2026-05  vm       USD             1  160.25
",
    );
    assert_eq!(
        home.json(&["report", "--by", "cloud_account", "--cycle", "2026-05"]).to_string(),
        r#"{"items":[{"cloud_account":"acme","currency":"USD","charges":1,"amount":"160.25"}]}"#
    );
    home.check(&["report", "--cycle", "2026-04"], "\nexit 0\n---\nno charges\n");
    home.check(
        &["change-records", "acme"],
        "
exit 0
transaction  at                    asset         type       amount  before   after  actor     reason
1-1          2026-05-02T00:00:00Z  cash          top_up        100       0     100  provider  wire 7
1-2          2026-05-03T00:00:00Z  credit_limit  grant          50       0      50  provider
1-3          2026-05-04T00:00:00Z  standing      overdue                    -10.25
1-3          2026-05-04T00:00:00Z  standing      suspended                  -10.25
",
    );
    assert_eq!(home.run(&["report", "--by", "colour"]).status, 2);
}

#[test]
fn looks_into_the_log() {
    let home = ledger();
    let segments = home.json(&["wal", "inspect"]);
    let segment = &segments["segments"][0];
    assert_eq!(
        (&segment["name"], &segment["sealed"]),
        (&"wal/00000000000000000001.wal".into(), &true.into())
    );
    let block = home.json(&["wal", "dump", "--lsn", "4"]);
    let charge = &block["records"][0]["charges"][0];
    assert_eq!(
        (&charge["cloud_account"], &charge["amount"], &charge["service"]),
        (&"acme".into(), &"160.25".into(), &"vm".into())
    );
    home.check(
        &["wal", "dump", "--lsn", "99"],
        "
exit 1
---
error: cannot dump block 99 of the log: there is none
hint: see `exchequer wal inspect` for the blocks there are
",
    );
}

#[test]
fn a_snapshot_changes_no_answer() {
    let home = Home::new();
    assert_eq!(home.run(&["ingest", "--open-accounts", &sample("focus-1.2.csv")]).status, 0);
    let accounts = home.json(&["accounts"]);
    assert_eq!(home.run(&["snapshot"]).status, 0);
    assert_eq!(home.json(&["accounts"]), accounts);
    home.verified();
    assert_eq!(home.json(&["ingest", &sample("focus-1.2.csv")])["duplicate"], 288);
}

#[test]
fn queries_make_no_ledger() {
    let home = Home::new();
    std::fs::create_dir(home.path("empty")).unwrap();
    for command in [
        &["accounts"][..],
        &["account", "acme"],
        &["report"],
        &["change-records", "acme"],
        &["change-records", "--ecid", "acme"],
        &["balance", "acme", "--at", "2026-05-01T00:00:00Z"],
        &["history", "acme"],
        &["transactions", "acme"],
        &["export", "journal"],
        &["export", "accounts", "accounts.csv"],
        &["transfer", "show", "acme"],
        &["credit", "show", "acme"],
        &["enterprise", "show", "acme"],
        &["admin", "list", "acme"],
        &["hold", "release", "acme", "vm"],
        &["verify"],
        &["snapshot"],
        &["wal", "inspect"],
        &["wal", "dump", "--lsn", "1"],
    ] {
        let hint = "hint: check --data-dir; `exchequer ingest` and `exchequer apply` make a new one\n";
        let ran = home.run(command);
        assert_eq!(ran.status, 1);
        assert_eq!(
            ran.stderr,
            format!(
                "error: cannot open the ledger in `exchequer-data`: No such file or directory (os error 2)\n{hint}"
            )
        );
        let ran = home.run(&[command, &["--data-dir", "empty"]].concat());
        assert_eq!(ran.stderr, format!("error: cannot open the ledger in `empty`: there is none\n{hint}"));
    }
    assert!(!home.path("exchequer-data").exists());
    assert_eq!(std::fs::read_dir(home.path("empty")).unwrap().count(), 0);
}
