//! The context of resident actors: one a shard, lent to whichever account handles a message.
//!
//! Actix's own context costs about a kilobyte and a task an actor; a resident actor is a value in its shard's slab.
//! What a handler spawns runs as a future of the shard, with the account lent to it at each poll.

use std::cell::RefCell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Wake, Waker};

use actix::dev::channel::{self, AddressReceiver, AddressSender};
use actix::dev::{Envelope, MessageResponse, OneshotSender, Stream, ToEnvelope};
use actix::fut::ActorFuture;
use actix::{Actor, ActorContext, ActorState, Addr, AsyncContext, Handler, Message, SpawnHandle};
use parking_lot::Mutex;

use super::MAILBOX_CAPACITY;
use super::billing_account::BillingAccount;
use super::log::{LogBuffer, Release};
use super::planted::PlantedFault;
use super::routes::Routes;
use super::shard::{DrainMailboxes, Shard};

/// A future that a handler of an account spawned.
pub type AccountFuture = Pin<Box<dyn ActorFuture<BillingAccount, Output = ()>>>;

/// A future to spawn on behalf of one account.
pub struct Spawned {
    /// The account's slot.
    pub slot: usize,
    /// Its handle.
    pub handle: SpawnHandle,
    /// The future.
    pub future: AccountFuture,
    /// Whether the account's mailbox waits for it.
    pub waits: bool,
}

/// The context of a shard's accounts.
pub struct Resident {
    /// What the shard's actors have recorded and answered.
    pub log: LogBuffer,
    /// The account that handles a message now.
    pub slot: usize,
    /// Its mailbox, for as long as it handles one; opened when its address is first asked for.
    pub mailbox: RefCell<Option<Box<Mailbox>>>,
    /// Futures spawned and not yet taken over by the shard.
    pub spawned: Vec<Spawned>,
    /// Handles of futures to cancel.
    pub canceled: Vec<SpawnHandle>,
    /// The other actors.
    pub routes: Arc<Routes>,
    /// A fault planted on purpose.
    pub planted: Option<PlantedFault>,
    ready: Arc<Ready>,
    next_handle: SpawnHandle,
}

impl Resident {
    /// The context of a shard that `ready` wakes.
    pub fn new(ready: Arc<Ready>, routes: Arc<Routes>, planted: Option<PlantedFault>) -> Self {
        Self {
            routes,
            planted,
            log: LogBuffer::default(),
            slot: 0,
            mailbox: RefCell::default(),
            spawned: Vec::new(),
            canceled: Vec::new(),
            ready,
            next_handle: SpawnHandle::default(),
        }
    }

    fn open_mailbox(&self) -> std::cell::RefMut<'_, Mailbox> {
        std::cell::RefMut::map(self.mailbox.borrow_mut(), |mailbox| {
            &mut **mailbox.get_or_insert_with(|| Box::new(Mailbox::open(self.slot, &self.ready)))
        })
    }

    fn spawn_as(&mut self, future: AccountFuture, waits: bool) -> SpawnHandle {
        self.next_handle = self.next_handle.next();
        self.spawned.push(Spawned { slot: self.slot, handle: self.next_handle, future, waits });
        self.next_handle
    }
}

impl ActorContext for Resident {
    /// An account lives as long as its shard.
    fn stop(&mut self) {}

    /// An account lives as long as its shard.
    fn terminate(&mut self) {}

    fn state(&self) -> ActorState {
        ActorState::Running
    }
}

impl AsyncContext<BillingAccount> for Resident {
    fn address(&self) -> Addr<BillingAccount> {
        Addr::new(self.open_mailbox().address())
    }

    fn spawn<F>(&mut self, future: F) -> SpawnHandle
    where
        F: ActorFuture<BillingAccount, Output = ()> + 'static,
    {
        self.spawn_as(Box::pin(future), false)
    }

    fn wait<F>(&mut self, future: F)
    where
        F: ActorFuture<BillingAccount, Output = ()> + 'static,
    {
        self.open_mailbox().waits += 1;
        self.spawn_as(Box::pin(future), true);
    }

    fn waiting(&self) -> bool {
        self.mailbox.borrow().as_ref().is_some_and(|mailbox| mailbox.waits > 0)
    }

    fn cancel_future(&mut self, handle: SpawnHandle) -> bool {
        self.canceled.push(handle);
        true
    }
}

impl<M> ToEnvelope<BillingAccount, M> for Resident
where
    BillingAccount: Handler<M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    fn pack(message: M, reply: Option<OneshotSender<M::Result>>) -> Envelope<BillingAccount> {
        Envelope::new(message, reply)
    }
}

/// A handler's answer that leaves when everything recorded before it is durable.
pub struct Deferred<T>(pub T);

impl<M> MessageResponse<BillingAccount, M> for Deferred<M::Result>
where
    M: Message,
    M::Result: Send,
{
    fn handle(self, context: &mut Resident, reply: Option<OneshotSender<M::Result>>) {
        if let Some(reply) = reply {
            if context.planted == Some(PlantedFault::AnsweredBeforeDurable) {
                drop(reply.send(self.0));
                return;
            }
            // Whoever no longer waits for the answer doesn't need it.
            context.log.releases.push(Release::Reply(Box::new(move || drop(reply.send(self.0)))));
        }
    }
}

/// The mailbox of one account, open from when somebody asked for its address until the last address is dropped.
pub struct Mailbox {
    receiver: AddressReceiver<BillingAccount>,
    /// Puts the account on the shard's ready list.
    waker: Waker,
    /// Futures that the mailbox waits for.
    pub waits: usize,
}

impl Mailbox {
    /// A mailbox of the account in `slot`, which tells `ready` when something comes.
    pub fn open(slot: usize, ready: &Arc<Ready>) -> Self {
        let (_, receiver) = channel::channel(MAILBOX_CAPACITY);
        let waker = Waker::from(Arc::new(SlotWaker { slot, ready: Arc::clone(ready) }));
        Self { receiver, waker, waits: 0 }
    }

    /// A new address of the account.
    pub fn address(&self) -> AddressSender<BillingAccount> {
        self.receiver.sender()
    }

    /// The next message; none when the last address is gone.
    pub fn poll_next(&mut self) -> Poll<Option<Envelope<BillingAccount>>> {
        let next = Pin::new(&mut self.receiver).poll_next(&mut TaskContext::from_waker(&self.waker));
        // Actix leaves a channel without senders open; only the shard makes senders here.
        if next.is_pending() && !self.receiver.connected() { Poll::Ready(None) } else { next }
    }
}

/// The accounts of one shard whose mailboxes hold something.
pub struct Ready {
    slots: Mutex<Vec<usize>>,
    shard: Addr<Shard>,
}

impl Ready {
    /// Wakes `shard`.
    pub const fn new(shard: Addr<Shard>) -> Self {
        Self { slots: Mutex::new(Vec::new()), shard }
    }

    /// Notes an account, and wakes the shard for the first one.
    pub fn push(&self, slot: usize) {
        let first = {
            let mut slots = self.slots.lock();
            slots.push(slot);
            slots.len() == 1
        };
        if first {
            self.shard.do_send(DrainMailboxes);
        }
    }

    /// Takes the accounts noted so far.
    pub fn take(&self) -> Vec<usize> {
        std::mem::take(&mut self.slots.lock())
    }
}

struct SlotWaker {
    slot: usize,
    ready: Arc<Ready>,
}

impl Wake for SlotWaker {
    fn wake(self: Arc<Self>) {
        self.ready.push(self.slot);
    }
}

/// A spawned future, driven by the shard with the account lent to it.
pub struct OnAccount(pub Spawned);

impl ActorFuture<Shard> for OnAccount {
    type Output = ();

    fn poll(
        mut self: Pin<&mut Self>,
        shard: &mut Shard,
        _: &mut <Shard as Actor>::Context,
        task: &mut TaskContext<'_>,
    ) -> Poll<()> {
        let Spawned { slot, waits, .. } = self.0;
        let poll = shard.lend(slot, |account, context| self.0.future.as_mut().poll(account, context, task));
        if poll.is_ready() && waits {
            shard.stop_waiting(slot);
        }
        shard.settle();
        poll
    }
}
