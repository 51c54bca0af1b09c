//! The unified list, alerts, and the benefit that delays a suspension (rules A8, H1, H4, J4).

use serde_json::Value;

use super::harness::Home;

/// Accounts of every standing.
fn ledger() -> Home {
    let home = Home::new();
    home.apply(
        r#"{"do":"register_cloud_account","cloud_account":"acme","name":"Acme, \"EMEA\"","at":"2026-05-01T00:00:00Z"}
{"do":"register_cloud_account","cloud_account":"idle","at":"2026-05-01T00:00:00Z"}
{"do":"register_cloud_account","cloud_account":"late","at":"2026-05-01T00:00:00Z"}
{"do":"register_cloud_account","cloud_account":"graced","at":"2026-05-01T00:00:00Z"}
{"do":"open_billing_account","billing_account":"partner","type":"ecosystem","owner":"Partner","at":"2026-05-01T00:00:00Z"}
{"do":"top_up","billing_account":"acme","amount":"100","at":"2026-05-01T00:00:00Z"}
{"do":"grant_coupon","billing_account":"acme","coupon":"gift","amount":"7.5","starts_at":"2026-01-01T00:00:00Z","ends_at":"2027-01-01T00:00:00Z","services":["dns"],"at":"2026-05-01T00:00:00Z"}
{"do":"freeze_billing_account","billing_account":"partner","at":"2026-05-01T00:00:00Z"}
"#,
    );
    home
}

const AT: &str = "--at=2026-05-01T00:00:00Z";

fn charged() -> Home {
    let home = ledger();
    home.check(
        &["alerts", "set", "--threshold", "50", "--enable", "acme", "idle", "nobody", AT],
        "
exit 1
billing account  result     detail
acme             ok
idle             ok
nobody           not_found  `nobody`: open it first, or check its id
",
    );
    assert_eq!(home.run(&["suspension-benefit", "graced", "--grace-duration", "P3D", AT]).status, 0);
    home.apply(
        r#"{"do":"post_charges","at":"2026-05-02T00:00:00Z","charges":[
{"cloud_account":"acme","source":"m","id":"1","amount":"60","currency":"USD","occurred_at":"2026-05-01T00:00:00Z"},
{"cloud_account":"late","source":"m","id":"1","amount":"5","currency":"USD","occurred_at":"2026-05-01T00:00:00Z"},
{"cloud_account":"graced","source":"m","id":"1","amount":"5","currency":"USD","occurred_at":"2026-05-01T00:00:00Z"}]}"#
            .replace('\n', "")
            .as_str(),
    );
    home
}

#[test]
fn lists_accounts_to_a_person() {
    // rule A8
    let home = charged();
    home.check(
        &["accounts"],
        "
exit 0
billing account  type    status  currency  available credit  alert   threshold  unsettled  cash  transfer book   coupons  charges
acme             direct  valid   USD                     40  firing         50         60   100              0  7.5 in 1        1
late             direct  valid   USD                     -5  off                        5     0              0                  1  SUSPENDED
graced           direct  valid   USD                     -5  off                        5     0              0                  1  OVERDUE
",
    );
    home.check(
        &["accounts", "--all", "--limit", "1", "--next", "1"],
        "
exit 0
billing account  type    status  currency  available credit  alert    threshold  unsettled  cash  transfer book  coupons  charges
idle             direct  valid   USD                      0  waiting         50          0     0              0                 0
---
there are more: go on with --next 2
",
    );
    home.check(&["accounts", "--status", "canceled"], "\nexit 0\n---\nno accounts\n");
    assert_eq!(home.run(&["accounts", "--alert", "loud"]).status, 2);
    assert_eq!(home.run(&["accounts", "--status", "gone"]).status, 2);
}

#[test]
fn filters_name_the_same_accounts_everywhere() {
    // rules A8, J4
    let home = charged();
    let cases: [(&[&str], &str, &[&str]); 8] = [
        (&["--overdue"], r#""overdue":true"#, &["late", "graced"]),
        (&["--suspended"], r#""suspended":true"#, &["late"]),
        (&["--overdue", "--suspended"], r#""overdue":true,"suspended":true"#, &["late"]),
        (&["--alert", "enabled"], r#""alert":"enabled""#, &["acme", "idle"]),
        (&["--alert", "firing"], r#""alert":"firing""#, &["acme"]),
        (&["--alert", "off"], r#""alert":"off""#, &["late", "graced", "partner"]),
        (&["--status", "frozen"], r#""status":"frozen""#, &["partner"]),
        (&["--type", "ecosystem"], r#""type":"ecosystem""#, &["partner"]),
    ];
    let ids = |items: &[Value]| {
        items.iter().map(|item| item["billing_account"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for (options, fields, expect) in cases {
        let listed = home.json(&[&["accounts", "--all"], options].concat());
        assert_eq!(ids(listed["items"].as_array().unwrap()), expect, "{options:?}");
        let asked = format!(r#"{{"do":"list_accounts","with_costs_only":false,{fields}}}"#);
        let answer: Value = serde_json::from_str(&home.feed(&["apply", "-"], &asked).stdout).unwrap();
        assert_eq!(answer["ok"], listed, "{fields}");
        let exported = home.run(&[&["export", "accounts", "--format", "ndjson"], options].concat()).stdout;
        let exported: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(ids(&exported), expect, "{options:?}");
    }
    // With a filter, accounts without charges too.
    let filtered = home.json(&["accounts", "--alert", "enabled"]);
    assert_eq!(ids(filtered["items"].as_array().unwrap()), ["acme", "idle"]);
    let charged =
        home.feed(&["apply", "-"], r#"{"do":"list_accounts","alert":"enabled","with_costs_only":true}"#);
    let charged: Value = serde_json::from_str(&charged.stdout).unwrap();
    assert_eq!(ids(charged["ok"]["items"].as_array().unwrap()), ["acme"]);
    let refused = home.feed(&["apply", "-"], r#"{"do":"list_accounts","alert":"loud"}"#).stdout;
    assert!(refused.contains(r#""field":"alert""#), "{refused}");
}

#[test]
fn shows_and_sets_alerts() {
    // rules H1, H2
    let home = charged();
    home.check(
        &["alerts", "list"],
        "
exit 0
billing account  currency  available credit  threshold  alert    sent  next reminder
acme             USD                     40         50  firing      1  2026-05-03T00:00:00Z
idle             USD                      0         50  waiting
",
    );
    home.check(
        &["alerts", "set", "--disable", "acme"],
        "
exit 0
billing account  result  detail
acme             ok
",
    );
    home.check(
        &["alerts", "list"],
        "
exit 0
billing account  currency  available credit  threshold  alert    sent  next reminder
idle             USD                      0         50  waiting
",
    );
    let off = home.json(&["alerts", "list", "--state", "off"]);
    assert_eq!(off["items"].as_array().unwrap().len(), 4);
    for wrong in [&["alerts", "set", "acme"][..], &["alerts", "set", "--enable", "--disable", "acme"]] {
        assert_eq!(home.run(wrong).status, 2);
    }
}

#[test]
fn sets_what_delays_a_suspension() {
    // rule H4
    let home = charged();
    let benefit = |home: &Home| home.json(&["account", "graced"])["suspension_benefit"].to_string();
    assert_eq!(benefit(&home), r#"{"grace_seconds":259200,"grace_amount":null}"#);
    assert_eq!(home.run(&["suspension-benefit", "graced", "--grace-amount", "10"]).status, 0);
    assert_eq!(benefit(&home), r#"{"grace_seconds":null,"grace_amount":"10"}"#);
    assert_eq!(home.run(&["suspension-benefit", "graced", "--none"]).status, 0);
    assert_eq!(benefit(&home), "null");
    assert_eq!(home.run(&["suspension-benefit", "graced"]).status, 2);
    assert_eq!(home.run(&["suspension-benefit", "graced", "--grace-duration", "soon"]).status, 2);
}

#[test]
fn exports_the_list() {
    // rules A8, J4
    let home = charged();
    let csv = home.run(&["export", "accounts"]).stdout;
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines.len(), 6);
    assert_eq!(
        lines[1],
        "acme,1,\"Acme, \"\"EMEA\"\"\",direct,valid,acme,,USD,+00:00,2026-05-01T00:00:00Z,40,false,100,100,0,0,0,0,60,0,0,0,0,0,40,1,7.5,1,false,firing,50"
    );
    assert!(lines.iter().all(|line| line.replace("Acme, ", "").split(',').count() == 31), "{csv}");
    let ndjson = home.run(&["export", "accounts", "--format", "ndjson", "--with-costs"]).stdout;
    let rows: Vec<Value> = ndjson.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0]["name"], "Acme, \"EMEA\"");
    assert_eq!((&rows[1]["ecid"], &rows[1]["alert_threshold"]), (&Value::Null, &Value::Null));
    let listed = &home.json(&["accounts"])["items"][0];
    let columns: Vec<_> = lines[0].split(',').collect();
    assert_eq!(rows[0].as_object().unwrap().keys().collect::<Vec<_>>(), columns);
    for name in columns {
        match name {
            "alert" => assert_eq!(rows[0][name], listed["alert"]["state"]),
            "alert_threshold" => assert_eq!(rows[0][name], listed["alert"]["threshold"]),
            _ => assert_eq!(rows[0][name], listed[name], "{name}"),
        }
    }
}
