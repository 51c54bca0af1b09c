//! Events of enterprises, and messages between accounts, as JSON.

use serde_json::{Value, json};

use super::event_type::EventType;
use super::names::Names;
use super::render::{account_name, enterprise_name};
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

pub(super) fn credit_record(names: &Names, record: &CreditRecord) -> Value {
    json!({
        "record": "credit_control",
        "ecid": enterprise_name(names, record.enterprise),
        "sequence": record.sequence,
        "at": record.at.to_string(),
        "actor": record.actor,
        "key": record.remembered.as_ref().map(|remembered| &remembered.key),
        "event": credit_event(names, &record.event),
    })
}

pub(super) fn credit_event(names: &Names, event: &CreditEvent) -> Value {
    let name = EventType::of_credit_control(event).name();
    match event {
        CreditEvent::AccountCenterEnabled
        | CreditEvent::NothingChanged
        | CreditEvent::ContractRequested
        | CreditEvent::ContractApproved => json!({ "event": name }),
        CreditEvent::AccountInvited { account } => {
            json!({ "event": name, "billing_account": account_name(names, *account) })
        }
        CreditEvent::MemberJoined { account, number } | CreditEvent::MemberLeft { account, number } => {
            json!({
                "event": name,
                "billing_account": account_name(names, *account),
                "message": received(*number),
            })
        }
        CreditEvent::TotalCreditSet { public_cloud, hybrid_cloud } => json!({
            "event": name,
            "public_cloud": public_cloud.to_string(),
            "hybrid_cloud": hybrid_cloud.to_string(),
        }),
        CreditEvent::ContractConfirmed { activated, posted } => json!({
            "event": name,
            "activated": activated
                .iter()
                .map(|(account, limit)| {
                    json!({ "billing_account": account_name(names, *account), "credit_limit": limit.to_string() })
                })
                .collect::<Vec<_>>(),
            "message": sent(*posted),
        }),
        CreditEvent::LimitPending { account, limit } => json!({
            "event": name,
            "billing_account": account_name(names, *account),
            "credit_limit": limit.to_string(),
        }),
        CreditEvent::CreditAllocated { account, amount, assigned_after, posted } => json!({
            "event": name,
            "billing_account": account_name(names, *account),
            "amount": amount.to_string(),
            "credit_limit": assigned_after.to_string(),
            "message": sent(*posted),
        }),
        CreditEvent::CreditReturned { account, number, amount, moved } => {
            let mut json = json!({
                "event": name,
                "billing_account": account_name(names, *account),
                "amount": amount.to_string(),
                "message": received(*number),
            });
            if let Some((to, posted)) = moved {
                json["moved"] = json!({ "to": account_name(names, *to), "message": sent(*posted) });
            }
            json
        }
    }
}

pub(super) fn authorization_record(names: &Names, record: &AuthorizationRecord) -> Value {
    let events: Vec<_> = record.events.iter().map(|event| authorization_event(names, event)).collect();
    json!({
        "record": "admin_authorization",
        "ecid": enterprise_name(names, record.enterprise),
        "sequence": record.sequence,
        "at": record.at.to_string(),
        "actor": record.actor,
        "key": record.remembered.as_ref().map(|remembered| &remembered.key),
        "events": events,
    })
}

pub(super) fn authorization_event(names: &Names, event: &AuthorizationEvent) -> Value {
    let name = EventType::of_authorization(event).name();
    match event {
        AuthorizationEvent::AdministratorGranted { account, cloud_account, permissions: may } => json!({
            "event": name,
            "billing_account": account_name(names, *account),
            "cloud_account": cloud_account,
            "permissions": permissions(*may),
        }),
        AuthorizationEvent::AdministratorRevoked { account, cloud_account } => json!({
            "event": name,
            "billing_account": account_name(names, *account),
            "cloud_account": cloud_account,
        }),
        AuthorizationEvent::PolicyAttached { user, policy } => json!({
            "event": name,
            "principal": user,
            "policy": match policy {
                Policy::FullAccess => json!("full_access"),
                Policy::ReadOnly => json!("read_only"),
                Policy::Permissions(may) => json!({ "permissions": permissions(*may) }),
            },
        }),
        AuthorizationEvent::PolicyDetached { user } => {
            json!({ "event": name, "principal": user })
        }
    }
}
