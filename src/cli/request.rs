//! One request of the command line to the ledger, from opening it to printing the answer.

use super::failure::Failure;
use super::vocabulary::request::{Asked, Envelope};
use super::vocabulary::{self, answer::Reply};
use super::{Globals, Output, Verdict, console, data_dir, reply};

/// Asks an existing ledger and prints what it answers. `attempt` begins the message where it says no.
pub(super) fn run(
    globals: &Globals,
    attempt: &str,
    asked: Asked<'_>,
    envelope: &Envelope,
) -> Result<Verdict, Failure> {
    let engine = data_dir::open_existing(globals)?;
    let reply = vocabulary::carry_out(&engine, asked, envelope)
        .map_err(|problem| Failure::problem(attempt, &problem))?;
    data_dir::close(engine)?;
    print(globals, reply)
}

/// Prints what was answered; whether nothing of it was refused.
pub(super) fn print(globals: &Globals, reply: Reply) -> Result<Verdict, Failure> {
    let good = match &reply {
        Reply::Items { items, .. } => items.iter().all(|item| item.refused.is_none()),
        Reply::Issued(issued) => issued.refused.is_empty(),
        Reply::Advanced { refused, .. } => refused.is_empty(),
        _ => true,
    };
    match globals.output {
        Output::Json => console::print_json(&reply.into_json())?,
        Output::Text => console::print(&reply::text(reply))?,
    }
    Ok(Verdict::of(good))
}
