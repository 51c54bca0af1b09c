//! From posted charges to a record of columns.

use rust_decimal::Decimal;

use super::{ABSENT, CORRECTION, ChargeId, FormV1, PostedCharge, SIGN, UUID_MARK};
use crate::domain::billing::asset::{Asset, Portion};
use crate::domain::standing::ChargeStanding;
use crate::domain::strings::StringId;
use crate::journal::column::ColumnBuilder;
use crate::journal::frame::{self, Kind};

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
    pub(super) late: Vec<u8>,
    pub(super) deductions: Vec<u8>,
    pub(super) standings: Vec<u8>,
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
        if charge.original_cycle != charge.cycle {
            self.late.extend_from_slice(&self.rows.to_le_bytes());
            self.late.extend_from_slice(&charge.original_cycle.index().to_le_bytes());
        }
        self.rows += 1;
    }

    /// Adds what coupons have deducted from the row that was added last (rule C5).
    pub fn push_deductions(&mut self, parts: &[Portion]) {
        for Portion { asset, amount } in parts {
            let Asset::Coupon(number) = asset else {
                unreachable!("invariant: only coupons deduct from charges")
            };
            self.deductions.extend_from_slice(&(self.rows - 1).to_le_bytes());
            self.deductions.extend_from_slice(&number.to_le_bytes());
            self.deductions.extend_from_slice(&amount.units().to_le_bytes());
        }
    }

    /// Adds how the row that was added last changed its account's standing, and when (rules H2-H4).
    pub fn push_standing(&mut self, standing: &ChargeStanding) {
        let ChargeStanding { change, at } = standing;
        self.standings.extend_from_slice(&(self.rows - 1).to_le_bytes());
        self.standings.extend_from_slice(&at.micros().to_le_bytes());
        self.standings.push(change.changes.number());
        self.standings.extend_from_slice(&change.available_credit.units().to_le_bytes());
        self.standings.extend_from_slice(&change.threshold.units().to_le_bytes());
    }

    /// Appends the record to a block's bytes and empties the builder.
    pub fn finish(&mut self, bytes: &mut Vec<u8>) {
        let is_version_3 = !self.standings.is_empty();
        let is_version_2 = is_version_3 || !self.late.is_empty() || !self.deductions.is_empty();
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
            late: is_version_2.then_some(&self.late),
            deductions: is_version_2.then_some(&self.deductions),
            standings: is_version_3.then_some(&self.standings),
        };
        let version = 1 + u8::from(is_version_2) + u8::from(is_version_3);
        frame::append(bytes, Kind::ChargesPosted, version, |bytes| rmp_serde::encode::write(bytes, &form));
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
        self.late.clear();
        self.deductions.clear();
        self.standings.clear();
    }
}
