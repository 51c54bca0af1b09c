//! What can go wrong with the log, in words that say what was attempted, where, and what to do.

use super::lsn::Lsn;
use std::error::Error;
use std::{fmt, io};

/// A call to the storage that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {attempt} `{file}` at offset `{offset}`, lsn `{lsn}`")]
pub struct StorageFault {
    /// What was attempted: a verb.
    pub attempt: &'static str,
    /// The file or directory, relative to the data directory.
    pub file: String,
    /// Where in the file, in bytes.
    pub offset: u64,
    /// The block it was about; 0 if about none.
    pub lsn: Lsn,
    /// What the operating system said.
    pub source: io::Error,
}

impl StorageFault {
    /// Wraps an error of the operating system: `.map_err(StorageFault::of("write", name, offset, lsn))`.
    pub(super) fn of(
        attempt: &'static str,
        file: &str,
        offset: u64,
        lsn: Lsn,
    ) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { attempt, file: file.to_owned(), offset, lsn, source }
    }

    fn hint(&self) -> &'static str {
        match self.source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "make room on the disk of the data directory, then start again: nothing acknowledged is lost"
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                "give this user the right to read and write the data directory, then start again"
            }
            _ => {
                "check the disk and the system's own log of errors, then start again: nothing acknowledged is lost"
            }
        }
    }
}

/// Why the log stopped taking blocks. Never retried: the writer is of no more use, a restart recovers.
#[derive(Debug, thiserror::Error)]
pub enum LogFault {
    /// A write or sync failed; nobody knows what of it reached the disk until the log is opened again.
    #[error(transparent)]
    Io(#[from] StorageFault),
    /// One block may not be that big.
    #[error("a block of `{bytes}` bytes is more than the `{max}` that one may have")]
    BlockTooBig {
        /// Bytes it would have.
        bytes: u64,
        /// Bytes it may have.
        max: u64,
    },
    /// The writer failed before.
    #[error("the log stopped at an earlier fault, after lsn `{last}`")]
    Stopped {
        /// The last block that is durable.
        last: Lsn,
    },
}

impl LogFault {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io(fault) => fault.hint(),
            Self::BlockTooBig { .. } => "hand over less at once",
            Self::Stopped { .. } => "look for the first fault, and start again",
        }
    }
}

/// Why the log could not be opened or read. Whatever is refused stays as it was; only [`OpenFault::Io`] may come in
/// the middle of cutting a torn tail, which the next open goes on with.
#[derive(Debug, thiserror::Error)]
pub enum OpenFault {
    /// Another process has the data directory.
    #[error("the data directory is in use by {}", holder(*pid))]
    Locked {
        /// Its process id, if known.
        pid: Option<u32>,
    },
    /// A call to the storage failed.
    #[error(transparent)]
    Io(#[from] StorageFault),
    /// The file was written by a later version of this program.
    #[error("`{file}` has format version `{found}`, this program knows versions up to `{known}`")]
    NewerVersion {
        /// The file.
        file: String,
        /// The version in it.
        found: u32,
        /// The newest one known here.
        known: u32,
    },
    /// A file that is not of this log.
    #[error("`{file}` is not of this log: {what}")]
    ForeignFile {
        /// The file.
        file: String,
        /// What tells.
        what: &'static str,
    },
    /// Damage that no crash explains.
    #[error("`{segment}` is damaged at offset `{offset}`, where lsn `{lsn}` is expected: {what}")]
    Corrupt {
        /// The segment (or other file).
        segment: String,
        /// Where in it, in bytes.
        offset: u64,
        /// The block that should be there; 0 if none.
        lsn: Lsn,
        /// What is wrong.
        what: &'static str,
    },
    /// Blocks are missing.
    #[error("the log lacks blocks: lsn `{expected}` is expected, {}", found_instead(*found))]
    Gap {
        /// The block that should be there.
        expected: Lsn,
        /// What is there instead: the next block after the hole, or the last one of the log; 0 if the log is empty.
        found: Lsn,
    },
    /// Blocks that are asked for were dropped on purpose.
    #[error("lsn `{expected}` was trimmed: the oldest block there is is lsn `{oldest}`")]
    Trimmed {
        /// The block that is asked for.
        expected: Lsn,
        /// The oldest one that is kept.
        oldest: Lsn,
    },
    /// The log was closed cleanly and is not whole any more.
    #[error("`{segment}` is damaged at offset `{offset}`, lsn `{lsn}`, though the log was closed cleanly")]
    SealedDamaged {
        /// The segment.
        segment: String,
        /// Where in it, in bytes.
        offset: u64,
        /// The block that should be there.
        lsn: Lsn,
    },
    /// The visitor would not go on.
    #[error("reading the log was stopped by its reader")]
    Stopped(#[source] VisitStop),
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process `{pid}`"))
}

fn found_instead(found: Lsn) -> String {
    if found == Lsn::NOTHING { "the log is empty".to_owned() } else { format!("`{found}` was found") }
}

impl OpenFault {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "stop that process first: one data directory has one writer",
            Self::Io(fault) => fault.hint(),
            Self::NewerVersion { .. } => "use the version of the program that wrote it, or a later one",
            Self::ForeignFile { .. } => "move it out of the data directory, or name the right data directory",
            Self::Corrupt { .. } | Self::SealedDamaged { .. } => {
                "nothing was changed: copy the data directory aside, check the disk, and restore from a backup"
            }
            Self::Trimmed { .. } => "read from the oldest block on, or keep the whole log (`trim_log` off)",
            Self::Gap { .. } => {
                "put the missing segments back, or restore the whole data directory from one backup; never mix two"
            }
            Self::Stopped(_) => "see what the reader said",
        }
    }
}

/// Why a visitor would not go on: any error, handed through unseen.
#[derive(Debug)]
pub struct VisitStop(Box<dyn Error + Send + Sync>);

impl VisitStop {
    /// Stops for that reason: an error, or a text.
    pub fn new(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(reason.into())
    }

    /// The reason, to downcast it.
    pub fn into_inner(self) -> Box<dyn Error + Send + Sync> {
        self.0
    }
}

impl fmt::Display for VisitStop {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Error for VisitStop {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
