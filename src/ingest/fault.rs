//! What ends the reading of a whole input; a fault of a single row is a [`RowFault`](super::RowFault).

use std::io;

use super::Format;

/// Why an input can't be read, or not any further.
///
/// Rows handed over before the fault are good. `Display` doesn't repeat the source.
#[derive(Debug, thiserror::Error)]
pub enum IngestFault {
    /// Reading failed.
    #[error("the input can't be read after row {row}")]
    Read {
        /// Rows read before.
        row: u64,
        /// The operating system's words.
        source: io::Error,
    },
    /// The compressed data ends too early.
    #[error("the gzip data ends too early: after row {row}, at compressed byte {offset}")]
    GzipCut {
        /// Rows read before.
        row: u64,
        /// Compressed bytes read.
        offset: u64,
    },
    /// The compressed data is damaged.
    #[error("the gzip data is damaged after row {row}, at or before compressed byte {offset}")]
    GzipDamaged {
        /// Rows read before.
        row: u64,
        /// Compressed bytes read.
        offset: u64,
        /// The decompressor's words.
        source: io::Error,
    },
    /// The input ends inside a MessagePack record, or inside the array of all records.
    #[error(
        "the MessagePack data ends too early, at byte {offset}: record {record} begins at byte {begin} and needs at least \
         {missing} more bytes",
        record = .row + 1
    )]
    MsgpackCut {
        /// Records read before.
        row: u64,
        /// Where the record begins that is not whole, in the decompressed bytes.
        begin: u64,
        /// Bytes of the input, decompressed.
        offset: u64,
        /// The least that is missing.
        missing: u64,
    },
    /// Where MessagePack records begin and end can't be told any more.
    #[error("the MessagePack data is damaged in record {record}, at byte {offset}: {what}", record = .row + 1)]
    MsgpackDamaged {
        /// Records read before.
        row: u64,
        /// Where, in the decompressed bytes.
        offset: u64,
        /// What is there.
        what: &'static str,
    },
    /// There is nothing in it.
    #[error("the input is empty")]
    Empty,
    /// A binary file, or one in another encoding than UTF-8.
    #[error("not a text file: {0}")]
    NotText(&'static str),
    /// Text, but of no known format.
    #[error("not a known charge format: it begins `{head}`")]
    UnknownFormat {
        /// The first characters.
        head: String,
    },
    /// The first row is too long to be a header.
    #[error("the header row is longer than {} bytes", crate::limits::ROW_BYTES_MAX)]
    HeaderTooLong,
    /// The first row can't be read as a header.
    #[error("the header row is malformed: {0}")]
    HeaderMalformed(&'static str),
    /// A column that the format can't do without is absent.
    #[error("the header names no column `{column}`")]
    ColumnMissing {
        /// The format that was given or found out.
        format: Format,
        /// The column's usual name.
        column: &'static str,
    },
    /// Two columns that could be the same one.
    #[error("the header names the column `{0}` twice")]
    ColumnTwice(&'static str),
}

impl IngestFault {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Read { .. } => "check the file or the process that writes the pipe, then import again",
            Self::GzipCut { .. } | Self::GzipDamaged { .. } => {
                "fetch the file again and import the whole: rows that were posted are not posted twice"
            }
            Self::MsgpackCut { .. } | Self::MsgpackDamaged { .. } => {
                "what follows can't be told apart; write or fetch the file again and import the whole: rows that were posted \
                 are not posted twice"
            }
            Self::Empty => "check that the export was finished",
            Self::NotText(_) => {
                "charge files are UTF-8 text or MessagePack, plain or gzip; convert or unpack it first"
            }
            Self::UnknownFormat { .. } => {
                "known are `focus`, `aws-cur`, `azure-ea`, `oci` (CSV with a header row), `ndjson` (one JSON object a \
                 line) and `msgpack`"
            }
            Self::HeaderTooLong | Self::HeaderMalformed(_) => "the first row of a CSV file names its columns",
            Self::ColumnMissing { format, .. } => match format {
                Format::AwsCur => {
                    "an AWS report has it; lenient reading also takes the name in another letter case"
                }
                Format::AzureEa => {
                    "an Azure export has it; lenient reading also takes the name in another letter case"
                }
                Format::Oci => {
                    "an OCI report has it; lenient reading also takes the name in another letter case"
                }
                Format::Focus | Format::Ndjson | Format::Msgpack => {
                    "a FOCUS file has it; lenient reading also takes the name in another letter case"
                }
            },
            Self::ColumnTwice(_) => "remove one of the two columns",
        }
    }

    /// The same fault, after that many rows.
    pub(super) fn after_row(mut self, rows: u64) -> Self {
        if let Self::Read { row, .. }
        | Self::GzipCut { row, .. }
        | Self::GzipDamaged { row, .. }
        | Self::MsgpackCut { row, .. }
        | Self::MsgpackDamaged { row, .. } = &mut self
        {
            *row = rows;
        }
        self
    }
}

/// A format name that is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no format is called `{name}`")]
pub struct UnknownFormatName {
    /// What was given.
    pub name: String,
}

impl UnknownFormatName {
    /// What to do about it.
    pub fn hint(&self) -> String {
        let names = Format::ALL.map(|format| format!("`{}`", format.name()));
        format!("formats are {}", names.join(", "))
    }
}
