//! CSV rows, unescaped by `csv-core`, with the running digest of their fields.
//!
//! `csv-core` finds a reading of anything; a row whose quotes RFC 4180 doesn't allow is found out here.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};
use memchr::memchr_iter;

use super::digest::RowDigest;
use super::records::Scanner;

/// Bytes of text and number of fields for which there is room at first; it grows with the longest row kept.
const ROOM: usize = 4096;

/// The quotes of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Quotes {
    /// As they should be.
    Sound,
    /// A quote inside an unquoted field.
    Stray,
    /// The row can't be read, and why.
    Broken(&'static str),
}

/// The current row.
pub(super) struct CsvRows {
    reader: Reader,
    text: Vec<u8>,
    size: usize,
    ends: Vec<usize>,
    count: usize,
    /// The byte scanned last.
    last: Option<u8>,
    unclosed: bool,
    digest: RowDigest,
}

impl CsvRows {
    pub(super) fn new() -> Self {
        Self {
            reader: ReaderBuilder::new().terminator(Terminator::Any(b'\n')).build(),
            text: vec![0; ROOM],
            size: 0,
            ends: vec![0; ROOM],
            count: 0,
            last: None,
            unclosed: false,
            digest: RowDigest::new(),
        }
    }

    /// How many fields there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// An unescaped field.
    pub(super) fn field(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends[..self.count].get(index)?;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        Some(&self.text[start..end])
    }

    /// All fields, unescaped.
    pub(super) fn fields(&self) -> impl Iterator<Item = &[u8]> + Clone {
        (0..self.count).map_while(|index| self.field(index))
    }

    /// Whether the input has ended inside a quote.
    pub(super) fn is_unclosed(&self) -> bool {
        self.unclosed
    }

    /// Compares the row as it is written with its fields.
    pub(super) fn quotes(&self, row: &[u8]) -> Quotes {
        if self.unclosed {
            return Quotes::Broken(
                "a quote that begins in this row is never closed; the input ends inside it",
            );
        }
        let mut quotes = Quotes::Sound;
        let mut at = 0;
        for field in self.fields() {
            if row.get(at) != Some(&b'"') {
                if field.contains(&b'"') {
                    quotes = Quotes::Stray;
                }
                at += field.len() + 1;
                continue;
            }
            let doubled = memchr_iter(b'"', field).count();
            let end = at + field.len() + doubled + 2;
            let sound = row.get(at..end).is_some_and(|written| {
                written.ends_with(b"\"") && memchr_iter(b'"', written).count() == 2 * doubled + 2
            });
            if !sound {
                return Quotes::Broken("text follows a closing quote");
            }
            at = end + 1;
        }
        quotes
    }

    /// Ends the digest of a row.
    pub(super) fn finish_row(&mut self) {
        self.digest.update(&self.text[..self.size]);
        self.digest.finish_row(&self.ends[..self.count]);
    }

    /// Ends the digest of a row that was too long; an end that no field has stands for those of its fields.
    pub(super) fn finish_long_row(&mut self) {
        self.digest.update(&self.text[..self.size]);
        self.digest.finish_row(&[usize::MAX]);
    }

    /// The key of the last finished row.
    pub(super) fn key(&self) -> &str {
        self.digest.key()
    }
}

impl Scanner for CsvRows {
    fn start(&mut self) {
        (self.size, self.count, self.last) = (0, 0, None);
    }

    fn scan(&mut self, bytes: &[u8]) -> Option<usize> {
        // csv-core would pass over a blank line.
        if self.last.is_none() && bytes.first() == Some(&b'\n') {
            return Some(0);
        }
        let mut at = 0;
        while at < bytes.len() {
            let (text, ends) = (&mut self.text[self.size..], &mut self.ends[self.count..]);
            let (result, read, written, ended) = self.reader.read_record(&bytes[at..], text, ends);
            at += read;
            self.size += written;
            self.count += ended;
            match result {
                ReadRecordResult::Record => {
                    let before = if at > 1 { Some(bytes[at - 2]) } else { self.last };
                    if before == Some(b'\r') {
                        self.size -= 1;
                        self.ends[self.count - 1] = self.size;
                    }
                    return Some(at - 1);
                }
                ReadRecordResult::OutputFull => self.text.resize(2 * self.text.len(), 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
                ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
            }
        }
        self.last = bytes.last().copied().or(self.last);
        None
    }

    fn discard(&mut self) {
        // A carriage return at the end is held back: it may belong to the line terminator.
        let kept = usize::from(self.text[..self.size].ends_with(b"\r"));
        self.digest.update(&self.text[..self.size - kept]);
        self.text[0] = b'\r';
        (self.size, self.count) = (kept, 0);
    }

    fn end(&mut self) {
        self.unclosed = self.scan(b"\n").is_none();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a row is: its fields, unless its quotes are broken, and whether it has a stray quote.
    type Row = Option<(Vec<Vec<u8>>, bool)>;

    /// The rows of an input that comes in pieces of `size` bytes.
    fn rows(input: &[u8], size: usize) -> Vec<Row> {
        let mut scanner = CsvRows::new();
        let mut rows = Vec::new();
        let mut start = 0;
        while start < input.len() {
            scanner.start();
            let mut seen = start;
            let end = loop {
                if seen == input.len() {
                    scanner.end();
                    break seen;
                }
                let piece = &input[seen..input.len().min(seen + size)];
                if let Some(hop) = scanner.scan(piece) {
                    break seen + hop;
                }
                seen += piece.len();
            };
            let row = input[start..end].strip_suffix(b"\r").unwrap_or(&input[start..end]);
            start = end + 1;
            if !row.is_empty() {
                let fields = || scanner.fields().map(<[u8]>::to_vec).collect();
                rows.push(match scanner.quotes(row) {
                    Quotes::Broken(_) => None,
                    quotes => Some((fields(), quotes == Quotes::Stray)),
                });
            }
        }
        rows
    }

    /// The same by the letter of RFC 4180, byte by byte.
    fn rows_by_the_letter(input: &[u8]) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut rest = input;
        while !rest.is_empty() {
            let (mut fields, mut stray, mut broken, mut length) = (vec![Vec::new()], false, false, 0);
            let (mut quoted, mut fresh) = (false, true);
            while let Some(byte) = rest.get(length).filter(|byte| quoted || **byte != b'\n') {
                let field = fields.last_mut().unwrap();
                let next = &rest[length + 1..];
                length += 1;
                match byte {
                    b'"' if fresh => quoted = true,
                    b'"' if quoted && next.starts_with(b"\"") => {
                        field.push(b'"');
                        length += 1;
                    }
                    b'"' if quoted => {
                        quoted = false;
                        let ends = [b"".as_slice(), b"\r"].contains(&next)
                            || [b",".as_slice(), b"\n", b"\r\n"].iter().any(|end| next.starts_with(end));
                        broken |= !ends;
                    }
                    b',' if !quoted => fields.push(Vec::new()),
                    _ => {
                        stray |= *byte == b'"';
                        field.push(*byte);
                    }
                }
                fresh = *byte == b',' && !quoted;
            }
            let row = &rest[..length];
            if row.ends_with(b"\r") && !quoted {
                fields.last_mut().unwrap().pop();
            }
            if !row.is_empty() && row != b"\r" {
                rows.push((!broken && !quoted).then_some((fields, stray)));
            }
            rest = rest.get(length + 1..).unwrap_or_default();
        }
        rows
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn finds_the_rows_fields_and_faults_of_the_rfc(
            input in proptest::collection::vec(proptest::sample::select(b"ab,,\"\"\"\n\r".to_vec()), 0..60),
            size in 1_usize..9,
        ) {
            prop_assert_eq!(rows(&input, size), rows_by_the_letter(&input));
            prop_assert_eq!(rows(&input, 100), rows_by_the_letter(&input));
        }
    }
}
