//! `exchequer bench`: how fast the engine is here, beside a plain loop and the disk alone.

mod accounts;
mod alerts;
mod bills;
mod events;
mod file;
mod html;
mod ingest;
mod latency;
mod recover;
mod soak;
mod transfers;

use std::error::Error;
use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::failure::Failure;
use super::{Globals, Verdict};
use crate::load::drive::Rate;
use crate::load::figures::Latency;

#[derive(Subcommand, Debug)]
pub(super) enum Arguments {
    /// Import of a file, beside reading it alone.
    File(file::Arguments),
    /// Throughput and latency of durable charges, beside the floor: a plain loop that does the same work.
    Ingest(ingest::Arguments),
    /// Steady state with many identities held, charges sent again, and snapshots taken: does it stay steady?
    Soak(soak::Arguments),
    /// One durable charge beside the disk alone, and reads of an idle engine.
    Latency(latency::Arguments),
    /// Transfers between accounts of one enterprise, and one alone beside the disk.
    Transfers(transfers::Arguments),
    /// A month's bills of many accounts, issued and written off beside ingestion.
    Bills(bills::Arguments),
    /// Accounts that all cross the thresholds of their alerts in one ingestion, beside the same without alerts.
    Alerts(alerts::Arguments),
    /// Ingestion beside a subscriber that renders every event, and alone.
    Events(events::Arguments),
    /// Pages of the list of accounts, unfiltered and by each filter, beside ingestion; and its export.
    Accounts(accounts::Arguments),
    /// Opening a ledger from its log, beside a plain loop; or from a snapshot.
    Recover(recover::Arguments),
}

/// What every benchmark takes.
#[derive(clap::Args, Debug)]
struct Common {
    /// Everything random follows from it.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Where the benchmark keeps its files while it runs: on the disk to be measured.
    #[arg(long, value_name = "DIR", default_value = ".")]
    scratch_dir: PathBuf,
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    match arguments {
        Arguments::File(arguments) => file::run(globals, arguments),
        Arguments::Ingest(arguments) => ingest::run(globals, arguments),
        Arguments::Soak(arguments) => soak::run(globals, arguments),
        Arguments::Latency(arguments) => latency::run(globals, arguments),
        Arguments::Transfers(arguments) => transfers::run(globals, arguments),
        Arguments::Bills(arguments) => bills::run(globals, arguments),
        Arguments::Alerts(arguments) => alerts::run(globals, arguments),
        Arguments::Events(arguments) => events::run(globals, arguments),
        Arguments::Accounts(arguments) => accounts::run(globals, arguments),
        Arguments::Recover(arguments) => recover::run(globals, arguments),
    }
}

/// Steps of a whole bar.
const BAR_STEPS: f64 = 1_000.0;

/// How far a benchmark is, on a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn start() -> Self {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a thousand
        let bar = if std::io::stderr().is_terminal() {
            ProgressBar::new(BAR_STEPS as u64)
        } else {
            ProgressBar::hidden()
        };
        if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} [{bar:40}] {percent}%  {msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// What is measured now.
    fn say(&self, what: String) {
        self.0.set_message(what);
    }

    /// What share of all is done, 0 to 1.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a share of a thousand
    fn reached(&self, share: f64) {
        self.0.set_position((BAR_STEPS * share) as u64);
    }

    /// What share of part `number` of `parts` is done.
    #[allow(clippy::cast_precision_loss)] // a handful
    fn reached_of(&self, number: usize, parts: usize, share: f64) {
        self.reached((number as f64 + share) / parts as f64);
    }

    fn finish(&self) {
        self.0.finish_and_clear();
    }
}

/// The value of `--rate`.
fn rate(text: &str) -> Result<Rate, &'static str> {
    const WRONG: &str = "give charges a second such as 500000, or a share of the top rate such as 70%";
    // Less is never.
    let number = |text: &str| positive(text).filter(|number| *number >= 0.01);
    match text.strip_suffix('%') {
        Some(share) => number(share).map(|share| Rate::Share(share / 100.0)),
        None => number(text).map(Rate::PerSecond),
    }
    .ok_or(WRONG)
}

fn positive(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0)
}

fn cannot_measure(error: &(dyn Error + 'static)) -> Failure {
    Failure::because("cannot measure", error, "check --scratch-dir: it must be writable, with some GB free")
}

fn latency_us(latency: &Latency) -> Value {
    json!({
        "p50": latency.us(0.5),
        "p99": latency.us(0.99),
        "p999": latency.us(0.999),
        "max": latency.max_us(),
    })
}
