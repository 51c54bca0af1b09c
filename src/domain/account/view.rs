//! Every figure of one account, for whoever asks.

use super::{Account, Status};
use crate::domain::billing::rate::Rate;
use crate::domain::ids::{AccountIndex, Currency, EnterpriseIndex};
use crate::domain::money::{Money, RunningSum};
use crate::domain::profile::{AccountType, Profile};
use crate::domain::standing::{AlertState, SuspensionBenefit};
use crate::domain::time::{Timestamp, UtcOffset};

/// Every figure of one account (rule B3).
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(clippy::struct_excessive_bools)] // settings and states that have nothing to do with each other
pub struct AccountView {
    /// Its number.
    pub account: AccountIndex,
    /// Direct or ecosystem.
    pub kind: AccountType,
    /// Status.
    pub status: Status,
    /// Base currency.
    pub currency: Currency,
    /// Offset of its months.
    pub offset: UtcOffset,
    /// When it was opened.
    pub created_at: Timestamp,
    /// Name, owner and settings.
    pub profile: Profile,
    /// Prepaid cash.
    pub cash: Money,
    /// Credit limit.
    pub credit_limit: Money,
    /// Quota (ecosystem).
    pub quota: Money,
    /// Quota consumed by billed charges (ecosystem).
    pub quota_consumed: Money,
    /// Unsettled charges of open cycles; of an ecosystem account, the unbilled amount.
    pub unsettled_current: Money,
    /// What is outstanding of issued bills.
    pub unsettled_previous: Money,
    /// Credit refund that is left.
    pub credit_refund: Money,
    /// Available credit.
    pub available_credit: Money,
    /// Coupons that are valid at the time of the last decision.
    pub coupons_valid: u64,
    /// What is left of them.
    pub coupon_balance: Money,
    /// Whether automatic write-off is on (rule D3).
    pub automatic_write_off: bool,
    /// Whether credit refund pays older bills (rule D5).
    pub write_off_previous_bills: bool,
    /// The rate of tax (rule D2).
    pub tax_rate: Rate,
    /// The settlement currency that was set last (rule D9).
    pub settlement_currency: Currency,
    /// Transferred funds, part of the cash.
    pub transfer_book: Money,
    /// What open holds reserve.
    pub held: Money,
    /// Available credit less what is held.
    pub spendable: Money,
    /// Whether a partner pays for it, or it owes for too long (rule E6).
    pub may_not_serve_itself: bool,
    /// Cash on its way to other accounts, in nobody's balance.
    pub in_flight: Money,
    /// The enterprise it belongs to.
    pub enterprise: Option<EnterpriseIndex>,
    /// Charges posted so far.
    pub charges: u64,
    /// Its newest record.
    pub sequence: u64,
    /// Business time of its last decision.
    pub at: Timestamp,
    /// Whether it is overdue (rule H3).
    pub overdue: bool,
    /// Whether its services are suspended (rule H4).
    pub suspended: bool,
    /// How its low balance alert stands (rule H2).
    pub alert: AlertState,
    /// The alert's threshold; 0 until one is set.
    pub alert_threshold: Money,
    /// What delays a suspension (rule H4).
    pub suspension_benefit: Option<SuspensionBenefit>,
}

impl Account {
    /// Every figure of the account, with its composition (rule B3).
    pub fn view(&self) -> AccountView {
        let billing = self.billing();
        let valid = billing.coupons.iter().filter(|coupon| coupon.status(self.at) == "valid");
        let (coupons_valid, coupon_balance) = valid
            .fold((0, RunningSum::default()), |(count, sum), coupon| (count + 1, sum.plus(coupon.balance)));
        let set_last = billing.settlement_currencies.values().next_back();
        AccountView {
            account: self.index,
            kind: self.kind(),
            status: self.status,
            currency: self.currency,
            offset: self.offset,
            created_at: self.created_at,
            profile: self.profile(),
            cash: self.cash,
            credit_limit: self.credit_limit,
            quota: self.quota(),
            quota_consumed: self.quota_consumed(),
            unsettled_current: self.unsettled_current,
            unsettled_previous: self.unsettled_previous(),
            credit_refund: self.credit_refund(),
            available_credit: self.available_credit,
            coupons_valid,
            coupon_balance: coupon_balance.total().unwrap_or(Money::from_units(i128::MAX)),
            automatic_write_off: billing.writes_off(),
            write_off_previous_bills: billing.write_off_previous_bills,
            tax_rate: billing.tax_rate,
            settlement_currency: set_last.copied().unwrap_or(self.currency),
            transfer_book: self.transfer_book(),
            held: self.held(),
            spendable: self.spendable(),
            may_not_serve_itself: self.may_not_serve_itself(self.at),
            in_flight: self.in_flight(),
            enterprise: self.enterprise(),
            charges: self.charges(),
            sequence: self.sequence,
            at: self.at,
            overdue: self.available_credit < Money::ZERO,
            suspended: self.suspended(),
            alert: self.watch().map(|watch| watch.alert).unwrap_or_default(),
            alert_threshold: self.watch().map(|watch| watch.threshold).unwrap_or_default(),
            suspension_benefit: self.watch().and_then(|watch| watch.benefit),
        }
    }
}
