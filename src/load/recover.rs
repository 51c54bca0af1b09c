//! How fast a ledger opens: the engine's recovery and the floor in turn on the same log, or the engine from a snapshot.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::drive::{self, Pace};
use super::figures::{Figures, median, share};
use super::ingest::{deal, open_accounts, without_snapshots};
use super::replay_floor;
use super::workload::{Distribution, IdOrder, Workload, WorkloadSpec};
use crate::clock::{CpuClock, Stopwatch};
use crate::engine::{Engine, Opened};
use crate::wal::{Identity, OsStorage};

/// Charges generated and posted at a time.
const CHARGES_AT_ONCE: u64 = 1_000_000;

/// Charges of a batch, and batches in flight.
const BATCH: usize = 8_192;
const IN_FLIGHT: usize = 4;

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub struct RecoverSpec {
    /// Billing accounts, each with one cloud account.
    pub accounts: u32,
    /// Charges in the log.
    pub charges: u64,
    /// Shards of the engine, and threads of the floor.
    pub shards: usize,
    /// Rounds.
    pub rounds: usize,
    /// The charges follow from it.
    pub seed: u64,
}

/// One round of recovery from the log.
#[derive(Clone, Debug)]
pub struct Round {
    /// The engine's opening.
    pub engine: Figures,
    /// The floor.
    pub floor: Figures,
}

impl Round {
    /// The engine's speed as a share of the floor's.
    pub fn ratio(&self) -> f64 {
        self.engine.charges_per_second() / self.floor.charges_per_second()
    }
}

/// The median of the rounds' ratios.
pub fn ratio(rounds: &[Round]) -> f64 {
    median(rounds.iter().map(Round::ratio).collect())
}

/// Writes a log under `directory`, then replays it in turns; `progress` is told what share (0 to 1) is done.
pub fn from_log(
    spec: &RecoverSpec,
    directory: &Path,
    progress: &mut dyn FnMut(f64),
) -> Result<Vec<Round>, Box<dyn Error>> {
    let home = write(spec, directory, false)?;
    let mut rounds = Vec::new();
    for round in 0..spec.rounds {
        progress(share(round as u64 + 1, spec.rounds as u64 + 1));
        // In turn, and each one first every other time.
        let floor_first = round % 2 == 1;
        let early = if floor_first { Some(floor(spec, home.path())?) } else { None };
        let (engine, opened) = open(spec, home.path())?;
        if opened.charges != spec.charges {
            return Err(format!("{} of {} charges were replayed", opened.charges, spec.charges).into());
        }
        let floor = match early {
            Some(floor) => floor,
            None => floor(spec, home.path())?,
        };
        rounds.push(Round { engine, floor });
    }
    progress(1.0);
    Ok(rounds)
}

/// Openings from a snapshot.
#[derive(Clone, Debug)]
pub struct SnapshotRounds {
    /// Bytes of the snapshot.
    pub snapshot_bytes: u64,
    /// Each opening; its charges are those that the snapshot remembers.
    pub rounds: Vec<Figures>,
}

impl SnapshotRounds {
    /// The median of the rounds, in seconds.
    pub fn seconds(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.elapsed.as_secs_f64()).collect())
    }
}

/// Writes a ledger with a snapshot under `directory`, then opens it again and again.
pub fn from_snapshot(
    spec: &RecoverSpec,
    directory: &Path,
    progress: &mut dyn FnMut(f64),
) -> Result<SnapshotRounds, Box<dyn Error>> {
    let home = write(spec, directory, true)?;
    let mut snapshot_bytes = 0;
    for entry in std::fs::read_dir(home.path().join("snapshots"))? {
        snapshot_bytes += entry?.metadata()?.len();
    }
    let mut rounds = Vec::new();
    for round in 0..spec.rounds {
        progress(share(round as u64 + 1, spec.rounds as u64 + 1));
        let (figures, opened) = open(spec, home.path())?;
        if opened.snapshot.is_none() {
            return Err("the ledger was not opened from its snapshot".into());
        }
        rounds.push(figures);
    }
    progress(1.0);
    Ok(SnapshotRounds { snapshot_bytes, rounds })
}

fn write(spec: &RecoverSpec, directory: &Path, snapshot: bool) -> Result<TempDir, Box<dyn Error>> {
    let home = tempfile::tempdir_in(directory)?;
    let engine = Engine::open(without_snapshots(home.path(), spec.shards))?;
    open_accounts(&engine, spec.accounts)?;
    Charges::new(spec.accounts, spec.seed).post(&engine, spec.charges)?;
    if snapshot {
        engine.snapshot()?;
    }
    engine.close()?;
    Ok(home)
}

/// Charges of as many accounts as were opened, posted from one thread.
pub struct Charges(Workload);

impl Charges {
    /// From their beginning.
    pub fn new(accounts: u32, seed: u64) -> Self {
        let (distribution, ids) = (Distribution::Uniform, IdOrder::Random);
        Self(Workload::new(WorkloadSpec { accounts, batch: BATCH, distribution, ids, seed }))
    }

    /// How many were posted.
    pub const fn posted(&self) -> u64 {
        self.0.generated()
    }

    /// Posts the next ones, and waits until they are durable.
    pub fn post(&mut self, engine: &Engine, charges: u64) -> Result<(), Box<dyn Error>> {
        let end = self.posted() + charges;
        while self.posted() < end {
            let batches = self.0.batches(CHARGES_AT_ONCE.min(end - self.posted()));
            drive::post(engine, &deal(batches, 1), Pace { in_flight: IN_FLIGHT, interval: None })?;
        }
        Ok(())
    }
}

/// Opens the ledger until every shard answers; closing it is not measured.
fn open(spec: &RecoverSpec, home: &Path) -> Result<(Figures, Opened), Box<dyn Error>> {
    let (cpu, clock) = (CpuClock::start(), Stopwatch::start());
    let engine = Engine::open(without_snapshots(home, spec.shards))?;
    engine.barrier()?;
    let figures = figures(spec, clock.elapsed(), cpu.elapsed());
    let opened = engine.opened().clone();
    engine.close()?;
    Ok((figures, opened))
}

fn floor(spec: &RecoverSpec, home: &Path) -> Result<Figures, Box<dyn Error>> {
    let (cpu, clock) = (CpuClock::start(), Stopwatch::start());
    let storage = OsStorage::open(home, false)?;
    let identity = Identity::read(&storage)?.ok_or("the ledger has no identity")?;
    let (states, charges) = replay_floor::replay(&storage, &identity, spec.shards)?;
    let figures = figures(spec, clock.elapsed(), cpu.elapsed());
    drop(states);
    if charges == spec.charges { Ok(figures) } else { Err("the floor did not replay all charges".into()) }
}

fn figures(spec: &RecoverSpec, elapsed: Duration, cpu: Duration) -> Figures {
    Figures { charges: spec.charges, elapsed, cpu, ..Figures::default() }
}
