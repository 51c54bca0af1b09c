//! The names, fields and codes in which users speak to the ledger, as JSON.
//!
//! `fields` takes objects apart → `request` is the table of what can be asked → `charges` reads and posts
//! `post_charges` → `answer` forms what is answered. No amount ever passes through a float.

pub(super) mod answer;
mod charges;
mod fields;
pub(super) mod request;

use serde_json::{Value, json};

use crate::domain::refusals::Refusal;
use crate::engine::command::{Answer, PROVIDER};
use crate::engine::{Engine, EngineError, Request};
use fields::Fields;
use request::{Asked, Asker, Envelope};

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
    match carry_out(engine, json) {
        Ok(answer) => Ok(("ok", answer)),
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

fn carry_out(engine: &Engine, json: &str) -> Result<Value, Problem> {
    let (asked, envelope) = request::read(Fields::read(json)?)?;
    envelope.permits(&asked.asker())?;
    match asked {
        Asked::Command(command) => {
            let whole = request::names_cloud_accounts(&command);
            let Envelope { principal, key, at } = envelope;
            match engine.execute(&Request { command, principal, key, at })? {
                Answer::Account(overview) => Ok(answer::account(&overview, whole)),
                Answer::Items(items) => answer::items(&items),
            }
        }
        Asked::Overview { billing_account } => {
            Ok(answer::account(&engine.account_overview(&billing_account)?, true))
        }
        Asked::List { from, limit, with_costs_only } => {
            Ok(answer::accounts(&engine.list_accounts(from, limit, with_costs_only)?))
        }
        Asked::Report { query, page } => Ok(page.of(answer::report(&query, &engine.report(&query)?))),
        Asked::ChangeRecords { billing_account, asset, page } => {
            let records = engine.change_records(&billing_account, asset.as_deref())?;
            Ok(page.of(records.iter().map(answer::change_record).collect()))
        }
        Asked::PostCharges { charges, on_error } => charges::post(engine, &charges, on_error),
    }
}

impl Envelope {
    /// What is not a command may be asked by the provider, and about a billing account by the cloud account of the
    /// same id (rule G3).
    fn permits(&self, asker: &Asker<'_>) -> Result<(), EngineError> {
        let permitted = match asker {
            Asker::AsCommanded => true,
            Asker::Provider => false,
            Asker::OwnerOf(billing_account) => self.principal == *billing_account,
        };
        if permitted || self.principal == PROVIDER {
            return Ok(());
        }
        tracing::warn!(principal = self.principal, "refused a request: permission denied");
        let what = format!("principal `{}`", self.principal);
        Err(EngineError::refused(Refusal::PermissionDenied, what))
    }
}
