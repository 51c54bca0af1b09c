//! Users' ids to dense numbers and back, in one arena (rule A7).
//!
//! A look-up touches two places, one in the table and one in the arena, and both can be asked for ahead of use: of a
//! million ids neither is in the caches. That is why the table is our own; published ones can't be asked ahead.

use std::hash::BuildHasher;

use super::prefetch::prefetch;

/// How many look-ups are under way at once in [`Names::numbers`].
pub const LOOK_UPS_AHEAD: usize = 32;

/// Bytes before each text in the arena: its number and its length.
const HEADER_BYTES: usize = 6;

/// Records in the arena begin at multiples of so many bytes.
const ALIGNMENT: usize = 4;

/// A set of texts, numbered from 0 in the order of insertion.
#[derive(Clone, Default)]
pub struct Names {
    /// `{number: u32, length: u16, text}` one behind the other, aligned.
    arena: Vec<u8>,
    /// By number, where its record is, in units of [`ALIGNMENT`].
    places: Vec<u32>,
    table: Table,
    hasher: foldhash::fast::RandomState,
}

/// An open-addressing table; the place rises with the hash.
#[derive(Clone, Default)]
struct Table {
    entries: Vec<Entry>,
}

/// 32 bits of the hash, and where the record is; [`Entry::EMPTY`] if there is none.
#[derive(Clone, Copy)]
struct Entry {
    hash: u32,
    place: u32,
}

impl Entry {
    const EMPTY: Self = Self { hash: 0, place: u32::MAX };
}

impl Table {
    const ENTRIES_MIN: usize = 16;

    #[inline]
    #[allow(clippy::cast_possible_truncation)] // below entries.len()
    fn start(&self, hash: u32) -> usize {
        ((u64::from(hash) * self.entries.len() as u64) >> 32) as usize
    }

    /// The first entry with that hash for whose place `is_it` says so.
    #[inline]
    fn find(&self, hash: u32, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let mut at = self.start(hash);
        loop {
            let entry = *self.entries.get(at)?;
            if entry.place == Entry::EMPTY.place {
                return None;
            }
            if entry.hash == hash && is_it(entry.place) {
                return Some(entry.place);
            }
            at = if at + 1 == self.entries.len() { 0 } else { at + 1 };
        }
    }

    /// Adds one more to the `count` entries that are there.
    fn insert(&mut self, entry: Entry, count: usize) {
        // At most three quarters full.
        if (count + 1) * 4 > self.entries.len() * 3 {
            let size = (self.entries.len() + self.entries.len() / 2).max(Self::ENTRIES_MIN);
            let old = std::mem::replace(&mut self.entries, vec![Entry::EMPTY; size]);
            old.into_iter()
                .filter(|entry| entry.place != Entry::EMPTY.place)
                .for_each(|entry| self.put(entry));
        }
        self.put(entry);
    }

    fn put(&mut self, entry: Entry) {
        let mut at = self.start(entry.hash);
        while self.entries[at].place != Entry::EMPTY.place {
            at = if at + 1 == self.entries.len() { 0 } else { at + 1 };
        }
        self.entries[at] = entry;
    }
}

impl Names {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The text with that number.
    pub fn name(&self, number: u32) -> Option<&str> {
        let (_, text) = self.record(*self.places.get(number as usize)?);
        Some(str::from_utf8(text).expect("invariant: only whole texts are inserted"))
    }

    /// The number of a text.
    #[inline]
    pub fn number(&self, text: &str) -> Option<u32> {
        self.find(self.hash(text), text)
    }

    /// The numbers of at most [`LOOK_UPS_AHEAD`] texts, whose look-ups overlap.
    #[inline]
    pub fn numbers(&self, texts: &[&str], numbers: &mut [Option<u32>; LOOK_UPS_AHEAD]) {
        let mut hashes = [0; LOOK_UPS_AHEAD];
        for (text, hash) in texts.iter().zip(&mut hashes) {
            *hash = self.hash(text);
            if let Some(entry) = self.table.entries.get(self.table.start(*hash)) {
                prefetch(entry);
            }
        }
        for hash in hashes.iter().take(texts.len()) {
            // The first entry that may be it; usually it is.
            if let Some(place) = self.table.find(*hash, |_| true)
                && let Some(record) = self.arena.get(place as usize * ALIGNMENT)
            {
                prefetch(record);
            }
        }
        for ((text, hash), number) in texts.iter().zip(hashes).zip(numbers) {
            *number = self.find(hash, text);
        }
    }

    /// Adds a text that is not there yet and gives its number; `None` when the arena is full (16 GiB).
    pub fn insert(&mut self, text: &str) -> Option<u32> {
        debug_assert!(self.number(text).is_none(), "invariant: names are unique");
        let number = u32::try_from(self.places.len()).ok()?;
        let length = u16::try_from(text.len()).ok()?;
        let place = u32::try_from(self.arena.len() / ALIGNMENT).ok().filter(|place| *place != u32::MAX)?;
        self.arena.extend_from_slice(&number.to_le_bytes());
        self.arena.extend_from_slice(&length.to_le_bytes());
        self.arena.extend_from_slice(text.as_bytes());
        self.arena.resize(self.arena.len().next_multiple_of(ALIGNMENT), 0);
        self.table.insert(Entry { hash: self.hash(text), place }, self.places.len());
        self.places.push(place);
        Some(number)
    }

    /// Whether so many more texts, of so many bytes together, can be added.
    pub fn has_room(&self, texts: usize, bytes: usize) -> bool {
        let end = self.arena.len() + bytes + texts * (HEADER_BYTES + ALIGNMENT);
        u32::try_from(self.places.len() + texts).is_ok_and(|count| count != u32::MAX)
            && u32::try_from(end / ALIGNMENT).is_ok_and(|place| place != u32::MAX)
    }

    /// All texts in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.places.len()).filter_map(|number| self.name(u32::try_from(number).ok()?))
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)] // the upper half of the hash
    fn hash(&self, text: &str) -> u32 {
        (self.hasher.hash_one(text) >> 32) as u32
    }

    #[inline]
    fn find(&self, hash: u32, text: &str) -> Option<u32> {
        let place = self.table.find(hash, |place| self.record(place).1 == text.as_bytes())?;
        Some(self.record(place).0)
    }

    /// The number and the text of a record.
    #[inline]
    fn record(&self, place: u32) -> (u32, &[u8]) {
        let (header, rest) = self.arena[place as usize * ALIGNMENT..]
            .split_first_chunk::<HEADER_BYTES>()
            .expect("invariant: places are of whole records");
        let [n0, n1, n2, n3, l0, l1] = *header;
        (u32::from_le_bytes([n0, n1, n2, n3]), &rest[..usize::from(u16::from_le_bytes([l0, l1]))])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_texts_in_order_and_finds_them_again() {
        let mut names = Names::default();
        for number in 0..1000_u32 {
            assert_eq!(names.insert(&format!("name-{number}")), Some(number));
        }
        assert_eq!(names.number("name-999"), Some(999));
        assert_eq!(names.number("name-1000"), None);
        assert_eq!(names.name(0), Some("name-0"));
        assert_eq!(names.name(1000), None);
        assert_eq!(names.iter().nth(500), Some("name-500"));
    }

    #[test]
    fn many_look_ups_at_once_say_the_same_as_one_by_one() {
        let mut names = Names::default();
        let texts: Vec<_> = (0..5_000).map(|number| "x".repeat(number % 90) + &number.to_string()).collect();
        for text in texts.iter().step_by(2) {
            names.insert(text).unwrap();
        }
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        for group in texts.chunks(LOOK_UPS_AHEAD) {
            let mut numbers = [None; LOOK_UPS_AHEAD];
            names.numbers(group, &mut numbers);
            for (text, number) in group.iter().zip(numbers) {
                assert_eq!(number, names.number(text), "{text}");
            }
        }
        assert_eq!(Names::default().number(""), None);
    }
}
