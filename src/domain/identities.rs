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
/// The order lets a look-up stop at the first greater one, and a table grow a little with every insertion: those that have
/// moved to the larger table are the lesser ones.
#[derive(Clone, Default, Debug)]
struct Table {
    /// The places, and behind them [`Table::OVERHANG`] more for those that the last places don't hold; while the table
    /// grows, those of them that are reached.
    entries: Vec<u128>,
    places: usize,
    /// What has not moved here yet.
    leaving: Option<Box<Leaving>>,
    count: usize,
    holds_zero: bool,
    /// Memory for the next larger table, if it was provided.
    provided: Vec<u128>,
    /// It was wished for.
    wished: bool,
}

/// The smaller table that a growing one replaces. What has moved away is still there, and all less than what has not.
#[derive(Clone, Debug)]
struct Leaving {
    entries: Vec<u128>,
    places: usize,
    /// What stands before has moved.
    moved: usize,
    /// The hash of the one that moved last.
    last: u128,
}

impl Table {
    const OVERHANG: usize = 32;

    /// Identities that move at every so manieth insertion: in a few microseconds, and the table has grown long before the
    /// smaller one is too full.
    const MOVED_AT_ONCE: usize = 2_048;
    const MOVED_EVERY: usize = 32;

    /// Places of the least table that waits for memory: a smaller one takes it in no time.
    const PROVIDED_MIN: usize = 4_096;

    /// The entries among which a key belongs, and its place there.
    #[inline]
    fn home(&self, key: IdentityKey) -> (&[u128], usize) {
        match &self.leaving {
            Some(leaving) if key.hash() > leaving.last => (&leaving.entries, place(key.0, leaving.places)),
            _ => (&self.entries, place(key.0, self.places)),
        }
    }

    #[inline]
    fn look_up(&self, key: IdentityKey) -> Seen {
        if key.hash() == 0 && self.holds_zero {
            return if key.0 == 0 { Seen::Duplicate } else { Seen::Conflict };
        }
        let (entries, place) = self.home(key);
        for entry in entries.get(place..).unwrap_or_default() {
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

    /// Adds an identity that is not there to the table of that partition; whether memory is wished for, which somebody
    /// `provides`.
    #[inline]
    fn insert(&mut self, key: IdentityKey, partition: Partition, provides: bool) -> bool {
        self.count += 1;
        if key.0 == 0 {
            self.holds_zero = true;
            return false;
        }
        let mut wish = false;
        if self.leaving.is_some() {
            if self.count.is_multiple_of(Self::MOVED_EVERY) {
                self.move_some(Self::MOVED_AT_ONCE);
            }
        } else if self.count * 8 > self.places * 7 {
            wish = self.wish_or_grow(partition, provides); // at most seven eighths full, as a rule
        }
        while !self.put(key) {
            if self.leaving.is_none() {
                self.grow(partition);
            }
            self.move_some(usize::MAX);
        }
        wish
    }

    /// Grows, unless it is worth while to wait for memory: whether to wish for that.
    #[cold]
    fn wish_or_grow(&mut self, partition: Partition, provides: bool) -> bool {
        let can_wait = self.places >= Self::PROVIDED_MIN && self.count * 16 <= self.places * 15;
        if !provides || !can_wait || self.provided.capacity() > 0 {
            self.grow(partition);
            return false;
        }
        !std::mem::replace(&mut self.wished, true)
    }

    /// Entries of the next larger table.
    fn entries_above(&self, partition: Partition) -> usize {
        places_above(partition, self.places) + Self::OVERHANG
    }

    /// Puts an identity where it belongs; those behind it move up. `false` if there is no room for that.
    #[inline]
    fn put(&mut self, key: IdentityKey) -> bool {
        let (entries, places) = match &mut self.leaving {
            Some(leaving) if key.hash() > leaving.last => (&mut leaving.entries, leaving.places),
            _ => (&mut self.entries, self.places),
        };
        let (place, room) = (place(key.0, places), places + Self::OVERHANG);
        let behind = |entry: &u128| *entry == 0 || *entry > key.0;
        let found = entries[place..].iter().position(behind).map_or(entries.len(), |at| place + at);
        let empty = entries[found..].iter().position(|entry| *entry == 0);
        let empty = empty.map_or(entries.len(), |empty| found + empty);
        if empty == entries.len() {
            if empty == room {
                return false;
            }
            entries.push(0); // a growing table's next place
        }
        entries.copy_within(found..empty, found + 1);
        entries[found] = key.0;
        true
    }

    /// Begins to move to a larger table.
    #[cold]
    fn grow(&mut self, partition: Partition) {
        let (entries, places) = (std::mem::take(&mut self.entries), self.places);
        let needed = self.entries_above(partition);
        self.places = needed - Self::OVERHANG;
        self.wished = false;
        self.entries = std::mem::take(&mut self.provided);
        self.entries.reserve_exact(needed);
        self.leaving = Some(Box::new(Leaving { entries, places, moved: 0, last: 0 }));
        self.move_some(1);
    }

    /// Moves about so many identities to the larger table, and one at least.
    #[cold]
    fn move_some(&mut self, count: usize) {
        let Some(leaving) = &mut self.leaving else { return };
        let room = self.places + Self::OVERHANG;
        let rest = &leaving.entries[leaving.moved..];
        let mut next = self.entries.len();
        let first = rest.iter().find(|entry| **entry != 0).map_or(0, |entry| place(*entry, self.places));
        let end = first.max(next).saturating_add(count.saturating_mul(2)).min(room);
        self.entries.resize(end, 0);
        // Not past empty places: one that belongs after the last may still come there.
        let (mut moved, mut all) = (0, true);
        for (passed, entry) in rest.iter().enumerate() {
            if *entry == 0 {
                continue;
            }
            let at = place(*entry, self.places).max(next);
            let Some(free) = self.entries.get_mut(at) else {
                all = false;
                break;
            };
            *free = *entry;
            next = at + 1;
            moved = passed + 1;
            leaving.last = IdentityKey(*entry).hash();
        }
        if all {
            self.entries.resize(room, 0);
            self.leaving = None;
        } else if end < room {
            self.entries.truncate(next);
            leaving.moved += moved;
        } else {
            leaving.moved += moved;
            self.resize(self.places + self.places / 2);
        }
    }

    /// Makes room for `count` more in the table of that partition.
    fn reserve(&mut self, count: usize, partition: Partition) {
        let needed = (self.count + count) * 8 / 7 + 1;
        if needed > self.places {
            self.resize(places_above(partition, needed));
        }
    }

    /// Spreads the entries over so many places at once, or over more if they don't fit.
    fn resize(&mut self, mut places: usize) {
        let old: Vec<_> = self.after(None).map(|key| key.0).filter(|entry| *entry != 0).collect();
        self.leaving = None;
        loop {
            self.entries = vec![0; places + Self::OVERHANG];
            self.places = places;
            let mut next = 0;
            let moved = old.iter().all(|entry| {
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

    /// The identities after that one, in order; from the first one on if there is none.
    fn after(&self, key: Option<IdentityKey>) -> impl Iterator<Item = IdentityKey> {
        let zero = (self.holds_zero && key.is_none()).then_some(IdentityKey(0));
        let key = key.map_or(0, |key| key.0);
        let from = |entries: &[u128], places| place(key, places).min(entries.len());
        let leaving = self.leaving.as_ref().map_or(&[][..], |leaving| {
            &leaving.entries[leaving.moved.max(from(&leaving.entries, leaving.places))..]
        });
        let entries = self.entries[from(&self.entries, self.places)..].iter().chain(leaving);
        zero.into_iter().chain(entries.copied().filter(move |entry| *entry > key).map(IdentityKey))
    }

    fn memory_bytes(&self) -> usize {
        let leaving = self.leaving.as_ref().map_or(0, |leaving| leaving.entries.capacity());
        (self.entries.capacity() + leaving + self.provided.capacity()) * size_of::<u128>()
    }
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
            if let Some(entry) = entries.get(place) {
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
            if table.insert(key, partition, self.provides) {
                let entries = table.entries_above(partition);
                self.wishes.push(MemoryWish { partition, cycle, entries });
            }
        } else {
            let mut table = Table::default();
            table.insert(key, partition, false);
            tables.push((cycle, table));
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
            .map(Partition)
            .flat_map(|partition| {
                identities.cycles(partition).into_iter().map(move |cycle| (partition, cycle))
            })
            .map(|(partition, cycle)| identities.after(partition, cycle, None, usize::MAX).count())
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
    fn a_table_grows_a_little_at_a_time() {
        let (mut table, mut keys) = (Table::default(), Vec::new());
        let (mut grew, mut slow) = (0, 0);
        for round in 0..60_000 {
            let waiting = |table: &Table| table.leaving.as_ref().map_or(0, |it| it.entries.len() - it.moved);
            let before = waiting(&table);
            let key = IdentityKey::new(mix(round), 0);
            table.insert(key, Partition(3), false);
            keys.push(key);
            let after = waiting(&table);
            grew += usize::from(after > before);
            // Places that are empty are passed over.
            assert!(before.saturating_sub(after) <= 2 * Table::MOVED_AT_ONCE, "{round}: {before}, {after}");
            slow += usize::from(before > after && after > 0);
            if after > 0 && round % 16 == 0 {
                assert!(keys.iter().all(|key| table.look_up(*key) == Seen::Duplicate), "{round}");
                assert!(table.after(None).is_sorted_by_key(|key| key.0), "{round}");
                assert_eq!(table.after(None).count(), keys.len(), "{round}");
                let behind = keys.iter().filter(|one| one.0 > key.0).count();
                assert_eq!(table.after(Some(key)).count(), behind, "{round}");
            }
        }
        assert!(grew > 10 && slow > 50, "{grew}, {slow}");
    }

    #[test]
    fn a_table_grows_into_the_memory_that_it_wished_for_and_without_it_at_last() {
        let (partition, cycle) = (Partition(1), Cycle::from_index(7));
        for fulfilled in [true, false] {
            let mut identities = Identities::default();
            identities.wish_for_memory();
            let mut wishes = 0;
            for round in 0..100_000 {
                identities.insert(partition, cycle, IdentityKey::new(mix(round), 0));
                for wish in identities.take_wishes().collect::<Vec<_>>() {
                    wishes += 1;
                    if fulfilled {
                        let memory = Vec::with_capacity(wish.entries);
                        let provided = memory.as_ptr();
                        assert_eq!(identities.provide(&wish, Vec::new()).capacity(), 0, "too small");
                        assert_eq!(identities.provide(&wish, memory).capacity(), 0);
                        identities.insert(partition, cycle, IdentityKey::new(mix(1 << 40 | round), 0));
                        let (_, table) = &identities.partitions[1][0];
                        assert_eq!(table.entries.as_ptr(), provided);
                        assert!(table.leaving.is_some() && table.entries.capacity() >= wish.entries);
                        let late = Vec::with_capacity(wish.entries);
                        assert!(identities.provide(&wish, late).capacity() >= wish.entries, "it has grown");
                    }
                }
            }
            assert!(wishes > 5, "{wishes}");
            let all = (0..100_000).map(|round| IdentityKey::new(mix(round), 0));
            assert!(all.into_iter().all(|key| identities.look_up(partition, key) == Seen::Duplicate));
        }
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
