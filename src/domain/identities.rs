//! Remembered charge identities: exactly once (rule C2).
//!
//! An entry is 16 bytes: 96 bits of a keyed hash of (cloud account, source, id) and 32 bits of the content, which
//! tell a conflict from a duplicate. Entries stand in open-addressing tables, one for each partition and cycle, so
//! that a closed cycle is dropped whole. A table grows by two fifths, never to the double, so that a remembered id costs
//! at most 24 bytes on average.

use siphasher::sip128::SipHasher13;

use super::ids::{CloudIndex, Partition};
use super::money::Money;
use super::prefetch::prefetch;
use super::refusals::Refusal;
use super::time::Cycle;
use crate::limits::{CYCLES_REMEMBERED_MAX, ID_BYTES_MAX, PARTITIONS};

/// A charge's identity and content: 96 bits of hash above 32 bits of content.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct IdentityKey(pub u128);

impl IdentityKey {
    const CONTENT_BITS: u32 = 32;

    /// From 128 bits of hash, of which the upper 96 are kept, and 32 bits of content.
    pub const fn new(hash: u128, content: u32) -> Self {
        Self(hash >> Self::CONTENT_BITS << Self::CONTENT_BITS | content as u128)
    }

    const fn hash(self) -> u128 {
        self.0 >> Self::CONTENT_BITS
    }
}

/// Makes identity keys under a secret of the data directory, so that hostile ids can't be made to collide.
#[derive(Clone, Copy)]
pub struct IdentityHasher {
    keys: (u64, u64),
}

impl IdentityHasher {
    /// From 16 secret bytes.
    pub fn new(secret: [u8; 16]) -> Self {
        let (low, high) = secret.split_at(8);
        let number =
            |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("invariant: half of 16 bytes"));
        Self { keys: (number(low), number(high)) }
    }

    /// The key of the charge identity (cloud account, source, id) with that amount.
    #[inline]
    pub fn key(&self, cloud: CloudIndex, source: &str, id: &str, amount: Money) -> IdentityKey {
        const SPACE: usize = 5 + 2 * ID_BYTES_MAX;
        const USUAL: usize = 64;
        if 5 + source.len() + id.len() <= USUAL {
            self.key_in(&mut [0; USUAL], cloud, source, id, amount)
        } else {
            self.key_in(&mut [0; SPACE], cloud, source, id, amount)
        }
    }

    #[inline]
    fn key_in(
        self,
        space: &mut [u8],
        cloud: CloudIndex,
        source: &str,
        id: &str,
        amount: Money,
    ) -> IdentityKey {
        // Number, length, source and id, so that no two identities spell the same bytes.
        let length = 5 + source.len() + id.len();
        space[..4].copy_from_slice(&cloud.0.to_le_bytes());
        space[4] = u8::try_from(source.len()).expect("invariant: sources have at most 128 bytes");
        space[5..5 + source.len()].copy_from_slice(source.as_bytes());
        space[5 + source.len()..length].copy_from_slice(id.as_bytes());
        let hash = SipHasher13::new_with_keys(self.keys.0, self.keys.1).hash(&space[..length]);
        IdentityKey::new(hash.as_u128(), self.content(amount))
    }

    /// 32 bits that differ for different amounts, but for one pair in four thousand million.
    #[inline]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // bits to mix; keeps the well-mixed upper half
    fn content(self, amount: Money) -> u32 {
        let units = amount.units();
        let low = (units as u64 ^ self.keys.0).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let high = ((units >> 64) as u64 ^ self.keys.1).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        ((low ^ high.rotate_left(29)).wrapping_mul(0xD6E8_FEB8_6659_FD93) >> 32) as u32
    }
}

/// The place of an entry among so many; it rises with the entry.
#[inline]
#[allow(clippy::cast_possible_truncation)] // below `places`
fn place(entry: u128, places: usize) -> usize {
    (((entry >> 64) * places as u128) >> 64) as usize
}

/// The least size of a table of that partition above `places`: sizes rise by two fifths.
///
/// No two partitions have the same sizes. Charges fill their tables at one speed, and would have them all grow at the
/// same time; growing costs fresh memory, so it must go on all the while, a little at a time.
fn places_above(partition: Partition, places: usize) -> usize {
    const PLACES_MIN: u64 = 16;
    const FRACTION_BITS: u32 = 24;
    let first = PLACES_MIN << FRACTION_BITS;
    let mut size = first + first * 2 / 5 * u64::from(partition.0) / PARTITIONS as u64;
    while size >> FRACTION_BITS <= places as u64 {
        size += size / 5 * 2;
    }
    usize::try_from(size >> FRACTION_BITS).expect("invariant: far fewer places than memory has bytes")
}

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

/// Identities of one partition posted to one cycle, in the order of their hashes, each at its place or as little behind
/// it as the others allow. A zero entry means an empty place; the identity that is zero itself stands aside.
///
/// The order lets a look-up stop at the first greater one, and makes growing one pass.
#[derive(Clone, Default, Debug)]
struct Table {
    /// The places, and behind them [`Table::OVERHANG`] more for those that the last places don't hold.
    entries: Vec<u128>,
    count: usize,
    holds_zero: bool,
}

impl Table {
    const OVERHANG: usize = 32;

    #[inline]
    fn place(&self, key: IdentityKey) -> usize {
        place(key.0, self.entries.len().saturating_sub(Self::OVERHANG))
    }

    #[inline]
    fn look_up(&self, key: IdentityKey) -> Seen {
        if key.hash() == 0 && self.holds_zero {
            return if key.0 == 0 { Seen::Duplicate } else { Seen::Conflict };
        }
        for entry in self.entries.get(self.place(key)..).unwrap_or_default() {
            let hash = IdentityKey(*entry).hash();
            if hash >= key.hash() && *entry != 0 {
                if hash > key.hash() {
                    return Seen::New;
                }
                return if *entry == key.0 { Seen::Duplicate } else { Seen::Conflict };
            }
            if *entry == 0 {
                return Seen::New;
            }
        }
        Seen::New
    }

    /// Adds an identity that is not there to the table of that partition.
    #[inline]
    fn insert(&mut self, key: IdentityKey, partition: Partition) {
        self.count += 1;
        if key.0 == 0 {
            self.holds_zero = true;
            return;
        }
        // At most seven eighths full.
        if self.count * 8 > self.entries.len().saturating_sub(Self::OVERHANG) * 7 {
            self.grow(partition);
        }
        while !self.put(key) {
            self.grow(partition);
        }
    }

    /// Puts an identity where it belongs; those behind it move up. `false` if there is no room for that.
    #[inline]
    fn put(&mut self, key: IdentityKey) -> bool {
        let place = self.place(key);
        let behind = |entry: &u128| *entry == 0 || *entry > key.0;
        let Some(at) = self.entries[place..].iter().position(behind).map(|at| place + at) else {
            return false;
        };
        if self.entries[at] != 0 {
            let empty = self.entries[at..].iter().position(|entry| *entry == 0);
            let Some(empty) = empty.map(|empty| at + empty) else { return false };
            self.entries.copy_within(at..empty, at + 1);
        }
        self.entries[at] = key.0;
        true
    }

    #[cold]
    fn grow(&mut self, partition: Partition) {
        let places = self.entries.len().saturating_sub(Self::OVERHANG);
        self.resize(places_above(partition, places));
    }

    /// Makes room for `count` more in the table of that partition.
    fn reserve(&mut self, count: usize, partition: Partition) {
        let needed = (self.count + count) * 8 / 7 + 1;
        if needed + Self::OVERHANG > self.entries.len() {
            self.resize(places_above(partition, needed));
        }
    }

    /// Spreads the entries over so many places, or over more if they don't fit.
    fn resize(&mut self, mut places: usize) {
        let old = std::mem::take(&mut self.entries);
        loop {
            self.entries = vec![0; places + Self::OVERHANG];
            let mut next = 0;
            let moved = old.iter().filter(|entry| **entry != 0).all(|entry| {
                let at = place(*entry, places).max(next);
                next = at + 1;
                self.entries.get_mut(at).map(|free| *free = *entry).is_some()
            });
            if moved {
                return;
            }
            places += places / 2;
        }
    }

    fn iter(&self) -> impl Iterator<Item = IdentityKey> {
        let zero = self.holds_zero.then_some(IdentityKey(0));
        zero.into_iter()
            .chain(self.entries.iter().filter(|entry| **entry != 0).map(|entry| IdentityKey(*entry)))
    }
}

/// The identities that one shard remembers, in the partitions that it owns.
#[derive(Clone, Debug)]
pub struct Identities {
    partitions: Vec<Vec<(Cycle, Table)>>,
}

impl Default for Identities {
    fn default() -> Self {
        Self { partitions: vec![Vec::new(); PARTITIONS] }
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
            if let Some(entry) = table.entries.get(table.place(key)) {
                prefetch(entry);
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
        let tables = &mut self.partitions[usize::from(partition.0)];
        if let Some((_, table)) = tables.iter_mut().find(|(one, _)| *one == cycle) {
            table.insert(key, partition);
        } else {
            let mut table = Table::default();
            table.insert(key, partition);
            tables.push((cycle, table));
        }
    }

    /// Makes room for `count` more identities of a cycle.
    ///
    /// Identities that come in the order of a table, as from a snapshot, must find it large enough already: in a table
    /// that grew under them they would all stand at its beginning, in one run that each one has to pass.
    pub fn reserve(&mut self, partition: Partition, cycle: Cycle, count: usize) {
        let tables = &mut self.partitions[usize::from(partition.0)];
        if let Some((_, table)) = tables.iter_mut().find(|(one, _)| *one == cycle) {
            table.reserve(count, partition);
        } else {
            let mut table = Table::default();
            table.reserve(count, partition);
            tables.push((cycle, table));
        }
    }

    /// How many identities are remembered.
    pub fn count(&self) -> usize {
        self.partitions.iter().flatten().map(|(_, table)| table.count).sum()
    }

    /// Bytes of memory that the tables take.
    pub fn memory_bytes(&self) -> usize {
        self.partitions.iter().flatten().map(|(_, table)| table.entries.capacity() * size_of::<u128>()).sum()
    }

    /// The identities of one partition, cycle by cycle.
    pub fn partition(&self, partition: Partition) -> impl Iterator<Item = (Cycle, Vec<IdentityKey>)> + '_ {
        self.partitions[usize::from(partition.0)]
            .iter()
            .map(|(cycle, table)| (*cycle, table.iter().collect()))
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
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn mix(number: u128) -> u128 {
        let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        mixed ^ (mixed >> 61) ^ (mixed << 67)
    }

    #[test]
    fn tells_new_duplicate_and_conflict_like_a_plain_map() {
        // rule C2
        let mut identities = Identities::default();
        let mut model: HashMap<(u16, u128), u128> = HashMap::new();
        for round in 0..60_000_u128 {
            let partition = Partition((round % 3) as u16);
            let key = IdentityKey::new(mix(round / 2 * 3), (round % 5 / 4) as u32);
            let cycle = Cycle::from_index((round % 7) as u32);
            let expect = match model.get(&(partition.0, key.hash())) {
                None => Seen::New,
                Some(content) if *content == key.0 => Seen::Duplicate,
                Some(_) => Seen::Conflict,
            };
            assert_eq!(identities.look_up(partition, key), expect, "{round}");
            if expect == Seen::New {
                identities.insert(partition, cycle, key);
                model.insert((partition.0, key.hash()), key.0);
            }
        }
        assert_eq!(identities.count(), model.len());
        let listed: usize = (0..3)
            .flat_map(|number| identities.partition(Partition(number)))
            .map(|(_, keys)| keys.len())
            .sum();
        assert_eq!(listed, model.len());
    }

    #[test]
    fn every_value_is_legal_the_zero_one_too() {
        let mut identities = Identities::default();
        let (partition, cycle) = (Partition(0), Cycle::from_index(0));
        for key in [0, 1, u128::MAX, u128::from(u32::MAX) + 1] {
            let key = IdentityKey(key);
            let conflicts = key.0 == 1; // the hash of 0, another content
            assert_eq!(
                identities.look_up(partition, key),
                if conflicts { Seen::Conflict } else { Seen::New }
            );
            if !conflicts {
                identities.insert(partition, cycle, key);
                assert_eq!(identities.look_up(partition, key), Seen::Duplicate);
            }
        }
        // The other way round: the hash of zero with a content stands in the table.
        let mut identities = Identities::default();
        identities.insert(partition, cycle, IdentityKey(7));
        assert_eq!(identities.look_up(partition, IdentityKey(0)), Seen::Conflict);
    }

    #[test]
    fn an_identity_costs_at_most_24_bytes_on_average() {
        let mut identities = Identities::default();
        let (mut thousandths, mut samples) = (0, 0);
        for round in 0..200_000_u128 {
            let key = IdentityKey::new(mix(round), 0);
            identities.insert(Partition((round % 4) as u16), Cycle::from_index(0), key);
            if round > 20_000 && round % 500 == 0 {
                thousandths += identities.memory_bytes() * 1_000 / identities.count();
                samples += 1;
            }
        }
        assert!(thousandths / samples <= 24_000, "{}", thousandths / samples);
    }

    #[test]
    fn the_number_of_cycles_is_bounded() {
        let mut identities = Identities::default();
        for index in (0..).take(CYCLES_REMEMBERED_MAX) {
            identities.insert(
                Partition(0),
                Cycle::from_index(index),
                IdentityKey::new(mix(u128::from(index)), 0),
            );
        }
        assert_eq!(identities.decide(Partition(0), Cycle::from_index(0)), Ok(()));
        assert_eq!(identities.decide(Partition(0), Cycle::from_index(9999)), Err(Refusal::TooManyOpenCycles));
    }
}
