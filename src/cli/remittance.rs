//! `exchequer remittance`: payments to the shared bank account, and whose they are (rule D11).

use super::failure::Failure;
use super::vocabulary::request::{Asked, Envelope};
use super::{Globals, Verdict, arguments, request};
use crate::domain::ids::Currency;
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
    /// Record what has come.
    Record {
        /// An id for it.
        remittance: String,
        /// How much.
        #[arg(allow_negative_numbers = true)]
        amount: Amount,
        /// In which currency; USD by default.
        #[arg(long, value_name = "CODE", value_parser = arguments::currency)]
        currency: Option<Currency>,
        /// What the bank says about it.
        #[arg(long, value_name = "TEXT")]
        reference: Option<String>,
    },
    /// Claim one: it becomes the account's cash.
    Claim {
        /// The billing account's id.
        billing_account: String,
        /// Which.
        remittance: String,
    },
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let (attempt, command) = match &arguments.verb {
        Verb::Record { remittance, amount, currency, reference } => (
            format!("cannot record remittance `{remittance}`"),
            Command::RecordRemittance {
                remittance: remittance.clone(),
                amount: *amount,
                currency: *currency,
                reference: reference.clone(),
            },
        ),
        Verb::Claim { billing_account, remittance } => (
            format!("cannot claim remittance `{remittance}` for `{billing_account}`"),
            Command::ClaimRemittance {
                billing_account: billing_account.clone(),
                remittance: remittance.clone(),
            },
        ),
    };
    request::run(globals, &attempt, Asked::Command(command), &arguments.envelope)
}
