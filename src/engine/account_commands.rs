//! Commands to one account: each is an account's own, and only its wording differs (rules A1, A2, B1, B2, B5, D11).

use super::answer::Answer;
use super::authorization::Decider;
use super::billing_commands::billing_command;
use super::command::{AccountSettings, Command};
use super::commands::{ID_FORM, Scope, profile_change, quoted, require, text_fits};
use super::{Engine, EngineError};
use crate::actors::billing_account::{Do, View};
use crate::actors::directory::{PrepareCancel, UndoCancel};
use crate::domain::account::Surroundings;
use crate::domain::account_command::AccountCommand;
use crate::domain::ids::is_id;
use crate::domain::money::Amount;
use crate::domain::permissions::Permission;
use crate::domain::refusals::Refusal;

/// The command to an account that a user's command is, and which account; none if it is no such command.
pub(super) fn account_command(command: &Command) -> Result<Option<(&str, AccountCommand)>, EngineError> {
    Ok(Some(match command {
        Command::FreezeBillingAccount { billing_account } => (billing_account, AccountCommand::Freeze),
        Command::ThawBillingAccount { billing_account } => (billing_account, AccountCommand::Thaw),
        Command::TopUp { billing_account, amount, reference } => {
            text_fits("reference", reference.as_deref())?;
            let reference = reference.as_deref().map(Into::into);
            (billing_account, AccountCommand::TopUp { amount: amount.money(), reference })
        }
        Command::AdjustCash { billing_account, amount, reason } => {
            text_fits("reason", Some(reason))?;
            let reason = reason.as_str().into();
            (billing_account, AccountCommand::AdjustCash { amount: amount.money(), reason })
        }
        Command::GrantCreditLimit { billing_account, amount } => {
            (billing_account, AccountCommand::GrantCreditLimit { amount: amount.money() })
        }
        Command::SetQuota { billing_account, amount } => {
            (billing_account, AccountCommand::SetQuota { amount: amount.money() })
        }
        Command::RepayQuota { billing_account, amount } => {
            (billing_account, AccountCommand::RepayQuota { amount: amount.money() })
        }
        Command::WithdrawCash { billing_account, amount } => {
            (billing_account, AccountCommand::WithdrawCash { amount: amount.money() })
        }
        Command::PlaceHold { billing_account, hold, amount, expires_at } => {
            require(is_id(hold), "hold", ID_FORM)?;
            let (hold, amount, expires_at) = (hold.as_str().into(), amount.money(), *expires_at);
            (billing_account, AccountCommand::PlaceHold { hold, amount, expires_at })
        }
        Command::CaptureHold { billing_account, hold, amount } => {
            let (hold, amount) = (hold.as_str().into(), amount.map(Amount::money));
            (billing_account, AccountCommand::CaptureHold { hold, amount })
        }
        Command::ReleaseHold { billing_account, hold } => {
            (billing_account, AccountCommand::ReleaseHold { hold: hold.as_str().into() })
        }
        command => return billing_command(command),
    })
    .map(|(billing_account, command)| (billing_account.as_str(), command)))
}

impl Engine {
    pub(super) async fn account_command(
        &self,
        scope: Scope,
        billing_account: &str,
        command: AccountCommand,
        around: Surroundings,
    ) -> Result<Answer, EngineError> {
        self.authorize_command(&scope, &command, billing_account).await?;
        let account = self.known(billing_account)?;
        let hold = match &command {
            AccountCommand::CaptureHold { hold, .. } | AccountCommand::ReleaseHold { hold } => {
                Some(hold.clone())
            }
            _ => None,
        };
        let message = Do { command, given: scope.given(&self.inner), around, crossing: None };
        let done = self.ask(account, message).await?;
        let (view, _) = done.map_err(|refusal| match hold {
            Some(hold) if refusal == Refusal::NotFound => EngineError::refused(refusal, quoted(&hold)),
            _ => EngineError::refused(refusal, quoted(billing_account)),
        })?;
        Ok(Answer::Account(Box::new(self.overview(billing_account, view))))
    }

    /// An account's own root, and who administers it, can't give it money, credit or quota, nor freeze or cancel it.
    async fn authorize_command(
        &self,
        scope: &Scope,
        command: &AccountCommand,
        billing_account: &str,
    ) -> Result<(), EngineError> {
        let permission = match command {
            AccountCommand::Modify { .. }
            | AccountCommand::SetAutomaticWriteOff { .. }
            | AccountCommand::SetWriteOffPreviousBills { .. }
            | AccountCommand::SetSettlementCurrency { .. }
            | AccountCommand::SetLowBalanceAlert { .. }
            | AccountCommand::LinkPaymentMethod { .. }
            | AccountCommand::EditPaymentMethod { .. }
            | AccountCommand::UnlinkPaymentMethod { .. }
            | AccountCommand::SetDefaultPaymentMethod { .. } => Permission::ModifyAccount,
            AccountCommand::TopUp { .. } => Permission::TopUp,
            AccountCommand::WithdrawCash { .. } => Permission::Withdraw,
            AccountCommand::PlaceHold { .. }
            | AccountCommand::CaptureHold { .. }
            | AccountCommand::ReleaseHold { .. } => Permission::ModifyHolds,
            _ => return self.authorize_provider(&scope.principal),
        };
        let authorized = self.authorize_async(&scope.principal, permission, billing_account).await;
        self.unless_repeated(scope, authorized, Decider::Account(billing_account)).await
    }

    pub(super) async fn cancel(&self, scope: Scope, billing_account: &str) -> Result<Answer, EngineError> {
        self.authorize_provider(&scope.principal)?;
        let account = self.known(billing_account)?;
        let _alone = self.inner.canceling.lock().await;
        let canceled_before = self.inner.directory.read().is_canceled(account);
        let actor = &self.inner.directory_actor;
        // Who pays now can't be canceled by a command of the past.
        let at = scope.at.max(self.inner.config.clock.now());
        let prepare = actor.send(PrepareCancel { account, at });
        let pays = prepare.await.map_err(|_| self.inner.stopped())?;
        // Nothing is sent to it meanwhile.
        let closing = self.inner.crossings.close(account);
        let around = Surroundings { pays, incoming: closing.is_err() };
        let answer = self.account_command(scope, billing_account, AccountCommand::Cancel, around).await;
        let canceled_by_another =
            matches!(answer, Err(EngineError::Refused { refusal: Refusal::AccountCanceled, .. }));
        if !pays && !canceled_before && answer.is_err() && !canceled_by_another {
            actor.send(UndoCancel(account)).await.map_err(|_| self.inner.stopped())?;
        }
        answer
    }

    pub(super) async fn modify(
        &self,
        scope: Scope,
        billing_account: &str,
        settings: &AccountSettings,
    ) -> Result<Answer, EngineError> {
        let command = AccountCommand::Modify { change: profile_change(settings, billing_account)? };
        self.authorize_command(&scope, &command, billing_account).await?;
        if is_of_provider(settings) {
            self.authorize_provider(&scope.principal)?;
        }
        self.check_modifiable(billing_account, settings).await?;
        self.account_command(scope, billing_account, command, Surroundings::default()).await
    }

    /// Refuses settings that differ from those that were fixed at opening.
    async fn check_modifiable(
        &self,
        billing_account: &str,
        settings: &AccountSettings,
    ) -> Result<(), EngineError> {
        let view = self.ask(self.known(billing_account)?, View).await?;
        let refused = |field| {
            EngineError::refused(
                Refusal::FieldNotModifiable,
                format!("`{field}` of {}", quoted(billing_account)),
            )
        };
        if settings.kind.is_some_and(|kind| kind != view.kind) {
            return Err(refused("type"));
        }
        if settings.currency.is_some_and(|currency| currency != view.currency) {
            return Err(refused("currency"));
        }
        if settings.utc_offset.is_some_and(|offset| offset != view.offset) {
            return Err(refused("utc_offset"));
        }
        Ok(())
    }
}

/// Whether settings say what the provider has verified or agreed to: the legal owner, which enterprises rely on (rule
/// A6), and who pays, when, and whether on credit (rule E6).
const fn is_of_provider(settings: &AccountSettings) -> bool {
    settings.owner.is_some()
        || settings.credit_enabled.is_some()
        || settings.pay_on_behalf.is_some()
        || settings.payment_terms_days.is_some()
}
