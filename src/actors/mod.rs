//! Actors: they receive, ask the domain, append to the log and reply; no rules here.
//!
//! Every billing account is a resident actor ([`billing_account::BillingAccount`]), kept by value in its shard's slab.
//! The hot path calls its `Handler` in place; its mailbox opens when somebody asks for its address.

pub mod admin_authorization;
pub mod billing_account;
mod charge_texts;
pub mod contacts;
pub mod credit_control;
pub mod crossings;
pub mod directory;
pub mod drain;
mod fact_index;
pub mod gate;
pub mod health;
mod homes;
pub mod inbox;
pub mod issue;
pub mod listing;
pub mod log;
pub mod newest;
pub mod planted;
pub mod questions;
pub mod resident;
pub mod routes;
pub mod shard;
pub mod starter;
pub mod ticket;
pub mod timers;

use std::cell::Cell;

/// Messages that wait in a mailbox before `send` waits too.
const MAILBOX_CAPACITY: usize = 1_024;

thread_local! {
    static ON_ENGINE_THREAD: Cell<bool> = const { Cell::new(false) };
}

/// Marks the current thread as one that runs actors or the log.
pub(crate) fn mark_engine_thread() {
    ON_ENGINE_THREAD.set(true);
}

/// Whether the current thread runs actors or the log: a blocking call here would wait for itself. Users' code gets here
/// as the waker of whoever waits for an answer.
pub fn on_engine_thread() -> bool {
    ON_ENGINE_THREAD.get()
}
