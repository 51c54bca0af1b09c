//! From a record of columns to posted charges, in place.

use rust_decimal::Decimal;

use super::{
    ABSENT, CORRECTION, ChargeId, DEDUCTION_SIZE, FormV1, LATE_SIZE, Label, PostedCharge, SIGN,
    STANDING_SIZE, UUID_MARK,
};
use crate::domain::billing::asset::{Asset, Portion};
use crate::domain::charge::Category;
use crate::domain::ids::{AccountIndex, CloudIndex};
use crate::domain::money::Money;
use crate::domain::standing::{Changes, ChargeStanding, StandingChange};
use crate::domain::strings::StringId;
use crate::domain::time::{Cycle, Timestamp};
use crate::journal::JournalFault;
use crate::journal::column::Column;
use crate::journal::frame::Frame;
use crate::limits::CHUNK_CHARGES_MAX;

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
    late: &'a [u8],
    deductions: &'a [u8],
    standings: Vec<(usize, ChargeStanding)>,
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
        let (late, deductions) = (form.late.unwrap_or_default(), form.deductions.unwrap_or_default());
        let once = rows_of::<LATE_SIZE>(late).is_sorted_by(|one, next| one < next);
        if !is_list_of::<LATE_SIZE>(late, rows) || !once {
            return Err(JournalFault::Malformed("late rows"));
        }
        if !is_list_of::<DEDUCTION_SIZE>(deductions, rows) {
            return Err(JournalFault::Malformed("deductions"));
        }
        let standings = form.standings.unwrap_or_default();
        let once = rows_of::<STANDING_SIZE>(standings).is_sorted_by(|one, next| one < next);
        if !is_list_of::<STANDING_SIZE>(standings, rows) || !once {
            return Err(JournalFault::Malformed("changed standings"));
        }
        let standings = standings.chunks_exact(STANDING_SIZE).map(standing).collect::<Result<_, _>>()?;
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
            late,
            deductions,
            standings,
        })
    }

    /// What coupons have deducted, with the row that it was deducted from, in the order of rows (rule C5).
    pub fn deductions(&self) -> impl Iterator<Item = (usize, Portion)> {
        self.deductions.chunks_exact(DEDUCTION_SIZE).map(|item| {
            let amount = item[8..].try_into().expect("invariant: 24 bytes in all");
            let part = Portion {
                asset: Asset::Coupon(number(&item[4..8])),
                amount: Money::from_units(i128::from_le_bytes(amount)),
            };
            (number(&item[..4]) as usize, part)
        })
    }

    /// The rows that changed their accounts' standing, in their order (rules H2-H4).
    pub fn standings(&self) -> &[(usize, ChargeStanding)] {
        &self.standings
    }

    /// Whose row it is, and the account's record number that it has; `row` is below [`ChargesPosted::rows`].
    pub fn whose(&self, row: usize) -> (AccountIndex, u64) {
        (AccountIndex(self.account.row(row)), self.sequence.row(row))
    }

    /// The account and the cloud account of a row, which is below [`ChargesPosted::rows`].
    pub fn parties(&self, row: usize) -> (AccountIndex, CloudIndex) {
        (AccountIndex(self.account.row(row)), CloudIndex(self.cloud.row(row)))
    }

    /// How many charges.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// The charges in order.
    pub fn iter(&self) -> Rows<'_, 'a> {
        Rows { record: self, row: 0, id_offset: 0, text_offset: 0, inline: 0, late: self.late }
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
    late: &'a [u8],
}

/// The rows that a list's items name, in its order.
fn rows_of<const SIZE: usize>(list: &[u8]) -> impl DoubleEndedIterator<Item = usize> {
    list.chunks_exact(SIZE).map(|item| number(&item[..4]) as usize)
}

/// Whether a list holds whole items, of rows that there are and in their order.
fn is_list_of<const SIZE: usize>(list: &[u8], rows: usize) -> bool {
    list.len().is_multiple_of(SIZE)
        && rows_of::<SIZE>(list).is_sorted()
        && rows_of::<SIZE>(list).next_back().is_none_or(|last| last < rows)
}

/// An item of the list of changed standings.
fn standing(item: &[u8]) -> Result<(usize, ChargeStanding), JournalFault> {
    const SIZE: &str = "invariant: 45 bytes in all";
    let money = |bytes: &[u8]| Money::from_units(i128::from_le_bytes(bytes.try_into().expect(SIZE)));
    let at = Timestamp::from_micros(i64::from_le_bytes(item[4..12].try_into().expect(SIZE)));
    let changes = Changes::from_number(item[12]).ok_or(JournalFault::Malformed("changed standings"))?;
    let (available_credit, threshold) = (money(&item[13..29]), money(&item[29..]));
    let change = StandingChange { changes, available_credit, threshold };
    Ok((number(&item[..4]) as usize, ChargeStanding { change, at }))
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes.try_into().expect("invariant: 4 bytes"))
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

    /// The cycle that the row is of, which was posted to `cycle`.
    #[inline]
    fn original_cycle(&mut self, cycle: Cycle) -> Cycle {
        match self.late.split_first_chunk::<LATE_SIZE>() {
            Some((item, rest)) if number(&item[..4]) as usize == self.row => {
                self.late = rest;
                Cycle::from_index(number(&item[4..]))
            }
            _ => cycle,
        }
    }

    #[inline]
    fn charge(&mut self) -> Result<PostedCharge<'a>, JournalFault> {
        let (record, row) = (self.record, self.row);
        let category = record.category.row(row);
        let cycle = Cycle::from_index(record.cycle.row(row));
        Ok(PostedCharge {
            account: AccountIndex(record.account.row(row)),
            sequence: record.sequence.row(row),
            cloud: CloudIndex(record.cloud.row(row)),
            amount: record.amount.row(row)?.ok_or(JournalFault::Malformed("amount"))?,
            period_start: Timestamp::from_micros(record.period_start.row(row)),
            cycle,
            original_cycle: self.original_cycle(cycle),
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
