//! The books as hledger reads them: no complaint, and every figure of every account to the last digit (rule J3).

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use exchequer::domain::money::Money;
use serde_json::Value;

/// Whether hledger is there; where everything must be checked it has to be.
pub fn is_there() -> bool {
    let there = Command::new("hledger").arg("--version").stdout(Stdio::null()).status().is_ok();
    assert!(there || std::env::var_os("CI").is_none_or(|ci| ci != "true"), "install hledger");
    if !there {
        eprintln!("skipped: there is no hledger");
    }
    there
}

fn hledger(journal: &Path, arguments: &[&str]) -> String {
    // A journal is plain ASCII, so that any locale will do.
    let mut command = Command::new("hledger");
    command.arg("-f").arg(journal).args(arguments).env("LC_ALL", "C");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Every balance that is not 0, by ledger account and currency.
type Balances = BTreeMap<(String, String), Money>;

fn balances_of_hledger(journal: &Path) -> Balances {
    let csv = hledger(journal, &["balance", "--flat", "--no-total", "--layout", "bare", "-O", "csv"]);
    let mut balances = Balances::new();
    for line in csv.lines().skip(1) {
        let cells: Vec<_> = line.trim_matches('"').split("\",\"").collect();
        let [account, currency, amount] = cells[..] else { panic!("{line}") };
        balances.insert((account.to_owned(), currency.to_owned()), Money::parse(amount).unwrap());
    }
    balances
}

/// An id in the name of a ledger account.
fn encoded(id: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./@+".contains(byte);
    id.bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// What the engine says that the balances of the billing accounts are.
fn balances_of_engine(run: &dyn Fn(&[&str]) -> String) -> Balances {
    let mut balances = Balances::new();
    for line in run(&["export", "accounts", "--format", "ndjson"]).lines() {
        let account: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| account[name].as_str().unwrap();
        let owner = encoded(text("billing_account"));
        let current = if text("type") == "direct" { "unsettled_current" } else { "unbilled" };
        for (name, figure, owed) in [
            (format!("assets:receivable:{owner}:current"), current, true),
            (format!("assets:receivable:{owner}:previous"), "unsettled_previous", true),
            (format!("assets:receivable:{owner}:quota"), "quota_consumed", true),
            (format!("liabilities:cash:{owner}:own"), "own_cash", false),
            (format!("liabilities:cash:{owner}:transfer_book"), "transfer_book", false),
            (format!("liabilities:credit_refund:{owner}"), "credit_refund", false),
        ] {
            let figure = Money::parse(text(figure)).unwrap();
            let balance = if owed { figure } else { Money::ZERO.checked_sub(figure).unwrap() };
            if balance != Money::ZERO {
                balances.insert((name, text("currency").to_owned()), balance);
            }
        }
    }
    balances
}

/// Exports the books into `folder`, summed up and charge by charge, and compares; `run` runs `exchequer` on the ledger and
/// gives what it prints.
pub fn check(folder: &Path, run: &dyn Fn(&[&str]) -> String) {
    let expect = balances_of_engine(run);
    for (name, more) in [("books.journal", None), ("rows.journal", Some("--rows"))] {
        let journal = folder.join(name);
        let arguments = ["export", "journal", journal.to_str().unwrap()].into_iter().chain(more);
        run(&arguments.collect::<Vec<_>>());
        hledger(&journal, &["check", "--strict"]);
        let mut found = balances_of_hledger(&journal);
        let sum =
            found.iter().fold(BTreeMap::new(), |mut sums: BTreeMap<_, Money>, ((_, currency), amount)| {
                let sum = sums.entry(currency.clone()).or_default();
                *sum = sum.checked_add(*amount).unwrap();
                sums
            });
        assert!(sum.values().all(|sum| *sum == Money::ZERO), "{sum:?}");
        let own = ["assets:receivable:", "liabilities:cash:", "liabilities:credit_refund:"];
        found.retain(|(name, _), _| own.iter().any(|own| name.starts_with(own)));
        assert_eq!(found, expect);
    }
    assert!(run(&["export", "journal", "--format", "csv"]).starts_with("date,transaction,lsn,what,"));
}
