//! The used fields of one CSV row as text.

use super::code;
use super::csv_rows::CsvRows;
use super::fields::{Refusal, missing, refuse};
use super::focus_columns::{Column, Columns};

/// The cells of one row.
#[derive(Clone, Copy)]
pub(super) struct Cells<'a> {
    pub(super) rows: &'a CsvRows,
    pub(super) columns: &'a Columns,
}

impl<'a> Cells<'a> {
    /// The column's text; `None` where the column is absent, or the cell empty or null.
    pub(super) fn text(self, column: Column) -> Result<Option<&'a str>, Refusal> {
        let field = self.columns.index_of(column).and_then(|index| self.rows.field(index));
        match field.map(str::from_utf8) {
            None | Some(Ok("" | "NULL" | "null")) => Ok(None),
            Some(Ok(text)) => Ok(Some(text)),
            Some(Err(_)) => refuse(code::INVALID_UTF8, format!("`{}` is not UTF-8", column.name())),
        }
    }

    /// The text of a column that a charge can't do without.
    pub(super) fn need(self, column: Column) -> Result<&'a str, Refusal> {
        self.text(column)?.map_or_else(|| missing(column.name()), Ok)
    }
}
