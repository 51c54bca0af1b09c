//! `exchequer order`: a purchase, what paid it, and where its refunds went (rule D6).

use super::failure::Failure;
use super::table::{Column, table, words};
use super::vocabulary::request::{Asked, Envelope};
use super::{Globals, Verdict, purchase, request};
use crate::engine::billing_queries::OrderView;

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    envelope: Envelope,
    /// The purchase.
    order: String,
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let Arguments { order, envelope } = arguments;
    let asked = Asked::Order { order: order.clone() };
    request::run(globals, &format!("cannot show purchase `{order}`"), asked, envelope)
}

/// One purchase for a person.
pub(super) fn text(order: &OrderView) -> String {
    let mut lines = vec![("bought", order.at.to_string()), ("amount", order.amount.to_string())];
    lines.extend(purchase::parts(&order.funding, "credit"));
    lines.push(("refundable", order.refundable.to_string()));
    let head = format!("purchase {} of {}\n{}", order.order, order.billing_account, words(&lines));
    if order.refunds.is_empty() {
        return head;
    }
    let rows: Vec<_> = order
        .refunds
        .iter()
        .map(|(refund, returned)| {
            let mut row = vec![refund.id.to_string(), refund.at.to_string(), refund.amount.to_string()];
            row.extend(purchase::parts(returned, "credit refund").into_iter().map(|(_, amount)| amount));
            row.push(refund.forfeited.to_string());
            row
        })
        .collect();
    let columns = [
        Column::Left("refund"),
        Column::Left("at"),
        Column::Right("amount"),
        Column::Right("coupon"),
        Column::Right("transfer book"),
        Column::Right("cash"),
        Column::Right("credit refund"),
        Column::Right("forfeited"),
    ];
    format!("{head}\n{}", table(&columns, &rows))
}
