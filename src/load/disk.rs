//! The disk alone: what no log can be faster than.

use std::io;
use std::path::Path;

use super::figures::Latency;
use crate::clock::Stopwatch;
use crate::wal::{OsStorage, Storage};

/// Bytes of the file that is written over and over.
const FILE_BYTES: usize = 4 * 1024 * 1024;

/// Writes `bytes` bytes and syncs them, `count` times, into a file that was written before, as a log's segment is.
pub fn lone_syncs(directory: &Path, bytes: usize, count: usize) -> io::Result<Latency> {
    let home = tempfile::tempdir_in(directory)?;
    let storage = OsStorage::open(home.path(), true)?;
    let mut file = storage.create("lone")?;
    let size = FILE_BYTES.max(bytes);
    file.write_all_at(&vec![0; size], 0)?;
    file.sync()?;
    let block = vec![0x5A; bytes];
    let places = (size / bytes.max(1)).max(1);
    let mut latency = Latency::default();
    for place in 0..count {
        let since = Stopwatch::start();
        file.write_all_at(&block, (place % places * bytes) as u64)?;
        file.sync()?;
        latency.record(since.elapsed());
    }
    Ok(latency)
}
