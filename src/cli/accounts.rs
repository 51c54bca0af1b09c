//! `exchequer accounts`: the list of billing accounts (rule A8).

use super::failure::Failure;
use super::table::{self, Column, table};
use super::vocabulary::answer;
use super::{Globals, Output, Verdict, console, data_dir};
use crate::domain::money::Money;
use crate::engine::queries::AccountOverview;

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// At most so many accounts.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Go on where the page before said that the next one begins.
    #[arg(long, value_name = "NEXT", default_value_t = 0)]
    next: u32,
    /// Only accounts that have incurred costs.
    #[arg(long)]
    with_costs: bool,
    /// Only accounts of that enterprise.
    #[arg(long, value_name = "ECID")]
    ecid: Option<String>,
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let engine = data_dir::open_existing(globals)?;
    let page = engine
        .list_accounts(
            arguments.next,
            arguments.limit as usize,
            arguments.with_costs,
            arguments.ecid.as_deref(),
        )
        .map_err(|error| Failure::engine("cannot list the accounts", &error))?;
    data_dir::close(engine)?;
    if globals.output == Output::Json {
        console::print_json(&answer::accounts(&page))?;
        return Ok(Verdict::Good);
    }
    if page.items.is_empty() {
        console::say("no accounts");
        return Ok(Verdict::Good);
    }
    let columns = [
        Column::Left("billing account"),
        Column::Left("type"),
        Column::Left("status"),
        Column::Left("currency"),
        Column::Right("available credit"),
        Column::Right("unsettled"),
        Column::Right("cash"),
        Column::Right("charges"),
    ];
    let rows: Vec<_> = page
        .items
        .iter()
        .map(|account| {
            vec![
                account.billing_account.clone(),
                account.kind.to_string(),
                account.status.to_string(),
                account.currency.to_string(),
                account.available_credit.to_string(),
                unsettled(account).to_string(),
                account.cash_balance.to_string(),
                table::count(account.charges),
            ]
        })
        .collect();
    console::print(&table(&columns, &rows))?;
    if let Some(next) = page.next {
        console::say(&format!("there are more: go on with --next {next}"));
    }
    Ok(Verdict::Good)
}

/// What is owed for charges; of an ecosystem account that is called unbilled.
fn unsettled(account: &AccountOverview) -> Money {
    let current = account.unsettled_current.checked_add(account.unbilled);
    current.and_then(|current| current.checked_add(account.unsettled_previous)).unwrap_or_default()
}
