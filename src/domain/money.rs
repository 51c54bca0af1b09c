//! Exact money (rule B4): single amounts are decimals, sums are integers.
//!
//! Nothing here rounds unless its name says so, and nothing overflows silently.

use std::fmt;

use rust_decimal::Decimal;

use crate::limits::{AMOUNT_FRACTION_DIGITS_MAX, MONEY_UNITS_PER_ONE};

/// A sum of amounts: an integer count of 10⁻¹⁸ currency units (rule B4).
///
/// The currency is not part of it; it belongs to the billing account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Money(i128);

impl Money {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// A sum of that many units of 10⁻¹⁸.
    pub const fn from_units(units: i128) -> Self {
        Self(units)
    }

    /// The sum in units of 10⁻¹⁸.
    pub const fn units(self) -> i128 {
        self.0
    }

    /// The exact sum, or `None` where it does not fit.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(units) => Some(Self(units)),
            None => None,
        }
    }

    /// The exact difference, or `None` where it does not fit.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(units) => Some(Self(units)),
            None => None,
        }
    }

    /// The fewest amounts whose exact sum it is, the largest first: none for no money, two where a [`Decimal`] does not
    /// hold all of its digits.
    pub fn amounts(self) -> impl Iterator<Item = Amount> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            if rest == 0 {
                return None;
            }
            // A decimal holds any 28 digits, which is all but the last eleven of the longest sum: what is left fits again.
            let (decimal, step) = (0..).zip(POWERS_OF_TEN).find_map(|(power, step)| {
                let scale = AMOUNT_FRACTION_DIGITS_MAX - power;
                Decimal::try_from_i128_with_scale(rest / step, scale).ok().map(|decimal| (decimal, step))
            })?;
            rest %= step;
            Some(Amount(decimal.normalize()))
        })
    }

    /// Reads what [`fmt::Display`] writes: a plain decimal number of at most 18 fraction digits.
    ///
    /// Unlike an [`Amount`], a sum may have more digits than a `Decimal` holds.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() || fraction.len() > AMOUNT_FRACTION_DIGITS_MAX as usize {
            return None;
        }
        let mut units: i128 = 0;
        let padding = AMOUNT_FRACTION_DIGITS_MAX as usize - fraction.len();
        for byte in whole.bytes().chain(fraction.bytes()).chain(std::iter::repeat_n(b'0', padding)) {
            let digit = i128::from(byte.checked_sub(b'0').filter(|digit| *digit < 10)?);
            let digit = if negative { -digit } else { digit };
            units = units.checked_mul(10)?.checked_add(digit)?;
        }
        Some(Self(units))
    }
}

impl fmt::Display for Money {
    /// Plain decimal text without trailing zeros, such as `-12.5`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let whole = magnitude / MONEY_UNITS_PER_ONE.unsigned_abs();
        let fraction = magnitude % MONEY_UNITS_PER_ONE.unsigned_abs();
        if fraction == 0 {
            return write!(formatter, "{sign}{whole}");
        }
        let digits = format!("{fraction:018}");
        write!(formatter, "{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

/// A sum of many: what was added so far may be beyond what [`Money`] holds, as long as the total is not (rule B4).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct RunningSum {
    units: i128,
    /// How many times `units` has wrapped around, upwards.
    wraps: i64,
}

impl RunningSum {
    /// With that much more.
    #[must_use]
    pub const fn plus(self, money: Money) -> Self {
        let (units, wrapped) = self.units.overflowing_add(money.0);
        Self { units, wraps: self.wraps + if wrapped { money.0.signum() as i64 } else { 0 } }
    }

    /// With that much less.
    #[must_use]
    pub const fn minus(self, money: Money) -> Self {
        let (units, wrapped) = self.units.overflowing_sub(money.0);
        Self { units, wraps: self.wraps - if wrapped { money.0.signum() as i64 } else { 0 } }
    }

    /// With another sum.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        let sum = self.plus(Money(other.units));
        Self { units: sum.units, wraps: sum.wraps + other.wraps }
    }

    /// The exact total, or `None` where it does not fit.
    pub const fn total(self) -> Option<Money> {
        if self.wraps == 0 { Some(Money(self.units)) } else { None }
    }
}

/// One amount as a user gives it: a [`Decimal`] of at most 18 fraction digits whose units fit an `i128`.
///
/// Trailing zeros don't count as digits and are dropped where they would exceed 18.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Amount(Decimal);

/// Why a number is not an [`Amount`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AmountFault {
    /// The text is not a decimal number.
    #[error("not a decimal number")]
    NotANumber,
    /// More than 18 fraction digits.
    #[error("more than 18 fraction digits")]
    TooPrecise,
    /// Too large to be held exactly.
    #[error("too large to be held exactly")]
    Overflow,
}

/// Ten to the power of the index.
const POWERS_OF_TEN: [i128; 19] = {
    let mut powers = [1_i128; 19];
    let mut index = 1;
    while index < powers.len() {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
};

impl Amount {
    /// Checks precision and size; the value is unchanged.
    pub fn new(decimal: Decimal) -> Result<Self, AmountFault> {
        let decimal =
            if decimal.scale() > AMOUNT_FRACTION_DIGITS_MAX { decimal.normalize() } else { decimal };
        if decimal.scale() > AMOUNT_FRACTION_DIGITS_MAX {
            return Err(AmountFault::TooPrecise);
        }
        units_of(decimal).map(|_| Self(decimal)).ok_or(AmountFault::Overflow)
    }

    /// The decimal as given.
    pub const fn decimal(self) -> Decimal {
        self.0
    }

    /// The amount in units of 10⁻¹⁸.
    pub fn money(self) -> Money {
        Money(units_of(self.0).expect("invariant: checked by Amount::new"))
    }

    /// Reads decimal text, also with an exponent (`2.5E-9`), exactly.
    pub fn parse(text: &str) -> Result<Self, AmountFault> {
        Self::new(parse_decimal(text)?)
    }

    /// Reads decimal text; what lies beyond 18 fraction digits is rounded half to even.
    ///
    /// The flag tells whether a digit was lost. Lenient ingestion only (rule C7).
    pub fn parse_half_even(text: &str) -> Result<(Self, bool), AmountFault> {
        let decimal = parse_decimal(text)?;
        match Self::new(decimal) {
            Err(AmountFault::TooPrecise) => {
                Ok((Self::new(decimal.round_dp(AMOUNT_FRACTION_DIGITS_MAX))?, true))
            }
            exact => Ok((exact?, false)),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl std::str::FromStr for Amount {
    type Err = AmountFault;

    fn from_str(text: &str) -> Result<Self, AmountFault> {
        Self::parse(text)
    }
}

#[inline]
fn units_of(decimal: Decimal) -> Option<i128> {
    decimal.mantissa().checked_mul(POWERS_OF_TEN[(AMOUNT_FRACTION_DIGITS_MAX - decimal.scale()) as usize])
}

/// Reads a decimal number exactly; `Decimal`'s own parsers round, or take `1_000`.
pub fn parse_decimal(text: &str) -> Result<Decimal, AmountFault> {
    if let Some(decimal) = parse_usual(text) {
        return Ok(decimal);
    }
    let (digits, exponent) = match text.find(['e', 'E']) {
        Some(at) => {
            let exponent = &text[at + 1..];
            let plain = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            if plain.is_empty() || !plain.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(AmountFault::NotANumber);
            }
            (&text[..at], exponent.parse::<i32>().map_err(|_| AmountFault::Overflow)?)
        }
        None => (text, 0),
    };
    let unsigned = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    if !unsigned.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        || unsigned.bytes().filter(|byte| *byte == b'.').count() > 1
        || !unsigned.bytes().any(|byte| byte.is_ascii_digit())
    {
        return Err(AmountFault::NotANumber);
    }
    // Trailing zeros of the fraction carry nothing, but can be more than a decimal holds.
    let digits = if digits.len() > 28 && digits.contains('.') {
        digits.trim_end_matches('0').trim_end_matches('.')
    } else {
        digits
    };
    let decimal = Decimal::from_str_exact(digits).map_err(|fault| match fault {
        rust_decimal::Error::Underflow | rust_decimal::Error::ScaleExceedsMaximumPrecision(_) => {
            AmountFault::TooPrecise
        }
        // It has the form of a number, as checked above.
        _ => AmountFault::Overflow,
    })?;
    if exponent == 0 { Ok(decimal) } else { shift(decimal, exponent) }
}

/// The decimal that the text plainly says, if it is short: nearly all numbers are.
fn parse_usual(text: &str) -> Option<Decimal> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.len() > 18 {
        return None;
    }
    let mut number = 0;
    let mut point = None;
    for (place, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => number = number * 10 + i64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(place),
            _ => return None,
        }
    }
    // No digit at all, or a zero that may have a sign.
    if number == 0 {
        return None;
    }
    let scale = point.map_or(0, |point| digits.len() - point - 1);
    Some(Decimal::new(if negative { -number } else { number }, u32::try_from(scale).ok()?))
}

/// `decimal` × 10^`exponent`, exactly.
fn shift(decimal: Decimal, exponent: i32) -> Result<Decimal, AmountFault> {
    let decimal = decimal.normalize();
    if decimal.is_zero() {
        return Ok(decimal);
    }
    let scale = i64::from(decimal.scale()) - i64::from(exponent);
    if let Ok(scale) = u32::try_from(scale) {
        return Decimal::try_from_i128_with_scale(decimal.mantissa(), scale)
            .map_err(|_| AmountFault::TooPrecise);
    }
    let mantissa = usize::try_from(-scale)
        .ok()
        .and_then(|power| POWERS_OF_TEN.get(power))
        .and_then(|power| decimal.mantissa().checked_mul(*power))
        .ok_or(AmountFault::Overflow)?;
    Decimal::try_from_i128_with_scale(mantissa, 0).map_err(|_| AmountFault::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Result<&str, AmountFault>) {
        let got = Amount::parse(text).map(|amount| amount.money().to_string());
        assert_eq!(got, expect.map(str::to_owned), "{text}");
    }

    #[test]
    fn reads_amounts_exactly_or_says_why_not() {
        // rule B4
        check("0", Ok("0"));
        check("-0.00", Ok("0"));
        check("12.50", Ok("12.5"));
        check("+1", Ok("1"));
        check("1000000000000.000000000000000018", Err(AmountFault::TooPrecise)); // 31 digits: no decimal holds it
        check("12345678901234.000000000000000000", Ok("12345678901234"));
        check("0.000000000000000000000000000000", Ok("0"));
        check("79228162514.264337593543950335", Ok("79228162514.264337593543950335"));
        check("0.0000000000000000001", Err(AmountFault::TooPrecise));
        check("0.1000000000000000000000000000", Ok("0.1"));
        check("2.323760000E-9", Ok("0.00000000232376"));
        check("1E+3", Ok("1000"));
        check("1e-18", Ok("0.000000000000000001"));
        check("1e-19", Err(AmountFault::TooPrecise));
        check("1e999", Err(AmountFault::Overflow));
        check("1e99999999999", Err(AmountFault::Overflow));
        check("0e999", Ok("0"));
        check("100000000000000000000", Ok("100000000000000000000"));
        check("170141183460469231732", Err(AmountFault::Overflow));
        check("12345678901234567890123456789", Err(AmountFault::Overflow));
        check("79228162514264337593543950336", Err(AmountFault::Overflow));
        check("99999999999999999999999999999999", Err(AmountFault::Overflow));
        for text in
            ["", "-", ".", "NaN", "inf", "1_000", "0x10", "1e", "1e+", "1.2.3", "1,5", " 1", "e5", "--1"]
        {
            check(text, Err(AmountFault::NotANumber));
        }
    }

    #[test]
    fn reads_the_usual_numbers_as_all_others() {
        // rule B4: value and scale
        let digits =
            ["1", "12.50", "0.5", ".5", "5.", "100", "007.0", "9999999999999999.9", "0.0000000000000001"];
        for text in digits.iter().flat_map(|text| [(*text).to_owned(), format!("-{text}")]) {
            let usual = parse_usual(&text).unwrap();
            let other = Decimal::from_str_exact(&text).unwrap();
            assert_eq!((usual, usual.scale()), (other, other.scale()), "{text}");
        }
        for text in ["", "-", ".", "0", "-0.00", "+1", "1e5", "1.2.3", "1-", "1234567890123456789"] {
            assert_eq!(parse_usual(text), None, "{text}");
        }
    }

    #[test]
    fn rounds_half_to_even_only_where_asked() {
        let read = |text| {
            Amount::parse_half_even(text).map(|(amount, shortened)| (amount.money().to_string(), shortened))
        };
        assert_eq!(read("0.0000000000000000005"), Ok(("0".to_owned(), true)));
        assert_eq!(read("0.0000000000000000015"), Ok(("0.000000000000000002".to_owned(), true)));
        assert_eq!(read("0.5"), Ok(("0.5".to_owned(), false)));
        assert_eq!(read("x"), Err(AmountFault::NotANumber));
    }

    #[test]
    fn a_sum_may_be_too_large_on_its_way() {
        // rule B4
        let check = |plus: &[i128], minus: &[i128], expect: Option<i128>| {
            let add = |sum: RunningSum, units: &i128| sum.plus(Money::from_units(*units));
            let sum = plus.iter().fold(RunningSum::default(), add);
            let sum = minus.iter().fold(sum, |sum, units| sum.minus(Money::from_units(*units)));
            assert_eq!(sum.total().map(Money::units), expect, "{plus:?} {minus:?}");
            // The same in any other order.
            let less = minus
                .iter()
                .rev()
                .fold(RunningSum::default(), |sum, units| sum.minus(Money::from_units(*units)));
            assert_eq!(plus.iter().rev().fold(RunningSum::default(), add).with(less), sum);
        };
        let (max, min) = (i128::MAX, i128::MIN);
        check(&[], &[], Some(0));
        check(&[max, 1], &[], None);
        check(&[max, 1], &[1], Some(max));
        check(&[max, max, max], &[max, max, 0], Some(max));
        check(&[min, -1, 1], &[], Some(min));
        check(&[min], &[1], None);
        check(&[min], &[1, -1], Some(min));
        check(&[], &[min], None);
        check(&[-1], &[min], Some(max));
        check(&[min, min], &[min, min], Some(0));
        check(&[max, 1, max, 1], &[], None); // back at zero, but not the total
    }

    #[test]
    fn a_sum_is_split_into_amounts_without_losing_a_digit() {
        // rules B4, C8
        let decimal_max = (1_i128 << 96) - 1;
        let sums = [(0, 0), (1, 1), (-1, 1), (decimal_max, 1), (decimal_max + 1, 2), (-decimal_max - 1, 2)];
        let long = [(10_i128.pow(38), 1), (10_i128.pow(38) + 1, 2), (i128::MAX, 2), (i128::MIN, 2)];
        for (units, count) in sums.into_iter().chain(long) {
            let amounts: Vec<_> = Money(units).amounts().collect();
            assert_eq!(amounts.len(), count, "{units}");
            let sum =
                amounts.iter().fold(Money::ZERO, |sum, amount| sum.checked_add(amount.money()).unwrap());
            assert_eq!(sum, Money(units));
            assert!(amounts.iter().all(|amount| Amount::new(amount.decimal()) == Ok(*amount)));
        }
    }

    #[test]
    fn sums_print_and_read_back() {
        for units in [0, 1, -1, 10_i128.pow(18), -15 * 10_i128.pow(17), i128::MAX, i128::MIN] {
            let money = Money::from_units(units);
            assert_eq!(Money::parse(&money.to_string()), Some(money));
        }
        assert_eq!(Money::parse("170141183460469231731.687303715884105728"), None);
        assert_eq!(Money::parse("1."), Some(Money::from_units(MONEY_UNITS_PER_ONE)));
        assert_eq!(Money::parse("1.x"), None);
    }
}
