//! AWS cost and usage reports, column by column.

use exchequer::domain::charge::{Category, Charge};
use exchequer::domain::money::Amount;
use exchequer::domain::time::{Cycle, Timestamp};
use exchequer::ingest::{Format, ReaderOptions};

use super::sheet::{self, fault_without, file, read};
use super::{LENIENT, STRICT, outcomes_of, read_all};

const ROW: [(&str, &str); 17] = [
    ("identity/LineItemId", "l-1"),
    ("identity/TimeInterval", "2026-05-03T00:00:00Z/2026-05-04T00:00:00Z"),
    ("bill/PayerAccountId", "111"),
    ("bill/BillingPeriodStartDate", "2026-05-01T00:00:00.000Z"),
    ("lineItem/UsageAccountId", "222"),
    ("lineItem/LineItemType", "Usage"),
    ("lineItem/UsageStartDate", "2026-05-03T10:00:00.000Z"),
    ("lineItem/ProductCode", "Store"),
    ("lineItem/UsageAmount", "6.71E-8"),
    ("lineItem/CurrencyCode", "USD"),
    ("lineItem/UnblendedCost", "1.5E-9"),
    ("lineItem/LineItemDescription", "\"$0.004, a\""),
    ("product/sku", "S-1"),
    ("pricing/unit", "GB"),
    ("resourceTags/user:Name", "\"a \"\"b\"\"\""),
    ("resourceTags/user:None", ""),
    ("resourceTags/user:Team", "t"),
];

fn check(column: &str, cell: &str, strict: &str, lenient: &str) {
    sheet::check(&ROW, column, cell, strict, lenient);
}

#[test]
fn a_row_becomes_a_charge() {
    // rules A4, C1, C7
    let page = read(&ROW, &[]);
    let expect = Charge {
        cloud_account: "111/222",
        source: "aws-cur",
        id: "l-1@2026-05-03T00:00:00Z/2026-05-04T00:00:00Z",
        amount: Amount::parse("0.0000000015").unwrap(),
        currency: "USD",
        period_start: Timestamp::parse("2026-05-03T10:00:00Z").unwrap(),
        billing_cycle: Cycle::new(2026, 5),
        category: Category::Usage,
        correction: false,
        service: "Store",
        sku: "S-1",
        quantity: Some("0.0000000671".parse().unwrap()),
        unit: "GB",
        description: "$0.004, a",
        tags: r#"{"user:Name":"a \"b\"","user:Team":"t"}"#,
        import_row: 0,
    };
    assert_eq!(page.charges.get(0), expect);
    assert_eq!(page.opening(0).billing_account, "111");
    let own = read(&ROW, &[("lineItem/UsageAccountId", "111")]);
    assert_eq!(own.charges.get(0).cloud_account, "111/111");
    let none = read(&ROW, &[("lineItem/UsageAccountId", "")]);
    assert_eq!(none.charges.get(0).cloud_account, "111");
}

#[test]
fn exports_of_cur_2_have_the_same_names_with_underscores() {
    let names = "identity_line_item_id,identity_time_interval,bill_payer_account_id,bill_billing_period_start_date,\
                 line_item_usage_account_id,line_item_line_item_type,line_item_usage_start_date,\
                 line_item_product_code,line_item_usage_amount,line_item_currency_code,line_item_unblended_cost,\
                 line_item_line_item_description,product_sku,pricing_unit,resource_tags";
    let text = String::from_utf8(file(&ROW[..14], &[])).unwrap();
    let row = text.trim_end().split_once('\n').unwrap().1;
    let (page, fault) = read_all(format!("{names}\n{row},\"{{}}\"\n").as_bytes(), STRICT);
    assert!(fault.is_none() && page.refused.is_empty(), "{fault:?} {:?}", page.refused);
    let expect = read(&ROW[..14], &[]);
    assert_eq!(page.charges.get(0), Charge { tags: "{}", ..expect.charges.get(0) });
}

#[test]
fn the_key_is_the_line_item_and_its_interval() {
    // rule C7
    let id = |cells: &[(&str, &str)]| read(&ROW, cells).charges.get(0).id.to_owned();
    let key = id(&[]);
    assert_eq!(id(&[("lineItem/UnblendedCost", "2")]), key);
    assert_ne!(id(&[("identity/LineItemId", "l-2")]), key);
    assert_ne!(id(&[("identity/TimeInterval", "2026-05-04T00:00:00Z/2026-05-05T00:00:00Z")]), key);
    // No two pairs compose the same id.
    assert_eq!(id(&[("identity/LineItemId", "a@b"), ("identity/TimeInterval", "c")]), "a@b@c");
    check("identity/TimeInterval", "b@c", "refused invalid_id", "refused invalid_id");
    for column in ["identity/LineItemId", "identity/TimeInterval"] {
        check(column, "", "refused missing_field", "refused missing_field");
        check(column, &"x".repeat(128), "refused invalid_id", "refused invalid_id");
        check(column, "a\tb", "refused invalid_id", "refused invalid_id");
    }
}

#[test]
fn every_type_of_line_item_has_a_category() {
    for (text, category) in [
        ("Usage", Category::Usage),
        ("DiscountedUsage", Category::Usage),
        ("SavingsPlanCoveredUsage", Category::Usage),
        ("SavingsPlanNegation", Category::Usage),
        ("BundledDiscount", Category::Usage),
        ("EdpDiscount", Category::Usage),
        ("PrivateRateDiscount", Category::Usage),
        ("Fee", Category::Purchase),
        ("RIFee", Category::Purchase),
        ("SavingsPlanRecurringFee", Category::Purchase),
        ("SavingsPlanUpfrontFee", Category::Purchase),
        ("Tax", Category::Tax),
        ("Credit", Category::Credit),
        ("Refund", Category::Adjustment),
    ] {
        let page = read(&ROW, &[("lineItem/LineItemType", text), ("lineItem/UnblendedCost", "-1")]);
        let charge = page.charges.get(0);
        assert_eq!((charge.category, charge.correction), (category, text == "Refund"), "{text}");
    }
    let check = |cell, strict, lenient| check("lineItem/LineItemType", cell, strict, lenient);
    check("New", "refused invalid_category", "read category_assumed");
    check("tax", "refused invalid_category", "read category_assumed");
    check("", "refused missing_field", "refused missing_field");
    let (page, _) = read_all(&*file(&ROW, &[("lineItem/LineItemType", " TAX")]), LENIENT);
    assert_eq!(page.charges.get(0).category, Category::Tax);
}

#[test]
fn amounts_and_times() {
    // rules B4, C7
    let cost = |cell, strict, lenient| check("lineItem/UnblendedCost", cell, strict, lenient);
    for cell in ["0.0", "-2.5E-9", "4.0E-7", "1E3", "0E0"] {
        cost(cell, "read", "read");
    }
    cost("1E-19", "refused amount_too_precise", "read amount_shortened");
    for cell in ["1E999999999999", "99999999999999999999999999999999"] {
        cost(cell, "refused amount_overflow", "refused amount_overflow");
    }
    cost("1E", "refused invalid_amount", "refused invalid_amount");
    cost("", "refused missing_field", "refused missing_field");
    check("lineItem/UsageAmount", "1E999", "refused invalid_quantity", "read field_dropped");
    for column in ["lineItem/UsageStartDate", "bill/BillingPeriodStartDate"] {
        check(column, "2026-05-01 00:00:00", "refused invalid_time", "read time_assumed");
        check(column, "", "refused missing_field", "refused missing_field");
    }
}

#[test]
fn tags_that_are_too_long_are_refused_or_left_out() {
    let long = "x".repeat(16 * 1024);
    check("resourceTags/user:Team", &long, "refused field_too_long", "read field_dropped");
    let text = String::from_utf8(file(&ROW, &[("resourceTags/user:Team", "#")])).unwrap();
    let hostile: Vec<u8> = text.bytes().map(|byte| if byte == b'#' { 0xff } else { byte }).collect();
    for options in [STRICT, LENIENT] {
        assert_eq!(outcomes_of(&hostile, options), ["1 refused invalid_utf8"]);
    }
}

#[test]
fn headers() {
    assert_eq!(Format::detect(&file(&ROW, &[])), Some(Format::AwsCur));
    for column in [
        "identity/LineItemId",
        "identity/TimeInterval",
        "bill/PayerAccountId",
        "bill/BillingPeriodStartDate",
        "lineItem/LineItemType",
        "lineItem/UsageStartDate",
        "lineItem/CurrencyCode",
        "lineItem/UnblendedCost",
    ] {
        let expect = format!("the header names no column `{column}`");
        assert_eq!(fault_without(&ROW, column, STRICT), expect);
        assert_eq!(fault_without(&ROW, column, LENIENT), expect);
    }
    for column in ["lineItem/UsageAccountId", "product/sku", "pricing/unit", "lineItem/UsageAmount"] {
        check(column, "-", "read", "read");
    }
    let text = String::from_utf8(file(&ROW, &[])).unwrap();
    let twice = text.replace("pricing/unit", "lineItem/UnblendedCost");
    let fault = read_all(twice.as_bytes(), STRICT).1.unwrap();
    assert_eq!(fault.to_string(), "the header names the column `lineItem/UnblendedCost` twice");
    let upper = text.replace("lineItem/", "LINEITEM/");
    assert!(read_all(upper.as_bytes(), STRICT).1.is_some());
    assert_eq!(outcomes_of(upper.as_bytes(), LENIENT), ["1 read"]);
    // The format can be told, and then the header is held to it.
    let told = ReaderOptions { format: Some(Format::AwsCur), ..STRICT };
    let fault = read_all(&b"BilledCost\n1\n"[..], told).1.unwrap();
    assert_eq!(fault.to_string(), "the header names no column `lineItem/UnblendedCost`");
}

#[test]
fn a_header_in_the_midst_of_the_rows_is_refused_as_a_row() {
    let text = String::from_utf8(file(&ROW, &[])).unwrap();
    let joined = format!("{text}{}", text.replace("l-1", "l-2"));
    for options in [STRICT, LENIENT] {
        assert_eq!(outcomes_of(joined.as_bytes(), options), ["1 read", "2 refused invalid_amount", "3 read"]);
    }
}
