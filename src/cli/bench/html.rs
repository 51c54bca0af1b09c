//! `--html`: the same figures as a file for a browser.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use super::super::failure::Failure;
use super::super::table::Column;
use crate::load::machine::Machine;
use crate::load::report::{Page, Table};

/// Where a report goes, besides stdout.
#[derive(clap::Args, Debug)]
pub(super) struct Html {
    /// Write a report with charts, too: one HTML file that needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

impl Html {
    /// Makes the file before the measuring, so that nothing is measured in vain.
    pub(super) fn create(&self) -> Result<Option<File>, Failure> {
        let Some(path) = &self.html else { return Ok(None) };
        File::create(path).map(Some).map_err(|error| self.fault(&error))
    }

    /// Writes the report, if there is a file for it.
    pub(super) fn write(&self, file: Option<File>, page: impl FnOnce() -> Page) -> Result<(), Failure> {
        let Some(mut file) = file else { return Ok(()) };
        let html = page().html(&Machine::here());
        file.write_all(html.as_bytes()).map_err(|error| self.fault(&error))
    }

    fn fault(&self, error: &std::io::Error) -> Failure {
        let path = self.html.as_deref().unwrap_or_else(|| "".as_ref()).display();
        Failure::because(format!("cannot write `{path}`"), error, "check --html: the directory must be there")
    }
}

/// The command that this process was started with, by its bare name.
pub(super) fn command_line() -> String {
    let word = |argument: std::ffi::OsString| {
        let argument = argument.to_string_lossy().into_owned();
        let plain = |character: char| character.is_ascii_alphanumeric() || "-_./,:=%+@".contains(character);
        if !argument.is_empty() && argument.chars().all(plain) {
            argument
        } else {
            format!("'{}'", argument.replace('\'', r"'\''"))
        }
    };
    std::iter::once("exchequer".to_owned())
        .chain(std::env::args_os().skip(1).map(word))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A table as it stands on stdout.
pub(super) fn table(title: &str, columns: &[Column], rows: Vec<Vec<String>>) -> Table {
    let headings = columns.iter().map(|column| column.heading().to_owned()).collect();
    Table { title: title.to_owned(), headings, rows }
}
