//! The bytes of an input, decompressed, through a window of bounded size.

use std::io::{self, Chain, Cursor, Read};

use flate2::read::MultiGzDecoder;

use super::IngestFault;
use super::records::Scanner;

/// What a gzip member begins with.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Bytes of the window at first; it grows only while a single row is longer.
const WINDOW_BYTES: usize = 256 * 1024;

/// Least room for a read.
const READ_BYTES_MIN: usize = 64 * 1024;

/// The caller's reader with its first bytes put back, which counts what it gives.
struct Source<R> {
    inner: Chain<Cursor<Vec<u8>>, R>,
    offset: u64,
    failed: bool,
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = retrying(|| self.inner.read(buffer)).inspect_err(|_| self.failed = true)?;
        self.offset += count as u64;
        Ok(count)
    }
}

enum Stream<R: Read> {
    Plain(Source<R>),
    Gzip(Box<MultiGzDecoder<Source<R>>>),
}

/// A window on the decompressed bytes: what was read and not yet consumed.
pub(super) struct Window<R: Read> {
    stream: Stream<R>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes that the last read brought.
    last_read: usize,
}

impl<R: Read> Window<R> {
    /// Begins to read, and finds out whether the input is compressed.
    pub(super) fn open(mut input: R) -> Result<Self, IngestFault> {
        let mut magic = Vec::with_capacity(GZIP_MAGIC.len());
        let mut byte = [0];
        while magic.len() < GZIP_MAGIC.len() {
            match retrying(|| input.read(&mut byte)) {
                Ok(0) => break,
                Ok(_) => magic.push(byte[0]),
                Err(source) => return Err(IngestFault::Read { row: 0, source }),
            }
        }
        let compressed = magic == GZIP_MAGIC;
        let source = Source { inner: Cursor::new(magic).chain(input), offset: 0, failed: false };
        let stream = if compressed {
            Stream::Gzip(Box::new(MultiGzDecoder::new(source)))
        } else {
            Stream::Plain(source)
        };
        Ok(Self { stream, buffer: vec![0; WINDOW_BYTES], start: 0, end: 0, last_read: 0 })
    }

    /// The bytes read and not yet consumed.
    pub(super) fn unread(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Whether the next row may have to be waited for: no whole one is left, and the last read brought little, as from
    /// a pipe that is written to slowly.
    pub(super) fn would_wait(&self, scanner: &dyn Scanner) -> bool {
        matches!(self.stream, Stream::Plain(_))
            && self.last_read < READ_BYTES_MIN
            && !scanner.holds_record(self.unread())
    }

    /// Drops the first `count` unread bytes.
    pub(super) fn consume(&mut self, count: usize) {
        assert!(count <= self.end - self.start, "invariant: only unread bytes are consumed");
        self.start += count;
    }

    /// Reads more; false at the end of the input.
    pub(super) fn fill(&mut self) -> Result<bool, IngestFault> {
        if self.buffer.len() - self.end < READ_BYTES_MIN {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            if self.buffer.len() - self.end < READ_BYTES_MIN {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
        }
        let room = &mut self.buffer[self.end..];
        let read = match &mut self.stream {
            Stream::Plain(source) => source.read(room),
            Stream::Gzip(decoder) => retrying(|| decoder.read(room)),
        };
        let count = read.map_err(|source| self.stream.fault(source))?;
        self.end += count;
        self.last_read = count;
        Ok(count > 0)
    }
}

impl<R: Read> Stream<R> {
    fn fault(&self, source: io::Error) -> IngestFault {
        match self {
            Self::Gzip(decoder) if !decoder.get_ref().failed => {
                let offset = decoder.get_ref().offset;
                if source.kind() == io::ErrorKind::UnexpectedEof {
                    IngestFault::GzipCut { row: 0, offset }
                } else {
                    IngestFault::GzipDamaged { row: 0, offset, source }
                }
            }
            _ => IngestFault::Read { row: 0, source },
        }
    }
}

fn retrying(mut read: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match read() {
            Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}
