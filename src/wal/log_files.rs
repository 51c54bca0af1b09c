//! The files in the log's directory, and what their first bytes say.

use super::fault::{OpenFault, StorageFault};
use super::identity::Identity;
use super::lsn::Lsn;
use super::reader::{Window, scan};
use super::segment::{self, BLOCKS_AT, DIRECTORY, Named, SegmentHeader};
use super::storage::Storage;

/// The files in the log's directory.
pub(super) struct LogFiles {
    /// First lsn and path, in order.
    pub segments: Vec<(Lsn, String)>,
    /// Paths of files that were to become segments.
    pub spares: Vec<String>,
}

impl LogFiles {
    pub fn list(storage: &dyn Storage) -> Result<Self, OpenFault> {
        let names = storage.list(DIRECTORY).map_err(StorageFault::of("list", DIRECTORY, 0, Lsn::NOTHING))?;
        let mut files = Self { segments: Vec::new(), spares: Vec::new() };
        for name in names {
            let path = format!("{DIRECTORY}/{name}");
            match segment::named(&name) {
                Named::Segment(first) => files.segments.push((first, path)),
                Named::Spare => files.spares.push(path),
                Named::Foreign => {
                    let what = "the log's directory holds segments and spare files only";
                    return Err(OpenFault::ForeignFile { file: path, what });
                }
            }
        }
        files.segments.sort_unstable();
        Ok(files)
    }
}

/// The header of a segment, which must be good.
pub(super) fn read_header(
    storage: &dyn Storage,
    identity: &Identity,
    first: Lsn,
    path: &str,
) -> Result<SegmentHeader, OpenFault> {
    let fault = || StorageFault::of("read", path, 0, first);
    let file = storage.open(path).map_err(fault())?;
    let mut window = Window::new(file, BLOCKS_AT, Vec::new());
    let bytes = window.at(0, BLOCKS_AT).map_err(fault())?;
    match SegmentHeader::decode(bytes, path, first, identity)? {
        Some(header) => Ok(header),
        None if SegmentHeader::is_foreign(bytes) => {
            let what = "it does not start as a segment does";
            Err(OpenFault::ForeignFile { file: path.to_owned(), what })
        }
        None => {
            let what = "the segment's header is damaged";
            Err(OpenFault::Corrupt { segment: path.to_owned(), offset: 0, lsn: first, what })
        }
    }
}

/// Whether a segment has a damaged header and nothing else: zeros only, so that it never held a block.
pub(super) fn is_headless(
    storage: &dyn Storage,
    identity: &Identity,
    first: Lsn,
    path: &str,
) -> Result<bool, OpenFault> {
    let fault = || StorageFault::of("read", path, 0, first);
    let file = storage.open(path).map_err(fault())?;
    let size = file.size().map_err(fault())?;
    let mut window = Window::new(file, size, Vec::new());
    let bytes = window.at(0, BLOCKS_AT).map_err(fault())?;
    if size < BLOCKS_AT || SegmentHeader::decode(bytes, path, first, identity)?.is_some() {
        return Ok(false);
    }
    let rest = scan(&mut window, BLOCKS_AT, 0, first, 0).map_err(fault())?;
    Ok(rest.content_end == BLOCKS_AT)
}
