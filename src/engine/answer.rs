//! What commands answer.

use super::EngineError;
use super::billing_queries::BillView;
use super::enterprise_queries::CreditOverview;
use super::queries::AccountOverview;
use crate::domain::money::Money;
use crate::domain::refusals::Refusal;

/// What a command answers. Everything in it is durable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// The figures of the billing account after the command.
    Account(Box<AccountOverview>),
    /// A result for each item, in order.
    Items(Vec<(String, Result<(), EngineError>)>),
    /// The enterprise after the command.
    Credit(Box<CreditOverview>),
    /// What setting a member's limit did, or would do.
    Allocation(AllocationAnswer),
    /// How many things were due and are decided now.
    Advanced {
        /// Their count.
        decided: u64,
        /// The accounts whose bills could not be issued.
        refused: Vec<(String, Refusal)>,
    },
    /// Bills that were issued.
    Issued(IssueAnswer),
    /// A bill after what was paid.
    Bill(Box<BillView>),
    /// The bills of a unified settlement.
    Bills(Vec<BillView>),
    /// What has paid a purchase.
    Funding(Funding),
    /// Where a refund went.
    Returned {
        /// By what had paid.
        returned: Funding,
        /// What was lost with coupons that have expired.
        forfeited: Money,
    },
    /// Nothing but that it was done.
    Done,
}

/// What issuing bills came to.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct IssueAnswer {
    /// How many bills were issued.
    pub issued: u64,
    /// The bill, where one account was named.
    pub bill: Option<Box<BillView>>,
    /// The accounts whose bills could not be issued, and why.
    pub refused: Vec<(String, Refusal)>,
}

/// What has paid a purchase, or where its refund went (rule D6).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Funding {
    /// Coupons and vouchers.
    pub coupon: Money,
    /// Transferred funds.
    pub transfer_book: Money,
    /// Own cash.
    pub cash: Money,
    /// Credit: what became unsettled; of a refund, what became credit refund.
    pub credit: Money,
}

/// What setting a member's limit did, or would do (rule E3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AllocationAnswer {
    /// The limit before.
    pub credit_limit_before: Money,
    /// The limit afterwards; of a pending one, what it will be when the contract is confirmed.
    pub credit_limit_after: Money,
    /// The member's available credit afterwards.
    pub available_credit_after: Money,
    /// Whether that is below 0.
    pub overdue: bool,
    /// The limit waits for the contract and counts 0 until then (rule E2).
    pub pending: bool,
}
