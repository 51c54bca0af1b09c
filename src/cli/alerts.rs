//! `exchequer alerts`: who is told when available credit is low (rules H1, H2).

use super::accounts::{self, Page, standing, threshold};
use super::failure::Failure;
use super::table::{Column, table};
use super::vocabulary::request::{Asked, Envelope};
use super::{Globals, Verdict, request};
use crate::domain::money::Amount;
use crate::domain::standing::AlertState;
use crate::engine::Command;
use crate::engine::listing::{AccountFilter, AlertFilter};
use crate::engine::queries::AccountOverview;

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// List the accounts whose alert is enabled: threshold, state, notifications sent, and when the next one is due.
    List {
        #[command(flatten)]
        page: Page,
        /// Only alerts that stand so: `armed`, `waiting`, `firing` or `ended`; or accounts with none: `off`.
        #[arg(long, value_name = "STATE", default_value_t = AlertFilter::Enabled)]
        state: AlertFilter,
    },
    /// Set the alert of billing accounts, with a result for each.
    Set {
        #[command(flatten)]
        envelope: Envelope,
        /// Whose.
        #[arg(required = true, value_name = "ACCOUNT")]
        billing_accounts: Vec<String>,
        /// Available credit below it is low; by default what it was.
        #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
        threshold: Option<Amount>,
        /// Turn it on.
        #[arg(long, required_unless_present = "disable", conflicts_with = "disable")]
        enable: bool,
        /// Turn it off.
        #[arg(long)]
        disable: bool,
    },
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    match &arguments.verb {
        Verb::List { page, state } => {
            let filter = AccountFilter { alert: Some(*state), ..AccountFilter::default() };
            accounts::show(globals, page, &filter, &text)
        }
        Verb::Set { envelope, billing_accounts, threshold, enable, .. } => {
            let command = Command::SetLowBalanceAlert {
                billing_accounts: billing_accounts.clone(),
                enabled: *enable,
                threshold: *threshold,
            };
            request::run(globals, "cannot set the alerts", Asked::Command(command), envelope)
        }
    }
}

/// Alerts for a person.
fn text(accounts: &[AccountOverview]) -> String {
    let row = |account: &AccountOverview| {
        let (sent, next) = match account.alert {
            AlertState::Firing { sent, next_at } => (sent.to_string(), next_at.to_string()),
            _ => (String::new(), String::new()),
        };
        vec![
            account.billing_account.clone(),
            account.currency.to_string(),
            account.available_credit.to_string(),
            threshold(account),
            account.alert.name().to_owned(),
            sent,
            next,
            standing(account).to_owned(),
        ]
    };
    let columns = [
        Column::Left("billing account"),
        Column::Left("currency"),
        Column::Right("available credit"),
        Column::Right("threshold"),
        Column::Left("alert"),
        Column::Right("sent"),
        Column::Left("next reminder"),
        Column::Left(""),
    ];
    table(&columns, &accounts.iter().map(row).collect::<Vec<_>>())
}
