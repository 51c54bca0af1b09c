//! From an actor's records to the log's thread and back: what was recorded first is durable first, and nothing that is
//! shown outside runs ahead of the disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use actix::dev::{MessageResponse, OneshotSender};
use actix::{Actor, Addr, Message};
use crossbeam::channel::Sender;
use parking_lot::Mutex;

use super::gate::Gate;
use super::shard::{Pass, Shard};
use super::ticket::TicketPart;
use crate::wal::{Commit, Lsn, Order};

/// The memory of a larger buffer is not kept.
const SPARE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Something that waits until all that its actor recorded before it is durable. Dropped undone if the engine stops.
pub enum Release {
    /// A batch's part of this shard.
    Part {
        /// The part.
        part: TicketPart,
        /// Shards whose records it must wait for besides, one after the other.
        also: Vec<Addr<Shard>>,
    },
    /// An answer.
    Reply(Box<dyn FnOnce() + Send>),
}

impl Release {
    fn run(self) {
        match self {
            Self::Part { part, mut also } => {
                if let Some(shard) = also.pop() {
                    shard.do_send(Pass(Self::Part { part, also }));
                } else {
                    part.finish();
                }
            }
            Self::Reply(reply) => reply(),
        }
    }
}

/// Records and what waits for them, in the order in which they came.
#[derive(Default)]
pub struct LogBuffer {
    /// Encoded records.
    pub bytes: Vec<u8>,
    /// How many.
    pub records: u32,
    /// What waits for them.
    pub releases: Vec<Release>,
    /// The room that their charges take at the shard's gate.
    pub room: usize,
    /// Messages to other actors that the records cause: sent when the log has them in its queue, so that the
    /// receiver's record can't precede its cause (rule F5).
    pub sends: Vec<Box<dyn FnOnce() + Send>>,
}

/// The counters that a producer shares with the log's thread.
#[derive(Default)]
struct Shared {
    /// A buffer stands in the FIFO.
    queued: AtomicBool,
    /// The producer has more.
    wants: AtomicBool,
    /// Buffers handed over that are not durable yet.
    outstanding: AtomicUsize,
    /// The memory of a buffer that became durable, empty: what the system gives anew is backed only when it is touched.
    spare: Mutex<Vec<u8>>,
    /// Held from handing a buffer over until the messages that it causes are sent.
    sending: Mutex<()>,
}

/// One producer of records: a shard, or the directory.
pub struct Producer {
    shared: Arc<Shared>,
    /// The directory's counters: what it has published may not be durable yet.
    directory: Arc<Shared>,
    orders: Sender<Order<Handover>>,
    wake: Arc<dyn Fn() + Send + Sync>,
    /// Where a shard's charges entered.
    gate: Option<Arc<Gate>>,
    one_at_a_time: bool,
    logged_bytes: Arc<AtomicU64>,
}

/// A buffer on its way to the disk.
pub struct Handover {
    buffer: LogBuffer,
    shared: Arc<Shared>,
    wake: Arc<dyn Fn() + Send + Sync>,
    gate: Option<Arc<Gate>>,
    /// It causes messages to other actors.
    sends: bool,
    is_durable: bool,
}

impl Producer {
    /// A producer that has at most one buffer in the FIFO, but for those that hurry, and is woken when there is room for the
    /// next.
    ///
    /// What it answers may show what the directory has published, so it waits for the directory's records too. Both
    /// count in `logged_bytes` what they hand over. What is durable leaves `gate`.
    pub fn beside(directory: &Self, gate: Arc<Gate>, wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            shared: Arc::default(),
            directory: Arc::clone(&directory.shared),
            orders: directory.orders.clone(),
            wake: Arc::new(wake),
            gate: Some(gate),
            one_at_a_time: true,
            logged_bytes: Arc::clone(&directory.logged_bytes),
        }
    }

    /// A producer that hands over at once, so that what it tells others never precedes its record.
    pub fn immediate(orders: Sender<Order<Handover>>, logged_bytes: Arc<AtomicU64>) -> Self {
        let shared = Arc::<Shared>::default();
        let directory = Arc::clone(&shared);
        Self {
            shared,
            directory,
            orders,
            wake: Arc::new(|| {}),
            gate: None,
            one_at_a_time: false,
            logged_bytes,
        }
    }

    /// Whether a buffer would be handed over now.
    pub fn is_free(&self) -> bool {
        !self.shared.queued.load(Ordering::SeqCst)
    }

    /// Hands `buffer` over if its turn has come, or releases what waits for nothing.
    pub fn settle(&self, buffer: &mut LogBuffer) {
        self.settle_or_hurry(buffer, false);
    }

    /// As [`Producer::settle`], beside a buffer that stands in the FIFO already: both get into the same block, and who asked
    /// need not wait for one more.
    pub fn hurry(&self, buffer: &mut LogBuffer) {
        self.settle_or_hurry(buffer, true);
    }

    fn settle_or_hurry(&self, buffer: &mut LogBuffer, hurries: bool) {
        if buffer.bytes.is_empty() {
            for send in buffer.sends.drain(..) {
                send();
            }
            if buffer.releases.is_empty() {
                return;
            }
            if self.shared.outstanding.load(Ordering::SeqCst) == 0
                && self.directory.outstanding.load(Ordering::SeqCst) == 0
            {
                leave(self.gate.as_deref(), std::mem::take(&mut buffer.room));
                buffer.releases.drain(..).for_each(Release::run);
                return;
            }
        }
        if self.one_at_a_time && self.shared.queued.swap(true, Ordering::SeqCst) && !hurries {
            self.shared.wants.store(true, Ordering::SeqCst);
            // The log may have taken the queued buffer in between and not seen the wish: then it is ours to go on.
            let taken = !self.shared.queued.load(Ordering::SeqCst);
            if !(taken && self.shared.wants.swap(false, Ordering::SeqCst)) {
                return;
            }
            self.shared.queued.store(true, Ordering::SeqCst);
        }
        self.logged_bytes.fetch_add(buffer.bytes.len() as u64, Ordering::Relaxed);
        self.shared.outstanding.fetch_add(1, Ordering::SeqCst);
        let sends = std::mem::take(&mut buffer.sends);
        let spare =
            LogBuffer { bytes: std::mem::take(&mut self.shared.spare.lock()), ..LogBuffer::default() };
        let handover = Handover {
            buffer: std::mem::replace(buffer, spare),
            shared: Arc::clone(&self.shared),
            wake: Arc::clone(&self.wake),
            gate: self.gate.clone(),
            sends: !sends.is_empty(),
            is_durable: false,
        };
        let sending = handover.sends.then(|| self.shared.sending.lock());
        // Without a log's thread the engine has stopped; dropping the buffer tells who waits.
        drop(self.orders.send(Order::Commit(handover)));
        for send in sends {
            send();
        }
        drop(sending);
    }
}

/// An answer that leaves when all that its actor recorded before it is durable, with the records that it caused.
pub struct Answered<T> {
    /// The answer.
    pub answer: T,
    /// Records that it waits for besides those before.
    pub buffer: LogBuffer,
    /// The actor's way to the log.
    pub producer: Arc<Producer>,
}

impl<A, M> MessageResponse<A, M> for Answered<M::Result>
where
    A: Actor,
    M: Message,
    M::Result: Send,
{
    fn handle(self, _: &mut A::Context, reply: Option<OneshotSender<M::Result>>) {
        let Self { answer, mut buffer, producer } = self;
        if let Some(reply) = reply {
            // Whoever no longer waits for the answer doesn't need it.
            buffer.releases.push(Release::Reply(Box::new(move || drop(reply.send(answer)))));
        }
        producer.settle(&mut buffer);
    }
}

fn leave(gate: Option<&Gate>, room: usize) {
    if room > 0
        && let Some(gate) = gate
    {
        gate.leave(room);
    }
}

impl Commit for Handover {
    fn bytes(&self) -> &[u8] {
        &self.buffer.bytes
    }

    fn records(&self) -> u32 {
        self.buffer.records
    }

    fn taken(&mut self) {
        self.shared.queued.store(false, Ordering::SeqCst);
        if self.shared.wants.swap(false, Ordering::SeqCst) {
            (self.wake)();
        }
    }

    fn durable(mut self, _: Lsn) {
        self.is_durable = true;
        if self.sends {
            // Who gets an answer and asks the receiver of a message then must find it there: the disk may be faster
            // than the thread that sends.
            drop(self.shared.sending.lock());
        }
        let mut spare = std::mem::take(&mut self.buffer.bytes);
        spare.clear();
        let mut kept = self.shared.spare.lock();
        if spare.capacity() > kept.capacity() && spare.capacity() <= SPARE_BYTES_MAX {
            *kept = spare;
        }
        drop(kept);
        self.shared.outstanding.fetch_sub(1, Ordering::SeqCst);
        leave(self.gate.as_deref(), self.buffer.room);
        std::mem::take(&mut self.buffer.releases).into_iter().for_each(Release::run);
    }
}

impl Drop for Handover {
    /// Dropped undone, the log has ended: what its producer still holds back must go the same way, for nobody will
    /// take the queued buffer and call for the next one.
    fn drop(&mut self) {
        if !self.is_durable {
            self.shared.queued.store(false, Ordering::SeqCst);
            (self.wake)();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crossbeam::channel::unbounded;

    use super::*;

    #[test]
    fn messages_are_sent_before_anybody_is_answered() {
        let (orders, queue) = unbounded();
        let producer = Producer::immediate(orders, Arc::default());
        let (sent, came) = unbounded();
        let answered = sent.clone();
        // The disk is faster than who sends.
        let log = std::thread::spawn(move || {
            let Ok(Order::Commit(handover)) = queue.recv() else { panic!("nothing was handed over") };
            handover.durable(Lsn::FIRST);
        });
        let message = move || {
            std::thread::sleep(Duration::from_millis(50));
            sent.send("sent").unwrap();
        };
        let mut buffer = LogBuffer {
            bytes: vec![1],
            records: 1,
            releases: vec![Release::Reply(Box::new(move || answered.send("answered").unwrap()))],
            sends: vec![Box::new(message)],
            ..LogBuffer::default()
        };
        producer.settle(&mut buffer);
        log.join().unwrap();
        assert_eq!(came.try_iter().collect::<Vec<_>>(), ["sent", "answered"]);
    }
}
