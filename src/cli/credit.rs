//! `exchequer credit`: an enterprise's total quota, its contract, and its members' limits (rules E1–E5).

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
    /// Set the total credit quota.
    SetTotal {
        /// The enterprise's id.
        ecid: String,
        /// Public cloud quota.
        #[arg(allow_negative_numbers = true)]
        public_cloud: Amount,
        /// Hybrid cloud quota; none by default.
        #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
        hybrid_cloud: Option<Amount>,
    },
    /// Ask for the credit contract.
    Request {
        /// The enterprise's id.
        ecid: String,
    },
    /// Approve the credit contract.
    Approve {
        /// The enterprise's id.
        ecid: String,
    },
    /// Confirm the credit contract: the limits that wait for it count from here on.
    Confirm {
        /// The enterprise's id.
        ecid: String,
    },
    /// Set a member's credit limit.
    Allocate {
        /// The enterprise's id.
        ecid: String,
        /// The member.
        billing_account: String,
        /// The limit that it is to have.
        #[arg(allow_negative_numbers = true)]
        credit_limit: Amount,
        /// Refuse it if less available credit would be left.
        #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
        min_available_credit_after: Option<Amount>,
        /// Tell what it would do, and do nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Move credit from one member to another in one step.
    Move {
        /// The enterprise's id.
        ecid: String,
        /// The member whose limit is lowered.
        from: String,
        /// The member whose limit is raised.
        to: String,
        /// By how much.
        #[arg(allow_negative_numbers = true)]
        amount: Amount,
    },
    /// Show the total, what is assigned, and every member's limit.
    Show {
        /// The enterprise's id.
        ecid: String,
    },
    /// Show the least and the greatest limit that a member can be given now.
    Bounds {
        /// The enterprise's id.
        ecid: String,
        /// The member.
        billing_account: String,
    },
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let (attempt, asked) = ask(&arguments.verb);
    request::run(globals, &attempt, asked, &arguments.envelope)
}

fn ask(verb: &Verb) -> (String, Asked<'static>) {
    match verb {
        Verb::SetTotal { ecid, public_cloud, hybrid_cloud } => (
            format!("cannot set the total credit of enterprise `{ecid}`"),
            Asked::Command(Command::SetTotalCredit {
                ecid: ecid.clone(),
                public_cloud: *public_cloud,
                hybrid_cloud: *hybrid_cloud,
            }),
        ),
        Verb::Request { ecid } => (
            format!("cannot request the credit contract of enterprise `{ecid}`"),
            Asked::Command(Command::RequestCreditContract { ecid: ecid.clone() }),
        ),
        Verb::Approve { ecid } => (
            format!("cannot approve the credit contract of enterprise `{ecid}`"),
            Asked::Command(Command::ApproveCreditContract { ecid: ecid.clone() }),
        ),
        Verb::Confirm { ecid } => (
            format!("cannot confirm the credit contract of enterprise `{ecid}`"),
            Asked::Command(Command::ConfirmCreditContract { ecid: ecid.clone() }),
        ),
        Verb::Allocate { ecid, billing_account, credit_limit, min_available_credit_after, dry_run } => (
            format!("cannot allocate credit to `{billing_account}`"),
            Asked::Command(Command::AllocateCredit {
                ecid: ecid.clone(),
                billing_account: billing_account.clone(),
                credit_limit: *credit_limit,
                min_available_credit_after: *min_available_credit_after,
                dry_run: *dry_run,
            }),
        ),
        Verb::Move { ecid, from, to, amount } => (
            format!("cannot move credit from `{from}` to `{to}`"),
            Asked::Command(Command::MoveCredit {
                ecid: ecid.clone(),
                from: from.clone(),
                to: to.clone(),
                amount: *amount,
            }),
        ),
        Verb::Show { ecid } => (
            format!("cannot show the credit of enterprise `{ecid}`"),
            Asked::CreditOverview { ecid: ecid.clone() },
        ),
        Verb::Bounds { ecid, billing_account } => (
            format!("cannot show the bounds of the credit limit of `{billing_account}`"),
            Asked::CreditBounds { ecid: ecid.clone(), billing_account: billing_account.clone() },
        ),
    }
}
