//! What happened in the directory, and which places that makes.

use crate::domain::billing::rate::Rate;
use crate::domain::credit_control::Charter;
use crate::domain::ids::{AccountIndex, CloudIndex, Currency, EnterpriseIndex};
use crate::domain::money::Money;
use crate::domain::outbox::{Position, Settled};
use crate::domain::profile::Opening;
use crate::domain::time::Timestamp;

/// What happened in the directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DirectoryEvent {
    /// A billing account was opened under the next number.
    AccountOpened {
        /// The user's id.
        id: Box<str>,
        /// Everything it was opened with.
        opening: Box<Opening>,
    },
    /// A cloud account was registered under the next number; its first payer holds from the beginning of time.
    CloudAccountRegistered {
        /// The user's id.
        id: Box<str>,
        /// The first payer.
        payer: AccountIndex,
    },
    /// Another billing account pays from an instant on.
    PayerChanged {
        /// Whose payer.
        cloud: CloudIndex,
        /// The new payer.
        account: AccountIndex,
        /// From when on.
        effective_at: Timestamp,
    },
    /// An enterprise was opened under the next number (rule A6).
    EnterpriseOpened {
        /// The user's id.
        ecid: Box<str>,
        /// What it was opened with.
        charter: Box<Charter>,
    },
    /// The exchange rate of a day was set (rule D9).
    ExchangeRateSet {
        /// One unit of this currency…
        from: Currency,
        /// …is worth `rate` units of that.
        to: Currency,
        /// The day, counted from 1970-01-01.
        day: i32,
        /// The rate.
        rate: Rate,
    },
    /// A remittance has come to the shared bank account, and waits for an account to claim it (rule D11).
    RemittanceReceived {
        /// Its id.
        remittance: Box<str>,
        /// What it is.
        received: Remittance,
    },
    /// A channel is done with some notifications (rule H5).
    NotificationsSettled {
        /// The channel's name.
        channel: Box<str>,
        /// It is done with everything before.
        next: Position,
        /// What became of which.
        settled: Box<[Settled]>,
    },
}

impl DirectoryEvent {
    /// Whether charges may go elsewhere from then on.
    pub const fn routes(&self) -> bool {
        matches!(
            self,
            Self::AccountOpened { .. } | Self::CloudAccountRegistered { .. } | Self::PayerChanged { .. }
        )
    }
}

/// A remittance to the shared bank account (rule D11).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remittance {
    /// How much.
    pub amount: Money,
    /// In which currency.
    pub currency: Currency,
    /// What the bank says about it.
    pub reference: Option<Box<str>>,
}

/// A new place that the shard of `account` makes for a payment relationship, or for an account itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Admission {
    /// A billing account, at the next place of its shard.
    Account {
        /// Its number.
        account: AccountIndex,
        /// What it starts with.
        opening: Box<Opening>,
    },
    /// A payment relationship, at the next place of its shard.
    Payment {
        /// The payer.
        account: AccountIndex,
        /// Who is paid for.
        cloud: CloudIndex,
    },
    /// An enterprise, whose actors are to be started.
    Enterprise {
        /// Its number.
        enterprise: EnterpriseIndex,
        /// What it starts with.
        charter: Box<Charter>,
    },
}
