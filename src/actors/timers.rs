//! When the accounts of a shard have something to decide: nobody has to ask a million accounts (rule J5).

use std::collections::{BTreeSet, HashMap};

use actix::{Handler, Message, ResponseFuture};

use super::shard::Shard;
use super::ticket::Stopped;
use crate::domain::time::{Cycle, Timestamp, UtcOffset};
use crate::limits::ISSUE_DAY;

/// By account slot, the next instant at which something may be due; only of accounts that have any.
#[derive(Default, Debug)]
pub struct Timers {
    next: HashMap<u32, Timestamp>,
    queue: BTreeSet<(Timestamp, u32)>,
    /// The offsets of the accounts' months: few, however many accounts there are.
    offsets: BTreeSet<UtcOffset>,
}

impl Timers {
    /// Notes when an account has something due next, if ever.
    pub fn note(&mut self, slot: u32, due: Option<Timestamp>) {
        let before = self.next.get(&slot).copied();
        if before == due {
            return;
        }
        if let Some(before) = before {
            self.queue.remove(&(before, slot));
            self.next.remove(&slot);
        }
        if let Some(due) = due {
            self.queue.insert((due, slot));
            self.next.insert(slot, due);
        }
    }

    /// Notes the offset of an account's months.
    pub fn note_offset(&mut self, offset: UtcOffset) {
        self.offsets.insert(offset);
    }

    /// Whether an instant at which bills are issued lies after `issued` and not after `at` (rule D1).
    fn issue_came(&self, issued: Timestamp, at: Timestamp) -> bool {
        self.offsets.iter().any(|offset| {
            let Some(month) = Cycle::of(at, *offset) else { return false };
            let before = month.index().checked_sub(1).map(Cycle::from_index);
            let newest =
                [Some(month), before].into_iter().flatten().map(|month| month.day(ISSUE_DAY, *offset));
            newest.into_iter().any(|issue| issued < issue && issue <= at)
        })
    }

    /// Forgets what an account has noted up to `at`: it was asked and had nothing more to decide.
    fn pass(&mut self, slot: u32, at: Timestamp) {
        if self.next.get(&slot).is_some_and(|due| *due <= at) {
            self.note(slot, None);
        }
    }

    /// The account that has something due first, and when.
    pub fn first(&self) -> Option<(Timestamp, u32)> {
        self.queue.first().copied()
    }
}

/// Has some accounts of the shard decide what is due by then.
pub struct SettleDue {
    /// By when.
    pub at: Timestamp,
    /// At most so many accounts.
    pub limit: usize,
    /// When bills were looked for last.
    pub issued: Timestamp,
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settled {
    /// Whether more accounts have something due.
    pub more: bool,
    /// Whether the issue of bills of some accounts has come since they were looked for (rule D1).
    pub bills: bool,
}

impl Message for SettleDue {
    type Result = Result<Settled, Stopped>;
}

impl Handler<SettleDue> for Shard {
    type Result = ResponseFuture<Result<Settled, Stopped>>;

    fn handle(&mut self, message: SettleDue, context: &mut Self::Context) -> Self::Result {
        self.drain();
        let SettleDue { at, limit, issued } = message;
        let is_due = |timers: &Timers| timers.first().is_some_and(|(due, _)| due <= at);
        for _ in 0..limit {
            let Some((_, slot)) = self.timers.first().filter(|(due, _)| *due <= at) else { break };
            self.lend(slot as usize, |account, context| account.settle_due(at, context));
            // A time that came to nothing is over; the account itself has noted its next one otherwise.
            self.timers.pass(slot, at);
        }
        let bills = self.timers.issue_came(issued, at);
        let settled = Settled { more: is_due(&self.timers), bills };
        self.answer(settled, context)
    }
}
