//! Purchases, paid at once, and the way back of their funding (rule D6).

use super::asset::Portion;
use crate::domain::money::{Money, RunningSum};
use crate::domain::time::Timestamp;

/// One purchase.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    /// What it cost.
    pub amount: Money,
    /// What paid it, in the order of payment.
    pub funding: Box<[Portion]>,
    /// When.
    pub at: Timestamp,
    /// What was refunded, in that order.
    pub refunds: Vec<Refund>,
}

/// One refund of a purchase.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refund {
    /// The caller's id of it, unique within the purchase.
    pub id: Box<str>,
    /// How much of the purchase was given back.
    pub amount: Money,
    /// Where it went: what paid, and how much of it came back.
    pub returned: Box<[Portion]>,
    /// What is lost of it with coupons that have expired.
    pub forfeited: Money,
    /// When.
    pub at: Timestamp,
}

impl Order {
    /// What has not been refunded.
    pub fn refundable(&self) -> Money {
        let sum = RunningSum::default().plus(self.amount);
        let left = self.refunds.iter().fold(sum, |sum, refund| sum.minus(refund.amount));
        left.total().expect("invariant: at most the purchase is refunded")
    }

    /// What `amount` of a refund takes back: the last funding first.
    ///
    /// A part of the funding that earlier refunds took back, also where it was forfeited, is not there any more.
    pub fn taken_back(&self, amount: Money) -> Vec<Portion> {
        let fits = "invariant: at most the purchase is refunded";
        let mut skip = self.amount.checked_sub(self.refundable()).expect(fits);
        let mut left = amount;
        let mut parts = Vec::new();
        for part in self.funding.iter().rev() {
            let skipped = skip.min(part.amount);
            skip = skip.checked_sub(skipped).expect(fits);
            let there = part.amount.checked_sub(skipped).expect(fits);
            let taken = there.min(left);
            left = left.checked_sub(taken).expect(fits);
            if taken > Money::ZERO {
                parts.push(Portion { asset: part.asset, amount: taken });
            }
        }
        parts
    }
}
