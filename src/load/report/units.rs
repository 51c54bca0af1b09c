//! Numbers as people read them at the side of a chart.

/// What a number counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unit {
    /// Things.
    Count,
    /// Seconds.
    Seconds,
    /// Microseconds.
    Microseconds,
    /// Bytes.
    Bytes,
}

impl Unit {
    /// The number with the unit that fits it.
    pub fn text(self, number: f64) -> String {
        let (size, name) = self.step(number);
        let text = format!("{:.2}", number / size);
        let text = text.trim_end_matches('0').trim_end_matches('.');
        if number == 0.0 && self == Self::Bytes { "0".to_owned() } else { format!("{text}{name}") }
    }

    /// How large the unit is that fits a number.
    pub fn size(self, number: f64) -> f64 {
        self.step(number).0
    }

    fn step(self, number: f64) -> (f64, &'static str) {
        const KIB: f64 = 1024.0;
        let steps: &[(f64, &str)] = match self {
            Self::Count => &[(1.0, ""), (1e3, " k"), (1e6, " M"), (1e9, " G")],
            Self::Seconds => &[(1.0, " s")],
            Self::Microseconds => &[(1.0, " µs"), (1e3, " ms"), (1e6, " s")],
            Self::Bytes => &[(1.0, " B"), (KIB, " KiB"), (KIB * KIB, " MiB"), (KIB * KIB * KIB, " GiB")],
        };
        let fits = |step: &&(f64, &str)| number.abs() >= step.0 * 0.9999;
        steps.iter().rev().find(fits).copied().unwrap_or(steps[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_get_the_unit_that_fits() {
        let check = |unit: Unit, number, expect| assert_eq!(unit.text(number), expect);
        check(Unit::Count, 0.0, "0");
        check(Unit::Count, 999_999.99, "1 M");
        check(Unit::Count, 250_000.0, "250 k");
        check(Unit::Microseconds, 1_500.0, "1.5 ms");
        check(Unit::Seconds, 0.25, "0.25 s");
        check(Unit::Bytes, 1_610_612_736.0, "1.5 GiB");
    }
}
