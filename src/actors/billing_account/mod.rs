//! The billing account as an actor: it owns its balances; nobody else reads or writes them.

mod charge;
mod crossings;
mod questions;

use std::sync::Arc;

use actix::{Actor, Handler, Message};

use super::credit_control::Given;
use super::crossings::Crossing;
use super::planted::{self, PlantedFault};
use super::resident::{Deferred, Resident};
use super::routes::Delivery;
use crate::domain::account::{Account, AccountView, Surroundings};
use crate::domain::account_command::AccountCommand;
use crate::domain::account_event::AccountEvent;
use crate::domain::credit_control::AllocationView;
use crate::domain::crossing::Party;
use crate::domain::keys::Remembered;
use crate::domain::money::Money;
use crate::domain::refusals::Refusal;
use crate::domain::standing::StandingChange;
use crate::domain::time::Timestamp;
use crate::journal::forms::account_record::AccountRecord;
use crate::journal::forms::answer::{decode_view, encode_allocation, encode_view};
pub use charge::{PostCharge, Verdict};
pub use crossings::{Acknowledge, Receive};
pub use questions::{Ask, AskCounterpart, AskRevocable, Recall, Try, View, ViewAt};

/// A resident actor, kept by value in its shard's slab; its mailbox, while open, is kept beside the slab.
pub struct BillingAccount {
    /// Its state; the rules are the domain's.
    pub account: Account,
}

impl Actor for BillingAccount {
    type Context = Resident;
}

/// Gives the account a command.
pub struct Do {
    /// What to do.
    pub command: AccountCommand,
    /// Who says so.
    pub given: Given,
    /// What the account can't know of itself.
    pub around: Surroundings,
    /// Keeps the accounts that it concerns from being closed until what it sends has arrived.
    pub crossing: Option<Arc<Crossing>>,
}

/// The account's figures after a command, and how much it moved.
pub type Done = Result<(AccountView, Money), Refusal>;

impl Message for Do {
    type Result = Done;
}

impl Handler<Do> for BillingAccount {
    type Result = Deferred<Done>;

    fn handle(&mut self, message: Do, context: &mut Resident) -> Self::Result {
        Deferred(self.decide_and_record(message, context))
    }
}

impl BillingAccount {
    /// Notes a row of an import that was posted before (rule C7).
    #[cold]
    fn meet(&mut self, charge: PostCharge<'_>) {
        let PostCharge { paid, amount, currency, period_start, billing_cycle, category, span, .. } = charge;
        let place =
            self.account.decide_charge(paid, amount, currency, period_start, billing_cycle, category, span);
        if let (Ok(place), Some(import)) = (place, charge.import) {
            self.account.rare_mut().imports.met(&import, place.original);
        }
    }

    fn decide_and_record(&mut self, message: Do, context: &mut Resident) -> Done {
        let Do { command, given, around, crossing } = message;
        if let (Some((key, digest)), Some(rare)) = (&given.key, self.account.rare())
            && let Some(answer) = rare.keys.look_up(&given.principal, key, *digest)?
        {
            return Ok(
                decode_view(self.account.index, answer).expect("invariant: the answer was encoded here")
            );
        }
        // An account's business time never goes back (rule J5).
        let at = given.at.max(self.account.at());
        self.settle_due(at, context);
        let Some(mut event) = self.account.decide(&command, at, around)? else {
            return Ok((self.account.view(), Money::ZERO));
        };
        let amount = event.amount();
        let returned = self.returned_answer(&event).and_then(|answer| given.remembered(answer));
        if let Some(returned) = returned {
            Account::remember_with(&mut event, &returned);
        }
        let cause = Cause { at, elsewhere: given.elsewhere(), actor: given.principal.clone(), crossing };
        self.record(event, cause, Some(&given), context);
        Ok((self.account.view(), amount))
    }

    /// What the credit control is to remember as the answer where credit is returned: that of an allocation, or nothing
    /// of a move, which only the account answers again.
    fn returned_answer(&self, event: &AccountEvent) -> Option<Vec<u8>> {
        let AccountEvent::CreditReturned { amount, limit_after, moves_to, .. } = event else { return None };
        if moves_to.is_some() {
            return Some(Vec::new());
        }
        let available_credit = self.account.available_credit();
        Some(encode_allocation(&AllocationView {
            before: self.account.credit_limit(),
            after: *limit_after,
            available_credit_after: available_credit.checked_sub(*amount).expect("invariant: it was decided"),
            pending: false,
        }))
    }

    /// Decides what is due by `at`, in due order (rule J5); how much that was.
    pub fn settle_due(&mut self, at: Timestamp, context: &mut Resident) -> u64 {
        let mut count = 0;
        if context.planted == Some(PlantedFault::DueSkipped) {
            return count;
        }
        while let Some((event, mut due)) = self.account.due(at) {
            if context.planted == Some(PlantedFault::ReminderSkipped) {
                due = planted::skip_reminder(&event, due, at);
            }
            self.record(event, Cause::due(due), None, context);
            count += 1;
        }
        count
    }

    /// As [`BillingAccount::settle_due`], of reminders and ends of grace alone.
    pub fn settle_standing_due(&mut self, at: Timestamp, context: &mut Resident) -> u64 {
        let mut count = 0;
        while let Some((event, due)) = self.account.standing_due(at) {
            self.record(event, Cause::due(due), None, context);
            count += 1;
        }
        count
    }

    /// Applies and records what happened, and what is written off by itself because of it (rule D3). What `given` asks to be
    /// remembered stands in the last record: both are in one block.
    pub(super) fn record(
        &mut self,
        mut event: AccountEvent,
        cause: Cause,
        given: Option<&Given>,
        context: &mut Resident,
    ) {
        if let Some(fault) = context.planted {
            fault.tamper(&mut event);
        }
        let Cause { at, elsewhere, actor, crossing } = cause;
        let at = at.max(self.account.at());
        let amount = event.amount();
        let sent = self.account.rare().map_or(0, |rare| rare.outbox.last());
        let available = self.account.available_credit();
        self.account.apply(&event, at);
        let mut last = event;
        let mut written_off = self.account.decide_write_off(at);
        if let Some(fault) = context.planted {
            written_off = fault.write_off(&self.account, &last, at, written_off);
        }
        if let Some(written_off) = written_off {
            self.append(std::mem::replace(&mut last, written_off), at, actor.clone(), None, context);
            self.account.apply(&last, at);
        }
        // One step, whatever it was made of.
        if let Some(change) = self.decide_standing(available, at, context) {
            let changed = AccountEvent::StandingChanged { change };
            self.append(std::mem::replace(&mut last, changed), at, actor.clone(), None, context);
            self.account.apply(&last, at);
        }
        // The answer is remembered with the figures that the event has led to.
        let remembered = given
            .filter(|given| given.key.is_some())
            .and_then(|given| given.remembered(encode_view(&self.account.view(), amount)));
        if let Some(remembered) = &remembered {
            self.account.rare_mut().keys.remember(remembered.clone());
        }
        if let Some(message) = self.account.rare().and_then(|rare| rare.outbox.since(sent).next()) {
            let party = Party::Account(self.account.index);
            let delivery = Delivery::of(party, message, elsewhere, &actor, crossing);
            let (routes, to) = (Arc::clone(&context.routes), message.to);
            if context.planted == Some(PlantedFault::SentBeforeQueued) {
                routes.deliver(to, delivery);
            } else {
                context.log.sends.push(Box::new(move || routes.deliver(to, delivery)));
            }
        }
        self.append(last, at, actor, remembered, context);
    }

    /// How one step has changed the account's standing, if it did.
    fn decide_standing(&self, before: Money, at: Timestamp, context: &Resident) -> Option<StandingChange> {
        let change = self.account.decide_standing(before, at);
        match context.planted {
            None => change,
            Some(fault) => fault.standing(&self.account, before, at, change),
        }
    }

    /// Appends the record of the event that was applied last.
    fn append(
        &self,
        event: AccountEvent,
        at: Timestamp,
        actor: Box<str>,
        remembered: Option<Remembered>,
        context: &mut Resident,
    ) {
        let (account, sequence) = (self.account.index, self.account.sequence());
        AccountRecord { account, sequence, at, actor, remembered, event }.encode(&mut context.log.bytes);
        context.log.records += 1;
    }
}

/// Why something is recorded.
pub(super) struct Cause {
    /// Business time of the decision.
    pub(super) at: Timestamp,
    /// The time that others are told, if they are sent something.
    pub(super) elsewhere: Timestamp,
    /// Who gave the command.
    pub(super) actor: Box<str>,
    /// Keeps the accounts that it concerns from being closed until what it sends has arrived.
    pub(super) crossing: Option<Arc<Crossing>>,
}

impl Cause {
    /// The clock: what is due decides itself.
    pub(super) fn due(at: Timestamp) -> Self {
        Self { at, elsewhere: at, actor: CLOCK.into(), crossing: None }
    }
}

/// Who decides what is due.
const CLOCK: &str = "clock";
