//! `exchequer account`: everything about one billing account (rules A8, B3).

use super::failure::Failure;
use super::table;
use super::vocabulary::answer;
use super::{Globals, Output, Verdict, console, data_dir};
use crate::domain::money::Money;
use crate::domain::profile::AccountType;
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
        Output::Text => console::print(&text(&overview, true))?,
    }
    Ok(Verdict::Good)
}

/// One account for a person; `whole` where it is known which cloud accounts it pays for.
pub(super) fn text(overview: &AccountOverview, whole: bool) -> String {
    let AccountOverview { billing_account, number, name, kind, status, currency, .. } = overview;
    let mut lines = Vec::new();
    if name != billing_account {
        lines.push(("name", name.clone()));
    }
    lines.push(("owner", overview.owner.clone()));
    if let Some(ecid) = &overview.ecid {
        lines.push(("enterprise", ecid.clone()));
    }
    lines.push(("opened", overview.created_at.to_string()));
    lines.push(("charges", table::count(overview.charges)));
    if whole {
        lines.push(("pays for", pays_for(overview)));
    }
    if overview.transfer_book != Money::ZERO {
        let AccountOverview { transfer_book, own_cash, .. } = overview;
        lines.push(("transfer book", format!("{transfer_book} of the cash balance; own cash {own_cash}")));
    }
    if overview.in_flight != Money::ZERO {
        lines.push(("in flight", format!("{} on its way to other accounts", overview.in_flight)));
    }
    if overview.coupons_valid > 0 {
        let AccountOverview { coupons_valid, coupon_balance, .. } = overview;
        lines.push(("coupons", format!("{} valid, {coupon_balance} left", table::count(*coupons_valid))));
    }
    if !overview.automatic_write_off {
        lines.push(("write-off", "by hand".to_owned()));
    }
    let mut parts = match kind {
        AccountType::Direct => {
            let mut parts = vec![
                ("", "cash balance", overview.cash_balance),
                ("+", "credit limit", overview.credit_limit),
                ("+", "credit refund", overview.credit_refund),
                ("-", "unsettled, current cycles", overview.unsettled_current),
                ("-", "unsettled, issued bills", overview.unsettled_previous),
            ];
            // What only accounts with bills have.
            parts.retain(|(_, what, amount)| {
                *amount != Money::ZERO || !["credit refund", "unsettled, issued bills"].contains(what)
            });
            parts
        }
        AccountType::Ecosystem => vec![
            ("", "quota", overview.quota),
            ("-", "quota consumed", overview.quota_consumed),
            ("-", "unbilled", overview.unbilled),
        ],
    };
    parts.push(("=", "available credit", overview.available_credit));
    if overview.held != Money::ZERO {
        parts.push(("-", "held", overview.held));
        parts.push(("=", "spendable", overview.spendable));
    }
    let (sum, overdue) = (table::sum(&parts), if overview.overdue { "  OVERDUE" } else { "" });
    format!(
        "billing account {billing_account} (number {number}): {kind}, {status}, {currency}\n{}\n{} {currency}{overdue}\n",
        table::words(&lines),
        sum.trim_end(),
    )
}

fn pays_for(overview: &AccountOverview) -> String {
    let shown: Vec<_> =
        overview.cloud_accounts.iter().take(CLOUD_ACCOUNTS_SHOWN).map(String::as_str).collect();
    if shown.is_empty() {
        return "no cloud account".to_owned();
    }
    match overview.cloud_account_count.saturating_sub(CLOUD_ACCOUNTS_SHOWN as u64) {
        0 => shown.join(", "),
        more => format!("{} and {} more", shown.join(", "), table::count(more)),
    }
}
