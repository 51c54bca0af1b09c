//! What one billing account owes for one cloud account, by cycle and category (rule A4).

use super::charge::Category;
use super::money::Money;
use super::time::Cycle;

/// The sum of one cloud account's charges in one cycle and category, as one payer owes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChargeSum {
    /// The cycle the charges are billed in.
    pub cycle: Cycle,
    /// Their category.
    pub category: Category,
    /// How many.
    pub charges: u64,
    /// Their exact sum.
    pub amount: Money,
}

/// Charges of one cloud account that one billing account pays for: the payment relationship's sums (rule A4).
///
/// The sum that was added to last stands in place; the usual charge touches nothing else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PaidCloudAccount {
    last: ChargeSum,
    // Boxed, so that a million relationships with one sum each pay a word for it.
    #[allow(clippy::box_collection)]
    others: Option<Box<Vec<ChargeSum>>>,
}

impl Default for PaidCloudAccount {
    fn default() -> Self {
        let none =
            ChargeSum { cycle: Cycle::default(), category: Category::Usage, charges: 0, amount: Money::ZERO };
        Self { last: none, others: None }
    }
}

impl PaidCloudAccount {
    /// All sums that hold a charge, in no particular order. Those of cycles that are issued are on bills, and are dropped
    /// when another one begins.
    pub fn sums(&self) -> impl Iterator<Item = &ChargeSum> {
        std::iter::once(&self.last)
            .chain(self.others.iter().flat_map(|others| others.iter()))
            .filter(|sum| sum.charges > 0)
    }

    /// Puts back sums as [`Self::sums`] gave them: the one that was added to last comes first, so that those of issued
    /// cycles are dropped at the same charge with and without a snapshot in between.
    pub fn from_sums(sums: &[ChargeSum]) -> Self {
        let mut paid = Self::default();
        if let Some((last, others)) = sums.split_first() {
            paid.last = *last;
            paid.others = (!others.is_empty()).then(|| Box::new(others.to_vec()));
        }
        paid
    }

    /// What is owed so far for `cycle` and `category`.
    #[inline]
    pub fn sum(&self, cycle: Cycle, category: Category) -> Money {
        let is_it = |sum: &&ChargeSum| sum.cycle == cycle && sum.category == category;
        std::iter::once(&self.last)
            .chain(self.others.iter().flat_map(|others| others.iter()))
            .find(is_it)
            .map_or(Money::ZERO, |sum| sum.amount)
    }

    /// The sum for `cycle` and `category`, brought to the front; the cycles before `open_from` are issued.
    #[inline]
    pub(super) fn sum_mut(&mut self, cycle: Cycle, category: Category, open_from: Cycle) -> &mut ChargeSum {
        if self.last.cycle != cycle || self.last.category != category {
            self.bring_forward(cycle, category, open_from);
        }
        &mut self.last
    }

    #[cold]
    fn bring_forward(&mut self, cycle: Cycle, category: Category, open_from: Cycle) {
        let fresh = ChargeSum { cycle, category, charges: 0, amount: Money::ZERO };
        let issued = |sum: &ChargeSum| sum.cycle < open_from;
        if let Some(others) = &mut self.others {
            others.retain(|sum| !issued(sum));
        }
        if self.last.charges == 0 || issued(&self.last) {
            self.last = fresh;
        }
        if let Some(others) = &mut self.others
            && let Some(found) = others.iter_mut().find(|sum| sum.cycle == cycle && sum.category == category)
        {
            std::mem::swap(found, &mut self.last);
            // An empty sum that was swapped out means nothing; drop it.
            others.retain(|sum| sum.charges > 0);
            return;
        }
        if self.last.charges > 0 {
            let left = std::mem::replace(&mut self.last, fresh);
            self.others.get_or_insert_default().push(left);
        }
    }
}
