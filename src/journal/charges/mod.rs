//! `ChargesPosted`, versions 1 to 3: the accepted charges of one step of a shard, as columns.
//!
//! | column | bytes a row | holds |
//! |---|---|---|
//! | account | 4 | account number |
//! | sequence | 8 | the account's record number |
//! | cloud | 4 | cloud account number |
//! | `amount_low`, `amount_high`, `amount_scale` | 8 + 4 + 1 | mantissa (96 bits), fraction digits and sign (bit 7) |
//! | `period_start` | 8 | microseconds since 1970 |
//! | cycle | 4 | months since January of the year 1 |
//! | category | 1 | number of the category; bit 7: correction |
//! | `id_length`, ids | 1 + … | 255: the 16 bytes of a UUID; else so many bytes of text |
//! | source, service, sku, unit | 4 | string number; `0xFFFF_FFFF`: in `inline` |
//! | `quantity_*` | as amount | scale 255: none |
//! | description, tags | 4 + … | lengths, and texts in `texts` |
//! | `import_row` | 8 | row of an import whose ids are digests, else 0 |
//!
//! A column whose rows are all equal holds one value, so absent fields cost nothing a row.
//!
//! Version 2 has two lists besides, for the few rows that need them, in the order of the rows:
//!
//! | list | bytes an item | holds |
//! |---|---|---|
//! | late | 4 + 4 | row, and the cycle that the charge is of, whose bill was issued before |
//! | deductions | 4 + 4 + 16 | row, number of a coupon, and how much it deducted in units of 10⁻¹⁸ |
//!
//! Version 3 has one more:
//!
//! | list | bytes an item | holds |
//! |---|---|---|
//! | standings | 4 + 8 + 1 + 16 + 16 | row that changed its account's standing, business time, which changes, available credit, threshold |
#![allow(clippy::ref_option_ref)] // as serde hands fields over

mod builder;
mod reader;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub use builder::ChargesBuilder;
pub use reader::{ChargesPosted, Rows};

use crate::domain::charge::Category;
use crate::domain::ids::{AccountIndex, CloudIndex};
use crate::domain::strings::StringId;
use crate::domain::time::{Cycle, Timestamp};

const UUID_MARK: u8 = 255;
const ABSENT: u8 = 255;
const SIGN: u8 = 0x80;
const CORRECTION: u8 = 0x80;

/// Bytes of an item of the list of late rows.
const LATE_SIZE: usize = 8;

/// Bytes of an item of the list of deductions.
const DEDUCTION_SIZE: usize = 24;

/// A text of a charge that repeats: by number, or in place where it is not kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Label<'a> {
    /// Its number.
    pub number: StringId,
    /// The text; only used where the number is [`StringId::INLINE`].
    pub inline: &'a str,
}

impl Label<'_> {
    /// An absent field.
    pub const EMPTY: Self = Self { number: StringId::EMPTY, inline: "" };
}

/// Bytes of an item of the list of changed standings.
const STANDING_SIZE: usize = 45;

/// One posted charge.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PostedCharge<'a> {
    /// The payer.
    pub account: AccountIndex,
    /// The payer's record number.
    pub sequence: u64,
    /// Who was charged.
    pub cloud: CloudIndex,
    /// How much.
    pub amount: Decimal,
    /// Start of the charge period.
    pub period_start: Timestamp,
    /// The cycle it was posted to.
    pub cycle: Cycle,
    /// The cycle that it is of: an earlier one where its bill was issued before (rule C4).
    pub original_cycle: Cycle,
    /// Its category.
    pub category: Category,
    /// Whether it corrects an earlier cycle.
    pub correction: bool,
    /// Its id within the source.
    pub id: ChargeId<'a>,
    /// Its source.
    pub source: Label<'a>,
    /// Service.
    pub service: Label<'a>,
    /// Stock-keeping unit.
    pub sku: Label<'a>,
    /// Unit of the quantity.
    pub unit: Label<'a>,
    /// Quantity.
    pub quantity: Option<Decimal>,
    /// Words.
    pub description: &'a str,
    /// JSON object.
    pub tags: &'a str,
    /// Row of the import, or 0.
    pub import_row: u64,
}

/// A charge's own id: text, or the 16 bytes of a UUID in canonical form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChargeId<'a> {
    /// Text of 1 to 128 bytes.
    Text(&'a str),
    /// A UUID.
    Uuid([u8; 16]),
}

impl<'a> ChargeId<'a> {
    /// Takes 16 bytes where the text is the canonical form of a UUID (lower case, with hyphens).
    #[inline]
    pub fn new(text: &'a str) -> Self {
        if text.len() == 36
            && !text.bytes().any(|byte| byte.is_ascii_uppercase())
            && let Ok(uuid) = uuid::Uuid::try_parse(text)
        {
            return Self::Uuid(uuid.into_bytes());
        }
        Self::Text(text)
    }

    /// The text, written into `space` where it is a UUID.
    pub fn as_str<'b>(&'b self, space: &'b mut [u8; 36]) -> &'b str {
        match self {
            Self::Text(text) => text,
            Self::Uuid(bytes) => uuid::Uuid::from_bytes(*bytes).hyphenated().encode_lower(space),
        }
    }
}

/// The wire form. Field order is the format; version 1 ends before `late`, version 2 before `standings`.
#[derive(Serialize, Deserialize)]
struct FormV1<'a> {
    rows: u32,
    #[serde(borrow)]
    strings: Vec<(u32, &'a str)>,
    #[serde(borrow)]
    inline: Vec<(u32, u8, &'a str)>,
    #[serde(with = "serde_bytes")]
    account: &'a [u8],
    #[serde(with = "serde_bytes")]
    sequence: &'a [u8],
    #[serde(with = "serde_bytes")]
    cloud: &'a [u8],
    #[serde(with = "serde_bytes")]
    amount_low: &'a [u8],
    #[serde(with = "serde_bytes")]
    amount_high: &'a [u8],
    #[serde(with = "serde_bytes")]
    amount_scale: &'a [u8],
    #[serde(with = "serde_bytes")]
    period_start: &'a [u8],
    #[serde(with = "serde_bytes")]
    cycle: &'a [u8],
    #[serde(with = "serde_bytes")]
    category: &'a [u8],
    #[serde(with = "serde_bytes")]
    id_length: &'a [u8],
    #[serde(with = "serde_bytes")]
    ids: &'a [u8],
    #[serde(with = "serde_bytes")]
    source: &'a [u8],
    #[serde(with = "serde_bytes")]
    service: &'a [u8],
    #[serde(with = "serde_bytes")]
    sku: &'a [u8],
    #[serde(with = "serde_bytes")]
    unit: &'a [u8],
    #[serde(with = "serde_bytes")]
    quantity_low: &'a [u8],
    #[serde(with = "serde_bytes")]
    quantity_high: &'a [u8],
    #[serde(with = "serde_bytes")]
    quantity_scale: &'a [u8],
    #[serde(with = "serde_bytes")]
    description_length: &'a [u8],
    #[serde(with = "serde_bytes")]
    tags_length: &'a [u8],
    texts: &'a str,
    #[serde(with = "serde_bytes")]
    import_row: &'a [u8],
    #[serde(with = "serde_bytes", default, skip_serializing_if = "Option::is_none")]
    late: Option<&'a [u8]>,
    #[serde(with = "serde_bytes", default, skip_serializing_if = "Option::is_none")]
    deductions: Option<&'a [u8]>,
    #[serde(with = "serde_bytes", default, skip_serializing_if = "Option::is_none")]
    standings: Option<&'a [u8]>,
}

#[cfg(test)]
mod tests;
