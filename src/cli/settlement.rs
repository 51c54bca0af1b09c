//! `exchequer settlement`: bills of several accounts are paid together, by hand (rule D8).

use super::failure::Failure;
use super::vocabulary::request::{Asked, Envelope};
use super::{Globals, Verdict, arguments, request};
use crate::domain::billing::asset::AssetKind;
use crate::domain::time::Cycle;
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
    /// Start one; until it ends, automatic write-off is off in the accounts that it names.
    Start {
        /// An id for it.
        settlement: String,
        /// The bills, such as acme/2026-05, of at most 3 months.
        #[arg(required = true, value_name = "ACCOUNT/YYYY-MM", value_parser = pair)]
        bills: Vec<(String, Cycle)>,
        /// What may pay; everything by default.
        #[arg(long, value_name = "KIND,…", value_delimiter = ',', value_parser = AssetKind::ALL.map(AssetKind::name))]
        assets: Vec<String>,
    },
    /// Pay the bills, and end it.
    Finish {
        /// Which.
        settlement: String,
    },
    /// End it without paying.
    Close {
        /// Which.
        settlement: String,
    },
}

fn pair(text: &str) -> Result<(String, Cycle), &'static str> {
    let (account, cycle) = text.rsplit_once('/').ok_or("give a bill such as acme/2026-05")?;
    Ok((account.to_owned(), arguments::cycle(cycle)?))
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let (attempt, command) = match &arguments.verb {
        Verb::Start { settlement, bills, assets } => {
            let kinds: Vec<_> = assets.iter().filter_map(|name| AssetKind::parse(name)).collect();
            let (settlement, pairs) = (settlement.clone(), bills.clone());
            let assets = (!kinds.is_empty()).then_some(kinds);
            (
                format!("cannot start unified settlement `{settlement}`"),
                Command::StartUnifiedSettlement { settlement, pairs, assets },
            )
        }
        Verb::Finish { settlement } => (
            format!("cannot finish unified settlement `{settlement}`"),
            Command::FinishUnifiedSettlement { settlement: settlement.clone() },
        ),
        Verb::Close { settlement } => (
            format!("cannot close unified settlement `{settlement}`"),
            Command::CloseUnifiedSettlement { settlement: settlement.clone() },
        ),
    };
    request::run(globals, &attempt, Asked::Command(command), &arguments.envelope)
}
