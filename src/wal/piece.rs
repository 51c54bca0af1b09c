//! What a follower has read of a segment: little at the end of the log, and more where it is behind.

use super::storage::StorageFile;
use std::io;

/// Bytes read at once at first, and at most: a follower at the end of the log gets blocks as they come, one that is
/// behind reads on.
const READ_BYTES_MIN: usize = 16 * 1024;
const READ_BYTES_MAX: usize = 1024 * 1024;

/// Some bytes of a segment, read once.
#[derive(Default)]
pub(super) struct Piece {
    bytes: Vec<u8>,
    filled: usize,
    start: u64,
    read_bytes: usize,
}

impl Piece {
    /// Forgets what was read: the next read is new.
    pub fn forget(&mut self) {
        self.filled = 0;
        self.read_bytes = READ_BYTES_MIN;
    }

    /// The `length` bytes at `offset`, of which as many as there are; `None` if they have to be read first.
    pub fn at(&self, offset: u64, length: usize) -> Option<&[u8]> {
        let skip = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        self.bytes[..self.filled].get(skip..skip.checked_add(length)?)
    }

    /// Reads from `offset` on, `length` bytes at least; fewer at the end of the file. What is known of them is kept, unless
    /// they are to be `fresh`.
    pub fn read(
        &mut self,
        file: &dyn StorageFile,
        offset: u64,
        length: usize,
        fresh: bool,
    ) -> io::Result<()> {
        let skip = offset.checked_sub(self.start).and_then(|skip| usize::try_from(skip).ok());
        let kept = skip.filter(|skip| !fresh && *skip < self.filled).map_or(0, |skip| {
            self.bytes.copy_within(skip..self.filled, 0);
            self.filled - skip
        });
        let wanted = length.max(self.read_bytes.max(READ_BYTES_MIN));
        self.read_bytes = (self.read_bytes * 2).clamp(READ_BYTES_MIN, READ_BYTES_MAX);
        if self.bytes.len() < wanted {
            self.bytes.resize(wanted, 0);
        } else if self.bytes.len() > 4 * READ_BYTES_MAX.max(wanted) {
            self.bytes.truncate(wanted); // of a block that was unusually big
            self.bytes.shrink_to_fit();
        }
        self.start = offset;
        self.filled = kept.min(wanted);
        while self.filled < wanted {
            match file.read_at(&mut self.bytes[self.filled..wanted], offset + self.filled as u64) {
                Ok(0) => break,
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
