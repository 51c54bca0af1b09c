//! A shard: one thread's worth of billing accounts, their identities and their log buffer.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::Poll;

use actix::dev::{Envelope, EnvelopeProxy};
use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, MessageResult};
use crossbeam::channel::Sender;
use parking_lot::{Mutex, RwLock};

use super::billing_account::BillingAccount;
use super::fact_index::FactIndex;
use super::health::{Health, PanicGuard};
use super::inbox::Inbox;
use super::log::{Producer, Release};
use super::newest::NewestWriter;
use super::planted::PlantedFault;
use super::resident::{Mailbox, OnAccount, Ready, Resident};
use super::routes::Routes;
use super::timers::Timers;
use crate::domain::account::Account;
use crate::domain::billing::asset::Portion;
use crate::domain::directory::{Admission, account_slot};
use crate::domain::facts::Facts;
use crate::domain::identities::{Identities, MemoryWish};
use crate::domain::ids::AccountIndex;
use crate::domain::ledger::{Ledger, Payment};
use crate::domain::standing::ChargeStanding;
use crate::domain::strings::Strings;
use crate::domain::time::CycleSpan;
use crate::journal::charges::ChargesBuilder;
use crate::journal::snapshot::{AccountsPart, Part};

/// Messages of one mailbox handled before the others get their turn.
const MAILBOX_MESSAGES_PER_TURN: usize = 64;

/// The end of an account's payment relationships.
const NONE: u32 = u32::MAX;

/// What a shard shares with callers and the other shards.
#[derive(Clone)]
pub struct Shared {
    /// The kept strings.
    pub strings: Arc<RwLock<Strings>>,
    /// The identities of every shard; each is locked by its owner but for charges of a payer elsewhere.
    pub identities: Arc<[Mutex<Identities>]>,
    /// Whether any cloud account has payers on several shards.
    pub homes_shared: Arc<AtomicBool>,
    /// Who takes memory for identities beforehand; none in a simulation.
    pub memory: Option<Sender<(usize, MemoryWish)>>,
    /// The engine's health.
    pub health: Arc<Health>,
    /// Where the actors are.
    pub routes: Arc<Routes>,
    /// A fault planted on purpose.
    pub planted: Option<PlantedFault>,
}

/// The actor.
pub struct Shard {
    pub(super) number: usize,
    pub(super) shards: usize,
    pub(super) accounts: Vec<BillingAccount>,
    /// The open mailboxes, by account slot.
    pub(super) mailboxes: HashMap<usize, Box<Mailbox>>,
    pub(super) payments: Vec<Payment>,
    /// For each account, its newest payment relationship; [`NONE`] if it has none.
    pub(super) first_payments: Vec<u32>,
    /// For each payment relationship, the next older one of the same account.
    pub(super) next_payments: Vec<u32>,
    pub(super) resident: Resident,
    pub(super) inbox: Arc<Inbox>,
    pub(super) shared: Shared,
    pub(super) producer: Producer,
    pub(super) builder: ChargesBuilder,
    /// By string number: whether this shard has logged it since the engine opened.
    pub(super) logged: Vec<bool>,
    pub(super) newest: NewestWriter,
    pub(super) span: Option<CycleSpan>,
    /// What coupons have deducted from the charge at hand.
    pub(super) deducted: Vec<Portion>,
    /// How the charge at hand has changed its account's standing, and when.
    pub(super) standing: Option<ChargeStanding>,
    /// When accounts have something to decide.
    pub(super) timers: Timers,
    /// Which accounts have which facts.
    pub(super) index: FactIndex,
    pub(super) peers: Vec<Addr<Shard>>,
    ready: Arc<Ready>,
    _guard: PanicGuard,
}

/// What a shard is made of.
pub struct ShardParts {
    /// Its state, but for the identities, which are in `shared`.
    pub ledger: Ledger,
    /// Its inbox.
    pub inbox: Arc<Inbox>,
    /// What it shares.
    pub shared: Shared,
    /// Its way to the log.
    pub producer: Producer,
    /// Where its accounts' newest available credit is read; filled already.
    pub newest: NewestWriter,
}

impl Shard {
    /// A shard at `address`, with everything that its state holds.
    pub fn new(parts: ShardParts, address: Addr<Self>) -> Self {
        let ShardParts { ledger, inbox, shared, producer, newest } = parts;
        let guard = PanicGuard { health: Arc::clone(&shared.health), name: "shard" };
        let Ledger { shard, shards, accounts, payments, .. } = ledger;
        let ready = Arc::new(Ready::new(address));
        let mut shard = Self {
            number: shard,
            shards,
            first_payments: vec![NONE; accounts.len()],
            accounts: accounts.into_iter().map(|account| BillingAccount { account }).collect(),
            mailboxes: HashMap::new(),
            payments: Vec::new(),
            next_payments: Vec::new(),
            resident: Resident::new(Arc::clone(&ready), Arc::clone(&shared.routes), shared.planted),
            inbox,
            shared,
            producer,
            builder: ChargesBuilder::default(),
            logged: Vec::new(),
            newest,
            span: None,
            deducted: Vec::new(),
            standing: None,
            timers: Timers::default(),
            index: FactIndex::default(),
            peers: Vec::new(),
            ready,
            _guard: guard,
        };
        for payment in payments {
            shard.add_payment(payment);
        }
        for slot in 0..shard.accounts.len() {
            shard.timers.note_offset(shard.accounts[slot].account.offset());
            shard.note_due(slot);
            shard.enter(slot);
        }
        shard
    }

    /// Keeps when the account has something to decide.
    fn note_due(&mut self, slot: usize) {
        let number = u32::try_from(slot).expect("invariant: slots are numbered by u32");
        self.timers.note(number, self.accounts[slot].account.next_due());
    }

    /// Enters an account that is new here into the index.
    fn enter(&mut self, slot: usize) {
        let account = &self.accounts[slot].account;
        self.index.change(slot, Facts::NONE, account.facts());
        self.index.change_enterprise(slot, None, account.enterprise());
    }

    fn add_payment(&mut self, payment: Payment) {
        let place = u32::try_from(self.payments.len()).expect("invariant: slots are numbered by u32");
        let slot = account_slot(payment.account, self.shards);
        self.next_payments.push(std::mem::replace(&mut self.first_payments[slot], place));
        self.payments.push(payment);
    }

    /// Makes the place that an admission asks for.
    pub(super) fn admit(&mut self, admission: Admission) {
        match admission {
            Admission::Account { account, opening } => {
                let slot = self.accounts.len();
                assert_eq!(slot, account_slot(account, self.shards), "invariant: accounts come in order");
                let account = Account::open(account, &opening);
                self.newest.set(slot, account.available_credit());
                self.timers.note_offset(account.offset());
                self.accounts.push(BillingAccount { account });
                self.first_payments.push(NONE);
                self.enter(slot);
            }
            Admission::Payment { account, cloud } => {
                self.add_payment(Payment {
                    account,
                    cloud,
                    paid: crate::domain::paid_cloud_account::PaidCloudAccount::default(),
                });
            }
            Admission::Enterprise { .. } => unreachable!("invariant: the directory starts enterprises"),
        }
    }

    /// Lends an account and the context to `work`, with its mailbox.
    pub(super) fn lend<T>(
        &mut self,
        slot: usize,
        work: impl FnOnce(&mut BillingAccount, &mut Resident) -> T,
    ) -> T {
        let account = &mut self.accounts[slot];
        let before = (account.account.facts(), account.account.enterprise());
        self.resident.slot = slot;
        *self.resident.mailbox.get_mut() = self.mailboxes.remove(&slot);
        let result = work(account, &mut self.resident);
        if let Some(mailbox) = self.resident.mailbox.get_mut().take() {
            self.mailboxes.insert(slot, mailbox);
        }
        self.newest.set(slot, account.account.available_credit());
        let after = (account.account.facts(), account.account.enterprise());
        if before.0 != after.0 {
            self.index.change(slot, before.0, after.0);
        }
        if before.1 != after.1 {
            self.index.change_enterprise(slot, before.1, after.1);
        }
        self.note_due(slot);
        self.check_index(slot);
        result
    }

    /// In debug builds: the index says of an account what the account says itself.
    #[inline]
    pub(super) fn check_index(&self, slot: usize) {
        debug_assert_eq!(
            self.index.facts(slot),
            self.accounts[slot].account.facts(),
            "invariant: the index follows"
        );
    }

    /// A future that the account's mailbox waited for is done.
    pub(super) fn stop_waiting(&mut self, slot: usize) {
        if let Some(mailbox) = self.mailboxes.get_mut(&slot) {
            mailbox.waits -= 1;
            self.ready.push(slot);
        }
    }

    /// Hands over what was recorded, or releases what waits for nothing.
    pub(super) fn settle(&mut self) {
        self.producer.settle(&mut self.resident.log);
    }

    pub(super) fn finish_turn(&mut self, context: &mut Context<Self>) {
        let spawned = std::mem::take(&mut self.resident.spawned);
        for one in spawned {
            // The account's handle stands for the shard's future, in the order of spawning.
            context.spawn(OnAccount(one).map(|(), _, _| ()));
        }
        for handle in std::mem::take(&mut self.resident.canceled) {
            context.cancel_future(handle);
        }
        self.settle();
    }

    fn drain_mailbox(&mut self, slot: usize) {
        for _ in 0..MAILBOX_MESSAGES_PER_TURN {
            let Some(mailbox) = self.mailboxes.get_mut(&slot).filter(|mailbox| mailbox.waits == 0) else {
                return;
            };
            match mailbox.poll_next() {
                Poll::Ready(Some(mut envelope)) => {
                    self.lend(slot, |account, context| envelope.handle(account, context));
                }
                Poll::Ready(None) => {
                    // The last address is gone.
                    self.mailboxes.remove(&slot);
                    return;
                }
                Poll::Pending => return,
            }
        }
        // The others get their turn.
        self.ready.push(slot);
    }

    pub(super) fn payments_of(&self, slot: usize) -> impl Iterator<Item = &Payment> {
        let listed = |place: u32| (place != NONE).then_some(place);
        std::iter::successors(listed(self.first_payments[slot]), move |place| {
            listed(self.next_payments[*place as usize])
        })
        .map(|place| &self.payments[place as usize])
    }
}

impl Actor for Shard {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Self::Context) {
        super::mark_engine_thread();
    }
}

/// The inbox holds something.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Drain;

impl Handler<Drain> for Shard {
    type Result = ();

    fn handle(&mut self, _: Drain, context: &mut Self::Context) {
        self.let_others_push();
        if self.drain() {
            // More came meanwhile; others get their turn first.
            context.notify(Drain);
        }
        self.finish_turn(context);
    }
}

/// The log has taken the queued buffer, and the next one is waiting.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Flush;

impl Handler<Flush> for Shard {
    type Result = ();

    fn handle(&mut self, _: Flush, _: &mut Self::Context) {
        self.settle();
    }
}

/// Mailboxes of accounts hold something.
#[derive(Message)]
#[rtype(result = "()")]
pub struct DrainMailboxes;

impl Handler<DrainMailboxes> for Shard {
    type Result = ();

    fn handle(&mut self, _: DrainMailboxes, context: &mut Self::Context) {
        for slot in self.ready.take() {
            self.drain_mailbox(slot);
        }
        self.finish_turn(context);
    }
}

/// The addresses of the other shards.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Peers(pub Vec<Addr<Shard>>);

impl Handler<Peers> for Shard {
    type Result = ();

    fn handle(&mut self, peers: Peers, _: &mut Self::Context) {
        self.peers = peers.0;
    }
}

/// Has something wait for all that this shard has recorded so far.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Pass(pub Release);

impl Handler<Pass> for Shard {
    type Result = ();

    fn handle(&mut self, pass: Pass, _: &mut Self::Context) {
        self.resident.log.releases.push(pass.0);
        self.settle();
    }
}

/// A message for one account, handled in place without its mailbox.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Deliver {
    /// Whose.
    pub account: AccountIndex,
    /// The message and where its answer goes.
    pub envelope: Envelope<BillingAccount>,
}

impl Handler<Deliver> for Shard {
    type Result = ();

    fn handle(&mut self, mut message: Deliver, context: &mut Self::Context) {
        // What was admitted before the message was sent must be there.
        self.drain();
        let slot = account_slot(message.account, self.shards);
        self.lend(slot, |account, resident| message.envelope.handle(account, resident));
        self.finish_turn(context);
    }
}

/// Asks for the address of an account; its mailbox opens.
pub struct Address(pub AccountIndex);

impl Message for Address {
    type Result = Addr<BillingAccount>;
}

impl Handler<Address> for Shard {
    type Result = Addr<BillingAccount>;

    fn handle(&mut self, message: Address, _: &mut Self::Context) -> Self::Result {
        self.drain();
        let slot = account_slot(message.0, self.shards);
        let ready = &self.ready;
        let mailbox = self.mailboxes.entry(slot).or_insert_with(|| {
            // The first poll registers the waker.
            ready.push(slot);
            Box::new(Mailbox::open(slot, ready))
        });
        Addr::new(mailbox.address())
    }
}

/// Asks for a part of a snapshot with some accounts.
pub struct SnapshotAccounts {
    /// The first slot.
    pub from: usize,
    /// At most so many.
    pub limit: usize,
}

impl Message for SnapshotAccounts {
    type Result = Option<Part>;
}

impl Handler<SnapshotAccounts> for Shard {
    type Result = MessageResult<SnapshotAccounts>;

    fn handle(&mut self, message: SnapshotAccounts, _: &mut Self::Context) -> Self::Result {
        self.drain();
        let slots = message.from..self.accounts.len().min(message.from + message.limit);
        if slots.is_empty() {
            return MessageResult(None);
        }
        let mut part = AccountsPart::default();
        for slot in slots {
            let account = &self.accounts[slot].account;
            let payments = self.payments_of(slot).map(|payment| (payment.cloud, &payment.paid));
            part.push(account.index, &account.to_parts(), payments);
        }
        MessageResult(Some(part.finish()))
    }
}
