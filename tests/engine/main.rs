//! The whole engine over simulated storage: real threads, so schedules differ, and every property holds for all of
//! them.

mod batches;
mod commands;
mod crash;
mod fail_stop;
mod naive;
mod order;
mod reopen;
mod rig;
mod valve;
