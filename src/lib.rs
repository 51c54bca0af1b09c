//! Exchequer: a billing-account ledger.

pub mod domain;
pub mod ingest;
pub mod limits;
