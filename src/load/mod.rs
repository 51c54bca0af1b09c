//! What puts load on a ledger.

pub mod generate;
