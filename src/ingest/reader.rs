//! Reads an input page by page, in memory that doesn't depend on its size.

use std::io::Read;

use memchr::memchr;

use super::csv_charges::CsvCharges;
use super::fields::shown;
use super::input::Window;
use super::layout::Layout;
use super::msgpack::Msgpack;
use super::ndjson::Ndjson;
use super::records::{Cut, RowFormat, cut};
use super::{Format, IngestFault, Page, aws_cur, azure_ea, focus, msgpack_frame, oci};

/// Bytes within which the first line must end for its format to be found out.
const HEAD_BYTES_MAX: usize = 64 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What other files than text begin with.
const BINARY_MAGICS: [(&[u8], &str); 7] = [
    (b"PK\x03\x04", "it is a zip archive or a spreadsheet"),
    (b"\x28\xb5\x2f\xfd", "it is compressed by zstd"),
    (b"BZh", "it is compressed by bzip2"),
    (b"\xfd7zXZ", "it is compressed by xz"),
    (b"PAR1", "it is a Parquet file"),
    (b"\xff\xfe", "it is UTF-16"),
    (b"\xfe\xff", "it is UTF-16"),
];

/// How to read an input.
#[derive(Clone, Copy, Default, Debug)]
pub struct ReaderOptions<'a> {
    /// The format; by default it is found out from the content.
    pub format: Option<Format>,
    /// Whether rows that can be understood are read and noted, although they are not as they should be.
    pub lenient: bool,
    /// The source of rows that name none; by default the format's name for CSV rows, and no other row is read
    /// without one.
    pub source: Option<&'a str>,
}

/// Reads charges from a file or a pipe, plain or compressed by gzip (also of several members).
pub struct ChargeReader<R: Read> {
    window: Window<R>,
    rows: Box<dyn RowFormat + Send>,
    format: Format,
    fault: Option<IngestFault>,
    ended: bool,
}

impl<R: Read> ChargeReader<R> {
    /// Reads the head: compression, byte order mark, format, header.
    pub fn open(input: R, options: ReaderOptions<'_>) -> Result<Self, IngestFault> {
        let mut window = Window::open(input)?;
        let settled = |head: &[u8]| {
            options.format == Some(Format::Msgpack) || has_line(head) || msgpack_frame::begins(head)
        };
        while window.unread().len() < HEAD_BYTES_MAX && !settled(window.unread()) {
            if !window.fill()? {
                break;
            }
        }
        if window.unread().starts_with(BYTE_ORDER_MARK) {
            window.consume(BYTE_ORDER_MARK.len());
        }
        let head = &window.unread()[..window.unread().len().min(HEAD_BYTES_MAX)];
        let detected = Format::detect(head);
        if detected.is_none() && options.format != Some(Format::Msgpack) {
            check_text(head)?;
        }
        let format = match options.format.or(detected) {
            Some(format) => format,
            None if head.trim_ascii().is_empty() => return Err(IngestFault::Empty),
            None => {
                let head = String::from_utf8_lossy(&head[..head.len().min(256)]);
                return Err(IngestFault::UnknownFormat { head: shown(&head) });
            }
        };
        let rows: Box<dyn RowFormat + Send> = match format {
            Format::Ndjson => Box::new(Ndjson::new(options.lenient, options.source)),
            Format::Focus => csv(&mut window, &focus::LAYOUT, options)?,
            Format::AwsCur => csv(&mut window, &aws_cur::LAYOUT, options)?,
            Format::AzureEa => csv(&mut window, &azure_ea::LAYOUT, options)?,
            Format::Oci => csv(&mut window, &oci::LAYOUT, options)?,
            Format::Msgpack => Box::new(Msgpack::new(options.lenient, options.source)),
        };
        Ok(Self { window, rows, format, fault: None, ended: false })
    }

    /// The format given or found out.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Data rows read so far, refused ones too; with NDJSON the lines, with MessagePack the records.
    pub fn rows(&self) -> u64 {
        self.rows.rows()
    }

    /// Adds up to `max` rows to the page, fewer where they are very long, or where more would have to be waited for;
    /// false where the input has ended and nothing was added.
    ///
    /// A fault of the input is answered when all the rows before it have been handed over; after it the input has ended.
    pub fn read(&mut self, page: &mut Page, max: usize) -> Result<bool, IngestFault> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let mut count = 0;
        while !self.ended && count < max {
            if count > 0 && (!page.has_room() || self.window.would_wait(self.rows.scanner())) {
                break;
            }
            match cut(&mut self.window, self.rows.scanner()) {
                Ok(Cut::Record { length, whole }) => {
                    self.rows.read(&self.window.unread()[..length], page);
                    self.window.consume(whole);
                }
                Ok(Cut::TooLong { bytes }) => self.rows.pass_over(bytes, page),
                Ok(Cut::End) => {
                    self.ended = true;
                    break;
                }
                Err(fault) => {
                    self.ended = true;
                    let fault = fault.after_row(self.rows.rows());
                    if count == 0 {
                        return Err(fault);
                    }
                    self.fault = Some(fault);
                    break;
                }
            }
            count += 1;
        }
        Ok(count > 0)
    }
}

impl Format {
    /// Finds out the format from the first bytes, which should hold the first line.
    pub fn detect(head: &[u8]) -> Option<Self> {
        if msgpack_frame::begins(head) {
            return Some(Self::Msgpack);
        }
        let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head).trim_ascii_start();
        let line = &head[..memchr(b'\n', head).unwrap_or(head.len())];
        if line.starts_with(b"{") {
            Some(Self::Ndjson)
        } else {
            Layout::detect(line).map(|layout| layout.format)
        }
    }
}

fn csv<R: Read>(
    window: &mut Window<R>,
    layout: &'static Layout,
    options: ReaderOptions<'_>,
) -> Result<Box<dyn RowFormat + Send>, IngestFault> {
    Ok(Box::new(CsvCharges::open(window, layout, options.lenient, options.source)?))
}

/// Whether a line that is not blank has come to its end.
fn has_line(head: &[u8]) -> bool {
    let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head).trim_ascii_start();
    memchr(b'\n', head).is_some()
}

fn check_text(head: &[u8]) -> Result<(), IngestFault> {
    if let Some((_, what)) = BINARY_MAGICS.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(IngestFault::NotText(what));
    }
    let is_text = |byte: &u8| !matches!(byte, 0..=8 | 14..=26 | 28..=31);
    if head.iter().all(is_text) { Ok(()) } else { Err(IngestFault::NotText("it holds control characters")) }
}
