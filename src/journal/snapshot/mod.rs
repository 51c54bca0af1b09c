//! Snapshots: the state as of some lsn, so that recovery need not read the whole log (rule J1).
//!
//! A snapshot is fuzzy: its parts are taken one after another while charges go on. It is right all the same, because
//! every entity carries its record number, and replay from the low-water mark skips what an entity has already.
//! It counts only once everything that it may hold is durable in the log; until then it stands under another name. Two
//! are kept; the file of the one before becomes that of the next.
//!
//! ```text
//! snapshots/<low-water lsn, 20 digits>.snap
//! +--------+---------+--------------+-----------+-----+    +------+--------+-----+------+
//! | magic  | version | directory id | low water | CRC | +  | kind | length | CRC | body | …  end part
//! | 8      | u32     | 16           | u64       | u32 |    | u32  | u32    | u32 |      |
//! +--------+---------+--------------+-----------+-----+    +------+--------+-----+------+
//! ```

mod part;
mod writer;

use std::io;

use super::JournalFault;
use super::forms::from_slice;
use super::forms::snapshot_account::{AccountState, AccountV1};
use super::forms::snapshot_enterprise::{AuthorizationV1, CreditControlV1};
use crate::domain::admin_authorization::AdminAuthorization;
use crate::domain::credit_control::CreditControl;
use crate::domain::directory::DirectoryParts;
use crate::domain::identities::{Identities, IdentityKey};
use crate::domain::ids::{EnterpriseIndex, Partition};
use crate::domain::strings::{StringId, Strings};
use crate::domain::time::Cycle;
use crate::limits::PARTITIONS;
use crate::wal::Lsn;
use crate::wal::storage::{Storage, StorageFile};
pub use part::{AccountsPart, Part};
use part::{IdentitiesV1, directory_parts};
pub use writer::SnapshotWriter;

const DIRECTORY: &str = "snapshots";

const UNFINISHED: &str = "snapshots/unfinished.tmp";

const MAGIC: [u8; 8] = *b"EXCHSNAP";

/// Version 1 knows no enterprises, version 2 no bills, version 3 no alerts, suspensions and channels; they read as if there
/// were none.
const VERSION: u32 = 4;

const HEADER_BYTES: usize = 40;

const PART_HEADER_BYTES: usize = 12;

/// How many finished snapshots stay; a broken one falls back to the older.
const KEPT: usize = 2;

const KIND_END: u32 = 0;

const KIND_ACCOUNTS: u32 = 1;

const KIND_IDENTITIES: u32 = 2;

const KIND_DIRECTORY: u32 = 3;

const KIND_STRINGS: u32 = 4;

const KIND_CREDIT_CONTROL: u32 = 5;

const KIND_AUTHORIZATION: u32 = 6;

/// A snapshot that was read.
pub struct SnapshotState {
    /// Replay begins after this block.
    pub low_water: Lsn,
    /// The directory.
    pub directory: DirectoryParts,
    /// The accounts, in no particular order.
    pub accounts: Vec<AccountState>,
    /// All identities.
    pub identities: Identities,
    /// The kept strings.
    pub strings: Strings,
    /// Credit controls, in no particular order: of every enterprise of the directory, and perhaps of later ones.
    pub credit_controls: Vec<CreditControl>,
    /// Authorizations, of the same enterprises, and under [`EnterpriseIndex::NONE`] that outside of them.
    pub authorizations: Vec<(EnterpriseIndex, AdminAuthorization)>,
}

/// The names that a snapshot holds, for whoever only reads the log.
pub struct SnapshotNames {
    /// The log up to this block gives no other names.
    pub low_water: Lsn,
    /// The directory.
    pub directory: DirectoryParts,
    /// The kept strings.
    pub strings: Strings,
}

fn path(low_water: Lsn) -> String {
    format!("{DIRECTORY}/{:020}.snap", low_water.number())
}

/// The low-water marks of the finished snapshots, oldest first.
pub fn list(storage: &dyn Storage) -> io::Result<Vec<Lsn>> {
    let names = storage.list(DIRECTORY)?;
    let number = |name: &String| name.strip_suffix(".snap")?.parse().ok().map(Lsn::new);
    Ok(names.iter().filter_map(number).collect())
}

/// Reads the first of these snapshots that is whole. Broken ones are named in `broken`, with the reason.
///
/// One that only can't be read now, or by this program, is no broken one but a fault: who went on without it would
/// number new strings as it does not, and contradict it when it can be read again.
pub fn read_first_whole(
    storage: &dyn Storage,
    directory_id: [u8; 16],
    low_waters: impl Iterator<Item = Lsn>,
    broken: &mut Vec<(String, SnapshotFault)>,
) -> io::Result<Option<SnapshotState>> {
    for low_water in low_waters {
        match read(storage, directory_id, low_water) {
            Ok(state) => return Ok(Some(state)),
            Err(SnapshotFault::Io(error)) => return Err(error),
            Err(fault @ SnapshotFault::Newer(_)) => {
                return Err(io::Error::new(io::ErrorKind::Unsupported, fault));
            }
            Err(fault) => broken.push((path(low_water), fault)),
        }
    }
    Ok(None)
}

/// The names in the newest snapshot that is whole, one part in memory at a time; `None` if there is none.
pub fn read_newest_names(storage: &dyn Storage, directory_id: [u8; 16]) -> io::Result<Option<SnapshotNames>> {
    let mut listed = list(storage)?;
    loop {
        let found = read_first_names(storage, directory_id, &listed)?;
        let now = list(storage)?;
        match found {
            // As long as it has its name nobody writes over it.
            Some(names) if now.contains(&names.low_water) => return Ok(Some(names)),
            None if now == listed => return Ok(None),
            // Newer ones have replaced those while they were read.
            _ => listed = now,
        }
    }
}

/// The names in the newest of these snapshots that is there and whole.
fn read_first_names(
    storage: &dyn Storage,
    directory_id: [u8; 16],
    low_waters: &[Lsn],
) -> io::Result<Option<SnapshotNames>> {
    for low_water in low_waters.iter().rev() {
        match read_names(storage, directory_id, *low_water) {
            Ok(names) => return Ok(Some(names)),
            Err(SnapshotFault::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
            Err(SnapshotFault::Io(error)) => return Err(error),
            Err(fault @ SnapshotFault::Newer(_)) => {
                return Err(io::Error::new(io::ErrorKind::Unsupported, fault));
            }
            Err(fault) => tracing::warn!(file = path(*low_water), %fault, "passed over a broken snapshot"),
        }
    }
    Ok(None)
}

fn read_names(
    storage: &dyn Storage,
    directory_id: [u8; 16],
    low_water: Lsn,
) -> Result<SnapshotNames, SnapshotFault> {
    let file = storage.open(&path(low_water))?;
    let mut reader = PartReader { size: file.size()?, file: &*file, offset: 0 };
    reader.header(directory_id, low_water)?;
    let mut state = Collected::default();
    loop {
        match reader.part()? {
            (KIND_END, _) => break,
            (KIND_DIRECTORY, body) => state.directory = Some(directory_parts(&body)?),
            (KIND_STRINGS, body) => state.strings(&body)?,
            _ => {}
        }
    }
    let directory = state.directory.ok_or_else(|| reader.damaged("no directory"))?;
    Ok(SnapshotNames { low_water, directory, strings: state.strings })
}

/// Why a snapshot can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotFault {
    /// It could not be read.
    #[error("reading failed")]
    Io(#[from] io::Error),
    /// Bytes that no version writes, or a checksum that is wrong.
    #[error("{what} at offset {offset}")]
    Damaged {
        /// What is wrong.
        what: &'static str,
        /// Where.
        offset: u64,
    },
    /// A newer version.
    #[error("version {0} is newer than this program")]
    Newer(u32),
    /// It is right, but says what can't be.
    #[error("the contents are not understood")]
    Journal(#[from] JournalFault),
}

fn read(
    storage: &dyn Storage,
    directory_id: [u8; 16],
    low_water: Lsn,
) -> Result<SnapshotState, SnapshotFault> {
    let file = storage.open(&path(low_water))?;
    let mut reader = PartReader { size: file.size()?, file: &*file, offset: 0 };
    reader.header(directory_id, low_water)?;
    let mut state = Collected::default();
    loop {
        let (kind, body) = reader.part()?;
        match kind {
            KIND_END => {
                let parts: u64 = from_slice("end", &body)?;
                if parts != state.parts {
                    return Err(reader.damaged("parts are missing"));
                }
                break;
            }
            KIND_ACCOUNTS => {
                let accounts: Vec<AccountV1> = from_slice("accounts", &body)?;
                for account in accounts {
                    state.accounts.push(account.into_state()?);
                }
            }
            KIND_IDENTITIES => state.identities(&body)?,
            KIND_DIRECTORY => state.directory = Some(directory_parts(&body)?),
            KIND_STRINGS => state.strings(&body)?,
            KIND_CREDIT_CONTROL => {
                let form: CreditControlV1 = from_slice("credit control", &body)?;
                state.credit_controls.push(form.try_into()?);
            }
            KIND_AUTHORIZATION => {
                let form: AuthorizationV1 = from_slice("authorization", &body)?;
                state.authorizations.push(form.into_state()?);
            }
            _ => return Err(reader.damaged("part of an unknown kind")),
        }
        state.parts += 1;
    }
    let directory = state.directory.ok_or_else(|| reader.damaged("no directory"))?;
    Ok(SnapshotState {
        low_water,
        directory,
        accounts: state.accounts,
        identities: state.identities,
        strings: state.strings,
        credit_controls: state.credit_controls,
        authorizations: state.authorizations,
    })
}

#[derive(Default)]
struct Collected {
    parts: u64,
    accounts: Vec<AccountState>,
    identities: Identities,
    strings: Strings,
    directory: Option<DirectoryParts>,
    credit_controls: Vec<CreditControl>,
    authorizations: Vec<(EnterpriseIndex, AdminAuthorization)>,
}

impl Collected {
    fn identities(&mut self, body: &[u8]) -> Result<(), SnapshotFault> {
        let form: IdentitiesV1 = from_slice("identities", body)?;
        if usize::from(form.partition) >= PARTITIONS || !form.keys.len().is_multiple_of(16) {
            return Err(JournalFault::Malformed("identities").into());
        }
        let (partition, cycle) = (Partition(form.partition), Cycle::from_index(form.cycle));
        self.identities.reserve(partition, cycle, form.keys.len() / 16);
        for key in form.keys.chunks_exact(16) {
            let key = u128::from_le_bytes(key.try_into().expect("invariant: chunks of 16 bytes"));
            self.identities.insert(partition, cycle, IdentityKey(key));
        }
        Ok(())
    }

    fn strings(&mut self, body: &[u8]) -> Result<(), SnapshotFault> {
        let form: Vec<(u32, Box<str>)> = from_slice("strings", body)?;
        for (number, text) in form {
            if !self.strings.restore(StringId(number), &text) {
                return Err(JournalFault::Malformed("strings").into());
            }
        }
        Ok(())
    }
}

struct PartReader<'f> {
    file: &'f dyn StorageFile,
    size: u64,
    offset: u64,
}

impl PartReader<'_> {
    fn damaged(&self, what: &'static str) -> SnapshotFault {
        SnapshotFault::Damaged { what, offset: self.offset }
    }

    fn bytes(&mut self, count: usize) -> Result<Vec<u8>, SnapshotFault> {
        if self.size.saturating_sub(self.offset) < count as u64 {
            return Err(self.damaged("the file ends early"));
        }
        let mut bytes = vec![0; count];
        let mut filled = 0;
        while filled < count {
            let read = self.file.read_at(&mut bytes[filled..], self.offset + filled as u64)?;
            if read == 0 {
                return Err(self.damaged("the file ends early"));
            }
            filled += read;
        }
        self.offset += count as u64;
        Ok(bytes)
    }

    fn header(&mut self, directory_id: [u8; 16], low_water: Lsn) -> Result<(), SnapshotFault> {
        let header = self.bytes(HEADER_BYTES)?;
        let number =
            |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        if header[..8] != MAGIC || crc32c::crc32c(&header[..36]) != number(36) {
            return Err(self.damaged("header"));
        }
        if !(1..=VERSION).contains(&number(8)) {
            return Err(SnapshotFault::Newer(number(8)));
        }
        if header[12..28] != directory_id || header[28..36] != low_water.number().to_le_bytes() {
            return Err(self.damaged("header of another directory or lsn"));
        }
        Ok(())
    }

    fn part(&mut self) -> Result<(u32, Vec<u8>), SnapshotFault> {
        let header = self.bytes(PART_HEADER_BYTES)?;
        let number =
            |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let body = self.bytes(number(4) as usize)?;
        if crc32c::crc32c_append(crc32c::crc32c(&header[..8]), &body) != number(8) {
            return Err(self.damaged("checksum"));
        }
        Ok((number(0), body))
    }
}
