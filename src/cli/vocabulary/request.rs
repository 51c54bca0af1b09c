//! What can be asked, by whom, when, and under which key.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::fields::{Fields, invalid};
use super::history::Past;
use super::{Problem, accounts, alerts, bills, enterprises, history};
use crate::domain::time::{Cycle, Timestamp};
use crate::engine::command::PROVIDER;
use crate::engine::listing::AccountFilter;
use crate::engine::outbox::NotificationQuery;
use crate::engine::report::{ReportKey, ReportQuery};
use crate::engine::{Command, OnError};

/// Who asks, when, and under which idempotency key.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Envelope {
    /// Who asks: a cloud account, one of its users (`cloud_account/user`), or the provider.
    #[arg(long, value_name = "ID", default_value = PROVIDER, global = true)]
    pub(super) principal: String,
    /// Key under which the same command, sent again, gets its first answer.
    #[arg(long, value_name = "KEY", global = true)]
    pub(super) key: Option<String>,
    /// Business time of a command, such as 2026-05-01T00:00:00Z; by default now.
    #[arg(long, value_name = "TIME", global = true)]
    pub(super) at: Option<Timestamp>,
}

/// What is asked.
#[derive(Debug)]
pub(in crate::cli) enum Asked<'a> {
    Command(Command),
    Overview { billing_account: String },
    List { filter: AccountFilter, from: u32, limit: usize },
    Report { query: ReportQuery, page: PageOf },
    ChangeRecords { of: Changed, asset: Option<String>, page: PageOf },
    Past(Past),
    CreditOverview { ecid: String },
    CreditBounds { ecid: String, billing_account: String },
    Transferable { from: String },
    Revocable { giver: String, receiver: String },
    Administrators { billing_account: String },
    Bills { billing_account: String, cycle: Option<Cycle>, lines: bool, page: PageOf },
    Coupons { billing_account: String, page: PageOf },
    Order { order: String },
    PaymentMethods { billing_account: String, page: PageOf },
    Notifications(NotificationQuery),
    PostCharges { charges: Vec<&'a RawValue>, on_error: OnError },
}

/// Whose change records are asked for.
#[derive(Debug)]
pub(in crate::cli) enum Changed {
    Account(String),
    Enterprise(String),
}

/// Who may ask, besides the provider.
pub(super) enum Asker<'a> {
    /// That is decided when it is carried out.
    AsCommanded,
    /// Nobody else.
    Provider,
    /// Whoever may see that billing account.
    ReaderOf(&'a str),
    /// Whoever controls the credit of that enterprise.
    CreditorOf(&'a str),
}

impl Asked<'_> {
    pub(super) fn asker(&self) -> Asker<'_> {
        match self {
            Self::Command(_) | Self::Order { .. } => Asker::AsCommanded,
            Self::Overview { billing_account: account }
            | Self::ChangeRecords { of: Changed::Account(account), .. }
            | Self::Past(Past { billing_account: account, .. })
            | Self::Transferable { from: account }
            | Self::Revocable { receiver: account, .. }
            | Self::Bills { billing_account: account, .. }
            | Self::Coupons { billing_account: account, .. }
            | Self::PaymentMethods { billing_account: account, .. }
            | Self::Administrators { billing_account: account } => Asker::ReaderOf(account),
            Self::CreditOverview { ecid }
            | Self::List { filter: AccountFilter { ecid: Some(ecid), .. }, .. }
            | Self::CreditBounds { ecid, .. }
            | Self::ChangeRecords { of: Changed::Enterprise(ecid), .. } => Asker::CreditorOf(ecid),
            Self::Report { query, .. } => {
                query.billing_account.as_deref().map_or(Asker::Provider, Asker::ReaderOf)
            }
            Self::Notifications(NotificationQuery { billing_account, .. }) => {
                billing_account.as_deref().map_or(Asker::Provider, Asker::ReaderOf)
            }
            Self::List { .. } | Self::PostCharges { .. } => Asker::Provider,
        }
    }
}

/// Which part of the items is wanted.
#[derive(Debug)]
pub(in crate::cli) struct PageOf {
    from: usize,
    limit: usize,
}

impl PageOf {
    /// Everything.
    pub(in crate::cli) const ALL: Self = Self { from: 0, limit: usize::MAX };

    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Self, Problem> {
        Ok(Self { from: fields.next()?.unwrap_or(0), limit: limit(fields)?.unwrap_or(usize::MAX) })
    }

    /// That part, and where the next one begins.
    pub(super) fn of(&self, items: Vec<Value>) -> Value {
        let Part { items, next } = self.part(items);
        json!({ "items": items, "next": next })
    }

    /// As [`PageOf::of`], of items that have no form yet.
    pub(super) fn part<T>(&self, mut items: Vec<T>) -> Part<T> {
        items.drain(..self.from.min(items.len()));
        let next = (items.len() > self.limit).then(|| (self.from + self.limit).to_string());
        items.truncate(self.limit);
        Part { items, next }
    }
}

/// A part of a list.
#[derive(Debug)]
pub(in crate::cli) struct Part<T> {
    pub(in crate::cli) items: Vec<T>,
    /// Where the next part begins, if there is one.
    pub(in crate::cli) next: Option<String>,
}

impl<T> Part<T> {
    pub(super) fn json(&self, form: impl Fn(&T) -> Value) -> Value {
        json!({ "items": self.items.iter().map(form).collect::<Vec<_>>(), "next": self.next })
    }
}

/// Builds what is asked from the fields that its name has.
pub(super) type Build = for<'a> fn(&mut Fields<'a>) -> Result<Asked<'a>, Problem>;

/// Understands a request.
pub(super) fn read(mut fields: Fields<'_>) -> Result<(Asked<'_>, Envelope), Problem> {
    let name = fields.need_text("do")?;
    let tables: [&[(&str, Build)]; 5] =
        [&accounts::TABLE, &enterprises::TABLE, &bills::TABLE, &history::TABLE, &alerts::TABLE];
    let mut table = tables.into_iter().flatten();
    let Some((_, build)) = table.find(|(known, _)| *known == name) else {
        return invalid("do", format!("`{name}`: no such command or query"));
    };
    // Of a policy `principal` is whose it is, and `by` who asks, unless it is told apart as `user`.
    if matches!(&*name, "attach_policy" | "detach_policy") && !fields.is_given("user") {
        fields.rename("principal", "user");
        fields.rename("by", "principal");
    }
    let envelope = Envelope {
        principal: fields.text("principal")?.unwrap_or_else(|| PROVIDER.to_owned()),
        key: fields.text("key")?,
        at: fields.time("at")?,
    };
    let asked = build(&mut fields)?;
    fields.finish()?;
    Ok((asked, envelope))
}

impl Envelope {
    /// Who asks.
    pub(in crate::cli) fn principal(&self) -> &str {
        &self.principal
    }

    /// Business time, where it is given.
    pub(in crate::cli) const fn at(&self) -> Option<Timestamp> {
        self.at
    }

    /// What is asked must be such that it has a time and a key.
    pub(super) fn check(&self, asked: &Asked<'_>) -> Result<(), Problem> {
        if self.at.is_some() && !matches!(asked, Asked::Command(_) | Asked::PostCharges { .. }) {
            return invalid("at", "a query is answered as of now");
        }
        if self.at.is_none() && matches!(asked, Asked::Command(Command::AdvanceTime)) {
            return invalid("at", "the field is missing");
        }
        if self.key.is_some() && !matches!(asked, Asked::Command(_)) {
            return invalid("key", "charges have identities of their own, and a query needs none");
        }
        Ok(())
    }
}

/// Whether the answer to a command knows which cloud accounts are paid for.
pub(super) fn names_cloud_accounts(command: &Command) -> bool {
    matches!(
        command,
        Command::RegisterCloudAccount { .. }
            | Command::RegisterPaidCloudAccount { .. }
            | Command::OpenBillingAccount { .. }
    )
}

/// What the items of a command's answer are.
pub(super) fn items_are(command: &Command) -> &'static str {
    match command {
        Command::AttachPolicy { .. } | Command::DetachPolicy { .. } => "user",
        Command::SetLowBalanceAlert { .. } => "billing_account",
        _ => "cloud_account",
    }
}

/// Keys of a report, each once. The currency is always one of them: a sum never mixes currencies.
pub(in crate::cli) fn report_keys<'a>(
    names: impl Iterator<Item = &'a str>,
) -> Result<Vec<ReportKey>, Problem> {
    let mut keys = Vec::new();
    for name in names {
        let Some(key) = ReportKey::parse(name) else {
            let known = ReportKey::ALL.map(ReportKey::name).join(", ");
            return invalid("by", format!("`{name}`: give some of {known}"));
        };
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    if !keys.contains(&ReportKey::Currency) {
        keys.push(ReportKey::Currency);
    }
    Ok(keys)
}

pub(super) fn limit(fields: &mut Fields<'_>) -> Result<Option<usize>, Problem> {
    match fields.whole("limit")? {
        Some(0) => invalid("limit", "give at least 1"),
        limit => Ok(limit),
    }
}
