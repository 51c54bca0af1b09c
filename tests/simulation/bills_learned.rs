//! What the auditor learns from the answers to commands about bills, and whether they are what it has foretold.

use std::collections::{BTreeMap, BTreeSet};

use exchequer::domain::billing::asset::AssetKind;
use exchequer::domain::ids::Currency;
use exchequer::domain::money::{Amount, Money};
use exchequer::domain::refusals::Refusal;
use exchequer::domain::standing::SuspensionBenefit;
use exchequer::domain::time::{Cycle, Timestamp};
use exchequer::engine::answer::Funding;
use exchequer::engine::command::PayingAsset;
use exchequer::engine::{Answer, Command};

use crate::bills::{Asset, Bills, Coupon, Settlement};
use crate::bills_audit::compare_bill;
use crate::model::{Account, Contradiction, Model};
use crate::op::Op;

/// The account and cycle that a bill's id names.
pub fn bill_of(bill: &str) -> Option<(&str, Cycle)> {
    let (account, cycle) = bill.rsplit_once('/')?;
    Some((account, Cycle::parse(cycle)?))
}

/// The kinds that were asked for, in the order in which they pay.
pub fn in_order(assets: Option<&[AssetKind]>) -> Vec<AssetKind> {
    AssetKind::ALL.into_iter().filter(|kind| assets.is_none_or(|assets| assets.contains(kind))).collect()
}

/// The cycles of each account of a unified settlement.
pub fn cycles_of(pairs: &[(String, Cycle)]) -> BTreeMap<&str, Vec<Cycle>> {
    let mut cycles: BTreeMap<&str, BTreeSet<Cycle>> = BTreeMap::new();
    for (id, cycle) in pairs {
        cycles.entry(id).or_default().insert(*cycle);
    }
    cycles.into_iter().map(|(id, cycles)| (id, cycles.into_iter().collect())).collect()
}

impl Model {
    /// The accounts that have a part in a unified settlement.
    pub fn settling(&self, settlement: &str) -> Vec<String> {
        let has = |(_, account): &(&String, &Account)| account.bills.settlements.contains_key(settlement);
        self.accounts.iter().filter(has).map(|(id, _)| id.clone()).collect()
    }

    /// Who made a purchase.
    pub fn buyer(&self, order: &str) -> Option<String> {
        let bought = |(_, account): &(&String, &Account)| account.bills.orders.contains_key(order);
        self.accounts.iter().find(bought).map(|(id, _)| id.clone())
    }

    #[allow(clippy::too_many_lines)] // one arm a command
    pub fn learn_billing(
        &mut self,
        op: &Op,
        command: &Command,
        answer: &Answer,
        at: Timestamp,
    ) -> Result<bool, Contradiction> {
        let now = at.micros();
        match command {
            Command::SetExchangeRate { from, to, rate, day } => {
                self.rates.entry((*from, *to)).or_default().insert(*day, *rate);
            }
            Command::RecordRemittance { remittance, amount, currency, .. } => {
                let received = (amount.money().units(), currency.unwrap_or(Currency::USD), None);
                if self.remittances.contains_key(remittance) {
                    return Ok(false);
                }
                self.remittances.insert(remittance.clone(), received);
            }
            Command::ClaimRemittance { billing_account, remittance } => {
                let known = self.remittances.get_mut(remittance).ok_or("claimed what has not come")?;
                match &known.2 {
                    Some(before) if before == billing_account => return Ok(false),
                    Some(before) => return Err(format!("claimed again, after `{before}`")),
                    None => known.2 = Some(billing_account.clone()),
                }
                let amount = known.0;
                let account = self.account_mut(billing_account)?;
                account.cash += amount;
                account.from_outside += amount;
            }
            Command::IssueBills { cycle, billing_account: None } => {
                let (mut count, mut refused) = (0, BTreeMap::new());
                for (id, account) in &mut self.accounts {
                    let issued = account.issue_through(*cycle, now, &self.rates);
                    count += issued.0;
                    refused.extend(issued.1.map(|refusal| (id.clone(), refusal)));
                }
                let Answer::Issued(answer) = answer else { return Err("not answered as issued".to_owned()) };
                if !op.reissued && answer.issued != count {
                    return Err(format!("{} bills were issued, must be {count}", answer.issued));
                }
                return check_refused(&answer.refused, &refused).map(|()| count > 0);
            }
            Command::IssueBills { cycle, billing_account: Some(id) } => {
                let rates = self.rates.clone();
                let account = self.account_mut(id)?;
                let issued = account.issue_named(*cycle, now, &rates);
                issued.map_err(|refusal| format!("issued, though {}", refusal.code()))?;
                let Answer::Issued(answer) = answer else { return Err("not answered as issued".to_owned()) };
                let bill = answer.bill.as_ref().ok_or("no bill was answered")?;
                compare_bill(&account.bills, *cycle, bill)?;
            }
            Command::PayBill { bill, assets } => {
                let (id, cycle) = bill_of(bill).ok_or("paid a bill of no account")?;
                let account = self.account_mut(id)?;
                pay_by_hand(account, cycle, assets, now.max(account.bills.at));
                account.event(now);
                let Answer::Bill(shown) = answer else { return Err("not answered as a bill".to_owned()) };
                compare_bill(&account.bills, cycle, shown)?;
            }
            Command::GrantCoupon {
                billing_account,
                coupon,
                amount,
                starts_at,
                ends_at,
                services,
                minimum_spend,
                ..
            } => {
                let account = self.account_mut(billing_account)?;
                if account.bills.coupons.iter().any(|known| known.id == *coupon) {
                    return Ok(false);
                }
                let nominal = amount.money().units();
                account.bills.coupons.push(Coupon {
                    id: coupon.clone(),
                    nominal,
                    balance: nominal,
                    starts_at: starts_at.micros(),
                    ends_at: ends_at.micros(),
                    services: services.clone(),
                    minimum: minimum_spend.map_or(0, |amount| amount.money().units()),
                    expired: false,
                });
            }
            Command::Purchase { billing_account, order, amount, service, .. } => {
                let account = self.account_mut(billing_account)?;
                let is_new = !account.bills.orders.contains_key(order);
                if is_new {
                    account.purchase(
                        order,
                        amount.money().units(),
                        service.as_deref(),
                        now.max(account.bills.at),
                    );
                }
                let Answer::Funding(shown) = answer else { return Err("not answered as funding".to_owned()) };
                check_funding("funding", *shown, &account.bills.orders[order].funding)?;
                return Ok(is_new);
            }
            Command::Refund { order, refund, amount } => {
                let id = self.buyer(order).ok_or("refunded what nobody bought")?;
                let account = self.account_mut(&id)?;
                let is_new = !account.bills.orders[order].refunds.contains_key(refund);
                if is_new {
                    account.refund(order, refund, amount.money().units(), now.max(account.bills.at));
                }
                let Answer::Returned { returned, forfeited } = answer else {
                    return Err("not answered as returned".to_owned());
                };
                let known = &account.bills.orders[order].refunds[refund];
                check_funding("returned", *returned, &known.returned)?;
                if forfeited.units() != known.forfeited {
                    return Err(format!("{forfeited} are forfeited, must be {}", known.forfeited));
                }
                return Ok(is_new);
            }
            Command::StartUnifiedSettlement { settlement, pairs, assets } => {
                for (id, cycles) in cycles_of(pairs) {
                    let begun = Settlement { cycles, assets: in_order(assets.as_deref()), end: None };
                    let account = self.account_mut(id)?;
                    if !account.bills.settlements.contains_key(settlement) {
                        account.bills.settlements.insert(settlement.clone(), begun);
                        account.event(now);
                    }
                }
                return self.check_bills(answer);
            }
            Command::FinishUnifiedSettlement { settlement } => {
                self.end(settlement, true, now)?;
                return self.check_bills(answer);
            }
            Command::CloseUnifiedSettlement { settlement } => {
                self.end(settlement, false, now)?;
                return self.check_bills(answer);
            }
            Command::SetLowBalanceAlert { .. } => return self.learn_alert(op, answer, now),
            setting => return self.learn_setting(setting, now),
        }
        Ok(true)
    }

    fn learn_setting(&mut self, command: &Command, now: i64) -> Result<bool, Contradiction> {
        match command {
            Command::SetAutomaticWriteOff { billing_account, enabled } => {
                self.account_mut(billing_account)?.bills.by_hand = !enabled;
            }
            Command::SetWriteOffPreviousBills { billing_account, enabled } => {
                self.account_mut(billing_account)?.bills.previous_too = *enabled;
            }
            Command::SetSuspensionBenefit { billing_account, grace_micros, grace_amount } => {
                let (grace_micros, grace_amount) = (*grace_micros, grace_amount.map(Amount::money));
                let some = grace_micros.is_some() || grace_amount.is_some();
                let benefit = some.then_some(SuspensionBenefit { grace_micros, grace_amount });
                let standing = &mut self.account_mut(billing_account)?.standing;
                return Ok(std::mem::replace(&mut standing.benefit, benefit) != benefit);
            }
            Command::SetTaxRate { billing_account, rate } => {
                self.account_mut(billing_account)?.bills.tax_rate = *rate;
            }
            Command::SetSettlementCurrency { billing_account, currency } => {
                let bills = &mut self.account_mut(billing_account)?.bills;
                bills.currencies.insert(bills.month(now.max(bills.at)).next(), *currency);
            }
            Command::LinkPaymentMethod { billing_account, method, kind, token } => {
                let bills = &mut self.account_mut(billing_account)?.bills;
                if bills.methods.contains_key(method) {
                    return Ok(false);
                }
                bills.methods.insert(method.clone(), (*kind, token.clone()));
                bills.default_method.get_or_insert_with(|| method.clone());
            }
            Command::EditPaymentMethod { billing_account, method, token } => {
                let known = self.account_mut(billing_account)?.bills.methods.get_mut(method);
                known.ok_or("edited an unknown method")?.1.clone_from(token);
                let bills = &mut self.account_mut(billing_account)?.bills;
                bills.default_method.get_or_insert_with(|| method.clone());
            }
            Command::UnlinkPaymentMethod { billing_account, method } => {
                let bills = &mut self.account_mut(billing_account)?.bills;
                bills.methods.remove(method).ok_or("removed an unknown method")?;
                bills.default_method.take_if(|default| default == method);
            }
            Command::SetDefaultPaymentMethod { billing_account, method } => {
                self.account_mut(billing_account)?.bills.default_method = Some(method.clone());
            }
            other => return Err(format!("the auditor does not know {other:?}")),
        }
        Ok(true)
    }

    fn end(&mut self, settlement: &str, finished: bool, now: i64) -> Result<(), Contradiction> {
        let settling = self.settling(settlement);
        let alone = settling.len() == 1;
        for id in settling {
            let account = self.account_mut(&id)?;
            let known = account.bills.settlements.get_mut(settlement).ok_or("it is there")?;
            match known.end {
                Some(before) if before == finished => continue,
                Some(_) if alone => return Err(format!("`{settlement}` ended twice at `{id}`")),
                // It ended before it began at others.
                Some(_) => continue,
                None => known.end = Some(finished),
            }
            let Settlement { cycles, assets, .. } = known.clone();
            if finished {
                account.settle_bills(&cycles, &assets, now.max(account.bills.at));
            }
            account.event(now);
        }
        Ok(())
    }

    fn check_bills(&self, answer: &Answer) -> Result<bool, Contradiction> {
        let Answer::Bills(bills) = answer else { return Err("not answered as bills".to_owned()) };
        for bill in bills {
            let (id, cycle) = bill_of(&bill.bill).ok_or("a bill of no account")?;
            let account = self.account(id).ok_or("a bill of an unknown account")?;
            compare_bill(&account.bills, cycle, bill)?;
        }
        Ok(true)
    }

    /// What a refused command has done all the same: what was due before it, and older bills.
    pub fn learn_refused(&mut self, op: &Op, refusal: Refusal) -> Result<(), Contradiction> {
        let unseen = [Refusal::PermissionDenied, Refusal::NotFound, Refusal::IdempotencyKeyReused];
        let at = Timestamp::from_micros(self.now);
        match op.command() {
            Some(Command::IssueBills { cycle, billing_account: Some(id) }) if !unseen.contains(&refusal) => {
                let rates = self.rates.clone();
                match self.account_mut(id)?.issue_named(*cycle, at.micros(), &rates) {
                    Err(foretold) if foretold == refusal => Ok(()),
                    foretold => Err(format!("refused {}, must be {foretold:?}", refusal.code())),
                }
            }
            Some(
                Command::TopUp { billing_account, .. }
                | Command::SetSuspensionBenefit { billing_account, .. },
            ) if !unseen.contains(&refusal) => {
                self.settle(std::slice::from_ref(billing_account), at);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// What a person has chosen pays; nothing means whatever there is. How much it was.
pub fn pay_by_hand(account: &mut Account, cycle: Cycle, assets: &[PayingAsset], at: i64) {
    if assets.is_empty() {
        account.settle_bills(&[cycle], &AssetKind::ALL, at);
    }
    for PayingAsset { kind, coupon, month, amount } in assets {
        let amount = amount.money().units();
        let place = coupon.as_ref().and_then(|id| place_of(&account.bills, id));
        match (place, month) {
            (Some(place), _) => account.pay_part(Asset::Coupon(place), cycle, amount, at),
            (None, Some(month)) => account.pay_part(Asset::Refund(*month), cycle, amount, at),
            (None, None) => {
                account.pay(*kind, cycle, amount, at);
            }
        }
    }
}

pub fn place_of(bills: &Bills, coupon: &str) -> Option<usize> {
    bills.coupons.iter().position(|known| known.id == coupon)
}

/// What advancing time answers.
pub fn check_advanced(
    answer: &Answer,
    count: Option<u64>,
    expected: &BTreeMap<String, Refusal>,
) -> Result<(), Contradiction> {
    let Answer::Advanced { decided, refused } = answer else {
        return Err("not answered as advanced".to_owned());
    };
    if count.is_some_and(|count| count != *decided) {
        return Err(format!("{decided} things were due, must be {count:?}"));
    }
    check_refused(refused, expected)
}

fn check_refused(
    found: &[(String, Refusal)],
    expected: &BTreeMap<String, Refusal>,
) -> Result<(), Contradiction> {
    let found: BTreeMap<_, _> = found.iter().cloned().collect();
    if found == *expected { Ok(()) } else { Err(format!("bills refused: {found:?}, must be {expected:?}")) }
}

/// Funding, or where it went, by kind.
pub fn check_funding(what: &str, found: Funding, expected: &[(Asset, i128)]) -> Result<(), Contradiction> {
    let sum = |is: fn(&Asset) -> bool| {
        let parts = expected.iter().filter(|(asset, _)| is(asset));
        Money::from_units(parts.map(|(_, amount)| amount).sum())
    };
    let expected = Funding {
        coupon: sum(|asset| matches!(asset, Asset::Coupon(_))),
        transfer_book: sum(|asset| *asset == Asset::Book),
        cash: sum(|asset| *asset == Asset::Cash),
        credit: sum(|asset| *asset == Asset::Credit),
    };
    if found == expected { Ok(()) } else { Err(format!("{what} is {found:?}, must be {expected:?}")) }
}
