//! Charges that are functions of their number: any of them can be sent again, or counted up, without having been kept.

use rust_decimal::Decimal;

use crate::domain::charge::Charge;
use crate::domain::charge_batch::ChargeBatch;
use crate::domain::money::{Amount, Money};
use crate::domain::time::Timestamp;
use crate::load::workload::{CURRENCY, account_id, scatter};

/// The source of all charges.
const SOURCE: &str = "meter";

/// The months whose charges are held, oldest first: their beginnings (2026-05, -06, -07) and hours.
const MONTHS: [(i64, u64); 3] =
    [(1_777_593_600_000_000, 31 * 24), (1_780_272_000_000_000, 30 * 24), (1_782_864_000_000_000, 31 * 24)];

/// Microseconds of an hour.
const HOUR: i64 = 3_600_000_000;

/// Of a hundred charges after the filling, those for the oldest month, and those for it or the next one: late ones.
const LATE: [u64; 2] = [10, 20];

/// Millionths of a currency unit that no amount exceeds: 20 units.
const AMOUNT_MILLIONTHS_MAX: u64 = 20_000_000;

/// Bytes of an account's id before its digits, and digits of a charge's id.
const ACCOUNT_PREFIX_BYTES: usize = 8;
const ID_DIGITS: usize = 20;

/// All charges of a soak, by number from 0.
#[derive(Clone, Copy, Debug)]
pub struct Charges {
    /// How many accounts share them.
    pub accounts: u32,
    /// So many are for the three months in order, a third for each; later ones are mostly for the last month.
    pub filling: u64,
    /// What else they follow from.
    pub seed: u64,
}

/// What a charge is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Described {
    /// The account's number.
    pub account: u32,
    /// No other charge has the same.
    id: u64,
    millionths: u32,
    period_start: Timestamp,
}

impl Described {
    /// The amount, exactly.
    pub fn money(&self) -> Money {
        self.amount().money()
    }

    fn amount(&self) -> Amount {
        Amount::new(Decimal::new(i64::from(self.millionths), 6))
            .expect("invariant: an amount of six fraction digits")
    }
}

impl Charges {
    /// What charge `number` is about.
    #[allow(clippy::cast_possible_truncation)] // below `accounts`, and below AMOUNT_MILLIONTHS_MAX
    #[allow(clippy::cast_possible_wrap)] // hours of a month
    pub fn describe(&self, number: u64) -> Described {
        let id = scatter(number ^ self.seed.rotate_left(32));
        let (one, other) = (scatter(!id), scatter(id.rotate_left(17)));
        let month = if number < self.filling {
            number * MONTHS.len() as u64 / self.filling
        } else {
            LATE.into_iter().filter(|late| other % 100 >= *late).count() as u64
        };
        let (start, hours) = MONTHS[month as usize];
        Described {
            account: ((u128::from(one) * u128::from(self.accounts)) >> 64) as u32,
            id,
            millionths: 1 + (scatter(one) % AMOUNT_MILLIONTHS_MAX) as u32,
            period_start: Timestamp::from_micros(start + (other >> 8) as i64 % hours as i64 * HOUR),
        }
    }
}

/// Writes charges into batches.
pub struct Pen {
    account: Vec<u8>,
    id: [u8; ID_DIGITS],
}

impl Default for Pen {
    fn default() -> Self {
        Self { account: account_id(0).into_bytes(), id: [b'0'; ID_DIGITS] }
    }
}

impl Pen {
    /// Adds a charge to a batch.
    pub fn write(&mut self, charge: &Described, batch: &mut ChargeBatch) {
        digits(&mut self.account[ACCOUNT_PREFIX_BYTES..], u64::from(charge.account));
        digits(&mut self.id, charge.id);
        let text = |bytes| str::from_utf8(bytes).expect("invariant: ASCII");
        batch.push(&Charge::usage(
            text(&self.account),
            SOURCE,
            text(&self.id),
            charge.amount(),
            CURRENCY,
            charge.period_start,
        ));
    }
}

/// Writes a number with leading zeros.
#[allow(clippy::cast_possible_truncation)] // a digit
fn digits(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::{Cycle, UtcOffset};
    use std::collections::HashMap;

    const CHARGES: Charges = Charges { accounts: 100, filling: 3_000, seed: 7 };

    fn cycle(number: u64) -> String {
        let start = CHARGES.describe(number).period_start;
        Cycle::of(start, UtcOffset::default()).unwrap().to_string()
    }

    #[test]
    fn a_charge_is_written_as_it_is_described() {
        let mut batch = ChargeBatch::new();
        let mut pen = Pen::default();
        for number in [0, 5, 1 << 40] {
            pen.write(&CHARGES.describe(number), &mut batch);
        }
        for (charge, number) in batch.iter().zip([0, 5, 1 << 40]) {
            let described = CHARGES.describe(number);
            assert_eq!(charge.cloud_account, account_id(described.account));
            assert_eq!(charge.id, format!("{:020}", described.id));
            assert_eq!(charge.amount.money(), described.money());
            assert!(described.account < 100 && described.money() > Money::ZERO);
        }
    }

    #[test]
    fn months_are_filled_in_order_and_late_charges_go_on() {
        let filled: Vec<_> = [0, 999, 1_000, 1_999, 2_000, 2_999].into_iter().map(cycle).collect();
        assert_eq!(filled, ["2026-05", "2026-05", "2026-06", "2026-06", "2026-07", "2026-07"]);
        let mut later = HashMap::new();
        (3_000..13_000).for_each(|number| *later.entry(cycle(number)).or_insert(0) += 1);
        assert!((800..1_200).contains(&later["2026-05"]), "{later:?}");
        assert!((800..1_200).contains(&later["2026-06"]), "{later:?}");
        assert!((7_600..8_400).contains(&later["2026-07"]), "{later:?}");
    }
}
