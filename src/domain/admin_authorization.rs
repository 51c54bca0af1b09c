//! Who may administer which billing accounts (rules A5, G1–G4): the state of one enterprise's authorization, or of that
//! for the accounts outside of any.

use std::collections::BTreeMap;

use super::ids::AccountIndex;
use super::keys::{Keys, Remembered};
use super::permissions::{Permission, Permissions, Policy};
use super::refusals::Refusal;
use super::time::Timestamp;
use crate::limits::ADMINISTRATORS_PER_OPERATION_MAX;

/// What a regular administrator may do unless told otherwise (rule G2).
const DEFAULT: [Permission; 2] = [Permission::ReadAccount, Permission::ModifyAccount];

/// What a billing account's own root may do with it (rule G3).
const OF_OWNER: [Permission; 10] = [
    Permission::ReadAccount,
    Permission::ModifyAccount,
    Permission::TopUp,
    Permission::Withdraw,
    Permission::ModifyHolds,
    Permission::Associate,
    Permission::ModifyAdministrators,
    Permission::ModifyPolicies,
    Permission::PayBills,
    Permission::Purchase,
];

/// A command to the authorization.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AuthorizationCommand {
    /// Makes cloud accounts administrators of a billing account, or changes what they may.
    GrantAdministrators {
        /// Of which account.
        account: AccountIndex,
        /// Ids of cloud accounts, and whether they exist.
        cloud_accounts: Vec<(Box<str>, bool)>,
        /// What they may; by default see and modify.
        permissions: Option<Permissions>,
    },
    /// Takes an administrator off the list.
    RevokeAdministrator {
        /// Of which account.
        account: AccountIndex,
        /// Whom.
        cloud_account: Box<str>,
    },
    /// Gives a user of a cloud account a policy.
    AttachPolicy {
        /// `cloud_account/user`.
        user: Box<str>,
        /// What the user may.
        policy: Policy,
    },
    /// Takes a user's policy away.
    DetachPolicy {
        /// `cloud_account/user`.
        user: Box<str>,
    },
}

/// What happened to the authorization.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AuthorizationEvent {
    /// Somebody became administrator, or may something else now.
    AdministratorGranted {
        /// Of which account.
        account: AccountIndex,
        /// Who.
        cloud_account: Box<str>,
        /// What.
        permissions: Permissions,
    },
    /// Somebody is no administrator any more.
    AdministratorRevoked {
        /// Of which account.
        account: AccountIndex,
        /// Who.
        cloud_account: Box<str>,
    },
    /// A user has a policy.
    PolicyAttached {
        /// `cloud_account/user`.
        user: Box<str>,
        /// What the user may.
        policy: Policy,
    },
    /// A user has none any more.
    PolicyDetached {
        /// `cloud_account/user`.
        user: Box<str>,
    },
}

/// Events and a result for each item, in order.
pub type AuthorizationDecision = (Vec<AuthorizationEvent>, Vec<Result<(), Refusal>>);

/// The state.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct AdminAuthorization {
    /// The management account, super administrator of all the enterprise's accounts; none outside of enterprises.
    pub super_administrator: Option<Box<str>>,
    /// Number of its newest record.
    pub sequence: u64,
    /// Business time of its last decision (rule J5).
    pub at: Timestamp,
    /// Idempotency keys (rule J2).
    pub keys: Keys,
    /// The regular administrators of each account.
    pub administrators: BTreeMap<AccountIndex, BTreeMap<Box<str>, Permissions>>,
    /// The policies of users.
    pub policies: BTreeMap<Box<str>, Policy>,
}

impl AdminAuthorization {
    /// That of an enterprise.
    pub fn of(management_account: &str) -> Self {
        Self { super_administrator: Some(management_account.into()), ..Self::default() }
    }

    /// Whether a cloud account's root may do that with an account whose own root is `owner` (rules G1–G3).
    pub fn permits(
        &self,
        cloud_account: &str,
        permission: Permission,
        account: AccountIndex,
        owner: &str,
    ) -> bool {
        if permission == Permission::Provide {
            return false;
        }
        self.super_administrator.as_deref() == Some(cloud_account)
            || (cloud_account == owner && OF_OWNER.contains(&permission))
            || self
                .administrators
                .get(&account)
                .and_then(|administrators| administrators.get(cloud_account))
                .is_some_and(|granted| granted.contains(permission))
    }

    /// Whether a user's policy allows what the cloud account's root may do (rule G3).
    pub fn allows(&self, user: &str, permission: Permission) -> bool {
        self.policies.get(user).is_some_and(|policy| policy.allows(permission))
    }

    /// Decides a command (rules G1, G2).
    pub fn decide(&self, command: &AuthorizationCommand) -> Result<AuthorizationDecision, Refusal> {
        match command {
            AuthorizationCommand::GrantAdministrators { account, cloud_accounts, permissions } => {
                if cloud_accounts.len() > ADMINISTRATORS_PER_OPERATION_MAX {
                    return Err(Refusal::TooManyItems);
                }
                let permissions = permissions.unwrap_or_else(|| DEFAULT.into_iter().collect());
                let results: Vec<_> = cloud_accounts
                    .iter()
                    .map(|(id, exists)| match exists {
                        false => Err(Refusal::NotFound),
                        true if self.super_administrator.as_ref() == Some(id) => Err(Refusal::AlreadyExists),
                        true => Ok(()),
                    })
                    .collect();
                let granted = cloud_accounts.iter().zip(&results).filter(|(_, result)| result.is_ok());
                let events = granted
                    .map(|((id, _), _)| AuthorizationEvent::AdministratorGranted {
                        account: *account,
                        cloud_account: id.clone(),
                        permissions,
                    })
                    .collect();
                Ok((events, results))
            }
            AuthorizationCommand::RevokeAdministrator { account, cloud_account } => {
                let listed =
                    self.administrators.get(account).is_some_and(|list| list.contains_key(cloud_account));
                if !listed && self.super_administrator.as_ref() == Some(cloud_account) {
                    return Err(Refusal::SuperAdministratorNotRevocable);
                }
                if !listed {
                    return Err(Refusal::NotFound);
                }
                let (account, cloud_account) = (*account, cloud_account.clone());
                let event = AuthorizationEvent::AdministratorRevoked { account, cloud_account };
                Ok((vec![event], vec![Ok(())]))
            }
            AuthorizationCommand::AttachPolicy { user, policy } => {
                let event = AuthorizationEvent::PolicyAttached { user: user.clone(), policy: *policy };
                Ok((vec![event], vec![Ok(())]))
            }
            AuthorizationCommand::DetachPolicy { user } => {
                if !self.policies.contains_key(user) {
                    return Err(Refusal::NotFound);
                }
                Ok((vec![AuthorizationEvent::PolicyDetached { user: user.clone() }], vec![Ok(())]))
            }
        }
    }

    /// Applies one record.
    pub fn apply(&mut self, events: &[AuthorizationEvent], at: Timestamp, remembered: Option<Remembered>) {
        for event in events {
            match event {
                AuthorizationEvent::AdministratorGranted { account, cloud_account, permissions } => {
                    let list = self.administrators.entry(*account).or_default();
                    list.insert(cloud_account.clone(), *permissions);
                }
                AuthorizationEvent::AdministratorRevoked { account, cloud_account } => {
                    if let Some(list) = self.administrators.get_mut(account) {
                        list.remove(cloud_account);
                        if list.is_empty() {
                            self.administrators.remove(account);
                        }
                    }
                }
                AuthorizationEvent::PolicyAttached { user, policy } => {
                    self.policies.insert(user.clone(), *policy);
                }
                AuthorizationEvent::PolicyDetached { user } => {
                    self.policies.remove(user);
                }
            }
        }
        self.sequence += 1;
        self.at = self.at.max(at);
        if let Some(remembered) = remembered {
            self.keys.remember(remembered);
        }
    }
}
