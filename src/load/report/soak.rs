//! Charts of a soak.

use super::Section;
use super::chart::{Chart, Line, Role};
use super::curves::{LATENCY, MEMORY, PERCENTILE, THROUGHPUT, TIME, percentiles, thinned};
use crate::load::soak::course::Point;
use crate::load::soak::{BYTES_PER_ID, SoakReport};

/// What a reader should know about the words.
pub const NOTES: [&str; 3] = [
    "A soak posts new charges, and some of the earlier ones again, while snapshots are taken and the log is trimmed. \
     Every answer is checked; at the end the ledger is closed, verified, opened again and compared with what was sent, \
     account by account.",
    "The charges are made on the same machine while it runs, so throughput is below that of a benchmark that makes \
     them beforehand. What counts is whether the end is as good as the beginning.",
    "Memory grows with the identities of charges, which are kept so that a charge sent again is known: that growth is \
     drawn as expected. Tables of identities grow in steps, and so does the measured line.",
];

/// Throughput, latency and memory over time, and latency percentiles.
#[allow(clippy::cast_precision_loss)] // far below 2^52
pub fn section(report: &SoakReport) -> Section {
    let line = |name: &str, role, greatest, value: &dyn Fn(&Point) -> f64| {
        let points: Vec<_> =
            report.ran.points.iter().map(|point| (point.at.as_secs_f64(), value(point))).collect();
        Line { name: name.to_owned(), role, points: thinned(&points, greatest) }
    };
    let chart = |title: &str, y, lines| Chart { title: title.to_owned(), x: TIME, y, lines };
    let ended = |value: fn(&crate::load::soak::course::Stretch) -> f64| {
        report.ran.intervals.iter().map(move |one| (one.to.as_secs_f64(), value(one))).collect::<Vec<_>>()
    };
    let latency = |name: &str, role, points| Line { name: name.to_owned(), role, points };
    let (bytes, ids) = report.memory.start;
    let expected = move |point: &Point| (bytes + (point.ids - ids) * BYTES_PER_ID) as f64;
    let mut quantiles = vec![percentiles("whole run", Role::Main, &report.ran.total.latency)];
    if let Some([first, last]) = &report.ran.ends {
        quantiles.push(percentiles("beginning", Role::Expected, first));
        quantiles.push(percentiles("end", Role::Other, last));
    }
    let beside = &report.ran.total.beside_snapshot;
    if beside.count() > 0 {
        quantiles.push(percentiles("beside snapshots", Role::Third, beside));
    }
    Section {
        heading: "Over time".to_owned(),
        charts: vec![
            chart(
                "Throughput",
                THROUGHPUT,
                vec![line("engine", Role::Main, false, &|point| point.charges_per_second)],
            ),
            chart(
                "Memory",
                MEMORY,
                vec![
                    line("expected of the ids held", Role::Expected, false, &expected),
                    line("measured", Role::Main, false, &|point| point.memory_bytes as f64),
                ],
            ),
            chart(
                "Latency of batches, by interval",
                LATENCY,
                vec![
                    latency("50 %", Role::Main, ended(|one| one.latency_us[0])),
                    latency("99 %", Role::Other, ended(|one| one.latency_us[1])),
                    latency("longest", Role::Third, ended(|one| one.latency_us[3])),
                ],
            ),
            Chart { title: "Latency of batches".to_owned(), x: PERCENTILE, y: LATENCY, lines: quantiles },
        ],
    }
}
