//! Amounts around the limits of rules.

use exchequer::domain::money::{Amount, Money};

use crate::random::Chance;
use crate::world::cents;

/// Some amount, with many digits now and then.
pub fn amount(chance: &mut Chance) -> Amount {
    match chance.below(10) {
        0 => cents(0),
        1 => cents(-5),
        2 => format!("{}E-18", chance.next()).parse().unwrap(),
        _ => cents(1 + chance.below(20_000).cast_signed()),
    }
}

/// Around a limit, in units of 10⁻¹⁸: just that, a little more, a part of it, or nonsense.
pub fn around(most: i128, chance: &mut Chance) -> Amount {
    let part = most / 8 * i128::from(1 + chance.below(6));
    let units = match chance.below(20) {
        0..3 => most,
        3 => most + 1,
        4 => most + 10_i128.pow(20),
        5 => 0,
        6 => -1,
        7 => return if chance.one_in(4) { huge() } else { cents(1) },
        _ => part.max(1),
    };
    Money::from_units(units).to_string().parse().unwrap_or_else(|_| cents(7))
}

/// More than an account may get from others.
pub fn huge() -> Amount {
    "1000000000000000000".parse().unwrap()
}
