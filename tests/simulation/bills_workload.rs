//! What clients ask for about bills, where months pass.

use exchequer::domain::billing::asset::AssetKind;
use exchequer::domain::billing::coupon::CouponKind;
use exchequer::domain::billing::payment_method::PaymentMethodKind;
use exchequer::domain::billing::rate::Rate;
use exchequer::domain::ids::Currency;
use exchequer::domain::time::{Cycle, Timestamp};
use exchequer::engine::Command;
use exchequer::engine::command::PayingAsset;

use crate::amounts::around;
use crate::bills::{Bill, DAY};
use crate::model::{Account, Model};
use crate::random::Chance;
use crate::workload::Workload;
use crate::world::{HOUR, cents};

const MINUTE: i64 = HOUR / 60;

pub const SERVICES: [&str; 3] = ["", "compute", "storage"];

/// How far the clock jumps: to the next first or third of a month, by some minutes, hours or days, or to when the standing
/// of some account changes.
pub fn jump(model: &Model, chance: &mut Chance) -> i64 {
    let now = model.now;
    let dues = model.accounts.values().filter_map(|account| account.standing.due());
    let dues: Vec<_> = dues.filter(|due| *due > now).collect();
    match chance.below(10) {
        0 => return now + MINUTE * (1 + chance.below(90).cast_signed()),
        1 => return now + HOUR * chance.below(30).cast_signed(),
        // Just before it, just then, or just after it.
        2..5 if !dues.is_empty() => return *chance.pick(&dues) - 1 + chance.below(3).cast_signed(),
        _ => {}
    }
    let month =
        Cycle::of(Timestamp::from_micros(now), exchequer::domain::time::UtcOffset::default()).unwrap();
    let third = month.day(3, exchequer::domain::time::UtcOffset::default()).micros();
    let next = month.next().start(exchequer::domain::time::UtcOffset::default()).micros();
    match chance.below(8) {
        0 => now + HOUR * chance.below(20).cast_signed(),
        1 | 2 if third > now => third - i64::from(chance.one_in(3)),
        1 | 2 => next,
        3 => next + 2 * DAY,
        4 => now + DAY * (25 + chance.below(20).cast_signed()),
        _ => now + DAY * (1 + chance.below(15).cast_signed()),
    }
}

/// Some time of use: now, in the last months, or soon.
pub fn start(now: i64, chance: &mut Chance) -> Timestamp {
    let back = match chance.below(10) {
        0 => -DAY * chance.below(20).cast_signed(),
        1 | 2 => DAY * chance.below(110).cast_signed(),
        3..6 => DAY * chance.below(40).cast_signed(),
        _ => HOUR * chance.below(100).cast_signed(),
    };
    Timestamp::from_micros(now - back)
}

fn month(back: u32, model: &Model) -> Cycle {
    let month = Cycle::of(Timestamp::from_micros(model.now), exchequer::domain::time::UtcOffset::default());
    Cycle::from_index(month.unwrap().index() - back)
}

fn tax_rate(chance: &mut Chance) -> Rate {
    Rate::parse(chance.pick::<&str>(&["0", "0.06", "0.19", "0.0725", "0.333333", "1"])).unwrap()
}

fn exchange_rate(chance: &mut Chance) -> Rate {
    Rate::parse(chance.pick::<&str>(&["0.000001", "0.92", "7.8", "0.0725", "0.333333", "1.5"])).unwrap()
}

fn currency(chance: &mut Chance) -> Currency {
    let offered = ["USD", "EUR", "SGD", "HKD", "GBP"];
    let text: &str = if chance.one_in(2) { "USD" } else { chance.pick::<&str>(&offered) };
    Currency::parse(text).unwrap()
}

impl Workload {
    /// An account that has something to pay, more often than not.
    fn owing(&self, model: &Model, chance: &mut Chance) -> String {
        let owing = |(_, account): &(&String, &Account)| account.bills.previous() != 0;
        let owing: Vec<_> = model.accounts.iter().filter(owing).map(|(id, _)| id.clone()).collect();
        if owing.is_empty() || chance.one_in(3) { self.account(chance) } else { chance.pick(&owing).clone() }
    }

    /// A cycle with a bill of the account, unsettled more often than not.
    fn billed(id: &str, model: &Model, chance: &mut Chance) -> Cycle {
        let some = month(u32::try_from(chance.below(4)).unwrap(), model);
        let Some(account) = model.account(id) else { return some };
        let open = |bill: &Bill| bill.settled_at.is_none();
        let bills = account.bills.issued.iter();
        let open: Vec<_> = bills.clone().filter(|(_, bill)| open(bill)).map(|(cycle, _)| *cycle).collect();
        let all: Vec<_> = bills.map(|(cycle, _)| *cycle).collect();
        match chance.below(8) {
            0 => some,
            1 if !all.is_empty() => *chance.pick(&all),
            _ if !open.is_empty() => *chance.pick(&open),
            _ => some,
        }
    }

    pub fn bills(&mut self, model: &Model, chance: &mut Chance) -> Command {
        let billing_account = self.account(chance);
        match chance.below(100) {
            0..10 => self.issue(model, chance),
            10..14 => Command::SetTaxRate { billing_account, rate: tax_rate(chance) },
            14..20 => {
                let billing_account = self.owing(model, chance);
                Command::SetAutomaticWriteOff { billing_account, enabled: chance.one_in(2) }
            }
            20..24 => Command::SetWriteOffPreviousBills { billing_account, enabled: chance.one_in(2) },
            24..27 => Command::SetSettlementCurrency { billing_account, currency: currency(chance) },
            27..30 => {
                let day = (model.now / DAY - chance.below(60).cast_signed()).try_into().unwrap();
                let (from, to) = (currency(chance), currency(chance));
                Command::SetExchangeRate { from, to, rate: exchange_rate(chance), day }
            }
            30..42 => self.coupon(billing_account, model, chance),
            42..54 => self.pay(model, chance),
            54..66 => self.purchase(billing_account, model, chance),
            66..74 => self.refund(model, chance),
            74..86 => self.settlement(model, chance),
            86..95 => self.remittance(billing_account, model, chance),
            _ => Self::method(billing_account, chance),
        }
    }

    pub fn issue(&self, model: &Model, chance: &mut Chance) -> Command {
        let back = *chance.pick(&[0, 1, 1, 1, 1, 2, 3]);
        let named = !chance.one_in(4);
        let open = |(_, account): &(&String, &Account)| !account.bills.open.is_empty();
        let open: Vec<_> = model.accounts.iter().filter(open).map(|(id, _)| id.clone()).collect();
        let one = if open.is_empty() { self.account(chance) } else { chance.pick(&open).clone() };
        Command::IssueBills { cycle: month(back, model), billing_account: named.then_some(one) }
    }

    fn coupon(&mut self, billing_account: String, model: &Model, chance: &mut Chance) -> Command {
        let starts_at = model.now + DAY * (chance.below(6).cast_signed() - 4);
        let days = chance.below(60).cast_signed() - i64::from(chance.one_in(10)) * 60;
        let known = model.account(&billing_account).and_then(|account| account.bills.coupons.first());
        let coupon = match known {
            Some(known) if chance.one_in(12) => known.id.clone(),
            _ => self.fresh("v"),
        };
        Command::GrantCoupon {
            billing_account,
            coupon,
            kind: if chance.one_in(2) { CouponKind::Coupon } else { CouponKind::Voucher },
            amount: cents(chance.below(8_000).cast_signed()),
            starts_at: Timestamp::from_micros(starts_at),
            ends_at: Timestamp::from_micros(starts_at + DAY * days),
            services: if chance.one_in(3) { vec!["compute".to_owned()] } else { Vec::new() },
            minimum_spend: chance.one_in(3).then(|| cents(chance.below(20_000).cast_signed())),
        }
    }

    fn pay(&self, model: &Model, chance: &mut Chance) -> Command {
        let by_hand =
            |(_, account): &(&String, &Account)| account.bills.previous() != 0 && !account.bills.writes_off();
        let by_hand: Vec<_> = model.accounts.iter().filter(by_hand).map(|(id, _)| id.clone()).collect();
        let id = if by_hand.is_empty() || chance.one_in(4) {
            self.owing(model, chance)
        } else {
            chance.pick(&by_hand).clone()
        };
        let cycle = Self::billed(&id, model, chance);
        let mut assets = Vec::new();
        if let Some(account) = model.account(&id).filter(|_| !chance.one_in(3)) {
            let owed = account.bills.issued.get(&cycle).map_or(100, Bill::outstanding);
            assets.push(Self::asset(account, owed, chance));
        }
        Command::PayBill { bill: format!("{id}/{cycle}"), assets }
    }

    fn asset(account: &Account, owed: i128, chance: &mut Chance) -> PayingAsset {
        let bills = &account.bills;
        let kind = *chance.pick(&[
            AssetKind::Coupon,
            AssetKind::CreditRefund,
            AssetKind::TransferBook,
            AssetKind::Cash,
            AssetKind::Cash,
        ]);
        let coupons: Vec<_> = bills.coupons.iter().filter(|coupon| coupon.balance > 0).collect();
        let months: Vec<_> = bills.refund.iter().collect();
        let (mut coupon, mut month) = (None, None);
        let there = match kind {
            AssetKind::Coupon if !coupons.is_empty() && !chance.one_in(4) => {
                let one = chance.pick(&coupons);
                coupon = Some(if chance.one_in(12) { "unknown".to_owned() } else { one.id.clone() });
                one.balance
            }
            AssetKind::Coupon => coupons.iter().map(|coupon| coupon.balance).sum(),
            AssetKind::CreditRefund if !months.is_empty() && chance.one_in(2) => {
                let (of, left) = chance.pick(&months);
                month = Some(**of);
                **left
            }
            AssetKind::CreditRefund => bills.credit_refund(),
            AssetKind::TransferBook => account.in_book(),
            AssetKind::Cash => account.cash - account.in_book(),
        };
        let most = if chance.one_in(4) { owed } else { there.min(owed) };
        PayingAsset { kind, coupon, month, amount: around(most, chance) }
    }

    fn purchase(&mut self, billing_account: String, model: &Model, chance: &mut Chance) -> Command {
        let spendable = model.account(&billing_account).map_or(0, Account::spendable);
        let most = if chance.one_in(4) { spendable } else { spendable / 4 };
        // Two accounts want the same one now and then.
        let order = if chance.one_in(4) { format!("b{}", chance.below(40)) } else { self.fresh("b") };
        let cloud_account = match chance.below(12) {
            0 => Some("unknown".to_owned()),
            1..4 => Some(self.account(chance)),
            _ => None,
        };
        let service = chance.one_in(2).then(|| "compute".to_owned());
        Command::Purchase { billing_account, order, amount: around(most, chance), cloud_account, service }
    }

    fn refund(&mut self, model: &Model, chance: &mut Chance) -> Command {
        let orders = model.accounts.values().flat_map(|account| &account.bills.orders);
        let orders: Vec<_> = orders.collect();
        if orders.is_empty() || chance.one_in(12) {
            return Command::Refund { order: "unknown".to_owned(), refund: "r".to_owned(), amount: cents(1) };
        }
        let (order, known) = chance.pick(&orders);
        let refund = match known.refunds.keys().next() {
            Some(before) if chance.one_in(6) => before.clone(),
            _ => self.fresh("r"),
        };
        Command::Refund { order: (*order).clone(), refund, amount: around(known.refundable(), chance) }
    }

    fn settlement(&mut self, model: &Model, chance: &mut Chance) -> Command {
        let all = model.accounts.values().flat_map(|account| &account.bills.settlements);
        let open: Vec<_> = all.clone().filter(|(_, settlement)| settlement.end.is_none()).collect();
        let all: Vec<_> = all.collect();
        if !open.is_empty() && chance.one_in(2) || !all.is_empty() && chance.one_in(8) {
            let (id, _) =
                if open.is_empty() || chance.one_in(6) { chance.pick(&all) } else { chance.pick(&open) };
            let settlement = (*id).clone();
            return if chance.one_in(3) {
                Command::CloseUnifiedSettlement { settlement }
            } else {
                Command::FinishUnifiedSettlement { settlement }
            };
        }
        let mut pairs = Vec::new();
        for _ in 0..=chance.below(2) {
            let id = self.owing(model, chance);
            let many = if chance.one_in(12) { 4 } else { 1 + chance.below(2) };
            for back in 0..many {
                let cycle = Self::billed(&id, model, chance);
                let cycle = if many == 4 {
                    Cycle::from_index(cycle.index() - u32::try_from(back).unwrap())
                } else {
                    cycle
                };
                pairs.push((id.clone(), cycle));
            }
        }
        let kinds = AssetKind::ALL.into_iter().filter(|_| !chance.one_in(3)).collect();
        let settlement = match all.first() {
            Some((known, _)) if chance.one_in(12) => (*known).clone(),
            _ => self.fresh("u"),
        };
        let assets = if chance.one_in(2) { Some(kinds) } else { None };
        Command::StartUnifiedSettlement { settlement, pairs, assets }
    }

    fn remittance(&mut self, billing_account: String, model: &Model, chance: &mut Chance) -> Command {
        let free: Vec<_> = model.remittances.iter().filter(|(_, known)| known.2.is_none()).collect();
        let all: Vec<_> = model.remittances.keys().collect();
        if free.is_empty() && chance.one_in(2) || chance.one_in(8) {
            let known = all.first().filter(|_| chance.one_in(6)).map(|known| (*known).clone());
            let remittance = known.unwrap_or_else(|| self.fresh("m"));
            let amount = cents(chance.below(9_000).cast_signed());
            let currency = chance.one_in(6).then(|| currency(chance));
            return Command::RecordRemittance { remittance, amount, currency, reference: None };
        }
        let remittance = match chance.below(8) {
            0 => "unknown".to_owned(),
            1 if !all.is_empty() => (*chance.pick(&all)).clone(),
            _ => free.last().map_or_else(|| "unknown".to_owned(), |(id, _)| (*id).clone()),
        };
        Command::ClaimRemittance { billing_account, remittance }
    }

    fn method(billing_account: String, chance: &mut Chance) -> Command {
        let method = format!("p{}", chance.below(3));
        let kind = if chance.one_in(2) { PaymentMethodKind::Card } else { PaymentMethodKind::Paypal };
        let token = format!("token {}", chance.below(2));
        match chance.below(6) {
            0 => Command::UnlinkPaymentMethod { billing_account, method },
            1 => Command::EditPaymentMethod { billing_account, method, token },
            2 => Command::SetDefaultPaymentMethod { billing_account, method },
            _ => Command::LinkPaymentMethod { billing_account, method, kind, token },
        }
    }
}
