//! `exchequer enterprise`: one verified owner's billing accounts under one roof (rule A6).

use super::failure::Failure;
use super::vocabulary::request::{Asked, Envelope};
use super::{Globals, Verdict, arguments, request};
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
    /// Open an enterprise.
    Open {
        /// The new id.
        ecid: String,
        /// The verified legal owner of the enterprise and of all its accounts.
        #[arg(long, value_name = "NAME")]
        owner: String,
        /// The cloud account that manages it: super administrator of all its billing accounts.
        #[arg(long, value_name = "CLOUD_ACCOUNT")]
        management_account: String,
        /// Currency of its credit; USD by default.
        #[arg(long, value_name = "CODE", value_parser = arguments::currency)]
        currency: Option<Currency>,
    },
    /// Enable the Account Center.
    Enable {
        /// The enterprise's id.
        ecid: String,
    },
    /// Invite a billing account.
    Invite {
        /// The enterprise's id.
        ecid: String,
        /// Whom.
        billing_account: String,
    },
    /// Accept an invitation.
    Accept {
        /// The enterprise's id.
        ecid: String,
        /// Who accepts.
        billing_account: String,
    },
    /// End an association.
    Leave {
        /// The enterprise's id.
        ecid: String,
        /// Who leaves.
        billing_account: String,
    },
    /// Show an enterprise: owner, contract, credit and members.
    Show {
        /// The enterprise's id.
        ecid: String,
    },
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let both = |ecid: &String, account: &String| (ecid.clone(), account.clone());
    let (attempt, asked) = match &arguments.verb {
        Verb::Open { ecid, owner, management_account, currency } => (
            format!("cannot open enterprise `{ecid}`"),
            Asked::Command(Command::OpenEnterprise {
                ecid: ecid.clone(),
                owner: owner.clone(),
                management_account: management_account.clone(),
                currency: *currency,
            }),
        ),
        Verb::Enable { ecid } => (
            format!("cannot enable the Account Center of enterprise `{ecid}`"),
            Asked::Command(Command::EnableAccountCenter { ecid: ecid.clone() }),
        ),
        Verb::Invite { ecid, billing_account } => {
            let (ecid, billing_account) = both(ecid, billing_account);
            (
                format!("cannot invite `{billing_account}` to enterprise `{ecid}`"),
                Asked::Command(Command::InviteAccount { ecid, billing_account }),
            )
        }
        Verb::Accept { ecid, billing_account } => {
            let (ecid, billing_account) = both(ecid, billing_account);
            (
                format!("cannot accept the invitation of `{billing_account}` to enterprise `{ecid}`"),
                Asked::Command(Command::AcceptInvitation { ecid, billing_account }),
            )
        }
        Verb::Leave { ecid, billing_account } => {
            let (ecid, billing_account) = both(ecid, billing_account);
            (
                format!("cannot end the association of `{billing_account}` with enterprise `{ecid}`"),
                Asked::Command(Command::EndAssociation { ecid, billing_account }),
            )
        }
        Verb::Show { ecid } => {
            (format!("cannot show enterprise `{ecid}`"), Asked::CreditOverview { ecid: ecid.clone() })
        }
    };
    request::run(globals, &attempt, asked, &arguments.envelope)
}
