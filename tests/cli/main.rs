//! The command as its users meet it: the real binary, its output word for word, its exit status.

#![allow(clippy::unwrap_used)] // a test that can't go on fails

mod apply;
mod bad_input;
mod bench;
mod directory;
mod enterprise;
mod generate;
mod harness;
mod ingest;
mod presets;
mod queries;
mod real_files;
mod soak;
