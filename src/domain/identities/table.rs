//! The table of one partition and cycle.

use super::Seen;
use super::key::IdentityKey;
use crate::domain::ids::Partition;
use crate::limits::PARTITIONS;

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

/// Identities of one partition posted to one cycle, in the order of their hashes, each at its place or as little behind
/// it as the others allow. A zero entry means an empty place; the identity that is zero itself stands aside.
///
/// The order lets a look-up stop at the first greater one, and a table grow a little with every insertion: those that have
/// moved to the larger table are the lesser ones.
#[derive(Clone, Default, Debug)]
pub(super) struct Table {
    /// The places, and behind them [`Table::OVERHANG`] more for those that the last places don't hold; while the table
    /// grows, those of them that are reached.
    entries: Vec<u128>,
    places: usize,
    /// What has not moved here yet.
    leaving: Option<Box<Leaving>>,
    pub(super) count: usize,
    holds_zero: bool,
    /// Memory for the next larger table, if it was provided.
    pub(super) provided: Vec<u128>,
    /// It was wished for.
    pub(super) wished: bool,
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
    const MOVED_EVERY: usize = 16;

    /// Places of the least table that waits for memory: a smaller one takes it in no time.
    const PROVIDED_MIN: usize = 4_096;

    /// The entries among which a key belongs, and its place there.
    #[inline]
    pub(super) fn home(&self, key: IdentityKey) -> (&[u128], usize) {
        match &self.leaving {
            Some(leaving) if key.hash() > leaving.last => (&leaving.entries, place(key.0, leaving.places)),
            _ => (&self.entries, place(key.0, self.places)),
        }
    }

    #[inline]
    pub(super) fn look_up(&self, key: IdentityKey) -> Seen {
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
    pub(super) fn insert(&mut self, key: IdentityKey, partition: Partition, provides: bool) -> bool {
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
    pub(super) fn entries_above(&self, partition: Partition) -> usize {
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
    pub(super) fn reserve(&mut self, count: usize, partition: Partition) {
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
    pub(super) fn after(&self, key: Option<IdentityKey>) -> impl Iterator<Item = IdentityKey> {
        let zero = (self.holds_zero && key.is_none()).then_some(IdentityKey(0));
        let key = key.map_or(0, |key| key.0);
        let from = |entries: &[u128], places| place(key, places).min(entries.len());
        let leaving = self.leaving.as_ref().map_or(&[][..], |leaving| {
            &leaving.entries[leaving.moved.max(from(&leaving.entries, leaving.places))..]
        });
        let entries = self.entries[from(&self.entries, self.places)..].iter().chain(leaving);
        zero.into_iter().chain(entries.copied().filter(move |entry| *entry > key).map(IdentityKey))
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let leaving = self.leaving.as_ref().map_or(0, |leaving| leaving.entries.capacity());
        (self.entries.capacity() + leaving + self.provided.capacity()) * size_of::<u128>()
    }
}

#[cfg(test)]
mod tests;
