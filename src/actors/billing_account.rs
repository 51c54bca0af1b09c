//! The billing account as an actor: it owns its balances; nobody else reads or writes them.

use actix::{Actor, Handler, Message, MessageResult};

use super::resident::{Deferred, Resident};
use crate::domain::account::{Account, AccountView};
use crate::domain::account_command::AccountCommand;
use crate::domain::charge::Category;
use crate::domain::identities::{Identities, IdentityKey, Seen};
use crate::domain::ids::{Currency, Partition};
use crate::domain::imports::ImportedRow;
use crate::domain::keys::Remembered;
use crate::domain::money::Money;
use crate::domain::paid_cloud_account::PaidCloudAccount;
use crate::domain::refusals::Refusal;
use crate::domain::time::{Cycle, CycleSpan, Timestamp};
use crate::journal::forms::account_record::AccountRecord;
use crate::journal::forms::answer::{decode_view, encode_view};

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
    /// The cycle looked up last.
    pub span: &'a mut Option<CycleSpan>,
}

/// What became of one charge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Posted to that cycle.
    Posted(Cycle),
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
    fn handle(&mut self, charge: PostCharge<'a>, _: &mut Resident) -> Self::Result {
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
            .and_then(|cycle| {
                if let Some(import) = &charge.import {
                    self.account.imports_decide(import, cycle)?;
                }
                charge.identities.decide(charge.home, cycle)?;
                Ok(cycle)
            });
        MessageResult(match decided {
            Ok(cycle) => {
                self.account.apply_charge(charge.paid, charge.amount, cycle, charge.category);
                if let Some(import) = charge.import {
                    let imports = &mut self.account.rare_mut().imports;
                    imports.apply(import.source, cycle, import.row, Some(import.reading));
                }
                charge.identities.insert(charge.home, cycle, charge.key);
                Verdict::Posted(cycle)
            }
            Err(refusal) => Verdict::Refused(refusal),
        })
    }
}

/// Gives the account a command.
#[derive(Clone, Debug)]
pub struct Do {
    /// What to do.
    pub command: AccountCommand,
    /// Who says so.
    pub principal: Box<str>,
    /// The caller's idempotency key, with the digest of the request (rule J2).
    pub key: Option<(Box<str>, u128)>,
    /// Business time of the command.
    pub at: Timestamp,
    /// The engine's clock: keys are kept by it, so that one command with a wrong time forgets nobody's key (rule J5).
    pub now: Timestamp,
    /// Whether cloud accounts are paid by this account, as the directory says.
    pub pays: bool,
}

impl Message for Do {
    type Result = Result<AccountView, Refusal>;
}

impl Handler<Do> for BillingAccount {
    type Result = Deferred<Result<AccountView, Refusal>>;

    fn handle(&mut self, message: Do, context: &mut Resident) -> Self::Result {
        Deferred(self.decide_and_record(message, context))
    }
}

impl BillingAccount {
    /// Notes a row of an import that was posted before (rule C7).
    #[cold]
    fn meet(&mut self, charge: PostCharge<'_>) {
        let PostCharge { paid, amount, currency, period_start, billing_cycle, category, span, .. } = charge;
        let cycle =
            self.account.decide_charge(paid, amount, currency, period_start, billing_cycle, category, span);
        if let (Ok(cycle), Some(import)) = (cycle, charge.import) {
            self.account.rare_mut().imports.met(&import, cycle);
        }
    }

    fn decide_and_record(&mut self, message: Do, context: &mut Resident) -> Result<AccountView, Refusal> {
        if let (Some((key, digest)), Some(rare)) = (&message.key, self.account.rare())
            && let Some(answer) = rare.keys.look_up(&message.principal, key, *digest)?
        {
            return Ok(
                decode_view(self.account.index, answer).expect("invariant: the answer was encoded here")
            );
        }
        let event = self.account.decide(&message.command, message.pays)?;
        // An account's business time never goes back (rule J5).
        let at = message.at.max(self.account.at());
        self.account.apply(&event, at);
        let view = self.account.view();
        let remembered = message.key.map(|(key, digest)| Remembered {
            principal: message.principal.clone(),
            key,
            digest,
            answer: encode_view(&view).into(),
            at: message.now,
        });
        if let Some(remembered) = &remembered {
            self.account.rare_mut().keys.remember(remembered.clone());
        }
        let record = AccountRecord {
            account: self.account.index,
            sequence: self.account.sequence(),
            at,
            actor: message.principal,
            remembered,
            event,
        };
        record.encode(&mut context.log.bytes);
        context.log.records += 1;
        Ok(view)
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
