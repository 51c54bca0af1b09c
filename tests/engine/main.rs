//! The whole engine over simulated storage: real threads, so schedules differ, and every property holds for all of
//! them.
#![allow(clippy::unwrap_used, clippy::cast_possible_wrap, clippy::needless_for_each, clippy::unused_self)]
#![allow(clippy::case_sensitive_file_extension_comparisons)] // the names are our own

mod batches;
mod commands;
mod concurrent;
mod crash;
mod fail_stop;
mod feed;
mod golden;
mod keys;
mod listing;
mod naive;
mod order;
mod random;
mod reopen;
mod replace_period;
mod rig;
mod valve;
