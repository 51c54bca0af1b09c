//! The log from outside: what it promises under damage, faults and power loss.
#![allow(missing_docs)]

mod crash;
mod damage;
mod directory;
mod golden;
mod harness;
mod model;
mod queue;
