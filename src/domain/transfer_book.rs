//! The transfer book: cash that others have transferred in, kept per giver (rules F1–F3).

use std::collections::BTreeMap;

use super::ids::AccountIndex;
use super::money::{Money, RunningSum};

/// What one giver transferred to this account, and took back.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Pair {
    /// Transferred in all (should that ever not fit: since the two were last set off against each other).
    pub transferred: Money,
    /// Taken back in all.
    pub revoked: Money,
}

impl Pair {
    /// What is left to take back, whatever was consumed.
    pub fn remaining(&self) -> Money {
        self.transferred
            .checked_sub(self.revoked)
            .expect("invariant: at most what was transferred is revoked")
    }
}

/// Transferred funds of one account: part of its cash, to be consumed only.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct TransferBook {
    /// Cached: what [`TransferBook::total_recomputed`] would say.
    total: Money,
    consumed: Money,
    pairs: BTreeMap<AccountIndex, Pair>,
}

impl TransferBook {
    /// What is left in the book.
    pub const fn total(&self) -> Money {
        self.total
    }

    /// What was consumed; by whose funds is not told (rule F3).
    pub const fn consumed(&self) -> Money {
        self.consumed
    }

    /// The pair with a giver, if there was a transfer.
    pub fn pair(&self, giver: AccountIndex) -> Option<&Pair> {
        self.pairs.get(&giver)
    }

    /// Every giver with its pair.
    pub fn pairs(&self) -> impl ExactSizeIterator<Item = (AccountIndex, Pair)> {
        self.pairs.iter().map(|(giver, pair)| (*giver, *pair))
    }

    /// From what a snapshot held; `None` where the sums don't fit.
    pub fn from_parts(
        consumed: Money,
        pairs: impl IntoIterator<Item = (AccountIndex, Pair)>,
    ) -> Option<Self> {
        let mut book = Self { total: Money::ZERO, consumed, pairs: pairs.into_iter().collect() };
        book.total = book.total_recomputed()?;
        Some(book)
    }

    /// The sum of the pairs less what was consumed: the check of the cached figure.
    pub fn total_recomputed(&self) -> Option<Money> {
        let sum = self
            .pairs
            .values()
            .fold(RunningSum::default(), |sum, pair| sum.plus(pair.transferred).minus(pair.revoked));
        sum.minus(self.consumed).total()
    }

    /// Adds what a giver transferred.
    pub fn receive(&mut self, giver: AccountIndex, amount: Money) {
        let pair = self.pairs.entry(giver).or_default();
        if pair.transferred.checked_add(amount).is_none() {
            // To and fro for ever: only the difference counts, and it is no more than the book.
            *pair = Pair { transferred: pair.remaining(), revoked: Money::ZERO };
        }
        pair.transferred = plus(pair.transferred, amount);
        self.total = plus(self.total, amount);
    }

    /// Takes out what was spent; a refund of it, negative, puts it back (rules D3, D6).
    pub fn consume(&mut self, amount: Money) {
        self.consumed = plus(self.consumed, amount);
        self.total = self.total.checked_sub(amount).expect("invariant: at most the book is consumed");
    }

    /// Takes out what goes back to a giver.
    pub fn revoke(&mut self, giver: AccountIndex, amount: Money) {
        let pair = self.pairs.entry(giver).or_default();
        pair.revoked = plus(pair.revoked, amount);
        self.total = self.total.checked_sub(amount).expect("invariant: at most the book is revoked");
    }
}

fn plus(sum: Money, amount: Money) -> Money {
    sum.checked_add(amount).expect("invariant: transfers were checked to fit")
}
