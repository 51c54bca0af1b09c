//! The books as hledger reads them, after what the command line can do (rule J3).

use std::path::{Path, PathBuf};

use super::harness::{Home, sample};
use crate::hledger_books::{check as check_books, is_there};

fn check(home: &Home) {
    check_books(&home.path(""), &|arguments| {
        let ran = home.run(arguments);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        ran.stdout
    });
}

#[test]
fn a_day_of_an_enterprise_balances() {
    if !is_there() {
        return;
    }
    let home = Home::new();
    home.run(&["apply", &sample("enterprise-day.ndjson")]);
    check(&home);
}

#[test]
fn a_year_of_an_account_balances() {
    if !is_there() {
        return;
    }
    let home = Home::new();
    home.run(&["apply", &sample("account-year.ndjson")]);
    check(&home);
}

#[test]
fn imports_balance() {
    if !is_there() {
        return;
    }
    let home = Home::new();
    for name in ["focus-1.2.csv", "charges.ndjson"] {
        assert_eq!(home.run(&["ingest", "--open-accounts", &sample(name)]).status, 0);
    }
    check(&home);
}

#[test]
fn ids_and_amounts_of_any_kind_balance() {
    if !is_there() {
        return;
    }
    let home = Home::new();
    let mut lines = Vec::new();
    let ids = [
        "a:b",
        "a;b",
        "(a)",
        "a  b",
        "[a] ",
        "1 000",
        "ünï",
        "a%3Ab",
        "=",
        "x, y:z",
        "\\\"q\\\"",
        "100 \\\"USD\\\"",
    ];
    for (number, id) in ids.iter().map(|id| id.trim()).enumerate() {
        let amounts =
            ["79228162514.264337593543950335", "0.000000000000000001", "10000000000000000000.000000001"];
        let currency = ["USD", "TOKENS12", "1A"][number % 3];
        let amount = amounts[number % 3];
        lines.push(format!(
            r#"{{"do":"register_cloud_account","cloud_account":"{id}","currency":"{currency}"}}
{{"do":"top_up","billing_account":"{id}","amount":"{amount}","at":"2026-05-01T00:00:00Z"}}
{{"do":"adjust_cash","billing_account":"{id}","amount":"-0.1","reason":"; x:y","at":"2026-05-01T00:00:00Z"}}
{{"do":"post_charges","charges":[{{"cloud_account":"{id}","source":"m","id":"1","amount":"{amount}","currency":"{currency}","occurred_at":"2026-05-02T00:00:00Z"}},{{"cloud_account":"{id}","source":"m","id":"2","amount":"-{amount}","currency":"{currency}","occurred_at":"2026-05-03T00:00:00Z","category":"credit"}}]}}
"#
        ));
    }
    home.apply(&lines.concat());
    check(&home);
}

/// Real charge files, which are not part of the project.
#[test]
fn real_files_balance() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/charges");
    if !is_there() || !folder.is_dir() {
        eprintln!("skipped: there is no {}", folder.display());
        return;
    }
    let home = Home::new();
    let listed = |folder: &Path| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        listed(&folder).chain(listed(&folder.join("focus_spec_examples"))).collect();
    files.retain(|path| path.to_string_lossy().contains(".csv"));
    files.sort();
    for file in files {
        home.json(&["ingest", "--open-accounts", "--lenient", "--append", file.to_str().unwrap()]);
    }
    check(&home);
}
