//! Identifiers: what users give (text) and what the engine gives out (dense numbers) (rule A7).

use std::fmt;

use crate::limits::{COMPOSED_ID_BYTES_MAX, CURRENCY_BYTES_MAX, ID_BYTES_MAX, PARTITIONS};

/// A billing account's dense number, given out by the engine from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AccountIndex(pub u32);

impl AccountIndex {
    /// The identity partition, and with it the shard, that the account belongs to.
    #[allow(clippy::cast_possible_truncation)] // PARTITIONS fits u16, see limits
    pub const fn partition(self) -> Partition {
        Partition((self.0 % PARTITIONS as u32) as u16)
    }
}

impl fmt::Display for AccountIndex {
    /// The number as users see it, from 1.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", u64::from(self.0) + 1)
    }
}

/// A cloud account's dense number, given out by the engine from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CloudIndex(pub u32);

/// An enterprise's dense number, given out by the engine from 0 (rule A6).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EnterpriseIndex(pub u32);

impl EnterpriseIndex {
    /// Stands for the accounts that belong to no enterprise: their lists of administrators, and everybody's policies.
    pub const NONE: Self = Self(u32::MAX);

    /// The shard, of `shards`, whose thread runs the enterprise's actors.
    pub const fn shard(self, shards: usize) -> usize {
        if self.0 == Self::NONE.0 { 0 } else { self.0 as usize % shards }
    }
}

impl fmt::Display for EnterpriseIndex {
    /// The number as users see it, from 1.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", u64::from(self.0) + 1)
    }
}

/// One of the fixed number of parts that shards share out among themselves.
///
/// Where an account lives is computed from it, never stored: the number of shards may change between two opens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Partition(pub u16);

impl Partition {
    /// The shard, of `shards`, that owns this partition.
    pub const fn shard(self, shards: usize) -> usize {
        self.0 as usize % shards
    }
}

/// A currency code: 1 to 8 upper-case letters or digits, such as `USD`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; CURRENCY_BYTES_MAX]);

impl Currency {
    /// US dollar, the default (rule A1).
    pub const USD: Self = Self(*b"USD\0\0\0\0\0");

    /// Reads a code.
    pub fn parse(text: &str) -> Option<Self> {
        let legal = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        if text.is_empty() || text.len() > CURRENCY_BYTES_MAX || !text.bytes().all(legal) {
            return None;
        }
        let mut code = [0; CURRENCY_BYTES_MAX];
        code[..text.len()].copy_from_slice(text.as_bytes());
        Some(Self(code))
    }

    /// Fraction digits of the smallest unit that is paid (ISO 4217); 2 of a code that ISO does not know (rule D2).
    pub fn minor_digits(self) -> u32 {
        const USUAL: u32 = 2;
        let known = iso_currency::Currency::from_code(self.as_str());
        known.and_then(iso_currency::Currency::exponent).map_or(USUAL, u32::from)
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or(CURRENCY_BYTES_MAX);
        str::from_utf8(&self.0[..length]).expect("invariant: ASCII by construction")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Whether `text` may be a user's id: 1 to 128 bytes, no control character, no space at either end (rule A7).
pub fn is_id(text: &str) -> bool {
    text.len() <= ID_BYTES_MAX && is_printable(text)
}

/// Whether `text` may name a cloud account: an id, or two of them joined by `/` as files name it (rule A4).
pub fn is_cloud_account_id(text: &str) -> bool {
    text.len() <= COMPOSED_ID_BYTES_MAX && is_printable(text)
}

#[inline]
fn is_printable(text: &str) -> bool {
    // The usual id: printable ASCII without spaces.
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return true;
    }
    !text.is_empty() && text.trim() == text && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_printable_and_bounded() {
        // rule A7
        assert!(is_id("a") && is_id("/providers/x y/8611537") && is_id("ünïcode") && is_id(&"x".repeat(128)));
        assert!(!is_id("") && !is_id(" a") && !is_id("a\n") && !is_id("a\0b") && !is_id(&"x".repeat(129)));
        assert!(is_cloud_account_id(&"x".repeat(257)) && !is_cloud_account_id(&"x".repeat(258)));
    }

    #[test]
    fn currencies_are_codes() {
        assert_eq!(Currency::parse("USD"), Some(Currency::USD));
        assert_eq!(Currency::parse("TOKENS12").unwrap().as_str(), "TOKENS12");
        for text in ["", "usd", "US D", "NINECHARS", "€"] {
            assert_eq!(Currency::parse(text), None, "{text}");
        }
    }
}
