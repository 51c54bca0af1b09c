//! An asset that pays a bill, as a command names it.

use serde::Serialize;

use super::command_forms::{asset_name, optional_text, plain_amount};
use crate::domain::billing::asset::AssetKind;
use crate::domain::money::Amount;
use crate::domain::time::Cycle;

/// An asset that a person pays a bill with (rule D3).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PayingAsset {
    /// Its kind.
    #[serde(serialize_with = "asset_name")]
    pub kind: AssetKind,
    /// Of a coupon, its id.
    pub coupon: Option<String>,
    /// Of credit refund, the month; by default the oldest ones that may pay the bill.
    #[serde(serialize_with = "optional_text")]
    pub month: Option<Cycle>,
    /// How much of it.
    #[serde(serialize_with = "plain_amount")]
    pub amount: Amount,
}
