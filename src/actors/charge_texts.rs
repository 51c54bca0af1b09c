//! The texts of charges in the inbox, where they lie.

use super::inbox::{Contents, Extra, NO_EXTRA, Routed, UUID};
use crate::domain::imports::ImportedRow;
use crate::domain::strings::{StringId, Strings};
use crate::journal::charges::{ChargeId, Label};

/// The charge as a row of an import, if its id is a digest.
#[inline]
pub(super) fn imported_row<'a>(
    charge: &'a Routed,
    extra: Option<&'a Extra>,
    contents: &'a Contents,
    strings: &'a Strings,
) -> Option<ImportedRow<'a>> {
    extra.filter(|extra| extra.import_row > 0).map(|extra| ImportedRow {
        source: Texts::new(charge, Some(extra), contents).label(strings, 0).text(strings),
        row: extra.import_row,
        reading: extra.reading,
        append: extra.append,
    })
}

/// The service of a charge.
#[cold]
pub(super) fn service<'a>(
    charge: &'a Routed,
    extra: Option<&'a Extra>,
    contents: &'a Contents,
    strings: &'a Strings,
) -> &'a str {
    Texts::new(charge, extra, contents).label(strings, 1).text(strings)
}

/// The texts of one charge in the inbox.
pub(super) struct Texts<'a> {
    charge: &'a Routed,
    extra: Option<&'a Extra>,
    bytes: &'a [u8],
}

/// A label with its text at hand.
pub(super) struct LabelText<'a> {
    pub(super) label: Label<'a>,
}

impl<'a> LabelText<'a> {
    pub(super) fn text(&self, strings: &'a Strings) -> &'a str {
        if self.label.number == StringId::INLINE {
            self.label.inline
        } else {
            strings.text(self.label.number).unwrap_or_default()
        }
    }
}

impl<'a> Texts<'a> {
    #[inline]
    pub(super) fn new(charge: &'a Routed, extra: Option<&'a Extra>, contents: &'a Contents) -> Self {
        debug_assert_eq!(
            charge.extra == NO_EXTRA,
            extra.is_none(),
            "invariant: extras are where they are said to be"
        );
        Self { charge, extra, bytes: &contents.texts[charge.text_at as usize..] }
    }

    #[inline]
    pub(super) fn id(&self) -> ChargeId<'a> {
        if self.charge.id_length == UUID {
            let bytes = self.bytes[..16].try_into().expect("invariant: 16 bytes stand for a UUID");
            ChargeId::Uuid(bytes)
        } else {
            ChargeId::Text(text(&self.bytes[..usize::from(self.charge.id_length)]))
        }
    }

    fn id_bytes(&self) -> usize {
        if self.charge.id_length == UUID { 16 } else { usize::from(self.charge.id_length) }
    }

    /// The text that `Extra::lengths[nth]` measures.
    #[inline]
    pub(super) fn extra_text(&self, nth: usize) -> &'a str {
        let Some(extra) = self.extra else { return "" };
        let length = extra.lengths[nth] as usize;
        if length == 0 {
            return "";
        }
        let before: usize = extra.lengths[..nth].iter().map(|length| *length as usize).sum();
        let start = self.id_bytes() + before;
        text(&self.bytes[start..start + length])
    }

    #[inline]
    pub(super) fn label(&self, _: &Strings, field: usize) -> LabelText<'a> {
        let number = self.charge.labels[field];
        let inline = if number == StringId::INLINE { self.extra_text(2 + field) } else { "" };
        LabelText { label: Label { number, inline } }
    }
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).expect("invariant: the inbox holds whole texts")
}
