//! `exchequer rate`: exchange rates, by which bills are converted (rule D9).

use super::failure::Failure;
use super::vocabulary::request::{Asked, Envelope};
use super::{Globals, Verdict, arguments, request};
use crate::domain::billing::rate::Rate;
use crate::domain::ids::Currency;
use crate::engine::Command;

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    envelope: Envelope,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Set the rate that holds from a day on, until one of a later day.
    Set {
        /// One unit of this currency…
        #[arg(value_parser = arguments::currency)]
        from: Currency,
        /// …in units of that one…
        #[arg(value_parser = arguments::currency)]
        to: Currency,
        /// …is worth so many.
        #[arg(value_parser = arguments::rate)]
        rate: Rate,
        /// The day, in UTC.
        #[arg(long, value_name = "YYYY-MM-DD", value_parser = arguments::day)]
        date: i32,
    },
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let Verb::Set { from, to, rate, date } = &arguments.verb;
    let command = Command::SetExchangeRate { from: *from, to: *to, rate: *rate, day: *date };
    let attempt = format!("cannot set the exchange rate from {from} to {to}");
    request::run(globals, &attempt, Asked::Command(command), &arguments.envelope)
}
