//! Issuing bills (rules B2, D1, D2, D9).

use super::Account;
use crate::domain::account_event::AccountEvent;
use crate::domain::billing::asset::{Asset, Portion};
use crate::domain::billing::bill::{Bill, Converted};
use crate::domain::billing::rate::{ExchangeRates, Rate, round_down};
use crate::domain::charge::Category;
use crate::domain::money::{Money, RunningSum};
use crate::domain::paid_cloud_account::PaidCloudAccount;
use crate::domain::profile::AccountType;
use crate::domain::refusals::Refusal;
use crate::domain::time::{Cycle, Timestamp};
use crate::limits::ISSUE_DAY;

/// What the charges of one cycle sum to, over all that the account pays for.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct CycleSums {
    /// How many charges.
    pub charges: u64,
    /// Their sum.
    pub gross: RunningSum,
    /// What of it are charges that are taxes themselves.
    pub taxes: RunningSum,
}

impl CycleSums {
    /// Adds what one payment relationship has in `cycle`.
    pub fn add(&mut self, paid: &PaidCloudAccount, cycle: Cycle) {
        for sum in paid.sums().filter(|sum| sum.cycle == cycle) {
            self.charges += sum.charges;
            self.gross = self.gross.plus(sum.amount);
            if sum.category == Category::Tax {
                self.taxes = self.taxes.plus(sum.amount);
            }
        }
    }
}

impl Account {
    /// The first open cycle up to `through` in which there is something to bill; the relationships are the account's.
    pub fn first_to_bill<'p>(
        &self,
        paid: impl Iterator<Item = &'p PaidCloudAccount>,
        through: Cycle,
    ) -> Option<Cycle> {
        let charged = paid.flat_map(PaidCloudAccount::sums).map(|sum| sum.cycle);
        let bought = self.rare().into_iter().flat_map(|rare| rare.captured.keys().copied());
        charged.chain(bought).filter(|cycle| *cycle >= self.open_from && *cycle <= through).min()
    }

    /// When the bill of a cycle is due to be issued (rule D1).
    pub fn issue_due(&self, cycle: Cycle) -> Timestamp {
        cycle.next().day(ISSUE_DAY, self.offset)
    }

    /// Decides a cycle's bill at business time `at`; older cycles with something to bill come first.
    pub fn decide_issue(
        &self,
        cycle: Cycle,
        sums: CycleSums,
        rates: &ExchangeRates,
        at: Timestamp,
    ) -> Result<AccountEvent, Refusal> {
        const OVERFLOW: Refusal = Refusal::AmountOverflow;
        let billing = self.billing();
        let minor_digits = self.currency.minor_digits();
        let bought = self.rare().and_then(|rare| rare.captured.get(&cycle)).copied().unwrap_or_default().1;
        let gross = sums.gross.plus(bought).total().ok_or(OVERFLOW)?;
        let coupons = billing.deducted.get(&cycle).copied().unwrap_or_default();
        let exact = gross.checked_sub(coupons).ok_or(OVERFLOW)?;
        let pretax = round_down(exact, minor_digits).ok_or(OVERFLOW)?;
        let taxes = sums.taxes.total().ok_or(OVERFLOW)?;
        let taxable = exact.checked_sub(taxes).ok_or(OVERFLOW)?;
        let tax = billing.tax_rate.of(taxable, minor_digits).ok_or(OVERFLOW)?;
        let after_tax = pretax.checked_add(tax).ok_or(OVERFLOW)?;
        self.fits_after_issue(exact, after_tax)?;
        let payments = self.paid_at_issue(after_tax, at)?;
        let days = self.rare().map_or(10, |rare| rare.profile.payment_terms_days);
        let settled = after_tax == Money::ZERO || !payments.is_empty();
        let converted = self.converted(cycle, after_tax, rates, at)?.map(Box::new);
        if cycle.next().start(self.offset) > at {
            return Err(Refusal::CycleOpen);
        }
        if cycle < self.open_from {
            return Err(Refusal::AlreadyIssued);
        }
        Ok(AccountEvent::BillIssued {
            bill: Box::new(Bill {
                cycle,
                issued_at: at,
                due_at: at.plus_days(i64::from(days)),
                charges: sums.charges,
                gross,
                coupons,
                round_down_discount: exact.checked_sub(pretax).ok_or(OVERFLOW)?,
                taxable,
                tax_rate: billing.tax_rate,
                tax,
                converted,
                payments,
                settled_at: settled.then_some(at),
            }),
        })
    }

    /// What pays a bill as it is issued: the quota of an ecosystem account. A bill below 0 becomes credit refund, or cash
    /// where credit is not enabled (rules B2, D2).
    fn paid_at_issue(&self, after_tax: Money, at: Timestamp) -> Result<Vec<Portion>, Refusal> {
        let asset = match self.kind() {
            _ if after_tax == Money::ZERO => return Ok(Vec::new()),
            AccountType::Ecosystem => Asset::Quota,
            AccountType::Direct if after_tax > Money::ZERO => return Ok(Vec::new()),
            AccountType::Direct if self.profile().credit_enabled => {
                Asset::CreditRefund(Cycle::of(at, self.offset).ok_or(Refusal::TimeOutOfRange)?)
            }
            AccountType::Direct => Asset::Cash,
        };
        Ok(vec![Portion { asset, amount: after_tax }])
    }

    /// Refuses a bill after which a figure would not fit.
    fn fits_after_issue(&self, exact: Money, after_tax: Money) -> Result<(), Refusal> {
        const OVERFLOW: Refusal = Refusal::AmountOverflow;
        self.unsettled_current.checked_sub(exact).ok_or(OVERFLOW)?;
        let available = RunningSum::default().plus(self.available_credit).plus(exact).minus(after_tax);
        let available = available.total().ok_or(OVERFLOW)?;
        let less = RunningSum::default().minus(after_tax);
        let cash = less.plus(self.cash).total().ok_or(OVERFLOW)?;
        let refund = less.plus(self.credit_refund()).total().ok_or(OVERFLOW)?;
        self.quota_consumed().checked_add(after_tax).ok_or(OVERFLOW)?;
        self.unsettled_previous().checked_add(after_tax).ok_or(OVERFLOW)?;
        let rises = available > self.available_credit || after_tax < Money::ZERO;
        if rises && !self.leaves_room(available.max(cash).max(refund)) {
            return Err(OVERFLOW);
        }
        Ok(())
    }

    fn converted(
        &self,
        cycle: Cycle,
        after_tax: Money,
        rates: &ExchangeRates,
        at: Timestamp,
    ) -> Result<Option<Converted>, Refusal> {
        let Some(currency) = self.billing().settlement_currency(cycle, self.currency) else {
            return Ok(None);
        };
        let (day, rate): (i32, Rate) =
            rates.at(self.currency, currency, at).ok_or(Refusal::ExchangeRateMissing)?;
        let amount = rate.of(after_tax, currency.minor_digits()).ok_or(Refusal::AmountOverflow)?;
        Ok(Some(Converted { currency, rate, day, amount }))
    }

    /// A bill was issued: its total leaves what is unsettled of open cycles.
    pub(super) fn apply_bill(&mut self, bill: &Bill) {
        const FITS: &str = "invariant: a bill's sums were checked to fit";
        let exact = bill.gross.checked_sub(bill.coupons).expect(FITS);
        self.unsettled_current = self.unsettled_current.checked_sub(exact).expect(FITS);
        self.open_from = bill.cycle.next();
        if self.rare().is_some_and(|rare| rare.captured.contains_key(&bill.cycle)) {
            self.rare_mut().captured.remove(&bill.cycle);
        }
        for part in &bill.payments {
            self.spend(*part);
        }
        let billing = self.billing_mut();
        billing.deducted.remove(&bill.cycle);
        billing.bills.add(bill.clone());
    }
}
