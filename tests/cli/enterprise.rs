//! A day of an enterprise: members, credit, transfers, holds and administrators.

use serde_json::Value;

use super::harness::{Home, sample, sample_text};

/// The name in a line, the answer in short, and figures of the answer by their place in it.
type Line = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// What each line of `data/enterprise-day.ndjson` is answered: `ok` or the code of its refusal, and figures of the
/// answer by their place in it. `main`, `emea`, `apac` and `lab` are the accounts of Acme.
#[rustfmt::skip] // a line each
const DAY: &[Line] = &[
    // Morning: four accounts of Acme, one of somebody else, and a cloud account for administrators (rules A3, A4).
    ("register_cloud_account", "ok", &[]),
    ("register_cloud_account", "ok", &[]),
    ("register_cloud_account", "ok", &[]),
    ("register_cloud_account", "ok", &[]),
    ("register_cloud_account", "ok", &[]),
    ("register_cloud_account", "ok", &[]),
    // The Account Center comes first, then invitations, then who accepts; another owner stays outside (rule A6).
    ("open_enterprise", "ok", &[]),
    ("invite_account", "account_center_not_enabled", &[]),
    ("enable_account_center", "ok", &[]),
    ("invite_account", "ok", &[]),
    ("invite_account", "ok", &[]),
    ("invite_account", "ok", &[]),
    ("invite_account", "ok", &[]),
    ("invite_account", "owner_mismatch", &[]),
    ("accept_invitation", "ok", &[]),
    ("accept_invitation", "ok", &[]),
    ("accept_invitation", "ok", &[]),
    ("accept_invitation", "ok", &[]),
    ("top_up", "ok", &[]),
    ("top_up", "ok", &[]),
    ("top_up", "ok", &[]),
    // Limits set before the contract is confirmed wait for it and count 0, so cash alone is available (rules E1, E2).
    ("set_total_credit", "ok", &[("/total", "1000"), ("/unassigned_credit", "1000")]),
    ("allocate_credit", "ok", &[("/credit_limit_before", "0"), ("/credit_limit_after", "600"), ("/available_credit_after", "50"), ("/pending", "true")]),
    ("allocate_credit", "ok", &[("/available_credit_after", "30"), ("/pending", "true")]),
    // 1000 - 600 - 300 leaves 100.
    ("allocate_credit", "exceeds_unassigned_credit", &[]),
    ("credit_overview", "ok", &[("/contract", "none"), ("/assigned", "0"), ("/members/1/billing_account", "acme-emea"), ("/members/1/credit_limit", "0"), ("/members/1/pending_credit_limit", "600")]),
    ("confirm_credit_contract", "contract_not_confirmed", &[]),
    ("request_credit_contract", "ok", &[]),
    ("approve_credit_contract", "permission_denied", &[]),
    ("approve_credit_contract", "ok", &[]),
    // All pending limits at once: 600 + 300, which leaves 100.
    ("confirm_credit_contract", "ok", &[("/contract", "confirmed"), ("/assigned", "900"), ("/unassigned_credit", "100")]),
    // 50 cash + 600 limit.
    ("account_overview", "ok", &[("/cash_balance", "50"), ("/credit_limit", "600"), ("/available_credit", "650"), ("/ecid", "acme")]),
    ("grant_credit_limit", "managed_by_enterprise", &[]),
    // Usage: main 1000 - 100, emea 50 + 600 - 500, apac 30 + 300 - 250 (rule B1).
    ("post_charges", "ok", &[("/accepted", "3")]),
    ("account_overview", "ok", &[("/unsettled_current", "500"), ("/available_credit", "150"), ("/spendable", "150"), ("/overdue", "false")]),
    // Transferable is min(cash 1000 - book 0, spendable 900) (rule F1).
    ("transferable", "ok", &[("/amount", "900"), ("/cash_balance", "1000"), ("/transfer_book", "0"), ("/available_credit", "900")]),
    ("transfer_cash", "ok", &[]),
    ("account_overview", "ok", &[("/cash_balance", "250"), ("/own_cash", "50"), ("/transfer_book", "200"), ("/available_credit", "350")]),
    // Main has 800 cash and 700 available: the latter is the least (rules F1, F4).
    ("transfer_cash", "exceeds_transferable", &[]),
    ("transfer_cash", "association_not_active", &[]),
    ("transfer_cash", "same_account", &[]),
    ("transfer_cash", "amount_must_be_positive", &[]),
    // The owner of an account may not transfer by itself.
    ("transfer_cash", "permission_denied", &[]),
    // Transferred funds go neither on nor out: emea has 250 - 200 of its own, lab nothing (rule F2).
    ("transferable", "ok", &[("/amount", "50")]),
    ("transfer_cash", "exceeds_transferable", &[]),
    ("transfer_cash", "ok", &[]),
    ("withdraw_cash", "exceeds_withdrawable", &[]),
    // Main: 1000 - 200 - 40 = 760 of its own, 100 owed, so 660 may be withdrawn (rule D11).
    ("withdraw_cash", "exceeds_withdrawable", &[]),
    ("withdraw_cash", "ok", &[("/cash_balance", "700"), ("/available_credit", "600")]),
    ("transfer_cash", "ok", &[]),
    // Revocable is min(book, remaining of the pair, spendable). Of apac: min(220, 20, 370) (rule F3).
    ("revocable", "ok", &[("/amount", "20"), ("/transfer_book", "220"), ("/pair_remaining", "20"), ("/spendable", "370")]),
    ("revoke_transfer", "exceeds_revocable", &[]),
    // A hold of 300 leaves 70 spendable; then of main it is min(220, 200, 70) (rule B5).
    ("place_hold", "ok", &[("/held", "300"), ("/available_credit", "370"), ("/spendable", "70")]),
    ("revocable", "ok", &[("/amount", "70"), ("/pair_remaining", "200"), ("/available_credit", "370"), ("/spendable", "70")]),
    ("revoke_transfer", "exceeds_revocable", &[]),
    ("revoke_transfer", "ok", &[]),
    ("revoke_transfer", "no_prior_transfer", &[]),
    // Of lab all three are 40: min(book 40, pair 40, spendable 40).
    ("revocable", "ok", &[("/amount", "40")]),
    ("revoke_transfer", "exceeds_revocable", &[]),
    // Emea: 50 own + 200 + 20 - 70; 200 + 600 - 500 available, all of it held.
    ("account_overview", "ok", &[("/cash_balance", "200"), ("/own_cash", "50"), ("/transfer_book", "150"), ("/held", "300"), ("/available_credit", "300"), ("/spendable", "0")]),
    ("place_hold", "insufficient_spendable", &[]),
    // Capturing 120 posts a purchase and frees the rest: 200 + 600 - 620. Each step may be repeated.
    ("capture_hold", "ok", &[("/unsettled_current", "620"), ("/held", "0"), ("/available_credit", "180"), ("/spendable", "180")]),
    ("capture_hold", "ok", &[("/unsettled_current", "620"), ("/held", "0"), ("/available_credit", "180"), ("/spendable", "180")]),
    ("release_hold", "hold_not_open", &[]),
    // A hold that nobody captures expires when its time has come (rule J5).
    ("place_hold", "ok", &[("/held", "100"), ("/spendable", "80")]),
    ("advance_time", "ok", &[("/decided", "1")]),
    ("capture_hold", "hold_not_open", &[]),
    ("account_overview", "ok", &[("/held", "0"), ("/available_credit", "180"), ("/spendable", "180")]),
    // A decrease by 200 leaves 180 - 200: refused with a minimum, told by a dry run, else accepted (rule E3).
    ("allocate_credit", "below_minimum_available_credit", &[]),
    ("allocate_credit", "ok", &[("/credit_limit_before", "600"), ("/credit_limit_after", "400"), ("/available_credit_after", "-20"), ("/overdue", "true"), ("/pending", "false")]),
    ("account_overview", "ok", &[("/credit_limit", "600"), ("/available_credit", "180")]),
    ("allocate_credit", "ok", &[("/credit_limit_before", "600"), ("/credit_limit_after", "400"), ("/available_credit_after", "-20"), ("/overdue", "true"), ("/pending", "false")]),
    ("account_overview", "ok", &[("/credit_limit", "400"), ("/available_credit", "-20"), ("/overdue", "true")]),
    ("transfer_cash", "account_overdue", &[]),
    ("place_hold", "insufficient_spendable", &[]),
    // 1000 - 400 - 300 leaves 300 for a member that has 400.
    ("credit_bounds", "ok", &[("/least", "0"), ("/greatest", "700")]),
    ("allocate_credit", "exceeds_unassigned_credit", &[]),
    ("allocate_credit", "ok", &[("/credit_limit_before", "400"), ("/available_credit_after", "180"), ("/overdue", "false")]),
    ("move_credit", "ok", &[]),
    ("move_credit", "exceeds_credit_limit", &[]),
    ("credit_overview", "ok", &[("/members/1/credit_limit", "500"), ("/members/2/credit_limit", "400"), ("/assigned", "900"), ("/unassigned_credit", "100")]),
    // A total below what is assigned is accepted; 700 - 900 is left, and nothing can be raised (rule E4).
    ("set_total_credit", "ok", &[("/total", "700"), ("/unassigned_credit", "-200")]),
    ("allocate_credit", "exceeds_unassigned_credit", &[]),
    ("set_total_credit", "permission_denied", &[]),
    ("set_total_credit", "ok", &[("/unassigned_credit", "100")]),
    // Administrators: at most 20 an operation, a result each; they see and modify unless told otherwise (rules G1, G2).
    ("grant_administrators", "too_many_items", &[]),
    ("grant_administrators", "ok", &[("/items/0/ok", "{}"), ("/items/1/refused/code", "not_found"), ("/items/2/refused/code", "already_exists")]),
    ("administrators", "ok", &[("/items/0/cloud_account", "acme-main"), ("/items/0/super", "true"), ("/items/1/cloud_account", "ops"), ("/items/1/super", "false"), ("/items/1/permissions", r#"["billing_account:read","billing_account:modify"]"#)]),
    ("rename_billing_account", "ok", &[("/name", "Acme EMEA")]),
    ("withdraw_cash", "permission_denied", &[]),
    ("account_overview", "permission_denied", &[]),
    ("account_overview", "permission_denied", &[]),
    // A user of a cloud account has what its policy allows of that (rule G3).
    ("attach_policy", "ok", &[]),
    ("account_overview", "ok", &[]),
    ("rename_billing_account", "permission_denied", &[]),
    ("detach_policy", "ok", &[]),
    ("account_overview", "permission_denied", &[]),
    ("revoke_administrator", "super_administrator_not_revocable", &[]),
    ("revoke_administrator", "ok", &[]),
    ("rename_billing_account", "permission_denied", &[]),
    // Nobody leaves with credit, or with funds of others (rule A6).
    ("end_association", "credit_allocated", &[]),
    ("end_association", "transferred_funds_unspent", &[]),
    ("revoke_transfer", "ok", &[]),
    // Main: 700 + 70 + 40 cash, 100 owed. All cash: 810 + 200 + 10 = 1000 + 50 + 30 topped up - 60 withdrawn.
    ("account_overview", "ok", &[("/cash_balance", "810"), ("/transfer_book", "0"), ("/available_credit", "710"), ("/in_flight", "0")]),
    ("account_overview", "ok", &[("/cash_balance", "10"), ("/credit_limit", "400"), ("/available_credit", "160")]),
    ("end_association", "ok", &[]),
    ("transfer_cash", "association_not_active", &[]),
    ("credit_overview", "ok", &[("/members/2/billing_account", "acme-apac"), ("/members/3", "null")]),
    ("account_overview", "ok", &[("/ecid", "null")]),
];

/// A figure as the table above has it.
fn figure(answer: &Value, place: &str) -> String {
    match answer.pointer(place) {
        None => "null".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

/// The ledger after the day.
fn evening() -> Home {
    let home = Home::new();
    // Some lines are refused on purpose.
    assert_eq!(home.run(&["apply", &sample("enterprise-day.ndjson")]).status, 1);
    home
}

#[test]
fn a_day_of_an_enterprise_is_answered_as_reckoned_by_hand() {
    // rules A6, B5, D11, E1-E5, F1-F4, G1-G3
    let home = Home::new();
    let ran = home.run(&["apply", &sample("enterprise-day.ndjson")]);
    assert_eq!(ran.status, 1);
    let text = sample_text("enterprise-day.ndjson");
    let answers: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((text.lines().count(), answers.len()), (DAY.len(), DAY.len()), "{}", ran.stderr);
    for ((line, answer), (name, expect, figures)) in text.lines().zip(&answers).zip(DAY) {
        let said: Value = serde_json::from_str(line).unwrap();
        assert_eq!(said["do"], *name, "{line}");
        let code = if answer["ok"].is_object() { "ok".to_owned() } else { figure(answer, "/refused/code") };
        assert_eq!(code, *expect, "{line}: {answer}");
        for (place, expect) in *figures {
            assert_eq!(figure(&answer["ok"], place), *expect, "`{place}` of {line}: {answer}");
        }
    }
    home.verified();
}

#[test]
fn what_the_day_left_is_the_same_after_a_snapshot() {
    let home = evening();
    let shown = |home: &Home| {
        [
            home.json(&["accounts"]),
            home.json(&["account", "acme-emea"]),
            home.json(&["credit", "show", "acme"]),
            home.json(&["admin", "list", "acme-emea"]),
            home.json(&["transfer", "show", "acme-main", "acme-emea"]),
        ]
    };
    let before = shown(&home);
    assert_eq!(home.run(&["snapshot"]).status, 0);
    assert_eq!(shown(&home), before);
    home.verified();
}

#[test]
fn the_nouns_show_what_apply_answers() {
    let home = evening();
    for (query, noun) in [
        (r#"{"do":"credit_overview","ecid":"acme"}"#, &["credit", "show", "acme"][..]),
        (r#"{"do":"credit_overview","ecid":"acme"}"#, &["enterprise", "show", "acme"]),
        (
            r#"{"do":"credit_bounds","ecid":"acme","billing_account":"acme-emea"}"#,
            &["credit", "bounds", "acme", "acme-emea"],
        ),
        (r#"{"do":"transferable","from":"acme-main"}"#, &["transfer", "show", "acme-main"]),
        (
            r#"{"do":"revocable","giver":"acme-main","receiver":"acme-emea"}"#,
            &["transfer", "show", "acme-main", "acme-emea"],
        ),
        (r#"{"do":"administrators","billing_account":"acme-emea"}"#, &["admin", "list", "acme-emea"]),
        (r#"{"do":"list_accounts","ecid":"acme"}"#, &["accounts", "--ecid", "acme"]),
        (
            r#"{"do":"list_accounts","ecid":"acme","with_costs_only":false}"#,
            &["accounts", "--ecid", "acme", "--all"],
        ),
    ] {
        let answer: Value = serde_json::from_str(&home.feed(&["apply", "-"], query).stdout).unwrap();
        assert_eq!(answer["ok"], home.json(noun), "{noun:?}");
    }
}

#[test]
fn shows_an_enterprise_to_a_person() {
    let home = evening();
    home.check(
        &["credit", "show", "acme"],
        "
exit 0
enterprise acme: USD
owner           Acme Corp
managed by      acme-main
account center  enabled
contract        confirmed

  public cloud              800
+ hybrid cloud              200
- assigned                  900
= unassigned credit         100 USD

billing account  association  credit limit  pending
acme-main        active                  0        0
acme-emea        active                500        0
acme-apac        active                400        0
",
    );
    // 200 cash + 500 limit - 620 unsettled; of the cash 200 + 20 - 70 are others'.
    home.check(
        &["account", "acme-emea"],
        "
exit 0
billing account acme-emea (number 2): direct, valid, USD
name            Acme EMEA
owner           Acme Corp
enterprise      acme
opened          2026-06-01T08:01:00Z
charges         1
pays for        acme-emea
transfer book   150 of the cash balance; own cash 50

  cash balance              200
+ credit limit              500
- unsettled, current cycles 620
= available credit           80 USD
",
    );
    // 200 - 70 are left of the pair, but only 80 are spendable.
    home.check(
        &["transfer", "show", "acme-main", "acme-emea"],
        "
exit 0
revocable                    80
transfer book                150
left of what the giver gave  130
available credit             80
spendable                    80
",
    );
    home.check(
        &["admin", "list", "acme-emea", "--principal", "acme-main"],
        "
exit 0
cloud account  administrator  permissions
acme-main      super          everything
",
    );
}

#[test]
fn commands_of_the_nouns_are_carried_out_or_refused() {
    let home = evening();
    let at = |time: &'static str| ["--principal", "acme-main", "--at", time];
    let run = |words: &[&'static str], time| home.run(&[words, &at(time)].concat());
    assert_eq!(run(&["transfer", "send", "acme-main", "acme-emea", "10"], "2026-06-02T00:00:00Z").status, 0);
    let refused = run(&["transfer", "send", "acme-emea", "acme-apac", "51"], "2026-06-02T00:01:00Z");
    assert_eq!(refused.status, 1);
    assert_eq!(refused.stdout, "");
    let start = "error: cannot transfer from `acme-emea` to `acme-apac`: exceeds_transferable: ";
    assert!(refused.stderr.starts_with(start), "{}", refused.stderr);
    let end = "\nhint: ask `transferable`; transferred funds can't be passed on\n";
    assert!(refused.stderr.ends_with(end), "{}", refused.stderr);
    let text = run(&["credit", "allocate", "acme", "acme-emea", "400", "--dry-run"], "2026-06-02T00:02:00Z");
    // 210 cash + 400 limit - 620.
    assert_eq!(
        text.whole(),
        "exit 0\ncredit limit before     500\ncredit limit after      400\navailable credit after  -10\nOVERDUE\n"
    );
    let expires = ["--expires-at", "2026-07-01T00:00:00Z"];
    let place = [&["hold", "place", "acme-emea", "vm-10", "5.50"][..], &expires].concat();
    assert_eq!(run(&place, "2026-06-02T00:03:00Z").status, 0);
    assert_eq!(home.json(&["account", "acme-emea"])["held"], "5.5");
    assert_eq!(run(&["hold", "capture", "acme-emea", "vm-10", "5"], "2026-06-02T00:04:00Z").status, 0);
    assert_eq!(run(&["hold", "release", "acme-emea", "vm-10"], "2026-06-02T00:05:00Z").status, 1);
    let granted = run(&["admin", "grant", "acme-emea", "ops", "nobody"], "2026-06-02T00:06:00Z");
    assert_eq!(granted.status, 1, "one of two was refused: {}", granted.stdout);
    assert!(granted.stdout.contains("ops            ok"), "{}", granted.stdout);
    assert_eq!(run(&["admin", "revoke", "acme-emea", "ops"], "2026-06-02T00:07:00Z").status, 0);
    for words in [
        &["transfer", "send", "acme-main", "acme-emea"][..],
        &["credit", "allocate", "acme", "acme-emea", "much"],
        &["admin", "grant", "acme-emea"],
        &["admin", "attach-policy", "ops/jane", "cash:steal"],
        &["hold", "place", "acme-emea", "vm-11", "1"],
        &["enterprise", "open", "other"],
        &["change-records"],
    ] {
        assert_eq!(home.run(words).status, 2, "{words:?}");
    }
    home.verified();
}

#[test]
fn changes_of_an_enterprise_are_told() {
    // rules B3, E5
    let home = evening();
    let changes = home.json(&["change-records", "--ecid", "acme"]);
    assert!(!changes["items"].as_array().unwrap().is_empty());
    let by_others = home.feed(
        &["apply", "-"],
        r#"{"do":"change_records","ecid":"acme","principal":"globex"}
{"do":"change_records","billing_account":"acme-emea","principal":"globex"}
{"do":"change_records","ecid":"acme","principal":"acme-main"}"#,
    );
    let answers: Vec<Value> =
        by_others.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for answer in &answers[..2] {
        assert_eq!(answer["refused"]["code"], "permission_denied", "{answer}");
    }
    assert_eq!(answers[2]["ok"]["items"], changes["items"]);
}
