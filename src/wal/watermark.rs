//! How far the log has got.

use super::lsn::Lsn;
use parking_lot::{Condvar, Mutex};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Three cursors that only rise: accepted (its block is formed) ≥ submitted (its block is written) ≥ durable (its
/// block is synced). Many threads may read; only the log's writer moves them.
#[derive(Default, Debug)]
pub struct Watermark {
    accepted: AtomicU64,
    submitted: AtomicU64,
    durable: AtomicU64,
    /// Held to wait, and for a moment when `durable` rises: once a block.
    news: Mutex<()>,
    risen: Condvar,
}

impl Watermark {
    /// All three at the last block of a log just opened.
    pub const fn new(last: Lsn) -> Self {
        Self {
            accepted: AtomicU64::new(last.number()),
            submitted: AtomicU64::new(last.number()),
            durable: AtomicU64::new(last.number()),
            news: Mutex::new(()),
            risen: Condvar::new(),
        }
    }

    /// The last block that was formed.
    pub fn accepted(&self) -> Lsn {
        Lsn::new(self.accepted.load(Ordering::Acquire))
    }

    /// The last block that was written.
    pub fn submitted(&self) -> Lsn {
        Lsn::new(self.submitted.load(Ordering::Acquire))
    }

    /// The last block that survives a power loss.
    pub fn durable(&self) -> Lsn {
        Lsn::new(self.durable.load(Ordering::Acquire))
    }

    /// Waits until a block after `lsn` is durable, for `timeout` at most; whether there is one.
    pub fn wait_beyond(&self, lsn: Lsn, timeout: Duration) -> bool {
        let mut news = self.news.lock();
        self.risen.wait_while_for(&mut news, |()| self.durable() <= lsn, timeout);
        self.durable() > lsn
    }

    pub(super) fn accept(&self, lsn: Lsn) {
        advance(&self.accepted, lsn);
    }

    pub(super) fn submit(&self, lsn: Lsn) {
        assert!(lsn <= self.accepted(), "invariant: submitted {lsn} ≤ accepted {}", self.accepted());
        advance(&self.submitted, lsn);
    }

    pub(super) fn sync(&self, lsn: Lsn) {
        assert!(lsn <= self.submitted(), "invariant: durable {lsn} ≤ submitted {}", self.submitted());
        advance(&self.durable, lsn);
        // Whoever looked at it before waits by now.
        drop(self.news.lock());
        self.risen.notify_all();
    }
}

fn advance(cursor: &AtomicU64, lsn: Lsn) {
    let before = cursor.swap(lsn.number(), Ordering::AcqRel);
    assert!(before < lsn.number(), "invariant: a cursor rises, from {before} to {lsn}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "durable 2 ≤ submitted 1")]
    fn never_calls_durable_what_was_not_written() {
        let watermark = Watermark::new(Lsn::new(1));
        watermark.accept(Lsn::new(2));
        watermark.sync(Lsn::new(2));
    }
}
