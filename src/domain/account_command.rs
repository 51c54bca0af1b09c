//! What an account can be asked to do.

use super::account::Counterpart;
use super::ids::{AccountIndex, EnterpriseIndex};
use super::money::Money;
use super::profile::ProfileChange;
use super::time::Timestamp;

/// A command to one account (rules A1, A2, A6, B1, B2, B5, D11, E3, F1–F4).
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
    /// Lets own cash go to the bank (rule D11).
    WithdrawCash {
        /// How much.
        amount: Money,
    },
    /// Transfers own cash into another account's transfer book (rule F1).
    TransferCash {
        /// Who receives it.
        to: Counterpart,
        /// How much.
        amount: Money,
    },
    /// Gives transferred cash back to its giver (rule F3); decided by the account that has it.
    RevokeTransfer {
        /// Who gets it back.
        giver: Counterpart,
        /// How much.
        amount: Money,
    },
    /// Gives credit back to the enterprise, or on to another member (rule E3).
    ReturnCredit {
        /// By how much the limit is lowered.
        amount: Money,
        /// The limit that this is to leave, where one is being set: another one shows that a second change was on its
        /// way, and applying both would lower it twice.
        limit_after: Option<Money>,
        /// The least available credit that must be left afterwards.
        min_available_credit_after: Option<Money>,
        /// The member whose limit rises by as much.
        moves_to: Option<AccountIndex>,
    },
    /// Joins an enterprise that has invited the account (rule A6).
    JoinEnterprise {
        /// Which.
        enterprise: EnterpriseIndex,
        /// Whether the account has the enterprise's verified owner, as both their records say.
        same_owner: bool,
    },
    /// Leaves its enterprise (rule A6).
    LeaveEnterprise {
        /// Which.
        enterprise: EnterpriseIndex,
    },
    /// Reserves an amount against spendable credit (rule B5).
    PlaceHold {
        /// The caller's id of the hold.
        hold: Box<str>,
        /// How much.
        amount: Money,
        /// When it expires by itself.
        expires_at: Timestamp,
    },
    /// Posts a purchase of a hold's amount, or of part of it; the rest is free again (rule B5).
    CaptureHold {
        /// Which.
        hold: Box<str>,
        /// How much; all of it by default.
        amount: Option<Money>,
    },
    /// Gives a hold up (rule B5).
    ReleaseHold {
        /// Which.
        hold: Box<str>,
    },
}
