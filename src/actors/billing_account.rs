//! The billing account as an actor: it owns its balances; nobody else reads or writes them.

use std::sync::Arc;

use actix::{Actor, Handler, Message, MessageResult};

use super::credit_control::Given;
use super::crossings::Crossing;
use super::planted::{self, PlantedFault};
use super::resident::{Deferred, Resident};
use super::routes::Delivery;
use crate::domain::account::{Account, AccountView, ChargePlace, Counterpart, Surroundings};
use crate::domain::account_command::AccountCommand;
use crate::domain::account_event::AccountEvent;
use crate::domain::billing::asset::Portion;
use crate::domain::charge::Category;
use crate::domain::credit_control::AllocationView;
use crate::domain::crossing::Party;
use crate::domain::identities::{Identities, IdentityKey, Seen};
use crate::domain::ids::{AccountIndex, Currency, Partition};
use crate::domain::imports::ImportedRow;
use crate::domain::keys::Remembered;
use crate::domain::money::Money;
use crate::domain::paid_cloud_account::PaidCloudAccount;
use crate::domain::refusals::Refusal;
use crate::domain::standing::{ChargeStanding, StandingChange};
use crate::domain::time::{Cycle, CycleSpan, Timestamp};
use crate::domain::transfer_book::Pair;
use crate::journal::forms::account_record::AccountRecord;
use crate::journal::forms::answer::{decode_view, encode_allocation, encode_view};

/// A resident actor, kept by value in its shard's slab; its mailbox, while open, is kept beside the slab.
pub struct BillingAccount {
    /// Its state; the rules are the domain's.
    pub account: Account,
}

impl Actor for BillingAccount {
    type Context = Resident;
}

/// Posts one charge: the hot path, called in place with borrowed parts of the shard.
pub struct PostCharge<'a> {
    /// The payment relationship it belongs to.
    pub paid: &'a mut PaidCloudAccount,
    /// The identities of its home partition's shard.
    pub identities: &'a mut Identities,
    /// Its home partition.
    pub home: Partition,
    /// Its identity.
    pub key: IdentityKey,
    /// How much.
    pub amount: Money,
    /// Currency.
    pub currency: Currency,
    /// Start of the charge period.
    pub period_start: Timestamp,
    /// The cycle asked for.
    pub billing_cycle: Option<Cycle>,
    /// Category.
    pub category: Category,
    /// The row of an import whose ids are digests (rule C7).
    pub import: Option<ImportedRow<'a>>,
    /// The service that was used; only looked at where coupons may deduct.
    pub service: &'a str,
    /// What coupons have deducted (rule C5).
    pub deducted: &'a mut Vec<Portion>,
    /// The cycle looked up last.
    pub span: &'a mut Option<CycleSpan>,
    /// The business time of the decision, where the charge may change the account's standing (rules H2-H4).
    pub closer: Option<Timestamp>,
    /// How it did.
    pub standing: &'a mut Option<ChargeStanding>,
}

/// What became of one charge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Posted there.
    Posted(ChargePlace),
    /// Posted before; no effect.
    Duplicate,
    /// Not posted.
    Refused(Refusal),
}

impl Message for PostCharge<'_> {
    type Result = Verdict;
}

impl<'a> Handler<PostCharge<'a>> for BillingAccount {
    type Result = MessageResult<PostCharge<'a>>;

    #[inline]
    fn handle(&mut self, charge: PostCharge<'a>, context: &mut Resident) -> Self::Result {
        match charge.identities.look_up(charge.home, charge.key) {
            Seen::New => {}
            // The same amount in another currency is another amount.
            Seen::Duplicate if charge.currency != self.account.currency() => {
                return MessageResult(Verdict::Refused(Refusal::Conflict));
            }
            Seen::Duplicate => {
                if charge.import.is_some() {
                    self.meet(charge);
                }
                return MessageResult(Verdict::Duplicate);
            }
            Seen::Conflict => return MessageResult(Verdict::Refused(Refusal::Conflict)),
        }
        let decided = self
            .account
            .decide_charge(
                charge.paid,
                charge.amount,
                charge.currency,
                charge.period_start,
                charge.billing_cycle,
                charge.category,
                charge.span,
            )
            .and_then(|place| {
                if let Some(import) = &charge.import {
                    self.account.imports_decide(import, place.original)?;
                }
                charge.identities.decide(charge.home, place.cycle)?;
                Ok(place)
            });
        MessageResult(match decided {
            Ok(place) => {
                let ChargePlace { cycle, original } = place;
                let available = self.account.available_credit();
                self.account.apply_charge(charge.paid, charge.amount, cycle, charge.category);
                if self.account.deducts() {
                    let PostCharge { amount, period_start, category, service, .. } = charge;
                    let parts = charge.deducted;
                    self.account.decide_deductions(amount, period_start, category, service, parts);
                    self.account.apply_deductions(cycle, parts.iter().copied());
                }
                if let Some(import) = charge.import {
                    let imports = &mut self.account.rare_mut().imports;
                    imports.apply(import.source, original, import.row, Some(import.reading));
                }
                if let Some(at) = charge.closer
                    && let Some(change) = self.decide_standing(available, at, context)
                {
                    let standing = ChargeStanding { change, at };
                    self.account.apply_standing_of_charge(&standing);
                    *charge.standing = Some(standing);
                }
                charge.identities.insert(charge.home, cycle, charge.key);
                Verdict::Posted(place)
            }
            Err(refusal) => Verdict::Refused(refusal),
        })
    }
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

/// A message of another account, or of the credit control, has come.
pub struct Receive(pub Delivery);

impl Message for Receive {
    type Result = ();
}

impl Handler<Receive> for BillingAccount {
    type Result = ();

    fn handle(&mut self, message: Receive, context: &mut Resident) {
        let Delivery { mut received, at, actor, crossing } = message.0;
        if context.planted == Some(PlantedFault::InboxNotIdempotent) {
            let newest = self.account.rare().map_or(0, |rare| rare.inbox.newest(received.from));
            received.number = received.number.max(newest + 1);
        }
        let (from, number) = (received.from, received.number);
        if let Some(event) = self.account.receive(&received) {
            let at = at.max(self.account.at());
            self.settle_due(at, context);
            self.record(event, Cause { at, elsewhere: at, actor, crossing: None }, None, context);
        }
        // The sender forgets it when this account's record is in the log's queue.
        let routes = Arc::clone(&context.routes);
        context.log.sends.push(Box::new(move || {
            routes.acknowledge(from, number);
            drop(crossing);
        }));
    }
}

/// The record of a message's receiver is in the log's queue.
pub struct Acknowledge(pub u64);

impl Message for Acknowledge {
    type Result = ();
}

impl Handler<Acknowledge> for BillingAccount {
    type Result = ();

    fn handle(&mut self, message: Acknowledge, _: &mut Resident) {
        self.account.rare_mut().outbox.acknowledge(message.0);
    }
}

/// Asks for the account's figures, as durable as what was recorded before the question.
pub struct View;

impl Message for View {
    type Result = AccountView;
}

impl Handler<View> for BillingAccount {
    type Result = Deferred<AccountView>;

    fn handle(&mut self, _: View, _: &mut Resident) -> Self::Result {
        Deferred(self.account.view())
    }
}

/// As [`View`], when everything due by then has been decided (rule J5): for whoever decides by it.
pub struct ViewAt(pub Timestamp);

impl Message for ViewAt {
    type Result = AccountView;
}

impl Handler<ViewAt> for BillingAccount {
    type Result = Deferred<AccountView>;

    fn handle(&mut self, message: ViewAt, context: &mut Resident) -> Self::Result {
        let at = message.0.max(self.account.at());
        self.settle_due(at, context);
        // Time alone makes what is owed overdue for long (rule E6).
        let may_not_serve_itself = self.account.may_not_serve_itself(at);
        Deferred(AccountView { may_not_serve_itself, ..self.account.view() })
    }
}

/// Asks what another account must know before it sends something at that time, and waits for nothing: what is answered
/// outside of it must wait for this account besides.
pub struct AskCounterpart(pub AccountIndex, pub Timestamp);

impl Message for AskCounterpart {
    type Result = Counterpart;
}

impl Handler<AskCounterpart> for BillingAccount {
    type Result = MessageResult<AskCounterpart>;

    fn handle(&mut self, message: AskCounterpart, _: &mut Resident) -> Self::Result {
        MessageResult(self.account.counterpart(message.0, message.1))
    }
}

/// What a giver may take back from this account (rule F3).
pub struct AskRevocable(pub AccountIndex);

impl Message for AskRevocable {
    type Result = (Money, Money, AccountView);
}

impl Handler<AskRevocable> for BillingAccount {
    type Result = Deferred<(Money, Money, AccountView)>;

    fn handle(&mut self, message: AskRevocable, _: &mut Resident) -> Self::Result {
        let pair = self.account.rare().and_then(|rare| rare.transfer_book.pair(message.0));
        let remaining = pair.map_or(Money::ZERO, Pair::remaining);
        Deferred((self.account.revocable(message.0), remaining, self.account.view()))
    }
}

/// The first answer to a command of that principal, key and digest (rule J2).
pub struct Recall(pub Box<str>, pub Box<str>, pub u128);

impl Message for Recall {
    type Result = Result<Option<(AccountView, Money)>, Refusal>;
}

impl Handler<Recall> for BillingAccount {
    type Result = Deferred<Result<Option<(AccountView, Money)>, Refusal>>;

    fn handle(&mut self, message: Recall, _: &mut Resident) -> Self::Result {
        let Recall(principal, key, digest) = message;
        let first = self.account.rare().map_or(Ok(None), |rare| rare.keys.look_up(&principal, &key, digest));
        let decode = |answer: &[u8]| {
            decode_view(self.account.index, answer).expect("invariant: the answer was encoded here")
        };
        Deferred(first.map(|answer| answer.map(decode)))
    }
}

/// Asks for something that the account knows.
pub struct Ask<T>(pub Box<dyn FnOnce(&Account) -> T + Send>);

impl<T: Send + 'static> Message for Ask<T> {
    type Result = T;
}

impl<T: Send + 'static> Handler<Ask<T>> for BillingAccount {
    type Result = Deferred<T>;

    fn handle(&mut self, message: Ask<T>, _: &mut Resident) -> Self::Result {
        Deferred(message.0(&self.account))
    }
}

/// Asks whether the account would do what it is asked to, when everything due by then has been decided.
pub struct Try(pub AccountCommand, pub Timestamp);

impl Message for Try {
    type Result = Result<(), Refusal>;
}

impl Handler<Try> for BillingAccount {
    type Result = Deferred<Result<(), Refusal>>;

    fn handle(&mut self, message: Try, context: &mut Resident) -> Self::Result {
        let Try(command, at) = message;
        let at = at.max(self.account.at());
        self.settle_due(at, context);
        Deferred(self.account.decide(&command, at, Surroundings::default()).map(|_| ()))
    }
}
