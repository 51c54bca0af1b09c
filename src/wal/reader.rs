//! Reading a segment in big pieces, without an allocation per block.

use super::block::{ALIGNMENT, BLOCK_HEADER_BYTES, BlockHeader, may_start};
use super::lsn::Lsn;
use super::storage::StorageFile;
use std::io;

const PIECE_BYTES: usize = 1024 * 1024;

/// Zeros to compare with and to write.
pub(super) static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// A window that moves forward over a file, up to a limit.
pub(super) struct Window {
    file: Box<dyn StorageFile>,
    limit: u64,
    buffer: Vec<u8>,
    start: u64,
    filled: usize,
}

impl Window {
    /// A window at the start of `file`, which never shows anything from `limit` on. Reuses the buffer of another.
    pub fn new(file: Box<dyn StorageFile>, limit: u64, buffer: Vec<u8>) -> Self {
        Self { file, limit, buffer, start: 0, filled: 0 }
    }

    /// The file and the buffer, to use them again.
    pub fn into_parts(self) -> (Box<dyn StorageFile>, Vec<u8>) {
        (self.file, self.buffer)
    }

    /// Where the window ends for good.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// The `length` bytes at `offset`; fewer at the end of the file.
    pub fn at(&mut self, offset: u64, length: u64) -> io::Result<&[u8]> {
        let length = length.min(self.limit.saturating_sub(offset));
        let length = usize::try_from(length).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        let mut skip = self.inside(offset);
        if skip.is_none_or(|skip| self.filled - skip < length) {
            self.refill(offset, skip, length)?;
            skip = Some(0);
        }
        let skip = skip.unwrap_or(0);
        Ok(&self.buffer[skip..self.filled.min(skip + length)])
    }

    fn inside(&self, offset: u64) -> Option<usize> {
        let skip = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        (skip <= self.filled).then_some(skip)
    }

    fn refill(&mut self, offset: u64, keep_from: Option<usize>, length: usize) -> io::Result<()> {
        let kept = keep_from.map_or(0, |skip| {
            self.buffer.copy_within(skip..self.filled, 0);
            self.filled - skip
        });
        let wanted = length.max(PIECE_BYTES);
        let left = usize::try_from(self.limit.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = wanted.min(left).max(kept);
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        self.start = offset;
        self.filled = kept;
        while self.filled < wanted {
            match self.file.read_at(&mut self.buffer[self.filled..wanted], offset + self.filled as u64) {
                Ok(0) => break,
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// What there is from a place to the end of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Scan {
    /// After the last byte that is not zero; the place itself if all are. Not exact if there is a valid block.
    pub content_end: u64,
    /// Whether a valid block of the expected or a later lsn begins somewhere after the place.
    pub valid_block: bool,
}

/// Looks through the rest of a segment from `offset`, a multiple of 8.
pub(super) fn scan(
    window: &mut Window,
    offset: u64,
    seed: u32,
    expected: Lsn,
    epoch_max: u64,
) -> io::Result<Scan> {
    let mut found = Scan { content_end: offset, valid_block: false };
    let limit = window.limit();
    let mut at = offset;
    while at < limit {
        let bytes = window.at(at, PIECE_BYTES as u64)?;
        if bytes.is_empty() {
            break;
        }
        let mut candidate = None;
        if let Some(last) = last_content(bytes) {
            found.content_end = found.content_end.max(at + last as u64 + 1);
            candidate = candidates(bytes, seed, expected, epoch_max)
                .map(|(index, header)| (at + index as u64, header))
                .find(|(start, _)| *start > offset);
        }
        at += if bytes.len() < PIECE_BYTES { bytes.len() } else { PIECE_BYTES - BLOCK_HEADER_BYTES } as u64;
        if let Some((start, header)) = candidate {
            let total = header.block_bytes();
            if total <= limit - start {
                let block = window.at(start, total)?;
                found.valid_block = block.len() as u64 == total && header.sums_up(block, seed);
            }
            if found.valid_block {
                break;
            }
            at = start + ALIGNMENT as u64;
        }
    }
    Ok(found)
}

/// Every header in `bytes` that could be that of the expected block or a later one.
fn candidates(
    bytes: &[u8],
    seed: u32,
    expected: Lsn,
    epoch_max: u64,
) -> impl Iterator<Item = (usize, BlockHeader)> {
    (0..(bytes.len() + 1).saturating_sub(BLOCK_HEADER_BYTES))
        .step_by(ALIGNMENT)
        .filter(|index| may_start(&bytes[*index..]))
        .filter_map(move |index| Some((index, BlockHeader::decode(&bytes[index..], seed)?)))
        .filter(move |(_, header)| header.lsn >= expected && header.epoch <= epoch_max)
}

/// Where the last byte is that is not zero.
fn last_content(bytes: &[u8]) -> Option<usize> {
    let mut end = bytes.len();
    while end > 0 {
        let start = end.saturating_sub(ZEROS.len());
        if bytes[start..end] != ZEROS[..end - start] {
            return bytes[start..end].iter().rposition(|byte| *byte != 0).map(|index| start + index);
        }
        end = start;
    }
    None
}
