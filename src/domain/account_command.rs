//! What an account can be asked to do.

use super::money::Money;
use super::profile::ProfileChange;

/// A command to one account (rules A1, A2, B1, B2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccountCommand {
    /// Adds cash.
    TopUp {
        /// How much.
        amount: Money,
        /// The payment it came by.
        reference: Option<Box<str>>,
    },
    /// Corrects cash by an operator, up or down.
    AdjustCash {
        /// The difference.
        amount: Money,
        /// Why.
        reason: Box<str>,
    },
    /// Sets the credit limit given by the provider.
    GrantCreditLimit {
        /// The new limit.
        amount: Money,
    },
    /// Sets the quota given by the partner.
    SetQuota {
        /// The new quota.
        amount: Money,
    },
    /// Lowers the consumed quota by a repayment of the partner.
    RepayQuota {
        /// How much is repaid.
        amount: Money,
    },
    /// Changes facts of the profile.
    Modify {
        /// What is to change: what it does not name stays as it is when the account decides.
        change: ProfileChange,
    },
    /// Freezes the account.
    Freeze,
    /// Thaws a frozen account.
    Thaw,
    /// Cancels the account for good.
    Cancel,
}
