//! The nouns about bills and what pays them.

use serde_json::Value;

use super::account_year::new_year;
use super::harness::Home;

fn ledger() -> Home {
    let home = Home::new();
    home.apply(
        r#"{"do":"register_cloud_account","cloud_account":"acme","at":"2025-01-01T00:00:00Z"}
{"do":"post_charges","charges":[{"cloud_account":"acme","source":"m","id":"1","amount":"10.005","currency":"USD","occurred_at":"2025-01-01T00:00:00Z","service":"vm"}],"at":"2025-01-01T00:00:00Z"}
"#,
    );
    home
}

#[test]
fn nouns_print_what_apply_answers() {
    let home = new_year();
    for (query, noun) in [
        (r#"{"do":"bills","billing_account":"acme"}"#, &["bill", "list", "acme"][..]),
        (
            r#"{"do":"bills","billing_account":"acme","cycle":"2025-03","lines":true}"#,
            &["bill", "list", "acme", "--cycle", "2025-03", "--lines"],
        ),
        (r#"{"do":"coupons","billing_account":"acme"}"#, &["coupon", "list", "acme"]),
        (r#"{"do":"order","order":"server-1"}"#, &["order", "server-1"]),
        (r#"{"do":"payment_methods","billing_account":"acme"}"#, &["payment-method", "list", "acme"]),
    ] {
        let answer: Value = serde_json::from_str(&home.feed(&["apply", "-"], query).stdout).unwrap();
        assert_eq!(answer["ok"], home.json(noun), "{noun:?}");
    }
}

#[test]
fn lists_are_paged_and_seen_by_those_who_may() {
    let home = new_year();
    let ran = home.feed(
        &["apply", "-"],
        r#"{"do":"bills","billing_account":"acme","limit":10,"lines":true}
{"do":"bills","billing_account":"acme","limit":10,"next":"10"}
{"do":"coupons","billing_account":"acme","limit":4,"next":"4"}
{"do":"order","order":"server-1","principal":"acme"}
{"do":"order","order":"server-1","principal":"lab"}
{"do":"order","order":"nothing","principal":"lab"}
{"do":"order","order":"nothing"}
{"do":"bills","billing_account":"acme","principal":"lab"}"#,
    );
    let answers: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let page =
        |answer: &Value| (answer["ok"]["items"].as_array().unwrap().len(), answer["ok"]["next"].clone());
    assert_eq!(page(&answers[0]), (10, "10".into()));
    assert_eq!(page(&answers[1]), (1, Value::Null));
    assert_eq!(
        (page(&answers[2]), &answers[2]["ok"]["items"][0]["coupon"]),
        ((1, Value::Null), &"AUTUMN".into())
    );
    assert_eq!(answers[3]["ok"]["order"], "server-1");
    let codes: Vec<_> =
        answers[4..].iter().map(|answer| answer["refused"]["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["permission_denied", "permission_denied", "not_found", "permission_denied"]);
}

#[test]
fn shows_a_bill_to_a_person() {
    let home = new_year();
    home.check(
        &["bill", "list", "acme", "--cycle", "2025-04", "--lines"],
        "
exit 0
bill acme/2025-04: settled, USD
issued          2025-05-02T00:00:00Z
due             2025-05-12T00:00:00Z
settled         2025-06-12T00:00:00Z
charges         1
taxed           120.505 at 0.06
in settlement   117.51 EUR at 0.92 of 2025-04-30

  gross                     120.505
- coupons                         0
- round-down discount         0.005
= pretax                      120.5
+ tax                          7.23
= after tax                  127.73
- cash                        35.66
- transfer_book               92.07
= outstanding                     0 USD

line                 cloud account  service  category  charges   amount
charges              acme           compute  usage           1  120.505
coupons                                                               0
round down discount                                              -0.005
tax                                                                7.23
",
    );
    home.check(
        &["order", "server-1"],
        "
exit 0
purchase server-1 of acme
bought          2025-03-22T00:00:00Z
amount          300
coupon          15
transfer book   25
cash            193.82
credit          66.18
refundable      0

refund  at                    amount  coupon  transfer book  cash  credit refund  forfeited
r-1     2025-04-10T00:00:00Z      70       0              0  3.82          66.18          0
r-2     2025-09-10T00:00:00Z     215       0             25   190              0          0
r-3     2025-09-12T00:00:00Z      15       0              0     0              0         15
",
    );
}

#[test]
fn commands_of_the_nouns_are_carried_out_or_refused() {
    let home = ledger();
    let run = |words: &[&str], at: &str| home.run(&[words, &["--at", at]].concat());
    let good = |words: &[&str], at: &str| {
        let ran = run(words, at);
        assert_eq!((ran.status, &*ran.stderr), (0, ""), "{words:?}");
        ran.stdout
    };
    let times = ["--starts-at", "2025-01-01T00:00:00Z", "--ends-at", "2026-01-01T00:00:00Z"];
    good(&["bill", "settings", "tax", "acme", "0.1"], "2025-01-02T00:00:00Z");
    good(&["bill", "settings", "automatic-write-off", "acme", "off"], "2025-01-02T00:00:00Z");
    good(&["bill", "settings", "previous-bills", "acme", "on"], "2025-01-02T00:00:00Z");
    good(&["bill", "settings", "currency", "acme", "EUR"], "2025-01-02T00:00:00Z");
    good(&["rate", "set", "USD", "EUR", "0.9", "--date", "2025-01-31"], "2025-02-01T00:00:00Z");
    good(&[&["coupon", "grant", "acme", "GIFT", "3"][..], &times].concat(), "2025-01-02T00:00:00Z");
    let early = run(&["bill", "issue", "--cycle", "2025-01", "--account", "acme"], "2025-01-31T00:00:00Z");
    assert_eq!(
        early.whole(),
        "exit 1\n---\nerror: cannot issue bills of 2025-01: cycle_open: `acme`\nhint: wait for its end, and issue its bill with issue_bills\n"
    );
    let by_nobody =
        run(&["bill", "issue", "--cycle", "2025-01", "--principal", "acme"], "2025-02-01T00:00:00Z");
    assert!(by_nobody.stderr.contains("permission_denied"), "{}", by_nobody.stderr);
    let issued = good(&["bill", "issue", "--cycle", "2025-01"], "2025-02-01T00:00:00Z");
    assert_eq!(issued, "bills issued    1\n");
    // 10.00 + 10 % of 10.005, which is 1.0005; GIFT pays 3 of 11.
    let by_owner = ["bill", "pay", "acme/2025-01", "--asset", "coupon:GIFT=3", "--principal", "acme"];
    good(&by_owner, "2025-02-02T00:00:00Z");
    let refused = run(&["bill", "pay", "acme/2025-01", "--asset", "cash=1"], "2025-02-02T00:00:00Z");
    assert!(refused.stderr.contains("insufficient_asset"), "{}", refused.stderr);
    good(&["remittance", "record", "wire-1", "50", "--reference", "x"], "2025-02-03T00:00:00Z");
    good(&["remittance", "claim", "acme", "wire-1"], "2025-02-03T00:00:00Z");
    assert_eq!(home.json(&["account", "acme"])["unsettled_previous"], "8");
    good(&["settlement", "start", "one", "acme/2025-01", "--assets", "cash"], "2025-02-04T00:00:00Z");
    good(&["settlement", "close", "one"], "2025-02-04T00:00:00Z");
    good(&["settlement", "start", "two", "acme/2025-01"], "2025-02-04T00:00:00Z");
    good(&["settlement", "finish", "two"], "2025-02-05T00:00:00Z");
    assert_eq!(home.json(&["account", "acme"])["cash_balance"], "42");
    let funding = good(&["purchase", "acme", "disk", "20", "--service", "disk"], "2025-02-06T00:00:00Z");
    assert_eq!(funding, "coupon          0\ntransfer book   0\ncash            20\ncredit          0\n");
    let returned = good(&["refund", "disk", "back", "5"], "2025-02-07T00:00:00Z");
    assert_eq!(returned, "coupon          0\ntransfer book   0\ncash            5\ncredit refund   0\n");
    good(
        &["payment-method", "link", "acme", "visa", "--kind", "card", "--token", "tok_1"],
        "2025-02-08T00:00:00Z",
    );
    good(
        &["payment-method", "link", "acme", "pp", "--kind", "paypal", "--token", "tok_2"],
        "2025-02-08T00:00:00Z",
    );
    good(&["payment-method", "edit", "acme", "pp", "--token", "tok_3"], "2025-02-08T00:00:00Z");
    good(&["payment-method", "default", "acme", "pp"], "2025-02-08T00:00:00Z");
    good(&["payment-method", "unlink", "acme", "visa"], "2025-02-08T00:00:00Z");
    home.check(
        &["payment-method", "list", "acme"],
        "
exit 0
method  kind
pp      paypal  default
",
    );
    home.check(
        &["account", "acme"],
        "
exit 0
billing account acme (number 1): direct, valid, USD
owner           acme
opened          2025-01-01T00:00:00Z
charges         1
pays for        acme
write-off       by hand

  cash balance              27
+ credit limit               0
- unsettled, current cycles  0
= available credit          27 USD
",
    );
    for words in [
        &["bill", "issue"][..],
        &["bill", "issue", "--cycle", "2025-1"],
        &["bill", "pay", "acme/2025-01", "--asset", "cash:x=1"],
        &["bill", "pay", "acme/2025-01", "--asset", "gold=1"],
        &["bill", "settings", "tax", "acme", "-0.1"],
        &["bill", "settings", "automatic-write-off", "acme", "maybe"],
        &["coupon", "grant", "acme", "X", "3"],
        &["settlement", "start", "three"],
        &["settlement", "start", "three", "acme"],
        &["rate", "set", "USD", "EUR", "0.9", "--date", "2025-02-30"],
        &["payment-method", "link", "acme", "x", "--kind", "cash", "--token", "t"],
    ] {
        assert_eq!(home.run(words).status, 2, "{words:?}");
    }
    home.verified();
}

#[test]
fn what_is_not_well_formed_is_told_by_its_field() {
    let home = ledger();
    for (line, field) in [
        (r#"{"do":"set_tax_rate","billing_account":"acme","rate":"-1"}"#, "rate"),
        (r#"{"do":"set_exchange_rate","from":"USD","to":"EUR","rate":0.9,"date":"2025-02-30"}"#, "date"),
        (r#"{"do":"pay_bill","bill":"acme/2025-01","assets":[{"kind":"gold","amount":"1"}]}"#, "kind"),
        (r#"{"do":"pay_bill","bill":"acme/2025-01","assets":[{"kind":"cash","amount":"1","x":1}]}"#, "x"),
        (r#"{"do":"pay_bill","bill":"acme"}"#, "bill"),
        (r#"{"do":"pay_bill","bill":"acme/2025-01","assets":{}}"#, "assets"),
        (r#"{"do":"start_unified_settlement","settlement":"s","pairs":[]}"#, "pairs"),
        (
            r#"{"do":"start_unified_settlement","settlement":"s","pairs":[{"billing_account":"acme","cycle":"2025-01"}],"assets":[]}"#,
            "assets",
        ),
        (r#"{"do":"set_automatic_write_off","billing_account":"acme"}"#, "enabled"),
        (r#"{"do":"issue_bills"}"#, "cycle"),
    ] {
        let answer: Value = serde_json::from_str(&home.feed(&["apply", "-"], line).stdout).unwrap();
        assert_eq!(answer["invalid"]["field"], field, "{line}: {answer}");
    }
}
