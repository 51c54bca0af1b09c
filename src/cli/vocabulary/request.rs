//! What can be asked: one table line per name.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Problem;
use super::fields::{Fields, invalid, need};
use crate::domain::ids::Currency;
use crate::domain::money::Amount;
use crate::domain::profile::{AccountType, Site};
use crate::domain::time::{Cycle, Timestamp, UtcOffset};
use crate::engine::command::{AccountSettings, PROVIDER};
use crate::engine::report::{ReportKey, ReportQuery};
use crate::engine::{Command, OnError};

/// Items of one page of accounts, unless asked for more.
const ACCOUNTS_PER_PAGE: usize = 1_000;

/// Who asks, when, and under which idempotency key.
pub(super) struct Envelope {
    pub(super) principal: String,
    pub(super) key: Option<String>,
    pub(super) at: Option<Timestamp>,
}

/// What is asked.
pub(super) enum Asked<'a> {
    Command(Command),
    Overview { billing_account: String },
    List { from: u32, limit: usize, with_costs_only: bool },
    Report { query: ReportQuery, page: PageOf },
    ChangeRecords { billing_account: String, asset: Option<String>, page: PageOf },
    PostCharges { charges: Vec<&'a RawValue>, on_error: OnError },
}

/// Who may ask, besides the provider.
pub(super) enum Asker<'a> {
    /// The engine decides.
    AsCommanded,
    /// Nobody else.
    Provider,
    /// The owner of that billing account.
    OwnerOf(&'a str),
}

impl Asked<'_> {
    pub(super) fn asker(&self) -> Asker<'_> {
        match self {
            Self::Command(_) => Asker::AsCommanded,
            Self::Overview { billing_account } | Self::ChangeRecords { billing_account, .. } => {
                Asker::OwnerOf(billing_account)
            }
            Self::Report { query, .. } => {
                query.billing_account.as_deref().map_or(Asker::Provider, Asker::OwnerOf)
            }
            Self::List { .. } | Self::PostCharges { .. } => Asker::Provider,
        }
    }
}

/// Which part of the items is wanted.
pub(super) struct PageOf {
    from: usize,
    limit: usize,
}

impl PageOf {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Problem> {
        Ok(Self { from: fields.next()?.unwrap_or(0), limit: limit(fields)?.unwrap_or(usize::MAX) })
    }

    /// That part, and where the next one begins.
    pub(super) fn of(&self, mut items: Vec<Value>) -> Value {
        items.drain(..self.from.min(items.len()));
        let next = (items.len() > self.limit).then(|| (self.from + self.limit).to_string());
        items.truncate(self.limit);
        json!({ "items": items, "next": next })
    }
}

type Build = for<'a> fn(&mut Fields<'a>) -> Result<Asked<'a>, Problem>;

/// Every name with what it builds.
const TABLE: [(&str, Build); 18] = [
    ("register_cloud_account", |fields| {
        let cloud_account = fields.need_text("cloud_account")?;
        Ok(Asked::Command(match fields.text("billing_account")? {
            Some(billing_account) => Command::RegisterPaidCloudAccount { cloud_account, billing_account },
            None => Command::RegisterCloudAccount { cloud_account, settings: settings(fields)? },
        }))
    }),
    ("open_billing_account", |fields| {
        let billing_account = billing_account(fields)?;
        let settings = settings(fields)?;
        need("type", settings.kind)?;
        need("owner", settings.owner.as_ref())?;
        Ok(Asked::Command(Command::OpenBillingAccount { billing_account, settings }))
    }),
    ("modify_billing_account", |fields| {
        let billing_account = billing_account(fields)?;
        Ok(Asked::Command(Command::ModifyBillingAccount { billing_account, settings: settings(fields)? }))
    }),
    ("rename_billing_account", |fields| {
        let billing_account = billing_account(fields)?;
        let settings =
            AccountSettings { name: Some(fields.need_text("name")?), ..AccountSettings::default() };
        Ok(Asked::Command(Command::ModifyBillingAccount { billing_account, settings }))
    }),
    ("freeze_billing_account", |fields| {
        Ok(Asked::Command(Command::FreezeBillingAccount { billing_account: billing_account(fields)? }))
    }),
    ("thaw_billing_account", |fields| {
        Ok(Asked::Command(Command::ThawBillingAccount { billing_account: billing_account(fields)? }))
    }),
    ("cancel_billing_account", |fields| {
        Ok(Asked::Command(Command::CancelBillingAccount { billing_account: billing_account(fields)? }))
    }),
    ("set_payer", |fields| {
        Ok(Asked::Command(Command::SetPayer {
            cloud_accounts: need("cloud_accounts", fields.texts("cloud_accounts")?)?,
            billing_account: billing_account(fields)?,
            effective_at: fields.time("effective_at")?,
        }))
    }),
    ("top_up", |fields| {
        let (billing_account, amount) = whose_amount(fields)?;
        Ok(Asked::Command(Command::TopUp { billing_account, amount, reference: fields.text("reference")? }))
    }),
    ("adjust_cash", |fields| {
        let (billing_account, amount) = whose_amount(fields)?;
        Ok(Asked::Command(Command::AdjustCash {
            billing_account,
            amount,
            reason: fields.need_text("reason")?,
        }))
    }),
    ("grant_credit_limit", |fields| {
        let (billing_account, amount) = whose_amount(fields)?;
        Ok(Asked::Command(Command::GrantCreditLimit { billing_account, amount }))
    }),
    ("set_quota", |fields| {
        let (billing_account, amount) = whose_amount(fields)?;
        Ok(Asked::Command(Command::SetQuota { billing_account, amount }))
    }),
    ("repay_quota", |fields| {
        let (billing_account, amount) = whose_amount(fields)?;
        Ok(Asked::Command(Command::RepayQuota { billing_account, amount }))
    }),
    ("post_charges", |fields| {
        let Some(raw) = fields.raw("charges") else { return invalid("charges", "the field is missing") };
        let Ok(charges) = serde_json::from_str(raw.get()) else {
            return invalid("charges", "give an array of charges");
        };
        let on_error = fields.read_as("on_error", "`continue`, `stop` or `atomic`", |text| match text {
            "continue" => Some(OnError::Continue),
            "stop" => Some(OnError::Stop),
            "atomic" => Some(OnError::Atomic),
            _ => None,
        })?;
        Ok(Asked::PostCharges { charges, on_error: on_error.unwrap_or_default() })
    }),
    ("account_overview", |fields| Ok(Asked::Overview { billing_account: billing_account(fields)? })),
    ("list_accounts", |fields| {
        Ok(Asked::List {
            from: fields.next()?.unwrap_or(0),
            limit: limit(fields)?.unwrap_or(ACCOUNTS_PER_PAGE),
            // rule A8
            with_costs_only: fields.boolean("with_costs_only")?.unwrap_or(true),
        })
    }),
    ("report", |fields| {
        let by = fields.texts("by")?.unwrap_or_default();
        let query = ReportQuery {
            by: report_keys(by.iter().map(String::as_str))?,
            billing_account: fields.text("billing_account")?,
            cycle: fields.read_as("cycle", "a month such as 2026-05", Cycle::parse)?,
        };
        Ok(Asked::Report { query, page: PageOf::read(fields)? })
    }),
    ("change_records", |fields| {
        Ok(Asked::ChangeRecords {
            billing_account: billing_account(fields)?,
            asset: fields.text("asset")?,
            page: PageOf::read(fields)?,
        })
    }),
];

/// Understands a request.
pub(super) fn read(mut fields: Fields<'_>) -> Result<(Asked<'_>, Envelope), Problem> {
    let name = fields.need_text("do")?;
    let Some((_, build)) = TABLE.iter().find(|(known, _)| *known == name) else {
        return invalid("do", format!("`{name}`: no such command or query"));
    };
    let envelope = Envelope {
        principal: fields.text("principal")?.unwrap_or_else(|| PROVIDER.to_owned()),
        key: fields.text("key")?,
        at: fields.time("at")?,
    };
    let asked = build(&mut fields)?;
    fields.finish()?;
    if envelope.at.is_some() && !matches!(asked, Asked::Command(_) | Asked::PostCharges { .. }) {
        return invalid("at", "a query is answered as of now");
    }
    if envelope.key.is_some() && !matches!(asked, Asked::Command(_)) {
        return invalid("key", "charges have identities of their own, and a query needs none");
    }
    Ok((asked, envelope))
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

fn billing_account(fields: &mut Fields<'_>) -> Result<String, Problem> {
    fields.need_text("billing_account")
}

fn whose_amount(fields: &mut Fields<'_>) -> Result<(String, Amount), Problem> {
    Ok((billing_account(fields)?, fields.amount("amount")?))
}

fn limit(fields: &mut Fields<'_>) -> Result<Option<usize>, Problem> {
    match fields.whole("limit")? {
        Some(0) => invalid("limit", "give at least 1"),
        limit => Ok(limit),
    }
}

fn settings(fields: &mut Fields<'_>) -> Result<AccountSettings, Problem> {
    let kinds = [AccountType::Direct, AccountType::Ecosystem];
    let sites = [Site::International, Site::China];
    Ok(AccountSettings {
        kind: fields.read_as("type", "`direct` or `ecosystem`", |text| {
            kinds.into_iter().find(|kind| kind.to_string() == text)
        })?,
        owner: fields.text("owner")?,
        currency: fields.read_as(
            "currency",
            "a code of 1 to 8 upper-case letters or digits",
            Currency::parse,
        )?,
        name: fields.text("name")?,
        utc_offset: fields.read_as("utc_offset", "an offset such as +08:00", UtcOffset::parse)?,
        site: fields.read_as("site", "`international` or `china`", |text| {
            sites.into_iter().find(|site| site.to_string() == text)
        })?,
        contact: fields.text("contact")?,
        credit_enabled: fields.boolean("credit_enabled")?,
        pay_on_behalf: fields.boolean("pay_on_behalf")?,
        payment_terms_days: fields.whole("payment_terms_days")?,
    })
}
