//! One billing account at hand.

use super::{Engine, EngineError};
use crate::actors::billing_account::{BillingAccount, Do, View};
use crate::actors::credit_control::Given;
use crate::actors::newest::NewestReader;
use crate::domain::account::{AccountView, Surroundings};
use crate::domain::account_command::AccountCommand;
use crate::domain::ids::AccountIndex;
use crate::domain::money::Money;

use super::command::PROVIDER;

/// A billing account at hand: ask it often without looking it up again.
#[derive(Clone)]
pub struct AccountHandle {
    pub(super) engine: Engine,
    pub(super) account: AccountIndex,
    pub(super) address: actix::Addr<BillingAccount>,
    pub(super) newest: NewestReader,
}

impl AccountHandle {
    /// The newest available credit, read without a lock. It may run ahead of the disk: a crash may take it back.
    pub fn available_credit(&self) -> Money {
        self.newest.read()
    }

    /// The account's figures through its mailbox, as durable as what was recorded before.
    pub async fn view(&self) -> Result<AccountView, EngineError> {
        self.engine.inner.check_running()?;
        self.address.send(View).await.map_err(|_| self.engine.inner.stopped())
    }

    /// Gives the account a command of the provider through its mailbox; the answer comes when it is durable.
    ///
    /// What concerns other accounts too, as a transfer or the end of an account, needs [`Engine::execute`].
    pub async fn send(&self, command: AccountCommand) -> Result<AccountView, EngineError> {
        self.engine.inner.check_running()?;
        let now = self.engine.inner.config.clock.now();
        let given = Given { principal: PROVIDER.into(), key: None, at: now, now };
        let around = Surroundings { pays: true, incoming: true };
        let message = Do { command, given, around, crossing: None };
        let answer = self.address.send(message).await.map_err(|_| self.engine.inner.stopped())?;
        let done =
            answer.map_err(|refusal| EngineError::refused(refusal, format!("account {}", self.account)));
        done.map(|(view, _)| view)
    }
}
