//! `exchequer bench soak`: steady state with many identities held, and whether it stays steady.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::table::{Column, count, table};
use super::super::{Globals, Output, Verdict, console};
use super::html::{self, Html};
use super::{Bar, Common, latency_us, positive};
use crate::load::report::{Page, soak as charts};
use crate::load::soak::course::Stretch;
use crate::load::soak::{Ended, SoakReport, SoakSpec, Stage, soak};

const MIB: u64 = 1024 * 1024;

/// Ctrl-C ends a soak early; a report is made all the same.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    common: Common,
    /// How long, with the identities in place; a fraction too.
    #[arg(long, value_name = "N", value_parser = minutes)]
    minutes: f64,
    /// Billing accounts.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    accounts: u32,
    /// Charge identities held before the clock starts.
    #[arg(long, value_name = "N", default_value_t = 20_000_000)]
    ids: u64,
    /// Of a hundred charges, how many were sent before.
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0, value_parser = percent)]
    duplicates: f64,
    /// Charges a second, or `max`: as many as are answered.
    #[arg(long, value_name = "N|max", default_value = "max", value_parser = rate)]
    rate: Rate,
    /// Shards of the engine, and threads that post.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    shards: u32,
    /// Charges a batch.
    #[arg(long, value_name = "N", default_value_t = 8_192, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    batch: u32,
    /// Bytes of log after which a snapshot is taken, and the log trimmed below the one before.
    #[arg(long, value_name = "N", default_value_t = 256 * 1024 * 1024, value_parser = clap::value_parser!(u64).range(1..))]
    snapshot_log_bytes: u64,
    #[command(flatten)]
    html: Html,
}

#[derive(Clone, Copy, PartialEq, Debug)]
struct Rate(Option<f64>);

fn rate(text: &str) -> Result<Rate, &'static str> {
    let number = || positive(text).map(|rate| Rate(Some(rate)));
    if text == "max" {
        Ok(Rate(None))
    } else {
        number().ok_or("give charges a second such as 500000, or `max`")
    }
}

fn minutes(text: &str) -> Result<f64, &'static str> {
    positive(text).filter(|minutes| *minutes <= 60.0 * 24.0 * 366.0).ok_or("give minutes such as 30 or 0.5")
}

fn percent(text: &str) -> Result<f64, &'static str> {
    let number = text.trim_end_matches('%').parse().ok();
    number.filter(|percent| (0.0..=99.0).contains(percent)).ok_or("give a percentage of 0 to 99")
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let spec = SoakSpec {
        length: Duration::from_secs_f64(arguments.minutes * 60.0),
        accounts: arguments.accounts,
        ids: arguments.ids,
        resent: arguments.duplicates / 100.0,
        rate: arguments.rate.0,
        shards: arguments.shards as usize,
        batch: arguments.batch as usize,
        snapshot_log_bytes: arguments.snapshot_log_bytes,
        seed: arguments.common.seed,
    };
    let html = arguments.html.create()?;
    let interrupted = Arc::new(AtomicBool::new(false));
    // The first one ends the soak, the second one the process.
    let signal = signal_hook::consts::SIGINT;
    signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&interrupted))
        .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&interrupted)))
        .map_err(|error| Failure::because("cannot wait for Ctrl-C", &error, "try again"))?;
    let bar = Bar::start();
    let report = soak(&spec, &arguments.common.scratch_dir, &interrupted, &mut |stage| {
        show(&bar, &spec, stage);
    })
    .map_err(|error| {
        let hint = "check --scratch-dir: it must be writable, with room for the log and three snapshots";
        Failure::because("cannot soak", &*error, hint)
    })?;
    bar.finish();
    arguments.html.write(html, || page(&spec, &report))?;
    match globals.output {
        Output::Json => console::print_json(&json(&spec, &report))?,
        Output::Text => console::print(&text(&spec, &report))?,
    }
    Ok(Verdict::of(report.is_exact()))
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)] // to be looked at
fn show(bar: &Bar, spec: &SoakSpec, stage: Stage) {
    match stage {
        Stage::Filling(ids) => {
            bar.reached(ids as f64 / spec.ids.max(1) as f64);
            bar.say(format!("{} ids made", count(ids)));
        }
        Stage::Running(now, rate, ids) => {
            bar.reached(now.as_secs_f64() / spec.length.as_secs_f64());
            bar.say(format!("{} charges/s, {} ids held", count(rate as u64), count(ids)));
        }
        Stage::Auditing => {
            bar.reached(1.0);
            bar.say("comparing the ledger with what was sent".to_owned());
        }
    }
}

fn latency_json(latency: &[f64; 4]) -> Value {
    let [p50, p99, p999, max] = latency;
    json!({ "p50": p50, "p99": p99, "p999": p999, "max": max })
}

fn stretch_json(stretch: &Stretch) -> Value {
    json!({
        "from_seconds": stretch.from.as_secs_f64(),
        "to_seconds": stretch.to.as_secs_f64(),
        "charges": stretch.charges,
        "charges_per_second": stretch.charges_per_second().round(),
        "cpu_ns_per_charge": stretch.cpu_ns_per_charge().round(),
        "batch_latency_us": latency_json(&stretch.latency_us),
        "memory_bytes": stretch.memory_bytes,
        "ids": stretch.ids,
        "segments": stretch.segments,
        "log_bytes": stretch.log_bytes,
        "snapshots": stretch.snapshots,
    })
}

fn ended(report: &SoakReport) -> &'static str {
    match report.ended {
        Ended::Time => "time",
        Ended::Interrupted => "interrupted",
        Ended::Memory => "memory",
    }
}

fn json(spec: &SoakSpec, report: &SoakReport) -> Value {
    let (total, memory, audit) = (&report.ran.total, &report.memory, &report.audit);
    let drift = report.ran.drift.as_ref().map(|drift| {
        json!({
            "throughput": drift.throughput(),
            "cpu": drift.cpu(),
            "batch_latency": latency_json(&drift.latency()),
            "first": stretch_json(&drift.first),
            "last": stretch_json(&drift.last),
        })
    });
    json!({
        "minutes": spec.length.as_secs_f64() / 60.0,
        "accounts": spec.accounts,
        "ids": spec.ids,
        "duplicates_percent": spec.resent * 100.0,
        "rate": spec.rate,
        "shards": spec.shards,
        "batch": spec.batch,
        "snapshot_log_bytes": spec.snapshot_log_bytes,
        "seed": spec.seed,
        "ended": ended(report),
        "elapsed_seconds": report.elapsed.as_secs_f64(),
        "filling_seconds": report.filling.as_secs_f64(),
        "accepted": total.accepted,
        "duplicate": total.duplicate,
        "charges_per_second": report.charges_per_second().round(),
        "batch_latency_us": latency_us(&total.latency),
        "batch_latency_us_beside_snapshot": latency_us(&total.beside_snapshot),
        "snapshots": report.snapshots,
        "segments_begun": report.segments_begun,
        "interval_seconds": report.schedule.interval.as_secs_f64(),
        "intervals": report.ran.intervals.iter().map(stretch_json).collect::<Vec<_>>(),
        "drift": drift,
        "memory": {
            "before_bytes": memory.before,
            "accounts_open_bytes": memory.accounts_open,
            "start_bytes": memory.start.0,
            "end_bytes": memory.end.0,
            "ids_start": memory.start.1,
            "ids_end": memory.end.1,
            "grown_bytes": memory.grown(),
            "expected_bytes": memory.expected(spec.accounts),
            "run_grown_bytes": memory.of_run()[1],
            "run_expected_bytes": memory.of_run()[0],
            "peak_bytes": memory.peak,
        },
        "exact": {
            "ok": report.is_exact(),
            "wrong_batches": report.wrong_batches,
            "first_wrong": report.first_wrong,
            "verified": audit.verified,
            "broken": audit.broken,
            "charges_sent": audit.charges[0],
            "charges_held": audit.charges[1],
            "sum_sent": audit.sums[0].to_string(),
            "sum_held": audit.sums[1].to_string(),
            "accounts_differ": audit.accounts_differ,
            "verify_seconds": audit.verify_seconds,
            "reopen_seconds": audit.reopen_seconds,
        },
    })
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rounded rates
fn whole(figure: f64) -> String {
    count(figure.round() as u64)
}

fn mib(bytes: u64) -> String {
    count((bytes + MIB / 2) / MIB)
}

const COLUMNS: [Column; 11] = {
    use Column::Right;
    [
        Right("seconds"),
        Right("charges/s"),
        Right("cpu ns"),
        Right("p50 us"),
        Right("p99 us"),
        Right("p999 us"),
        Right("max us"),
        Right("memory MiB"),
        Right("ids held"),
        Right("segments"),
        Right("snapshots"),
    ]
};

fn rows(report: &SoakReport) -> Vec<Vec<String>> {
    report
        .ran
        .intervals
        .iter()
        .map(|interval| {
            let mut row = vec![
                format!("{:.1}", interval.to.as_secs_f64()),
                whole(interval.charges_per_second()),
                whole(interval.cpu_ns_per_charge()),
            ];
            row.extend(interval.latency_us.map(whole));
            row.extend([mib(interval.memory_bytes), count(interval.ids)]);
            row.extend([interval.segments, interval.snapshots].map(count));
            row
        })
        .collect()
}

fn text(spec: &SoakSpec, report: &SoakReport) -> String {
    let mut text = table(&COLUMNS, &rows(report));
    for line in lines(spec, report) {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

fn lines(spec: &SoakSpec, report: &SoakReport) -> Vec<String> {
    let (total, memory, audit) = (&report.ran.total, &report.memory, &report.audit);
    let mut lines = Vec::new();
    lines.push(format!(
        "{}: {} charges of {} sent, {} of {} held; {} accounts differ; {} wrong answers",
        if report.is_exact() { "exact" } else { "NOT EXACT" },
        count(audit.charges[0]),
        audit.sums[0],
        count(audit.charges[1]),
        audit.sums[1],
        count(audit.accounts_differ),
        count(report.wrong_batches),
    ));
    match report.ended {
        Ended::Time => {}
        Ended::Interrupted => lines.push("ended early: interrupted".to_owned()),
        Ended::Memory => lines.push(
            "ended early: little memory is left for verifying; give a lower --rate or fewer --ids".to_owned(),
        ),
    }
    lines.push(format!(
        "{} charges accepted, {} duplicates; {} snapshots taken, {} segments begun",
        count(total.accepted),
        count(total.duplicate),
        report.snapshots,
        report.segments_begun
    ));
    let beside = &total.beside_snapshot;
    if beside.count() > 0 {
        let [p50, p99, p999, max] = beside.quartet().map(whole);
        lines.push(format!("beside snapshots: p50 {p50} us, p99 {p99} us, p999 {p999} us, max {max} us"));
    }
    if let Some(drift) = &report.ran.drift {
        let [p50, p99, p999, max] = drift.latency();
        lines.push(format!(
            "drift, the last {:.1} s over the first {:.1} s: throughput {:.3}, processor time a charge {:.3}; p50 {p50:.2}, p99 {p99:.2}, p999 {p999:.2}, max {max:.2}",
            drift.last.seconds(),
            drift.first.seconds(),
            drift.throughput(),
            drift.cpu(),
        ));
    }
    let [run_expected, run_grown] = memory.of_run();
    lines.push(format!(
        "memory: {} MiB; ids and accounts explain {} MiB; while the clock ran {} MiB, of which ids explain {} MiB",
        mib(memory.grown()),
        mib(memory.expected(spec.accounts)),
        mib(run_grown),
        mib(run_expected),
    ));
    lines.extend(report.first_wrong.iter().map(|wrong| format!("wrong answer: {wrong}")));
    lines.extend(audit.broken.iter().map(|broken| format!("BROKEN {broken}")));
    lines.push(format!(
        "{} in {:.1} s, opened again in {:.1} s",
        if audit.verified { "verified" } else { "NOT verified" },
        audit.verify_seconds,
        audit.reopen_seconds
    ));
    lines
}

fn page(spec: &SoakSpec, report: &SoakReport) -> Page {
    Page {
        title: "Exchequer: steady state".to_owned(),
        findings: lines(spec, report).iter().map(|line| sentence(line)).collect(),
        notes: charts::NOTES.to_vec(),
        command: html::command_line(),
        seed: spec.seed,
        tables: vec![html::table("All intervals", &COLUMNS, rows(report))],
        sections: vec![charts::section(report)],
    }
}

/// A line that begins as sentences do.
fn sentence(line: &str) -> String {
    let mut characters = line.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
