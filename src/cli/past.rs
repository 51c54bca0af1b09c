//! `exchequer balance`, `history` and `transactions`: the past of one account (rules D12, J3).

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;

use serde_json::json;

use super::change_records;
use super::failure::Failure;
use super::table::{Column, table};
use super::vocabulary::{answer, history};
use super::{Globals, Output, Verdict, account, console, data_dir};
use crate::domain::time::Timestamp;
use crate::engine::history::{HistoryItem, Span};
use crate::engine::transactions::{Fund, Transactions};

#[derive(clap::Args, Debug)]
pub(super) struct BalanceArguments {
    /// The billing account's id.
    #[arg(value_name = "NAME")]
    billing_account: String,
    /// The past time, such as 2026-05-01T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    at: Timestamp,
}

#[derive(clap::Args, Debug)]
pub(super) struct HistoryArguments {
    /// The billing account's id.
    #[arg(value_name = "NAME")]
    billing_account: String,
    #[command(flatten)]
    span: SpanArguments,
}

#[derive(clap::Args, Debug)]
pub(super) struct TransactionsArguments {
    /// The billing account's id.
    #[arg(value_name = "NAME")]
    billing_account: String,
    /// Only of this.
    #[arg(long, value_name = "FUND", value_parser = Fund::ALL.map(Fund::name))]
    fund: Option<String>,
    #[command(flatten)]
    span: SpanArguments,
}

#[derive(clap::Args, Clone, Copy, Debug)]
struct SpanArguments {
    /// Only from this time on.
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Only before this time.
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
}

impl From<SpanArguments> for Span {
    fn from(SpanArguments { from, to }: SpanArguments) -> Self {
        Self { from, to }
    }
}

pub(super) fn balance(globals: &Globals, arguments: &BalanceArguments) -> Result<Verdict, Failure> {
    let BalanceArguments { billing_account, at } = arguments;
    let engine = data_dir::open_existing(globals)?;
    let overview = engine.account_at(billing_account, *at).map_err(|error| {
        Failure::engine(format!("cannot show billing account `{billing_account}` at {at}"), &error)
    })?;
    data_dir::close(engine)?;
    match globals.output {
        Output::Json => console::print_json(&answer::account(&overview, false))?,
        Output::Text => console::print(&account::text(&overview, false))?,
    }
    Ok(Verdict::Good)
}

/// One line after the other, in constant memory: JSON, or the columns of `change-records` parted by tabs.
pub(super) fn history(globals: &Globals, arguments: &HistoryArguments) -> Result<Verdict, Failure> {
    let billing_account = &arguments.billing_account;
    let engine = data_dir::open_existing(globals)?;
    let mut out = BufWriter::new(io::stdout());
    let flow = engine.history(billing_account, arguments.span.into(), &mut |item| {
        let line = match globals.output {
            Output::Json => history::history_item(&item).to_string(),
            Output::Text => line(item),
        };
        match writeln!(out, "{line}") {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(Failure::output(&error)),
        }
    });
    let attempt = || format!("cannot show the history of billing account `{billing_account}`");
    if let ControlFlow::Break(failure) = flow.map_err(|error| Failure::engine(attempt(), &error))? {
        return Err(failure);
    }
    out.flush().map_err(|error| Failure::output(&error))?;
    data_dir::close(engine)?;
    Ok(Verdict::Good)
}

fn line(item: HistoryItem) -> String {
    let cells = match item {
        HistoryItem::Change(change) => change_records::cells(&change),
        HistoryItem::Charge(charge) => vec![
            charge.transaction,
            charge.period_start.to_string(),
            "charge".to_owned(),
            charge.category.name().to_owned(),
            charge.amount.to_string(),
            String::new(),
            String::new(),
            charge.cloud_account,
            [charge.cycle.to_string(), charge.service, charge.id].join(" "),
        ],
    };
    cells.join("\t").trim_end().to_owned()
}

pub(super) fn transactions(globals: &Globals, arguments: &TransactionsArguments) -> Result<Verdict, Failure> {
    let billing_account = &arguments.billing_account;
    let fund = arguments.fund.as_deref().and_then(Fund::parse);
    let engine = data_dir::open_existing(globals)?;
    let transactions =
        engine.transactions(billing_account, fund, arguments.span.into()).map_err(|error| {
            Failure::engine(
                format!("cannot show the transactions of billing account `{billing_account}`"),
                &error,
            )
        })?;
    data_dir::close(engine)?;
    if globals.output == Output::Json {
        let items: Vec<_> = transactions.items.iter().map(answer::change_record).collect();
        let months: Vec<_> = transactions.months.iter().map(history::month).collect();
        console::print_json(&json!({ "items": items, "months": months }))?;
        return Ok(Verdict::Good);
    }
    if transactions.items.is_empty() {
        console::say("no transactions");
        return Ok(Verdict::Good);
    }
    console::print(&transactions_text(&transactions))?;
    Ok(Verdict::Good)
}

fn transactions_text(transactions: &Transactions) -> String {
    let columns = [
        Column::Left("fund"),
        Column::Left("month"),
        Column::Right("opening"),
        Column::Right("in"),
        Column::Right("out"),
        Column::Right("closing"),
    ];
    let months = transactions.months.iter().map(|month| {
        vec![
            month.fund.name().to_owned(),
            month.month.to_string(),
            month.opening.to_string(),
            month.moved_in.to_string(),
            month.moved_out.to_string(),
            month.closing.to_string(),
        ]
    });
    let months: Vec<_> = months.collect();
    format!("{}\n{}", change_records::text(&transactions.items), table(&columns, &months))
}
