//! What crosses accounts: numbered messages, in the sender's record first and in the receiver's then (rule F5).
//!
//! ```text
//!  sender's record            receiver's record
//!  {…, message 7} ──────────> {…, received 7 of the sender}
//!    in its outbox until        its inbox: one watermark a sender
//!    it is acknowledged
//! ```
//!
//! A message is never refused. Recovery sends again what stands in an outbox and above the receiver's watermark.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use super::ids::{AccountIndex, EnterpriseIndex};
use super::keys::Remembered;
use super::money::Money;

/// Who sends or receives.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Party {
    /// A billing account.
    Account(AccountIndex),
    /// The credit control of an enterprise.
    CreditControl(EnterpriseIndex),
}

impl fmt::Display for Party {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(account) => write!(formatter, "account {account}"),
            Self::CreditControl(enterprise) => write!(formatter, "enterprise {enterprise}"),
        }
    }
}

/// What a message carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cargo {
    /// Cash for the receiver's transfer book, from the account that sends (rule F1).
    Transfer {
        /// How much.
        amount: Money,
    },
    /// Cash taken back for the giver, from the account that sends (rule F3).
    Revocation {
        /// How much.
        amount: Money,
    },
    /// A higher credit limit for a member, from its credit control (rule E3).
    Credit {
        /// By how much.
        amount: Money,
    },
    /// Credit that a member gives back, or gives on to another member (rule E3).
    CreditReturn {
        /// How much.
        amount: Money,
        /// Whose limit it raises next.
        moves_to: Option<AccountIndex>,
        /// The idempotency key that the credit control is to remember besides (rule J2).
        remembered: Option<Box<Remembered>>,
    },
    /// The sender has joined the enterprise (rule A6).
    Joined,
    /// The sender has left the enterprise (rule A6).
    Left,
}

impl Cargo {
    /// The cash that is in neither account while the message is on its way.
    pub const fn cash(&self) -> Money {
        match self {
            Self::Transfer { amount } | Self::Revocation { amount } => *amount,
            _ => Money::ZERO,
        }
    }
}

/// A message that its sender's record holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sent {
    /// Rising per sender, from 1.
    pub number: u64,
    /// To whom.
    pub to: Party,
    /// What.
    pub cargo: Cargo,
}

/// A message as its receiver gets it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Received {
    /// The sender.
    pub from: Party,
    /// Its number among the sender's messages.
    pub number: u64,
    /// What.
    pub cargo: Cargo,
}

/// What one sender has sent and not yet seen acknowledged.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Outbox {
    last: u64,
    waiting: VecDeque<Sent>,
}

impl Outbox {
    /// From what a snapshot held.
    pub fn from_parts(last: u64, waiting: impl IntoIterator<Item = Sent>) -> Self {
        Self { last, waiting: waiting.into_iter().collect() }
    }

    /// Number of the newest message.
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// The number that the next message will have.
    pub const fn next(&self) -> u64 {
        self.last + 1
    }

    /// Up to which number everything is acknowledged: what the next record notes, so that replay forgets it too.
    pub fn acknowledged(&self) -> u64 {
        self.waiting.front().map_or(self.last, |sent| sent.number - 1)
    }

    /// Adds the next message.
    pub fn push(&mut self, to: Party, cargo: Cargo) {
        self.last += 1;
        self.waiting.push_back(Sent { number: self.last, to, cargo });
    }

    /// The receiver's record of that message is in the log's queue.
    pub fn acknowledge(&mut self, number: u64) {
        if let Ok(place) = self.waiting.binary_search_by_key(&number, |sent| sent.number) {
            self.waiting.remove(place);
        }
    }

    /// A record notes that everything up to that number is acknowledged.
    pub fn acknowledge_up_to(&mut self, number: u64) {
        while self.waiting.front().is_some_and(|sent| sent.number <= number) {
            self.waiting.pop_front();
        }
    }

    /// Forgets what `received` knows to have been received; for recovery.
    pub fn retain_unreceived(&mut self, received: impl Fn(Party, u64) -> bool) {
        self.waiting.retain(|sent| !received(sent.to, sent.number));
    }

    /// What is on its way, oldest first.
    pub fn waiting(&self) -> impl ExactSizeIterator<Item = &Sent> {
        self.waiting.iter()
    }

    /// The messages after that number: what the newest record sends.
    pub fn since(&self, number: u64) -> impl Iterator<Item = &Sent> {
        let first = self.waiting.iter().rev().take_while(|sent| sent.number > number).count();
        self.waiting.iter().skip(self.waiting.len() - first)
    }

    /// Whether nothing is on its way.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

/// What one receiver has received: the newest number of each sender.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Inbox(BTreeMap<Party, u64>);

impl Inbox {
    /// Number of the newest message of `from`; 0 before the first.
    pub fn newest(&self, from: Party) -> u64 {
        self.0.get(&from).copied().unwrap_or(0)
    }

    /// Notes a message.
    pub fn receive(&mut self, from: Party, number: u64) {
        self.0.insert(from, number);
    }

    /// Every sender with its newest number.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Party, u64)> {
        self.0.iter().map(|(from, number)| (*from, *number))
    }
}

impl FromIterator<(Party, u64)> for Inbox {
    fn from_iter<I: IntoIterator<Item = (Party, u64)>>(newest: I) -> Self {
        Self(newest.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outbox_forgets_what_is_acknowledged_in_any_order() {
        let party = |number| Party::Account(AccountIndex(number));
        let mut outbox = Outbox::default();
        for to in [1, 2, 1, 3] {
            outbox.push(party(to), Cargo::Joined);
        }
        outbox.acknowledge(2);
        assert_eq!(outbox.acknowledged(), 0);
        outbox.acknowledge(1);
        assert_eq!(outbox.acknowledged(), 2);
        outbox.retain_unreceived(|to, number| to == party(1) && number <= 3);
        assert_eq!(outbox.waiting().map(|sent| sent.number).collect::<Vec<_>>(), [4]);
        outbox.acknowledge_up_to(4);
        assert!(outbox.is_empty());
        assert_eq!((outbox.acknowledged(), outbox.next()), (4, 5));
    }
}
