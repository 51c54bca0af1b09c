//! Alerts, overdue and suspension: what an account's owner is told, and when (rules H1–H4).

use std::fmt;

use super::money::Money;
use super::time::Timestamp;

/// Changes of an account's standing that one step brought about.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Changes(u8);

impl Changes {
    /// Nothing has changed.
    pub const NONE: Self = Self(0);
    /// A low balance alert, or its daily reminder (rule H2).
    pub const ALERTED: Self = Self(1);
    /// Available credit is at the threshold again: the alert can fire anew (rule H2).
    pub const REARMED: Self = Self(2);
    /// Available credit fell below 0 (rule H3).
    pub const OVERDUE: Self = Self(4);
    /// It is not below 0 any more.
    pub const CLEARED: Self = Self(8);
    /// Services are suspended (rule H4).
    pub const SUSPENDED: Self = Self(16);
    /// They are not any more.
    pub const RESUMED: Self = Self(32);

    const ALL: [(Self, &'static str); 6] = [
        (Self::RESUMED, "resumed"),
        (Self::CLEARED, "cleared"),
        (Self::OVERDUE, "overdue"),
        (Self::SUSPENDED, "suspended"),
        (Self::REARMED, "rearmed"),
        (Self::ALERTED, "alerted"),
    ];

    /// Whether all of `other` are among them.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there are none.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// These and others.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The number that stands for them in the log.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Those of a number; `None` where it stands for none that there can be.
    pub fn from_number(number: u8) -> Option<Self> {
        let all = Self::ALL.iter().fold(Self::NONE, |all, (one, _)| all.and(*one));
        (number != 0 && number & !all.0 == 0).then_some(Self(number))
    }

    /// Their names, in the order in which they take effect.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().filter(move |(one, _)| self.has(*one)).map(|(_, name)| name)
    }
}

/// What changed of an account's standing, with the figures that its owner is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StandingChange {
    /// What changed.
    pub changes: Changes,
    /// Available credit then.
    pub available_credit: Money,
    /// The threshold of the alert; 0 where none was ever set.
    pub threshold: Money,
}

/// How a charge has changed its account's standing. The time counts for the standing alone: a charge leaves the account's own time
/// as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChargeStanding {
    /// What changed.
    pub change: StandingChange,
    /// When.
    pub at: Timestamp,
}

/// How a low balance alert stands (rule H2).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum AlertState {
    /// Not enabled.
    #[default]
    Off,
    /// Available credit is at the threshold or above: falling below fires it.
    Armed,
    /// It was enabled below the threshold: the next change of available credit fires it, unless that leads to the
    /// threshold, or below 0.
    Waiting,
    /// It has fired.
    Firing {
        /// So many notifications, reminders included.
        sent: u8,
        /// When the next reminder is due.
        next_at: Timestamp,
    },
    /// All notifications were sent, or the account fell overdue: rising to the threshold arms it again.
    Ended,
}

impl AlertState {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Armed => "armed",
            Self::Waiting => "waiting",
            Self::Firing { .. } => "firing",
            Self::Ended => "ended",
        }
    }
}

/// A benefit that delays the suspension of an overdue account (rule H4): until a time has passed or more is owed than so
/// much, whichever comes first. At least one of the two is set.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct SuspensionBenefit {
    /// How long after falling overdue, in microseconds.
    pub grace_micros: Option<i64>,
    /// How much may be owed below 0.
    pub grace_amount: Option<Money>,
}

impl fmt::Display for SuspensionBenefit {
    /// Such as `for 259200 s, up to 100`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { grace_micros, grace_amount } = self;
        if let Some(micros) = grace_micros {
            write!(formatter, "for {} s", micros / 1_000_000)?;
        }
        if let Some(amount) = grace_amount {
            let comma = if grace_micros.is_some() { ", " } else { "" };
            write!(formatter, "{comma}up to {amount}")?;
        }
        Ok(())
    }
}

/// What an account's alert and benefit are, and how they stand.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Watch {
    /// Available credit below it is low; 0 until one is set.
    pub threshold: Money,
    /// How the alert stands.
    pub alert: AlertState,
    /// The benefit, if the account has one.
    pub benefit: Option<SuspensionBenefit>,
    /// Since when the account is overdue, if it is; only kept for accounts that have a watch.
    pub overdue_since: Option<Timestamp>,
}

/// A place in the order of money, coarse enough for 32 bits: a lesser sum never has a greater one, and 0 has 0.
///
/// Charges compare it, so that the whole threshold need not lie in the account's first cache line.
#[inline]
#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // 8 bits of exponent and 23 of mantissa
pub const fn rank(sum: Money) -> i32 {
    const MANTISSA_BITS: u32 = 23;
    let magnitude = sum.units().unsigned_abs();
    let bits = 128 - magnitude.leading_zeros();
    // The leading one is what `bits` says.
    let aligned = if bits > MANTISSA_BITS {
        magnitude >> (bits - MANTISSA_BITS - 1)
    } else {
        magnitude << (MANTISSA_BITS + 1 - bits)
    };
    let mantissa = aligned as u32 & ((1 << MANTISSA_BITS) - 1);
    let rank = (bits << MANTISSA_BITS | mantissa) as i32;
    if sum.units() < 0 { -rank } else { rank }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranks_are_in_the_order_of_money(one: i128, other: i128, shift in 0_u32..127) {
            for (one, other) in [(one, other), (one >> shift, other >> shift), (one, one.saturating_add(other >> 100))] {
                let (one, other) = (one.min(other), one.max(other));
                prop_assert!(rank(Money::from_units(one)) <= rank(Money::from_units(other)));
            }
        }
    }

    #[test]
    fn ranks_tell_small_differences_apart() {
        let of = |units| rank(Money::from_units(units));
        assert_eq!((of(0), of(-1).signum(), of(1).signum()), (0, -1, 1));
        assert!(of(i128::MIN) < of(i128::MIN + (i128::MAX >> 20)) && of(i128::MAX) > 0);
        let cent = 10_i128.pow(16);
        assert!(of(100 * 100 * cent) > of(100 * 100 * cent - cent));
    }
}
