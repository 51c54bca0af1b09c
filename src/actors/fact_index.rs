//! Which accounts of a shard have which facts: a bit an account for each fact, kept where the facts change, so that a rare
//! filter of the unified list need not look at a million accounts (rule A8).

use std::collections::BTreeSet;
use std::ops::Range;

use crate::domain::facts::{FactFilter, Facts};
use crate::domain::ids::EnterpriseIndex;

/// Accounts in one word.
const WORD: usize = u64::BITS as usize;

/// The index of one shard, by account slot.
#[derive(Default)]
pub struct FactIndex {
    /// For each fact, the slots that have it.
    bits: [Vec<u64>; Facts::COUNT],
    /// The slots of each enterprise's members.
    members: BTreeSet<(EnterpriseIndex, usize)>,
}

/// Words of some facts, to be looked at together.
struct Selection<'i> {
    all: Vec<&'i [u64]>,
    none: Vec<&'i [u64]>,
    any: Vec<&'i [u64]>,
}

impl FactIndex {
    /// Sets what has changed of a slot's facts.
    pub fn change(&mut self, slot: usize, before: Facts, after: Facts) {
        for place in before.differing(after).places() {
            let words = &mut self.bits[place];
            if words.len() <= slot / WORD {
                words.resize(slot / WORD + 1, 0);
            }
            words[slot / WORD] ^= 1 << (slot % WORD);
        }
    }

    /// Moves a slot from one enterprise to another, or to none.
    pub fn change_enterprise(
        &mut self,
        slot: usize,
        before: Option<EnterpriseIndex>,
        after: Option<EnterpriseIndex>,
    ) {
        if let Some(before) = before {
            self.members.remove(&(before, slot));
        }
        if let Some(after) = after {
            self.members.insert((after, slot));
        }
    }

    /// A slot's facts, as they were set.
    pub fn facts(&self, slot: usize) -> Facts {
        let has = |place: &usize| word(&self.bits[*place], slot / WORD) & (1 << (slot % WORD)) != 0;
        (0..Facts::COUNT).filter(has).fold(Facts::NONE, |facts, place| facts.and(Facts::at(place)))
    }

    /// The slots in `range`, rising, that the filter lists, of one enterprise if it is named.
    pub fn select(
        &self,
        filter: FactFilter,
        enterprise: Option<EnterpriseIndex>,
        range: Range<usize>,
    ) -> Box<dyn Iterator<Item = usize> + '_> {
        if range.is_empty() {
            return Box::new(std::iter::empty());
        }
        let selection = self.selection(filter);
        match enterprise {
            None if filter.is_open() => Box::new(range),
            None => {
                let words = range.start / WORD..range.end.div_ceil(WORD);
                let slots = words.flat_map(move |at| {
                    let mut word = selection.word(at);
                    std::iter::from_fn(move || {
                        let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
                        word &= word - 1;
                        Some(at * WORD + bit)
                    })
                });
                Box::new(slots.filter(move |slot| range.contains(slot)))
            }
            Some(enterprise) => {
                let members = self.members.range((enterprise, range.start)..(enterprise, range.end));
                let slots = members.map(|(_, slot)| *slot);
                Box::new(slots.filter(move |slot| selection.word(slot / WORD) & (1 << (slot % WORD)) != 0))
            }
        }
    }

    fn selection(&self, filter: FactFilter) -> Selection<'_> {
        let words = |facts: Facts| facts.places().map(|place| &*self.bits[place]).collect();
        Selection { all: words(filter.all), none: words(filter.none), any: words(filter.any) }
    }
}

impl Selection<'_> {
    /// The slots of a word that are listed; bits beyond the last slot may be set.
    fn word(&self, at: usize) -> u64 {
        let all = self.all.iter().fold(u64::MAX, |listed, words| listed & word(words, at));
        let listed = self.none.iter().fold(all, |listed, words| listed & !word(words, at));
        if self.any.is_empty() {
            return listed;
        }
        listed & self.any.iter().fold(0, |any, words| any | word(words, at))
    }
}

/// A word of a fact; the slots after the last one that has it have no words.
fn word(words: &[u64], at: usize) -> u64 {
    words.get(at).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selects_what_a_scan_selects() {
        const SLOTS: usize = 700;
        let all_facts = |slot: usize| {
            let places = (0..Facts::COUNT).filter(|place| slot.is_multiple_of(2 * place + 3));
            places.fold(Facts::NONE, |facts, place| facts.and(Facts::at(place)))
        };
        let enterprise =
            |slot: usize| slot.is_multiple_of(5).then_some(EnterpriseIndex(u32::from(slot > 300)));
        let mut index = FactIndex::default();
        for slot in 0..SLOTS {
            // What was there before is taken back.
            index.change(slot, Facts::NONE, Facts::FIRING);
            index.change(slot, Facts::FIRING, all_facts(slot));
            index.change_enterprise(slot, None, Some(EnterpriseIndex(2)));
            index.change_enterprise(slot, Some(EnterpriseIndex(2)), enterprise(slot));
        }
        let filter = |all, none, any| FactFilter { all, none, any };
        let filters = [
            filter(Facts::NONE, Facts::NONE, Facts::NONE),
            filter(Facts::COSTS, Facts::NONE, Facts::NONE),
            filter(Facts::NONE, Facts::FROZEN.and(Facts::CANCELED), Facts::NONE),
            filter(Facts::OVERDUE, Facts::SUSPENDED, Facts::ENABLED),
            filter(Facts::OVERDUE.and(Facts::COSTS), Facts::ECOSYSTEM, Facts::NONE),
        ];
        for filter in filters {
            for range in [0..SLOTS, 64..128, 63..65, 500..501, 690..SLOTS, 7..7] {
                for named in
                    [None, Some(EnterpriseIndex(0)), Some(EnterpriseIndex(1)), Some(EnterpriseIndex(2))]
                {
                    let listed = |slot: &usize| {
                        let facts = all_facts(*slot);
                        (0..Facts::COUNT).map(Facts::at).all(|fact| {
                            (!filter.all.has_any(fact) || facts.has_any(fact))
                                && (!filter.none.has_any(fact) || !facts.has_any(fact))
                        }) && (filter.any.is_none() || facts.has_any(filter.any))
                            && (named.is_none() || enterprise(*slot) == named)
                    };
                    let scanned: Vec<_> = range.clone().filter(listed).collect();
                    let selected: Vec<_> = index.select(filter, named, range.clone()).collect();
                    assert_eq!(selected, scanned, "{filter:?} of {named:?} in {range:?}");
                }
            }
        }
        assert!((0..SLOTS).all(|slot| index.facts(slot) == all_facts(slot)));
    }
}
