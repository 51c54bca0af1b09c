//! Pages of the unified list at random places beside ingestion, and the export of the whole list (rule A8).

use std::error::Error;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::drive::{self, Pace, Rate, batches_in_flight};
use super::figures::{Figures, Latency, share};
use super::ingest::{COMMANDS_AT_ONCE, deal, open};
use super::machine::resident_bytes;
use super::transfers::{ECID, all, found_enterprise};
use super::workload::{CURRENCY, Distribution, IdOrder, Workload, WorkloadSpec, account_id};
use crate::clock::Stopwatch;
use crate::domain::account::Status;
use crate::domain::charge::{Category, Charge};
use crate::domain::charge_batch::ChargeBatch;
use crate::domain::money::Amount;
use crate::domain::profile::AccountType;
use crate::domain::time::Timestamp;
use crate::engine::listing::{AccountFilter, AlertFilter};
use crate::engine::{AccountSettings, Command, Engine, EngineError, Request};
use crate::limits::{CHUNK_CHARGES_MAX, ITEMS_MAX};

/// Accounts of a page.
pub const PAGE_ACCOUNTS: usize = 100;

/// About so many accounts at most have each rare fact, and so many members has the enterprise.
const RARE_ACCOUNTS: u32 = 1_000;

/// Kinds of usual accounts that are made rare.
const RARE_KINDS: u32 = 4;

/// Rounds of ingestion without queries.
const ROUNDS_ALONE: u32 = 6;

/// What every account begins with, so that no charge of the load makes it overdue.
const FUNDS: &str = "-1000000";

/// A charge that makes an account overdue.
const TOO_MUCH: &str = "2000000";

/// Thresholds far below and far above what accounts have.
const LOW: &str = "1";
const HIGH: &str = "1000000000";

/// How often the memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub struct AccountsSpec {
    /// Billing accounts, each with one cloud account.
    pub accounts: u32,
    /// Pages asked for, of all filters together.
    pub pages: u64,
    /// Charges that are generated and posted at a time.
    pub charges: u64,
    /// Charges a batch.
    pub batch: usize,
    /// Shards of the engine, and threads that post.
    pub shards: usize,
    /// How fast charges come beside the queries; a share is of ingestion alone, which is at its top.
    pub rate: Rate,
    /// Everything random follows from it.
    pub seed: u64,
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Ingestion alone.
    pub alone: Figures,
    /// Ingestion beside the queries.
    pub beside: Figures,
    /// Charges a second that were handed over beside them; none: as many as were accepted.
    pub rate: Option<f64>,
    /// For each filter, from asking for a page until it came.
    pub pages: Vec<(&'static str, Latency)>,
    /// The exports.
    pub exports: Vec<Exported>,
}

/// One export of the whole list.
#[derive(Clone, Copy, Debug)]
pub struct Exported {
    /// Its form.
    pub form: &'static str,
    /// Accounts.
    pub accounts: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// Bytes by which the process grew meanwhile, at most.
    pub growth: u64,
}

impl Exported {
    /// Accounts a second.
    #[allow(clippy::cast_precision_loss)] // far below 2^52
    pub fn per_second(&self) -> f64 {
        self.accounts as f64 / self.elapsed.as_secs_f64()
    }
}

impl Measured {
    /// Ingestion beside the queries as a share of ingestion alone.
    pub fn ratio(&self) -> f64 {
        self.beside.charges_per_second() / self.alone.charges_per_second()
    }
}

/// Writes the whole list somewhere; how many accounts.
pub type Export<'e> = dyn Fn(&Engine) -> Result<u64, Box<dyn Error>> + 'e;

/// Measures in a directory of its own under `directory`; `progress` is told what is done, and what share (0 to 1) of it.
pub fn measure(
    spec: &AccountsSpec,
    directory: &Path,
    exports: &[(&'static str, &Export<'_>)],
    progress: &dyn Fn(&str, f64),
) -> Result<Measured, Box<dyn Error>> {
    let home = tempfile::tempdir_in(directory)?;
    progress("opening accounts", 0.0);
    let engine = open(home.path(), spec.accounts, spec.shards)?;
    prepare(&engine, spec)?;
    let mut workload = Workload::new(WorkloadSpec {
        accounts: spec.accounts,
        batch: spec.batch,
        distribution: Distribution::Uniform,
        ids: IdOrder::Random,
        seed: spec.seed,
    });
    let mut round = || deal(workload.batches(spec.charges), spec.shards);
    let pace = spec.pace();
    drive::post(&engine, &round(), pace)?; // warms up
    let mut alone = Figures::default();
    for number in 0..ROUNDS_ALONE {
        progress("ingestion alone", share(u64::from(number), u64::from(ROUNDS_ALONE)));
        add(&mut alone, &drive::post(&engine, &round(), pace)?);
    }
    let rate = spec.rate.per_second(|| Ok(alone.charges_per_second()))?;
    let mut beside = Figures::default();
    let mut asker = Asker::new(&engine, spec)?;
    while asker.asked < spec.pages {
        progress("pages beside ingestion", share(asker.asked, spec.pages));
        let batches = round();
        let pace = rate.map_or(pace, |rate| Pace::at(pace.in_flight, rate, &batches));
        let done = AtomicBool::new(false);
        let posted = std::thread::scope(|scope| {
            let asking = scope.spawn(|| asker.ask_until(&done));
            let posted = drive::post(&engine, &batches, pace);
            done.store(true, Ordering::SeqCst);
            asking.join().expect("invariant: asking does not panic")?;
            Ok::<_, Box<dyn Error>>(posted?)
        })?;
        add(&mut beside, &posted);
    }
    let pages = asker.kinds.into_iter().map(|(name, _, latency)| (name, latency)).collect();
    // So that none is taken by itself meanwhile.
    engine.snapshot()?;
    let mut exported = Vec::new();
    for (form, export) in exports {
        progress("exporting", share(exported.len() as u64, exports.len() as u64));
        exported.push(exporting(&engine, form, export)?);
    }
    engine.close()?;
    Ok(Measured { alone, beside, rate, pages, exports: exported })
}

/// Adds a run that came after the others.
fn add(figures: &mut Figures, run: &Figures) {
    let (elapsed, cpu) = (figures.elapsed + run.elapsed, figures.cpu + run.cpu);
    figures.merge(run);
    (figures.elapsed, figures.cpu) = (elapsed, cpu);
}

impl AccountsSpec {
    fn pace(&self) -> Pace {
        Pace { in_flight: batches_in_flight(self.batch), interval: None }
    }

    fn rare_accounts(&self) -> u32 {
        RARE_ACCOUNTS.min(self.accounts / RARE_KINDS)
    }

    /// The accounts of a rare kind: other ones for each place below [`RARE_KINDS`].
    fn rare(&self, place: u32) -> impl Iterator<Item = String> {
        let step = (self.accounts / RARE_ACCOUNTS).max(RARE_KINDS);
        (place..self.accounts).step_by(step as usize).map(account_id)
    }
}

/// Asks for pages, one kind after the other.
struct Asker<'e> {
    engine: &'e Engine,
    chance: Pcg64Mcg,
    accounts: u32,
    pages: u64,
    asked: u64,
    kinds: Vec<(&'static str, AccountFilter, Latency)>,
}

impl<'e> Asker<'e> {
    fn new(engine: &'e Engine, spec: &AccountsSpec) -> Result<Self, Box<dyn Error>> {
        let all = AccountFilter::default;
        let kinds = [
            ("all", all()),
            ("with costs", AccountFilter { with_costs_only: true, ..all() }),
            ("frozen", AccountFilter { status: Some(Status::Frozen), ..all() }),
            ("ecosystem", AccountFilter { kind: Some(AccountType::Ecosystem), ..all() }),
            ("overdue", AccountFilter { overdue: Some(true), ..all() }),
            ("suspended", AccountFilter { suspended: Some(true), ..all() }),
            ("alert enabled", AccountFilter { alert: Some(AlertFilter::Enabled), ..all() }),
            ("alert firing", AccountFilter { alert: Some(AlertFilter::Firing), ..all() }),
            ("of an enterprise", AccountFilter { ecid: Some(ECID.to_owned()), ..all() }),
        ];
        for (name, filter) in &kinds {
            if engine.list_accounts(filter, 0, 1)?.items.is_empty() {
                return Err(format!("no account is listed as `{name}`").into());
            }
        }
        let kinds = kinds.into_iter().map(|(name, filter)| (name, filter, Latency::default())).collect();
        let chance = Pcg64Mcg::seed_from_u64(spec.seed);
        let accounts = u32::try_from(engine.account_count())?;
        Ok(Self { engine, chance, accounts, pages: spec.pages, asked: 0, kinds })
    }

    fn ask_until(&mut self, done: &AtomicBool) -> Result<(), EngineError> {
        while !done.load(Ordering::SeqCst) && self.asked < self.pages {
            let kind = self.asked % self.kinds.len() as u64;
            let (_, filter, latency) = &mut self.kinds[usize::try_from(kind).unwrap_or_default()];
            let from = self.chance.random_range(0..self.accounts);
            let since = Stopwatch::start();
            std::hint::black_box(self.engine.list_accounts(filter, from, PAGE_ACCOUNTS)?);
            latency.record(since.elapsed());
            self.asked += 1;
        }
        Ok(())
    }
}

/// Opens rare accounts, and makes usual ones rare.
fn prepare(engine: &Engine, spec: &AccountsSpec) -> Result<(), Box<dyn Error>> {
    post(engine, "funds", (0..spec.accounts).map(account_id), Category::Credit, FUNDS)?;
    let freeze = |billing_account| Command::FreezeBillingAccount { billing_account };
    let settings = AccountSettings { kind: Some(AccountType::Ecosystem), ..AccountSettings::default() };
    let open = |number| Command::OpenBillingAccount {
        billing_account: format!("ecosystem-{number}"),
        settings: settings.clone(),
    };
    let commands = spec.rare(0).map(freeze).chain((0..spec.rare_accounts()).map(open));
    pollster::block_on(all(engine, commands.map(Request::new), COMMANDS_AT_ONCE, &mut |_| ()))?;
    for (place, threshold) in [(1, LOW), (2, HIGH)] {
        let accounts: Vec<_> = spec.rare(place).collect();
        for accounts in accounts.chunks(ITEMS_MAX) {
            engine.execute(&Request::new(Command::SetLowBalanceAlert {
                billing_accounts: accounts.to_vec(),
                enabled: true,
                threshold: Some(threshold.parse()?),
            }))?;
        }
    }
    // The next change fires those that are below their threshold.
    post(engine, "fires", spec.rare(2), Category::Usage, LOW)?;
    post(engine, "overdue", spec.rare(3), Category::Usage, TOO_MUCH)?;
    pollster::block_on(found_enterprise(engine, spec.rare_accounts(), COMMANDS_AT_ONCE))
}

/// Posts one charge of each of those accounts.
fn post(
    engine: &Engine,
    source: &str,
    mut accounts: impl Iterator<Item = String>,
    category: Category,
    amount: &str,
) -> Result<(), Box<dyn Error>> {
    let amount: Amount = amount.parse()?;
    let at: Timestamp = "2026-05-01T00:00:00Z".parse().map_err(|_| "no such time")?;
    loop {
        let mut batch = ChargeBatch::new();
        for account in accounts.by_ref().take(CHUNK_CHARGES_MAX) {
            let usage = Charge::usage(&account, source, &account, amount, CURRENCY, at);
            batch.push(&Charge { category, ..usage });
        }
        if batch.is_empty() {
            return Ok(());
        }
        let charges = batch.len() as u64;
        let report = engine.submit(&batch)?.wait(&batch)?;
        if report.accepted != charges {
            return Err(format!("{} of {charges} charges were accepted", report.accepted).into());
        }
    }
}

fn exporting(engine: &Engine, form: &'static str, export: &Export<'_>) -> Result<Exported, Box<dyn Error>> {
    engine.barrier()?;
    let (done, peak, before) = (AtomicBool::new(false), AtomicU64::new(0), resident_bytes());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                peak.fetch_max(resident_bytes(), Ordering::SeqCst);
                std::thread::sleep(LOOK_EVERY);
            }
        });
        let since = Stopwatch::start();
        let exported = export(engine);
        let elapsed = since.elapsed();
        done.store(true, Ordering::SeqCst);
        let growth = peak.load(Ordering::SeqCst).saturating_sub(before);
        Ok(Exported { form, accounts: exported?, elapsed, growth })
    })
}
