//! Cost reports of Oracle Cloud Infrastructure, column by column.

use exchequer::domain::charge::{Category, Charge};
use exchequer::domain::money::Amount;
use exchequer::domain::time::Timestamp;
use exchequer::ingest::Format;

use super::sheet::{self, fault_without, file, read};
use super::{LENIENT, STRICT, outcomes_of, read_all};

const ROW: [(&str, &str); 15] = [
    ("lineItem/referenceNo", "r-1"),
    ("lineItem/tenantId", "ocid1.tenancy.a"),
    ("lineItem/intervalUsageStart", "2026-11-13T10:00Z"),
    ("product/service", "DATABASE"),
    ("product/compartmentId", "ocid1.compartment.b"),
    ("usage/billedQuantity", "6.32000000E-10"),
    ("cost/productSku", "B92911"),
    ("product/Description", "Development"),
    ("cost/myCost", "6.266090E-12"),
    ("cost/currencyCode", "USD"),
    ("cost/skuUnitDescription", "Hours"),
    ("lineItem/isCorrection", "false"),
    ("lineItem/backreferenceNo", "17059"),
    ("tags/Oracle-Tags.CreatedBy", "default/a"),
    ("tags/Own.Cat\\egory", "boots"),
];

fn check(column: &str, cell: &str, strict: &str, lenient: &str) {
    sheet::check(&ROW, column, cell, strict, lenient);
}

#[test]
fn a_row_becomes_a_charge() {
    // rules A4, C1, C4, C7
    let page = read(&ROW, &[]);
    let expect = Charge {
        cloud_account: "ocid1.tenancy.a/ocid1.compartment.b",
        source: "oci",
        id: "r-1",
        amount: Amount::parse("0.00000000000626609").unwrap(),
        currency: "USD",
        period_start: Timestamp::parse("2026-11-13T10:00:00Z").unwrap(),
        billing_cycle: None,
        category: Category::Usage,
        correction: false,
        service: "DATABASE",
        sku: "B92911",
        quantity: Some("0.00000000063200".parse().unwrap()),
        unit: "Hours",
        description: "Development",
        tags: r#"{"Oracle-Tags.CreatedBy":"default/a","Own.Cat\\egory":"boots"}"#,
        import_row: 0,
    };
    assert_eq!(page.charges.get(0), expect);
    assert_eq!(page.opening(0).billing_account, "ocid1.tenancy.a");
    let none = read(&ROW, &[("product/compartmentId", ""), ("tags/Own.Cat\\egory", "")]);
    assert_eq!(none.charges.get(0).cloud_account, "ocid1.tenancy.a");
    assert_eq!(none.charges.get(0).tags, r#"{"Oracle-Tags.CreatedBy":"default/a"}"#);
}

#[test]
fn rows_alike_in_all_but_their_reference_are_different_charges() {
    // rule C7
    let text = String::from_utf8(file(&ROW, &[])).unwrap();
    let row = text.split_once('\n').unwrap().1;
    let (page, _) = read_all(format!("{text}{}", row.replace("r-1", "r-2")).as_bytes(), STRICT);
    assert_eq!(page.charges.iter().map(|charge| charge.id).collect::<Vec<_>>(), ["r-1", "r-2"]);
    check("lineItem/referenceNo", "", "refused missing_field", "refused missing_field");
}

#[test]
fn a_correction_has_its_own_reference_and_may_be_negative() {
    let cells = [
        ("lineItem/referenceNo", "r-9"),
        ("lineItem/backreferenceNo", "r-1"),
        ("lineItem/isCorrection", "true"),
        ("cost/myCost", "-6.266090E-12"),
    ];
    let page = read(&ROW, &cells);
    let charge = page.charges.get(0);
    assert_eq!((charge.id, charge.correction, charge.category), ("r-9", true, Category::Usage));
    let check = |cell, strict, lenient| check("lineItem/isCorrection", cell, strict, lenient);
    check("", "read", "read");
    check("yes", "refused invalid_class", "read field_dropped");
    check("TRUE", "refused invalid_class", "read");
    let (page, _) = read_all(&*file(&ROW, &[("lineItem/isCorrection", "TRUE")]), LENIENT);
    assert!(page.charges.get(0).correction);
}

#[test]
fn times_may_lack_their_seconds_and_nothing_else() {
    let check = |cell, strict, lenient| check("lineItem/intervalUsageStart", cell, strict, lenient);
    check("2026-11-13T10:00:00Z", "read", "read");
    check("2026-11-13T10:00:00.000Z", "read", "read");
    for cell in ["2026-11-13T10:00", "2026-11-13T10:00+01:00", "2026-11-13 10:00:00", "2026-11-13"] {
        check(cell, "refused invalid_time", "read time_assumed");
    }
    check("2026-11-13T10Z", "refused invalid_time", "refused invalid_time");
}

#[test]
fn ids_of_83_bytes_compose_one_of_167() {
    // rule A7
    let long = "x".repeat(83);
    let page = read(&ROW, &[("lineItem/tenantId", &long), ("product/compartmentId", &long)]);
    assert_eq!(page.charges.get(0).cloud_account.len(), 167);
    check("lineItem/tenantId", &"x".repeat(129), "refused invalid_id", "refused invalid_id");
}

#[test]
fn headers() {
    let text = String::from_utf8(file(&ROW, &[])).unwrap();
    assert_eq!(Format::detect(text.as_bytes()), Some(Format::Oci));
    for column in [
        "lineItem/referenceNo",
        "lineItem/tenantId",
        "lineItem/intervalUsageStart",
        "cost/myCost",
        "cost/currencyCode",
    ] {
        let expect = format!("the header names no column `{column}`");
        assert_eq!(fault_without(&ROW, column, STRICT), expect);
        assert_eq!(fault_without(&ROW, column, LENIENT), expect);
    }
    for column in ["product/compartmentId", "lineItem/isCorrection", "usage/billedQuantity"] {
        check(column, "-", "read", "read");
    }
    let other = text.replace("tenantId", "TenantId").replace("Description", "description");
    assert_eq!(outcomes_of(other.as_bytes(), STRICT), ["1 read"]);
    let twice = text.replace("lineItem/backreferenceNo", "cost/myCost");
    let fault = read_all(twice.as_bytes(), STRICT).1.unwrap();
    assert_eq!(fault.to_string(), "the header names the column `cost/myCost` twice");
    // Names may come quoted, and after a byte order mark.
    let quoted = format!("\u{feff}\"{}", text.replacen(',', "\",", 1));
    assert_eq!(outcomes_of(quoted.as_bytes(), STRICT), ["1 read"]);
}
