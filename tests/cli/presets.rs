//! Reports of clouds, which the ledger knows by their header names (rules A4, C2, C7).

use super::harness::Home;

const AWS: &str = "identity/LineItemId,identity/TimeInterval,bill/PayerAccountId,bill/BillingPeriodStartDate,\
                   lineItem/UsageAccountId,lineItem/LineItemType,lineItem/UsageStartDate,lineItem/CurrencyCode,\
                   lineItem/UnblendedCost\n";
const AZURE: &str = "BillingAccountId,SubscriptionId,Date,ChargeType,BillingCurrency,Cost\n";
const OCI: &str = "lineItem/referenceNo,lineItem/tenantId,product/compartmentId,lineItem/intervalUsageStart,\
                   cost/currencyCode,cost/myCost\n";

fn aws(item: &str, day: u32, cost: &str) -> String {
    let next = day + 1;
    format!(
        "{item},2026-05-{day:02}T00:00:00Z/2026-05-{next:02}T00:00:00Z,1,2026-05-01T00:00:00Z,2,Usage,\
         2026-05-{day:02}T00:00:00Z,USD,{cost}\n"
    )
}

fn azure(cost: &str) -> String {
    format!("1,2,05/03/2026,Usage,USD,{cost}\n")
}

fn oci(reference: &str, cost: &str) -> String {
    format!("{reference},t,c,2026-05-03T10:00Z,USD,{cost}\n")
}

/// Imports a file and gives how many rows were accepted, duplicate, conflict and rejected.
fn ingest(home: &Home, options: &[&str], text: &str) -> [u64; 4] {
    home.file("report.csv", text);
    let summary = home.json(&[&["ingest", "--open-accounts", "report.csv"], options].concat());
    ["accepted", "duplicate", "conflict", "rejected"].map(|count| summary[count].as_u64().unwrap())
}

#[test]
fn rows_with_keys_are_posted_once_whatever_file_they_come_in() {
    let [one, two, other] = [aws("a", 3, "1"), aws("a", 4, "2"), aws("b", 3, "4")];
    let home = Home::new();
    assert_eq!(ingest(&home, &[], &format!("{AWS}{one}{two}")), [2, 0, 0, 0]);
    assert_eq!(ingest(&home, &["--format", "aws-cur"], &format!("{AWS}{other}{two}{one}")), [1, 2, 0, 0]);
    assert_eq!(ingest(&home, &[], &format!("{AWS}{}", aws("a", 3, "1.5"))), [0, 0, 1, 0]);
    let report = home.json(&["report", "--by", "cloud_account,cycle"]);
    assert_eq!(report["items"][0]["cloud_account"], "1/2");
    assert_eq!(report["items"][0]["amount"], "7");
    home.verified();

    let home = Home::new();
    // Alike in all but their reference.
    let rows = ["r-1", "r-2", "r-3"].map(|reference| oci(reference, "1E-18"));
    assert_eq!(ingest(&home, &["--format", "oci"], &format!("{OCI}{}{}", rows[0], rows[1])), [2, 0, 0, 0]);
    assert_eq!(ingest(&home, &[], &format!("{OCI}{}{}", rows[2], rows[1])), [1, 1, 0, 0]);
    let report = home.json(&["report", "--by", "cloud_account,cycle"]);
    assert_eq!(report["items"][0]["cloud_account"], "t/c");
    assert_eq!(report["items"][0]["cycle"], "2026-05");
    assert_eq!(report["items"][0]["amount"], "0.000000000000000003");
    home.verified();
}

#[test]
fn rows_without_keys_are_posted_once_a_file_and_equal_ones_are_different_charges() {
    let home = Home::new();
    let row = azure("1");
    assert_eq!(ingest(&home, &[], &format!("{AZURE}{row}{row}")), [2, 0, 0, 0]);
    assert_eq!(
        ingest(&home, &["--format", "azure-ea"], &format!("\u{feff}{AZURE}{row}{row}{row}")),
        [1, 2, 0, 0]
    );
    assert_eq!(ingest(&home, &[], &format!("{AZURE}{}", azure("2"))), [0, 0, 0, 1]);
    assert_eq!(ingest(&home, &["--append"], &format!("{AZURE}{}", azure("2"))), [1, 0, 0, 0]);
    let report = home.json(&["report", "--by", "cloud_account,cycle"]);
    assert_eq!(report["items"][0]["amount"], "5");
    home.verified();
}

#[test]
fn names_the_column_that_a_report_lacks() {
    let home = Home::new();
    home.file("report.csv", AWS.replace("bill/PayerAccountId", "payer"));
    home.check(
        &["ingest", "report.csv"],
        "
exit 1
nothing was posted of 0 rows
---
error: cannot import `report.csv`: the header names no column `bill/PayerAccountId`
hint: an AWS report has it; lenient reading also takes the name in another letter case
",
    );
}

#[test]
fn says_which_amounts_were_rounded() {
    let home = Home::new();
    home.file("report.csv", format!("{AZURE}{}", azure("0.1234567890123456785000000001")));
    let strict = home.json(&["ingest", "--open-accounts", "report.csv"]);
    assert_eq!(strict["items"][0]["code"], "amount_too_precise");
    assert_eq!(strict["items"][0]["row"], 1);
    let lenient = home.json(&["ingest", "--open-accounts", "--lenient", "report.csv"]);
    assert_eq!(lenient["notes"][0]["code"], "amount_shortened");
    assert_eq!(
        lenient["notes"][0]["detail"],
        "Cost `0.1234567890123456785000000001` was rounded to 0.123456789012345679"
    );
    assert_eq!(lenient["totals"]["USD"], "0.123456789012345679");
}
