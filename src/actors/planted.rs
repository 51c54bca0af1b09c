//! Faults planted on purpose, so that a simulation can show that it would catch them. None in a real engine.

use crate::domain::account::Account;
use crate::domain::account_event::AccountEvent;
use crate::domain::billing::asset::Asset;
use crate::domain::money::Money;
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
}
