//! A shard's coalescing inbox: callers push charges by value, one wake-up for each time it becomes non-empty.

use std::collections::VecDeque;

use parking_lot::Mutex;
use rust_decimal::Decimal;

use super::gate::Closed;
use super::questions::Questions;
use super::ticket::TicketPart;
use crate::domain::charge::Category;
use crate::domain::directory::Admission;
use crate::domain::identities::IdentityKey;
use crate::domain::ids::{CloudIndex, Currency, Partition};
use crate::domain::money::Amount;
use crate::domain::strings::StringId;
use crate::domain::time::{Cycle, Timestamp};
use crate::limits::TEXT_BYTES_PER_ROOM;

/// Batches of fewer charges are joined with others; larger ones are handed over whole, without a copy.
const JOINED_CHARGES_MAX: usize = 256;

/// Emptied contents kept for their memory.
const SPARES_MAX: usize = 32;

/// Marks an id of 16 UUID bytes, in [`Routed::id_length`].
pub const UUID: u8 = u8::MAX;

/// No [`Extra`].
pub const NO_EXTRA: u32 = u32::MAX;

/// A charge resolved to its shard. Texts lie in [`Contents::texts`]: the id, then what [`Extra`] measures.
#[derive(Clone, Copy, Debug)]
pub struct Routed {
    /// Identity and content.
    pub key: IdentityKey,
    /// How much.
    pub amount: Amount,
    /// Start of the charge period.
    pub period_start: Timestamp,
    /// Currency, as the sender says.
    pub currency: Currency,
    /// Place of the payment relationship in the shard.
    pub payment: u32,
    /// Place of the payer in the shard.
    pub account: u32,
    /// Who is charged.
    pub cloud: CloudIndex,
    /// The cycle asked for.
    pub billing_cycle: Option<Cycle>,
    /// Source, service, sku and unit.
    pub labels: [StringId; 4],
    /// Start of its texts.
    pub text_at: u32,
    /// Place in [`Contents::extras`].
    pub extra: u32,
    /// Place in the caller's batch.
    pub index: u32,
    /// Where its identity is remembered.
    pub home: Partition,
    /// The shard of `home`.
    pub home_shard: u16,
    /// Category.
    pub category: Category,
    /// Whether it corrects an earlier cycle.
    pub correction: bool,
    /// Bytes of its id, or [`UUID`].
    pub id_length: u8,
}

/// What few charges have.
#[derive(Clone, Copy, Debug)]
pub struct Extra {
    /// Quantity.
    pub quantity: Option<Decimal>,
    /// Bytes of the description, of the tags, and of the labels that are not kept, in this order of texts.
    pub lengths: [u32; 6],
    /// Row of an import, or 0.
    pub import_row: u64,
    /// Which reading of a file it comes from.
    pub reading: u64,
    /// The import may overlap another one.
    pub append: bool,
}

/// What a part does with its other charges when one can't be posted (rule C6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PartMode {
    /// Each charge stands for itself.
    Each,
    /// Those after the first exception are left out.
    UntilException,
    /// All of them or none.
    Atomic,
}

/// The charges of one batch for this shard; they end where the next part's begin.
pub struct Part {
    /// To be finished when durable.
    pub ticket: TicketPart,
    /// Count of charges of this part.
    pub charges: usize,
    /// The room that they take at the gate.
    pub room: usize,
    /// What an exception does to the others.
    pub mode: PartMode,
    /// The business time at which they are posted: what it changes is the accounts' standing (rules H2-H4).
    pub at: Timestamp,
}

/// What waits in an inbox.
#[derive(Default)]
pub struct Contents {
    /// Places to make before any charge is looked at.
    pub admissions: Vec<Admission>,
    /// Charges, part after part.
    pub charges: Vec<Routed>,
    /// Their texts.
    pub texts: Vec<u8>,
    /// What few of them have.
    pub extras: Vec<Extra>,
    /// Whose they are.
    pub parts: Vec<Part>,
    /// Charges that could not be routed, while the batch is prepared.
    pub refused: Option<TicketPart>,
}

impl Contents {
    /// The room that these charges take at the gate: one each, more where their texts are long, so that neither the
    /// memory in flight nor a block of the log grows without bound.
    pub fn room(&self) -> usize {
        self.charges.len().max(self.texts.len() / TEXT_BYTES_PER_ROOM)
    }

    /// Adds `others` behind, and empties them.
    fn join(&mut self, others: &mut Self) {
        let text_base =
            u32::try_from(self.texts.len()).expect("invariant: the gate bounds what is in flight");
        let extra_base =
            u32::try_from(self.extras.len()).expect("invariant: the gate bounds what is in flight");
        self.admissions.append(&mut others.admissions);
        let first = self.charges.len();
        self.charges.append(&mut others.charges);
        if text_base > 0 {
            for charge in &mut self.charges[first..] {
                charge.text_at += text_base;
                if charge.extra != NO_EXTRA {
                    charge.extra += extra_base;
                }
            }
        }
        self.texts.append(&mut others.texts);
        self.extras.append(&mut others.extras);
        self.parts.append(&mut others.parts);
    }

    /// Empties it; the memory stays.
    pub fn clear(&mut self) {
        self.admissions.clear();
        self.charges.clear();
        self.texts.clear();
        self.extras.clear();
        self.parts.clear();
    }
}

/// The inbox.
#[derive(Default)]
pub struct Inbox {
    /// What is asked beside it.
    pub questions: Questions,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// In the order in which they came.
    queue: VecDeque<Contents>,
    /// Emptied ones, kept for their memory.
    spares: Vec<Contents>,
    /// The shard was woken, and has not found the inbox empty since.
    woken: bool,
    closed: bool,
}

impl State {
    /// Whether the shard must be woken now.
    fn wake(&mut self) -> bool {
        !std::mem::replace(&mut self.woken, true)
    }

    /// Where to add what is small.
    fn last(&mut self) -> &mut Contents {
        if self.queue.back().is_none_or(|last| last.charges.len() >= JOINED_CHARGES_MAX) {
            let spare = self.spares.pop().unwrap_or_default();
            self.queue.push_back(spare);
        }
        self.queue.back_mut().expect("invariant: one was just made sure of")
    }
}

impl Inbox {
    /// Adds one batch's charges; `true` if the shard must be woken. `prepared` is emptied; its memory stays, or other
    /// memory takes its place.
    pub fn push(&self, prepared: &mut Contents) -> Result<bool, Closed> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Closed);
        }
        if prepared.charges.len() >= JOINED_CHARGES_MAX {
            let spare = state.spares.pop().unwrap_or_default();
            state.queue.push_back(std::mem::replace(prepared, spare));
        } else {
            state.last().join(prepared);
        }
        Ok(state.wake())
    }

    /// Adds places to make; `true` if the shard must be woken.
    pub fn admit(&self, admissions: impl Iterator<Item = Admission>) -> bool {
        let mut admissions = admissions.peekable();
        if admissions.peek().is_none() {
            return false;
        }
        let mut state = self.state.lock();
        if state.closed {
            return false;
        }
        state.last().admissions.extend(admissions);
        state.wake()
    }

    /// How many [`Self::take`] would give now.
    pub fn waiting(&self) -> usize {
        self.state.lock().queue.len()
    }

    /// How many charges wait, up to a piece and more.
    pub fn charges(&self) -> usize {
        self.state.lock().queue.iter().take(2).map(|contents| contents.charges.len()).sum()
    }

    /// Whether anything waits; the next push wakes the shard if nothing does.
    pub fn is_waiting(&self) -> bool {
        let mut state = self.state.lock();
        state.woken = !state.queue.is_empty();
        state.woken
    }

    /// Takes the oldest contents out.
    pub fn take(&self) -> Option<Contents> {
        self.state.lock().queue.pop_front()
    }

    /// Gives the memory of handled contents back.
    pub fn give_back(&self, mut contents: Contents) {
        contents.clear();
        let mut state = self.state.lock();
        if state.spares.len() < SPARES_MAX {
            state.spares.push(contents);
        }
    }

    /// Takes nothing more, and drops what waits: nobody will handle it.
    pub fn close(&self) {
        self.questions.close();
        let mut state = self.state.lock();
        state.closed = true;
        let dropped = std::mem::take(&mut state.queue);
        drop(state);
        drop(dropped);
    }
}
