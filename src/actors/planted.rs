//! Faults planted on purpose, so that a simulation can show that it would catch them. None in a real engine.

use crate::domain::account::Account;
use crate::domain::account_event::AccountEvent;
use crate::domain::billing::asset::Asset;
use crate::domain::money::Money;
use crate::domain::standing::{AlertState, Changes, StandingChange};
use crate::domain::time::Timestamp;

/// A fault of the engine's own making.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PlantedFault {
    /// Recovery sends nothing again that was on its way.
    OutboxNotResent,
    /// A message goes out before its sender's record is in the log's queue.
    SentBeforeQueued,
    /// An answer goes out before its record is durable.
    AnsweredBeforeDurable,
    /// A snapshot counts before what it holds is durable.
    SnapshotBeforeDurable,
    /// A message that comes twice counts twice.
    InboxNotIdempotent,
    /// What is due is not decided before other commands.
    DueSkipped,
    /// Automatic write-off takes own cash for what transferred funds pay.
    WrongAssetOrder,
    /// Credit refund pays older bills though that is switched off.
    IneligibleRefundMonth,
    /// A bill carries its tax twice.
    TaxTwice,
    /// A bill is not rounded down.
    RoundingLost,
    /// Who asks again for a bill that is issued gets it issued once more.
    BillIssuedTwice,
    /// Nothing is written off when cash arrives.
    WriteOffSkipped,
    /// An alert that has fired fires again at the next change of available credit.
    AlertTwice,
    /// A reminder that is a day late is not sent any more.
    ReminderSkipped,
    /// Whoever has time to pay is not suspended for how much is owed.
    SuspensionMissed,
    /// An account that falls overdue is alerted as well.
    AlertedAndOverdue,
}

impl PlantedFault {
    /// Changes an event that was decided.
    pub(super) fn tamper(self, event: &mut AccountEvent) {
        let AccountEvent::BillIssued { bill } = event else { return };
        if bill.settled_at.is_some() {
            return;
        }
        match self {
            Self::TaxTwice if bill.tax > Money::ZERO => {
                bill.tax = bill.tax.checked_add(bill.tax).expect("invariant: a simulated tax is small");
            }
            Self::RoundingLost => bill.round_down_discount = Money::ZERO,
            _ => {}
        }
    }

    /// What is written off instead after an event.
    pub(super) fn write_off(
        self,
        account: &Account,
        event: &AccountEvent,
        at: Timestamp,
        mut planned: Option<AccountEvent>,
    ) -> Option<AccountEvent> {
        match self {
            Self::WriteOffSkipped if matches!(event, AccountEvent::CashToppedUp { .. }) => None,
            Self::IneligibleRefundMonth => {
                let mut eager = account.clone();
                eager.apply(&AccountEvent::WriteOffPreviousBillsSet { enabled: true }, at);
                eager.decide_write_off(at)
            }
            Self::WrongAssetOrder => {
                if let Some(AccountEvent::BillsWrittenOff { payments }) = &mut planned {
                    let of_book = payments.iter_mut().filter(|pays| pays.part.asset == Asset::TransferBook);
                    of_book.for_each(|pays| pays.part.asset = Asset::Cash);
                }
                planned
            }
            _ => planned,
        }
    }

    /// How the standing changes instead in one step.
    #[cold]
    pub(super) fn standing(
        self,
        account: &Account,
        before: Money,
        at: Timestamp,
        change: Option<StandingChange>,
    ) -> Option<StandingChange> {
        let Some(watch) = account.watch() else { return change };
        let (available_credit, threshold) = (account.available_credit(), watch.threshold);
        let with = |changes| Some(StandingChange { changes, available_credit, threshold });
        let changes = change.map_or(Changes::NONE, |change| change.changes);
        match self {
            Self::AlertTwice
                if changes.is_none()
                    && available_credit != before
                    && matches!(watch.alert, AlertState::Firing { .. }) =>
            {
                with(Changes::ALERTED)
            }
            Self::SuspensionMissed if changes.has(Changes::SUSPENDED) => {
                let grace = watch.benefit.and_then(|benefit| benefit.grace_micros);
                let since = watch.overdue_since.unwrap_or(at);
                match grace {
                    Some(grace) if since.plus_micros(grace) > at => {
                        let left = changes.number() & !Changes::SUSPENDED.number();
                        Changes::from_number(left).and_then(with)
                    }
                    _ => change,
                }
            }
            Self::AlertedAndOverdue
                if changes.has(Changes::OVERDUE) && matches!(watch.alert, AlertState::Armed) =>
            {
                with(changes.and(Changes::ALERTED))
            }
            _ => change,
        }
    }
}

/// A planted fault: the instant at which a reminder is told that is late by `at`.
#[cold]
pub(super) fn skip_reminder(event: &AccountEvent, due: Timestamp, at: Timestamp) -> Timestamp {
    let AccountEvent::StandingChanged { change } = event else { return due };
    let next = due.plus_days(1);
    if change.changes.has(Changes::ALERTED) && next <= at { next } else { due }
}
