//! Reads charge files and pipes as a stream into pages of charges (rule C7).
//!
//! ```text
//! bytes ─ input (gzip) ─ records (rows, lines, frames) ─ csv_charges (layout) | ndjson | msgpack ─ Page ─> engine
//! ```
//! - Memory is bounded whatever the input holds: a row longer than [`ROW_BYTES_MAX`](crate::limits::ROW_BYTES_MAX) is
//!   refused and passed over without being kept.
//! - A bad row never ends the reading: it is refused with its number, a [`code`] and a reason. Only what concerns
//!   the whole input is an [`IngestFault`]; so is damage to where MessagePack records begin, for nothing marks it.
//! - *Strict* takes what the format prescribes; *lenient* also takes what can be understood, and says so in a note.
//!   Neither guesses an amount, and neither shortens a text.
//! - Parsing happens on the caller's thread.
//!
//! Absent: writing files, dropping rows that look alike (real files hold equal rows that are different charges),
//! and any knowledge of accounts.

mod aws_cur;
mod azure_ea;
mod cells;
mod charge_fields;
pub mod code;
mod columns;
mod csv_charges;
mod csv_rows;
mod digest;
mod fault;
mod fields;
mod focus;
mod input;
mod layout;
mod msgpack;
mod msgpack_frame;
mod msgpack_record;
mod msgpack_tags;
mod ndjson;
mod oci;
mod page;
mod reader;
mod records;
mod times;

pub use fault::{IngestFault, UnknownFormatName};
pub use msgpack_record::ARRAY_ORDER;
pub use ndjson::read_charge;
pub use page::{Opening, Openings, Page, RowFault, RowNote};
pub use reader::{ChargeReader, ReaderOptions};

/// A charge file format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// FOCUS CSV 1.0–1.3, by header names.
    Focus,
    /// An AWS cost and usage report as CSV.
    AwsCur,
    /// A cost export of an Azure enterprise agreement as CSV.
    AzureEa,
    /// A cost report of Oracle Cloud Infrastructure as CSV.
    Oci,
    /// One charge of `post_charges` as a JSON object a line.
    Ndjson,
    /// Charges of `post_charges` as MessagePack maps or arrays, one after the other or in one array.
    Msgpack,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 6] =
        [Self::Focus, Self::AwsCur, Self::AzureEa, Self::Oci, Self::Ndjson, Self::Msgpack];

    /// The name that the user gives.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Focus => "focus",
            Self::AwsCur => "aws-cur",
            Self::AzureEa => "azure-ea",
            Self::Oci => "oci",
            Self::Ndjson => "ndjson",
            Self::Msgpack => "msgpack",
        }
    }

    /// Whether rows name a billing account and a sub account, which compose the id of their cloud account (rule A4).
    pub const fn composes_cloud_accounts(self) -> bool {
        matches!(self, Self::Focus | Self::AwsCur | Self::AzureEa | Self::Oci)
    }
}

impl std::str::FromStr for Format {
    type Err = UnknownFormatName;

    fn from_str(name: &str) -> Result<Self, UnknownFormatName> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| UnknownFormatName { name: name.to_owned() })
    }
}
