//! Texts that repeat in charges (sources, services, skus, units), kept once and numbered for the whole engine.
//!
//! Numbers are given out for ever: a number in the log means the same text after any restart. The table is bounded,
//! because a hostile sender can put a new text into every row; beyond the bound texts are logged with their row.

use hashbrown::HashMap;

use crate::limits::STRINGS_MAX;

/// The number of a kept text. 0 is the empty text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct StringId(pub u32);

impl StringId {
    /// The empty text: an absent field.
    pub const EMPTY: Self = Self(0);
    /// A text that is not kept: it stands beside its row.
    pub const INLINE: Self = Self(u32::MAX);
}

/// The kept texts.
#[derive(Default)]
pub struct Strings {
    texts: Vec<Option<Box<str>>>,
    numbers: HashMap<Box<str>, StringId, foldhash::fast::RandomState>,
}

impl Strings {
    /// The number of a kept text, or of the empty one.
    #[inline]
    pub fn number(&self, text: &str) -> Option<StringId> {
        if text.is_empty() { Some(StringId::EMPTY) } else { self.numbers.get(text).copied() }
    }

    /// The text with that number, if it is kept.
    #[inline]
    pub fn text(&self, number: StringId) -> Option<&str> {
        if number == StringId::EMPTY {
            return Some("");
        }
        self.texts.get(number.0 as usize)?.as_deref()
    }

    /// The number of a text, kept from now on if there is room; else [`StringId::INLINE`].
    pub fn intern(&mut self, text: &str) -> StringId {
        if let Some(number) = self.number(text) {
            return number;
        }
        let next = self.texts.len().max(1);
        if next >= STRINGS_MAX {
            return StringId::INLINE;
        }
        let number = StringId(u32::try_from(next).expect("invariant: below STRINGS_MAX"));
        self.put(number, text);
        number
    }

    /// Keeps a text under the number that the log gives it; `false` where the number means another text already.
    pub fn restore(&mut self, number: StringId, text: &str) -> bool {
        match self.text(number) {
            Some(known) => known == text,
            None if text.is_empty() || number.0 as usize >= STRINGS_MAX => false,
            None => {
                self.put(number, text);
                true
            }
        }
    }

    /// Every kept text with its number.
    pub fn iter(&self) -> impl Iterator<Item = (StringId, &str)> {
        (0_u32..).zip(&self.texts).filter_map(|(number, text)| Some((StringId(number), text.as_deref()?)))
    }

    fn put(&mut self, number: StringId, text: &str) {
        let place = number.0 as usize;
        if self.texts.len() <= place {
            self.texts.resize(place + 1, None);
        }
        self.texts[place] = Some(text.into());
        self.numbers.insert(text.into(), number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_means_one_text_for_ever() {
        let mut strings = Strings::default();
        assert_eq!(strings.intern(""), StringId::EMPTY);
        let compute = strings.intern("compute");
        assert_eq!(strings.intern("compute"), compute);
        assert!(strings.restore(StringId(9), "storage"));
        assert!(strings.restore(StringId(9), "storage"));
        assert!(!strings.restore(StringId(9), "network"));
        assert!(!strings.restore(StringId(u32::MAX - 1), "far"));
        assert_eq!(strings.intern("network"), StringId(10));
        assert_eq!(strings.text(StringId(5)), None);
        assert_eq!(strings.iter().count(), 3);
    }
}
