//! A segment: a file of blocks, zero-filled before its first use.
//!
//! ```text
//!  0               8        12       16              24              32              40              48
//!  +----------------+--------+--------+----------------+----------------+----------------+----------------+
//!  | magic          | version| chain  | number         | first lsn      | epoch          | size           |
//!  +----------------+--------+--------+----------------+----------------+----------------+----------------+
//!  | directory id                     | zeros  | crc    | blocks, one after the other, then zeros  ...
//!  +----------------------------------+--------+--------+-----------------------------------------------
//! 48                                 64       68       72
//! ```
//! Little-endian. `chain` is the CRC of the last block before the segment, `size` that of the file, `crc` the CRC-32C of
//! bytes 0–67. Later versions keep magic, version and crc where they are.

use super::fault::OpenFault;
use super::field::{array_at, put, u32_at, u64_at};
use super::identity::Identity;
use super::lsn::Lsn;
use crc32c::crc32c;

/// Bytes before a segment's first block.
pub(super) const SEGMENT_HEADER_BYTES: usize = 72;
/// Where the first block starts.
pub(super) const BLOCKS_AT: u64 = SEGMENT_HEADER_BYTES as u64;
/// The log's directory within the data directory.
pub(super) const DIRECTORY: &str = "wal";
/// The newest format version this program reads, and the one it writes.
pub(super) const FORMAT_VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"EXCHQWAL";
const CRC_AT: usize = 68;

/// A segment's header, decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SegmentHeader {
    pub number: u64,
    pub first: Lsn,
    pub epoch: u64,
    pub size: u64,
    pub chain: u32,
    pub directory_id: [u8; 16],
}

/// The path of the segment that starts with that block.
pub(super) fn path(first: Lsn) -> String {
    format!("{DIRECTORY}/{:020}.wal", first.number())
}

/// The path of a file that may become a segment.
pub(super) fn spare_path(number: u64) -> String {
    format!("{DIRECTORY}/spare-{number}.tmp")
}

/// What a file name in the log's directory means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Named {
    Segment(Lsn),
    Spare,
    Foreign,
}

/// Reads a file name of the log's directory.
pub(super) fn named(name: &str) -> Named {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(number) = name.strip_suffix(".wal")
        && number.len() == 20
        && digits(number)
        && let Ok(number) = number.parse()
        && number > 0
    {
        return Named::Segment(Lsn::new(number));
    }
    match name.strip_prefix("spare-").and_then(|rest| rest.strip_suffix(".tmp")) {
        Some(number) if digits(number) && !number.is_empty() => Named::Spare,
        _ => Named::Foreign,
    }
}

impl SegmentHeader {
    /// The header's bytes.
    pub fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        put(&mut bytes, 0, &MAGIC);
        put(&mut bytes, 8, &FORMAT_VERSION.to_le_bytes());
        put(&mut bytes, 12, &self.chain.to_le_bytes());
        put(&mut bytes, 16, &self.number.to_le_bytes());
        put(&mut bytes, 24, &self.first.number().to_le_bytes());
        put(&mut bytes, 32, &self.epoch.to_le_bytes());
        put(&mut bytes, 40, &self.size.to_le_bytes());
        put(&mut bytes, 48, &self.directory_id);
        let crc = crc32c(&bytes[..CRC_AT]);
        put(&mut bytes, CRC_AT, &crc.to_le_bytes());
        bytes
    }

    /// The header of the segment `path`, which by its name starts with `first`; `None` if it is damaged.
    pub fn decode(
        bytes: &[u8],
        path: &str,
        first: Lsn,
        identity: &Identity,
    ) -> Result<Option<Self>, OpenFault> {
        let Some(bytes) = bytes.get(..SEGMENT_HEADER_BYTES) else { return Ok(None) };
        if bytes[..8] != MAGIC || crc32c(&bytes[..CRC_AT]) != u32_at(bytes, CRC_AT) {
            return Ok(None);
        }
        let found = u32_at(bytes, 8);
        if found != FORMAT_VERSION {
            return Err(OpenFault::NewerVersion { file: path.to_owned(), found, known: FORMAT_VERSION });
        }
        let header = Self {
            chain: u32_at(bytes, 12),
            number: u64_at(bytes, 16),
            first: Lsn::new(u64_at(bytes, 24)),
            epoch: u64_at(bytes, 32),
            size: u64_at(bytes, 40),
            directory_id: array_at(bytes, 48),
        };
        if header.directory_id != identity.directory_id {
            return Err(OpenFault::ForeignFile {
                file: path.to_owned(),
                what: "it carries the id of another data directory",
            });
        }
        let corrupt = |what| OpenFault::Corrupt { segment: path.to_owned(), offset: 0, lsn: first, what };
        if header.first != first {
            return Err(corrupt("its header names another first lsn than its file name"));
        }
        if header.epoch > identity.epoch {
            return Err(corrupt("its epoch is later than that of the identity file"));
        }
        Ok(Some(header))
    }

    /// Whether the bytes of a damaged header start as something else would: not as a segment, not with zeros.
    pub fn is_foreign(bytes: &[u8]) -> bool {
        bytes.get(..MAGIC.len()).is_some_and(|start| start != MAGIC && start != [0; MAGIC.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_own_names_only() {
        let check = |name: &str, expect: Named| assert_eq!(named(name), expect, "{name}");
        check("00000000000000000042.wal", Named::Segment(Lsn::new(42)));
        check("00000000000000000000.wal", Named::Foreign);
        check("99999999999999999999.wal", Named::Foreign);
        check("+0000000000000000042.wal", Named::Foreign);
        check("42.wal", Named::Foreign);
        check("spare-7.tmp", Named::Spare);
        check("spare-.tmp", Named::Foreign);
        check("notes.txt", Named::Foreign);
        assert_eq!(path(Lsn::new(42)), "wal/00000000000000000042.wal");
    }
}
