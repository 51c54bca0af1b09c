//! Rows under named columns, as CSV or NDJSON.

use std::borrow::Cow;
use std::fmt::{Display, Write as _};
use std::io::Write;

use serde_json::{Map, Value};

use super::{Output, RowForm};
use crate::cli::failure::Failure;
use crate::domain::money::Money;

/// Writes rows of the same columns.
pub(super) struct Rows {
    out: Output,
    form: RowForm,
    columns: &'static [&'static str],
    /// The row that is written cell by cell; kept for its memory.
    line: String,
}

/// The cells of one row, in the order of the columns, written by hand: for lists of any length.
pub(super) struct Cells<'r> {
    line: &'r mut String,
    form: RowForm,
    columns: std::iter::Enumerate<std::slice::Iter<'static, &'static str>>,
}

impl Rows {
    /// Begins; CSV with its heading.
    pub(super) fn begin(
        out: Output,
        form: RowForm,
        columns: &'static [&'static str],
    ) -> Result<Self, Failure> {
        let mut rows = Self { out, form, columns, line: String::new() };
        if form == RowForm::Csv {
            rows.line(&csv_line(columns.iter().copied()))?;
        }
        Ok(rows)
    }

    /// Writes a row: a value for each column. CSV has nothing for what is absent.
    pub(super) fn row<const COLUMNS: usize>(&mut self, values: [Value; COLUMNS]) -> Result<(), Failure> {
        let line = match self.form {
            RowForm::Csv => {
                let cells = values.map(|value| match value {
                    Value::Null => String::new(),
                    Value::String(text) => text,
                    value => value.to_string(),
                });
                csv_line(cells.iter().map(String::as_str))
            }
            RowForm::Ndjson => {
                let named = self.columns.iter().map(|name| (*name).to_owned()).zip(values);
                Value::Object(named.collect::<Map<_, _>>()).to_string()
            }
        };
        self.line(&line)
    }

    /// Begins a row whose cells are written one by one, each of them.
    pub(super) fn cells(&mut self) -> Cells<'_> {
        self.line.clear();
        Cells { line: &mut self.line, form: self.form, columns: self.columns.iter().enumerate() }
    }

    /// Ends a row whose cells were written one by one.
    pub(super) fn end_row(&mut self) -> Result<(), Failure> {
        self.line.push_str(if self.form == RowForm::Ndjson { "}\n" } else { "\n" });
        self.out.write_all(self.line.as_bytes()).map_err(|error| Failure::output(&error))
    }

    /// Writes what is left.
    pub(super) fn end(mut self) -> Result<(), Failure> {
        self.out.flush().map_err(|error| Failure::output(&error))
    }

    fn line(&mut self, line: &str) -> Result<(), Failure> {
        writeln!(self.out, "{line}").map_err(|error| Failure::output(&error))
    }
}

impl Cells<'_> {
    /// A text of any kind.
    pub(super) fn text(&mut self, text: &str) {
        self.text_if(Some(text));
    }

    /// A text of any kind, if there is one.
    pub(super) fn text_if(&mut self, text: Option<&str>) {
        self.begin();
        match (self.form, text) {
            (RowForm::Csv, None) => {}
            (RowForm::Csv, Some(text)) => self.line.push_str(&csv_cell(text)),
            (RowForm::Ndjson, None) => self.line.push_str("null"),
            (RowForm::Ndjson, Some(text)) if is_plain(text) => self.put(&format_args!("\"{text}\"")),
            (RowForm::Ndjson, Some(text)) => self.put(&Value::from(text)),
        }
    }

    /// What shows itself in letters, digits and signs that no form has to quote, as text.
    pub(super) fn shown(&mut self, shown: &dyn Display) {
        self.begin();
        match self.form {
            RowForm::Csv => self.put(shown),
            RowForm::Ndjson => self.put(&format_args!("\"{shown}\"")),
        }
    }

    /// A count, `true` or `false`.
    pub(super) fn bare(&mut self, shown: &dyn Display) {
        self.begin();
        self.put(shown);
    }

    /// An amount, as text.
    pub(super) fn money(&mut self, money: Money) {
        if money == Money::ZERO {
            // Most are.
            self.begin();
            return self.line.push_str(if self.form == RowForm::Csv { "0" } else { "\"0\"" });
        }
        self.shown(&money);
    }

    /// An amount, if there is one.
    pub(super) fn money_if(&mut self, money: Option<Money>) {
        match money {
            Some(money) => self.money(money),
            None => self.text_if(None),
        }
    }

    fn begin(&mut self) {
        let (place, name) = self.columns.next().expect("invariant: no more cells than columns");
        match self.form {
            RowForm::Csv if place == 0 => {}
            RowForm::Csv => self.line.push(','),
            RowForm::Ndjson => {
                self.line.push_str(if place == 0 { "{\"" } else { ",\"" });
                self.line.push_str(name);
                self.line.push_str("\":");
            }
        }
    }

    fn put(&mut self, shown: &dyn Display) {
        write!(self.line, "{shown}").expect("invariant: writing into memory can't fail");
    }
}

/// Whether a text is in JSON as it is.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\')
}

/// One line of CSV (RFC 4180), without its end.
pub(super) fn csv_line<'c>(cells: impl Iterator<Item = &'c str>) -> String {
    cells.map(csv_cell).collect::<Vec<_>>().join(",")
}

fn csv_cell(cell: &str) -> Cow<'_, str> {
    if cell.contains([',', '"', '\r', '\n']) {
        Cow::Owned(format!("\"{}\"", cell.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_that_hold_marks_are_quoted() {
        assert_eq!(
            csv_line(["a b", "", "1,5", "say \"x\"", "y\nz"].into_iter()),
            "a b,,\"1,5\",\"say \"\"x\"\"\",\"y\nz\""
        );
    }
}
