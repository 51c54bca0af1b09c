//! Transfers and revocations: cash crosses between two accounts, and the answer waits for both (rules F1–F5).

use super::answer::Answer;
use super::commands::Scope;
use super::{Engine, EngineError};
use crate::actors::billing_account::{AskCounterpart, View};
use crate::domain::account::{Counterpart, Surroundings};
use crate::domain::account_command::AccountCommand;
use crate::domain::ids::AccountIndex;
use crate::domain::money::Money;

impl Engine {
    /// Transfers cash: the giver decides (rule F1).
    pub(super) async fn transfer(
        &self,
        scope: Scope,
        from: &str,
        to: &str,
        amount: Money,
    ) -> Result<Answer, EngineError> {
        let (giver, receiver) = (self.known(from)?, self.known(to)?);
        let command = |to| AccountCommand::TransferCash { to, amount };
        self.cross(scope, (giver, from), receiver, command).await
    }

    /// Takes transferred cash back: the account that has it decides (rule F3).
    pub(super) async fn revoke(
        &self,
        scope: Scope,
        giver: &str,
        receiver: &str,
        amount: Money,
    ) -> Result<Answer, EngineError> {
        let (gave, has) = (self.known(giver)?, self.known(receiver)?);
        let command = |giver| AccountCommand::RevokeTransfer { giver, amount };
        self.cross(scope, (has, receiver), gave, command).await
    }

    /// Cash goes from `sender` to `receiver`, as `sender` decides by what `receiver` says of itself.
    async fn cross(
        &self,
        scope: Scope,
        (sender, id): (AccountIndex, &str),
        receiver: AccountIndex,
        command: impl FnOnce(Counterpart) -> AccountCommand,
    ) -> Result<Answer, EngineError> {
        let crossing = self.enter_all([sender, receiver], id)?;
        // A command's wrong time stays with who decides it (rule J5).
        let at = scope.at.min(self.inner.config.clock.now());
        let counterpart = self.ask_shard(receiver, AskCounterpart(sender, at)).await?;
        let told =
            self.tell(sender, scope, command(counterpart), Surroundings::default(), Some(crossing), id).await;
        // What the receiver said of itself may have been ahead of the disk; and its half must be on it.
        self.ask(receiver, View).await?;
        let (mut view, amount) = told?;
        // What this has moved is in flight no more.
        view.in_flight = view.in_flight.checked_sub(amount).unwrap_or_default().max(Money::ZERO);
        Ok(Answer::Account(Box::new(self.overview(id, view))))
    }
}
