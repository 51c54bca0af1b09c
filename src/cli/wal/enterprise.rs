//! Records of enterprises, and messages between accounts, as `wal dump` shows them.

use serde_json::{Value, json};

use super::Names;
use crate::domain::account_event::{AccountEvent, Posted};
use crate::domain::admin_authorization::AuthorizationEvent;
use crate::domain::credit_control::CreditEvent;
use crate::domain::permissions::{Permission, Permissions, Policy};
use crate::journal::forms::authorization_record::AuthorizationRecord;
use crate::journal::forms::credit_record::CreditRecord;

/// The message that an account's record sends or receives.
pub(super) fn message(event: &AccountEvent) -> Option<Value> {
    match event {
        AccountEvent::CashTransferred { posted, .. }
        | AccountEvent::TransferRevoked { posted, .. }
        | AccountEvent::CreditReturned { posted, .. }
        | AccountEvent::EnterpriseJoined { posted, .. }
        | AccountEvent::EnterpriseLeft { posted, .. } => Some(sent(*posted)),
        AccountEvent::TransferReceived { number, .. }
        | AccountEvent::RevocationReceived { number, .. }
        | AccountEvent::CreditReceived { number, .. } => Some(received(*number)),
        _ => None,
    }
}

fn sent(Posted { number, acknowledged }: Posted) -> Value {
    json!({ "sent": number, "acknowledged": acknowledged })
}

fn received(number: u64) -> Value {
    json!({ "received": number })
}

fn permissions(permissions: Permissions) -> Value {
    json!(permissions.iter().map(Permission::name).collect::<Vec<_>>())
}

impl Names {
    pub(super) fn credit_record(&self, record: &CreditRecord) -> Value {
        json!({
            "record": "credit_control",
            "ecid": self.enterprise(record.enterprise),
            "sequence": record.sequence,
            "at": record.at.to_string(),
            "actor": record.actor,
            "key": record.remembered.as_ref().map(|remembered| &remembered.key),
            "event": self.credit_event(&record.event),
        })
    }

    fn credit_event(&self, event: &CreditEvent) -> Value {
        match event {
            CreditEvent::AccountCenterEnabled => json!({ "event": "account_center_enabled" }),
            CreditEvent::AccountInvited { account } => {
                json!({ "event": "account_invited", "billing_account": self.account(*account) })
            }
            CreditEvent::MemberJoined { account, number } => json!({
                "event": "member_joined",
                "billing_account": self.account(*account),
                "message": received(*number),
            }),
            CreditEvent::MemberLeft { account, number } => json!({
                "event": "member_left",
                "billing_account": self.account(*account),
                "message": received(*number),
            }),
            CreditEvent::TotalCreditSet { public_cloud, hybrid_cloud } => json!({
                "event": "total_credit_set",
                "public_cloud": public_cloud.to_string(),
                "hybrid_cloud": hybrid_cloud.to_string(),
            }),
            CreditEvent::NothingChanged => json!({ "event": "nothing_changed" }),
            CreditEvent::ContractRequested => json!({ "event": "contract_requested" }),
            CreditEvent::ContractApproved => json!({ "event": "contract_approved" }),
            CreditEvent::ContractConfirmed { activated, posted } => json!({
                "event": "contract_confirmed",
                "activated": activated
                    .iter()
                    .map(|(account, limit)| {
                        json!({ "billing_account": self.account(*account), "credit_limit": limit.to_string() })
                    })
                    .collect::<Vec<_>>(),
                "message": sent(*posted),
            }),
            CreditEvent::LimitPending { account, limit } => json!({
                "event": "limit_pending",
                "billing_account": self.account(*account),
                "credit_limit": limit.to_string(),
            }),
            CreditEvent::CreditAllocated { account, amount, assigned_after, posted } => json!({
                "event": "credit_allocated",
                "billing_account": self.account(*account),
                "amount": amount.to_string(),
                "credit_limit": assigned_after.to_string(),
                "message": sent(*posted),
            }),
            CreditEvent::CreditReturned { account, number, amount, moved } => {
                let mut json = json!({
                    "event": "credit_returned",
                    "billing_account": self.account(*account),
                    "amount": amount.to_string(),
                    "message": received(*number),
                });
                if let Some((to, posted)) = moved {
                    json["moved"] = json!({ "to": self.account(*to), "message": sent(*posted) });
                }
                json
            }
        }
    }

    pub(super) fn authorization_record(&self, record: &AuthorizationRecord) -> Value {
        let events: Vec<_> = record.events.iter().map(|event| self.authorization_event(event)).collect();
        json!({
            "record": "admin_authorization",
            "ecid": self.enterprise(record.enterprise),
            "sequence": record.sequence,
            "at": record.at.to_string(),
            "actor": record.actor,
            "key": record.remembered.as_ref().map(|remembered| &remembered.key),
            "events": events,
        })
    }

    fn authorization_event(&self, event: &AuthorizationEvent) -> Value {
        match event {
            AuthorizationEvent::AdministratorGranted { account, cloud_account, permissions: may } => json!({
                "event": "administrator_granted",
                "billing_account": self.account(*account),
                "cloud_account": cloud_account,
                "permissions": permissions(*may),
            }),
            AuthorizationEvent::AdministratorRevoked { account, cloud_account } => json!({
                "event": "administrator_revoked",
                "billing_account": self.account(*account),
                "cloud_account": cloud_account,
            }),
            AuthorizationEvent::PolicyAttached { user, policy } => json!({
                "event": "policy_attached",
                "principal": user,
                "policy": match policy {
                    Policy::FullAccess => json!("full_access"),
                    Policy::ReadOnly => json!("read_only"),
                    Policy::Permissions(may) => json!({ "permissions": permissions(*may) }),
                },
            }),
            AuthorizationEvent::PolicyDetached { user } => {
                json!({ "event": "policy_detached", "principal": user })
            }
        }
    }
}
