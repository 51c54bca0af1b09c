//! Who an account is, and what it is opened with (rule A1).

use std::fmt;

use super::ids::Currency;
use super::time::{Timestamp, UtcOffset};

/// How an account settles (rule A1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccountType {
    /// With the provider itself, from cash and credit.
    Direct,
    /// With a partner, within a quota.
    Ecosystem,
}

impl fmt::Display for AccountType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Direct => "direct",
            Self::Ecosystem => "ecosystem",
        })
    }
}

/// Where an account is registered (rule A1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Site {
    /// The international site.
    International,
    /// The site of mainland China.
    China,
}

impl fmt::Display for Site {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::International => "international",
            Self::China => "china",
        })
    }
}

/// Facts about an account that rules seldom need. Absent texts default to the account's id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Profile {
    /// Display name, at most 128 characters.
    pub name: Option<Box<str>>,
    /// Legal owner.
    pub owner: Option<Box<str>>,
    /// How to reach the account's people.
    pub contact: Option<Box<str>>,
    /// Where it is registered.
    pub site: Site,
    /// Whether credit limits may be granted.
    pub credit_enabled: bool,
    /// Whether a partner pays on behalf (ecosystem accounts).
    pub pay_on_behalf: bool,
    /// Days from a bill's issue to its due date (rule D1).
    pub payment_terms_days: u16,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            name: None,
            owner: None,
            contact: None,
            site: Site::International,
            credit_enabled: true,
            pay_on_behalf: false,
            payment_terms_days: 10,
        }
    }
}

/// What is to change in a profile; what is absent stays as it is.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ProfileChange {
    /// Display name; inside, none is the default: the account's id.
    pub name: Option<Option<Box<str>>>,
    /// Legal owner; inside, none is the default: the account's id.
    pub owner: Option<Option<Box<str>>>,
    /// How to reach the account's people.
    pub contact: Option<Box<str>>,
    /// Where it is registered.
    pub site: Option<Site>,
    /// Whether credit limits may be granted.
    pub credit_enabled: Option<bool>,
    /// Whether a partner pays on behalf.
    pub pay_on_behalf: Option<bool>,
    /// Days from a bill's issue to its due date.
    pub payment_terms_days: Option<u16>,
}

impl Profile {
    /// The profile with that change.
    #[must_use]
    pub fn changed(self, change: ProfileChange) -> Self {
        Self {
            name: change.name.unwrap_or(self.name),
            owner: change.owner.unwrap_or(self.owner),
            contact: change.contact.or(self.contact),
            site: change.site.unwrap_or(self.site),
            credit_enabled: change.credit_enabled.unwrap_or(self.credit_enabled),
            pay_on_behalf: change.pay_on_behalf.unwrap_or(self.pay_on_behalf),
            payment_terms_days: change.payment_terms_days.unwrap_or(self.payment_terms_days),
        }
    }
}

/// What an account is opened with (rule A1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Opening {
    /// Direct or ecosystem.
    pub kind: AccountType,
    /// Base currency.
    pub currency: Currency,
    /// Offset of its months.
    pub offset: UtcOffset,
    /// When it was opened.
    pub at: Timestamp,
    /// Everything else.
    pub profile: Profile,
}
