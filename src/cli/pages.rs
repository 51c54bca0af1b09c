//! Reading inputs page by page on a thread of their own, so that parsing and posting overlap.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam::channel::{Receiver, Sender, bounded};

use super::failure::Failure;
use crate::ingest::{ChargeReader, Format, Page, ReaderOptions};

/// Rows of one page.
pub(super) const PAGE_ROWS: usize = 8_192;

/// Pages that wait between the two threads.
const PAGES_WAITING: usize = 4;

/// How all inputs are to be read.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// The format, or none to find it out.
    pub(super) format: Option<Format>,
    /// See [`ReaderOptions::lenient`].
    pub(super) lenient: bool,
    /// See [`ReaderOptions::source`].
    pub(super) source: Option<String>,
}

/// What the reading thread hands over, in the order of the inputs.
pub(super) enum Step {
    /// Some rows of an input.
    Page {
        /// Place of the input on the command line.
        input: usize,
        /// Its format.
        format: Format,
        /// The rows.
        page: Box<Page>,
    },
    /// No more rows of an input, and why not if there could be more.
    End {
        /// Place of the input on the command line.
        input: usize,
        /// What broke it off.
        fault: Option<Failure>,
    },
}

/// The pages of several inputs, one after the other.
pub(super) struct Pages {
    steps: Receiver<Step>,
    used: Sender<Box<Page>>,
    bytes: Arc<AtomicU64>,
}

impl Pages {
    /// Begins to read. Dropping the pages ends the reading at the next one; a pipe that is silent may hold the thread
    /// longer, and the process does not wait for it.
    pub(super) fn read(inputs: Vec<PathBuf>, reading: Reading) -> Result<Self, Failure> {
        let (send, steps) = bounded(PAGES_WAITING);
        let (used, spare) = bounded(PAGES_WAITING);
        let bytes = Arc::new(AtomicU64::new(0));
        let reader = Reader { reading, send, spare, bytes: Arc::clone(&bytes) };
        std::thread::Builder::new()
            .name("exchequer-reader".to_owned())
            .spawn(move || {
                for (place, path) in inputs.iter().enumerate() {
                    // Nobody listens any more: posting has stopped.
                    let Ok(()) = reader.read_input(place, path) else { return };
                }
            })
            .map_err(|error| {
                Failure::because(
                    "cannot start the reading thread",
                    &error,
                    "check the limits on threads and memory",
                )
            })?;
        Ok(Self { steps, used, bytes })
    }

    /// The next step; none at the end.
    pub(super) fn next(&self) -> Option<Step> {
        self.steps.recv().ok()
    }

    /// The next step if it is there already.
    pub(super) fn try_next(&self) -> Option<Step> {
        self.steps.try_recv().ok()
    }

    /// Takes a page back to fill it again.
    pub(super) fn recycle(&self, mut page: Box<Page>) {
        page.clear();
        // Where enough are waiting, one more is not needed.
        drop(self.used.try_send(page));
    }

    /// Bytes read from all inputs so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// What the pages are called in messages.
pub(super) fn display_name(path: &Path) -> String {
    path.display().to_string()
}

/// Whether the path stands for stdin.
pub(super) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Nobody listens any more.
struct Unheard;

struct Reader {
    reading: Reading,
    send: Sender<Step>,
    spare: Receiver<Box<Page>>,
    bytes: Arc<AtomicU64>,
}

impl Reader {
    fn read_input(&self, input: usize, path: &Path) -> Result<(), Unheard> {
        let attempt = || format!("cannot import `{}`", display_name(path));
        let read = if is_stdin(path) {
            self.read_pages(input, &attempt, io::stdin())
        } else {
            match File::open(path) {
                Ok(file) => self.read_pages(input, &attempt, file),
                Err(error) => {
                    let hint = "check the path, and that you may read the file";
                    Ok(Some(Failure::because(attempt(), &error, hint)))
                }
            }
        };
        self.send.send(Step::End { input, fault: read? }).map_err(|_| Unheard)
    }

    fn read_pages(
        &self,
        input: usize,
        attempt: &dyn Fn() -> String,
        bytes: impl Read,
    ) -> Result<Option<Failure>, Unheard> {
        let options = ReaderOptions {
            format: self.reading.format,
            lenient: self.reading.lenient,
            source: self.reading.source.as_deref(),
        };
        let bytes = Counted { bytes, count: &self.bytes };
        let mut reader = match ChargeReader::open(bytes, options) {
            Ok(reader) => reader,
            Err(fault) => return Ok(Some(Failure::input(attempt(), &fault))),
        };
        let format = reader.format();
        loop {
            let mut page = self.spare.try_recv().unwrap_or_default();
            match reader.read(&mut page, PAGE_ROWS) {
                Ok(true) => self.send.send(Step::Page { input, format, page }).map_err(|_| Unheard)?,
                Ok(false) => return Ok(None),
                Err(fault) => return Ok(Some(Failure::input(attempt(), &fault))),
            }
        }
    }
}

/// Counts what is read.
struct Counted<'a, R> {
    bytes: R,
    count: &'a AtomicU64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
