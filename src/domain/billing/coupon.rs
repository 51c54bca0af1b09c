//! Coupons and vouchers (rules C5, D7).

use std::fmt;

use super::asset::{Asset, Portion};
use crate::domain::money::Money;
use crate::domain::prefetch::prefetch;
use crate::domain::time::Timestamp;

/// What it is called; both work alike (rule D7).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum CouponKind {
    /// A coupon.
    #[default]
    Coupon,
    /// A voucher.
    Voucher,
}

impl CouponKind {
    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Coupon, Self::Voucher].into_iter().find(|kind| kind.to_string() == text)
    }
}

impl fmt::Display for CouponKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Coupon => "coupon",
            Self::Voucher => "voucher",
        })
    }
}

/// What is granted (rule D7).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CouponTerms {
    /// The granter's id of it, unique in the account.
    pub id: Box<str>,
    /// Coupon or voucher.
    pub kind: CouponKind,
    /// What it is worth.
    pub nominal: Money,
    /// From when on it may be used.
    pub starts_at: Timestamp,
    /// From when on it may no more.
    pub ends_at: Timestamp,
    /// The services whose charges it pays; all of them where none is named.
    pub services: Box<[Box<str>]>,
    /// The least amount that it pays a part of: of one charge, one purchase or one bill.
    pub minimum_spend: Money,
}

/// One coupon of an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Coupon {
    /// What was granted.
    pub terms: CouponTerms,
    /// What is left.
    pub balance: Money,
    /// Its time has run out; what was deducted stays so.
    pub expired: bool,
}

/// What a coupon may be used for.
#[derive(Clone, Copy, Debug)]
pub struct Use<'a> {
    /// When.
    pub at: Timestamp,
    /// The service that is paid for; none of a whole bill, which only a coupon for all services pays.
    pub service: Option<&'a str>,
    /// What it costs before coupons.
    pub amount: Money,
}

impl Coupon {
    /// Whether it may pay a part of that (rule D7).
    pub fn fits(&self, used: Use<'_>) -> bool {
        let terms = &self.terms;
        !self.expired
            && self.balance > Money::ZERO
            && terms.starts_at <= used.at
            && used.at < terms.ends_at
            && used.amount >= terms.minimum_spend
            && (terms.services.is_empty()
                || used.service.is_some_and(|service| terms.services.iter().any(|one| **one == *service)))
    }

    /// What its life has come to by `at`: `pending`, `valid`, `used_up` or `expired`.
    pub fn status(&self, at: Timestamp) -> &'static str {
        if self.expired || at >= self.terms.ends_at {
            "expired"
        } else if self.balance == Money::ZERO {
            "used_up"
        } else if at < self.terms.starts_at {
            "pending"
        } else {
            "valid"
        }
    }
}

/// The coupons of one account, in the order of their granting; a coupon's number is its place.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Coupons {
    coupons: Vec<Coupon>,
    /// The ends and numbers of those that have a balance and have not expired, in that order.
    live: Vec<(Timestamp, u32)>,
}

impl Coupons {
    /// Every coupon, in the order of their numbers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Coupon> {
        self.coupons.iter()
    }

    /// The coupon of that number.
    pub fn coupon(&self, number: u32) -> Option<&Coupon> {
        self.coupons.get(number as usize)
    }

    /// The number of the coupon of that id.
    pub fn number(&self, id: &str) -> Option<u32> {
        let place = self.coupons.iter().position(|coupon| &*coupon.terms.id == id)?;
        u32::try_from(place).ok()
    }

    /// Brings the coupon that is used first nearer to the processor.
    #[inline]
    pub fn prefetch(&self) {
        if let Some(first) = self.live.first() {
            prefetch(first);
        }
        if let Some(first) = self.coupons.first() {
            prefetch(&first.balance);
            prefetch(&first.terms.ends_at);
        }
    }

    /// Whether any coupon may still be used, now or later.
    pub const fn has_live(&self) -> bool {
        !self.live.is_empty()
    }

    /// From what a snapshot held.
    pub fn from_parts(coupons: Vec<Coupon>) -> Self {
        let mut coupons = Self { coupons, live: Vec::new() };
        coupons.find_live();
        coupons
    }

    /// What coupons pay of `left` of something that costs `used.amount`: earliest expiry first, then the smallest balance,
    /// then the earliest granted (rule D7).
    #[inline]
    pub fn plan(&self, used: Use<'_>, mut left: Money, parts: &mut Vec<Portion>) -> Money {
        let mut rest = &self.live[..];
        while let Some((ends_at, number)) = rest.first()
            && left > Money::ZERO
        {
            let alike = 1 + rest[1..].iter().take_while(|(other, _)| other == ends_at).count();
            if alike == 1 {
                left = self.pay(*number, used, left, parts);
            } else {
                let mut by_balance: Vec<_> = rest[..alike]
                    .iter()
                    .map(|(_, number)| (self.coupons[*number as usize].balance, *number))
                    .collect();
                by_balance.sort_unstable();
                for (_, number) in by_balance {
                    left = self.pay(number, used, left, parts);
                }
            }
            rest = &rest[alike..];
        }
        left
    }

    /// What one coupon pays of `left`, if it fits; what is left then.
    #[inline]
    fn pay(&self, number: u32, used: Use<'_>, left: Money, parts: &mut Vec<Portion>) -> Money {
        let coupon = &self.coupons[number as usize];
        if left <= Money::ZERO || !coupon.fits(used) {
            return left;
        }
        let amount = coupon.balance.min(left);
        parts.push(Portion { asset: Asset::Coupon(number), amount });
        left.checked_sub(amount).expect("invariant: at most what is left")
    }

    /// From when on those may be used that have a balance and have not expired, in no particular order.
    pub fn starts(&self) -> impl Iterator<Item = Timestamp> {
        self.live.iter().map(|(_, number)| self.coupons[*number as usize].terms.starts_at)
    }

    /// The first one whose time has run out by `at`.
    pub fn due(&self, at: Timestamp) -> Option<(u32, Timestamp)> {
        self.live.first().filter(|(ends_at, _)| *ends_at <= at).map(|(ends_at, number)| (*number, *ends_at))
    }

    /// Adds one that was granted.
    pub(in crate::domain) fn grant(&mut self, terms: CouponTerms) {
        let balance = terms.nominal;
        self.coupons.push(Coupon { terms, balance, expired: false });
        self.find_live();
    }

    /// Takes from a balance; a refund, negative, puts it back.
    pub(in crate::domain) fn deduct(&mut self, number: u32, amount: Money) {
        let coupon = &mut self.coupons[number as usize];
        let was_live = coupon.balance > Money::ZERO;
        coupon.balance =
            coupon.balance.checked_sub(amount).expect("invariant: at most a coupon's balance is deducted");
        if was_live != (coupon.balance > Money::ZERO) {
            self.find_live();
        }
    }

    /// Its time has run out.
    pub(in crate::domain) fn expire(&mut self, number: u32) {
        self.coupons[number as usize].expired = true;
        self.find_live();
    }

    fn find_live(&mut self) {
        let live = (0..).zip(&self.coupons);
        let live = live.filter(|(_, coupon)| coupon.balance > Money::ZERO && !coupon.expired);
        self.live = live.map(|(number, coupon)| (coupon.terms.ends_at, number)).collect();
        self.live.sort_unstable();
    }
}
