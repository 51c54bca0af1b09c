//! The journal by itself, without an engine: from domain through log and snapshot back to state.
#![allow(missing_docs, clippy::unwrap_used)]

mod billing;
mod crossing;
mod crossing_world;
mod golden;
mod golden_billing;
mod golden_rig;
mod golden_standing;
mod standing;
