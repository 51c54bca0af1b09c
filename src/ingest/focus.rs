//! FOCUS CSV 1.0–1.3: the `FinOps` Open Cost and Usage Specification, read by header names (rules A4, C7).

use std::io::Read;

use super::cells::Cells;
use super::csv_rows::{CsvRows, Quotes};
use super::fields::{self, Refusal, RowReading, refuse};
use super::focus_columns::{Column, Columns};
use super::input::Window;
use super::page::RowFault;
use super::records::{Cut, RowFormat, Scanner, cut};
use super::{IngestFault, Page, code};
use crate::domain::charge::{Category, Charge};

/// The source of FOCUS rows when none is given.
const SOURCE: &str = "focus";

/// The rows of a FOCUS file.
pub(super) struct Focus {
    rows: CsvRows,
    columns: Columns,
    cloud_account: String,
    source: String,
    lenient: bool,
    row: u64,
}

impl Focus {
    /// Reads the header.
    pub(super) fn open<R: Read>(
        window: &mut Window<R>,
        lenient: bool,
        source: Option<&str>,
    ) -> Result<Self, IngestFault> {
        let mut rows = CsvRows::new();
        let (length, whole) = loop {
            match cut(window, &mut rows)? {
                Cut::End => return Err(IngestFault::Empty),
                Cut::TooLong { .. } => return Err(IngestFault::HeaderTooLong),
                Cut::Record { length: 0, whole } => window.consume(whole),
                Cut::Record { length, whole } => break (length, whole),
            }
        };
        let header = &window.unread()[..length];
        if let Quotes::Broken(what) = rows.quotes(header) {
            return Err(IngestFault::HeaderMalformed(what));
        }
        if header.contains(&b'\r') {
            return Err(IngestFault::HeaderMalformed("its lines end with carriage returns alone"));
        }
        let columns = Columns::find(rows.fields(), lenient)?;
        rows.finish_row();
        window.consume(whole);
        Ok(Self {
            rows,
            columns,
            cloud_account: String::new(),
            source: source.unwrap_or(SOURCE).to_owned(),
            lenient,
            row: 0,
        })
    }

    fn take(&mut self, record: &[u8], page: &mut Page) -> Result<(), Refusal> {
        let mut reading = RowReading { lenient: self.lenient, row: self.row, notes: &mut page.notes };
        self.check_shape(record, &mut reading)?;
        let cells = Cells { rows: &self.rows, columns: &self.columns };
        let need = |column| cells.need(column);
        let billing_account = fields::id(Column::BillingAccountId.name(), need(Column::BillingAccountId)?)?;
        name_cloud_account(&mut self.cloud_account, billing_account, cells)?;
        let amount = reading.amount(Column::BilledCost.name(), need(Column::BilledCost)?)?;
        let currency = fields::currency(Column::BillingCurrency.name(), need(Column::BillingCurrency)?)?;
        if !currency.ends_with('D') && need(Column::BilledCost)?.contains('$') {
            return refuse(
                code::INVALID_AMOUNT,
                format!("BilledCost has a dollar sign, and the currency is {currency}"),
            );
        }
        let period = need(Column::ChargePeriodStart)?;
        let period = reading.time(Column::ChargePeriodStart.name(), period, false)?;
        let billing_period = need(Column::BillingPeriodStart)?;
        let billing_period = reading.time(Column::BillingPeriodStart.name(), billing_period, false)?;
        let category = need(Column::ChargeCategory)?;
        let category = reading.category(Column::ChargeCategory.name(), category, Some(spelling))?;
        let correction = match cells.text(Column::ChargeClass)? {
            Some(text) => reading.correction(Column::ChargeClass.name(), text, "Correction")?,
            None => false,
        };
        let quantity = match cells.text(Column::ConsumedQuantity)? {
            Some(text) => reading.quantity(Column::ConsumedQuantity.name(), text)?,
            None => None,
        };
        let label =
            |column: Column| cells.text(column)?.map_or(Ok(""), |text| fields::label(column.name(), text));
        let description = match cells.text(Column::ChargeDescription)? {
            Some(text) => reading.description(Column::ChargeDescription.name(), text)?,
            None => "",
        };
        let tags = match cells.text(Column::Tags)? {
            Some(text) => reading.tags(Column::Tags.name(), text)?,
            None => "",
        };
        let charge = Charge {
            cloud_account: &self.cloud_account,
            source: &self.source,
            id: self.rows.key(),
            amount,
            currency,
            period_start: period.instant,
            billing_cycle: Some(billing_period.cycle),
            category,
            correction,
            service: label(Column::ServiceName)?,
            sku: label(Column::SkuId)?,
            quantity,
            unit: label(Column::ConsumedUnit)?,
            description,
            tags,
            import_row: self.row,
        };
        page.push(self.row, &charge, billing_account);
        Ok(())
    }

    /// Quotes, the number of fields, and UTF-8.
    fn check_shape(&self, record: &[u8], reading: &mut RowReading<'_>) -> Result<(), Refusal> {
        match self.rows.quotes(record) {
            Quotes::Sound => {}
            Quotes::Broken(what) => return refuse(code::MALFORMED_ROW, what),
            Quotes::Stray if !self.lenient => {
                return refuse(code::MALFORMED_ROW, "there is a quote inside an unquoted field");
            }
            Quotes::Stray => {
                reading.note(code::STRAY_QUOTE, "a quote inside an unquoted field was read as it stands");
            }
        }
        let (count, expect) = (self.rows.count(), self.columns.count());
        if count != expect {
            let detail = format!("the row has {count} fields, the header {expect}");
            if !self.lenient {
                return refuse(code::MALFORMED_ROW, detail);
            }
            reading.note(code::FIELD_COUNT, detail);
        }
        if let Err(fault) = str::from_utf8(record) {
            if !self.lenient {
                let detail = format!("byte {} of the row is not UTF-8", fault.valid_up_to() + 1);
                return refuse(code::INVALID_UTF8, detail);
            }
            reading.note(code::UTF8_IGNORED, "bytes that are not UTF-8 lie in a field that is not used");
        }
        Ok(())
    }
}

/// `BillingAccountId/SubAccountId`, or the billing account's default cloud account (rule A4).
fn name_cloud_account(name: &mut String, billing_account: &str, cells: Cells<'_>) -> Result<(), Refusal> {
    name.clear();
    name.push_str(billing_account);
    if let Some(sub_account) = cells.text(Column::SubAccountId)? {
        name.push('/');
        name.push_str(fields::id(Column::SubAccountId.name(), sub_account)?);
    }
    Ok(())
}

/// A category as FOCUS spells it.
fn spelling(category: Category) -> &'static str {
    match category {
        Category::Usage => "Usage",
        Category::Purchase => "Purchase",
        Category::Tax => "Tax",
        Category::Credit => "Credit",
        Category::Adjustment => "Adjustment",
    }
}

impl RowFormat for Focus {
    fn scanner(&mut self) -> &mut dyn Scanner {
        &mut self.rows
    }

    fn read(&mut self, record: &[u8], page: &mut Page) {
        if record.is_empty() {
            return;
        }
        self.row += 1;
        self.rows.finish_row();
        let notes = page.notes.len();
        if let Err(Refusal { code, detail }) = self.take(record, page) {
            page.notes.truncate(notes);
            page.refused.push(RowFault { row: self.row, code, detail });
        }
    }

    fn pass_over(&mut self, bytes: u64, page: &mut Page) {
        self.row += 1;
        self.rows.finish_long_row();
        let mut detail = format!("the row has {bytes} bytes, {} are allowed", crate::limits::ROW_BYTES_MAX);
        if self.rows.is_unclosed() {
            detail.push_str("; a quote that begins in it is never closed");
        }
        page.refused.push(RowFault { row: self.row, code: code::ROW_TOO_LONG, detail });
    }

    fn rows(&self) -> u64 {
        self.row
    }
}
