//! Tables for people: aligned columns, numbers to the right.

use std::fmt::Write;

use crate::domain::money::Money;

/// Columns that words take at least, so that one answer stands under the other.
const WORD_COLUMN: usize = 14;

/// A column's heading, and on which side its cells stand.
#[derive(Clone, Copy, Debug)]
pub(super) enum Column {
    /// Words.
    Left(&'static str),
    /// Numbers.
    Right(&'static str),
}

impl Column {
    /// What stands above it.
    pub(super) const fn heading(self) -> &'static str {
        match self {
            Self::Left(heading) | Self::Right(heading) => heading,
        }
    }
}

/// Lays rows out under their headings.
pub(super) fn table(columns: &[Column], rows: &[Vec<String>]) -> String {
    let width = |place: usize, column: &Column| {
        let cells = rows.iter().filter_map(|row| row.get(place)).map(|cell| cell.chars().count());
        cells.max().unwrap_or(0).max(column.heading().len())
    };
    let widths: Vec<_> = columns.iter().enumerate().map(|(place, column)| width(place, column)).collect();
    let mut text = String::new();
    let headings: Vec<_> = columns.iter().map(|column| column.heading().to_owned()).collect();
    for row in std::iter::once(&headings).chain(rows) {
        let mut line = String::new();
        for ((cell, column), width) in row.iter().zip(columns).zip(&widths) {
            if !line.is_empty() {
                line.push_str("  ");
            }
            let written = match column {
                Column::Left(_) => write!(line, "{cell:<width$}"),
                Column::Right(_) => write!(line, "{cell:>width$}"),
            };
            written.expect("invariant: writing into memory can't fail");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Words, each with what they say, on a line of its own.
pub(super) fn words(lines: &[(&str, String)]) -> String {
    let width = lines.iter().map(|(word, _)| word.len()).fold(WORD_COLUMN, usize::max);
    let lines: Vec<_> = lines.iter().map(|(word, what)| format!("{word:<width$}  {what}\n")).collect();
    lines.concat()
}

/// A sum of signed parts.
pub(super) fn sum(parts: &[(&str, &str, Money)]) -> String {
    let width = parts.iter().map(|(.., money)| money.to_string().len()).max().unwrap_or(0);
    let line = |(sign, what, money): &(&str, &str, Money)| {
        format!("{sign:1} {what:<26}{:>width$}\n", money.to_string())
    };
    parts.iter().map(line).collect::<Vec<_>>().concat()
}

/// A count as people read it: `1,234,567`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligns_words_left_and_numbers_right() {
        let rows = vec![vec!["acme".to_owned(), "12.5".to_owned()], vec!["b".to_owned(), "-1".to_owned()]];
        let text = table(&[Column::Left("account"), Column::Right("amount")], &rows);
        assert_eq!(text, "account  amount\nacme       12.5\nb            -1\n");
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }
}
