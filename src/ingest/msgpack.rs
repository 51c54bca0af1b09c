//! MessagePack: charges of `post_charges` as maps or arrays, one after the other or in one array (rules C1, C7).

use super::fields::{Refusal, refuse};
use super::msgpack_frame::{Frames, is_map_or_array};
use super::msgpack_record::Decoder;
use super::page::RowFault;
use super::records::{RowFormat, Scanner};
use super::{Page, code};
use crate::limits::ROW_BYTES_MAX;

/// The records of a MessagePack input.
pub(super) struct Msgpack {
    frames: Frames,
    decoder: Decoder,
    source: Option<String>,
    lenient: bool,
    records: u64,
}

impl Msgpack {
    pub(super) fn new(lenient: bool, source: Option<&str>) -> Self {
        Self {
            frames: Frames::new(),
            decoder: Decoder::default(),
            source: source.map(str::to_owned),
            lenient,
            records: 0,
        }
    }

    fn take(&mut self, record: &[u8], page: &mut Page) -> Result<(), Refusal> {
        if !is_map_or_array(record) {
            return refuse(code::MALFORMED_ROW, "the record is neither a map nor an array");
        }
        let fields = self.decoder.decode(record)?;
        fields.push(self.source.as_deref(), self.lenient, self.records, page)
    }

    fn refuse(&self, Refusal { code, detail }: Refusal, page: &mut Page) {
        let detail = format!("{detail} (the record begins at byte {})", self.frames.begin());
        page.refused.push(RowFault { row: self.records, code, detail });
    }
}

impl RowFormat for Msgpack {
    fn scanner(&mut self) -> &mut dyn Scanner {
        &mut self.frames
    }

    fn read(&mut self, record: &[u8], page: &mut Page) {
        if !self.frames.is_record() {
            return;
        }
        self.records += 1;
        let notes = page.notes.len();
        if let Err(refusal) = self.take(record, page) {
            page.notes.truncate(notes);
            self.refuse(refusal, page);
        }
    }

    fn pass_over(&mut self, bytes: u64, page: &mut Page) {
        self.records += 1;
        let detail = format!("the record has {bytes} bytes, {ROW_BYTES_MAX} are allowed");
        self.refuse(Refusal { code: code::ROW_TOO_LONG, detail }, page);
    }

    fn rows(&self) -> u64 {
        self.records
    }
}
