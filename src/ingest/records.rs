//! Cuts the window into records (rows or lines); one that is too long is passed over in constant memory.

use std::io::Read;

use super::input::Window;
use super::{IngestFault, Page};
use crate::limits::ROW_BYTES_MAX;

/// Finds where a record ends, and sees each byte of it once.
pub(super) trait Scanner {
    /// A new record begins.
    fn start(&mut self) {}

    /// Takes the record's next bytes; the index of the line feed that ends the record, if it is among them.
    fn scan(&mut self, bytes: &[u8]) -> Option<usize>;

    /// The record is too long: nothing of it need be kept.
    fn discard(&mut self) {}

    /// The input ends, and with it the record.
    fn end(&mut self) {}
}

/// One charge format, once its head is read. Adding a format is adding a file that implements this.
pub(super) trait RowFormat {
    /// What finds its records.
    fn scanner(&mut self) -> &mut dyn Scanner;

    /// Reads a record (without its line terminator) into the page.
    fn read(&mut self, record: &[u8], page: &mut Page);

    /// Says that a record of `bytes` bytes was passed over.
    fn pass_over(&mut self, bytes: u64, page: &mut Page);

    /// Rows read so far.
    fn rows(&self) -> u64;
}

/// What [`cut`] found.
pub(super) enum Cut {
    /// The record is the first `length` unread bytes; with its line terminator it takes `whole`.
    Record {
        /// Bytes without the line terminator.
        length: usize,
        /// Bytes to consume.
        whole: usize,
    },
    /// A record of `bytes` bytes was passed over and consumed.
    TooLong {
        /// Its length without the line terminator.
        bytes: u64,
    },
    /// The input has ended.
    End,
}

/// Finds the next record.
pub(super) fn cut<R: Read>(window: &mut Window<R>, scanner: &mut dyn Scanner) -> Result<Cut, IngestFault> {
    scanner.start();
    let (mut seen, mut passed) = (0, 0);
    let (end, whole) = loop {
        let unread = window.unread();
        if let Some(hop) = scanner.scan(&unread[seen..]) {
            break (seen + hop, seen + hop + 1);
        }
        seen = unread.len();
        // The last byte stays: it may be a carriage return before the line feed.
        if seen > ROW_BYTES_MAX + 1 {
            scanner.discard();
            window.consume(seen - 1);
            passed += seen as u64 - 1;
            seen = 1;
        }
        if !window.fill()? {
            if seen == 0 {
                return Ok(Cut::End);
            }
            scanner.end();
            break (seen, seen);
        }
    };
    let record = &window.unread()[..end];
    let length = record.strip_suffix(b"\r").unwrap_or(record).len();
    let bytes = passed + length as u64;
    if bytes > ROW_BYTES_MAX as u64 {
        window.consume(whole);
        return Ok(Cut::TooLong { bytes });
    }
    Ok(Cut::Record { length, whole })
}
