//! `exchequer generate`: writes made-up charges, to try out and to measure with.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::ValueEnum;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::failure::Failure;
use super::progress::{Form, Progress};
use super::{Verdict, pages};
use crate::load::generate::{self, ACCOUNTS_MAX, Format, Options};

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// In which format to write.
    #[arg(long, value_enum)]
    format: FormatChoice,
    /// How many charges.
    #[arg(long, value_name = "N")]
    charges: u64,
    /// How many cloud accounts; every billing account pays for ten.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=i64::from(ACCOUNTS_MAX)))]
    accounts: u32,
    /// The same seed, charges and accounts give the same bytes.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Where to write; `-` is stdout.
    #[arg(long, value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// Compress by gzip.
    #[arg(long)]
    gzip: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum FormatChoice {
    /// One charge as a JSON object a line.
    Ndjson,
    /// MessagePack: charges as arrays.
    Msgpack,
    /// MessagePack: charges as maps.
    MsgpackMaps,
    /// FOCUS CSV 1.2.
    Focus,
    /// AWS cost and usage report.
    AwsCur,
    /// Azure enterprise agreement, actual costs.
    AzureEa,
    /// Oracle cloud cost report.
    Oci,
}

impl FormatChoice {
    const fn format(self) -> Format {
        match self {
            Self::Ndjson => Format::Ndjson,
            Self::Msgpack => Format::Msgpack,
            Self::MsgpackMaps => Format::MsgpackMaps,
            Self::Focus => Format::Focus,
            Self::AwsCur => Format::AwsCur,
            Self::AzureEa => Format::AzureEa,
            Self::Oci => Format::Oci,
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Verdict, Failure> {
    if pages::is_stdin(&arguments.file) {
        // Whoever reads the pipe shows how far it is.
        write(arguments, io::stdout().lock(), Form::None).map_err(|error| Failure::output(&error))?;
        return Ok(Verdict::Good);
    }
    let written = File::create(&arguments.file).and_then(|file| write(arguments, file, Form::Auto));
    written.map_err(|error| {
        let attempt = format!("cannot write `{}`", arguments.file.display());
        Failure::because(attempt, &error, "check the path, and that there is room on the disk")
    })?;
    Ok(Verdict::Good)
}

fn write(arguments: &Arguments, output: impl Write, form: Form) -> io::Result<()> {
    let progress = Progress::start(form, Some(arguments.charges));
    let options = Options { charges: arguments.charges, accounts: arguments.accounts, seed: arguments.seed };
    let format = arguments.format.format();
    let written = |charges| progress.written(charges);
    if arguments.gzip {
        let mut encoder = GzEncoder::new(output, Compression::default());
        generate::write(options, format, &mut encoder, written)?;
        encoder.finish()?.flush()?;
    } else {
        generate::write(options, format, output, written)?;
    }
    progress.finish();
    Ok(())
}
