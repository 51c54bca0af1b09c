//! Transfers between accounts of an enterprise, and everything else that crosses them (rules A6, D11, F1–F5).
#![allow(missing_docs, clippy::unwrap_used)]

mod amounts;
mod bounds;
#[path = "../enterprise/mod.rs"]
mod enterprise;
mod in_flight;
mod members;
mod refusals;

use exchequer::domain::account_command::AccountCommand;

use enterprise::{Enterprise, instant, units};

/// Members: three with cash of 100 units each.
fn three() -> Enterprise {
    let mut all = Enterprise::new(3);
    for who in 0..3 {
        assert_eq!(all.top_up(who, 100), Ok(true));
    }
    all
}

fn hold(amount: i128) -> AccountCommand {
    AccountCommand::PlaceHold {
        hold: "h".into(),
        amount: units(amount),
        expires_at: instant("2026-06-01T00:00:00Z"),
    }
}
