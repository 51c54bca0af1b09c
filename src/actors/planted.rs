//! Faults planted on purpose, so that a simulation can show that it would catch them. None in a real engine.

/// A fault of the engine's own making.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PlantedFault {
    /// Recovery sends nothing again that was on its way.
    OutboxNotResent,
    /// A message goes out before its sender's record is in the log's queue.
    SentBeforeQueued,
    /// An answer goes out before its record is durable.
    AnsweredBeforeDurable,
    /// A snapshot counts before what it holds is durable.
    SnapshotBeforeDurable,
    /// A message that comes twice counts twice.
    InboxNotIdempotent,
    /// What is due is not decided before other commands.
    DueSkipped,
}
