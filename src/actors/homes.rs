//! The identities that charges at hand are looked up in.

use std::collections::BTreeSet;

use parking_lot::{Mutex, MutexGuard};

use super::inbox::Routed;
use crate::domain::identities::Identities;

/// The identities that charges are looked up in, locked: those of one shard at a time, or of all that an atomic part
/// needs. Only atomic parts hold several locks at once, and take them in the order of shards.
pub(super) struct Homes<'a> {
    shards: &'a [Mutex<Identities>],
    held: Vec<(usize, MutexGuard<'a, Identities>)>,
    /// Which of `held` was used last.
    last: usize,
}

impl<'a> Homes<'a> {
    pub(super) fn one_by_one(shards: &'a [Mutex<Identities>], first: usize) -> Self {
        Self { shards, held: vec![(first, shards[first].lock())], last: 0 }
    }

    pub(super) fn all(shards: &'a [Mutex<Identities>], charges: &[Routed]) -> Self {
        let needed: BTreeSet<_> = charges.iter().map(|charge| usize::from(charge.home_shard)).collect();
        Self {
            shards,
            held: needed.into_iter().map(|shard| (shard, shards[shard].lock())).collect(),
            last: 0,
        }
    }

    #[inline]
    pub(super) fn of(&mut self, charge: &Routed) -> &mut Identities {
        let shard = usize::from(charge.home_shard);
        if self.held[self.last].0 != shard {
            self.turn_to(shard);
        }
        &mut self.held[self.last].1
    }

    #[cold]
    fn turn_to(&mut self, shard: usize) {
        if let Some(place) = self.held.iter().position(|(held, _)| *held == shard) {
            self.last = place;
            return;
        }
        self.held.clear();
        self.held.push((shard, self.shards[shard].lock()));
        self.last = 0;
    }

    #[inline]
    pub(super) fn prefetch(&self, charge: &Routed) {
        let (shard, identities) = &self.held[self.last];
        if *shard == usize::from(charge.home_shard) {
            identities.prefetch(charge.home, charge.key);
        }
    }
}
