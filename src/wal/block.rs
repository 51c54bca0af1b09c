//! One block: one group commit, and the unit that is whole or absent after a crash.
//!
//! ```text
//!        0        4        8               16              24       28       32       36       40
//!        +--------+--------+----------------+----------------+--------+--------+--------+--------+
//! header | length | records| lsn            | epoch          | kind   | chain  | crc    | check  |
//!        +--------+--------+----------------+----------------+--------+--------+--------+--------+
//!        | payload: `length` bytes                                     | zeros up to 8 bytes      |
//!        +-------------------------------------------------------------+--------------------------+
//! ```
//! Little-endian. `kind` is `DATA` or `SEAL`; `chain` is the `crc` of the block before (of the first block: the
//! directory's seed); `crc` is the CRC-32C of header bytes 0–31, payload and padding; `check` that of header bytes
//! 0–35, so that a damaged length is known before it is believed. Both start from the directory's [`seed`]: a block of
//! another directory, or one that a user smuggled into a payload, is not valid here.

use super::field::{put, u32_at, u64_at};
use super::lsn::Lsn;
use crc32c::{crc32c, crc32c_append};

/// Bytes before a block's payload.
pub(super) const BLOCK_HEADER_BYTES: usize = 40;
/// Every block starts at a multiple of it.
pub(super) const ALIGNMENT: usize = 8;

const SUMMED_BYTES: usize = 32;
const CRC_AT: usize = 32;
const CHECK_AT: usize = 36;
const KIND_AT: usize = 24;

/// What a block is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// It holds records.
    Data,
    /// The log was closed cleanly after the block before; it holds nothing.
    Seal,
}

impl Kind {
    const fn word(self) -> u32 {
        match self {
            Self::Data => u32::from_le_bytes(*b"DATA"),
            Self::Seal => u32::from_le_bytes(*b"SEAL"),
        }
    }

    fn of(word: u32) -> Option<Self> {
        [Self::Data, Self::Seal].into_iter().find(|kind| kind.word() == word)
    }
}

/// A block's header, decoded; `check` was right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BlockHeader {
    pub length: u32,
    pub records: u32,
    pub lsn: Lsn,
    pub epoch: u64,
    pub kind: Kind,
    pub chain: u32,
    pub crc: u32,
}

/// Where the checksums of a directory's blocks start.
pub(super) fn seed(directory_id: &[u8; 16]) -> u32 {
    crc32c(directory_id)
}

/// Bytes of a block with a payload of that many bytes.
pub(super) const fn block_bytes(payload: u64) -> u64 {
    (BLOCK_HEADER_BYTES as u64 + payload).next_multiple_of(ALIGNMENT as u64)
}

/// Whether a header may start here, at the price of one compare.
pub(super) fn may_start(bytes: &[u8]) -> bool {
    Kind::of(u32_at(bytes, KIND_AT)).is_some()
}

impl BlockHeader {
    /// The header in the first bytes, if its own checksum is right.
    pub fn decode(bytes: &[u8], seed: u32) -> Option<Self> {
        let header = bytes.get(..BLOCK_HEADER_BYTES)?;
        let kind = Kind::of(u32_at(header, KIND_AT))?;
        if crc32c_append(seed, &header[..CHECK_AT]) != u32_at(header, CHECK_AT) {
            return None;
        }
        Some(Self {
            length: u32_at(header, 0),
            records: u32_at(header, 4),
            lsn: Lsn::new(u64_at(header, 8)),
            epoch: u64_at(header, 16),
            kind,
            chain: u32_at(header, 28),
            crc: u32_at(header, CRC_AT),
        })
    }

    /// Bytes of the whole block.
    pub fn block_bytes(&self) -> u64 {
        block_bytes(u64::from(self.length))
    }

    /// Whether the whole block's checksum is right.
    pub fn sums_up(&self, block: &[u8], seed: u32) -> bool {
        sum(block, seed) == self.crc
    }
}

fn sum(block: &[u8], seed: u32) -> u32 {
    crc32c_append(crc32c_append(seed, &block[..SUMMED_BYTES]), &block[BLOCK_HEADER_BYTES..])
}

/// Writes a block into `buffer` (replacing what is there) and returns its `crc`. `length` and `crc` are found here.
pub(super) fn encode<'a>(
    header: BlockHeader,
    parts: impl Iterator<Item = &'a [u8]>,
    seed: u32,
    buffer: &mut Vec<u8>,
) -> u32 {
    buffer.clear();
    buffer.resize(BLOCK_HEADER_BYTES, 0);
    for part in parts {
        buffer.extend_from_slice(part);
    }
    let payload = buffer.len() - BLOCK_HEADER_BYTES;
    let length = u32::try_from(payload).expect("invariant: the writer bounds a block's payload");
    buffer.resize(buffer.len().next_multiple_of(ALIGNMENT), 0);
    put(buffer, 0, &length.to_le_bytes());
    put(buffer, 4, &header.records.to_le_bytes());
    put(buffer, 8, &header.lsn.number().to_le_bytes());
    put(buffer, 16, &header.epoch.to_le_bytes());
    put(buffer, KIND_AT, &header.kind.word().to_le_bytes());
    put(buffer, 28, &header.chain.to_le_bytes());
    let crc = sum(buffer, seed);
    put(buffer, CRC_AT, &crc.to_le_bytes());
    let check = crc32c_append(seed, &buffer[..CHECK_AT]);
    put(buffer, CHECK_AT, &check.to_le_bytes());
    crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_wrote() {
        let header = BlockHeader {
            length: 0,
            records: 3,
            lsn: Lsn::new(7),
            epoch: 2,
            kind: Kind::Data,
            chain: 5,
            crc: 0,
        };
        let mut buffer = Vec::new();
        let crc = encode(header, [&b"abc"[..], b"", b"de"].into_iter(), 9, &mut buffer);
        assert_eq!(buffer.len() as u64, block_bytes(5));
        let decoded = BlockHeader::decode(&buffer, 9).unwrap();
        assert_eq!(decoded, BlockHeader { length: 5, crc, ..header });
        assert!(decoded.sums_up(&buffer, 9));
        assert_eq!(BlockHeader::decode(&buffer, 8), None, "a block of another directory");
    }
}
