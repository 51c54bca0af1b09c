//! Where MessagePack records begin and end.
//!
//! ```text
//! input  = { record | array of records }
//! record = map | array whose first element is neither an array nor a map
//! ```
//! Nothing is kept of a record but how many values it still lacks, so that neither its depth nor a declared length
//! costs memory. A record in an array of records may be any value: what is no charge is refused, and the reading goes
//! on. Elsewhere a value that is neither a map nor an array is damage: no writer begins a record so.

use rmp::Marker;

use super::IngestFault;
use super::records::Scanner;

/// Bytes of the longest header of a value: its marker and a length of 32 bits.
const HEADER_BYTES_MAX: usize = 5;

/// What the bytes since the last record are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    /// Nothing is known yet.
    Start,
    /// An array of that many elements. It is a record or holds records, as its first element tells.
    Array(u64),
    /// A record.
    Record,
    /// The header of an array of records.
    ListHeader,
}

/// Why there are no more records.
#[derive(Clone, Copy, Debug)]
enum Break {
    /// The input has ended.
    Cut,
    /// No record can begin as this one does.
    NoRecord,
    /// A marker that has no meaning.
    NoValue,
}

/// Finds the records.
#[derive(Clone, Debug)]
pub(super) struct Frames {
    part: Part,
    /// Records that the array at hand still has.
    list_left: u64,
    /// Where the current record begins, and how much of it was seen.
    begin: u64,
    seen: u64,
    /// Values that it still lacks, and bytes of the value at hand.
    values: u64,
    bytes: u64,
    /// The header of a value, as far as it was seen.
    header: [u8; HEADER_BYTES_MAX],
    header_size: usize,
    broken: Option<Break>,
}

impl Frames {
    pub(super) fn new() -> Self {
        Self {
            part: Part::Start,
            list_left: 0,
            begin: 0,
            seen: 0,
            values: 0,
            bytes: 0,
            header: [0; HEADER_BYTES_MAX],
            header_size: 0,
            broken: None,
        }
    }

    /// Whether what was found is a record, and not the header of an array of records.
    pub(super) fn is_record(&self) -> bool {
        self.part == Part::Record
    }

    /// Where the current record begins, in bytes of the decompressed input.
    pub(super) fn begin(&self) -> u64 {
        self.begin
    }

    /// Takes the header of a value.
    fn open(&mut self, marker: Marker, length: u64) -> Result<(), Break> {
        let (bytes, values) = content(marker, length)?;
        self.bytes = bytes;
        if self.part != Part::Start {
            self.values = (self.values - 1).saturating_add(values);
            return Ok(());
        }
        self.part = match marker {
            _ if self.list_left > 0 => Part::Record,
            marker if is_map(marker) => Part::Record,
            marker if is_array(marker) && values == 0 => Part::ListHeader,
            marker if is_array(marker) => Part::Array(values),
            _ => return Err(Break::NoRecord),
        };
        self.values = values;
        Ok(())
    }

    /// Goes on from `at` to the end of the record; whether it was reached.
    fn go_on(&mut self, bytes: &[u8], at: &mut usize) -> Result<bool, Break> {
        loop {
            let there = bytes.len() - *at;
            let skipped = usize::try_from(self.bytes).map_or(there, |size| size.min(there));
            *at += skipped;
            self.bytes -= skipped as u64;
            if self.bytes > 0 {
                return Ok(false);
            }
            if self.part == Part::Record && self.header_size == 0 {
                self.pass_usual(bytes, at);
            }
            let between_values = self.header_size == 0;
            if between_values && self.values == 0 && self.part != Part::Start {
                return Ok(true);
            }
            let rest = &bytes[*at..];
            let Some(next) = rest.first() else { return Ok(false) };
            let next = Marker::from_u8(*next);
            if let Part::Array(count) = self.part
                && between_values
            {
                if is_map(next) || is_array(next) {
                    (self.part, self.values, self.list_left) = (Part::ListHeader, 0, count);
                    return Ok(true);
                }
                self.part = Part::Record;
            }
            let marker = if between_values { next } else { Marker::from_u8(self.header[0]) };
            let size = 1 + length_size(marker);
            let length = match rest.get(1..size) {
                Some(length) if between_values => {
                    *at += size;
                    number(length)
                }
                // It comes in pieces.
                _ => {
                    let piece = &rest[..rest.len().min(size - self.header_size)];
                    self.header[self.header_size..self.header_size + piece.len()].copy_from_slice(piece);
                    self.header_size += piece.len();
                    *at += piece.len();
                    if self.header_size < size {
                        return Ok(false);
                    }
                    self.header_size = 0;
                    number(&self.header[1..size])
                }
            };
            // A fault is at the marker.
            self.open(marker, length).inspect_err(|_| *at = at.saturating_sub(size))?;
        }
    }

    /// Passes over short strings and nil, the usual values, as long as they are there as a whole.
    fn pass_usual(&mut self, bytes: &[u8], at: &mut usize) {
        while self.values > 0 {
            let size = match bytes[*at..] {
                [first @ 0xa0..=0xbf, ..] => 1 + usize::from(first & 0x1f),
                [0xd9, length, ..] => 2 + usize::from(length),
                [0xc0, ..] => 1,
                _ => return,
            };
            if size > bytes.len() - *at {
                return;
            }
            *at += size;
            self.values -= 1;
        }
    }

    /// The least that the current record still lacks.
    fn missing(&self) -> u64 {
        let header = match self.header_size {
            0 => 0,
            size => 1 + length_size(Marker::from_u8(self.header[0])) - size,
        };
        self.bytes.saturating_add(self.values).saturating_add(header as u64).max(1)
    }
}

impl Scanner for Frames {
    fn start(&mut self) {
        if self.part == Part::Record {
            self.list_left = self.list_left.saturating_sub(1);
        }
        self.begin += self.seen;
        (self.part, self.seen) = (Part::Start, 0);
    }

    fn scan(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        let ended = self.go_on(bytes, &mut at);
        self.seen += at as u64;
        match ended {
            Ok(ended) => ended.then_some(at),
            Err(broken) => {
                self.broken = Some(broken);
                Some(at)
            }
        }
    }

    fn terminator_size(&self) -> usize {
        0
    }

    fn holds_record(&self, bytes: &[u8]) -> bool {
        let mut ahead = self.clone();
        ahead.start();
        ahead.scan(bytes).is_some()
    }

    fn end(&mut self) {
        let between_records = self.part == Part::Start && self.header_size == 0;
        if !between_records || self.list_left > 0 {
            self.broken = Some(Break::Cut);
        }
    }

    fn fault(&self) -> Option<IngestFault> {
        let offset = self.begin + self.seen;
        self.broken.map(|broken| match broken {
            Break::Cut => {
                IngestFault::MsgpackCut { row: 0, begin: self.begin, offset, missing: self.missing() }
            }
            Break::NoRecord => IngestFault::MsgpackDamaged {
                row: 0,
                offset: self.begin,
                what: "a record is a map or an array, and this is neither",
            },
            Break::NoValue => {
                IngestFault::MsgpackDamaged { row: 0, offset, what: "no value begins with 0xc1" }
            }
        })
    }
}

/// Whether an input that begins so holds MessagePack records, by its first two values.
pub(super) fn begins(head: &[u8]) -> bool {
    let Some(first) = head.first().map(|byte| Marker::from_u8(*byte)) else { return false };
    let size = 1 + length_size(first);
    let next = head.get(size).map(|byte| Marker::from_u8(*byte));
    if is_map(first) {
        first == Marker::FixMap(0) || next.is_some_and(is_string)
    } else if is_array(first) {
        let begins_record = |next| next == Marker::Null || is_string(next) || is_map(next) || is_array(next);
        first == Marker::FixArray(0) || next.is_some_and(begins_record)
    } else {
        false
    }
}

/// Whether a record that begins so is a map or an array.
pub(super) fn is_map_or_array(record: &[u8]) -> bool {
    record.first().map(|byte| Marker::from_u8(*byte)).is_some_and(|first| is_map(first) || is_array(first))
}

fn is_map(marker: Marker) -> bool {
    matches!(marker, Marker::FixMap(_) | Marker::Map16 | Marker::Map32)
}

fn is_array(marker: Marker) -> bool {
    matches!(marker, Marker::FixArray(_) | Marker::Array16 | Marker::Array32)
}

fn is_string(marker: Marker) -> bool {
    matches!(marker, Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32)
}

/// Bytes of the length that follows the marker.
fn length_size(marker: Marker) -> usize {
    match marker {
        Marker::Str8 | Marker::Bin8 | Marker::Ext8 => 1,
        Marker::Str16 | Marker::Bin16 | Marker::Ext16 | Marker::Array16 | Marker::Map16 => 2,
        Marker::Str32 | Marker::Bin32 | Marker::Ext32 | Marker::Array32 | Marker::Map32 => 4,
        _ => 0,
    }
}

/// How many bytes, or else values, follow the header of a value.
fn content(marker: Marker, length: u64) -> Result<(u64, u64), Break> {
    Ok(match marker {
        Marker::FixPos(_) | Marker::FixNeg(_) | Marker::Null | Marker::True | Marker::False => (0, 0),
        Marker::U8 | Marker::I8 => (1, 0),
        Marker::U16 | Marker::I16 | Marker::FixExt1 => (2, 0),
        Marker::U32 | Marker::I32 | Marker::F32 => (4, 0),
        Marker::U64 | Marker::I64 | Marker::F64 => (8, 0),
        Marker::FixStr(size) => (u64::from(size), 0),
        Marker::Str8 | Marker::Str16 | Marker::Str32 | Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => {
            (length, 0)
        }
        // The type of an extension takes a byte.
        Marker::FixExt2 => (1 + 2, 0),
        Marker::FixExt4 => (1 + 4, 0),
        Marker::FixExt8 => (1 + 8, 0),
        Marker::FixExt16 => (1 + 16, 0),
        Marker::Ext8 | Marker::Ext16 | Marker::Ext32 => (1 + length, 0),
        Marker::FixArray(count) => (0, u64::from(count)),
        Marker::Array16 | Marker::Array32 => (0, length),
        Marker::FixMap(count) => (0, 2 * u64::from(count)),
        Marker::Map16 | Marker::Map32 => (0, 2 * length),
        Marker::Reserved => return Err(Break::NoValue),
    })
}

/// An unsigned number, most significant byte first.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
