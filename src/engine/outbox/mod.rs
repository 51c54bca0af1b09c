//! The outbox: which notifications there are, and how far each channel has come with them (rule H5).
//!
//! The log is the outbox. A notification is a fact of a record, told in the same way however often it is read, so none is
//! missing after a crash and each has one id; a channel's own records say which it is done with.

mod notifications;
mod told;

use std::time::Duration;

pub use notifications::{NotificationItem, NotificationPage, NotificationQuery, Notifications};

use self::told::Told;
use super::cloud_event::source_of;
use super::commands::Scope;
use super::open::describe;
use super::{Command, Engine, EngineError, Request};
use crate::actors::directory::ChangeItem;
use crate::domain::notification::NotificationKind;
use crate::domain::outbox::{Channel, Position, Settled};
use crate::domain::time::Timestamp;
use crate::wal::{LogTail, Lsn};

/// One notification, as it is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notification {
    /// Where it stands.
    pub position: Position,
    /// The same however often it is sent: `<account number>-<record number>-<kind>`.
    pub id: String,
    /// Business time.
    pub at: Timestamp,
    /// Why.
    pub kind: NotificationKind,
    /// The billing account that it concerns.
    pub billing_account: String,
    /// Who is told: the account's contact, if it has one.
    pub to: Option<String>,
    /// One line.
    pub subject: String,
    /// The text for people.
    pub body: String,
    /// The figures for programs.
    pub data: serde_json::Value,
}

impl Engine {
    /// The notifications from a position on, as they become durable.
    pub fn notifications_from(&self, from: Position) -> Result<Notifications, EngineError> {
        Notifications::open(self, from)
    }

    /// One notification; `None` where the log that held it was trimmed, or there is none. It blocks the thread.
    pub fn notification(&self, position: Position) -> Result<Option<Notification>, EngineError> {
        if Lsn::new(position.lsn) > self.durable_lsn() || position.lsn == 0 {
            return Ok(None);
        }
        let mut notifications = match self.notifications_from(position) {
            Err(EngineError::Log(_)) => return Ok(None),
            notifications => notifications?,
        };
        let first = notifications.take(1)?;
        Ok(first.into_iter().find(|first| first.position == position))
    }

    /// The first position that the log still holds: all of them, unless the log is trimmed.
    pub fn oldest_notification(&self) -> Result<Position, EngineError> {
        let oldest = LogTail::oldest(&*self.inner.storage);
        let oldest = oldest.map_err(|fault| EngineError::Log(describe(&fault)))?;
        Ok(Position { lsn: oldest.number(), nth: 0 })
    }

    /// How far a channel has come; from the beginning if nothing was ever settled in it.
    pub fn channel(&self, channel: &str) -> Channel {
        self.inner.directory.read().channel(channel).cloned().unwrap_or_default()
    }

    /// The names of the channels that have settled anything.
    pub fn channels(&self) -> Vec<String> {
        self.inner.directory.read().channels().map(|(name, _)| name.to_owned()).collect()
    }

    /// The source of this ledger's CloudEvents: `/exchequer/<id of the data directory>`.
    pub fn source(&self) -> String {
        source_of(&self.inner.identity.directory_id)
    }

    /// Records what became of notifications in a channel; durable when it returns. It blocks the thread.
    ///
    /// Everything before `next` is done with.
    pub fn settle_notifications(
        &self,
        channel: &str,
        next: Position,
        settled: Vec<Settled>,
    ) -> Result<(), EngineError> {
        self.blocking()?;
        let scope = Scope::new(&self.inner, &Request::new(Command::AdvanceTime))?;
        let settled = settled.into_boxed_slice();
        let item = ChangeItem::SettleNotifications { channel: channel.into(), next, settled };
        pollster::block_on(self.change_one(scope, item, channel))
    }

    /// Waits until a block after `lsn` is durable, or for so long; whether there is one.
    pub fn wait_for_news(&self, lsn: u64, timeout: Duration) -> bool {
        self.inner.watermark.wait_beyond(Lsn::new(lsn), timeout)
    }

    /// The last block that no channel needs any more; none if there is no channel.
    pub(super) fn settled_up_to(&self) -> Option<Lsn> {
        let directory = self.inner.directory.read();
        let next = directory.channels().map(|(_, channel)| channel.first_needed()).min()?;
        Some(Lsn::new(next.lsn.saturating_sub(1)))
    }
}
