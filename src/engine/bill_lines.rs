//! What a bill is made of, line by line (rule D2).

use std::collections::BTreeMap;

use super::billing_queries::BillView;
use super::report::{ReportKey, ReportQuery};
use super::{Engine, EngineError};
use crate::domain::money::{Money, RunningSum};
use crate::domain::time::Cycle;

/// One line of a bill; all of them come to its total after tax.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BillLine {
    /// What it is.
    pub kind: BillLineKind,
    /// How much; below 0 where it lowers the bill.
    pub amount: Money,
}

/// What a line of a bill is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BillLineKind {
    /// Charges of one cloud account, service and category.
    Charges {
        /// The cloud account.
        cloud_account: String,
        /// The service.
        service: String,
        /// The category.
        category: String,
        /// How many charges.
        charges: u64,
    },
    /// Purchases on credit, and what was captured from holds.
    Purchases,
    /// What coupons deducted as the charges posted.
    Coupons,
    /// What was dropped by rounding down.
    RoundDownDiscount,
    /// The tax.
    Tax,
}

impl BillLineKind {
    /// The name, as fields carry it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Charges { .. } => "charges",
            Self::Purchases => "purchases",
            Self::Coupons => "coupons",
            Self::RoundDownDiscount => "round_down_discount",
            Self::Tax => "tax",
        }
    }
}

impl Engine {
    /// The bills of an account as [`Engine::bills`] tells them, each with its lines. It reads the log.
    pub fn bills_with_lines(
        &self,
        billing_account: &str,
        cycle: Option<Cycle>,
    ) -> Result<Vec<(BillView, Vec<BillLine>)>, EngineError> {
        let bills = self.bills(billing_account, cycle)?;
        let query = ReportQuery {
            by: vec![ReportKey::Cycle, ReportKey::CloudAccount, ReportKey::Service, ReportKey::Category],
            billing_account: Some(billing_account.to_owned()),
            cycle,
        };
        let mut charged: BTreeMap<String, Vec<BillLine>> = BTreeMap::new();
        for item in self.report(&query)? {
            let Ok([cycle, cloud_account, service, category]) = <[String; 4]>::try_from(item.keys) else {
                unreachable!("invariant: a line of a report has the keys that were asked for")
            };
            let kind = BillLineKind::Charges { cloud_account, service, category, charges: item.charges };
            charged.entry(cycle).or_default().push(BillLine { kind, amount: item.amount });
        }
        let with_lines = bills.into_iter().map(|bill| {
            let charged = charged.remove(&bill.facts.cycle.to_string()).unwrap_or_default();
            let lines = lines(&bill, charged);
            (bill, lines)
        });
        Ok(with_lines.collect())
    }
}

/// The charges of a bill, and what else makes its total.
fn lines(bill: &BillView, mut lines: Vec<BillLine>) -> Vec<BillLine> {
    const FITS: &str = "invariant: a bill's sums were checked to fit";
    let facts = &bill.facts;
    let less = |amount| Money::ZERO.checked_sub(amount).expect(FITS);
    let bought =
        lines.iter().fold(RunningSum::default().plus(facts.gross), |sum, line| sum.minus(line.amount));
    let bought = bought.total().expect(FITS);
    // Purchases on credit are no charges, so that no report has them.
    if bought != Money::ZERO {
        lines.push(BillLine { kind: BillLineKind::Purchases, amount: bought });
    }
    lines.extend([
        BillLine { kind: BillLineKind::Coupons, amount: less(facts.coupons) },
        BillLine { kind: BillLineKind::RoundDownDiscount, amount: less(facts.round_down_discount) },
        BillLine { kind: BillLineKind::Tax, amount: facts.tax },
    ]);
    lines
}
