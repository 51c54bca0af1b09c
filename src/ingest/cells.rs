//! The used fields of one CSV row as text: nulls told apart, doubled quotes undone, UTF-8 checked.

use memchr::memchr;

use super::code;
use super::csv_rows::Field;
use super::fields::{Refusal, refuse};
use super::focus_columns::{Column, Columns};

/// Where a cell's text is.
#[derive(Clone, Copy, Debug)]
enum Place {
    Null,
    Row(usize, usize),
    Scratch(usize, usize),
}

/// Memory for one row, used again for the next.
#[derive(Debug)]
pub(super) struct CellBuffer {
    places: [Place; Column::COUNT],
    scratch: String,
    patched: Vec<u8>,
}

/// The cells of one row.
#[derive(Clone, Copy)]
pub(super) struct Cells<'a> {
    row: &'a str,
    buffer: &'a CellBuffer,
}

impl<'a> Cells<'a> {
    /// The column's text; `None` where the column is absent, or the cell empty or null.
    pub(super) fn text(self, column: Column) -> Option<&'a str> {
        match self.buffer.places[column as usize] {
            Place::Null => None,
            Place::Row(start, end) => Some(&self.row[start..end]),
            Place::Scratch(start, end) => Some(&self.buffer.scratch[start..end]),
        }
    }
}

impl CellBuffer {
    pub(super) fn new() -> Self {
        Self { places: [Place::Null; Column::COUNT], scratch: String::new(), patched: Vec::new() }
    }

    /// Takes a row apart. The flag tells whether bytes that are not UTF-8 were ignored, which only lenient reading does.
    pub(super) fn take<'a>(
        &'a mut self,
        record: &'a [u8],
        fields: &[Field],
        columns: &Columns,
        lenient: bool,
    ) -> Result<(Cells<'a>, bool), Refusal> {
        let used = |column| columns.index_of(column).and_then(|index| fields.get(index).copied());
        let (row, ignored) = match str::from_utf8(record) {
            Ok(row) => (row, false),
            Err(fault) if !lenient => {
                return refuse(
                    code::INVALID_UTF8,
                    format!("byte {} of the row is not UTF-8", fault.valid_up_to() + 1),
                );
            }
            Err(_) => {
                self.patched.clear();
                self.patched.extend(record.iter().map(|byte| if byte.is_ascii() { *byte } else { b'?' }));
                for column in Column::ALL {
                    let Some(Field { start, end, .. }) = used(column) else { continue };
                    if str::from_utf8(&record[start..end]).is_err() {
                        return refuse(code::INVALID_UTF8, format!("`{}` is not UTF-8", column.name()));
                    }
                    self.patched[start..end].copy_from_slice(&record[start..end]);
                }
                (str::from_utf8(&self.patched).expect("invariant: ASCII and fields that are UTF-8"), true)
            }
        };
        self.scratch.clear();
        for column in Column::ALL {
            self.places[column as usize] = match used(column) {
                None => Place::Null,
                Some(Field { start, end, .. }) if is_null(&record[start..end]) => Place::Null,
                Some(Field { start, end, escaped: false }) => Place::Row(start, end),
                Some(Field { start, end, escaped: true }) => {
                    let from = self.scratch.len();
                    let mut rest = &row[start..end];
                    while let Some(quote) = memchr(b'"', rest.as_bytes()) {
                        self.scratch.push_str(&rest[..=quote]);
                        rest = rest.get(quote + 2..).unwrap_or_default();
                    }
                    self.scratch.push_str(rest);
                    Place::Scratch(from, self.scratch.len())
                }
            };
        }
        Ok((Cells { row, buffer: self }, ignored))
    }
}

fn is_null(cell: &[u8]) -> bool {
    matches!(cell, b"" | b"NULL" | b"null")
}
