//! Cuts the window into records (rows, lines or frames); one that is too long is passed over in constant memory.

use std::io::Read;

use memchr::memchr;

use super::input::Window;
use super::{IngestFault, Page};
use crate::limits::ROW_BYTES_MAX;

/// Finds where a record ends, and sees each byte of it once.
pub(super) trait Scanner {
    /// A new record begins.
    fn start(&mut self) {}

    /// Takes the record's next bytes; the index of the terminator that ends the record, if it is among them.
    fn scan(&mut self, bytes: &[u8]) -> Option<usize>;

    /// Bytes of the terminator, a line feed; none where a record tells its own length.
    fn terminator_size(&self) -> usize {
        1
    }

    /// Whether a record, not yet begun, ends among these bytes.
    fn holds_record(&self, bytes: &[u8]) -> bool {
        memchr(b'\n', bytes).is_some()
    }

    /// The record is too long: nothing of it need be kept.
    fn discard(&mut self) {}

    /// The input ends, and with it the record.
    fn end(&mut self) {}

    /// Why no record can be found any more.
    fn fault(&self) -> Option<IngestFault> {
        None
    }
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
            break (seen + hop, seen + hop + scanner.terminator_size());
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
            scanner.end();
            break (seen, seen);
        }
    };
    if let Some(fault) = scanner.fault() {
        return Err(fault);
    }
    if whole == 0 {
        return Ok(Cut::End);
    }
    let record = &window.unread()[..end];
    let lines = scanner.terminator_size() > 0;
    let length = if lines { record.strip_suffix(b"\r").unwrap_or(record).len() } else { end };
    let bytes = passed + length as u64;
    if bytes > ROW_BYTES_MAX as u64 {
        window.consume(whole);
        return Ok(Cut::TooLong { bytes });
    }
    Ok(Cut::Record { length, whole })
}
