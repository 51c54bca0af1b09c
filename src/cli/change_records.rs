//! `exchequer change-records`: what changed one billing account or one enterprise (rules B2, B3, E5).

use serde_json::{Value, json};

use super::failure::Failure;
use super::table::{Column, table};
use super::vocabulary::answer;
use super::{Globals, Output, Verdict, console, data_dir};
use crate::domain::money::Money;
use crate::engine::change_records::ChangeRecord;

/// What can change.
const ASSETS: [&str; 22] = [
    "cash",
    "transfer_book",
    "credit_limit",
    "credit_refund",
    "coupon",
    "bill",
    "order",
    "hold",
    "quota",
    "quota_consumed",
    "association",
    "settings",
    "status",
    "automatic_write_off",
    "write_off_previous_bills",
    "tax_rate",
    "settlement_currency",
    "unified_settlement",
    "payment_method",
    "alert",
    "standing",
    "suspension_benefit",
];

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The billing account's id.
    #[arg(value_name = "NAME", required_unless_present = "ecid")]
    billing_account: Option<String>,
    /// The changes of an enterprise instead.
    #[arg(long, value_name = "ECID", conflicts_with = "billing_account")]
    ecid: Option<String>,
    /// Only changes of this.
    #[arg(long, value_name = "ASSET", value_parser = ASSETS)]
    asset: Option<String>,
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let asset = arguments.asset.as_deref();
    let engine = data_dir::open_existing(globals)?;
    let (whose, records) = match (&arguments.ecid, &arguments.billing_account) {
        (Some(ecid), _) => (format!("enterprise `{ecid}`"), engine.enterprise_change_records(ecid, asset)),
        (None, id) => {
            let id = id.as_deref().unwrap_or_default();
            (format!("billing account `{id}`"), engine.change_records(id, asset))
        }
    };
    let records =
        records.map_err(|error| Failure::engine(format!("cannot show the changes of {whose}"), &error))?;
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
    console::print(&text(&records))?;
    Ok(Verdict::Good)
}

/// Changes for a person.
pub(super) fn text(records: &[ChangeRecord]) -> String {
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
    let rows: Vec<_> = records.iter().map(cells).collect();
    table(&columns, &rows)
}

/// What stands in the columns.
pub(super) fn cells(record: &ChangeRecord) -> Vec<String> {
    let money = |money: Option<Money>| money.map_or_else(String::new, |money| money.to_string());
    vec![
        record.transaction.clone(),
        record.at.to_string(),
        record.asset.to_owned(),
        record.kind.to_owned(),
        money(record.amount),
        money(record.before),
        money(record.after),
        record.actor.clone(),
        record.reason.clone().unwrap_or_default(),
    ]
}
