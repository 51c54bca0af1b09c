//! What accounts are chosen by in the unified list: facts of one bit each (rule A8).

use super::account::{Account, Status};
use super::profile::AccountType;
use super::standing::AlertState;

/// Facts of one account.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Facts(u16);

impl Facts {
    /// How many there are.
    pub const COUNT: usize = 10;

    /// None.
    pub const NONE: Self = Self(0);
    /// It has incurred costs.
    pub const COSTS: Self = Self(1);
    /// It is frozen.
    pub const FROZEN: Self = Self(1 << 1);
    /// It is canceled.
    pub const CANCELED: Self = Self(1 << 2);
    /// It is an ecosystem account.
    pub const ECOSYSTEM: Self = Self(1 << 3);
    /// It is overdue (rule H3).
    pub const OVERDUE: Self = Self(1 << 4);
    /// Its services are suspended (rule H4).
    pub const SUSPENDED: Self = Self(1 << 5);
    /// Its alert is armed (rule H2).
    pub const ARMED: Self = Self(1 << 6);
    /// Its alert waits for the next change of available credit.
    pub const WAITING: Self = Self(1 << 7);
    /// Its alert is firing.
    pub const FIRING: Self = Self(1 << 8);
    /// Its alert has ended.
    pub const ENDED: Self = Self(1 << 9);
    /// Its alert is enabled: in any of its states.
    pub const ENABLED: Self = Self::ARMED.and(Self::WAITING).and(Self::FIRING).and(Self::ENDED);

    /// These and others.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The facts in which these and others differ.
    #[must_use]
    pub const fn differing(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }

    /// Whether there are none.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// The places of the facts, from 0 to below [`Facts::COUNT`].
    pub fn places(self) -> impl Iterator<Item = usize> {
        (0..Self::COUNT).filter(move |place| self.0 & (1 << place) != 0)
    }

    /// The fact at a place.
    pub const fn at(place: usize) -> Self {
        Self(1 << place)
    }

    /// Whether any of `other` is among them.
    pub const fn has_any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl Account {
    /// What it is chosen by in the unified list (rule A8).
    pub fn facts(&self) -> Facts {
        let of_status = match self.status() {
            Status::Valid => Facts::NONE,
            Status::Frozen => Facts::FROZEN,
            Status::Canceled => Facts::CANCELED,
        };
        let of_alert = match self.watch().map(|watch| watch.alert).unwrap_or_default() {
            AlertState::Off => Facts::NONE,
            AlertState::Armed => Facts::ARMED,
            AlertState::Waiting => Facts::WAITING,
            AlertState::Firing { .. } => Facts::FIRING,
            AlertState::Ended => Facts::ENDED,
        };
        [
            (self.has_costs(), Facts::COSTS),
            (self.kind() == AccountType::Ecosystem, Facts::ECOSYSTEM),
            (self.overdue(), Facts::OVERDUE),
            (self.suspended(), Facts::SUSPENDED),
        ]
        .into_iter()
        .fold(of_status.and(of_alert), |facts, (holds, fact)| if holds { facts.and(fact) } else { facts })
    }
}

/// Which facts an account must have to be listed; all of them by default.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct FactFilter {
    /// It must have each of these.
    pub all: Facts,
    /// It must have none of these.
    pub none: Facts,
    /// It must have any of these, unless there are none.
    pub any: Facts,
}

impl FactFilter {
    /// Whether every account is listed.
    pub const fn is_open(self) -> bool {
        self.all.is_none() && self.none.is_none() && self.any.is_none()
    }

    /// Asks for a fact, or for its absence.
    pub const fn require(&mut self, fact: Facts, holds: bool) {
        if holds {
            self.all = self.all.and(fact);
        } else {
            self.none = self.none.and(fact);
        }
    }
}
