//! Wire forms, version 1, of everything but charges: MessagePack arrays, field order is the format.
//!
//! They mirror the domain's types, so that a rule can be rewritten without touching what is on disk.

pub mod account_record;
pub mod answer;
pub mod directory_record;
pub(super) mod parts;
pub mod snapshot_account;

use serde::Deserialize;

use super::JournalFault;

/// Decodes MessagePack; `kind` names the form in an error.
pub(super) fn from_slice<'a, T: Deserialize<'a>>(
    kind: &'static str,
    bytes: &'a [u8],
) -> Result<T, JournalFault> {
    rmp_serde::from_slice(bytes).map_err(|source| JournalFault::Form { kind, source })
}
