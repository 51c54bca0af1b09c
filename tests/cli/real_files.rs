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

/// Charges and sum for each billing account, cloud account, currency and cycle.
type Sums = BTreeMap<[String; 4], (u64, Money)>;

fn truth(folder: &Path, file: &str) -> Sums {
    let truths: Value =
        serde_json::from_slice(&std::fs::read(folder.join("ground_truth.json")).unwrap()).unwrap();
    let file = truths.as_array().unwrap().iter().find(|one| one["file"] == file).unwrap();
    let mut sums = Sums::new();
    for group in file["groups"].as_array().unwrap() {
        let key: Vec<_> =
            group["key"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect();
        let [billing, sub, currency, period] = key[key.len() - 4..] else { panic!("{key:?}") };
        let cloud = if sub.is_empty() { billing.to_owned() } else { format!("{billing}/{sub}") };
        let key = [billing.to_owned(), cloud, currency.to_owned(), period[..7].to_owned()];
        add(&mut sums, key, group["rows"].as_u64().unwrap(), group["sum"].as_str().unwrap());
    }
    sums
}

fn report(home: &Home) -> Sums {
    let report = home.json(&["report", "--by", "billing_account,cloud_account,currency,cycle"]);
    let mut sums = Sums::new();
    for item in report["items"].as_array().unwrap() {
        let text = |name: &str| item[name].as_str().unwrap().to_owned();
        let key = ["billing_account", "cloud_account", "currency", "cycle"].map(text);
        add(&mut sums, key, item["charges"].as_u64().unwrap(), &text("amount"));
    }
    sums
}

fn add(sums: &mut Sums, key: [String; 4], charges: u64, sum: &str) {
    let (count, total) = sums.entry(key).or_default();
    *count += charges;
    *total = total.checked_add(Money::parse(sum).unwrap()).unwrap();
}

fn ingest(home: &Home, file: &Path) -> Value {
    home.json(&["ingest", "--open-accounts", "--lenient", file.to_str().unwrap()])
}

fn exact(file: &str, truth_name: &str, rows: u64) {
    let Some(folder) = folder() else { return };
    let home = Home::new();
    let path = folder.join(file);
    let summary = ingest(&home, &path);
    assert_eq!(
        (summary["accepted"].as_u64(), summary["rejected"].as_u64()),
        (Some(rows), Some(0)),
        "{summary:#}"
    );
    assert_eq!(report(&home), truth(&folder, truth_name));
    home.verified();
    // rule C2
    assert_eq!(ingest(&home, &path)["duplicate"], rows);
    assert_eq!(report(&home), truth(&folder, truth_name));
    home.verified();
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
    assert_eq!(report(&home), truth(&folder, truth_name));
    home.verified();
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
