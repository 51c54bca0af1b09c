//! Whole files: the project's own samples, and the real ones where they are at hand.

use std::collections::BTreeMap;
use std::path::PathBuf;

use exchequer::domain::money::Money;
use exchequer::ingest::{Format, Page};
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

/// Rows and sum for each billing account, sub account, currency, and cycle or nothing.
type Sums = BTreeMap<[String; 4], (u64, Money)>;

fn sums(page: &Page, with_cycles: bool) -> Sums {
    let mut sums = Sums::new();
    for (index, charge) in page.charges.iter().enumerate() {
        let opening = page.opening(index);
        let sub_account = &charge.cloud_account[opening.billing_account.len()..];
        let sub_account = sub_account.strip_prefix('/').unwrap_or_default();
        let cycle = if with_cycles { charge.billing_cycle.unwrap().to_string() } else { String::new() };
        let key = [opening.billing_account, sub_account, charge.currency, &cycle].map(str::to_owned);
        let (rows, sum) = sums.entry(key).or_default();
        *rows += 1;
        *sum = sum.checked_add(charge.amount.money()).unwrap();
    }
    sums
}

/// The same from the ground truth, whose keys may begin with a provider and end with a period.
fn truth(file: &Value, groups: &Value) -> Sums {
    let mut sums = Sums::new();
    for group in groups.as_array().unwrap() {
        let key: Vec<&str> =
            group["key"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect();
        let (key, cycle) = if with_periods(file) {
            (&key[..key.len() - 1], &key[key.len() - 1][..7])
        } else {
            (&key[..], "")
        };
        let [billing, sub, currency] = key[key.len() - 3..] else { panic!("{key:?}") };
        let key = [billing, sub, currency, cycle].map(str::to_owned);
        let (rows, sum) = sums.entry(key).or_default();
        *rows += group["rows"].as_u64().unwrap();
        *sum = sum.checked_add(Money::parse(group["sum"].as_str().unwrap()).unwrap()).unwrap();
    }
    sums
}

fn with_periods(file: &Value) -> bool {
    file["group_columns"].as_array().unwrap().last().unwrap().as_str().unwrap().ends_with("[:10]")
}

/// The exact numbers of a real file, each of which the page must hold; where the file has more digits than money, as
/// they are when read half to even.
fn check_truth(file: &Value, page: &Page) {
    let name = &file["file"];
    let shortened = &file["at_18_digits"];
    let exact = if shortened.is_null() { file } else { shortened };
    assert_eq!(page.charges.len() as u64, file["rows"].as_u64().unwrap(), "{name}");
    assert_eq!(sums(page, with_periods(file)), truth(file, &exact["groups"]), "{name}");
    let amounts: Vec<Money> = page.charges.iter().map(|charge| charge.amount.money()).collect();
    let total = |amounts: &[Money]| {
        amounts.iter().try_fold(Money::ZERO, |sum, amount| sum.checked_add(*amount)).unwrap()
    };
    let money = |text: &Value| Money::parse(text.as_str().unwrap()).unwrap();
    assert_eq!(total(&amounts), money(&exact["total"]), "{name}");
    let negative: Vec<Money> = amounts.iter().copied().filter(|amount| *amount < Money::ZERO).collect();
    assert_eq!(negative.len() as u64, file["negative"].as_u64().unwrap(), "{name}");
    assert_eq!(total(&negative), money(&file["negative_sum"]), "{name}");
    let zero = amounts.iter().filter(|amount| **amount == Money::ZERO).count();
    assert_eq!(zero as u64, file["zero"].as_u64().unwrap(), "{name}");
    assert_eq!(*amounts.iter().min().unwrap(), money(&file["min"]), "{name}");
    assert_eq!(*amounts.iter().max().unwrap(), money(&file["max"]), "{name}");
    let rounded = page.notes.iter().filter(|note| note.code == "amount_shortened").count();
    assert_eq!(rounded as u64, shortened["rows_shortened"].as_u64().unwrap_or(0), "{name}");
}

#[test]
fn real_files_of_the_presets_are_the_ground_truth_and_strict_mode_refuses_only_too_many_digits() {
    // rules B4, C7
    let Some(folder) = folder() else { return };
    let truths: Value =
        serde_json::from_slice(&std::fs::read(folder.join("ground_truth.json")).unwrap()).unwrap();
    for (name, format) in [
        ("aws_cur_anonymous.csv", Format::AwsCur),
        ("azure_EA_ActualCost_Small.csv", Format::AzureEa),
        ("azure_EA_AmortizedCost_Small.csv", Format::AzureEa),
        ("oci_cost_report.csv", Format::Oci),
    ] {
        let truth = truths.as_array().unwrap().iter().find(|file| file["file"] == name).unwrap();
        let text = std::fs::read(folder.join(name)).unwrap();
        assert_eq!(Format::detect(&text), Some(format), "{name}");
        let (page, fault) = read_all(&text[..], LENIENT);
        assert!(fault.is_none() && page.refused.is_empty(), "{name} {fault:?} {:?}", page.refused);
        check_truth(truth, &page);
        let shortened = truth["at_18_digits"]["rows_shortened"].as_u64().unwrap_or(0);
        assert_eq!(page.notes.len() as u64, shortened, "{name} {:?}", page.notes);
        let (strict, _) = read_all(&text[..], STRICT);
        assert_eq!(strict.refused.len() as u64, shortened, "{name} {:?}", strict.refused);
        assert!(strict.refused.iter().all(|fault| fault.code == "amount_too_precise"));
        let mut ids: Vec<_> = page.charges.iter().map(|charge| (charge.cloud_account, charge.id)).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), page.charges.len(), "{name}: every row has its own key");
    }
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
        check_truth(truth_of, &page);
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
