//! Replacing a period (rule C8): a provider delivers a whole month again, and the differences of its sums to what was posted
//! are posted as adjustments.
//!
//! # What is compared
//!
//! The sums of each *key*: payer, cloud account, source, category, service, sku and currency. What was posted counts if its
//! cycle is that of the delivery and its source and payer occur in the delivery together ([`Reach`](super::Reach)); a key that the
//! delivery no longer has is taken back. The payer is who pays *now* for the start of the charge period, for delivered and
//! posted charges alike: what stayed with an old payer when the payer was changed afterwards is no difference (rule A4).
//!
//! # Once
//!
//! Sums of what was posted are read from the log each time, so a replacement that was cut off anywhere is completed by the
//! same delivery given again: what became durable is counted, the rest is still a difference. An adjustment's tags name the
//! category that it adjusts, under which it counts from then on.
//!
//! The id of an adjustment is a digest of its key, of both sums, and of how many charges the log held before. Every
//! replacement that posts anything makes the log longer, so no later one has the same id, not even one that goes from the
//! same sum to the same sum: A→B→A→B is posted three times. After a crash, an adjustment that is in the log has made it
//! longer as well and its difference zero; one that is not there may have its id again, for nothing was posted under it.

use std::collections::{BTreeMap, HashMap};

use super::delivery::{Change, Delivery, Key, adjusted, adjusts};
use super::{Engine, EngineError, OnError};
use crate::domain::charge::{Category, Charge};
use crate::domain::charge_batch::ChargeBatch;
use crate::domain::ids::Currency;
use crate::domain::money::{Amount, Money, RunningSum};
use crate::domain::refusals::Refusal;
use crate::domain::strings::{StringId, Strings};
use crate::domain::time::Cycle;
use crate::journal::JournalFault;
use crate::journal::charges::{ChargesPosted, Label, PostedCharge};
use crate::journal::frame::Kind;
use crate::limits::CHUNK_CHARGES_MAX;

/// Refused adjustments told in a report; the others are counted.
const ITEMS_MAX: usize = 100;

/// What a replacement did. All of it is durable.
#[derive(Clone, Default, Debug)]
pub struct ReplaceReport {
    /// Keys compared, of the delivery or posted before.
    pub keys: u64,
    /// Of these, keys whose sums were equal.
    pub unchanged: u64,
    /// Adjustments posted.
    pub adjustments: u64,
    /// Their exact sums; none where a sum is too large to be held.
    pub totals: BTreeMap<Currency, Option<Money>>,
    /// Charges posted for the same sources and cycle that the delivery does not speak for: left as they are.
    pub charges_left: u64,
    /// Adjustments refused: their differences remain.
    pub refused: u64,
    /// The first of them: the rule, and words for a person.
    pub items: Vec<(Refusal, String)>,
}

impl Engine {
    /// Posts what a delivery differs by from what was posted for its sources, payers and cycle, and waits until it is
    /// durable, blocking the thread.
    ///
    /// Nothing is posted if the delivery had unfit charges, or if a sum or a difference does not fit. The differences are
    /// posted in several batches: after a fault, deliver the same again. Whoever posts charges of that source and cycle
    /// meanwhile may see them counted or not; give the delivery again when they are done.
    pub fn replace_period(&self, mut delivery: Delivery) -> Result<ReplaceReport, EngineError> {
        self.blocking()?;
        if delivery.unfit > 0 {
            let detail = format!("{} charges can't be part of it", delivery.unfit);
            return Err(EngineError::Invalid { field: "delivery", detail });
        }
        let _alone = pollster::block_on(self.inner.replacing.lock());
        let mut report = ReplaceReport::default();
        let charges_before = self.add_posted(&mut delivery, &mut report)?;
        let changes = delivery.changes().map_err(|refusal| EngineError::refused(refusal, "the delivery"))?;
        report.keys = delivery.sums.len() as u64;
        report.unchanged = report.keys - changes.len() as u64;
        let mut sums = BTreeMap::new();
        let mut batch = ChargeBatch::new();
        for change in &changes {
            for (part, amount) in (0..).zip(change.difference.amounts()) {
                self.push_adjustment(&mut batch, &delivery, change, amount, (part, charges_before));
                if batch.len() == CHUNK_CHARGES_MAX {
                    self.post_adjustments(&mut batch, &mut report, &mut sums)?;
                }
            }
        }
        self.post_adjustments(&mut batch, &mut report, &mut sums)?;
        report.totals = sums.into_iter().map(|(currency, sum)| (currency, sum.total())).collect();
        Ok(report)
    }

    /// Adds what was posted so far, and gives how many charges the log holds.
    fn add_posted(&self, delivery: &mut Delivery, report: &mut ReplaceReport) -> Result<u64, EngineError> {
        // What was accepted by now is on disk after this, and so in what is read.
        let (currencies, names) = self.currencies()?;
        let mut logged = Strings::default();
        let mut charges = 0;
        self.read_history(&mut |_, frame| {
            if frame.kind != Kind::ChargesPosted {
                return Ok(());
            }
            let posted = ChargesPosted::decode(frame)?;
            if !posted.strings.iter().all(|(number, text)| logged.restore(*number, text)) {
                return Err(JournalFault::Malformed("strings"));
            }
            for charge in &posted {
                let charge = charge?;
                charges += 1;
                if cycle_of(&charge) != delivery.cycle {
                    continue;
                }
                let Some(source) = delivery.labels.numbers.get(text(&logged, charge.source)).copied() else {
                    continue;
                };
                let (payer, first) = {
                    let directory = self.inner.directory.read();
                    let payer = directory.payer(charge.cloud, charge.period_start).account;
                    (payer, directory.first_payer(charge.cloud).account)
                };
                if ![None, Some(first)].iter().any(|of| delivery.reach.contains(&(source, payer, *of))) {
                    // A label of the delivery that is no source of it has no reach at all.
                    report.charges_left += u64::from(delivery.reach.iter().any(|of| of.0 == source));
                    continue;
                }
                // Of the account that it was posted to: a sum never mixes currencies.
                let currency =
                    currencies.get(charge.account.0 as usize).and_then(|place| names.get(*place as usize));
                let key = Key {
                    payer,
                    cloud: charge.cloud,
                    source,
                    category: adjusted(charge.category, charge.tags),
                    service: delivery.labels.number(text(&logged, charge.service)),
                    sku: delivery.labels.number(text(&logged, charge.sku)),
                    currency: *currency.ok_or(JournalFault::Malformed("account"))?,
                };
                let amount = Amount::new(charge.amount).map_err(|_| JournalFault::Malformed("amount"))?;
                let sums = delivery.sums(key, charge.period_start);
                sums.posted = sums.posted.plus(amount.money());
            }
            Ok(())
        })?;
        Ok(charges)
    }

    fn push_adjustment(
        &self,
        batch: &mut ChargeBatch,
        delivery: &Delivery,
        change: &Change,
        amount: Amount,
        (part, charges_before): (u64, u64),
    ) {
        let (key, labels) = (&change.key, &delivery.labels);
        let id = delivery.id(change, part, charges_before);
        let directory = self.inner.directory.read();
        let cloud_account = directory.cloud_id(key.cloud).unwrap_or_default();
        batch.push(&Charge {
            billing_cycle: Some(delivery.cycle),
            // A tax stays one: a bill's own tax is not computed on it (rule D2).
            category: if key.category == Category::Tax { Category::Tax } else { Category::Adjustment },
            service: labels.text(key.service),
            sku: labels.text(key.sku),
            tags: &adjusts(key.category),
            ..Charge::usage(
                cloud_account,
                labels.text(key.source),
                &id,
                amount,
                key.currency.as_str(),
                change.period_start,
            )
        });
    }

    /// Posts the adjustments of a batch and empties it.
    fn post_adjustments(
        &self,
        batch: &mut ChargeBatch,
        report: &mut ReplaceReport,
        sums: &mut BTreeMap<Currency, RunningSum>,
    ) -> Result<(), EngineError> {
        let posted = self.post(batch, OnError::Continue)?;
        report.adjustments += posted.accepted;
        report.refused += batch.len() as u64 - posted.accepted;
        let mut refused: HashMap<usize, (Refusal, String)> =
            posted.items.into_iter().map(|item| (item.index as usize, (item.code, item.detail))).collect();
        // Somebody else's charge has its id: the difference remains, which is not to be kept quiet.
        for index in posted.duplicates {
            let detail = format!("charge `{}` was posted before", batch.get(index as usize).id);
            refused.insert(index as usize, (Refusal::Conflict, detail));
        }
        for (index, charge) in batch.iter().enumerate() {
            match (refused.remove(&index), Currency::parse(charge.currency)) {
                (Some(item), _) if report.items.len() < ITEMS_MAX => report.items.push(item),
                (None, Some(currency)) => {
                    let sum: &mut RunningSum = sums.entry(currency).or_default();
                    *sum = sum.plus(charge.amount.money());
                }
                _ => {}
            }
        }
        batch.clear();
        Ok(())
    }
}

/// The cycle that a posted charge counts for: also where its bill was issued before (rule C4).
const fn cycle_of(charge: &PostedCharge<'_>) -> Cycle {
    charge.original_cycle
}

fn text<'a>(logged: &'a Strings, label: Label<'a>) -> &'a str {
    if label.number == StringId::INLINE {
        label.inline
    } else {
        logged.text(label.number).unwrap_or_default()
    }
}
