//! Commands that concern enterprises, several accounts or administrators: who may give them, and who carries them out.

use super::answer::Answer;
use super::authorization::Decider;
use super::command::Command;
use super::commands::{ID_FORM, Scope, quoted, require};
use super::{Engine, EngineError};
use crate::domain::admin_authorization::AuthorizationCommand;
use crate::domain::credit_control::CreditCommand;
use crate::domain::ids::{EnterpriseIndex, is_cloud_account_id};
use crate::domain::money::{Amount, Money};
use crate::domain::permissions::Permission;
use crate::domain::refusals::Refusal;

impl Engine {
    /// What concerns enterprises, several accounts or administrators.
    pub(super) async fn execute_crossing(
        &self,
        scope: Scope,
        command: &Command,
    ) -> Result<Answer, EngineError> {
        let principal = &*scope.principal.clone();
        match command {
            Command::OpenEnterprise { ecid, owner, management_account, currency } => {
                self.authorize_provider(principal)?;
                let charter = Self::charter(owner, management_account, *currency)?;
                self.open_enterprise(scope, ecid, charter).await
            }
            Command::AcceptInvitation { ecid, billing_account } => {
                let permission = Permission::Associate;
                self.authorize_crossing(&scope, permission, billing_account, billing_account).await?;
                self.accept(scope, ecid, billing_account).await
            }
            Command::EndAssociation { ecid, billing_account } => {
                let permission = Permission::Associate;
                self.authorize_crossing(&scope, permission, billing_account, billing_account).await?;
                self.end_association(scope, ecid, billing_account).await
            }
            Command::TransferCash { from, to, amount } => {
                self.authorize_crossing(&scope, Permission::Transfer, from, from).await?;
                self.transfer(scope, from, to, amount.money()).await
            }
            Command::RevokeTransfer { giver, receiver, amount } => {
                self.authorize_crossing(&scope, Permission::Transfer, giver, receiver).await?;
                self.revoke(scope, giver, receiver, amount.money()).await
            }
            Command::GrantAdministrators { billing_account, cloud_accounts, permissions } => {
                let enterprise = self.authorize_administrators(&scope, billing_account).await?;
                let permissions = *permissions;
                // Nobody gives more than he has, or he could give it to himself.
                for permission in permissions.iter().flat_map(|permissions| permissions.iter()) {
                    let authorized = self.authorize_async(principal, permission, billing_account).await;
                    self.unless_repeated(&scope, authorized, Decider::Authorization(enterprise)).await?;
                }
                self.grant_administrators(scope, enterprise, billing_account, cloud_accounts, permissions)
                    .await
            }
            Command::RevokeAdministrator { billing_account, cloud_account } => {
                let enterprise = self.authorize_administrators(&scope, billing_account).await?;
                let account = self.known(billing_account)?;
                let command = AuthorizationCommand::RevokeAdministrator {
                    account,
                    cloud_account: cloud_account.as_str().into(),
                };
                self.authorization_command(scope, enterprise, command, cloud_account).await
            }
            Command::AttachPolicy { user, policy } => {
                let authorized = self.authorize_policy(principal, user, Some(*policy)).await;
                self.unless_repeated(&scope, authorized, Decider::Authorization(None)).await?;
                self.known_user(user)?;
                let command =
                    AuthorizationCommand::AttachPolicy { user: user.as_str().into(), policy: *policy };
                self.authorization_command(scope, None, command, user).await
            }
            Command::DetachPolicy { user } => {
                let authorized = self.authorize_policy(principal, user, None).await;
                self.unless_repeated(&scope, authorized, Decider::Authorization(None)).await?;
                let command = AuthorizationCommand::DetachPolicy { user: user.as_str().into() };
                self.authorization_command(scope, None, command, user).await
            }
            command => self.execute_on_credit(scope, command).await,
        }
    }

    /// What an enterprise's credit control decides, or takes part in.
    async fn execute_on_credit(&self, scope: Scope, command: &Command) -> Result<Answer, EngineError> {
        match command {
            Command::EnableAccountCenter { ecid } => {
                self.authorize_credit(&scope, ecid).await?;
                self.credit_command(scope, ecid, CreditCommand::EnableAccountCenter).await
            }
            Command::InviteAccount { ecid, billing_account } => {
                self.authorize_credit(&scope, ecid).await?;
                self.invite(scope, ecid, billing_account).await
            }
            Command::SetTotalCredit { ecid, public_cloud, hybrid_cloud } => {
                self.authorize_provider(&scope.principal)?;
                let command = CreditCommand::SetTotalCredit {
                    public_cloud: public_cloud.money(),
                    hybrid_cloud: hybrid_cloud.map_or(Money::ZERO, Amount::money),
                };
                self.credit_command(scope, ecid, command).await
            }
            Command::RequestCreditContract { ecid } => {
                self.authorize_credit(&scope, ecid).await?;
                self.credit_command(scope, ecid, CreditCommand::RequestContract).await
            }
            Command::ApproveCreditContract { ecid } => {
                self.authorize_provider(&scope.principal)?;
                self.credit_command(scope, ecid, CreditCommand::ApproveContract).await
            }
            Command::ConfirmCreditContract { ecid } => {
                self.authorize_credit(&scope, ecid).await?;
                self.credit_command(scope, ecid, CreditCommand::ConfirmContract).await
            }
            Command::AllocateCredit {
                ecid,
                billing_account,
                credit_limit,
                min_available_credit_after,
                dry_run,
            } => {
                self.authorize_credit(&scope, ecid).await?;
                let least = min_available_credit_after.map(Amount::money);
                self.allocate(scope, ecid, billing_account, credit_limit.money(), least, *dry_run).await
            }
            Command::MoveCredit { ecid, from, to, amount } => {
                self.authorize_credit(&scope, ecid).await?;
                self.move_credit(scope, ecid, from, to, amount.money()).await
            }
            _ => unreachable!("invariant: every other command is carried out elsewhere"),
        }
    }

    /// As [`Engine::authorize_async`], for a command that another account may decide.
    async fn authorize_crossing(
        &self,
        scope: &Scope,
        permission: Permission,
        billing_account: &str,
        decider: &str,
    ) -> Result<(), EngineError> {
        let authorized = self.authorize_async(&scope.principal, permission, billing_account).await;
        self.unless_repeated(scope, authorized, Decider::Account(decider)).await
    }

    /// Refuses who may not change the administrators of a billing account; the enterprise whose list it is.
    async fn authorize_administrators(
        &self,
        scope: &Scope,
        billing_account: &str,
    ) -> Result<Option<EnterpriseIndex>, EngineError> {
        let permission = Permission::ModifyAdministrators;
        let authorized = self.authorize_async(&scope.principal, permission, billing_account).await;
        let enterprise = {
            let directory = self.inner.directory.read();
            directory.account(billing_account).and_then(|account| directory.enterprise_of(account))
        };
        self.unless_repeated(scope, authorized, Decider::Authorization(enterprise)).await?;
        self.known(billing_account)?;
        Ok(enterprise)
    }

    /// A user is a name behind the id of a cloud account.
    fn known_user(&self, user: &str) -> Result<(), EngineError> {
        require(is_cloud_account_id(user), "user", ID_FORM)?;
        let root = user.rsplit_once('/').filter(|(_, name)| !name.is_empty()).map(|(root, _)| root);
        require(root.is_some(), "user", "give `cloud_account/user`")?;
        let directory = self.inner.directory.read();
        let known =
            root.is_some_and(|root| directory.cloud(root).is_some() || directory.account(root).is_some());
        if known { Ok(()) } else { Err(EngineError::refused(Refusal::NotFound, quoted(user))) }
    }
}
