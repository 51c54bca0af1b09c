//! How many bytes of memory an account and a remembered charge id cost, by the allocator's count.

use std::error::Error;
use std::path::Path;

use super::ingest::{open_accounts, without_snapshots};
use super::recover::Charges;
use crate::actors::billing_account::BillingAccount;
use crate::domain::ledger::Payment;
use crate::engine::Engine;

/// Charges before those that count, so that every buffer has its size.
const WARM_UP_CHARGES: u64 = 524_288;

/// How often the ids are looked at while they grow: tables grow in steps, and one look could meet a good moment.
const LOOKS: u64 = 40;

/// Bytes of an actor and of its payment relationship, as they lie in their shard.
pub const ACTOR_BYTES: usize = size_of::<BillingAccount>() + size_of::<Payment>();

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub struct MemorySpec {
    /// Billing accounts, each with one cloud account; all ids have 20 bytes.
    pub accounts: u32,
    /// Charge ids.
    pub ids: u64,
    /// Shards of the engine.
    pub shards: usize,
    /// The charges follow from it.
    pub seed: u64,
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Memory {
    /// Bytes that the accounts hold together.
    pub accounts_bytes: usize,
    /// At each look: how many ids were posted, and the bytes that they hold together.
    pub ids_bytes: Vec<(u64, usize)>,
}

impl Memory {
    /// Bytes of an id at each look of the second half.
    #[allow(clippy::cast_precision_loss)] // far below 2^52
    pub fn bytes_per_id(&self) -> Vec<f64> {
        let later = &self.ids_bytes[self.ids_bytes.len() / 2..];
        later.iter().map(|(ids, bytes)| *bytes as f64 / *ids as f64).collect()
    }
}

/// Measures in a directory of its own under `directory`; `live_bytes` asks the program's allocator.
pub fn measure(
    spec: &MemorySpec,
    directory: &Path,
    live_bytes: &dyn Fn() -> usize,
) -> Result<Memory, Box<dyn Error>> {
    let held = |engine: &Engine| -> Result<usize, Box<dyn Error>> {
        // Once everything handed over is done with.
        engine.barrier()?;
        Ok(live_bytes())
    };
    let home = tempfile::tempdir_in(directory)?;
    let engine = Engine::open(without_snapshots(home.path(), spec.shards))?;
    let empty = held(&engine)?;
    open_accounts(&engine, spec.accounts)?;
    let accounts_bytes = held(&engine)?.saturating_sub(empty);
    let mut charges = Charges::new(spec.accounts, spec.seed);
    charges.post(&engine, WARM_UP_CHARGES)?;
    let without_ids = held(&engine)?;
    let mut ids_bytes = Vec::new();
    for look in 1..=LOOKS {
        let ids = spec.ids * look / LOOKS;
        charges.post(&engine, ids + WARM_UP_CHARGES - charges.posted())?;
        ids_bytes.push((ids, held(&engine)?.saturating_sub(without_ids)));
    }
    engine.close()?;
    Ok(Memory { accounts_bytes, ids_bytes })
}
