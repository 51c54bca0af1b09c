//! Holds: amounts reserved against available credit until they are captured, released or expire (rule B5).

use std::collections::{BTreeMap, BTreeSet};

use super::money::{Money, RunningSum};
use super::time::Timestamp;
use crate::limits::IDEMPOTENCY_DAYS;

/// Closed holds are kept so long, so that a repeated step finds them.
const KEPT_MICROS: i64 = IDEMPOTENCY_DAYS * 24 * 3_600 * 1_000_000;

/// What became of a hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HoldState {
    /// It reserves its amount.
    Open,
    /// So much of it was captured; the rest is free again.
    Captured(Money),
    /// Given up.
    Released,
    /// Its time ran out.
    Expired,
}

/// One hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hold {
    /// How much was reserved.
    pub amount: Money,
    /// When it expires by itself.
    pub expires_at: Timestamp,
    /// What became of it.
    pub state: HoldState,
    /// Business time of its last change.
    pub changed_at: Timestamp,
}

/// The holds of one account. Closed ones are kept as long as idempotency keys, so that a repeated step finds them.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Holds {
    /// Cached: the sum of the open ones.
    held: Money,
    by_id: BTreeMap<Box<str>, Hold>,
    /// The open ones by expiry: what is due is asked before every decision.
    open: BTreeSet<(Timestamp, Box<str>)>,
    /// The closed ones by when they were closed: the oldest are forgotten.
    closed: BTreeSet<(Timestamp, Box<str>)>,
}

impl Holds {
    /// The sum of the open holds.
    pub const fn held(&self) -> Money {
        self.held
    }

    /// The sum of the open holds from its parts: the check of the cached figure.
    pub fn held_recomputed(&self) -> Option<Money> {
        let open = self.by_id.values().filter(|hold| hold.state == HoldState::Open);
        open.fold(RunningSum::default(), |sum, hold| sum.plus(hold.amount)).total()
    }

    /// One hold.
    pub fn hold(&self, id: &str) -> Option<&Hold> {
        self.by_id.get(id)
    }

    /// Every hold, by id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Hold)> {
        self.by_id.iter().map(|(id, hold)| (&**id, hold))
    }

    /// From what a snapshot held; `None` where the sum does not fit.
    pub fn from_parts(holds: impl IntoIterator<Item = (Box<str>, Hold)>) -> Option<Self> {
        let mut all = Self { by_id: holds.into_iter().collect(), ..Self::default() };
        for (id, hold) in &all.by_id {
            match hold.state {
                HoldState::Open => all.open.insert((hold.expires_at, id.clone())),
                _ => all.closed.insert((hold.changed_at, id.clone())),
            };
        }
        all.held = all.held_recomputed()?;
        Some(all)
    }

    /// The open hold that expires first, if it is due at `at`; of two at one instant the one with the lesser id.
    pub fn due(&self, at: Timestamp) -> Option<(&str, Timestamp)> {
        self.open
            .first()
            .filter(|(expires_at, _)| *expires_at <= at)
            .map(|(expires_at, id)| (&**id, *expires_at))
    }

    /// How many would be kept if one more was placed at `at`.
    pub fn kept(&self, at: Timestamp) -> usize {
        let old = self.closed.iter().take_while(|(closed_at, _)| is_old(*closed_at, at));
        self.by_id.len() - old.count()
    }

    /// Adds an open hold.
    pub fn place(&mut self, id: &str, amount: Money, expires_at: Timestamp, at: Timestamp) {
        self.held = self.held.checked_add(amount).expect("invariant: holds were checked to fit");
        let hold = Hold { amount, expires_at, state: HoldState::Open, changed_at: at };
        self.by_id.insert(id.into(), hold);
        self.open.insert((expires_at, id.into()));
        self.forget(at);
    }

    /// Closes an open hold.
    pub fn close(&mut self, id: &str, state: HoldState, at: Timestamp) {
        if let Some(hold) = self.by_id.get_mut(id)
            && hold.state == HoldState::Open
        {
            self.held =
                self.held.checked_sub(hold.amount).expect("invariant: an open hold is part of the sum");
            self.open.remove(&(hold.expires_at, id.into()));
            self.closed.insert((at, id.into()));
            hold.state = state;
            hold.changed_at = at;
        }
        self.forget(at);
    }

    /// Forgets what was closed long before `at`; also when one is placed, or an account full of closed ones stayed full.
    fn forget(&mut self, at: Timestamp) {
        while let Some((closed_at, id)) = self.closed.first()
            && is_old(*closed_at, at)
        {
            self.by_id.remove(id);
            self.closed.pop_first();
        }
    }
}

/// Whether what was closed then is forgotten at `at`.
const fn is_old(closed_at: Timestamp, at: Timestamp) -> bool {
    closed_at.micros() < at.micros().saturating_sub(KEPT_MICROS)
}
