//! What happened to an account.

use super::account::Status;
use super::money::Money;
use super::profile::Profile;

/// What happened to one account: a fact, applied without any rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccountEvent {
    /// Cash was added.
    CashToppedUp {
        /// How much.
        amount: Money,
        /// Cash afterwards.
        cash_after: Money,
        /// The payment it came by.
        reference: Option<Box<str>>,
    },
    /// Cash was corrected.
    CashAdjusted {
        /// The difference.
        amount: Money,
        /// Cash afterwards.
        cash_after: Money,
        /// Why.
        reason: Box<str>,
    },
    /// The credit limit changed.
    CreditLimitGranted {
        /// Before.
        before: Money,
        /// After.
        after: Money,
    },
    /// The quota changed.
    QuotaSet {
        /// Before.
        before: Money,
        /// After.
        after: Money,
    },
    /// Consumed quota was repaid.
    QuotaRepaid {
        /// How much.
        amount: Money,
        /// Consumption afterwards.
        consumed_after: Money,
    },
    /// The profile changed.
    ProfileModified {
        /// The whole new profile.
        profile: Profile,
    },
    /// The status changed.
    StatusChanged {
        /// After.
        status: Status,
    },
}
