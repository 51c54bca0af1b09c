//! Following an engine within its process.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::change::{Changes, Live};
use super::lines::EventLines;
use super::names::Names;
use crate::actors::on_engine_thread;
use crate::clock::Stopwatch;
use crate::engine::open::describe;
use crate::engine::{Engine, EngineError, Inner};
use crate::wal::{LogTail, Lsn, OpenFault, Shown};

/// How often a subscriber that waits looks whether the engine still runs.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Every event that became durable from some block on, once and in order.
///
/// It reads the log, in its own memory of one block: a subscriber that falls behind costs nobody anything, and one that is
/// never asked again neither. It does not keep the engine open.
///
/// ```
/// use std::ops::ControlFlow;
/// use std::time::Duration;
/// use exchequer::engine::{Command, Config, Engine, Request};
/// use exchequer::wal::Lsn;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// let engine = Engine::open(Config::new(directory.path()))?;
/// engine.execute(&Request::new(Command::register_cloud_account("acme")))?;
/// let mut subscription = engine.subscribe(Lsn::FIRST)?;
/// let (mut lines, mut text) = (subscription.lines(), Vec::new());
/// while let Some(changes) = subscription.next(Duration::ZERO)? {
///     let _all = changes.for_each::<()>(&mut |change| {
///         lines.write(change, &mut text);
///         ControlFlow::Continue(())
///     })?;
/// }
/// assert!(String::from_utf8(text)?.contains(r#""type":"exchequer.directory.account_opened""#));
/// # engine.close()?;
/// # Ok(())
/// # }
/// ```
pub struct Subscription {
    inner: Arc<Inner>,
    tail: LogTail,
    names: Names,
    /// The last block was a seal.
    sealed: bool,
}

impl Engine {
    /// The events from block `from` on: of the log that there is, and then as they become durable.
    ///
    /// Refused with [`EngineError::Log`] where that part of the log was trimmed.
    pub fn subscribe(&self, from: Lsn) -> Result<Subscription, EngineError> {
        let inner = Arc::clone(&self.inner);
        let tail = LogTail::open(Arc::clone(&inner.storage), &inner.identity, from).map_err(unreadable)?;
        Ok(Subscription { inner, tail, names: Names::default(), sealed: false })
    }
}

#[allow(clippy::needless_pass_by_value)] // as `map_err` gives it
fn unreadable(fault: OpenFault) -> EngineError {
    EngineError::Log(describe(&fault))
}

impl Subscription {
    /// The events of the next block; `None` if none became durable for so long. It blocks the thread.
    ///
    /// When the engine has stopped or was closed, that is the answer after the last block.
    pub fn next(&mut self, timeout: Duration) -> Result<Option<Changes<'_>>, EngineError> {
        if !timeout.is_zero() && on_engine_thread() {
            return Err(EngineError::WouldDeadlock);
        }
        let waiting = Stopwatch::start();
        loop {
            let durable = self.inner.watermark.durable();
            if self.tail.advance(Shown::Until(durable)).map_err(unreadable)? {
                break;
            }
            let closed = self.sealed && self.inner.closing.load(Ordering::SeqCst);
            let ended = closed || self.inner.health.stopped().is_some();
            if ended && self.inner.watermark.durable() == durable {
                return Err(self.inner.stopped());
            }
            let left = timeout.saturating_sub(waiting.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            self.inner.watermark.wait_beyond(durable, left.min(LOOK_EVERY));
        }
        let Some(block) = self.tail.block() else { return Ok(None) };
        self.sealed = block.bytes.is_empty();
        let live = Live { directory: &self.inner.directory, strings: &self.inner.strings };
        Ok(Some(Changes::new(block, &mut self.names, Some(live))))
    }

    /// The last block that was given or passed over.
    pub fn last(&self) -> Lsn {
        self.tail.last()
    }

    /// Writes events as lines.
    pub fn lines(&self) -> EventLines {
        EventLines::new(&self.inner.identity.directory_id)
    }
}
