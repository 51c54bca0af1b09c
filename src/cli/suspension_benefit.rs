//! `exchequer suspension-benefit`: what delays the suspension of an overdue account (rule H4).

use super::failure::Failure;
use super::vocabulary::alerts;
use super::vocabulary::request::{Asked, Envelope};
use super::{Globals, Verdict, request};
use crate::domain::money::Amount;
use crate::engine::Command;

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    envelope: Envelope,
    /// The billing account's id.
    billing_account: String,
    /// Suspend only so long after it fell overdue, such as `PT72H` or `P3D`, or seconds.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    grace_duration: Option<i64>,
    /// Suspend only when more than that is owed below 0.
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
    grace_amount: Option<Amount>,
    /// Take the benefit away: overdue is suspended at once.
    #[arg(
        long,
        required_unless_present_any = ["grace_duration", "grace_amount"],
        conflicts_with_all = ["grace_duration", "grace_amount"]
    )]
    none: bool,
}

/// The microseconds of a duration.
fn duration(text: &str) -> Result<i64, &'static str> {
    alerts::duration(text).ok_or(alerts::DURATION_FORM)
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let Arguments { envelope, billing_account, grace_duration, grace_amount, .. } = arguments;
    let command = Command::SetSuspensionBenefit {
        billing_account: billing_account.clone(),
        grace_micros: *grace_duration,
        grace_amount: *grace_amount,
    };
    let attempt = format!("cannot set the suspension benefit of `{billing_account}`");
    request::run(globals, &attempt, Asked::Command(command), envelope)
}
