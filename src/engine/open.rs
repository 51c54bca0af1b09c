//! Opening: recovery, then the threads.

use std::error::Error;
use std::io;
use std::mem::take;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};

use actix::{Actor, Arbiter, Context, System};
use crossbeam::channel::{Receiver, Sender, unbounded};
use parking_lot::{Mutex, RwLock};

use super::{Config, Engine, Inner, OpenError, Threads};
use crate::actors::directory::DirectoryActor;
use crate::actors::gate::Gate;
use crate::actors::health::{Health, PanicGuard};
use crate::actors::inbox::Inbox;
use crate::actors::log::{Handover, Producer};
use crate::actors::mark_engine_thread;
use crate::actors::newest::{Newest, NewestWriter};
use crate::actors::shard::{Flush, Peers, Shard, ShardParts, Shared};
use crate::domain::directory::Directory;
use crate::domain::identities::IdentityHasher;
use crate::domain::ids::CloudIndex;
use crate::domain::invariants::check_ledgers;
use crate::domain::ledger::Ledger;
use crate::journal::JournalFault;
use crate::journal::replay::{Replayed, Start, replay};
use crate::journal::snapshot::{self, SnapshotState};
use crate::limits::{IN_FLIGHT_CHARGES_LIMIT, SHARDS_MAX};
use crate::wal::{
    Identity, LogFault, LogWriter, Lsn, OpenFault, Order, OsStorage, QueueOptions, Recovered, Storage,
    VisitStop, Watermark, open_log, run,
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
        let shards = shard_count(&config)?;
        if !(1..=IN_FLIGHT_CHARGES_LIMIT).contains(&config.in_flight_charges_max) {
            let text = format!("in_flight_charges_max must be 1 to {IN_FLIGHT_CHARGES_LIMIT}");
            return Err(OpenError::Config(text));
        }
        let storage = storage_of(&config)?;
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|fault| OpenError::Config(format!("no randomness: {fault}")))?;
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
        let replayed: Replayed = replay::<OpenError>(Start { hasher, shards, snapshot }, |sink| {
            let from = low_water.map_or(Lsn::FIRST, Lsn::next);
            let opened = open_log(Arc::clone(&storage), &identity, config.log, from, &mut |block| {
                sink(block.bytes).map_err(VisitStop::new)
            });
            log = Some(opened.map_err(journal_fault)?);
            Ok(())
        })?;
        if let Some(violation) = check_ledgers(&replayed.ledgers).into_iter().next() {
            return Err(OpenError::Violated(violation));
        }
        let (writer, recovered) = log.ok_or(OpenError::Config("the log was not opened".to_owned()))?;
        opened.log = recovered;
        opened.records = replayed.records;
        opened.charges = replayed.charges;
        Self::start(config, storage, identity, hasher, replayed, writer, opened)
    }

    #[allow(clippy::too_many_arguments)] // what recovery has found
    fn start(
        config: Config,
        storage: Arc<dyn Storage>,
        identity: Identity,
        hasher: IdentityHasher,
        replayed: Replayed,
        writer: LogWriter,
        opened: Opened,
    ) -> Result<Self, OpenError> {
        let Replayed { directory, strings, mut ledgers, .. } = replayed;
        let shards = ledgers.len();
        let health = Arc::new(Health::default());
        let watermark = Arc::new(Watermark::new(writer.last()));
        let (orders, queue) = unbounded();
        let gates: Vec<_> = (0..shards).map(|_| Arc::new(Gate::new(config.in_flight_charges_max))).collect();
        let inboxes: Vec<_> = (0..shards).map(|_| Arc::new(Inbox::default())).collect();
        let newest: Vec<_> = (0..shards).map(|_| Arc::new(Newest::default())).collect();
        {
            let (gates, inboxes) = (gates.clone(), inboxes.clone());
            health.on_stop(move || {
                for gate in &gates {
                    gate.close();
                }
                for inbox in &inboxes {
                    inbox.close();
                }
            });
        }
        let options = QueueOptions { max_commit_delay: config.max_commit_delay, ..QueueOptions::default() };
        let log = {
            let (health, watermark) = (Arc::clone(&health), Arc::clone(&watermark));
            spawn("exchequer-log", move || run_log(writer, &queue, &options, &watermark, &health))?
        };
        let spans = (0..directory.cloud_count())
            .any(|cloud| u32::try_from(cloud).is_ok_and(|cloud| directory.spans_shards(CloudIndex(cloud))));
        let shared = Shared {
            strings: Arc::new(RwLock::new(strings)),
            // There before any shard runs: the first one to run may look into another one's.
            identities: ledgers.iter_mut().map(|ledger| Mutex::new(take(&mut ledger.identities))).collect(),
            homes_shared: Arc::new(AtomicBool::new(spans)),
            health: Arc::clone(&health),
        };
        let (stop_system, stopped) = tokio::sync::oneshot::channel();
        let crew = Crew {
            ledgers,
            gates: gates.clone(),
            inboxes: inboxes.clone(),
            newest: newest.clone(),
            shared: shared.clone(),
            directory: Arc::new(RwLock::new(directory)),
            watermark: Arc::clone(&watermark),
            orders: orders.clone(),
            logged_bytes: Arc::default(),
        };
        let logged_bytes = Arc::clone(&crew.logged_bytes);
        let directory = Arc::clone(&crew.directory);
        let (started, addresses) = std::sync::mpsc::channel();
        let system = spawn("exchequer-system", move || crew.run(&started, stopped))?;
        let Ok((shards, directory_actor)) = addresses.recv() else {
            return Err(OpenError::Thread(io::Error::other("the actors' thread ended before it began")));
        };
        let threads = Threads { log, system, stop_system, snapshots: None };
        let inner = Arc::new(Inner {
            snapshot_lsn: Mutex::new(opened.snapshot.unwrap_or_default()),
            config,
            storage,
            identity,
            hasher,
            directory,
            strings: shared.strings,
            inboxes,
            gates,
            newest,
            shards,
            directory_actor,
            orders,
            watermark,
            health,
            pool: Mutex::default(),
            history: RwLock::default(),
            logged_bytes,
            users: AtomicUsize::new(0),
            opened,
            closing: AtomicBool::new(false),
            canceling: tokio::sync::Mutex::default(),
            threads: Mutex::new(Some(threads)),
        });
        let engine = Self::of(inner);
        engine.snapshot_by_itself()?;
        Ok(engine)
    }
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

/// Everything that the actors are made of.
struct Crew {
    ledgers: Vec<Ledger>,
    gates: Vec<Arc<Gate>>,
    inboxes: Vec<Arc<Inbox>>,
    newest: Vec<Arc<Newest>>,
    shared: Shared,
    directory: Arc<RwLock<Directory>>,
    watermark: Arc<Watermark>,
    orders: Sender<Order<Handover>>,
    logged_bytes: Arc<AtomicU64>,
}

type Addresses = (Vec<actix::Addr<Shard>>, actix::Addr<DirectoryActor>);

impl Crew {
    /// Runs the actors until told to stop. The directory lives on this thread, each shard on one of its own.
    fn run(self, started: &std::sync::mpsc::Sender<Addresses>, stopped: tokio::sync::oneshot::Receiver<()>) {
        let health = Arc::clone(&self.shared.health);
        let _guard = PanicGuard { health, name: "actors' system" };
        System::new().block_on(async move {
            let arbiters: Vec<_> = self.ledgers.iter().map(|_| Arbiter::new()).collect();
            let addresses = self.start(&arbiters);
            // Whoever opens the engine waits for these.
            drop(started.send(addresses));
            // An error means that the engine is gone: the same as being told.
            drop(stopped.await);
            for arbiter in arbiters {
                arbiter.stop();
                drop(arbiter.join());
            }
        });
    }

    fn start(self, arbiters: &[Arbiter]) -> Addresses {
        let mut shards = Vec::new();
        let producer = Arc::new(Producer::immediate(self.orders, self.logged_bytes));
        let parts = self.ledgers.into_iter().zip(&self.gates).zip(&self.inboxes).zip(&self.newest);
        for ((((ledger, gate), inbox), newest), arbiter) in parts.zip(arbiters) {
            let (gate, inbox) = (Arc::clone(gate), Arc::clone(inbox));
            let mut newest = NewestWriter::new(Arc::clone(newest));
            // Anybody may read them before the shard runs.
            for (slot, account) in ledger.accounts.iter().enumerate() {
                newest.set(slot, account.available_credit());
            }
            let (directory, shared) = (Arc::clone(&producer), self.shared.clone());
            shards.push(Shard::start_in_arbiter(&arbiter.handle(), move |context: &mut Context<Shard>| {
                let address = actix::AsyncContext::address(context);
                let wake = address.clone();
                let producer = Producer::beside(&directory, gate, move || wake.do_send(Flush));
                Shard::new(ShardParts { ledger, inbox, shared, producer, newest }, address)
            }));
        }
        for (number, shard) in shards.iter().enumerate() {
            let others = shards.iter().enumerate().filter(|(other, _)| *other != number);
            shard.do_send(Peers(others.map(|(_, shard)| shard.clone()).collect()));
        }
        let directory = DirectoryActor {
            directory: self.directory,
            producer,
            inboxes: self.inboxes,
            shards: shards.clone(),
            guard: PanicGuard { health: Arc::clone(&self.shared.health), name: "directory" },
            shared: self.shared,
            watermark: self.watermark,
        };
        (shards, directory.start())
    }
}
