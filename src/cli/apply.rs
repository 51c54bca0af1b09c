//! `exchequer apply`: commands and queries, one JSON object a line, answered in order.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::failure::Failure;
use super::lines::{Line, read_line};
use super::pages::{display_name, is_stdin};
use super::{Globals, Verdict, console, data_dir, vocabulary};
use crate::engine::{Engine, EngineError};
use crate::limits::ROW_BYTES_MAX;

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// A file of commands, one JSON object a line; `-` is stdin.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let path = &arguments.file;
    let attempt = || format!("cannot read the commands of `{}`", display_name(path));
    let mut input: Box<dyn BufRead> = if is_stdin(path) {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(path).map_err(|error| {
            Failure::because(attempt(), &error, "check the path, and that you may read the file")
        })?;
        Box::new(BufReader::new(file))
    };
    let engine = data_dir::open_or_create(globals)?;
    let mut buffer = Vec::new();
    let mut number: u64 = 0;
    let mut good = true;
    loop {
        let line = read_line(&mut *input, &mut buffer).map_err(|error| {
            let attempt = format!("{} after line {number}", attempt());
            Failure::because(attempt, &error, "check the file or the process that writes the pipe")
        })?;
        let Some(line) = line else { break };
        number += 1;
        if matches!(line, Line::Whole) && buffer.trim_ascii().is_empty() {
            continue;
        }
        let (kind, answer) = answer(&engine, &line, &buffer).map_err(|error| {
            let attempt = format!(
                "cannot carry out line {number} of `{}`; the answers before it are durable",
                display_name(path)
            );
            Failure::engine(attempt, &error)
        })?;
        good &= kind == "ok";
        let mut line = json!({ "line": number });
        line[kind] = answer;
        // Without a listener the commands that are left are not carried out.
        match console::print_json(&line) {
            Err(failure) if failure.is_closed_output() => return Ok(Verdict::Bad),
            printed => printed?,
        }
    }
    data_dir::close(engine)?;
    Ok(Verdict::of(good))
}

fn answer(engine: &Engine, line: &Line, bytes: &[u8]) -> Result<(&'static str, Value), EngineError> {
    match (line, str::from_utf8(bytes)) {
        (Line::TooLong(bytes), _) => Ok(vocabulary::invalid(
            "json",
            &format!("the line has {bytes} bytes, {ROW_BYTES_MAX} are allowed: split it into several"),
        )),
        (_, Err(fault)) => Ok(vocabulary::invalid(
            "json",
            &format!("byte {} of the line is not UTF-8", fault.valid_up_to() + 1),
        )),
        (Line::Whole, Ok(text)) => vocabulary::ask(engine, text),
    }
}
