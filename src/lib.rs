//! Exchequer: a billing-account ledger.

pub mod actors;
pub mod cli;
pub mod clock;
pub mod domain;
pub mod engine;
pub mod ingest;
pub mod journal;
pub mod limits;
pub mod wal;
