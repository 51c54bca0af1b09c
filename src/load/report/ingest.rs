//! Charts of the engine beside the floor.

use super::Section;
use super::chart::{Chart, Role};
use super::curves::{LATENCY, PERCENTILE, THROUGHPUT, TIME, percentiles, throughput};
use crate::load::figures::Latency;
use crate::load::ingest::Rounds;

/// What a reader should know about the words.
pub const NOTES: [&str; 3] = [
    "Engine: charges posted through the public interface, each batch answered when it is on disk: looked up, checked \
     against all charges posted before, applied to its account, and logged.",
    "Floor: the best plain loop that does the same work with the same log and nothing around it, run in turn with the \
     engine, on the same charges, in the same process. It is what no engine of this design can beat; the ratio says \
     what the rest of the engine costs, and varies less than absolute figures on a noisy machine.",
    "Latency counts from when a batch is handed over, or was due, until it is durable. At top speed batches wait for \
     each other; a lower rate shows what a caller would see.",
];

/// Throughput over time and latency percentiles of one cell.
pub fn section(heading: String, measured: &Rounds) -> Section {
    let rounds = || measured.rounds.iter();
    let over_time = Chart {
        title: "Throughput, rounds end to end".to_owned(),
        x: TIME,
        y: THROUGHPUT,
        lines: vec![
            throughput("engine", Role::Main, rounds().map(|round| &round.engine)),
            throughput("floor", Role::Other, rounds().map(|round| &round.floor)),
        ],
    };
    let (mut engine, mut beside, mut floor) = (Latency::default(), Latency::default(), Latency::default());
    for round in rounds() {
        engine.merge(&round.engine.latency);
        beside.merge(&round.beside_snapshot);
        floor.merge(&round.floor.latency);
    }
    let mut lines =
        vec![percentiles("engine", Role::Main, &engine), percentiles("floor", Role::Other, &floor)];
    if beside.count() > 0 {
        lines.push(percentiles("engine, beside snapshots", Role::Third, &beside));
    }
    let latency = Chart { title: "Latency of batches".to_owned(), x: PERCENTILE, y: LATENCY, lines };
    Section { heading, charts: vec![over_time, latency] }
}
