//! `exchequer accounts`: the list of billing accounts (rule A8).

use super::failure::Failure;
use super::filters::Filters;
use super::table::{self, Column, table};
use super::vocabulary::answer;
use super::{Globals, Output, Verdict, console, data_dir};
use crate::domain::money::Money;
use crate::domain::standing::AlertState;
use crate::engine::listing::{AccountFilter, AccountPage};
use crate::engine::queries::AccountOverview;

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    page: Page,
    /// Also accounts that have incurred no costs; so it is with a filter.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    filters: Filters,
}

/// Which part of a list.
#[derive(clap::Args, Debug)]
pub(super) struct Page {
    /// At most so many accounts.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Go on where the page before said that the next one begins.
    #[arg(long, value_name = "NEXT", default_value_t = 0)]
    next: u32,
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    show(
        globals,
        &arguments.page,
        &arguments.filters.filter(!arguments.all && !arguments.filters.any()),
        &text,
    )
}

/// Prints one page of the list, `text` of it where it is for people.
pub(super) fn show(
    globals: &Globals,
    page: &Page,
    filter: &AccountFilter,
    text: &dyn Fn(&[AccountOverview]) -> String,
) -> Result<Verdict, Failure> {
    let engine = data_dir::open_existing(globals)?;
    let listed = engine.list_accounts(filter, page.next, page.limit as usize);
    let page = listed.map_err(|error| Failure::engine("cannot list the accounts", &error))?;
    data_dir::close(engine)?;
    if globals.output == Output::Json {
        console::print_json(&answer::accounts(&page))?;
        return Ok(Verdict::Good);
    }
    let AccountPage { items, next } = page;
    if items.is_empty() {
        console::say("no accounts");
        return Ok(Verdict::Good);
    }
    console::print(&text(&items))?;
    if let Some(next) = next {
        console::say(&format!("there are more: go on with --next {next}"));
    }
    Ok(Verdict::Good)
}

fn text(accounts: &[AccountOverview]) -> String {
    let columns = [
        Column::Left("billing account"),
        Column::Left("type"),
        Column::Left("status"),
        Column::Left("currency"),
        Column::Right("available credit"),
        Column::Left("alert"),
        Column::Right("threshold"),
        Column::Right("unsettled"),
        Column::Right("cash"),
        Column::Right("transfer book"),
        Column::Right("coupons"),
        Column::Right("charges"),
        Column::Left(""),
    ];
    let row = |account: &AccountOverview| {
        vec![
            account.billing_account.clone(),
            account.kind.to_string(),
            account.status.to_string(),
            account.currency.to_string(),
            account.available_credit.to_string(),
            account.alert.name().to_owned(),
            threshold(account),
            unsettled(account).to_string(),
            account.cash_balance.to_string(),
            account.transfer_book.to_string(),
            coupons(account),
            table::count(account.charges),
            standing(account).to_owned(),
        ]
    };
    table(&columns, &accounts.iter().map(row).collect::<Vec<_>>())
}

/// The threshold of an account's alert, if one was ever set.
pub(super) fn threshold(account: &AccountOverview) -> String {
    let is_set = account.alert != AlertState::Off || account.alert_threshold != Money::ZERO;
    if is_set { account.alert_threshold.to_string() } else { String::new() }
}

/// What needs a look: suspended is overdue as well.
pub(super) fn standing(account: &AccountOverview) -> &'static str {
    match (account.suspended, account.overdue) {
        (true, _) => "SUSPENDED",
        (false, true) => "OVERDUE",
        (false, false) => "",
    }
}

/// What is left of valid coupons, and how many there are.
fn coupons(account: &AccountOverview) -> String {
    if account.coupons_valid == 0 {
        return String::new();
    }
    format!("{} in {}", account.coupon_balance, table::count(account.coupons_valid))
}

/// What is owed for charges; of an ecosystem account that is called unbilled.
fn unsettled(account: &AccountOverview) -> Money {
    let current = account.unsettled_current.checked_add(account.unbilled);
    current.and_then(|current| current.checked_add(account.unsettled_previous)).unwrap_or_default()
}
