//! One thing that a client asks for, and what it must not be at odds with meanwhile.

use std::collections::BTreeSet;

use exchequer::domain::charge::{Category, Charge};
use exchequer::domain::charge_batch::ChargeBatch;
use exchequer::domain::money::Amount;
use exchequer::domain::refusals::Refusal;
use exchequer::domain::time::Timestamp;
use exchequer::engine::{Answer, Command, OnError, PostReport, Request};

/// A charge that owns its texts.
#[derive(Clone, PartialEq, Debug)]
pub struct Sent {
    pub cloud: String,
    pub id: String,
    pub amount: Amount,
    pub currency: &'static str,
    pub start: Timestamp,
    pub category: Category,
    pub service: &'static str,
}

/// What is asked for.
#[derive(Clone, PartialEq, Debug)]
pub enum What {
    Command(Request),
    /// Charges, at the business time of their batch if one is given.
    Post(Vec<Sent>, OnError, Option<Timestamp>),
}

/// What came back.
#[derive(Clone, PartialEq, Debug)]
pub enum Reply {
    Answer(Answer),
    Report(PostReport),
}

/// Something whose last writer the auditor must know, for its figures don't add up.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Thing {
    /// An account's status.
    Status(String),
    /// An account's profile.
    Profile(String),
    /// An account's limit, granted by the provider.
    Limit(String),
    /// Which enterprise an account belongs to.
    Membership(String),
    /// An account's administrators.
    Administrators(String),
    /// An ecosystem account's quota.
    Quota(String),
    /// An enterprise's limits.
    Credit(String),
    /// An enterprise's total.
    Total(String),
    /// An enterprise's contract.
    Contract(String),
    /// All of an account's figures, where months pass.
    Account(String),
    /// All accounts together.
    All,
    /// Who pays for a cloud account.
    Payer(String),
    /// A user's policy.
    Policy(String),
    /// An id that is opened or registered.
    Id(String),
    /// What another operation that came before did: a repeated one waits for it.
    Key(String),
}

/// What an operation changes alone, and what it only adds to.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Touches {
    pub alone: BTreeSet<Thing>,
    pub beside: BTreeSet<Thing>,
}

impl Touches {
    pub fn alone(things: impl IntoIterator<Item = Thing>) -> Self {
        Self { alone: things.into_iter().collect(), beside: BTreeSet::new() }
    }

    pub fn with(mut self, things: impl IntoIterator<Item = Thing>) -> Self {
        self.beside.extend(things);
        self
    }

    /// Whether both may be unanswered at once.
    pub fn gets_on_with(&self, other: &Self) -> bool {
        let meets = |one: &BTreeSet<Thing>, other: &BTreeSet<Thing>| one.intersection(other).next().is_some();
        !meets(&self.alone, &other.alone)
            && !meets(&self.alone, &other.beside)
            && !meets(&self.beside, &other.alone)
    }
}

/// What the auditor foretells, of clients that do one thing after the other.
#[derive(Clone, PartialEq, Debug)]
pub enum Expect {
    /// Nothing is foretold.
    Anything,
    /// It is done.
    Ok,
    /// It is refused by the first of these rules, in the documented order.
    Refused(BTreeSet<Refusal>),
    /// It is refused so, whatever else goes on; or for what makes it impossible to look.
    Reused,
    /// It is a repeated command, answered as at first.
    Again(Box<Reply>),
}

/// One thing that a client asks for.
#[derive(Clone, PartialEq, Debug)]
pub struct Op {
    pub number: u64,
    pub what: What,
    pub touches: Touches,
    pub expect: Expect,
    /// It was not answered before a crash.
    pub reissued: bool,
}

impl Op {
    pub fn command(&self) -> Option<&Command> {
        match &self.what {
            What::Command(request) => Some(&request.command),
            What::Post(..) => None,
        }
    }

    /// Whether it repeats or abuses the key of another: it does nothing.
    pub const fn is_idle(&self) -> bool {
        matches!(self.expect, Expect::Again(_) | Expect::Reused)
    }
}

pub fn batch(charges: &[Sent], at: Option<Timestamp>) -> ChargeBatch {
    let mut batch = ChargeBatch::new();
    batch.at = at;
    for sent in charges {
        let charge = Charge::usage(&sent.cloud, "meter", &sent.id, sent.amount, sent.currency, sent.start);
        batch.push(&Charge { category: sent.category, service: sent.service, ..charge });
    }
    batch
}
