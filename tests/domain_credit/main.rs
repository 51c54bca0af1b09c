//! The credit of an enterprise and its members, carried by hand (rules A6, E1–E6).
#![allow(missing_docs, clippy::unwrap_used)]

mod contract;
#[path = "../enterprise/mod.rs"]
mod enterprise;
mod limits;
mod members;
mod refusals;
mod returned;

use exchequer::domain::credit_control::CreditCommand;
use exchequer::domain::money::Money;

use enterprise::Enterprise;

const CONTRACT: [CreditCommand; 3] =
    [CreditCommand::RequestContract, CreditCommand::ApproveContract, CreditCommand::ConfirmContract];

/// Checks limits of accounts, and assigned, pending and unassigned credit.
#[track_caller]
fn check(all: &Enterprise, limits: &[i128], sums: [i128; 3]) {
    let found: Vec<_> = all.accounts.iter().map(|account| account.credit_limit().units()).collect();
    assert_eq!(found, limits);
    let control = &all.control;
    let found = [control.assigned(), control.pending(), control.unassigned()];
    assert_eq!(found.map(Money::units), sums);
}
