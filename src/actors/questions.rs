//! Questions beside a shard's inbox: the shard looks at them between parts of a drain, so that an answer does not wait for
//! everything that came before.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::gate::Closed;
use crate::domain::account::AccountView;
use crate::domain::facts::FactFilter;
use crate::domain::ids::{AccountIndex, EnterpriseIndex};

/// Asks for the figures of some accounts of the unified list, in the order of their slots (rule A8).
pub struct Question {
    /// Which accounts.
    pub filter: FactFilter,
    /// Of which enterprise, if one is named.
    pub enterprise: Option<EnterpriseIndex>,
    /// The first slot.
    pub from: usize,
    /// The slot after the last one. All slots before it are admitted, or will be: the answer waits for them.
    pub until: usize,
    /// At most so many accounts.
    pub limit: usize,
    /// Where the answer goes when it is durable.
    pub reply: oneshot::Sender<Listed>,
}

/// Some accounts of a shard.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Listed {
    /// Their figures.
    pub views: Vec<AccountView>,
    /// The next one that would be listed, if there is one.
    pub next: Option<AccountIndex>,
}

/// The questions that wait: no more than there are callers, each of whom waits for the answer to go on.
#[derive(Default)]
pub struct Questions {
    /// Whether there are any: all that a drain looks at.
    waiting: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queue: Vec<Question>,
    closed: bool,
}

impl Questions {
    /// Adds one; `true` if the shard must be woken.
    pub fn push(&self, question: Question) -> Result<bool, Closed> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Closed);
        }
        state.queue.push(question);
        Ok(!self.waiting.swap(true, Ordering::SeqCst))
    }

    /// Whether any wait.
    #[inline]
    pub fn are_waiting(&self) -> bool {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Takes one whose accounts are all among the first `admitted` slots: charges have their turn before the next one.
    pub fn take(&self, admitted: usize) -> Option<Question> {
        let mut state = self.state.lock();
        let ready = state.queue.iter().position(|question| question.until <= admitted);
        let ready = ready.map(|place| state.queue.remove(place));
        // Those that are too early are looked at again after the admissions, which come through the inbox.
        self.waiting.store(!state.queue.is_empty(), Ordering::SeqCst);
        ready
    }

    /// Takes nothing more, and drops what waits: nobody will answer it.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let dropped = std::mem::take(&mut state.queue);
        drop(state);
        drop(dropped);
    }
}
