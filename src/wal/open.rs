//! Opening the log to write: recovery, and the few repairs it makes.

use super::block::BLOCK_HEADER_BYTES;
use super::fault::{OpenFault, StorageFault, VisitStop};
use super::identity::{self, Identity};
use super::log_files::LogFiles;
use super::lsn::Lsn;
use super::read::{BlockRef, Recovered};
use super::segment::{BLOCKS_AT, DIRECTORY};
use super::spare::zero_out;
use super::storage::{Storage, StorageFile};
use super::walk::{Tail, Walked, walk};
use super::writer::{Current, LogOptions, LogWriter};
use std::io;
use std::sync::Arc;

const REWRITE_BYTES: u64 = 1024 * 1024;

/// Opens the log to write, creating it if the directory is new: shows `visit` the blocks from `from` on (0: from the
/// oldest there is), cuts a torn tail, and gives the writer at its end. A fault leaves the log as it was.
pub fn open_log(
    storage: Arc<dyn Storage>,
    identity: &Identity,
    options: LogOptions,
    from: Lsn,
    visit: &mut dyn FnMut(BlockRef<'_>) -> Result<(), VisitStop>,
) -> Result<(LogWriter, Recovered), OpenFault> {
    identity::lock(&*storage)?;
    let files = LogFiles::list(&*storage)?;
    let Walked { recovered, tail, headless, .. } = walk(&*storage, identity, &files, from, None, visit)?;
    if let Some(torn) = &recovered.torn {
        tracing::warn!(lsn = %torn.lsn, segment = torn.segment, bytes = torn.bytes, "cut a torn block");
    }
    let headless = headless.map(|(_, path)| path);
    let mut older: Vec<(Lsn, String)> = files.segments;
    older.retain(|(_, path)| Some(path) != headless.as_ref());
    clean_up(&*storage, files.spares.iter().chain(&headless))?;
    let identity = reopened(&*storage, identity)?;
    let mut writer = LogWriter::new(storage, identity, options);
    writer.last = recovered.last;
    if let Some(mut tail) = tail {
        older.retain(|(first, _)| *first < tail.header.first);
        repair(&mut tail, recovered.last)?;
        writer.chain = tail.chain;
        writer.older = older.into();
        let Tail { file, path, header, offset, .. } = tail;
        writer.current = Some(Current { file, path, header, offset });
        // A name may be there that was never made durable.
        let fault = StorageFault::of("sync", DIRECTORY, 0, recovered.last);
        writer.storage.sync_directory(DIRECTORY).map_err(fault)?;
    } else {
        writer.rotate(writer.segment_bytes)?;
    }
    Ok((writer, recovered))
}

/// Sees to the log's directory, and deletes what is no part of the log.
fn clean_up<'a>(storage: &dyn Storage, paths: impl Iterator<Item = &'a String>) -> Result<(), StorageFault> {
    storage.create_directory(DIRECTORY).map_err(StorageFault::of("create", DIRECTORY, 0, Lsn::NOTHING))?;
    let mut deleted = false;
    for path in paths {
        storage.delete(path).map_err(StorageFault::of("delete", path, 0, Lsn::NOTHING))?;
        deleted = true;
    }
    if deleted {
        storage.sync_directory(DIRECTORY).map_err(StorageFault::of("sync", DIRECTORY, 0, Lsn::NOTHING))?;
    }
    Ok(())
}

/// From here on blocks may follow the seal.
fn reopened(storage: &dyn Storage, identity: &Identity) -> Result<Identity, StorageFault> {
    let opened = Identity { closed: false, ..identity.clone() };
    if identity.closed {
        opened.write(storage)?;
    }
    Ok(opened)
}

/// Cuts what is torn, and makes durable what was only found in memory: the last block may have been written by a
/// process that died before its sync, or whose sync failed. Then the system may believe that it is on disk, and only
/// a new write makes it go there. Everything before it is durable, else it would not have been written.
fn repair(tail: &mut Tail, last: Lsn) -> Result<(), StorageFault> {
    if tail.content_end > tail.offset {
        zero_out(&mut *tail.file, &tail.path, tail.offset, tail.content_end)?;
    }
    let (from, to) = match tail.last_block {
        Some(start) => (start, tail.offset),
        None => (0, BLOCKS_AT),
    };
    debug_assert!(tail.last_block.is_none() || to - from >= BLOCK_HEADER_BYTES as u64);
    rewrite(&mut *tail.file, &tail.path, from, to, last)
}

fn rewrite(file: &mut dyn StorageFile, path: &str, from: u64, to: u64, lsn: Lsn) -> Result<(), StorageFault> {
    let mut bytes = vec![0; usize::try_from((to - from).min(REWRITE_BYTES)).unwrap_or(0)];
    let mut at = from;
    while at < to {
        let wanted = bytes.len().min(usize::try_from(to - at).unwrap_or(usize::MAX));
        let count = match file.read_at(&mut bytes[..wanted], at) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            read => read,
        };
        let count = count.map_err(StorageFault::of("read", path, at, lsn))?;
        file.write_all_at(&bytes[..count], at).map_err(StorageFault::of("rewrite", path, at, lsn))?;
        at += count as u64;
    }
    file.sync().map_err(StorageFault::of("sync", path, from, lsn))
}
