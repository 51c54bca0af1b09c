//! Events as versioned bytes and back; snapshots; replay. The only place that knows both `domain` and `wal`.
//!
//! Every record belongs to one entity (an account, the directory) and carries its sequence number, contiguous from 1.
//! [`charges::ChargesPosted`] is the one record of many entities: each row carries its account's. Records are facts:
//! replay refuses nothing and decides nothing.

pub mod charges;
pub mod column;
pub mod forms;
pub mod frame;
pub mod replay;
pub mod snapshot;

/// A record or snapshot that can't be understood, although its checksum is right.
#[derive(Debug, thiserror::Error)]
pub enum JournalFault {
    /// The MessagePack body does not have the form of its kind and version.
    #[error("record of kind `{kind}` is not in the form of its version")]
    Form {
        /// The kind's name.
        kind: &'static str,
        /// What the decoder says.
        #[source]
        source: rmp_serde::decode::Error,
    },
    /// Bytes that no version writes.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// A kind that this program does not know.
    #[error("record of unknown kind {0}")]
    UnknownKind(u8),
    /// A newer form than this program knows.
    #[error("record of kind `{kind}` has version {version}, which this program does not know")]
    NewerRecord {
        /// The kind's name.
        kind: &'static str,
        /// Its version.
        version: u8,
    },
    /// A record of an entity is missing.
    #[error("{entity} goes from record {have} to record {found}: records between are missing")]
    Gap {
        /// The entity.
        entity: String,
        /// The newest record that was applied.
        have: u64,
        /// The record that came.
        found: u64,
    },
    /// A record that contradicts the state before it.
    #[error("{0}")]
    Contradiction(String),
}
