//! The log from outside: what it promises under damage, faults and power loss.
#![allow(missing_docs, clippy::unwrap_used, clippy::cast_possible_truncation)]
#![allow(clippy::case_sensitive_file_extension_comparisons)] // the names are our own

mod crash;
mod damage;
mod directory;
mod golden;
mod harness;
mod model;
mod queue;
mod tail;
