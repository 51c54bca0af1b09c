//! What a credit control can be asked to do.

use crate::domain::account::AccountView;
use crate::domain::money::Money;

/// A command to a credit control.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CreditCommand {
    /// Enables the Account Center.
    EnableAccountCenter,
    /// Invites an account.
    InviteAccount {
        /// What the account answered about itself.
        account: Box<AccountView>,
        /// Its legal owner, as the account's record says.
        owner: Box<str>,
    },
    /// Sets the total credit quota.
    SetTotalCredit {
        /// Public cloud quota.
        public_cloud: Money,
        /// Hybrid cloud quota.
        hybrid_cloud: Money,
    },
    /// Asks for the contract.
    RequestContract,
    /// Approves it.
    ApproveContract,
    /// Confirms it: all pending limits become active.
    ConfirmContract,
    /// Raises a member's limit, or sets one that waits for the contract.
    AllocateCredit {
        /// What the account answered about itself.
        account: Box<AccountView>,
        /// The limit that it is to have.
        limit: Money,
        /// The least available credit that it must have afterwards.
        min_available_credit_after: Option<Money>,
    },
}
