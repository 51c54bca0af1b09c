//! Administrators and policies: what the authorization of an enterprise decides (rules G2, G3).

use super::answer::Answer;
use super::commands::{Scope, quoted, require};
use super::{Engine, EngineError};
use crate::actors::admin_authorization::DoAuthorization;
use crate::domain::admin_authorization::AuthorizationCommand;
use crate::domain::ids::EnterpriseIndex;
use crate::domain::permissions::Permissions;
use crate::domain::refusals::Refusal;

impl Engine {
    /// Makes cloud accounts administrators (rule G2).
    pub(super) async fn grant_administrators(
        &self,
        scope: Scope,
        enterprise: Option<EnterpriseIndex>,
        billing_account: &str,
        cloud_accounts: &[String],
        permissions: Option<Permissions>,
    ) -> Result<Answer, EngineError> {
        require(!cloud_accounts.is_empty(), "cloud_accounts", "name at least one cloud account")?;
        let account = self.known(billing_account)?;
        let listed = {
            let directory = self.inner.directory.read();
            let exists = |id: &String| (id.as_str().into(), directory.cloud(id).is_some());
            cloud_accounts.iter().map(exists).collect()
        };
        let command =
            AuthorizationCommand::GrantAdministrators { account, cloud_accounts: listed, permissions };
        let results = self.tell_authorization(enterprise, scope, command, billing_account).await?;
        let items = cloud_accounts.iter().zip(results).map(|(cloud, result)| {
            (cloud.clone(), result.map_err(|refusal| EngineError::refused(refusal, quoted(cloud))))
        });
        Ok(Answer::Items(items.collect()))
    }

    /// A command about one administrator or user, whose one result is the answer (rules G2, G3).
    pub(super) async fn authorization_command(
        &self,
        scope: Scope,
        enterprise: Option<EnterpriseIndex>,
        command: AuthorizationCommand,
        id: &str,
    ) -> Result<Answer, EngineError> {
        self.tell_authorization(enterprise, scope, command, id).await?;
        Ok(Answer::Items(vec![(id.to_owned(), Ok(()))]))
    }

    async fn tell_authorization(
        &self,
        enterprise: Option<EnterpriseIndex>,
        scope: Scope,
        command: AuthorizationCommand,
        id: &str,
    ) -> Result<Vec<Result<(), Refusal>>, EngineError> {
        self.inner.check_running()?;
        let actor = self.inner.routes.authorization(enterprise).ok_or_else(|| self.inner.stopped())?;
        let message = DoAuthorization { command, given: scope.given(&self.inner) };
        let result = actor.send(message).await.map_err(|_| self.inner.stopped())?;
        result.map_err(|refusal| EngineError::refused(refusal, quoted(id)))
    }
}
