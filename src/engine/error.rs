//! What can go wrong, and what to do about it.

use std::io;

use crate::domain::invariants::Violation;
use crate::domain::refusals::Refusal;
use crate::journal::JournalFault;
use crate::wal::OpenFault;

/// Why a data directory could not be opened, read or verified.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory itself.
    #[error("cannot open the data directory `{path}`")]
    Directory {
        /// Its path.
        path: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// The log.
    #[error("cannot open the log")]
    Log(#[from] OpenFault),
    /// Records that can't be understood.
    #[error("cannot replay the log")]
    Journal(#[from] JournalFault),
    /// Replay ended in a state that can't be.
    #[error("the state breaks `{}`: {}", .0.invariant.id(), .0.detail)]
    Violated(Violation),
    /// A snapshot could not be read or written.
    #[error("cannot use the snapshots")]
    Snapshot(#[source] io::Error),
    /// A thread could not be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// A setting out of range.
    #[error("{0}")]
    Config(String),
}

impl OpenError {
    /// What to do.
    pub fn hint(&self) -> String {
        match self {
            Self::Directory { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "check --data-dir, or import something to make it".to_owned()
            }
            Self::Directory { .. } => "check that it is a directory that you may write".to_owned(),
            Self::Log(fault) => fault.hint().to_owned(),
            Self::Journal(JournalFault::NewerRecord { .. } | JournalFault::UnknownKind(_)) => {
                "open it with the program version that wrote it, or a newer one".to_owned()
            }
            Self::Journal(_) | Self::Violated(_) => {
                "keep the directory as it is, and restore a backup or report it with `exchequer verify`"
                    .to_owned()
            }
            Self::Snapshot(_) => {
                "check the disk; a snapshot may be deleted while the whole log is kept".to_owned()
            }
            Self::Thread(_) => "check the limits on threads and memory".to_owned(),
            Self::Config(_) => "correct the setting".to_owned(),
        }
    }
}

/// Why the engine did not do what it was asked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EngineError {
    /// A rule says no; nothing happened.
    #[error("{}: {detail}", refusal.code())]
    Refused {
        /// The rule.
        refusal: Refusal,
        /// For a person.
        detail: String,
    },
    /// The request is not well-formed; nothing happened.
    #[error("`{field}`: {detail}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// For a person.
        detail: String,
    },
    /// No room for more charges right now; nothing happened.
    #[error("busy: too many charges are in flight")]
    Busy,
    /// The engine stopped at a fault. What was not answered may or may not be durable: open it again and resend.
    #[error("the engine stopped: {0}")]
    Stopped(String),
    /// A blocking call on a thread that runs actors or the log would wait for itself.
    #[error("a blocking call on one of the engine's own threads")]
    WouldDeadlock,
    /// The log needed for the answer was trimmed, or can't be read.
    #[error("cannot read the log: {0}")]
    Log(String),
}

impl EngineError {
    /// A refusal with its usual advice.
    pub fn refused(refusal: Refusal, what: impl AsRef<str>) -> Self {
        let what = what.as_ref();
        let detail =
            if what.is_empty() { refusal.hint().to_owned() } else { format!("{what}: {}", refusal.hint()) };
        Self::Refused { refusal, detail }
    }

    /// What to do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Refused { refusal, .. } => refusal.hint(),
            Self::Invalid { .. } => "correct the request",
            Self::Busy => "wait a moment and try again",
            Self::Stopped(_) => {
                "mend the fault, open the engine again, and resend: what was posted is a duplicate then"
            }
            Self::WouldDeadlock => "use the async call, or a thread of your own",
            Self::Log(_) => "keep the whole log (`trim_log` off) for history, and run `exchequer verify`",
        }
    }
}
