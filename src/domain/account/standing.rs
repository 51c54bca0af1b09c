//! The rules of alerts, overdue and suspension: every change of available credit, and time, may change an account's
//! standing (rules H1–H4).

use super::Account;
use super::marks::Mark;
use crate::domain::account_event::AccountEvent;
use crate::domain::money::Money;
use crate::domain::refusals::Refusal;
use crate::domain::standing::{AlertState, Changes, StandingChange, SuspensionBenefit, Watch, rank};
use crate::domain::time::Timestamp;
use crate::limits::ALERTS_MAX;

impl Account {
    /// Whether its owner was told that it is overdue (rule H3).
    pub const fn overdue(&self) -> bool {
        self.marks.has(Mark::Overdue)
    }

    /// Whether its services are suspended (rule H4).
    pub const fn suspended(&self) -> bool {
        self.marks.has(Mark::Suspended)
    }

    /// Its alert and benefit, if it ever had any.
    pub fn watch(&self) -> Option<&Watch> {
        self.aside.as_ref()?.watch.as_deref()
    }

    /// Whether a charge might change the account's standing: one compare for the usual charge.
    #[inline]
    pub fn looks_closer(&self, amount: Money) -> bool {
        amount < Money::ZERO
            || self.available_credit.checked_sub(amount).is_some_and(|after| rank(after) < self.attention)
    }

    /// What has changed of the account's standing at `at`, when its available credit was `before` just before
    /// (rules H2–H4).
    pub fn decide_standing(&self, before: Money, at: Timestamp) -> Option<StandingChange> {
        let available = self.available_credit;
        let owes = available < Money::ZERO;
        let mut changes = Changes::NONE;
        if !owes && self.overdue() {
            changes = changes.and(Changes::CLEARED);
            if self.suspended() {
                changes = changes.and(Changes::RESUMED);
            }
        }
        if owes && !self.overdue() {
            changes = changes.and(Changes::OVERDUE);
        }
        if owes && !self.suspended() && self.grace_is_over(at) {
            changes = changes.and(Changes::SUSPENDED);
        }
        changes = changes.and(self.decide_alert(before));
        (!changes.is_none()).then(|| self.standing_change(changes))
    }

    /// What time alone changes by `at`, the earliest first, and when: a reminder, or the end of grace (rules H2, H4, J5).
    pub fn standing_due(&self, at: Timestamp) -> Option<(AccountEvent, Timestamp)> {
        let (due, changes) = self.standing_next().filter(|(due, _)| *due <= at)?;
        Some((AccountEvent::StandingChanged { change: self.standing_change(changes) }, due))
    }

    /// When time alone changes the standing next.
    pub fn standing_next_due(&self) -> Option<Timestamp> {
        self.standing_next().map(|(due, _)| due)
    }

    /// When time alone changes the standing next, and how.
    pub(super) fn standing_next(&self) -> Option<(Timestamp, Changes)> {
        let watch = self.watch()?;
        let reminder = match watch.alert {
            AlertState::Firing { next_at, .. } => Some((next_at, Changes::ALERTED)),
            _ => None,
        };
        let grace = watch.benefit.and_then(|benefit| benefit.grace_micros);
        let grace = grace.zip(watch.overdue_since).filter(|_| self.overdue() && !self.suspended());
        let suspension = grace.map(|(grace, since)| (since.plus_micros(grace), Changes::SUSPENDED));
        reminder.into_iter().chain(suspension).min_by_key(|(due, _)| *due)
    }

    /// The standing has changed.
    pub(super) fn apply_standing(&mut self, changes: Changes, at: Timestamp) {
        if changes.has(Changes::RESUMED) {
            self.marks.set(Mark::Suspended, false);
        }
        if changes.has(Changes::CLEARED) {
            self.marks.set(Mark::Overdue, false);
        }
        if changes.has(Changes::OVERDUE) {
            self.marks.set(Mark::Overdue, true);
        }
        if changes.has(Changes::SUSPENDED) {
            self.marks.set(Mark::Suspended, true);
        }
        let Some(watch) = self.aside.as_mut().and_then(|aside| aside.watch.as_deref_mut()) else { return };
        if changes.has(Changes::CLEARED) {
            watch.overdue_since = None;
        }
        if changes.has(Changes::OVERDUE) {
            watch.overdue_since = Some(at);
            // Reminders stop, and an alert that would have fired in the same step stays silent (rule H2).
            if watch.alert != AlertState::Off {
                watch.alert = AlertState::Ended;
            }
        }
        if changes.has(Changes::REARMED) {
            watch.alert = AlertState::Armed;
        }
        if changes.has(Changes::ALERTED) {
            let sent = match watch.alert {
                AlertState::Firing { sent, .. } => sent + 1,
                _ => 1,
            };
            watch.alert = if sent < ALERTS_MAX {
                AlertState::Firing { sent, next_at: at.plus_days(1) }
            } else {
                AlertState::Ended
            };
        }
    }

    /// Decides the setting of the alert; `None` if it is set so already (rule H1).
    pub(super) fn decide_alert_setting(
        &self,
        enabled: bool,
        threshold: Option<Money>,
    ) -> Result<Option<AccountEvent>, Refusal> {
        let watch = self.watch();
        let before = watch.map_or(Money::ZERO, |watch| watch.threshold);
        let threshold = threshold.unwrap_or(before);
        if threshold < Money::ZERO || enabled && threshold == Money::ZERO {
            return Err(Refusal::AmountMustBePositive);
        }
        let was_enabled = watch.is_some_and(|watch| watch.alert != AlertState::Off);
        let changes = (enabled, threshold) != (was_enabled, before);
        Ok(changes.then_some(AccountEvent::LowBalanceAlertSet { enabled, threshold }))
    }

    /// Decides the setting of the benefit; `None` if it is set so already (rule H4).
    pub(super) fn decide_benefit(
        &self,
        benefit: Option<SuspensionBenefit>,
    ) -> Result<Option<AccountEvent>, Refusal> {
        // What grants nothing is none.
        let benefit = benefit.filter(|benefit| *benefit != SuspensionBenefit::default());
        let least = benefit.and_then(|benefit| benefit.grace_amount);
        if least.is_some_and(|amount| amount < Money::ZERO) {
            return Err(Refusal::AmountMustBePositive);
        }
        if benefit.and_then(|benefit| benefit.grace_micros).is_some_and(|micros| micros < 0) {
            return Err(Refusal::TimeOutOfRange);
        }
        let changes = benefit != self.watch().and_then(|watch| watch.benefit);
        Ok(changes.then_some(AccountEvent::SuspensionBenefitSet { benefit }))
    }

    /// The alert was set; where it is new, or has a new threshold, it starts anew (rule H2).
    pub(super) fn apply_alert(&mut self, enabled: bool, threshold: Money) {
        let below = self.available_credit < threshold;
        let watch = self.watch_mut();
        watch.threshold = threshold;
        watch.alert = match (enabled, below) {
            (false, _) => AlertState::Off,
            (true, true) => AlertState::Waiting,
            (true, false) => AlertState::Armed,
        };
    }

    /// The benefit was set.
    pub(super) fn apply_benefit(&mut self, benefit: Option<SuspensionBenefit>, at: Timestamp) {
        let overdue = self.overdue();
        let watch = self.watch_mut();
        watch.benefit = benefit;
        if overdue {
            // Of an account without a watch nobody had to know; grace begins when it is granted.
            watch.overdue_since.get_or_insert(at);
        }
    }

    /// Charges below this rank of available credit are looked at closer: kept with every change that it depends on.
    pub(super) fn find_attention(&mut self) {
        self.attention = self.attention_recomputed();
    }

    /// Whether the rank is what it must be: the check of the cached figure.
    pub fn attention_is_exact(&self) -> bool {
        self.attention == self.attention_recomputed()
    }

    /// What the cached rank must be.
    fn attention_recomputed(&self) -> i32 {
        let below = |sum: Money| rank(sum).saturating_add(1);
        let watch = self.watch();
        if self.overdue() {
            let benefit = watch.and_then(|watch| watch.benefit).filter(|_| !self.suspended());
            let amount = benefit.and_then(|benefit| benefit.grace_amount);
            return amount.map_or(i32::MIN, |amount| below(negative(amount)));
        }
        match watch.map(|watch| (watch.alert, watch.threshold)) {
            Some((AlertState::Armed, threshold)) => below(threshold),
            Some((AlertState::Waiting, _)) => i32::MAX,
            _ => 0,
        }
    }

    fn standing_change(&self, changes: Changes) -> StandingChange {
        let threshold = self.watch().map_or(Money::ZERO, |watch| watch.threshold);
        StandingChange { changes, available_credit: self.available_credit, threshold }
    }

    fn grace_is_over(&self, at: Timestamp) -> bool {
        let watch = self.watch();
        let Some(benefit) = watch.and_then(|watch| watch.benefit) else { return true };
        let since = watch.and_then(|watch| watch.overdue_since).filter(|_| self.overdue()).unwrap_or(at);
        benefit.grace_amount.is_some_and(|amount| self.available_credit < negative(amount))
            || benefit.grace_micros.is_some_and(|grace| since.plus_micros(grace) <= at)
    }

    fn decide_alert(&self, before: Money) -> Changes {
        let Some(watch) = self.watch() else { return Changes::NONE };
        let available = self.available_credit;
        let changed = available != before;
        match watch.alert {
            AlertState::Waiting | AlertState::Firing { .. } | AlertState::Ended
                if changed && available >= watch.threshold =>
            {
                Changes::REARMED
            }
            AlertState::Armed if available < watch.threshold && available >= Money::ZERO => Changes::ALERTED,
            AlertState::Waiting if changed && available >= Money::ZERO => Changes::ALERTED,
            _ => Changes::NONE,
        }
    }

    fn watch_mut(&mut self) -> &mut Watch {
        self.aside.get_or_insert_default().watch.get_or_insert_default()
    }
}

/// So much below 0.
fn negative(amount: Money) -> Money {
    Money::ZERO.checked_sub(amount).expect("invariant: a sum of at least 0 has a negative")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::directory::Admission;
    use crate::domain::ids::AccountIndex;
    use crate::domain::invariants::{Invariant, check_ledger};
    use crate::domain::ledger::Ledger;
    use crate::domain::profile::Opening;

    #[test]
    fn a_wrong_attention_is_found() {
        let account = AccountIndex(0);
        let placeholder = Account::placeholder(account);
        let opening = Opening {
            kind: placeholder.kind(),
            currency: placeholder.currency(),
            offset: placeholder.offset(),
            at: placeholder.at(),
            profile: placeholder.profile(),
        };
        let mut ledger = Ledger::new(0, 1);
        ledger.admit(&Admission::Account { account, opening: Box::new(opening) });
        assert_eq!(check_ledger(&ledger), []);
        ledger.accounts[0].attention = -1;
        let found: Vec<_> = check_ledger(&ledger).into_iter().map(|found| found.invariant).collect();
        assert_eq!(found, [Invariant::StandingFollowsCredit]);
    }
}
