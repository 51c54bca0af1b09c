//! `exchequer admin`: who administers billing accounts, and what users may do (rules A5, G1–G3).

use super::failure::Failure;
use super::vocabulary::enterprises::{named_policy, permissions_of};
use super::vocabulary::request::{Asked, Envelope};
use super::{Globals, Verdict, request};
use crate::domain::permissions::{Permission, Permissions, Policy};
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
    /// Make cloud accounts administrators of a billing account, or change what they may.
    Grant {
        /// The billing account's id.
        billing_account: String,
        /// Whom, at most 20.
        #[arg(required = true)]
        cloud_accounts: Vec<String>,
        /// What they may; by default see and modify it.
        #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = Permission::GRANTABLE.map(Permission::name))]
        permissions: Vec<String>,
    },
    /// Take an administrator off the list.
    Revoke {
        /// The billing account's id.
        billing_account: String,
        /// Whom.
        cloud_account: String,
    },
    /// List who administers a billing account.
    List {
        /// The billing account's id.
        billing_account: String,
    },
    /// Give a user of a cloud account a policy.
    AttachPolicy {
        /// `cloud_account/user`.
        user: String,
        /// `full_access`, `read_only`, or names of permissions with commas between them.
        #[arg(value_parser = policy)]
        policy: Policy,
    },
    /// Take a user's policy away.
    DetachPolicy {
        /// `cloud_account/user`.
        user: String,
    },
}

fn policy(text: &str) -> Result<Policy, String> {
    match named_policy(text) {
        Some(policy) => Ok(policy),
        None => permissions_of(text.split(',')).map(Policy::Permissions),
    }
}

/// The permissions that were named; nothing where none was.
fn named(names: &[String]) -> Option<Permissions> {
    let permissions = names.iter().filter_map(|name| Permission::parse(name)).collect();
    (permissions != Permissions::NONE).then_some(permissions)
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let (attempt, asked) = match &arguments.verb {
        Verb::Grant { billing_account, cloud_accounts, permissions } => (
            format!("cannot grant administrators of `{billing_account}`"),
            Asked::Command(Command::GrantAdministrators {
                billing_account: billing_account.clone(),
                cloud_accounts: cloud_accounts.clone(),
                permissions: named(permissions),
            }),
        ),
        Verb::Revoke { billing_account, cloud_account } => (
            format!("cannot revoke administrator `{cloud_account}` of `{billing_account}`"),
            Asked::Command(Command::RevokeAdministrator {
                billing_account: billing_account.clone(),
                cloud_account: cloud_account.clone(),
            }),
        ),
        Verb::List { billing_account } => (
            format!("cannot list the administrators of `{billing_account}`"),
            Asked::Administrators { billing_account: billing_account.clone() },
        ),
        Verb::AttachPolicy { user, policy } => (
            format!("cannot attach a policy to `{user}`"),
            Asked::Command(Command::AttachPolicy { user: user.clone(), policy: *policy }),
        ),
        Verb::DetachPolicy { user } => (
            format!("cannot detach the policy of `{user}`"),
            Asked::Command(Command::DetachPolicy { user: user.clone() }),
        ),
    };
    request::run(globals, &attempt, asked, &arguments.envelope)
}
