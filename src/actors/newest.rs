//! The newest available credit of every account, for readers that take no lock and wait for nothing.
//!
//! Newest means applied, not durable: a crash may take it back. Who needs what is durable asks the account.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use parking_lot::RwLock;

use crate::domain::money::Money;

const CELLS_PER_CHUNK: usize = 1024;

/// One account's figure, written by its shard alone.
#[derive(Default)]
struct Cell {
    /// Even when the figure is whole.
    version: AtomicU64,
    low: AtomicU64,
    high: AtomicU64,
}

type Chunk = [Cell; CELLS_PER_CHUNK];

/// The figures of one shard's accounts, by account slot.
#[derive(Default)]
pub struct Newest {
    chunks: RwLock<Vec<Arc<Chunk>>>,
}

/// The shard's own view, which it writes.
pub struct NewestWriter {
    shared: Arc<Newest>,
    chunks: Vec<Arc<Chunk>>,
}

/// One account's figure, to read as often as wanted.
#[derive(Clone)]
pub struct NewestReader {
    chunk: Arc<Chunk>,
    place: usize,
}

impl Newest {
    /// The reader of an account slot, if the account is there.
    pub fn reader(&self, slot: usize) -> Option<NewestReader> {
        let chunk = Arc::clone(self.chunks.read().get(slot / CELLS_PER_CHUNK)?);
        Some(NewestReader { chunk, place: slot % CELLS_PER_CHUNK })
    }
}

impl NewestWriter {
    /// Writes into `shared`.
    pub const fn new(shared: Arc<Newest>) -> Self {
        Self { shared, chunks: Vec::new() }
    }

    /// Sets a slot's figure.
    #[inline]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // splits 128 bits into two halves
    pub fn set(&mut self, slot: usize, figure: Money) {
        if slot / CELLS_PER_CHUNK >= self.chunks.len() {
            self.grow(slot);
        }
        let cell = &self.chunks[slot / CELLS_PER_CHUNK][slot % CELLS_PER_CHUNK];
        let version = cell.version.load(Ordering::Relaxed);
        cell.version.store(version + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        cell.low.store(figure.units() as u64, Ordering::Relaxed);
        cell.high.store((figure.units() >> 64) as u64, Ordering::Relaxed);
        cell.version.store(version + 2, Ordering::Release);
    }

    #[cold]
    fn grow(&mut self, slot: usize) {
        while self.chunks.len() <= slot / CELLS_PER_CHUNK {
            self.chunks.push(Arc::new(std::array::from_fn(|_| Cell::default())));
        }
        self.shared.chunks.write().clone_from(&self.chunks);
    }
}

impl NewestReader {
    /// The newest figure.
    pub fn read(&self) -> Money {
        let cell = &self.chunk[self.place];
        loop {
            let before = cell.version.load(Ordering::Acquire);
            let low = cell.low.load(Ordering::Relaxed);
            let high = cell.high.load(Ordering::Relaxed);
            fence(Ordering::Acquire);
            if before.is_multiple_of(2) && cell.version.load(Ordering::Relaxed) == before {
                return Money::from_units((u128::from(high) << 64 | u128::from(low)).cast_signed());
            }
            std::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_never_sees_half_a_figure() {
        let newest = Arc::new(Newest::default());
        let mut writer = NewestWriter::new(Arc::clone(&newest));
        writer.set(2_000, Money::from_units(-1));
        let reader = newest.reader(2_000).unwrap();
        assert!(newest.reader(5_000).is_none());
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for round in 0..100_000_i128 {
                    writer.set(2_000, Money::from_units(round << 64 | round));
                }
                writer.set(2_000, Money::from_units(-2));
            });
            loop {
                let units = reader.read().units();
                if units == -2 {
                    break;
                }
                assert!(units == -1 || units >> 64 == units & i128::from(u64::MAX), "{units:x}");
            }
        });
    }
}
