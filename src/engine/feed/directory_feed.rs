//! Following a data directory that another process may be writing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::change::Changes;
use super::lines::EventLines;
use super::names::Names;
use crate::clock::Stopwatch;
use crate::engine::OpenError;
use crate::journal::JournalFault;
use crate::journal::frame::frames;
use crate::journal::snapshot::read_newest_names;
use crate::wal::{BlockRef, Identity, LogTail, Lsn, OpenFault, OsStorage, Shown, Storage};

/// How often the end of the log is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// For how long the last block waits for a successor, which proves that it is durable, before it is synced.
const SYNC_AFTER: Duration = Duration::from_millis(20);

/// Every event of a data directory from some block on, once and in order. It takes no lock and changes nothing.
///
/// A block is given when the next one is there, which is written only after it became durable, or after it was synced here.
pub struct Feed {
    tail: LogTail,
    names: Names,
    directory_id: [u8; 16],
    from: Lsn,
    /// The last block that was durable when the feed was opened.
    end: Lsn,
    /// Since nothing new was there.
    idle: Option<Stopwatch>,
}

impl Feed {
    /// The events from block `from` on. The names that they refer to are learnt first, from the newest snapshot and the log
    /// after it, or from the whole log; `progress` is told the block that has been read for that, and the last one.
    pub fn open(data_dir: &Path, from: Lsn, progress: &mut dyn FnMut(Lsn, Lsn)) -> Result<Self, OpenError> {
        let path = || data_dir.display().to_string();
        let storage = OsStorage::open(data_dir, false)
            .map_err(|source| OpenError::Directory { path: path(), source })?;
        let storage: Arc<dyn Storage> = Arc::new(storage);
        Self::of(&storage, from, progress)?
            .ok_or_else(|| OpenError::Config(format!("`{}` is not a data directory", path())))
    }

    /// As [`Feed::open`]; `None` if there is no ledger on that storage.
    pub fn of(
        storage: &Arc<dyn Storage>,
        from: Lsn,
        progress: &mut dyn FnMut(Lsn, Lsn),
    ) -> Result<Option<Self>, OpenError> {
        let Some(identity) = Identity::read(&**storage)? else { return Ok(None) };
        let from = from.max(Lsn::FIRST);
        let end = LogTail::last_durable(Arc::clone(storage), &identity)?;
        let snapshot = read_newest_names(&**storage, identity.directory_id).map_err(OpenError::Snapshot)?;
        let oldest = LogTail::oldest(&**storage)?;
        if from < oldest {
            return Err(OpenFault::Trimmed { expected: from, oldest }.into());
        }
        let learnt = snapshot.as_ref().map_or(Lsn::NOTHING, |snapshot| snapshot.low_water);
        let names = snapshot.as_ref().map(Names::of_snapshot).unwrap_or_default();
        let start = learnt.next().max(oldest).min(from);
        let mut feed = Self {
            tail: LogTail::open(Arc::clone(storage), &identity, start)?,
            names,
            directory_id: identity.directory_id,
            from,
            end,
            idle: None,
        };
        if let Some(before) = from.number().checked_sub(1).map(|before| Lsn::new(before).min(end)) {
            while let Some(block) = feed.tail.next(Shown::Until(before))? {
                learn(&mut feed.names, &block)?;
                progress(block.lsn, before);
            }
        }
        Ok(Some(feed))
    }

    /// The last block that was durable when the feed was opened; [`Lsn::NOTHING`] if there was none.
    pub const fn end(&self) -> Lsn {
        self.end
    }

    /// The last block that was given or passed over.
    pub fn last(&self) -> Lsn {
        self.tail.last()
    }

    /// The events of the next block; `None` if none became durable for so long. It blocks the thread.
    pub fn next(&mut self, timeout: Duration) -> Result<Option<Changes<'_>>, OpenError> {
        let waiting = Stopwatch::start();
        loop {
            let shown = match &self.idle {
                _ if self.tail.last() < self.end => Shown::Until(self.end),
                Some(idle) if idle.elapsed() >= SYNC_AFTER => Shown::Synced,
                _ => Shown::Followed,
            };
            if self.tail.advance(shown)? {
                self.idle = None;
                let Some(block) = self.tail.block() else { return Ok(None) };
                learn(&mut self.names, &block)?;
                if block.lsn >= self.from {
                    break;
                }
                continue;
            }
            self.idle.get_or_insert_with(Stopwatch::start);
            let left = timeout.saturating_sub(waiting.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            std::thread::sleep(left.min(LOOK_EVERY));
        }
        let block = self.tail.block();
        Ok(block.map(|block| Changes::new(block, &mut self.names, None)))
    }

    /// Writes events as lines.
    pub fn lines(&self) -> EventLines {
        EventLines::new(&self.directory_id)
    }
}

fn learn(names: &mut Names, block: &BlockRef<'_>) -> Result<(), JournalFault> {
    frames(block.bytes).try_for_each(|frame| names.learn(&frame?))
}
