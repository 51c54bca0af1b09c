//! The facts of each charge, drawn from one stream of random numbers.
//!
//! Every row draws as many numbers as every other one, and only whole ones are drawn, by arithmetic that stays the same
//! for ever: a later version of a library must not change what a seed means.

use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};
use rust_decimal::Decimal;

use super::Options;
use super::catalog::{CREDIT, Item, PURCHASES, REFUND, TAX, USAGE};

/// Cloud accounts for which one billing account pays.
const CLOUD_ACCOUNTS_EACH: u32 = 10;

/// Hours of the billing month, May 2026.
const HOURS: u64 = 31 * 24;

/// Hours of the month before it, of which late rows tell.
const HOURS_BEFORE: u64 = 30 * 24;

pub(super) const REGIONS: [&str; 5] = ["eu-1", "eu-2", "us-1", "us-4", "ap-3"];
pub(super) const ENVIRONMENTS: [&str; 3] = ["prod", "stage", "dev"];
pub(super) const TEAMS: [&str; 4] = ["core", "data, reports", "growth", "platform"];

/// An hour of the year 2026.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Hour {
    pub(super) month: u8,
    pub(super) day: u8,
    /// From 0 to 23.
    pub(super) of_day: u8,
}

/// One charge.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) id: u128,
    pub(super) billing_account: u32,
    /// None where the billing account itself is charged.
    pub(super) sub_account: Option<u32>,
    pub(super) item: &'static Item,
    pub(super) quantity: Decimal,
    pub(super) price: Decimal,
    /// Exactly the product of both.
    pub(super) amount: Decimal,
    pub(super) currency: &'static str,
    pub(super) start: Hour,
    pub(super) end: Hour,
    /// Whether it is of the month before the billing month.
    pub(super) late: bool,
    pub(super) region: &'static str,
    /// Environment and team.
    pub(super) tags: Option<(&'static str, &'static str)>,
}

/// All charges, in the order of their hours but for late ones.
pub(super) struct Charges {
    random: Pcg64,
    options: Options,
    made: u64,
}

impl Charges {
    pub(super) fn new(options: Options) -> Self {
        assert!(options.accounts > 0, "invariant: there is an account");
        Self { random: Pcg64::seed_from_u64(options.seed), options, made: 0 }
    }

    /// A number below the bound.
    fn below(&mut self, bound: u64) -> u64 {
        let scaled = u128::from(self.random.next_u64()) * u128::from(bound);
        u64::try_from(scaled >> 64).expect("invariant: the high half fits")
    }

    fn one_of<T>(&mut self, all: &'static [T]) -> &'static T {
        let place = usize::try_from(self.below(all.len() as u64)).expect("invariant: below a length");
        &all[place]
    }
}

impl Iterator for Charges {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        if self.made == self.options.charges {
            return None;
        }
        let hour = u128::from(self.made) * u128::from(HOURS) / u128::from(self.options.charges);
        let hour = u64::try_from(hour).expect("invariant: below the hours of a month");
        self.made += 1;
        let id = u128::from(self.random.next_u64()) << 64 | u128::from(self.random.next_u64());
        // The lesser of two: some accounts have far more charges than others.
        let accounts = u64::from(self.options.accounts);
        let account = self.below(accounts).min(self.below(accounts));
        let account = u32::try_from(account).expect("invariant: below the number of accounts");
        let (usage, purchase) = (self.one_of(&USAGE), self.one_of(&PURCHASES));
        let (item, late) = match self.below(1000) {
            0..940 => (usage, false),
            940..955 => (usage, true),
            955..965 => (purchase, false),
            965..985 => (&TAX, false),
            985..995 => (&CREDIT, false),
            _ => (&REFUND, false),
        };
        let quantity = 1 + self.below(item.quantity_max.0);
        let hour_before = self.below(HOURS_BEFORE);
        let region = self.one_of(&REGIONS);
        let (environment, team) = (self.one_of(&ENVIRONMENTS), self.one_of(&TEAMS));
        let tagged = self.below(2) == 0;
        let whole_account = item.sku == TAX.sku || item.sku == CREDIT.sku;
        let quantity = i64::try_from(quantity).expect("invariant: quantities are small");
        let (price, quantity_scale) = (item.price, item.quantity_max.1);
        let digits = quantity.checked_mul(price.0).expect("invariant: prices times quantities are small");
        let (start, end) = if late {
            (hour_of(4, hour_before), hour_of(4, hour_before + 1))
        } else {
            (hour_of(5, hour), hour_of(5, hour + 1))
        };
        let billing_account = account / CLOUD_ACCOUNTS_EACH;
        Some(Row {
            id,
            billing_account,
            sub_account: (!whole_account).then_some(account % CLOUD_ACCOUNTS_EACH),
            item,
            quantity: Decimal::new(quantity, quantity_scale),
            price: Decimal::new(price.0, price.1),
            amount: Decimal::new(digits, price.1 + quantity_scale),
            currency: if billing_account % 5 == 3 { "EUR" } else { "USD" },
            start,
            end,
            late,
            region,
            tags: (tagged && !whole_account).then_some((environment, team)),
        })
    }
}

/// The hour of that number, from 0, of a month; the first one of the next month comes after the last one.
fn hour_of(month: u8, number: u64) -> Hour {
    let days = if month == 4 { HOURS_BEFORE / 24 } else { HOURS / 24 };
    let (day, hour) = (number / 24, number % 24);
    let (month, day) = if day < days { (month, day) } else { (month + 1, 0) };
    let small = |number: u64| u8::try_from(number).expect("invariant: days and hours are small");
    Hour { month, day: small(day) + 1, of_day: small(hour) }
}
