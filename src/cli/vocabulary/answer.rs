//! What is answered. Amounts are decimal strings.

use serde_json::{Map, Value, json};

use super::Problem;
use crate::domain::money::Money;
use crate::engine::EngineError;
use crate::engine::queries::{AccountOverview, AccountPage};
use crate::engine::report::{ChangeRecord, ReportItem, ReportQuery};

/// The overview of one account (rules A8, B3). `whole` where it knows which cloud accounts are paid for.
///
/// Assets that this version does not have yet are 0.
pub(in crate::cli) fn account(overview: &AccountOverview, whole: bool) -> Value {
    let money = |money: Money| money.to_string();
    let mut answer = json!({
        "billing_account": overview.billing_account,
        "number": overview.number,
        "name": overview.name,
        "type": overview.kind.to_string(),
        "status": overview.status.to_string(),
        "owner": overview.owner,
        "contact": overview.contact,
        "site": overview.site.to_string(),
        "credit_enabled": overview.credit_enabled,
        "pay_on_behalf": overview.pay_on_behalf,
        "payment_terms_days": overview.payment_terms_days,
        "currency": overview.currency.to_string(),
        "utc_offset": overview.utc_offset.to_string(),
        "created_at": overview.created_at.to_string(),
        "cash_balance": money(overview.cash_balance),
        "own_cash": money(overview.cash_balance),
        "transfer_book": "0",
        "credit_limit": money(overview.credit_limit),
        "credit_refund": "0",
        "unsettled_current": money(overview.unsettled_current),
        "unsettled_previous": "0",
        "held": "0",
        "available_credit": money(overview.available_credit),
        "spendable": money(overview.available_credit),
        "quota": money(overview.quota),
        "quota_consumed": money(overview.quota_consumed),
        "unbilled": money(overview.unbilled),
        "overdue": overview.overdue,
        "suspended": false,
        "alert": { "enabled": false, "threshold": null, "state": "off" },
        "coupons_valid": 0,
        "charges": overview.charges,
    });
    if whole {
        answer["cloud_accounts"] = json!(overview.cloud_accounts);
        answer["cloud_account_count"] = json!(overview.cloud_account_count);
    }
    answer
}

/// One page of accounts.
pub(in crate::cli) fn accounts(page: &AccountPage) -> Value {
    let items: Vec<_> = page.items.iter().map(|overview| account(overview, false)).collect();
    json!({ "items": items, "next": page.next.map(|next| next.to_string()) })
}

/// A result for each cloud account.
pub(super) fn items(items: &[(String, Result<(), EngineError>)]) -> Result<Value, Problem> {
    let mut answers = Vec::new();
    for (cloud_account, result) in items {
        answers.push(match result {
            Ok(()) => json!({ "cloud_account": cloud_account, "ok": {} }),
            Err(EngineError::Refused { refusal, detail }) => json!({
                "cloud_account": cloud_account,
                "refused": { "code": refusal.code(), "detail": detail },
            }),
            Err(error) => return Err(error.clone().into()),
        });
    }
    Ok(json!({ "items": answers }))
}

/// The lines of a report.
pub(in crate::cli) fn report(query: &ReportQuery, items: &[ReportItem]) -> Vec<Value> {
    let line = |item: &ReportItem| {
        let keys = query.by.iter().zip(&item.keys);
        let mut line: Map<_, _> = keys.map(|(key, text)| (key.name().to_owned(), json!(text))).collect();
        line.insert("charges".to_owned(), json!(item.charges));
        line.insert("amount".to_owned(), json!(item.amount.to_string()));
        Value::Object(line)
    };
    items.iter().map(line).collect()
}

/// One change (rule B3).
pub(in crate::cli) fn change_record(record: &ChangeRecord) -> Value {
    let money = |money: Option<Money>| money.map(|money| money.to_string());
    json!({
        "transaction": record.transaction,
        "at": record.at.to_string(),
        "asset": record.asset,
        "type": record.kind,
        "amount": money(record.amount),
        "before": money(record.before),
        "after": money(record.after),
        "actor": record.actor,
        "reason": record.reason,
    })
}
