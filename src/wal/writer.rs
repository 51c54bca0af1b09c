//! The end of the log: appending blocks, beginning segments, dropping old ones.

use super::block::{self, BlockHeader, Kind, block_bytes};
use super::fault::{LogFault, StorageFault};
use super::identity::Identity;
use super::lsn::Lsn;
use super::segment::{self, BLOCKS_AT, DIRECTORY, SegmentHeader};
use super::spare::{Preallocation, Spares, zero_out};
use super::storage::{Storage, StorageFile};
use crate::limits::{BLOCK_BYTES_MAX, SEGMENT_BYTES, SPARE_SEGMENTS_MAX};
use std::collections::VecDeque;
use std::sync::Arc;

/// How the log keeps its files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogOptions {
    /// Bytes of a segment; a larger block gets a segment of its own size.
    pub segment_bytes: u64,
    /// When the next segment is filled with zeros.
    pub preallocation: Preallocation,
    /// Trimmed segments that are kept for reuse.
    pub spare_segments_max: usize,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            segment_bytes: SEGMENT_BYTES,
            preallocation: Preallocation::Ahead,
            spare_segments_max: SPARE_SEGMENTS_MAX,
        }
    }
}

/// The segment that is written to.
pub(super) struct Current {
    pub file: Box<dyn StorageFile>,
    pub path: String,
    pub header: SegmentHeader,
    /// Where the next block goes.
    pub offset: u64,
}

/// The log's one writer, positioned at its end. After a fault it takes nothing more.
///
/// Dropping it leaves the log unsealed: as after a crash, but with nothing lost.
pub struct LogWriter {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) identity: Identity,
    pub(super) spares: Spares,
    pub(super) segment_bytes: u64,
    /// Segments before the current one, with their first lsns.
    pub(super) older: VecDeque<(Lsn, String)>,
    /// None only until a new log's first segment is made.
    pub(super) current: Option<Current>,
    pub(super) last: Lsn,
    pub(super) chain: u32,
    seed: u32,
    buffer: Vec<u8>,
    /// The block that is written and not yet durable.
    written: Option<Written>,
    stopped: bool,
}

struct Written {
    crc: u32,
    bytes: u64,
}

impl LogWriter {
    pub(super) fn new(storage: Arc<dyn Storage>, identity: Identity, options: LogOptions) -> Self {
        let seed = block::seed(&identity.directory_id);
        let segment_bytes = options.segment_bytes.max(BLOCKS_AT).next_multiple_of(block::ALIGNMENT as u64);
        let spares = Spares::new(
            Arc::clone(&storage),
            segment_bytes,
            options.spare_segments_max,
            options.preallocation,
        );
        Self {
            storage,
            identity,
            spares,
            segment_bytes,
            older: VecDeque::new(),
            current: None,
            last: Lsn::NOTHING,
            chain: seed,
            seed,
            buffer: Vec::new(),
            written: None,
            stopped: false,
        }
    }

    /// The last block, durable; 0 if there is none.
    pub fn last(&self) -> Lsn {
        self.last
    }

    /// Appends one block and makes it durable. Any fault but [`LogFault::BlockTooBig`] stops the writer for good.
    pub fn append(&mut self, parts: &[&[u8]], records: u32) -> Result<Lsn, LogFault> {
        self.write(parts.iter().copied(), records)?;
        self.flush()
    }

    /// Closes the log cleanly: writes a seal block, and into the identity that it was written.
    pub fn seal(mut self) -> Result<Lsn, LogFault> {
        self.seal_now()
    }

    /// Drops the segments whose blocks are all below that one, oldest first, and keeps some of their files for reuse.
    /// Returns how many were dropped. The segment written to always stays.
    pub fn trim(&mut self, below: Lsn) -> Result<u32, LogFault> {
        self.check_running()?;
        let mut count = 0;
        loop {
            let current_first = self.current.as_ref().map_or(Lsn::NOTHING, |current| current.header.first);
            let after = self.older.get(1).map_or(current_first, |(first, _)| *first);
            if after > below {
                return Ok(count);
            }
            let Some((first, path)) = self.older.pop_front() else { return Ok(count) };
            self.drop_segment(first, &path).map_err(|fault| self.stop(fault))?;
            count += 1;
        }
    }

    pub(super) fn seal_now(&mut self) -> Result<Lsn, LogFault> {
        self.write_block(Kind::Seal, std::iter::empty(), 0)?;
        let lsn = self.flush()?;
        self.spares.close();
        self.identity.sealed = lsn;
        self.identity.closed = true;
        self.identity.write(&*self.storage).map_err(|fault| self.stop(fault))?;
        self.stopped = true;
        Ok(lsn)
    }

    /// Writes the next block without waiting for the disk.
    pub(super) fn write<'a>(
        &mut self,
        parts: impl Iterator<Item = &'a [u8]> + Clone,
        records: u32,
    ) -> Result<Lsn, LogFault> {
        self.write_block(Kind::Data, parts, records)
    }

    /// Makes the block that was written durable.
    pub(super) fn flush(&mut self) -> Result<Lsn, LogFault> {
        self.check_running()?;
        let lsn = self.last.next();
        let written = self.written.take().expect("invariant: a block was written and not yet flushed");
        let current = self.current.as_mut().expect("invariant: a block was written to a segment");
        let fault = StorageFault::of("sync", &current.path, current.offset, lsn);
        if let Err(fault) = current.file.sync().map_err(fault) {
            return Err(self.stop(fault));
        }
        current.offset += written.bytes;
        let (filled, size) = (current.offset, current.header.size);
        self.chain = written.crc;
        self.last = lsn;
        self.spares.keep_pace(filled, size);
        Ok(lsn)
    }

    fn write_block<'a>(
        &mut self,
        kind: Kind,
        parts: impl Iterator<Item = &'a [u8]> + Clone,
        records: u32,
    ) -> Result<Lsn, LogFault> {
        self.check_running()?;
        assert!(self.written.is_none(), "invariant: a block is written after the one before is durable");
        let bytes = block_bytes(parts.clone().map(|part| part.len() as u64).sum());
        if bytes > BLOCK_BYTES_MAX {
            return Err(LogFault::BlockTooBig { bytes, max: BLOCK_BYTES_MAX });
        }
        let lsn = self.last.next();
        let (chain, epoch) = (self.chain, self.identity.epoch);
        let header = BlockHeader { length: 0, records, lsn, epoch, kind, chain, crc: 0 };
        let crc = block::encode(header, parts, self.seed, &mut self.buffer);
        self.make_room(bytes).map_err(|fault| self.stop(fault))?;
        let current = self.current.as_mut().expect("invariant: room was made in a segment");
        let fault = StorageFault::of("write", &current.path, current.offset, lsn);
        let written = current.file.write_all_at(&self.buffer, current.offset).map_err(fault);
        written.map_err(|fault| self.stop(fault))?;
        self.written = Some(Written { crc, bytes });
        Ok(lsn)
    }

    fn check_running(&self) -> Result<(), LogFault> {
        if self.stopped { Err(LogFault::Stopped { last: self.last }) } else { Ok(()) }
    }

    fn stop(&mut self, fault: StorageFault) -> LogFault {
        self.stopped = true;
        fault.into()
    }

    /// Sees to it that the current segment has room for a block.
    fn make_room(&mut self, bytes: u64) -> Result<(), StorageFault> {
        let size = (BLOCKS_AT + bytes).max(self.segment_bytes);
        match &mut self.current {
            Some(current) if current.header.size - current.offset >= bytes => Ok(()),
            Some(current) if current.offset == BLOCKS_AT => grow(current, size),
            _ => self.rotate(size),
        }
    }

    /// Begins a segment. Its file is complete and durable before it gets its name, and its name before its first block.
    pub(super) fn rotate(&mut self, size: u64) -> Result<(), StorageFault> {
        let first = self.last.next();
        let spare = self.spares.take(size)?;
        let header = SegmentHeader {
            number: self.current.as_ref().map_or(1, |current| current.header.number + 1),
            first,
            epoch: self.identity.epoch,
            size: spare.size,
            chain: self.chain,
            directory_id: self.identity.directory_id,
        };
        let mut file = spare.file;
        let fault = |attempt| StorageFault::of(attempt, &spare.path, 0, first);
        file.write_all_at(&header.encode(), 0).map_err(fault("write the header of"))?;
        file.sync().map_err(fault("sync the header of"))?;
        let path = segment::path(first);
        self.storage.rename(&spare.path, &path).map_err(fault("rename"))?;
        self.storage.sync_directory(DIRECTORY).map_err(StorageFault::of("sync", DIRECTORY, 0, first))?;
        let current = Current { file, path, header, offset: BLOCKS_AT };
        if let Some(full) = self.current.replace(current) {
            self.older.push_back((full.header.first, full.path));
        }
        Ok(())
    }

    /// Each one's end is durable before the next one's, so that what stays never has a hole.
    fn drop_segment(&mut self, first: Lsn, path: &str) -> Result<(), StorageFault> {
        let fault = |attempt| StorageFault::of(attempt, path, 0, first);
        if let Some(spare) = self.spares.recycle() {
            self.storage.rename(path, &spare).map_err(fault("rename"))?;
            self.spares.recycled(spare);
        } else {
            self.storage.delete(path).map_err(fault("delete"))?;
        }
        self.storage.sync_directory(DIRECTORY).map_err(StorageFault::of("sync", DIRECTORY, 0, first))
    }
}

/// Grows a segment that has no block yet. A crash leaves it longer than its header says, which is harmless.
fn grow(current: &mut Current, size: u64) -> Result<(), StorageFault> {
    zero_out(&mut *current.file, &current.path, current.header.size, size)?;
    let header = SegmentHeader { size, ..current.header };
    let fault = |attempt| StorageFault::of(attempt, &current.path, 0, header.first);
    current.file.write_all_at(&header.encode(), 0).map_err(fault("write the header of"))?;
    current.file.sync().map_err(fault("sync the header of"))?;
    current.header = header;
    Ok(())
}
