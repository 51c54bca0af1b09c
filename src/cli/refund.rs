//! `exchequer refund`: what paid a purchase is given back (rule D6).

use super::failure::Failure;
use super::vocabulary::request::{Asked, Envelope};
use super::{Globals, Verdict, request};
use crate::domain::money::Amount;
use crate::engine::Command;

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    envelope: Envelope,
    /// The purchase.
    order: String,
    /// An id for the refund.
    refund: String,
    /// How much of the purchase; what paid it last comes back first.
    #[arg(allow_negative_numbers = true)]
    amount: Amount,
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let Arguments { order, refund, amount, envelope } = arguments;
    let command = Command::Refund { order: order.clone(), refund: refund.clone(), amount: *amount };
    request::run(globals, &format!("cannot refund purchase `{order}`"), Asked::Command(command), envelope)
}
