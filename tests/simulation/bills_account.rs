//! What happens to bills and what pays them as the rules say it, once more and naively: one account, one thing after the
//! other (rules C4, C5, D1–D9).

use std::collections::BTreeMap;

use exchequer::domain::billing::asset::AssetKind;
use exchequer::domain::billing::rate::Rate;
use exchequer::domain::charge::Category;
use exchequer::domain::ids::Currency;
use exchequer::domain::profile::AccountType;
use exchequer::domain::refusals::Refusal;
use exchequer::domain::time::Cycle;
use num_bigint::{BigInt, BigUint};

use crate::bills::{Asset, Bill, DAY, Order, Rates, Refunded};
use crate::model::{Account, HoldState};
use crate::op::Sent;

const CENT: i128 = 10_i128.pow(16);

impl Account {
    /// Something was recorded: automatic write-off comes after it (rule D3), and then how the account stands.
    pub fn event(&mut self, at: i64) {
        self.bills.at = self.bills.at.max(at);
        if self.bills.writes_off() {
            let cycles: Vec<_> = self.bills.issued.keys().copied().collect();
            self.settle_bills(&cycles, &AssetKind::ALL, self.bills.at);
        }
        self.stand(self.bills.at);
    }

    /// Pays bills, oldest first, by these kinds of assets.
    pub fn settle_bills(&mut self, cycles: &[Cycle], kinds: &[AssetKind], at: i64) {
        for cycle in cycles {
            for kind in kinds {
                let bill = &self.bills.issued[cycle];
                if bill.settled_at.is_none() {
                    self.pay(*kind, *cycle, bill.outstanding(), at);
                }
            }
        }
    }

    /// Lets one kind of asset pay at most so much; how much it paid.
    pub fn pay(&mut self, kind: AssetKind, cycle: Cycle, most: i128, at: i64) -> i128 {
        let bills = &self.bills;
        let there: Vec<(Asset, i128)> = match kind {
            AssetKind::Coupon => {
                let fitting = bills.fitting(at, None, bills.issued[&cycle].after_tax());
                fitting
                    .into_iter()
                    .map(|number| (Asset::Coupon(number), bills.coupons[number].balance))
                    .collect()
            }
            AssetKind::CreditRefund => {
                let eligible =
                    bills.refund.iter().filter(|(month, _)| bills.previous_too || **month <= cycle);
                eligible.map(|(month, left)| (Asset::Refund(*month), *left)).collect()
            }
            AssetKind::TransferBook => vec![(Asset::Book, self.usable_book())],
            AssetKind::Cash => vec![(Asset::Cash, self.own_cash())],
        };
        let mut left = most;
        for (asset, balance) in there {
            let amount = balance.min(left);
            if amount > 0 {
                self.pay_part(asset, cycle, amount, at);
                left -= amount;
            }
        }
        most - left
    }

    pub fn pay_part(&mut self, asset: Asset, cycle: Cycle, amount: i128, at: i64) {
        self.spend(asset, amount);
        let bill = self.bills.issued.get_mut(&cycle).unwrap();
        *bill.paid.entry(asset).or_default() += amount;
        if bill.outstanding() == 0 {
            bill.settled_at = Some(at);
        }
    }

    fn usable_book(&self) -> i128 {
        self.in_book().min(self.cash).max(0)
    }

    fn own_cash(&self) -> i128 {
        (self.cash - self.in_book()).max(0)
    }

    /// Takes from an asset; below 0 it comes back.
    fn spend(&mut self, asset: Asset, amount: i128) {
        match asset {
            Asset::Coupon(number) => self.bills.coupons[number].balance -= amount,
            Asset::Refund(month) => {
                let left = self.bills.refund.entry(month).or_default();
                *left -= amount;
                if *left == 0 {
                    self.bills.refund.remove(&month);
                }
            }
            Asset::Book | Asset::Cash => {
                self.cash -= amount;
                self.from_outside -= amount;
                if asset == Asset::Book {
                    self.bills.book_consumed += amount;
                }
            }
            Asset::Quota => self.bills.quota_consumed += amount,
            Asset::Credit => {}
        }
    }

    /// The first time by `now` from when on a coupon may be used and pays a bill by itself.
    fn pays_from(&self, now: i64) -> Option<i64> {
        let live = self.bills.coupons.iter().filter(|coupon| coupon.balance > 0 && !coupon.expired);
        let begun =
            live.map(|coupon| coupon.starts_at).filter(|start| self.bills.at < *start && *start <= now);
        let pays = |start: &i64| {
            let mut then = self.clone();
            then.event(*start);
            then.bills.previous() != self.bills.previous()
        };
        begun.filter(pays).min()
    }

    /// Decides what expires by `now`, in due order, and what coupons that begin pay; how much that is.
    pub fn settle(&mut self, now: i64) -> u64 {
        let mut count = 0;
        loop {
            let holds = self.holds.values().filter(|hold| hold.state == HoldState::Open);
            let coupons = self.bills.coupons.iter().filter(|coupon| coupon.balance > 0 && !coupon.expired);
            let due =
                holds.map(|hold| hold.expires_at.micros()).chain(coupons.map(|coupon| coupon.ends_at)).min();
            let begun = self.pays_from(now);
            // Reminders, and the end of grace, come after what else is due at the same instant.
            let others = due.into_iter().chain(begun).min();
            if let Some(passed) = self.standing.due().filter(|passed| *passed <= now)
                && others.is_none_or(|others| passed < others)
            {
                self.standing.pass(passed);
                count += 1;
                self.event(passed);
                continue;
            }
            // A coupon whose time begins may pay bills.
            if let Some(begun) = begun.filter(|begun| due.is_none_or(|due| *begun < due)) {
                count += 1;
                self.event(begun);
                continue;
            }
            let Some(due) = due.filter(|due| *due <= now) else { return count };
            let mut held = self.holds.values_mut().filter(|hold| hold.state == HoldState::Open);
            if let Some(hold) = held.find(|hold| hold.expires_at.micros() == due) {
                hold.state = HoldState::Expired;
            } else {
                let mut live =
                    self.bills.coupons.iter_mut().filter(|coupon| coupon.balance > 0 && !coupon.expired);
                live.find(|coupon| coupon.ends_at == due).unwrap().expired = true;
            }
            count += 1;
            self.event(due);
        }
    }

    /// Decides what time alone changes of the standing by `now`.
    pub fn settle_standing(&mut self, now: i64) {
        while let Some(passed) = self.standing.due().filter(|passed| *passed <= now) {
            self.standing.pass(passed);
            self.event(passed);
        }
    }

    /// Decides everything due by `now`: expiries, and bills on day 3 (rules D1, J5); how much, and why no more.
    pub fn advance(&mut self, now: i64, rates: &Rates) -> (u64, Option<Refusal>) {
        let (mut count, mut refused) = (0, None);
        while refused.is_none()
            && let Some(cycle) = self.bills.first_to_bill(self.bills.month(now))
        {
            let due = cycle.next().day(3, self.bills.offset).micros();
            if due > now {
                break;
            }
            count += self.settle(due);
            match self.issue(cycle, due, rates) {
                Ok(()) => count += 1,
                Err(refusal) => refused = Some(refusal),
            }
        }
        (count + self.settle(now), refused)
    }

    /// Issues what there is to bill up to a cycle; how many bills, and why no more.
    pub fn issue_through(&mut self, through: Cycle, now: i64, rates: &Rates) -> (u64, Option<Refusal>) {
        let mut count = 0;
        while let Some(cycle) = self.bills.first_to_bill(through) {
            match self.issue(cycle, now, rates) {
                Ok(()) => count += 1,
                Err(refusal) => return (count, Some(refusal)),
            }
        }
        (count, None)
    }

    /// Issues the bill of one cycle, after those of older ones.
    pub fn issue_named(&mut self, cycle: Cycle, now: i64, rates: &Rates) -> Result<(), Refusal> {
        let at = now.max(self.bills.at);
        if cycle < self.bills.open_from {
            return Err(Refusal::AlreadyIssued);
        }
        if cycle.next().start(self.bills.offset).micros() > at {
            return Err(Refusal::CycleOpen);
        }
        while let Some(older) = self.bills.first_to_bill(cycle).filter(|older| *older < cycle) {
            self.issue(older, at, rates)?;
        }
        self.issue(cycle, at, rates)
    }

    fn issue(&mut self, cycle: Cycle, at: i64, rates: &Rates) -> Result<(), Refusal> {
        let at = at.max(self.bills.at);
        self.settle(at);
        let bills = &self.bills;
        let sums = bills.open.get(&cycle).copied().unwrap_or_default();
        let exact = sums.gross - sums.deducted;
        let pretax = exact.div_euclid(CENT) * CENT;
        let taxable = exact - sums.taxes;
        let tax = times(bills.tax_rate, taxable);
        let after_tax = pretax + tax;
        let own = Currency::parse(&self.currency).unwrap();
        let settled_in = bills.currencies.range(..=cycle).next_back().map(|(_, currency)| *currency);
        let converted = match settled_in.filter(|currency| *currency != own) {
            None => None,
            Some(currency) => {
                let today = i32::try_from(at.div_euclid(DAY)).unwrap();
                let days = rates.get(&(own, currency)).and_then(|days| days.range(..=today).next_back());
                let (day, rate) = days.ok_or(Refusal::ExchangeRateMissing)?;
                Some((currency, *rate, *day, times(*rate, after_tax)))
            }
        };
        if cycle.next().start(bills.offset).micros() > at {
            return Err(Refusal::CycleOpen);
        }
        let mut bill = Bill {
            issued_at: at,
            due_at: at + bills.terms_days * DAY,
            charges: sums.charges,
            gross: sums.gross,
            coupons: sums.deducted,
            dropped: exact - pretax,
            taxable,
            tax_rate: bills.tax_rate,
            tax,
            converted,
            paid: BTreeMap::new(),
            settled_at: None,
        };
        let becomes = match self.kind {
            AccountType::Ecosystem => Some(Asset::Quota),
            AccountType::Direct if after_tax >= 0 => None,
            AccountType::Direct if self.credit_enabled => Some(Asset::Refund(bills.month(at))),
            AccountType::Direct => Some(Asset::Cash),
        };
        if let Some(asset) = becomes.filter(|_| after_tax != 0) {
            self.spend(asset, after_tax);
            bill.paid.insert(asset, after_tax);
        }
        bill.settled_at = (bill.outstanding() == 0).then_some(at);
        self.unsettled -= exact;
        self.bills.open.remove(&cycle);
        self.bills.open_from = cycle.next();
        self.bills.issued.insert(cycle, bill);
        self.event(at);
        Ok(())
    }

    /// Posts a charge at that business time, from which coupons deduct (rule C5).
    pub fn post(&mut self, cycle: Cycle, charge: &Sent, at: i64) {
        let (amount, start) = (charge.amount.money().units(), charge.start.micros());
        let Sent { category, service, .. } = *charge;
        self.unsettled += amount;
        self.charges += 1;
        let mut deducted = 0;
        if self.bills.writes_off() && amount > 0 && category != Category::Tax {
            for number in self.bills.fitting(start.max(self.bills.at), Some(service), amount) {
                let part = self.bills.coupons[number].balance.min(amount - deducted);
                self.bills.coupons[number].balance -= part;
                deducted += part;
            }
        }
        self.unsettled -= deducted;
        let sums = self.bills.open.entry(cycle).or_default();
        sums.charges += 1;
        sums.gross += amount;
        sums.deducted += deducted;
        if category == Category::Tax {
            sums.taxes += amount;
        }
        // A charge that crosses nothing leaves what is due to the clock.
        let waits = self.standing.due().is_some_and(|due| due <= at);
        let at = if waits { self.bills.at } else { at.max(self.bills.at) };
        let available = self.available();
        // The account's own time stays as it is.
        self.standing.step(at, available);
    }

    /// Owes for something that is no charge.
    pub fn owe(&mut self, cycle: Cycle, amount: i128) {
        self.unsettled += amount;
        self.bills.open.entry(cycle).or_default().gross += amount;
    }

    /// What pays a purchase (rule D6).
    pub fn funding(&self, amount: i128, service: Option<&str>, at: i64) -> Vec<(Asset, i128)> {
        let fitting = self.bills.fitting(at, service, amount);
        let coupons =
            fitting.into_iter().map(|number| (Asset::Coupon(number), self.bills.coupons[number].balance));
        let others =
            [(Asset::Book, self.usable_book()), (Asset::Cash, self.own_cash()), (Asset::Credit, i128::MAX)];
        let mut left = amount;
        let mut funding = Vec::new();
        for (asset, balance) in coupons.chain(others) {
            let part = balance.min(left);
            if part > 0 {
                funding.push((asset, part));
                left -= part;
            }
        }
        funding
    }

    pub fn purchase(&mut self, order: &str, amount: i128, service: Option<&str>, at: i64) {
        let funding = self.funding(amount, service, at);
        for (asset, part) in &funding {
            self.spend(*asset, *part);
            if *asset == Asset::Credit {
                self.owe(self.bills.month(at).max(self.bills.open_from), *part);
            }
        }
        let bought = Order { amount, funding, refunds: BTreeMap::new() };
        self.bills.orders.insert(order.to_owned(), bought);
    }

    /// Takes funding back, the last part first (rule D6).
    pub fn refund(&mut self, order: &str, refund: &str, amount: i128, at: i64) {
        let bought = self.bills.orders[order].clone();
        let (mut skip, mut left) = (bought.amount - bought.refundable(), amount);
        let mut refunded = Refunded { amount, returned: Vec::new(), forfeited: 0 };
        for (asset, part) in bought.funding.iter().rev() {
            let skipped = skip.min(*part);
            skip -= skipped;
            let part = (part - skipped).min(left);
            left -= part;
            if part == 0 {
                continue;
            }
            match asset {
                Asset::Coupon(number)
                    if self.bills.coupons[*number].expired || self.bills.coupons[*number].ends_at <= at =>
                {
                    refunded.forfeited += part;
                    continue;
                }
                Asset::Credit if self.kind == AccountType::Direct => {
                    self.spend(Asset::Refund(self.bills.month(at)), -part);
                }
                Asset::Credit => self.owe(self.bills.month(at).max(self.bills.open_from), -part),
                asset => self.spend(*asset, -part),
            }
            refunded.returned.push((*asset, part));
        }
        self.bills.orders.get_mut(order).unwrap().refunds.insert(refund.to_owned(), refunded);
    }
}

/// A product, rounded half away from zero to the cent.
fn times(rate: Rate, amount: i128) -> i128 {
    let (factor, scale) = (rate.decimal().mantissa(), rate.decimal().scale());
    let cent = BigUint::from(CENT.unsigned_abs());
    let (product, step) = (BigInt::from(amount) * factor, BigUint::from(10_u8).pow(scale) * &cent);
    let cents = (product.magnitude() + &step / 2_u8) / step;
    i128::try_from(BigInt::from_biguint(product.sign(), cents * cent)).unwrap()
}
