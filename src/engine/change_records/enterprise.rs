//! What changed an enterprise: its credit and its administrators (rule E5).

use std::collections::HashMap;

use super::{Change, ChangeRecord, negative};
use crate::domain::admin_authorization::AuthorizationEvent;
use crate::domain::credit_control::CreditEvent;
use crate::domain::ids::AccountIndex;
use crate::domain::money::Money;
use crate::domain::permissions::{Permission, Permissions, Policy};
use crate::journal::forms::authorization_record::AuthorizationRecord;
use crate::journal::forms::credit_record::CreditRecord;

/// Follows the figures of an enterprise's credit that its records don't carry.
#[derive(Default)]
pub(super) struct Limits {
    total: Money,
    assigned: HashMap<AccountIndex, Money>,
    pending: HashMap<AccountIndex, Money>,
}

impl Limits {
    pub(super) fn changes(&mut self, record: &CreditRecord) -> Vec<ChangeRecord> {
        let transaction = format!("credit-{}-{}", record.enterprise, record.sequence);
        let changes = self.follow(&record.event).into_iter();
        changes.map(|change| change.record(transaction.clone(), record.at, &record.actor)).collect()
    }

    fn follow(&mut self, event: &CreditEvent) -> Vec<Change> {
        let one = match event {
            CreditEvent::AccountCenterEnabled => Change::of("account_center", "enabled"),
            CreditEvent::AccountInvited { account } => {
                Change::of("association", "invited").of_account(*account)
            }
            CreditEvent::MemberJoined { account, .. } => {
                Change::of("association", "joined").of_account(*account)
            }
            CreditEvent::MemberLeft { account, .. } => {
                self.assigned.remove(account);
                self.pending.remove(account);
                Change::of("association", "left").of_account(*account)
            }
            CreditEvent::TotalCreditSet { public_cloud, hybrid_cloud } => {
                let before = self.total;
                self.total = public_cloud.checked_add(*hybrid_cloud).unwrap_or(before);
                Change::of("total_credit", "set").moved(Some(before), self.total)
            }
            CreditEvent::NothingChanged => return Vec::new(),
            CreditEvent::ContractRequested => Change::of("contract", "requested"),
            CreditEvent::ContractApproved => Change::of("contract", "approved"),
            CreditEvent::ContractConfirmed { activated, .. } => {
                let mut changes = vec![Change::of("contract", "confirmed")];
                for (account, limit) in activated {
                    self.pending.remove(account);
                    changes.push(self.assign("credit_raised", *account, Some(*limit)));
                }
                return changes;
            }
            CreditEvent::LimitPending { account, limit } => {
                let before = self.pending.insert(*account, *limit).unwrap_or_default();
                Change::of("pending_credit_limit", "set").moved(Some(before), *limit).of_account(*account)
            }
            CreditEvent::CreditAllocated { account, amount, .. } => {
                self.assign("credit_raised", *account, Some(*amount))
            }
            CreditEvent::CreditReturned { account, amount, moved, .. } => {
                let Some((to, _)) = moved else {
                    return vec![self.assign("credit_lowered", *account, negative(*amount))];
                };
                let from = self.assign("credit_moved", *account, negative(*amount));
                return vec![from, self.assign("credit_moved", *to, Some(*amount))];
            }
        };
        vec![one]
    }

    fn assign(&mut self, kind: &'static str, account: AccountIndex, amount: Option<Money>) -> Change {
        let assigned = self.assigned.entry(account).or_default();
        let before = *assigned;
        *assigned = amount.and_then(|amount| before.checked_add(amount)).unwrap_or(before);
        Change::of("credit_limit", kind).moved(Some(before), *assigned).of_account(account)
    }
}

pub(super) fn authorization_changes(record: &AuthorizationRecord) -> Vec<ChangeRecord> {
    let transaction = format!("authorization-{}-{}", record.enterprise, record.sequence);
    let changes = record.events.iter().map(authorization_change);
    changes.map(|change| change.record(transaction.clone(), record.at, &record.actor)).collect()
}

fn authorization_change(event: &AuthorizationEvent) -> Change {
    match event {
        AuthorizationEvent::AdministratorGranted { account, cloud_account, permissions } => {
            let may = names(*permissions);
            Change::of("administrators", "granted")
                .because(format!("`{cloud_account}` on account {account}: {may}"))
        }
        AuthorizationEvent::AdministratorRevoked { account, cloud_account } => {
            Change::of("administrators", "revoked").because(format!("`{cloud_account}` on account {account}"))
        }
        AuthorizationEvent::PolicyAttached { user, policy } => {
            let may = match policy {
                Policy::FullAccess => "full_access".to_owned(),
                Policy::ReadOnly => "read_only".to_owned(),
                Policy::Permissions(permissions) => names(*permissions),
            };
            Change::of("policies", "attached").because(format!("`{user}`: {may}"))
        }
        AuthorizationEvent::PolicyDetached { user } => {
            Change::of("policies", "detached").because(format!("`{user}`"))
        }
    }
}

fn names(permissions: Permissions) -> String {
    permissions.iter().map(Permission::name).collect::<Vec<_>>().join(", ")
}
