//! `exchequer bench`: how fast the engine is here, beside a plain loop and the disk alone.

mod html;
mod ingest;
mod soak;

use std::path::PathBuf;

use clap::Subcommand;

use super::failure::Failure;
use super::{Globals, Verdict};

#[derive(Subcommand, Debug)]
pub(super) enum Arguments {
    /// Throughput and latency of durable charges, beside the floor: a plain loop that does the same work.
    Ingest(ingest::Arguments),
    /// Steady state with many identities held, charges sent again, and snapshots taken: does it stay steady?
    Soak(soak::Arguments),
}

/// What every benchmark takes.
#[derive(clap::Args, Debug)]
struct Common {
    /// Everything random follows from it.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Where the benchmark keeps its files while it runs: on the disk to be measured.
    #[arg(long, value_name = "DIR", default_value = ".")]
    scratch_dir: PathBuf,
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    match arguments {
        Arguments::Ingest(arguments) => ingest::run(globals, arguments),
        Arguments::Soak(arguments) => soak::run(globals, arguments),
    }
}
