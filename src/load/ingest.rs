//! Throughput and latency of durable charges: the engine and the floor in turn, on the same charges, in one process.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::disk;
use super::drive::{self, Pace, Rate, batches_in_flight};
use super::figures::{Figures, Latency, median, share};
use super::floor::Floor;
use super::transfers::all;
use super::workload::{CURRENCY, Workload, WorkloadSpec, account_id, credits, split};
use crate::domain::billing::coupon::{CouponKind, CouponTerms};
use crate::domain::charge_batch::ChargeBatch;
use crate::domain::ids::Currency;
use crate::domain::money::{Amount, Money};
use crate::domain::time::Timestamp;
use crate::engine::{Command, Config, Engine, Request};
use crate::wal::OsStorage;

/// Charges of the run before the first round, which warms up and is not counted.
const WARM_UP_CHARGES: u64 = 200_000;

/// Syncs measured alone after each round.
const SYNCS: usize = 100;

/// Accounts opened in one call.
const ACCOUNTS_AT_ONCE: u32 = 65_536;

/// Bytes of each.
const SYNC_BYTES: usize = 4_096;

/// What to measure.
#[derive(Clone, Debug)]
pub struct IngestSpec {
    /// The charges.
    pub workload: WorkloadSpec,
    /// Charges a round.
    pub charges: u64,
    /// Shards of the engine, threads of the floor, and threads that post to the engine.
    pub shards: usize,
    /// Rounds that count.
    pub rounds: usize,
    /// How fast charges come; a share is of the run just before.
    pub rate: Rate,
    /// Batches in flight a thread; by default 64, and no more than 32,768 charges.
    pub in_flight: Option<usize>,
    /// Take snapshots, one after the other, while the engine runs.
    pub snapshots: bool,
    /// Coupons of each account, which deduct from every charge (rule C5).
    pub coupons: u32,
}

/// One round.
#[derive(Clone, Debug)]
pub struct Round {
    /// The engine.
    pub engine: Figures,
    /// The engine's batches that were handed over while a snapshot was taken.
    pub beside_snapshot: Latency,
    /// The floor.
    pub floor: Figures,
}

impl Round {
    /// The engine's throughput as a share of the floor's.
    pub fn ratio(&self) -> f64 {
        self.engine.charges_per_second() / self.floor.charges_per_second()
    }
}

/// All rounds of one cell.
#[derive(Clone, Default, Debug)]
pub struct Rounds {
    /// In order.
    pub rounds: Vec<Round>,
    /// A lone write and fdatasync of 4 KiB, between the rounds.
    pub fdatasync: Latency,
}

impl Rounds {
    /// The median of the rounds' ratios.
    pub fn ratio(&self) -> f64 {
        median(self.rounds.iter().map(Round::ratio).collect())
    }
}

/// Measures one cell in directories of its own under `directory`; `progress` is told what share (0 to 1) is done.
pub fn measure(
    spec: &IngestSpec,
    directory: &Path,
    progress: &mut dyn FnMut(f64),
) -> Result<Rounds, Box<dyn Error>> {
    let (home, floor_home) = (tempfile::tempdir_in(directory)?, tempfile::tempdir_in(directory)?);
    // The floor takes no snapshots, so the engine doesn't either unless it is asked to.
    let engine = Engine::open(without_snapshots(home.path(), spec.shards))?;
    open_accounts(&engine, spec.workload.accounts)?;
    let storage = Arc::new(OsStorage::open(floor_home.path(), true)?);
    let mut floor = Floor::open(spec.workload.accounts, spec.shards, storage, spec.workload.seed)?;
    for number in 0..spec.coupons {
        let terms = coupon(number)?;
        grant(&engine, spec.workload.accounts, &terms)?;
        floor.grant(&terms);
    }
    // As of accounts with credit: who owes more than he has is told so once, which is no work of every charge.
    let credits = credits(spec.workload.accounts, CREDITS_AT_ONCE);
    floor.post(&split(&credits, spec.shards), spec.pace(&[], None))?;
    drive::post(&engine, &deal(credits, spec.shards), spec.pace(&[], None))?;
    let mut workload = Workload::new(spec.workload);
    let mut measured = Rounds::default();
    for round in 0..=spec.rounds {
        progress(share(round as u64, spec.rounds as u64 + 1));
        let charges = if round == 0 { WARM_UP_CHARGES.min(spec.charges) } else { spec.charges };
        let rate = spec.rate.per_second(|| {
            let batches = deal(workload.batches(charges), spec.shards);
            Ok(drive::post(&engine, &batches, spec.pace(&[], None))?.charges_per_second())
        })?;
        let batches = workload.batches(charges);
        let for_floor = split(&batches, spec.shards);
        let for_engine = deal(batches, spec.shards);
        let floor_pace = spec.pace(&for_floor, rate);
        let engine_pace = spec.pace(&for_engine, rate);
        // In turn, and each one first every other time.
        let floor_first = round % 2 == 1;
        let mut floor_ran = None;
        if floor_first {
            floor_ran = Some(floor.post(&for_floor, floor_pace)?);
        }
        let (engine_ran, beside_snapshot) = post(&engine, &for_engine, engine_pace, spec.snapshots)?;
        let floor_ran = match floor_ran {
            Some(ran) => ran,
            None => floor.post(&for_floor, floor_pace)?,
        };
        if round > 0 {
            measured.rounds.push(Round { engine: engine_ran, beside_snapshot, floor: floor_ran });
            measured.fdatasync.merge(&disk::lone_syncs(directory, SYNC_BYTES, SYNCS)?);
        }
    }
    engine.close()?;
    floor.close()?;
    progress(1.0);
    Ok(measured)
}

/// An engine with so many accounts, each with a cloud account of the same id.
pub fn open(directory: &Path, accounts: u32, shards: usize) -> Result<Engine, Box<dyn Error>> {
    let engine = Engine::open(Config { shards: Some(shards), ..Config::new(directory) })?;
    open_accounts(&engine, accounts)?;
    Ok(engine)
}

/// An engine that takes snapshots only when it is asked to.
pub fn without_snapshots(directory: &Path, shards: usize) -> Config {
    Config { shards: Some(shards), snapshot_log_bytes: None, ..Config::new(directory) }
}

/// Opens so many accounts, each with a cloud account of the same id.
pub fn open_accounts(engine: &Engine, accounts: u32) -> Result<(), Box<dyn Error>> {
    let currency = Currency::parse(CURRENCY).ok_or("no currency")?;
    for first in (0..accounts).step_by(ACCOUNTS_AT_ONCE as usize) {
        let last = accounts.min(first.saturating_add(ACCOUNTS_AT_ONCE));
        let pairs: Vec<_> =
            (first..last).map(|account| (account_id(account), account_id(account), currency)).collect();
        if let Some(refusal) = engine.open_accounts(&pairs)?.into_iter().find_map(Result::err) {
            return Err(format!("an account could not be opened: {}", refusal.code()).into());
        }
    }
    Ok(())
}

/// A coupon for all services that outlasts every benchmark; each one expires a second after the one before.
fn coupon(number: u32) -> Result<CouponTerms, Box<dyn Error>> {
    const FIRST_END: i64 = 4_102_444_800_000_000; // 2100-01-01
    let nominal: Amount = "1000000000".parse()?;
    Ok(CouponTerms {
        id: format!("coupon-{number}").into(),
        kind: CouponKind::Coupon,
        nominal: nominal.money(),
        starts_at: Timestamp::default(),
        ends_at: Timestamp::from_micros(FIRST_END + i64::from(number) * 1_000_000),
        services: Box::default(),
        minimum_spend: Money::ZERO,
    })
}

/// Grants every account a coupon.
fn grant(engine: &Engine, accounts: u32, terms: &CouponTerms) -> Result<(), Box<dyn Error>> {
    let amount: Amount = terms.nominal.to_string().parse()?;
    let requests = (0..accounts).map(|account| {
        Request::new(Command::GrantCoupon {
            billing_account: account_id(account),
            coupon: terms.id.to_string(),
            kind: terms.kind,
            amount,
            starts_at: terms.starts_at,
            ends_at: terms.ends_at,
            services: Vec::new(),
            minimum_spend: None,
        })
    });
    Ok(pollster::block_on(all(engine, requests, COMMANDS_AT_ONCE, &mut |_| ()))?)
}

/// Accounts credited in one batch while a benchmark prepares.
pub const CREDITS_AT_ONCE: usize = 8_192;

/// Commands under way at a time while a benchmark prepares.
pub const COMMANDS_AT_ONCE: usize = 4_096;

/// Deals batches out to the threads that post them.
pub fn deal(batches: Vec<ChargeBatch>, threads: usize) -> Vec<Vec<ChargeBatch>> {
    let mut dealt: Vec<_> = (0..threads).map(|_| Vec::new()).collect();
    for (place, batch) in batches.into_iter().enumerate() {
        dealt[place % threads].push(batch);
    }
    dealt
}

fn post(
    engine: &Engine,
    batches: &[Vec<ChargeBatch>],
    pace: Pace,
    snapshots: bool,
) -> Result<(Figures, Latency), Box<dyn Error>> {
    if !snapshots {
        return Ok((drive::post(engine, batches, pace)?, Latency::default()));
    }
    let (taking, done) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let snapshots = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                taking.store(true, Ordering::Relaxed);
                engine.snapshot()?;
                taking.store(false, Ordering::Relaxed);
                // The batches that come between two of them are the ones to compare with.
                std::thread::sleep(SNAPSHOT_PAUSE);
            }
            Ok(())
        });
        let posted = drive::post_beside(engine, batches, pace, &taking);
        done.store(true, Ordering::Relaxed);
        let taken: Result<(), crate::engine::EngineError> =
            snapshots.join().map_err(|_| "taking snapshots panicked")?;
        taken?;
        Ok(posted?)
    })
}

/// Time between two snapshots.
const SNAPSHOT_PAUSE: Duration = Duration::from_millis(200);

impl IngestSpec {
    /// As fast as charges are accepted, or so many charges a second.
    fn pace(&self, batches: &[Vec<ChargeBatch>], rate: Option<f64>) -> Pace {
        let in_flight = self.in_flight.unwrap_or_else(|| batches_in_flight(self.workload.batch));
        rate.map_or(Pace { in_flight, interval: None }, |rate| Pace::at(in_flight, rate, batches))
    }
}
