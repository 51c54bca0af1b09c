//! The identity of a data directory, and how its log was left.
//!
//! ```text
//!  0               8        12       16                              32                              48
//!  +----------------+--------+--------+--------------------------------+--------------------------------+
//!  | magic          | version| flags  | directory id                   | hash key                       |
//!  +----------------+--------+--------+----------------+--------+------+--------------------------------+
//!  | epoch                            | sealed lsn     | zeros  | crc    |
//!  +----------------------------------+----------------+--------+--------+
//! 48                                 56               64       68       72
//! ```
//! Little-endian; flag bit 0: closed. The file is never written in place: a new one is written aside, synced, and
//! renamed over it.

use super::fault::{OpenFault, StorageFault};
use super::field::{array_at, put, u32_at, u64_at};
use super::lsn::Lsn;
use super::segment::{self, DIRECTORY, Named};
use super::storage::{LockFault, Storage};
use crc32c::crc32c;
use std::io;

const PATH: &str = "identity";
const TEMPORARY_PATH: &str = "identity.tmp";
const MAGIC: [u8; 8] = *b"EXCHQDIR";
const FORMAT_VERSION: u32 = 1;
const FILE_BYTES: usize = 72;
const CRC_AT: usize = 68;
const CLOSED: u32 = 1;

/// Who a data directory is, and how its log was left.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Random, never changes: every segment carries it.
    pub directory_id: [u8; 16],
    /// Random, never changes: seeds the keyed hash of charge ids.
    pub hash_key: [u8; 16],
    /// Counts the writable opens, from 1: every block carries that of its writer.
    pub epoch: u64,
    /// The last block of the last clean close (0: there was none). A log that does not reach it is damaged.
    pub sealed: Lsn,
    /// The log was closed cleanly and nobody has opened it for writing since: after its seal there is nothing.
    pub closed: bool,
}

impl Identity {
    /// Takes the lock of the data directory and its identity, of a new one made from `fresh` random bytes, and makes
    /// the next epoch durable. Call it once, before [`open_log`](super::open_log).
    pub fn open_or_create(
        storage: &dyn Storage,
        fresh: impl FnOnce() -> [u8; 32],
    ) -> Result<Self, OpenFault> {
        lock(storage)?;
        let identity = match Self::read(storage)? {
            Some(identity) => Self { epoch: identity.epoch.saturating_add(1), ..identity },
            None if log_exists(storage)? => {
                return Err(corrupt("it is missing, though there is a log"));
            }
            None => {
                let random = fresh();
                Self {
                    directory_id: array_at(&random, 0),
                    hash_key: array_at(&random, 16),
                    epoch: 1,
                    sealed: Lsn::NOTHING,
                    closed: false,
                }
            }
        };
        identity.write(storage)?;
        Ok(identity)
    }

    /// The identity as it is on disk, changing nothing; `None` if the directory has none.
    pub fn read(storage: &dyn Storage) -> Result<Option<Self>, OpenFault> {
        let fault = || StorageFault::of("read", PATH, 0, Lsn::NOTHING);
        let file = match storage.open(PATH) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(fault())?,
        };
        let mut bytes = [0; FILE_BYTES + 1];
        let mut filled = 0;
        while filled < bytes.len() {
            match file.read_at(&mut bytes[filled..], filled as u64).map_err(fault())? {
                0 => break,
                count => filled += count,
            }
        }
        Self::decode(&bytes[..filled]).map(Some)
    }

    /// Makes this the identity on disk.
    pub(super) fn write(&self, storage: &dyn Storage) -> Result<(), StorageFault> {
        let fault = |attempt| StorageFault::of(attempt, TEMPORARY_PATH, 0, Lsn::NOTHING);
        if storage.list("").map_err(fault("list the directory of"))?.iter().any(|name| name == TEMPORARY_PATH)
        {
            storage.delete(TEMPORARY_PATH).map_err(fault("delete"))?;
        }
        let mut file = storage.create(TEMPORARY_PATH).map_err(fault("create"))?;
        file.write_all_at(&self.encode(), 0).map_err(fault("write"))?;
        file.sync().map_err(fault("sync"))?;
        storage.rename(TEMPORARY_PATH, PATH).map_err(fault("rename"))?;
        storage.sync_directory("").map_err(fault("sync the directory of"))
    }

    fn encode(&self) -> [u8; FILE_BYTES] {
        let mut bytes = [0; FILE_BYTES];
        put(&mut bytes, 0, &MAGIC);
        put(&mut bytes, 8, &FORMAT_VERSION.to_le_bytes());
        put(&mut bytes, 12, &(if self.closed { CLOSED } else { 0 }).to_le_bytes());
        put(&mut bytes, 16, &self.directory_id);
        put(&mut bytes, 32, &self.hash_key);
        put(&mut bytes, 48, &self.epoch.to_le_bytes());
        put(&mut bytes, 56, &self.sealed.number().to_le_bytes());
        let crc = crc32c(&bytes[..CRC_AT]);
        put(&mut bytes, CRC_AT, &crc.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, OpenFault> {
        if bytes.len() < FILE_BYTES {
            return Err(corrupt("it is too short"));
        }
        if bytes[..8] != MAGIC {
            return Err(OpenFault::ForeignFile {
                file: PATH.to_owned(),
                what: "it does not start as an identity file does",
            });
        }
        if crc32c(&bytes[..CRC_AT]) != u32_at(bytes, CRC_AT) {
            return Err(corrupt("its checksum is wrong"));
        }
        let found = u32_at(bytes, 8);
        if found != FORMAT_VERSION {
            return Err(OpenFault::NewerVersion { file: PATH.to_owned(), found, known: FORMAT_VERSION });
        }
        if bytes.len() > FILE_BYTES {
            return Err(corrupt("it is too long"));
        }
        Ok(Self {
            directory_id: array_at(bytes, 16),
            hash_key: array_at(bytes, 32),
            epoch: u64_at(bytes, 48),
            sealed: Lsn::new(u64_at(bytes, 56)),
            closed: u32_at(bytes, 12) & CLOSED != 0,
        })
    }
}

/// Takes the lock of the data directory.
pub(super) fn lock(storage: &dyn Storage) -> Result<(), OpenFault> {
    storage.lock().map_err(|fault| match fault {
        LockFault::Held { pid } => OpenFault::Locked { pid },
        LockFault::Io(source) => StorageFault::of("lock", "LOCK", 0, Lsn::NOTHING)(source).into(),
    })
}

fn corrupt(what: &'static str) -> OpenFault {
    OpenFault::Corrupt { segment: PATH.to_owned(), offset: 0, lsn: Lsn::NOTHING, what }
}

/// The identity is durable before the first segment is made, so a log without one has lost it.
fn log_exists(storage: &dyn Storage) -> Result<bool, OpenFault> {
    let names = storage.list(DIRECTORY).map_err(StorageFault::of("list", DIRECTORY, 0, Lsn::NOTHING))?;
    Ok(names.iter().any(|name| matches!(segment::named(name), Named::Segment(_))))
}
