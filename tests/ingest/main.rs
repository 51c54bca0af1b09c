//! Charge files through the public interface (rules A4, C1, C7).
#![allow(missing_docs, clippy::unwrap_used)]

mod aws_cur;
mod azure_ea;
mod focus;
mod msgpack;
mod msgpack_bounds;
mod msgpack_damage;
mod msgpack_ndjson;
mod ndjson;
mod oci;
mod real_files;
mod robustness;
mod row_keys;
mod sheet;

use std::io::Read;

use exchequer::ingest::{ChargeReader, IngestFault, Page, ReaderOptions};

const STRICT: ReaderOptions<'static> = ReaderOptions { format: None, lenient: false, source: None };
const LENIENT: ReaderOptions<'static> = ReaderOptions { format: None, lenient: true, source: None };

/// Everything an input holds, read in pages of a few rows, and the fault that ended it.
fn read_all(input: impl Read, options: ReaderOptions<'_>) -> (Page, Option<IngestFault>) {
    let mut all = Page::new();
    let mut reader = match ChargeReader::open(input, options) {
        Ok(reader) => reader,
        Err(fault) => return (all, Some(fault)),
    };
    loop {
        match reader.read(&mut all, 7) {
            Ok(true) => {}
            Ok(false) => return (all, None),
            Err(fault) => {
                assert!(!reader.read(&mut all, 7).unwrap(), "after a fault the input has ended");
                return (all, Some(fault));
            }
        }
    }
}

/// What became of each row, in order: `1 read note note` or `1 refused code`.
fn outcomes(page: &Page) -> Vec<String> {
    let mut outcomes: Vec<(u64, String)> =
        page.rows.iter().map(|row| (*row, format!("{row} read"))).collect();
    for (row, outcome) in &mut outcomes {
        for note in page.notes.iter().filter(|note| note.row == *row) {
            outcome.push(' ');
            outcome.push_str(note.code);
        }
    }
    outcomes.extend(
        page.refused.iter().map(|fault| (fault.row, format!("{} refused {}", fault.row, fault.code))),
    );
    outcomes.sort();
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// What becomes of an input.
fn outcomes_of(input: &[u8], options: ReaderOptions<'_>) -> Vec<String> {
    let (page, fault) = read_all(input, options);
    assert!(fault.is_none(), "{fault:?}");
    outcomes(&page)
}

/// A reader that gives at most `size` bytes at a time.
struct Trickle<'a> {
    bytes: &'a [u8],
    size: usize,
}

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let size = self.size.min(buffer.len());
        self.bytes.read(&mut buffer[..size])
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name)).unwrap()
}
