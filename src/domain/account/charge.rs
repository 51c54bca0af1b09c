//! The rules of an account's charges: where each goes, and what coupons deduct from it (rules A2, C4, C5, C7, D9).

use super::marks::Mark;
use super::{Account, ChargeDecision, ChargePlace, Status};
use crate::domain::billing::asset::{Asset, Portion};
use crate::domain::billing::coupon::Use;
use crate::domain::charge::Category;
use crate::domain::ids::Currency;
use crate::domain::imports::ImportedRow;
use crate::domain::money::Money;
use crate::domain::paid_cloud_account::PaidCloudAccount;
use crate::domain::refusals::Refusal;
use crate::domain::standing::ChargeStanding;
use crate::domain::time::{Cycle, CycleSpan, Timestamp};
use crate::limits::{LATE_CYCLES, MEMBER_UNITS_MAX};

impl Account {
    /// Decides where a charge goes: its cycle, or why it can't be posted (rules A2, C4, D9).
    ///
    /// `span` is a cycle looked up before; it saves the calendar for the usual charge.
    #[inline]
    #[allow(clippy::too_many_arguments)] // the fields of one charge that rules look at
    pub fn decide_charge(
        &self,
        paid: &PaidCloudAccount,
        amount: Money,
        currency: Currency,
        period_start: Timestamp,
        billing_cycle: Option<Cycle>,
        category: Category,
        span: &mut Option<CycleSpan>,
    ) -> ChargeDecision {
        if self.status == Status::Canceled && !self.takes_after_cancel(amount, period_start) {
            return Err(Refusal::AccountCanceled);
        }
        if currency != self.currency {
            return Err(Refusal::CurrencyMismatch);
        }
        if self.unsettled_current.checked_add(amount).is_none()
            || self
                .available_credit
                .checked_sub(amount)
                .is_none_or(|after| amount < Money::ZERO && !self.leaves_room(after))
        {
            return Err(Refusal::AmountOverflow);
        }
        let original = match billing_cycle {
            Some(cycle) => cycle,
            None => match span {
                Some(span) if span.holds(period_start, self.offset) => span.cycle,
                _ => {
                    *span = CycleSpan::of(period_start, self.offset);
                    span.map(|span| span.cycle).ok_or(Refusal::TimeOutOfRange)?
                }
            },
        };
        let cycle = if original < self.open_from { self.late_place(original)? } else { original };
        let fits = paid.sum(cycle, category).checked_add(amount).is_some();
        if fits { Ok(ChargePlace { cycle, original }) } else { Err(Refusal::AmountOverflow) }
    }

    /// Where a charge goes whose cycle is issued: to the first open one, unless its identity is forgotten (rules C2, C4).
    #[cold]
    fn late_place(&self, original: Cycle) -> Result<Cycle, Refusal> {
        let issued_after = self.open_from.index() - 1 - original.index();
        if issued_after < LATE_CYCLES { Ok(self.open_from) } else { Err(Refusal::CycleTooOld) }
    }

    /// Whether a figure that rises to `after` leaves room for what is in flight to a member (rule F5).
    ///
    /// Not inlined: what it looks at lies outside of an account's first cache line, and would be loaded for every charge.
    #[inline(never)]
    pub(super) fn leaves_room(&self, after: Money) -> bool {
        after.units() <= MEMBER_UNITS_MAX || self.enterprise().is_none()
    }

    /// A canceled account takes only late charges and refunds (rule A2).
    fn takes_after_cancel(&self, amount: Money, period_start: Timestamp) -> bool {
        let canceled_at = self.rare().and_then(|rare| rare.canceled_at);
        amount < Money::ZERO || canceled_at.is_some_and(|canceled_at| period_start < canceled_at)
    }

    /// Posts a charge that was decided; the account's record number rises by one.
    #[inline]
    pub fn apply_charge(
        &mut self,
        paid: &mut PaidCloudAccount,
        amount: Money,
        cycle: Cycle,
        category: Category,
    ) {
        const FITS: &str = "invariant: sums were checked by decide_charge";
        self.unsettled_current = self.unsettled_current.checked_add(amount).expect(FITS);
        self.available_credit = self.available_credit.checked_sub(amount).expect(FITS);
        self.sequence += 1;
        self.marks.set(Mark::Costs, true);
        let sum = paid.sum_mut(cycle, category, self.open_from);
        sum.amount = sum.amount.checked_add(amount).expect(FITS);
        sum.charges += 1;
    }

    /// Decides what coupons deduct from a charge at a place that was decided (rules C5, D7), in the order of deduction.
    ///
    /// A coupon must be valid at the charge's time or, if that is later, at the account's own. Charges below 0 and taxes
    /// are not deducted from.
    pub fn decide_deductions(
        &self,
        amount: Money,
        period_start: Timestamp,
        category: Category,
        service: &str,
        parts: &mut Vec<Portion>,
    ) {
        if self.deducts() && amount > Money::ZERO && category != Category::Tax {
            let used = Use { at: period_start.max(self.at), service: Some(service), amount };
            self.billing().coupons.plan(used, amount, parts);
        }
    }

    /// Deducts what was decided from the charge posted last.
    pub fn apply_deductions(&mut self, cycle: Cycle, parts: impl IntoIterator<Item = Portion>) {
        const FITS: &str = "invariant: at most the charge is deducted";
        for Portion { asset, amount } in parts {
            let Asset::Coupon(number) = asset else {
                unreachable!("invariant: only coupons deduct from charges")
            };
            self.unsettled_current = self.unsettled_current.checked_sub(amount).expect(FITS);
            self.available_credit = self.available_credit.checked_add(amount).expect(FITS);
            let aside = self.aside.get_or_insert_default();
            let billing = aside.billing.get_or_insert_default();
            billing.coupons.deduct(number, amount);
            let deducted = billing.deducted.entry(cycle).or_default();
            *deducted = deducted.checked_add(amount).expect(FITS);
            if !billing.coupons.has_live() {
                self.marks.set(Mark::Deducts, false);
            }
        }
    }

    /// A charge has changed the account's standing; part of the charge's own record.
    pub fn apply_standing_of_charge(&mut self, standing: &ChargeStanding) {
        self.apply_standing(standing.change.changes, standing.at);
        self.find_attention();
    }

    /// Decides whether a row of an import continues what was imported (rule C7).
    pub fn imports_decide(&self, imported: &ImportedRow<'_>, cycle: Cycle) -> Result<(), Refusal> {
        self.rare().map_or(Ok(()), |rare| rare.imports.decide(imported, cycle))
    }
}
