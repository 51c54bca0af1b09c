//! What an engine is opened with.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::actors::planted::PlantedFault;
use crate::clock::Clock;
use crate::limits::IN_FLIGHT_CHARGES_MAX;
use crate::wal::{LogOptions, Storage};

/// Settings of an engine; every one has a default but the data directory.
#[derive(Clone)]
pub struct Config {
    /// Where the log and the snapshots are.
    pub data_dir: PathBuf,
    /// Whether a new data directory may be made.
    pub create: bool,
    /// Threads that run accounts; by default one per core. May change from one open to the next.
    pub shards: Option<usize>,
    /// Charges handed to a shard and not yet durable, beyond which callers wait.
    pub in_flight_charges_max: usize,
    /// How long a commit that is not full waits for more; not at all by default.
    pub max_commit_delay: Option<Duration>,
    /// Bytes of log after which a snapshot is taken by itself, or as many as the last one that it took has, if those are
    /// more; never if none.
    pub snapshot_log_bytes: Option<u64>,
    /// Whether the log is trimmed below the older snapshot; kept for history by default.
    pub trim_log: bool,
    /// Whether what is due is decided by the clock as it goes: expiries, reminders, ends of grace, bills (rule J5). Otherwise it
    /// waits for `advance_time`, or for the account's own next decision.
    pub advance_by_clock: bool,
    /// Segment size and preallocation.
    pub log: LogOptions,
    /// Where business time comes from.
    pub clock: Clock,
    /// The storage instead of `data_dir`: a simulated one.
    pub storage: Option<Arc<dyn Storage>>,
    /// A fault planted on purpose, to show that simulations would catch it.
    pub planted: Option<PlantedFault>,
}

/// Bytes of log between two snapshots at least, unless configured: about six million charges.
const SNAPSHOT_LOG_BYTES: u64 = 512 * 1024 * 1024;

impl Config {
    /// The defaults, in that data directory.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            create: true,
            shards: None,
            in_flight_charges_max: IN_FLIGHT_CHARGES_MAX,
            max_commit_delay: None,
            snapshot_log_bytes: Some(SNAPSHOT_LOG_BYTES),
            trim_log: false,
            advance_by_clock: false,
            log: LogOptions::default(),
            clock: Clock::System,
            storage: None,
            planted: None,
        }
    }
}
