//! Whole files: the project's own samples, and the real ones where they are at hand.

use std::collections::BTreeMap;
use std::path::PathBuf;

use exchequer::domain::money::Money;
use exchequer::ingest::Page;
use serde_json::Value;

use super::{LENIENT, STRICT, outcomes, read_all, sample};

/// The folder of real files, which is not part of the project.
fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/charges");
    let found = folder.is_dir();
    if !found {
        eprintln!("skipped: there is no {}", folder.display());
    }
    found.then_some(folder)
}

/// Rows and sum for each billing account, sub account, currency and cycle.
type Sums = BTreeMap<[String; 4], (u64, Money)>;

fn sums(page: &Page) -> Sums {
    let mut sums = Sums::new();
    for (index, charge) in page.charges.iter().enumerate() {
        let opening = page.opening(index);
        let sub_account = &charge.cloud_account[opening.billing_account.len()..];
        let sub_account = sub_account.strip_prefix('/').unwrap_or_default();
        let cycle = charge.billing_cycle.unwrap().to_string();
        let key = [opening.billing_account, sub_account, charge.currency, &cycle].map(str::to_owned);
        let (rows, sum) = sums.entry(key).or_default();
        *rows += 1;
        *sum = sum.checked_add(charge.amount.money()).unwrap();
    }
    sums
}

/// The same from the ground truth, whose keys may begin with a provider.
fn truth(file: &Value) -> Sums {
    let mut sums = Sums::new();
    for group in file["groups"].as_array().unwrap() {
        let key: Vec<&str> =
            group["key"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect();
        let [billing, sub, currency, period] = key[key.len() - 4..] else { panic!("{key:?}") };
        let key = [billing, sub, currency, &period[..7]].map(str::to_owned);
        let (rows, sum) = sums.entry(key).or_default();
        *rows += group["rows"].as_u64().unwrap();
        *sum = sum.checked_add(Money::parse(group["sum"].as_str().unwrap()).unwrap()).unwrap();
    }
    sums
}

#[test]
fn real_focus_files_sum_up_to_the_ground_truth() {
    // rules B4, C7
    let Some(folder) = folder() else { return };
    let truths: Value =
        serde_json::from_slice(&std::fs::read(folder.join("ground_truth.json")).unwrap()).unwrap();
    for (file, name) in [
        ("focus10_official_sample_1000.csv", "focus10_official_sample_1000.csv"),
        ("synthetic_focus_1_2_aws.csv.gz", "focus_1_2_cost_and_usage_aws.csv"),
    ] {
        let file = std::fs::File::open(folder.join(file)).unwrap();
        let (page, fault) = read_all(file, LENIENT);
        assert!(fault.is_none() && page.refused.is_empty(), "{fault:?} {:?}", page.refused);
        let truth_of = truths.as_array().unwrap().iter().find(|file| file["file"] == name).unwrap();
        assert_eq!(page.charges.len() as u64, truth_of["rows"].as_u64().unwrap());
        assert_eq!(sums(&page), truth(truth_of), "{name}");
        let total =
            page.charges.iter().try_fold(Money::ZERO, |sum, charge| sum.checked_add(charge.amount.money()));
        assert_eq!(total, Money::parse(truth_of["total"].as_str().unwrap()));
    }
}

#[test]
fn every_example_of_the_specification_is_read_or_refused_row_by_row() {
    let Some(folder) = folder() else { return };
    let mut rows = [0, 0];
    for entry in std::fs::read_dir(folder.join("focus_spec_examples")).unwrap() {
        let path = entry.unwrap().path();
        for (index, options) in [STRICT, LENIENT].into_iter().enumerate() {
            let (page, fault) = read_all(std::fs::File::open(&path).unwrap(), options);
            assert!(fault.is_none(), "{} {fault:?}", path.display());
            let outcomes = outcomes(&page);
            assert!(!outcomes.is_empty());
            assert!(page.refused.iter().all(|fault| !fault.detail.is_empty()));
            rows[index] += page.charges.len();
            if index == 1 {
                let refused = page.refused.iter().find(|fault| fault.code != "missing_field");
                assert!(refused.is_none(), "{} {refused:?}", path.display());
            }
        }
    }
    assert!(rows[0] == 0 && rows[1] > 40, "{rows:?}");
}

#[test]
fn strict_mode_accepts_every_row_of_the_samples() {
    for (name, rows, accounts) in [("focus-1.2.csv", 288, 38), ("charges.ndjson", 420, 37)] {
        let (page, fault) = read_all(&*sample(name), STRICT);
        assert!(fault.is_none() && page.refused.is_empty(), "{name} {fault:?} {:?}", page.refused);
        assert_eq!(page.charges.len(), rows, "{name}");
        let mut names: Vec<&str> = page.charges.iter().map(|charge| charge.cloud_account).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), accounts, "{name}");
        assert!(page.charges.iter().any(|charge| charge.correction));
    }
}
