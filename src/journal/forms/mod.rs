//! Wire forms of everything but charges: MessagePack arrays, field order is the format.
//!
//! A form grows at its end only: a field that older bytes lack has a default, an enum gets variants after the last one,
//! and the record that holds such a variant says a higher version. So one form reads every version.
//!
//! They mirror the domain's types, so that a rule can be rewritten without touching what is on disk.

mod account_event;
pub mod account_record;
pub mod answer;
pub mod authorization_record;
pub(super) mod billing;
mod billing_event;
mod credit_event;
pub mod credit_record;
mod crossing;
pub mod directory_record;
pub(super) mod outbox;
pub(super) mod parts;
pub mod snapshot_account;
mod snapshot_billing;
pub(super) mod snapshot_enterprise;
mod standing;

use serde::Deserialize;

use super::JournalFault;

/// Decodes MessagePack; `kind` names the form in an error.
pub(super) fn from_slice<'a, T: Deserialize<'a>>(
    kind: &'static str,
    bytes: &'a [u8],
) -> Result<T, JournalFault> {
    rmp_serde::from_slice(bytes).map_err(|source| JournalFault::Form { kind, source })
}
