//! A month that was delivered again, summed up as it comes (rule C8).

use std::collections::{HashMap, HashSet};
use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher24};

use super::post::routable;
use super::{Engine, EngineError};
use crate::actors::billing_account::View;
use crate::domain::charge::{Category, Charge};
use crate::domain::charge_batch::ChargeBatch;
use crate::domain::ids::{AccountIndex, CloudIndex, Currency};
use crate::domain::money::{Money, RunningSum};
use crate::domain::refusals::Refusal;
use crate::domain::time::{Cycle, Timestamp, UtcOffset};

/// The key of the digests in ids.
const DIGEST_KEY: [u8; 16] = *b"exchequer/repl/1";

/// A month as it was delivered again: the sums of its charges, in memory for each key and not for each charge.
#[derive(Debug)]
pub struct Delivery {
    pub(super) cycle: Cycle,
    pub(super) unfit: u64,
    payers: HashMap<AccountIndex, (UtcOffset, Currency)>,
    pub(super) labels: Labels,
    /// The sources and payers in it; of some, only for cloud accounts with that first payer.
    pub(super) reach: HashSet<(u32, AccountIndex, Option<AccountIndex>)>,
    pub(super) sums: HashMap<Key, Sums>,
}

/// Which posted charges a delivered charge speaks for, besides those of its own key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// All of its source and payer: charges that name their cloud accounts themselves.
    Payer,
    /// Of these, all of cloud accounts with the same first payer: charges of a file for one billing account of the
    /// provider's. One payer may have taken over the cloud accounts of several such files, and the others still hold.
    FirstPayer,
}

/// Why a charge can't be part of a delivery.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// It would be refused if it were posted.
    Refused(Refusal),
    /// It belongs to another cycle.
    OtherCycle(Cycle),
}

/// What is summed up together. The labels are numbers of [`Labels`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Key {
    pub(super) payer: AccountIndex,
    pub(super) cloud: CloudIndex,
    pub(super) source: u32,
    pub(super) category: Category,
    pub(super) service: u32,
    pub(super) sku: u32,
    pub(super) currency: Currency,
}

/// The two sums of a key.
#[derive(Debug)]
pub(super) struct Sums {
    pub(super) delivered: RunningSum,
    pub(super) posted: RunningSum,
    /// When any charge of the key starts: its payer pays for an adjustment that starts then.
    pub(super) period_start: Timestamp,
}

/// A key whose sums differ.
pub(super) struct Change {
    pub(super) key: Key,
    pub(super) posted: Money,
    pub(super) delivered: Money,
    pub(super) difference: Money,
    pub(super) period_start: Timestamp,
}

/// Sources, services and skus, numbered for one delivery.
#[derive(Default, Debug)]
pub(super) struct Labels {
    pub(super) texts: Vec<Box<str>>,
    pub(super) numbers: HashMap<Box<str>, u32>,
}

impl Labels {
    pub(super) fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.texts.len()).expect("invariant: memory ends far below 2^32 texts");
        self.texts.push(text.into());
        self.numbers.insert(text.into(), number);
        number
    }

    pub(super) fn text(&self, number: u32) -> &str {
        &self.texts[number as usize]
    }
}

impl Delivery {
    /// Nothing delivered yet of that cycle.
    pub fn new(cycle: Cycle) -> Self {
        Self {
            cycle,
            unfit: 0,
            payers: HashMap::new(),
            labels: Labels::default(),
            reach: HashSet::new(),
            sums: HashMap::new(),
        }
    }

    pub(super) fn sums(&mut self, key: Key, period_start: Timestamp) -> &mut Sums {
        let (delivered, posted) = (RunningSum::default(), RunningSum::default());
        self.sums.entry(key).or_insert(Sums { delivered, posted, period_start })
    }

    /// The keys whose sums differ, in order.
    pub(super) fn changes(&self) -> Result<Vec<Change>, Refusal> {
        let mut changes = Vec::new();
        for (key, sums) in &self.sums {
            let (posted, delivered) = (sums.posted.total(), sums.delivered.total());
            let (posted, delivered) = posted.zip(delivered).ok_or(Refusal::AmountOverflow)?;
            let difference = delivered.checked_sub(posted).ok_or(Refusal::AmountOverflow)?;
            if difference != Money::ZERO {
                let period_start = sums.period_start;
                changes.push(Change { key: *key, posted, delivered, difference, period_start });
            }
        }
        changes.sort_unstable_by_key(|change| change.key);
        Ok(changes)
    }

    /// The id of one part of a change, where the log held so many charges before; see [`replace_period`](super::replace_period).
    pub(super) fn id(&self, change: &Change, part: u64, charges_before: u64) -> String {
        let mut hasher = SipHasher24::new_with_key(&DIGEST_KEY);
        let (key, labels) = (&change.key, &self.labels);
        let [source, service, sku] = [key.source, key.service, key.sku].map(|number| labels.text(number));
        // With their lengths, so that no two keys spell the same bytes.
        for text in [source, service, sku, key.category.name(), key.currency.as_str()] {
            hasher.write(&(text.len() as u64).to_le_bytes());
            hasher.write(text.as_bytes());
        }
        for number in [self.cycle.index(), key.payer.0, key.cloud.0] {
            hasher.write(&number.to_le_bytes());
        }
        for sum in [change.posted, change.delivered] {
            hasher.write(&sum.units().to_le_bytes());
        }
        for number in [charges_before, part] {
            hasher.write(&number.to_le_bytes());
        }
        format!("replace-{}-{:032x}", self.cycle, hasher.finish128().as_u128())
    }
}

impl Engine {
    /// Adds charges to a delivery and gives those that can't be part of it, by their places in the batch; a delivery with any
    /// such is not posted. Posts nothing. Blocks the thread.
    pub fn deliver(
        &self,
        delivery: &mut Delivery,
        charges: &ChargeBatch,
        reach: Reach,
    ) -> Result<Vec<(usize, Unfit)>, EngineError> {
        self.blocking()?;
        let mut unfit = Vec::new();
        for (index, charge) in charges.iter().enumerate() {
            if let Err(why) = self.deliver_one(delivery, &charge, reach)? {
                unfit.push((index, why));
            }
        }
        delivery.unfit += unfit.len() as u64;
        Ok(unfit)
    }

    fn deliver_one(
        &self,
        delivery: &mut Delivery,
        charge: &Charge<'_>,
        reach: Reach,
    ) -> Result<Result<(), Unfit>, EngineError> {
        let (cloud, payer, first) = {
            let directory = self.inner.directory.read();
            match routable(&directory, charge) {
                Ok(cloud) => {
                    let payer = directory.payer(cloud, charge.period_start).account;
                    (cloud, payer, directory.first_payer(cloud).account)
                }
                Err(refusal) => return Ok(Err(Unfit::Refused(refusal))),
            }
        };
        let known = delivery.payers.get(&payer).copied();
        let (offset, currency) = known.map_or_else(
            || pollster::block_on(self.ask(payer, View)).map(|view| (view.offset, view.currency)),
            Ok,
        )?;
        delivery.payers.insert(payer, (offset, currency));
        if Currency::parse(charge.currency) != Some(currency) {
            return Ok(Err(Unfit::Refused(Refusal::CurrencyMismatch)));
        }
        match charge.billing_cycle.or_else(|| Cycle::of(charge.period_start, offset)) {
            Some(cycle) if cycle == delivery.cycle => {}
            Some(cycle) => return Ok(Err(Unfit::OtherCycle(cycle))),
            None => return Ok(Err(Unfit::Refused(Refusal::TimeOutOfRange))),
        }
        let source = delivery.labels.number(charge.source);
        let key = Key {
            payer,
            cloud,
            source,
            category: adjusted(charge.category, charge.tags),
            service: delivery.labels.number(charge.service),
            sku: delivery.labels.number(charge.sku),
            currency,
        };
        delivery.reach.insert((source, payer, (reach == Reach::FirstPayer).then_some(first)));
        let sums = delivery.sums(key, charge.period_start);
        sums.delivered = sums.delivered.plus(charge.amount.money());
        Ok(Ok(()))
    }
}

/// The tags of an adjustment of that category.
pub(super) fn adjusts(category: Category) -> String {
    format!(r#"{{"adjusts":"{}"}}"#, category.name())
}

/// The category that a charge counts for: an adjustment with such tags for the one it adjusts. Delivered charges are read
/// alike, so that a provider's own tags, should they look so, are compared with what was posted of them.
pub(super) fn adjusted(category: Category, tags: &str) -> Category {
    if category != Category::Adjustment || tags.is_empty() {
        return category;
    }
    let tags: HashMap<&str, &str> = serde_json::from_str(tags).unwrap_or_default();
    let name = tags.get("adjusts").filter(|_| tags.len() == 1);
    name.and_then(|name| Category::ALL.into_iter().find(|one| one.name() == *name)).unwrap_or(category)
}
