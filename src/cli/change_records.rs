//! `exchequer change-records`: what changed one billing account (rules B2, B3).

use serde_json::{Value, json};

use super::failure::Failure;
use super::table::{Column, table};
use super::vocabulary::answer;
use super::{Globals, Output, Verdict, console, data_dir};

/// What can change.
const ASSETS: [&str; 6] = ["cash", "credit_limit", "quota", "quota_consumed", "settings", "status"];

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The billing account's id.
    #[arg(value_name = "NAME")]
    billing_account: String,
    /// Only changes of this.
    #[arg(long, value_name = "ASSET", value_parser = ASSETS)]
    asset: Option<String>,
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let Arguments { billing_account, asset } = arguments;
    let engine = data_dir::open_existing(globals)?;
    let records = engine.change_records(billing_account, asset.as_deref()).map_err(|error| {
        Failure::engine(format!("cannot show the changes of billing account `{billing_account}`"), &error)
    })?;
    data_dir::close(engine)?;
    if globals.output == Output::Json {
        let items: Vec<Value> = records.iter().map(answer::change_record).collect();
        console::print_json(&json!({ "items": items }))?;
        return Ok(Verdict::Good);
    }
    if records.is_empty() {
        console::say("no changes");
        return Ok(Verdict::Good);
    }
    let columns = [
        Column::Left("transaction"),
        Column::Left("at"),
        Column::Left("asset"),
        Column::Left("type"),
        Column::Right("amount"),
        Column::Right("before"),
        Column::Right("after"),
        Column::Left("actor"),
        Column::Left("reason"),
    ];
    let rows: Vec<_> = records
        .into_iter()
        .map(|record| {
            let money = |money: Option<crate::domain::money::Money>| {
                money.map_or_else(String::new, |money| money.to_string())
            };
            vec![
                record.transaction,
                record.at.to_string(),
                record.asset.to_owned(),
                record.kind.to_owned(),
                money(record.amount),
                money(record.before),
                money(record.after),
                record.actor,
                record.reason.unwrap_or_default(),
            ]
        })
        .collect();
    console::print(&table(&columns, &rows))?;
    Ok(Verdict::Good)
}
