//! Change records: what changed accounts and enterprises, streamed from the log (rules B2, B3, E5).

use std::collections::HashMap;

use super::{Engine, EngineError};
use crate::domain::account::Status;
use crate::domain::account_event::AccountEvent;
use crate::domain::admin_authorization::AuthorizationEvent;
use crate::domain::credit_control::CreditEvent;
use crate::domain::ids::AccountIndex;
use crate::domain::money::Money;
use crate::domain::permissions::{Permission, Permissions, Policy};
use crate::domain::refusals::Refusal;
use crate::domain::time::Timestamp;
use crate::journal::forms::account_record::AccountRecord;
use crate::journal::forms::authorization_record::AuthorizationRecord;
use crate::journal::forms::credit_record::CreditRecord;
use crate::journal::frame::Kind;

/// One change of an asset or setting (rule B3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChangeRecord {
    /// `<account number>-<record number>`; of an enterprise `credit-<enterprise number>-<record number>` or
    /// `authorization-…`.
    pub transaction: String,
    /// Business time.
    pub at: Timestamp,
    /// What changed.
    pub asset: &'static str,
    /// How.
    pub kind: &'static str,
    /// By how much, where it is money: below 0 where the asset shrinks.
    pub amount: Option<Money>,
    /// Before.
    pub before: Option<Money>,
    /// After.
    pub after: Option<Money>,
    /// Who.
    pub actor: String,
    /// Why, by which payment, or from or to whom.
    pub reason: Option<String>,
}

impl Engine {
    /// The change records of one billing account, oldest first (rules B2, B3). What came by a transfer changes two assets:
    /// cash, and the transfer book that is part of it.
    pub fn change_records(
        &self,
        billing_account: &str,
        asset: Option<&str>,
    ) -> Result<Vec<ChangeRecord>, EngineError> {
        let account = self.known(billing_account)?;
        let mut records = Vec::new();
        let mut book = Some(Money::ZERO);
        self.read_history(&mut |frame| {
            if frame.kind == Kind::Account {
                let record = AccountRecord::decode(frame)?;
                if record.account == account {
                    let change = change_record(record);
                    let of_book = change_of_book(&change, &mut book);
                    records.push(change);
                    records.extend(of_book);
                }
            }
            Ok(())
        })?;
        records.retain(|record| asset.is_none_or(|asset| asset == record.asset));
        Ok(records)
    }

    /// The change records of one enterprise, oldest first: its credit and its administrators (rule E5).
    pub fn enterprise_change_records(
        &self,
        ecid: &str,
        asset: Option<&str>,
    ) -> Result<Vec<ChangeRecord>, EngineError> {
        let enterprise = self.inner.directory.read().enterprise(ecid);
        let enterprise =
            enterprise.ok_or_else(|| EngineError::refused(Refusal::NotFound, format!("`{ecid}`")))?;
        let mut records = Vec::new();
        let mut limits = Limits::default();
        self.read_history(&mut |frame| {
            match frame.kind {
                Kind::CreditControl => {
                    let record = CreditRecord::decode(frame)?;
                    if record.enterprise == enterprise {
                        records.extend(limits.changes(&record));
                    }
                }
                Kind::AdminAuthorization => {
                    let record = AuthorizationRecord::decode(frame)?;
                    if record.enterprise == enterprise {
                        records.extend(authorization_changes(&record));
                    }
                }
                Kind::ChargesPosted | Kind::Account | Kind::Directory => {}
            }
            Ok(())
        })?;
        records.retain(|record| asset.is_none_or(|asset| asset == record.asset));
        Ok(records)
    }
}

/// What one record says has changed, without who and when.
struct Change {
    asset: &'static str,
    kind: &'static str,
    amount: Option<Money>,
    before: Option<Money>,
    after: Option<Money>,
    reason: Option<String>,
}

impl Change {
    /// Of something that is no money.
    const fn of(asset: &'static str, kind: &'static str) -> Self {
        Self { asset, kind, amount: None, before: None, after: None, reason: None }
    }

    /// Of money, which is `after` afterwards.
    fn up(self, amount: Money, after: Money) -> Self {
        Self { amount: Some(amount), before: after.checked_sub(amount), after: Some(after), ..self }
    }

    /// Of money, less by `amount`.
    fn down(self, amount: Money, after: Money) -> Self {
        Self { amount: negative(amount), before: after.checked_add(amount), after: Some(after), ..self }
    }

    /// Of money, from one figure to another.
    fn moved(self, before: Option<Money>, after: Money) -> Self {
        let amount = before.and_then(|before| after.checked_sub(before));
        Self { amount, before, after: Some(after), ..self }
    }

    fn because(self, reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..self }
    }

    fn of_account(self, account: AccountIndex) -> Self {
        self.because(format!("account {account}"))
    }

    fn record(self, transaction: String, at: Timestamp, actor: &str) -> ChangeRecord {
        let Self { asset, kind, amount, before, after, reason } = self;
        ChangeRecord { transaction, at, asset, kind, amount, before, after, actor: actor.to_owned(), reason }
    }
}

fn negative(amount: Money) -> Option<Money> {
    Money::ZERO.checked_sub(amount)
}

/// A record of an account, as a person reads it.
pub fn change_record(record: AccountRecord) -> ChangeRecord {
    let transaction = format!("{}-{}", record.account, record.sequence);
    account_change(record.event).record(transaction, record.at, &record.actor)
}

fn account_change(event: AccountEvent) -> Change {
    match event {
        AccountEvent::CashToppedUp { amount, cash_after, reference } => {
            let change = Change::of("cash", "top_up").up(amount, cash_after);
            Change { reason: reference.map(Into::into), ..change }
        }
        AccountEvent::CashAdjusted { amount, cash_after, reason } => {
            Change::of("cash", "adjustment").up(amount, cash_after).because(reason)
        }
        AccountEvent::CashWithdrawn { amount, cash_after } => {
            Change::of("cash", "withdrawal").down(amount, cash_after)
        }
        AccountEvent::CashTransferred { to, amount, cash_after, .. } => {
            Change::of("cash", "transfer_out").down(amount, cash_after).of_account(to)
        }
        AccountEvent::TransferReceived { from, amount, cash_after, .. } => {
            Change::of("cash", "transfer_in").up(amount, cash_after).of_account(from)
        }
        AccountEvent::TransferRevoked { giver, amount, cash_after, .. } => {
            Change::of("cash", "revocation_out").down(amount, cash_after).of_account(giver)
        }
        AccountEvent::RevocationReceived { from, amount, cash_after, .. } => {
            Change::of("cash", "revocation_in").up(amount, cash_after).of_account(from)
        }
        AccountEvent::CreditLimitGranted { before, after } => {
            Change::of("credit_limit", "grant").moved(Some(before), after)
        }
        AccountEvent::CreditReceived { enterprise, amount, limit_after, .. } => {
            Change::of("credit_limit", "credit_raised")
                .up(amount, limit_after)
                .because(format!("enterprise {enterprise}"))
        }
        AccountEvent::CreditReturned { enterprise, amount, limit_after, moves_to, .. } => match moves_to {
            None => Change::of("credit_limit", "credit_lowered")
                .down(amount, limit_after)
                .because(format!("enterprise {enterprise}")),
            Some(to) => Change::of("credit_limit", "credit_moved").down(amount, limit_after).of_account(to),
        },
        AccountEvent::QuotaSet { before, after } => Change::of("quota", "set").moved(Some(before), after),
        AccountEvent::QuotaRepaid { amount, consumed_after } => Change {
            amount: Some(amount),
            before: consumed_after.checked_add(amount),
            after: Some(consumed_after),
            ..Change::of("quota_consumed", "repayment")
        },
        AccountEvent::ProfileModified { .. } => Change::of("settings", "modified"),
        AccountEvent::StatusChanged { status } => Change::of(
            "status",
            match status {
                Status::Valid => "thawed",
                Status::Frozen => "frozen",
                Status::Canceled => "canceled",
            },
        ),
        AccountEvent::EnterpriseJoined { enterprise, .. } => {
            Change::of("association", "joined").because(format!("enterprise {enterprise}"))
        }
        AccountEvent::EnterpriseLeft { enterprise, .. } => {
            Change::of("association", "left").because(format!("enterprise {enterprise}"))
        }
        AccountEvent::HoldPlaced { hold, amount, .. } => {
            Change { amount: Some(amount), ..Change::of("hold", "hold_placed") }.because(hold)
        }
        AccountEvent::HoldCaptured { hold, amount, .. } => {
            Change { amount: negative(amount), ..Change::of("hold", "hold_captured") }.because(hold)
        }
        AccountEvent::HoldReleased { hold } => Change::of("hold", "hold_released").because(hold),
        AccountEvent::HoldExpired { hold } => Change::of("hold", "hold_expired").because(hold),
    }
}

/// What a change of cash does to the transfer book, whose figure before is `book`.
fn change_of_book(cash: &ChangeRecord, book: &mut Option<Money>) -> Option<ChangeRecord> {
    if !["transfer_in", "revocation_out"].contains(&cash.kind) {
        return None;
    }
    let before = *book;
    *book = before.and_then(|before| before.checked_add(cash.amount?));
    Some(ChangeRecord { asset: "transfer_book", before, after: *book, ..cash.clone() })
}

/// Follows the figures of an enterprise's credit that its records don't carry.
#[derive(Default)]
struct Limits {
    total: Money,
    assigned: HashMap<AccountIndex, Money>,
    pending: HashMap<AccountIndex, Money>,
}

impl Limits {
    fn changes(&mut self, record: &CreditRecord) -> Vec<ChangeRecord> {
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

fn authorization_changes(record: &AuthorizationRecord) -> Vec<ChangeRecord> {
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
