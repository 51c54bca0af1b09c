//! Taking snapshots beside the running engine.

use std::io;
use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::yield_now;

use super::{Engine, EngineError, Inner, OpenError, open};
use crate::actors::directory::{LowWater, SnapshotDirectory};
use crate::actors::planted::PlantedFault;
use crate::actors::shard::SnapshotAccounts;
use crate::domain::ids::{EnterpriseIndex, Partition};
use crate::journal::snapshot::{Part, SnapshotWriter};
use crate::limits::PARTITIONS;
use crate::wal::{Lsn, Order};

/// Accounts in one part: a shard is held up for about a millisecond.
const ACCOUNTS_PER_PART: usize = 1_024;

/// Identities copied while a shard's are locked: it is held up for less than a tenth of a millisecond.
const IDENTITIES_AT_ONCE: usize = 8_192;

/// How often the growth of the log is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A snapshot that was taken.
struct Taken {
    /// Its low-water mark.
    low_water: Lsn,
    /// That of the older one that is kept.
    needed: Option<Lsn>,
    /// Its size; 0 if nothing has happened since the one before.
    bytes: u64,
}

impl Engine {
    /// Takes a snapshot while everything else goes on. Gives its low-water mark: recovery reads the log from there.
    pub fn snapshot(&self) -> Result<Lsn, EngineError> {
        self.snapshot_and_trim().map(|taken| taken.low_water)
    }

    fn snapshot_and_trim(&self) -> Result<Taken, EngineError> {
        self.blocking()?;
        let taken = pollster::block_on(self.take_snapshot())?;
        if let Some(needed) = taken.needed.filter(|_| self.inner.config.trim_log) {
            // What is still to be sent stays.
            let unsent = self.settled_up_to();
            let needed = unsent.map_or(needed, |unsent| unsent.min(needed));
            let _alone = self.inner.history.write();
            drop(self.inner.orders.send(Order::Trim(needed.next())));
            self.barrier()?;
        }
        Ok(taken)
    }

    /// As [`Engine::snapshot`], on any runtime; the log is not trimmed.
    pub async fn snapshot_async(&self) -> Result<Lsn, EngineError> {
        self.take_snapshot().await.map(|taken| taken.low_water)
    }

    async fn take_snapshot(&self) -> Result<Taken, EngineError> {
        self.inner.check_running()?;
        let mut newest = self.inner.snapshot_lsn.lock().await;
        let low_water = self.inner.directory_actor.send(LowWater).await.map_err(|_| self.inner.stopped())?;
        if low_water == *newest {
            return Ok(Taken { low_water, needed: None, bytes: 0 });
        }
        let written = self.write_snapshot(low_water, *newest).await;
        if written.is_err() {
            SnapshotWriter::discard(&*self.inner.storage);
        }
        let taken = written?;
        *newest = low_water;
        tracing::info!(%low_water, bytes = taken.bytes, "took a snapshot");
        Ok(taken)
    }

    async fn write_snapshot(&self, low_water: Lsn, newest: Lsn) -> Result<Taken, EngineError> {
        let storage = &*self.inner.storage;
        let mut writer =
            SnapshotWriter::create(storage, self.inner.identity.directory_id, low_water).map_err(failed)?;
        self.write_shards(&mut writer).await?;
        // After the shards, so that it knows every account that they wrote.
        let parts = self.inner.directory_actor.send(SnapshotDirectory).await;
        for part in parts.map_err(|_| self.inner.stopped())? {
            writer.write(&part).map_err(failed)?;
        }
        self.write_enterprises(&mut writer).await?;
        // The snapshot may hold charges that are not durable yet; it counts only when they are.
        if self.inner.config.planted != Some(PlantedFault::SnapshotBeforeDurable) {
            self.barrier_async().await?;
        }
        let bytes = writer.bytes();
        let needed = writer.finish(newest).map_err(failed)?;
        Ok(Taken { low_water, needed, bytes })
    }

    async fn write_shards(&self, writer: &mut SnapshotWriter<'_>) -> Result<(), EngineError> {
        for shard in &self.inner.shards {
            let mut from = 0;
            loop {
                let message = SnapshotAccounts { from, limit: ACCOUNTS_PER_PART };
                let part = shard.send(message).await.map_err(|_| self.inner.stopped())?;
                let Some(part) = part else { break };
                writer.write(&part).map_err(failed)?;
                from += ACCOUNTS_PER_PART;
            }
        }
        for number in 0..PARTITIONS {
            let partition = Partition(u16::try_from(number).expect("invariant: PARTITIONS fits u16"));
            self.write_identities(partition, writer).await?;
        }
        Ok(())
    }

    /// Copied a little at a time, so that the shard need not wait: what is added meanwhile comes again in the log.
    async fn write_identities(
        &self,
        partition: Partition,
        writer: &mut SnapshotWriter<'_>,
    ) -> Result<(), EngineError> {
        let shards = self.inner.identities.upgrade().ok_or_else(|| self.inner.stopped())?;
        let shard = &shards[usize::from(partition.0) % shards.len()];
        let cycles = shard.lock().cycles(partition);
        // Used again, so that no fresh memory is touched while the shard is locked.
        let mut piece = Vec::with_capacity(IDENTITIES_AT_ONCE);
        for cycle in cycles {
            let mut keys = Vec::new();
            loop {
                let last = keys.last().copied();
                piece.clear();
                piece.extend(shard.lock().after(partition, cycle, last, IDENTITIES_AT_ONCE));
                keys.extend_from_slice(&piece);
                if piece.len() < IDENTITIES_AT_ONCE {
                    break;
                }
                yield_now().await;
            }
            writer.write(&Part::identities(partition, cycle, &keys)).map_err(failed)?;
            yield_now().await;
        }
        Ok(())
    }

    /// After the directory: an enterprise that it does not know yet is left out by recovery, and replayed.
    async fn write_enterprises(&self, writer: &mut SnapshotWriter<'_>) -> Result<(), EngineError> {
        let count = self.inner.routes.enterprises.read().len();
        let numbers = (0..count).map(|number| u32::try_from(number).expect("invariant: numbered by u32"));
        for enterprise in numbers.map(EnterpriseIndex) {
            let control = self.control_state(enterprise).await?;
            writer.write(&Part::credit_control(&control)).map_err(failed)?;
            let authorization = self.authorization_state(Some(enterprise)).await?;
            writer.write(&Part::authorization(enterprise, &authorization)).map_err(failed)?;
        }
        let outside = self.authorization_state(None).await?;
        writer.write(&Part::authorization(EnterpriseIndex::NONE, &outside)).map_err(failed)
    }

    /// Starts the thread that takes a snapshot whenever the log has grown enough.
    pub(super) fn snapshot_by_itself(&self) -> Result<(), OpenError> {
        let Some(bytes) = self.inner.config.snapshot_log_bytes else { return Ok(()) };
        let inner = std::sync::Arc::downgrade(&self.inner);
        let thread = open::spawn("exchequer-snapshots", move || watch_log(&inner, bytes))?;
        if let Some(threads) = &mut *self.inner.threads.lock() {
            threads.watchers.push(thread);
        }
        Ok(())
    }
}

#[allow(clippy::needless_pass_by_value)] // as `map_err` gives it
fn failed(error: io::Error) -> EngineError {
    EngineError::Log(format!("cannot write a snapshot: {error}"))
}

fn watch_log(inner: &Weak<Inner>, bytes: u64) {
    let mut last = 0;
    let mut snapshot_bytes = 0;
    loop {
        std::thread::park_timeout(LOOK_EVERY);
        let Some(inner) = inner.upgrade() else { return };
        if inner.closing.load(Ordering::SeqCst) || inner.health.stopped().is_some() {
            return;
        }
        let written = inner.logged_bytes.load(Ordering::Relaxed);
        // Snapshots of much state come less often, so that they don't keep the disk busier than the log does.
        if written - last < bytes.max(snapshot_bytes) {
            continue;
        }
        last = written;
        let engine = Engine::of(inner);
        match engine.snapshot_and_trim() {
            Ok(taken) if taken.bytes > 0 => snapshot_bytes = taken.bytes,
            Ok(_) => {}
            // The log holds everything; the next one may succeed.
            Err(error) => tracing::error!(%error, "taking a snapshot failed"),
        }
    }
}
