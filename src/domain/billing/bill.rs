//! Bills: one billing account's charges of one cycle (rules D1, D2).

use super::asset::{Asset, Portion};
use super::rate::Rate;
use crate::domain::ids::Currency;
use crate::domain::money::{Money, RunningSum};
use crate::domain::time::{Cycle, Timestamp};

/// What a bill is settled in, if that is not the account's own currency (rule D9).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Converted {
    /// The settlement currency.
    pub currency: Currency,
    /// Its units for one of the account's own.
    pub rate: Rate,
    /// The day of the rate, counted from 1970-01-01.
    pub day: i32,
    /// The bill's total after tax, in the settlement currency.
    pub amount: Money,
}

/// One issued bill.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bill {
    /// The cycle that it is for.
    pub cycle: Cycle,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// From when on what is outstanding is past due.
    pub due_at: Timestamp,
    /// How many charges were posted to the cycle.
    pub charges: u64,
    /// Their sum, with what was captured from holds and bought on credit.
    pub gross: Money,
    /// What coupons deducted as the charges posted (rule C5).
    pub coupons: Money,
    /// What was dropped by rounding down to the minor unit.
    pub round_down_discount: Money,
    /// What tax is computed on: gross less coupons and less charges that are taxes themselves.
    pub taxable: Money,
    /// The rate of tax.
    pub tax_rate: Rate,
    /// The tax.
    pub tax: Money,
    /// In the settlement currency, if that is another one.
    pub converted: Option<Box<Converted>>,
    /// What has paid it, each asset once. Of a bill below 0: what it became, below 0.
    pub payments: Vec<Portion>,
    /// When nothing was outstanding any more.
    pub settled_at: Option<Timestamp>,
}

/// What has paid a bill, by kind of asset.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Paid {
    /// Coupons and vouchers, at write-off.
    pub coupon: Money,
    /// Credit refund.
    pub credit_refund: Money,
    /// Transferred funds.
    pub transfer_book: Money,
    /// Own cash.
    pub cash: Money,
    /// Quota (ecosystem).
    pub quota: Money,
}

impl Bill {
    /// Gross less coupons and what rounding dropped (rule D2).
    pub fn pretax(&self) -> Money {
        let pretax =
            RunningSum::default().plus(self.gross).minus(self.coupons).minus(self.round_down_discount);
        pretax.total().expect("invariant: a bill's sums were checked to fit")
    }

    /// With tax (rule D2).
    pub fn after_tax(&self) -> Money {
        self.pretax().checked_add(self.tax).expect("invariant: a bill's sums were checked to fit")
    }

    /// What is left to pay (rule D2).
    pub fn outstanding(&self) -> Money {
        let left = self
            .payments
            .iter()
            .fold(RunningSum::default().plus(self.after_tax()), |sum, part| sum.minus(part.amount));
        left.total().expect("invariant: no more is paid than is outstanding")
    }

    /// What has paid it, by kind of asset.
    pub fn paid(&self) -> Paid {
        let mut paid = Paid::default();
        for part in &self.payments {
            let sum = match part.asset {
                Asset::Coupon(_) => &mut paid.coupon,
                Asset::CreditRefund(_) => &mut paid.credit_refund,
                Asset::TransferBook => &mut paid.transfer_book,
                Asset::Cash => &mut paid.cash,
                Asset::Quota => &mut paid.quota,
                Asset::Credit => unreachable!("invariant: credit pays no bill (rule D4)"),
            };
            *sum = sum.checked_add(part.amount).expect("invariant: no more is paid than is outstanding");
        }
        paid
    }

    /// Notes that an asset has paid a part.
    pub(in crate::domain) fn pay(&mut self, part: Portion, at: Timestamp) {
        match self.payments.iter_mut().find(|before| before.asset == part.asset) {
            Some(before) => {
                let sum = before.amount.checked_add(part.amount);
                before.amount = sum.expect("invariant: no more is paid than is outstanding");
            }
            None => self.payments.push(part),
        }
        if self.outstanding() == Money::ZERO {
            self.settled_at = Some(at);
        }
    }
}

/// The bills of one account, oldest first, with what is outstanding of them all.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Bills {
    issued: Vec<Bill>,
    /// Cached: the sum of what is outstanding (rule B1).
    outstanding: Money,
    /// Cached: the charges on them.
    charges: u64,
}

impl Bills {
    /// The sum of what is outstanding, whose check is [`Bills::outstanding_recomputed`].
    pub const fn outstanding(&self) -> Money {
        self.outstanding
    }

    /// What is outstanding, bill by bill.
    pub fn outstanding_recomputed(&self) -> Option<Money> {
        self.issued.iter().fold(RunningSum::default(), |sum, bill| sum.plus(bill.outstanding())).total()
    }

    /// How many charges are on bills.
    pub const fn charges(&self) -> u64 {
        self.charges
    }

    /// Every bill, oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Bill> {
        self.issued.iter()
    }

    /// The bills that are not settled, oldest first.
    pub fn unsettled(&self) -> impl Iterator<Item = &Bill> {
        // Most accounts have nothing outstanding, whatever the number of their bills.
        let any = self.outstanding != Money::ZERO;
        self.issued.iter().filter(move |bill| any && bill.settled_at.is_none())
    }

    /// The bill of a cycle.
    pub fn of(&self, cycle: Cycle) -> Option<&Bill> {
        let place = self.issued.binary_search_by_key(&cycle, |bill| bill.cycle).ok()?;
        self.issued.get(place)
    }

    /// From what a snapshot held; `None` where the cycles don't rise or the sums don't fit.
    pub fn from_parts(issued: Vec<Bill>) -> Option<Self> {
        if !issued.windows(2).all(|pair| pair[0].cycle < pair[1].cycle) {
            return None;
        }
        let charges = issued.iter().try_fold(0_u64, |sum, bill| sum.checked_add(bill.charges))?;
        let mut bills = Self { issued, outstanding: Money::ZERO, charges };
        bills.outstanding = bills.outstanding_recomputed()?;
        Some(bills)
    }

    /// The bills, for a test that breaks them.
    #[cfg(test)]
    pub(in crate::domain) fn bills_mut(&mut self) -> &mut [Bill] {
        &mut self.issued
    }

    /// Adds a bill that was issued.
    pub(in crate::domain) fn add(&mut self, bill: Bill) {
        assert!(
            self.issued.last().is_none_or(|last| last.cycle < bill.cycle),
            "invariant: each cycle is issued once"
        );
        self.charges += bill.charges;
        self.outstanding = sum(self.outstanding, bill.outstanding());
        self.issued.reserve_exact(1); // a bill a month
        self.issued.push(bill);
    }

    /// Notes that an asset has paid a part of a bill.
    pub(in crate::domain) fn pay(&mut self, cycle: Cycle, part: Portion, at: Timestamp) {
        let place = self.issued.binary_search_by_key(&cycle, |bill| bill.cycle);
        let place = place.expect("invariant: only bills are paid");
        self.issued[place].pay(part, at);
        let left = self.outstanding.checked_sub(part.amount);
        self.outstanding = left.expect("invariant: no more is paid than is outstanding");
    }
}

fn sum(one: Money, other: Money) -> Money {
    one.checked_add(other).expect("invariant: a bill's sums were checked to fit")
}
