//! Bills and what pays them against a naive model with plain maps and integers of any size (rules B1, C4, C5, D1–D8, D11).
#![allow(missing_docs, clippy::unwrap_used)]

mod billing;

use std::collections::BTreeMap;

use billing::Bench;
use exchequer::domain::account_command::{AccountCommand, PayWith};
use exchequer::domain::billing::asset::{Asset, AssetKind, Portion};
use exchequer::domain::billing::coupon::{CouponKind, CouponTerms};
use exchequer::domain::billing::rate::Rate;
use exchequer::domain::billing::settlement::SettlementEnd;
use exchequer::domain::charge::Category;
use exchequer::domain::money::Money;
use exchequer::domain::profile::{Opening, Profile};
use exchequer::domain::refusals::Refusal;
use exchequer::domain::time::{Cycle, Timestamp};
use num_bigint::BigInt;
use proptest::prelude::*;

/// Days of the months from May 2026 on, the first of which is number 24,316 from January of the year 1.
const MONTH_DAYS: [i64; 24] =
    [31, 30, 31, 31, 30, 31, 30, 31, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 29, 31, 30];
const MAY: u32 = 2025 * 12 + 4;
const DAY: i64 = 86_400_000_000;
/// Units of an amount of 0.001, the tenth part of a cent.
const MIL: i128 = 1_000_000_000_000_000;
const SERVICES: [&str; 2] = ["compute", "storage"];
const RATES: [(&str, i64); 4] = [("0", 0), ("0.05", 50), ("0.125", 125), ("1.001", 1001)];

/// The month of a day from the 1st of May 2026 on.
fn month(day: i64) -> u32 {
    let mut left = day;
    let ended = MONTH_DAYS.iter().take_while(|days| {
        left -= **days;
        left >= 0
    });
    MAY + u32::try_from(ended.count()).unwrap()
}

/// What pays: a kind, and the number of a coupon or the month of credit refund.
type Source = (u8, u32);
const COUPON: u8 = 0;
const REFUND: u8 = 1;
const BOOK: Source = (2, 0);
const CASH: Source = (3, 0);
const CREDIT: Source = (4, 0);
const KINDS: [u8; 4] = [0, 1, 2, 3];

type Parts = Vec<(Source, BigInt)>;
type Told = Result<bool, &'static str>;

#[derive(Clone, Debug)]
struct Coupon {
    nominal: BigInt,
    balance: BigInt,
    starts: i64,
    ends: i64,
    service: Option<usize>,
    minimum: BigInt,
    expired: bool,
}

#[derive(Clone, Debug)]
struct Bill {
    cycle: u32,
    charges: u64,
    gross: BigInt,
    coupons: BigInt,
    discount: BigInt,
    taxable: BigInt,
    tax: BigInt,
    after: BigInt,
    paid: BTreeMap<Source, BigInt>,
    issued: i64,
    settled: Option<i64>,
}

impl Bill {
    fn outstanding(&self) -> BigInt {
        &self.after - self.paid.values().sum::<BigInt>()
    }
}

#[derive(Clone, Debug)]
struct Order {
    amount: BigInt,
    funding: Parts,
    refunds: BTreeMap<usize, BigInt>,
}

#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools)] // settings of an account
struct Model {
    credit_enabled: bool,
    /// The day of the clock, and of the account's last event.
    now: i64,
    at: i64,
    cash: BigInt,
    book: BigInt,
    limit: BigInt,
    refund: BTreeMap<u32, BigInt>,
    /// By cycle and whether it is a tax.
    charges: BTreeMap<(u32, bool), BigInt>,
    counts: BTreeMap<u32, u64>,
    bought: BTreeMap<u32, BigInt>,
    deducted: BTreeMap<u32, BigInt>,
    coupons: Vec<Coupon>,
    bills: Vec<Bill>,
    orders: BTreeMap<usize, Order>,
    by_hand: bool,
    previous: bool,
    rate: i64,
    /// The owner was told so.
    overdue: bool,
    settlements: BTreeMap<usize, (Vec<u32>, Vec<u8>)>,
    /// Those that have ended, and whether they were finished.
    ended: BTreeMap<usize, bool>,
    open_from: u32,
}

impl Model {
    fn new(credit_enabled: bool) -> Self {
        let zero = || BigInt::from(0);
        Self {
            credit_enabled,
            now: 0,
            at: 0,
            cash: zero(),
            book: zero(),
            limit: zero(),
            refund: BTreeMap::new(),
            charges: BTreeMap::new(),
            counts: BTreeMap::new(),
            bought: BTreeMap::new(),
            deducted: BTreeMap::new(),
            coupons: Vec::new(),
            bills: Vec::new(),
            orders: BTreeMap::new(),
            by_hand: false,
            previous: false,
            rate: 0,
            overdue: false,
            settlements: BTreeMap::new(),
            ended: BTreeMap::new(),
            open_from: 0,
        }
    }

    fn unsettled(&self) -> BigInt {
        let posted = self.charges.values().chain(self.bought.values()).sum::<BigInt>();
        posted - self.deducted.values().sum::<BigInt>()
    }

    fn owed(&self) -> BigInt {
        self.bills.iter().map(Bill::outstanding).sum()
    }

    fn available(&self) -> BigInt {
        // rule B1
        &self.cash + &self.limit + self.refund.values().sum::<BigInt>() - self.unsettled() - self.owed()
    }

    fn automatic(&self) -> bool {
        !self.by_hand && self.settlements.is_empty()
    }

    /// Coupons: earliest expiry, smallest balance, earliest granted (rule D7). What is left then.
    fn by_coupons(
        &mut self,
        at: i64,
        service: Option<usize>,
        cost: &BigInt,
        left: BigInt,
        parts: &mut Parts,
    ) -> BigInt {
        let mut left = left;
        while left > 0.into() {
            let fits = |coupon: &Coupon| {
                !coupon.expired
                    && coupon.balance > 0.into()
                    && (coupon.starts..coupon.ends).contains(&at)
                    && *cost >= coupon.minimum
                    && (coupon.service.is_none() || coupon.service == service)
            };
            let fitting = (0_u32..).zip(&mut self.coupons).filter(|(_, coupon)| fits(coupon));
            let best = fitting.min_by_key(|(number, coupon)| (coupon.ends, coupon.balance.clone(), *number));
            let Some((number, coupon)) = best else { break };
            let amount = coupon.balance.clone().min(left.clone());
            coupon.balance -= &amount;
            left -= &amount;
            parts.push(((COUPON, number), amount));
        }
        left
    }

    /// Takes from one asset what is there, at most `left`; what is left then.
    fn take(&mut self, source: Source, left: BigInt, parts: &mut Parts) -> BigInt {
        let there = match source {
            BOOK => self.book.clone(),
            CASH => &self.cash - &self.book,
            (COUPON, number) => self.coupons[number as usize].balance.clone(),
            (_, month) => self.refund.get(&month).cloned().unwrap_or_default(),
        };
        let amount = there.min(left.clone());
        if amount <= 0.into() {
            return left;
        }
        self.give(source, &-&amount);
        parts.push((source, amount.clone()));
        left - amount
    }

    /// Gives to an asset, or takes from it.
    fn give(&mut self, source: Source, amount: &BigInt) {
        match source {
            BOOK => {
                self.book += amount;
                self.cash += amount;
            }
            CASH => self.cash += amount,
            (COUPON, number) => self.coupons[number as usize].balance += amount,
            (_, month) => {
                *self.refund.entry(month).or_default() += amount;
                self.refund.retain(|_, left| *left != 0.into());
            }
        }
    }

    /// What a kind of asset pays of a bill.
    fn by_kind(&mut self, kind: u8, bill: usize, left: BigInt, at: i64, parts: &mut Parts) -> BigInt {
        match kind {
            COUPON => {
                let cost = self.bills[bill].after.clone();
                self.by_coupons(at, None, &cost, left, parts)
            }
            REFUND => {
                let mut left = left;
                let months: Vec<_> = self.refund.keys().copied().collect();
                for month in months {
                    if self.previous || month <= self.bills[bill].cycle {
                        left = self.take((REFUND, month), left, parts);
                    }
                }
                left
            }
            kind => self.take((kind, 0), left, parts),
        }
    }

    fn note_paid(&mut self, bill: usize, parts: Parts, at: i64) {
        let bill = &mut self.bills[bill];
        for (source, amount) in parts {
            *bill.paid.entry(source).or_default() += amount;
        }
        if bill.settled.is_none() && bill.outstanding() == 0.into() {
            bill.settled = Some(at);
        }
    }

    fn pay_bills(&mut self, kinds: &[u8], cycles: Option<&[u32]>, at: i64) {
        for bill in 0..self.bills.len() {
            if cycles.is_none_or(|cycles| cycles.contains(&self.bills[bill].cycle)) {
                let (mut parts, mut left) = (Vec::new(), self.bills[bill].outstanding());
                for kind in kinds {
                    left = self.by_kind(*kind, bill, left, at, &mut parts);
                }
                self.note_paid(bill, parts, at);
            }
        }
    }

    /// After every event.
    fn happened(&mut self, at: i64) {
        self.at = self.at.max(at);
        if self.automatic() {
            self.pay_bills(&KINDS, None, self.at);
        }
        self.overdue = self.available() < 0.into();
    }

    fn settle_due(&mut self) {
        let ends = self.coupons.iter().enumerate().map(|(number, coupon)| (coupon.ends, false, number));
        let starts = self.coupons.iter().enumerate().map(|(number, coupon)| (coupon.starts, true, number));
        let mut points: Vec<_> = ends.chain(starts).filter(|(day, ..)| *day <= self.now).collect();
        points.sort_unstable();
        for (day, starts, number) in points {
            let coupon = &mut self.coupons[number];
            if coupon.expired || coupon.balance == 0.into() {
                continue;
            }
            if !starts {
                coupon.expired = true;
                self.happened(day);
            } else if day > self.at && self.automatic() {
                // rule D3: an asset that arrives; it is an event if it pays anything
                let before = self.owed();
                self.pay_bills(&KINDS, None, day);
                if self.owed() != before {
                    self.at = day;
                    self.overdue = self.available() < 0.into();
                }
            }
        }
    }

    fn charge(&mut self, amount: &BigInt, day: i64, tax: bool, service: usize) -> Result<u32, &'static str> {
        let original = month(day);
        let place = original.max(self.open_from);
        if original + 2 < self.open_from {
            return Err("cycle_too_old"); // rule C4: two later ones are issued
        }
        *self.charges.entry((place, tax)).or_default() += amount;
        *self.counts.entry(place).or_default() += 1;
        if self.automatic() && !tax {
            // rule C5
            let mut parts = Vec::new();
            let left = self.by_coupons(day.max(self.at), Some(service), amount, amount.clone(), &mut parts);
            if !parts.is_empty() {
                *self.deducted.entry(place).or_default() += amount - left;
            }
        }
        // The account's own time stays as it is.
        self.overdue = self.available() < 0.into();
        Ok(place)
    }

    /// The cycle of an unsettled bill, or some other.
    fn pick_bill(&self, pick: usize) -> u32 {
        let mut open = self.bills.iter().filter(|bill| bill.settled.is_none()).map(|bill| bill.cycle);
        let other = MAY + u32::try_from(pick % 8).unwrap();
        open.nth(pick % (open.clone().count() + 1)).unwrap_or(other)
    }

    fn first_to_bill(&self) -> Option<u32> {
        self.counts.keys().chain(self.bought.keys()).min().copied()
    }

    fn issue(&mut self, cycle: u32) -> Result<(), &'static str> {
        let now = self.now.max(self.at);
        if cycle >= month(now) {
            return Err("cycle_open");
        }
        if cycle < self.open_from {
            return Err("already_issued");
        }
        let cent = BigInt::from(10 * MIL);
        let charged = |tax| self.charges.get(&(cycle, tax)).cloned().unwrap_or_default();
        let gross = charged(true) + charged(false) + self.bought.get(&cycle).cloned().unwrap_or_default();
        let coupons = self.deducted.get(&cycle).cloned().unwrap_or_default();
        let exact = &gross - &coupons;
        let mut cents = &exact / &cent;
        if &cents * &cent > exact {
            cents -= 1;
        }
        let pretax = cents * &cent;
        let taxable = &exact - charged(true);
        let size = if taxable < 0.into() { -&taxable } else { taxable.clone() };
        // Half a cent more, and down.
        let whole: BigInt = (size * self.rate + &cent * 500) / (&cent * 1000);
        let tax: BigInt = whole * &cent;
        let tax = if taxable < 0.into() { -tax } else { tax };
        let after = &pretax + &tax;
        let mut bill = Bill {
            cycle,
            charges: self.counts.get(&cycle).copied().unwrap_or_default(),
            discount: &exact - &pretax,
            settled: (after <= 0.into()).then_some(now),
            paid: BTreeMap::new(),
            issued: now,
            gross,
            coupons,
            taxable,
            tax,
            after,
        };
        if bill.after < 0.into() {
            let source = if self.credit_enabled { (REFUND, month(now)) } else { CASH };
            bill.paid.insert(source, bill.after.clone());
            self.give(source, &-&bill.after);
        }
        self.charges.retain(|(other, _), _| *other != cycle);
        self.counts.remove(&cycle);
        self.bought.remove(&cycle);
        self.deducted.remove(&cycle);
        self.bills.push(bill);
        self.open_from = cycle + 1;
        self.happened(now);
        Ok(())
    }

    fn pay(&mut self, cycle: u32, with: &[(Choice, BigInt)]) -> Told {
        let now = self.now.max(self.at);
        let bill = self.bills.iter().position(|bill| bill.cycle == cycle).ok_or("not_found")?;
        if with.iter().any(|(choice, _)| matches!(choice, Choice::Coupon(id) if *id >= self.coupons.len())) {
            return Err("not_found");
        }
        if with.iter().any(|(_, amount)| *amount <= 0.into()) {
            return Err("amount_must_be_positive");
        }
        let open = self.bills[bill].settled.is_none();
        let mut left = self.bills[bill].outstanding();
        let (mut parts, mut refused) = (Vec::new(), Vec::new());
        if with.is_empty() && open {
            for kind in KINDS {
                left = self.by_kind(kind, bill, left, now, &mut parts);
            }
            if parts.is_empty() {
                return Err("insufficient_asset");
            }
        }
        for (choice, amount) in with {
            left -= amount;
            match choice {
                Choice::Kind(kind) => {
                    let missing = self.by_kind(*kind, bill, amount.clone(), now, &mut parts);
                    if missing > 0.into() {
                        let there = self.refund.values().sum::<BigInt>();
                        let early = *kind == REFUND && there >= missing;
                        refused.push(if early {
                            (2, "credit_refund_not_eligible")
                        } else {
                            (0, "insufficient_asset")
                        });
                    }
                }
                Choice::Coupon(id) => {
                    let coupon = &self.coupons[*id];
                    let fits = !coupon.expired
                        && (coupon.starts..coupon.ends).contains(&now)
                        && coupon.service.is_none()
                        && self.bills[bill].after >= coupon.minimum;
                    if coupon.balance < *amount {
                        refused.push((0, "insufficient_asset"));
                    } else if fits {
                        let number = u32::try_from(*id).unwrap();
                        self.take((COUPON, number), amount.clone(), &mut parts);
                    } else {
                        refused.push((1, "coupon_not_applicable"));
                    }
                }
            }
        }
        if let Some((_, code)) = refused.into_iter().min() {
            return Err(code);
        }
        if !open {
            return Err("bill_settled");
        }
        if left < 0.into() {
            return Err("exceeds_outstanding");
        }
        if self.settlements.values().any(|(cycles, _)| cycles.contains(&cycle)) {
            return Err("unified_settlement_in_progress");
        }
        self.note_paid(bill, parts, now);
        self.happened(now);
        Ok(true)
    }

    fn purchase(&mut self, id: usize, amount: &BigInt, service: Option<usize>) -> Told {
        let now = self.now.max(self.at);
        if let Some(known) = self.orders.get(&id) {
            return if known.amount == *amount { Ok(false) } else { Err("already_exists") };
        }
        if *amount <= 0.into() {
            return Err("amount_must_be_positive");
        }
        let mut funding = Vec::new();
        let spendable = self.available();
        let rest = self.by_coupons(now, service, amount, amount.clone(), &mut funding);
        if rest > spendable {
            return Err("insufficient_spendable");
        }
        let rest = self.take(BOOK, rest, &mut funding);
        let rest = self.take(CASH, rest, &mut funding);
        if rest > 0.into() {
            *self.bought.entry(month(now).max(self.open_from)).or_default() += &rest;
            funding.push((CREDIT, rest));
        }
        self.orders.insert(id, Order { amount: amount.clone(), funding, refunds: BTreeMap::new() });
        self.happened(now);
        Ok(true)
    }

    fn refund(&mut self, id: usize, refund: usize, amount: &BigInt) -> Told {
        let now = self.now.max(self.at);
        let order = self.orders.get_mut(&id).ok_or("not_found")?;
        if let Some(known) = order.refunds.get(&refund) {
            return if known == amount { Ok(false) } else { Err("already_exists") };
        }
        if *amount <= 0.into() {
            return Err("amount_must_be_positive");
        }
        let before = order.refunds.values().sum::<BigInt>();
        let after = &before + amount;
        if after > order.amount {
            return Err("exceeds_refundable");
        }
        order.refunds.insert(refund, amount.clone());
        // The parts lie behind each other, the last first: what lies between the two sums comes back.
        let mut end = BigInt::from(0);
        for (source, part) in order.funding.clone().into_iter().rev() {
            let begin = end.clone();
            end += part;
            let back = end.clone().min(after.clone()) - begin.max(before.clone());
            if back <= 0.into() {
                continue;
            }
            match source {
                (COUPON, number) if self.coupons[number as usize].ends <= now => {} // forfeited
                CREDIT => self.give((REFUND, month(now)), &back),
                source => self.give(source, &back),
            }
        }
        self.happened(now);
        Ok(true)
    }

    fn start(&mut self, id: usize, mut cycles: Vec<u32>, mut assets: Vec<u8>) -> Told {
        cycles.sort_unstable();
        cycles.dedup();
        assets.sort_unstable();
        if let Some(known) = self.settlements.get(&id) {
            return if *known == (cycles, assets) { Ok(false) } else { Err("already_exists") };
        }
        if self.ended.contains_key(&id) {
            return Err("already_exists");
        }
        let bill = |cycle: u32| self.bills.iter().find(|bill| bill.cycle == cycle);
        let ended = || cycles.iter().filter(|cycle| **cycle < self.open_from);
        if ended().any(|cycle| bill(*cycle).is_none()) {
            return Err("not_found");
        }
        if ended().any(|cycle| bill(*cycle).unwrap().settled.is_some()) {
            return Err("bill_settled");
        }
        if cycles.len() > 3 {
            return Err("too_many_items");
        }
        if self.settlements.values().any(|(taken, _)| cycles.iter().any(|cycle| taken.contains(cycle))) {
            return Err("unified_settlement_in_progress");
        }
        if cycles.iter().any(|cycle| *cycle >= self.open_from) {
            return Err("cycle_open");
        }
        self.settlements.insert(id, (cycles, assets));
        self.happened(self.now);
        Ok(true)
    }

    fn end(&mut self, id: usize, finish: bool) -> Told {
        if let Some(finished) = self.ended.get(&id) {
            return if *finished == finish { Ok(false) } else { Err("not_found") };
        }
        let (cycles, assets) = self.settlements.remove(&id).ok_or("not_found")?;
        self.ended.insert(id, finish);
        if finish {
            self.pay_bills(&assets, Some(&cycles), self.now.max(self.at));
        }
        self.happened(self.now);
        Ok(true)
    }
}

const fn end_of(finish: bool) -> SettlementEnd {
    if finish { SettlementEnd::Finished } else { SettlementEnd::Closed }
}

#[derive(Clone, Debug)]
enum Choice {
    Kind(u8),
    Coupon(usize),
}

/// A command; numbers of bills and orders pick one that is there, if they can.
#[derive(Clone, Debug)]
enum Op {
    Charge { mils: i64, days_ago: i64, category: usize, service: usize },
    TopUp(i64),
    Receive(i64),
    Withdraw(i64),
    Limit(i64),
    Grant { mils: i64, starts: i64, days: i64, service: Option<usize>, minimum: i64 },
    Issue { back: u32 },
    Pay { bill: usize, with: Vec<(Choice, i64)> },
    Purchase { id: usize, mils: i64, service: Option<usize> },
    Refund { id: usize, refund: usize, mils: i64 },
    Automatic(bool),
    Previous(bool),
    Tax(usize),
    Start { id: usize, bills: Vec<usize>, assets: Vec<u8> },
    End { id: usize, finish: bool },
    Clock(i64),
}

fn units(mils: i64) -> BigInt {
    BigInt::from(i128::from(mils) * MIL)
}

fn money(mils: i64) -> Money {
    Money::from_units(i128::from(mils) * MIL)
}

fn time(day: i64) -> Timestamp {
    Timestamp::from_micros(billing::instant("2026-05-01").micros() + day * DAY)
}

fn big(money: Money) -> BigInt {
    BigInt::from(money.units())
}

struct Pair {
    bench: Bench,
    model: Model,
}

impl Pair {
    fn new(credit_enabled: bool) -> Self {
        let profile = Profile { credit_enabled, ..Profile::default() };
        let bench = Bench::of(Opening { profile, ..billing::usual() });
        Self { bench, model: Model::new(credit_enabled) }
    }

    /// Gives both the same command.
    fn both(&mut self, command: &AccountCommand, told: impl FnOnce(&mut Model) -> Told) {
        self.model.settle_due();
        let mut after = self.model.clone();
        let expect = told(&mut after);
        if expect == Ok(true) {
            self.model = after; // a refusal changes nothing
        }
        let found = self.bench.run(command).map_err(Refusal::code);
        assert_eq!(found, expect, "{command:?}");
    }

    /// A command that the account takes or refuses by a rule of other tests: the model follows.
    fn follows(&mut self, command: &AccountCommand, then: impl FnOnce(&mut Model)) {
        self.model.settle_due();
        if self.bench.run(command) == Ok(true) {
            then(&mut self.model);
            let now = self.model.now.max(self.model.at);
            self.model.happened(now);
        }
    }

    #[allow(clippy::too_many_lines)] // one arm an operation
    fn run(&mut self, op: Op) {
        match op {
            Op::Charge { mils, days_ago, category, service } => {
                let day = (self.model.now - days_ago).max(0);
                let category = [Category::Usage, Category::Tax, Category::Credit][category];
                let expect = self.model.charge(&units(mils), day, category == Category::Tax, service);
                let expect = expect.map_or_else(str::to_owned, |cycle| Cycle::from_index(cycle).to_string());
                let found = self.bench.post(money(mils), time(day), category, SERVICES[service]);
                assert_eq!(found, expect);
            }
            Op::TopUp(mils) => {
                let command = AccountCommand::TopUp { amount: money(mils), reference: None };
                self.follows(&command, |model| model.cash += units(mils));
            }
            Op::Receive(mils) => {
                self.model.settle_due();
                self.bench.settle_due();
                self.bench.receive(&money(mils).to_string());
                self.model.give(BOOK, &units(mils));
                self.model.happened(self.model.now);
            }
            Op::Withdraw(mils) => self.both(&AccountCommand::WithdrawCash { amount: money(mils) }, |model| {
                // rule D11
                let free = &model.cash - &model.book - (model.unsettled() + model.owed()).max(0.into());
                if units(mils) <= 0.into() {
                    return Err("amount_must_be_positive");
                }
                if units(mils) > free.min(model.available()).max(0.into()) {
                    return Err("exceeds_withdrawable");
                }
                model.cash -= units(mils);
                model.happened(model.now);
                Ok(true)
            }),
            Op::Limit(mils) => {
                let command = AccountCommand::GrantCreditLimit { amount: money(mils) };
                self.follows(&command, |model| model.limit = units(mils));
            }
            Op::Grant { mils, starts, days, service, minimum } => {
                let (starts, ends) = (self.model.now + starts, self.model.now + starts + days);
                let id = format!("c{}", self.model.coupons.len()).into();
                let services = service.iter().map(|service| SERVICES[*service].into()).collect();
                let (starts_at, ends_at, minimum_spend) = (time(starts), time(ends), money(minimum));
                let (kind, nominal) = (CouponKind::Voucher, money(mils));
                let terms = CouponTerms { id, kind, nominal, starts_at, ends_at, services, minimum_spend };
                self.follows(&AccountCommand::GrantCoupon { coupon: Box::new(terms) }, |model| {
                    let (balance, nominal, minimum) = (units(mils), units(mils), units(minimum));
                    model.coupons.push(Coupon {
                        nominal,
                        balance,
                        starts,
                        ends,
                        service,
                        minimum,
                        expired: false,
                    });
                });
            }
            Op::Issue { back } => {
                self.model.settle_due();
                // Older cycles with something to bill come first.
                let open = month(self.model.now) - back;
                let cycle = self.model.first_to_bill().map_or(open, |first| first.min(open));
                let expect = self.model.issue(cycle);
                let found = self.bench.issue(Cycle::from_index(cycle)).map_err(Refusal::code);
                assert_eq!(found, expect, "{cycle}");
            }
            Op::Pay { bill, with } => {
                self.model.settle_due();
                let cycle = self.model.pick_bill(bill);
                let chosen = with.iter().map(|(choice, mils)| match choice {
                    Choice::Kind(kind) => {
                        let (kind, month) = (AssetKind::ALL[usize::from(*kind)], None);
                        PayWith::Asset { kind, month, amount: money(*mils) }
                    }
                    Choice::Coupon(id) => {
                        PayWith::Coupon { coupon: format!("c{id}").into(), amount: money(*mils) }
                    }
                });
                let command =
                    AccountCommand::PayBill { cycle: Cycle::from_index(cycle), with: chosen.collect() };
                let with: Vec<_> = with.into_iter().map(|(choice, mils)| (choice, units(mils))).collect();
                self.both(&command, |model| model.pay(cycle, &with));
            }
            Op::Purchase { id, mils, service } => {
                let (order, amount) = (id.to_string().into(), money(mils));
                let named = service.map(|service| SERVICES[service].into());
                let command = AccountCommand::Purchase { order, amount, cloud: None, service: named };
                self.both(&command, |model| model.purchase(id, &units(mils), service));
            }
            Op::Refund { id, refund, mils } => {
                let id = *self.model.orders.keys().nth(id % (self.model.orders.len() + 1)).unwrap_or(&id);
                let (order, amount) = (id.to_string().into(), money(mils));
                let named = refund.to_string().into();
                let command = AccountCommand::RefundPurchase { order, refund: named, amount };
                self.both(&command, |model| model.refund(id, refund, &units(mils)));
            }
            Op::Automatic(enabled) => {
                self.both(&AccountCommand::SetAutomaticWriteOff { enabled }, |model| {
                    if enabled && !model.settlements.is_empty() {
                        return Err("unified_settlement_in_progress");
                    }
                    model.by_hand = !enabled;
                    model.happened(model.now);
                    Ok(true)
                });
            }
            Op::Previous(enabled) => {
                let command = AccountCommand::SetWriteOffPreviousBills { enabled };
                self.follows(&command, |model| model.previous = enabled);
            }
            Op::Tax(rate) => {
                let (text, per_mille) = RATES[rate];
                let command = AccountCommand::SetTaxRate { rate: Rate::parse(text).unwrap() };
                self.follows(&command, |model| model.rate = per_mille);
            }
            Op::Start { id, bills, assets } => {
                self.model.settle_due();
                let cycles: Vec<_> = bills.iter().map(|bill| self.model.pick_bill(*bill)).collect();
                let settlement = id.to_string().into();
                let named = cycles.iter().map(|cycle| Cycle::from_index(*cycle)).collect();
                let kinds = assets.iter().map(|kind| AssetKind::ALL[usize::from(*kind)]).collect();
                let command =
                    AccountCommand::StartUnifiedSettlement { settlement, cycles: named, assets: kinds };
                self.both(&command, |model| model.start(id, cycles, assets));
            }
            Op::End { id, finish } => {
                let command = AccountCommand::EndUnifiedSettlement {
                    settlement: id.to_string().into(),
                    end: end_of(finish),
                };
                self.both(&command, |model| model.end(id, finish));
            }
            Op::Clock(days) => {
                self.model.now = (self.model.now + days).min(700); // as far as the months are listed
                self.model.settle_due();
                self.bench.now = time(self.model.now);
                self.bench.settle_due();
            }
        }
    }

    fn check(&self) {
        let (account, model) = (self.bench.account(), &self.model);
        let billing = account.billing();
        assert_eq!((account.overdue(), account.suspended()), (model.overdue, model.overdue));
        assert_eq!(big(account.cash()), model.cash, "cash");
        assert_eq!(big(account.transfer_book()), model.book, "book");
        assert_eq!(big(account.unsettled_current()), model.unsettled(), "unsettled");
        assert_eq!(big(account.unsettled_previous()), model.owed(), "owed");
        assert_eq!(big(account.available_credit()), model.available(), "available credit");
        assert_eq!(account.open_from(), Cycle::from_index(model.open_from));
        let refund = billing.credit_refund.iter().map(|(month, left)| (month.index(), big(*left)));
        assert_eq!(refund.collect::<BTreeMap<_, _>>(), model.refund, "credit refund");
        let coupons: Vec<_> =
            billing.coupons.iter().map(|coupon| (big(coupon.balance), coupon.expired)).collect();
        let expect = model.coupons.iter().map(|coupon| (coupon.balance.clone(), coupon.expired));
        assert_eq!(coupons, expect.collect::<Vec<_>>(), "coupons");
        assert!(model.coupons.iter().all(|coupon| coupon.balance <= coupon.nominal));
        assert_eq!(billing.bills.iter().len(), model.bills.len());
        for (bill, expect) in billing.bills.iter().zip(&model.bills) {
            assert_eq!((bill.cycle.index(), bill.charges), (expect.cycle, expect.charges));
            let figures = [
                bill.gross,
                bill.coupons,
                bill.round_down_discount,
                bill.taxable,
                bill.tax,
                bill.after_tax(),
            ];
            let expected = [
                &expect.gross,
                &expect.coupons,
                &expect.discount,
                &expect.taxable,
                &expect.tax,
                &expect.after,
            ];
            assert_eq!(figures.map(big), expected.map(Clone::clone), "bill {}", bill.cycle);
            assert_eq!(big(bill.outstanding()), expect.outstanding());
            let source = |part: &Portion| match part.asset {
                Asset::Coupon(number) => (COUPON, number),
                Asset::CreditRefund(month) => (REFUND, month.index()),
                Asset::TransferBook => BOOK,
                Asset::Cash => CASH,
                asset => panic!("{asset:?} pays a bill"),
            };
            let paid: BTreeMap<_, _> =
                bill.payments.iter().map(|part| (source(part), big(part.amount))).collect();
            assert_eq!(paid, expect.paid, "payments of {}", bill.cycle);
            assert_eq!(paid.len(), bill.payments.len());
            assert_eq!((bill.issued_at, bill.settled_at), (time(expect.issued), expect.settled.map(time)));
        }
        assert_eq!(billing.orders.len(), model.orders.len());
        self.bench.check();
    }
}

fn mils() -> impl Strategy<Value = i64> {
    prop_oneof![4 => 1_i64..20_000, 4 => 1_i64..2_000, 2 => 1_i64..30, 1 => -10_000_i64..1]
}

fn op() -> impl Strategy<Value = Op> {
    let service = || prop::option::of(0..SERVICES.len());
    let choice =
        prop_oneof![3 => (0_u8..4).prop_map(Choice::Kind), 1 => (0_usize..4).prop_map(Choice::Coupon)];
    let days_ago = prop_oneof![5 => -5_i64..50, 1 => 50_i64..150];
    let pick = || 0_usize..100;
    prop_oneof![
        12 => (mils(), days_ago, 0_usize..3, 0..SERVICES.len()).prop_map(|(mils, days_ago, category, service)| {
            Op::Charge { mils, days_ago, category, service }
        }),
        3 => mils().prop_map(Op::TopUp),
        2 => (1_i64..9_000).prop_map(Op::Receive),
        1 => mils().prop_map(Op::Withdraw),
        2 => (0_i64..200_000).prop_map(Op::Limit),
        4 => (1_i64..9_000, -5_i64..40, 1_i64..90, service(), 0_i64..9_000).prop_map(
            |(mils, starts, days, service, minimum)| Op::Grant { mils, starts, days, service, minimum }
        ),
        7 => prop::sample::select(vec![0_u32, 1, 1, 1, 1, 2]).prop_map(|back| Op::Issue { back }),
        5 => (pick(), prop::collection::vec((choice, mils()), 0..3)).prop_map(|(bill, with)| Op::Pay { bill, with }),
        4 => (0_usize..20, mils(), service()).prop_map(|(id, mils, service)| Op::Purchase { id, mils, service }),
        5 => (pick(), 0_usize..6, mils()).prop_map(|(id, refund, mils)| Op::Refund { id, refund, mils }),
        3 => any::<bool>().prop_map(Op::Automatic),
        1 => any::<bool>().prop_map(Op::Previous),
        1 => (0..RATES.len()).prop_map(Op::Tax),
        2 => (0_usize..2, prop::collection::vec(pick(), 1..5), prop::sample::subsequence(vec![0_u8, 1, 2, 3], 1..4))
            .prop_map(|(id, bills, assets)| Op::Start { id, bills, assets }),
        1 => (0_usize..2, any::<bool>()).prop_map(|(id, finish)| Op::End { id, finish }),
        5 => (0_i64..25).prop_map(Op::Clock),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]
    #[test]
    fn bills_do_what_the_naive_model_does(credit in any::<bool>(), ops in prop::collection::vec(op(), 1..200)) {
        let mut pair = Pair::new(credit);
        for op in ops {
            pair.run(op);
            pair.check();
        }
    }
}
