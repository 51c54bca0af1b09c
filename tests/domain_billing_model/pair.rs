//! The account beside its model: the same is given to both, and all figures are compared.

use std::collections::BTreeMap;

use exchequer::domain::account_command::{AccountCommand, PayWith};
use exchequer::domain::billing::asset::{Asset, AssetKind, Portion};
use exchequer::domain::billing::coupon::{CouponKind, CouponTerms};
use exchequer::domain::billing::rate::Rate;
use exchequer::domain::billing::settlement::SettlementEnd;
use exchequer::domain::charge::Category;
use exchequer::domain::profile::{Opening, Profile};
use exchequer::domain::refusals::Refusal;
use exchequer::domain::time::Cycle;

use crate::billing::{self, Bench};
use crate::model::{BOOK, CASH, COUPON, Coupon, Model, REFUND, Told};
use crate::{Choice, Op, RATES, SERVICES, big, money, month, time, units};

const fn end_of(finish: bool) -> SettlementEnd {
    if finish { SettlementEnd::Finished } else { SettlementEnd::Closed }
}

pub struct Pair {
    bench: Bench,
    model: Model,
}

impl Pair {
    pub fn new(credit_enabled: bool) -> Self {
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
    pub fn run(&mut self, op: Op) {
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

    pub fn check(&self) {
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
