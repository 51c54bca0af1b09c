//! The floor: the best plain loop that does the engine's work for charges, with no actor, no mailbox and no inbox.
//!
//! One thread a shard takes batches of its own accounts: it looks the cloud accounts up by their ids, makes the identity
//! keys, asks memory for what it will touch, looks for duplicates, applies, sums, and encodes the same record. What is
//! encoded goes to the log's thread, which is the engine's own: CRC, write, fdatasync. While it is at work, the next
//! record grows as long as batches can join it: group commit, nearly as in the engine. The lookup, the identities, the
//! account, the columns and the log are the engine's, since no better ones are known here; everything between them is
//! left out.

use std::error::Error;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossbeam::channel::{Sender, unbounded};
use parking_lot::{Condvar, Mutex};
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::drive::Pace;
use super::figures::Figures;
use super::workload::account_id;
use crate::clock::{CpuClock, Stopwatch};
use crate::domain::account::Account;
use crate::domain::account_event::AccountEvent;
use crate::domain::billing::asset::Portion;
use crate::domain::billing::coupon::CouponTerms;
use crate::domain::charge_batch::ChargeBatch;
use crate::domain::identities::{Identities, IdentityHasher, IdentityKey, Seen};
use crate::domain::ids::{AccountIndex, CloudIndex, Currency};
use crate::domain::names::{LOOK_UPS_AHEAD, Names};
use crate::domain::paid_cloud_account::PaidCloudAccount;
use crate::domain::prefetch::prefetch;
use crate::domain::strings::StringId;
use crate::domain::time::{CycleSpan, Timestamp};
use crate::journal::charges::{ChargeId, ChargesBuilder, Label, PostedCharge};
use crate::limits::{CHUNK_CHARGES_MAX, PIECE_CHARGES};
use crate::wal::{
    Commit, Identity, LogFault, LogOptions, Lsn, Order, QueueOptions, Storage, Watermark, open_log, run,
};

/// How many charges ahead memory is asked for.
const PREFETCH_AHEAD: usize = 16;

/// The only label of the workload's charges: their source.
const SOURCE: StringId = StringId(1);

/// The state of one thread.
pub struct FloorShard {
    names: Names,
    accounts: Vec<Account>,
    paid: Vec<PaidCloudAccount>,
    identities: Identities,
    hasher: IdentityHasher,
    span: Option<CycleSpan>,
    builder: ChargesBuilder,
    logged_source: bool,
    resolved: Vec<(u32, IdentityKey)>,
    accepted: u64,
    /// What coupons have deducted from the charge at hand.
    deducted: Vec<Portion>,
}

impl FloorShard {
    /// The accounts of `shard` of `shards`, each with its cloud account.
    pub fn new(accounts: u32, shard: usize, shards: usize, secret: [u8; 16]) -> Self {
        let mut floor = Self {
            names: Names::default(),
            accounts: Vec::new(),
            paid: Vec::new(),
            identities: Identities::default(),
            hasher: IdentityHasher::new(secret),
            span: None,
            builder: ChargesBuilder::default(),
            logged_source: false,
            resolved: Vec::new(),
            accepted: 0,
            deducted: Vec::new(),
        };
        for account in
            (0..accounts).map(AccountIndex).filter(|account| account.partition().shard(shards) == shard)
        {
            floor.names.insert(&account_id(account.0)).expect("invariant: accounts fit the names");
            floor.accounts.push(Account::placeholder(account));
            floor.paid.push(PaidCloudAccount::default());
        }
        floor
    }

    /// Posts one batch; the count of whole records that were appended to `bytes`.
    fn post(&mut self, batch: &ChargeBatch, bytes: &mut Vec<u8>) -> u32 {
        let mut records = 0;
        for start in (0..batch.len()).step_by(PIECE_CHARGES) {
            let range = start..batch.len().min(start + PIECE_CHARGES);
            if self.builder.rows() as usize + range.len() > CHUNK_CHARGES_MAX {
                self.builder.finish(bytes);
                records += 1;
            }
            self.resolve(batch, range.clone());
            self.apply(batch, range);
        }
        records
    }

    /// Ends the record in the making; the count of records appended.
    fn finish(&mut self, bytes: &mut Vec<u8>) -> u32 {
        if self.builder.rows() == 0 {
            return 0;
        }
        self.builder.finish(bytes);
        1
    }

    fn resolve(&mut self, batch: &ChargeBatch, range: std::ops::Range<usize>) {
        self.resolved.clear();
        let (mut ids, mut clouds) = ([""; LOOK_UPS_AHEAD], [None; LOOK_UPS_AHEAD]);
        for start in range.clone().step_by(LOOK_UPS_AHEAD) {
            let group = start..range.end.min(start + LOOK_UPS_AHEAD);
            for (id, index) in ids.iter_mut().zip(group.clone()) {
                *id = batch.cloud_account(index);
            }
            self.names.numbers(&ids[..group.len()], &mut clouds);
            for (cloud, index) in clouds.iter().zip(group) {
                let cloud = cloud.unwrap_or(u32::MAX);
                let charge = batch.get(index);
                let key = self.hasher.key(CloudIndex(cloud), charge.source, charge.id, charge.amount.money());
                self.resolved.push((cloud, key));
            }
        }
    }

    fn apply(&mut self, batch: &ChargeBatch, range: std::ops::Range<usize>) {
        for (place, index) in range.enumerate() {
            if let Some((cloud, key)) = self.resolved.get(place + PREFETCH_AHEAD)
                && let Some(account) = self.accounts.get(*cloud as usize)
            {
                account.prefetch();
                prefetch(&self.paid[*cloud as usize]);
                self.identities.prefetch(AccountIndex(*cloud).partition(), *key);
            }
            let (cloud, key) = self.resolved[place];
            let charge = batch.get(index);
            let (slot, home) = (cloud as usize, AccountIndex(cloud).partition());
            let Some(account) = self.accounts.get_mut(slot) else {
                continue;
            };
            if self.identities.look_up(home, key) != Seen::New {
                continue;
            }
            let (paid, amount) = (&mut self.paid[slot], charge.amount.money());
            let decided = Currency::parse(charge.currency).and_then(|currency| {
                let span = &mut self.span;
                account
                    .decide_charge(
                        paid,
                        amount,
                        currency,
                        charge.period_start,
                        charge.billing_cycle,
                        charge.category,
                        span,
                    )
                    .ok()
            });
            let Some(place) = decided else {
                continue;
            };
            let cycle = place.cycle;
            account.apply_charge(paid, amount, cycle, charge.category);
            let deducted = &mut self.deducted;
            deducted.clear();
            if account.deducts() {
                let (start, category) = (charge.period_start, charge.category);
                account.decide_deductions(amount, start, category, charge.service, deducted);
                account.apply_deductions(cycle, deducted.iter().copied());
            }
            self.identities.insert(home, cycle, key);
            if !self.logged_source {
                self.builder.push_string(SOURCE, charge.source);
                self.logged_source = true;
            }
            self.builder.push(&PostedCharge {
                account: account.index,
                sequence: account.sequence(),
                cloud: CloudIndex(cloud),
                amount: charge.amount.decimal(),
                period_start: charge.period_start,
                cycle,
                original_cycle: place.original,
                category: charge.category,
                correction: charge.correction || place.is_late(),
                id: ChargeId::new(charge.id),
                source: Label { number: SOURCE, inline: "" },
                service: Label::EMPTY,
                sku: Label::EMPTY,
                unit: Label::EMPTY,
                quantity: charge.quantity,
                description: charge.description,
                tags: charge.tags,
                import_row: charge.import_row,
            });
            self.builder.push_deductions(deducted);
            self.accepted += 1;
        }
    }
}

/// What a thread and the log's thread share.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The log has a buffer that it has not begun with.
    queued: bool,
    /// Batches that are not durable.
    outstanding: usize,
    figures: Figures,
    failed: bool,
}

/// Records of whole batches, on their way to the disk.
struct Buffer {
    bytes: Vec<u8>,
    records: u32,
    /// When each batch was due, counted from the start, and its charges.
    batches: Vec<(Duration, u64)>,
    start: Stopwatch,
    shared: Arc<Shared>,
    durable: bool,
}

impl Commit for Buffer {
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn records(&self) -> u32 {
        self.records
    }

    fn taken(&mut self) {
        self.shared.state.lock().queued = false;
        self.shared.changed.notify_one();
    }

    fn durable(mut self, _: Lsn) {
        self.durable = true;
        let mut state = self.shared.state.lock();
        let since_start = self.start.elapsed();
        state.outstanding -= self.batches.len();
        for (due, charges) in &self.batches {
            state.figures.durable(*charges, since_start.saturating_sub(*due), since_start);
        }
        drop(state);
        self.shared.changed.notify_one();
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if !self.durable {
            self.shared.state.lock().failed = true;
            self.shared.changed.notify_one();
        }
    }
}

/// The floor with its log, ready to post.
pub struct Floor {
    shards: Vec<FloorShard>,
    orders: Sender<Order<Buffer>>,
    log: JoinHandle<Result<Lsn, LogFault>>,
}

impl Floor {
    /// `accounts` accounts on `shards` threads, with a new log in `storage`.
    pub fn open(
        accounts: u32,
        shards: usize,
        storage: Arc<dyn Storage>,
        seed: u64,
    ) -> Result<Self, Box<dyn Error>> {
        let mut random = [0; 32];
        Pcg64Mcg::seed_from_u64(seed).fill_bytes(&mut random);
        let identity = Identity::open_or_create(&*storage, || random)?;
        let (writer, _) = open_log(storage, &identity, LogOptions::default(), Lsn::FIRST, &mut |_| Ok(()))?;
        let (orders, queue) = unbounded();
        let watermark = Watermark::new(writer.last());
        let log = Builder::new()
            .name("floor-log".to_owned())
            .spawn(move || run(writer, &queue, &QueueOptions::default(), &watermark))?;
        let shards =
            (0..shards).map(|shard| FloorShard::new(accounts, shard, shards, identity.hash_key)).collect();
        Ok(Self { shards, orders, log })
    }

    /// Grants every account a coupon.
    pub fn grant(&mut self, terms: &CouponTerms) {
        let granted = AccountEvent::CouponGranted { coupon: Box::new(terms.clone()) };
        for account in self.shards.iter_mut().flat_map(|shard| &mut shard.accounts) {
            account.apply(&granted, Timestamp::default());
        }
    }

    /// Posts all batches, those of each shard on a thread of its own, and waits until they are durable.
    pub fn post(&mut self, batches: &[Vec<ChargeBatch>], pace: Pace) -> Result<Figures, Box<dyn Error>> {
        let cpu = CpuClock::start();
        let start = Stopwatch::start();
        let mut figures = Figures::default();
        std::thread::scope(|scope| {
            let workers: Vec<_> = self
                .shards
                .iter_mut()
                .zip(batches)
                .map(|(shard, batches)| {
                    let orders = self.orders.clone();
                    Builder::new()
                        .name("floor".to_owned())
                        .spawn_scoped(scope, move || shard.run(batches, pace, start, &orders))
                })
                .collect::<Result<_, _>>()?;
            for worker in workers {
                figures.merge(&worker.join().map_err(|_| "a thread of the floor panicked")??);
            }
            Ok::<_, Box<dyn Error>>(())
        })?;
        figures.elapsed = start.elapsed();
        figures.cpu = cpu.elapsed();
        Ok(figures)
    }

    /// Charges posted so far.
    pub fn accepted(&self) -> u64 {
        self.shards.iter().map(|shard| shard.accepted).sum()
    }

    /// Closes the log.
    pub fn close(self) -> Result<(), Box<dyn Error>> {
        drop(self.orders.send(Order::Seal));
        self.log.join().map_err(|_| "the floor's log panicked")??;
        Ok(())
    }
}

impl FloorShard {
    /// Posts batches at a pace, and waits until all are durable.
    fn run(
        &mut self,
        batches: &[ChargeBatch],
        pace: Pace,
        start: Stopwatch,
        orders: &Sender<Order<Buffer>>,
    ) -> Result<Figures, &'static str> {
        let shared = Arc::new(Shared::default());
        let mut buffer = Buffer::new(&shared, start);
        let mut batches = batches.iter().zip(0..);
        let mut next = batches.next();
        loop {
            // What is ready goes as soon as the log is free for it; meanwhile the buffer grows.
            let mut state = shared.state.lock();
            let sends = loop {
                if state.failed {
                    return Err("the floor's log stopped");
                }
                let full = state.outstanding >= pace.in_flight;
                if (full || !state.queued) && !buffer.batches.is_empty() {
                    break true;
                }
                let Some((_, number)) = next else {
                    if state.outstanding == 0 {
                        return Ok(std::mem::take(&mut state.figures));
                    }
                    shared.changed.wait(&mut state);
                    continue;
                };
                if full {
                    shared.changed.wait(&mut state);
                    continue;
                }
                let early = pace.due(number).saturating_sub(start.elapsed());
                if early.is_zero() {
                    break false;
                }
                shared.changed.wait_for(&mut state, early);
            };
            if sends {
                state.queued = true;
                drop(state);
                buffer.records += self.finish(&mut buffer.bytes);
                let full = std::mem::replace(&mut buffer, Buffer::new(&shared, start));
                drop(orders.send(Order::Commit(full)));
                continue;
            }
            state.outstanding += 1;
            drop(state);
            if let Some((batch, number)) = next.take() {
                let due = pace.interval.map_or_else(|| start.elapsed(), |_| pace.due(number));
                buffer.records += self.post(batch, &mut buffer.bytes);
                buffer.batches.push((due, batch.len() as u64));
            }
            next = batches.next();
        }
    }
}

impl Buffer {
    fn new(shared: &Arc<Shared>, start: Stopwatch) -> Self {
        let shared = Arc::clone(shared);
        Self { bytes: Vec::new(), records: 0, batches: Vec::new(), start, shared, durable: false }
    }
}
