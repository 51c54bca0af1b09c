//! Issuing a month's bills of many accounts, and writing them off, beside ingestion (rules D1, D3).

use std::error::Error;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::drive::{self, Pace, batches_in_flight_max};
use super::figures::{Figures, Latency, share};
use super::ingest::{COMMANDS_AT_ONCE, deal, open};
use super::transfers::all;
use super::workload::{Distribution, IdOrder, Workload, WorkloadSpec, account_id};
use crate::clock::Stopwatch;
use crate::domain::money::Amount;
use crate::domain::time::Cycle;
use crate::engine::{Command, Engine, Request};

/// The workload's first month.
const YEAR: u32 = 2026;
const MONTH: u32 = 5;

/// Charges that are generated and posted at a time, so that they need not all lie in memory.
const CHARGES_AT_ONCE: u64 = 1_000_000;

/// Cash of each account: more than the bills of some accounts, less than those of others.
const CASH: &str = "100";

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub struct BillsSpec {
    /// Billing accounts, each with one cloud account and some cash.
    pub accounts: u32,
    /// Charges of the month that is billed.
    pub charges: u64,
    /// Charges a batch.
    pub batch: usize,
    /// Shards of the engine, and threads that post.
    pub shards: usize,
    /// Everything random follows from it.
    pub seed: u64,
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Bills issued.
    pub issued: u64,
    /// Bills that were settled at once.
    pub settled: u64,
    /// From the command until the last bill was durable.
    pub issuing: Duration,
    /// Ingestion of the next month alone.
    pub alone: Figures,
    /// The same while bills were issued.
    pub beside: Figures,
    /// The batches that were handed over meanwhile.
    pub latency_beside: Latency,
}

impl Measured {
    /// Ingestion beside issuing as a share of ingestion alone.
    pub fn ratio(&self) -> f64 {
        self.beside.charges_per_second() / self.alone.charges_per_second()
    }
}

/// Measures in a directory of its own under `directory`; `progress` is told what is done, and what share (0 to 1) of it.
pub fn measure(
    spec: &BillsSpec,
    directory: &Path,
    progress: &(dyn Fn(&str, f64) + Sync),
) -> Result<Measured, Box<dyn Error>> {
    let home = tempfile::tempdir_in(directory)?;
    progress("opening accounts", 0.0);
    let engine = open(home.path(), spec.accounts, spec.shards)?;
    let cash: Amount = CASH.parse()?;
    let top_ups = (0..spec.accounts).map(|account| Request::new(Command::top_up(account_id(account), cash)));
    pollster::block_on(all(&engine, top_ups, COMMANDS_AT_ONCE, &mut |_| ()))?;
    let mut workload = Workload::new(WorkloadSpec {
        accounts: spec.accounts,
        batch: spec.batch,
        distribution: Distribution::Uniform,
        ids: IdOrder::Random,
        seed: spec.seed,
    });
    let pace = Pace { in_flight: batches_in_flight_max(spec.batch), interval: None };
    while workload.generated() < spec.charges {
        progress("posting the month", share(workload.generated(), spec.charges));
        let charges = CHARGES_AT_ONCE.min(spec.charges - workload.generated());
        drive::post(&engine, &deal(workload.batches(charges), spec.shards), pace)?;
    }
    workload.begin_next_month();
    let next = workload.batches(CHARGES_AT_ONCE);
    progress("posting the next month", 0.0);
    let alone = drive::post(&engine, &deal(next, spec.shards), pace)?;
    let measured = issue_beside(&engine, &mut workload, spec, pace, progress, alone)?;
    engine.close()?;
    Ok(measured)
}

/// Issues the bills on a thread of its own and posts charges as long as that takes.
fn issue_beside(
    engine: &Engine,
    workload: &mut Workload,
    spec: &BillsSpec,
    pace: Pace,
    progress: &(dyn Fn(&str, f64) + Sync),
    alone: Figures,
) -> Result<Measured, Box<dyn Error>> {
    let cycle = Cycle::new(YEAR, MONTH).ok_or("no such month")?;
    // Generated before, since that takes longer than posting.
    let mut batches = Vec::new();
    for _ in 0..ROUNDS_PREPARED {
        batches.push(deal(workload.batches(CHARGES_AT_ONCE / 4), spec.shards));
    }
    let done = AtomicBool::new(false);
    let (mut beside, mut latency_beside) = (Figures::default(), Latency::default());
    let (answer, issuing) = std::thread::scope(|scope| {
        let issuing = scope.spawn(|| {
            let since = Stopwatch::start();
            let told = |accounts: u64, of: u64| progress("issuing bills", share(accounts, of));
            let answer = engine.issue_all(cycle, None, &told);
            let elapsed = since.elapsed();
            done.store(true, Ordering::SeqCst);
            answer.map(|answer| (answer, elapsed))
        });
        for round in batches {
            if done.load(Ordering::SeqCst) {
                break;
            }
            let figures = drive::post(engine, &round, pace)?;
            let elapsed = beside.elapsed + figures.elapsed;
            beside.merge(&figures);
            beside.elapsed = elapsed;
            latency_beside.merge(&figures.latency);
        }
        let issued = issuing.join().expect("invariant: issuing does not panic");
        Ok::<_, Box<dyn Error>>(issued?)
    })?;
    let settled = (0..spec.accounts)
        .step_by(usize::try_from(spec.accounts / SAMPLE.min(spec.accounts)).unwrap_or(1).max(1))
        .map(|account| engine.bills(&account_id(account), Some(cycle)))
        .try_fold((0_u64, 0_u64), |(settled, all), bills| {
            let bills = bills?;
            let paid = bills.iter().filter(|bill| bill.state() == "settled").count() as u64;
            Ok::<_, crate::engine::EngineError>((settled + paid, all + bills.len() as u64))
        })?;
    let settled = (answer.issued * settled.0).checked_div(settled.1).unwrap_or(0);
    Ok(Measured { issued: answer.issued, settled, issuing, alone, beside, latency_beside })
}

/// Runs of charges prepared to be posted while bills are issued.
const ROUNDS_PREPARED: usize = 40;

/// Accounts whose bills are looked at.
const SAMPLE: u32 = 10_000;
