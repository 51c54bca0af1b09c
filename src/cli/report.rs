//! `exchequer report`: exact sums of the charges that were posted.

use serde_json::json;

use super::failure::Failure;
use super::table::{self, Column, table};
use super::vocabulary::{answer, request};
use super::{Globals, Output, Verdict, arguments, console, data_dir};
use crate::domain::time::Cycle;
use crate::engine::report::{ReportKey, ReportQuery};

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// What to break the sums down by; the currency is always told.
    #[arg(long, value_name = "KEY,…", value_delimiter = ',', value_parser = ReportKey::ALL.map(ReportKey::name))]
    by: Vec<String>,
    /// Only charges that this billing account pays.
    #[arg(long, value_name = "NAME")]
    billing_account: Option<String>,
    /// Only charges of this billing cycle.
    #[arg(long, value_name = "YYYY-MM", value_parser = arguments::cycle)]
    cycle: Option<Cycle>,
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let attempt = "cannot report the charges";
    let by = request::report_keys(arguments.by.iter().map(String::as_str))
        .map_err(|problem| Failure::problem(attempt, &problem))?;
    let query =
        ReportQuery { by, billing_account: arguments.billing_account.clone(), cycle: arguments.cycle };
    let engine = data_dir::open_existing(globals)?;
    let items = engine.report(&query).map_err(|error| Failure::engine(attempt, &error))?;
    data_dir::close(engine)?;
    if globals.output == Output::Json {
        console::print_json(&json!({ "items": answer::report(&query, &items) }))?;
        return Ok(Verdict::Good);
    }
    if items.is_empty() {
        console::say("no charges");
        return Ok(Verdict::Good);
    }
    let mut columns: Vec<_> = query.by.iter().map(|key| Column::Left(key.name())).collect();
    columns.extend([Column::Right("charges"), Column::Right("amount")]);
    let rows: Vec<_> = items
        .into_iter()
        .map(|item| {
            let mut row = item.keys;
            row.extend([table::count(item.charges), item.amount.to_string()]);
            row
        })
        .collect();
    console::print(&table(&columns, &rows))?;
    Ok(Verdict::Good)
}
