//! `exchequer bench accounts`: pages of the unified list beside ingestion, and its export.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::super::export::{RowForm, accounts::export, buffered};
use super::super::failure::Failure;
use super::super::progress::{Form, Progress};
use super::super::table::{Column, count, table};
use super::super::{Globals, Output, Verdict, console};
use super::{Bar, Common, cannot_measure, latency_us, rate};
use crate::engine::Engine;
use crate::engine::listing::AccountFilter;
use crate::load::accounts::{AccountsSpec, Exported, Measured, PAGE_ACCOUNTS, measure};
use crate::load::drive::Rate;

#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    common: Common,
    /// Billing accounts.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(8..))]
    accounts: u32,
    /// Pages asked for, of all filters together.
    #[arg(long, value_name = "N", default_value_t = 4_500, value_parser = clap::value_parser!(u64).range(1..))]
    pages: u64,
    /// Charges that are generated and posted at a time.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    charges: u64,
    /// Charges a batch.
    #[arg(long, value_name = "N", default_value_t = 8_192, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    batch: u32,
    /// Shards of the engine, and threads that post.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    shards: u32,
    /// Charges handed over a second beside the queries, or a share such as `70%` of the top rate; by default as fast as
    /// they are accepted.
    #[arg(long, value_name = "N|N%", value_parser = rate)]
    rate: Option<Rate>,
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let spec = AccountsSpec {
        accounts: arguments.accounts,
        pages: arguments.pages,
        charges: arguments.charges,
        batch: arguments.batch as usize,
        shards: arguments.shards as usize,
        rate: arguments.rate.unwrap_or(Rate::Top),
        seed: arguments.common.seed,
    };
    let bar = Bar::start();
    let progress = |what: &str, share: f64| {
        bar.say(what.to_owned());
        bar.reached(share);
    };
    let scratch = &arguments.common.scratch_dir;
    let csv = |engine: &Engine| write(engine, RowForm::Csv, scratch);
    let ndjson = |engine: &Engine| write(engine, RowForm::Ndjson, scratch);
    let measured = measure(&spec, scratch, &[("csv", &csv), ("ndjson", &ndjson)], &progress);
    let measured = measured.map_err(|error| cannot_measure(&*error))?;
    bar.finish();
    match globals.output {
        Output::Json => console::print_json(&json(&spec, &measured))?,
        Output::Text => console::print(&text(&measured))?,
    }
    Ok(Verdict::Good)
}

/// Writes the whole list to a file that is removed.
fn write(engine: &Engine, form: RowForm, scratch: &Path) -> Result<u64, Box<dyn Error>> {
    let out = buffered(Box::new(tempfile::tempfile_in(scratch)?));
    let progress = Progress::start(Form::None, None);
    export(engine, &AccountFilter::default(), form, out, &progress).map_err(|failure| {
        failure.print();
        "the list was not written".into()
    })
}

fn json(spec: &AccountsSpec, measured: &Measured) -> Value {
    let pages = measured.pages.iter().map(|(filter, latency)| {
        json!({ "filter": filter, "pages": latency.count(), "latency_us": latency_us(latency) })
    });
    let exports = measured.exports.iter().map(|exported| {
        json!({
            "form": exported.form,
            "accounts": exported.accounts,
            "seconds": exported.elapsed.as_secs_f64(),
            "accounts_per_second": exported.per_second().round(),
            "memory_growth_bytes": exported.growth,
        })
    });
    json!({
        "accounts": spec.accounts,
        "page": PAGE_ACCOUNTS,
        "batch": spec.batch,
        "shards": spec.shards,
        "seed": spec.seed,
        "charges_per_second_alone": measured.alone.charges_per_second().round(),
        "charges_per_second_offered": measured.rate.map(f64::round),
        "charges_per_second_beside": measured.beside.charges_per_second().round(),
        "ratio": measured.ratio(),
        "batch_latency_us_alone": latency_us(&measured.alone.latency),
        "batch_latency_us_beside": latency_us(&measured.beside.latency),
        "pages": pages.collect::<Vec<_>>(),
        "exports": exports.collect::<Vec<_>>(),
    })
}

fn text(measured: &Measured) -> String {
    use Column::{Left, Right};
    let columns = [
        Left("filter"),
        Right("pages"),
        Right("p50 us"),
        Right("p99 us"),
        Right("p99.9 us"),
        Right("max us"),
    ];
    let rows: Vec<_> = measured
        .pages
        .iter()
        .map(|(filter, latency)| {
            let figures = latency.quartet().map(|figure| format!("{figure:.0}"));
            [(*filter).to_owned(), count(latency.count())].into_iter().chain(figures).collect()
        })
        .collect();
    let mut text = table(&columns, &rows);
    let (alone, beside) = (&measured.alone, &measured.beside);
    let _ = writeln!(
        text,
        "pages of {PAGE_ACCOUNTS} beside ingestion{}: {:.0} charges/s alone at the top, {:.0} beside: {:.2}; a batch takes {:.0} us alone (p50)",
        measured.rate.map_or_else(String::new, |rate| format!(" at {rate:.0} charges/s")),
        alone.charges_per_second(),
        beside.charges_per_second(),
        measured.ratio(),
        alone.latency.us(0.5),
    );
    for exported in &measured.exports {
        let Exported { form, accounts, growth, .. } = exported;
        let _ = writeln!(
            text,
            "export as {form}: {} accounts, {:.0} a second; memory grew by {} KiB",
            count(*accounts),
            exported.per_second(),
            count(growth / 1_024),
        );
    }
    text
}
