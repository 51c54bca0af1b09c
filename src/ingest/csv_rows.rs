//! Where a CSV row ends, and where its fields are (RFC 4180), without copying any.

use memchr::memchr;

use super::records::Scanner;

/// A field within its row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Field {
    /// First byte, after the opening quote.
    pub(super) start: usize,
    /// Behind the last byte, before the closing quote.
    pub(super) end: usize,
    /// Whether it holds doubled quotes.
    pub(super) escaped: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    FieldStart,
    Unquoted,
    Quoted,
    /// Behind a quote inside a quoted field: the closing one, or the first of two.
    AfterQuote,
    /// Behind a closing quote and a carriage return.
    AfterQuoteReturn,
}

/// Bytes that end an unquoted run.
static SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    special[b',' as usize] = true;
    special[b'\n' as usize] = true;
    special[b'"' as usize] = true;
    special
};

/// Scans rows and keeps the places of the current row's fields.
#[derive(Debug)]
pub(super) struct CsvRows {
    state: State,
    fields: Vec<Field>,
    fields_max: usize,
    /// How many of the current row's fields are kept: none once a piece of it has been discarded.
    kept_max: usize,
    count: usize,
    start: usize,
    /// Place of the last quote that may be the closing one.
    quote: usize,
    escaped: bool,
    stray: bool,
    broken: bool,
}

impl CsvRows {
    /// Keeps the places of the first `fields_max` fields of each row.
    pub(super) fn new(fields_max: usize) -> Self {
        Self {
            state: State::FieldStart,
            fields: Vec::new(),
            fields_max,
            kept_max: fields_max,
            count: 0,
            start: 0,
            quote: 0,
            escaped: false,
            stray: false,
            broken: false,
        }
    }

    /// Ends the last field of a row of that length; call it once before looking at the fields.
    pub(super) fn finish(&mut self, length: usize) {
        match self.state {
            State::AfterQuote | State::AfterQuoteReturn => self.end_field(self.quote),
            State::FieldStart => {
                self.start = length;
                self.end_field(length);
            }
            State::Unquoted | State::Quoted => self.end_field(length),
        }
    }

    /// The first fields.
    pub(super) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// How many fields there are, kept or not.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Why the row can't be read, if so.
    pub(super) fn fault(&self) -> Option<&'static str> {
        if self.state == State::Quoted {
            Some("a quote that begins in this row is never closed; the input ends inside it")
        } else if self.broken {
            Some("text follows a closing quote")
        } else {
            None
        }
    }

    /// Whether a row that is too long has ended the input inside a quote.
    pub(super) fn in_quote(&self) -> bool {
        self.state == State::Quoted
    }

    /// Whether there is a quote inside an unquoted field.
    pub(super) fn has_stray_quote(&self) -> bool {
        self.stray
    }

    /// Passes over whole fields that end with a comma and hold no doubled or stray quote, which most do; answers where
    /// the first other field begins.
    fn scan_usual_fields(&mut self, bytes: &[u8], from: usize) -> usize {
        let mut at = from;
        let mut count = self.count;
        while let Some(first) = bytes.get(at) {
            let quoted = usize::from(*first == b'"');
            let start = at + quoted;
            let rest = &bytes[start..];
            let length = if quoted == 1 {
                memchr(b'"', rest)
            } else {
                rest.iter().position(|byte| SPECIAL[usize::from(*byte)])
            };
            let Some(end) = length.map(|length| start + length) else { break };
            if bytes.get(end + quoted) != Some(&b',') {
                break;
            }
            count += 1;
            if count <= self.kept_max {
                self.fields.push(Field { start, end, escaped: false });
            }
            at = end + quoted + 1;
        }
        self.count = count;
        at
    }

    fn end_field(&mut self, end: usize) {
        self.count += 1;
        if self.count <= self.kept_max {
            let start = self.start.min(end);
            self.fields.push(Field { start, end, escaped: self.escaped });
        }
        self.escaped = false;
    }
}

impl Scanner for CsvRows {
    fn start(&mut self) {
        self.state = State::FieldStart;
        self.fields.clear();
        self.kept_max = self.fields_max;
        self.count = 0;
        self.escaped = false;
        self.stray = false;
        self.broken = false;
    }

    fn scan(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            let rest = &bytes[at..];
            match self.state {
                State::FieldStart => {
                    at = self.scan_usual_fields(bytes, at);
                    let rest = &bytes[at..];
                    let quoted = *rest.first()? == b'"';
                    self.start = at + usize::from(quoted);
                    at = self.start;
                    self.state = if quoted { State::Quoted } else { State::Unquoted };
                }
                State::Unquoted => {
                    at += rest.iter().position(|byte| SPECIAL[usize::from(*byte)])?;
                    match bytes[at] {
                        b',' => {
                            self.end_field(at);
                            self.state = State::FieldStart;
                        }
                        b'\n' => return Some(at),
                        _ => self.stray = true,
                    }
                    at += 1;
                }
                State::Quoted => {
                    at += memchr(b'"', rest)?;
                    self.quote = at;
                    at += 1;
                    self.state = State::AfterQuote;
                }
                State::AfterQuote | State::AfterQuoteReturn => {
                    let byte = *rest.first()?;
                    match (byte, self.state) {
                        (b'\n', _) => return Some(at),
                        (b',', State::AfterQuote) => {
                            self.end_field(self.quote);
                            self.state = State::FieldStart;
                        }
                        (b'"', State::AfterQuote) => {
                            self.escaped = true;
                            self.state = State::Quoted;
                        }
                        (b'\r', State::AfterQuote) => self.state = State::AfterQuoteReturn,
                        _ => {
                            // The byte itself is looked at again: it may be a comma.
                            self.broken = true;
                            self.state = State::Unquoted;
                            continue;
                        }
                    }
                    at += 1;
                }
            }
        }
    }

    fn discard(&mut self, _piece: &[u8]) {
        self.kept_max = 0;
        self.fields.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The fields of each row that is not broken; the input comes in pieces of `size` bytes.
    fn rows(input: &[u8], size: usize) -> Vec<Option<Vec<Vec<u8>>>> {
        let mut scanner = CsvRows::new(usize::MAX);
        let mut rows = Vec::new();
        let mut start = 0;
        while start < input.len() {
            scanner.start();
            let mut seen = start;
            let (mut length, mut whole) = (input.len() - start, input.len() - start);
            while seen < input.len() {
                let until = input.len().min(seen + size);
                if let Some(end) = scanner.scan(&input[start..until], seen - start) {
                    (length, whole) = (end, end + 1);
                    break;
                }
                seen = until;
            }
            let row = &input[start..start + length];
            start += whole;
            if row.is_empty() {
                continue;
            }
            scanner.finish(row.len());
            assert_eq!(scanner.count(), scanner.fields().len());
            let text = |field: &Field| {
                let text = &row[field.start..field.end];
                if field.escaped {
                    String::from_utf8_lossy(text).replace("\"\"", "\"").into_bytes()
                } else {
                    text.to_vec()
                }
            };
            rows.push(scanner.fault().is_none().then(|| scanner.fields().iter().map(text).collect()));
        }
        rows
    }

    /// The same by another parser.
    fn rows_of_csv_core(mut input: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut reader = csv_core::ReaderBuilder::new().terminator(csv_core::Terminator::Any(b'\n')).build();
        let (mut text, mut ends) = ([0; 256], [0; 256]);
        let (mut text_size, mut ends_count) = (0, 0);
        let mut rows = Vec::new();
        loop {
            let (result, read, wrote, ended) =
                reader.read_record(input, &mut text[text_size..], &mut ends[ends_count..]);
            input = &input[read..];
            text_size += wrote;
            ends_count += ended;
            match result {
                csv_core::ReadRecordResult::InputEmpty => {}
                csv_core::ReadRecordResult::Record => {
                    let mut from = 0;
                    rows.push(
                        ends[..ends_count]
                            .iter()
                            .map(|end| text[std::mem::replace(&mut from, *end)..*end].to_vec())
                            .collect(),
                    );
                    (text_size, ends_count) = (0, 0);
                }
                csv_core::ReadRecordResult::End => return rows,
                full => panic!("{full:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn finds_the_rows_and_fields_that_another_parser_finds(
            input in proptest::collection::vec(proptest::sample::select(b"ab,,\"\"\n".to_vec()), 0..60),
            size in 1_usize..9,
        ) {
            let found = rows(&input, size);
            prop_assert_eq!(&found, &rows(&input, 100));
            let expect = rows_of_csv_core(&input);
            prop_assert_eq!(found.len(), expect.len());
            for (found, expect) in found.into_iter().zip(expect) {
                if let Some(found) = found {
                    prop_assert_eq!(found, expect);
                }
            }
        }
    }
}
