//! `exchequer hold`: amounts reserved against spendable credit (rule B5).

use super::failure::Failure;
use super::vocabulary::request::{Asked, Envelope};
use super::{Globals, Verdict, request};
use crate::domain::money::Amount;
use crate::domain::time::Timestamp;
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
    /// Reserve an amount.
    Place {
        /// The billing account's id.
        billing_account: String,
        /// An id for the hold.
        hold: String,
        /// How much.
        #[arg(allow_negative_numbers = true)]
        amount: Amount,
        /// When it expires by itself.
        #[arg(long, value_name = "TIME")]
        expires_at: Timestamp,
    },
    /// Post a purchase of the reserved amount, or of part of it; the rest is free again.
    Capture {
        /// The billing account's id.
        billing_account: String,
        /// Which hold.
        hold: String,
        /// How much; all of it by default.
        #[arg(allow_negative_numbers = true)]
        amount: Option<Amount>,
    },
    /// Give a hold up.
    Release {
        /// The billing account's id.
        billing_account: String,
        /// Which hold.
        hold: String,
    },
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let (attempt, command) = match &arguments.verb {
        Verb::Place { billing_account, hold, amount, expires_at } => (
            format!("cannot place hold `{hold}` of `{billing_account}`"),
            Command::PlaceHold {
                billing_account: billing_account.clone(),
                hold: hold.clone(),
                amount: *amount,
                expires_at: *expires_at,
            },
        ),
        Verb::Capture { billing_account, hold, amount } => (
            format!("cannot capture hold `{hold}` of `{billing_account}`"),
            Command::CaptureHold {
                billing_account: billing_account.clone(),
                hold: hold.clone(),
                amount: *amount,
            },
        ),
        Verb::Release { billing_account, hold } => (
            format!("cannot release hold `{hold}` of `{billing_account}`"),
            Command::ReleaseHold { billing_account: billing_account.clone(), hold: hold.clone() },
        ),
    };
    request::run(globals, &attempt, Asked::Command(command), &arguments.envelope)
}
