//! Alerts, overdue and suspension, as records and snapshots hold them.

use crate::domain::account_event::AccountEvent;
use crate::domain::money::Money;
use crate::domain::standing::{AlertState, Changes, StandingChange, SuspensionBenefit, Watch};
use crate::domain::time::Timestamp;
use crate::journal::JournalFault;
use crate::limits::ALERTS_MAX;
use serde::{Deserialize, Serialize};

/// Events of an account's standing.
#[derive(Serialize, Deserialize)]
pub(super) enum StandingEventV1 {
    LowBalanceAlertSet { enabled: bool, threshold: i128 },
    SuspensionBenefitSet { benefit: Option<BenefitV1> },
    StandingChanged { changes: u8, available_credit: i128, threshold: i128 },
}

/// Microseconds, and units of 10⁻¹⁸.
type BenefitV1 = (Option<i64>, Option<i128>);

#[derive(Serialize, Deserialize)]
pub(super) struct WatchV1 {
    threshold: i128,
    alert: AlertV1,
    benefit: Option<BenefitV1>,
    overdue_since: Option<i64>,
}

#[derive(Serialize, Deserialize)]
enum AlertV1 {
    Off,
    Armed,
    Waiting,
    Firing(u8, i64),
    Ended,
}

fn benefit_form(benefit: &SuspensionBenefit) -> BenefitV1 {
    (benefit.grace_micros, benefit.grace_amount.map(Money::units))
}

/// A benefit is set by something, and nothing of it is below 0: an amount owed has a negative.
fn benefit_of((grace_micros, grace_amount): BenefitV1) -> Result<SuspensionBenefit, JournalFault> {
    let is_set = grace_micros.is_some() || grace_amount.is_some();
    if !is_set || grace_micros.is_some_and(|micros| micros < 0) || grace_amount.is_some_and(|units| units < 0)
    {
        return Err(JournalFault::Malformed("suspension benefit"));
    }
    Ok(SuspensionBenefit { grace_micros, grace_amount: grace_amount.map(Money::from_units) })
}

/// A threshold is above 0 where an alert is on.
fn threshold_of(units: i128, enabled: bool) -> Result<Money, JournalFault> {
    if units < i128::from(enabled) {
        return Err(JournalFault::Malformed("threshold"));
    }
    Ok(Money::from_units(units))
}

impl StandingEventV1 {
    /// The form of an event of an account's standing; `None` of any other.
    pub(super) fn of(event: &AccountEvent) -> Option<Self> {
        Some(match event {
            AccountEvent::LowBalanceAlertSet { enabled, threshold } => {
                Self::LowBalanceAlertSet { enabled: *enabled, threshold: threshold.units() }
            }
            AccountEvent::SuspensionBenefitSet { benefit } => {
                Self::SuspensionBenefitSet { benefit: benefit.as_ref().map(benefit_form) }
            }
            AccountEvent::StandingChanged { change } => Self::StandingChanged {
                changes: change.changes.number(),
                available_credit: change.available_credit.units(),
                threshold: change.threshold.units(),
            },
            _ => return None,
        })
    }
}

impl TryFrom<StandingEventV1> for AccountEvent {
    type Error = JournalFault;

    fn try_from(form: StandingEventV1) -> Result<Self, JournalFault> {
        let money = Money::from_units;
        Ok(match form {
            StandingEventV1::LowBalanceAlertSet { enabled, threshold } => {
                Self::LowBalanceAlertSet { enabled, threshold: threshold_of(threshold, enabled)? }
            }
            StandingEventV1::SuspensionBenefitSet { benefit } => {
                Self::SuspensionBenefitSet { benefit: benefit.map(benefit_of).transpose()? }
            }
            StandingEventV1::StandingChanged { changes, available_credit, threshold } => {
                let changes =
                    Changes::from_number(changes).ok_or(JournalFault::Malformed("change of standing"))?;
                let (available_credit, threshold) = (money(available_credit), money(threshold));
                Self::StandingChanged { change: StandingChange { changes, available_credit, threshold } }
            }
        })
    }
}

impl From<&Watch> for WatchV1 {
    fn from(watch: &Watch) -> Self {
        Self {
            threshold: watch.threshold.units(),
            alert: match watch.alert {
                AlertState::Off => AlertV1::Off,
                AlertState::Armed => AlertV1::Armed,
                AlertState::Waiting => AlertV1::Waiting,
                AlertState::Firing { sent, next_at } => AlertV1::Firing(sent, next_at.micros()),
                AlertState::Ended => AlertV1::Ended,
            },
            benefit: watch.benefit.as_ref().map(benefit_form),
            overdue_since: watch.overdue_since.map(Timestamp::micros),
        }
    }
}

impl TryFrom<WatchV1> for Watch {
    type Error = JournalFault;

    fn try_from(form: WatchV1) -> Result<Self, JournalFault> {
        Ok(Self {
            threshold: threshold_of(form.threshold, !matches!(form.alert, AlertV1::Off))?,
            alert: match form.alert {
                AlertV1::Off => AlertState::Off,
                AlertV1::Armed => AlertState::Armed,
                AlertV1::Waiting => AlertState::Waiting,
                AlertV1::Firing(sent, next_at) if (1..ALERTS_MAX).contains(&sent) => {
                    AlertState::Firing { sent, next_at: Timestamp::from_micros(next_at) }
                }
                AlertV1::Firing(..) => return Err(JournalFault::Malformed("alert")),
                AlertV1::Ended => AlertState::Ended,
            },
            benefit: form.benefit.map(benefit_of).transpose()?,
            overdue_since: form.overdue_since.map(Timestamp::from_micros),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET: BenefitV1 = (Some(1), Some(2));

    fn watch(threshold: i128, alert: AlertV1, benefit: Option<BenefitV1>) -> Result<Watch, JournalFault> {
        Watch::try_from(WatchV1 { threshold, alert, benefit, overdue_since: Some(i64::MIN) })
    }

    #[test]
    fn every_watch_reads_back() {
        for alert in [
            AlertV1::Armed,
            AlertV1::Waiting,
            AlertV1::Ended,
            AlertV1::Firing(1, i64::MAX),
            AlertV1::Firing(4, 0),
        ] {
            let watched = watch(i128::MAX, alert, Some((Some(i64::MAX), Some(i128::MAX)))).unwrap();
            assert_eq!(Watch::try_from(WatchV1::from(&watched)).unwrap(), watched);
        }
        for benefit in [None, Some((None, Some(0))), Some((Some(0), None)), Some(SET)] {
            let watched = watch(0, AlertV1::Off, benefit).unwrap();
            assert_eq!(Watch::try_from(WatchV1::from(&watched)).unwrap(), watched);
        }
    }

    #[test]
    fn what_no_account_has_is_refused() {
        for (threshold, alert, benefit, expect) in [
            (-1, AlertV1::Off, None, "malformed threshold"),
            (0, AlertV1::Armed, None, "malformed threshold"),
            (i128::MIN, AlertV1::Waiting, None, "malformed threshold"),
            (1, AlertV1::Firing(0, 0), None, "malformed alert"),
            (1, AlertV1::Firing(5, 0), None, "malformed alert"),
            (1, AlertV1::Firing(255, 0), None, "malformed alert"),
            (1, AlertV1::Armed, Some((None, None)), "malformed suspension benefit"),
            (1, AlertV1::Armed, Some((Some(-1), SET.1)), "malformed suspension benefit"),
            (1, AlertV1::Armed, Some((SET.0, Some(i128::MIN))), "malformed suspension benefit"),
        ] {
            assert_eq!(watch(threshold, alert, benefit).unwrap_err().to_string(), expect);
        }
        let event = |form: StandingEventV1| AccountEvent::try_from(form).map_err(|fault| fault.to_string());
        let set = |enabled, threshold| event(StandingEventV1::LowBalanceAlertSet { enabled, threshold });
        assert!(set(true, 1).is_ok() && set(false, 0).is_ok());
        assert_eq!(set(true, 0), Err("malformed threshold".into()));
        assert_eq!(set(false, -1), Err("malformed threshold".into()));
        let granted = |benefit| event(StandingEventV1::SuspensionBenefitSet { benefit: Some(benefit) });
        assert!(granted(SET).is_ok());
        assert_eq!(granted((None, Some(-1))), Err("malformed suspension benefit".into()));
        for changes in [0, 64, 255] {
            let changed = StandingEventV1::StandingChanged { changes, available_credit: 0, threshold: 0 };
            assert_eq!(event(changed), Err("malformed change of standing".into()));
        }
    }
}
