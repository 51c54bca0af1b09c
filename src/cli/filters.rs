//! Which accounts of the unified list are meant (rule A8).

use crate::domain::account::Status;
use crate::domain::profile::AccountType;
use crate::engine::listing::{AccountFilter, AlertFilter};

/// Options that leave accounts out; together they leave out what any of them does.
#[derive(clap::Args, Debug)]
pub(super) struct Filters {
    /// Only accounts of that enterprise.
    #[arg(long, value_name = "ECID")]
    ecid: Option<String>,
    /// Only accounts of that status: `valid`, `frozen` or `canceled`.
    #[arg(long, value_name = "STATUS", value_parser = status)]
    status: Option<Status>,
    /// Only accounts of that type: `direct` or `ecosystem`.
    #[arg(long = "type", value_name = "TYPE", value_parser = kind)]
    kind: Option<AccountType>,
    /// Only accounts that are overdue.
    #[arg(long)]
    overdue: bool,
    /// Only accounts that are suspended.
    #[arg(long)]
    suspended: bool,
    /// Only accounts whose alert stands so: `enabled`, `off`, `armed`, `waiting`, `firing` or `ended`.
    #[arg(long, value_name = "STATE")]
    alert: Option<AlertFilter>,
}

impl Filters {
    /// Whether any is given.
    pub(super) fn any(&self) -> bool {
        self.filter(false) != AccountFilter::default()
    }

    /// The filter, for accounts with costs only or for all.
    pub(super) fn filter(&self, with_costs_only: bool) -> AccountFilter {
        AccountFilter {
            ecid: self.ecid.clone(),
            with_costs_only,
            status: self.status,
            kind: self.kind,
            overdue: self.overdue.then_some(true),
            suspended: self.suspended.then_some(true),
            alert: self.alert,
        }
    }
}

fn status(text: &str) -> Result<Status, &'static str> {
    let statuses = [Status::Valid, Status::Frozen, Status::Canceled];
    let known = statuses.into_iter().find(|status| status.to_string() == text);
    known.ok_or("give `valid`, `frozen` or `canceled`")
}

fn kind(text: &str) -> Result<AccountType, &'static str> {
    let kinds = [AccountType::Direct, AccountType::Ecosystem];
    kinds.into_iter().find(|kind| kind.to_string() == text).ok_or("give `direct` or `ecosystem`")
}
