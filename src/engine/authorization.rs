//! Who may do what: every principal but the provider is authorised by message before a command takes effect (rules
//! G1–G4).

use super::command::PROVIDER;
use super::commands::{Scope, quoted};
use super::{Engine, EngineError};
use crate::actors::admin_authorization::AuthorizationQuestion;
use crate::actors::credit_control::{CreditAnswer, CreditQuestion};
use crate::domain::ids::EnterpriseIndex;
use crate::domain::permissions::{Permission, Policy};
use crate::domain::refusals::Refusal;

/// Whom a principal stands for.
struct Principal<'a> {
    /// The cloud account.
    root: &'a str,
    /// Whether it is a user of it, who needs a policy.
    is_user: bool,
}

/// Who decides a command, and remembers its key.
pub(super) enum Decider<'a> {
    /// A billing account.
    Account(&'a str),
    /// An enterprise's credit control.
    Control(&'a str),
    /// The authorization of an enterprise, or that outside of any.
    Authorization(Option<EnterpriseIndex>),
}

impl Engine {
    /// Lets a command pass that its decider has carried out before, whatever its principal may do by now: the repeated
    /// command gets its first answer (rule J2).
    pub(super) async fn unless_repeated(
        &self,
        scope: &Scope,
        authorized: Result<(), EngineError>,
        decider: Decider<'_>,
    ) -> Result<(), EngineError> {
        match authorized {
            Err(EngineError::Refused { refusal: Refusal::PermissionDenied, .. })
                if self.remembers(scope, decider).await? =>
            {
                Ok(())
            }
            authorized => authorized,
        }
    }

    async fn remembers(&self, scope: &Scope, decider: Decider<'_>) -> Result<bool, EngineError> {
        let Some((key, digest)) = &scope.key else { return Ok(false) };
        let (principal, key, digest) = (scope.principal.clone(), key.clone(), *digest);
        match decider {
            Decider::Account(id) => {
                let account = self.inner.directory.read().account(id);
                let Some(account) = account else { return Ok(false) };
                Ok(matches!(self.recall(account, scope, id).await, Ok(Some(_))))
            }
            Decider::Control(ecid) => {
                let enterprise = self.inner.directory.read().enterprise(ecid);
                let Some(enterprise) = enterprise else { return Ok(false) };
                let question = CreditQuestion::Recall(principal, key, digest);
                let answer = self.ask_control(enterprise, question, ecid).await;
                Ok(matches!(answer, Ok(CreditAnswer::Recalled(Some(_)))))
            }
            Decider::Authorization(enterprise) => {
                self.ask_authorization(enterprise, AuthorizationQuestion::Remembers(principal, key, digest))
                    .await
            }
        }
    }

    /// Refuses what `principal` may not do with a billing account, on any runtime (rules G1–G4).
    pub async fn authorize_async(
        &self,
        principal: &str,
        permission: Permission,
        billing_account: &str,
    ) -> Result<(), EngineError> {
        if principal == PROVIDER {
            return Ok(());
        }
        let permits = self.permits(principal, permission, billing_account).await?;
        permitted(permits, principal, permission)
    }

    /// Refuses what `principal` may not do with an enterprise, on any runtime (rules E5, G4).
    pub async fn authorize_enterprise_async(
        &self,
        principal: &str,
        permission: Permission,
        ecid: &str,
    ) -> Result<(), EngineError> {
        if principal == PROVIDER {
            return Ok(());
        }
        let who = self.principal(principal, None);
        let enterprise = self.inner.directory.read().enterprise(ecid);
        let manages = match enterprise {
            Some(enterprise) if permission != Permission::Provide => {
                let cloud_account = who.root.into();
                self.ask_authorization(Some(enterprise), AuthorizationQuestion::Manages { cloud_account })
                    .await?
                    && self.policy_allows(principal, &who, permission).await?
            }
            _ => false,
        };
        permitted(manages, principal, permission)
    }

    /// Refuses a user's policy to whoever may not give one: the provider and the user's own cloud account may, and its
    /// users as far as their own policies go, or one could give itself all.
    pub(super) async fn authorize_policy(
        &self,
        principal: &str,
        user: &str,
        policy: Option<Policy>,
    ) -> Result<(), EngineError> {
        if principal == PROVIDER {
            return Ok(());
        }
        let (who, whose) = (self.principal(principal, None), self.principal(user, None));
        let permission = Permission::ModifyPolicies;
        let may = whose.is_user
            && who.root == whose.root
            && self.policy_allows(principal, &who, permission).await?;
        permitted(may, principal, permission)?;
        for permission in Permission::GRANTABLE {
            if policy.is_some_and(|policy| policy.allows(permission)) {
                permitted(self.policy_allows(principal, &who, permission).await?, principal, permission)?;
            }
        }
        Ok(())
    }

    /// Only the provider may.
    #[allow(clippy::unused_self)] // beside the others
    pub(super) fn authorize_provider(&self, principal: &str) -> Result<(), EngineError> {
        permitted(principal == PROVIDER, principal, Permission::Provide)
    }

    async fn permits(
        &self,
        principal: &str,
        permission: Permission,
        billing_account: &str,
    ) -> Result<bool, EngineError> {
        let who = self.principal(principal, Some(billing_account));
        let (account, enterprise) = {
            let directory = self.inner.directory.read();
            let Some(account) = directory.account(billing_account) else { return Ok(false) };
            (account, directory.enterprise_of(account))
        };
        let question = AuthorizationQuestion::Permits {
            cloud_account: who.root.into(),
            permission,
            account,
            owner: billing_account.into(),
        };
        Ok(self.ask_authorization(enterprise, question).await?
            && self.policy_allows(principal, &who, permission).await?)
    }

    /// A user may do what its policy allows of what its cloud account may (rule G3).
    async fn policy_allows(
        &self,
        principal: &str,
        who: &Principal<'_>,
        permission: Permission,
    ) -> Result<bool, EngineError> {
        if !who.is_user {
            return Ok(true);
        }
        let question = AuthorizationQuestion::Allows { user: principal.into(), permission };
        self.ask_authorization(None, question).await
    }

    pub(super) async fn ask_authorization(
        &self,
        enterprise: Option<EnterpriseIndex>,
        question: AuthorizationQuestion,
    ) -> Result<bool, EngineError> {
        self.inner.check_running()?;
        let actor = self.inner.routes.authorization(enterprise).ok_or_else(|| self.inner.stopped())?;
        actor.send(question).await.map_err(|_| self.inner.stopped())
    }

    /// A cloud account may have a `/` in its id (rule A4); otherwise what stands behind the last one is its user.
    fn principal<'a>(&self, principal: &'a str, billing_account: Option<&str>) -> Principal<'a> {
        let is_root =
            billing_account == Some(principal) || self.inner.directory.read().cloud(principal).is_some();
        match principal.rsplit_once('/') {
            Some((root, _)) if !is_root => Principal { root, is_user: true },
            _ => Principal { root: principal, is_user: false },
        }
    }
}

fn permitted(permits: bool, principal: &str, permission: Permission) -> Result<(), EngineError> {
    if permits {
        return Ok(());
    }
    tracing::warn!(principal, permission = permission.name(), "refused a request: permission denied");
    let detail = format!("principal {} lacks `{permission}`", quoted(principal));
    Err(EngineError::refused(Refusal::PermissionDenied, detail))
}
