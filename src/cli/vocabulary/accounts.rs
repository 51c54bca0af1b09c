//! Commands and queries about accounts and charges: one table line per name.

use super::Problem;
use super::fields::{Fields, invalid, need};
use super::request::{Asked, Build, Changed, PageOf, limit, report_keys};
use crate::domain::account::Status;
use crate::domain::ids::Currency;
use crate::domain::money::Amount;
use crate::domain::profile::{AccountType, Site};
use crate::domain::time::{Cycle, UtcOffset};
use crate::engine::command::AccountSettings;
use crate::engine::listing::AccountFilter;
use crate::engine::report::ReportQuery;
use crate::engine::{Command, OnError};

/// Items of one page of accounts, unless asked for more.
const ACCOUNTS_PER_PAGE: usize = 1_000;

/// Every name with what it builds.
pub(super) const TABLE: [(&str, Build); 23] = [
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
    ("withdraw_cash", |fields| {
        let (billing_account, amount) = whose_amount(fields)?;
        Ok(Asked::Command(Command::WithdrawCash { billing_account, amount }))
    }),
    ("place_hold", |fields| {
        let (billing_account, amount) = whose_amount(fields)?;
        let hold = fields.need_text("hold")?;
        let expires_at = need("expires_at", fields.time("expires_at")?)?;
        Ok(Asked::Command(Command::PlaceHold { billing_account, hold, amount, expires_at }))
    }),
    ("capture_hold", |fields| {
        Ok(Asked::Command(Command::CaptureHold {
            billing_account: billing_account(fields)?,
            hold: fields.need_text("hold")?,
            amount: fields.optional_amount("amount")?,
        }))
    }),
    ("release_hold", |fields| {
        let billing_account = billing_account(fields)?;
        Ok(Asked::Command(Command::ReleaseHold { billing_account, hold: fields.need_text("hold")? }))
    }),
    ("advance_time", |_| Ok(Asked::Command(Command::AdvanceTime))),
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
            filter: filter(fields)?,
            from: fields.next()?.unwrap_or(0),
            limit: limit(fields)?.unwrap_or(ACCOUNTS_PER_PAGE),
        })
    }),
    ("report", |fields| {
        let by = fields.texts("by")?.unwrap_or_default();
        let query = ReportQuery {
            by: report_keys(by.iter().map(String::as_str))?,
            billing_account: fields.text("billing_account")?,
            cycle: cycle(fields, "cycle")?,
        };
        Ok(Asked::Report { query, page: PageOf::read(fields)? })
    }),
    ("change_records", |fields| {
        Ok(Asked::ChangeRecords {
            of: match fields.text("ecid")? {
                Some(ecid) => Changed::Enterprise(ecid),
                None => Changed::Account(billing_account(fields)?),
            },
            asset: fields.text("asset")?,
            page: PageOf::read(fields)?,
        })
    }),
];

/// Which accounts are listed (rule A8).
fn filter(fields: &mut Fields<'_>) -> Result<AccountFilter, Problem> {
    const ALERTS: &str = "`enabled`, `off`, `armed`, `waiting`, `firing` or `ended`";
    let statuses = [Status::Valid, Status::Frozen, Status::Canceled];
    // Who asks for a fact wants all who have it.
    let named = ["ecid", "status", "type", "overdue", "suspended", "alert"];
    let is_named = named.into_iter().any(|name| fields.is_given(name));
    Ok(AccountFilter {
        ecid: fields.text("ecid")?,
        with_costs_only: fields.boolean("with_costs_only")?.unwrap_or(!is_named),
        status: fields.read_as("status", "`valid`, `frozen` or `canceled`", |text| {
            statuses.into_iter().find(|status| status.to_string() == text)
        })?,
        kind: kind(fields)?,
        overdue: fields.boolean("overdue")?,
        suspended: fields.boolean("suspended")?,
        alert: fields.read_as("alert", ALERTS, |text| text.parse().ok())?,
    })
}

fn kind(fields: &mut Fields<'_>) -> Result<Option<AccountType>, Problem> {
    let kinds = [AccountType::Direct, AccountType::Ecosystem];
    fields.read_as("type", "`direct` or `ecosystem`", |text| {
        kinds.into_iter().find(|kind| kind.to_string() == text)
    })
}

pub(super) fn billing_account(fields: &mut Fields<'_>) -> Result<String, Problem> {
    fields.need_text("billing_account")
}

pub(super) fn whose_amount(fields: &mut Fields<'_>) -> Result<(String, Amount), Problem> {
    Ok((billing_account(fields)?, fields.amount("amount")?))
}

pub(super) fn currency(fields: &mut Fields<'_>) -> Result<Option<Currency>, Problem> {
    currency_of(fields, "currency")
}

pub(super) fn currency_of(fields: &mut Fields<'_>, name: &str) -> Result<Option<Currency>, Problem> {
    fields.read_as(name, "a code of 1 to 8 upper-case letters or digits", Currency::parse)
}

pub(super) fn cycle(fields: &mut Fields<'_>, name: &str) -> Result<Option<Cycle>, Problem> {
    fields.read_as(name, "a month such as 2026-05", Cycle::parse)
}

fn settings(fields: &mut Fields<'_>) -> Result<AccountSettings, Problem> {
    let sites = [Site::International, Site::China];
    Ok(AccountSettings {
        kind: kind(fields)?,
        owner: fields.text("owner")?,
        currency: currency(fields)?,
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
