//! The credit control of one enterprise as an actor (rules A6, E1–E6).

use std::sync::Arc;

use actix::{Actor, Context, Handler, Message};
use parking_lot::RwLock;

use super::crossings::Crossing;
use super::health::PanicGuard;
use super::log::{Answered, LogBuffer, Producer};
use super::planted::PlantedFault;
use super::routes::{Delivery, Routes};
use crate::domain::account::AccountView;
use crate::domain::credit_control::{
    Allocation, AllocationView, CreditCommand, CreditControl, CreditEvent, Member,
};
use crate::domain::crossing::{Cargo, Party, Received};
use crate::domain::directory::Directory;
use crate::domain::ids::AccountIndex;
use crate::domain::keys::Remembered;
use crate::domain::money::Money;
use crate::domain::refusals::Refusal;
use crate::domain::time::Timestamp;
use crate::journal::forms::answer::{decode_allocation, encode_allocation};
use crate::journal::forms::credit_record::CreditRecord;

/// The actor.
pub struct CreditControlActor {
    /// Its state; the rules are the domain's.
    pub control: CreditControl,
    /// Its way to the log.
    pub producer: Arc<Producer>,
    /// The other actors.
    pub routes: Arc<Routes>,
    /// Where membership is noted.
    pub directory: Arc<RwLock<Directory>>,
    /// A fault planted on purpose.
    pub planted: Option<PlantedFault>,
    /// Stops the engine on a panic.
    pub guard: PanicGuard,
}

impl Actor for CreditControlActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        super::mark_engine_thread();
        context.set_mailbox_capacity(super::MAILBOX_CAPACITY);
    }
}

/// Who gives a command to an actor of an enterprise, when, and under which key.
#[derive(Clone)]
pub struct Given {
    /// Who.
    pub principal: Box<str>,
    /// The caller's idempotency key, with the digest of the request (rule J2).
    pub key: Option<(Box<str>, u128)>,
    /// Business time of the command.
    pub at: Timestamp,
    /// The engine's clock, by which keys are kept.
    pub now: Timestamp,
}

impl Given {
    /// The time that others are told who get something by the command: one wrong clock can't stop them (rule J5).
    pub fn elsewhere(&self) -> Timestamp {
        self.at.min(self.now)
    }

    /// What is remembered of the command, with its answer.
    pub fn remembered(&self, answer: Vec<u8>) -> Option<Remembered> {
        self.key.as_ref().map(|(key, digest)| Remembered {
            principal: self.principal.clone(),
            key: key.clone(),
            digest: *digest,
            answer: answer.into(),
            at: self.now,
        })
    }
}

/// Gives the credit control a command; the answer of an allocation, or none.
pub struct DoCredit {
    /// What to do.
    pub command: CreditCommand,
    /// Who says so.
    pub given: Given,
    /// Keeps the account from being closed until it has got what it is sent.
    pub crossing: Option<Arc<Crossing>>,
}

impl Message for DoCredit {
    type Result = Result<Option<AllocationView>, Refusal>;
}

impl Handler<DoCredit> for CreditControlActor {
    type Result = Answered<Result<Option<AllocationView>, Refusal>>;

    fn handle(&mut self, message: DoCredit, _: &mut Self::Context) -> Self::Result {
        let mut buffer = LogBuffer::default();
        let result = self.decide_and_record(message, &mut buffer);
        Answered { answer: result, buffer, producer: Arc::clone(&self.producer) }
    }
}

impl CreditControlActor {
    fn decide_and_record(
        &mut self,
        message: DoCredit,
        buffer: &mut LogBuffer,
    ) -> Result<Option<AllocationView>, Refusal> {
        let DoCredit { command, given, crossing } = message;
        if let Some((key, digest)) = &given.key
            && let Some(answer) = self.control.keys.look_up(&given.principal, key, *digest)?
        {
            return Ok(decode(answer));
        }
        let decided = self.control.decide(&command)?;
        let answer = answer_of(&self.control, &command, decided.as_ref());
        let remembered = given.remembered(answer.as_ref().map(encode_allocation).unwrap_or_default());
        let event = match decided {
            Some(event) => event,
            // Its key is remembered all the same: repeated, it has no effect after others either (rule J2).
            None if remembered.is_some() => CreditEvent::NothingChanged,
            None => return Ok(answer),
        };
        let told = given.elsewhere();
        self.record(event, (given.at, told), given.principal, remembered, crossing.as_ref(), buffer);
        Ok(answer)
    }

    fn record(
        &mut self,
        event: CreditEvent,
        (at, told): (Timestamp, Timestamp),
        actor: Box<str>,
        remembered: Option<Remembered>,
        crossing: Option<&Arc<Crossing>>,
        buffer: &mut LogBuffer,
    ) {
        let at = at.max(self.control.at);
        let sent = self.control.outbox.last();
        self.control.apply(&event, at, remembered.clone());
        let enterprise = self.control.enterprise;
        for message in self.control.outbox.since(sent) {
            let from = Party::CreditControl(enterprise);
            let delivery = Delivery::of(from, message, told, &actor, crossing.map(Arc::clone));
            let (routes, to) = (Arc::clone(&self.routes), message.to);
            buffer.sends.push(Box::new(move || routes.deliver(to, delivery)));
        }
        let sequence = self.control.sequence;
        CreditRecord { enterprise, sequence, at, actor, remembered, event }.encode(&mut buffer.bytes);
        buffer.records += 1;
    }
}

fn decode(answer: &[u8]) -> Option<AllocationView> {
    (!answer.is_empty()).then(|| decode_allocation(answer).expect("invariant: the answer was encoded here"))
}

/// What an allocation answers: the state before it, and what it is about to do.
fn answer_of(
    control: &CreditControl,
    command: &CreditCommand,
    event: Option<&CreditEvent>,
) -> Option<AllocationView> {
    let CreditCommand::AllocateCredit { account, limit, .. } = command else { return None };
    let member = control.members.get(&account.account).copied().unwrap_or_default();
    let raised = match event {
        Some(CreditEvent::CreditAllocated { amount, .. }) => *amount,
        _ => Money::ZERO,
    };
    let pending = control.contract != crate::domain::credit_control::Contract::Confirmed;
    Some(AllocationView {
        before: if pending { member.pending } else { member.assigned },
        after: *limit,
        available_credit_after: account
            .available_credit
            .checked_add(raised)
            .unwrap_or(account.available_credit),
        pending: pending && *limit > Money::ZERO,
    })
}

/// A message of a member has come.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ReceiveCredit(pub Delivery);

impl Handler<ReceiveCredit> for CreditControlActor {
    type Result = ();

    fn handle(&mut self, message: ReceiveCredit, _: &mut Self::Context) {
        let Delivery { mut received, at, actor, crossing } = message.0;
        if self.planted == Some(PlantedFault::InboxNotIdempotent) {
            received.number = received.number.max(self.control.inbox.newest(received.from) + 1);
        }
        let mut buffer = LogBuffer::default();
        let (from, number) = (received.from, received.number);
        if let Some((event, remembered)) = self.control.receive(&received) {
            self.note_membership(&received);
            self.record(event, (at, at), actor, remembered, crossing.as_ref(), &mut buffer);
        }
        let routes = Arc::clone(&self.routes);
        buffer.sends.push(Box::new(move || routes.acknowledge(from, number)));
        self.producer.settle(&mut buffer);
    }
}

impl CreditControlActor {
    fn note_membership(&self, received: &Received) {
        let Party::Account(account) = received.from else { return };
        let enterprise = self.control.enterprise;
        match received.cargo {
            Cargo::Joined => self.directory.write().note_enterprise(account, Some(enterprise)),
            Cargo::Left => {
                let mut directory = self.directory.write();
                // Who has joined another one since stays there, whichever of the two hears of it first.
                if directory.enterprise_of(account) == Some(enterprise) {
                    directory.note_enterprise(account, None);
                }
            }
            _ => {}
        }
    }
}

/// The record of a message's receiver is in the log's queue.
#[derive(Message)]
#[rtype(result = "()")]
pub struct AcknowledgeCredit(pub u64);

impl Handler<AcknowledgeCredit> for CreditControlActor {
    type Result = ();

    fn handle(&mut self, message: AcknowledgeCredit, _: &mut Self::Context) {
        self.control.outbox.acknowledge(message.0);
    }
}

/// What a question to the credit control is about; each may be refused.
pub enum CreditQuestion {
    /// Which way a member's limit goes.
    Allocation {
        /// What the account answered about itself.
        account: Box<AccountView>,
        /// The limit that it is to have.
        limit: Money,
    },
    /// Whether credit may move between members.
    Move {
        /// What the one answered about itself.
        from: Box<AccountView>,
        /// What the other one answered.
        to: Box<AccountView>,
        /// How much.
        amount: Money,
    },
    /// Whether an account was invited and may accept.
    Accept(AccountIndex),
    /// Whether nothing is on its way to a member that wants to leave.
    Leave(AccountIndex),
    /// The first answer to a command of that principal, key and digest.
    Recall(Box<str>, Box<str>, u128),
    /// The whole state.
    State,
}

/// What a question to the credit control is answered.
pub enum CreditAnswer {
    /// Which way, and the member as it is.
    Allocation(Allocation, Member),
    /// Yes.
    Yes,
    /// The first answer, if there was one.
    Recalled(Option<Option<AllocationView>>),
    /// The whole state.
    State(Box<CreditControl>),
}

impl Message for CreditQuestion {
    type Result = Result<CreditAnswer, Refusal>;
}

impl Handler<CreditQuestion> for CreditControlActor {
    type Result = Answered<Result<CreditAnswer, Refusal>>;

    fn handle(&mut self, question: CreditQuestion, _: &mut Self::Context) -> Self::Result {
        let answer = self.answer(question);
        Answered { answer, buffer: LogBuffer::default(), producer: Arc::clone(&self.producer) }
    }
}

impl CreditControlActor {
    fn answer(&self, question: CreditQuestion) -> Result<CreditAnswer, Refusal> {
        let control = &self.control;
        Ok(match question {
            CreditQuestion::Allocation { account, limit } => {
                let allocation = control.allocation(&account, limit)?;
                CreditAnswer::Allocation(allocation, *control.member(account.account)?)
            }
            CreditQuestion::Move { from, to, amount } => {
                control.decide_move(&from, &to, amount)?;
                CreditAnswer::Yes
            }
            CreditQuestion::Accept(account) => {
                control.decide_accept(account)?;
                CreditAnswer::Yes
            }
            CreditQuestion::Leave(account) => {
                control.decide_leave(account)?;
                CreditAnswer::Yes
            }
            CreditQuestion::Recall(principal, key, digest) => {
                CreditAnswer::Recalled(control.keys.look_up(&principal, &key, digest)?.map(decode))
            }
            CreditQuestion::State => CreditAnswer::State(Box::new(control.clone())),
        })
    }
}
