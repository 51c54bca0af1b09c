//! Every figure of one account, for whoever asks.

use super::{Account, Status};
use crate::domain::ids::{AccountIndex, Currency, EnterpriseIndex};
use crate::domain::money::Money;
use crate::domain::profile::{AccountType, Profile};
use crate::domain::time::{Timestamp, UtcOffset};

/// Every figure of one account (rule B3).
#[derive(Clone, PartialEq, Eq, Debug)]
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
    /// Available credit.
    pub available_credit: Money,
    /// Transferred funds, part of the cash.
    pub transfer_book: Money,
    /// What open holds reserve.
    pub held: Money,
    /// Available credit less what is held.
    pub spendable: Money,
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
}

impl Account {
    /// Every figure of the account, with its composition (rule B3).
    pub fn view(&self) -> AccountView {
        AccountView {
            account: self.index,
            kind: self.kind,
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
            available_credit: self.available_credit,
            transfer_book: self.transfer_book(),
            held: self.held(),
            spendable: self.spendable(),
            in_flight: self.in_flight(),
            enterprise: self.enterprise(),
            charges: self.charges,
            sequence: self.sequence,
            at: self.at,
        }
    }
}
