//! Rows under named columns, as CSV or NDJSON.

use std::io::Write;

use serde_json::{Map, Value};

use super::{Output, RowForm};
use crate::cli::failure::Failure;

/// Writes rows of the same columns.
pub(super) struct Rows {
    out: Output,
    form: RowForm,
    columns: &'static [&'static str],
}

impl Rows {
    /// Begins; CSV with its heading.
    pub(super) fn begin(
        out: Output,
        form: RowForm,
        columns: &'static [&'static str],
    ) -> Result<Self, Failure> {
        let mut rows = Self { out, form, columns };
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

    /// Writes what is left.
    pub(super) fn end(mut self) -> Result<(), Failure> {
        self.out.flush().map_err(|error| Failure::output(&error))
    }

    fn line(&mut self, line: &str) -> Result<(), Failure> {
        writeln!(self.out, "{line}").map_err(|error| Failure::output(&error))
    }
}

/// One line of CSV (RFC 4180), without its end.
pub(super) fn csv_line<'c>(cells: impl Iterator<Item = &'c str>) -> String {
    let quoted = cells.map(|cell| {
        if cell.contains([',', '"', '\r', '\n']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell.to_owned()
        }
    });
    quoted.collect::<Vec<_>>().join(",")
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
