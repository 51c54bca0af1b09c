//! The command as its users meet it: the real binary, its output word for word, its exit status.

#![allow(clippy::unwrap_used)] // a test that can't go on fails

mod account_year;
mod accounts;
mod alerts;
mod apply;
mod bad_input;
mod bench;
mod bills;
mod directory;
mod enterprise;
mod events;
mod generate;
mod harness;
mod hledger;
#[path = "../hledger/mod.rs"]
mod hledger_books;
mod ingest;
mod past;
mod presets;
mod queries;
mod real_files;
mod replace_period;
mod soak;
