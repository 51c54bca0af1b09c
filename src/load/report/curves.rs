//! From what was counted to the points of a line.

use super::axis::{Axis, Scale};
use super::chart::{Line, Role};
use super::units::Unit;
use crate::load::figures::{Figures, Latency, TIMELINE_STEP};

/// Points of a line, at most: more can't be told apart.
const POINTS_MAX: usize = 360;

/// Places of the percentiles' line: so many for each further nine.
const POINTS_PER_NINE: f64 = 40.0;

/// The most nines of it.
const NINES_MAX: f64 = 4.0;

pub(super) const TIME: Axis = Axis { title: "time", scale: Scale::Linear, unit: Unit::Seconds };
pub(super) const THROUGHPUT: Axis =
    Axis { title: "charges a second", scale: Scale::Linear, unit: Unit::Count };
pub(super) const PERCENTILE: Axis = Axis { title: "percentile", scale: Scale::Nines, unit: Unit::Count };
pub(super) const LATENCY: Axis = Axis { title: "batch latency", scale: Scale::Log, unit: Unit::Microseconds };
pub(super) const MEMORY: Axis = Axis { title: "resident memory", scale: Scale::Linear, unit: Unit::Bytes };

/// Charges a second over time, runs end to end.
#[allow(clippy::cast_precision_loss)] // far below 2^52
pub(super) fn throughput<'a>(name: &str, role: Role, runs: impl Iterator<Item = &'a Figures>) -> Line {
    let step = TIMELINE_STEP.as_secs_f64();
    let mut spans: Vec<(f64, f64, f64)> = Vec::new(); // when each began, how long it was, and its charges
    let mut start = 0.0;
    for run in runs {
        let elapsed = run.elapsed.as_secs_f64();
        for (nth, charges) in run.timeline.iter().enumerate() {
            let (from, charges) = (nth as f64 * step, *charges as f64);
            let length = (elapsed - from).clamp(0.0, step);
            match spans.last_mut() {
                // The end of a run, too short for a rate of its own.
                Some(last) if nth > 0 && length < step / 2.0 => {
                    last.1 += length;
                    last.2 += charges;
                }
                _ => spans.push((start + from, length, charges)),
            }
        }
        start += elapsed;
    }
    let per_point = spans.len().div_ceil(POINTS_MAX).max(1);
    let points = spans.chunks(per_point).map(|spans| {
        let length: f64 = spans.iter().map(|span| span.1).sum();
        let charges: f64 = spans.iter().map(|span| span.2).sum();
        (spans[0].0 + length / 2.0, charges / length.max(1e-9))
    });
    Line { name: name.to_owned(), role, points: points.collect() }
}

/// The latency of each percentile, from the 50th to the last that was counted often enough.
#[allow(clippy::cast_precision_loss)] // far below 2^52
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // some hundreds
pub(super) fn percentiles(name: &str, role: Role, latency: &Latency) -> Line {
    let nines = |share: f64| PERCENTILE.place(share);
    let most = (latency.count() as f64).log10().min(NINES_MAX);
    let count = ((most - nines(0.5)) * POINTS_PER_NINE).max(0.0).floor() as u32;
    let points = (0..=count)
        .filter(|_| latency.count() > 1)
        .map(|nth| nines(0.5) + f64::from(nth) / POINTS_PER_NINE)
        .chain((most > nines(0.5)).then_some(most))
        .map(|nines| {
            let share = 1.0 - 10_f64.powf(-nines);
            (share, latency.us(share).max(1.0))
        });
    Line { name: name.to_owned(), role, points: points.collect() }
}

/// Fewer points, each the greatest of those that it stands for where `greatest`, else their mean.
#[allow(clippy::cast_precision_loss)] // some hundreds
pub(super) fn thinned(points: &[(f64, f64)], greatest: bool) -> Vec<(f64, f64)> {
    let per_point = points.len().div_ceil(POINTS_MAX).max(1);
    let thin = |points: &[(f64, f64)]| {
        let count = points.len() as f64;
        let x = points.iter().map(|point| point.0).sum::<f64>() / count;
        let ys = points.iter().map(|point| point.1);
        (x, if greatest { ys.fold(f64::MIN, f64::max) } else { ys.sum::<f64>() / count })
    };
    points.chunks(per_point).map(thin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_end_of_a_run_counts_for_its_length() {
        let mut run = Figures { elapsed: Duration::from_millis(160), ..Figures::default() };
        for at in [10, 60, 120, 160] {
            run.durable(1_000, Duration::from_millis(1), Duration::from_millis(at));
        }
        let line = throughput("", Role::Main, [&run, &run].into_iter());
        let rates: Vec<_> = line.points.iter().map(|point| point.1.round()).collect();
        assert_eq!(rates, [20_000.0, 20_000.0, 33_333.0, 20_000.0, 20_000.0, 33_333.0]);
        assert!((line.points[3].0 - 0.185).abs() < 1e-9, "{line:?}");
    }

    #[test]
    fn percentiles_end_where_nothing_was_counted() {
        let mut latency = Latency::default();
        (1..=100).for_each(|ms| latency.record(Duration::from_millis(ms)));
        let line = percentiles("", Role::Main, &latency);
        let ends = (line.points[0], *line.points.last().unwrap());
        assert!((ends.0.0 - 0.5).abs() < 1e-9 && (ends.1.0 - 0.99).abs() < 1e-9, "{ends:?}");
        assert!((ends.0.1 - 50_000.0).abs() < 100.0 && (ends.1.1 - 99_000.0).abs() < 100.0, "{ends:?}");
        assert!(percentiles("", Role::Main, &Latency::default()).points.is_empty());
    }

    #[test]
    fn a_long_line_is_thinned() {
        let points: Vec<_> = (0..720).map(|x| (f64::from(x), f64::from(x % 2))).collect();
        assert_eq!(thinned(&points, true)[0], (0.5, 1.0));
        assert_eq!(thinned(&points, false)[359], (718.5, 0.5));
    }
}
