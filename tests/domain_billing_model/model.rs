//! What an account has, as naively as possible: plain maps, and integers of any size.

use std::collections::BTreeMap;

use num_bigint::BigInt;

/// What pays: a kind, and the number of a coupon or the month of credit refund.
type Source = (u8, u32);
pub const COUPON: u8 = 0;
pub const REFUND: u8 = 1;
pub const BOOK: Source = (2, 0);
pub const CASH: Source = (3, 0);
pub const CREDIT: Source = (4, 0);
pub const KINDS: [u8; 4] = [0, 1, 2, 3];

type Parts = Vec<(Source, BigInt)>;
pub type Told = Result<bool, &'static str>;

#[derive(Clone, Debug)]
pub struct Coupon {
    pub nominal: BigInt,
    pub balance: BigInt,
    pub starts: i64,
    pub ends: i64,
    pub service: Option<usize>,
    pub minimum: BigInt,
    pub expired: bool,
}

#[derive(Clone, Debug)]
pub struct Bill {
    pub cycle: u32,
    pub charges: u64,
    pub gross: BigInt,
    pub coupons: BigInt,
    pub discount: BigInt,
    pub taxable: BigInt,
    pub tax: BigInt,
    pub after: BigInt,
    pub paid: BTreeMap<Source, BigInt>,
    pub issued: i64,
    pub settled: Option<i64>,
}

impl Bill {
    pub fn outstanding(&self) -> BigInt {
        &self.after - self.paid.values().sum::<BigInt>()
    }
}

#[derive(Clone, Debug)]
pub struct Order {
    pub amount: BigInt,
    pub funding: Parts,
    pub refunds: BTreeMap<usize, BigInt>,
}

#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools)] // settings of an account
pub struct Model {
    pub credit_enabled: bool,
    /// The day of the clock, and of the account's last event.
    pub now: i64,
    pub at: i64,
    pub cash: BigInt,
    pub book: BigInt,
    pub limit: BigInt,
    pub refund: BTreeMap<u32, BigInt>,
    /// By cycle and whether it is a tax.
    pub charges: BTreeMap<(u32, bool), BigInt>,
    pub counts: BTreeMap<u32, u64>,
    pub bought: BTreeMap<u32, BigInt>,
    pub deducted: BTreeMap<u32, BigInt>,
    pub coupons: Vec<Coupon>,
    pub bills: Vec<Bill>,
    pub orders: BTreeMap<usize, Order>,
    pub by_hand: bool,
    pub previous: bool,
    pub rate: i64,
    /// The owner was told so.
    pub overdue: bool,
    pub settlements: BTreeMap<usize, (Vec<u32>, Vec<u8>)>,
    /// Those that have ended, and whether they were finished.
    pub ended: BTreeMap<usize, bool>,
    pub open_from: u32,
}

impl Model {
    pub fn new(credit_enabled: bool) -> Self {
        let zero = || BigInt::from(0);
        Self {
            credit_enabled,
            now: 0,
            at: 0,
            cash: zero(),
            book: zero(),
            limit: zero(),
            refund: BTreeMap::new(),
            charges: BTreeMap::new(),
            counts: BTreeMap::new(),
            bought: BTreeMap::new(),
            deducted: BTreeMap::new(),
            coupons: Vec::new(),
            bills: Vec::new(),
            orders: BTreeMap::new(),
            by_hand: false,
            previous: false,
            rate: 0,
            overdue: false,
            settlements: BTreeMap::new(),
            ended: BTreeMap::new(),
            open_from: 0,
        }
    }

    pub fn unsettled(&self) -> BigInt {
        let posted = self.charges.values().chain(self.bought.values()).sum::<BigInt>();
        posted - self.deducted.values().sum::<BigInt>()
    }

    pub fn owed(&self) -> BigInt {
        self.bills.iter().map(Bill::outstanding).sum()
    }

    pub fn available(&self) -> BigInt {
        // rule B1
        &self.cash + &self.limit + self.refund.values().sum::<BigInt>() - self.unsettled() - self.owed()
    }

    pub fn automatic(&self) -> bool {
        !self.by_hand && self.settlements.is_empty()
    }

    /// Coupons: earliest expiry, smallest balance, earliest granted (rule D7). What is left then.
    pub fn by_coupons(
        &mut self,
        at: i64,
        service: Option<usize>,
        cost: &BigInt,
        left: BigInt,
        parts: &mut Parts,
    ) -> BigInt {
        let mut left = left;
        while left > 0.into() {
            let fits = |coupon: &Coupon| {
                !coupon.expired
                    && coupon.balance > 0.into()
                    && (coupon.starts..coupon.ends).contains(&at)
                    && *cost >= coupon.minimum
                    && (coupon.service.is_none() || coupon.service == service)
            };
            let fitting = (0_u32..).zip(&mut self.coupons).filter(|(_, coupon)| fits(coupon));
            let best = fitting.min_by_key(|(number, coupon)| (coupon.ends, coupon.balance.clone(), *number));
            let Some((number, coupon)) = best else { break };
            let amount = coupon.balance.clone().min(left.clone());
            coupon.balance -= &amount;
            left -= &amount;
            parts.push(((COUPON, number), amount));
        }
        left
    }

    /// Takes from one asset what is there, at most `left`; what is left then.
    pub fn take(&mut self, source: Source, left: BigInt, parts: &mut Parts) -> BigInt {
        let there = match source {
            BOOK => self.book.clone(),
            CASH => &self.cash - &self.book,
            (COUPON, number) => self.coupons[number as usize].balance.clone(),
            (_, month) => self.refund.get(&month).cloned().unwrap_or_default(),
        };
        let amount = there.min(left.clone());
        if amount <= 0.into() {
            return left;
        }
        self.give(source, &-&amount);
        parts.push((source, amount.clone()));
        left - amount
    }

    /// Gives to an asset, or takes from it.
    pub fn give(&mut self, source: Source, amount: &BigInt) {
        match source {
            BOOK => {
                self.book += amount;
                self.cash += amount;
            }
            CASH => self.cash += amount,
            (COUPON, number) => self.coupons[number as usize].balance += amount,
            (_, month) => {
                *self.refund.entry(month).or_default() += amount;
                self.refund.retain(|_, left| *left != 0.into());
            }
        }
    }

    /// What a kind of asset pays of a bill.
    pub fn by_kind(&mut self, kind: u8, bill: usize, left: BigInt, at: i64, parts: &mut Parts) -> BigInt {
        match kind {
            COUPON => {
                let cost = self.bills[bill].after.clone();
                self.by_coupons(at, None, &cost, left, parts)
            }
            REFUND => {
                let mut left = left;
                let months: Vec<_> = self.refund.keys().copied().collect();
                for month in months {
                    if self.previous || month <= self.bills[bill].cycle {
                        left = self.take((REFUND, month), left, parts);
                    }
                }
                left
            }
            kind => self.take((kind, 0), left, parts),
        }
    }

    pub fn note_paid(&mut self, bill: usize, parts: Parts, at: i64) {
        let bill = &mut self.bills[bill];
        for (source, amount) in parts {
            *bill.paid.entry(source).or_default() += amount;
        }
        if bill.settled.is_none() && bill.outstanding() == 0.into() {
            bill.settled = Some(at);
        }
    }

    pub fn pay_bills(&mut self, kinds: &[u8], cycles: Option<&[u32]>, at: i64) {
        for bill in 0..self.bills.len() {
            if cycles.is_none_or(|cycles| cycles.contains(&self.bills[bill].cycle)) {
                let (mut parts, mut left) = (Vec::new(), self.bills[bill].outstanding());
                for kind in kinds {
                    left = self.by_kind(*kind, bill, left, at, &mut parts);
                }
                self.note_paid(bill, parts, at);
            }
        }
    }

    /// After every event.
    pub fn happened(&mut self, at: i64) {
        self.at = self.at.max(at);
        if self.automatic() {
            self.pay_bills(&KINDS, None, self.at);
        }
        self.overdue = self.available() < 0.into();
    }

    pub fn settle_due(&mut self) {
        let ends = self.coupons.iter().enumerate().map(|(number, coupon)| (coupon.ends, false, number));
        let starts = self.coupons.iter().enumerate().map(|(number, coupon)| (coupon.starts, true, number));
        let mut points: Vec<_> = ends.chain(starts).filter(|(day, ..)| *day <= self.now).collect();
        points.sort_unstable();
        for (day, starts, number) in points {
            let coupon = &mut self.coupons[number];
            if coupon.expired || coupon.balance == 0.into() {
                continue;
            }
            if !starts {
                coupon.expired = true;
                self.happened(day);
            } else if day > self.at && self.automatic() {
                // rule D3: an asset that arrives; it is an event if it pays anything
                let before = self.owed();
                self.pay_bills(&KINDS, None, day);
                if self.owed() != before {
                    self.at = day;
                    self.overdue = self.available() < 0.into();
                }
            }
        }
    }
}
