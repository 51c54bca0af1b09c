//! The rules, pure: no I/O, no clock, no randomness, no actor, no wire format.

pub mod account;
pub mod account_command;
pub mod account_event;
pub mod charge;
pub mod charge_batch;
pub mod directory;
pub mod identities;
pub mod ids;
pub mod imports;
pub mod invariants;
pub mod keys;
pub mod ledger;
pub mod money;
pub mod names;
pub mod paid_cloud_account;
pub mod prefetch;
pub mod profile;
pub mod refusals;
pub mod strings;
pub mod time;
