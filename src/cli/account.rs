//! `exchequer account`: everything about one billing account (rules A8, B3).

use std::fmt::Write;

use super::failure::Failure;
use super::table;
use super::vocabulary::answer;
use super::{Globals, Output, Verdict, console, data_dir};
use crate::domain::account::AccountType;
use crate::domain::money::Money;
use crate::engine::queries::AccountOverview;

/// Cloud accounts shown to a person.
const CLOUD_ACCOUNTS_SHOWN: usize = 10;

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The billing account's id.
    #[arg(value_name = "NAME")]
    billing_account: String,
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let engine = data_dir::open_existing(globals)?;
    let overview = engine.account_overview(&arguments.billing_account).map_err(|error| {
        Failure::engine(format!("cannot show billing account `{}`", arguments.billing_account), &error)
    })?;
    data_dir::close(engine)?;
    match globals.output {
        Output::Json => console::print_json(&answer::account(&overview, true))?,
        Output::Text => console::print(&text(&overview))?,
    }
    Ok(Verdict::Good)
}

fn text(overview: &AccountOverview) -> String {
    let mut text = String::new();
    write_text(&mut text, overview).expect("invariant: writing into memory can't fail");
    text
}

fn write_text(text: &mut String, overview: &AccountOverview) -> std::fmt::Result {
    let AccountOverview { billing_account, number, name, kind, status, currency, .. } = overview;
    writeln!(text, "billing account {billing_account} (number {number}): {kind}, {status}, {currency}")?;
    if name != billing_account {
        writeln!(text, "name            {name}")?;
    }
    writeln!(text, "owner           {}", overview.owner)?;
    writeln!(text, "opened          {}", overview.created_at)?;
    writeln!(text, "charges         {}", table::count(overview.charges))?;
    let more = overview.cloud_account_count.saturating_sub(CLOUD_ACCOUNTS_SHOWN as u64);
    let shown: Vec<_> =
        overview.cloud_accounts.iter().take(CLOUD_ACCOUNTS_SHOWN).map(String::as_str).collect();
    write!(
        text,
        "pays for        {}",
        if shown.is_empty() { "no cloud account".to_owned() } else { shown.join(", ") }
    )?;
    writeln!(
        text,
        "{}\n",
        if more > 0 { format!(" and {} more", table::count(more)) } else { String::new() }
    )?;
    let parts: &[(&str, &str, Money)] = match kind {
        AccountType::Direct => &[
            ("", "cash balance", overview.cash_balance),
            ("+", "credit limit", overview.credit_limit),
            ("-", "unsettled, current cycles", overview.unsettled_current),
        ],
        AccountType::Ecosystem => &[
            ("", "quota", overview.quota),
            ("-", "quota consumed", overview.quota_consumed),
            ("-", "unbilled", overview.unbilled),
        ],
    };
    let total = overview.available_credit.to_string();
    let width = parts.iter().map(|(.., money)| money.to_string().len()).max().unwrap_or(0).max(total.len());
    for (sign, what, money) in parts {
        writeln!(text, "{sign:1} {what:<26}{:>width$}", money.to_string())?;
    }
    let overdue = if overview.overdue { "  OVERDUE" } else { "" };
    writeln!(text, "= {:<26}{total:>width$} {currency}{overdue}", "available credit")
}
