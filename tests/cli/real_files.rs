//! Real charge files, which are not part of the project: exact to the last digit, or refused row by row.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use exchequer::domain::money::Money;
use serde_json::Value;

use super::harness::Home;

fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/charges");
    let found = folder.is_dir();
    if !found {
        eprintln!("skipped: there is no {}", folder.display());
    }
    found.then_some(folder)
}

/// Charges and sum for each key.
type Sums = BTreeMap<Vec<String>, (u64, Money)>;

/// What is known of a file.
struct Truth {
    /// By billing account, cloud account, currency and, where the file names periods, cycle.
    groups: Sums,
    by: &'static str,
    /// By category, or by service where the file has no category; the sums are absent where the file has more digits
    /// than money.
    kinds: BTreeMap<String, (u64, Option<Money>)>,
    kinds_by: &'static str,
    rows: u64,
    total: Money,
    /// Rows with more digits than money.
    rounded: u64,
}

fn truth(folder: &Path, file: &str) -> Truth {
    let truths: Value =
        serde_json::from_slice(&std::fs::read(folder.join("ground_truth.json")).unwrap()).unwrap();
    let file = truths.as_array().unwrap().iter().find(|one| one["file"] == file).unwrap();
    let rounded = &file["at_18_digits"];
    let exact = if rounded.is_null() { file } else { rounded };
    let periods =
        file["group_columns"].as_array().unwrap().last().unwrap().as_str().unwrap().ends_with("[:10]");
    let mut groups = Sums::new();
    for group in exact["groups"].as_array().unwrap() {
        let mut key = texts(&group["key"]);
        let period = if periods { key.pop() } else { None };
        let [billing, sub, currency] = &key[key.len() - 3..] else { panic!("{key:?}") };
        let cloud = if sub.is_empty() { billing.clone() } else { format!("{billing}/{sub}") };
        let mut key = vec![billing.clone(), cloud, currency.clone()];
        key.extend(period.map(|period| period[..7].to_owned()));
        add(&mut groups, key, group["rows"].as_u64().unwrap(), group["sum"].as_str().unwrap());
    }
    let mut kinds: BTreeMap<String, (u64, Option<Money>)> = BTreeMap::new();
    for kind in file["by_category"].as_array().unwrap() {
        let (rows, sum) = kinds
            .entry(texts(&kind["key"])[0].clone())
            .or_insert((0, rounded.is_null().then_some(Money::ZERO)));
        *rows += kind["rows"].as_u64().unwrap();
        *sum = sum.map(|sum| sum.checked_add(Money::parse(kind["sum"].as_str().unwrap()).unwrap()).unwrap());
    }
    let services = file["category_columns"][0] == "product/service";
    Truth {
        groups,
        by: if periods {
            "billing_account,cloud_account,currency,cycle"
        } else {
            "billing_account,cloud_account,currency"
        },
        kinds,
        kinds_by: if services { "service" } else { "category" },
        rows: file["rows"].as_u64().unwrap(),
        total: Money::parse(exact["total"].as_str().unwrap()).unwrap(),
        rounded: rounded["rows_shortened"].as_u64().unwrap_or(0),
    }
}

fn texts(key: &Value) -> Vec<String> {
    key.as_array().unwrap().iter().map(|part| part.as_str().unwrap().to_owned()).collect()
}

fn report(home: &Home, by: &str) -> Sums {
    let report = home.json(&["report", "--by", by]);
    let mut sums = Sums::new();
    for item in report["items"].as_array().unwrap() {
        let key = by.split(',').map(|name| item[name].as_str().unwrap().to_owned()).collect();
        add(&mut sums, key, item["charges"].as_u64().unwrap(), item["amount"].as_str().unwrap());
    }
    sums
}

fn add(sums: &mut Sums, key: Vec<String>, charges: u64, sum: &str) {
    let (count, total) = sums.entry(key).or_default();
    *count += charges;
    *total = total.checked_add(Money::parse(sum).unwrap()).unwrap();
}

/// Everything that the ledger holds is the truth, to the last digit.
fn check(home: &Home, truth: &Truth) {
    assert_eq!(report(home, truth.by), truth.groups);
    let kinds = report(home, truth.kinds_by);
    assert_eq!(kinds.len(), truth.kinds.len());
    for (name, (rows, sum)) in &truth.kinds {
        let key = if truth.kinds_by == "category" { name.to_lowercase() } else { name.clone() };
        let (charges, amount) = kinds[&vec![key]];
        assert_eq!((charges, sum.unwrap_or(amount)), (*rows, amount), "{name}");
    }
    let whole = report(home, "currency");
    assert_eq!(whole, Sums::from([(vec!["USD".to_owned()], (truth.rows, truth.total))]));
    home.verified();
}

fn ingest(home: &Home, file: &Path) -> Value {
    home.json(&["ingest", "--open-accounts", "--lenient", file.to_str().unwrap()])
}

fn exact(file: &str, truth_name: &str, rows: u64) {
    let Some(folder) = folder() else { return };
    let truth = truth(&folder, truth_name);
    assert_eq!(truth.rows, rows);
    let home = Home::new();
    let path = folder.join(file);
    let summary = ingest(&home, &path);
    assert_eq!(
        (summary["accepted"].as_u64(), summary["rejected"].as_u64()),
        (Some(rows), Some(0)),
        "{summary:#}"
    );
    assert_eq!(Money::parse(summary["totals"]["USD"].as_str().unwrap()), Some(truth.total));
    let rounded =
        summary["notes"].as_array().unwrap().iter().filter(|note| note["code"] == "amount_shortened");
    assert_eq!(rounded.count() as u64, truth.rounded, "{summary:#}");
    check(&home, &truth);
    // rule C2
    assert_eq!(ingest(&home, &path)["duplicate"], rows);
    check(&home, &truth);
    // rule C7: a part, then the whole
    let home = Home::new();
    let mut text = String::new();
    let bytes = std::fs::File::open(&path).unwrap();
    if path.extension().is_some_and(|extension| extension == "gz") {
        flate2::read::MultiGzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    } else {
        (&bytes).read_to_string(&mut text).unwrap();
    }
    let cut = text[..text.len() / 2].rfind('\n').unwrap() + 1;
    home.file("part.csv", &text[..cut]);
    let part = ingest(&home, &home.path("part.csv"));
    let posted = part["accepted"].as_u64().unwrap();
    let whole = ingest(&home, &path);
    let refused = part["rejected"].as_u64().unwrap();
    assert!(posted > 0 && refused <= 1, "{part:#}");
    assert_eq!(
        (whole["duplicate"].as_u64(), whole["accepted"].as_u64()),
        (Some(posted), Some(rows - posted)),
        "{whole:#}"
    );
    check(&home, &truth);
}

/// Strict mode posts all rows of a file but those with more digits than money, which it names.
fn strictly(file: &str, refused: u64) {
    let Some(folder) = folder() else { return };
    let truth = truth(&folder, file);
    assert_eq!(truth.rounded, refused);
    let home = Home::new();
    let path = folder.join(file);
    let summary = home.json(&["ingest", "--open-accounts", path.to_str().unwrap()]);
    assert_eq!(
        (summary["accepted"].as_u64(), summary["rejected"].as_u64(), summary["read_leniently"].as_u64()),
        (Some(truth.rows - refused), Some(refused), Some(0)),
        "{summary:#}"
    );
    let items = summary["items"].as_array().unwrap();
    assert_eq!(items.len() as u64, refused);
    assert!(
        items.iter().all(|item| item["code"] == "amount_too_precise" && item["row"].is_u64()),
        "{summary:#}"
    );
    home.verified();
}

#[test]
fn an_aws_report_is_exact_to_the_last_digit() {
    exact("aws_cur_anonymous.csv", "aws_cur_anonymous.csv", 1_281);
    strictly("aws_cur_anonymous.csv", 0);
}

#[test]
fn an_oci_report_is_exact_to_the_last_digit() {
    exact("oci_cost_report.csv", "oci_cost_report.csv", 506);
    strictly("oci_cost_report.csv", 0);
}

#[test]
fn an_actual_cost_export_of_azure_is_exact_to_the_last_digit() {
    exact("azure_EA_ActualCost_Small.csv", "azure_EA_ActualCost_Small.csv", 11);
    strictly("azure_EA_ActualCost_Small.csv", 0);
}

#[test]
fn an_amortized_cost_export_of_azure_is_rounded_half_to_even_and_exact_then() {
    exact("azure_EA_AmortizedCost_Small.csv", "azure_EA_AmortizedCost_Small.csv", 28);
    strictly("azure_EA_AmortizedCost_Small.csv", 3);
}

#[test]
fn the_official_sample_is_exact_to_the_last_digit() {
    exact("focus10_official_sample_1000.csv", "focus10_official_sample_1000.csv", 1_000);
}

#[test]
fn twenty_thousand_rows_are_exact_to_the_last_digit() {
    exact("synthetic_focus_1_2_aws.csv.gz", "focus_1_2_cost_and_usage_aws.csv", 20_000);
}

#[test]
fn the_examples_of_the_specification_are_posted_or_refused_row_by_row() {
    let Some(folder) = folder() else { return };
    let home = Home::new();
    let mut files: Vec<_> = std::fs::read_dir(folder.join("focus_spec_examples"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        for lenient in [&["--lenient"][..], &[]] {
            let file = file.to_str().unwrap();
            let summary = home.json(&[&["ingest", "--open-accounts", "--append", file], lenient].concat());
            let count = |name: &str| summary[name].as_u64().unwrap();
            let rows = count("accepted") + count("duplicate") + count("conflict") + count("rejected");
            assert_eq!(count("rows"), rows, "{summary:#}");
            let faults = summary["faults"].as_array().unwrap().len();
            assert!(rows > 0 || faults == 1, "{summary:#}");
            let exceptions = count("conflict") + count("rejected");
            assert_eq!(
                summary["items"].as_array().unwrap().len() as u64 + count("items_omitted"),
                exceptions
            );
        }
    }
    home.verified();
}
