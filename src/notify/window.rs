//! What one channel has under way: pure, and never more than a bounded number of notifications (rule H5).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::outcome::{Failure, Outcome};
use super::retry;
use crate::domain::outbox::{Channel, Fate, Position, Settled};
use crate::domain::time::Timestamp;
use crate::engine::outbox::Notification;
use crate::limits::{DEAD_LETTERS_MAX, DELIVERIES_IN_FLIGHT_MAX, DELIVERIES_UNDER_WAY_MAX};

/// After so many attempts a notification is given up as soon as nothing else has room.
const BLOCKING_ATTEMPTS_MAX: u32 = 3;

/// The notifications of one channel from the oldest that is not done with.
#[derive(Debug)]
pub struct Window {
    /// Each that is known and not below what is recorded as done with.
    entries: BTreeMap<Position, Entry>,
    /// Everything before it has been read.
    read_up_to: Position,
    /// Everything before it is recorded as done with.
    recorded: Position,
    /// How many are on the wire.
    in_flight: usize,
    /// Dead letters that are recorded, and those that will be.
    dead: usize,
    /// Done with, and not recorded yet.
    fresh: Vec<Settled>,
    tally: Tally,
}

#[derive(Debug)]
enum Entry {
    /// To be sent when it is due, after so many attempts.
    Waiting { notification: Arc<Notification>, attempts: u32, due: Timestamp },
    /// On the wire, for so many attempts with this one.
    InFlight { notification: Arc<Notification>, attempts: u32 },
    /// Done with.
    Done,
}

/// What a channel has done since it was started.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Tally {
    /// Taken by the receiver.
    pub sent: u64,
    /// Without anybody to send them to.
    pub no_address: u64,
    /// Given up.
    pub dead: u64,
    /// Failed, and to be sent again later.
    pub retrying: u64,
    /// Whether it waits for a person, because there are too many dead letters.
    pub paused: bool,
}

/// What became of an attempt that failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Consequence {
    /// It is sent again then.
    Again {
        /// Attempts so far.
        attempts: u32,
        /// When.
        due: Timestamp,
    },
    /// It is given up.
    Dead {
        /// Attempts.
        attempts: u32,
    },
}

impl Window {
    /// Begins where the channel has come to.
    pub fn new(channel: &Channel) -> Self {
        Self {
            entries: channel.done.range(channel.next..).map(|position| (*position, Entry::Done)).collect(),
            read_up_to: channel.next,
            recorded: channel.next,
            in_flight: 0,
            dead: channel.dead.len(),
            fresh: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// How many more may become known.
    pub fn room(&self) -> usize {
        DELIVERIES_UNDER_WAY_MAX - self.entries.len()
    }

    /// Takes one in, to be sent at once. What is done with already is passed over.
    pub fn admit(&mut self, notification: Notification) {
        let position = notification.position;
        if position < self.recorded || self.entries.contains_key(&position) {
            return;
        }
        assert!(self.room() > 0, "invariant: no more are read than there is room for");
        let notification = Arc::new(notification);
        self.entries.insert(position, Entry::Waiting { notification, attempts: 0, due: Timestamp::MIN });
    }

    /// Everything before `position` has been read and, where it is for this channel, admitted.
    pub fn has_read(&mut self, position: Position) {
        self.read_up_to = self.read_up_to.max(position);
    }

    /// The next one to send; it is on the wire from then on.
    pub fn start(&mut self, now: Timestamp) -> Option<Arc<Notification>> {
        // Each one on the wire may become a dead letter.
        if self.in_flight >= DELIVERIES_IN_FLIGHT_MAX || self.dead + self.in_flight >= DEAD_LETTERS_MAX {
            return None;
        }
        let due_by_now = |entry: &&mut Entry| matches!(entry, Entry::Waiting { due, .. } if *due <= now);
        let entry = self.entries.values_mut().find(due_by_now)?;
        let Entry::Waiting { notification, attempts, .. } = entry else { return None };
        let started = Arc::clone(notification);
        *entry = Entry::InFlight { notification: Arc::clone(&started), attempts: *attempts + 1 };
        self.in_flight += 1;
        Some(started)
    }

    /// Where nothing more has room behind one that fails again and again, it becomes a dead letter, so that the others go on.
    pub fn give_up_what_blocks(&mut self, now: Timestamp) -> bool {
        if self.room() > 0 || self.dead + self.in_flight >= DEAD_LETTERS_MAX {
            return false;
        }
        let oldest = self.entries.iter_mut().find(|(_, entry)| !matches!(entry, Entry::Done));
        let Some((position, entry)) = oldest else { return false };
        let Entry::Waiting { attempts, .. } = *entry else { return false };
        if attempts < BLOCKING_ATTEMPTS_MAX {
            return false;
        }
        *entry = Entry::Done;
        let fate = Fate::Dead { attempts, reason: "given up since all others had to wait for it".into() };
        self.fresh.push(Settled { position: *position, at: now, fate });
        self.tally.dead += 1;
        self.dead += 1;
        true
    }

    /// Whether nothing is sent because there are too many dead letters.
    pub fn is_paused(&self) -> bool {
        self.dead >= DEAD_LETTERS_MAX
    }

    /// So many dead letters are recorded: a person may have sent or discarded some.
    pub fn recorded_dead(&mut self, count: usize) {
        let fresh = self.fresh.iter().filter(|settled| matches!(settled.fate, Fate::Dead { .. }));
        self.dead = count + fresh.count();
    }

    /// Notes what came of one that was on the wire. Tells what follows from a failure.
    pub fn finish(&mut self, position: Position, outcome: Outcome, now: Timestamp) -> Option<Consequence> {
        let entry = self.entries.get_mut(&position).expect("invariant: what is on the wire is known");
        let Entry::InFlight { notification, attempts } = std::mem::replace(entry, Entry::Done) else {
            unreachable!("invariant: only what is on the wire comes back, once")
        };
        self.in_flight -= 1;
        let (fate, consequence) = match outcome {
            Outcome::Taken => {
                self.tally.sent += 1;
                (Fate::Delivered, None)
            }
            Outcome::NoAddress => {
                self.tally.no_address += 1;
                (Fate::NoAddress, None)
            }
            Outcome::Failed(Failure { reason, hope }) => {
                if let Some(wait) = retry::wait(&notification.id, attempts, hope) {
                    let micros = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
                    let due = Timestamp::from_micros(now.micros().saturating_add(micros));
                    *entry = Entry::Waiting { notification, attempts, due };
                    return Some(Consequence::Again { attempts, due });
                }
                self.tally.dead += 1;
                self.dead += 1;
                (Fate::Dead { attempts, reason: reason.into() }, Some(Consequence::Dead { attempts }))
            }
        };
        self.fresh.push(Settled { position, at: now, fate });
        consequence
    }

    /// How many are on the wire.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// How many are done with and not recorded yet.
    pub fn fresh(&self) -> usize {
        self.fresh.len()
    }

    /// Everything before it is done with.
    pub fn next(&self) -> Position {
        let open = self.entries.iter().find(|(_, entry)| !matches!(entry, Entry::Done));
        open.map_or(self.read_up_to, |(position, _)| *position)
    }

    /// Blocks that are done with and not recorded as such.
    pub fn lag(&self) -> u64 {
        self.next().lsn.saturating_sub(self.recorded.lsn)
    }

    /// What is to be recorded: everything before the position is done with, and these. It must be recorded, and then told to
    /// [`Window::has_recorded`].
    pub fn settlement(&mut self) -> (Position, Vec<Settled>) {
        (self.next(), std::mem::take(&mut self.fresh))
    }

    /// Everything before `next` is recorded as done with, and what was settled with it.
    ///
    /// Only now is there room for others: until then the ledger remembers each one that is done.
    pub fn has_recorded(&mut self, next: Position) {
        self.recorded = self.recorded.max(next);
        self.entries = self.entries.split_off(&self.recorded);
    }

    /// What it has done so far.
    pub fn tally(&self) -> Tally {
        let again = |entry: &&Entry| match entry {
            Entry::Waiting { attempts, .. } => *attempts > 0,
            Entry::InFlight { attempts, .. } => *attempts > 1,
            Entry::Done => false,
        };
        let retrying = self.entries.values().filter(again).count() as u64;
        Tally { retrying, paused: self.is_paused(), ..self.tally }
    }
}
