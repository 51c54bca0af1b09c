//! `exchequer verify`: every invariant and the whole log, changing nothing.

use std::fmt::Write;

use serde_json::{Value, json};

use super::failure::Failure;
use super::{Globals, Output, Verdict, console, data_dir, table};
use crate::engine::Config;
use crate::engine::verify::{VerifyReport, verify};

pub(super) fn run(globals: &Globals) -> Result<Verdict, Failure> {
    data_dir::storage(globals)?;
    let report = verify(&Config::new(&globals.data_dir)).map_err(|error| {
        Failure::open(format!("cannot verify the ledger in `{}`", globals.data_dir.display()), &error)
    })?;
    match globals.output {
        Output::Json => console::print_json(&json(&report))?,
        Output::Text => console::print(&text(&report))?,
    }
    Ok(Verdict::of(report.ok))
}

fn json(report: &VerifyReport) -> Value {
    let invariants: Vec<_> = report
        .invariants
        .iter()
        .map(|(invariant, ok, detail)| json!({ "id": invariant.id(), "ok": ok, "detail": detail }))
        .collect();
    let mut json = json!({
        "ok": report.ok,
        "blocks": report.blocks,
        "records": report.records,
        "charges": report.charges,
        "invariants": invariants,
    });
    if let Some(torn) = &report.torn {
        json["torn"] = json!(torn);
    }
    json
}

fn text(report: &VerifyReport) -> String {
    let mut text = String::new();
    let mut line =
        |line: String| writeln!(text, "{line}").expect("invariant: writing into memory can't fail");
    for (invariant, ok, detail) in &report.invariants {
        let word = if *ok { "ok    " } else { "BROKEN" };
        line(format!("{word}  {:<32}{detail}", invariant.id()).trim_end().to_owned());
    }
    if let Some(torn) = &report.torn {
        line(format!("note: {torn}; the next opening cuts it, nothing acknowledged is lost"));
    }
    let (blocks, records) = (table::count(report.blocks), table::count(report.records));
    let word = if report.ok { "every invariant holds" } else { "NOT every invariant holds" };
    line(format!("{word}: {blocks} blocks, {records} records, {} charges", table::count(report.charges)));
    text
}
