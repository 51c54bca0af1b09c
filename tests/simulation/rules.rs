//! What a command must be answered when nothing else goes on: every rule that speaks against it, of which the first in
//! the documented order is told.

use std::collections::BTreeSet;

use exchequer::domain::permissions::Permission;
use exchequer::domain::profile::AccountType;
use exchequer::domain::refusals::Refusal;
use exchequer::engine::{Command, PROVIDER, Request};
use exchequer::limits::{ADMINISTRATORS_PER_OPERATION_MAX, RECEIVED_UNITS_MAX};

use crate::model::{Account, Enterprise, HoldState, Model, Status};
use crate::op::Expect;

/// Rules that are broken.
#[derive(Default)]
pub struct Broken(pub BTreeSet<Refusal>);

impl Broken {
    pub fn when(&mut self, broken: bool, refusal: Refusal) {
        if broken {
            self.0.insert(refusal);
        }
    }
}

/// What the request must be answered.
pub fn expect(model: &Model, request: &Request) -> Expect {
    let mut broken = Broken::default();
    let judged = judge(model, request, &mut broken);
    match judged {
        // Each account of several is asked by itself.
        _ if crate::bills_rules::asks_several(&request.command) && !broken.0.is_empty() => Expect::Anything,
        _ if !broken.0.is_empty() => Expect::Refused(broken.0),
        Some(()) => Expect::Ok,
        None => Expect::Anything,
    }
}

/// Whether a principal may do something with an account (rules G1–G4).
pub fn may(model: &Model, principal: &str, permission: Permission, id: &str) -> bool {
    if principal == PROVIDER {
        return true;
    }
    let (root, user) = root_of(model, principal);
    let Some(account) = model.account(id) else { return false };
    let manages = account.enterprise.as_ref().is_some_and(|ecid| model.enterprises[ecid].management == root);
    let owner = root == id && !matches!(permission, Permission::Transfer | Permission::ControlCredit);
    let list = model.administrators.get(&model.list_of(id));
    let granted = list.and_then(|list| list.get(root)).is_some_and(|granted| granted.contains(permission));
    (manages || owner || granted) && policy_allows(model, user, permission)
}

fn may_control(model: &Model, principal: &str, ecid: &str) -> bool {
    let (root, user) = root_of(model, principal);
    principal == PROVIDER
        || model.enterprises.get(ecid).is_some_and(|enterprise| enterprise.management == root)
            && policy_allows(model, user, Permission::ControlCredit)
}

/// The cloud account that a principal stands for, and the user that it is.
fn root_of<'p>(model: &Model, principal: &'p str) -> (&'p str, Option<&'p str>) {
    match principal.rsplit_once('/') {
        Some((root, _)) if !model.payers.contains_key(principal) => (root, Some(principal)),
        _ => (principal, None),
    }
}

fn policy_allows(model: &Model, user: Option<&str>, permission: Permission) -> bool {
    user.is_none_or(|user| model.policies.get(user).is_some_and(|policy| policy.allows(permission)))
}

/// Notes what speaks against the request; none if nothing is foretold of it.
fn judge(model: &Model, request: &Request, broken: &mut Broken) -> Option<()> {
    let principal = &*request.principal;
    let provider_only = principal != PROVIDER;
    match &request.command {
        Command::TopUp { billing_account, amount, .. } => {
            broken
                .when(!may(model, principal, Permission::TopUp, billing_account), Refusal::PermissionDenied);
            let account = known(model, billing_account, broken)?;
            usable(account, broken);
            broken.when(account.kind != AccountType::Direct, Refusal::NotSupportedForAccountType);
            positive(amount.money().units(), broken);
        }
        Command::AdjustCash { billing_account, amount, .. } => {
            broken.when(provider_only, Refusal::PermissionDenied);
            let account = known(model, billing_account, broken)?;
            usable(account, broken);
            broken.when(account.kind != AccountType::Direct, Refusal::NotSupportedForAccountType);
            broken.when(amount.money().units() == 0, Refusal::AmountMustBePositive);
        }
        Command::GrantCreditLimit { billing_account, amount } => {
            broken.when(provider_only, Refusal::PermissionDenied);
            let account = known(model, billing_account, broken)?;
            let amount = amount.money().units();
            usable(account, broken);
            broken.when(amount > account.limit && account.status == Status::Frozen, Refusal::AccountFrozen);
            broken.when(account.kind != AccountType::Direct, Refusal::NotSupportedForAccountType);
            broken.when(!account.credit_enabled, Refusal::CreditNotEnabled);
            broken.when(amount < 0, Refusal::AmountMustBePositive);
            broken.when(account.enterprise.is_some(), Refusal::ManagedByEnterprise);
        }
        Command::SetQuota { billing_account, amount } => {
            broken.when(provider_only, Refusal::PermissionDenied);
            let account = known(model, billing_account, broken)?;
            let amount = amount.money().units();
            usable(account, broken);
            broken.when(amount > account.quota && account.status == Status::Frozen, Refusal::AccountFrozen);
            broken.when(account.kind != AccountType::Ecosystem, Refusal::NotSupportedForAccountType);
            broken.when(amount < 0, Refusal::AmountMustBePositive);
        }
        Command::FreezeBillingAccount { billing_account } => {
            broken.when(provider_only, Refusal::PermissionDenied);
            let account = known(model, billing_account, broken)?;
            usable(account, broken);
            broken.when(account.status == Status::Frozen, Refusal::AccountFrozen);
        }
        Command::ThawBillingAccount { billing_account } => {
            broken.when(provider_only, Refusal::PermissionDenied);
            let account = known(model, billing_account, broken)?;
            usable(account, broken);
            broken.when(account.status != Status::Frozen, Refusal::AccountNotFrozen);
        }
        Command::CancelBillingAccount { billing_account } => {
            broken.when(provider_only, Refusal::PermissionDenied);
            let account = known(model, billing_account, broken)?;
            usable(account, broken);
            broken.when(account.enterprise.is_some(), Refusal::ManagedByEnterprise);
            let bills = &account.bills;
            broken.when(account.cash != 0 || bills.credit_refund() != 0, Refusal::CashNotZero);
            let owed = [account.unsettled, bills.previous(), bills.quota_consumed];
            broken.when(owed.iter().any(|owed| *owed != 0), Refusal::UnsettledNotZero);
            broken.when(model.pays(billing_account), Refusal::PaysForCloudAccounts);
        }
        Command::WithdrawCash { billing_account, amount } => {
            let may = may(model, principal, Permission::Withdraw, billing_account);
            broken.when(!may, Refusal::PermissionDenied);
            let account = known(model, billing_account, broken)?;
            let amount = amount.money().units();
            usable(account, broken);
            broken.when(account.status == Status::Frozen, Refusal::AccountFrozen);
            broken.when(account.kind != AccountType::Direct, Refusal::NotSupportedForAccountType);
            positive(amount, broken);
            let owed = account.unsettled + account.bills.previous();
            let free = account.cash - account.in_book() - owed.max(0);
            broken.when(amount > free.min(account.spendable()).max(0), Refusal::ExceedsWithdrawable);
        }
        Command::PlaceHold { .. } | Command::CaptureHold { .. } | Command::ReleaseHold { .. } => {
            judge_hold(model, request, broken)?;
        }
        command => judge_crossing(model, request, command, broken)?,
    }
    Some(())
}

fn judge_hold(model: &Model, request: &Request, broken: &mut Broken) -> Option<()> {
    let (Command::PlaceHold { billing_account: id, .. }
    | Command::CaptureHold { billing_account: id, .. }
    | Command::ReleaseHold { billing_account: id, .. }) = &request.command
    else {
        return None;
    };
    let may = may(model, &request.principal, Permission::ModifyHolds, id);
    broken.when(!may, Refusal::PermissionDenied);
    let account = known(model, id, broken)?;
    let frozen = account.status == Status::Frozen;
    match &request.command {
        Command::PlaceHold { hold, amount, expires_at, .. } => {
            let amount = amount.money().units();
            if let Some(before) = account.holds.get(hold) {
                let same = before.amount == amount && before.expires_at == *expires_at;
                broken.when(!same, Refusal::AlreadyExists);
                return Some(());
            }
            usable(account, broken);
            broken.when(frozen, Refusal::AccountFrozen);
            positive(amount, broken);
            broken.when(amount > account.spendable(), Refusal::InsufficientSpendable);
            broken.when(expires_at.micros() <= model.now, Refusal::TimeOutOfRange);
        }
        Command::CaptureHold { hold, amount, .. } => {
            let Some(before) = account.holds.get(hold) else {
                broken.when(true, Refusal::NotFound);
                return Some(());
            };
            let amount = amount.map_or(before.amount, |amount| amount.money().units());
            if before.state == HoldState::Captured(amount) {
                return Some(());
            }
            usable(account, broken);
            broken.when(frozen, Refusal::AccountFrozen);
            positive(amount, broken);
            broken.when(amount > before.amount, Refusal::InsufficientSpendable);
            broken.when(before.state != HoldState::Open, Refusal::HoldNotOpen);
        }
        Command::ReleaseHold { hold, .. } => {
            let Some(before) = account.holds.get(hold) else {
                broken.when(true, Refusal::NotFound);
                return Some(());
            };
            if before.state == HoldState::Released {
                return Some(());
            }
            usable(account, broken);
            broken.when(before.state != HoldState::Open, Refusal::HoldNotOpen);
        }
        _ => return None,
    }
    Some(())
}

fn judge_crossing(model: &Model, request: &Request, command: &Command, broken: &mut Broken) -> Option<()> {
    let principal = &*request.principal;
    let provider_only = principal != PROVIDER;
    match command {
        Command::EnableAccountCenter { ecid } => {
            broken.when(!may_control(model, principal, ecid), Refusal::PermissionDenied);
            broken.when(!model.enterprises.contains_key(ecid), Refusal::NotFound);
        }
        Command::SetTotalCredit { ecid, public_cloud, hybrid_cloud } => {
            broken.when(provider_only, Refusal::PermissionDenied);
            broken.when(!model.enterprises.contains_key(ecid), Refusal::NotFound);
            let (public, hybrid) =
                (public_cloud.money().units(), hybrid_cloud.map_or(0, |amount| amount.money().units()));
            broken.when(public < 0 || hybrid < 0, Refusal::AmountMustBePositive);
            broken.when(public.saturating_add(hybrid) > RECEIVED_UNITS_MAX, Refusal::AmountOverflow);
        }
        Command::RequestCreditContract { ecid } => {
            judge_step(model, ecid, may_control(model, principal, ecid), "none", broken);
        }
        Command::ApproveCreditContract { ecid } => {
            judge_step(model, ecid, !provider_only, "requested", broken);
        }
        Command::ConfirmCreditContract { ecid } => {
            judge_step(model, ecid, may_control(model, principal, ecid), "approved", broken);
            if let Some(enterprise) = model.enterprises.get(ecid) {
                let more = enterprise.assigned() > enterprise.total.max(0);
                broken.when(!enterprise.confirmed() && more, Refusal::ExceedsUnassignedCredit);
            }
        }
        Command::TransferCash { from, to, amount } => {
            broken.when(!may(model, principal, Permission::Transfer, from), Refusal::PermissionDenied);
            let (giver, receiver) = known_both(model, from, to, broken)?;
            judge_crossing_cash(giver, receiver, from == to, amount.money().units(), broken);
            long_overdue(&[giver, receiver], model, broken);
            broken.when(giver.available() < 0, Refusal::AccountOverdue);
            let transferable = (giver.cash - giver.in_book()).min(giver.spendable()).max(0);
            broken.when(amount.money().units() > transferable, Refusal::ExceedsTransferable);
        }
        Command::RevokeTransfer { giver, receiver, amount } => {
            broken.when(!may(model, principal, Permission::Transfer, giver), Refusal::PermissionDenied);
            let (gave, has) = known_both(model, giver, receiver, broken)?;
            judge_crossing_cash(has, gave, giver == receiver, amount.money().units(), broken);
            long_overdue(&[has, gave], model, broken);
            broken.when(!has.book.contains_key(giver), Refusal::NoPriorTransfer);
            let revocable = has.in_book().min(has.remaining(giver)).min(has.spendable()).max(0);
            broken.when(amount.money().units() > revocable, Refusal::ExceedsRevocable);
        }
        Command::AllocateCredit { .. } | Command::MoveCredit { .. } => {
            judge_credit(model, principal, command, broken)?;
        }
        Command::EndAssociation { ecid, billing_account } => {
            let may = may(model, principal, Permission::Associate, billing_account);
            broken.when(!may, Refusal::PermissionDenied);
            let enterprise = known_enterprise(model, ecid, broken);
            let (account, enterprise) = (known(model, billing_account, broken)?, enterprise?);
            usable(account, broken);
            let other = account.enterprise.as_ref().is_some_and(|current| current != ecid);
            broken.when(other, Refusal::DifferentEnterprise);
            broken.when(account.enterprise.is_none(), Refusal::AssociationNotActive);
            let limit = enterprise.members.get(billing_account).map_or(0, |member| member.limit);
            broken.when(limit != 0 || account.limit != 0, Refusal::CreditAllocated);
            broken.when(account.in_book() != 0, Refusal::TransferredFundsUnspent);
        }
        Command::GrantAdministrators { billing_account, cloud_accounts, permissions } => {
            let given = permissions.iter().flat_map(|permissions| permissions.iter());
            // Nobody gives more than he has.
            let may = std::iter::once(Permission::ModifyAdministrators)
                .chain(given)
                .all(|permission| may(model, principal, permission, billing_account));
            broken.when(!may, Refusal::PermissionDenied);
            known(model, billing_account, broken)?;
            broken.when(cloud_accounts.len() > ADMINISTRATORS_PER_OPERATION_MAX, Refusal::TooManyItems);
        }
        Command::RevokeAdministrator { billing_account, cloud_account } => {
            let may = may(model, principal, Permission::ModifyAdministrators, billing_account);
            broken.when(!may, Refusal::PermissionDenied);
            let account = known(model, billing_account, broken)?;
            let list = model.administrators.get(&model.list_of(billing_account));
            let listed = list.is_some_and(|list| list.contains_key(cloud_account));
            let manages = account
                .enterprise
                .as_ref()
                .is_some_and(|ecid| model.enterprises[ecid].management == *cloud_account);
            broken.when(!listed && !manages, Refusal::NotFound);
            broken.when(!listed && manages, Refusal::SuperAdministratorNotRevocable);
        }
        _ => return crate::bills_rules::judge(model, request, broken),
    }
    Some(())
}

/// What transfers and revocations have in common (rules A6, E6, F4): cash goes from `sender` to `receiver`.
fn judge_crossing_cash(sender: &Account, receiver: &Account, same: bool, amount: i128, broken: &mut Broken) {
    usable(sender, broken);
    usable(receiver, broken);
    let frozen = sender.status == Status::Frozen || receiver.status == Status::Frozen;
    broken.when(frozen, Refusal::AccountFrozen);
    let direct = sender.kind == AccountType::Direct && receiver.kind == AccountType::Direct;
    broken.when(!direct, Refusal::NotSupportedForAccountType);
    broken.when(sender.currency != receiver.currency, Refusal::CurrencyMismatch);
    positive(amount, broken);
    let sum = receiver.cash.max(receiver.in_book()).saturating_add(amount);
    broken.when(sum > RECEIVED_UNITS_MAX, Refusal::AmountOverflow);
    broken.when(same, Refusal::SameAccount);
    match (&sender.enterprise, &receiver.enterprise) {
        (Some(one), Some(other)) => broken.when(one != other, Refusal::DifferentEnterprise),
        _ => broken.when(true, Refusal::AssociationNotActive),
    }
    broken.when(sender.pay_on_behalf || receiver.pay_on_behalf, Refusal::SelfServiceDisabled);
}

fn judge_credit(model: &Model, principal: &str, command: &Command, broken: &mut Broken) -> Option<()> {
    match command {
        Command::AllocateCredit {
            ecid,
            billing_account,
            credit_limit,
            min_available_credit_after: least,
            ..
        } => {
            broken.when(!may_control(model, principal, ecid), Refusal::PermissionDenied);
            let enterprise = known_enterprise(model, ecid, broken);
            let (account, enterprise) = (known(model, billing_account, broken)?, enterprise?);
            let limit = credit_limit.money().units();
            let member = enterprise.members.get(billing_account).copied().unwrap_or_default();
            judge_member(enterprise, ecid, billing_account, account, limit > member.limit, broken);
            long_overdue(&[account], model, broken);
            broken.when(limit < 0, Refusal::AmountMustBePositive);
            broken.when(limit > RECEIVED_UNITS_MAX, Refusal::AmountOverflow);
            let more = limit - member.limit;
            let left = enterprise.total - enterprise.assigned();
            broken.when(more > 0 && more > left, Refusal::ExceedsUnassignedCredit);
            if let Some(least) = least {
                let change = if enterprise.confirmed() { more } else { 0 };
                let after = account.spendable() + change;
                broken.when(after < least.money().units(), Refusal::BelowMinimumAvailableCredit);
            }
        }
        Command::MoveCredit { ecid, from, to, amount } => {
            broken.when(!may_control(model, principal, ecid), Refusal::PermissionDenied);
            let enterprise = known_enterprise(model, ecid, broken);
            let both = known_both(model, from, to, broken);
            let (enterprise, (giver, receiver)) = (enterprise?, both?);
            judge_member(enterprise, ecid, from, giver, false, broken);
            judge_member(enterprise, ecid, to, receiver, true, broken);
            long_overdue(&[giver, receiver], model, broken);
            positive(amount.money().units(), broken);
            broken.when(from == to, Refusal::SameAccount);
            broken.when(!enterprise.confirmed(), Refusal::ContractNotConfirmed);
            broken.when(amount.money().units() > giver.limit, Refusal::ExceedsCreditLimit);
        }
        _ => return None,
    }
    Some(())
}

/// Whether an account may have credit of the enterprise, or more of it.
fn judge_member(
    enterprise: &Enterprise,
    ecid: &str,
    id: &str,
    account: &Account,
    more: bool,
    broken: &mut Broken,
) {
    usable(account, broken);
    broken.when(more && account.status == Status::Frozen, Refusal::AccountFrozen);
    broken.when(account.kind != AccountType::Direct, Refusal::NotSupportedForAccountType);
    broken.when(more && !account.credit_enabled, Refusal::CreditNotEnabled);
    broken.when(account.currency != "USD", Refusal::CurrencyMismatch);
    let elsewhere = account.enterprise.as_ref().is_some_and(|current| current != ecid);
    broken.when(elsewhere, Refusal::DifferentEnterprise);
    broken.when(!enterprise.center, Refusal::AccountCenterNotEnabled);
    let active = enterprise.members.get(id).is_some_and(|member| member.active);
    broken.when(!active, Refusal::AssociationNotActive);
    broken.when(account.pay_on_behalf, Refusal::SelfServiceDisabled);
}

/// Who owes for too long may not serve himself (rule E6).
fn long_overdue(accounts: &[&Account], model: &Model, broken: &mut Broken) {
    let overdue = accounts.iter().any(|account| account.bills.long_overdue(model.now.max(account.bills.at)));
    broken.when(overdue, Refusal::SelfServiceDisabled);
}

fn judge_step(model: &Model, ecid: &str, may: bool, needs: &str, broken: &mut Broken) {
    broken.when(!may, Refusal::PermissionDenied);
    match model.enterprises.get(ecid) {
        None => broken.when(true, Refusal::NotFound),
        Some(enterprise) => broken.when(enterprise.contract != needs, Refusal::ContractNotConfirmed),
    }
}

pub fn known<'m>(model: &'m Model, id: &str, broken: &mut Broken) -> Option<&'m Account> {
    broken.when(model.account(id).is_none(), Refusal::NotFound);
    model.account(id)
}

fn known_both<'m>(
    model: &'m Model,
    one: &str,
    other: &str,
    broken: &mut Broken,
) -> Option<(&'m Account, &'m Account)> {
    let (one, other) = (known(model, one, broken), known(model, other, broken));
    one.zip(other)
}

fn known_enterprise<'m>(model: &'m Model, ecid: &str, broken: &mut Broken) -> Option<&'m Enterprise> {
    broken.when(!model.enterprises.contains_key(ecid), Refusal::NotFound);
    model.enterprises.get(ecid)
}

pub fn usable(account: &Account, broken: &mut Broken) {
    broken.when(account.status == Status::Canceled, Refusal::AccountCanceled);
}

pub fn positive(amount: i128, broken: &mut Broken) {
    broken.when(amount <= 0, Refusal::AmountMustBePositive);
}
