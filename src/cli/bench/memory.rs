//! `exchequer bench memory`: what an account and a remembered id cost, by the allocator's count.

use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::table::count;
use super::super::{Globals, Output, Verdict, console};
use super::{Bar, Common, cannot_measure};
use crate::load::memory::{ACTOR_BYTES, Memory, MemorySpec, measure};

#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    common: Common,
    /// Billing accounts, each with one cloud account; all ids have 20 bytes.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    accounts: u32,
    /// Charge ids to remember.
    #[arg(long, value_name = "N", default_value_t = 4_000_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    ids: u64,
    /// Shards of the engine.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    shards: u32,
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let spec = MemorySpec {
        accounts: arguments.accounts,
        ids: arguments.ids,
        shards: arguments.shards as usize,
        seed: arguments.common.seed,
    };
    let bar = Bar::start();
    bar.say(format!("{} accounts, {} ids", count(u64::from(spec.accounts)), count(spec.ids)));
    let measured = measure(&spec, &arguments.common.scratch_dir, &mut |share| bar.reached(share))
        .map_err(|error| cannot_measure(&*error))?;
    bar.finish();
    let figures = Figures::of(&spec, &measured);
    match globals.output {
        Output::Json => console::print_json(&figures.json(&spec))?,
        Output::Text => console::print(&figures.text())?,
    }
    Ok(Verdict::Good)
}

/// Bytes of one.
struct Figures {
    account: f64,
    id_mean: f64,
    id_max: f64,
}

impl Figures {
    #[allow(clippy::cast_precision_loss)] // far below 2^52
    fn of(spec: &MemorySpec, measured: &Memory) -> Self {
        let ids = measured.bytes_per_id();
        Self {
            account: measured.accounts_bytes as f64 / f64::from(spec.accounts),
            id_mean: ids.iter().sum::<f64>() / ids.len() as f64,
            id_max: ids.iter().copied().fold(0.0, f64::max),
        }
    }

    fn json(&self, spec: &MemorySpec) -> Value {
        json!({
            "accounts": spec.accounts,
            "ids": spec.ids,
            "shards": spec.shards,
            "seed": spec.seed,
            "account_bytes": self.account,
            "actor_bytes": ACTOR_BYTES,
            "id_bytes": { "mean": self.id_mean, "max": self.id_max },
        })
    }

    fn text(&self) -> String {
        format!(
            "an account with its cloud account holds {:.1} bytes, {ACTOR_BYTES} of them its actor and payment \
             relationship\na remembered id holds {:.1} bytes (mean while the second half was posted; the most {:.1})\n",
            self.account, self.id_mean, self.id_max
        )
    }
}
