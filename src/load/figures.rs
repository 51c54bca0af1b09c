//! What a run measured.

use std::time::Duration;

use hdrhistogram::Histogram;

/// The longest latency that is told apart, in nanoseconds: ten minutes.
const LATENCY_NS_MAX: u64 = 600_000_000_000;

/// Significant digits of a latency.
const LATENCY_DIGITS: u8 = 3;

/// Length of one step of [`Figures::timeline`].
pub const TIMELINE_STEP: Duration = Duration::from_millis(50);

/// Latencies, counted.
#[derive(Clone, Debug)]
pub struct Latency(Histogram<u64>);

impl Default for Latency {
    fn default() -> Self {
        Self(
            Histogram::new_with_bounds(1, LATENCY_NS_MAX, LATENCY_DIGITS)
                .expect("invariant: sound bounds of a histogram"),
        )
    }
}

impl Latency {
    /// Counts one.
    pub fn record(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Counts what another one counted.
    pub fn merge(&mut self, other: &Self) {
        self.0.add(&other.0).expect("invariant: histograms of the same bounds");
    }

    /// Forgets what was counted, and keeps the memory.
    pub fn clear(&mut self) {
        self.0.reset();
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency that the share `quantile` (0 to 1) of all does not exceed, in microseconds.
    #[allow(clippy::cast_precision_loss)] // three digits are counted
    pub fn us(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1e3
    }

    /// In microseconds: the 50th, 99th and 99.9th percentile, and the longest.
    pub fn quartet(&self) -> [f64; 4] {
        [self.us(0.5), self.us(0.99), self.us(0.999), self.max_us()]
    }

    /// As [`Latency::us`], in nanoseconds.
    pub fn ns(&self, quantile: f64) -> u64 {
        self.0.value_at_quantile(quantile)
    }

    /// The longest, in nanoseconds.
    pub fn max_ns(&self) -> u64 {
        self.0.max()
    }

    /// The longest, in microseconds.
    #[allow(clippy::cast_precision_loss)] // three digits are counted
    pub fn max_us(&self) -> f64 {
        self.0.max() as f64 / 1e3
    }
}

/// One run of the engine, or of the floor.
#[derive(Clone, Default, Debug)]
pub struct Figures {
    /// Charges posted.
    pub charges: u64,
    /// From the first hand-over to the last answer.
    pub elapsed: Duration,
    /// Processor time of all threads meanwhile.
    pub cpu: Duration,
    /// From the hand-over of a batch (or when it was due) until it was durable.
    pub latency: Latency,
    /// Charges durable in each [`TIMELINE_STEP`].
    pub timeline: Vec<u64>,
}

impl Figures {
    /// Charges a second.
    #[allow(clippy::cast_precision_loss)] // far below 2^52
    pub fn charges_per_second(&self) -> f64 {
        self.charges as f64 / self.elapsed.as_secs_f64()
    }

    /// Nanoseconds of processor time a charge.
    #[allow(clippy::cast_precision_loss)] // far below 2^52
    pub fn cpu_ns_per_charge(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e9 / self.charges as f64
    }

    /// A batch of so many charges became durable that long after the run began.
    pub fn durable(&mut self, charges: u64, latency: Duration, since_start: Duration) {
        self.charges += charges;
        self.latency.record(latency);
        let step = usize::try_from(since_start.as_nanos() / TIMELINE_STEP.as_nanos()).unwrap_or(0);
        if self.timeline.len() <= step {
            self.timeline.resize(step + 1, 0);
        }
        self.timeline[step] += charges;
    }

    /// Adds what another thread of the same run counted; the times are the run's.
    pub fn merge(&mut self, other: &Self) {
        self.charges += other.charges;
        self.latency.merge(&other.latency);
        if self.timeline.len() < other.timeline.len() {
            self.timeline.resize(other.timeline.len(), 0);
        }
        for (mine, theirs) in self.timeline.iter_mut().zip(&other.timeline) {
            *mine += theirs;
        }
    }
}

/// What share (0 to 1) is done, for whoever shows the progress.
#[allow(clippy::cast_precision_loss)] // three digits are shown
pub fn share(done: u64, all: u64) -> f64 {
    done as f64 / all.max(1) as f64
}

/// The middle one, or the mean of the two in the middle; 0 of none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        count if count % 2 == 1 => values[count / 2],
        count => f64::midpoint(values[count / 2 - 1], values[count / 2]),
    }
}

/// The geometric mean; 0 of none.
#[allow(clippy::cast_precision_loss)] // a handful
pub fn geometric_mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    (values.iter().map(|value| value.ln()).sum::<f64>() / values.len() as f64).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_medians() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]).to_bits(), 2.0_f64.to_bits());
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]).to_bits(), 2.5_f64.to_bits());
        assert!((geometric_mean(&[0.5, 2.0, 1.0]) - 1.0).abs() < 1e-12);
    }
}
