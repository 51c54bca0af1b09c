//! The rules, pure: no I/O, no clock, no randomness, no actor, no wire format.

pub mod charge;
pub mod charge_batch;
pub mod money;
pub mod time;
