//! The actors of an engine: what they are made of, and how they are started.

use std::mem::take;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};

use actix::{Actor, Arbiter, ArbiterHandle, Context, System};
use crossbeam::channel::{Sender, unbounded};
use parking_lot::{Mutex, RwLock};

use super::open::{self, Basis};
use super::references::References;
use super::{Config, Inner, Threads};
use crate::actors::directory::DirectoryActor;
use crate::actors::gate::Gate;
use crate::actors::health::{Health, PanicGuard};
use crate::actors::inbox::Inbox;
use crate::actors::log::{Handover, Producer};
use crate::actors::newest::{Newest, NewestWriter};
use crate::actors::shard::{Flush, Peers, Shard, ShardParts, Shared};
use crate::actors::starter::Starter;
use crate::domain::admin_authorization::AdminAuthorization;
use crate::domain::directory::Directory;
use crate::domain::enterprise::Enterprise;
use crate::domain::identities::MemoryWish;
use crate::domain::ids::CloudIndex;
use crate::domain::ledger::Ledger;
use crate::journal::replay::Replayed;
use crate::wal::{Order, Watermark};

/// Bytes of a page of memory, or less than one.
const PAGE_BYTES: usize = 4_096;

/// Everything that the actors are made of.
pub(super) struct Crew {
    ledgers: Vec<Ledger>,
    enterprises: Vec<Enterprise>,
    outside: AdminAuthorization,
    gates: Vec<Arc<Gate>>,
    inboxes: Vec<Arc<Inbox>>,
    newest: Vec<Arc<Newest>>,
    pub(super) shared: Shared,
    directory: Arc<RwLock<Directory>>,
    pub(super) watermark: Arc<Watermark>,
    orders: Sender<Order<Handover>>,
    logged_bytes: Arc<AtomicU64>,
}

/// What callers and actors share.
pub(super) struct Members {
    gates: Vec<Arc<Gate>>,
    inboxes: Vec<Arc<Inbox>>,
    newest: Vec<Arc<Newest>>,
    shared: Shared,
    directory: Arc<RwLock<Directory>>,
    watermark: Arc<Watermark>,
    orders: Sender<Order<Handover>>,
    logged_bytes: Arc<AtomicU64>,
    references: References,
}

pub(super) type Addresses = (Vec<actix::Addr<Shard>>, actix::Addr<DirectoryActor>);

impl Members {
    pub(super) fn inner(self, basis: Basis, addresses: Addresses, threads: Option<Threads>) -> Inner {
        let Basis { config, storage, identity, hasher, opened } = basis;
        let (shards, directory_actor) = addresses;
        Inner {
            snapshot_lsn: tokio::sync::Mutex::new(opened.snapshot.unwrap_or_default()),
            config,
            storage,
            identity,
            hasher,
            directory: self.directory,
            strings: self.shared.strings,
            identities: Arc::downgrade(&self.shared.identities),
            inboxes: self.inboxes,
            gates: self.gates,
            newest: self.newest,
            shards,
            directory_actor,
            orders: self.orders,
            watermark: self.watermark,
            health: self.shared.health,
            pool: Mutex::default(),
            history: RwLock::default(),
            logged_bytes: self.logged_bytes,
            users: AtomicUsize::new(0),
            opened,
            closing: AtomicBool::new(false),
            canceling: tokio::sync::Mutex::default(),
            replacing: tokio::sync::Mutex::default(),
            routes: self.shared.routes,
            crossings: Arc::default(),
            enterprise_locks: Mutex::default(),
            references: Mutex::new(self.references),
            settling: tokio::sync::Mutex::default(),
            threads: Mutex::new(threads),
        }
    }
}

impl Crew {
    pub(super) fn new(
        config: &Config,
        replayed: Replayed,
        orders: Sender<Order<Handover>>,
        watermark: Arc<Watermark>,
    ) -> Self {
        let Replayed { directory, strings, mut ledgers, enterprises, outside, .. } = replayed;
        let health = Arc::new(Health::default());
        let gates: Vec<_> =
            ledgers.iter().map(|_| Arc::new(Gate::new(config.in_flight_charges_max))).collect();
        let inboxes: Vec<_> = ledgers.iter().map(|_| Arc::new(Inbox::default())).collect();
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
        let spans = (0..directory.cloud_count())
            .any(|cloud| u32::try_from(cloud).is_ok_and(|cloud| directory.spans_shards(CloudIndex(cloud))));
        let shared = Shared {
            strings: Arc::new(RwLock::new(strings)),
            // There before any shard runs: the first one to run may look into another one's.
            identities: ledgers.iter_mut().map(|ledger| Mutex::new(take(&mut ledger.identities))).collect(),
            homes_shared: Arc::new(AtomicBool::new(spans)),
            memory: None,
            health,
            routes: Arc::default(),
            planted: config.planted,
        };
        Self {
            newest: ledgers.iter().map(|_| Arc::new(Newest::default())).collect(),
            ledgers,
            enterprises,
            outside,
            gates,
            inboxes,
            shared,
            directory: Arc::new(RwLock::new(directory)),
            watermark,
            orders,
            logged_bytes: Arc::default(),
        }
    }

    pub(super) fn members(&self) -> Members {
        Members {
            gates: self.gates.clone(),
            inboxes: self.inboxes.clone(),
            newest: self.newest.clone(),
            shared: self.shared.clone(),
            directory: Arc::clone(&self.directory),
            watermark: Arc::clone(&self.watermark),
            orders: self.orders.clone(),
            logged_bytes: Arc::clone(&self.logged_bytes),
            references: References::of(&self.ledgers),
        }
    }

    /// Runs the actors until told to stop. The directory lives on this thread, each shard on one of its own.
    pub(super) fn run(
        mut self,
        started: &std::sync::mpsc::Sender<Addresses>,
        stopped: tokio::sync::oneshot::Receiver<()>,
    ) {
        let health = Arc::clone(&self.shared.health);
        let _guard = PanicGuard { health, name: "actors' system" };
        self.take_memory_beforehand();
        System::new().block_on(async move {
            let arbiters: Vec<_> = self.ledgers.iter().map(|_| Arbiter::new()).collect();
            let addresses = self.start(arbiters.iter().map(Arbiter::handle).collect());
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

    /// Starts the thread that takes memory for identities; it ends with the last shard.
    fn take_memory_beforehand(&mut self) {
        let (memory, wishes) = unbounded::<(usize, MemoryWish)>();
        let identities = Arc::downgrade(&self.shared.identities);
        let work = move || {
            for (shard, wish) in wishes {
                let mut taken = vec![0; wish.entries];
                // A page is there when it was touched.
                taken.iter_mut().step_by(PAGE_BYTES / size_of::<u128>()).for_each(|entry| *entry = 1);
                taken.clear();
                let Some(identities) = identities.upgrade() else { return };
                let unneeded = identities[shard].lock().provide(&wish, taken);
                drop(unneeded); // not while the shard is kept waiting
            }
        };
        match open::spawn("exchequer-memory", work) {
            Ok(_) => {
                self.shared.identities.iter().for_each(|shard| shard.lock().wish_for_memory());
                self.shared.memory = Some(memory);
            }
            Err(error) => tracing::warn!(%error, "memory is taken only when it is needed"),
        }
    }

    /// Starts the actors on the threads of `arbiters`, or all on this one.
    pub(super) fn start(self, arbiters: Vec<ArbiterHandle>) -> Addresses {
        let mut shards = Vec::new();
        let shard_count = self.ledgers.len();
        let producer = Arc::new(Producer::immediate(self.orders, self.logged_bytes));
        let parts = self.ledgers.into_iter().zip(&self.gates).zip(&self.inboxes).zip(&self.newest);
        for (number, (((ledger, gate), inbox), newest)) in parts.enumerate() {
            let (gate, inbox) = (Arc::clone(gate), Arc::clone(inbox));
            let mut newest = NewestWriter::new(Arc::clone(newest));
            // Anybody may read them before the shard runs.
            for (slot, account) in ledger.accounts.iter().enumerate() {
                newest.set(slot, account.available_credit());
            }
            let (directory, shared) = (Arc::clone(&producer), self.shared.clone());
            let make = move |context: &mut Context<Shard>| {
                let address = actix::AsyncContext::address(context);
                let wake = address.clone();
                let producer = Producer::beside(&directory, gate, move || wake.do_send(Flush));
                Shard::new(ShardParts { ledger, inbox, shared, producer, newest }, address)
            };
            shards.push(match arbiters.get(number) {
                Some(arbiter) => Shard::start_in_arbiter(arbiter, make),
                None => Shard::create(make),
            });
        }
        for (number, shard) in shards.iter().enumerate() {
            let others = shards.iter().enumerate().filter(|(other, _)| *other != number);
            shard.do_send(Peers(others.map(|(_, shard)| shard.clone()).collect()));
        }
        let routes = Arc::clone(&self.shared.routes);
        routes.shards.set(shards.clone()).unwrap_or_else(|_| unreachable!("invariant: set once"));
        let starter = Starter {
            arbiters,
            shards: shard_count,
            producer: Arc::clone(&producer),
            directory: Arc::clone(&self.directory),
            routes,
            planted: self.shared.planted,
            health: Arc::clone(&self.shared.health),
        };
        starter.start_outside(self.outside);
        for enterprise in self.enterprises {
            starter.start(enterprise);
        }
        let directory = DirectoryActor {
            directory: self.directory,
            producer,
            inboxes: self.inboxes,
            shards: shards.clone(),
            guard: PanicGuard { health: Arc::clone(&self.shared.health), name: "directory" },
            shared: self.shared,
            watermark: self.watermark,
            starter,
        };
        (shards, directory.start())
    }
}
