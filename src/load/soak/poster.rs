//! A thread that sends charges, some of them again, and one that waits for the answers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam::channel::{Receiver, Sender, bounded};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::charges::{Charges, Pen};
use super::tally::Tally;
use crate::clock::Stopwatch;
use crate::domain::charge_batch::ChargeBatch;
use crate::engine::{Engine, EngineError, Pending};

/// Every other charge that is sent again is one of the last so many batches, which may not be durable yet.
const RECENT_BATCHES: u64 = 4;

/// How one run of posting goes.
pub(super) struct Phase<'a> {
    pub engine: &'a Engine,
    /// The thread ends when it has sent so many different charges.
    pub until: u64,
    /// Share of the charges that are sent again.
    pub resent: f64,
    /// Time from one batch of a thread to the next one; none: as fast as they are answered.
    pub interval: Option<Duration>,
    /// Batches handed over and not yet answered; at least two.
    pub in_flight: usize,
    pub start: Stopwatch,
    pub tally: &'a Tally,
    pub stop: &'a AtomicBool,
}

/// The charges whose number leaves `number` when divided by `posters`.
pub(super) struct Poster {
    pub charges: Charges,
    pub number: u64,
    pub posters: u64,
    /// Charges of a batch.
    pub batch: usize,
    /// Different charges sent so far.
    pub sent: u64,
    random: Pcg64Mcg,
    pen: Pen,
}

/// A batch, and the places of the charges in it that were sent before.
#[derive(Default)]
struct Load {
    batch: ChargeBatch,
    resent: Vec<u32>,
}

/// A batch on its way.
struct Flight {
    due: Duration,
    load: Load,
    pending: Pending,
}

impl Poster {
    pub fn new(charges: Charges, number: u64, posters: u64, batch: usize) -> Self {
        let random = Pcg64Mcg::seed_from_u64(charges.seed.wrapping_add(number));
        Self { charges, number, posters, batch, sent: 0, random, pen: Pen::default() }
    }

    /// The number of the thread's charge `nth`.
    pub const fn charge(&self, nth: u64) -> u64 {
        nth * self.posters + self.number
    }

    /// Sends until the phase ends, and waits for every answer.
    pub fn run(&mut self, phase: &Phase<'_>) -> Result<(), EngineError> {
        // One more is waited for, and one waits to be let in.
        let (sender, flights) = bounded(phase.in_flight.saturating_sub(2));
        let (back, loads) = bounded(phase.in_flight + 1);
        std::thread::scope(|scope| {
            let lander = scope.spawn(move || land(&flights, &back, phase));
            let sent = self.send(phase, &sender, &loads);
            drop(sender);
            let answered = lander.join().expect("invariant: a waiting thread does not panic");
            answered.and(sent)
        })
    }

    fn send(
        &mut self,
        phase: &Phase<'_>,
        sender: &Sender<Flight>,
        loads: &Receiver<Load>,
    ) -> Result<(), EngineError> {
        let mut number = 0;
        while self.sent < phase.until && !phase.stop.load(Ordering::Relaxed) {
            let mut load = loads.try_recv().unwrap_or_default();
            self.fill(&mut load, phase);
            let mut due = phase.start.elapsed();
            if let Some(interval) = phase.interval {
                let planned = interval * number;
                std::thread::sleep(planned.saturating_sub(due));
                due = planned;
            }
            let pending = phase.engine.submit(&load.batch)?;
            if sender.send(Flight { due, load, pending }).is_err() {
                break; // the other one has met a fault, which it tells
            }
            number += 1;
        }
        Ok(())
    }

    fn fill(&mut self, load: &mut Load, phase: &Phase<'_>) {
        load.batch.clear();
        load.resent.clear();
        let earlier = self.sent;
        for place in 0..self.batch {
            let resends = earlier > 0 && phase.resent > 0.0 && self.random.random_bool(phase.resent);
            if !resends && self.sent == phase.until {
                break;
            }
            let nth = if resends {
                load.resent
                    .push(u32::try_from(place).expect("invariant: a batch has less than 2^32 charges"));
                let recent = earlier.saturating_sub(RECENT_BATCHES * self.batch as u64);
                let from = if self.random.random_bool(0.5) { recent } else { 0 };
                self.random.random_range(from..earlier)
            } else {
                self.sent += 1;
                self.sent - 1
            };
            let charge = self.charges.describe(self.charge(nth));
            self.pen.write(&charge, &mut load.batch);
        }
    }
}

fn land(flights: &Receiver<Flight>, back: &Sender<Load>, phase: &Phase<'_>) -> Result<(), EngineError> {
    for Flight { due, load, pending } in flights {
        let report = pending.wait(&load.batch)?;
        let latency = phase.start.elapsed().saturating_sub(due);
        phase.tally.answered(load.batch.len(), &load.resent, &report, latency);
        drop(back.try_send(load));
    }
    Ok(())
}
