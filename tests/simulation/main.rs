//! The simulation: real actors on one thread, a disk that loses power, a clock and a log that the seed moves, and an
//! auditor who knows what was answered (architecture §7, rules F5, J1, J2).
//!
//! `cargo test --release --test simulation -- --seed N [--commands N] [--trace] [--planted NAME]` runs one seed,
//! `-- --seeds A..B` many, `-- --soak MINUTES` many more, `-- --find NAME` looks for seeds that show a planted fault.
#![allow(clippy::unwrap_used)] // a simulation that can't go on fails

mod amounts;
mod auditor;
mod bills;
mod bills_account;
mod bills_audit;
mod bills_learned;
mod bills_rules;
mod bills_workload;
mod charges;
mod charges_workload;
mod client;
mod disk;
mod enterprise_workload;
mod faults;
#[path = "../hledger/mod.rs"]
mod hledger_books;
mod learned;
mod many;
mod model;
mod op;
#[path = "../engine/random.rs"]
mod random;
mod repeats;
mod report;
mod rules;
mod run;
mod standing;
mod standing_workload;
mod touches;
mod workload;
mod world;

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::run::{Options, run};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1).cloned()
    };
    let planted = value("--planted").map(|name| faults::named(&name).expect("the name of a planted fault"));
    let commands = value("--commands").map_or(500, |text| text.parse().expect("a number of commands"));
    let trace = arguments.iter().any(|argument| argument == "--trace");
    let options = Options { commands, planted, trace, left_in: None };
    if let Some(seed) = value("--seed") {
        return many::one(seed.parse().expect("a seed"), options);
    }
    if let Some(range) = value("--seeds") {
        let (first, end) = range.split_once("..").expect("a range of seeds, such as 1..100");
        return many::range(first.parse().expect("a seed"), end.parse().expect("a seed"), options);
    }
    if let Some(minutes) = value("--soak") {
        let minutes: u64 = minutes.parse().expect("a number of minutes");
        return many::soak(Duration::from_secs(minutes * 60), options);
    }
    if let Some(name) = value("--find") {
        return faults::find(&name, options);
    }
    libtest_mimic::run(&Arguments::from_args(), trials()).exit_code()
}

fn trials() -> Vec<Trial> {
    let mut trials: Vec<_> = (0..6)
        .map(|ten| {
            Trial::test(format!("seeds_{}_to_{}", ten * 10, ten * 10 + 9), move || {
                (ten * 10..ten * 10 + 10).try_for_each(holds)
            })
        })
        .collect();
    trials.push(Trial::test("the_same_seed_gives_the_same_digest", || {
        for seed in [1, 2, 3] {
            let (once, again) = (run(seed, Options::default()), run(seed, Options::default()));
            if once.digest != again.digest || once.tally != again.tally {
                return Err(Failed::from(format!("seed {seed}: {once:?}, then {again:?}")));
            }
        }
        Ok(())
    }));
    trials.extend(faults::SHOWN.iter().map(|(fault, seed)| {
        Trial::test(format!("a_planted_fault_is_seen::{fault:?}"), move || faults::is_seen(*fault, *seed))
    }));
    trials.push(Trial::test("the_books_of_some_seeds_balance", || {
        BOOKS.into_iter().try_for_each(books_balance)
    }));
    trials
}

/// Seeds whose books are read by hledger.
const BOOKS: [u64; 6] = [0, 1, 2, 3, 4, 5];

/// What a seed leaves behind is exported, and hledger comes to the same figures (rule J3).
fn books_balance(seed: u64) -> Result<(), Failed> {
    if !hledger_books::is_there() {
        return Ok(());
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let left_in: &'static Path = Box::leak(data.clone().into_boxed_path());
    if let Some(wrong) = run(seed, Options { left_in: Some(left_in), ..Options::default() }).violation {
        return Err(Failed::from(format!("seed {seed}: {wrong}")));
    }
    hledger_books::check(folder.path(), &|arguments| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_exchequer"));
        let output = command.arg("--data-dir").arg(&data).args(arguments).output().unwrap();
        assert!(output.status.success(), "seed {seed}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    });
    Ok(())
}

fn holds(seed: u64) -> Result<(), Failed> {
    match run(seed, Options::default()).violation {
        None => Ok(()),
        Some(wrong) => Err(Failed::from(format!("seed {seed}: {wrong}"))),
    }
}
