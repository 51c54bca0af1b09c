//! The rows of a CSV file as charges, by the layout of its format (rules A4, C7).

use std::io::Read;

use serde_json::Value;

use super::cells::Cells;
use super::columns::{Column, Columns};
use super::csv_rows::{CsvRows, Quotes};
use super::fields::{self, Kind, Refusal, RowReading, kind, refuse};
use super::input::Window;
use super::layout::{Layout, Tags};
use super::page::RowFault;
use super::records::{Cut, RowFormat, Scanner, cut};
use super::{IngestFault, Page, code};
use crate::domain::charge::{Category, Charge};

/// The rows of a CSV file.
pub(super) struct CsvCharges {
    layout: &'static Layout,
    rows: CsvRows,
    columns: Columns,
    source: String,
    lenient: bool,
    row: u64,
    composed: Composed,
}

/// Texts that a row's cells compose.
#[derive(Default)]
struct Composed {
    cloud_account: String,
    id: String,
    tags: String,
}

impl CsvCharges {
    /// Reads the header.
    pub(super) fn open<R: Read>(
        window: &mut Window<R>,
        layout: &'static Layout,
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
        let columns = Columns::find(rows.fields(), layout, lenient)?;
        rows.finish_row();
        window.consume(whole);
        let source = source.unwrap_or(layout.format.name()).to_owned();
        Ok(Self { layout, rows, columns, source, lenient, row: 0, composed: Composed::default() })
    }

    fn take(&mut self, record: &[u8], page: &mut Page) -> Result<(), Refusal> {
        let mut reading = RowReading { lenient: self.lenient, row: self.row, notes: &mut page.notes };
        self.check_shape(record, &mut reading)?;
        let (layout, composed) = (self.layout, &mut self.composed);
        let cells = Cells { rows: &self.rows, columns: &self.columns };
        let billing_account =
            fields::id(cells.name(Column::BillingAccount), cells.need(Column::BillingAccount)?)?;
        name_cloud_account(&mut composed.cloud_account, billing_account, cells)?;
        let cost = cells.need(Column::Cost)?;
        let amount = reading.amount(cells.name(Column::Cost), cost)?;
        let currency = fields::currency(cells.name(Column::Currency), cells.need(Column::Currency)?)?;
        if !currency.ends_with('D') && cost.contains('$') {
            let name = cells.name(Column::Cost);
            return refuse(
                code::INVALID_AMOUNT,
                format!("{name} has a dollar sign, and the currency is {currency}"),
            );
        }
        let time = |reading: &mut RowReading<'_>, column| {
            reading.time(cells.name(column), cells.need(column)?, layout.takes_time)
        };
        let period = time(&mut reading, Column::PeriodStart)?;
        let names_cycle =
            layout.needs_billing_period || self.columns.index_of(Column::BillingPeriod).is_some();
        let billing_period = names_cycle.then(|| time(&mut reading, Column::BillingPeriod)).transpose()?;
        let kind = read_kind(layout, cells, &mut reading)?;
        let quantity = match cells.text(Column::Quantity)? {
            Some(text) => reading.quantity(cells.name(Column::Quantity), text)?,
            None => None,
        };
        let label =
            |column| cells.text(column)?.map_or(Ok(""), |text| fields::label(cells.name(column), text));
        let description = match cells.text(Column::Description)? {
            Some(text) => reading.description(cells.name(Column::Description), text)?,
            None => "",
        };
        let tags = read_tags(&mut composed.tags, layout, cells, &mut reading)?;
        let has_key = layout.has(Column::LineItem);
        if has_key {
            name_line_item(&mut composed.id, layout, cells)?;
        }
        let charge = Charge {
            cloud_account: &composed.cloud_account,
            source: &self.source,
            id: if has_key { &composed.id } else { self.rows.key() },
            amount,
            currency,
            period_start: period.instant,
            billing_cycle: billing_period.map(|period| period.cycle),
            category: kind.category,
            correction: kind.correction,
            service: label(Column::Service)?,
            sku: label(Column::Sku)?,
            quantity,
            unit: label(Column::Unit)?,
            description,
            tags,
            import_row: if has_key { 0 } else { self.row },
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

/// The billing account's id and the sub account's, or the billing account's default cloud account (rule A4).
fn name_cloud_account(name: &mut String, billing_account: &str, cells: Cells<'_>) -> Result<(), Refusal> {
    name.clear();
    name.push_str(billing_account);
    if let Some(sub_account) = cells.text(Column::SubAccount)? {
        name.push('/');
        name.push_str(fields::id(cells.name(Column::SubAccount), sub_account)?);
    }
    Ok(())
}

/// The row's own key. An interval holds no `@`, so that no two pairs compose the same id.
fn name_line_item(id: &mut String, layout: &Layout, cells: Cells<'_>) -> Result<(), Refusal> {
    id.clear();
    id.push_str(cells.need(Column::LineItem)?);
    if layout.has(Column::Interval) {
        let interval = cells.need(Column::Interval)?;
        if interval.contains('@') {
            let name = cells.name(Column::Interval);
            return refuse(code::INVALID_ID, format!("{name} `{}` is no interval", fields::shown(interval)));
        }
        id.push('@');
        id.push_str(interval);
    }
    fields::id(cells.name(Column::LineItem), id).map(|_| ())
}

/// The category, and whether the row is a correction.
fn read_kind(layout: &Layout, cells: Cells<'_>, reading: &mut RowReading<'_>) -> Result<Kind, Refusal> {
    let mut kind = if layout.has(Column::Category) {
        reading.kind(cells.name(Column::Category), cells.need(Column::Category)?, layout.kinds)?
    } else {
        kind("", Category::Usage)
    };
    let [correction, none] = layout.classes;
    if let Some(class) = cells.text(Column::Class)?
        && class != none
    {
        kind.correction = reading.correction(cells.name(Column::Class), class, correction)?;
    }
    Ok(kind)
}

/// The tags as a JSON object, which is composed in `object` where the file has none.
fn read_tags<'a>(
    object: &'a mut String,
    layout: &Layout,
    cells: Cells<'a>,
    reading: &mut RowReading<'_>,
) -> Result<&'a str, Refusal> {
    let name = cells.name(Column::Tags);
    object.clear();
    if let Some(text) = cells.text(Column::Tags)? {
        if matches!(layout.tags, Tags::Json | Tags::Columns(_)) || text.trim_ascii_start().starts_with('{') {
            return reading.tags(name, text);
        }
        object.extend(["{", text, "}"]);
        return reading.tags(name, object);
    }
    for tag in cells.columns.tags() {
        if let Some(value) = cells.text_at(tag.index, &tag.key)? {
            object.push(if object.is_empty() { '{' } else { ',' });
            object.push_str(&Value::from(tag.key.as_str()).to_string());
            object.push(':');
            object.push_str(&Value::from(value).to_string());
        }
    }
    if !object.is_empty() {
        object.push('}');
    }
    reading.description("the tags", object)
}

impl RowFormat for CsvCharges {
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
