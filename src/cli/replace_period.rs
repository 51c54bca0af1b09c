//! `exchequer ingest --replace-period`: a month that was delivered again (rule C8).
//!
//! All of it is read before anything is posted, and summed up as it is read.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::ingest::{Arguments, resolve, withhold};
use super::pages::{Pages, Reading, Step, display_name};
use super::progress::Progress;
use super::summary::Summary;
use super::table::{self, Column, table};
use super::{Globals, Output, Verdict, console, data_dir};
use crate::domain::money::Money;
use crate::domain::time::Cycle;
use crate::engine::{Delivery, Engine, EngineError, PostReport, Reach, ReplaceReport, Unfit};
use crate::ingest::{Format, Page, code};

/// Replaces `cycle` by what the files hold; `engine` is none where none of them can be read.
pub(super) fn run(
    globals: &Globals,
    arguments: &Arguments,
    cycle: Cycle,
    engine: Option<Engine>,
    reading: Reading,
    progress: Progress,
) -> Result<Verdict, Failure> {
    let mut delivery = Delivery::new(cycle);
    let read = read(engine.as_ref(), arguments, reading, progress, &mut delivery)?;
    let replaced = read.and_then(|summary| match &engine {
        Some(engine) if summary.is_good() => Ok((summary, engine.replace_period(delivery)?)),
        _ => Ok((summary, ReplaceReport::default())),
    });
    let (summary, report) = match replaced {
        Ok(replaced) => replaced,
        Err(error @ EngineError::Stopped(_)) => {
            let hint = "mend the fault and run the same command again: it posts what is missing";
            // Closing tells the fault that stopped the engine, which a call that met its end need not know.
            let fault = engine.and_then(|engine| engine.close().err()).unwrap_or(error);
            return Err(Failure::because(format!("cannot replace {cycle}"), &fault, hint));
        }
        Err(error) => {
            return Err(Failure::engine(format!("cannot replace {cycle}: nothing was posted"), &error));
        }
    };
    engine.map_or(Ok(()), data_dir::close)?;
    let printed = match globals.output {
        Output::Json => console::print_json(&report_json(cycle, &summary, &report)),
        Output::Text => console::print(&report_text(cycle, &summary, &report)),
    };
    for hint in summary.hints() {
        eprintln!("hint: {hint}");
    }
    // All of it is posted, whether or not somebody reads about it.
    match printed {
        Err(failure) if !failure.is_closed_output() => Err(failure),
        _ => Ok(Verdict::of(summary.is_good() && report.refused == 0)),
    }
}

/// Sums all inputs up, and notes the rows that can't be part of the month.
fn read(
    engine: Option<&Engine>,
    arguments: &Arguments,
    reading: Reading,
    mut progress: Progress,
    delivery: &mut Delivery,
) -> Result<Result<Summary, EngineError>, Failure> {
    let pages = Pages::read(arguments.files.clone(), reading)?;
    let names = arguments.files.iter().map(|path| display_name(path)).collect();
    let mut summary = Summary::new(names, arguments.lenient);
    while let Some(step) = pages.next() {
        match step {
            Step::Page { input, format, mut page } => {
                // None of the files could be opened a moment ago.
                let Some(engine) = engine else {
                    let attempt = "cannot replace the month: its files appeared only now";
                    return Err(Failure::new(attempt, "run the same command again"));
                };
                if let Err(error) = add(engine, arguments, format, &mut page, delivery) {
                    progress.finish();
                    return Ok(Err(error));
                }
                summary.add(input, &page, &PostReport::default());
                progress.read(summary.rows(), pages.bytes());
                pages.recycle(page);
            }
            Step::End { input, fault } => {
                progress.ended_reading(summary.rows());
                if let Some(fault) = fault {
                    summary.add_fault(input, &fault);
                    fault.print();
                }
            }
        }
    }
    progress.finish();
    Ok(Ok(summary))
}

/// Adds a page to the delivery, and takes the rows out that can't be part of it.
fn add(
    engine: &Engine,
    arguments: &Arguments,
    format: Format,
    page: &mut Page,
    delivery: &mut Delivery,
) -> Result<(), EngineError> {
    resolve(engine, arguments.open_accounts, format, page)?;
    let reach = if format.composes_cloud_accounts() { Reach::FirstPayer } else { Reach::Payer };
    let unfit = engine.deliver(delivery, &page.charges, reach)?;
    let refused = unfit.into_iter().map(|(index, why)| match why {
        Unfit::Refused(refusal) => {
            let cloud_account = page.charges.cloud_account(index);
            (index, refusal.code(), format!("cloud account `{cloud_account}`: {}", refusal.hint()))
        }
        Unfit::OtherCycle(cycle) => (index, code::OTHER_CYCLE, format!("it belongs to {cycle}")),
    });
    let refused = refused.collect();
    withhold(page, refused);
    Ok(())
}

fn report_json(cycle: Cycle, summary: &Summary, report: &ReplaceReport) -> Value {
    let total = |total: &Option<Money>| total.map_or(Value::Null, |total| json!(total.to_string()));
    let totals: Map<_, _> =
        report.totals.iter().map(|(currency, sum)| (currency.to_string(), total(sum))).collect();
    let mut json = json!({
        "replaced": cycle.to_string(),
        "rows": summary.rows(),
        "keys": report.keys,
        "unchanged": report.unchanged,
        "adjustments": report.adjustments,
        "totals": totals,
        "charges_left": report.charges_left,
        "refused": report.refused,
        "refusals": report.items.iter().map(|(refusal, detail)| {
            json!({ "code": refusal.code(), "detail": detail })
        }).collect::<Vec<_>>(),
    });
    summary.add_rows_json(&mut json);
    json
}

fn report_text(cycle: Cycle, summary: &Summary, report: &ReplaceReport) -> String {
    let mut text = String::new();
    write_text(&mut text, cycle, summary, report).expect("invariant: writing into memory can't fail");
    text
}

fn write_text(
    text: &mut String,
    cycle: Cycle,
    summary: &Summary,
    report: &ReplaceReport,
) -> std::fmt::Result {
    let rows = table::count(summary.rows());
    if !summary.is_good() {
        writeln!(text, "nothing was posted: {rows} rows were read, and not all of them can replace {cycle}")?;
        return summary.write_rows(text);
    }
    let [keys, unchanged, adjustments] =
        [report.keys, report.unchanged, report.adjustments].map(table::count);
    writeln!(
        text,
        "replaced {cycle} by {rows} rows: {keys} sums compared, {unchanged} equal, {adjustments} adjustments posted"
    )?;
    let totals: Vec<_> = report
        .totals
        .iter()
        .map(|(currency, total)| {
            let total = total.map_or_else(|| "too large to be summed".to_owned(), |total| total.to_string());
            vec![currency.to_string(), total]
        })
        .collect();
    if !totals.is_empty() {
        text.push('\n');
        text.push_str(&table(&[Column::Left("currency"), Column::Right("total")], &totals));
    }
    if report.charges_left > 0 {
        let left = table::count(report.charges_left);
        writeln!(text, "\n{left} charges of other billing accounts were left as they are")?;
    }
    if report.refused > 0 {
        writeln!(text, "\n{} refused, whose differences remain:", table::count(report.refused))?;
        for (refusal, detail) in &report.items {
            writeln!(text, "  {}: {detail}", refusal.code())?;
        }
    }
    summary.write_rows(text)
}
