//! What happened to an account, applied without any rule.

use super::marks::Mark;
use super::{Account, Status};
use crate::domain::account_event::{AccountEvent, Posted};
use crate::domain::billing::order::Refund;
use crate::domain::crossing::{Cargo, Party};
use crate::domain::holds::HoldState;
use crate::domain::money::Money;
use crate::domain::time::Timestamp;

impl Account {
    /// Applies what happened at business time `at` (rule J5); may not fail.
    pub fn apply(&mut self, event: &AccountEvent, at: Timestamp) {
        match event {
            AccountEvent::CashToppedUp { cash_after, .. } | AccountEvent::CashAdjusted { cash_after, .. } => {
                self.cash = *cash_after;
            }
            AccountEvent::CreditLimitGranted { after, .. } => self.credit_limit = *after,
            AccountEvent::QuotaSet { after, .. } => self.rare_mut().quota = *after,
            AccountEvent::QuotaRepaid { consumed_after, .. } => {
                self.rare_mut().quota_consumed = *consumed_after;
            }
            AccountEvent::ProfileModified { profile } => self.rare_mut().profile = profile.clone(),
            AccountEvent::StatusChanged { status } => {
                self.status = *status;
                if *status == Status::Canceled {
                    self.rare_mut().canceled_at = Some(at);
                }
            }
            AccountEvent::CashWithdrawn { amount, cash_after } => {
                self.cash = *cash_after;
                let withdrawn = &mut self.rare_mut().withdrawn;
                *withdrawn = sum(*withdrawn, *amount);
            }
            AccountEvent::HoldPlaced { hold, amount, expires_at } => {
                self.rare_mut().holds.place(hold, *amount, *expires_at, at);
            }
            AccountEvent::HoldCaptured { hold, amount, cycle } => {
                self.close_hold(hold, HoldState::Captured(*amount), at);
                self.buy_on_credit(*cycle, *amount);
            }
            AccountEvent::HoldReleased { hold } => self.close_hold(hold, HoldState::Released, at),
            AccountEvent::HoldExpired { hold } => self.close_hold(hold, HoldState::Expired, at),
            AccountEvent::BillIssued { bill } => self.apply_bill(bill),
            AccountEvent::BillsWrittenOff { payments } => self.apply_payments(payments, at),
            AccountEvent::Purchased { order, amount, funding, cycle, .. } => {
                self.apply_purchase(order, *amount, funding, *cycle, at);
            }
            AccountEvent::PurchaseRefunded { order, refund, amount, returned, forfeited, month } => {
                let (id, amount, returned) = (refund.clone(), *amount, returned.clone());
                let refund = Refund { id, amount, returned, forfeited: *forfeited, at };
                self.apply_refund(order, refund, *month);
            }
            AccountEvent::UnifiedSettlementEnded { settlement, payments, end } => {
                self.apply_payments(payments, at);
                let ended = self.billing_mut().settlements.by_id.get_mut(settlement);
                ended.expect("invariant: only what has begun ends").end = Some(*end);
            }
            AccountEvent::RemittanceClaimed { remittance, amount, cash_after } => {
                self.cash = *cash_after;
                self.billing_mut().remittances.insert(remittance.clone(), *amount);
            }
            AccountEvent::LowBalanceAlertSet { enabled, threshold } => self.apply_alert(*enabled, *threshold),
            AccountEvent::SuspensionBenefitSet { benefit } => self.apply_benefit(*benefit, at),
            AccountEvent::StandingChanged { change } => self.apply_standing(change.changes, at),
            event if event.is_crossing() => self.apply_crossing(event),
            event => self.billing_mut().apply(event),
        }
        let deducts = self.billing().deducts();
        self.marks.set(Mark::Deducts, deducts);
        self.sequence += 1;
        self.events += 1;
        self.at = self.at.max(at);
        self.available_credit =
            self.available_credit_recomputed().expect("invariant: fits, as checked by decide");
        self.find_attention();
    }

    fn apply_crossing(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::CashTransferred { to, amount, cash_after, posted } => {
                self.cash = *cash_after;
                self.send(Party::Account(*to), Cargo::Transfer { amount: *amount }, *posted);
            }
            AccountEvent::TransferReceived { from, number, amount, cash_after } => {
                self.cash = *cash_after;
                self.rare_mut().transfer_book.receive(*from, *amount);
                self.rare_mut().inbox.receive(Party::Account(*from), *number);
            }
            AccountEvent::TransferRevoked { giver, amount, cash_after, posted } => {
                self.cash = *cash_after;
                self.rare_mut().transfer_book.revoke(*giver, *amount);
                self.send(Party::Account(*giver), Cargo::Revocation { amount: *amount }, *posted);
            }
            AccountEvent::RevocationReceived { from, number, cash_after, .. } => {
                self.cash = *cash_after;
                self.rare_mut().inbox.receive(Party::Account(*from), *number);
            }
            AccountEvent::CreditReceived { enterprise, number, limit_after, .. } => {
                self.credit_limit = *limit_after;
                self.rare_mut().inbox.receive(Party::CreditControl(*enterprise), *number);
            }
            AccountEvent::CreditReturned {
                enterprise,
                amount,
                limit_after,
                moves_to,
                remembered,
                posted,
            } => {
                self.credit_limit = *limit_after;
                let cargo = Cargo::CreditReturn {
                    amount: *amount,
                    moves_to: *moves_to,
                    remembered: remembered.clone(),
                };
                self.send(Party::CreditControl(*enterprise), cargo, *posted);
            }
            AccountEvent::EnterpriseJoined { enterprise, posted } => {
                self.rare_mut().enterprise = Some(*enterprise);
                self.send(Party::CreditControl(*enterprise), Cargo::Joined, *posted);
            }
            AccountEvent::EnterpriseLeft { enterprise, posted } => {
                self.rare_mut().enterprise = None;
                self.send(Party::CreditControl(*enterprise), Cargo::Left, *posted);
            }
            _ => unreachable!("invariant: `apply` has handled what stays inside the account"),
        }
    }

    fn send(&mut self, to: Party, cargo: Cargo, posted: Posted) {
        let outbox = &mut self.rare_mut().outbox;
        outbox.acknowledge_up_to(posted.acknowledged);
        outbox.push(to, cargo);
        assert_eq!(outbox.last(), posted.number, "invariant: messages are numbered without a gap");
    }

    fn close_hold(&mut self, hold: &str, state: HoldState, at: Timestamp) {
        self.rare_mut().holds.close(hold, state, at);
    }
}

fn sum(one: Money, other: Money) -> Money {
    one.checked_add(other).expect("invariant: sums were checked by decide")
}
