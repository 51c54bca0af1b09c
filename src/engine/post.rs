//! Posting: from a caller's batch to the shards' inboxes, and back (rules C1, C2, C6).

use std::sync::Arc;

use super::charge_form::{checked, push_extra, push_id};
use super::{Engine, EngineError, Inner, PostReport};
use crate::actors::gate::Room;
use crate::actors::inbox::{Contents, Part, PartMode, Routed};
use crate::actors::on_engine_thread;
use crate::actors::shard::Drain;
use crate::actors::ticket::{Outcome, Ticket, TicketPart};
use crate::domain::charge::Charge;
use crate::domain::charge_batch::ChargeBatch;
use crate::domain::directory::{Directory, account_slot};
use crate::domain::ids::{CloudIndex, Currency};
use crate::domain::names::LOOK_UPS_AHEAD;
use crate::domain::refusals::Refusal;
use crate::domain::strings::{StringId, Strings};
use crate::limits::{CHUNK_CHARGES_MAX, PIECE_CHARGES};

/// What a batch does after a charge that can't be posted (rule C6).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum OnError {
    /// Goes on with the other charges.
    #[default]
    Continue,
    /// Posts nothing after the first exception. Slower, since charges of different shards go one after the other.
    Stop,
    /// Posts all or none: at most 8,192 charges of one billing account.
    Atomic,
}

/// Charges prepared for each shard; kept by the engine from batch to batch for their memory.
#[derive(Default)]
pub(super) struct Prepared {
    shards: Vec<Contents>,
    version: u64,
}

/// A batch on its way; wait for it to know what became of it.
///
/// Dropping it does not take the charges back.
pub struct Pending {
    ticket: Arc<Ticket>,
    engine: Arc<Inner>,
}

impl Pending {
    /// Waits until all of the batch is durable, blocking the thread. `batch` must be the one that was submitted.
    pub fn wait(self, batch: &ChargeBatch) -> Result<PostReport, EngineError> {
        if on_engine_thread() {
            return Err(EngineError::WouldDeadlock);
        }
        let outcome = self.ticket.wait().map_err(|_| self.engine.stopped())?;
        Ok(PostReport::new(outcome, batch))
    }

    /// Waits until all of the batch is durable, on any runtime. `batch` must be the one that was submitted.
    pub async fn wait_async(self, batch: &ChargeBatch) -> Result<PostReport, EngineError> {
        let outcome = self.ticket.wait_async().await.map_err(|_| self.engine.stopped())?;
        Ok(PostReport::new(outcome, batch))
    }
}

impl Engine {
    /// Posts a batch and waits until it is durable, blocking the thread.
    pub fn post(&self, batch: &ChargeBatch, on_error: OnError) -> Result<PostReport, EngineError> {
        match on_error {
            OnError::Continue => self.submit(batch)?.wait(batch),
            OnError::Atomic | OnError::Stop => {
                self.blocking()?;
                pollster::block_on(self.post_async(batch, on_error))
            }
        }
    }

    /// Posts a batch and waits until it is durable, on any runtime.
    pub async fn post_async(
        &self,
        batch: &ChargeBatch,
        on_error: OnError,
    ) -> Result<PostReport, EngineError> {
        match on_error {
            OnError::Continue => self.submit_async(batch).await?.wait_async(batch).await,
            OnError::Stop => self.post_stopping(batch).await,
            OnError::Atomic => self.post_atomic(batch).await,
        }
    }

    /// Hands a batch over and does not wait for the disk. Waits for room, blocking the thread.
    pub fn submit(&self, batch: &ChargeBatch) -> Result<Pending, EngineError> {
        self.blocking()?;
        let (ticket, mut prepared) = (Arc::new(Ticket::default()), self.prepared());
        let whole = (batch.len() > PIECE_CHARGES).then(|| ticket.part());
        for piece in pieces(batch) {
            loop {
                self.inner.prepare(&mut prepared, batch, piece.clone(), &ticket, PartMode::Each);
                let entered = match self.inner.enter_now(&mut prepared)? {
                    Entered::Yes => true,
                    Entered::DirectoryChanged => false,
                    Entered::NoRoom => pollster::block_on(self.inner.enter(&mut prepared))?,
                };
                if entered {
                    break;
                }
            }
        }
        whole.into_iter().for_each(TicketPart::finish);
        Ok(self.pending(ticket, prepared))
    }

    /// Hands a batch of at most 8,192 charges over if there is room for it now; else [`EngineError::Busy`].
    pub fn try_submit(&self, batch: &ChargeBatch) -> Result<Pending, EngineError> {
        if batch.len() > CHUNK_CHARGES_MAX {
            return Err(EngineError::refused(Refusal::TooManyItems, "a batch that must not wait"));
        }
        let (ticket, mut prepared) = (Arc::new(Ticket::default()), self.prepared());
        loop {
            self.inner.prepare(&mut prepared, batch, 0..batch.len(), &ticket, PartMode::Each);
            match self.inner.enter_now(&mut prepared)? {
                Entered::Yes => return Ok(self.pending(ticket, prepared)),
                Entered::DirectoryChanged => {}
                Entered::NoRoom => return Err(EngineError::Busy),
            }
        }
    }

    /// Hands a batch over and does not wait for the disk. Waits for room, on any runtime.
    pub async fn submit_async(&self, batch: &ChargeBatch) -> Result<Pending, EngineError> {
        let ticket = Arc::new(Ticket::default());
        let whole = ticket.part();
        let mut prepared = self.prepared();
        for piece in pieces(batch) {
            self.inner.prepare(&mut prepared, batch, piece.clone(), &ticket, PartMode::Each);
            self.enter_range_async(&mut prepared, batch, piece, &ticket, PartMode::Each).await?;
        }
        whole.finish();
        Ok(self.pending(ticket, prepared))
    }

    /// Posts all or none; the batch must be of one billing account (rule C6).
    async fn post_atomic(&self, batch: &ChargeBatch) -> Result<PostReport, EngineError> {
        let spans = || EngineError::refused(Refusal::AtomicSpansAccounts, "");
        if batch.len() > CHUNK_CHARGES_MAX {
            return Err(spans());
        }
        loop {
            let ticket = Arc::new(Ticket::default());
            let mut prepared = self.prepared();
            self.inner.prepare(&mut prepared, batch, 0..batch.len(), &ticket, PartMode::Atomic);
            let mut refused = Outcome::default();
            self.inner.check(batch, &mut refused);
            if !refused.exceptions.is_empty() {
                // One was refused on the way already, so none goes further.
                prepared.void();
                refused.rejected += batch.len() as u64 - refused.exceptions.len() as u64;
                return Ok(PostReport::new(refused, batch));
            }
            let mut payers: Vec<_> = (0_usize..)
                .zip(&prepared.shards)
                .flat_map(|(shard, contents)| {
                    contents.charges.iter().map(move |charge| (shard, charge.account))
                })
                .collect();
            payers.dedup();
            if payers.len() > 1 {
                prepared.void();
                return Err(spans());
            }
            if self.inner.enter(&mut prepared).await? {
                return self.pending(ticket, prepared).wait_async(batch).await;
            }
            // The directory has changed: look at everything again.
        }
    }

    async fn enter_range_async(
        &self,
        prepared: &mut Prepared,
        batch: &ChargeBatch,
        range: std::ops::Range<usize>,
        ticket: &Arc<Ticket>,
        mode: PartMode,
    ) -> Result<(), EngineError> {
        while !self.inner.enter(prepared).await? {
            self.inner.prepare(prepared, batch, range.clone(), ticket, mode);
        }
        Ok(())
    }

    /// Posts runs of charges of the same shard one after the other, until one of them meets an exception.
    async fn post_stopping(&self, batch: &ChargeBatch) -> Result<PostReport, EngineError> {
        let mut outcome = Outcome::default();
        let mut start = 0;
        while start < batch.len() && outcome.exceptions.is_empty() {
            let end = self.inner.run_end(batch, start);
            let ticket = Arc::new(Ticket::default());
            let mut prepared = self.prepared();
            self.inner.prepare(&mut prepared, batch, start..end, &ticket, PartMode::UntilException);
            // The directory may change meanwhile, so that the run is of several shards, which know nothing of each
            // other's exceptions.
            let spans = prepared.rooms().count() > 1;
            if spans || !self.inner.enter(&mut prepared).await? {
                continue;
            }
            self.inner.pool.lock().push(prepared);
            outcome.merge(ticket.wait_async().await.map_err(|_| self.inner.stopped())?);
            start = end;
        }
        Ok(PostReport::new(outcome, batch))
    }

    fn prepared(&self) -> Prepared {
        self.inner.pool.lock().pop().unwrap_or_default()
    }

    fn pending(&self, ticket: Arc<Ticket>, prepared: Prepared) -> Pending {
        self.inner.pool.lock().push(prepared);
        Pending { ticket, engine: Arc::clone(&self.inner) }
    }
}

/// Looks the cloud accounts of charges up some charges ahead of their use.
struct Ahead<'a> {
    batch: &'a ChargeBatch,
    end: usize,
    /// Those of the charges `start..next`.
    clouds: [Option<u32>; LOOK_UPS_AHEAD],
    start: usize,
    next: usize,
}

impl<'a> Ahead<'a> {
    const fn new(batch: &'a ChargeBatch, end: usize) -> Self {
        Self { batch, end, clouds: [None; LOOK_UPS_AHEAD], start: 0, next: 0 }
    }

    /// The cloud account of the charge at `index`, which rises from call to call.
    #[inline]
    fn cloud(&mut self, index: usize, directory: &Directory) -> Option<CloudIndex> {
        if index >= self.next {
            self.look_up(index, directory);
        }
        self.clouds[index - self.start].map(CloudIndex)
    }

    fn look_up(&mut self, start: usize, directory: &Directory) {
        let count = (self.end - start).min(LOOK_UPS_AHEAD);
        if count == 1 {
            self.clouds[0] = directory.cloud(self.batch.cloud_account(start)).map(|cloud| cloud.0);
            (self.start, self.next) = (start, start + 1);
            return;
        }
        let mut ids = [""; LOOK_UPS_AHEAD];
        for (id, index) in ids[..count].iter_mut().zip(start..) {
            *id = self.batch.cloud_account(index);
        }
        directory.clouds(&ids[..count], &mut self.clouds);
        (self.start, self.next) = (start, start + count);
    }
}

/// The places of a batch, a piece at a time.
fn pieces(batch: &ChargeBatch) -> impl Iterator<Item = std::ops::Range<usize>> + use<> {
    let end = batch.len();
    (0..end).step_by(PIECE_CHARGES).map(move |start| start..end.min(start + PIECE_CHARGES))
}

/// What the last charge looked like, so that what repeats is looked up once.
struct Repeats<'a> {
    source: Option<&'a str>,
    currency: (&'a str, Option<Currency>),
    labels: [(&'a str, StringId); 4],
}

impl Inner {
    /// Where a run of charges of one shard ends, at most a chunk on. A charge that can't be routed is a run of its own.
    fn run_end(&self, batch: &ChargeBatch, start: usize) -> usize {
        let directory = &*self.directory.read();
        let shard = |index: usize| {
            let charge = batch.get(index);
            routable(directory, &charge).ok().map(|cloud| {
                directory.payer(cloud, charge.period_start).account.partition().shard(self.gates.len())
            })
        };
        let first = shard(start);
        let max = batch.len().min(start + CHUNK_CHARGES_MAX);
        let same = |index: &usize| first.is_some() && shard(*index) == first;
        (start + 1..max).find(|index| !same(index)).unwrap_or(if first.is_some() { max } else { start + 1 })
    }

    /// Checks a batch without routing it, into an outcome.
    fn check(&self, batch: &ChargeBatch, outcome: &mut Outcome) {
        let directory = self.directory.read();
        for (index, charge) in (0..).zip(batch.iter()) {
            if let Err(refusal) = routable(&directory, &charge) {
                outcome.refuse(index, refusal);
            }
        }
    }

    /// Resolves the charges of `range` to their shards. What can't be resolved goes to the ticket at once.
    fn prepare(
        &self,
        prepared: &mut Prepared,
        batch: &ChargeBatch,
        range: std::ops::Range<usize>,
        ticket: &Arc<Ticket>,
        mode: PartMode,
    ) {
        let shards = self.gates.len();
        prepared.shards.resize_with(shards, Contents::default);
        prepared.shards.iter_mut().for_each(Contents::clear);
        let mut refused = Outcome::default();
        let mut repeats = Repeats { source: None, currency: ("", None), labels: [("", StringId::EMPTY); 4] };
        let directory = self.directory.read();
        let mut strings = Some(self.strings.read());
        let mut ahead = Ahead::new(batch, range.end);
        let at = batch.at.unwrap_or_else(|| self.config.clock.now());
        for index in range {
            let charge = batch.get(index);
            let known = ahead.cloud(index, &directory);
            let index = u32::try_from(index).expect("invariant: a batch has less than 2^32 charges");
            // What the directory knows, and what repeats, was checked before.
            let routed = checked(&charge, known.is_none(), repeats.source != Some(charge.source))
                .and_then(|()| known.ok_or(Refusal::NotFound));
            let cloud = match routed {
                Ok(cloud) => cloud,
                Err(refusal) => {
                    refused.refuse(index, refusal);
                    continue;
                }
            };
            repeats.source = Some(charge.source);
            if repeats.currency.0 != charge.currency {
                repeats.currency = (charge.currency, Currency::parse(charge.currency));
            }
            let Some(currency) = repeats.currency.1 else {
                refused.refuse(index, Refusal::CurrencyMismatch);
                continue;
            };
            let texts = [charge.source, charge.service, charge.sku, charge.unit];
            for (text, (last, number)) in texts.into_iter().zip(&mut repeats.labels) {
                if *last != text {
                    *number = self.label(text, &mut strings);
                    *last = text;
                }
            }
            let payer = directory.payer(cloud, charge.period_start);
            let home = directory.first_payer(cloud).account.partition();
            let shard = payer.account.partition().shard(shards);
            let contents = &mut prepared.shards[shard];
            let amount = charge.amount;
            let key = self.hasher.key(cloud, charge.source, charge.id, amount.money());
            let (text_at, id_length) = push_id(contents, charge.id);
            let extra = push_extra(contents, &charge, &repeats.labels.map(|(_, number)| number), batch);
            contents.charges.push(Routed {
                key,
                amount,
                period_start: charge.period_start,
                currency,
                payment: payer.slot,
                account: u32::try_from(account_slot(payer.account, shards))
                    .expect("invariant: slots fit u32"),
                cloud,
                billing_cycle: charge.billing_cycle,
                labels: repeats.labels.map(|(_, number)| number),
                text_at,
                extra,
                index,
                home,
                home_shard: u16::try_from(home.shard(shards)).expect("invariant: SHARDS_MAX fits u16"),
                category: charge.category,
                correction: charge.correction,
                id_length,
            });
        }
        prepared.version = directory.routing();
        if !refused.exceptions.is_empty() && mode != PartMode::Atomic {
            let mut part = ticket.part();
            part.outcome = refused;
            // What was prepared again is counted once: by the last preparation, whose part alone is pushed.
            prepared.shards[0].refused = Some(part);
        }
        for contents in &mut prepared.shards {
            let charges = contents.charges.len();
            if charges > 0 {
                let room = contents.room();
                contents.parts.push(Part { ticket: ticket.part(), charges, room, mode, at });
            }
        }
    }

    fn label<'s>(
        &'s self,
        text: &str,
        strings: &mut Option<parking_lot::RwLockReadGuard<'s, Strings>>,
    ) -> StringId {
        let known = strings.as_ref().and_then(|strings| strings.number(text));
        known.unwrap_or_else(|| {
            drop(strings.take());
            let number = self.strings.write().intern(text);
            *strings = Some(self.strings.read());
            number
        })
    }

    /// Pushes what was prepared, for which there is room; `false`, and nothing is pushed, if the directory has changed.
    fn push(&self, prepared: &mut Prepared) -> Result<bool, EngineError> {
        let directory: &Directory = &self.directory.read();
        if directory.routing() != prepared.version {
            return Ok(false);
        }
        if let Some(refused) = prepared.shards.first_mut().and_then(|contents| contents.refused.take()) {
            refused.finish();
        }
        for (shard, contents) in prepared.shards.iter_mut().enumerate() {
            if contents.charges.is_empty() {
                continue;
            }
            if self.inboxes[shard].push(contents).map_err(|_| self.stopped())? {
                self.shards[shard].do_send(Drain);
            }
        }
        Ok(true)
    }

    /// Pushes what was prepared if there is room for all of it now.
    fn enter_now(&self, prepared: &mut Prepared) -> Result<Entered, EngineError> {
        for (entered, (shard, room)) in prepared.rooms().enumerate() {
            if !self.gates[shard].try_enter(room).map_err(|_| self.stopped())? {
                let taken = prepared.rooms().take(entered);
                taken.for_each(|(shard, room)| self.gates[shard].leave(room));
                return Ok(Entered::NoRoom);
            }
        }
        if self.push(prepared)? {
            return Ok(Entered::Yes);
        }
        prepared.rooms().for_each(|(shard, room)| self.gates[shard].leave(room));
        prepared.void();
        Ok(Entered::DirectoryChanged)
    }

    /// Waits for room for everything prepared, shard by shard in order, so that no two callers wait for each other, and
    /// pushes it; `false` if it must be prepared again.
    async fn enter(&self, prepared: &mut Prepared) -> Result<bool, EngineError> {
        let mut rooms = Vec::new();
        for (shard, charges) in prepared.rooms() {
            let gate = &self.gates[shard];
            gate.enter(charges).await.map_err(|_| self.stopped())?;
            rooms.push(Room::new(Arc::clone(gate), charges));
        }
        let pushed = self.push(prepared);
        if matches!(pushed, Ok(false)) {
            prepared.void();
        } else {
            rooms.into_iter().for_each(Room::hand_on);
        }
        pushed
    }
}

/// What became of something prepared.
enum Entered {
    /// It was pushed.
    Yes,
    /// It must be prepared again.
    DirectoryChanged,
    /// Nothing was pushed.
    NoRoom,
}

impl Prepared {
    /// The shards that get any charges, and the room that these take.
    fn rooms(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.shards.iter().map(Contents::room).enumerate().filter(|(_, room)| *room > 0)
    }

    /// Parts that were not pushed are void, not stopped.
    fn void(&mut self) {
        for contents in &mut self.shards {
            contents.refused.take().into_iter().for_each(TicketPart::void);
            contents.parts.drain(..).for_each(|part| part.ticket.void());
        }
    }
}

/// The cloud account of a charge that a shard can decide on, or why there is none.
pub(super) fn routable(directory: &Directory, charge: &Charge<'_>) -> Result<CloudIndex, Refusal> {
    checked(charge, true, true)?;
    let cloud = directory.cloud(charge.cloud_account).ok_or(Refusal::NotFound)?;
    Currency::parse(charge.currency).map(|_| cloud).ok_or(Refusal::CurrencyMismatch)
}
