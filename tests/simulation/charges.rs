//! What the auditor learns from the report of a batch of charges.

use std::collections::{BTreeMap, BTreeSet};

use exchequer::domain::refusals::Refusal;
use exchequer::engine::{OnError, PostReport};

use crate::model::{Account, Contradiction, Model, Posted};
use crate::op::Sent;

impl Model {
    /// Each identity counts once, and is told once as accepted (rule C2); whether any was new.
    pub fn learn_report(
        &mut self,
        charges: &[Sent],
        on_error: OnError,
        report: &PostReport,
        at: i64,
    ) -> Result<bool, Contradiction> {
        let counted =
            report.accepted + report.duplicate + report.conflict + report.rejected + report.unsubmitted;
        if counted != charges.len() as u64 {
            return Err(format!("{counted} of {} charges were counted", charges.len()));
        }
        self.settle_of_atomic(charges, on_error, at);
        if on_error == OnError::Atomic && !report.items.is_empty() {
            return Ok(false);
        }
        let duplicates: BTreeSet<_> = report.duplicates.iter().copied().collect();
        let refused: BTreeMap<_, _> = report.items.iter().map(|item| (item.index, item.code)).collect();
        let last = charges.len() as u64 - report.unsubmitted;
        let mut changed = false;
        for (index, sent) in (0_u32..).zip(charges).take_while(|(index, _)| u64::from(*index) < last) {
            self.look_closer(sent, at);
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
                    self.post(sent, accepted, at)?;
                    changed = true;
                }
            }
        }
        Ok(changed)
    }

    /// What is told as a duplicate of nothing known was posted before a crash: in the order of the batch, as it was then.
    pub fn learn_posted_before(
        &mut self,
        charges: &[Sent],
        on_error: OnError,
        report: &PostReport,
        at: i64,
    ) -> Result<(), Contradiction> {
        let payers: Vec<_> =
            charges.iter().map(|sent| self.payer(&sent.cloud, sent.start).map(str::to_owned)).collect();
        let is_new = |model: &Self, place: &u32| {
            let sent = &charges[*place as usize];
            !model.posted.contains_key(&(sent.cloud.clone(), sent.id.clone()))
        };
        let posted: Vec<_> = report.duplicates.iter().copied().filter(|place| is_new(self, place)).collect();
        if !posted.is_empty() {
            self.settle_of_atomic(charges, on_error, at);
        }
        for (place, sent) in (0_u32..).zip(charges) {
            let same = |other: &&u32| payers[**other as usize] == payers[place as usize];
            // What comes after the last one of the account is looked at again anyhow.
            if posted.iter().filter(same).max().is_some_and(|last| place <= *last) {
                self.look_closer(sent, at);
                if posted.contains(&place) && is_new(self, &place) {
                    self.post(sent, false, at)?;
                }
            }
        }
        Ok(())
    }

    fn post(&mut self, sent: &Sent, accepted: bool, at: i64) -> Result<(), Contradiction> {
        let identity = (sent.cloud.clone(), sent.id.clone());
        let posted = Posted { amount: sent.amount.money().units(), currency: sent.currency, accepted };
        self.posted.insert(identity.clone(), posted);
        let payer = self.payer(&sent.cloud, sent.start).map(str::to_owned);
        let account = self.account_mut(&payer.unwrap_or_default())?;
        let place = account.bills.place(account.bills.month(sent.start.micros()));
        let place = place.ok_or_else(|| format!("charge {identity:?} was posted too late"))?;
        account.post(place, sent, at);
        Ok(())
    }

    /// What is due is decided before a charge that may change the standing, whatever becomes of it then.
    fn look_closer(&mut self, sent: &Sent, at: i64) {
        let Some(payer) = self.payer(&sent.cloud, sent.start).map(str::to_owned) else { return };
        let closer = |account: &Account| account.looks_closer(sent.amount.money().units());
        if self.months && self.account(&payer).is_some_and(closer) {
            self.settle_before(&payer, at);
        }
    }

    /// What time alone changes of the standing is decided first.
    fn settle_before(&mut self, payer: &str, at: i64) {
        if let Some(account) = self.accounts.get_mut(payer) {
            account.settle_standing(at.max(account.bills.at));
        }
    }

    /// Nothing comes in between charges that are posted all or none: what is due is decided first.
    fn settle_of_atomic(&mut self, charges: &[Sent], on_error: OnError, at: i64) {
        let payers: Option<BTreeSet<_>> =
            charges.iter().map(|sent| self.payer(&sent.cloud, sent.start).map(str::to_owned)).collect();
        if self.months
            && on_error == OnError::Atomic
            && let Some(payers) = payers
            && payers.len() == 1
        {
            for payer in payers {
                self.settle_before(&payer, at);
            }
        }
    }
}
