//! Kills real processes at random moments, again and again, and looks at what is left.
//!
//! `cargo test` runs short ones. The long ones, of the release build:
//! `cargo test --release --test killer -- --ignored --nocapture`

#![allow(clippy::unwrap_used)] // a test that can't go on fails

#[allow(dead_code)] // the tests of channels use all of it
#[path = "../notify/http.rs"]
mod http;
mod imports;
mod notifications;
mod transfers;
mod work;

use parking_lot::Mutex;

/// Held by each test: a process that is just being started would hold, for a moment, the locks of all others' ledgers.
static ALONE: Mutex<()> = Mutex::new(());

/// `SplitMix64`.
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
