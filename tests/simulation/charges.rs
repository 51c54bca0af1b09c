//! What the auditor learns from the report of a batch of charges.

use std::collections::{BTreeMap, BTreeSet};

use exchequer::domain::refusals::Refusal;
use exchequer::engine::{OnError, PostReport};

use crate::model::{Contradiction, Model, Posted};
use crate::op::Sent;

impl Model {
    /// Each identity counts once, and is told once as accepted (rule C2); whether any was new.
    pub fn learn_report(
        &mut self,
        charges: &[Sent],
        on_error: OnError,
        report: &PostReport,
    ) -> Result<bool, Contradiction> {
        let counted =
            report.accepted + report.duplicate + report.conflict + report.rejected + report.unsubmitted;
        if counted != charges.len() as u64 {
            return Err(format!("{counted} of {} charges were counted", charges.len()));
        }
        if on_error == OnError::Atomic && !report.items.is_empty() {
            return Ok(false);
        }
        let duplicates: BTreeSet<_> = report.duplicates.iter().copied().collect();
        let refused: BTreeMap<_, _> = report.items.iter().map(|item| (item.index, item.code)).collect();
        let last = charges.len() as u64 - report.unsubmitted;
        let mut changed = false;
        for (index, sent) in (0_u32..).zip(charges).take_while(|(index, _)| u64::from(*index) < last) {
            let identity = (sent.cloud.clone(), sent.id.clone());
            let amount = sent.amount.money().units();
            let accepted = !duplicates.contains(&index);
            // Asked of a payer with another currency, it is taken for another amount.
            let payer = self.payer(&sent.cloud, sent.start).and_then(|payer| self.account(payer));
            let elsewhere = payer.is_some_and(|payer| payer.currency != sent.currency);
            let fits = payer
                .is_some_and(|payer| payer.bills.place(payer.bills.month(sent.start.micros())).is_some());
            match (refused.get(&index), self.posted.get_mut(&identity)) {
                (Some(Refusal::Conflict), Some(posted))
                    if posted.amount == amount && posted.currency == sent.currency && !elsewhere =>
                {
                    return Err(format!("charge {identity:?} conflicts with its like"));
                }
                (Some(Refusal::CycleTooOld), _) if fits => {
                    return Err(format!("charge {identity:?} is not too late"));
                }
                (Some(_), _) => {}
                (None, Some(posted)) if posted.amount != amount || posted.currency != sent.currency => {
                    return Err(format!("charge {identity:?} repeats another one"));
                }
                (None, Some(posted)) if accepted && posted.accepted => {
                    return Err(format!("charge {identity:?} was accepted twice"));
                }
                (None, Some(posted)) => posted.accepted |= accepted,
                // Also a duplicate: the answer to what posted it was lost, or is still to come.
                (None, None) => {
                    self.posted
                        .insert(identity.clone(), Posted { amount, currency: sent.currency, accepted });
                    let payer = self.payer(&sent.cloud, sent.start).map(str::to_owned);
                    let account = self.account_mut(&payer.unwrap_or_default())?;
                    let original = account.bills.month(sent.start.micros());
                    let place = account.bills.place(original);
                    let place = place.ok_or_else(|| format!("charge {identity:?} was posted too late"))?;
                    account.post(place, amount, sent.start.micros(), sent.category, sent.service);
                    changed = true;
                }
            }
        }
        Ok(changed)
    }
}
