//! `exchequer purchase`: something is bought and paid at once (rule D6).

use super::failure::Failure;
use super::vocabulary::request::{Asked, Envelope};
use super::{Globals, Verdict, request};
use crate::domain::money::Amount;
use crate::engine::Command;
use crate::engine::answer::Funding;

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    envelope: Envelope,
    /// The billing account that pays: coupons first, then transferred funds, own cash, and the rest on credit.
    billing_account: String,
    /// An id for the purchase.
    order: String,
    /// What it costs.
    #[arg(allow_negative_numbers = true)]
    amount: Amount,
    /// Who buys it.
    #[arg(long, value_name = "ID")]
    cloud_account: Option<String>,
    /// What is bought: coupons may pay for named services only.
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let Arguments { billing_account, order, amount, cloud_account, service, envelope } = arguments;
    let command = Command::Purchase {
        billing_account: billing_account.clone(),
        order: order.clone(),
        amount: *amount,
        cloud_account: cloud_account.clone(),
        service: service.clone(),
    };
    let attempt = format!("cannot purchase `{order}` for `{billing_account}`");
    request::run(globals, &attempt, Asked::Command(command), envelope)
}

/// What paid, or came back; `credit` is what its last part is called.
pub(super) fn parts(funding: &Funding, credit: &'static str) -> Vec<(&'static str, String)> {
    vec![
        ("coupon", funding.coupon.to_string()),
        ("transfer book", funding.transfer_book.to_string()),
        ("cash", funding.cash.to_string()),
        (credit, funding.credit.to_string()),
    ]
}
