//! What a subscriber costs: ingestion alone and beside one that renders every event, in turn, on one engine.

use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::drive::{self, Pace, batches_in_flight};
use super::figures::{Figures, median, share};
use super::ingest::{deal, open};
use super::workload::{Workload, WorkloadSpec};
use crate::clock::Stopwatch;
use crate::domain::charge_batch::ChargeBatch;
use crate::domain::money::{Amount, RunningSum};
use crate::engine::Engine;
use crate::engine::feed::{Background, Change, EventLines, Fact, Subscription};
use crate::wal::Lsn;

/// Charges of the run before the first round, which warms up and is not counted.
const WARM_UP_CHARGES: u64 = 200_000;

/// A subscriber that has got nothing for so long, though not everything was given, is stuck.
const STUCK_AFTER: Duration = Duration::from_mins(1);

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub struct EventsSpec {
    /// The charges.
    pub workload: WorkloadSpec,
    /// Charges of each run.
    pub charges: u64,
    /// Shards of the engine, and threads that post to it.
    pub shards: usize,
    /// Rounds that count.
    pub rounds: usize,
}

/// One round.
#[derive(Clone, Debug)]
pub struct Round {
    /// Ingestion alone.
    pub alone: Figures,
    /// Ingestion beside the subscriber.
    pub beside: Figures,
    /// The subscriber.
    pub follower: Follower,
}

/// What the subscriber did.
#[derive(Clone, Copy, Default, Debug)]
pub struct Follower {
    /// Events: one a charge.
    pub events: u64,
    /// Bytes of JSON.
    pub bytes: u64,
    /// From the beginning of ingestion until it had everything.
    pub elapsed: Duration,
    /// Events that it had when ingestion ended.
    pub events_at_end: u64,
    /// From the end of ingestion until it had everything.
    pub behind: Duration,
}

impl Follower {
    /// Events a second, from the beginning of ingestion.
    #[allow(clippy::cast_precision_loss)] // far below 2^52
    pub fn events_per_second(&self) -> f64 {
        self.events as f64 / self.elapsed.as_secs_f64()
    }

    /// Events a second while it caught up with the processors for itself; none if it was not behind.
    #[allow(clippy::cast_precision_loss)] // far below 2^52
    pub fn catching_up_per_second(&self) -> Option<f64> {
        let left = self.events - self.events_at_end;
        (left > 0).then(|| left as f64 / self.behind.as_secs_f64())
    }
}

impl Round {
    /// The throughput of ingestion that is left beside the subscriber.
    pub fn ratio(&self) -> f64 {
        self.beside.charges_per_second() / self.alone.charges_per_second()
    }
}

/// All rounds.
#[derive(Clone, Default, Debug)]
pub struct Rounds {
    /// In order.
    pub rounds: Vec<Round>,
}

impl Rounds {
    /// The median throughput beside the subscriber as a share of the median alone.
    pub fn ratio(&self) -> f64 {
        let of = |figures: fn(&Round) -> &Figures| {
            median(self.rounds.iter().map(|round| figures(round).charges_per_second()).collect())
        };
        of(|round| &round.beside) / of(|round| &round.alone)
    }
}

/// Measures in a directory of its own under `directory`; `progress` is told what share (0 to 1) is done.
///
/// Fails if the subscriber did not see every charge exactly once and in order.
pub fn measure(
    spec: &EventsSpec,
    directory: &Path,
    progress: &mut dyn FnMut(f64),
) -> Result<Rounds, Box<dyn Error>> {
    let home = tempfile::tempdir_in(directory)?;
    let engine = open(home.path(), spec.workload.accounts, spec.shards)?;
    let pace = Pace { in_flight: batches_in_flight(spec.workload.batch), interval: None };
    let mut workload = Workload::new(spec.workload);
    drive::post(&engine, &deal(workload.batches(WARM_UP_CHARGES.min(spec.charges)), spec.shards), pace)?;
    let mut measured = Rounds::default();
    for round in 0..spec.rounds {
        progress(share(round as u64, spec.rounds as u64));
        let alone = deal(workload.batches(spec.charges), spec.shards);
        let beside = deal(workload.batches(spec.charges), spec.shards);
        // In turn, and each one first every other time.
        let mut alone_ran = None;
        if round % 2 == 0 {
            alone_ran = Some(drive::post(&engine, &alone, pace)?);
        }
        let (beside_ran, follower) = post_followed(&engine, &beside, pace)?;
        let alone_ran = match alone_ran {
            Some(ran) => ran,
            None => drive::post(&engine, &alone, pace)?,
        };
        measured.rounds.push(Round { alone: alone_ran, beside: beside_ran, follower });
    }
    engine.close()?;
    progress(1.0);
    Ok(measured)
}

/// Ingestion beside a subscriber that goes on until it has everything.
fn post_followed(
    engine: &Engine,
    batches: &[Vec<ChargeBatch>],
    pace: Pace,
) -> Result<(Figures, Follower), Box<dyn Error>> {
    let mut expected = (0_u64, RunningSum::default());
    for charge in batches.iter().flatten().flat_map(ChargeBatch::iter) {
        expected = (expected.0 + 1, expected.1.plus(charge.amount.money()));
    }
    let subscription = engine.subscribe(engine.durable_lsn().next())?;
    let mut audit = Audit::new(&subscription);
    let start = Stopwatch::start();
    let seen = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new().name("follower".to_owned());
        let reader = reader.spawn_scoped(scope, || {
            audit.follow(subscription, expected.0, &seen).map(|()| (audit, start.elapsed()))
        })?;
        let posted = drive::post(engine, batches, pace)?;
        let (ended, events_at_end) = (start.elapsed(), seen.load(Ordering::Relaxed));
        let (audit, elapsed) = reader.join().map_err(|_| "the subscriber panicked")??;
        if audit.sum != expected.1 {
            return Err("the subscriber saw another sum than was posted".into());
        }
        let behind = elapsed.saturating_sub(ended);
        Ok((posted, Follower { events: audit.charges, bytes: audit.bytes, elapsed, events_at_end, behind }))
    })
}

/// Renders every event, and checks that each comes once and in order.
struct Audit {
    lines: EventLines,
    text: Vec<u8>,
    last: Lsn,
    next_index: u32,
    /// By account number: its newest record; 0 if none was seen.
    sequences: Vec<u64>,
    charges: u64,
    sum: RunningSum,
    bytes: u64,
}

impl Audit {
    fn new(subscription: &Subscription) -> Self {
        Self {
            lines: subscription.lines(),
            text: Vec::new(),
            last: Lsn::NOTHING,
            next_index: 0,
            sequences: Vec::new(),
            charges: 0,
            sum: RunningSum::default(),
            bytes: 0,
        }
    }

    fn follow(&mut self, mut subscription: Subscription, all: u64, seen: &AtomicU64) -> Result<(), String> {
        let mut background = Background::enter();
        while self.charges < all {
            let block = subscription.next(STUCK_AFTER).map_err(|error| error.to_string())?;
            let block = block.ok_or("the subscriber gets nothing more")?;
            if self.last != Lsn::NOTHING && block.lsn() != self.last.next() {
                return Err(format!("block {} came after block {}", block.lsn(), self.last));
            }
            self.last = block.lsn();
            self.next_index = 0;
            let flow = block.for_each(&mut |change| self.event(change)).map_err(|fault| fault.to_string())?;
            if let ControlFlow::Break(fault) = flow {
                return Err(fault);
            }
            seen.store(self.charges, Ordering::Relaxed);
            background.rest();
        }
        if self.charges > all { Err("the subscriber saw charges twice".to_owned()) } else { Ok(()) }
    }

    fn event(&mut self, change: &Change<'_>) -> ControlFlow<String> {
        if change.index != self.next_index {
            return ControlFlow::Break(format!("event {}-{} came out of order", change.lsn, change.index));
        }
        self.next_index += 1;
        self.lines.write(change, &mut self.text);
        self.bytes += self.text.len() as u64;
        self.text.clear();
        let Fact::Charge { charge, .. } = &change.fact else { return ControlFlow::Continue(()) };
        let account = charge.account.0 as usize;
        if self.sequences.len() <= account {
            self.sequences.resize(account + 1, 0);
        }
        let before = std::mem::replace(&mut self.sequences[account], charge.sequence);
        if before > 0 && before + 1 != charge.sequence {
            return ControlFlow::Break(format!("records of account {} are missing", charge.account));
        }
        let Ok(amount) = Amount::new(charge.amount) else {
            return ControlFlow::Break(format!("`{}` is no amount", charge.amount));
        };
        self.sum = self.sum.plus(amount.money());
        self.charges += 1;
        ControlFlow::Continue(())
    }
}
