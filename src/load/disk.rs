//! The disk alone: what no log can be faster than.

use std::io;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::figures::Latency;
use crate::clock::Stopwatch;
use crate::wal::{OsStorage, Storage, StorageFile};

/// Bytes of the file that is written over and over.
const FILE_BYTES: usize = 4 * 1024 * 1024;

/// A file that was written before, as a log's segment is, into which blocks of one size are written and synced.
pub struct LoneDisk {
    file: Box<dyn StorageFile>,
    block: Vec<u8>,
    places: usize,
    next: usize,
    _home: TempDir,
}

impl LoneDisk {
    /// A file of its own under `directory`, for blocks of `bytes` bytes; it goes when this is dropped.
    pub fn open(directory: &Path, bytes: usize) -> io::Result<Self> {
        let home = tempfile::tempdir_in(directory)?;
        let mut file = OsStorage::open(home.path(), true)?.create("lone")?;
        let size = FILE_BYTES.max(bytes);
        file.write_all_at(&vec![0; size], 0)?;
        file.sync()?;
        let places = (size / bytes.max(1)).max(1);
        Ok(Self { file, block: vec![0x5A; bytes], places, next: 0, _home: home })
    }

    /// Writes the next block behind the last one and syncs it; how long that took.
    pub fn sync(&mut self) -> io::Result<Duration> {
        let offset = self.next % self.places * self.block.len();
        self.next += 1;
        let since = Stopwatch::start();
        self.file.write_all_at(&self.block, offset as u64)?;
        self.file.sync()?;
        Ok(since.elapsed())
    }
}

/// Writes `bytes` bytes and syncs them, `count` times.
pub fn lone_syncs(directory: &Path, bytes: usize, count: usize) -> io::Result<Latency> {
    let mut disk = LoneDisk::open(directory, bytes)?;
    let mut latency = Latency::default();
    for _ in 0..count {
        latency.record(disk.sync()?);
    }
    Ok(latency)
}
