//! `exchequer bench latency`: one durable charge beside the disk alone, and reads of an idle engine.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::table::{Column, table};
use super::super::{Globals, Output, Verdict, console};
use super::{Bar, Common, cannot_measure, latency_us};
use crate::load::figures::Latency;
use crate::load::latency::{Latencies, LatencySpec, measure};

#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    common: Common,
    /// Billing accounts.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    accounts: u32,
    /// Charges, one by one, each beside a lone write and fdatasync of as many bytes.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..))]
    charges: u64,
    /// Reads through mailboxes, and as many of the newest available credit without a lock.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    reads: u64,
    /// Shards of the engine.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    shards: u32,
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let spec = LatencySpec {
        accounts: arguments.accounts,
        shards: arguments.shards as usize,
        charges: arguments.charges,
        reads: arguments.reads,
        seed: arguments.common.seed,
    };
    let bar = Bar::start();
    bar.say("charges one by one, beside the disk alone; then reads".to_owned());
    let measured = measure(&spec, &arguments.common.scratch_dir, &mut |share| bar.reached(share))
        .map_err(|error| cannot_measure(&*error))?;
    bar.finish();
    match globals.output {
        Output::Json => console::print_json(&json(&spec, &measured))?,
        Output::Text => console::print(&text(&measured))?,
    }
    Ok(Verdict::Good)
}

fn json(spec: &LatencySpec, measured: &Latencies) -> Value {
    let reads = &measured.lock_free_read;
    json!({
        "accounts": spec.accounts,
        "charges": spec.charges,
        "reads": spec.reads,
        "shards": spec.shards,
        "seed": spec.seed,
        "block_bytes": measured.block_bytes,
        "charge_us": latency_us(&measured.charge),
        "fdatasync_us": latency_us(&measured.fdatasync),
        "ratio_p50": measured.ratio_p50(),
        "mailbox_read_us": latency_us(&measured.mailbox_read),
        "lock_free_read_ns": {
            "p50": reads.ns(0.5),
            "p99": reads.ns(0.99),
            "p999": reads.ns(0.999),
            "max": reads.max_ns(),
        },
    })
}

fn text(measured: &Latencies) -> String {
    use Column::{Left, Right};
    let columns = [Left(""), Right("p50 us"), Right("p99 us"), Right("p99.9 us"), Right("max us")];
    let row = |what: &str, latency: &Latency| {
        let figures = [latency.us(0.5), latency.us(0.99), latency.us(0.999), latency.max_us()];
        std::iter::once(what.to_owned())
            .chain(figures.map(|figure| format!("{figure:.1}")))
            .collect::<Vec<_>>()
    };
    let rows = [
        row("durable charge", &measured.charge),
        row("fdatasync alone", &measured.fdatasync),
        row("read through mailbox", &measured.mailbox_read),
    ];
    let mut text = table(&columns, &rows);
    let _ = writeln!(
        text,
        "a durable charge takes {:.2} times as long as writing and syncing its {} bytes alone (p50)",
        measured.ratio_p50(),
        measured.block_bytes
    );
    let (p50, p99) = (measured.lock_free_read.ns(0.5), measured.lock_free_read.ns(0.99));
    let _ = writeln!(text, "a lock-free read takes {p50} ns (p50; p99 {p99} ns)");
    text
}
