//! FOCUS CSV 1.0–1.3: the `FinOps` Open Cost and Usage Specification, read by header names (rules A4, C7).

use std::io::Read;

use super::cells::{CellBuffer, Cells};
use super::csv_rows::CsvRows;
use super::digest::RowDigest;
use super::fields::{self, Refusal, RowReading, missing, refuse};
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
    scanner: CsvRows,
    columns: Columns,
    digest: RowDigest,
    cells: CellBuffer,
    cloud_account: String,
    source: String,
    lenient: bool,
    rows: u64,
}

impl Focus {
    /// Reads the header.
    pub(super) fn open<R: Read>(
        window: &mut Window<R>,
        lenient: bool,
        source: Option<&str>,
    ) -> Result<Self, IngestFault> {
        let mut scanner = CsvRows::new(usize::MAX);
        let (length, whole) = loop {
            match cut(window, &mut scanner)? {
                Cut::End => return Err(IngestFault::Empty),
                Cut::TooLong { .. } => return Err(IngestFault::HeaderTooLong),
                Cut::Record { length: 0, whole } => window.consume(whole),
                Cut::Record { length, whole } => break (length, whole),
            }
        };
        let header = &window.unread()[..length];
        scanner.finish(length);
        if let Some(what) = scanner.fault() {
            return Err(IngestFault::HeaderMalformed(what));
        }
        if header.contains(&b'\r') {
            return Err(IngestFault::HeaderMalformed("its lines end with carriage returns alone"));
        }
        let columns =
            Columns::find(scanner.fields().iter().map(|field| &header[field.start..field.end]), lenient)?;
        let mut digest = RowDigest::new();
        digest.update(header);
        digest.finish_row();
        window.consume(whole);
        Ok(Self {
            scanner: CsvRows::new(columns.count()),
            columns,
            digest,
            cells: CellBuffer::new(),
            cloud_account: String::new(),
            source: source.unwrap_or(SOURCE).to_owned(),
            lenient,
            rows: 0,
        })
    }

    fn take(&mut self, record: &[u8], page: &mut Page) -> Result<(), Refusal> {
        let mut reading = RowReading { lenient: self.lenient, row: self.rows, notes: &mut page.notes };
        self.check_shape(&mut reading)?;
        let (cells, ignored) = self.cells.take(record, self.scanner.fields(), &self.columns, self.lenient)?;
        if ignored {
            reading.note(code::UTF8_IGNORED, "bytes that are not UTF-8 lie in a field that is not used");
        }
        let need = |column: Column| match cells.text(column) {
            Some(text) => Ok(text),
            None => missing(column.name()),
        };
        let billing_account = fields::id(Column::BillingAccountId.name(), need(Column::BillingAccountId)?)?;
        name_cloud_account(&mut self.cloud_account, billing_account, cells)?;
        let amount = reading.amount(Column::BilledCost.name(), need(Column::BilledCost)?)?;
        let currency = fields::currency(Column::BillingCurrency.name(), need(Column::BillingCurrency)?)?;
        let period = need(Column::ChargePeriodStart)?;
        let period = reading.time(Column::ChargePeriodStart.name(), period, false)?;
        let billing_period = need(Column::BillingPeriodStart)?;
        let billing_period = reading.time(Column::BillingPeriodStart.name(), billing_period, false)?;
        let category = need(Column::ChargeCategory)?;
        let category = reading.category(Column::ChargeCategory.name(), category, Some(spelling))?;
        let correction = match cells.text(Column::ChargeClass) {
            Some(text) => reading.correction(Column::ChargeClass.name(), text, "Correction")?,
            None => false,
        };
        let quantity = match cells.text(Column::ConsumedQuantity) {
            Some(text) => reading.quantity(Column::ConsumedQuantity.name(), text)?,
            None => None,
        };
        let label =
            |column: Column| cells.text(column).map_or(Ok(""), |text| fields::label(column.name(), text));
        let description = match cells.text(Column::ChargeDescription) {
            Some(text) => reading.description(Column::ChargeDescription.name(), text)?,
            None => "",
        };
        let tags = match cells.text(Column::Tags) {
            Some(text) => reading.tags(Column::Tags.name(), text)?,
            None => "",
        };
        let charge = Charge {
            cloud_account: &self.cloud_account,
            source: &self.source,
            id: self.digest.key(),
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
            import_row: self.rows,
        };
        page.push(self.rows, &charge, billing_account);
        Ok(())
    }

    /// Quotes and the number of fields.
    fn check_shape(&self, reading: &mut RowReading<'_>) -> Result<(), Refusal> {
        if let Some(what) = self.scanner.fault() {
            return refuse(code::MALFORMED_ROW, what);
        }
        if self.scanner.has_stray_quote() {
            if !self.lenient {
                return refuse(code::MALFORMED_ROW, "there is a quote inside an unquoted field");
            }
            reading.note(code::STRAY_QUOTE, "a quote inside an unquoted field was read as it stands");
        }
        let (count, expect) = (self.scanner.count(), self.columns.count());
        if count != expect {
            let detail = format!("the row has {count} fields, the header {expect}");
            if !self.lenient {
                return refuse(code::MALFORMED_ROW, detail);
            }
            reading.note(code::FIELD_COUNT, detail);
        }
        Ok(())
    }
}

/// `BillingAccountId/SubAccountId`, or the billing account's default cloud account (rule A4).
fn name_cloud_account(name: &mut String, billing_account: &str, cells: Cells<'_>) -> Result<(), Refusal> {
    name.clear();
    name.push_str(billing_account);
    if let Some(sub_account) = cells.text(Column::SubAccountId) {
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

impl Scanner for Focus {
    fn start(&mut self) {
        self.scanner.start();
    }

    fn scan(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        self.scanner.scan(bytes, from)
    }

    fn discard(&mut self, piece: &[u8]) {
        self.scanner.discard(piece);
        self.digest.update(piece);
    }
}

impl RowFormat for Focus {
    fn read(&mut self, record: &[u8], page: &mut Page) {
        if record.is_empty() {
            return;
        }
        self.rows += 1;
        self.scanner.finish(record.len());
        self.digest.update(record);
        self.digest.finish_row();
        let notes = page.notes.len();
        if let Err(Refusal { code, detail }) = self.take(record, page) {
            page.notes.truncate(notes);
            page.refused.push(RowFault { row: self.rows, code, detail });
        }
    }

    fn pass_over(&mut self, bytes: u64, page: &mut Page) {
        self.rows += 1;
        self.digest.finish_row();
        let mut detail = format!("the row has {bytes} bytes, {} are allowed", crate::limits::ROW_BYTES_MAX);
        if self.scanner.in_quote() {
            detail.push_str("; a quote that begins in it is never closed");
        }
        page.refused.push(RowFault { row: self.rows, code: code::ROW_TOO_LONG, detail });
    }

    fn rows(&self) -> u64 {
        self.rows
    }
}
