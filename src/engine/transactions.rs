//! What moved the cash or the credit refund of an account, with a summary by month (rule D12).

use std::collections::HashMap;
use std::convert::Infallible;
use std::ops::ControlFlow;

use super::change_records::{ChangeRecord, Figures};
use super::history::Span;
use super::{Engine, EngineError};
use crate::domain::ids::AccountIndex;
use crate::domain::money::Money;
use crate::domain::refusals::Refusal;
use crate::domain::time::{Cycle, UtcOffset};
use crate::journal::forms::account_record::AccountRecord;
use crate::journal::frame::Kind;

/// What transactions are of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fund {
    /// Cash, with the transfer book.
    Cash,
    /// Credit refund.
    CreditRefund,
}

impl Fund {
    /// Every fund.
    pub const ALL: [Self; 2] = [Self::Cash, Self::CreditRefund];

    /// The name, as fields carry it; the asset of its change records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cash => "cash",
            Self::CreditRefund => "credit_refund",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fund| fund.name() == text)
    }
}

/// The transactions of one fund in one month of the account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MonthSummary {
    /// Of which.
    pub fund: Fund,
    /// The month, in the account's offset; months without a transaction are left out.
    pub month: Cycle,
    /// What came in.
    pub moved_in: Money,
    /// What went out.
    pub moved_out: Money,
    /// Before the first of them.
    pub opening: Money,
    /// After the last of them: opening, and what came in, less what went out.
    pub closing: Money,
}

/// Transactions, and their summary.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Transactions {
    /// Oldest first.
    pub items: Vec<ChangeRecord>,
    /// By fund, then by month.
    pub months: Vec<MonthSummary>,
}

impl Engine {
    /// The transactions of an account in a span of business time, of one fund or of all of them.
    pub fn transactions(
        &self,
        billing_account: &str,
        fund: Option<Fund>,
        span: Span,
    ) -> Result<Transactions, EngineError> {
        let offset = self.account_overview(billing_account)?.utc_offset;
        let mut items = Vec::new();
        let mut visit = |_: &str, change| {
            items.push(change);
            ControlFlow::Continue(())
        };
        let ControlFlow::Continue::<Infallible>(()) =
            self.each_transaction(Some(billing_account), fund, span, &mut visit)?;
        let mut months = Vec::new();
        for fund in Fund::ALL {
            let of_fund = items.iter().filter(|change| change.asset == fund.name());
            let fits = summarize(fund, of_fund, offset, &mut months);
            fits.ok_or_else(|| EngineError::refused(Refusal::AmountOverflow, "the sum of a month"))?;
        }
        Ok(Transactions { items, months })
    }

    /// The transactions of an account, or of every one, with the id of its account, in the order of the log until `visit`
    /// breaks it off.
    pub fn each_transaction<B>(
        &self,
        billing_account: Option<&str>,
        fund: Option<Fund>,
        span: Span,
        visit: &mut dyn FnMut(&str, ChangeRecord) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, EngineError> {
        let account = billing_account.map(|id| self.known(id)).transpose()?;
        let mut figures: HashMap<AccountIndex, Figures> = HashMap::new();
        self.stream_history(&mut |_, frame| {
            let mut flow = ControlFlow::Continue(());
            // No charge moves a fund.
            if frame.kind != Kind::Account {
                return Ok(flow);
            }
            let record = AccountRecord::decode(frame)?;
            if account.is_some_and(|account| account != record.account) {
                return Ok(flow);
            }
            let index = record.account;
            for change in figures.entry(index).or_insert_with(Figures::opened).records(record) {
                let of = Fund::parse(change.asset);
                let wanted = of.is_some() && fund.is_none_or(|fund| of == Some(fund));
                if wanted && span.holds(change.at) && flow.is_continue() {
                    flow = visit(&self.id_of(index), change);
                }
            }
            Ok(flow)
        })
    }
}

/// Adds the months of one fund's transactions; none where a sum does not fit.
fn summarize<'c>(
    fund: Fund,
    changes: impl Iterator<Item = &'c ChangeRecord>,
    offset: UtcOffset,
    months: &mut Vec<MonthSummary>,
) -> Option<()> {
    for change in changes {
        let (Some(before), Some(after)) = (change.before, change.after) else { continue };
        let month = Cycle::of(change.at, offset)?;
        if months.last().is_none_or(|last| (last.fund, last.month) != (fund, month)) {
            let (moved_in, moved_out) = (Money::ZERO, Money::ZERO);
            months.push(MonthSummary { fund, month, moved_in, moved_out, opening: before, closing: before });
        }
        let summary = months.last_mut().expect("invariant: there is one, as seen above");
        if after > before {
            summary.moved_in = summary.moved_in.checked_add(after.checked_sub(before)?)?;
        } else {
            summary.moved_out = summary.moved_out.checked_add(before.checked_sub(after)?)?;
        }
        summary.closing = after;
    }
    Some(())
}
