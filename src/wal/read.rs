//! Reading the log, changing nothing.

use super::fault::{OpenFault, VisitStop};
use super::identity::Identity;
use super::log_files::LogFiles;
use super::lsn::Lsn;
use super::storage::Storage;
use super::walk::walk;

/// A block as a visitor sees it. A seal is a block of no records and no bytes.
#[derive(Clone, Copy, Debug)]
pub struct BlockRef<'a> {
    /// Its number.
    pub lsn: Lsn,
    /// How many records its writer said it holds.
    pub records: u32,
    /// The payload.
    pub bytes: &'a [u8],
    /// The segment's path in the data directory.
    pub segment: &'a str,
    /// Where the block starts in it, in bytes.
    pub offset: u64,
}

/// A block that a crash tore: written in part, never acknowledged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TornTail {
    /// The number it would have had.
    pub lsn: Lsn,
    /// The segment.
    pub segment: String,
    /// Where it starts, in bytes.
    pub offset: u64,
    /// How many bytes of it there were.
    pub bytes: u64,
}

/// What was read.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Recovered {
    /// The last block.
    pub last: Lsn,
    /// It is a seal: the log was closed cleanly.
    pub sealed: bool,
    /// What a crash left of the block after it.
    pub torn: Option<TornTail>,
    /// Blocks that the visitor saw.
    pub blocks: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
}

/// A segment, as [`inspect`] reports it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SegmentInfo {
    /// Its path in the data directory.
    pub name: String,
    /// The first block, there or to come.
    pub first: Lsn,
    /// The last block; if there is none, the one before the segment.
    pub last: Lsn,
    /// The epoch of the writer that began it.
    pub epoch: u64,
    /// Blocks in it.
    pub blocks: u64,
    /// Bytes used by the header and the blocks.
    pub bytes_used: u64,
    /// Bytes of the file.
    pub size: u64,
    /// Its last block is a seal.
    pub sealed: bool,
}

/// Reads the blocks from `from` on (0: from the oldest there is) to `until` (inclusive; none: to the end), changing
/// nothing. With `until` a durable lsn it may run beside a live writer, as long as that does not trim what is read.
pub fn read_log(
    storage: &dyn Storage,
    identity: &Identity,
    from: Lsn,
    until: Option<Lsn>,
    visit: &mut dyn FnMut(BlockRef<'_>) -> Result<(), VisitStop>,
) -> Result<Recovered, OpenFault> {
    let files = LogFiles::list(storage)?;
    Ok(walk(storage, identity, &files, from, until, visit)?.recovered)
}

/// Every segment, after reading all of it; a damaged log is a fault as in [`read_log`].
pub fn inspect(storage: &dyn Storage, identity: &Identity) -> Result<Vec<SegmentInfo>, OpenFault> {
    let files = LogFiles::list(storage)?;
    Ok(walk(storage, identity, &files, Lsn::NOTHING, None, &mut |_| Ok(()))?.segments)
}
