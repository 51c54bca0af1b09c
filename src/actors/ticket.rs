//! What a batch waits for: one ticket a batch, one part for each shard that it went to.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use parking_lot::{Condvar, Mutex};

use crate::domain::refusals::Refusal;

/// What became of the charges of a batch, or of one shard's part of it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Outcome {
    /// Posted.
    pub accepted: u64,
    /// Posted before; no effect.
    pub duplicate: u64,
    /// Index in the batch of each of them, unless nothing of the batch was posted.
    pub duplicates: Vec<u32>,
    /// Posted before with another amount; no effect.
    pub conflict: u64,
    /// Refused by a rule.
    pub rejected: u64,
    /// Index in the batch, and why, of each charge in conflict or rejected.
    pub exceptions: Vec<(u32, Refusal)>,
}

impl Outcome {
    /// Counts a refusal.
    pub fn refuse(&mut self, index: u32, refusal: Refusal) {
        if refusal == Refusal::Conflict {
            self.conflict += 1;
        } else {
            self.rejected += 1;
        }
        self.exceptions.push((index, refusal));
    }

    /// Adds another part.
    pub fn merge(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.duplicate += other.duplicate;
        self.duplicates.extend(other.duplicates);
        self.conflict += other.conflict;
        self.rejected += other.rejected;
        self.exceptions.extend(other.exceptions);
    }
}

/// The engine stopped before the batch was durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stopped;

/// Waited for by the caller; done when every part is durable.
#[derive(Default)]
pub struct Ticket {
    state: Mutex<TicketState>,
    done: Condvar,
}

#[derive(Default)]
struct TicketState {
    open_parts: usize,
    outcome: Outcome,
    stopped: bool,
    waker: Option<Waker>,
}

impl Ticket {
    /// A part that must be finished before the ticket is done; dropping it unfinished means that the engine stopped.
    pub fn part(self: &Arc<Self>) -> TicketPart {
        self.state.lock().open_parts += 1;
        TicketPart { ticket: Some(Arc::clone(self)), outcome: Outcome::default() }
    }

    /// Waits, blocking the thread.
    pub fn wait(&self) -> Result<Outcome, Stopped> {
        let mut state = self.state.lock();
        loop {
            if let Some(result) = state.result() {
                return result;
            }
            self.done.wait(&mut state);
        }
    }

    /// Waits, on any runtime.
    pub async fn wait_async(&self) -> Result<Outcome, Stopped> {
        poll_fn(|context| {
            let mut state = self.state.lock();
            state.result().map_or_else(
                || {
                    state.waker = Some(context.waker().clone());
                    Poll::Pending
                },
                Poll::Ready,
            )
        })
        .await
    }

    fn close_part(&self, outcome: Option<Outcome>) {
        let waker = {
            let mut state = self.state.lock();
            match outcome {
                Some(outcome) => state.outcome.merge(outcome),
                None => state.stopped = true,
            }
            state.open_parts -= 1;
            if state.open_parts > 0 { None } else { state.waker.take() }
        };
        self.done.notify_all();
        waker.into_iter().for_each(Waker::wake);
    }
}

impl TicketState {
    fn result(&mut self) -> Option<Result<Outcome, Stopped>> {
        (self.open_parts == 0)
            .then(|| if self.stopped { Err(Stopped) } else { Ok(std::mem::take(&mut self.outcome)) })
    }
}

/// One shard's part of a ticket.
pub struct TicketPart {
    ticket: Option<Arc<Ticket>>,
    /// What became of the charges.
    pub outcome: Outcome,
}

impl TicketPart {
    /// The part was made in vain; others stand for its charges.
    pub fn void(mut self) {
        if let Some(ticket) = self.ticket.take() {
            ticket.close_part(Some(Outcome::default()));
        }
    }

    /// The part is durable.
    pub fn finish(mut self) {
        if let Some(ticket) = self.ticket.take() {
            ticket.close_part(Some(std::mem::take(&mut self.outcome)));
        }
    }
}

impl Drop for TicketPart {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            ticket.close_part(None);
        }
    }
}
