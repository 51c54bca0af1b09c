//! Unified settlement: bills that are paid together, by hand (rule D8).

use std::collections::BTreeMap;

use super::asset::AssetKind;
use crate::domain::time::Cycle;

/// The part of a unified settlement that one account has.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Settlement {
    /// The cycles whose bills are to be paid, oldest first.
    pub cycles: Vec<Cycle>,
    /// The kinds of assets that may pay them, in the order of write-off.
    pub assets: Vec<AssetKind>,
    /// How it has ended.
    pub end: Option<SettlementEnd>,
}

impl Settlement {
    /// Of these, in any order, some perhaps named twice.
    pub fn of(cycles: &[Cycle], assets: &[AssetKind]) -> Self {
        let mut settlement = Self { cycles: cycles.to_vec(), assets: assets.to_vec(), end: None };
        settlement.cycles.sort_unstable();
        settlement.cycles.dedup();
        settlement.assets.sort_unstable();
        settlement.assets.dedup();
        settlement
    }
}

/// How a unified settlement has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SettlementEnd {
    /// Its bills were paid.
    Finished,
    /// It was given up.
    Closed,
}

/// The unified settlements of one account, by id.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Settlements {
    /// Those that are open, and those that have ended.
    pub by_id: BTreeMap<Box<str>, Settlement>,
}

impl Settlements {
    /// Those that are open.
    pub fn open(&self) -> impl Iterator<Item = &Settlement> {
        self.by_id.values().filter(|settlement| settlement.end.is_none())
    }

    /// Whether a cycle is in one that is open.
    pub fn holds(&self, cycle: Cycle) -> bool {
        self.open().any(|settlement| settlement.cycles.contains(&cycle))
    }
}
