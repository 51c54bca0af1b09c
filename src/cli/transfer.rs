//! `exchequer transfer`: cash from one account of an enterprise to another, and back (rules F1–F5).

use super::failure::Failure;
use super::vocabulary::request::{Asked, Envelope};
use super::{Globals, Verdict, request};
use crate::domain::money::Amount;
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
    /// Transfer own cash into another account's transfer book.
    Send {
        /// The billing account that gives.
        from: String,
        /// The billing account that receives; it can only consume what it gets.
        to: String,
        /// How much.
        #[arg(allow_negative_numbers = true)]
        amount: Amount,
    },
    /// Take transferred cash back.
    Revoke {
        /// The billing account that gave, and gets it back.
        giver: String,
        /// The billing account that has it.
        receiver: String,
        /// How much.
        #[arg(allow_negative_numbers = true)]
        amount: Amount,
    },
    /// Show what an account may transfer now, or take back from another one.
    Show {
        /// The billing account that gives, or gave.
        giver: String,
        /// The billing account to take back from.
        receiver: Option<String>,
    },
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let (attempt, asked) = match &arguments.verb {
        Verb::Send { from, to, amount } => (
            format!("cannot transfer from `{from}` to `{to}`"),
            Asked::Command(Command::TransferCash { from: from.clone(), to: to.clone(), amount: *amount }),
        ),
        Verb::Revoke { giver, receiver, amount } => (
            format!("cannot take back from `{receiver}` what `{giver}` transferred"),
            Asked::Command(Command::RevokeTransfer {
                giver: giver.clone(),
                receiver: receiver.clone(),
                amount: *amount,
            }),
        ),
        Verb::Show { giver, receiver: None } => {
            (format!("cannot show what `{giver}` may transfer"), Asked::Transferable { from: giver.clone() })
        }
        Verb::Show { giver, receiver: Some(receiver) } => (
            format!("cannot show what `{giver}` may take back from `{receiver}`"),
            Asked::Revocable { giver: giver.clone(), receiver: receiver.clone() },
        ),
    };
    request::run(globals, &attempt, asked, &arguments.envelope)
}
