//! Load: seeded workloads, the floor that the engine is measured against, and the measuring itself.
//!
//! Every figure of the engine stands beside one of a plain loop, or of the disk alone, taken in the same run: machines
//! are noisy, so ratios and medians count, not absolute figures.

pub mod accounts;
pub mod alerts;
pub mod bills;
pub mod disk;
pub mod drive;
pub mod events;
pub mod figures;
pub mod floor;
pub mod generate;
pub mod ingest;
pub mod latency;
pub mod machine;
pub mod memory;
pub mod recover;
pub mod replay_floor;
pub mod report;
pub mod soak;
pub mod transfers;
pub mod workload;
