//! Rates: of tax, and of exchange (rules D2, D9). A product is exact until it is rounded to what can be paid.

use std::collections::BTreeMap;
use std::fmt;

use ethnum::U256;
use rust_decimal::Decimal;

use crate::domain::ids::Currency;
use crate::domain::money::{Money, parse_decimal};
use crate::domain::time::Timestamp;
use crate::limits::{AMOUNT_FRACTION_DIGITS_MAX, RATE_MAX};

/// A factor from 0 to [`RATE_MAX`], of at most 18 fraction digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct Rate(Decimal);

impl Rate {
    /// Checks size and precision.
    pub fn new(decimal: Decimal) -> Option<Self> {
        let decimal = decimal.normalize();
        let fits = decimal.scale() <= AMOUNT_FRACTION_DIGITS_MAX
            && !decimal.is_sign_negative()
            && decimal <= Decimal::from(RATE_MAX);
        fits.then_some(Self(decimal))
    }

    /// Reads decimal text, such as `0.06`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::new(parse_decimal(text).ok()?)
    }

    /// The factor.
    pub const fn decimal(self) -> Decimal {
        self.0
    }

    /// The product with `money`, rounded half-up (of a negative amount: away from zero) to `minor_digits` fraction digits;
    /// none where it does not fit.
    pub fn of(self, money: Money, minor_digits: u32) -> Option<Money> {
        let step = 10_u128.checked_pow(AMOUNT_FRACTION_DIGITS_MAX.checked_sub(minor_digits)?)?;
        let divisor = U256::from(10_u128.checked_pow(self.0.scale())?) * U256::from(step);
        // 127 and 96 bits.
        let product = U256::from(money.units().unsigned_abs()) * U256::from(self.0.mantissa().unsigned_abs());
        let steps = (product + divisor / 2) / divisor;
        let units = i128::try_from(steps.checked_mul(U256::from(step))?).ok()?;
        Some(Money::from_units(if money < Money::ZERO { -units } else { units }))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// `money` rounded down to `minor_digits` fraction digits; none where that does not fit (rule D2).
pub fn round_down(money: Money, minor_digits: u32) -> Option<Money> {
    let step = 10_i128.checked_pow(AMOUNT_FRACTION_DIGITS_MAX.checked_sub(minor_digits)?)?;
    money.units().checked_sub(money.units().rem_euclid(step)).map(Money::from_units)
}

/// Exchange rates by pair of currencies and day (rule D9).
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ExchangeRates {
    by_pair: BTreeMap<(Currency, Currency), BTreeMap<i32, Rate>>,
}

impl ExchangeRates {
    /// Sets the rate of a day, counted from 1970-01-01.
    pub fn set(&mut self, from: Currency, to: Currency, day: i32, rate: Rate) {
        self.by_pair.entry((from, to)).or_default().insert(day, rate);
    }

    /// The newest rate of a day not later than `at`, with its day (UTC).
    pub fn at(&self, from: Currency, to: Currency, at: Timestamp) -> Option<(i32, Rate)> {
        let today = i32::try_from(at.days()).ok()?;
        let (day, rate) = self.by_pair.get(&(from, to))?.range(..=today).next_back()?;
        Some((*day, *rate))
    }

    /// Every rate: from, to, day and rate.
    pub fn iter(&self) -> impl Iterator<Item = (Currency, Currency, i32, Rate)> {
        self.by_pair
            .iter()
            .flat_map(|((from, to), days)| days.iter().map(|(day, rate)| (*from, *to, *day, *rate)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    #[test]
    fn products_are_rounded_half_up_to_what_can_be_paid() {
        // rule D2
        let check = |rate, amount, digits, expect: &str| {
            let product = Rate::parse(rate).unwrap().of(money(amount), digits);
            assert_eq!(
                product.map(|product| product.to_string()).as_deref(),
                Some(expect),
                "{rate} {amount}"
            );
        };
        check("0.06", "100", 2, "6");
        check("0.05", "0.1", 2, "0.01"); // 0.005
        check("0.05", "0.099999999999999999", 2, "0");
        check("0.05", "-0.1", 2, "-0.01");
        check("0", "5", 2, "0");
        check("1", "-7.77", 2, "-7.77");
        check("152.5", "10.01", 0, "1527"); // 1526.525
        check("0.3765", "1000", 3, "376.5");
        let largest = Money::from_units(i128::MAX);
        assert_eq!(Rate::parse("1.1").unwrap().of(largest, 2), None);
        assert_eq!(Rate::parse("0.5").unwrap().of(largest, 18), Some(Money::from_units(i128::MAX / 2 + 1)));
    }

    #[test]
    fn rounds_down_also_below_zero() {
        // rule D2
        let check = |amount, digits, expect| {
            assert_eq!(round_down(money(amount), digits), Some(money(expect)), "{amount}");
        };
        check("10.019", 2, "10.01");
        check("10.01", 2, "10.01");
        check("-0.001", 2, "-0.01");
        check("99.9", 0, "99");
        assert_eq!(round_down(Money::from_units(i128::MIN), 0), None);
    }

    #[test]
    fn the_newest_rate_of_a_day_counts() {
        // rule D9
        let usd = Currency::USD;
        let eur = Currency::parse("EUR").unwrap();
        let mut rates = ExchangeRates::default();
        rates.set(usd, eur, 10, Rate::parse("0.9").unwrap());
        rates.set(usd, eur, 12, Rate::parse("0.8").unwrap());
        let at = |day: i64| Timestamp::from_micros(day * 24 * 3_600_000_000 + 5);
        let rate = |day| rates.at(usd, eur, at(day)).map(|(day, rate)| (day, rate.to_string()));
        assert_eq!(rate(9), None);
        assert_eq!(rate(11), Some((10, "0.9".to_owned())));
        assert_eq!(rate(12), Some((12, "0.8".to_owned())));
        assert_eq!(rates.at(eur, usd, at(12)), None);
        for refused in ["-0.1", "1000000001", "0.1234567890123456789", "x"] {
            assert_eq!(Rate::parse(refused), None, "{refused}");
        }
    }
}
