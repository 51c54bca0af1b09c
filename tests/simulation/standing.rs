//! How accounts stand, as the rules tell it, once more and naively: one step after the other, each an instant and the
//! available credit that it led to (rules H1–H4).

use std::collections::BTreeMap;

use exchequer::domain::money::Money;
use exchequer::domain::refusals::Refusal;
use exchequer::domain::standing::{AlertState, SuspensionBenefit, rank};
use exchequer::domain::time::Timestamp;
use exchequer::engine::change_records::ChangeRecord;
use exchequer::engine::queries::AccountOverview;

use crate::auditor::{same, units};
use crate::bills::DAY;
use crate::model::Account;

/// Notifications of one episode, the first one included.
const TOLD_MAX: i64 = 5;

/// How a low balance alert stands.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Alert {
    #[default]
    Off,
    Armed,
    Waiting,
    /// It fired at that instant, and so many notifications were sent.
    Fired {
        at: i64,
        told: i64,
    },
    Ended,
}

/// What an account's owner was told, or what he has set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    pub at: i64,
    pub asset: &'static str,
    pub kind: &'static str,
    /// Available credit then; of a setting, the threshold.
    pub after: i128,
}

#[derive(Clone, Default, Debug)]
pub struct Standing {
    pub threshold: i128,
    pub alert: Alert,
    pub benefit: Option<SuspensionBenefit>,
    /// Since when more is owed than there is.
    pub overdue_since: Option<i64>,
    pub suspended: bool,
    /// Available credit after the last step.
    available: i128,
    /// All there ever were, in order.
    pub notices: Vec<Notice>,
    /// What has happened, by how it came about: so that a long run can tell that nothing was left out.
    pub ways: BTreeMap<&'static str, u64>,
}

/// Every way in which the standing changes that a long run must have seen.
pub const WAYS: [&str; 13] = [
    ARMED_FIRED,
    WAITING_FIRED,
    WAITING_FIRED_AFTER_OVERDUE,
    ARMED_OVERDUE,
    WAITING_OVERDUE,
    FIRING_OVERDUE,
    REARMED_FIRING,
    REARMED_ENDED,
    ALL_TOLD,
    SUSPENDED_AT_ONCE,
    SUSPENDED_FOR_AMOUNT,
    SUSPENDED_BY_SETTING,
    SUSPENDED_BY_TIME,
];

const ARMED_FIRED: &str = "alert armed, fired";
const WAITING_FIRED: &str = "alert waiting, fired";
const WAITING_FIRED_AFTER_OVERDUE: &str = "alert waiting, overdue over";
const ARMED_OVERDUE: &str = "alert armed, overdue";
const WAITING_OVERDUE: &str = "alert waiting, overdue";
const FIRING_OVERDUE: &str = "alert firing, overdue";
const REARMED_FIRING: &str = "alert firing, rearmed";
const REARMED_ENDED: &str = "alert ended, rearmed";
const ALL_TOLD: &str = "alert told five times";
const SUSPENDED_AT_ONCE: &str = "suspended at once";
const SUSPENDED_FOR_AMOUNT: &str = "suspended for the amount";
const SUSPENDED_BY_SETTING: &str = "suspended by a setting";
const SUSPENDED_BY_TIME: &str = "suspended by time";

impl Standing {
    fn tell(&mut self, at: i64, asset: &'static str, kind: &'static str, after: i128) {
        self.notices.push(Notice { at, asset, kind, after });
    }

    fn count(&mut self, way: &'static str) {
        *self.ways.entry(way).or_default() += 1;
    }

    /// One step has led to so much available credit; whether that changed the standing.
    pub fn step(&mut self, at: i64, available: i128) -> bool {
        let before = std::mem::replace(&mut self.available, available);
        let told = self.notices.len();
        if available < 0 {
            let falls = self.overdue_since.is_none();
            if falls {
                match self.alert {
                    Alert::Armed => self.count(ARMED_OVERDUE),
                    Alert::Waiting => self.count(WAITING_OVERDUE),
                    Alert::Fired { .. } => self.count(FIRING_OVERDUE),
                    Alert::Off | Alert::Ended => {}
                }
                self.overdue_since = Some(at);
                self.tell(at, "standing", "overdue", available);
                if self.alert != Alert::Off {
                    self.alert = Alert::Ended;
                }
            }
            if !self.suspended && self.is_out_of_grace(at) {
                self.suspended = true;
                self.tell(at, "standing", "suspended", available);
                self.count(match self.benefit {
                    _ if available == before => SUSPENDED_BY_SETTING,
                    None => SUSPENDED_AT_ONCE,
                    Some(_) => SUSPENDED_FOR_AMOUNT,
                });
            }
            return self.notices.len() > told;
        }
        if std::mem::take(&mut self.suspended) {
            self.tell(at, "standing", "resumed", available);
        }
        let rises = self.overdue_since.take().is_some();
        if rises {
            self.tell(at, "standing", "cleared", available);
        }
        let (low, changed) = (available < self.threshold, available != before);
        match self.alert {
            Alert::Armed | Alert::Waiting if low && (changed || self.alert == Alert::Armed) => {
                self.count(match self.alert {
                    Alert::Armed => ARMED_FIRED,
                    _ if rises => WAITING_FIRED_AFTER_OVERDUE,
                    _ => WAITING_FIRED,
                });
                self.alert = Alert::Fired { at, told: 1 };
                self.tell(at, "alert", "alerted", available);
            }
            Alert::Waiting | Alert::Fired { .. } | Alert::Ended if !low && changed => {
                match self.alert {
                    Alert::Fired { .. } => self.count(REARMED_FIRING),
                    Alert::Ended => self.count(REARMED_ENDED),
                    _ => {}
                }
                self.alert = Alert::Armed;
                self.tell(at, "alert", "rearmed", available);
            }
            _ => {}
        }
        self.notices.len() > told
    }

    fn is_out_of_grace(&self, at: i64) -> bool {
        let Some(benefit) = self.benefit else { return true };
        let too_much = benefit.grace_amount.is_some_and(|amount| -self.available > amount.units());
        too_much || self.grace_ends().is_some_and(|end| end <= at)
    }

    fn grace_ends(&self) -> Option<i64> {
        Some(self.overdue_since? + self.benefit?.grace_micros?)
    }

    fn next_reminder(&self) -> Option<i64> {
        match self.alert {
            Alert::Fired { at, told } => Some(at + told * DAY),
            _ => None,
        }
    }

    /// When time alone changes something next.
    pub fn due(&self) -> Option<i64> {
        let grace = self.grace_ends().filter(|_| !self.suspended);
        self.next_reminder().into_iter().chain(grace).min()
    }

    /// It has come to that: one more reminder, until all are sent; or the end of grace.
    pub fn pass(&mut self, due: i64) {
        match self.alert {
            Alert::Fired { at, told } if self.next_reminder() == Some(due) => {
                let over = told + 1 == TOLD_MAX;
                if over {
                    self.count(ALL_TOLD);
                }
                self.alert = if over { Alert::Ended } else { Alert::Fired { at, told: told + 1 } };
                self.tell(due, "alert", "alerted", self.available);
            }
            _ => {
                self.suspended = true;
                self.tell(due, "standing", "suspended", self.available);
                self.count(SUSPENDED_BY_TIME);
            }
        }
    }

    /// What a setting would come to: on or off, and the threshold; nothing if it is set so already.
    pub fn setting(&self, enabled: bool, threshold: Option<i128>) -> Option<(bool, i128)> {
        let setting = (enabled, threshold.unwrap_or(self.threshold));
        (setting != (self.alert != Alert::Off, self.threshold)).then_some(setting)
    }

    /// What speaks against a setting.
    pub fn refuses(&self, enabled: bool, threshold: Option<i128>) -> Option<Refusal> {
        let threshold = threshold.unwrap_or(self.threshold);
        (threshold < 0 || enabled && threshold == 0).then_some(Refusal::AmountMustBePositive)
    }

    /// The alert starts anew.
    fn set_alert(&mut self, enabled: bool, threshold: i128, at: i64) {
        self.threshold = threshold;
        self.alert = match (enabled, self.available < threshold) {
            (false, _) => Alert::Off,
            (true, true) => Alert::Waiting,
            (true, false) => Alert::Armed,
        };
        self.tell(at, "alert", if enabled { "enabled" } else { "disabled" }, threshold);
    }
}

impl Account {
    /// Something may have changed available credit.
    pub fn stand(&mut self, at: i64) {
        let available = self.available();
        if self.standing.step(at, available) {
            self.bills.at = self.bills.at.max(at);
        }
    }

    /// The alert was set.
    pub fn set_alert(&mut self, enabled: bool, threshold: i128, now: i64) {
        let at = now.max(self.bills.at);
        self.standing.set_alert(enabled, threshold, at);
        self.event(at);
    }

    /// Whether a charge may change the standing: what is due is decided before it. What is as near to a threshold as seven
    /// digits tell counts as reaching it.
    pub fn looks_closer(&self, amount: i128) -> bool {
        let after = self.available() - amount;
        let reaches = |level: i128| rank(Money::from_units(after)) <= rank(Money::from_units(level));
        let standing = &self.standing;
        if amount < 0 {
            return true;
        }
        if standing.overdue_since.is_some() {
            let benefit = standing.benefit.filter(|_| !standing.suspended);
            let most = benefit.and_then(|benefit| benefit.grace_amount);
            return most.is_some_and(|most| reaches(-most.units()));
        }
        match standing.alert {
            Alert::Armed => reaches(standing.threshold),
            Alert::Waiting => true,
            _ => after < 0,
        }
    }

    /// Whether its owner may care: it has an alert, or a benefit.
    pub fn is_watched(&self) -> bool {
        self.standing.alert != Alert::Off || self.standing.benefit.is_some()
    }
}

/// What an overview shows of it.
pub fn compare_standing(account: &Account, found: &AccountOverview) -> Result<(), String> {
    let standing = &account.standing;
    same("overdue", &found.overdue, &(account.available() < 0))?;
    same("overdue as it was told", &found.overdue, &standing.overdue_since.is_some())?;
    same("suspended", &found.suspended, &standing.suspended)?;
    units("threshold", found.alert_threshold, standing.threshold)?;
    same("suspension benefit", &found.suspension_benefit, &standing.benefit)?;
    let alert = match (standing.alert, standing.next_reminder()) {
        (Alert::Off, _) => AlertState::Off,
        (Alert::Armed, _) => AlertState::Armed,
        (Alert::Waiting, _) => AlertState::Waiting,
        (Alert::Fired { told, .. }, Some(next)) => {
            AlertState::Firing { sent: u8::try_from(told).unwrap(), next_at: Timestamp::from_micros(next) }
        }
        (Alert::Fired { .. } | Alert::Ended, _) => AlertState::Ended,
    };
    same("alert", &found.alert, &alert)
}

/// The notices of an account as its change records tell them.
fn notices(records: &[ChangeRecord]) -> Vec<Notice> {
    let notices = records.iter().filter(|record| matches!(record.asset, "alert" | "standing"));
    notices
        .map(|record| Notice {
            at: record.at.micros(),
            asset: record.asset,
            kind: record.kind,
            after: record.after.map_or(0, Money::units),
        })
        .collect()
}

/// Every notice there must be, at its instant, once, and no other.
pub fn compare_notices(account: &Account, records: &[ChangeRecord]) -> Result<(), String> {
    let (found, known) = (notices(records), &account.standing.notices);
    let place = (0..found.len().max(known.len())).find(|place| found.get(*place) != known.get(*place));
    match place {
        None => Ok(()),
        Some(place) => Err(format!(
            "notice {place} of {} is {:?}, must be {:?} of {}",
            found.len(),
            found.get(place),
            known.get(place),
            known.len()
        )),
    }
}

/// Where the order in which things happened is not known: falling overdue and being cleared take turns, and so do
/// suspension and its end, without a benefit at the same time.
pub fn check_turns(account: &Account, records: &[ChangeRecord]) -> Result<(), String> {
    let (mut overdue, mut suspended) = (false, false);
    for notice in notices(records) {
        let fits = match notice.kind {
            "overdue" => !std::mem::replace(&mut overdue, true) && notice.after < 0,
            "suspended" => !std::mem::replace(&mut suspended, true) && overdue && notice.after < 0,
            "resumed" => std::mem::take(&mut suspended) && notice.after >= 0,
            "cleared" => std::mem::take(&mut overdue) && !suspended && notice.after >= 0,
            _ => false,
        };
        if !fits {
            return Err(format!("{notice:?} does not follow what was told before"));
        }
    }
    same("overdue by what was told", &overdue, &(account.available() < 0))?;
    same("suspended by what was told", &suspended, &overdue)
}
