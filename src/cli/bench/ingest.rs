//! `exchequer bench ingest`: the engine and the floor in turn.

use std::fmt::Write as _;

use clap::ValueEnum;
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::table::{Column, count, table};
use super::super::{Globals, Output, Verdict, console};
use super::html::{self, Html};
use super::{Bar, Common, cannot_measure, latency_us, rate};
use crate::load::drive::Rate;
use crate::load::figures::{Figures, Latency, geometric_mean, median};
use crate::load::ingest::{IngestSpec, Round, Rounds, measure};
use crate::load::report::{Page, ingest as charts};
use crate::load::workload::{Distribution, IdOrder, WorkloadSpec};

/// Several values of an option mean a cell for each, and for each combination.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    common: Common,
    /// Billing accounts.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "100000", value_parser = clap::value_parser!(u32).range(1..))]
    accounts: Vec<u32>,
    /// Charges a round.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    charges: u64,
    /// Charges a batch.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "8192", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    batch: Vec<u32>,
    /// Which accounts are charged.
    #[arg(long, value_enum, value_name = "WHICH,…", value_delimiter = ',', default_value = "uniform")]
    distribution: Vec<Accounts>,
    /// What charge ids look like.
    #[arg(long, value_enum, value_name = "WHICH,…", value_delimiter = ',', default_value = "random")]
    ids: Vec<Ids>,
    /// Shards of the engine, and threads of the floor.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1", value_parser = clap::value_parser!(u32).range(1..=64))]
    shards: Vec<u32>,
    /// Rounds that count; one more warms up.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Charges handed over a second, or a share such as `70%` of the top rate; by default as fast as they are accepted.
    #[arg(long, value_name = "N|N%", value_parser = rate)]
    rate: Option<Rate>,
    /// Batches in flight for each thread that posts; by default 64, of at most 32,768 charges.
    #[arg(long, value_name = "N")]
    in_flight: Option<u32>,
    /// Take snapshots all the while, and tell the latency beside them.
    #[arg(long)]
    snapshots: bool,
    /// Coupons of each account: each charge is deducted from one of them.
    #[arg(long, value_name = "N", default_value_t = 0)]
    coupons: u32,
    #[command(flatten)]
    html: Html,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum Accounts {
    /// All alike.
    Uniform,
    /// A few often.
    Zipf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum Ids {
    /// Counted up.
    Ordered,
    /// In no order.
    Random,
}

/// One cell of the table.
struct Cell {
    spec: IngestSpec,
    measured: Rounds,
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let html = arguments.html.create()?;
    let specs = specs(arguments);
    let bar = Bar::start();
    let cells_count = specs.len();
    let mut cells = Vec::new();
    for (number, spec) in specs.into_iter().enumerate() {
        bar.say(describe(&spec));
        let measured = measure(&spec, &arguments.common.scratch_dir, &mut |share| {
            bar.reached_of(number, cells_count, share);
        })
        .map_err(|error| cannot_measure(&*error))?;
        cells.push(Cell { spec, measured });
    }
    bar.finish();
    arguments.html.write(html, || page(&cells, arguments.common.seed))?;
    match globals.output {
        Output::Json => console::print_json(&json(&cells))?,
        Output::Text => console::print(&text(&cells))?,
    }
    Ok(Verdict::Good)
}

fn specs(arguments: &Arguments) -> Vec<IngestSpec> {
    let mut specs = Vec::new();
    for shards in &arguments.shards {
        for accounts in &arguments.accounts {
            for batch in &arguments.batch {
                for distribution in &arguments.distribution {
                    for ids in &arguments.ids {
                        specs.push(IngestSpec {
                            workload: WorkloadSpec {
                                accounts: *accounts,
                                batch: *batch as usize,
                                distribution: match distribution {
                                    Accounts::Uniform => Distribution::Uniform,
                                    Accounts::Zipf => Distribution::Zipf,
                                },
                                ids: match ids {
                                    Ids::Ordered => IdOrder::Ordered,
                                    Ids::Random => IdOrder::Random,
                                },
                                seed: arguments.common.seed,
                            },
                            charges: arguments.charges,
                            shards: *shards as usize,
                            rounds: arguments.rounds as usize,
                            rate: arguments.rate.unwrap_or(Rate::Top),
                            in_flight: arguments.in_flight.map(|batches| batches.max(1) as usize),
                            snapshots: arguments.snapshots,
                            coupons: arguments.coupons,
                        });
                    }
                }
            }
        }
    }
    specs
}

fn names(spec: &IngestSpec) -> (&'static str, &'static str) {
    let distribution = match spec.workload.distribution {
        Distribution::Uniform => "uniform",
        Distribution::Zipf => "zipf",
    };
    let ids = match spec.workload.ids {
        IdOrder::Ordered => "ordered",
        IdOrder::Random => "random",
    };
    (distribution, ids)
}

fn describe(spec: &IngestSpec) -> String {
    let (distribution, ids) = names(spec);
    format!(
        "{} accounts, batches of {}, {distribution}, {ids} ids, {} shards",
        count(u64::from(spec.workload.accounts)),
        count(spec.workload.batch as u64),
        spec.shards
    )
}

fn figures_json(figures: &Figures) -> Value {
    json!({
        "charges_per_second": figures.charges_per_second().round(),
        "cpu_ns_per_charge": figures.cpu_ns_per_charge().round(),
        "batch_latency_us": latency_us(&figures.latency),
    })
}

fn cell_json(cell: &Cell) -> Value {
    let (distribution, ids) = names(&cell.spec);
    let rounds: Vec<_> = cell
        .measured
        .rounds
        .iter()
        .map(|round| {
            let mut json = json!({
                "engine": figures_json(&round.engine),
                "floor": figures_json(&round.floor),
                "ratio": round.ratio(),
            });
            if round.beside_snapshot.count() > 0 {
                json["engine"]["batch_latency_us_beside_snapshot"] = latency_us(&round.beside_snapshot);
            }
            json
        })
        .collect();
    json!({
        "accounts": cell.spec.workload.accounts,
        "batch": cell.spec.workload.batch,
        "distribution": distribution,
        "ids": ids,
        "shards": cell.spec.shards,
        "charges": cell.spec.charges,
        "seed": cell.spec.workload.seed,
        "rounds": rounds,
        "ratio": cell.measured.ratio(),
        "fdatasync_us": { "p50": cell.measured.fdatasync.us(0.5), "p99": cell.measured.fdatasync.us(0.99) },
    })
}

/// One cell as an object; several as `cells`, with what they come to together.
fn json(cells: &[Cell]) -> Value {
    if let [cell] = cells {
        return cell_json(cell);
    }
    let ratios: Vec<_> = cells.iter().map(|cell| cell.measured.ratio()).collect();
    json!({
        "cells": cells.iter().map(cell_json).collect::<Vec<_>>(),
        "ratio_geometric_mean": geometric_mean(&ratios),
        "ratio_min": ratios.iter().copied().fold(f64::INFINITY, f64::min),
    })
}

fn middle(rounds: &[Round], figure: impl Fn(&Round) -> f64) -> f64 {
    median(rounds.iter().map(figure).collect())
}

const COLUMNS: [Column; 13] = {
    use Column::{Left, Right};
    [
        Right("shards"),
        Right("accounts"),
        Right("batch"),
        Left("accounts are"),
        Left("ids"),
        Right("engine/s"),
        Right("floor/s"),
        Right("ratio"),
        Right("engine ns"),
        Right("floor ns"),
        Right("p50 us"),
        Right("p99 us"),
        Right("floor p99 us"),
    ]
};

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rounded rates
fn whole(figure: f64) -> String {
    count(figure.round() as u64)
}

/// A lone sync, over all cells.
fn fdatasync(cells: &[Cell]) -> Latency {
    let mut fdatasync = Latency::default();
    for cell in cells {
        fdatasync.merge(&cell.measured.fdatasync);
    }
    fdatasync
}

fn rows(cells: &[Cell]) -> Vec<Vec<String>> {
    cells
        .iter()
        .map(|cell| {
            let rounds = &cell.measured.rounds;
            let (distribution, ids) = names(&cell.spec);
            vec![
                cell.spec.shards.to_string(),
                count(u64::from(cell.spec.workload.accounts)),
                count(cell.spec.workload.batch as u64),
                distribution.to_owned(),
                ids.to_owned(),
                whole(middle(rounds, |round| round.engine.charges_per_second())),
                whole(middle(rounds, |round| round.floor.charges_per_second())),
                format!("{:.2}", cell.measured.ratio()),
                whole(middle(rounds, |round| round.engine.cpu_ns_per_charge())),
                whole(middle(rounds, |round| round.floor.cpu_ns_per_charge())),
                whole(middle(rounds, |round| round.engine.latency.us(0.5))),
                whole(middle(rounds, |round| round.engine.latency.us(0.99))),
                whole(middle(rounds, |round| round.floor.latency.us(0.99))),
            ]
        })
        .collect()
}

fn text(cells: &[Cell]) -> String {
    let mut text = table(&COLUMNS, &rows(cells));
    let fdatasync = fdatasync(cells);
    let _ = writeln!(
        text,
        "medians of the rounds; a lone fdatasync of 4 KiB here: p50 {:.0} us, p99 {:.0} us",
        fdatasync.us(0.5),
        fdatasync.us(0.99)
    );
    if cells.len() > 1 {
        let ratios: Vec<_> = cells.iter().map(|cell| cell.measured.ratio()).collect();
        let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let mean = geometric_mean(&ratios);
        let _ = writeln!(text, "geometric mean of the ratios {mean:.3}, the least {least:.3}");
    }
    text
}

fn page(cells: &[Cell], seed: u64) -> Page {
    let mut findings = Vec::new();
    if let [cell] = cells {
        findings.push(format!(
            "The engine posts {} durable charges a second, {:.0} % of what the plain loop does; {}.",
            whole(middle(&cell.measured.rounds, |round| round.engine.charges_per_second())),
            100.0 * cell.measured.ratio(),
            describe(&cell.spec)
        ));
    } else {
        let ratios: Vec<_> = cells.iter().map(|cell| cell.measured.ratio()).collect();
        findings.push(format!(
            "The engine reaches {:.0} % of the plain loop's throughput (geometric mean of {} cells), {:.0} % at least.",
            100.0 * geometric_mean(&ratios),
            cells.len(),
            100.0 * ratios.iter().copied().fold(f64::INFINITY, f64::min)
        ));
    }
    let fdatasync = fdatasync(cells);
    findings.push(format!(
        "The disk alone takes {:.0} µs (50 %) to {:.0} µs (99 %) for a lone write and sync of 4 KiB.",
        fdatasync.us(0.5),
        fdatasync.us(0.99)
    ));
    Page {
        title: "Exchequer: durable charges, engine and floor".to_owned(),
        findings,
        notes: charts::NOTES.to_vec(),
        command: html::command_line(),
        seed,
        tables: vec![html::table("All cells, medians of the rounds", &COLUMNS, rows(cells))],
        sections: cells.iter().map(|cell| charts::section(describe(&cell.spec), &cell.measured)).collect(),
    }
}
