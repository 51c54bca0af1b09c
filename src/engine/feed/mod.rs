//! The change feed: every committed event once, in order, as CloudEvents 1.0 (one JSON object a line).
//!
//! Events are read from the log, block by block, so that memory holds one block and the names that it refers to, however
//! far a reader is behind. [`Engine::subscribe`](super::Engine::subscribe) follows the engine in its process; [`Feed`]
//! follows a data directory that another process may be writing. Nothing is shown that a crash could unmake.
//!
//! Reading is background work: a reader calls [`lower_priority`] on its thread, falls behind while the processors are
//! busy, and catches up from the log.

mod change;
mod charge_line;
mod directory_feed;
mod enterprise;
mod event_type;
mod lines;
pub mod names;
pub mod render;
mod subscription;

pub use change::{Change, Changes, Fact};
pub use directory_feed::Feed;
pub use event_type::EventType;
pub use lines::EventLines;
pub use subscription::Subscription;

/// How much nicer than others a reader's thread is.
const NICE: i32 = 19;

/// Gives the calling thread the lowest priority, for good: whoever posts charges goes first. Where the system has no such
/// thing nothing changes.
pub fn lower_priority() {
    // The thread, on Linux; elsewhere it may be the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "the priority of a reading thread could not be lowered");
    }
}
