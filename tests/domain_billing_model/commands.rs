//! What the rules say of charges and of each command (rules B1, C4, C5, D1–D8).

use std::collections::BTreeMap;

use num_bigint::BigInt;

use crate::model::{BOOK, Bill, CASH, COUPON, CREDIT, KINDS, Model, Order, REFUND, Told};
use crate::{Choice, MAY, MIL, month};

impl Model {
    pub fn charge(
        &mut self,
        amount: &BigInt,
        day: i64,
        tax: bool,
        service: usize,
    ) -> Result<u32, &'static str> {
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
    pub fn pick_bill(&self, pick: usize) -> u32 {
        let mut open = self.bills.iter().filter(|bill| bill.settled.is_none()).map(|bill| bill.cycle);
        let other = MAY + u32::try_from(pick % 8).unwrap();
        open.nth(pick % (open.clone().count() + 1)).unwrap_or(other)
    }

    pub fn first_to_bill(&self) -> Option<u32> {
        self.counts.keys().chain(self.bought.keys()).min().copied()
    }

    pub fn issue(&mut self, cycle: u32) -> Result<(), &'static str> {
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

    pub fn pay(&mut self, cycle: u32, with: &[(Choice, BigInt)]) -> Told {
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

    pub fn purchase(&mut self, id: usize, amount: &BigInt, service: Option<usize>) -> Told {
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

    pub fn refund(&mut self, id: usize, refund: usize, amount: &BigInt) -> Told {
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

    pub fn start(&mut self, id: usize, mut cycles: Vec<u32>, mut assets: Vec<u8>) -> Told {
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

    pub fn end(&mut self, id: usize, finish: bool) -> Told {
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
