//! The number of a block.

use std::fmt;

/// The log sequence number of a block: blocks are counted from 1 without a hole, 0 means "nothing yet".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Lsn(u64);

impl Lsn {
    /// No block at all: less than every block.
    pub const NOTHING: Self = Self(0);
    /// The first block of a log.
    pub const FIRST: Self = Self(1);

    /// The lsn with that number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The lsn of the block after it.
    #[must_use]
    pub const fn next(self) -> Self {
        // A block per nanosecond would need 584 years to come to the end.
        Self(self.0.saturating_add(1))
    }

    /// The lsn of the block before it; of the first one, [`Lsn::NOTHING`].
    pub(super) const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
