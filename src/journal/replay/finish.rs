//! What is left to do when all records are applied: find out what is still in flight, and tell the directory.

use super::Replayed;
use super::applier::Applier;
use super::front::Front;
use crate::domain::account::Status;
use crate::domain::crossing::{Outbox, Party, Sent};
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::EnterpriseIndex;
use crate::domain::ledger::Ledger;
use crate::domain::money::RunningSum;
use crate::journal::JournalFault;

impl Front {
    /// The replayed state.
    pub(super) fn finish(mut self, appliers: Vec<Applier>) -> Result<Replayed, JournalFault> {
        if let Some(account) = self.unopened.first() {
            return Err(JournalFault::Contradiction(format!(
                "account {account} is in no snapshot and never opened"
            )));
        }
        let repeated = appliers.iter().map(|applier| applier.repeated).sum();
        let cash_expected =
            appliers.iter().fold(RunningSum::default(), |sum, applier| sum.with(applier.cash_expected));
        let cash_misstated = appliers.iter().filter_map(|applier| applier.cash_misstated.clone()).collect();
        let mut ledgers: Vec<_> = appliers.into_iter().map(|applier| applier.ledger).collect();
        for account in ledgers.iter().flat_map(|ledger| &ledger.accounts) {
            if account.status() == Status::Canceled {
                self.directory.note_canceled(account.index, true);
            }
            if account.enterprise().is_some() {
                self.directory.note_enterprise(account.index, account.enterprise());
            }
        }
        let (in_flight, unacknowledged) = find_in_flight(&mut ledgers, &mut self.enterprises);
        let strings = std::mem::take(&mut *self.strings.write());
        Ok(Replayed {
            directory: self.directory,
            strings,
            ledgers,
            enterprises: self.enterprises,
            outside: self.outside,
            in_flight,
            unacknowledged,
            records: self.records,
            charges: self.charges,
            repeated,
            cash_expected: (!self.from_snapshot).then_some(cash_expected),
            cash_misstated,
        })
    }
}

/// Messages with their senders, in order.
type InFlight = Vec<(Party, Sent)>;

/// Drops from every outbox what its receiver has received, which no record of the sender need tell; gives the rest, and
/// everything that stood in the outboxes before.
fn find_in_flight(ledgers: &mut [Ledger], enterprises: &mut [Enterprise]) -> (InFlight, InFlight) {
    let shards = ledgers.len();
    let mut outboxes = take_outboxes(ledgers, enterprises);
    let (mut in_flight, mut unacknowledged) = (Vec::new(), Vec::new());
    for (from, outbox) in &mut outboxes {
        unacknowledged.extend(outbox.waiting().map(|sent| (*from, sent.clone())));
        outbox.retain_unreceived(|to, number| number <= newest_received(ledgers, enterprises, to, *from));
        in_flight.extend(outbox.waiting().map(|sent| (*from, sent.clone())));
    }
    for (from, outbox) in outboxes {
        match from {
            Party::Account(account) => {
                let ledger = &mut ledgers[account.partition().shard(shards)];
                let slot = ledger.slot(account);
                ledger.accounts[slot].rare_mut().outbox = outbox;
            }
            Party::CreditControl(enterprise) => {
                enterprises[enterprise.0 as usize].control.outbox = outbox;
            }
        }
    }
    (in_flight, unacknowledged)
}

/// Everybody's outbox that is not empty: those of the credit controls first. What is sent again to one of them makes it
/// send the next message, and who has that one takes those before it for received.
fn take_outboxes(ledgers: &mut [Ledger], enterprises: &mut [Enterprise]) -> Vec<(Party, Outbox)> {
    let mut outboxes = Vec::new();
    for (number, enterprise) in (0..).zip(enterprises) {
        let outbox = &mut enterprise.control.outbox;
        if !outbox.is_empty() {
            outboxes.push((Party::CreditControl(EnterpriseIndex(number)), std::mem::take(outbox)));
        }
    }
    for account in ledgers.iter_mut().flat_map(|ledger| &mut ledger.accounts) {
        if account.rare().is_some_and(|rare| !rare.outbox.is_empty()) {
            let outbox = std::mem::take(&mut account.rare_mut().outbox);
            outboxes.push((Party::Account(account.index), outbox));
        }
    }
    outboxes
}

/// Number of the newest message of `from` that `to` has received.
fn newest_received(ledgers: &[Ledger], enterprises: &[Enterprise], to: Party, from: Party) -> u64 {
    match to {
        Party::Account(account) => Ledger::find(ledgers, account)
            .and_then(|account| account.rare())
            .map_or(0, |rare| rare.inbox.newest(from)),
        Party::CreditControl(enterprise) => enterprises
            .get(enterprise.0 as usize)
            .map_or(0, |enterprise| enterprise.control.inbox.newest(from)),
    }
}
