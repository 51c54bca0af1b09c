//! The authorization of one enterprise as an actor, or that of the accounts outside of any (rules A5, G1–G4).

use std::sync::Arc;

use actix::{Actor, Context, Handler, Message};

use super::credit_control::Given;
use super::health::PanicGuard;
use super::log::{Answered, LogBuffer, Producer};
use crate::domain::admin_authorization::{AdminAuthorization, AuthorizationCommand};
use crate::domain::ids::{AccountIndex, EnterpriseIndex};
use crate::domain::permissions::Permission;
use crate::domain::refusals::Refusal;
use crate::journal::forms::answer::{decode_results, encode_results};
use crate::journal::forms::authorization_record::AuthorizationRecord;

/// The actor.
pub struct AdminAuthorizationActor {
    /// Whose accounts; [`EnterpriseIndex::NONE`] for those outside of enterprises.
    pub enterprise: EnterpriseIndex,
    /// Its state; the rules are the domain's.
    pub authorization: AdminAuthorization,
    /// Its way to the log.
    pub producer: Arc<Producer>,
    /// Stops the engine on a panic.
    pub guard: PanicGuard,
}

impl Actor for AdminAuthorizationActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        super::mark_engine_thread();
        context.set_mailbox_capacity(super::MAILBOX_CAPACITY);
    }
}

/// Gives the authorization a command; a result for each item, or one refusal of all.
pub struct DoAuthorization {
    /// What to do.
    pub command: AuthorizationCommand,
    /// Who says so.
    pub given: Given,
}

/// A result for each item, in order; or one refusal of the whole command.
pub type AuthorizationResult = Result<Vec<Result<(), Refusal>>, Refusal>;

impl Message for DoAuthorization {
    type Result = AuthorizationResult;
}

impl Handler<DoAuthorization> for AdminAuthorizationActor {
    type Result = Answered<AuthorizationResult>;

    fn handle(&mut self, message: DoAuthorization, _: &mut Self::Context) -> Self::Result {
        let mut buffer = LogBuffer::default();
        let result = self.decide_and_record(message, &mut buffer);
        Answered { answer: result, buffer, producer: Arc::clone(&self.producer) }
    }
}

impl AdminAuthorizationActor {
    fn decide_and_record(&mut self, message: DoAuthorization, buffer: &mut LogBuffer) -> AuthorizationResult {
        let DoAuthorization { command, given } = message;
        if let Some((key, digest)) = &given.key
            && let Some(answer) = self.authorization.keys.look_up(&given.principal, key, *digest)?
        {
            return Ok(decode_results(answer).expect("invariant: the answer was encoded here"));
        }
        let (events, results) = self.authorization.decide(&command)?;
        if events.is_empty() {
            return Ok(results);
        }
        let remembered = given.remembered(encode_results(&results));
        let at = given.at.max(self.authorization.at);
        self.authorization.apply(&events, at, remembered.clone());
        let record = AuthorizationRecord {
            enterprise: self.enterprise,
            sequence: self.authorization.sequence,
            at,
            actor: given.principal,
            remembered,
            events,
        };
        record.encode(&mut buffer.bytes);
        buffer.records += 1;
        Ok(results)
    }
}

/// Asks whether somebody may do something.
pub enum AuthorizationQuestion {
    /// A cloud account's root, with a billing account.
    Permits {
        /// Id of the cloud account.
        cloud_account: Box<str>,
        /// What.
        permission: Permission,
        /// With which account.
        account: AccountIndex,
        /// Id of the cloud account that owns it.
        owner: Box<str>,
    },
    /// A user, by the policy that it has.
    Allows {
        /// `cloud_account/user`.
        user: Box<str>,
        /// What.
        permission: Permission,
    },
    /// A cloud account's root, with the enterprise itself.
    Manages {
        /// Id of the cloud account.
        cloud_account: Box<str>,
    },
    /// Whether a command of that principal, key and digest was carried out here.
    Remembers(Box<str>, Box<str>, u128),
}

impl Message for AuthorizationQuestion {
    type Result = bool;
}

impl Handler<AuthorizationQuestion> for AdminAuthorizationActor {
    type Result = Answered<bool>;

    fn handle(&mut self, question: AuthorizationQuestion, _: &mut Self::Context) -> Self::Result {
        let authorization = &self.authorization;
        let yes = match question {
            AuthorizationQuestion::Permits { cloud_account, permission, account, owner } => {
                authorization.permits(&cloud_account, permission, account, &owner)
            }
            AuthorizationQuestion::Allows { user, permission } => authorization.allows(&user, permission),
            AuthorizationQuestion::Manages { cloud_account } => {
                authorization.super_administrator.as_ref() == Some(&cloud_account)
            }
            AuthorizationQuestion::Remembers(principal, key, digest) => {
                matches!(authorization.keys.look_up(&principal, &key, digest), Ok(Some(_)))
            }
        };
        Answered { answer: yes, buffer: LogBuffer::default(), producer: Arc::clone(&self.producer) }
    }
}

/// Asks for the whole state.
pub struct AuthorizationState;

impl Message for AuthorizationState {
    type Result = AdminAuthorization;
}

impl Handler<AuthorizationState> for AdminAuthorizationActor {
    type Result = Answered<AdminAuthorization>;

    fn handle(&mut self, _: AuthorizationState, _: &mut Self::Context) -> Self::Result {
        Answered {
            answer: self.authorization.clone(),
            buffer: LogBuffer::default(),
            producer: Arc::clone(&self.producer),
        }
    }
}
