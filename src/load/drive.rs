//! Posts batches to an engine from several threads, at a pace, and measures each until it is durable.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Builder;
use std::time::Duration;

use crossbeam::channel::bounded;

use super::figures::{Figures, Latency};
use crate::clock::{CpuClock, Stopwatch};
use crate::domain::charge_batch::ChargeBatch;
use crate::engine::{Engine, EngineError, Pending};
use crate::limits::IN_FLIGHT_CHARGES_MAX;

/// Batches in flight a thread, unless their charges would be more than a shard takes.
const IN_FLIGHT_BATCHES: usize = 64;

/// How batches come.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pace {
    /// Batches handed over and not yet durable, for each thread that posts.
    pub in_flight: usize,
    /// Time from one batch of a thread to the next one; none: as fast as they become durable.
    ///
    /// A batch that has to wait is late, and its latency counts from when it was due: no coordinated omission.
    pub interval: Option<Duration>,
}

/// How many charges a second are handed over.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Rate {
    /// As many as are accepted.
    Top,
    /// So many.
    PerSecond(f64),
    /// This share of what the engine takes at its top.
    Share(f64),
}

impl Rate {
    /// Charges a second; none: as many as are accepted. `top` tells what the engine takes, if that is needed.
    pub fn per_second(
        self,
        top: impl FnOnce() -> Result<f64, DriveFault>,
    ) -> Result<Option<f64>, DriveFault> {
        Ok(match self {
            Self::Top => None,
            Self::PerSecond(rate) => Some(rate),
            Self::Share(share) => Some(top()? * share),
        })
    }
}

/// Batches of so many charges that a shard takes at a time.
pub fn batches_in_flight_max(batch: usize) -> usize {
    (IN_FLIGHT_CHARGES_MAX / batch.max(1)).max(1)
}

/// Batches of so many charges that a thread has in flight by default.
pub fn batches_in_flight(batch: usize) -> usize {
    IN_FLIGHT_BATCHES.min(batches_in_flight_max(batch))
}

impl Pace {
    /// So many charges a second, of all threads together.
    #[allow(clippy::cast_precision_loss)] // far below 2^52
    pub fn at(in_flight: usize, per_second: f64, batches: &[Vec<ChargeBatch>]) -> Self {
        let charges: usize = batches.iter().flatten().map(ChargeBatch::len).sum();
        let longest = batches.iter().map(Vec::len).max().unwrap_or(1).max(1);
        let interval = Duration::from_secs_f64(charges as f64 / longest as f64 / per_second);
        Self { in_flight, interval: Some(interval) }
    }

    /// When a thread's batch `number` is due, counted from the start.
    pub fn due(&self, number: u32) -> Duration {
        self.interval.map_or(Duration::ZERO, |interval| interval * number)
    }
}

/// Charges posted that were not accepted: the workload, or the engine, is broken.
#[derive(Debug, thiserror::Error)]
pub enum DriveFault {
    /// The engine refused the call.
    #[error("the engine stopped")]
    Engine(#[from] EngineError),
    /// No thread could be started.
    #[error("a thread could not be started")]
    Thread(#[from] std::io::Error),
    /// The engine did not accept a charge.
    #[error("{accepted} of {charges} charges of a batch were accepted")]
    NotAccepted {
        /// How many were.
        accepted: u64,
        /// Of how many.
        charges: u64,
    },
}

/// A batch on its way.
struct Flight<'a> {
    due: Duration,
    batch: &'a ChargeBatch,
    pending: Pending,
    /// It was handed over while a snapshot was taken.
    beside_snapshot: bool,
}

/// Posts `batches[n]` on thread `n` and waits until all are durable.
pub fn post(engine: &Engine, batches: &[Vec<ChargeBatch>], pace: Pace) -> Result<Figures, DriveFault> {
    Ok(post_beside(engine, batches, pace, &AtomicBool::new(false))?.0)
}

/// As [`post`]; the latency of the batches that were handed over while `snapshot` was set is counted once more, aside.
pub fn post_beside(
    engine: &Engine,
    batches: &[Vec<ChargeBatch>],
    pace: Pace,
    snapshot: &AtomicBool,
) -> Result<(Figures, Latency), DriveFault> {
    let cpu = CpuClock::start();
    let start = Stopwatch::start();
    let mut figures = Figures::default();
    let mut aside = Latency::default();
    std::thread::scope(|scope| {
        let threads = u32::try_from(batches.len()).expect("invariant: threads are few");
        let callers: Vec<_> = batches
            .iter()
            .zip(0..)
            .map(|(batches, number)| {
                Builder::new().name("caller".to_owned()).spawn_scoped(scope, move || match pace.interval {
                    None => closed_loop(engine, batches, pace, start, snapshot),
                    // One after the other, not all at once.
                    Some(interval) => {
                        open_loop(engine, batches, pace, interval * number / threads, start, snapshot)
                    }
                })
            })
            .collect::<Result<_, _>>()?;
        for caller in callers {
            let mine = caller.join().expect("invariant: a caller does not panic")?;
            figures.merge(&mine.0);
            aside.merge(&mine.1);
        }
        Ok::<_, DriveFault>(())
    })?;
    figures.elapsed = start.elapsed();
    figures.cpu = cpu.elapsed();
    Ok((figures, aside))
}

fn closed_loop(
    engine: &Engine,
    batches: &[ChargeBatch],
    pace: Pace,
    start: Stopwatch,
    snapshot: &AtomicBool,
) -> Result<(Figures, Latency), DriveFault> {
    let mut counted = (Figures::default(), Latency::default());
    let mut flights = VecDeque::new();
    for batch in batches {
        if flights.len() >= pace.in_flight
            && let Some(oldest) = flights.pop_front()
        {
            land(oldest, start, &mut counted)?;
        }
        let due = start.elapsed();
        let beside_snapshot = snapshot.load(Ordering::Relaxed);
        flights.push_back(Flight { due, batch, pending: engine.submit(batch)?, beside_snapshot });
    }
    for flight in flights {
        land(flight, start, &mut counted)?;
    }
    Ok(counted)
}

/// One thread hands over when it is time, from `first` on, and another one waits for the answers.
fn open_loop(
    engine: &Engine,
    batches: &[ChargeBatch],
    pace: Pace,
    first: Duration,
    start: Stopwatch,
    snapshot: &AtomicBool,
) -> Result<(Figures, Latency), DriveFault> {
    let (sender, flights) = bounded(pace.in_flight);
    std::thread::scope(|scope| {
        let lander = scope.spawn(move || {
            let mut counted = (Figures::default(), Latency::default());
            for flight in flights {
                land(flight, start, &mut counted)?;
            }
            Ok(counted)
        });
        for (number, batch) in (0..).zip(batches) {
            let due = first + pace.due(number);
            let early = due.saturating_sub(start.elapsed());
            if !early.is_zero() {
                std::thread::sleep(early);
            }
            let beside_snapshot = snapshot.load(Ordering::Relaxed);
            let flight = Flight { due, batch, pending: engine.submit(batch)?, beside_snapshot };
            if sender.send(flight).is_err() {
                break; // the other one has met a fault, which it tells
            }
        }
        drop(sender);
        lander.join().expect("invariant: a waiting thread does not panic")
    })
}

fn land(flight: Flight<'_>, start: Stopwatch, counted: &mut (Figures, Latency)) -> Result<(), DriveFault> {
    let charges = flight.batch.len() as u64;
    let report = flight.pending.wait(flight.batch)?;
    if report.accepted != charges {
        return Err(DriveFault::NotAccepted { accepted: report.accepted, charges });
    }
    let since_start = start.elapsed();
    let latency = since_start.saturating_sub(flight.due);
    counted.0.durable(charges, latency, since_start);
    if flight.beside_snapshot {
        counted.1.record(latency);
    }
    Ok(())
}
