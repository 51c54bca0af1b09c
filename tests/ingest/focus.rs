//! FOCUS rows, column by column.

use exchequer::domain::charge::{Category, Charge};
use exchequer::domain::money::Amount;
use exchequer::domain::time::{Cycle, Timestamp};
use exchequer::ingest::{IngestFault, ReaderOptions};
use exchequer::limits::{LABEL_BYTES_MAX, TEXT_BYTES_MAX};

use super::{LENIENT, STRICT, outcomes_of, read_all, sheet};

/// A conformant row.
const ROW: [(&str, &str); 15] = [
    ("BilledCost", "1.50"),
    ("BillingAccountId", "b-1"),
    ("BillingCurrency", "USD"),
    ("BillingPeriodStart", "2026-05-01T00:00:00Z"),
    ("ChargeCategory", "Usage"),
    ("ChargeClass", ""),
    ("ChargeDescription", "\"a, \"\"b\"\"\""),
    ("ChargePeriodStart", "2026-05-03T10:00:00Z"),
    ("ConsumedQuantity", "2.50"),
    ("ConsumedUnit", "GB"),
    ("ServiceName", "Store"),
    ("SkuId", "S-1"),
    ("SubAccountId", "s-1"),
    ("Tags", "\"{\"\"a\"\":1}\""),
    ("x_Other", "?"),
];

fn file(cells: &[(&str, &str)]) -> Vec<u8> {
    sheet::file(&ROW, cells)
}

fn check(column: &str, cell: &str, strict: &str, lenient: &str) {
    sheet::check(&ROW, column, cell, strict, lenient);
}

#[test]
fn a_row_becomes_a_charge() {
    // rules A4, C1, C7
    let (page, fault) = read_all(&*file(&[]), STRICT);
    assert!(fault.is_none());
    let expect = Charge {
        cloud_account: "b-1/s-1",
        source: "focus",
        id: page.charges.get(0).id,
        amount: Amount::parse("1.50").unwrap(),
        currency: "USD",
        period_start: Timestamp::parse("2026-05-03T10:00:00Z").unwrap(),
        billing_cycle: Cycle::new(2026, 5),
        category: Category::Usage,
        correction: false,
        service: "Store",
        sku: "S-1",
        quantity: Some("2.50".parse().unwrap()),
        unit: "GB",
        description: "a, \"b\"",
        tags: "{\"a\":1}",
        import_row: 1,
    };
    assert_eq!(page.charges.get(0), expect);
    let opening = page.opening(0);
    assert_eq!((opening.billing_account, opening.cloud_account, opening.currency), ("b-1", "b-1/s-1", "USD"));
}

#[test]
fn a_row_without_a_sub_account_goes_to_the_default_cloud_account() {
    // rule A4
    for cell in ["", "NULL", "null", "-", "\"\""] {
        let (page, _) = read_all(&*file(&[("SubAccountId", cell)]), STRICT);
        assert_eq!(page.charges.get(0).cloud_account, "b-1", "{cell}");
    }
}

#[test]
fn a_late_row_keeps_its_billing_period_and_its_class() {
    // rule C4
    let cells = [("ChargePeriodStart", "2026-04-29T00:00:00Z"), ("ChargeClass", "Correction")];
    let (page, _) = read_all(&*file(&cells), STRICT);
    assert_eq!(page.charges.get(0).billing_cycle, Cycle::new(2026, 5));
    assert!(page.charges.get(0).correction);
}

#[test]
fn the_billing_cycle_is_the_month_as_written() {
    let (page, _) = read_all(&*file(&[("BillingPeriodStart", "2026-05-01T00:00:00+08:00")]), LENIENT);
    assert_eq!(page.charges.get(0).billing_cycle, Cycle::new(2026, 5));
}

#[test]
fn the_source_can_be_given() {
    let (page, _) = read_all(&*file(&[]), ReaderOptions { source: Some("aws"), ..STRICT });
    assert_eq!(page.charges.get(0).source, "aws");
}

#[test]
fn mandatory_fields_are_never_guessed() {
    // rule C7
    for column in [
        "BillingAccountId",
        "BillingCurrency",
        "BillingPeriodStart",
        "ChargeCategory",
        "ChargePeriodStart",
        "BilledCost",
    ] {
        for cell in ["", "NULL", "null", "-"] {
            if (column, cell) != ("BilledCost", "-") {
                check(column, cell, "refused missing_field", "refused missing_field");
            }
        }
        let (page, _) = read_all(&*file(&[(column, "")]), STRICT);
        assert!(page.refused[0].detail.contains(column), "{:?}", page.refused);
    }
    for column in ["ChargeClass", "ChargeDescription", "ConsumedQuantity", "ServiceName", "SkuId", "Tags"] {
        for cell in ["", "NULL", "null", "-"] {
            check(column, cell, "read", "read");
        }
    }
}

#[test]
fn amounts() {
    // rules B4, C7
    let check = |cell, strict: &str, lenient: &str| check("BilledCost", cell, strict, lenient);
    for cell in ["-1", "0", "2.5E-9", "1e3", "0.000000000000000001", "79228162514.264337593543950335"] {
        check(cell, "read", "read");
    }
    check("\"$10,000.00 \"", "refused invalid_amount", "read amount_cleaned");
    check("(3.00)", "refused invalid_amount", "read amount_cleaned");
    check("0.00 ", "refused invalid_amount", "read amount_cleaned");
    check("0.1234567890123456789", "refused amount_too_precise", "read amount_shortened");
    check("1e-19", "refused amount_too_precise", "read amount_shortened");
    check("1e999", "refused amount_overflow", "refused amount_overflow");
    check("170141183460469231732", "refused amount_overflow", "refused amount_overflow");
    for cell in ["x", "NaN", "\"1,5\"", "--1", "$", "0x1", "1_0", "inf"] {
        check(cell, "refused invalid_amount", "refused invalid_amount");
    }
    let (page, _) = read_all(&*file(&[("BilledCost", "\"$10,000.00 \"")]), LENIENT);
    assert_eq!(page.charges.get(0).amount, Amount::parse("10000.00").unwrap());
    let (page, _) = read_all(&*file(&[("BilledCost", "0.0000000000000000015")]), LENIENT);
    assert_eq!(page.charges.get(0).amount, Amount::parse("0.000000000000000002").unwrap());
}

#[test]
fn times() {
    // rule C7
    for column in ["ChargePeriodStart", "BillingPeriodStart"] {
        check(column, "2023-11-01T00:00:00.000Z", "read", "read");
        for cell in [
            "2024-09-01 00:00:00",
            "2024-09-01",
            "5/1/25",
            "05/01/2025",
            "2023-11-13T10:00Z",
            "2024-09-01T00:00:00",
            "2026-05-01T00:00:00+08:00",
        ] {
            check(column, cell, "refused invalid_time", "read time_assumed");
        }
        for cell in ["soon", "2024-13-01", "31/12/2025", "45000"] {
            check(column, cell, "refused invalid_time", "refused invalid_time");
        }
    }
}

#[test]
fn categories_classes_and_optional_fields() {
    for category in ["Usage", "Purchase", "Tax", "Credit", "Adjustment"] {
        check("ChargeCategory", category, "read", "read");
    }
    check("ChargeCategory", "Refund", "refused invalid_category", "read category_assumed");
    check("ChargeCategory", "tax", "refused invalid_category", "read category_assumed");
    let (page, _) = read_all(&*file(&[("ChargeCategory", "tax")]), LENIENT);
    assert_eq!(page.charges.get(0).category, Category::Tax);
    check("ChargeClass", "Correction", "read", "read");
    check("ChargeClass", "Other", "refused invalid_class", "read field_dropped");
    check("ConsumedQuantity", "many", "refused invalid_quantity", "read field_dropped");
    check("Tags", "a=b", "refused invalid_tags", "read field_dropped");
    check("Tags", "[]", "refused invalid_tags", "read field_dropped");
    check("Tags", "{}", "read", "read");
}

#[test]
fn bounds_of_texts_and_ids() {
    // rule A7
    let long = |length: usize| "x".repeat(length);
    check("ChargeDescription", &long(TEXT_BYTES_MAX), "read", "read");
    check("ChargeDescription", &long(TEXT_BYTES_MAX + 1), "refused field_too_long", "read field_dropped");
    let tags = format!("{{\"\"\"\":\"\"{}\"\"}}", long(TEXT_BYTES_MAX));
    check("Tags", &format!("\"{tags}\""), "refused field_too_long", "read field_dropped");
    for column in ["ServiceName", "SkuId", "ConsumedUnit"] {
        check(column, &long(LABEL_BYTES_MAX), "read", "read");
        check(column, &long(LABEL_BYTES_MAX + 1), "refused field_too_long", "refused field_too_long");
    }
    for column in ["BillingAccountId", "SubAccountId"] {
        check(column, &long(128), "read", "read");
        check(column, &long(129), "refused invalid_id", "refused invalid_id");
        check(column, "a\tb", "refused invalid_id", "refused invalid_id");
        check(column, "\"a\nb\"", "refused invalid_id", "refused invalid_id");
        check(column, "ä/ö b", "read", "read");
    }
    check("BillingCurrency", "Tokens", "read", "read");
    check("BillingCurrency", "€", "refused invalid_currency", "refused invalid_currency");
    check("BillingCurrency", &long(33), "refused invalid_currency", "refused invalid_currency");
}

#[test]
fn bytes_that_are_not_utf8() {
    for (column, lenient) in [("x_Other", "1 read utf8_ignored"), ("ServiceName", "1 refused invalid_utf8")] {
        let text = String::from_utf8(file(&[(column, "#")])).unwrap();
        let input: Vec<u8> = text.bytes().map(|byte| if byte == b'#' { 0xff } else { byte }).collect();
        assert_eq!(outcomes_of(&input, STRICT), ["1 refused invalid_utf8"]);
        assert_eq!(outcomes_of(&input, LENIENT), [lenient]);
    }
}

#[test]
fn quotes_and_numbers_of_fields() {
    check("x_Other", "5\" disk", "refused malformed_row", "read stray_quote");
    check("x_Other", "\"a\"b", "refused malformed_row", "refused malformed_row");
    check("x_Other", "\"a\nb\"", "read", "read");
    check("x_Other", "a,b", "refused malformed_row", "read field_count");
    let head = "BilledCost,BillingAccountId,BillingCurrency,BillingPeriodStart,ChargeCategory,ChargePeriodStart,SkuId\n";
    let row = |tail: &str| format!("{head}1,b,USD,2026-05-01T00:00:00Z,Tax{tail}\n");
    let period = ",2026-05-01T00:00:00Z";
    let check = |tail: &str, strict: &str, lenient: &str| {
        assert_eq!(outcomes_of(row(tail).as_bytes(), STRICT), [strict], "{tail}");
        assert_eq!(outcomes_of(row(tail).as_bytes(), LENIENT), [lenient], "{tail}");
    };
    check(&format!("{period},s"), "1 read", "1 read");
    check(period, "1 refused malformed_row", "1 read field_count");
    check("", "1 refused malformed_row", "1 refused missing_field");
}

#[test]
fn headers() {
    let fault = |input: &str, options| read_all(input.as_bytes(), options).1.map(|fault| fault.to_string());
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(fault("BillingAccountId,Tags\n", STRICT), text("the header names no column `BilledCost`"));
    assert_eq!(fault("billedcost\n", STRICT), text("the header names no column `BilledCost`"));
    assert_eq!(fault("billedcost\n", LENIENT), None);
    assert_eq!(fault("\" BilledCost \",Id\n", LENIENT), None);
    let twice = text("the header names the column `BilledCost` twice");
    assert_eq!(fault("BilledCost,BilledCost\n", LENIENT), twice);
    assert_eq!(fault("BilledCost,BILLEDCOST\n", LENIENT), None);
    assert_eq!(fault("Billedcost,BILLEDCOST\n", LENIENT), twice);
    let unknown = text("not a known charge format: it begins `a,b,c\\n1,2,3`");
    assert_eq!(fault("a,b,c\n1,2,3", STRICT), unknown);
    assert_eq!(fault("", STRICT), text("the input is empty"));
    assert_eq!(fault(" \n\n", STRICT), text("the input is empty"));
    assert!(fault("BilledCost,\"Tags\n", STRICT).unwrap().contains("never closed"));
    assert!(fault("BilledCost,Tags\r1,2\r", STRICT).unwrap().contains("carriage returns"));
    let binary = [b"Cost\n".as_slice(), &[0; 9]].concat();
    for input in [&binary[..], b"PK\x03\x04 zip", b"PAR1abc", b"\xff\xfeB\0i\0"] {
        assert!(matches!(read_all(input, STRICT).1, Some(IngestFault::NotText(_))), "{input:?}");
    }
}

#[test]
fn line_ends_blank_lines_and_the_byte_order_mark_do_not_matter() {
    let plain = String::from_utf8(file(&[])).unwrap();
    let (expect, _) = read_all(plain.as_bytes(), STRICT);
    let variants = [
        plain.trim_end().to_owned(),
        plain.replace('\n', "\r\n"),
        plain.replace('\n', "\r\n").trim_end_matches('\n').to_owned(),
        format!("\u{feff}{plain}"),
        plain.replace('\n', "\n\n\r\n"),
        format!("\n{plain}"),
    ];
    for variant in variants {
        let (page, fault) = read_all(variant.as_bytes(), STRICT);
        assert!(fault.is_none() && page.refused.is_empty(), "{variant:?} {fault:?} {:?}", page.refused);
        assert!(page.charges.iter().eq(expect.charges.iter()), "{variant:?}");
    }
}
