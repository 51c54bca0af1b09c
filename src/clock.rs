//! The only reader of time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::domain::time::Timestamp;

/// Where business time comes from when a command does not say (rule J5).
#[derive(Clone, Default, Debug)]
pub enum Clock {
    /// The system's clock.
    #[default]
    System,
    /// A clock that a test sets, in microseconds since 1970.
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// The present instant.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => {
                #[allow(clippy::disallowed_methods)] // this is the clock
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
                Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
            }
            Self::Set(micros) => Timestamp::from_micros(micros.load(Ordering::Relaxed)),
        }
    }
}

/// Measures the processor time of all threads of this process.
#[derive(Clone, Copy, Debug)]
pub struct CpuClock(Duration);

impl CpuClock {
    /// Begins now.
    pub fn start() -> Self {
        Self(Self::total())
    }

    /// Processor time since it began.
    pub fn elapsed(&self) -> Duration {
        Self::total().saturating_sub(self.0)
    }

    fn total() -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Duration::try_from(time).unwrap_or(Duration::ZERO)
    }
}

/// Measures how long something takes.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Begins now.
    #[allow(clippy::disallowed_methods)] // this is the clock
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since it began.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
