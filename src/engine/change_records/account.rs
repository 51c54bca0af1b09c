//! What changed a billing account (rules B2, B3).

use std::collections::{BTreeMap, HashMap};

use super::{Change, ChangeRecord, negative};
use crate::domain::account::Status;
use crate::domain::account_event::AccountEvent;
use crate::domain::billing::asset::{Asset, BillPayment, Portion};
use crate::domain::billing::bill::Bill;
use crate::domain::billing::settlement::SettlementEnd;
use crate::domain::ids::AccountIndex;
use crate::domain::money::{Money, RunningSum};
use crate::domain::standing::{ChargeStanding, StandingChange};
use crate::domain::time::{Cycle, Timestamp};
use crate::journal::JournalFault;
use crate::journal::charges::ChargesPosted;
use crate::journal::forms::account_record::AccountRecord;

/// Follows the figures of an account that its records don't carry; none is known of an account whose older records were
/// not read.
#[derive(Default)]
pub(in crate::engine) struct Figures {
    at: Timestamp,
    cash: Option<Money>,
    transfer_book: Option<Money>,
    credit_refund: Option<Money>,
    quota_consumed: Option<Money>,
    /// By number: id and balance.
    coupons: Vec<(Box<str>, Option<Money>)>,
    outstanding: HashMap<Cycle, Option<Money>>,
    alert_threshold: Option<Money>,
}

/// The changes that one record makes to what is paid with, and to bills.
#[derive(Default)]
struct Moves {
    cash: RunningSum,
    transfer_book: RunningSum,
    credit_refund: RunningSum,
    quota_consumed: RunningSum,
    coupons: BTreeMap<u32, RunningSum>,
    bills: BTreeMap<Cycle, RunningSum>,
}

impl Moves {
    /// An asset pays.
    fn pay(&mut self, part: Portion) {
        let Portion { asset, amount } = part;
        match asset {
            Asset::Cash => self.cash = self.cash.minus(amount),
            Asset::TransferBook => {
                self.cash = self.cash.minus(amount);
                self.transfer_book = self.transfer_book.minus(amount);
            }
            Asset::CreditRefund(_) => self.credit_refund = self.credit_refund.minus(amount),
            Asset::Quota => self.quota_consumed = self.quota_consumed.plus(amount),
            Asset::Coupon(number) => {
                let sum = self.coupons.entry(number).or_default();
                *sum = sum.minus(amount);
            }
            Asset::Credit => {}
        }
    }

    /// It gets back what it had paid, but for credit, which becomes credit refund (rule D6).
    fn pay_back(&mut self, part: Portion) {
        match part.asset {
            Asset::Credit => self.credit_refund = self.credit_refund.plus(part.amount),
            asset => {
                if let Some(amount) = negative(part.amount) {
                    self.pay(Portion { asset, amount });
                }
            }
        }
    }
}

/// A record of an account as a person reads it, in the first place; see [`changes_of`].
pub(in crate::engine) fn change_record(record: AccountRecord) -> ChangeRecord {
    changes_of(record).swap_remove(0)
}

/// What a record of an account has changed, at least one thing: by itself it does not tell figures before and after that it
/// doesn't carry.
pub(in crate::engine) fn changes_of(record: AccountRecord) -> Vec<ChangeRecord> {
    Figures::default().records(record)
}

impl Figures {
    /// Of an account that has no record yet.
    pub(in crate::engine) fn opened() -> Self {
        let zero = Some(Money::ZERO);
        Self {
            at: Timestamp::MIN,
            cash: zero,
            transfer_book: zero,
            credit_refund: zero,
            quota_consumed: zero,
            alert_threshold: zero,
            ..Self::default()
        }
    }

    /// What the next record has changed; at least one thing.
    pub(in crate::engine) fn records(&mut self, record: AccountRecord) -> Vec<ChangeRecord> {
        let AccountRecord { account, sequence, at, actor, event, .. } = record;
        self.at = self.at.max(at);
        let changes = self.changes(event).into_iter();
        changes.map(|change| change.record(format!("{account}-{sequence}"), at, &actor)).collect()
    }

    /// What the account's charges have changed besides what is unsettled: coupons that were deducted from them (rule C5), and
    /// the account's standing (rules H2-H4). Nobody has commanded it.
    pub(in crate::engine) fn records_of_charges(
        &mut self,
        account: AccountIndex,
        posted: &ChargesPosted<'_>,
    ) -> Result<Vec<ChangeRecord>, JournalFault> {
        let mut records = Vec::new();
        let mut deductions = posted.deductions().peekable();
        let mut standings = posted.standings().iter().peekable();
        if deductions.peek().is_none() && standings.peek().is_none() {
            return Ok(records);
        }
        for (place, charge) in posted.iter().enumerate() {
            let charge = charge?;
            while let Some((_, part)) = deductions.next_if(|(row, _)| *row == place) {
                if charge.account != account {
                    continue;
                }
                let mut moves = Moves::default();
                moves.pay(part);
                let transaction = format!("{account}-{}", charge.sequence);
                let at = self.at.max(charge.period_start);
                let changes = self.moved("deduction", "", moves);
                records.extend(changes.into_iter().map(|change| change.record(transaction.clone(), at, "")));
            }
            if let Some((_, ChargeStanding { change, at, .. })) = standings.next_if(|(row, ..)| *row == place)
                && charge.account == account
            {
                self.at = self.at.max(*at);
                let transaction = format!("{account}-{}", charge.sequence);
                let changes = standing(change).into_iter();
                records.extend(changes.map(|change| change.record(transaction.clone(), *at, "")));
            }
        }
        Ok(records)
    }

    fn changes(&mut self, event: AccountEvent) -> Vec<Change> {
        let one = match event {
            AccountEvent::BillIssued { bill } => return self.bill(&bill),
            AccountEvent::BillsWrittenOff { payments } if payments.is_empty() => {
                Change::of("bill", "write_off")
            }
            AccountEvent::BillsWrittenOff { payments } => return self.paid("write_off", &payments),
            AccountEvent::UnifiedSettlementEnded { settlement, payments, end } => {
                let kind = match end {
                    SettlementEnd::Finished => "finished",
                    SettlementEnd::Closed => "closed",
                };
                let mut changes = vec![Change::of("unified_settlement", kind).because(settlement)];
                changes.extend(self.paid("unified_settlement", &payments));
                return changes;
            }
            AccountEvent::Purchased { order, amount, funding, .. } => {
                let mut moves = Moves::default();
                funding.iter().for_each(|part| moves.pay(*part));
                let bought = Change { amount: Some(amount), ..Change::of("order", "purchase") };
                let mut changes = vec![bought.because(order.clone())];
                changes.extend(self.moved("purchase", &order, moves));
                return changes;
            }
            AccountEvent::PurchaseRefunded { order, refund, amount, returned, .. } => {
                let mut moves = Moves::default();
                returned.iter().for_each(|part| moves.pay_back(*part));
                let refunded = Change { amount: negative(amount), ..Change::of("order", "refund") };
                let mut changes = vec![refunded.because(format!("{order}: {refund}"))];
                changes.extend(self.moved("refund", &order, moves));
                return changes;
            }
            AccountEvent::CouponGranted { coupon } => {
                self.coupons.push((coupon.id.clone(), Some(coupon.nominal)));
                Change::of("coupon", "grant").up(coupon.nominal, coupon.nominal).because(coupon.id)
            }
            AccountEvent::CouponExpired { number, amount } => {
                let mut moves = Moves::default();
                moves.pay(Portion { asset: Asset::Coupon(number), amount });
                return self.moved("expiry", "", moves);
            }
            AccountEvent::StandingChanged { change } => return standing(&change),
            AccountEvent::LowBalanceAlertSet { enabled, threshold } => {
                let kind = if enabled { "enabled" } else { "disabled" };
                let before = self.alert_threshold.replace(threshold);
                Change { before, after: Some(threshold), ..Change::of("alert", kind) }
            }
            AccountEvent::QuotaRepaid { amount, consumed_after } => {
                self.quota_consumed = Some(consumed_after);
                let before = consumed_after.checked_add(amount);
                let after = Some(consumed_after);
                Change { amount: Some(amount), before, after, ..Change::of("quota_consumed", "repayment") }
            }
            event => return self.of_cash(event),
        };
        vec![one]
    }

    /// What changes cash, and the transfer book with it.
    fn of_cash(&mut self, event: AccountEvent) -> Vec<Change> {
        let book = match &event {
            AccountEvent::TransferReceived { amount, .. } => Some(RunningSum::default().plus(*amount)),
            AccountEvent::TransferRevoked { amount, .. } => Some(RunningSum::default().minus(*amount)),
            _ => None,
        };
        let cash = match event {
            AccountEvent::CashToppedUp { amount, cash_after, reference } => {
                let change = Change::of("cash", "top_up").up(amount, cash_after);
                Change { reason: reference.map(Into::into), ..change }
            }
            AccountEvent::CashAdjusted { amount, cash_after, reason } => {
                Change::of("cash", "adjustment").up(amount, cash_after).because(reason)
            }
            AccountEvent::RemittanceClaimed { remittance, amount, cash_after } => {
                Change::of("cash", "remittance").up(amount, cash_after).because(remittance)
            }
            AccountEvent::CashWithdrawn { amount, cash_after } => {
                Change::of("cash", "withdrawal").down(amount, cash_after)
            }
            AccountEvent::CashTransferred { to, amount, cash_after, .. } => {
                Change::of("cash", "transfer_out").down(amount, cash_after).of_account(to)
            }
            AccountEvent::TransferReceived { from, amount, cash_after, .. } => {
                Change::of("cash", "transfer_in").up(amount, cash_after).of_account(from)
            }
            AccountEvent::TransferRevoked { giver, amount, cash_after, .. } => {
                Change::of("cash", "revocation_out").down(amount, cash_after).of_account(giver)
            }
            AccountEvent::RevocationReceived { from, amount, cash_after, .. } => {
                Change::of("cash", "revocation_in").up(amount, cash_after).of_account(from)
            }
            event => return vec![other(event)],
        };
        self.cash = cash.after;
        let Some(difference) = book else { return vec![cash] };
        let book = Change { reason: cash.reason.clone(), ..Change::of("transfer_book", cash.kind) };
        vec![cash, book.by(&mut self.transfer_book, difference)]
    }

    fn bill(&mut self, bill: &Bill) -> Vec<Change> {
        let cycle = bill.cycle.to_string();
        let outstanding = Some(bill.outstanding());
        self.outstanding.insert(bill.cycle, outstanding);
        let issued =
            Change { amount: Some(bill.after_tax()), after: outstanding, ..Change::of("bill", "issue") };
        let mut moves = Moves::default();
        bill.payments.iter().for_each(|part| moves.pay(*part));
        let mut changes = vec![issued.because(cycle.clone())];
        changes.extend(self.moved("issue", &cycle, moves));
        changes
    }

    fn paid(&mut self, kind: &'static str, payments: &[BillPayment]) -> Vec<Change> {
        let mut moves = Moves::default();
        for BillPayment { cycle, part } in payments {
            moves.pay(*part);
            let sum = moves.bills.entry(*cycle).or_default();
            *sum = sum.minus(part.amount);
        }
        let cycles: Vec<_> = moves.bills.keys().map(Cycle::to_string).collect();
        self.moved(kind, &cycles.join(", "), moves)
    }

    /// One change for each asset that is moved.
    fn moved(&mut self, kind: &'static str, reason: &str, moves: Moves) -> Vec<Change> {
        let reason = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
        let mut changes = Vec::new();
        for (cycle, difference) in moves.bills {
            let figure = self.outstanding.entry(cycle).or_default();
            changes.push(Change::of("bill", kind).by(figure, difference).because(cycle.to_string()));
        }
        for (number, difference) in moves.coupons {
            let mut unknown = (format!("number {number}").into(), None);
            let (id, balance) = self.coupons.get_mut(number as usize).unwrap_or(&mut unknown);
            changes.push(Change::of("coupon", kind).by(balance, difference).because(id.clone()));
        }
        for (asset, figure, difference) in [
            ("credit_refund", &mut self.credit_refund, moves.credit_refund),
            ("cash", &mut self.cash, moves.cash),
            ("transfer_book", &mut self.transfer_book, moves.transfer_book),
            ("quota_consumed", &mut self.quota_consumed, moves.quota_consumed),
        ] {
            if difference != RunningSum::default() {
                let change = Change::of(asset, kind).by(figure, difference);
                changes.push(Change { reason: reason.clone(), ..change });
            }
        }
        changes
    }
}

/// How an account's standing has changed; `after` is its available credit then (rules H2-H4).
fn standing(change: &StandingChange) -> Vec<Change> {
    let after = Some(change.available_credit);
    let of = |name| if matches!(name, "alerted" | "rearmed") { "alert" } else { "standing" };
    change.changes.names().map(|name| Change { after, ..Change::of(of(name), name) }).collect()
}

/// What is no money of the account's.
fn other(event: AccountEvent) -> Change {
    let switched = |asset, on| Change::of(asset, if on { "enabled" } else { "disabled" });
    match event {
        AccountEvent::CreditLimitGranted { before, after } => {
            Change::of("credit_limit", "grant").moved(Some(before), after)
        }
        AccountEvent::CreditReceived { enterprise, amount, limit_after, .. } => {
            Change::of("credit_limit", "credit_raised")
                .up(amount, limit_after)
                .because(format!("enterprise {enterprise}"))
        }
        AccountEvent::CreditReturned { enterprise, amount, limit_after, moves_to, .. } => match moves_to {
            None => Change::of("credit_limit", "credit_lowered")
                .down(amount, limit_after)
                .because(format!("enterprise {enterprise}")),
            Some(to) => Change::of("credit_limit", "credit_moved").down(amount, limit_after).of_account(to),
        },
        AccountEvent::QuotaSet { before, after } => Change::of("quota", "set").moved(Some(before), after),
        AccountEvent::ProfileModified { .. } => Change::of("settings", "modified"),
        AccountEvent::StatusChanged { status } => Change::of(
            "status",
            match status {
                Status::Valid => "thawed",
                Status::Frozen => "frozen",
                Status::Canceled => "canceled",
            },
        ),
        AccountEvent::EnterpriseJoined { enterprise, .. } => {
            Change::of("association", "joined").because(format!("enterprise {enterprise}"))
        }
        AccountEvent::EnterpriseLeft { enterprise, .. } => {
            Change::of("association", "left").because(format!("enterprise {enterprise}"))
        }
        AccountEvent::HoldPlaced { hold, amount, .. } => {
            Change { amount: Some(amount), ..Change::of("hold", "hold_placed") }.because(hold)
        }
        AccountEvent::HoldCaptured { hold, amount, .. } => {
            Change { amount: negative(amount), ..Change::of("hold", "hold_captured") }.because(hold)
        }
        AccountEvent::HoldReleased { hold } => Change::of("hold", "hold_released").because(hold),
        AccountEvent::HoldExpired { hold } => Change::of("hold", "hold_expired").because(hold),
        AccountEvent::AutomaticWriteOffSet { enabled } => switched("automatic_write_off", enabled),
        AccountEvent::WriteOffPreviousBillsSet { enabled } => switched("write_off_previous_bills", enabled),
        AccountEvent::TaxRateSet { before, after } => {
            Change::of("tax_rate", "set").because(format!("{before} to {after}"))
        }
        AccountEvent::SettlementCurrencySet { from, currency } => {
            Change::of("settlement_currency", "set").because(format!("{currency} from {from}"))
        }
        AccountEvent::UnifiedSettlementStarted { settlement, cycles, .. } => {
            let cycles: Vec<_> = cycles.iter().map(Cycle::to_string).collect();
            Change::of("unified_settlement", "started")
                .because(format!("{settlement}: {}", cycles.join(", ")))
        }
        AccountEvent::PaymentMethodLinked { method, .. } => {
            Change::of("payment_method", "linked").because(method)
        }
        AccountEvent::PaymentMethodEdited { method, .. } => {
            Change::of("payment_method", "edited").because(method)
        }
        AccountEvent::PaymentMethodUnlinked { method } => {
            Change::of("payment_method", "removed").because(method)
        }
        AccountEvent::DefaultPaymentMethodSet { method } => {
            Change::of("payment_method", "made_default").because(method)
        }
        AccountEvent::SuspensionBenefitSet { benefit: None } => Change::of("suspension_benefit", "removed"),
        AccountEvent::SuspensionBenefitSet { benefit: Some(benefit) } => {
            Change::of("suspension_benefit", "set").because(benefit.to_string())
        }
        _ => unreachable!("invariant: everything else moves money"),
    }
}
