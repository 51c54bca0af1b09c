//! The only reader of time.

use std::fs::File;
use std::os::unix::fs::FileExt;
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

/// Measures for how long a thread was ready to run and others ran instead.
#[derive(Debug)]
pub struct Delay {
    /// The kernel's account of the thread; none where the kernel keeps none.
    account: Option<File>,
    last: Duration,
}

impl Delay {
    /// Of the calling thread, from now on.
    pub fn of_this_thread() -> Self {
        // Running, waiting (both in nanoseconds) and how often.
        let mut delay =
            Self { account: File::open("/proc/thread-self/schedstat").ok(), last: Duration::ZERO };
        delay.since_last();
        delay
    }

    /// What came since the last call.
    pub fn since_last(&mut self) -> Duration {
        let total = self.total().unwrap_or(self.last);
        total.saturating_sub(std::mem::replace(&mut self.last, total))
    }

    fn total(&self) -> Option<Duration> {
        let mut text = [0; 64];
        let count = self.account.as_ref()?.read_at(&mut text, 0).ok()?;
        let waited = str::from_utf8(&text[..count]).ok()?.split_ascii_whitespace().nth(1)?;
        waited.parse().ok().map(Duration::from_nanos)
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
