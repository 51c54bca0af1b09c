//! A change of who may administer which billing accounts.

use super::from_slice;
use super::parts::RememberedV1;
use crate::domain::admin_authorization::AuthorizationEvent;
use crate::domain::ids::{AccountIndex, EnterpriseIndex};
use crate::domain::keys::Remembered;
use crate::domain::permissions::{Permissions, Policy};
use crate::domain::time::Timestamp;
use crate::journal::JournalFault;
use crate::journal::frame;
use crate::journal::frame::{Frame, Kind};
use serde::{Deserialize, Serialize};

/// A change of one enterprise's authorization: everything that one command caused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuthorizationRecord {
    /// Whose; [`EnterpriseIndex::NONE`] outside of enterprises.
    pub enterprise: EnterpriseIndex,
    /// The authorization's record number.
    pub sequence: u64,
    /// Business time of the decision.
    pub at: Timestamp,
    /// Who gave the command.
    pub actor: Box<str>,
    /// The idempotency key with the first answer.
    pub remembered: Option<Remembered>,
    /// What happened, in order.
    pub events: Vec<AuthorizationEvent>,
}

impl AuthorizationRecord {
    /// Appends the record to a block's bytes.
    pub fn encode(&self, bytes: &mut Vec<u8>) {
        let form = AuthorizationRecordV1 {
            enterprise: self.enterprise.0,
            sequence: self.sequence,
            at: self.at.micros(),
            actor: self.actor.clone(),
            remembered: self.remembered.as_ref().map(RememberedV1::from),
            events: self.events.iter().map(AuthorizationEventV1::from).collect(),
        };
        frame::append(bytes, Kind::AdminAuthorization, 1, |bytes| rmp_serde::encode::write(bytes, &form));
    }

    /// Decodes a record of kind [`Kind::AdminAuthorization`].
    pub fn decode(frame: &Frame<'_>) -> Result<Self, JournalFault> {
        let form: AuthorizationRecordV1 = from_slice(frame.kind.name(), frame.body)?;
        Ok(Self {
            enterprise: EnterpriseIndex(form.enterprise),
            sequence: form.sequence,
            at: Timestamp::from_micros(form.at),
            actor: form.actor,
            remembered: form.remembered.map(Remembered::try_from).transpose()?,
            events: form.events.into_iter().map(AuthorizationEvent::from).collect(),
        })
    }
}

#[derive(Serialize, Deserialize)]
struct AuthorizationRecordV1 {
    enterprise: u32,
    sequence: u64,
    at: i64,
    actor: Box<str>,
    remembered: Option<RememberedV1>,
    events: Vec<AuthorizationEventV1>,
}

#[derive(Serialize, Deserialize)]
enum AuthorizationEventV1 {
    AdministratorGranted { account: u32, cloud_account: Box<str>, permissions: u16 },
    AdministratorRevoked { account: u32, cloud_account: Box<str> },
    PolicyAttached { user: Box<str>, policy: PolicyV1 },
    PolicyDetached { user: Box<str> },
}

/// A user's policy.
#[derive(Serialize, Deserialize)]
pub(super) enum PolicyV1 {
    FullAccess,
    ReadOnly,
    Permissions(u16),
}

impl From<Policy> for PolicyV1 {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::FullAccess => Self::FullAccess,
            Policy::ReadOnly => Self::ReadOnly,
            Policy::Permissions(permissions) => Self::Permissions(permissions.bits()),
        }
    }
}

impl From<PolicyV1> for Policy {
    fn from(form: PolicyV1) -> Self {
        match form {
            PolicyV1::FullAccess => Self::FullAccess,
            PolicyV1::ReadOnly => Self::ReadOnly,
            PolicyV1::Permissions(bits) => Self::Permissions(Permissions::from_bits(bits)),
        }
    }
}

impl From<&AuthorizationEvent> for AuthorizationEventV1 {
    fn from(event: &AuthorizationEvent) -> Self {
        match event {
            AuthorizationEvent::AdministratorGranted { account, cloud_account, permissions } => {
                Self::AdministratorGranted {
                    account: account.0,
                    cloud_account: cloud_account.clone(),
                    permissions: permissions.bits(),
                }
            }
            AuthorizationEvent::AdministratorRevoked { account, cloud_account } => {
                Self::AdministratorRevoked { account: account.0, cloud_account: cloud_account.clone() }
            }
            AuthorizationEvent::PolicyAttached { user, policy } => {
                Self::PolicyAttached { user: user.clone(), policy: (*policy).into() }
            }
            AuthorizationEvent::PolicyDetached { user } => Self::PolicyDetached { user: user.clone() },
        }
    }
}

impl From<AuthorizationEventV1> for AuthorizationEvent {
    fn from(form: AuthorizationEventV1) -> Self {
        match form {
            AuthorizationEventV1::AdministratorGranted { account, cloud_account, permissions } => {
                Self::AdministratorGranted {
                    account: AccountIndex(account),
                    cloud_account,
                    permissions: Permissions::from_bits(permissions),
                }
            }
            AuthorizationEventV1::AdministratorRevoked { account, cloud_account } => {
                Self::AdministratorRevoked { account: AccountIndex(account), cloud_account }
            }
            AuthorizationEventV1::PolicyAttached { user, policy } => {
                Self::PolicyAttached { user, policy: policy.into() }
            }
            AuthorizationEventV1::PolicyDetached { user } => Self::PolicyDetached { user },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::permissions::Permission;

    #[test]
    fn the_bits_of_permissions_stay_as_they_are_on_disk() {
        let names = [
            "billing_account:read",
            "billing_account:modify",
            "cash:top_up",
            "cash:withdraw",
            "cash:transfer",
            "credit:modify",
            "holds:modify",
            "association:modify",
            "administrators:modify",
            "policies:modify",
        ];
        for (bit, name) in names.into_iter().enumerate() {
            let permissions = Permissions::from_bits(1 << bit);
            let held: Vec<_> = permissions.iter().map(Permission::name).collect();
            assert_eq!(held, [name]);
        }
    }

    #[test]
    fn authorization_records_read_back() {
        let permissions: Permissions = Permission::GRANTABLE.into_iter().collect();
        let attached = |policy| AuthorizationEvent::PolicyAttached { user: "c/u".into(), policy };
        let events = vec![
            AuthorizationEvent::AdministratorGranted {
                account: AccountIndex(3),
                cloud_account: "c".into(),
                permissions,
            },
            AuthorizationEvent::AdministratorRevoked { account: AccountIndex(3), cloud_account: "c".into() },
            attached(Policy::FullAccess),
            attached(Policy::ReadOnly),
            attached(Policy::Permissions(permissions)),
            AuthorizationEvent::PolicyDetached { user: "c/u".into() },
        ];
        for enterprise in [EnterpriseIndex(0), EnterpriseIndex::NONE] {
            let record = AuthorizationRecord {
                enterprise,
                sequence: 4,
                at: Timestamp::from_micros(5),
                actor: "provider".into(),
                remembered: None,
                events: events.clone(),
            };
            let mut bytes = Vec::new();
            record.encode(&mut bytes);
            let frame = frame::frames(&bytes).next().unwrap().unwrap();
            assert_eq!(AuthorizationRecord::decode(&frame).unwrap(), record);
        }
    }
}
