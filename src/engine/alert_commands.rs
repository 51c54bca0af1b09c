//! Alerts of many accounts at once, and the benefit that delays a suspension (rules H1, H4).

use futures_util::{StreamExt, stream};

use super::answer::Answer;
use super::commands::{Scope, require};
use super::{Engine, EngineError};
use crate::domain::account::Surroundings;
use crate::domain::account_command::AccountCommand;
use crate::domain::money::{Amount, Money};
use crate::domain::refusals::Refusal;
use crate::domain::standing::SuspensionBenefit;
use crate::limits::{GRACE_MICROS_MAX, ITEMS_MAX};

/// Accounts that are asked at the same time.
const ASKED_AT_ONCE: usize = 256;

impl Engine {
    /// Sets the alert of each account, with a result each (rule H1). The key is that of each account's own command.
    pub(super) async fn set_low_balance_alert(
        &self,
        scope: Scope,
        billing_accounts: &[String],
        enabled: bool,
        threshold: Option<Amount>,
    ) -> Result<Answer, EngineError> {
        require(!billing_accounts.is_empty(), "billing_accounts", "name at least one billing account")?;
        if billing_accounts.len() > ITEMS_MAX {
            return Err(EngineError::refused(Refusal::TooManyItems, format!("at most {ITEMS_MAX}")));
        }
        let threshold = threshold.map(Amount::money);
        let set = |account: &String| {
            let (account, scope) = (account.clone(), scope.again());
            async move {
                let command = AccountCommand::SetLowBalanceAlert { enabled, threshold };
                let done = self.account_command(scope, &account, command, Surroundings::default()).await;
                (account, done.map(|_| ()))
            }
        };
        let items: Vec<_> =
            stream::iter(billing_accounts.iter().map(set)).buffered(ASKED_AT_ONCE).collect().await;
        // What stopped the engine is no result of one account.
        if items.iter().any(|(_, done)| matches!(done, Err(EngineError::Stopped(_)))) {
            return Err(self.inner.stopped());
        }
        Ok(Answer::Items(items))
    }

    /// Sets, or takes away, what delays the suspension of an account (rule H4).
    pub(super) async fn set_suspension_benefit(
        &self,
        scope: Scope,
        billing_account: &str,
        grace_micros: Option<i64>,
        grace_amount: Option<Amount>,
    ) -> Result<Answer, EngineError> {
        // Answers and change records tell it in seconds.
        let fits = |micros: i64| (0..=GRACE_MICROS_MAX).contains(&micros) && micros % 1_000_000 == 0;
        let hint = "give a duration of 0 to 3653 days in whole seconds, such as `PT72H` or `P3D`";
        require(grace_micros.is_none_or(fits), "grace_duration", hint)?;
        let grace_amount: Option<Money> = grace_amount.map(Amount::money);
        let benefit = (grace_micros.is_some() || grace_amount.is_some())
            .then_some(SuspensionBenefit { grace_micros, grace_amount });
        let command = AccountCommand::SetSuspensionBenefit { benefit };
        self.account_command(scope, billing_account, command, Surroundings::default()).await
    }
}
