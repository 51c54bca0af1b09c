//! `ChargesPosted`, version 1: the accepted charges of one step of a shard, as columns.
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

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::JournalFault;
use super::column::{Column, ColumnBuilder};
use super::frame::{self, Frame, Kind};
use crate::domain::charge::Category;
use crate::domain::ids::{AccountIndex, CloudIndex};
use crate::domain::strings::StringId;
use crate::domain::time::{Cycle, Timestamp};
use crate::limits::CHUNK_CHARGES_MAX;

const UUID_MARK: u8 = 255;
const ABSENT: u8 = 255;
const SIGN: u8 = 0x80;
const CORRECTION: u8 = 0x80;

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

/// The wire form, version 1. Field order is the format.
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
}

#[derive(Debug, Default)]
struct DecimalBuilder {
    low: ColumnBuilder<u64>,
    high: ColumnBuilder<u32>,
    scale: ColumnBuilder<u8>,
}

impl DecimalBuilder {
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // splits 96 bits into 64 and 32
    fn push(&mut self, decimal: Decimal) {
        let mantissa = decimal.mantissa().unsigned_abs();
        self.low.push(mantissa as u64);
        self.high.push((mantissa >> 64) as u32);
        self.scale.push(decimal.scale() as u8 | if decimal.is_sign_negative() { SIGN } else { 0 });
    }

    fn push_absent(&mut self) {
        self.low.push(0);
        self.high.push(0);
        self.scale.push(ABSENT);
    }

    fn clear(&mut self) {
        self.low.clear();
        self.high.clear();
        self.scale.clear();
    }
}

#[derive(Clone, Copy, Debug)]
struct DecimalColumn<'a> {
    low: Column<'a, u64>,
    high: Column<'a, u32>,
    scale: Column<'a, u8>,
}

impl DecimalColumn<'_> {
    #[inline]
    fn row(&self, row: usize) -> Result<Option<Decimal>, JournalFault> {
        let scale = self.scale.row(row);
        if scale == ABSENT {
            return Ok(None);
        }
        let mantissa = i128::from(self.high.row(row)) << 64 | i128::from(self.low.row(row));
        let signed = if scale & SIGN == 0 { mantissa } else { -mantissa };
        Decimal::try_from_i128_with_scale(signed, u32::from(scale & !SIGN))
            .map(Some)
            .map_err(|_| JournalFault::Malformed("amount"))
    }
}

/// Collects the posted charges of one step.
#[derive(Debug, Default)]
pub struct ChargesBuilder {
    rows: u32,
    strings: Vec<(u32, Box<str>)>,
    inline: Vec<(u32, u8, Box<str>)>,
    account: ColumnBuilder<u32>,
    sequence: ColumnBuilder<u64>,
    cloud: ColumnBuilder<u32>,
    amount: DecimalBuilder,
    period_start: ColumnBuilder<i64>,
    cycle: ColumnBuilder<u32>,
    category: ColumnBuilder<u8>,
    id_length: ColumnBuilder<u8>,
    ids: Vec<u8>,
    labels: [ColumnBuilder<u32>; 4],
    quantity: DecimalBuilder,
    description_length: ColumnBuilder<u32>,
    tags_length: ColumnBuilder<u32>,
    texts: String,
    import_row: ColumnBuilder<u64>,
}

impl ChargesBuilder {
    /// Rows so far.
    pub const fn rows(&self) -> u32 {
        self.rows
    }

    /// Adds a string that the log may not hold yet.
    pub fn push_string(&mut self, number: StringId, text: &str) {
        self.strings.push((number.0, text.into()));
    }

    /// Adds a row.
    #[inline]
    pub fn push(&mut self, charge: &PostedCharge<'_>) {
        self.account.push(charge.account.0);
        self.sequence.push(charge.sequence);
        self.cloud.push(charge.cloud.0);
        self.amount.push(charge.amount);
        self.period_start.push(charge.period_start.micros());
        self.cycle.push(charge.cycle.index());
        self.category.push(charge.category as u8 | if charge.correction { CORRECTION } else { 0 });
        match charge.id {
            ChargeId::Uuid(bytes) => {
                self.id_length.push(UUID_MARK);
                self.ids.extend_from_slice(&bytes);
            }
            ChargeId::Text(text) => {
                let length = u8::try_from(text.len()).ok().filter(|length| *length < UUID_MARK);
                self.id_length.push(length.expect("invariant: ids have at most 128 bytes"));
                self.ids.extend_from_slice(text.as_bytes());
            }
        }
        for (field, label) in (0_u8..).zip([charge.source, charge.service, charge.sku, charge.unit]) {
            self.labels[usize::from(field)].push(label.number.0);
            if label.number == StringId::INLINE {
                self.inline.push((self.rows, field, label.inline.into()));
            }
        }
        match charge.quantity {
            Some(quantity) => self.quantity.push(quantity),
            None => self.quantity.push_absent(),
        }
        let length =
            |text: &str| u32::try_from(text.len()).expect("invariant: texts are bounded by TEXT_BYTES_MAX");
        self.description_length.push(length(charge.description));
        self.tags_length.push(length(charge.tags));
        self.texts.push_str(charge.description);
        self.texts.push_str(charge.tags);
        self.import_row.push(charge.import_row);
        self.rows += 1;
    }

    /// Appends the record to a block's bytes and empties the builder.
    pub fn finish(&mut self, bytes: &mut Vec<u8>) {
        let [source, service, sku, unit] = &mut self.labels;
        let form = FormV1 {
            rows: self.rows,
            strings: self.strings.iter().map(|(number, text)| (*number, &**text)).collect(),
            inline: self.inline.iter().map(|(row, field, text)| (*row, *field, &**text)).collect(),
            account: self.account.bytes(),
            sequence: self.sequence.bytes(),
            cloud: self.cloud.bytes(),
            amount_low: self.amount.low.bytes(),
            amount_high: self.amount.high.bytes(),
            amount_scale: self.amount.scale.bytes(),
            period_start: self.period_start.bytes(),
            cycle: self.cycle.bytes(),
            category: self.category.bytes(),
            id_length: self.id_length.bytes(),
            ids: &self.ids,
            source: source.bytes(),
            service: service.bytes(),
            sku: sku.bytes(),
            unit: unit.bytes(),
            quantity_low: self.quantity.low.bytes(),
            quantity_high: self.quantity.high.bytes(),
            quantity_scale: self.quantity.scale.bytes(),
            description_length: self.description_length.bytes(),
            tags_length: self.tags_length.bytes(),
            texts: &self.texts,
            import_row: self.import_row.bytes(),
        };
        frame::append(bytes, Kind::ChargesPosted, 1, |bytes| rmp_serde::encode::write(bytes, &form));
        self.clear();
    }

    fn clear(&mut self) {
        self.rows = 0;
        self.strings.clear();
        self.inline.clear();
        self.account.clear();
        self.sequence.clear();
        self.cloud.clear();
        self.amount.clear();
        self.period_start.clear();
        self.cycle.clear();
        self.category.clear();
        self.id_length.clear();
        self.ids.clear();
        self.labels.iter_mut().for_each(ColumnBuilder::clear);
        self.quantity.clear();
        self.description_length.clear();
        self.tags_length.clear();
        self.texts.clear();
        self.import_row.clear();
    }
}

/// A decoded record: its columns, read in place.
pub struct ChargesPosted<'a> {
    rows: usize,
    /// Strings that the log may not have held before.
    pub strings: Vec<(StringId, &'a str)>,
    inline: Vec<(u32, u8, &'a str)>,
    account: Column<'a, u32>,
    sequence: Column<'a, u64>,
    cloud: Column<'a, u32>,
    amount: DecimalColumn<'a>,
    period_start: Column<'a, i64>,
    cycle: Column<'a, u32>,
    category: Column<'a, u8>,
    id_length: Column<'a, u8>,
    ids: &'a [u8],
    labels: [Column<'a, u32>; 4],
    quantity: DecimalColumn<'a>,
    description_length: Column<'a, u32>,
    tags_length: Column<'a, u32>,
    texts: &'a str,
    import_row: Column<'a, u64>,
}

impl<'a> ChargesPosted<'a> {
    /// Decodes and checks the columns' lengths.
    pub fn decode(frame: &Frame<'a>) -> Result<Self, JournalFault> {
        let form: FormV1<'a> = rmp_serde::from_slice(frame.body)
            .map_err(|source| JournalFault::Form { kind: frame.kind.name(), source })?;
        let rows = form.rows as usize;
        if rows == 0 || rows > CHUNK_CHARGES_MAX {
            return Err(JournalFault::Malformed("row count"));
        }
        Ok(Self {
            rows,
            strings: form.strings.into_iter().map(|(number, text)| (StringId(number), text)).collect(),
            inline: form.inline,
            account: Column::new(form.account, rows)?,
            sequence: Column::new(form.sequence, rows)?,
            cloud: Column::new(form.cloud, rows)?,
            amount: DecimalColumn {
                low: Column::new(form.amount_low, rows)?,
                high: Column::new(form.amount_high, rows)?,
                scale: Column::new(form.amount_scale, rows)?,
            },
            period_start: Column::new(form.period_start, rows)?,
            cycle: Column::new(form.cycle, rows)?,
            category: Column::new(form.category, rows)?,
            id_length: Column::new(form.id_length, rows)?,
            ids: form.ids,
            labels: [
                Column::new(form.source, rows)?,
                Column::new(form.service, rows)?,
                Column::new(form.sku, rows)?,
                Column::new(form.unit, rows)?,
            ],
            quantity: DecimalColumn {
                low: Column::new(form.quantity_low, rows)?,
                high: Column::new(form.quantity_high, rows)?,
                scale: Column::new(form.quantity_scale, rows)?,
            },
            description_length: Column::new(form.description_length, rows)?,
            tags_length: Column::new(form.tags_length, rows)?,
            texts: form.texts,
            import_row: Column::new(form.import_row, rows)?,
        })
    }

    /// How many charges.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// The charges in order.
    pub fn iter(&self) -> Rows<'_, 'a> {
        Rows { record: self, row: 0, id_offset: 0, text_offset: 0, inline: 0 }
    }
}

impl<'r, 'a> IntoIterator for &'r ChargesPosted<'a> {
    type Item = Result<PostedCharge<'a>, JournalFault>;
    type IntoIter = Rows<'r, 'a>;

    fn into_iter(self) -> Rows<'r, 'a> {
        self.iter()
    }
}

/// The charges of a record, in order.
pub struct Rows<'r, 'a> {
    record: &'r ChargesPosted<'a>,
    row: usize,
    id_offset: usize,
    text_offset: usize,
    inline: usize,
}

impl<'a> Rows<'_, 'a> {
    fn label(&mut self, field: u8) -> Result<Label<'a>, JournalFault> {
        let number = StringId(self.record.labels[usize::from(field)].row(self.row));
        if number != StringId::INLINE {
            return Ok(Label { number, inline: "" });
        }
        match self.record.inline.get(self.inline) {
            Some((row, of, text)) if *row as usize == self.row && *of == field => {
                self.inline += 1;
                Ok(Label { number, inline: text })
            }
            _ => Err(JournalFault::Malformed("inline text")),
        }
    }

    fn text(&mut self, length: u32) -> Result<&'a str, JournalFault> {
        let end = self.text_offset + length as usize;
        let text =
            self.record.texts.get(self.text_offset..end).ok_or(JournalFault::Malformed("text length"))?;
        self.text_offset = end;
        Ok(text)
    }

    fn id(&mut self) -> Result<ChargeId<'a>, JournalFault> {
        const FAULT: JournalFault = JournalFault::Malformed("charge id");
        let length = self.record.id_length.row(self.row);
        let bytes = if length == UUID_MARK { 16 } else { usize::from(length) };
        let id = self.record.ids.get(self.id_offset..self.id_offset + bytes).ok_or(FAULT)?;
        self.id_offset += bytes;
        if length == UUID_MARK {
            Ok(ChargeId::Uuid(id.try_into().map_err(|_| FAULT)?))
        } else {
            str::from_utf8(id).map(ChargeId::Text).map_err(|_| FAULT)
        }
    }

    #[inline]
    fn charge(&mut self) -> Result<PostedCharge<'a>, JournalFault> {
        let (record, row) = (self.record, self.row);
        let category = record.category.row(row);
        Ok(PostedCharge {
            account: AccountIndex(record.account.row(row)),
            sequence: record.sequence.row(row),
            cloud: CloudIndex(record.cloud.row(row)),
            amount: record.amount.row(row)?.ok_or(JournalFault::Malformed("amount"))?,
            period_start: Timestamp::from_micros(record.period_start.row(row)),
            cycle: Cycle::from_index(record.cycle.row(row)),
            category: Category::from_number(category & !CORRECTION)
                .ok_or(JournalFault::Malformed("category"))?,
            correction: category & CORRECTION != 0,
            id: self.id()?,
            source: self.label(0)?,
            service: self.label(1)?,
            sku: self.label(2)?,
            unit: self.label(3)?,
            quantity: record.quantity.row(row)?,
            description: self.text(record.description_length.row(row))?,
            tags: self.text(record.tags_length.row(row))?,
            import_row: record.import_row.row(row),
        })
    }
}

impl<'a> Iterator for Rows<'_, 'a> {
    type Item = Result<PostedCharge<'a>, JournalFault>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.row == self.record.rows {
            return None;
        }
        let charge = self.charge();
        self.row = if charge.is_ok() { self.row + 1 } else { self.record.rows };
        Some(charge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charge(row: u64) -> PostedCharge<'static> {
        PostedCharge {
            account: AccountIndex(3),
            sequence: row,
            cloud: CloudIndex(5),
            amount: Decimal::from_i128_with_scale(-79_228_162_514_264_337_593_543_950_335, 18),
            period_start: Timestamp::from_micros(-5),
            cycle: Cycle::new(2026, 5).unwrap(),
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

    #[test]
    fn hostile_bytes_are_refused_never_a_panic() {
        let bytes = record();
        for at in 0..bytes.len() {
            for flip in [1, 0x80, 0xff] {
                let mut hostile = bytes.clone();
                hostile[at] ^= flip;
                for frame in frame::frames(&hostile).map_while(Result::ok) {
                    if let Ok(posted) = ChargesPosted::decode(&frame) {
                        posted.iter().for_each(|row| drop(row.map(|row| row.amount)));
                    }
                }
            }
        }
    }
}
