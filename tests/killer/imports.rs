//! Kills the real program in the midst of an import, and looks at what is left: every row that was reported durable,
//! each once, to the last unit of money (rules C2, J1).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use exchequer::clock::Stopwatch;
use exchequer::domain::money::Money;
use serde_json::Value;

use crate::{ALONE, mix};

const ACCOUNTS: u64 = 37;
const CHUNK_BYTES: usize = 16 * 1024;

/// What the file asks to be posted.
struct Input {
    text: String,
    /// By cloud account: the number of each of its rows, and the sum of all up to it.
    accounts: BTreeMap<String, Vec<(u64, Money)>>,
    rows: u64,
}

impl Input {
    fn new(seed: u64, rows: u64) -> Self {
        let mut text = String::new();
        let mut accounts: BTreeMap<String, Vec<(u64, Money)>> = BTreeMap::new();
        for row in 1..=rows {
            let chance = mix(seed ^ (row << 8));
            let account = format!("account-{}", chance % ACCOUNTS);
            // One in eight is a refund.
            let sign = if chance.is_multiple_of(8) { -1 } else { 1 };
            let micros = i64::try_from((chance >> 20) % 90_000_000).unwrap() * sign;
            let (month, category) =
                ((chance >> 8) % 4 + 1, ["usage", "purchase", "tax"][(chance >> 12) as usize % 3]);
            writeln!(
                text,
                "{{\"cloud_account\":\"{account}\",\"source\":\"killer\",\"id\":\"{seed}-{row}\",\"amount\":\"{micros}E-6\",\
                 \"currency\":\"USD\",\"occurred_at\":\"2026-{month:02}-07T08:09:10Z\",\"category\":\"{category}\",\
                 \"service\":\"s{}\"}}",
                chance % 11
            )
            .unwrap();
            let sums = accounts.entry(account).or_default();
            let before = sums.last().map_or(Money::ZERO, |(_, sum)| *sum);
            let amount = Money::from_units(i128::from(micros) * 10_i128.pow(12));
            sums.push((row, before.checked_add(amount).unwrap()));
        }
        Self { text, accounts, rows }
    }

    /// Compares with what the ledger reports. The charges of an account are posted in order, so their count tells
    /// their sum. Gives the count of all.
    fn check(&self, report: &Value, durable: u64, when: &str) -> u64 {
        let found: BTreeMap<_, _> = report["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| (item["cloud_account"].as_str().unwrap(), item))
            .collect();
        let mut all = 0;
        for (account, rows) in &self.accounts {
            let least = rows.partition_point(|(row, _)| *row <= durable);
            let item = found.get(account.as_str());
            let count = item.map_or(0, |item| item["charges"].as_u64().unwrap());
            let sum =
                item.map_or(Money::ZERO, |item| Money::parse(item["amount"].as_str().unwrap()).unwrap());
            assert!(
                count >= least as u64,
                "{when}: `{account}` has {count} charges; {least} were durable with row {durable}"
            );
            let expected =
                rows[..usize::try_from(count).unwrap()].last().map_or(Money::ZERO, |(_, sum)| *sum);
            assert_eq!(sum, expected, "{when}: sum of {count} charges of `{account}`");
            all += count;
        }
        assert!(found.keys().all(|account| self.accounts.contains_key(*account)), "{when}: {report}");
        all
    }
}

fn program(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_exchequer"));
    command.args(arguments).arg("--data-dir").arg(directory);
    command
}

fn json(directory: &Path, arguments: &[&str]) -> Value {
    let output = program(directory, arguments).args(["--output", "json"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {told}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {told}"))
}

/// Feeds the program `bytes` of the input, and kills it; or, given all, lets it end. The last row that it called
/// durable, and its answer.
fn ingest(directory: &Path, input: &Input, bytes: usize, kill: bool) -> (u64, Vec<u8>) {
    let arguments = ["ingest", "--open-accounts", "--progress", "plain", "--output", "json", "-"];
    let mut child = program(directory, &arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let told = std::thread::spawn(move || {
        let mut durable = 0;
        for line in lines.map_while(Result::ok) {
            match line.strip_suffix(" rows durable").and_then(|rows| rows.parse().ok()) {
                Some(rows) => durable = rows,
                None => println!("{line}"),
            }
        }
        durable
    });
    let mut stdin = child.stdin.take().unwrap();
    for chunk in input.text.as_bytes()[..bytes].chunks(CHUNK_BYTES) {
        stdin.write_all(chunk).unwrap();
    }
    if kill {
        child.kill().unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.success(), !kill, "{:?}", output.status);
    (told.join().unwrap(), output.stdout)
}

fn kill_and_look(seed: u64, rows: u64, kills: u64) {
    let _alone = ALONE.lock();
    let input = Input::new(seed, rows);
    let directory = tempfile::tempdir().unwrap();
    let ledger = directory.path().join("ledger");
    let clock = Stopwatch::start();
    let (mut durable, mut told, mut posted) = (0, 0, 0);
    for kill in 0..kills {
        let bytes = usize::try_from(mix(seed.wrapping_add(kill)) % input.text.len() as u64).unwrap();
        let (rows, _) = ingest(&ledger, &input, bytes, true);
        (durable, told) = (durable.max(rows), told + rows);
        let when = format!("seed {seed}, kill {kill} after {bytes} bytes");
        if !ledger.join("identity").exists() {
            assert_eq!(durable, 0, "{when}: there is no ledger");
            continue;
        }
        if kill % 4 == 1 {
            program(&ledger, &["snapshot"]).output().unwrap();
        }
        if kill % 4 == 3 || kill + 1 == kills {
            assert_eq!(json(&ledger, &["verify"])["ok"], true, "{when}");
        }
        let report = json(&ledger, &["report", "--by", "cloud_account"]);
        let found = input.check(&report, durable, &when);
        assert!(found >= posted, "{when}: {found} charges are there, {posted} were");
        posted = found;
    }
    let (rows, answer) = ingest(&ledger, &input, input.text.len(), false);
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(rows, input.rows);
    let number = |field: &str| answer[field].as_u64().unwrap();
    let counts = (number("rows"), number("duplicate"), number("accepted"));
    assert_eq!(counts, (input.rows, posted, input.rows - posted), "seed {seed}: {answer}");
    let report = json(&ledger, &["report", "--by", "cloud_account"]);
    assert_eq!(input.check(&report, input.rows, "at the end"), input.rows, "seed {seed}");
    assert_eq!(json(&ledger, &["verify"])["ok"], true, "seed {seed}");
    println!(
        "seed {seed}: {kills} kills of an import of {rows} rows; {told} rows were reported durable before kills, \
         {posted} charges were there after the last one; {:.0} s",
        clock.elapsed().as_secs_f64()
    );
}

#[test]
fn what_was_reported_durable_survives_kills() {
    kill_and_look(1, 250_000, 12);
}

#[test]
#[ignore = "minutes, and meant for the release build; see the top of the file"]
fn what_was_reported_durable_survives_a_hundred_kills() {
    kill_and_look(2, 2_000_000, 110);
}
