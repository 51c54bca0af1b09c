//! The directory as an actor: it opens accounts, and knows who pays for whom.

mod change;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix::{Actor, Addr, Context, Handler, Message, MessageResult, ResponseFuture};
use parking_lot::RwLock;
use tokio::sync::oneshot;

use super::health::PanicGuard;
use super::inbox::Inbox;
use super::log::{LogBuffer, Producer, Release};
use super::shard::{Drain, Shard, Shared};
use super::starter::Starter;
use super::ticket::Stopped;
use crate::domain::directory::{Admission, Directory, DirectoryEvent};
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{AccountIndex, CloudIndex};
use crate::domain::keys::Remembered;
use crate::domain::time::Timestamp;
use crate::journal::forms::answer::{decode_results, encode_results};
use crate::journal::forms::directory_record::DirectoryRecord;
use crate::journal::snapshot::Part;
use crate::wal::{Lsn, Watermark};
use change::decide;
pub use change::{Change, ChangeItem, ChangeResult};

/// The actor. Callers read the directory under its lock; only the actor writes it.
pub struct DirectoryActor {
    /// The state.
    pub directory: Arc<RwLock<Directory>>,
    /// The way to the log.
    pub producer: Arc<Producer>,
    /// The inboxes of all shards.
    pub inboxes: Vec<Arc<Inbox>>,
    /// The shards.
    pub shards: Vec<Addr<Shard>>,
    /// What it shares with them.
    pub shared: Shared,
    /// How far the log has got.
    pub watermark: Arc<Watermark>,
    /// Starts the actors of enterprises.
    pub starter: Starter,
    /// Stops the engine on a panic.
    pub guard: PanicGuard,
}

impl Actor for DirectoryActor {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Self::Context) {
        super::mark_engine_thread();
    }
}

impl Handler<Change> for DirectoryActor {
    type Result = ResponseFuture<Result<ChangeResult, Stopped>>;

    fn handle(&mut self, change: Change, _: &mut Self::Context) -> Self::Result {
        let mut buffer = LogBuffer::default();
        let result = self.decide_and_record(change, &mut buffer);
        let (reply, answer) = oneshot::channel();
        buffer.releases.push(Release::Reply(Box::new(move || drop(reply.send(result)))));
        self.producer.settle(&mut buffer);
        Box::pin(async move { answer.await.map_err(|_| Stopped) })
    }
}

impl DirectoryActor {
    fn decide_and_record(&self, change: Change, buffer: &mut LogBuffer) -> ChangeResult {
        // Only this actor writes, so what it decides on under a read lock still holds when it applies.
        let (events, results, at) = {
            let directory = self.directory.read();
            if let Some((key, digest)) = &change.key
                && let Some(answer) = directory.keys().look_up(&change.principal, key, *digest)?
            {
                return Ok(decode_results(answer).expect("invariant: the answer was encoded here"));
            }
            let (events, results) = decide(&directory, change.items, change.at);
            (events, results, change.at)
        };
        if events.is_empty() {
            return Ok(results);
        }
        let remembered = change.key.map(|(key, digest)| Remembered {
            principal: change.principal.clone(),
            key,
            digest,
            answer: encode_results(&results).into(),
            at: change.now,
        });
        let record = DirectoryRecord {
            sequence: self.directory.read().sequence() + 1,
            at,
            actor: change.principal,
            remembered: remembered.clone(),
            events,
        };
        record.encode(&mut buffer.bytes);
        buffer.records += 1;
        // The record goes to the log's queue before anybody can use what it makes.
        self.producer.settle(buffer);
        self.publish(&record.events, at, remembered);
        Ok(results)
    }

    fn publish(&self, events: &[DirectoryEvent], at: Timestamp, remembered: Option<Remembered>) {
        let mut directory = self.directory.write();
        let admissions = directory.apply(events, at, remembered);
        let changed = events.iter().filter_map(|event| match event {
            DirectoryEvent::PayerChanged { cloud, .. } => Some(*cloud),
            _ => None,
        });
        if changed.into_iter().any(|cloud: CloudIndex| directory.spans_shards(cloud)) {
            self.shared.homes_shared.store(true, Ordering::SeqCst);
        }
        for admission in &admissions {
            if let Admission::Enterprise { enterprise, charter } = admission {
                self.starter.start(Enterprise::open(*enterprise, (**charter).clone()));
            }
        }
        // Under the lock: no caller can route a charge to a place before the shard has been told to make it.
        for (shard, inbox) in self.inboxes.iter().enumerate() {
            let mine = |admission: &&Admission| match admission {
                Admission::Account { account, .. } | Admission::Payment { account, .. } => {
                    account.partition().shard(self.inboxes.len()) == shard
                }
                Admission::Enterprise { .. } => false,
            };
            if inbox.admit(admissions.iter().filter(mine).cloned()) {
                self.shards[shard].do_send(Drain);
            }
        }
    }
}

/// Marks an account as canceled ahead of its own decision, so that nobody makes it a payer meanwhile; whether it pays
/// for any cloud account, in which case nothing is marked.
pub struct PrepareCancel {
    /// Which.
    pub account: AccountIndex,
    /// Business time of the command.
    pub at: Timestamp,
}

impl Message for PrepareCancel {
    type Result = bool;
}

impl Handler<PrepareCancel> for DirectoryActor {
    type Result = bool;

    fn handle(&mut self, message: PrepareCancel, _: &mut Self::Context) -> bool {
        let mut directory = self.directory.write();
        let pays = directory.pays(message.account, message.at);
        if !pays {
            directory.note_canceled(message.account, true);
        }
        pays
    }
}

/// The account refused to be canceled.
#[derive(Message)]
#[rtype(result = "()")]
pub struct UndoCancel(pub AccountIndex);

impl Handler<UndoCancel> for DirectoryActor {
    type Result = ();

    fn handle(&mut self, message: UndoCancel, _: &mut Self::Context) {
        self.directory.write().note_canceled(message.0, false);
    }
}

/// Begins a snapshot: how far the log is durable, while no change of the directory is half done.
pub struct LowWater;

impl Message for LowWater {
    type Result = Lsn;
}

impl Handler<LowWater> for DirectoryActor {
    type Result = MessageResult<LowWater>;

    fn handle(&mut self, _: LowWater, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.watermark.durable())
    }
}

/// Asks for the parts of a snapshot with the directory and the strings; taken last, it knows all that shards hold.
pub struct SnapshotDirectory;

impl Message for SnapshotDirectory {
    type Result = Vec<Part>;
}

impl Handler<SnapshotDirectory> for DirectoryActor {
    type Result = Vec<Part>;

    fn handle(&mut self, _: SnapshotDirectory, _: &mut Self::Context) -> Self::Result {
        let strings = Part::strings(&self.shared.strings.read());
        let directory = Part::directory(&self.directory.read().to_parts());
        vec![strings, directory]
    }
}

/// Has something wait for all that the directory has recorded so far.
#[derive(Message)]
#[rtype(result = "()")]
pub struct PassDirectory(pub Release);

impl Handler<PassDirectory> for DirectoryActor {
    type Result = ();

    fn handle(&mut self, pass: PassDirectory, _: &mut Self::Context) {
        let mut buffer = LogBuffer { releases: vec![pass.0], ..LogBuffer::default() };
        self.producer.settle(&mut buffer);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;

    use actix::System;
    use crossbeam::channel::unbounded;

    use super::*;
    use crate::actors::health::Health;
    use crate::domain::ids::Currency;
    use crate::domain::profile::{AccountType, Opening, Profile};
    use crate::domain::time::UtcOffset;
    use crate::wal::{Commit, Order};

    #[test]
    fn a_change_is_in_the_logs_queue_before_anybody_can_see_it() {
        let (orders, queue) = unbounded();
        let directory = Arc::new(RwLock::new(Directory::new(1)));
        let health = Arc::new(Health::default());
        let shared = Shared {
            strings: Arc::default(),
            identities: Arc::new([]),
            homes_shared: Arc::new(AtomicBool::new(false)),
            memory: None,
            health: Arc::clone(&health),
            routes: Arc::default(),
            planted: None,
        };
        let producer = Arc::new(Producer::immediate(orders, Arc::default()));
        let starter = Starter {
            arbiters: Vec::new(),
            shards: 1,
            producer: Arc::clone(&producer),
            directory: Arc::clone(&directory),
            routes: Arc::default(),
            planted: None,
            health: Arc::clone(&health),
        };
        let actor = DirectoryActor {
            directory: Arc::clone(&directory),
            producer,
            starter,
            inboxes: Vec::new(),
            shards: Vec::new(),
            shared,
            watermark: Arc::new(Watermark::new(Lsn::NOTHING)),
            guard: PanicGuard { health, name: "directory" },
        };
        let opening = Opening {
            kind: AccountType::Direct,
            currency: Currency::USD,
            offset: UtcOffset::default(),
            at: Timestamp::MIN,
            profile: Profile::default(),
        };
        let items = vec![ChangeItem::Open { id: "a".into(), opening: Box::new(opening) }];
        let change = Change {
            items,
            principal: "provider".into(),
            key: None,
            at: Timestamp::MIN,
            now: Timestamp::MIN,
        };
        // Somebody reads the directory all the while, so that nothing can be published.
        let reader = directory.read();
        let (stop, stopped) = oneshot::channel::<()>();
        let system = std::thread::spawn(move || {
            System::new().block_on(async move {
                actor.start().do_send(change);
                drop(stopped.await);
            });
        });
        // Where it is published first, nothing comes; the limit only ends the test then.
        let Ok(Order::Commit(handover)) = queue.recv_timeout(Duration::from_secs(20)) else {
            panic!("it waits for the reader before it is handed over")
        };
        assert!(!handover.bytes().is_empty() && reader.account("a").is_none());
        drop(reader);
        drop(handover);
        drop(stop);
        system.join().unwrap();
        assert!(directory.read().account("a").is_some());
    }
}
