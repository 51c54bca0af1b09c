//! What an account can be asked.

use actix::{Handler, Message, MessageResult};

use super::super::resident::{Deferred, Resident};
use super::BillingAccount;
use crate::domain::account::{Account, AccountView, Counterpart, Surroundings};
use crate::domain::account_command::AccountCommand;
use crate::domain::ids::AccountIndex;
use crate::domain::money::Money;
use crate::domain::refusals::Refusal;
use crate::domain::time::Timestamp;
use crate::domain::transfer_book::Pair;
use crate::journal::forms::answer::decode_view;

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
