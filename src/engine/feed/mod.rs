//! The change feed: every committed event once, in order, as CloudEvents 1.0 (one JSON object a line).
//!
//! Events are read from the log, block by block, so that memory holds one block and the names that it refers to, however
//! far a reader is behind. [`Engine::subscribe`](super::Engine::subscribe) follows the engine in its process; [`Feed`]
//! follows a data directory that another process may be writing. Nothing is shown that a crash could unmake.
//!
//! Reading is [background](Background) work: a reader falls behind while the processors are busy, and catches up from the
//! log.

mod background;
mod change;
mod charge_line;
mod directory_feed;
mod enterprise;
mod event_type;
mod lines;
pub mod names;
pub mod render;
mod subscription;

pub use background::Background;
pub use change::{Change, Changes, Fact};
pub use directory_feed::Feed;
pub use event_type::EventType;
pub use lines::EventLines;
pub use subscription::Subscription;
