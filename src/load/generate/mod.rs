//! Made-up charges in any number, in every format that is read.
//!
//! The same seed, number of charges and accounts make the same charges, whatever the format, and the same bytes. Nothing
//! is kept between rows, so that any number of them takes the same memory. No real company, account or price is behind
//! them.
//!
//! Absent: rows that look alike, and rows that are to be refused.

mod catalog;
mod charges;
mod csv;
mod msgpack;
mod ndjson;
mod vendors;
mod words;

use std::io::{self, Write};

use charges::Charges;

/// Bytes that are written at a time.
const WRITE_BYTES: usize = 64 * 1024;

/// The most cloud accounts there can be.
pub const ACCOUNTS_MAX: u32 = 10_000_000;

/// A format to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// A JSON object a line.
    Ndjson,
    /// MessagePack arrays.
    Msgpack,
    /// MessagePack maps.
    MsgpackMaps,
    /// FOCUS 1.2 CSV.
    Focus,
    /// An AWS cost and usage report.
    AwsCur,
    /// An Azure enterprise agreement's actual costs.
    AzureEa,
    /// An Oracle cloud cost report.
    Oci,
}

/// What to make up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Rows.
    pub charges: u64,
    /// Cloud accounts, at least 1 and at most [`ACCOUNTS_MAX`]; every billing account pays for ten.
    pub accounts: u32,
    /// Where the random numbers begin.
    pub seed: u64,
}

/// Writes the charges; `written` is told from time to time how many there are.
pub fn write(
    options: Options,
    format: Format,
    mut output: impl Write,
    mut written: impl FnMut(u64),
) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(2 * WRITE_BYTES);
    let columns = match format {
        Format::Focus => vendors::FOCUS,
        Format::AwsCur => vendors::AWS_CUR,
        Format::AzureEa => vendors::AZURE_EA,
        Format::Oci => vendors::OCI,
        Format::Ndjson | Format::Msgpack | Format::MsgpackMaps => &[],
    };
    if !columns.is_empty() {
        csv::header(columns, &mut bytes);
    }
    for (count, row) in (1..).zip(Charges::new(options)) {
        match format {
            Format::Ndjson => ndjson::line(&row, &mut bytes),
            Format::Msgpack => msgpack::array(&row, &mut bytes),
            Format::MsgpackMaps => msgpack::map(&row, &mut bytes),
            Format::Focus | Format::AwsCur | Format::AzureEa | Format::Oci => {
                csv::row(columns, &row, &mut bytes);
            }
        }
        if bytes.len() >= WRITE_BYTES {
            output.write_all(&bytes)?;
            bytes.clear();
            written(count);
        }
    }
    output.write_all(&bytes)?;
    output.flush()?;
    written(options.charges);
    Ok(())
}
