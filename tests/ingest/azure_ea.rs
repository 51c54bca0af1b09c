//! Azure cost exports, column by column.

use exchequer::domain::charge::{Category, Charge};
use exchequer::domain::money::Amount;
use exchequer::domain::time::{Cycle, Timestamp};
use exchequer::ingest::Format;

use super::sheet::{self, fault_without, file, read};
use super::{LENIENT, STRICT, outcomes_of, read_all};

const ROW: [(&str, &str); 13] = [
    ("BillingAccountId", "861"),
    ("BillingPeriodStartDate", "09/01/2026"),
    ("SubscriptionId", "sub-1"),
    ("Date", "09/04/2026"),
    ("Product", "Blob - List"),
    ("MeterId", "m-1"),
    ("MeterCategory", "Storage"),
    ("Quantity", "24"),
    ("Cost", "0.4838709677419368"),
    ("BillingCurrency", "USD"),
    ("Tags", "\"\"\"env\"\": \"\"prod\"\",\"\"org\"\": \"\"a, b\"\"\""),
    ("UnitOfMeasure", "1 Hour"),
    ("ChargeType", "Usage"),
];

fn check(column: &str, cell: &str, strict: &str, lenient: &str) {
    sheet::check(&ROW, column, cell, strict, lenient);
}

#[test]
fn a_row_becomes_a_charge() {
    // rules A4, C1, C7
    let page = read(&ROW, &[]);
    let expect = Charge {
        cloud_account: "861/sub-1",
        source: "azure-ea",
        id: page.charges.get(0).id,
        amount: Amount::parse("0.4838709677419368").unwrap(),
        currency: "USD",
        period_start: Timestamp::parse("2026-09-04T00:00:00Z").unwrap(),
        billing_cycle: Cycle::new(2026, 9),
        category: Category::Usage,
        correction: false,
        service: "Storage",
        sku: "m-1",
        quantity: Some("24".parse().unwrap()),
        unit: "1 Hour",
        description: "Blob - List",
        tags: r#"{"env": "prod","org": "a, b"}"#,
        import_row: 1,
    };
    assert_eq!(page.charges.get(0), expect);
    assert_eq!(page.opening(0).billing_account, "861");
}

#[test]
fn older_and_newer_exports_name_some_columns_otherwise() {
    let text = String::from_utf8(file(&ROW, &[])).unwrap();
    let expect = read(&ROW, &[]);
    for (name, other) in [
        (",Cost,", ",CostInBillingCurrency,"),
        (",Cost,", ",PreTaxCost,"),
        ("BillingCurrency", "BillingCurrencyCode"),
        (",Product,", ",ProductName,"),
    ] {
        let (page, fault) = read_all(text.replace(name, other).as_bytes(), STRICT);
        assert!(fault.is_none(), "{other} {fault:?}");
        let id = page.charges.get(0).id;
        assert_eq!(page.charges.get(0), Charge { id, ..expect.charges.get(0) }, "{other}");
    }
    let lower =
        text.replacen("BillingAccountId", "billingAccountId", 1).replace(",Cost,", ",costInBillingCurrency,");
    assert!(read_all(lower.as_bytes(), STRICT).1.is_some());
    assert_eq!(outcomes_of(lower.as_bytes(), LENIENT), ["1 read"]);
    // A message names the column as the file does.
    let input = text.replace(",Cost,", ",PreTaxCost,").replace("0.4838709677419368", "x");
    let (page, _) = read_all(input.as_bytes(), STRICT);
    assert!(page.refused[0].detail.starts_with("PreTaxCost `x`"), "{:?}", page.refused);
}

#[test]
fn more_digits_than_money_has_are_refused_or_rounded_half_to_even() {
    // rules B4, C7
    let check = |cell, strict, lenient| check("Cost", cell, strict, lenient);
    check("0.1234567890123456785000000001", "refused amount_too_precise", "read amount_shortened");
    check("-0.1234567890123456785000000000", "refused amount_too_precise", "read amount_shortened");
    let lenient = |cell| {
        let (page, _) = read_all(&*file(&ROW, &[("Cost", cell)]), LENIENT);
        assert!(page.notes[0].detail.contains("was rounded to"), "{:?}", page.notes);
        page.charges.get(0).amount
    };
    for (cell, expect) in [
        ("0.1234567890123456785000000001", "0.123456789012345679"),
        ("0.1234567890123456785000000000", "0.123456789012345678"),
        ("0.1234567890123456775000000000", "0.123456789012345678"),
        ("-0.1234567890123456785", "-0.123456789012345678"),
        ("0.0000000000000000004999999999", "0"),
    ] {
        assert_eq!(lenient(cell), Amount::parse(expect).unwrap(), "{cell}");
    }
    check("170141183460469231732", "refused amount_overflow", "refused amount_overflow");
    check("\"1,5\"", "refused invalid_amount", "refused invalid_amount");
}

#[test]
fn dates_have_the_month_first() {
    for column in ["Date", "BillingPeriodStartDate"] {
        for cell in ["09/30/2026", "2026-09-04T00:00:00Z"] {
            check(column, cell, "read", "read");
        }
        for cell in ["9/4/26", "9/4/2026", "2026-09-04", "09/04/2026 10:30"] {
            check(column, cell, "refused invalid_time", "read time_assumed");
        }
        for cell in ["30/09/2026", "soon"] {
            check(column, cell, "refused invalid_time", "refused invalid_time");
        }
        check(column, "", "refused missing_field", "refused missing_field");
    }
}

#[test]
fn a_late_row_keeps_its_billing_period_and_a_file_without_one_has_the_month_of_the_date() {
    // rule C4
    let late = read(&ROW, &[("Date", "08/31/2026")]);
    assert_eq!(late.charges.get(0).billing_cycle, Cycle::new(2026, 9));
    let without = read(&ROW, &[("BillingPeriodStartDate", "-")]);
    assert_eq!(without.charges.get(0).billing_cycle, None);
}

#[test]
fn every_type_of_charge_has_a_category() {
    for (text, category) in [
        ("Usage", Category::Usage),
        ("UnusedReservation", Category::Usage),
        ("UnusedSavingsPlan", Category::Usage),
        ("Purchase", Category::Purchase),
        ("Refund", Category::Purchase),
        ("Tax", Category::Tax),
        ("Credit", Category::Credit),
        ("Adjustment", Category::Adjustment),
        ("RoundingAdjustment", Category::Adjustment),
    ] {
        let page = read(&ROW, &[("ChargeType", text), ("Cost", "-1")]);
        let charge = page.charges.get(0);
        assert_eq!((charge.category, charge.correction), (category, text == "Refund"), "{text}");
    }
    check("ChargeType", "usage", "refused invalid_category", "read category_assumed");
    check("ChargeType", "", "refused missing_field", "refused missing_field");
}

#[test]
fn tags_may_lack_their_braces() {
    let tags = |cell: &str| read(&ROW, &[("Tags", cell)]).charges.get(0).tags.to_owned();
    assert_eq!(tags(""), "");
    assert_eq!(tags("\"{\"\"a\"\": 1}\""), "{\"a\": 1}");
    check("Tags", "a=b", "refused invalid_tags", "read field_dropped");
    check("Tags", "\"\"\"a\"\":1},{\"\"b\"\":2\"", "refused invalid_tags", "read field_dropped");
}

#[test]
fn rows_have_the_running_digest_as_their_key() {
    // rule C7: equal rows are different charges
    let text = String::from_utf8(file(&ROW, &[])).unwrap();
    let row = text.split_once('\n').unwrap().1;
    let three = format!("\u{feff}{text}{row}{row}");
    let (page, fault) = read_all(three.as_bytes(), STRICT);
    assert!(fault.is_none() && page.refused.is_empty(), "{fault:?} {:?}", page.refused);
    let mut ids: Vec<&str> = page.charges.iter().map(|charge| charge.id).collect();
    let rows: Vec<u64> = page.charges.iter().map(|charge| charge.import_row).collect();
    assert_eq!(rows, [1, 2, 3]);
    let (first, _) = read_all(text.as_bytes(), STRICT);
    assert_eq!(first.charges.get(0).id, ids[0]);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[test]
fn headers() {
    assert_eq!(Format::detect(&file(&ROW, &[])), Some(Format::AzureEa));
    for column in ["BillingAccountId", "BillingCurrency", "Date", "Cost", "ChargeType"] {
        let expect = format!("the header names no column `{column}`");
        assert_eq!(fault_without(&ROW, column, STRICT), expect);
    }
    for column in ["SubscriptionId", "Quantity", "MeterId", "Tags", "UnitOfMeasure"] {
        check(column, "-", "read", "read");
    }
    // Common words alone don't make it one.
    assert_eq!(Format::detect(b"Date,Cost\n"), None);
    // Shared names don't make it FOCUS, nor FOCUS it.
    assert_eq!(Format::detect(b"BilledCost,BillingAccountId,BillingCurrency,Tags\n"), Some(Format::Focus));
}
