//! Bills and what pays them, as the auditor knows them: the facts.

use std::collections::BTreeMap;

use exchequer::domain::billing::asset::AssetKind;
use exchequer::domain::billing::payment_method::PaymentMethodKind;
use exchequer::domain::billing::rate::Rate;
use exchequer::domain::ids::Currency;
use exchequer::domain::time::{Cycle, Timestamp, UtcOffset};

pub const DAY: i64 = 24 * 3_600_000_000;

/// By pair of currencies, the rate of each day.
pub type Rates = BTreeMap<(Currency, Currency), BTreeMap<i32, Rate>>;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Asset {
    /// By its place.
    Coupon(usize),
    Refund(Cycle),
    Book,
    Cash,
    Quota,
    Credit,
}

#[derive(Clone, Debug)]
pub struct Coupon {
    pub id: String,
    pub nominal: i128,
    pub balance: i128,
    pub starts_at: i64,
    pub ends_at: i64,
    pub services: Vec<String>,
    pub minimum: i128,
    pub expired: bool,
}

/// What is to be billed of one open cycle.
#[derive(Clone, Copy, Default, Debug)]
pub struct Sums {
    pub charges: u64,
    pub gross: i128,
    pub taxes: i128,
    pub deducted: i128,
}

#[derive(Clone, Debug)]
pub struct Bill {
    pub issued_at: i64,
    pub due_at: i64,
    pub charges: u64,
    pub gross: i128,
    pub coupons: i128,
    pub dropped: i128,
    pub taxable: i128,
    pub tax_rate: Rate,
    pub tax: i128,
    pub converted: Option<(Currency, Rate, i32, i128)>,
    pub paid: BTreeMap<Asset, i128>,
    pub settled_at: Option<i64>,
}

impl Bill {
    pub fn after_tax(&self) -> i128 {
        self.gross - self.coupons - self.dropped + self.tax
    }

    pub fn outstanding(&self) -> i128 {
        self.after_tax() - self.paid.values().sum::<i128>()
    }
}

#[derive(Clone, Debug)]
pub struct Refunded {
    pub amount: i128,
    pub returned: Vec<(Asset, i128)>,
    pub forfeited: i128,
}

#[derive(Clone, Debug)]
pub struct Order {
    pub amount: i128,
    pub funding: Vec<(Asset, i128)>,
    pub refunds: BTreeMap<String, Refunded>,
}

impl Order {
    pub fn refundable(&self) -> i128 {
        self.amount - self.refunds.values().map(|refund| refund.amount).sum::<i128>()
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct Settlement {
    pub cycles: Vec<Cycle>,
    pub assets: Vec<AssetKind>,
    /// Finished, or closed.
    pub end: Option<bool>,
}

/// What one account has of all this.
#[derive(Clone, Default, Debug)]
pub struct Bills {
    pub offset: UtcOffset,
    pub terms_days: i64,
    /// The time of its last event.
    pub at: i64,
    /// The first cycle whose bill is not issued.
    pub open_from: Cycle,
    pub quota_consumed: i128,
    pub book_consumed: i128,
    pub open: BTreeMap<Cycle, Sums>,
    pub issued: BTreeMap<Cycle, Bill>,
    pub coupons: Vec<Coupon>,
    pub refund: BTreeMap<Cycle, i128>,
    pub by_hand: bool,
    pub previous_too: bool,
    pub tax_rate: Rate,
    pub currencies: BTreeMap<Cycle, Currency>,
    pub orders: BTreeMap<String, Order>,
    pub settlements: BTreeMap<String, Settlement>,
    pub methods: BTreeMap<String, (PaymentMethodKind, String)>,
    pub default_method: Option<String>,
}

impl Bills {
    pub fn previous(&self) -> i128 {
        self.issued.values().map(Bill::outstanding).sum()
    }

    pub fn credit_refund(&self) -> i128 {
        self.refund.values().sum()
    }

    pub fn month(&self, at: i64) -> Cycle {
        Cycle::of(Timestamp::from_micros(at), self.offset).unwrap()
    }

    pub fn in_settlement(&self) -> bool {
        self.settlements.values().any(|settlement| settlement.end.is_none())
    }

    pub fn holds(&self, cycle: Cycle) -> bool {
        let open = self.settlements.values().filter(|settlement| settlement.end.is_none());
        open.into_iter().any(|settlement| settlement.cycles.contains(&cycle))
    }

    pub fn writes_off(&self) -> bool {
        !self.by_hand && !self.in_settlement()
    }

    /// The coupons that may pay a part of something, in the order in which they do (rule D7).
    pub fn fitting(&self, at: i64, service: Option<&str>, amount: i128) -> Vec<usize> {
        let mut fitting: Vec<_> =
            (0..self.coupons.len()).filter(|n| self.fits(*n, at, service, amount)).collect();
        fitting.sort_by_key(|number| (self.coupons[*number].ends_at, self.coupons[*number].balance, *number));
        fitting
    }

    pub fn fits(&self, number: usize, at: i64, service: Option<&str>, amount: i128) -> bool {
        let coupon = &self.coupons[number];
        let scope = &coupon.services;
        let in_scope =
            scope.is_empty() || service.is_some_and(|service| scope.iter().any(|one| one == service));
        let in_time = !coupon.expired && (coupon.starts_at..coupon.ends_at).contains(&at);
        in_scope && in_time && coupon.balance > 0 && amount >= coupon.minimum
    }

    /// The first cycle up to `through` in which there is something to bill.
    pub fn first_to_bill(&self, through: Cycle) -> Option<Cycle> {
        self.open.keys().copied().find(|cycle| *cycle <= through)
    }

    /// Where a charge of a cycle goes; nowhere if that is issued, and two later ones are (rules C2, C4).
    pub fn place(&self, original: Cycle) -> Option<Cycle> {
        if original >= self.open_from {
            return Some(original);
        }
        (original.index() + 2 >= self.open_from.index()).then_some(self.open_from)
    }

    /// Owes for more than 90 days (rule E6).
    pub fn long_overdue(&self, at: i64) -> bool {
        let mut unsettled = self.issued.values().filter(|bill| bill.settled_at.is_none());
        unsettled.any(|bill| bill.due_at + 90 * DAY < at)
    }
}
