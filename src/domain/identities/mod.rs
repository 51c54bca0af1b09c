//! Remembered charge identities: exactly once (rule C2).
//!
//! An entry is 16 bytes: 96 bits of a keyed hash of (cloud account, source, id) and 32 bits of the content, which
//! tell a conflict from a duplicate. Entries stand in open-addressing tables, one for each partition and cycle, so
//! that a closed cycle is dropped whole. A table grows by two fifths, never to the double, so that a remembered id costs
//! at most 24 bytes on average.

mod key;
mod table;

use super::ids::Partition;
use super::prefetch::prefetch;
use super::refusals::Refusal;
use super::time::Cycle;
use crate::limits::{CYCLES_REMEMBERED_MAX, PARTITIONS};
pub use key::{IdentityHasher, IdentityKey};
use table::Table;

/// Entries that a line of the cache holds.
const ENTRIES_PER_LINE: usize = 4;

/// Lines from the place of a key on that a look-up and an insertion usually touch.
const LINES_AHEAD: usize = 3;

/// What the remembered identities say about a charge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seen {
    /// Never posted.
    New,
    /// Posted with this content.
    Duplicate,
    /// Posted with another content.
    Conflict,
}

/// Memory that a table needs soon, so that somebody can take it beforehand: what the system gives is backed only when it
/// is touched, which takes milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemoryWish {
    partition: Partition,
    cycle: Cycle,
    /// Entries.
    pub entries: usize,
}

/// The identities that one shard remembers, in the partitions that it owns.
#[derive(Clone, Debug)]
pub struct Identities {
    partitions: Vec<Vec<(Cycle, Table)>>,
    wishes: Vec<MemoryWish>,
    /// Somebody fulfils them.
    provides: bool,
}

impl Default for Identities {
    fn default() -> Self {
        Self { partitions: vec![Vec::new(); PARTITIONS], wishes: Vec::new(), provides: false }
    }
}

impl Identities {
    /// Looks in every cycle still remembered.
    #[inline]
    pub fn look_up(&self, partition: Partition, key: IdentityKey) -> Seen {
        for (_, table) in &self.partitions[usize::from(partition.0)] {
            match table.look_up(key) {
                Seen::New => {}
                seen => return seen,
            }
        }
        Seen::New
    }

    /// Brings the place of `key` nearer to the processor, ahead of a look-up.
    #[inline]
    pub fn prefetch(&self, partition: Partition, key: IdentityKey) {
        for (_, table) in &self.partitions[usize::from(partition.0)] {
            let (entries, place) = table.home(key);
            for at in (place..).step_by(ENTRIES_PER_LINE).take(LINES_AHEAD) {
                if let Some(entry) = entries.get(at) {
                    prefetch(entry);
                }
            }
        }
    }

    /// Decides whether another identity may be remembered under `cycle`.
    #[inline]
    pub fn decide(&self, partition: Partition, cycle: Cycle) -> Result<(), Refusal> {
        let tables = &self.partitions[usize::from(partition.0)];
        if tables.len() < CYCLES_REMEMBERED_MAX || tables.iter().any(|(one, _)| *one == cycle) {
            Ok(())
        } else {
            Err(Refusal::TooManyOpenCycles)
        }
    }

    /// As [`Self::decide`], where others of the same step will have opened the cycles in `opening`.
    pub fn decide_besides(
        &self,
        partition: Partition,
        cycle: Cycle,
        opening: &mut Vec<Cycle>,
    ) -> Result<(), Refusal> {
        let tables = &self.partitions[usize::from(partition.0)];
        if opening.contains(&cycle) || tables.iter().any(|(one, _)| *one == cycle) {
            return Ok(());
        }
        if tables.len() + opening.len() >= CYCLES_REMEMBERED_MAX {
            return Err(Refusal::TooManyOpenCycles);
        }
        opening.push(cycle);
        Ok(())
    }

    /// Remembers an identity that [`Self::look_up`] called new, under the cycle it is posted to.
    #[inline]
    pub fn insert(&mut self, partition: Partition, cycle: Cycle, key: IdentityKey) {
        let provides = self.provides;
        let table = self.table(partition, cycle);
        if table.insert(key, partition, provides) {
            let entries = table.entries_above(partition);
            self.wishes.push(MemoryWish { partition, cycle, entries });
        }
    }

    /// From now on tables wish for memory before they grow. One that waits for too long grows without.
    pub fn wish_for_memory(&mut self) {
        self.provides = true;
    }

    /// The wishes since the last call.
    pub fn take_wishes(&mut self) -> impl Iterator<Item = MemoryWish> {
        self.wishes.drain(..)
    }

    /// Fulfils a wish with an empty `memory` of its size; what is not needed any more comes back.
    #[must_use = "memory is given back slowly, better not while others wait"]
    pub fn provide(&mut self, wish: &MemoryWish, memory: Vec<u128>) -> Vec<u128> {
        let partition = wish.partition;
        let tables = &mut self.partitions[usize::from(partition.0)];
        match tables.iter_mut().find(|(one, _)| *one == wish.cycle) {
            Some((_, table)) if table.wished && memory.capacity() >= table.entries_above(partition) => {
                std::mem::replace(&mut table.provided, memory)
            }
            _ => memory, // it has grown meanwhile
        }
    }

    /// Makes room for `count` more identities of a cycle.
    ///
    /// Identities that come in the order of a table, as from a snapshot, must find it large enough already: in a table
    /// that grew under them they would all stand at its beginning, in one run that each one has to pass.
    pub fn reserve(&mut self, partition: Partition, cycle: Cycle, count: usize) {
        self.table(partition, cycle).reserve(count, partition);
    }

    /// The table of a partition and cycle, which is made if there is none.
    #[inline]
    fn table(&mut self, partition: Partition, cycle: Cycle) -> &mut Table {
        let tables = &mut self.partitions[usize::from(partition.0)];
        let found = tables.iter().position(|(one, _)| *one == cycle);
        let at = found.unwrap_or_else(|| {
            tables.push((cycle, Table::default()));
            tables.len() - 1
        });
        &mut tables[at].1
    }

    /// How many identities are remembered.
    pub fn count(&self) -> usize {
        self.partitions.iter().flatten().map(|(_, table)| table.count).sum()
    }

    /// Bytes of memory that the tables take.
    pub fn memory_bytes(&self) -> usize {
        self.partitions.iter().flatten().map(|(_, table)| table.memory_bytes()).sum()
    }

    /// The cycles of one partition.
    pub fn cycles(&self, partition: Partition) -> Vec<Cycle> {
        self.partitions[usize::from(partition.0)].iter().map(|(cycle, _)| *cycle).collect()
    }

    /// At most so many identities of a partition and cycle after that one, in their order; from the first one on if there is
    /// none. The order stays while a table grows.
    pub fn after(
        &self,
        partition: Partition,
        cycle: Cycle,
        key: Option<IdentityKey>,
        most: usize,
    ) -> impl Iterator<Item = IdentityKey> {
        let table = self.partitions[usize::from(partition.0)].iter().find(|(one, _)| *one == cycle);
        table.into_iter().flat_map(move |(_, table)| table.after(key)).take(most)
    }

    /// Moves the partitions of shard `shard` of `shards` out of `self`.
    #[must_use = "these partitions are gone from `self`"]
    pub fn split_off(&mut self, shard: usize, shards: usize) -> Self {
        let mut owned = Self::default();
        for number in (shard..PARTITIONS).step_by(shards) {
            owned.partitions[number] = std::mem::take(&mut self.partitions[number]);
        }
        owned
    }
}

#[cfg(test)]
mod tests;
