//! Users' ids to dense numbers and back, in one arena (rule A7).

use std::hash::BuildHasher;

use hashbrown::HashTable;

/// A set of texts, numbered from 0 in the order of insertion.
#[derive(Clone)]
pub struct Names {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    table: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            ends: Vec::new(),
            table: HashTable::new(),
            hasher: foldhash::fast::RandomState::default(),
        }
    }
}

impl Names {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text with that number.
    #[inline]
    pub fn name(&self, number: u32) -> Option<&str> {
        name_in(&self.bytes, &self.ends, number)
            .map(|bytes| str::from_utf8(bytes).expect("invariant: only whole texts are inserted"))
    }

    /// The number of a text.
    #[inline]
    pub fn number(&self, text: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(text);
        self.table
            .find(hash, |number| name_in(&self.bytes, &self.ends, *number) == Some(text.as_bytes()))
            .copied()
    }

    /// Adds a text that is not there yet and gives its number; `None` when the arena is full (4 GiB of text).
    pub fn insert(&mut self, text: &str) -> Option<u32> {
        debug_assert!(self.number(text).is_none(), "invariant: names are unique");
        let number = u32::try_from(self.ends.len()).ok()?;
        let end = u32::try_from(self.bytes.len() + text.len()).ok()?;
        self.bytes.extend_from_slice(text.as_bytes());
        self.ends.push(end);
        let Self { bytes, ends, table, hasher } = self;
        table.insert_unique(hasher.hash_one(text), number, |number| {
            let name = name_in(bytes, ends, *number).expect("invariant: the table holds known numbers");
            hasher.hash_one(str::from_utf8(name).expect("invariant: only whole texts are inserted"))
        });
        Some(number)
    }

    /// Whether so many more texts, of so many bytes together, can be added.
    pub fn has_room(&self, texts: usize, bytes: usize) -> bool {
        u32::try_from(self.ends.len() + texts).is_ok() && u32::try_from(self.bytes.len() + bytes).is_ok()
    }

    /// All texts in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).filter_map(|number| self.name(u32::try_from(number).ok()?))
    }
}

fn name_in<'a>(bytes: &'a [u8], ends: &[u32], number: u32) -> Option<&'a [u8]> {
    let number = number as usize;
    let end = *ends.get(number)? as usize;
    let start = if number == 0 { 0 } else { ends[number - 1] as usize };
    Some(&bytes[start..end])
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
}
