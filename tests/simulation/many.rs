//! One seed or many, from the command line.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use exchequer::clock::Stopwatch;
use parking_lot::Mutex;

use crate::report::Tally;
use crate::run::{Options, run};

const THREADS: usize = 2;

/// Runs one seed and tells what happened.
pub fn one(seed: u64, options: Options) -> ExitCode {
    let watch = Stopwatch::start();
    let outcome = run(seed, options);
    outcome.tally.print();
    println!("digest {:032x}, {:.3} s", outcome.digest, watch.elapsed().as_secs_f64());
    match outcome.violation {
        None => ExitCode::SUCCESS,
        Some(wrong) => {
            println!("seed {seed}: VIOLATION: {wrong}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a range of seeds; fails on a violation, and if something that many seeds must show was never seen.
pub fn range(first: u64, end: u64, options: Options) -> ExitCode {
    until(first, |seed, _| seed < end, options)
}

/// Runs seeds, other ones each time, for so long.
pub fn soak(duration: Duration, options: Options) -> ExitCode {
    let mut first = [0; 8];
    getrandom::fill(&mut first[..4]).expect("randomness");
    let first = u64::from_le_bytes(first);
    println!("from seed {first} on");
    until(first, |_, elapsed| elapsed < duration, options)
}

fn until(first: u64, goes_on: impl Fn(u64, Duration) -> bool + Sync, options: Options) -> ExitCode {
    let watch = Stopwatch::start();
    let (next, failed) = (AtomicU64::new(first), AtomicBool::new(false));
    let tally = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if !goes_on(seed, watch.elapsed()) {
                        return;
                    }
                    let outcome = run(seed, options);
                    if let Some(wrong) = outcome.violation {
                        failed.store(true, Ordering::Relaxed);
                        println!("seed {seed}: VIOLATION: {wrong}");
                    }
                    let mut tally = tally.lock();
                    tally.merge(&outcome.tally);
                    if tally.seeds.is_multiple_of(1_000) {
                        println!("{} seeds, {:.0} s", tally.seeds, watch.elapsed().as_secs_f64());
                    }
                }
            });
        }
    });
    let tally = tally.into_inner();
    tally.print();
    println!("{:.1} s", watch.elapsed().as_secs_f64());
    let missing = tally.seeds >= 1_000 && !tally.missing().is_empty();
    if failed.load(Ordering::Relaxed) || missing { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
