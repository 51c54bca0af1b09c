//! Compares what the engine shows with what the auditor knows.

use std::collections::{BTreeMap, BTreeSet};

use exchequer::domain::money::Money;
use exchequer::domain::permissions::Permissions;
use exchequer::domain::profile::AccountType;
use exchequer::engine::change_records::ChangeRecord;
use exchequer::engine::enterprise_queries::{Administrator, CreditOverview, Revocable, Transferable};
use exchequer::engine::queries::AccountOverview;
use exchequer::engine::{Answer, Command, Engine, EngineError, Request};

use crate::bills_audit::{ShownBills, compare_bill_figures, compare_bills, orders};
use crate::model::{Account, Model, Status};
use crate::op::{Op, Thing, What};
use crate::standing::{check_turns, compare_notices, compare_standing};

/// What is looked at.
#[derive(Clone, Debug)]
pub struct Questions {
    accounts: Vec<String>,
    orders: BTreeMap<String, Vec<String>>,
    pairs: Vec<(String, String)>,
    enterprises: Vec<String>,
}

/// Everything that the engine shows.
#[derive(Clone, Default, Debug)]
pub struct Shown {
    accounts: BTreeMap<String, ShownAccount>,
    pairs: BTreeMap<(String, String), Revocable>,
    enterprises: BTreeMap<String, CreditOverview>,
}

#[derive(Clone, Debug)]
struct ShownAccount {
    overview: AccountOverview,
    newest: Money,
    changes: Vec<ChangeRecord>,
    transferable: Transferable,
    administrators: Vec<Administrator>,
    bills: ShownBills,
}

impl Questions {
    pub fn of(model: &Model) -> Self {
        let pairs = model.accounts.iter().flat_map(|(receiver, account)| {
            account.book.keys().map(|giver| (giver.clone(), receiver.clone()))
        });
        Self {
            accounts: model.accounts.keys().cloned().collect(),
            orders: orders(model),
            pairs: pairs.collect(),
            enterprises: model.enterprises.keys().cloned().collect(),
        }
    }

    /// Asks them all, after everything that is due has been decided.
    pub async fn ask(self, engine: Engine, advance: bool) -> Result<Shown, EngineError> {
        if advance {
            engine.execute_async(&Request::new(Command::AdvanceTime)).await?;
        }
        let mut shown = Shown::default();
        for id in self.accounts {
            let overview = engine.account_overview_async(&id).await?;
            let account = ShownAccount {
                overview,
                newest: engine.newest_available_credit(&id)?,
                // After a restart the disk is to fail elsewhere than where it is looked at.
                changes: if advance { engine.change_records(&id, None)? } else { Vec::new() },
                transferable: engine.transferable_async(&id).await?,
                administrators: engine.administrators_async(&id).await?,
                bills: ShownBills::ask(&engine, &id, &self.orders[&id]).await?,
            };
            shown.accounts.insert(id, account);
        }
        for (giver, receiver) in self.pairs {
            let revocable = engine.revocable_async(&giver, &receiver).await?;
            shown.pairs.insert((giver, receiver), revocable);
        }
        for ecid in self.enterprises {
            let overview = engine.credit_overview_async(&ecid).await?;
            shown.enterprises.insert(ecid, overview);
        }
        Ok(shown)
    }
}

pub fn same<T: PartialEq + std::fmt::Debug + ?Sized>(
    what: &str,
    found: &T,
    expected: &T,
) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what} is {found:?}, must be {expected:?}")) }
}

pub fn units(what: &str, found: Money, expected: i128) -> Result<(), String> {
    let expected = Money::from_units(expected);
    if found == expected { Ok(()) } else { Err(format!("{what} is {found}, must be {expected}")) }
}

/// Nothing is under way: everything must be as the auditor knows it.
pub fn compare(model: &Model, shown: &Shown) -> Result<(), String> {
    let mut cash = 0;
    let mut from_outside = 0;
    for (id, account) in &model.accounts {
        let found = shown.accounts.get(id).ok_or_else(|| format!("account `{id}` is not shown"))?;
        cash += found.overview.cash_balance.units() + found.overview.in_flight.units();
        from_outside += account.from_outside;
        compare_account(model, id, account, found).map_err(|wrong| format!("account `{id}`: {wrong}"))?;
    }
    units("all cash", Money::from_units(cash), from_outside)?;
    for ((giver, receiver), found) in &shown.pairs {
        let account = &model.accounts[receiver];
        let what = format!("what is left of the pair `{giver}` to `{receiver}`");
        units(&what, found.pair_remaining, account.remaining(giver))?;
        let revocable = account.in_book().min(account.remaining(giver)).min(account.spendable()).max(0);
        units("what can be revoked", found.amount, revocable)?;
    }
    for (ecid, enterprise) in &model.enterprises {
        let found = shown.enterprises.get(ecid).ok_or_else(|| format!("enterprise `{ecid}` is not shown"))?;
        check_credit(found)?;
        let wrong = |wrong| format!("enterprise `{ecid}`: {wrong}");
        units("total", found.total, enterprise.total).map_err(wrong)?;
        same("contract", &found.contract, &enterprise.contract).map_err(wrong)?;
        same("account center", &found.account_center, &enterprise.center).map_err(wrong)?;
        same("management account", &found.management_account, &enterprise.management).map_err(wrong)?;
        let members: BTreeMap<_, _> = found
            .members
            .iter()
            .map(|member| {
                let (limit, pending) = (member.credit_limit.units(), member.pending_credit_limit.units());
                (member.billing_account.clone(), (member.association, limit, pending))
            })
            .collect();
        let expected: BTreeMap<_, _> = enterprise
            .members
            .iter()
            .map(|(id, member)| {
                let association = if member.active { "active" } else { "invited" };
                let confirmed = enterprise.confirmed();
                let limits = if confirmed { (member.limit, 0) } else { (0, member.limit) };
                (id.clone(), (association, limits.0, limits.1))
            })
            .collect();
        same("the list of members", &members, &expected).map_err(wrong)?;
    }
    Ok(())
}

fn compare_account(model: &Model, id: &str, account: &Account, found: &ShownAccount) -> Result<(), String> {
    compare_overview(account, &found.overview)?;
    let overview = &found.overview;
    units("in flight", overview.in_flight, 0)?;
    units("newest available credit", found.newest, account.available())?;
    let transferable = (account.cash - account.in_book()).min(account.spendable()).max(0);
    units("transferable", found.transferable.amount, transferable)?;
    same("name", &overview.name, &account.name)?;
    let now = exchequer::domain::time::Timestamp::from_micros(model.now);
    let paid: Vec<_> =
        model.payers.keys().filter(|cloud| model.payer(cloud, now) == Some(id)).cloned().collect();
    let mut shown = overview.cloud_accounts.clone();
    shown.sort();
    same("cloud accounts", &shown, &paid)?;
    let manages = account.enterprise.as_ref().map(|ecid| model.enterprises[ecid].management.clone());
    let shown_super = found.administrators.iter().find(|administrator| administrator.is_super);
    same("super administrator", &shown_super.map(|found| found.cloud_account.clone()), &manages)?;
    let regular: BTreeMap<String, Permissions> = found
        .administrators
        .iter()
        .filter(|administrator| !administrator.is_super)
        .map(|administrator| (administrator.cloud_account.clone(), administrator.permissions))
        .collect();
    let expected = model.administrators.get(&model.list_of(id)).cloned().unwrap_or_default();
    same("administrators", &regular, &expected)?;
    compare_bills(id, account, &found.bills)?;
    if model.months { compare_notices(account, &found.changes) } else { check_turns(account, &found.changes) }
}

/// The engine was opened again where months pass: what no unanswered operation is about must be as it was answered.
pub fn compare_after_restart<'o>(
    model: &Model,
    shown: &Shown,
    unanswered: impl Iterator<Item = &'o Op>,
) -> Result<(), String> {
    let touched: BTreeSet<_> = unanswered.flat_map(|op| op.touches.alone.iter()).collect();
    if touched.contains(&Thing::All) {
        return Ok(());
    }
    let untouched = model.accounts.iter().filter(|(id, _)| !touched.contains(&Thing::Account((*id).clone())));
    for (id, account) in untouched {
        let found = &shown.accounts[id];
        let wrong = |wrong| format!("account `{id}` after the restart: {wrong}");
        compare_bill_figures(account, &found.overview).map_err(wrong)?;
        compare_standing(account, &found.overview).map_err(wrong)?;
        units("cash", found.overview.cash_balance, account.cash).map_err(wrong)?;
        units("transfer book", found.overview.transfer_book, account.in_book()).map_err(wrong)?;
        units("newest available credit", found.newest, account.available()).map_err(wrong)?;
        compare_bills(id, account, &found.bills).map_err(wrong)?;
    }
    Ok(())
}

/// One account's figures, with no other operation about it under way.
pub fn compare_overview(account: &Account, found: &AccountOverview) -> Result<(), String> {
    check_overview(found)?;
    let status = match account.status {
        Status::Valid => "valid",
        Status::Frozen => "frozen",
        Status::Canceled => "canceled",
    };
    same("status", &found.status.to_string().as_str(), &status)?;
    units("cash", found.cash_balance, account.cash)?;
    units("transfer book", found.transfer_book, account.in_book())?;
    units("credit limit", found.credit_limit, account.limit)?;
    units("quota", found.quota, account.quota)?;
    units("held", found.held, account.held())?;
    let owed = if account.kind == AccountType::Direct { found.unsettled_current } else { found.unbilled };
    units("unsettled", owed, account.unsettled)?;
    units("available credit", found.available_credit, account.available())?;
    units("spendable", found.spendable, account.spendable())?;
    same("charges", &found.charges, &account.charges)?;
    same("enterprise", &found.ecid, &account.enterprise)?;
    same("owner", &found.owner, &account.owner)?;
    same("credit enabled", &found.credit_enabled, &account.credit_enabled)?;
    same("pay on behalf", &found.pay_on_behalf, &account.pay_on_behalf)?;
    compare_standing(account, found)?;
    compare_bill_figures(account, found)
}

/// What holds of every answer, whatever else goes on.
pub fn check_answer(answer: &Answer) -> Result<(), String> {
    match answer {
        Answer::Account(overview) => check_overview(overview),
        Answer::Credit(overview) => check_credit(overview),
        _ => Ok(()),
    }
}

fn check_overview(found: &AccountOverview) -> Result<(), String> {
    let owed = found.unsettled_current.units()
        + found.unsettled_previous.units()
        + found.unbilled.units()
        + found.quota_consumed.units();
    let assets = found.cash_balance.units()
        + found.credit_limit.units()
        + found.credit_refund.units()
        + found.quota.units();
    units("available credit by its formula", found.available_credit, assets - owed)?;
    units("spendable by its formula", found.spendable, assets - owed - found.held.units())?;
    units(
        "own cash by its formula",
        found.own_cash,
        found.cash_balance.units() - found.transfer_book.units(),
    )?;
    let negative = [
        found.transfer_book,
        found.held,
        found.credit_limit,
        found.in_flight,
        found.unsettled_previous,
        found.credit_refund,
        found.coupon_balance,
    ];
    match negative.iter().find(|figure| **figure < Money::ZERO) {
        Some(figure) => Err(format!("{figure} in {found:?}")),
        None => Ok(()),
    }
}

fn check_credit(found: &CreditOverview) -> Result<(), String> {
    let assigned = found.members.iter().map(|member| member.credit_limit.units()).sum();
    units("assigned by its sum", found.assigned, assigned)?;
    units("unassigned by its formula", found.unassigned_credit, found.total.units() - assigned)
}

/// The engine was opened again: each account's cash must be what was answered, with the whole of some of what was not.
pub fn check_cash_after_restart<'o>(
    model: &Model,
    shown: &Shown,
    unanswered: impl Iterator<Item = &'o Op>,
) -> Result<(), String> {
    let mut left: BTreeMap<&str, (i128, i128)> = BTreeMap::new();
    for (id, account) in &model.accounts {
        let found = &shown.accounts[id].overview;
        units(&format!("in flight of `{id}`"), found.in_flight, 0)?;
        let cash = found.cash_balance.units() - account.cash;
        let book = found.transfer_book.units() - account.in_book();
        if (cash, book) != (0, 0) {
            left.insert(id, (cash, book));
        }
    }
    let effects: Vec<_> = unanswered.filter_map(cash_effect).collect();
    for chosen in 0..1_u32 << effects.len().min(16) {
        let mut sum: BTreeMap<&str, (i128, i128)> = BTreeMap::new();
        for (_, effect) in effects.iter().enumerate().filter(|(place, _)| chosen & (1 << place) != 0) {
            for (id, cash, book) in effect {
                let figures = sum.entry(id).or_default();
                figures.0 += cash;
                figures.1 += book;
            }
        }
        sum.retain(|_, figures| *figures != (0, 0));
        if sum == left {
            return Ok(());
        }
    }
    Err(format!(
        "cash and transfer books after the restart differ by {left:?}, which no unanswered {effects:?} make"
    ))
}

/// What an operation does to cash and transfer books, if it is carried out.
fn cash_effect(op: &Op) -> Option<Vec<(String, i128, i128)>> {
    if op.is_idle() {
        return None;
    }
    let What::Command(request) = &op.what else { return None };
    Some(match &request.command {
        Command::TopUp { billing_account, amount, .. }
        | Command::AdjustCash { billing_account, amount, .. } => {
            vec![(billing_account.clone(), amount.money().units(), 0)]
        }
        Command::WithdrawCash { billing_account, amount } => {
            vec![(billing_account.clone(), -amount.money().units(), 0)]
        }
        Command::TransferCash { from, to, amount } => {
            let amount = amount.money().units();
            vec![(from.clone(), -amount, 0), (to.clone(), amount, amount)]
        }
        Command::RevokeTransfer { giver, receiver, amount } => {
            let amount = amount.money().units();
            vec![(giver.clone(), amount, 0), (receiver.clone(), -amount, -amount)]
        }
        _ => return None,
    })
}
