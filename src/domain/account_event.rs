//! What happened to an account.

use super::account::Status;
use super::ids::{AccountIndex, EnterpriseIndex};
use super::keys::Remembered;
use super::money::{Money, RunningSum};
use super::profile::Profile;
use super::time::{Cycle, Timestamp};

/// The message that a record sends (rule F5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Posted {
    /// Its number among the sender's messages.
    pub number: u64,
    /// Up to which number the sender's messages were acknowledged by then.
    pub acknowledged: u64,
}

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
    /// Cash left to the bank.
    CashWithdrawn {
        /// How much.
        amount: Money,
        /// Cash afterwards.
        cash_after: Money,
    },
    /// Cash left for another account's transfer book.
    CashTransferred {
        /// Whose.
        to: AccountIndex,
        /// How much.
        amount: Money,
        /// Cash afterwards.
        cash_after: Money,
        /// The message that carries it.
        posted: Posted,
    },
    /// Transferred cash arrived.
    TransferReceived {
        /// The giver.
        from: AccountIndex,
        /// Number of the giver's message.
        number: u64,
        /// How much.
        amount: Money,
        /// Cash afterwards.
        cash_after: Money,
    },
    /// Transferred cash left for its giver.
    TransferRevoked {
        /// Who gets it back.
        giver: AccountIndex,
        /// How much.
        amount: Money,
        /// Cash afterwards.
        cash_after: Money,
        /// The message that carries it.
        posted: Posted,
    },
    /// Cash came back that this account had transferred.
    RevocationReceived {
        /// From where.
        from: AccountIndex,
        /// Number of the sender's message.
        number: u64,
        /// How much.
        amount: Money,
        /// Cash afterwards.
        cash_after: Money,
    },
    /// The enterprise raised the credit limit.
    CreditReceived {
        /// Which enterprise.
        enterprise: EnterpriseIndex,
        /// Number of the credit control's message.
        number: u64,
        /// By how much.
        amount: Money,
        /// The limit afterwards.
        limit_after: Money,
    },
    /// The credit limit was lowered, for the enterprise or another member.
    CreditReturned {
        /// Which enterprise.
        enterprise: EnterpriseIndex,
        /// By how much.
        amount: Money,
        /// The limit afterwards.
        limit_after: Money,
        /// The member whose limit rises by as much.
        moves_to: Option<AccountIndex>,
        /// The key that the credit control remembers too.
        remembered: Option<Box<Remembered>>,
        /// The message that carries it.
        posted: Posted,
    },
    /// It joined an enterprise.
    EnterpriseJoined {
        /// Which.
        enterprise: EnterpriseIndex,
        /// The message that tells its credit control.
        posted: Posted,
    },
    /// It left its enterprise.
    EnterpriseLeft {
        /// Which.
        enterprise: EnterpriseIndex,
        /// The message that tells its credit control.
        posted: Posted,
    },
    /// An amount was reserved.
    HoldPlaced {
        /// Its id.
        hold: Box<str>,
        /// How much.
        amount: Money,
        /// When it expires by itself.
        expires_at: Timestamp,
    },
    /// A hold became a purchase.
    HoldCaptured {
        /// Its id.
        hold: Box<str>,
        /// How much was captured; the rest is free again.
        amount: Money,
        /// The cycle that the purchase was posted to.
        cycle: Cycle,
    },
    /// A hold was given up.
    HoldReleased {
        /// Its id.
        hold: Box<str>,
    },
    /// A hold's time ran out.
    HoldExpired {
        /// Its id.
        hold: Box<str>,
    },
}

impl AccountEvent {
    /// How much it moved; 0 where nothing moves.
    pub const fn amount(&self) -> Money {
        match self {
            Self::CashToppedUp { amount, .. }
            | Self::CashAdjusted { amount, .. }
            | Self::QuotaRepaid { amount, .. }
            | Self::CashWithdrawn { amount, .. }
            | Self::CashTransferred { amount, .. }
            | Self::TransferReceived { amount, .. }
            | Self::TransferRevoked { amount, .. }
            | Self::RevocationReceived { amount, .. }
            | Self::CreditReceived { amount, .. }
            | Self::CreditReturned { amount, .. }
            | Self::HoldPlaced { amount, .. }
            | Self::HoldCaptured { amount, .. } => *amount,
            _ => Money::ZERO,
        }
    }

    /// By how much it changes the account's cash.
    pub fn cash_moved(&self) -> RunningSum {
        let nothing = RunningSum::default();
        match self {
            Self::TransferReceived { amount, .. } | Self::RevocationReceived { amount, .. } => {
                nothing.plus(*amount)
            }
            Self::CashTransferred { amount, .. } | Self::TransferRevoked { amount, .. } => {
                nothing.minus(*amount)
            }
            event => event.cash_from_outside(),
        }
    }

    /// How much of that comes from outside of the ledger, or leaves it.
    pub fn cash_from_outside(&self) -> RunningSum {
        let nothing = RunningSum::default();
        match self {
            Self::CashToppedUp { amount, .. } | Self::CashAdjusted { amount, .. } => nothing.plus(*amount),
            Self::CashWithdrawn { amount, .. } => nothing.minus(*amount),
            _ => nothing,
        }
    }
}
