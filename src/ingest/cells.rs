//! The used fields of one CSV row as text.

use super::code;
use super::columns::{Column, Columns};
use super::csv_rows::CsvRows;
use super::fields::{Refusal, missing, refuse};

/// The cells of one row.
#[derive(Clone, Copy)]
pub(super) struct Cells<'a> {
    pub(super) rows: &'a CsvRows,
    pub(super) columns: &'a Columns,
}

impl<'a> Cells<'a> {
    /// The column's name in the file.
    pub(super) fn name(self, column: Column) -> &'static str {
        self.columns.name(column)
    }

    /// The column's text; `None` where the column is absent, or the cell empty or null.
    pub(super) fn text(self, column: Column) -> Result<Option<&'a str>, Refusal> {
        match self.columns.index_of(column) {
            Some(index) => self.text_at(index, self.name(column)),
            None => Ok(None),
        }
    }

    /// The text of the field at an index, whose column has that name.
    pub(super) fn text_at(self, index: usize, name: &str) -> Result<Option<&'a str>, Refusal> {
        match self.rows.field(index).map(str::from_utf8) {
            None | Some(Ok("" | "NULL" | "null")) => Ok(None),
            Some(Ok(text)) => Ok(Some(text)),
            Some(Err(_)) => refuse(code::INVALID_UTF8, format!("`{name}` is not UTF-8")),
        }
    }

    /// The text of a column that a charge can't do without.
    pub(super) fn need(self, column: Column) -> Result<&'a str, Refusal> {
        self.text(column)?.map_or_else(|| missing(self.name(column)), Ok)
    }
}
