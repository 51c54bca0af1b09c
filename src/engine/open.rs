//! Opening: recovery, then the threads.

use std::error::Error;
use std::io;
use std::mem::take;
use std::sync::Arc;

use crossbeam::channel::{Receiver, unbounded};

use super::crew::Crew;
use super::{Config, Engine, EngineError, OpenError, Threads};
use crate::actors::billing_account::View;
use crate::actors::health::{Health, PanicGuard};
use crate::actors::log::Handover;
use crate::actors::mark_engine_thread;
use crate::actors::planted::PlantedFault;
use crate::actors::routes::Delivery;
use crate::domain::crossing::{Cargo, Party, Sent};
use crate::domain::identities::IdentityHasher;
use crate::domain::invariants::{check_enterprises, check_ledgers};
use crate::journal::JournalFault;
use crate::journal::replay::{Replayed, Start, replay};
use crate::journal::snapshot::{self, SnapshotState};
use crate::limits::{IN_FLIGHT_CHARGES_LIMIT, SHARDS_MAX};
use crate::wal::{
    Committer, Identity, LogFault, LogWriter, Lsn, OpenFault, Order, OsStorage, Pumped, QueueOptions,
    Recovered, Storage, VisitStop, Watermark, open_log, run,
};

/// What opening found.
#[derive(Clone, Default, Debug)]
pub struct Opened {
    /// The snapshot that recovery began with; none if it read the whole log.
    pub snapshot: Option<Lsn>,
    /// What the log held after it.
    pub log: Recovered,
    /// Records replayed.
    pub records: u64,
    /// Charges replayed.
    pub charges: u64,
    /// Snapshots that could not be used, and why.
    pub broken_snapshots: Vec<String>,
}

/// Where an engine's bytes are.
pub(super) fn storage_of(config: &Config) -> Result<Arc<dyn Storage>, OpenError> {
    if let Some(storage) = &config.storage {
        return Ok(Arc::clone(storage));
    }
    OsStorage::open(&config.data_dir, config.create)
        .map(|storage| Arc::new(storage) as Arc<dyn Storage>)
        .map_err(|source| OpenError::Directory { path: config.data_dir.display().to_string(), source })
}

/// How many shards.
pub(super) fn shard_count(config: &Config) -> Result<usize, OpenError> {
    let shards = config
        .shards
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from).min(SHARDS_MAX));
    if (1..=SHARDS_MAX).contains(&shards) {
        Ok(shards)
    } else {
        Err(OpenError::Config(format!("{shards} shards: choose 1 to {SHARDS_MAX}")))
    }
}

/// Which snapshot to begin with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Age {
    Newest,
    Oldest,
}

/// Reads the newest or oldest whole snapshot.
pub(super) fn read_snapshot(
    storage: &dyn Storage,
    identity: &Identity,
    age: Age,
    broken: &mut Vec<String>,
) -> Result<Option<SnapshotState>, OpenError> {
    let mut faults = Vec::new();
    let mut low_waters = snapshot::list(storage).map_err(OpenError::Snapshot)?;
    if age == Age::Newest {
        low_waters.reverse();
    }
    let snapshot =
        snapshot::read_first_whole(storage, identity.directory_id, low_waters.into_iter(), &mut faults)
            .map_err(OpenError::Snapshot)?;
    for (path, fault) in faults {
        let text = format!("{path}: {}", describe(&fault));
        tracing::warn!(text, "a snapshot can't be used; falling back to an older one or the log");
        broken.push(text);
    }
    Ok(snapshot)
}

/// Turns a visitor's stop back into the fault of the journal.
pub(super) fn journal_fault(fault: OpenFault) -> OpenError {
    match fault {
        OpenFault::Stopped(stop) => match stop.into_inner().downcast::<JournalFault>() {
            Ok(fault) => OpenError::Journal(*fault),
            Err(other) => OpenError::Log(OpenFault::Stopped(VisitStop::new(other))),
        },
        fault => OpenError::Log(fault),
    }
}

/// An error with its causes, on one line.
pub(super) fn describe(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl Engine {
    /// Opens a data directory, making it if it is new, and recovers whatever a crash left (rule J1).
    pub fn open(config: Config) -> Result<Self, OpenError> {
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|fault| OpenError::Config(format!("no randomness: {fault}")))?;
        let (crew, found) = recover(config, random)?;
        let (stop_system, stopped) = tokio::sync::oneshot::channel();
        let log = {
            let (health, watermark) = (Arc::clone(&crew.shared.health), Arc::clone(&crew.watermark));
            let (writer, queue, options) = (found.writer, found.queue, found.options);
            spawn("exchequer-log", move || run_log(writer, &queue, &options, &watermark, &health))?
        };
        let members = crew.members();
        let (started, addresses) = std::sync::mpsc::channel();
        let system = spawn("exchequer-system", move || crew.run(&started, stopped))?;
        let Ok(addresses) = addresses.recv() else {
            return Err(OpenError::Thread(io::Error::other("the actors' thread ended before it began")));
        };
        let threads = Threads { log, system, stop_system, watchers: Vec::new() };
        let engine = Self::of(Arc::new(members.inner(found.basis, addresses, Some(threads))));
        pollster::block_on(engine.send_again(found.in_flight))?;
        engine.snapshot_by_itself()?;
        engine.advance_by_itself()?;
        Ok(engine)
    }

    /// As [`Engine::open`], with every actor on the current thread's actix `System` and the log pumped by the caller: for
    /// simulations. `random` makes a new data directory's identity. Only the asynchronous calls can be used.
    ///
    /// What was on its way when the log ended is sent again by [`Simulated::send_again`], which waits for the pump; and, more
    /// than [`Engine::open`] does, what its receivers have already: they must not mind.
    pub fn open_here(config: Config, random: [u8; 32]) -> Result<Simulated, OpenError> {
        let (crew, found) = recover(config, random)?;
        let log = LogPump {
            committer: Committer::new(found.writer),
            queue: found.queue,
            options: found.options,
            watermark: Arc::clone(&crew.watermark),
            health: Arc::clone(&crew.shared.health),
        };
        let members = crew.members();
        let addresses = crew.start(Vec::new());
        let engine = Self::of(Arc::new(members.inner(found.basis, addresses, None)));
        Ok(Simulated { engine, log, unacknowledged: found.unacknowledged })
    }

    /// Sends again what stood in an outbox and above its receiver's watermark, and waits until it has arrived
    /// (rule F5): nobody can close an account before.
    async fn send_again(&self, in_flight: Vec<(Party, Sent)>) -> Result<(), OpenError> {
        if in_flight.is_empty() || self.inner.config.planted == Some(PlantedFault::OutboxNotResent) {
            return Ok(());
        }
        let failed = |error: EngineError| OpenError::Config(error.to_string());
        // It arrives now: by the receiver's own last time it would come before it was sent, and pay what was due then.
        let now = self.inner.config.clock.now();
        for (from, sent) in &in_flight {
            let delivery = Delivery::of(*from, sent, now, RECOVERY, None);
            self.inner.routes.deliver(sent.to, delivery);
        }
        for (_, sent) in &in_flight {
            if let Party::CreditControl(enterprise) = sent.to {
                self.control_state(enterprise).await.map_err(failed)?;
            }
        }
        // Now what credit controls pass on is on its way as well.
        for (_, sent) in &in_flight {
            let receiver = match (&sent.to, &sent.cargo) {
                (Party::Account(account), _) | (_, Cargo::CreditReturn { moves_to: Some(account), .. }) => {
                    *account
                }
                _ => continue,
            };
            self.ask(receiver, View).await.map_err(failed)?;
        }
        tracing::info!(messages = in_flight.len(), "sent again what was on its way");
        Ok(())
    }
}

/// Who sends again what was on its way when the log ended.
const RECOVERY: &str = "recovery";

/// An engine in a simulation.
pub struct Simulated {
    /// The engine.
    pub engine: Engine,
    /// Its log.
    pub log: LogPump,
    unacknowledged: Vec<(Party, Sent)>,
}

impl Simulated {
    /// Messages of which no record of their senders tells that they have arrived.
    pub fn unacknowledged(&self) -> usize {
        self.unacknowledged.len()
    }

    /// Sends them again; the future is done when they have arrived, for which the log must be pumped.
    pub fn send_again(&mut self) -> impl Future<Output = Result<(), OpenError>> + use<> {
        let (engine, sent) = (self.engine.clone(), take(&mut self.unacknowledged));
        async move { engine.send_again(sent).await }
    }
}

/// The log of a simulated engine: it works when it is told to.
pub struct LogPump {
    committer: Committer<Handover>,
    queue: Receiver<Order<Handover>>,
    options: QueueOptions,
    watermark: Arc<Watermark>,
    health: Arc<Health>,
}

impl LogPump {
    /// Writes and syncs one block, if anything is queued. A fault stops the engine, as it would stop a real one.
    pub fn pump(&mut self) -> Result<Pumped, LogFault> {
        let pumped = self.committer.pump(&self.queue, &self.options, &self.watermark);
        pumped.inspect_err(|fault| self.health.stop(|| describe(fault)))
    }
}

/// What recovery found besides the state.
struct Found {
    basis: Basis,
    writer: LogWriter,
    queue: Receiver<Order<Handover>>,
    options: QueueOptions,
    in_flight: Vec<(Party, Sent)>,
    unacknowledged: Vec<(Party, Sent)>,
}

/// What an engine stands on.
pub(super) struct Basis {
    pub(super) config: Config,
    pub(super) storage: Arc<dyn Storage>,
    pub(super) identity: Identity,
    pub(super) hasher: IdentityHasher,
    pub(super) opened: Opened,
}

/// Reads the newest snapshot and the log after it, and makes everything that actors need.
fn recover(config: Config, random: [u8; 32]) -> Result<(Crew, Found), OpenError> {
    let shards = shard_count(&config)?;
    if !(1..=IN_FLIGHT_CHARGES_LIMIT).contains(&config.in_flight_charges_max) {
        let text = format!("in_flight_charges_max must be 1 to {IN_FLIGHT_CHARGES_LIMIT}");
        return Err(OpenError::Config(text));
    }
    let storage = storage_of(&config)?;
    if !config.create && Identity::read(&*storage)?.is_none() {
        let path = config.data_dir.display();
        return Err(OpenError::Config(format!("`{path}` is not a data directory")));
    }
    let identity = Identity::open_or_create(&*storage, || random)?;
    let hasher = IdentityHasher::new(identity.hash_key);
    let mut opened = Opened::default();
    let snapshot = read_snapshot(&*storage, &identity, Age::Newest, &mut opened.broken_snapshots)?;
    let low_water = snapshot.as_ref().map(|snapshot| snapshot.low_water);
    opened.snapshot = low_water;
    let mut log = None;
    let mut replayed: Replayed = replay::<OpenError>(Start { hasher, shards, snapshot }, |sink| {
        let from = low_water.map_or(Lsn::FIRST, Lsn::next);
        let opened = open_log(Arc::clone(&storage), &identity, config.log, from, &mut |block| {
            sink(block.bytes).map_err(VisitStop::new)
        });
        log = Some(opened.map_err(journal_fault)?);
        Ok(())
    })?;
    let violations = check_ledgers(&replayed.ledgers)
        .into_iter()
        .chain(check_enterprises(&replayed.ledgers, &replayed.enterprises));
    if let Some(violation) = violations.into_iter().next() {
        return Err(OpenError::Violated(violation));
    }
    let (writer, recovered) = log.ok_or(OpenError::Config("the log was not opened".to_owned()))?;
    opened.log = recovered;
    opened.records = replayed.records;
    opened.charges = replayed.charges;
    let options = QueueOptions { max_commit_delay: config.max_commit_delay, ..QueueOptions::default() };
    let (orders, queue) = unbounded();
    let in_flight = take(&mut replayed.in_flight);
    let unacknowledged = take(&mut replayed.unacknowledged);
    let crew = Crew::new(&config, replayed, orders, Arc::new(Watermark::new(writer.last())));
    let basis = Basis { config, storage, identity, hasher, opened };
    Ok((crew, Found { basis, writer, queue, options, in_flight, unacknowledged }))
}

/// Starts a named thread.
pub(super) fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<std::thread::JoinHandle<T>, OpenError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(OpenError::Thread)
}

/// The log's thread. A fault, or a panic, stops the engine.
fn run_log(
    writer: LogWriter,
    queue: &Receiver<Order<Handover>>,
    options: &QueueOptions,
    watermark: &Watermark,
    health: &Arc<Health>,
) -> Result<Lsn, LogFault> {
    let _guard = PanicGuard { health: Arc::clone(health), name: "log" };
    mark_engine_thread();
    run(writer, queue, options, watermark).inspect_err(|fault| {
        health.stop(|| format!("{} (hint: {})", describe(fault), fault.hint()));
    })
}
