//! What an account and a remembered charge id cost in memory, by the allocator's count.
//! `cargo test --release --test memory -- --nocapture` prints it.

#![allow(clippy::unwrap_used)] // a test that can't go on fails

use std::alloc::System;

use exchequer::load::memory::{ACTOR_BYTES, MemorySpec, measure};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const _: () = assert!(ACTOR_BYTES <= 256);

#[test]
#[allow(clippy::cast_precision_loss)] // a handful
fn accounts_and_ids_cost_what_they_may() {
    let spec = MemorySpec { accounts: 1_000_000, ids: 8_000_000, shards: 1, seed: 1 };
    let live_bytes = || {
        let stats = ALLOCATOR.stats();
        stats.bytes_allocated - stats.bytes_deallocated
    };
    let measured = measure(&spec, std::path::Path::new(env!("CARGO_TARGET_TMPDIR")), &live_bytes).unwrap();
    let account = measured.accounts_bytes / spec.accounts as usize;
    let ids = measured.bytes_per_id();
    let id = ids.iter().sum::<f64>() / ids.len() as f64;
    println!(
        "an account with its cloud account {account} bytes, of which its actor {ACTOR_BYTES}; an id {id:.1} bytes"
    );
    assert!(account <= 400, "{account} bytes an account");
    assert!(id <= 24.0, "{id} bytes an id: {ids:?}");
}
