//! What bills, and what pays them, must satisfy (rules B1, D1–D9).

use super::{Invariant, Violation};
use crate::domain::account::Account;
use crate::domain::account_event::AccountEvent;
use crate::domain::billing::Billing;
use crate::domain::billing::asset::{Asset, Portion};
use crate::domain::billing::bill::Bill;
use crate::domain::billing::rate::round_down;
use crate::domain::ids::Currency;
use crate::domain::ledger::Ledger;
use crate::domain::money::{Money, RunningSum};
use crate::domain::profile::AccountType;
use crate::limits::MEMBER_UNITS_MAX;

/// Checks that automatic write-off has paid all that it may, which holds between commands only: each is followed by its
/// write-off in the same step.
pub fn check_write_offs(ledgers: &[Ledger]) -> Vec<Violation> {
    let accounts = ledgers.iter().flat_map(|ledger| &ledger.accounts);
    let undone = accounts.filter(|account| match account.decide_write_off(account.at()) {
        // Coupons are held back where available credit has no room for what they pay, and a charge makes some.
        Some(AccountEvent::BillsWrittenOff { payments }) => {
            account.available_credit().units() < MEMBER_UNITS_MAX / 2
                || payments.iter().any(|payment| !matches!(payment.part.asset, Asset::Coupon(_)))
        }
        _ => false,
    });
    let violation = |account: &Account| Violation {
        invariant: Invariant::WriteOffIsDone,
        detail: format!("account {} has bills outstanding that its assets may pay", account.index),
    };
    undone.map(violation).collect()
}

/// Checks one account's bills, coupons and credit refund.
pub(super) fn check(account: &Account, violated: &mut impl FnMut(Invariant, String)) {
    let (number, billing) = (account.index, account.billing());
    for bill in billing.bills.iter().filter(|bill| !adds_up(bill, account.currency())) {
        let detail = format!("the bill {} of account {number} does not add up", bill.cycle);
        violated(Invariant::BillsAddUp, detail);
    }
    if billing.bills.outstanding_recomputed() != Some(billing.bills.outstanding()) {
        let detail = format!("account {number} caches {} as outstanding", billing.bills.outstanding());
        violated(Invariant::UnsettledEqualsBills, detail);
    }
    if !issued_once(account, billing) {
        let detail =
            format!("account {number} has bills or open sums on the wrong side of {}", account.open_from());
        violated(Invariant::BillsIssuedOnce, detail);
    }
    let coupons = || billing.coupons.iter();
    let outside = coupons().any(|one| one.balance < Money::ZERO || one.balance > one.terms.nominal);
    let missing =
        coupons().fold(RunningSum::default(), |sum, one| sum.plus(one.terms.nominal).minus(one.balance));
    if outside || missing != coupon_uses(billing) {
        violated(Invariant::CouponsEqualUses, format!("account {number} has coupons of another balance"));
    }
    let left = billing.credit_refund.values();
    let empty = left.clone().any(|left| *left <= Money::ZERO);
    let left = left.fold(RunningSum::default(), |sum, left| sum.plus(*left));
    if empty || left != credit_refund_made(account.kind(), billing) {
        let detail = format!("account {number} has credit refund that no refund has made");
        violated(Invariant::CreditRefundEqualsRefunds, detail);
    }
}

fn adds_up(bill: &Bill, currency: Currency) -> bool {
    let digits = currency.minor_digits();
    let exact = RunningSum::default().plus(bill.gross).minus(bill.coupons);
    let pretax = exact.minus(bill.round_down_discount);
    let outstanding = bill.payments.iter().fold(pretax.plus(bill.tax), |sum, part| sum.minus(part.amount));
    let (Some(pretax), Some(outstanding)) = (pretax.total(), outstanding.total()) else { return false };
    let converted = bill.converted.as_ref().is_none_or(|converted| {
        let after_tax = pretax.checked_add(bill.tax);
        after_tax.and_then(|sum| converted.rate.of(sum, converted.currency.minor_digits()))
            == Some(converted.amount)
    });
    // That the discount is from 0 to less than a minor unit.
    exact.total().and_then(|exact| round_down(exact, digits)) == Some(pretax)
        && bill.tax_rate.of(bill.taxable, digits) == Some(bill.tax)
        && outstanding >= Money::ZERO
        && bill.settled_at.is_some() == (outstanding == Money::ZERO)
        && converted
}

fn issued_once(account: &Account, billing: &Billing) -> bool {
    let captured = account.rare().into_iter().flat_map(|rare| rare.captured.keys());
    billing.bills.iter().is_sorted_by(|one, next| one.cycle < next.cycle)
        && billing.bills.iter().all(|bill| bill.cycle < account.open_from())
        && billing.deducted.keys().chain(captured).all(|cycle| *cycle >= account.open_from())
}

/// What coupons have deducted from charges and paid of bills and purchases, less what came back.
fn coupon_uses(billing: &Billing) -> RunningSum {
    let deducted = billing.deducted.values().copied().chain(billing.bills.iter().map(|bill| bill.coupons));
    let sum = deducted.fold(RunningSum::default(), RunningSum::plus);
    let sum = paid(billing).filter(is_coupon).fold(sum, |sum, part| sum.plus(part.amount));
    let funding = billing.orders.values().flat_map(|order| order.funding.iter());
    let sum = funding.filter(is_coupon).fold(sum, |sum, part| sum.plus(part.amount));
    returned(billing).filter(is_coupon).fold(sum, |sum, part| sum.minus(part.amount))
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as `filter` hands it over
fn is_coupon(part: &&Portion) -> bool {
    matches!(part.asset, Asset::Coupon(_))
}

/// What refunds and bills below 0 have made of credit refund, less what it has paid.
fn credit_refund_made(kind: AccountType, billing: &Billing) -> RunningSum {
    // What an ecosystem account bought is unbilled, and so is its refund.
    let made = returned(billing).filter(|part| kind == AccountType::Direct && part.asset == Asset::Credit);
    let made = made.fold(RunningSum::default(), |sum, part| sum.plus(part.amount));
    let spent = paid(billing).filter(|part| matches!(part.asset, Asset::CreditRefund(_)));
    spent.fold(made, |sum, part| sum.minus(part.amount))
}

/// What has paid bills; below 0 where a bill below 0 was paid out.
fn paid(billing: &Billing) -> impl Iterator<Item = &Portion> {
    billing.bills.iter().flat_map(|bill| &bill.payments)
}

fn returned(billing: &Billing) -> impl Iterator<Item = &Portion> {
    let refunds = billing.orders.values().flat_map(|order| &order.refunds);
    refunds.flat_map(|refund| refund.returned.iter())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::{CycleSums, Surroundings};
    use crate::domain::account_command::AccountCommand;
    use crate::domain::account_event::AccountEvent;
    use crate::domain::billing::coupon::{CouponKind, CouponTerms};
    use crate::domain::billing::rate::{ExchangeRates, Rate};
    use crate::domain::charge::Category;
    use crate::domain::directory::Admission;
    use crate::domain::ids::{AccountIndex, CloudIndex};
    use crate::domain::invariants::check_ledger;
    use crate::domain::profile::{Opening, Profile};
    use crate::domain::time::{Cycle, Timestamp, UtcOffset};

    const MAY: &str = "2026-05";

    fn money(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    fn cycle(text: &str) -> Cycle {
        Cycle::parse(text).unwrap()
    }

    /// The 4th of June, when the bill of May is issued.
    fn now() -> Timestamp {
        cycle("2026-06").day(4, UtcOffset::default())
    }

    fn command(account: &mut Account, command: &AccountCommand) {
        let event = account.decide(command, now(), Surroundings::default());
        account.apply(&event.unwrap().unwrap(), now());
    }

    /// An account with a bill of 10.01, taxed by 5 % and converted, of which a coupon has deducted 3.009 and cash has
    /// paid 2; a purchase by coupon and on credit, half refunded; and a charge of June. Nothing is left to pay with but
    /// a coupon of 1 for storage.
    fn ledger() -> Ledger {
        let (at, profile) = (cycle(MAY).start(UtcOffset::default()), Profile::default());
        let (kind, currency, offset) = (AccountType::Direct, Currency::USD, UtcOffset::default());
        let opening = Box::new(Opening { kind, currency, offset, at, profile });
        let mut ledger = Ledger::new(0, 1);
        ledger.admit(&Admission::Account { account: AccountIndex(0), opening });
        ledger.admit(&Admission::Payment { account: AccountIndex(0), cloud: CloudIndex(0) });
        let (account, paid) = (&mut ledger.accounts[0], &mut ledger.payments[0].paid);
        let coupon = |id: &str, nominal, services: &[&str]| AccountCommand::GrantCoupon {
            coupon: Box::new(CouponTerms {
                id: id.into(),
                kind: CouponKind::Coupon,
                nominal: money(nominal),
                starts_at: at,
                ends_at: Timestamp::MAX,
                services: services.iter().map(|service| (*service).into()).collect(),
                minimum_spend: Money::ZERO,
            }),
        };
        command(account, &coupon("a", "3.009", &[]));
        let tax = Rate::parse("0.05").unwrap();
        command(account, &AccountCommand::SetTaxRate { rate: tax });
        let eur = Currency::parse("EUR").unwrap();
        account.apply(&AccountEvent::SettlementCurrencySet { from: cycle(MAY), currency: eur }, now());
        account.apply_charge(paid, money("10.01"), cycle(MAY), Category::Usage);
        let mut parts = Vec::new();
        account.decide_deductions(money("10.01"), at, Category::Usage, "", &mut parts);
        account.apply_deductions(cycle(MAY), parts);
        account.apply_charge(paid, money("7"), cycle("2026-06"), Category::Usage);
        let mut rates = ExchangeRates::default();
        rates.set(Currency::USD, eur, 0, Rate::parse("0.9").unwrap());
        let mut sums = CycleSums::default();
        sums.add(paid, cycle(MAY));
        let event = account.decide_issue(cycle(MAY), sums, &rates, now()).unwrap();
        account.apply(&event, now());
        command(account, &coupon("b", "5", &["storage"]));
        command(account, &AccountCommand::GrantCreditLimit { amount: money("100") });
        let (order, service) = (Box::from("o"), Some("storage".into()));
        command(account, &AccountCommand::Purchase { order, amount: money("8"), cloud: None, service });
        // The 3 on credit, and 1 of the coupon.
        let (order, refund) = (Box::from("o"), Box::from("r"));
        command(account, &AccountCommand::RefundPurchase { order, refund, amount: money("4") });
        command(account, &AccountCommand::TopUp { amount: money("2"), reference: None });
        let written_off = account.decide_write_off(now()).unwrap();
        account.apply(&written_off, now());
        ledger
    }

    fn check(expect: &[Invariant], change: impl FnOnce(&mut Account)) {
        let mut ledger = ledger();
        change(&mut ledger.accounts[0]);
        let mut violations = check_ledger(&ledger);
        violations.extend(check_write_offs(&[ledger]));
        let found: Vec<_> = violations.into_iter().map(|violation| violation.invariant).collect();
        assert_eq!(found, expect);
    }

    fn bill(account: &mut Account) -> &mut Bill {
        &mut account.billing_mut().bills.bills_mut()[0]
    }

    #[test]
    fn what_was_billed_and_paid_is_in_order() {
        check(&[], |account| {
            let bill = bill(account);
            // 7.001 is 7; 5 % of 7.001 is 0.35; 7.35 EUR at 0.9 is 6.615; the credit refund of June does not pay it.
            assert_eq!((bill.after_tax(), bill.outstanding()), (money("7.35"), money("5.35")));
            assert_eq!(bill.converted.as_ref().map(|converted| converted.amount), Some(money("6.62")));
        });
    }

    #[test]
    fn every_breach_of_a_bill_is_found() {
        // rules D2, D9
        let add_up = [Invariant::BillsAddUp];
        check(&add_up, |account| {
            let bill = bill(account);
            bill.round_down_discount = money("-0.009");
            bill.gross = money("10");
        });
        check(&add_up, |account| bill(account).taxable = money("7.1"));
        check(&add_up, |account| bill(account).tax_rate = Rate::default());
        check(&add_up, |account| bill(account).settled_at = Some(now()));
        check(&add_up, |account| {
            if let Some(converted) = &mut bill(account).converted {
                converted.amount = money("6.61");
            }
        });
        check(&[Invariant::UnsettledEqualsBills], |account| {
            bill(account).payments[0].amount = money("1");
        });
        // rule D1
        // A bill of June may be paid by credit refund of June, too.
        check(&[Invariant::BillsIssuedOnce, Invariant::WriteOffIsDone], |account| {
            bill(account).cycle = cycle("2026-06");
        });
        check(&[Invariant::BillsIssuedOnce], |account| {
            account.billing_mut().deducted.insert(cycle(MAY), Money::ZERO);
        });
        check(&[Invariant::BillsIssuedOnce], |account| {
            account.rare_mut().captured.insert(cycle(MAY), (0, Money::ZERO));
        });
    }

    #[test]
    fn every_breach_of_an_asset_is_found() {
        // rules D6, D7
        check(&[Invariant::CouponsEqualUses], |account| {
            account.billing_mut().coupons.deduct(1, money("0.1"));
        });
        check(&[Invariant::CouponsEqualUses], |account| {
            account.billing_mut().coupons.deduct(1, money("-4.1"));
        });
        // rule D5
        let june = cycle("2026-06");
        check(&[Invariant::CreditRefundEqualsRefunds], |account| {
            account.billing_mut().credit_refund.insert(june.next(), Money::ZERO);
        });
        check(&[Invariant::AvailableCreditIsExact, Invariant::CreditRefundEqualsRefunds], |account| {
            account.billing_mut().credit_refund.insert(june, money("3.1"));
        });
        // rule D3
        check(&[Invariant::WriteOffIsDone], |account| {
            command(account, &AccountCommand::TopUp { amount: money("1"), reference: None });
        });
        check(&[Invariant::WriteOffIsDone], |account| {
            command(account, &AccountCommand::SetWriteOffPreviousBills { enabled: true });
        });
    }
}
