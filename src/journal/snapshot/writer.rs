//! Writing a snapshot aside; it counts when it is whole.

use std::io;

use super::{
    DIRECTORY, HEADER_BYTES, KEPT, KIND_END, MAGIC, PART_HEADER_BYTES, Part, UNFINISHED, VERSION, list, path,
};
use crate::wal::Lsn;
use crate::wal::storage::{Storage, StorageFile};

/// Synced after so many bytes: at its end the disk would be busy with all of it, and every commit would wait.
const SYNC_BYTES: u64 = 512 * 1024;

/// Writes a snapshot aside; [`SnapshotWriter::finish`] makes it count.
pub struct SnapshotWriter<'s> {
    storage: &'s dyn Storage,
    file: Box<dyn StorageFile>,
    low_water: Lsn,
    offset: u64,
    unsynced: u64,
    parts: u64,
}

impl<'s> SnapshotWriter<'s> {
    /// Begins a snapshot from which replay is to start after `low_water`, a durable block.
    pub fn create(storage: &'s dyn Storage, directory_id: [u8; 16], low_water: Lsn) -> io::Result<Self> {
        storage.create_directory(DIRECTORY)?;
        let exists = storage.list(DIRECTORY)?.iter().any(|name| UNFINISHED.ends_with(name.as_str()));
        let mut file = if exists {
            // That it has no other name must be durable before anything is written over.
            storage.sync_directory(DIRECTORY)?;
            storage.open(UNFINISHED)?
        } else {
            storage.create(UNFINISHED)?
        };
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.extend_from_slice(&MAGIC);
        header.extend_from_slice(&VERSION.to_le_bytes());
        header.extend_from_slice(&directory_id);
        header.extend_from_slice(&low_water.number().to_le_bytes());
        header.extend_from_slice(&crc32c::crc32c(&header).to_le_bytes());
        file.write_all_at(&header, 0)?;
        Ok(Self { storage, file, low_water, offset: header.len() as u64, unsynced: 0, parts: 0 })
    }

    /// Deletes the file of a snapshot that could not be written: it may be what can't be written to, or what fills the
    /// disk. Without effect if that fails.
    pub fn discard(storage: &dyn Storage) {
        if let Err(error) = storage.delete(UNFINISHED) {
            tracing::debug!(%error, file = UNFINISHED, "cannot delete the file of an unfinished snapshot");
        }
    }

    /// Writes one part.
    pub fn write(&mut self, part: &Part) -> io::Result<()> {
        let length = u32::try_from(part.body.len())
            .map_err(|_| io::Error::new(io::ErrorKind::FileTooLarge, "a part of a snapshot exceeds 4 GiB"))?;
        let mut header = Vec::with_capacity(PART_HEADER_BYTES);
        header.extend_from_slice(&part.kind.to_le_bytes());
        header.extend_from_slice(&length.to_le_bytes());
        let crc = crc32c::crc32c_append(crc32c::crc32c(&header), &part.body);
        header.extend_from_slice(&crc.to_le_bytes());
        self.file.write_all_at(&header, self.offset)?;
        self.file.write_all_at(&part.body, self.offset + header.len() as u64)?;
        let bytes = (header.len() + part.body.len()) as u64;
        self.offset += bytes;
        self.unsynced += bytes;
        self.parts += 1;
        if self.unsynced >= SYNC_BYTES {
            self.file.sync()?;
            self.unsynced = 0;
        }
        Ok(())
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.offset
    }

    /// Ends the snapshot and makes it count. Everything it may hold must be durable in the log by now.
    ///
    /// Gives the low-water mark of the older of two kept snapshots: the log up to it may be trimmed. None while there is
    /// only one, because it may yet turn out to be broken.
    ///
    /// `newest_whole` is the newest one that was read or written before: those above it were passed over when the
    /// ledger opened, because they are broken, and go.
    pub fn finish(mut self, newest_whole: Lsn) -> io::Result<Option<Lsn>> {
        let parts = self.parts;
        self.write(&Part::encode(KIND_END, &parts))?;
        if self.file.size()? > self.offset {
            self.file.set_size(self.offset)?;
        }
        self.file.sync()?;
        self.storage.rename(UNFINISHED, &path(self.low_water))?;
        self.storage.sync_directory(DIRECTORY)?;
        let low_water = self.low_water;
        let (mut kept, broken): (Vec<_>, Vec<_>) =
            list(self.storage)?.into_iter().partition(|one| *one <= newest_whole || *one == low_water);
        for one in broken {
            self.storage.delete(&path(one))?;
        }
        if kept.len() > KEPT {
            // One becomes the file of the next snapshot: to delete a large file takes the disk from every commit, a
            // millisecond for each of its megabytes.
            self.storage.rename(&path(kept.remove(0)), UNFINISHED)?;
            while kept.len() > KEPT {
                self.storage.delete(&path(kept.remove(0)))?;
            }
            // Before the log is trimmed: else one could come back that needs what is gone.
            self.storage.sync_directory(DIRECTORY)?;
        }
        Ok(kept.first().copied().filter(|_| kept.len() == KEPT))
    }
}
