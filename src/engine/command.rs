//! What can be commanded, by whom, and what is answered. Ids are the users' own.

use std::fmt::Display;

use serde::{Serialize, Serializer};

use super::EngineError;
use super::queries::AccountOverview;
use crate::domain::ids::Currency;
use crate::domain::money::Amount;
use crate::domain::profile::{AccountType, Site};
use crate::domain::time::{Timestamp, UtcOffset};

/// The operator: may do everything.
pub const PROVIDER: &str = "provider";

/// Settings of a billing account that may be given when it is opened or modified (rule A1). Absent ones keep their
/// value, or the default.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize)]
pub struct AccountSettings {
    /// `direct` or `ecosystem`; fixed at opening.
    #[serde(serialize_with = "optional_text")]
    pub kind: Option<AccountType>,
    /// Legal owner.
    pub owner: Option<String>,
    /// Base currency; fixed at opening.
    #[serde(serialize_with = "optional_text")]
    pub currency: Option<Currency>,
    /// Display name, at most 128 characters.
    pub name: Option<String>,
    /// Offset of its months; fixed at opening.
    #[serde(serialize_with = "optional_text")]
    pub utc_offset: Option<UtcOffset>,
    /// Site.
    #[serde(serialize_with = "optional_text")]
    pub site: Option<Site>,
    /// Contact.
    pub contact: Option<String>,
    /// Whether credit limits may be granted.
    pub credit_enabled: Option<bool>,
    /// Whether a partner pays on behalf.
    pub pay_on_behalf: Option<bool>,
    /// Days from a bill's issue to its due date.
    pub payment_terms_days: Option<u16>,
}

/// What can be commanded. Ids are the users' own.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub enum Command {
    /// Registers a cloud account and opens its default billing account under the same id (rule A3).
    RegisterCloudAccount {
        /// The new id of both.
        cloud_account: String,
        /// Settings of the billing account.
        settings: AccountSettings,
    },
    /// Registers a cloud account that an existing billing account pays for.
    RegisterPaidCloudAccount {
        /// The new id.
        cloud_account: String,
        /// Who pays.
        billing_account: String,
    },
    /// Opens a billing account.
    OpenBillingAccount {
        /// The new id.
        billing_account: String,
        /// Its settings.
        settings: AccountSettings,
    },
    /// Changes settings of a billing account.
    ModifyBillingAccount {
        /// Which.
        billing_account: String,
        /// The settings to change.
        settings: AccountSettings,
    },
    /// Changes who pays for some cloud accounts (rule A4).
    SetPayer {
        /// Whose payer.
        cloud_accounts: Vec<String>,
        /// The new payer.
        billing_account: String,
        /// From when on; by default from the decision on.
        #[serde(serialize_with = "optional_text")]
        effective_at: Option<Timestamp>,
    },
    /// Freezes a billing account.
    FreezeBillingAccount {
        /// Which.
        billing_account: String,
    },
    /// Thaws a billing account.
    ThawBillingAccount {
        /// Which.
        billing_account: String,
    },
    /// Cancels a billing account (rule A2).
    CancelBillingAccount {
        /// Which.
        billing_account: String,
    },
    /// Adds cash.
    TopUp {
        /// Whose.
        billing_account: String,
        /// How much.
        #[serde(serialize_with = "plain_amount")]
        amount: Amount,
        /// The payment it came by.
        reference: Option<String>,
    },
    /// Corrects cash, up or down.
    AdjustCash {
        /// Whose.
        billing_account: String,
        /// The difference.
        #[serde(serialize_with = "plain_amount")]
        amount: Amount,
        /// Why.
        reason: String,
    },
    /// Sets the credit limit given by the provider.
    GrantCreditLimit {
        /// Whose.
        billing_account: String,
        /// The new limit.
        #[serde(serialize_with = "plain_amount")]
        amount: Amount,
    },
    /// Sets the quota of an ecosystem account.
    SetQuota {
        /// Whose.
        billing_account: String,
        /// The new quota.
        #[serde(serialize_with = "plain_amount")]
        amount: Amount,
    },
    /// Lowers the consumed quota of an ecosystem account.
    RepayQuota {
        /// Whose.
        billing_account: String,
        /// How much was repaid.
        #[serde(serialize_with = "plain_amount")]
        amount: Amount,
    },
}

#[allow(clippy::ref_option)] // serde's form
fn optional_text<T: Display, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

/// 1.0 and 1.00 are the same request.
fn plain_amount<S: Serializer>(amount: &Amount, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&amount.money())
}

impl Command {
    /// Registers a cloud account with the default settings.
    pub fn register_cloud_account(cloud_account: impl Into<String>) -> Self {
        Self::RegisterCloudAccount {
            cloud_account: cloud_account.into(),
            settings: AccountSettings::default(),
        }
    }

    /// Adds cash.
    pub fn top_up(billing_account: impl Into<String>, amount: Amount) -> Self {
        Self::TopUp { billing_account: billing_account.into(), amount, reference: None }
    }
}

/// A command with who gives it, when, and under which idempotency key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// What to do.
    pub command: Command,
    /// A cloud account, one of its users (`cloud_account/user`), or [`PROVIDER`].
    pub principal: String,
    /// The caller's key: a repeated command gets its first answer (rule J2).
    pub key: Option<String>,
    /// Business time; by default now (rule J5).
    pub at: Option<Timestamp>,
}

impl Request {
    /// A command of the provider, now, without a key.
    pub fn new(command: Command) -> Self {
        Self { command, principal: PROVIDER.to_owned(), key: None, at: None }
    }
}

/// What a command answers. Everything in it is durable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// The figures of the billing account after the command.
    Account(Box<AccountOverview>),
    /// A result for each item, in order.
    Items(Vec<(String, Result<(), EngineError>)>),
}
