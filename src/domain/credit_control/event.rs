//! What happened to a credit control.

use crate::domain::account_event::Posted;
use crate::domain::ids::AccountIndex;
use crate::domain::money::Money;

/// What happened to a credit control.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CreditEvent {
    /// The Account Center was enabled.
    AccountCenterEnabled,
    /// An account was invited.
    AccountInvited {
        /// Which.
        account: AccountIndex,
    },
    /// An account has accepted.
    MemberJoined {
        /// Which.
        account: AccountIndex,
        /// Number of its message.
        number: u64,
    },
    /// A member has left.
    MemberLeft {
        /// Which.
        account: AccountIndex,
        /// Number of its message.
        number: u64,
    },
    /// The total quota changed.
    TotalCreditSet {
        /// Public cloud quota.
        public_cloud: Money,
        /// Hybrid cloud quota.
        hybrid_cloud: Money,
    },
    /// The contract was asked for.
    ContractRequested,
    /// It was approved.
    ContractApproved,
    /// It was confirmed, and these limits with it.
    ContractConfirmed {
        /// Each member with its limit, in the order of the messages that carry them.
        activated: Vec<(AccountIndex, Money)>,
        /// The first message.
        posted: Posted,
    },
    /// A limit waits for the contract.
    LimitPending {
        /// Whose.
        account: AccountIndex,
        /// Which.
        limit: Money,
    },
    /// A member's limit was raised.
    CreditAllocated {
        /// Whose.
        account: AccountIndex,
        /// By how much.
        amount: Money,
        /// The limit afterwards.
        assigned_after: Money,
        /// The message that carries it.
        posted: Posted,
    },
    /// A member gave credit back, or on to another one.
    CreditReturned {
        /// Who.
        account: AccountIndex,
        /// Number of its message.
        number: u64,
        /// How much.
        amount: Money,
        /// The member whose limit rises by as much, and the message that carries it.
        moved: Option<(AccountIndex, Posted)>,
    },
    /// A command under an idempotency key found everything as it asked for.
    NothingChanged,
}
