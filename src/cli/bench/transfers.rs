//! `exchequer bench transfers`: transfers between accounts of one enterprise, and one alone beside the disk.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::table::{Column, table};
use super::super::{Globals, Output, Verdict, console};
use super::{Bar, Common, cannot_measure, latency_us};
use crate::load::figures::Latency;
use crate::load::transfers::{Transfers, TransfersSpec, measure};

#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    common: Common,
    /// Billing accounts of the enterprise.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(2..=60_000))]
    accounts: u32,
    /// Transfers at full speed.
    #[arg(long, value_name = "N", default_value_t = 500_000, value_parser = clap::value_parser!(u64).range(1..))]
    transfers: u64,
    /// Transfers under way at a time.
    #[arg(long, value_name = "N", default_value_t = 4_096, value_parser = clap::value_parser!(u32).range(1..))]
    callers: u32,
    /// Transfers one by one, each beside a lone write and fdatasync.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    alone: u64,
    /// Shards of the engine.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    shards: u32,
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let spec = TransfersSpec {
        accounts: arguments.accounts,
        shards: arguments.shards as usize,
        transfers: arguments.transfers,
        callers: arguments.callers as usize,
        alone: arguments.alone,
        seed: arguments.common.seed,
    };
    let bar = Bar::start();
    bar.say("transfers one by one, then many at a time".to_owned());
    let measured = measure(&spec, &arguments.common.scratch_dir, &mut |share| bar.reached(share))
        .map_err(|error| cannot_measure(&*error))?;
    bar.finish();
    match globals.output {
        Output::Json => console::print_json(&json(&spec, &measured))?,
        Output::Text => console::print(&text(&spec, &measured))?,
    }
    Ok(Verdict::Good)
}

fn ratio(measured: &Transfers) -> f64 {
    measured.alone.us(0.5) / measured.fdatasync.us(0.5)
}

fn json(spec: &TransfersSpec, measured: &Transfers) -> Value {
    json!({
        "accounts": spec.accounts,
        "transfers": spec.transfers,
        "callers": spec.callers,
        "shards": spec.shards,
        "seed": spec.seed,
        "transfers_per_second": measured.per_second.round(),
        "transfer_us": latency_us(&measured.loaded),
        "alone_us": latency_us(&measured.alone),
        "fdatasync_us": latency_us(&measured.fdatasync),
        "ratio_p50": ratio(measured),
    })
}

fn text(spec: &TransfersSpec, measured: &Transfers) -> String {
    use Column::{Left, Right};
    let columns = [Left(""), Right("p50 us"), Right("p99 us"), Right("p99.9 us"), Right("max us")];
    let row = |what: String, latency: &Latency| {
        let figures = latency.quartet().map(|figure| format!("{figure:.1}"));
        std::iter::once(what).chain(figures).collect::<Vec<_>>()
    };
    let rows = [
        row("one transfer alone".to_owned(), &measured.alone),
        row("fdatasync alone".to_owned(), &measured.fdatasync),
        row(format!("one of {} under way", spec.callers), &measured.loaded),
    ];
    let mut text = table(&columns, &rows);
    let _ = writeln!(
        text,
        "{:.0} durable transfers a second; one alone takes {:.2} times as long as a lone sync (p50)",
        measured.per_second,
        ratio(measured)
    );
    text
}
