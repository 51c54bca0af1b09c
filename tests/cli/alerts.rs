//! Alerts, overdue and suspension as a vendor's customers meet them.

use std::fmt::Write as _;

use serde_json::Value;

use super::harness::{Home, sample, sample_text};

/// The name in a line, the answer in short, and figures of the answer by their place in it.
type Line = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// What each line of `data/alerts.ndjson` is answered: `ok` or the code of its refusal, and figures of the answer by their
/// place in it.
#[rustfmt::skip] // a line each
const LINES: &[Line] = &[
    ("register_cloud_account", "ok", &[("/overdue", "false"), ("/suspended", "false"), ("/suspension_benefit", "null"), ("/alert", r#"{"enabled":false,"threshold":null,"state":"off"}"#)]),
    ("register_cloud_account", "ok", &[]),
    ("register_cloud_account", "ok", &[]),
    ("top_up", "ok", &[]),
    ("top_up", "ok", &[]),
    ("top_up", "ok", &[]),
    // One threshold for many, and a result each: shop has 100, blog 40, which is below 50 (rules H1, H2).
    ("set_low_balance_alert", "ok", &[("/items/0/billing_account", "shop"), ("/items/0/ok", "{}"), ("/items/1/ok", "{}"), ("/items/2/billing_account", "nobody"), ("/items/2/refused/code", "not_found")]),
    ("account_overview", "ok", &[("/alert", r#"{"enabled":true,"threshold":"50","state":"armed"}"#)]),
    ("account_overview", "ok", &[("/alert", r#"{"enabled":true,"threshold":"50","state":"waiting"}"#)]),
    // 100 - 50 is the threshold and not below it; a charge of 0 changes nothing.
    ("post_charges", "ok", &[("/accepted", "2")]),
    ("account_overview", "ok", &[("/available_credit", "50"), ("/alert/state", "armed")]),
    ("account_overview", "ok", &[("/available_credit", "40"), ("/alert/state", "waiting")]),
    // 50 - 0.01 and 40 - 5 both fire; the reminder comes a day later, to the microsecond.
    ("post_charges", "ok", &[("/accepted", "2")]),
    ("account_overview", "ok", &[("/available_credit", "49.99"), ("/alert", r#"{"enabled":true,"threshold":"50","state":"firing","sent":1,"next_at":"2026-06-02T10:30:00Z"}"#)]),
    ("advance_time", "ok", &[("/decided", "0")]),
    ("advance_time", "ok", &[("/decided", "2")]),
    ("account_overview", "ok", &[("/alert/sent", "2"), ("/alert/next_at", "2026-06-03T10:30:00Z")]),
    // A new threshold starts anew: 35 is not below 30.
    ("set_low_balance_alert", "ok", &[]),
    ("account_overview", "ok", &[("/available_credit", "35"), ("/alert", r#"{"enabled":true,"threshold":"30","state":"armed"}"#)]),
    // Three more reminders of shop are five notifications, and then none; 49.99 + 0.01 arms again.
    ("advance_time", "ok", &[("/decided", "3")]),
    ("account_overview", "ok", &[("/alert/state", "ended")]),
    ("top_up", "ok", &[("/available_credit", "50"), ("/alert/state", "armed")]),
    // Three ways to write three days (rule H4).
    ("set_suspension_benefit", "ok", &[("/suspension_benefit", r#"{"grace_seconds":259200,"grace_amount":"100"}"#)]),
    ("set_suspension_benefit", "ok", &[("/suspension_benefit/grace_seconds", "259200")]),
    ("set_suspension_benefit", "ok", &[("/suspension_benefit/grace_seconds", "259200")]),
    // Studio: 20 - 70, in grace. Blog: 35 - 40, suspended at once; its alert stays silent (rules H2, H3).
    ("post_charges", "ok", &[("/accepted", "2")]),
    ("account_overview", "ok", &[("/available_credit", "-50"), ("/overdue", "true"), ("/suspended", "false"), ("/alert/state", "off")]),
    ("account_overview", "ok", &[("/available_credit", "-5"), ("/overdue", "true"), ("/suspended", "true"), ("/alert/state", "ended")]),
    // 0 is fine; the alert is armed at 30 only.
    ("top_up", "ok", &[("/available_credit", "0"), ("/overdue", "false"), ("/suspended", "false"), ("/alert/state", "ended")]),
    // Three days after 2026-06-21T00:00:00Z; a longer grace lifts nothing, 50 do.
    ("advance_time", "ok", &[("/decided", "0")]),
    ("advance_time", "ok", &[("/decided", "1")]),
    ("account_overview", "ok", &[("/overdue", "true"), ("/suspended", "true")]),
    ("set_suspension_benefit", "ok", &[("/suspension_benefit/grace_seconds", "2592000"), ("/suspended", "true")]),
    ("top_up", "ok", &[("/available_credit", "0"), ("/overdue", "false"), ("/suspended", "false")]),
    // 100 may be owed, and not the least more.
    ("post_charges", "ok", &[("/accepted", "1")]),
    ("account_overview", "ok", &[("/available_credit", "-100"), ("/overdue", "true"), ("/suspended", "false")]),
    ("post_charges", "ok", &[("/accepted", "1")]),
    ("account_overview", "ok", &[("/available_credit", "-100.000000000000000001"), ("/suspended", "true")]),
    ("set_suspension_benefit", "ok", &[("/suspension_benefit", "null"), ("/suspended", "true")]),
    ("set_low_balance_alert", "ok", &[]),
    ("account_overview", "ok", &[("/alert", r#"{"enabled":false,"threshold":"50","state":"off"}"#)]),
    ("set_low_balance_alert", "ok", &[("/items/0/refused/code", "amount_must_be_positive"), ("/items/1/refused/code", "amount_must_be_positive")]),
    // Everything is told once, with the available credit of then.
    ("change_records", "ok", &[
        ("/items/0/type", "enabled"), ("/items/0/before", "0"), ("/items/0/after", "50"), ("/items/0/actor", "provider"),
        ("/items/1/type", "alerted"), ("/items/1/after", "49.99"), ("/items/1/at", "2026-06-01T10:30:00Z"),
        ("/items/2/type", "alerted"), ("/items/2/at", "2026-06-02T10:30:00Z"), ("/items/2/actor", "clock"),
        ("/items/3/at", "2026-06-03T10:30:00Z"), ("/items/4/at", "2026-06-04T10:30:00Z"),
        ("/items/5/type", "alerted"), ("/items/5/at", "2026-06-05T10:30:00Z"),
        ("/items/6/type", "rearmed"), ("/items/6/after", "50"), ("/items/6/at", "2026-06-20T11:00:00Z"),
        ("/items/7/type", "disabled"), ("/items/8", "null"),
    ]),
    ("change_records", "ok", &[
        ("/items/0/type", "overdue"), ("/items/0/after", "-50"), ("/items/0/at", "2026-06-21T00:00:00Z"),
        ("/items/1/type", "suspended"), ("/items/1/at", "2026-06-24T00:00:00Z"), ("/items/1/actor", "clock"),
        ("/items/2/type", "resumed"), ("/items/3/type", "cleared"), ("/items/3/after", "0"), ("/items/3/at", "2026-06-24T02:00:00Z"),
        ("/items/4/type", "overdue"), ("/items/4/after", "-100"), ("/items/4/at", "2026-06-24T03:00:00Z"),
        ("/items/5/type", "suspended"), ("/items/5/after", "-100.000000000000000001"), ("/items/6", "null"),
    ]),
    // The same benefit in other words is no change.
    ("change_records", "ok", &[
        ("/items/0/type", "set"), ("/items/0/reason", "for 259200 s, up to 100"),
        ("/items/1/type", "set"), ("/items/1/reason", "for 2592000 s, up to 100"),
        ("/items/2/type", "removed"), ("/items/3", "null"),
    ]),
];

/// A figure as the table above has it.
fn figure(answer: &Value, place: &str) -> String {
    match answer.pointer(place) {
        None => "null".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

fn check(line: &str, answer: &Value, (name, expect, figures): &Line) {
    let asked: Value = serde_json::from_str(line).unwrap();
    assert_eq!(asked["do"], *name, "{line}");
    let body = answer.get("ok").or_else(|| answer.get("refused"));
    let short = if answer.get("ok").is_some() { "ok" } else { body.unwrap()["code"].as_str().unwrap() };
    assert_eq!(short, *expect, "{line}: {answer}");
    for (place, figure_then) in *figures {
        assert_eq!(figure(body.unwrap(), place), *figure_then, "{place} of {line}: {answer:#}");
    }
}

#[test]
fn alerts_and_suspensions_are_told_as_reckoned_by_hand() {
    // rules H1-H4, J5
    let home = Home::new();
    let ran = home.run(&["apply", &sample("alerts.ndjson")]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let (text, answers) = (sample_text("alerts.ndjson"), ran.stdout.lines());
    assert_eq!((text.lines().count(), answers.clone().count()), (LINES.len(), LINES.len()));
    for ((line, answer), expect) in text.lines().zip(answers).zip(LINES) {
        check(line, &serde_json::from_str(answer).unwrap(), expect);
    }
    home.verified();
}

#[test]
fn alerts_and_suspensions_outlive_reopening_with_and_without_a_snapshot() {
    // rule J1
    let home = Home::new();
    for (place, (line, expect)) in sample_text("alerts.ndjson").lines().zip(LINES).enumerate() {
        if place % 3 == 2 {
            assert_eq!(home.run(&["snapshot"]).status, 0);
        }
        check(line, &serde_json::from_str(&home.feed(&["apply", "-"], line).stdout).unwrap(), expect);
    }
    home.verified();
}

#[test]
fn the_noun_lists_changes_of_standing() {
    let home = Home::new();
    assert_eq!(home.run(&["apply", &sample("alerts.ndjson")]).status, 0);
    home.check(
        &["change-records", "blog", "--asset", "alert"],
        "
exit 0
transaction  at                    asset  type     amount  before  after  actor     reason
2-2          2026-06-01T09:00:00Z  alert  enabled               0     50  provider
2-4          2026-06-01T10:30:00Z  alert  alerted                     35
2-5          2026-06-02T10:30:00Z  alert  alerted                     35  clock
2-6          2026-06-02T11:00:00Z  alert  enabled              50     30  provider
",
    );
    home.check(
        &["change-records", "blog", "--asset", "standing"],
        "
exit 0
transaction  at                    asset     type       amount  before  after  actor     reason
2-7          2026-06-21T00:00:00Z  standing  overdue                       -5
2-7          2026-06-21T00:00:00Z  standing  suspended                     -5
2-9          2026-06-21T01:00:00Z  standing  resumed                        0  provider
2-9          2026-06-21T01:00:00Z  standing  cleared                        0  provider
",
    );
}

#[test]
fn the_log_shows_what_changed_of_a_standing() {
    let home = Home::new();
    assert_eq!(home.run(&["apply", &sample("alerts.ndjson")]).status, 0);
    let mut found = Vec::new();
    for lsn in 1.. {
        let ran = home.run(&["wal", "dump", "--lsn", &lsn.to_string()]);
        let Ok(block) = serde_json::from_str::<Value>(&ran.stdout) else { break };
        for record in block["records"].as_array().unwrap() {
            let charges = record["charges"].as_array().into_iter().flatten();
            let standings = charges.chain([record]).filter_map(|shown| shown.get("standing"));
            found.extend(standings.map(|standing| {
                let names = standing["changes"].as_array().unwrap().iter();
                let names: Vec<_> = names.map(|name| name.as_str().unwrap()).collect();
                format!("{} {}", names.join("+"), standing["available_credit"].as_str().unwrap())
            }));
        }
    }
    for expect in ["alerted 49.99", "overdue -50", "overdue+suspended -5", "resumed+cleared 0", "rearmed 50"]
    {
        assert!(found.iter().any(|shown| shown == expect), "{expect}: {found:?}");
    }
}

/// Lines with the code, or the field and a part of the detail, of what they are answered.
fn check_refused(script: &[(String, String)]) {
    let home = Home::new();
    let mut lines = r#"{"do":"register_cloud_account","cloud_account":"a"}"#.to_owned() + "\n";
    for (line, _) in script {
        writeln!(lines, "{line}").unwrap();
    }
    let ran = home.feed(&["apply", "-"], &lines);
    assert_eq!(ran.status, 1);
    let answers: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), script.len() + 1);
    for (answer, (line, expect)) in answers[1..].iter().zip(script) {
        let said = match (answer.get("invalid"), answer.get("refused"), answer.pointer("/ok/items/0/refused"))
        {
            (Some(invalid), ..) => format!(
                "invalid {}: {}",
                invalid["field"].as_str().unwrap(),
                invalid["detail"].as_str().unwrap()
            ),
            (_, Some(refused), _) | (_, _, Some(refused)) => refused["code"].as_str().unwrap().to_owned(),
            _ => "ok".to_owned(),
        };
        assert_eq!(said, *expect, "{}", line.get(..200).unwrap_or(line));
    }
    home.verified();
}

#[test]
fn durations_that_are_none_are_refused() {
    // rule H4
    let none = |text: &str| {
        format!(
            "invalid grace_duration: `{text}`: give a duration such as `PT72H` or `P3D`, or whole seconds"
        )
    };
    let too_long = "invalid grace_duration: give a duration of 0 to 3653 days in whole seconds, such as `PT72H` or `P3D`";
    let benefit = |duration: &str| {
        format!(r#"{{"do":"set_suspension_benefit","billing_account":"a","grace_duration":{duration}}}"#)
    };
    let amount = |amount: &str| {
        format!(r#"{{"do":"set_suspension_benefit","billing_account":"a","grace_amount":{amount}}}"#)
    };
    check_refused(&[
        (benefit(r#""PT72H""#), "ok".into()),
        (benefit(r#""P1M""#), none("P1M")),
        (benefit(r#""P1Y""#), none("P1Y")),
        (benefit(r#""-P1D""#), none("-P1D")),
        (benefit(r#""three days""#), none("three days")),
        (benefit(r#""""#), none("")),
        (benefit(r#""PT0.0000001S""#), none("PT0.0000001S")),
        (benefit("1.5"), none("1.5")),
        (benefit("-5"), none("-5")),
        (benefit("true"), none("true")),
        (benefit("[3]"), none("[3]")),
        (benefit("99999999999999999999"), none("99999999999999999999")),
        (benefit(r#""PT0.5S""#), too_long.into()),
        (benefit(r#""P3654D""#), too_long.into()),
        (benefit(r#""P3653D""#), "ok".into()),
        (benefit("0"), "ok".into()),
        (benefit("null"), "ok".into()),
        (amount(r#""-1""#), "amount_must_be_positive".into()),
        (amount(r#""0""#), "ok".into()),
        (amount(r#""1e40""#), "amount_overflow".into()),
        (amount(r#""0.0000000000000000001""#), "amount_too_precise".into()),
        (amount(r#""much""#), "invalid grace_amount: `much` is not a decimal number".into()),
    ]);
}

#[test]
fn thresholds_that_are_none_are_refused() {
    // rule H1
    let alert = |threshold: &str| {
        format!(
            r#"{{"do":"set_low_balance_alert","billing_accounts":["a"],"enabled":true,"threshold":{threshold}}}"#
        )
    };
    let of = |accounts: usize, enabled: &str| {
        let accounts = (0..accounts).map(|nth| format!(r#""b{nth}""#)).collect::<Vec<_>>().join(",");
        format!(r#"{{"do":"set_low_balance_alert","billing_accounts":[{accounts}]{enabled}}}"#)
    };
    let on = r#","enabled":true,"threshold":"5""#;
    let refused = |code: &str| code.to_owned();
    check_refused(&[
        (of(1, ",\"enabled\":true"), refused("not_found")),
        (alert("null"), refused("amount_must_be_positive")),
        (alert(r#""0""#), refused("amount_must_be_positive")),
        (alert(r#""-1""#), refused("amount_must_be_positive")),
        (alert(r#""1e40""#), refused("amount_overflow")),
        (alert(r#""0.0000000000000000001""#), refused("amount_too_precise")),
        (alert(r#""low""#), refused("invalid threshold: `low` is not a decimal number")),
        (alert("0.000000000000000001"), refused("ok")),
        (of(0, on), refused("invalid billing_accounts: name at least one billing account")),
        (of(1, ""), refused("invalid enabled: the field is missing")),
        (of(1, on), refused("not_found")),
        (of(8_192, on), refused("not_found")),
        (of(8_193, on), refused("too_many_items")),
        (
            r#"{"do":"set_low_balance_alert","billing_account":"a","enabled":true,"threshold":"5"}"#.into(),
            refused("invalid billing_accounts: the field is missing"),
        ),
    ]);
}
