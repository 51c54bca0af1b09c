//! The names, fields and codes in which users speak to the ledger, as JSON.
//!
//! `fields` takes objects apart → `accounts`, `enterprises` and `bills` are the tables of what can be asked, `request` its
//! form → `charges` reads and posts `post_charges` → `answer` and `bill_answer` form what is answered. No amount ever passes through a float.

mod accounts;
pub(super) mod alerts;
pub(super) mod answer;
mod bill_answer;
pub(super) mod bills;
mod charges;
pub(super) mod enterprises;
mod fields;
pub(super) mod history;
pub(super) mod request;

use serde_json::{Value, json};

use crate::domain::permissions::Permission;
use crate::domain::refusals::Refusal;
use crate::engine::answer::Answer;
use crate::engine::command::PROVIDER;
use crate::engine::{Command, Engine, EngineError, Request};
use answer::Reply;
use fields::Fields;
use request::{Asked, Asker, Changed, Envelope, Part};

/// Why a request is not carried out. Nothing happened.
#[derive(Debug)]
pub(super) enum Problem {
    /// It is not well-formed.
    Invalid {
        /// The field, or `json`.
        field: String,
        /// For a person.
        detail: String,
    },
    /// A rule, or the engine, says no.
    Engine(EngineError),
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Invalid { field, detail } => Self::Invalid { field: field.to_owned(), detail },
            error => Self::Engine(error),
        }
    }
}

/// Asks the engine what a line of JSON says. An error is one that ends everything.
///
/// The answer is an object with `ok`, `refused` or `invalid`.
pub(super) fn ask(engine: &Engine, json: &str) -> Result<(&'static str, Value), EngineError> {
    let reply = Fields::read(json)
        .and_then(request::read)
        .and_then(|(asked, envelope)| carry_out(engine, asked, &envelope));
    match reply {
        Ok(reply) => Ok(("ok", reply.into_json())),
        Err(Problem::Engine(EngineError::Refused { refusal, detail })) => {
            Ok(("refused", json!({ "code": refusal.code(), "detail": detail })))
        }
        Err(Problem::Invalid { field, detail }) => Ok(invalid(&field, &detail)),
        Err(Problem::Engine(error)) => Err(error),
    }
}

/// The answer to what can't be understood.
pub(super) fn invalid(field: &str, detail: &str) -> (&'static str, Value) {
    ("invalid", json!({ "field": field, "detail": detail }))
}

/// Asks the engine for something that was understood.
pub(super) fn carry_out(engine: &Engine, asked: Asked<'_>, envelope: &Envelope) -> Result<Reply, Problem> {
    envelope.check(&asked)?;
    permits(engine, &asked.asker(), &envelope.principal)?;
    Ok(match asked {
        Asked::Command(command) => return execute(engine, command, envelope),
        Asked::Overview { billing_account } => {
            Reply::Account { overview: Box::new(engine.account_overview(&billing_account)?), whole: true }
        }
        Asked::List { filter, from, limit } => {
            Reply::Json(answer::accounts(&engine.list_accounts(&filter, from, limit)?))
        }
        Asked::Report { query, page } => {
            Reply::Json(page.of(answer::report(&query, &engine.report(&query)?)))
        }
        Asked::ChangeRecords { of, asset, page } => {
            let records = match of {
                Changed::Account(id) => engine.change_records(&id, asset.as_deref())?,
                Changed::Enterprise(ecid) => engine.enterprise_change_records(&ecid, asset.as_deref())?,
            };
            Reply::Json(page.of(records.iter().map(answer::change_record).collect()))
        }
        Asked::Past(past) => past.answer(engine)?,
        Asked::CreditOverview { ecid } => Reply::Credit(Box::new(engine.credit_overview(&ecid)?)),
        Asked::CreditBounds { ecid, billing_account } => {
            let (least, greatest) = engine.credit_bounds(&ecid, &billing_account)?;
            Reply::Bounds { least, greatest }
        }
        Asked::Transferable { from } => Reply::Transferable(engine.transferable(&from)?),
        Asked::Revocable { giver, receiver } => Reply::Revocable(engine.revocable(&giver, &receiver)?),
        Asked::Administrators { billing_account } => {
            Reply::Administrators(engine.administrators(&billing_account)?)
        }
        Asked::Bills { billing_account, cycle, lines, page } => {
            let bills: Vec<_> = if lines {
                let bills = engine.bills_with_lines(&billing_account, cycle)?;
                bills.into_iter().map(|(bill, lines)| (bill, Some(lines))).collect()
            } else {
                engine.bills(&billing_account, cycle)?.into_iter().map(|bill| (bill, None)).collect()
            };
            Reply::Bills(page.part(bills))
        }
        Asked::Coupons { billing_account, page } => {
            Reply::Coupons(page.part(engine.coupons(&billing_account)?))
        }
        Asked::Order { order } => {
            let order = engine.order(&order);
            // Whoever may not see it is not told whether it exists.
            let whose = order.as_ref().map(|order| &*order.billing_account);
            permits(engine, &whose.map_or(Asker::Provider, Asker::ReaderOf), &envelope.principal)?;
            Reply::Order(Box::new(order?))
        }
        Asked::PaymentMethods { billing_account, page } => {
            Reply::PaymentMethods(page.part(engine.payment_methods(&billing_account)?))
        }
        Asked::Notifications(query) => Reply::Notifications(engine.notifications(&query)?),
        Asked::PostCharges { charges, on_error } => {
            Reply::Json(charges::post(engine, &charges, on_error, envelope.at)?)
        }
    })
}

fn execute(engine: &Engine, command: Command, envelope: &Envelope) -> Result<Reply, Problem> {
    let whole = request::names_cloud_accounts(&command);
    let of = request::items_are(&command);
    let Envelope { principal, key, at } = envelope;
    let request = Request { command, principal: principal.clone(), key: key.clone(), at: *at };
    Ok(match engine.execute(&request)? {
        Answer::Account(overview) => Reply::Account { overview, whole },
        Answer::Items(items) => Reply::Items { of, items: answer::settled(items)? },
        Answer::Credit(overview) => Reply::Credit(overview),
        Answer::Allocation(allocation) => Reply::Allocation(allocation),
        Answer::Advanced { decided, refused } => Reply::Advanced { decided, refused },
        Answer::Issued(issued) => Reply::Issued(issued),
        Answer::Bill(bill) => Reply::Bill(bill),
        Answer::Bills(bills) => {
            let items = bills.into_iter().map(|bill| (bill, None)).collect();
            Reply::Bills(Part { items, next: None })
        }
        Answer::Funding(funding) => Reply::Funding(funding),
        Answer::Returned { returned, forfeited } => Reply::Returned { returned, forfeited },
        Answer::Done => Reply::Done,
    })
}

/// Refuses what `principal` may not ask (rules G3, G4).
fn permits(engine: &Engine, asker: &Asker<'_>, principal: &str) -> Result<(), EngineError> {
    match asker {
        Asker::AsCommanded => Ok(()),
        _ if principal == PROVIDER => Ok(()),
        Asker::ReaderOf(account) => engine.authorize(principal, Permission::ReadAccount, account),
        Asker::CreditorOf(ecid) => engine.authorize_enterprise(principal, Permission::ControlCredit, ecid),
        Asker::Provider => {
            tracing::warn!(principal, "refused a request: permission denied");
            let what = format!("principal `{principal}` lacks `{}`", Permission::Provide);
            Err(EngineError::refused(Refusal::PermissionDenied, what))
        }
    }
}
