//! How a soak went: interval by interval, and whether its end is worse than its beginning.

use std::time::Duration;

use super::files::Seen;
use super::tally::Counts;
use crate::load::figures::Latency;

/// The longest stretch at either end that drift compares.
const WINDOW_MAX: Duration = Duration::from_mins(5);

/// The longest interval.
const INTERVAL_MAX: Duration = Duration::from_secs(10);

/// Stretches of a short run; the first and the last are compared.
const WINDOWS_MIN: u32 = 6;

/// Intervals of one of them, at least; and points of a curve in an interval.
const INTERVALS_MIN: u32 = 2;
const POINTS: u32 = 10;

/// The shortest time between two looks, and the longest.
const LOOK: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(100)];

/// When what is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Schedule {
    /// The whole run.
    pub total: Duration,
    /// What drift compares at either end.
    pub window: Duration,
    /// One line of the report.
    pub interval: Duration,
    /// One point of a curve.
    pub point: Duration,
    /// Time between two looks.
    pub look: Duration,
}

impl Schedule {
    /// Of a run that long.
    pub fn new(total: Duration) -> Self {
        let window = WINDOW_MAX.min(total / WINDOWS_MIN);
        let intervals = window.as_nanos().div_ceil(INTERVAL_MAX.as_nanos());
        let intervals = u32::try_from(intervals).unwrap_or(u32::MAX).max(INTERVALS_MIN);
        let interval = window / intervals;
        let point = (interval / POINTS).max(LOOK[0]);
        Self { total, window, interval, point, look: point.min(LOOK[1]) }
    }
}

/// One interval, or one end of the run.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// Since the clock started.
    pub from: Duration,
    /// Since the clock started.
    pub to: Duration,
    /// Charges answered.
    pub charges: u64,
    /// Microseconds: the 50th, 99th and 99.9th percentile of batches, and the longest.
    pub latency_us: [f64; 4],
    /// Processor time of this process meanwhile, also for making the charges.
    pub cpu: Duration,
    /// Bytes of memory of this process, at the end.
    pub memory_bytes: u64,
    /// Identities held, at the end.
    pub ids: u64,
    /// Segments of the log, at the end.
    pub segments: u64,
    /// Bytes of the log's files, at the end.
    pub log_bytes: u64,
    /// Snapshots finished since the clock started.
    pub snapshots: u64,
}

impl Stretch {
    /// How long it is.
    pub fn seconds(&self) -> f64 {
        self.to.saturating_sub(self.from).as_secs_f64()
    }

    /// Charges answered a second.
    #[allow(clippy::cast_precision_loss)] // far below 2^52
    pub fn charges_per_second(&self) -> f64 {
        self.charges as f64 / self.seconds()
    }

    /// Nanoseconds of processor time a charge: what drifts by itself, whoever else keeps the machine busy.
    #[allow(clippy::cast_precision_loss)] // far below 2^52
    pub fn cpu_ns_per_charge(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e9 / self.charges.max(1) as f64
    }
}

/// One point of the curves.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// Since the clock started.
    pub at: Duration,
    /// Charges answered a second, since the point before.
    pub charges_per_second: f64,
    /// The longest latency of a batch since the point before, in microseconds.
    pub latency_max_us: f64,
    /// Bytes of memory of this process.
    pub memory_bytes: u64,
    /// Identities held.
    pub ids: u64,
    /// Snapshots finished since the clock started.
    pub snapshots: u64,
}

/// The last stretch over the first one.
#[derive(Clone, Debug)]
pub struct Drift {
    /// The first stretch.
    pub first: Stretch,
    /// The last one.
    pub last: Stretch,
}

impl Drift {
    /// The last stretch's throughput over the first one's.
    pub fn throughput(&self) -> f64 {
        self.last.charges_per_second() / self.first.charges_per_second()
    }

    /// Likewise the processor time of a charge.
    pub fn cpu(&self) -> f64 {
        self.last.cpu_ns_per_charge() / self.first.cpu_ns_per_charge()
    }

    /// Likewise the latencies: the 50th, 99th and 99.9th percentile, and the longest.
    pub fn latency(&self) -> [f64; 4] {
        std::array::from_fn(|nth| self.last.latency_us[nth] / self.first.latency_us[nth])
    }
}

/// What was counted so far.
pub(super) struct Course {
    schedule: Schedule,
    /// Identities held when the clock started.
    ids: u64,
    total: Counts,
    interval: Open,
    window: Open,
    point: Open,
    intervals: Vec<Stretch>,
    windows: Vec<(Stretch, Latency)>,
    points: Vec<Point>,
}

/// A stretch in the making.
#[derive(Default)]
struct Open {
    from: Duration,
    cpu_before: Duration,
    counts: Counts,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Everything counted until the run's end.
    pub total: Counts,
    /// In order.
    pub intervals: Vec<Stretch>,
    /// In order.
    pub points: Vec<Point>,
    /// None of a run that ended too early to compare.
    pub drift: Option<Drift>,
    /// Latencies of the stretches that drift compares.
    pub ends: Option<[Latency; 2]>,
}

/// What the process holds at one time.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Held {
    /// Processor time used since the clock started.
    pub cpu: Duration,
    pub memory_bytes: u64,
    pub seen: Seen,
}

impl Course {
    /// Nothing yet.
    pub fn new(schedule: Schedule, ids: u64) -> Self {
        Self {
            schedule,
            ids,
            total: Counts::default(),
            interval: Open::default(),
            window: Open::default(),
            point: Open::default(),
            intervals: Vec::new(),
            windows: Vec::new(),
            points: Vec::new(),
        }
    }

    /// At time `now` these were counted since the last look.
    pub fn look(&mut self, now: Duration, counts: &Counts, held: Held) {
        for open in [&mut self.interval, &mut self.window, &mut self.point] {
            open.counts.merge(counts);
        }
        self.total.merge(counts);
        let ids = self.ids();
        let ended = |from: Duration, length: Duration| due(from, length) <= now;
        if ended(self.point.from, self.schedule.point) {
            let stretch = self.point.end(now, held, ids);
            self.points.push(Point {
                at: now,
                charges_per_second: stretch.charges_per_second(),
                latency_max_us: stretch.latency_us[3],
                memory_bytes: held.memory_bytes,
                ids,
                snapshots: held.seen.snapshots,
            });
        }
        if ended(self.interval.from, self.schedule.interval) {
            self.intervals.push(self.interval.end(now, held, ids));
        }
        if ended(self.window.from, self.schedule.window) {
            self.end_window(now, held, ids);
        }
    }

    /// Identities held.
    pub fn ids(&self) -> u64 {
        self.ids + self.total.accepted
    }

    /// Charges answered a second in the last interval that ended, or so far.
    #[allow(clippy::cast_precision_loss)] // far below 2^52
    pub fn charges_per_second(&self, now: Duration) -> f64 {
        match self.intervals.last() {
            Some(last) => last.charges_per_second(),
            None => self.total.charges() as f64 / now.as_secs_f64(),
        }
    }

    /// The run has ended.
    pub fn end(mut self, now: Duration, held: Held) -> Ran {
        let ids = self.ids();
        if self.interval.counts.charges() > 0 {
            self.intervals.push(self.interval.end(now, held, ids));
        }
        // An end that is much shorter than the beginning says little.
        if now.saturating_sub(self.window.from) >= self.schedule.window / 2 {
            self.end_window(now, held, ids);
        }
        let mut windows = self.windows.into_iter();
        let ends = windows.next().zip(windows.next());
        let (drift, ends) = match ends {
            Some(((first, early), (last, late))) => (Some(Drift { first, last }), Some([early, late])),
            None => (None, None),
        };
        Ran { total: self.total, intervals: self.intervals, points: self.points, drift, ends }
    }

    /// Only the first and the newest are kept.
    fn end_window(&mut self, now: Duration, held: Held, ids: u64) {
        let latency = self.window.counts.latency.clone();
        self.windows.truncate(1);
        self.windows.push((self.window.end(now, held, ids), latency));
    }
}

/// The end of the stretch that began at `from`, a little late perhaps: stretches end at multiples of their length.
fn due(from: Duration, length: Duration) -> Duration {
    let passed = (from.as_secs_f64() / length.as_secs_f64() + 0.5).floor();
    length.mul_f64(passed + 1.0)
}

impl Open {
    fn end(&mut self, now: Duration, held: Held, ids: u64) -> Stretch {
        let stretch = Stretch {
            from: self.from,
            to: now,
            charges: self.counts.charges(),
            latency_us: self.counts.latency.quartet(),
            cpu: held.cpu.saturating_sub(self.cpu_before),
            memory_bytes: held.memory_bytes,
            ids,
            segments: held.seen.segments,
            log_bytes: held.seen.log_bytes,
            snapshots: held.seen.snapshots,
        };
        (self.from, self.cpu_before) = (now, held.cpu);
        self.counts.clear();
        stretch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_runs_compare_five_minutes_and_short_ones_a_sixth() {
        let check = |minutes: f64, window: f64, interval: f64| {
            let schedule = Schedule::new(Duration::from_secs_f64(minutes * 60.0));
            let got = (schedule.window.as_secs_f64(), schedule.interval.as_secs_f64());
            assert!((got.0 - window).abs() < 1e-6 && (got.1 - interval).abs() < 1e-6, "{minutes}: {got:?}");
        };
        check(30.0, 300.0, 10.0);
        check(120.0, 300.0, 10.0);
        check(3.0, 30.0, 10.0);
        check(1.0, 10.0, 5.0);
        check(0.02, 0.2, 0.1);
    }

    /// Looks once a second for so long, `charges(second)` being answered in each second.
    fn ran(seconds: u64, looked: u64, charges: impl Fn(u64) -> u64) -> Ran {
        let schedule = Schedule::new(Duration::from_secs(seconds));
        let mut course = Course::new(schedule, 1_000);
        for second in 1..=looked {
            let mut counts = Counts { accepted: charges(second), ..Counts::default() };
            counts.latency.record(Duration::from_millis(second));
            let cpu = Duration::from_micros(second * second);
            course.look(Duration::from_secs(second), &counts, Held { cpu, ..Held::default() });
        }
        course.end(Duration::from_secs(looked), Held::default())
    }

    #[test]
    fn drift_compares_the_last_sixth_with_the_first() {
        let ran = ran(60, 60, |second| if second <= 30 { 100 } else { 50 });
        let drift = ran.drift.unwrap();
        assert!((drift.throughput() - 0.5).abs() < 1e-9, "{drift:?}");
        assert_eq!((drift.first.to, drift.last.from), (Duration::from_secs(10), Duration::from_secs(50)));
        // 10² µs for 1,000 charges, and 60² − 50² for 500.
        assert!((drift.cpu() - 1_100.0 / 500.0 / (100.0 / 1_000.0)).abs() < 1e-9, "{drift:?}");
        assert_eq!(ran.intervals.len(), 12);
        assert_eq!(ran.total.accepted, 4_500);
        assert_eq!(ran.intervals.last().unwrap().ids, 5_500);
        assert!((drift.latency()[3] - 6.0).abs() < 0.01, "{drift:?}");
    }

    #[test]
    fn a_run_that_ends_early_compares_what_there_is() {
        assert!(ran(60, 13, |_| 10).drift.is_none());
        let drift = ran(60, 35, |_| 10).drift.unwrap();
        assert_eq!((drift.last.from, drift.last.to), (Duration::from_secs(30), Duration::from_secs(35)));
    }
}
