//! `exchequer bench bills`: a month's bills of many accounts, issued and written off beside ingestion.

use serde_json::json;

use super::super::failure::Failure;
use super::super::{Globals, Output, Verdict, console};
use super::{Bar, Common, cannot_measure, latency_us};
use crate::load::bills::{BillsSpec, Measured, measure};

#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    common: Common,
    /// Billing accounts, each with some cash.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    accounts: u32,
    /// Charges of the month that is billed.
    #[arg(long, value_name = "N", default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    charges: u64,
    /// Charges a batch.
    #[arg(long, value_name = "N", default_value_t = 8_192, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    batch: u32,
    /// Shards of the engine.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    shards: u32,
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let spec = BillsSpec {
        accounts: arguments.accounts,
        charges: arguments.charges,
        batch: arguments.batch as usize,
        shards: arguments.shards as usize,
        seed: arguments.common.seed,
    };
    let bar = Bar::start();
    let progress = |what: &str, share: f64| {
        bar.say(what.to_owned());
        bar.reached(share);
    };
    let measured = measure(&spec, &arguments.common.scratch_dir, &progress);
    let measured = measured.map_err(|error| cannot_measure(&*error))?;
    bar.finish();
    match globals.output {
        Output::Json => console::print_json(&json!({
            "accounts": spec.accounts,
            "charges": spec.charges,
            "batch": spec.batch,
            "shards": spec.shards,
            "seed": spec.seed,
            "bills_issued": measured.issued,
            "bills_settled_about": measured.settled,
            "issuing_seconds": measured.issuing.as_secs_f64(),
            "charges_per_second_alone": measured.alone.charges_per_second().round(),
            "charges_per_second_beside": measured.beside.charges_per_second().round(),
            "batch_latency_us_alone": latency_us(&measured.alone.latency),
            "batch_latency_us_beside": latency_us(&measured.latency_beside),
            "ratio": measured.ratio(),
        }))?,
        Output::Text => console::print(&text(&measured))?,
    }
    Ok(Verdict::Good)
}

fn text(measured: &Measured) -> String {
    format!(
        "{} bills issued in {:.1} s, about {} of them settled at once\n\
         ingestion: {:.0} charges/s alone, {:.0} while bills were issued: {:.2}; p99 of a batch {:.0} us and {:.0} us\n",
        measured.issued,
        measured.issuing.as_secs_f64(),
        measured.settled,
        measured.alone.charges_per_second(),
        measured.beside.charges_per_second(),
        measured.ratio(),
        measured.alone.latency.us(0.99),
        measured.latency_beside.us(0.99),
    )
}
