//! What became of notifications on their way out: the durable part of the outbox (rule H5).
//!
//! Notifications themselves are in the log, as facts of accounts and enterprises; a channel remembers how far it has come.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use super::time::Timestamp;
use crate::limits::{DEAD_LETTERS_MAX, DELIVERIES_UNDER_WAY_MAX};

/// Where a notification stands: the number of its block in the log, and which of the block's notifications it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Position {
    /// The block.
    pub lsn: u64,
    /// Which of its notifications, from 0.
    pub nth: u32,
}

impl fmt::Display for Position {
    /// Such as `17-0`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.lsn, self.nth)
    }
}

/// The text is not a position such as `17-0`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a position such as 17-0")]
pub struct NotAPosition;

impl FromStr for Position {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        let (lsn, nth) = text.split_once('-').ok_or(NotAPosition)?;
        let (lsn, nth) = (lsn.parse().map_err(|_| NotAPosition)?, nth.parse().map_err(|_| NotAPosition)?);
        Ok(Self { lsn, nth })
    }
}

/// What became of one notification in one channel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// A receiver has taken it.
    Delivered,
    /// There is nobody to send it to: no address.
    NoAddress,
    /// A person wants it sent no more.
    Discarded,
    /// Given up.
    Dead {
        /// After so many attempts.
        attempts: u32,
        /// Why the last one failed; never with a secret in it.
        reason: Box<str>,
    },
}

impl Fate {
    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::NoAddress => "no_address",
            Self::Discarded => "discarded",
            Self::Dead { .. } => "dead",
        }
    }
}

/// A notification that is done with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settled {
    /// Which.
    pub position: Position,
    /// When.
    pub at: Timestamp,
    /// What became of it.
    pub fate: Fate,
}

/// A notification that was given up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeadLetter {
    /// When.
    pub at: Timestamp,
    /// After so many attempts.
    pub attempts: u32,
    /// Why the last one failed.
    pub reason: Box<str>,
}

/// How far one channel has come.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Channel {
    /// Everything before it is done with.
    pub next: Position,
    /// What is done with from `next` on.
    pub done: BTreeSet<Position>,
    /// What was given up and not sent again or discarded since.
    pub dead: BTreeMap<Position, DeadLetter>,
}

impl Channel {
    /// Whether a notification is done with.
    pub fn is_done(&self, position: Position) -> bool {
        position < self.next || self.done.contains(&position)
    }

    /// The oldest notification that is still to be sent, or may be sent again.
    pub fn first_needed(&self) -> Position {
        self.dead.keys().next().map_or(self.next, |dead| self.next.min(*dead))
    }

    /// Whether it can note what is settled: neither list outgrows its bound.
    pub fn has_room(&self, next: Position, settled: &[Settled]) -> bool {
        let next = self.next.max(next);
        let dead = settled.iter().filter(|settled| {
            matches!(settled.fate, Fate::Dead { .. }) && !self.dead.contains_key(&settled.position)
        });
        let beyond = settled
            .iter()
            .filter(|settled| settled.position >= next && !self.done.contains(&settled.position));
        self.dead.len() + dead.count() <= DEAD_LETTERS_MAX
            && self.done.len() + beyond.count() <= DELIVERIES_UNDER_WAY_MAX
    }

    /// Notes what became of some notifications, and that everything before `next` is done with. A dead letter that is
    /// settled again is no longer one.
    pub fn settle(&mut self, next: Position, settled: &[Settled]) {
        self.next = self.next.max(next);
        for Settled { position, at, fate } in settled {
            if *position >= self.next {
                self.done.insert(*position);
            }
            match fate {
                Fate::Dead { attempts, reason } => {
                    let letter = DeadLetter { at: *at, attempts: *attempts, reason: reason.clone() };
                    self.dead.insert(*position, letter);
                }
                Fate::Delivered | Fate::NoAddress | Fate::Discarded => drop(self.dead.remove(position)),
            }
        }
        self.done = self.done.split_off(&self.next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(lsn: u64, fate: Fate) -> Settled {
        Settled { position: Position { lsn, nth: 0 }, at: Timestamp::default(), fate }
    }

    #[test]
    fn an_old_dead_letter_can_be_settled_while_the_window_is_full() {
        let mut channel = Channel::default();
        let (dead, start) = (Fate::Dead { attempts: 1, reason: "no".into() }, Position::default());
        channel.settle(Position { lsn: 10, nth: 0 }, &[settled(5, dead)]);
        let full: Vec<_> =
            (11..).take(DELIVERIES_UNDER_WAY_MAX).map(|lsn| settled(lsn, Fate::Delivered)).collect();
        assert!(channel.has_room(channel.next, &full));
        channel.settle(channel.next, &full);
        assert!(!channel.has_room(start, &[settled(9_999, Fate::Delivered)]));
        assert!(channel.has_room(start, &[settled(5, Fate::Delivered)]));
        channel.settle(start, &[settled(5, Fate::Delivered)]);
        assert_eq!((channel.dead.len(), channel.done.len()), (0, DELIVERIES_UNDER_WAY_MAX));
    }
}
