//! NDJSON lines.

use exchequer::domain::charge::{Category, Charge};
use exchequer::domain::money::Amount;
use exchequer::domain::time::{Cycle, Timestamp};
use exchequer::ingest::{Format, ReaderOptions};
use exchequer::limits::{LABEL_BYTES_MAX, TEXT_BYTES_MAX};

use super::{LENIENT, STRICT, outcomes_of, read_all};

/// A line with some more fields; a mandatory field given here replaces the usual one.
fn line(fields: &str) -> String {
    let usual = [
        ("cloud_account", "\"a\""),
        ("source", "\"m\""),
        ("id", "\"1\""),
        ("amount", "\"1.5\""),
        ("currency", "\"USD\""),
        ("occurred_at", "\"2026-05-03T10:00:00+08:00\""),
    ];
    let mut line: Vec<String> = usual
        .iter()
        .filter(|(name, _)| !fields.contains(&format!("\"{name}\"")))
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    line.push(fields.to_owned());
    format!("{{{}}}\n", line.join(",").trim_end_matches(','))
}

fn check(fields: &str, strict: &str, lenient: &str) {
    let input = line(fields);
    for (options, expect) in [(STRICT, strict), (LENIENT, lenient)] {
        assert_eq!(
            outcomes_of(input.as_bytes(), options),
            [format!("1 {expect}")],
            "{input:.200} {options:?}"
        );
    }
}

#[test]
fn a_line_becomes_a_charge() {
    // rules C1, C7
    let input = line(concat!(
        r#""amount": 12345678901234.56789, "charge_period_start":"2026-05-01T00:00:00Z","billing_cycle":"2026-06","#,
        r#""occurred_at":null,"#,
        r#""category":"tax","class":"correction","service":"S\u00fc\"","sku":"k","quantity":1e-9,"unit":"GB","#,
        r#""description":"d","tags":{ "a": [1] },"billing_account":"b","more":{"x":[{}]}"#
    ));
    let (page, _) = read_all(input.as_bytes(), STRICT);
    assert_eq!(page.refused, []);
    let expect = Charge {
        cloud_account: "a",
        source: "m",
        id: "1",
        amount: Amount::parse("12345678901234.56789").unwrap(),
        currency: "USD",
        period_start: Timestamp::parse("2026-05-01T00:00:00Z").unwrap(),
        billing_cycle: Cycle::new(2026, 6),
        category: Category::Tax,
        correction: true,
        service: "Sü\"",
        sku: "k",
        quantity: Some("0.000000001".parse().unwrap()),
        unit: "GB",
        description: "d",
        tags: r#"{ "a": [1] }"#,
        import_row: 0,
    };
    assert_eq!(page.charges.get(0), expect);
    assert_eq!(page.opening(0).billing_account, "b");
    let (page, _) = read_all(line("").as_bytes(), STRICT);
    assert_eq!(page.opening(0).billing_account, "a");
    assert_eq!(page.charges.get(0).period_start, Timestamp::parse("2026-05-03T02:00:00Z").unwrap());
}

#[test]
fn amounts_are_read_from_their_text() {
    // rule B4: a float would make 0.1 + 0.2 of these
    for (written, expect) in [
        ("1e-9", "0.000000001"),
        ("0.123456789012345678", "0.123456789012345678"),
        ("12345678901234567890", "12345678901234567890"),
        ("\"-0.10\"", "-0.1"),
        ("1E+2", "100"),
        ("-0", "0"),
        ("\"1\\u0030\"", "10"),
    ] {
        let (page, _) = read_all(line(&format!("\"amount\":{written}")).as_bytes(), STRICT);
        assert_eq!(page.charges.get(0).amount.money().to_string(), expect, "{written}");
    }
    let check =
        |amount: &str, strict: &str, lenient: &str| check(&format!("\"amount\":{amount}"), strict, lenient);
    check("1e999", "refused amount_overflow", "refused amount_overflow");
    check("12345678901234567890123456789", "refused amount_overflow", "refused amount_overflow");
    check("1e-19", "refused amount_too_precise", "read amount_shortened");
    check("\"$1,000.00\"", "refused invalid_amount", "read amount_cleaned");
    check("\"NaN\"", "refused invalid_amount", "refused invalid_amount");
    check("\"\"", "refused invalid_amount", "refused invalid_amount");
    check("null", "refused missing_field", "refused missing_field");
    for amount in ["true", "[1]", "{}"] {
        check(amount, "refused invalid_type", "refused invalid_type");
    }
    for amount in ["NaN", "Infinity", "01", "1.", ".5", "+1", "0x10", "1_0", "'1'"] {
        check(amount, "refused malformed_row", "refused malformed_row");
    }
}

#[test]
fn fields() {
    for name in ["cloud_account", "source", "id", "amount", "currency", "occurred_at"] {
        check(&format!("\"{name}\":null"), "refused missing_field", "refused missing_field");
    }
    for name in ["cloud_account", "id", "category", "description", "occurred_at", "billing_cycle"] {
        check(&format!("\"{name}\":5"), "refused invalid_type", "refused invalid_type");
    }
    for name in
        ["category", "class", "service", "sku", "quantity", "unit", "description", "tags", "billing_account"]
    {
        check(&format!("\"{name}\":null"), "read", "read");
    }
    for name in ["cloud_account", "source", "id"] {
        check(&format!("\"{name}\":\"\""), "refused missing_field", "refused missing_field");
        check(&format!("\"{name}\":\"a\\nb\""), "refused invalid_id", "refused invalid_id");
        check(&format!("\"{name}\":\"{}\"", "x".repeat(258)), "refused invalid_id", "refused invalid_id");
    }
    check("\"amount\":1,\"amount\":1", "refused duplicate_field", "refused duplicate_field");
    check("\"amount\":null,\"amount\":1", "refused duplicate_field", "refused duplicate_field");
    check("\"more\":1,\"more\":2", "read", "read");
    check("\"occurred_at\":\"2026-05-01\"", "refused invalid_time", "read time_assumed");
    // Which of two times is meant is not guessed.
    check(
        "\"occurred_at\":\"2026-05-01T00:00:00Z\",\"charge_period_start\":\"2026-06-01T00:00:00Z\"",
        "refused malformed_row",
        "refused malformed_row",
    );
    check("\"occurred_at\":\"x\"", "refused invalid_time", "refused invalid_time");
    check("\"billing_cycle\":\"2026-5\"", "refused invalid_cycle", "refused invalid_cycle");
    check("\"category\":\"Tax\"", "read", "read");
    check("\"category\":\"fee\"", "refused invalid_category", "read category_assumed");
    check("\"class\":\"x\"", "refused invalid_class", "read field_dropped");
    check("\"quantity\":\"x\"", "refused invalid_quantity", "read field_dropped");
    check("\"quantity\":1e99", "refused invalid_quantity", "read field_dropped");
    check("\"tags\":\"a\"", "refused invalid_tags", "read field_dropped");
    let long = "x".repeat(TEXT_BYTES_MAX + 1);
    check(&format!("\"description\":\"{long}\""), "refused field_too_long", "read field_dropped");
    check(&format!("\"tags\":{{\"a\":\"{long}\"}}"), "refused field_too_long", "read field_dropped");
    let long = "x".repeat(LABEL_BYTES_MAX + 1);
    check(&format!("\"sku\":\"{long}\""), "refused field_too_long", "refused field_too_long");
}

#[test]
fn a_bad_line_does_not_end_the_reading() {
    let deep = "[".repeat(100_000);
    let good = line("");
    let bad = [
        "x",
        "[1]",
        "[\"a\",\"b\"]",
        "{",
        "{}x",
        "\"a\"",
        "5",
        "{\"a\":}",
        "{\"a\":\"\u{1}\"}",
        "null",
        "{\"deep\":",
        "{\"s\":\"\\ud800\"}",
        "{\"id\":\"\\ud800\"}",
    ];
    for bad in bad {
        let bad = if bad.ends_with("deep\":") { format!("{bad}{deep}") } else { bad.to_owned() };
        let input = format!("{good}{bad}\n \r\n{good}");
        let got = outcomes_of(input.as_bytes(), STRICT);
        assert_eq!(got.len(), 3, "{bad:.100}");
        assert_eq!([&got[0], &got[2]], ["1 read", "4 read"], "{bad:.100}");
        assert!(got[1].starts_with("2 refused"), "{}", got[1]);
    }
    let mut input = good.clone().into_bytes();
    input.extend_from_slice(b"{\"x\":\"\xff\"}\n");
    assert_eq!(outcomes_of(&input, LENIENT), ["1 read", "2 refused invalid_utf8"]);
    let (page, _) = read_all(format!("{good}{{\"id\":5}}\n").as_bytes(), STRICT);
    assert_eq!(page.refused[0].detail, "invalid type: integer `5`, expected a string at byte 7");
}

#[test]
fn a_source_can_stand_in_for_an_absent_one() {
    let input = line("\"source\":null");
    let (page, _) = read_all(input.as_bytes(), ReaderOptions { source: Some("given"), ..STRICT });
    assert_eq!(page.charges.get(0).source, "given");
    let (page, _) = read_all(line("").as_bytes(), ReaderOptions { source: Some("given"), ..STRICT });
    assert_eq!(page.charges.get(0).source, "m");
}

#[test]
fn formats_have_names_and_are_found_out() {
    assert_eq!("focus".parse(), Ok(Format::Focus));
    assert_eq!("ndjson".parse(), Ok(Format::Ndjson));
    assert_eq!("msgpack".parse(), Ok(Format::Msgpack));
    let fault = "csv".parse::<Format>().unwrap_err();
    assert_eq!(
        (fault.to_string().as_str(), fault.hint().as_str()),
        (
            "no format is called `csv`",
            "formats are `focus`, `aws-cur`, `azure-ea`, `oci`, `ndjson`, `msgpack`"
        )
    );
    assert_eq!(Format::detect("\u{feff} \n{\"a\"".as_bytes()), Some(Format::Ndjson));
    assert_eq!(Format::detect(b"a,\"BilledCost\"\r\n"), Some(Format::Focus));
    assert_eq!(Format::detect(b"[{}]"), None);
    let empty = ReaderOptions { format: Some(Format::Ndjson), ..STRICT };
    assert!(outcomes_of(b"", empty).is_empty());
}
