//! The unified list as rows (rules A8, J4).

use std::ops::ControlFlow;

use super::rows::Rows;
use super::{Output, RowForm, flow_of};
use crate::cli::failure::Failure;
use crate::cli::progress::Progress;
use crate::domain::money::Money;
use crate::domain::standing::AlertState;
use crate::engine::Engine;
use crate::engine::listing::AccountFilter;
use crate::engine::queries::AccountOverview;

/// Accounts after which the progress is told.
const ACCOUNTS_PER_STEP: u64 = 4_096;

pub(super) const COLUMNS: [&str; 31] = [
    "billing_account",
    "number",
    "name",
    "type",
    "status",
    "owner",
    "ecid",
    "currency",
    "utc_offset",
    "created_at",
    "available_credit",
    "overdue",
    "cash_balance",
    "own_cash",
    "transfer_book",
    "in_flight",
    "credit_limit",
    "credit_refund",
    "unsettled_current",
    "unsettled_previous",
    "quota",
    "quota_consumed",
    "unbilled",
    "held",
    "spendable",
    "coupons_valid",
    "coupon_balance",
    "charges",
    "suspended",
    "alert",
    "alert_threshold",
];

/// Writes the accounts that are listed, one row at a time; how many.
pub(in crate::cli) fn export(
    engine: &Engine,
    filter: &AccountFilter,
    form: RowForm,
    out: Output,
    progress: &Progress,
) -> Result<u64, Failure> {
    let mut rows = Rows::begin(out, form, &COLUMNS)?;
    let (mut count, all) = (0, engine.account_count());
    let flow = engine.each_account(filter, &mut |overview| {
        count += 1;
        if count % ACCOUNTS_PER_STEP == 0 {
            progress.looked_at(count, all.max(count));
        }
        flow_of(row(&mut rows, overview))
    });
    match flow.map_err(|error| Failure::engine("cannot list the accounts", &error))? {
        ControlFlow::Break(failure) => return Err(failure),
        ControlFlow::Continue(()) => rows.end()?,
    }
    progress.finish();
    Ok(count)
}

/// One account. Hundreds of thousands a second: nothing is allocated.
fn row(rows: &mut Rows, overview: &AccountOverview) -> Result<(), Failure> {
    let mut cells = rows.cells();
    cells.text(&overview.billing_account);
    cells.shown(&overview.number);
    cells.text(&overview.name);
    cells.shown(&overview.kind);
    cells.shown(&overview.status);
    cells.text(&overview.owner);
    cells.text_if(overview.ecid.as_deref());
    cells.shown(&overview.currency);
    cells.shown(&overview.utc_offset);
    cells.shown(&overview.created_at);
    cells.money(overview.available_credit);
    cells.bare(&overview.overdue);
    cells.money(overview.cash_balance);
    cells.money(overview.own_cash);
    cells.money(overview.transfer_book);
    cells.money(overview.in_flight);
    cells.money(overview.credit_limit);
    cells.money(overview.credit_refund);
    cells.money(overview.unsettled_current);
    cells.money(overview.unsettled_previous);
    cells.money(overview.quota);
    cells.money(overview.quota_consumed);
    cells.money(overview.unbilled);
    cells.money(overview.held);
    cells.money(overview.spendable);
    cells.bare(&overview.coupons_valid);
    cells.money(overview.coupon_balance);
    cells.bare(&overview.charges);
    cells.bare(&overview.suspended);
    cells.shown(&overview.alert.name());
    let is_set = overview.alert != AlertState::Off || overview.alert_threshold != Money::ZERO;
    cells.money_if(is_set.then_some(overview.alert_threshold));
    rows.end_row()
}
