//! The whole engine over simulated storage: real threads, so schedules differ, and every property holds for all of
//! them.

mod batches;
mod concurrent;
mod crash;
mod fail_stop;
mod keys;
mod naive;
mod order;
mod random;
mod reopen;
mod rig;
mod valve;
