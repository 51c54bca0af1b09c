//! What a command about bills must be answered when nothing else goes on.

use std::collections::BTreeSet;

use exchequer::domain::billing::asset::AssetKind;
use exchequer::domain::ids::Currency;
use exchequer::domain::permissions::Permission;
use exchequer::domain::profile::AccountType;
use exchequer::domain::refusals::Refusal;
use exchequer::engine::command::PayingAsset;
use exchequer::engine::{Command, PROVIDER, Request};

use crate::bills::Asset;
use crate::bills_learned::{bill_of, cycles_of, in_order, place_of};
use crate::model::{Account, Model, Status};
use crate::rules::{Broken, known, may, positive, usable};

/// Whether a command asks several accounts, one after the other.
pub fn asks_several(command: &Command) -> bool {
    match command {
        Command::StartUnifiedSettlement { pairs, .. } => cycles_of(pairs).len() > 1,
        Command::FinishUnifiedSettlement { .. } | Command::CloseUnifiedSettlement { .. } => true,
        _ => false,
    }
}

/// Notes what speaks against the request; none if nothing is foretold of it.
#[allow(clippy::too_many_lines)] // one arm a command
pub fn judge(model: &Model, request: &Request, broken: &mut Broken) -> Option<()> {
    let principal = &*request.principal;
    let denied = |permission, id: &str| !may(model, principal, permission, id);
    let provider_only = principal != PROVIDER;
    match &request.command {
        Command::RepayQuota { billing_account, amount } => {
            broken.when(provider_only, Refusal::PermissionDenied);
            let account = known(model, billing_account, broken)?;
            usable(account, broken);
            broken.when(account.kind != AccountType::Ecosystem, Refusal::NotSupportedForAccountType);
            positive(amount.money().units(), broken);
            let more = amount.money().units() > account.bills.quota_consumed;
            broken.when(more, Refusal::ExceedsQuotaConsumed);
        }
        Command::IssueBills { cycle, billing_account: Some(id) } => {
            broken.when(provider_only, Refusal::PermissionDenied);
            let issued = known(model, id, broken)?.clone().issue_named(*cycle, model.now, &model.rates);
            issued.err().into_iter().for_each(|refusal| broken.when(true, refusal));
        }
        Command::IssueBills { .. } => broken.when(provider_only, Refusal::PermissionDenied),
        Command::SetExchangeRate { from, to, .. } => {
            broken.when(provider_only, Refusal::PermissionDenied);
            broken.when(from == to, Refusal::CurrencyMismatch);
        }
        Command::GrantCoupon { billing_account, coupon, amount, starts_at, ends_at, .. } => {
            broken.when(provider_only, Refusal::PermissionDenied);
            let account = known(model, billing_account, broken)?;
            if place_of(&account.bills, coupon).is_some() {
                // The workload never grants the same again.
                broken.when(true, Refusal::AlreadyExists);
            }
            usable(account, broken);
            positive(amount.money().units(), broken);
            let past = ends_at <= starts_at || ends_at.micros() <= model.now;
            broken.when(past, Refusal::TimeOutOfRange);
        }
        // Each account has a result of its own, which is foretold when it is told.
        Command::SetLowBalanceAlert { .. } => {}
        Command::SetSuspensionBenefit { billing_account, grace_amount, .. } => {
            broken.when(provider_only, Refusal::PermissionDenied);
            usable(known(model, billing_account, broken)?, broken);
            let negative = grace_amount.is_some_and(|amount| amount.money().units() < 0);
            broken.when(negative, Refusal::AmountMustBePositive);
        }
        Command::SetTaxRate { billing_account, .. } => {
            broken.when(provider_only, Refusal::PermissionDenied);
            usable(known(model, billing_account, broken)?, broken);
        }
        Command::SetAutomaticWriteOff { billing_account, enabled } => {
            broken.when(denied(Permission::ModifyAccount, billing_account), Refusal::PermissionDenied);
            let account = known(model, billing_account, broken)?;
            usable(account, broken);
            let open = *enabled && account.bills.in_settlement();
            broken.when(open, Refusal::UnifiedSettlementInProgress);
        }
        Command::SetWriteOffPreviousBills { billing_account, .. }
        | Command::SetSettlementCurrency { billing_account, .. } => {
            broken.when(denied(Permission::ModifyAccount, billing_account), Refusal::PermissionDenied);
            let account = known(model, billing_account, broken)?;
            usable(account, broken);
            broken.when(account.kind != AccountType::Direct, Refusal::NotSupportedForAccountType);
            if let Command::SetSettlementCurrency { currency, .. } = &request.command {
                let offered = ["USD", "EUR", "SGD", "HKD"].contains(&currency.as_str());
                broken.when(!offered, Refusal::CurrencyMismatch);
            }
        }
        Command::LinkPaymentMethod { billing_account, method, kind, token } => {
            broken.when(denied(Permission::ModifyAccount, billing_account), Refusal::PermissionDenied);
            let account = known(model, billing_account, broken)?;
            match account.bills.methods.get(method) {
                Some(before) => broken.when(*before != (*kind, token.clone()), Refusal::AlreadyExists),
                None => usable(account, broken),
            }
        }
        Command::EditPaymentMethod { billing_account, method, .. }
        | Command::UnlinkPaymentMethod { billing_account, method }
        | Command::SetDefaultPaymentMethod { billing_account, method } => {
            broken.when(denied(Permission::ModifyAccount, billing_account), Refusal::PermissionDenied);
            let account = known(model, billing_account, broken)?;
            broken.when(!account.bills.methods.contains_key(method), Refusal::NotFound);
            usable(account, broken);
        }
        Command::PayBill { bill, assets } => {
            let (id, cycle) = bill_of(bill)?;
            broken.when(denied(Permission::PayBills, id), Refusal::PermissionDenied);
            let account = known(model, id, broken)?;
            broken.when(!account.bills.issued.contains_key(&cycle), Refusal::NotFound);
            usable(account, broken);
            broken.when(account.kind != AccountType::Direct, Refusal::NotSupportedForAccountType);
            if account.bills.issued.contains_key(&cycle) {
                judge_payment(account, cycle, assets, model.now, broken);
            }
        }
        Command::RecordRemittance { remittance, amount, currency, .. } => {
            broken.when(provider_only, Refusal::PermissionDenied);
            let received = (amount.money().units(), currency.unwrap_or(Currency::USD));
            match model.remittances.get(remittance) {
                Some(before) => broken.when((before.0, before.1) != received, Refusal::AlreadyExists),
                None => positive(received.0, broken),
            }
        }
        Command::ClaimRemittance { billing_account, remittance } => {
            broken.when(denied(Permission::TopUp, billing_account), Refusal::PermissionDenied);
            let account = known(model, billing_account, broken);
            broken.when(!model.remittances.contains_key(remittance), Refusal::NotFound);
            let (_, currency, claimed) = model.remittances.get(remittance)?;
            let account = account?;
            if claimed.as_ref() == Some(billing_account) {
                return Some(());
            }
            broken.when(claimed.is_some(), Refusal::AlreadyExists);
            usable(account, broken);
            broken.when(account.kind != AccountType::Direct, Refusal::NotSupportedForAccountType);
            broken.when(account.currency != currency.as_str(), Refusal::CurrencyMismatch);
        }
        command => judge_buying(model, principal, command, broken)?,
    }
    Some(())
}

/// What a person can't pay a bill with (rules D3, D5, D7).
fn judge_payment(
    account: &Account,
    cycle: exchequer::domain::time::Cycle,
    assets: &[PayingAsset],
    now: i64,
    broken: &mut Broken,
) {
    let at = now.max(account.bills.at);
    let mut trial = account.clone();
    let bill = &account.bills.issued[&cycle];
    let settled = bill.settled_at.is_some();
    broken.when(settled, Refusal::BillSettled);
    broken.when(account.bills.holds(cycle), Refusal::UnifiedSettlementInProgress);
    if assets.is_empty() && !settled {
        trial.settle_bills(&[cycle], &AssetKind::ALL, at);
        let paid = trial.bills.issued[&cycle].outstanding() < bill.outstanding();
        broken.when(!paid, Refusal::InsufficientAsset);
    }
    let mut sum = 0;
    for PayingAsset { kind, coupon, month, amount } in assets {
        let amount = amount.money().units();
        sum += amount;
        positive(amount, broken);
        let bills = &trial.bills;
        match (coupon, month) {
            (Some(coupon), _) if place_of(bills, coupon).is_none() => broken.when(true, Refusal::NotFound),
            _ if amount <= 0 => {}
            (Some(coupon), _) => match place_of(bills, coupon) {
                None => {}
                Some(place) => {
                    let enough = bills.coupons[place].balance >= amount;
                    broken.when(!enough, Refusal::InsufficientAsset);
                    let fits = bills.fits(place, at, None, bill.after_tax());
                    broken.when(!fits, Refusal::CouponNotApplicable);
                    if enough {
                        trial.pay_part(Asset::Coupon(place), cycle, amount, at);
                    }
                }
            },
            (None, Some(month)) => {
                let enough = bills.refund.get(month).is_some_and(|left| *left >= amount);
                broken.when(!enough, Refusal::InsufficientAsset);
                let eligible = bills.previous_too || *month <= cycle;
                broken.when(!eligible, Refusal::CreditRefundNotEligible);
                if enough {
                    trial.pay_part(Asset::Refund(*month), cycle, amount, at);
                }
            }
            (None, None) => {
                let there = bills.credit_refund() >= amount;
                let paid = trial.pay(*kind, cycle, amount, at);
                let refund = *kind == AssetKind::CreditRefund && there;
                broken.when(paid < amount && refund, Refusal::CreditRefundNotEligible);
                broken.when(paid < amount && !refund, Refusal::InsufficientAsset);
            }
        }
    }
    broken.when(!settled && sum > bill.outstanding(), Refusal::ExceedsOutstanding);
}

fn judge_buying(model: &Model, principal: &str, command: &Command, broken: &mut Broken) -> Option<()> {
    let denied = |permission, id: &str| !may(model, principal, permission, id);
    match command {
        Command::Purchase { billing_account, order, amount, cloud_account, service } => {
            broken.when(denied(Permission::Purchase, billing_account), Refusal::PermissionDenied);
            let account = known(model, billing_account, broken);
            let unknown = |cloud: &String| !model.payers.contains_key(cloud);
            broken.when(cloud_account.as_ref().is_some_and(unknown), Refusal::NotFound);
            let (account, amount) = (account?, amount.money().units());
            if let Some(before) = account.bills.orders.get(order) {
                broken.when(before.amount != amount, Refusal::AlreadyExists);
                return Some(());
            }
            broken.when(model.buyer(order).is_some(), Refusal::AlreadyExists);
            usable(account, broken);
            broken.when(account.status == Status::Frozen, Refusal::AccountFrozen);
            positive(amount, broken);
            let at = model.now.max(account.bills.at);
            let funding = account.funding(amount, service.as_deref(), at);
            let rest = funding.iter().filter(|(asset, _)| !matches!(asset, Asset::Coupon(_)));
            let rest: i128 = rest.map(|(_, part)| part).sum();
            broken.when(rest > account.spendable(), Refusal::InsufficientSpendable);
        }
        Command::Refund { order, refund, amount } => {
            broken.when(principal != PROVIDER, Refusal::PermissionDenied);
            let buyer = model.buyer(order);
            broken.when(buyer.is_none(), Refusal::NotFound);
            let bought = &model.account(&buyer?)?.bills.orders[order];
            let amount = amount.money().units();
            if let Some(before) = bought.refunds.get(refund) {
                broken.when(before.amount != amount, Refusal::AlreadyExists);
                return Some(());
            }
            positive(amount, broken);
            broken.when(amount > bought.refundable(), Refusal::ExceedsRefundable);
        }
        Command::StartUnifiedSettlement { settlement, pairs, assets } => {
            let cycles_of = cycles_of(pairs);
            for id in cycles_of.keys() {
                broken.when(denied(Permission::PayBills, id), Refusal::PermissionDenied);
                known(model, id, broken);
            }
            let all: BTreeSet<_> = pairs.iter().map(|(_, cycle)| *cycle).collect();
            broken.when(all.len() > 3, Refusal::TooManyItems);
            let elsewhere = model.settling(settlement).iter().any(|id| !cycles_of.contains_key(&**id));
            broken.when(all.len() <= 3 && elsewhere, Refusal::AlreadyExists);
            if all.len() > 3 || elsewhere {
                // Then no account is asked.
                return Some(());
            }
            for (id, cycles) in cycles_of {
                let bills = &model.account(id)?.bills;
                if let Some(before) = bills.settlements.get(settlement) {
                    let same = before.cycles == cycles && before.assets == in_order(assets.as_deref());
                    // One that has ended does not begin again.
                    broken.when(!same || before.end.is_some(), Refusal::AlreadyExists);
                    continue;
                }
                let account = model.account(id)?;
                usable(account, broken);
                broken.when(account.kind != AccountType::Direct, Refusal::NotSupportedForAccountType);
                for cycle in &cycles {
                    broken.when(*cycle >= bills.open_from, Refusal::CycleOpen);
                    let bill = bills.issued.get(cycle);
                    broken.when(*cycle < bills.open_from && bill.is_none(), Refusal::NotFound);
                    broken.when(bill.is_some_and(|bill| bill.settled_at.is_some()), Refusal::BillSettled);
                    broken.when(bills.holds(*cycle), Refusal::UnifiedSettlementInProgress);
                }
            }
        }
        Command::FinishUnifiedSettlement { settlement } | Command::CloseUnifiedSettlement { settlement } => {
            let finished = matches!(command, Command::FinishUnifiedSettlement { .. });
            let settling = model.settling(settlement);
            broken.when(settling.is_empty(), Refusal::NotFound);
            for id in settling {
                broken.when(denied(Permission::PayBills, &id), Refusal::PermissionDenied);
                let account = model.account(&id)?;
                match account.bills.settlements[settlement].end {
                    None => usable(account, broken),
                    Some(before) => broken.when(before != finished, Refusal::NotFound),
                }
            }
        }
        _ => return None,
    }
    Some(())
}
