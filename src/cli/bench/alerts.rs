//! `exchequer bench alerts`: every account crosses the threshold of its alert in one ingestion.

use serde_json::json;

use super::super::failure::Failure;
use super::super::{Globals, Output, Verdict, console};
use super::{Bar, Common, cannot_measure};
use crate::load::alerts::{AlertsSpec, Round, measure, ratio};

#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    common: Common,
    /// Billing accounts, each with an alert that fires after about a third of its charges.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    accounts: u32,
    /// Charges a round.
    #[arg(long, value_name = "N", default_value_t = 3_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    charges: u64,
    /// Charges a batch.
    #[arg(long, value_name = "N", default_value_t = 8_192, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    batch: u32,
    /// Shards of the engine.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    shards: u32,
    /// Rounds, each with alerts and without.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: u32,
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let spec = AlertsSpec {
        accounts: arguments.accounts,
        charges: arguments.charges,
        batch: arguments.batch as usize,
        shards: arguments.shards as usize,
        rounds: arguments.rounds as usize,
        seed: arguments.common.seed,
    };
    let bar = Bar::start();
    bar.say("crossing thresholds".to_owned());
    let measured = measure(&spec, &arguments.common.scratch_dir, &mut |share| bar.reached(share));
    let rounds = measured.map_err(|error| cannot_measure(&*error))?;
    bar.finish();
    match globals.output {
        Output::Json => console::print_json(&json!({
            "accounts": spec.accounts,
            "charges": spec.charges,
            "batch": spec.batch,
            "shards": spec.shards,
            "seed": spec.seed,
            "rounds": rounds.iter().map(|round| json!({
                "charges_per_second_without": round.without.charges_per_second().round(),
                "charges_per_second_with": round.with.charges_per_second().round(),
                "ratio": round.ratio(),
                "notifications": round.told,
                "read_after_seconds": round.behind.as_secs_f64(),
                "memory_bytes_without": round.memory[0],
                "memory_bytes_with": round.memory[1],
            })).collect::<Vec<_>>(),
            "ratio": ratio(&rounds),
        }))?,
        Output::Text => console::print(&text(&rounds))?,
    }
    Ok(Verdict::Good)
}

fn text(rounds: &[Round]) -> String {
    let line = |round: &Round| {
        format!(
            "{:.0} charges/s without alerts, {:.0} with: {:.2}; {} notifications, the last one read {:.2} s after the last \
             charge; memory grew by {} MiB and {} MiB\n",
            round.without.charges_per_second(),
            round.with.charges_per_second(),
            round.ratio(),
            round.told,
            round.behind.as_secs_f64(),
            round.memory[0] >> 20,
            round.memory[1] >> 20,
        )
    };
    let lines: String = rounds.iter().map(line).collect();
    format!("{lines}ratio (median): {:.2}\n", ratio(rounds))
}
