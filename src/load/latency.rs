//! How long one thing takes where nothing else is to be done: a durable charge, and a read of an account.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use super::disk::LoneDisk;
use super::figures::{Latency, share};
use super::ingest::open;
use super::workload::{Distribution, IdOrder, Workload, WorkloadSpec, account_id};
use crate::clock::Stopwatch;
use crate::domain::charge_batch::ChargeBatch;
use crate::engine::{AccountHandle, Engine, OnError};
use crate::wal::{Identity, Lsn, OsStorage, VisitStop, read_log};

/// Time in which everything comes to rest before the next charge, or the next sync.
const PAUSE: Duration = Duration::from_micros(500);

/// Charges before those that count: they warm up, and tell how many bytes the engine writes for one.
const WARM_UP_CHARGES: u64 = 64;

/// Accounts that are read, one after the other.
const HANDLES: u32 = 256;

/// Lock-free reads timed together, so that the clock's own time is no part of one.
const RUN_READS: usize = 256;

/// How many steps the progress has.
const STEPS: u64 = 100;

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub struct LatencySpec {
    /// Billing accounts.
    pub accounts: u32,
    /// Shards of the engine.
    pub shards: usize,
    /// Charges posted one by one.
    pub charges: u64,
    /// Reads through mailboxes, and as many without a lock.
    pub reads: u64,
    /// The charges follow from it.
    pub seed: u64,
}

/// What was measured.
#[derive(Clone, Default, Debug)]
pub struct Latencies {
    /// Bytes that the engine writes for one charge.
    pub block_bytes: usize,
    /// From handing one charge over until it is durable.
    pub charge: Latency,
    /// Writing and syncing as many bytes without an engine.
    pub fdatasync: Latency,
    /// Asking an account through its mailbox.
    pub mailbox_read: Latency,
    /// Reading the newest available credit without a lock.
    pub lock_free_read: Latency,
}

impl Latencies {
    /// The median of a durable charge as a multiple of the disk's own.
    pub fn ratio_p50(&self) -> f64 {
        self.charge.us(0.5) / self.fdatasync.us(0.5)
    }
}

/// Measures in directories of its own under `directory`; `progress` is told what share (0 to 1) is done.
pub fn measure(
    spec: &LatencySpec,
    directory: &Path,
    progress: &mut dyn FnMut(f64),
) -> Result<Latencies, Box<dyn Error>> {
    let home = tempfile::tempdir_in(directory)?;
    let engine = open(home.path(), spec.accounts, spec.shards)?;
    let mut workload = Workload::new(WorkloadSpec {
        accounts: spec.accounts,
        batch: 1,
        distribution: Distribution::Uniform,
        ids: IdOrder::Random,
        seed: spec.seed,
    });
    for batch in workload.batches(WARM_UP_CHARGES) {
        post(&engine, &batch)?;
    }
    let mut measured =
        Latencies { block_bytes: newest_block_bytes(&engine, home.path())?, ..Latencies::default() };
    let mut disk = LoneDisk::open(directory, measured.block_bytes)?;
    for (done, batch) in (0..).zip(workload.batches(spec.charges)) {
        if done % spec.charges.div_ceil(STEPS) == 0 {
            progress(share(done, spec.charges) * 0.9);
        }
        std::thread::sleep(PAUSE);
        measured.charge.record(post(&engine, &batch)?);
        std::thread::sleep(PAUSE);
        measured.fdatasync.record(disk.sync()?);
    }
    let handles = (0..spec.accounts.min(HANDLES))
        .map(|account| engine.account(&account_id(account)))
        .collect::<Result<Vec<_>, _>>()?;
    read_through_mailboxes(&handles, spec.reads, &mut measured.mailbox_read)?;
    read_without_lock(&handles, spec.reads, &mut measured.lock_free_read);
    drop(handles);
    engine.close()?;
    progress(1.0);
    Ok(measured)
}

fn post(engine: &Engine, batch: &ChargeBatch) -> Result<Duration, Box<dyn Error>> {
    let since = Stopwatch::start();
    let report = engine.post(batch, OnError::Continue)?;
    let elapsed = since.elapsed();
    if report.accepted == batch.len() as u64 { Ok(elapsed) } else { Err("a charge was not accepted".into()) }
}

/// Bytes from the last but one block of the log to the last one.
fn newest_block_bytes(engine: &Engine, directory: &Path) -> Result<usize, Box<dyn Error>> {
    let storage = OsStorage::open(directory, false)?;
    let identity = Identity::read(&storage)?.ok_or("the ledger has no identity")?;
    let mut starts = Vec::new();
    read_log(&storage, &identity, Lsn::FIRST, Some(engine.durable_lsn()), &mut |block| {
        starts.push(block.offset);
        Ok::<_, VisitStop>(())
    })?;
    match starts[..] {
        [.., before, newest] if before < newest => Ok(usize::try_from(newest - before)?),
        _ => Err("the newest two blocks of the log are not in one segment".into()),
    }
}

fn read_through_mailboxes(
    handles: &[AccountHandle],
    reads: u64,
    latency: &mut Latency,
) -> Result<(), Box<dyn Error>> {
    let ask = |handle: &AccountHandle, latency: Option<&mut Latency>| {
        let since = Stopwatch::start();
        black_box(pollster::block_on(handle.view())?);
        if let Some(latency) = latency {
            latency.record(since.elapsed());
        }
        Ok::<_, Box<dyn Error>>(())
    };
    // The first message of each opens its mailbox.
    handles.iter().try_for_each(|handle| ask(handle, None))?;
    (0..reads).zip(handles.iter().cycle()).try_for_each(|(_, handle)| ask(handle, Some(latency)))
}

fn read_without_lock(handles: &[AccountHandle], reads: u64, latency: &mut Latency) {
    let mut accounts = handles.iter().cycle();
    for _ in 0..reads.div_ceil(RUN_READS as u64) {
        let since = Stopwatch::start();
        for handle in accounts.by_ref().take(RUN_READS) {
            black_box(handle.available_credit());
        }
        let elapsed = since.elapsed();
        latency.record(Duration::from_nanos_u128(elapsed.as_nanos() / RUN_READS as u128));
    }
}
