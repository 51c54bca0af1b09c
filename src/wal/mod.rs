//! The write-ahead log: numbered blocks of bytes that are durable before anything is acknowledged.
//!
//! It knows bytes only, no domain type, no clock and no randomness. Reading order:
//! [`storage`] (the seam to the disk) → `segment` and `block` (the bytes, drawn) → `recovery` (the truth table) →
//! `reader`, `log_files` and `walk` (reading them in order), `tail` (following them) → `open` (recovery's repairs) → `writer` → [`queue`] (group commit).
//!
//! What holds:
//! - A block is one group commit; lsns count blocks from 1 without a hole.
//! - Block *n* + 1 is written only after block *n* is durable, so recovery cuts at most one block, which nobody was
//!   told of; anything else it refuses, changing nothing.
//! - A failed write or sync is never retried: the writer stops, a restart recovers.
//!
//! Deliberately absent: compression, encryption, more than one writer, reading at random (readers stream).

mod block;
mod fault;
mod field;
mod identity;
mod log_files;
mod lsn;
mod open;
mod piece;
pub mod queue;
mod read;
mod reader;
mod recovery;
mod segment;
mod spare;
pub mod storage;
mod tail;
mod walk;
mod watermark;
mod writer;

pub use fault::{LogFault, OpenFault, StorageFault, VisitStop};
pub use identity::Identity;
pub use lsn::Lsn;
pub use open::open_log;
pub use queue::{Commit, Committer, Order, Pumped, QueueOptions, run};
pub use read::{BlockRef, Recovered, SegmentInfo, TornTail, inspect, read_log};
pub use spare::Preallocation;
pub use storage::{LockFault, OsStorage, SimFault, SimStorage, Storage, StorageFile};
pub use tail::{LogTail, Shown};
pub use watermark::Watermark;
pub use writer::{LogOptions, LogWriter};
