//! What became of a batch (rule C6).

use crate::actors::ticket::Outcome;
use crate::domain::charge_batch::ChargeBatch;
use crate::domain::refusals::Refusal;

/// A charge that was not posted, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PostItem {
    /// Place in the batch, from 0.
    pub index: u32,
    /// The rule.
    pub code: Refusal,
    /// For a person.
    pub detail: String,
}

/// What became of a batch. Everything counted here is durable.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct PostReport {
    /// Posted.
    pub accepted: u64,
    /// Posted before; no effect.
    pub duplicate: u64,
    /// Which these are: places in the batch from 0, in order. Not told of an atomic batch that was refused.
    pub duplicates: Vec<u32>,
    /// Posted before with another amount; no effect.
    pub conflict: u64,
    /// Refused by a rule.
    pub rejected: u64,
    /// Not looked at, because an earlier charge stopped the batch.
    pub unsubmitted: u64,
    /// One for each charge in conflict or rejected, in order.
    pub items: Vec<PostItem>,
}

impl PostReport {
    pub(super) fn new(outcome: Outcome, batch: &ChargeBatch) -> Self {
        let mut exceptions = outcome.exceptions;
        exceptions.sort_unstable();
        let mut duplicates = outcome.duplicates;
        duplicates.sort_unstable();
        let items = exceptions
            .into_iter()
            .map(|(index, code)| {
                let charge = batch.get(index as usize);
                let detail = format!(
                    "charge `{}` of cloud account `{}`: {}",
                    charge.id,
                    charge.cloud_account,
                    code.hint()
                );
                PostItem { index, code, detail }
            })
            .collect();
        let counted = outcome.accepted + outcome.duplicate + outcome.conflict + outcome.rejected;
        Self {
            accepted: outcome.accepted,
            duplicate: outcome.duplicate,
            duplicates,
            conflict: outcome.conflict,
            rejected: outcome.rejected,
            unsubmitted: batch.len() as u64 - counted,
            items,
        }
    }
}
