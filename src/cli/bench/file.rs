//! `exchequer bench file`: the import of a file, beside reading it alone.

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::ingest::{self, Imported, import};
use super::super::pages::{PAGE_ROWS, Reading, display_name};
use super::super::progress::{Form, Progress};
use super::super::table::{Column, count, table};
use super::super::{Globals, Output, Verdict, console};
use super::{Bar, cannot_measure};
use crate::clock::{CpuClock, Stopwatch};
use crate::engine::{Config, Engine};
use crate::ingest::{ChargeReader, Format, Page, ReaderOptions};
use crate::load::figures::{median, share};

#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Arguments {
    /// Charge files that `exchequer ingest` takes without complaint.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How the files are written; `auto` finds it out.
    #[arg(long, value_name = "FORMAT", default_value = "auto", value_parser = format)]
    format: AnyFormat,
    /// Rounds that count; the file is read once before.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Where the benchmark keeps its ledgers while it runs: on the disk to be measured.
    #[arg(long, value_name = "DIR", default_value = ".")]
    scratch_dir: PathBuf,
}

#[derive(Clone, Copy, Debug)]
struct AnyFormat(Option<Format>);

fn format(name: &str) -> Result<AnyFormat, String> {
    if name == "auto" {
        return Ok(AnyFormat(None));
    }
    Format::from_str(name).map(|format| AnyFormat(Some(format))).map_err(|error| error.to_string())
}

/// One pass over a file.
struct Pass {
    rows: u64,
    elapsed: Duration,
    cpu: Duration,
}

#[allow(clippy::cast_precision_loss)] // far below 2^52
impl Pass {
    fn rows_per_second(&self) -> f64 {
        self.rows as f64 / self.elapsed.as_secs_f64()
    }

    fn cpu_ns_per_row(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e9 / self.rows.max(1) as f64
    }

    fn json(&self) -> Value {
        json!({
            "rows_per_second": self.rows_per_second().round(),
            "seconds": self.elapsed.as_secs_f64(),
            "cpu_ns_per_row": self.cpu_ns_per_row().round(),
        })
    }
}

struct Round {
    end_to_end: Pass,
    parse_only: Pass,
}

impl Round {
    fn ratio(&self) -> f64 {
        self.end_to_end.rows_per_second() / self.parse_only.rows_per_second()
    }
}

/// One file.
struct Cell {
    file: String,
    format: Format,
    rows: u64,
    rounds: Vec<Round>,
}

impl Cell {
    fn ratio(&self) -> f64 {
        median(self.rounds.iter().map(Round::ratio).collect())
    }

    fn json(&self) -> Value {
        let round = |round: &Round| {
            json!({
                "end_to_end": round.end_to_end.json(),
                "parse_only": round.parse_only.json(),
                "ratio": round.ratio(),
            })
        };
        json!({
            "file": self.file,
            "format": self.format.name(),
            "rows": self.rows,
            "rounds": self.rounds.iter().map(round).collect::<Vec<_>>(),
            "ratio": self.ratio(),
        })
    }
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let bar = Bar::start();
    let mut cells = Vec::new();
    for (number, file) in arguments.files.iter().enumerate() {
        bar.say(display_name(file));
        let mut progress = |share: f64| bar.reached_of(number, arguments.files.len(), share);
        cells.push(measure(file, arguments, &mut progress)?);
    }
    bar.finish();
    match globals.output {
        Output::Json => console::print_json(&match &cells[..] {
            [cell] => cell.json(),
            cells => json!({ "cells": cells.iter().map(Cell::json).collect::<Vec<_>>() }),
        })?,
        Output::Text => console::print(&text(&cells))?,
    }
    Ok(Verdict::Good)
}

fn measure(file: &Path, arguments: &Arguments, progress: &mut dyn FnMut(f64)) -> Result<Cell, Failure> {
    // The file comes into memory, and proves to be one.
    let (format, warm_up) = parse(file, arguments.format.0)?;
    let mut rounds = Vec::new();
    for round in 0..arguments.rounds {
        progress(share(u64::from(round) + 1, u64::from(arguments.rounds) + 1));
        // In turn, and each one first every other time.
        let parse_first = round % 2 == 1;
        let early = if parse_first { Some(parse(file, Some(format))?.1) } else { None };
        let end_to_end = post(file, format, &arguments.scratch_dir)?;
        let parse_only = match early {
            Some(pass) => pass,
            None => parse(file, Some(format))?.1,
        };
        if end_to_end.rows != parse_only.rows {
            let (posted, read) = (end_to_end.rows, parse_only.rows);
            let attempt =
                format!("cannot measure `{}`: {posted} of {read} rows were posted", display_name(file));
            return Err(Failure::new(attempt, "import it with `exchequer ingest` to see why"));
        }
        rounds.push(Round { end_to_end, parse_only });
    }
    Ok(Cell { file: display_name(file), format, rows: warm_up.rows, rounds })
}

/// Reads the file page by page, and drops what it reads.
fn parse(file: &Path, format: Option<Format>) -> Result<(Format, Pass), Failure> {
    let attempt = || format!("cannot measure `{}`", display_name(file));
    let (cpu, clock) = (CpuClock::start(), Stopwatch::start());
    let input = File::open(file).map_err(|error| {
        Failure::because(attempt(), &error, "check the path, and that you may read the file")
    })?;
    let options = ReaderOptions { format, ..ReaderOptions::default() };
    let mut reader = ChargeReader::open(input, options).map_err(|fault| Failure::input(attempt(), &fault))?;
    let mut page = Page::new();
    let mut rows = 0;
    while reader.read(&mut page, PAGE_ROWS).map_err(|fault| Failure::input(attempt(), &fault))? {
        rows += page.charges.len() as u64;
        page.clear();
    }
    Ok((reader.format(), Pass { rows, elapsed: clock.elapsed(), cpu: cpu.elapsed() }))
}

/// Imports the file into a new ledger, as `exchequer ingest --open-accounts` does, until all rows are durable.
fn post(file: &Path, format: Format, scratch_dir: &Path) -> Result<Pass, Failure> {
    let broken = |error: &(dyn Error + 'static)| cannot_measure(error);
    let home = tempfile::tempdir_in(scratch_dir).map_err(|error| broken(&error))?;
    let engine = Engine::open(Config::new(home.path())).map_err(|error| broken(&error))?;
    let reading = Reading { format: Some(format), lenient: false, source: None };
    let (cpu, clock) = (CpuClock::start(), Stopwatch::start());
    let imported = import(
        Some(&engine),
        &ingest::Arguments::of_file(file.to_owned()),
        reading,
        Progress::start(Form::None, None),
    )?;
    let (elapsed, cpu) = (clock.elapsed(), cpu.elapsed());
    let Imported { summary, outcome, .. } = imported;
    outcome.map_err(|error| broken(&error))?;
    engine.close().map_err(|error| broken(&error))?;
    Ok(Pass { rows: summary.accepted(), elapsed, cpu })
}

fn text(cells: &[Cell]) -> String {
    use Column::{Left, Right};
    let columns = [
        Left("file"),
        Left("format"),
        Right("rows"),
        Right("end to end/s"),
        Right("parse only/s"),
        Right("ratio"),
        Right("end to end ns"),
        Right("parse only ns"),
    ];
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // rounded rates
    let whole = |figure: f64| count(figure.round() as u64);
    let rows: Vec<_> = cells
        .iter()
        .map(|cell| {
            let middle = |figure: &dyn Fn(&Round) -> f64| median(cell.rounds.iter().map(figure).collect());
            vec![
                cell.file.clone(),
                cell.format.name().to_owned(),
                count(cell.rows),
                whole(middle(&|round| round.end_to_end.rows_per_second())),
                whole(middle(&|round| round.parse_only.rows_per_second())),
                format!("{:.2}", cell.ratio()),
                whole(middle(&|round| round.end_to_end.cpu_ns_per_row())),
                whole(middle(&|round| round.parse_only.cpu_ns_per_row())),
            ]
        })
        .collect();
    let mut text = table(&columns, &rows);
    text.push_str("medians of the rounds; ns: processor time a row\n");
    text
}
