//! `apply`: one answer a line, in order.

use serde_json::Value;

use super::harness::{Home, Ran};

fn apply(home: &Home, lines: &str) -> (Ran, Vec<Value>) {
    let ran = home.feed(&["apply", "-"], lines);
    let answers = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (ran, answers)
}

/// `ok`, or the code or field that says why not.
fn short(answer: &Value) -> String {
    let object = answer.as_object().unwrap();
    let (kind, body) = object.iter().nth(1).unwrap();
    match &**kind {
        "ok" => "ok".to_owned(),
        "refused" => body["code"].as_str().unwrap().to_owned(),
        _ => format!("invalid {}", body["field"].as_str().unwrap()),
    }
}

/// Each line with its short answer.
fn check(home: &Home, script: &[(&str, &str)]) {
    let lines: Vec<_> = script.iter().map(|(line, _)| *line).collect();
    let (ran, answers) = apply(home, &lines.join("\n"));
    assert_eq!(answers.len(), script.len(), "{}", ran.stderr);
    for (place, (answer, (line, expect))) in answers.iter().zip(script).enumerate() {
        assert_eq!(short(answer), *expect, "{line}: {answer}");
        assert_eq!(answer["line"], place + 1);
    }
    let good = script.iter().all(|(_, expect)| *expect == "ok");
    assert_eq!(ran.status, i32::from(!good));
    home.verified();
}

#[test]
fn accounts_have_cash_credit_and_quota() {
    // rules A1, A2, A3, B1, B2
    check(
        &Home::new(),
        &[
            (r#"{"do":"register_cloud_account","cloud_account":"acme","owner":"Acme"}"#, "ok"),
            (r#"{"do":"register_cloud_account","cloud_account":"acme"}"#, "already_exists"),
            (
                r#"{"do":"open_billing_account","billing_account":"eco","type":"ecosystem","owner":"Partner"}"#,
                "ok",
            ),
            (r#"{"do":"open_billing_account","billing_account":"x","owner":"X"}"#, "invalid type"),
            (r#"{"do":"top_up","billing_account":"acme","amount":"10.5","key":"k"}"#, "ok"),
            (r#"{"do":"top_up","billing_account":"acme","amount":"10.50","key":"k"}"#, "ok"),
            (r#"{"do":"top_up","billing_account":"acme","amount":"11","key":"k"}"#, "idempotency_key_reused"),
            (r#"{"do":"top_up","billing_account":"eco","amount":"1"}"#, "not_supported_for_account_type"),
            (r#"{"do":"top_up","billing_account":"nobody","amount":"1"}"#, "not_found"),
            (r#"{"do":"top_up","billing_account":"acme","amount":"0"}"#, "amount_must_be_positive"),
            (r#"{"do":"set_quota","billing_account":"eco","amount":"5"}"#, "ok"),
            (r#"{"do":"rename_billing_account","billing_account":"acme","name":"Acme Ltd"}"#, "ok"),
            (
                r#"{"do":"modify_billing_account","billing_account":"acme","currency":"EUR"}"#,
                "field_not_modifiable",
            ),
            (r#"{"do":"freeze_billing_account","billing_account":"acme"}"#, "ok"),
            (r#"{"do":"thaw_billing_account","billing_account":"acme"}"#, "ok"),
            (r#"{"do":"cancel_billing_account","billing_account":"acme"}"#, "cash_not_zero"),
        ],
    );
}

#[test]
fn nothing_that_is_misspelt_is_lost() {
    check(
        &Home::new(),
        &[
            (r#"{"do":"register_cloud_account","cloud_account":"acme"}"#, "ok"),
            (r#"{"do":"top_up","billing_account":"acme","amount":"1","refrence":"r"}"#, "invalid refrence"),
            (r#"{"do":"top_up","billing_account":"acme","amount":"1","amount":"2"}"#, "invalid amount"),
            (r#"{"do":"top_up","billing_account":7,"amount":"1"}"#, "invalid billing_account"),
            (r#"{"do":"top_up","billing_account":"acme"}"#, "invalid amount"),
            (r#"{"do":"top_up","billing_account":"acme","amount":true}"#, "invalid amount"),
            (r#"{"do":"top_up","billing_account":"acme","amount":"NaN"}"#, "invalid amount"),
            (r#"{"do":"top_up","billing_account":"acme","amount":1e999}"#, "amount_overflow"),
            (
                r#"{"do":"top_up","billing_account":"acme","amount":0.0000000000000000001}"#,
                "amount_too_precise",
            ),
            (r#"{"do":"top_up","billing_account":"acme","amount":"1","at":"yesterday"}"#, "invalid at"),
            (
                r#"{"do":"account_overview","billing_account":"acme","at":"2026-05-01T00:00:00Z"}"#,
                "invalid at",
            ),
            (r#"{"do":"account_overview","billing_account":"acme","principal":"bob"}"#, "permission_denied"),
            (r#"{"do":"top_upp","billing_account":"acme","amount":"1"}"#, "invalid do"),
            (r#"{"billing_account":"acme"}"#, "invalid do"),
            (r#"{"do":"top_up""#, "invalid json"),
            ("[1]", "invalid json"),
        ],
    );
}

#[test]
fn amounts_are_read_from_their_text() {
    // rule B4
    let home = Home::new();
    let (_, answers) = apply(
        &home,
        r#"{"do":"register_cloud_account","cloud_account":"acme"}
{"do":"top_up","billing_account":"acme","amount":0.100000000000000000}
{"do":"top_up","billing_account":"acme","amount":12345678901.000000000000000001}"#,
    );
    assert_eq!(answers[2]["ok"]["cash_balance"], "12345678901.100000000000000001");
    assert_eq!(answers[2]["ok"]["available_credit"], "12345678901.100000000000000001");
}

#[test]
fn charges_that_are_malformed_are_items_and_the_others_go_on() {
    // rule C6
    let home = Home::new();
    let charge = |id: &str, more: &str| {
        format!(
            r#"{{"cloud_account":"acme","source":"m","id":"{id}","currency":"USD","occurred_at":"2026-05-01T00:00:00Z",{more}}}"#
        )
    };
    let charges = [
        charge("1", r#""amount":"1.5""#),
        charge("2", r#""amount":"x""#),
        charge("3", r#""amount":"1","amont":"1""#),
        charge("1", r#""amount":"2.5""#),
        charge("4", r#""amount":2"#),
    ]
    .join(",");
    let lines = format!(
        r#"{{"do":"register_cloud_account","cloud_account":"acme"}}
{{"do":"post_charges","charges":[{charges}],"on_error":"atomic"}}
{{"do":"post_charges","charges":[{charges}],"on_error":"stop"}}
{{"do":"post_charges","charges":[{charges}]}}
{{"do":"report","by":["billing_account","cycle"]}}"#
    );
    let (ran, answers) = apply(&home, &lines);
    assert_eq!(ran.status, 0);
    let counts = |answer: &Value| {
        ["accepted", "duplicate", "conflict", "rejected", "unsubmitted"]
            .map(|name| answer["ok"][name].as_u64().unwrap())
    };
    assert_eq!(counts(&answers[1]), [0, 0, 0, 5, 0]);
    assert_eq!(counts(&answers[2]), [1, 0, 0, 1, 3]);
    assert_eq!(counts(&answers[3]), [1, 1, 1, 2, 0]);
    let items: Vec<_> = answers[3]["ok"]["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (&item["index"], &item["code"]))
        .collect();
    let expect = [(1, "invalid_amount"), (2, "unknown_field"), (3, "conflict")]
        .map(|(index, code)| (Value::from(index), Value::from(code)));
    assert_eq!(items, expect.iter().map(|(index, code)| (index, code)).collect::<Vec<_>>());
    let report = r#"{"items":[{"billing_account":"acme","cycle":"2026-05","currency":"USD","charges":2,"amount":"3.5"}],"next":null}"#;
    assert_eq!(answers[4]["ok"].to_string(), report);
}

#[test]
fn a_payer_changes_from_an_instant_on() {
    // rule A4
    let home = Home::new();
    let (ran, answers) = apply(
        &home,
        r#"{"do":"register_cloud_account","cloud_account":"acme"}
{"do":"register_cloud_account","cloud_account":"other"}

{"do":"set_payer","cloud_accounts":["acme","nobody"],"billing_account":"other","effective_at":"2026-06-01T00:00:00Z"}
{"do":"post_charges","charges":[{"cloud_account":"acme","source":"m","id":"may","amount":"1","currency":"USD","occurred_at":"2026-05-31T23:59:59Z"},{"cloud_account":"acme","source":"m","id":"june","amount":"2","currency":"USD","occurred_at":"2026-06-01T00:00:00Z"}]}
{"do":"list_accounts"}"#,
    );
    assert_eq!(ran.status, 0);
    assert_eq!(answers[2]["line"], 4, "blank lines are counted and not answered");
    let items = &answers[2]["ok"]["items"];
    assert_eq!(items[0].to_string(), r#"{"cloud_account":"acme","ok":{}}"#);
    assert_eq!(
        (&items[1]["cloud_account"], &items[1]["refused"]["code"]),
        (&"nobody".into(), &"not_found".into())
    );
    let owed: Vec<_> = answers[4]["ok"]["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|account| {
            (account["billing_account"].as_str().unwrap(), account["unsettled_current"].as_str().unwrap())
        })
        .collect();
    assert_eq!(owed, [("acme", "1"), ("other", "2")]);
}

#[test]
fn lists_are_paged() {
    let home = Home::new();
    let (_, answers) = apply(
        &home,
        r#"{"do":"register_cloud_account","cloud_account":"a"}
{"do":"register_cloud_account","cloud_account":"b"}
{"do":"register_cloud_account","cloud_account":"c"}
{"do":"list_accounts"}
{"do":"list_accounts","with_costs_only":false,"limit":2}
{"do":"list_accounts","with_costs_only":false,"limit":2,"next":"2"}
{"do":"freeze_billing_account","billing_account":"a"}
{"do":"thaw_billing_account","billing_account":"a"}
{"do":"change_records","billing_account":"a","limit":1}
{"do":"change_records","billing_account":"a","limit":1,"next":"1"}"#,
    );
    let count = |answer: &Value| answer["ok"]["items"].as_array().unwrap().len();
    // rule A8: by default those that have incurred costs
    assert_eq!((count(&answers[3]), count(&answers[4]), count(&answers[5])), (0, 2, 1));
    assert_eq!((&answers[4]["ok"]["next"], &answers[5]["ok"]["next"]), (&"2".into(), &Value::Null));
    assert_eq!(
        (&answers[8]["ok"]["items"][0]["type"], &answers[8]["ok"]["next"]),
        (&"frozen".into(), &"1".into())
    );
    assert_eq!(
        (&answers[9]["ok"]["items"][0]["type"], &answers[9]["ok"]["next"]),
        (&"thawed".into(), &Value::Null)
    );
}

#[test]
fn a_line_that_is_too_long_is_refused_and_the_next_one_read() {
    let home = Home::new();
    let long = "x".repeat(3 * 1024 * 1024);
    let (_, answers) =
        apply(&home, &format!("{long}\n{{\"do\":\"register_cloud_account\",\"cloud_account\":\"a\"}}"));
    assert_eq!(answers.iter().map(short).collect::<Vec<_>>(), ["invalid json", "ok"]);
}

#[test]
fn the_largest_page_begins_anywhere() {
    let home = Home::new();
    check(
        &home,
        &[
            (r#"{"do":"register_cloud_account","cloud_account":"a"}"#, "ok"),
            (r#"{"do":"register_cloud_account","cloud_account":"b"}"#, "ok"),
            (
                r#"{"do":"list_accounts","with_costs_only":false,"limit":18446744073709551615,"next":"1"}"#,
                "ok",
            ),
        ],
    );
}

#[test]
fn a_line_of_very_many_fields_is_answered_like_any_other() {
    let fields: Vec<_> = (0..100_000).map(|n| format!("\"{n:05}\":1")).collect();
    let (_, answers) = apply(&Home::new(), &format!("{{{}}}\n", fields.join(",")));
    assert_eq!(short(&answers[0]), "invalid do");
}
