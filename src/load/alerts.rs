//! Accounts that cross the thresholds of their alerts in one ingestion, beside the same without alerts (rule H2).

use std::collections::HashSet;
use std::error::Error;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::drive::{self, Pace, batches_in_flight_max};
use super::figures::{Figures, median, share};
use super::ingest::{CREDITS_AT_ONCE, deal, open};
use super::machine::resident_bytes;
use super::workload::{CREDIT, Distribution, IdOrder, Workload, WorkloadSpec, account_id, credits};
use crate::clock::Stopwatch;
use crate::domain::money::Amount;
use crate::domain::outbox::Position;
use crate::engine::answer::Answer;
use crate::engine::{Command, Engine, Request};
use crate::limits::ITEMS_MAX;

/// What a charge of the workload costs on average, in units of the currency.
const MEAN: u64 = 10;

/// Notifications read at once.
const READ_AT_ONCE: usize = 1_024;

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub struct AlertsSpec {
    /// Billing accounts, each with an alert whose threshold it crosses after about a third of its charges.
    pub accounts: u32,
    /// Charges a round.
    pub charges: u64,
    /// Charges a batch.
    pub batch: usize,
    /// Shards of the engine, and threads that post.
    pub shards: usize,
    /// Rounds, each on ledgers of its own.
    pub rounds: usize,
    /// Everything random follows from it.
    pub seed: u64,
}

/// One round.
#[derive(Clone, Debug)]
pub struct Round {
    /// Without alerts.
    pub without: Figures,
    /// With alerts that fire, while somebody reads what they tell.
    pub with: Figures,
    /// Notifications that were told.
    pub told: u64,
    /// From the end of ingestion until all of them were read.
    pub behind: Duration,
    /// By how much the memory grew while charges were posted, without alerts and with them.
    pub memory: [u64; 2],
}

impl Round {
    /// Throughput with alerts as a share of that without.
    pub fn ratio(&self) -> f64 {
        self.with.charges_per_second() / self.without.charges_per_second()
    }
}

/// The median of the rounds' ratios.
pub fn ratio(rounds: &[Round]) -> f64 {
    median(rounds.iter().map(Round::ratio).collect())
}

/// Measures in directories of its own under `directory`; `progress` is told what share (0 to 1) is done.
pub fn measure(
    spec: &AlertsSpec,
    directory: &Path,
    progress: &mut dyn FnMut(f64),
) -> Result<Vec<Round>, Box<dyn Error>> {
    let mut rounds = Vec::new();
    for round in 0..spec.rounds {
        progress(share(2 * round as u64, 2 * spec.rounds as u64));
        // Each one first every other time.
        let run = |alerts: bool| one(spec, directory, spec.seed + round as u64, alerts);
        let (without, with) = if round % 2 == 0 {
            let without = run(false)?;
            (without, run(true)?)
        } else {
            let with = run(true)?;
            (run(false)?, with)
        };
        rounds.push(Round {
            without: without.figures,
            with: with.figures,
            told: with.told,
            behind: with.behind,
            memory: [without.memory, with.memory],
        });
    }
    progress(1.0);
    Ok(rounds)
}

struct Run {
    figures: Figures,
    told: u64,
    behind: Duration,
    memory: u64,
}

fn one(spec: &AlertsSpec, directory: &Path, seed: u64, alerts: bool) -> Result<Run, Box<dyn Error>> {
    let home = tempfile::tempdir_in(directory)?;
    let engine = open(home.path(), spec.accounts, spec.shards)?;
    let pace = Pace { in_flight: batches_in_flight_max(spec.batch), interval: None };
    drive::post(&engine, &deal(credits(spec.accounts, CREDITS_AT_ONCE), spec.shards), pace)?;
    if alerts {
        set_alerts(&engine, spec)?;
    }
    let mut workload = Workload::new(WorkloadSpec {
        accounts: spec.accounts,
        batch: spec.batch,
        distribution: Distribution::Uniform,
        ids: IdOrder::Random,
        seed,
    });
    let batches = deal(workload.batches(spec.charges), spec.shards);
    let before = resident_bytes();
    // The last block, once everything is posted.
    let end = AtomicU64::new(u64::MAX);
    let run = std::thread::scope(|scope| {
        let reader = alerts.then(|| scope.spawn(|| read(&engine, &end).map_err(|error| error.to_string())));
        let figures = drive::post(&engine, &batches, pace);
        let since = Stopwatch::start();
        end.store(engine.durable_lsn().number(), Ordering::SeqCst);
        let memory = resident_bytes().saturating_sub(before);
        let told = reader.map(|reader| reader.join().expect("invariant: reading does not panic"));
        Ok::<_, Box<dyn Error>>(Run {
            figures: figures?,
            told: told.transpose()?.unwrap_or(0),
            behind: since.elapsed(),
            memory,
        })
    })?;
    engine.close()?;
    Ok(run)
}

fn set_alerts(engine: &Engine, spec: &AlertsSpec) -> Result<(), Box<dyn Error>> {
    let third = spec.charges * MEAN / u64::from(spec.accounts.max(1)) / 3;
    let threshold: Amount = (CREDIT.parse::<u64>()?.saturating_sub(third)).to_string().parse()?;
    let accounts: Vec<_> = (0..spec.accounts).map(account_id).collect();
    for billing_accounts in accounts.chunks(ITEMS_MAX) {
        let billing_accounts = billing_accounts.to_vec();
        let command =
            Command::SetLowBalanceAlert { billing_accounts, enabled: true, threshold: Some(threshold) };
        let Answer::Items(items) = engine.execute(&Request::new(command))? else {
            return Err("an alert was not set".into());
        };
        for (_, result) in items {
            result?;
        }
    }
    Ok(())
}

/// Reads notifications as they become durable, until the last block; how many, each with an id of its own.
fn read(engine: &Engine, end: &AtomicU64) -> Result<u64, Box<dyn Error>> {
    let mut notifications = engine.notifications_from(Position::default())?;
    let mut ids = HashSet::new();
    loop {
        let taken = notifications.take(READ_AT_ONCE)?;
        for notification in &taken {
            if !ids.insert(notification.id.clone()) {
                return Err(format!("notification `{}` was told twice", notification.id).into());
            }
        }
        let up_to = notifications.read_up_to();
        if taken.is_empty() && up_to.lsn > end.load(Ordering::SeqCst) {
            return Ok(ids.len() as u64);
        }
        if taken.is_empty() {
            engine.wait_for_news(up_to.lsn.saturating_sub(1), Duration::from_millis(50));
        }
    }
}
