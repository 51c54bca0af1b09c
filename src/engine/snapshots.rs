//! Taking snapshots beside the running engine.

use std::io;
use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Engine, EngineError, Inner, OpenError, open};
use crate::actors::directory::{LowWater, SnapshotDirectory};
use crate::actors::shard::{SnapshotAccounts, SnapshotIdentities};
use crate::journal::snapshot::SnapshotWriter;
use crate::wal::{Lsn, Order};

/// Accounts in one part: a shard is held up for about a millisecond.
const ACCOUNTS_PER_PART: usize = 1_024;

/// How often the growth of the log is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

impl Engine {
    /// Takes a snapshot while everything else goes on. Gives its low-water mark: recovery reads the log from there.
    pub fn snapshot(&self) -> Result<Lsn, EngineError> {
        self.blocking()?;
        self.inner.check_running()?;
        let mut newest = self.inner.snapshot_lsn.lock();
        let low_water = pollster::block_on(self.inner.directory_actor.send(LowWater));
        let low_water = low_water.map_err(|_| self.inner.stopped())?;
        if low_water == *newest {
            return Ok(low_water);
        }
        let failed = |error: io::Error| EngineError::Log(format!("cannot write a snapshot: {error}"));
        let storage = &*self.inner.storage;
        let mut writer =
            SnapshotWriter::create(storage, self.inner.identity.directory_id, low_water).map_err(failed)?;
        self.write_shards(&mut writer)?;
        // Last, so that it knows every account that the shards wrote.
        let parts = pollster::block_on(self.inner.directory_actor.send(SnapshotDirectory));
        for part in parts.map_err(|_| self.inner.stopped())? {
            writer.write(&part).map_err(failed)?;
        }
        // The snapshot may hold charges that are not durable yet; it counts only when they are.
        self.barrier()?;
        let needed = writer.finish(*newest).map_err(failed)?;
        *newest = low_water;
        if let Some(needed) = needed.filter(|_| self.inner.config.trim_log) {
            let _alone = self.inner.history.write();
            drop(self.inner.orders.send(Order::Trim(needed.next())));
            self.barrier()?;
        }
        tracing::info!(%low_water, "took a snapshot");
        Ok(low_water)
    }

    fn write_shards(&self, writer: &mut SnapshotWriter<'_>) -> Result<(), EngineError> {
        let failed = |error: io::Error| EngineError::Log(format!("cannot write a snapshot: {error}"));
        for shard in &self.inner.shards {
            let mut from = 0;
            loop {
                let message = SnapshotAccounts { from, limit: ACCOUNTS_PER_PART };
                let part = pollster::block_on(shard.send(message)).map_err(|_| self.inner.stopped())?;
                let Some(part) = part else { break };
                writer.write(&part).map_err(failed)?;
                from += ACCOUNTS_PER_PART;
            }
            let mut nth = 0;
            loop {
                let parts = pollster::block_on(shard.send(SnapshotIdentities { nth }));
                let Some(parts) = parts.map_err(|_| self.inner.stopped())? else { break };
                for part in parts {
                    writer.write(&part).map_err(failed)?;
                }
                nth += 1;
            }
        }
        Ok(())
    }

    /// Starts the thread that takes a snapshot whenever the log has grown enough.
    pub(super) fn snapshot_by_itself(&self) -> Result<(), OpenError> {
        let Some(bytes) = self.inner.config.snapshot_log_bytes else { return Ok(()) };
        let inner = std::sync::Arc::downgrade(&self.inner);
        let thread = open::spawn("exchequer-snapshots", move || watch_log(&inner, bytes))?;
        if let Some(threads) = &mut *self.inner.threads.lock() {
            threads.snapshots = Some(thread);
        }
        Ok(())
    }
}

fn watch_log(inner: &Weak<Inner>, bytes: u64) {
    let mut last = 0;
    loop {
        std::thread::park_timeout(LOOK_EVERY);
        let Some(inner) = inner.upgrade() else { return };
        if inner.closing.load(Ordering::SeqCst) || inner.health.stopped().is_some() {
            return;
        }
        let written = inner.logged_bytes.load(Ordering::Relaxed);
        if written - last < bytes {
            continue;
        }
        last = written;
        let engine = Engine::of(inner);
        if let Err(error) = engine.snapshot() {
            // The log holds everything; the next one may succeed.
            tracing::error!(%error, "taking a snapshot failed");
        }
    }
}
