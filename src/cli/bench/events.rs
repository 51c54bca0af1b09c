//! `exchequer bench events`: ingestion beside a subscriber of the change feed, and alone.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::table::{Column, count, table};
use super::super::{Globals, Output, Verdict, console};
use super::{Bar, Common, cannot_measure};
use crate::load::events::{EventsSpec, Round, Rounds, measure};
use crate::load::figures::Figures;
use crate::load::workload::{Distribution, IdOrder, WorkloadSpec};

#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    common: Common,
    /// Billing accounts.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    accounts: u32,
    /// Charges of each run.
    #[arg(long, value_name = "N", default_value_t = 2_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    charges: u64,
    /// Charges a batch.
    #[arg(long, value_name = "N", default_value_t = 8_192, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    batch: u32,
    /// Shards of the engine, and threads that post.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    shards: u32,
    /// Rounds, each a run alone and a run beside the subscriber.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let workload = WorkloadSpec {
        accounts: arguments.accounts,
        batch: arguments.batch as usize,
        distribution: Distribution::Uniform,
        ids: IdOrder::Random,
        seed: arguments.common.seed,
    };
    let spec = EventsSpec {
        workload,
        charges: arguments.charges,
        shards: arguments.shards as usize,
        rounds: arguments.rounds as usize,
    };
    let bar = Bar::start();
    bar.say("ingestion alone, and beside a subscriber".to_owned());
    let measured = measure(&spec, &arguments.common.scratch_dir, &mut |share| bar.reached(share))
        .map_err(|error| cannot_measure(&*error))?;
    bar.finish();
    match globals.output {
        Output::Json => console::print_json(&json(&spec, &measured))?,
        Output::Text => console::print(&text(&measured))?,
    }
    Ok(Verdict::Good)
}

fn json(spec: &EventsSpec, measured: &Rounds) -> Value {
    let side = |figures: &Figures| {
        json!({
            "charges_per_second": figures.charges_per_second().round(),
            "cpu_ns_per_charge": figures.cpu_ns_per_charge().round(),
        })
    };
    let round = |round: &Round| {
        let follower = &round.follower;
        json!({
            "alone": side(&round.alone),
            "beside": side(&round.beside),
            "ratio": round.ratio(),
            "follower": {
                "events": follower.events,
                "bytes": follower.bytes,
                "events_per_second": follower.events_per_second().round(),
                "events_behind_at_end": follower.events - follower.events_at_end,
                "seconds_behind_at_end": follower.behind.as_secs_f64(),
                "catching_up_per_second": follower.catching_up_per_second().map(f64::round),
            },
        })
    };
    json!({
        "accounts": spec.workload.accounts,
        "charges": spec.charges,
        "batch": spec.workload.batch,
        "shards": spec.shards,
        "seed": spec.workload.seed,
        "complete_and_in_order": true,
        "rounds": measured.rounds.iter().map(round).collect::<Vec<_>>(),
        "ratio": measured.ratio(),
    })
}

fn text(measured: &Rounds) -> String {
    use Column::Right;
    let columns = [
        Right("round"),
        Right("alone/s"),
        Right("beside/s"),
        Right("ratio"),
        Right("events/s"),
        Right("behind at end"),
        Right("for s"),
        Right("catching up/s"),
    ];
    let rows: Vec<_> = (1_u64..)
        .zip(&measured.rounds)
        .map(|(number, round)| {
            let follower = &round.follower;
            let catching_up = follower.catching_up_per_second();
            vec![
                number.to_string(),
                format!("{:.0}", round.alone.charges_per_second()),
                format!("{:.0}", round.beside.charges_per_second()),
                format!("{:.2}", round.ratio()),
                format!("{:.0}", follower.events_per_second()),
                count(follower.events - follower.events_at_end),
                format!("{:.2}", follower.behind.as_secs_f64()),
                catching_up.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.0}")),
            ]
        })
        .collect();
    let mut text = table(&columns, &rows);
    let _ = writeln!(
        text,
        "ingestion keeps {:.2} of its throughput beside a subscriber, which got every event once and in order",
        measured.ratio()
    );
    text
}
