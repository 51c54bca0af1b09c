//! Steady state: tens of millions of identities held, charges sent again, snapshots and segments coming and going.
//!
//! What is measured includes making the charges, on the same machine: compare a soak with itself, not with a run of
//! [`super::ingest`].

pub mod audit;
pub mod charges;
pub mod course;
mod files;
mod poster;
pub mod tally;

use std::error::Error;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use audit::{Audit, audit};
use charges::Charges;
use course::{Course, Held, Ran, Schedule};
use files::{Files, Seen};
use poster::{Phase, Poster};
use tally::{Counts, Tally};

use super::drive::batches_in_flight;
use super::ingest::open_accounts;
use super::machine::{available_bytes, resident_bytes, resident_bytes_max};
use crate::clock::{CpuClock, Stopwatch};
use crate::engine::{Config, Engine, EngineError};
use crate::limits::SEGMENT_BYTES;
use crate::wal::LogOptions;

/// Bytes that an identity may cost on average: what the tables of identities promise.
pub const BYTES_PER_ID: u64 = 24;

/// Bytes that an account with its cloud account costs: 400 at most when it is open, and 216 for the sums of two more
/// months.
pub const BYTES_PER_ACCOUNT: u64 = 616;

/// Segments of the log between two snapshots.
const SEGMENTS_PER_SNAPSHOT: u64 = 4;

/// The smallest segment.
const SEGMENT_BYTES_MIN: u64 = 64 * 1024;

/// Verifying holds the state more than twice; a soak ends while there is memory left for it, counted in tenths of
/// what the process takes up.
const MEMORY_LEFT_TENTHS: u64 = 15;

/// Time between two looks at how far the filling has come.
const LOOK: Duration = Duration::from_millis(20);

/// What to do.
#[derive(Clone, Copy, Debug)]
pub struct SoakSpec {
    /// How long, with the identities in place.
    pub length: Duration,
    /// Billing accounts, each with one cloud account.
    pub accounts: u32,
    /// Identities held before the clock starts.
    pub ids: u64,
    /// Share (0 to 1) of the charges that are sent again.
    pub resent: f64,
    /// Charges a second; none: as many as are answered.
    pub rate: Option<f64>,
    /// Shards of the engine, and threads that post.
    pub shards: usize,
    /// Charges of a batch.
    pub batch: usize,
    /// Bytes of log after which a snapshot is taken.
    pub snapshot_log_bytes: u64,
    /// Everything random follows from it.
    pub seed: u64,
}

/// Why a soak ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// Its time was over.
    Time,
    /// It was asked to end.
    Interrupted,
    /// Memory that verifying needs was about to run short.
    Memory,
}

/// Resident memory of the process, in bytes.
#[derive(Clone, Copy, Default, Debug)]
pub struct Memory {
    /// Before the engine was opened.
    pub before: u64,
    /// With all accounts open.
    pub accounts_open: u64,
    /// When the clock started, and the identities held then.
    pub start: (u64, u64),
    /// When it stopped, and the identities held then.
    pub end: (u64, u64),
    /// The most ever, verifying included.
    pub peak: u64,
}

impl Memory {
    /// What identities and accounts should have cost by the end.
    pub const fn expected(&self, accounts: u32) -> u64 {
        self.end.1 * BYTES_PER_ID + accounts as u64 * BYTES_PER_ACCOUNT
    }

    /// What the engine has cost by the end.
    pub const fn grown(&self) -> u64 {
        self.end.0.saturating_sub(self.before)
    }

    /// What identities should have cost while the clock ran, and what the process grew by meanwhile.
    pub const fn of_run(&self) -> [u64; 2] {
        [(self.end.1 - self.start.1) * BYTES_PER_ID, self.end.0.saturating_sub(self.start.0)]
    }
}

/// What a soak found.
#[derive(Clone, Debug)]
pub struct SoakReport {
    /// Why it ended.
    pub ended: Ended,
    /// How long the clock ran.
    pub elapsed: Duration,
    /// How long making the identities took before.
    pub filling: Duration,
    /// What was counted, and when.
    pub ran: Ran,
    /// What drift compares, and how long an interval is.
    pub schedule: Schedule,
    /// What memory went where.
    pub memory: Memory,
    /// Snapshots finished while the clock ran.
    pub snapshots: u64,
    /// Segments begun while the clock ran.
    pub segments_begun: u64,
    /// Batches, filling included, that were not answered as they had to be.
    pub wrong_batches: u64,
    /// The first of them, in words.
    pub first_wrong: Option<String>,
    /// What was found after closing.
    pub audit: Audit,
}

impl SoakReport {
    /// Charges answered a second.
    #[allow(clippy::cast_precision_loss)] // far below 2^52
    pub fn charges_per_second(&self) -> f64 {
        self.ran.total.charges() as f64 / self.elapsed.as_secs_f64()
    }

    /// Every answer was right, and the ledger holds exactly what was sent.
    pub fn is_exact(&self) -> bool {
        self.wrong_batches == 0 && self.audit.is_exact()
    }
}

/// What a soak is at.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Stage {
    /// Identities are made: so many are held.
    Filling(u64),
    /// The clock runs: since when, charges a second, and identities held.
    Running(Duration, f64, u64),
    /// The ledger is closed, and compared with what was sent.
    Auditing,
}

/// Runs a soak in a directory of its own under `directory`, until its time is over or `interrupted` is set.
pub fn soak(
    spec: &SoakSpec,
    directory: &Path,
    interrupted: &AtomicBool,
    progress: &mut dyn FnMut(Stage),
) -> Result<SoakReport, Box<dyn Error>> {
    let home = tempfile::tempdir_in(directory)?;
    let config = spec.config(home.path());
    let mut memory = Memory { before: resident_bytes(), ..Memory::default() };
    let engine = Engine::open(config.clone())?;
    open_accounts(&engine, spec.accounts)?;
    memory.accounts_open = resident_bytes();
    let threads = spec.shards as u64;
    let charges = Charges { accounts: spec.accounts, filling: spec.ids, seed: spec.seed };
    let posters = (0..threads).map(|number| Poster::new(charges, number, threads, spec.batch)).collect();
    let mut soak = Soak { spec, engine, posters, tally: Tally::default(), interrupted, progress };
    let (filling, filled) = soak.fill()?;
    let (ended, elapsed, ran, seen) = soak.run(home.path(), &mut memory)?;
    let Soak { engine, posters, tally, progress, .. } = soak;
    progress(Stage::Auditing);
    // What came after the clock had stopped counts as well.
    let mut late = Counts::default();
    tally.take(&mut late);
    engine.close()?;
    let audit = audit(&config, &posters)?;
    memory.peak = resident_bytes_max();
    Ok(SoakReport {
        ended,
        elapsed,
        filling,
        wrong_batches: filled.wrong_batches + ran.total.wrong_batches + late.wrong_batches,
        first_wrong: tally.first_wrong(),
        ran,
        schedule: Schedule::new(spec.length),
        memory,
        snapshots: seen.snapshots,
        segments_begun: seen.segments_begun,
        audit,
    })
}

struct Soak<'a> {
    spec: &'a SoakSpec,
    engine: Engine,
    posters: Vec<Poster>,
    tally: Tally,
    interrupted: &'a AtomicBool,
    progress: &'a mut dyn FnMut(Stage),
}

impl Soak<'_> {
    /// Makes the identities that are held from the beginning.
    fn fill(&mut self) -> Result<(Duration, Counts), EngineError> {
        let Self { spec, engine, posters, tally, interrupted, progress } = self;
        let stop = AtomicBool::new(false);
        let phase = Phase {
            engine,
            until: spec.ids.div_ceil(posters.len() as u64),
            resent: 0.0,
            interval: None,
            in_flight: spec.in_flight(),
            start: Stopwatch::start(),
            tally,
            stop: &stop,
        };
        let mut total = Counts::default();
        let mut counts = Counts::default();
        post(&phase, posters, LOOK, &mut |_| {
            tally.take(&mut counts);
            total.merge(&counts);
            progress(Stage::Filling(total.accepted));
            why_end(interrupted, resident_bytes()).is_none()
        })?;
        tally.take(&mut counts);
        total.merge(&counts);
        Ok((phase.start.elapsed(), total))
    }

    /// Posts while the clock runs.
    fn run(
        &mut self,
        data_dir: &Path,
        memory: &mut Memory,
    ) -> Result<(Ended, Duration, Ran, Seen), EngineError> {
        let Self { spec, engine, posters, tally, interrupted, progress } = self;
        let schedule = Schedule::new(spec.length);
        let ids = posters.iter().map(|poster| poster.sent).sum();
        let mut files = Files::watch(data_dir);
        let mut course = Course::new(schedule, ids);
        let mut held = Held { cpu: Duration::ZERO, memory_bytes: resident_bytes(), seen: files.look() };
        memory.start = (held.memory_bytes, ids);
        let stop = AtomicBool::new(false);
        #[allow(clippy::cast_precision_loss)] // at most 64 million
        let in_step = (posters.len() * spec.batch) as f64;
        let phase = Phase {
            engine,
            until: u64::MAX,
            resent: spec.resent,
            interval: spec.rate.map(|rate| Duration::from_secs_f64(in_step / rate)),
            in_flight: spec.in_flight(),
            start: Stopwatch::start(),
            tally,
            stop: &stop,
        };
        let cpu = CpuClock::start();
        let mut ended = None;
        let mut counts = Counts::default();
        post(&phase, posters, schedule.look, &mut |now| {
            if ended.is_some() {
                return false;
            }
            held = Held { cpu: cpu.elapsed(), memory_bytes: resident_bytes(), seen: files.look() };
            tally.snapshot.store(held.seen.writing_snapshot, Ordering::Relaxed);
            tally.take(&mut counts);
            course.look(now, &counts, held);
            progress(Stage::Running(now, course.charges_per_second(now), course.ids()));
            let over = (now >= spec.length).then_some(Ended::Time);
            ended = why_end(interrupted, held.memory_bytes).or(over).map(|why| (why, now));
            ended.is_none()
        })?;
        // The engine alone could have ended it otherwise, and then `post` says so.
        let (why, elapsed) = ended.unwrap_or((Ended::Interrupted, phase.start.elapsed()));
        memory.end = (held.memory_bytes, course.ids());
        Ok((why, elapsed, course.end(elapsed, held), held.seen))
    }
}

/// Why to end before the time is over.
fn why_end(interrupted: &AtomicBool, resident: u64) -> Option<Ended> {
    let short = |bytes| bytes < resident / 10 * MEMORY_LEFT_TENTHS;
    if interrupted.load(Ordering::Relaxed) {
        Some(Ended::Interrupted)
    } else if available_bytes().is_some_and(short) {
        Some(Ended::Memory)
    } else {
        None
    }
}

/// Posts until the posters are done; `watch` is told the time now and then, and ends the phase by answering false.
fn post(
    phase: &Phase<'_>,
    posters: &mut [Poster],
    look: Duration,
    watch: &mut dyn FnMut(Duration) -> bool,
) -> Result<(), EngineError> {
    std::thread::scope(|scope| {
        let running: Vec<_> =
            posters.iter_mut().map(|poster| scope.spawn(move || poster.run(phase))).collect();
        while !running.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            std::thread::sleep(look);
            if !watch(phase.start.elapsed()) {
                phase.stop.store(true, Ordering::Relaxed);
            }
        }
        running
            .into_iter()
            .try_for_each(|poster| poster.join().expect("invariant: a thread that posts does not panic"))
    })
}

impl SoakSpec {
    fn in_flight(&self) -> usize {
        batches_in_flight(self.batch)
    }

    fn config(&self, data_dir: &Path) -> Config {
        let segment_bytes =
            (self.snapshot_log_bytes / SEGMENTS_PER_SNAPSHOT).clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES);
        Config {
            shards: Some(self.shards),
            snapshot_log_bytes: Some(self.snapshot_log_bytes),
            trim_log: true,
            log: LogOptions { segment_bytes, ..LogOptions::default() },
            ..Config::new(data_dir)
        }
    }
}
