//! The seam to the engine's outbox; tests have a simulated twin behind it.

use std::time::Duration;

use crate::domain::outbox::{Channel, Position, Settled};
use crate::engine::outbox::{Notification, Notifications};
use crate::engine::{Engine, EngineError};

/// Where notifications come from, and where it is recorded what became of them.
pub trait Outbox: Send + Sync + 'static {
    /// A reader of notifications.
    type Feed: Feed;

    /// The source of the ledger's CloudEvents.
    fn source(&self) -> String;

    /// How far a channel has come.
    fn channel(&self, channel: &str) -> Channel;

    /// The first position that the log still holds.
    fn oldest(&self) -> Result<Position, EngineError>;

    /// One notification; `None` where it is no longer in the log.
    fn notification(&self, position: Position) -> Result<Option<Notification>, EngineError>;

    /// The notifications from a position on.
    fn notifications_from(&self, from: Position) -> Result<Self::Feed, EngineError>;

    /// Records what became of notifications, and that everything before `next` is done with; durable when it returns.
    fn settle(&self, channel: &str, next: Position, settled: Vec<Settled>) -> Result<(), EngineError>;

    /// Waits until a block after `lsn` is durable, or for so long.
    fn wait_for_news(&self, lsn: u64, timeout: Duration);
}

/// Reads notifications, oldest first.
pub trait Feed: Send {
    /// The next ones, none later than `limit` at once; none if there is nothing new.
    fn take(&mut self, limit: usize) -> Result<Vec<Notification>, EngineError>;

    /// Where the next one will stand, or later: every one before it was given. When all that is durable has been read, it is the
    /// beginning of the block after that.
    fn read_up_to(&self) -> Position;
}

impl Outbox for Engine {
    type Feed = Notifications;

    fn source(&self) -> String {
        Engine::source(self)
    }

    fn channel(&self, channel: &str) -> Channel {
        Engine::channel(self, channel)
    }

    fn oldest(&self) -> Result<Position, EngineError> {
        Engine::oldest_notification(self)
    }

    fn notification(&self, position: Position) -> Result<Option<Notification>, EngineError> {
        Engine::notification(self, position)
    }

    fn notifications_from(&self, from: Position) -> Result<Notifications, EngineError> {
        Engine::notifications_from(self, from)
    }

    fn settle(&self, channel: &str, next: Position, settled: Vec<Settled>) -> Result<(), EngineError> {
        self.settle_notifications(channel, next, settled)
    }

    fn wait_for_news(&self, lsn: u64, timeout: Duration) {
        // Whether there is news, reading tells.
        Engine::wait_for_news(self, lsn, timeout);
    }
}

impl Feed for Notifications {
    fn take(&mut self, limit: usize) -> Result<Vec<Notification>, EngineError> {
        Notifications::take(self, limit)
    }

    fn read_up_to(&self) -> Position {
        Notifications::read_up_to(self)
    }
}
