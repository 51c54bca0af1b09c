//! The seam between the log and whatever keeps its bytes.
//!
//! Every path is relative to the data directory and '/'-separated; the empty path is the data directory itself.
//! [`OsStorage`] is the real one, [`SimStorage`] its simulated twin that can lose power.

mod os;
mod sim;

pub use os::OsStorage;
pub use sim::{SimFault, SimStorage};

use std::io;

/// A data directory: everything that the log asks of an operating system.
pub trait Storage: Send + Sync + 'static {
    /// Opens an existing file to read and write; [`io::ErrorKind::NotFound`] if there is none.
    fn open(&self, path: &str) -> io::Result<Box<dyn StorageFile>>;
    /// Creates a new, empty file; [`io::ErrorKind::AlreadyExists`] if there is one.
    fn create(&self, path: &str) -> io::Result<Box<dyn StorageFile>>;
    /// Gives a file another name, atomically replacing what had it. Durable after [`Storage::sync_directory`].
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Deletes a file. Durable after [`Storage::sync_directory`].
    fn delete(&self, path: &str) -> io::Result<()>;
    /// The names of the files of a directory, sorted; none if the directory does not exist.
    fn list(&self, directory: &str) -> io::Result<Vec<String>>;
    /// Creates a directory with its parents and makes it durable; fine if it exists.
    fn create_directory(&self, path: &str) -> io::Result<()>;
    /// Makes the names in a directory durable: what was created, renamed and deleted there.
    fn sync_directory(&self, path: &str) -> io::Result<()>;
    /// Locks the whole data directory against every other opener, until `self` is dropped; fine if `self` has it.
    fn lock(&self) -> Result<(), LockFault>;
}

/// An open file of a [`Storage`]; it stays the same file when it is renamed.
pub trait StorageFile: Send {
    /// Reads what is there from `offset` on, possibly less than `bytes` holds; 0 at the end of the file.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `bytes`, growing the file if needed. Durable after [`StorageFile::sync`].
    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Makes everything written durable, and the size (`fdatasync`).
    fn sync(&mut self) -> io::Result<()>;
    /// The size in bytes.
    fn size(&self) -> io::Result<u64>;
    /// Cuts the file, or grows it with zeros.
    fn set_size(&mut self, size: u64) -> io::Result<()>;
}

/// Why the data directory could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockFault {
    /// Somebody else has it.
    #[error("another process holds the lock of the data directory")]
    Held {
        /// The holder's process id, if the lock file tells it.
        pid: Option<u32>,
    },
    /// The lock file could not be opened, locked or written.
    #[error("cannot lock the data directory")]
    Io(#[from] io::Error),
}
