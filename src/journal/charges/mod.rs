//! `ChargesPosted`, versions 1 and 2: the accepted charges of one step of a shard, as columns.
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

/// The wire form. Field order is the format; version 1 ends before `late`.
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::billing::asset::{Asset, Portion};
    use crate::domain::money::Money;
    use crate::journal::frame;

    fn charge(row: u64) -> PostedCharge<'static> {
        PostedCharge {
            account: AccountIndex(3),
            sequence: row,
            cloud: CloudIndex(5),
            amount: Decimal::from_i128_with_scale(-79_228_162_514_264_337_593_543_950_335, 18),
            period_start: Timestamp::from_micros(-5),
            cycle: Cycle::new(2026, 5).unwrap(),
            original_cycle: Cycle::new(2026, 5).unwrap(),
            category: Category::Tax,
            correction: true,
            id: ChargeId::new("an id"),
            source: Label { number: StringId(4), inline: "" },
            service: Label { number: StringId::INLINE, inline: "rare service" },
            sku: Label::EMPTY,
            unit: Label { number: StringId::INLINE, inline: "rare unit" },
            quantity: (row == 2).then_some(Decimal::ONE_THOUSAND),
            description: if row == 1 { "words" } else { "" },
            tags: "{}",
            import_row: row,
        }
    }

    fn record() -> Vec<u8> {
        let mut builder = ChargesBuilder::default();
        builder.push_string(StringId(4), "focus");
        (1..=3).for_each(|row| builder.push(&charge(row)));
        let mut uuid = charge(4);
        uuid.id = ChargeId::new("67e55044-10b1-426f-9247-bb680e5fe0c8");
        builder.push(&uuid);
        let mut bytes = Vec::new();
        builder.finish(&mut bytes);
        bytes
    }

    #[test]
    fn reads_what_it_writes() {
        let bytes = record();
        let frame = frame::frames(&bytes).next().unwrap().unwrap();
        let posted = ChargesPosted::decode(&frame).unwrap();
        assert_eq!(posted.strings, [(StringId(4), "focus")]);
        let rows: Vec<_> = posted.iter().map(Result::unwrap).collect();
        assert_eq!(rows[..3], [charge(1), charge(2), charge(3)]);
        assert_eq!(rows[3].id.as_str(&mut [0; 36]), "67e55044-10b1-426f-9247-bb680e5fe0c8");
        assert_eq!(
            ChargeId::new("67E55044-10b1-426f-9247-bb680e5fe0c8").as_str(&mut [0; 36]),
            "67E55044-10b1-426f-9247-bb680e5fe0c8"
        );
    }

    fn deduction(number: u32, units: i128) -> Portion {
        Portion { asset: Asset::Coupon(number), amount: Money::from_units(units) }
    }

    fn late(row: u64) -> PostedCharge<'static> {
        PostedCharge { original_cycle: Cycle::new(2026, 4).unwrap(), ..charge(row) }
    }

    /// Five rows: the second and the last are late, coupons deduct from the first and, twice, from the fourth.
    fn record_of_version_2() -> Vec<u8> {
        let mut builder = ChargesBuilder::default();
        builder.push(&charge(1));
        builder.push_deductions(&[deduction(0, 1)]);
        builder.push(&late(2));
        builder.push(&charge(3));
        builder.push_deductions(&[]);
        builder.push(&charge(4));
        builder.push_deductions(&[deduction(u32::MAX, i128::MAX), deduction(2, 3)]);
        builder.push(&late(5));
        let mut bytes = Vec::new();
        builder.finish(&mut bytes);
        bytes
    }

    #[test]
    fn late_rows_and_deductions_read_back() {
        let bytes = record_of_version_2();
        let frame = frame::frames(&bytes).next().unwrap().unwrap();
        assert_eq!(frame.version, 2);
        let posted = ChargesPosted::decode(&frame).unwrap();
        let rows: Vec<_> = posted.iter().map(Result::unwrap).collect();
        assert_eq!(rows, [charge(1), late(2), charge(3), charge(4), late(5)]);
        let deductions: Vec<_> = posted.deductions().collect();
        let expect = [(0, deduction(0, 1)), (3, deduction(u32::MAX, i128::MAX)), (3, deduction(2, 3))];
        assert_eq!(deductions, expect);
    }

    #[test]
    fn either_list_makes_version_2_and_neither_is_left_over() {
        let mut builder = ChargesBuilder::default();
        let mut check = |charge: &PostedCharge<'_>, parts: &[Portion], version| {
            let mut bytes = Vec::new();
            builder.push(charge);
            builder.push_deductions(parts);
            builder.finish(&mut bytes);
            let frame = frame::frames(&bytes).next().unwrap().unwrap();
            assert_eq!(frame.version, version);
            let posted = ChargesPosted::decode(&frame).unwrap();
            assert_eq!(posted.iter().next().unwrap().unwrap(), *charge);
            assert_eq!(posted.deductions().map(|(_, part)| part).collect::<Vec<_>>(), parts);
            bytes
        };
        let before = check(&charge(1), &[], 1);
        check(&late(1), &[], 2);
        check(&charge(1), &[deduction(1, 1)], 2);
        check(&late(1), &[deduction(1, 1)], 2);
        assert_eq!(check(&charge(1), &[], 1), before);
    }

    #[test]
    fn lists_that_no_rows_have_are_refused() {
        let check = |late: &[u32], deductions: &[u32], cut: usize| {
            let mut builder = ChargesBuilder::default();
            (1..=3).for_each(|row| builder.push(&charge(row)));
            let list = |rows: &[u32], size: usize| {
                let item = |row: &u32| [&row.to_le_bytes()[..], &vec![0; size - 4]].concat();
                rows.iter().flat_map(item).collect::<Vec<u8>>()
            };
            builder.late = list(late, LATE_SIZE);
            builder.late.truncate(builder.late.len().saturating_sub(cut));
            builder.deductions = list(deductions, DEDUCTION_SIZE);
            builder.deductions.truncate(builder.deductions.len().saturating_sub(cut));
            let mut bytes = Vec::new();
            builder.finish(&mut bytes);
            let frame = frame::frames(&bytes).next().unwrap().unwrap();
            ChargesPosted::decode(&frame).map(|_| ()).map_err(|fault| fault.to_string())
        };
        let (bad_late, bad_deductions) =
            (Err("malformed late rows".into()), Err("malformed deductions".into()));
        assert_eq!(check(&[0, 2], &[0, 0, 2], 0), Ok(()));
        for late in [&[3][..], &[u32::MAX], &[1, 0], &[1, 1], &[0, 3]] {
            assert_eq!(check(late, &[], 0), bad_late, "{late:?}");
        }
        for deductions in [&[3][..], &[u32::MAX], &[1, 0], &[0, 1, 0], &[0, 3]] {
            assert_eq!(check(&[], deductions, 0), bad_deductions, "{deductions:?}");
        }
        for cut in [1, 7] {
            assert_eq!(check(&[0, 1], &[], cut), bad_late);
            assert_eq!(check(&[], &[0, 1], cut), bad_deductions);
        }
    }

    #[test]
    fn hostile_bytes_are_refused_never_a_panic() {
        check_hostile(&record());
        check_hostile(&record_of_version_2());
    }

    fn check_hostile(bytes: &[u8]) {
        for at in 0..bytes.len() {
            for flip in [1, 0x80, 0xff] {
                let mut hostile = bytes.to_vec();
                hostile[at] ^= flip;
                for frame in frame::frames(&hostile).map_while(Result::ok) {
                    if let Ok(posted) = ChargesPosted::decode(&frame) {
                        posted.iter().for_each(|row| drop(row.map(|row| row.amount)));
                        assert!(posted.deductions().all(|(row, _)| row < posted.rows()));
                    }
                }
            }
        }
    }
}
