//! Axes: where their marks stand and how these read.

use super::units::Unit;

/// Marks of an axis, about.
const MARKS: f64 = 6.0;

/// How values lie along an axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Scale {
    /// From 0.
    Linear,
    /// By powers of ten.
    Log,
    /// Percentiles, by nines: 90, 99, 99.9 are equally far apart.
    Nines,
}

/// One axis of a chart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    pub title: &'static str,
    pub scale: Scale,
    pub unit: Unit,
}

impl Axis {
    /// Where a value stands.
    pub fn place(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => value,
            Scale::Log => value.max(f64::MIN_POSITIVE).log10(),
            Scale::Nines => -(1.0 - value).log10(),
        }
    }

    /// Ends of an axis that shows values from `least` to `most`, and its marks, as places.
    pub fn marks(&self, least: f64, most: f64) -> (f64, f64, Vec<f64>) {
        match self.scale {
            Scale::Linear => {
                let least_step = most.max(1e-9) / MARKS;
                let size = self.unit.size(least_step);
                let step = round_up(least_step / size) * size;
                let count = (most / step).ceil().max(1.0);
                (0.0, count * step, steps(count).map(|nth| nth * step).collect())
            }
            Scale::Log => {
                let (from, to) = (self.place(least).floor(), self.place(most).ceil());
                let to = to.max(from + 1.0);
                let fine = to - from < 3.0;
                let within = |nth| {
                    let decade = from + nth;
                    let halves: &[f64] = if fine { &[1.0, 2.0, 5.0] } else { &[1.0] };
                    halves.iter().map(move |half| decade + half.log10())
                };
                let marks = steps(to - from).flat_map(within).filter(|place| *place <= to + 1e-9);
                (from, to, marks.collect())
            }
            Scale::Nines => {
                let (from, to) = (self.place(least), self.place(most));
                let marks = [0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999].map(|share| self.place(share));
                let within = |place: &f64| *place >= from - 1e-9 && *place <= to + 1e-9;
                (from, to, marks.into_iter().filter(within).collect())
            }
        }
    }

    /// How the mark at a place reads.
    pub fn label(&self, place: f64) -> String {
        match self.scale {
            Scale::Linear => self.unit.text(place),
            Scale::Log => self.unit.text(10_f64.powf(place)),
            Scale::Nines => {
                let text = format!("{:.3}", 100.0 - 100.0 * 10_f64.powf(-place));
                format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
            }
        }
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a handful
fn steps(count: f64) -> impl Iterator<Item = f64> {
    (0..=count.round() as u32).map(f64::from)
}

/// The next of 1, 2 or 5 times a power of ten.
fn round_up(number: f64) -> f64 {
    let power = 10_f64.powf(number.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= number * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, unit: Unit, least: f64, most: f64) -> Vec<String> {
        let axis = Axis { title: "", scale, unit };
        axis.marks(least, most).2.into_iter().map(|place| axis.label(place)).collect()
    }

    #[test]
    fn marks_are_round() {
        let linear = labels(Scale::Linear, Unit::Count, 0.0, 1_130_000.0);
        assert_eq!(linear, ["0", "200 k", "400 k", "600 k", "800 k", "1 M", "1.2 M"]);
        let bytes = labels(Scale::Linear, Unit::Bytes, 0.0, 1_300_000_000.0);
        assert_eq!(bytes, ["0", "500 MiB", "1000 MiB", "1.46 GiB"]);
        let log = labels(Scale::Log, Unit::Microseconds, 130.0, 90_000.0);
        assert_eq!(log, ["100 µs", "1 ms", "10 ms", "100 ms"]);
        let fine = labels(Scale::Log, Unit::Microseconds, 1_500.0, 3_000.0);
        assert_eq!(fine, ["1 ms", "2 ms", "5 ms", "10 ms"]);
        let nines = labels(Scale::Nines, Unit::Count, 0.5, 0.9995);
        assert_eq!(nines, ["50 %", "90 %", "99 %", "99.9 %"]);
    }
}
