//! What an account's standing must satisfy (rules H2–H4).
//!
//! An account below 0 that is not marked overdue is in order: ledgers from before these rules have such. Its next charge or
//! command says so.

use super::Invariant;
use crate::domain::account::Account;
use crate::domain::money::{Money, RunningSum};
use crate::domain::standing::{AlertState, SuspensionBenefit};
use crate::domain::time::Timestamp;
use crate::limits::ALERTS_MAX;

/// Checks one account's standing.
pub(super) fn check(account: &Account, violated: &mut impl FnMut(Invariant, String)) {
    let number = account.index;
    if let Err(how) = standing(account) {
        violated(Invariant::StandingFollowsCredit, format!("account {number} {how}"));
    }
    if let Err(how) = alert(account) {
        violated(Invariant::AlertFollowsCredit, format!("account {number} {how}"));
    }
}

fn standing(account: &Account) -> Result<(), String> {
    let available = account.available_credit();
    if account.overdue() && available >= Money::ZERO {
        return Err(format!("is overdue with an available credit of {available}"));
    }
    if account.suspended() && !account.overdue() {
        return Err("is suspended and not overdue".to_owned());
    }
    if !account.attention_is_exact() {
        return Err("caches another attention than its standing needs".to_owned());
    }
    let watch = account.watch();
    let since = watch.and_then(|watch| watch.overdue_since);
    if since.is_some() && !account.overdue() {
        return Err("is not overdue and knows since when".to_owned());
    }
    if !account.overdue() || account.suspended() {
        return Ok(());
    }
    match (watch.and_then(|watch| watch.benefit), since) {
        (Some(benefit), Some(since)) if in_grace(account, benefit, since) => Ok(()),
        (Some(_), Some(_)) => Err("is not suspended after its grace".to_owned()),
        (None, _) => Err("is overdue without a benefit and not suspended".to_owned()),
        (_, None) => Err("has a benefit and does not know since when it is overdue".to_owned()),
    }
}

/// Whether neither of a benefit's bounds is passed. What is due at the account's own time may still be to come.
fn in_grace(account: &Account, benefit: SuspensionBenefit, since: Timestamp) -> bool {
    let owed = RunningSum::default().minus(account.available_credit()).total();
    benefit.grace_amount.is_none_or(|most| owed.is_some_and(|owed| owed <= most))
        && benefit.grace_micros.is_none_or(|grace| since.plus_micros(grace) >= account.at())
}

fn alert(account: &Account) -> Result<(), String> {
    let Some(watch) = account.watch() else { return Ok(()) };
    let (available, threshold) = (account.available_credit(), watch.threshold);
    let below = available < threshold;
    let sound = match watch.alert {
        AlertState::Off => return Ok(()),
        AlertState::Armed => !below,
        AlertState::Waiting | AlertState::Ended => below,
        AlertState::Firing { sent, next_at } => {
            let announced = (1..ALERTS_MAX).contains(&sent) && next_at >= account.at();
            below && available >= Money::ZERO && announced
        }
    };
    if sound && threshold > Money::ZERO {
        return Ok(());
    }
    let state = watch.alert;
    Err(format!("has an alert {state:?} at {threshold} with an available credit of {available}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::AccountParts;
    use crate::domain::ids::AccountIndex;
    use crate::domain::standing::Watch;

    const AT: Timestamp = Timestamp::from_micros(1_000);

    fn units(units: i128) -> Money {
        Money::from_units(units)
    }

    fn micros(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    fn firing(sent: u8, next_at: i64) -> AlertState {
        AlertState::Firing { sent, next_at: micros(next_at) }
    }

    fn grace(micros: i64, amount: i128) -> SuspensionBenefit {
        SuspensionBenefit { grace_micros: Some(micros), grace_amount: Some(units(amount)) }
    }

    /// What is violated of an account at 1000 µs with that much cash, overdue and suspended or not.
    fn check_of(cash: i128, overdue: bool, suspended: bool, watch: Option<Watch>, expect: &[Invariant]) {
        let shown = format!("{cash} {overdue} {suspended} {watch:?}");
        let parts = AccountParts {
            cash: units(cash),
            at: AT,
            overdue,
            suspended,
            watch: watch.map(Box::new),
            ..Account::placeholder(AccountIndex(0)).to_parts()
        };
        let account = Account::from_parts(AccountIndex(0), parts).unwrap();
        let mut found = Vec::new();
        check(&account, &mut |invariant, _| found.push(invariant));
        assert_eq!(found, expect, "{shown}");
    }

    #[test]
    fn overdue_and_suspension_follow_credit_and_grace() {
        const FOUND: &[Invariant] = &[Invariant::StandingFollowsCredit];
        for (cash, overdue, suspended, expect) in [
            (0, false, false, &[][..]),
            (-1, false, false, &[]), // from before the rules
            (-1, true, true, &[]),
            (-1, true, false, FOUND),
            (-1, false, true, FOUND),
            (0, true, true, FOUND),
            (0, true, false, FOUND),
        ] {
            check_of(cash, overdue, suspended, None, expect);
        }
        let since = |since: Option<i64>, benefit| {
            Some(Watch { overdue_since: since.map(micros), benefit, ..Watch::default() })
        };
        let benefit = Some(grace(100, 5));
        for (cash, overdue, suspended, watch, expect) in [
            (-5, true, false, since(Some(901), benefit), &[][..]),
            (-5, true, false, since(Some(900), benefit), &[]), // due at this very instant
            (-5, true, false, since(Some(899), benefit), FOUND),
            (-6, true, false, since(Some(901), benefit), FOUND),
            (-6, true, true, since(Some(901), benefit), &[]),
            (-5, true, true, since(Some(901), benefit), &[]), // suspended before it was set
            (-5, true, false, since(None, benefit), FOUND),
            (-5, true, false, since(Some(901), None), FOUND),
            (0, false, false, since(Some(901), benefit), FOUND),
            (i128::MIN, true, false, since(Some(901), benefit), FOUND),
            (i128::MIN, true, false, since(Some(901), Some(grace(100, i128::MAX))), FOUND),
        ] {
            check_of(cash, overdue, suspended, watch, expect);
        }
    }

    #[test]
    fn alerts_follow_credit() {
        const FOUND: &[Invariant] = &[Invariant::AlertFollowsCredit];
        use AlertState::{Armed, Ended, Off, Waiting};
        for (cash, alert, expect) in [
            (0, Off, &[][..]),
            (50, Armed, &[]),
            (49, Armed, FOUND),
            (49, Waiting, &[]),
            (-1, Waiting, &[]),
            (50, Waiting, FOUND),
            (49, Ended, &[]),
            (-1, Ended, &[]),
            (50, Ended, FOUND),
            (49, firing(1, 1_001), &[]),
            (0, firing(4, 1_000), &[]), // due at this very instant
            (50, firing(1, 1_001), FOUND),
            (-1, firing(1, 1_001), FOUND),
            (49, firing(0, 1_001), FOUND),
            (49, firing(5, 1_001), FOUND),
            (49, firing(1, 999), FOUND),
        ] {
            check_of(
                cash,
                false,
                false,
                Some(Watch { threshold: units(50), alert, ..Watch::default() }),
                expect,
            );
        }
        check_of(0, false, false, Some(Watch { alert: Armed, ..Watch::default() }), FOUND);
    }
}
