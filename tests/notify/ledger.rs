//! A simulated outbox: notifications in memory, one a block unless told, and what was settled.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use exchequer::domain::notification::NotificationKind;
use exchequer::domain::outbox::{Channel, Position, Settled};
use exchequer::engine::EngineError;
use exchequer::engine::outbox::Notification;
use exchequer::notify::outbox::{Feed, Outbox};
use parking_lot::{Condvar, Mutex};

/// Clones are the same ledger.
#[derive(Clone, Default)]
pub struct Ledger(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The newest block.
    lsn: u64,
    notifications: Vec<Notification>,
    channels: HashMap<String, Channel>,
    /// How often something was recorded.
    settlements: usize,
}

/// The channel of most tests.
pub const OPS: &str = "ops";

impl Ledger {
    /// With so many notifications, addressed to `ops@example.org`.
    pub fn with(count: u64) -> Self {
        let ledger = Self::default();
        for _ in 0..count {
            ledger.notify(NotificationKind::Alert, Some("ops@example.org"));
        }
        ledger
    }

    /// Adds a notification, in a block of its own.
    pub fn notify(&self, kind: NotificationKind, to: Option<&str>) {
        let mut state = self.0.state.lock();
        state.lsn += 1;
        let lsn = state.lsn;
        state.notifications.push(notification(lsn, kind, to));
        self.0.changed.notify_all();
    }

    /// Adds blocks without a notification.
    pub fn grow(&self, blocks: u64) {
        self.0.state.lock().lsn += blocks;
        self.0.changed.notify_all();
    }

    /// How far the channel has come.
    pub fn ops(&self) -> Channel {
        self.channel(OPS)
    }

    /// Sets how far the channel has come.
    pub fn set_ops(&self, channel: Channel) {
        self.0.state.lock().channels.insert(OPS.to_owned(), channel);
    }

    /// How often something was recorded.
    pub fn settlements(&self) -> usize {
        self.0.state.lock().settlements
    }

    /// Waits until the channel is as told.
    pub fn wait_for(&self, is_so: impl Fn(&Channel) -> bool) -> Channel {
        let mut state = self.0.state.lock();
        loop {
            let channel = state.channels.entry(OPS.to_owned()).or_default();
            if is_so(channel) {
                return channel.clone();
            }
            let late = self.0.changed.wait_for(&mut state, Duration::from_mins(1)).timed_out();
            assert!(!late, "nothing happened");
        }
    }
}

/// The position of the only notification of a block.
pub fn position(lsn: u64) -> Position {
    Position { lsn, nth: 0 }
}

pub fn notification(lsn: u64, kind: NotificationKind, to: Option<&str>) -> Notification {
    Notification {
        position: position(lsn),
        id: format!("acme-{lsn}-{}", kind.name()),
        at: "2026-05-01T00:00:00Z".parse().unwrap(),
        kind,
        billing_account: "acme".to_owned(),
        to: to.map(str::to_owned),
        subject: "low balance of acme".to_owned(),
        body: "10 USD are left.\n.\nThe threshold is 20 USD: é.".to_owned(),
        data: serde_json::json!({ "available_credit": "10", "threshold": "20" }),
    }
}

impl Outbox for Ledger {
    type Feed = Reader;

    fn source(&self) -> String {
        "/exchequer/0a1b2c".to_owned()
    }

    fn channel(&self, channel: &str) -> Channel {
        self.0.state.lock().channels.get(channel).cloned().unwrap_or_default()
    }

    fn oldest(&self) -> Result<Position, EngineError> {
        Ok(Position::default())
    }

    fn notification(&self, position: Position) -> Result<Option<Notification>, EngineError> {
        let state = self.0.state.lock();
        Ok(state.notifications.iter().find(|notification| notification.position == position).cloned())
    }

    fn notifications_from(&self, from: Position) -> Result<Reader, EngineError> {
        Ok(Reader { ledger: self.clone(), from })
    }

    fn settle(&self, channel: &str, next: Position, settled: Vec<Settled>) -> Result<(), EngineError> {
        // That the channel is known from now on; nothing became of anything.
        if settled.is_empty() && next == Position::default() {
            return Ok(());
        }
        let mut state = self.0.state.lock();
        let entry = state.channels.entry(channel.to_owned()).or_default();
        assert!(entry.has_room(next, &settled), "the channel has no room for {settled:?}");
        entry.settle(next, &settled);
        // It is a block too.
        state.lsn += 1;
        state.settlements += 1;
        self.0.changed.notify_all();
        Ok(())
    }

    fn wait_for_news(&self, lsn: u64, timeout: Duration) {
        let mut state = self.0.state.lock();
        if state.lsn <= lsn {
            self.0.changed.wait_for(&mut state, timeout);
        }
    }
}

pub struct Reader {
    ledger: Ledger,
    from: Position,
}

impl Feed for Reader {
    fn take(&mut self, limit: usize) -> Result<Vec<Notification>, EngineError> {
        let state = self.ledger.0.state.lock();
        let later = state.notifications.partition_point(|notification| notification.position < self.from);
        let taken: Vec<_> = state.notifications[later..].iter().take(limit).cloned().collect();
        self.from = match taken.last() {
            Some(last) if taken.len() == limit => Position { nth: last.position.nth + 1, ..last.position },
            _ => position(state.lsn + 1),
        };
        Ok(taken)
    }

    fn read_up_to(&self) -> Position {
        self.from
    }
}
