//! Settings of billing accounts, as commands give them.

use serde::Serialize;

use super::command_forms::optional_text;
use crate::domain::ids::Currency;
use crate::domain::profile::{AccountType, Site};
use crate::domain::time::UtcOffset;

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
