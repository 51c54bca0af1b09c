//! `exchequer bench recover`: opening a ledger, beside a plain loop that makes the same state of the same log.

use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::table::{Column, count, table};
use super::super::{Globals, Output, Verdict, console};
use super::{Bar, Common, cannot_measure};
use crate::load::figures::{Figures, median};
use crate::load::recover::{RecoverSpec, Round, SnapshotRounds, from_log, from_snapshot, ratio};

/// Several numbers of shards mean a cell for each.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    common: Common,
    /// Billing accounts, each with one cloud account.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    accounts: u32,
    /// Charges in the log.
    #[arg(long, value_name = "N", default_value_t = 2_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    charges: u64,
    /// Shards of the engine, and threads of the floor.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1", value_parser = clap::value_parser!(u32).range(1..=64))]
    shards: Vec<u32>,
    /// Rounds.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Take a snapshot, and measure opening from it; there is no floor for that.
    #[arg(long)]
    from_snapshot: bool,
}

/// One number of shards.
struct Cell {
    spec: RecoverSpec,
    measured: Measured,
}

enum Measured {
    Log(Vec<Round>),
    Snapshot(SnapshotRounds),
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let bar = Bar::start();
    let cells_count = arguments.shards.len();
    let mut cells = Vec::new();
    for (number, shards) in arguments.shards.iter().enumerate() {
        let spec = RecoverSpec {
            accounts: arguments.accounts,
            charges: arguments.charges,
            shards: *shards as usize,
            rounds: arguments.rounds as usize,
            seed: arguments.common.seed,
        };
        bar.say(format!(
            "{} accounts, {} charges, {shards} shards",
            count(u64::from(spec.accounts)),
            count(spec.charges)
        ));
        let mut progress = |share: f64| bar.reached_of(number, cells_count, share);
        let directory = &arguments.common.scratch_dir;
        let measured = if arguments.from_snapshot {
            from_snapshot(&spec, directory, &mut progress).map(Measured::Snapshot)
        } else {
            from_log(&spec, directory, &mut progress).map(Measured::Log)
        };
        cells.push(Cell { spec, measured: measured.map_err(|error| cannot_measure(&*error))? });
    }
    bar.finish();
    match globals.output {
        Output::Json => console::print_json(&json(&cells))?,
        Output::Text => console::print(&text(&cells, arguments.from_snapshot))?,
    }
    Ok(Verdict::Good)
}

fn figures_json(figures: &Figures) -> Value {
    json!({
        "charges_per_second": figures.charges_per_second().round(),
        "seconds": figures.elapsed.as_secs_f64(),
        "cpu_ns_per_charge": figures.cpu_ns_per_charge().round(),
    })
}

fn cell_json(cell: &Cell) -> Value {
    let spec = &cell.spec;
    let mut json = json!({
        "accounts": spec.accounts,
        "charges": spec.charges,
        "shards": spec.shards,
        "seed": spec.seed,
    });
    match &cell.measured {
        Measured::Log(rounds) => {
            let figures = |round: &Round| {
                json!({
                    "engine": figures_json(&round.engine),
                    "floor": figures_json(&round.floor),
                    "ratio": round.ratio(),
                })
            };
            json["rounds"] = rounds.iter().map(figures).collect();
            json["ratio"] = ratio(rounds).into();
        }
        Measured::Snapshot(measured) => {
            let figures = |round: &Figures| {
                let (elapsed, cpu) = (round.elapsed.as_secs_f64(), round.cpu.as_secs_f64());
                json!({ "engine": { "seconds": elapsed, "cpu_seconds": cpu } })
            };
            json["snapshot_bytes"] = measured.snapshot_bytes.into();
            json["rounds"] = measured.rounds.iter().map(figures).collect();
            json["seconds"] = measured.seconds().into();
        }
    }
    json
}

/// One cell as an object, several as `cells`.
fn json(cells: &[Cell]) -> Value {
    match cells {
        [cell] => cell_json(cell),
        cells => json!({ "cells": cells.iter().map(cell_json).collect::<Vec<_>>() }),
    }
}

fn text(cells: &[Cell], from_snapshot: bool) -> String {
    use Column::Right;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rounded rates
    let whole = |figure: f64| count(figure.round() as u64);
    let heads = |cell: &Cell| {
        let spec = &cell.spec;
        vec![spec.shards.to_string(), count(u64::from(spec.accounts)), count(spec.charges)]
    };
    let mut columns = vec![Right("shards"), Right("accounts"), Right("charges")];
    columns.extend(if from_snapshot {
        vec![Right("snapshot bytes"), Right("seconds"), Right("cpu seconds")]
    } else {
        let names = ["engine/s", "floor/s", "ratio", "engine s", "floor s", "engine ns", "floor ns"];
        names.map(Right).to_vec()
    });
    let rows: Vec<_> = cells
        .iter()
        .map(|cell| {
            let mut row = heads(cell);
            match &cell.measured {
                Measured::Log(rounds) => {
                    let middle = |figure: &dyn Fn(&Round) -> f64| median(rounds.iter().map(figure).collect());
                    row.extend([
                        whole(middle(&|round| round.engine.charges_per_second())),
                        whole(middle(&|round| round.floor.charges_per_second())),
                        format!("{:.2}", ratio(rounds)),
                        format!("{:.3}", middle(&|round| round.engine.elapsed.as_secs_f64())),
                        format!("{:.3}", middle(&|round| round.floor.elapsed.as_secs_f64())),
                        whole(middle(&|round| round.engine.cpu_ns_per_charge())),
                        whole(middle(&|round| round.floor.cpu_ns_per_charge())),
                    ]);
                }
                Measured::Snapshot(measured) => {
                    let cpu = measured.rounds.iter().map(|round| round.cpu.as_secs_f64()).collect();
                    row.extend([
                        count(measured.snapshot_bytes),
                        format!("{:.3}", measured.seconds()),
                        format!("{:.3}", median(cpu)),
                    ]);
                }
            }
            row
        })
        .collect();
    let mut text = table(&columns, &rows);
    text.push_str("medians of the rounds\n");
    text
}
