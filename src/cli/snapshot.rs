//! `exchequer snapshot`: makes the next opening read less.

use serde_json::json;

use super::failure::Failure;
use super::{Globals, Output, Verdict, console, data_dir};

pub(super) fn run(globals: &Globals) -> Result<Verdict, Failure> {
    let engine = data_dir::open_existing(globals)?;
    let lsn = engine.snapshot().map_err(|error| Failure::engine("cannot take a snapshot", &error))?;
    data_dir::close(engine)?;
    match globals.output {
        Output::Json => console::print_json(&json!({ "lsn": lsn.number() }))?,
        Output::Text => console::print(&format!("took a snapshot: recovery reads the log after lsn {lsn}"))?,
    }
    Ok(Verdict::Good)
}
