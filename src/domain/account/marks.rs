//! Facts of an account of one bit each, so that what a charge touches stays in one cache line.

use crate::domain::profile::AccountType;

/// The facts.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Marks(u8);

/// One fact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mark {
    /// It is an ecosystem account.
    Ecosystem = 1,
    /// Cached: what [`Billing::deducts`] says.
    ///
    /// [`Billing::deducts`]: crate::domain::billing::Billing::deducts
    Deducts = 2,
    /// Its owner was told that it is overdue (rule H3).
    Overdue = 4,
    /// Its services are suspended (rule H4).
    Suspended = 8,
    /// A charge was posted to it (rule A8).
    Costs = 16,
}

impl Marks {
    /// The marks of a new account.
    pub fn of(kind: AccountType) -> Self {
        let mut marks = Self::default();
        marks.set(Mark::Ecosystem, kind == AccountType::Ecosystem);
        marks
    }

    /// Whether a fact holds.
    #[inline]
    pub const fn has(self, mark: Mark) -> bool {
        self.0 & mark as u8 != 0
    }

    /// Says whether a fact holds.
    pub const fn set(&mut self, mark: Mark, holds: bool) {
        self.0 = if holds { self.0 | mark as u8 } else { self.0 & !(mark as u8) };
    }

    /// Direct or ecosystem.
    pub const fn kind(self) -> AccountType {
        if self.has(Mark::Ecosystem) { AccountType::Ecosystem } else { AccountType::Direct }
    }
}
