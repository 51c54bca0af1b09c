//! How a CSV format says what a charge is: which columns it has, and what their cells mean (rule C7).

use super::Format;
use super::columns::Column;
use super::fields::Kind;
use super::times::Form;
use super::{aws_cur, azure_ea, focus, oci};

/// A CSV format. Adding one is adding a file that holds its layout.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) format: Format,
    /// How many of its columns a header must name to be taken for it.
    pub(super) known_min: usize,
    /// The names of a column, the usual one first; none where the format has no such column.
    pub(super) names: fn(Column) -> &'static [&'static str],
    /// Columns without which a file is not read at all.
    pub(super) required: &'static [Column],
    /// Whether every row must name its billing period. Otherwise only a file with that column says it, and the cycle is
    /// else the month of the charge (rule C4).
    pub(super) needs_billing_period: bool,
    /// Times that strict mode takes beside RFC 3339 in UTC.
    pub(super) takes_time: fn(&str, Form) -> bool,
    /// The kinds of charge, as the category column spells them. A format without that column holds usage.
    pub(super) kinds: &'static [Kind],
    /// The word for a correction, and the one for what is none, in the class column.
    pub(super) classes: [&'static str; 2],
    pub(super) tags: Tags,
}

/// How a format writes tags.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tags {
    /// A JSON object in the tags column.
    Json,
    /// The same, which may lack its braces.
    BareJson,
    /// A column for each tag, whose name is this and the tag's key; or a tags column with a JSON object.
    Columns(&'static str),
}

impl Layout {
    /// Every layout; of two that fit a header equally well the first is taken.
    const ALL: [&'static Self; 4] = [&focus::LAYOUT, &aws_cur::LAYOUT, &azure_ea::LAYOUT, &oci::LAYOUT];

    /// Whether the format has that column.
    pub(super) fn has(&self, column: Column) -> bool {
        !(self.names)(column).is_empty()
    }

    /// The layout that knows most columns of the first line of a text.
    pub(super) fn detect(line: &[u8]) -> Option<&'static Self> {
        let fields: Vec<&[u8]> = line.split(|byte| *byte == b',').map(unquoted).collect();
        let names = |name: &&str| fields.iter().any(|field| field.eq_ignore_ascii_case(name.as_bytes()));
        let mut best = (0, None);
        for layout in Self::ALL {
            let known =
                Column::ALL.iter().filter(|column| (layout.names)(**column).iter().any(names)).count();
            if known >= layout.known_min && known > best.0 {
                best = (known, Some(layout));
            }
        }
        best.1
    }
}

fn unquoted(field: &[u8]) -> &[u8] {
    let field = field.trim_ascii();
    let inner = field.strip_prefix(b"\"").and_then(|field| field.strip_suffix(b"\""));
    inner.unwrap_or(field).trim_ascii()
}
