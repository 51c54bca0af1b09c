//! Cuts the window into records (rows or lines); one that is too long is passed over in constant memory.

use std::io::Read;

use super::input::Window;
use super::{IngestFault, Page};
use crate::limits::ROW_BYTES_MAX;

/// Finds where a record ends. It keeps its state between calls, so that no byte is looked at twice.
pub(super) trait Scanner {
    /// A new record begins.
    fn start(&mut self);

    /// The index of the line feed that ends the record, in `bytes` from the record's first byte (or, after
    /// [`Scanner::discard`], from what was not discarded). `from` is where the last call stopped.
    fn scan(&mut self, bytes: &[u8], from: usize) -> Option<usize>;

    /// The record is too long, and this piece of it leaves the window.
    fn discard(&mut self, piece: &[u8]);
}

/// One charge format, once its head is read. Adding a format is adding a file that implements this.
pub(super) trait RowFormat: Scanner {
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
pub(super) fn cut<R: Read>(
    window: &mut Window<R>,
    scanner: &mut (impl Scanner + ?Sized),
) -> Result<Cut, IngestFault> {
    scanner.start();
    let mut seen = 0;
    loop {
        let unread = window.unread();
        if let Some(end) = scanner.scan(unread, seen) {
            let length = trimmed(&unread[..end]).len();
            if length > ROW_BYTES_MAX {
                scanner.discard(&unread[..length]);
                window.consume(end + 1);
                return Ok(Cut::TooLong { bytes: length as u64 });
            }
            return Ok(Cut::Record { length, whole: end + 1 });
        }
        seen = unread.len();
        // One byte more, in case that the last one is a carriage return before the line feed.
        if seen > ROW_BYTES_MAX + 1 {
            return pass_over(window, scanner);
        }
        if !window.fill()? {
            let unread = window.unread();
            let length = trimmed(unread).len();
            return Ok(match unread.len() {
                0 => Cut::End,
                whole if length > ROW_BYTES_MAX => {
                    scanner.discard(&unread[..length]);
                    window.consume(whole);
                    Cut::TooLong { bytes: length as u64 }
                }
                whole => Cut::Record { length, whole },
            });
        }
    }
}

/// Drops the rest of a record piece by piece.
fn pass_over<R: Read>(
    window: &mut Window<R>,
    scanner: &mut (impl Scanner + ?Sized),
) -> Result<Cut, IngestFault> {
    let mut bytes = 0;
    loop {
        // A carriage return at the end is held back: it may belong to the line terminator.
        let kept = trimmed(window.unread()).len();
        let held = window.unread().len() - kept;
        scanner.discard(&window.unread()[..kept]);
        window.consume(kept);
        bytes += kept as u64;
        let more = window.fill()?;
        let unread = window.unread();
        let end = if more { scanner.scan(unread, held) } else { Some(unread.len()) };
        if let Some(end) = end {
            let length = trimmed(&unread[..end]).len();
            scanner.discard(&unread[..length]);
            bytes += length as u64;
            let whole = unread.len().min(end + 1);
            window.consume(whole);
            return Ok(Cut::TooLong { bytes });
        }
    }
}

/// Without one carriage return at the end.
fn trimmed(record: &[u8]) -> &[u8] {
    record.strip_suffix(b"\r").unwrap_or(record)
}
