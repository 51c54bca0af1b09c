//! The embedding API: open, post, command, ask, close. It hides actix; any thread and any runtime may call it.

mod account_commands;
pub mod account_handle;
mod administrators;
mod alert_commands;
pub mod answer;
mod authorization;
pub mod bill_lines;
mod billing_commands;
pub mod billing_queries;
pub mod books;
pub mod change_records;
mod charge_form;
pub mod cloud_event;
pub mod command;
mod command_forms;
mod commands;
pub mod config;
mod crew;
mod crossing_commands;
pub mod delivery;
mod enterprise_commands;
pub mod enterprise_queries;
pub mod error;
pub mod feed;
pub mod history;
mod issue;
pub mod listing;
mod open;
pub mod outbox;
mod paying_asset;
pub mod post;
pub mod post_report;
pub mod queries;
mod references;
pub mod replace_period;
pub mod report;
mod request;
mod scheduler;
mod settings;
mod snapshots;
pub mod transactions;
mod transfers;
mod unified_settlement;
pub mod verify;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use actix::Addr;
use crossbeam::channel::Sender;
use parking_lot::{Mutex, RwLock};

pub use crate::actors::planted::PlantedFault;
pub use account_handle::AccountHandle;
pub use answer::Answer;
pub use command::{AccountSettings, Command, PROVIDER, Request};
pub use config::Config;
pub use delivery::{Delivery, Reach, Unfit};
pub use error::{EngineError, OpenError};
pub use open::{LogPump, Opened, Simulated};
pub use post::{OnError, Pending};
pub use post_report::{PostItem, PostReport};
pub use replace_period::ReplaceReport;

use self::references::References;
use crate::actors::crossings::Crossings;
use crate::actors::directory::{DirectoryActor, PassDirectory};
use crate::actors::gate::Gate;
use crate::actors::health::Health;
use crate::actors::inbox::Inbox;
use crate::actors::log::{Handover, Release};
use crate::actors::newest::Newest;
use crate::actors::on_engine_thread;
use crate::actors::routes::Routes;
use crate::actors::shard::{Pass, Shard};
use crate::actors::ticket::Ticket;
use crate::domain::directory::Directory;
use crate::domain::identities::{Identities, IdentityHasher};
use crate::domain::ids::EnterpriseIndex;
use crate::domain::strings::Strings;
use crate::wal::{Identity, LogFault, Lsn, Order, Storage, Watermark};

/// An open ledger. Clones share it; it closes when the last one is closed or dropped.
///
/// ```
/// use exchequer::domain::{charge::Charge, charge_batch::ChargeBatch};
/// use exchequer::engine::{Command, Config, Engine, OnError, Request};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// let engine = Engine::open(Config::new(directory.path()))?;
/// engine.execute(&Request::new(Command::register_cloud_account("acme")))?;
/// let mut batch = ChargeBatch::new();
/// batch.push(&Charge::usage("acme", "meter", "charge-1", "12.50".parse()?, "USD", "2026-05-01T00:00:00Z".parse()?));
/// let report = engine.post(&batch, OnError::Continue)?; // durable from here on
/// assert_eq!(report.accepted, 1);
/// assert_eq!(engine.account_overview("acme")?.available_credit.to_string(), "-12.5");
/// engine.close()?;
/// # Ok(())
/// # }
/// ```
pub struct Engine {
    inner: Arc<Inner>,
}

/// Everything that the clones of an engine share.
struct Inner {
    config: Config,
    storage: Arc<dyn Storage>,
    identity: Identity,
    hasher: IdentityHasher,
    directory: Arc<RwLock<Directory>>,
    strings: Arc<RwLock<Strings>>,
    /// They go with the shards.
    identities: Weak<[Mutex<Identities>]>,
    inboxes: Vec<Arc<Inbox>>,
    gates: Vec<Arc<Gate>>,
    newest: Vec<Arc<Newest>>,
    shards: Vec<Addr<Shard>>,
    directory_actor: Addr<DirectoryActor>,
    orders: Sender<Order<Handover>>,
    watermark: Arc<Watermark>,
    health: Arc<Health>,
    pool: Mutex<Vec<post::Prepared>>,
    /// Written while the log is trimmed, read while it is read.
    history: RwLock<()>,
    /// The newest snapshot's low-water mark; locked while one is taken.
    snapshot_lsn: tokio::sync::Mutex<Lsn>,
    /// Bytes handed to the log since opening.
    logged_bytes: Arc<AtomicU64>,
    /// Clones of the engine.
    users: AtomicUsize,
    opened: Opened,
    closing: AtomicBool,
    /// Held while an account is canceled, so that the directory's mark of one cancel is not taken back by another.
    canceling: tokio::sync::Mutex<()>,
    /// Held while a period is replaced, so that what one posts is not missing from the sums of another.
    replacing: tokio::sync::Mutex<()>,
    /// Where the actors are.
    routes: Arc<Routes>,
    /// The accounts that something is on its way to or from.
    crossings: Arc<Crossings>,
    /// Held while an operation on one enterprise takes several steps.
    enterprise_locks: Mutex<HashMap<EnterpriseIndex, Arc<tokio::sync::Mutex<()>>>>,
    /// Which account has which purchase, remittance and unified settlement.
    references: Mutex<References>,
    /// Held while a unified settlement begins or ends.
    settling: tokio::sync::Mutex<()>,
    threads: Mutex<Option<Threads>>,
}

/// What must be joined at the end.
struct Threads {
    log: JoinHandle<Result<Lsn, LogFault>>,
    system: JoinHandle<()>,
    stop_system: tokio::sync::oneshot::Sender<()>,
    /// Of snapshots, and of the clock.
    watchers: Vec<JoinHandle<()>>,
}

impl Engine {
    /// What opening found.
    pub fn opened(&self) -> &Opened {
        &self.inner.opened
    }

    /// The number of the newest durable block of the log.
    pub fn durable_lsn(&self) -> Lsn {
        self.inner.watermark.durable()
    }

    /// Why the engine stopped, if it did.
    pub fn stopped(&self) -> Option<&str> {
        self.inner.health.stopped()
    }

    /// Waits until everything recorded so far, by any account and the directory, is durable.
    pub fn barrier(&self) -> Result<(), EngineError> {
        self.blocking()?;
        pollster::block_on(self.barrier_async())
    }

    /// As [`Engine::barrier`], on any runtime.
    pub async fn barrier_async(&self) -> Result<(), EngineError> {
        self.inner.barrier().await
    }

    /// Makes everything durable, closes the log cleanly and ends all threads.
    ///
    /// Other clones get `stopped` from then on.
    pub fn close(self) -> Result<(), EngineError> {
        self.blocking()?;
        self.inner.close()
    }

    /// A counted user of an open engine.
    fn of(inner: Arc<Inner>) -> Self {
        inner.users.fetch_add(1, Ordering::SeqCst);
        Self { inner }
    }

    /// Refuses to block a thread that actors or the log run on.
    #[allow(clippy::unused_self)] // asked of every engine before it blocks
    fn blocking(&self) -> Result<(), EngineError> {
        if on_engine_thread() { Err(EngineError::WouldDeadlock) } else { Ok(()) }
    }
}

impl Clone for Engine {
    fn clone(&self) -> Self {
        Self::of(Arc::clone(&self.inner))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // The last user closes, unless it is one of the engine's own threads: then the log ends unsealed, and loses nothing.
        if self.inner.users.fetch_sub(1, Ordering::SeqCst) == 1
            && !on_engine_thread()
            && let Err(error) = self.inner.close()
        {
            tracing::error!(%error, "closing the engine failed");
        }
    }
}

fn part_of(ticket: &Arc<Ticket>) -> Release {
    Release::Part { part: ticket.part(), also: Vec::new() }
}

impl Inner {
    /// The error of a call that met the end of the engine.
    fn stopped(&self) -> EngineError {
        let closing = self.closing.load(Ordering::SeqCst);
        let reason = match self.health.stopped() {
            None if closing => "it is closed",
            _ => self.health.reason(),
        };
        EngineError::Stopped(reason.to_owned())
    }

    /// Refuses what comes after the first fault, also where the actors asked are still well.
    fn check_running(&self) -> Result<(), EngineError> {
        if self.health.stopped().is_some() { Err(self.stopped()) } else { Ok(()) }
    }

    /// Waits for the operations on that enterprise before this one.
    async fn enterprise_lock(&self, enterprise: EnterpriseIndex) -> tokio::sync::OwnedMutexGuard<()> {
        let lock = Arc::clone(self.enterprise_locks.lock().entry(enterprise).or_default());
        lock.lock_owned().await
    }

    async fn barrier(&self) -> Result<(), EngineError> {
        self.check_running()?;
        let ticket = Arc::new(Ticket::default());
        for shard in &self.shards {
            shard.do_send(Pass(part_of(&ticket)));
        }
        self.directory_actor.do_send(PassDirectory(part_of(&ticket)));
        ticket.wait_async().await.map(|_| ()).map_err(|_| self.stopped())
    }

    fn close(&self) -> Result<(), EngineError> {
        if self.closing.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        let Some(threads) = self.threads.lock().take() else { return Ok(()) };
        // Nothing new is let in; what is in becomes durable before the seal.
        self.gates.iter().for_each(|gate| gate.close());
        let settled = pollster::block_on(self.barrier());
        for watcher in threads.watchers {
            if watcher.thread().id() == std::thread::current().id() {
                continue;
            }
            watcher.thread().unpark();
            // What failed in it has been reported; a snapshot is no loss, and what is due stays due.
            drop(watcher.join());
        }
        drop(self.orders.send(Order::Seal));
        let sealed = threads.log.join();
        self.health.retire();
        // Gone already where it has panicked.
        let _gone = threads.stop_system.send(());
        let system = threads.system.join();
        match sealed {
            // The log's own fault says more than that a call met its end.
            Ok(Err(fault)) => Err(EngineError::Stopped(open::describe(&fault))),
            Ok(Ok(_)) if system.is_ok() => settled,
            _ => Err(self.stopped()),
        }
    }
}
