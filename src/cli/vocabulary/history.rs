//! Queries about the past of one account: one table line per name (rules D12, J3).

use std::ops::ControlFlow;

use serde_json::{Value, json};

use super::Problem;
use super::accounts::billing_account;
use super::answer::{self, Reply};
use super::fields::{Fields, need};
use super::request::{Asked, Build, PageOf};
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::engine::history::{HistoryItem, Span};
use crate::engine::transactions::{Fund, MonthSummary};

/// Every name with what it builds.
pub(super) const TABLE: [(&str, Build); 3] = [
    ("balance_at", |fields| {
        let billing_account = billing_account(fields)?;
        let time = need("time", fields.time("time")?)?;
        Ok(Asked::Past(Past { billing_account, of: PastOf::Balance { time } }))
    }),
    ("history", |fields| {
        let (billing_account, span) = (billing_account(fields)?, span(fields)?);
        let of = PastOf::History { span, page: PageOf::read(fields)? };
        Ok(Asked::Past(Past { billing_account, of }))
    }),
    ("transactions", |fields| {
        let (billing_account, span) = (billing_account(fields)?, span(fields)?);
        let fund = fields.read_as("fund", "`cash` or `credit_refund`", Fund::parse)?;
        let of = PastOf::Transactions { fund, span, page: PageOf::read(fields)? };
        Ok(Asked::Past(Past { billing_account, of }))
    }),
];

/// What is asked about the past of an account.
#[derive(Debug)]
pub(in crate::cli) struct Past {
    pub(super) billing_account: String,
    of: PastOf,
}

#[derive(Debug)]
enum PastOf {
    Balance { time: Timestamp },
    History { span: Span, page: PageOf },
    Transactions { fund: Option<Fund>, span: Span, page: PageOf },
}

impl Past {
    pub(super) fn answer(&self, engine: &Engine) -> Result<Reply, Problem> {
        let account = &*self.billing_account;
        Ok(match &self.of {
            PastOf::Balance { time } => {
                Reply::Account { overview: Box::new(engine.account_at(account, *time)?), whole: false }
            }
            PastOf::History { span, page } => {
                let mut items = Vec::new();
                let everything = engine.history::<()>(account, *span, &mut |item| {
                    items.push(history_item(&item));
                    ControlFlow::Continue(())
                })?;
                debug_assert!(everything.is_continue());
                Reply::Json(page.of(items))
            }
            PastOf::Transactions { fund, span, page } => {
                let transactions = engine.transactions(account, *fund, *span)?;
                let items = transactions.items.iter().map(answer::change_record);
                let mut answer = page.of(items.collect());
                answer["months"] = transactions.months.iter().map(month).collect();
                Reply::Json(answer)
            }
        })
    }
}

fn span(fields: &mut Fields<'_>) -> Result<Span, Problem> {
    Ok(Span { from: fields.time("from")?, to: fields.time("to")? })
}

/// One thing that happened: a change record, or a charge with `asset` `charge`.
pub(in crate::cli) fn history_item(item: &HistoryItem) -> Value {
    let charge = match item {
        HistoryItem::Change(change) => return answer::change_record(change),
        HistoryItem::Charge(charge) => charge,
    };
    let present = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    json!({
        "transaction": charge.transaction,
        "at": charge.period_start.to_string(),
        "asset": "charge",
        "type": charge.category.name(),
        "amount": charge.amount.to_string(),
        "cloud_account": charge.cloud_account,
        "source": charge.source,
        "id": charge.id,
        "cycle": charge.cycle.to_string(),
        "original_cycle": charge.original_cycle.to_string(),
        "class": charge.correction.then_some("correction"),
        "service": present(&charge.service),
        "sku": present(&charge.sku),
        "description": present(&charge.description),
    })
}

/// The summary of one month (rule D12).
pub(in crate::cli) fn month(summary: &MonthSummary) -> Value {
    json!({
        "fund": summary.fund.name(),
        "month": summary.month.to_string(),
        "in": summary.moved_in.to_string(),
        "out": summary.moved_out.to_string(),
        "opening": summary.opening.to_string(),
        "closing": summary.closing.to_string(),
    })
}
