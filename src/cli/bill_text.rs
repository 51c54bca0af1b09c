//! Bills for a person (rules D1, D2).

use super::table::{self, Column, table, words};
use super::vocabulary::bills::date;
use crate::domain::money::Money;
use crate::domain::refusals::Refusal;
use crate::engine::answer::IssueAnswer;
use crate::engine::bill_lines::{BillLine, BillLineKind};
use crate::engine::billing_queries::BillView;

/// Several bills: one a line, or one after the other where their lines are asked for.
pub(super) fn list(bills: &[(BillView, Option<Vec<BillLine>>)]) -> String {
    if bills.iter().any(|(_, lines)| lines.is_some()) {
        let whole: Vec<_> = bills.iter().map(|(bill, lines)| whole(bill, lines.as_deref())).collect();
        return whole.join("\n");
    }
    if bills.is_empty() {
        return "no bills\n".to_owned();
    }
    let columns = [
        Column::Left("bill"),
        Column::Left("state"),
        Column::Left("currency"),
        Column::Right("charges"),
        Column::Right("gross"),
        Column::Right("coupons"),
        Column::Right("rounded off"),
        Column::Right("tax"),
        Column::Right("after tax"),
        Column::Right("outstanding"),
        Column::Left("due"),
    ];
    let rows: Vec<_> = bills
        .iter()
        .map(|(bill, _)| {
            let facts = &bill.facts;
            vec![
                bill.bill.clone(),
                bill.state().to_owned(),
                bill.currency.to_string(),
                table::count(facts.charges),
                facts.gross.to_string(),
                facts.coupons.to_string(),
                facts.round_down_discount.to_string(),
                facts.tax.to_string(),
                facts.after_tax().to_string(),
                facts.outstanding().to_string(),
                due(bill),
            ]
        })
        .collect();
    table(&columns, &rows)
}

/// One bill.
pub(super) fn whole(bill: &BillView, lines: Option<&[BillLine]>) -> String {
    let facts = &bill.facts;
    let mut said = vec![("issued", facts.issued_at.to_string()), ("due", due(bill))];
    if let Some(settled_at) = facts.settled_at {
        said.push(("settled", settled_at.to_string()));
    }
    said.push(("charges", table::count(facts.charges)));
    if facts.tax != Money::ZERO {
        said.push(("taxed", format!("{} at {}", facts.taxable, facts.tax_rate)));
    }
    if let Some(converted) = &facts.converted {
        let (amount, currency, rate) = (converted.amount, converted.currency, converted.rate);
        said.push(("in settlement", format!("{amount} {currency} at {rate} of {}", date(converted.day))));
    }
    let mut parts = vec![
        ("", "gross", facts.gross),
        ("-", "coupons", facts.coupons),
        ("-", "round-down discount", facts.round_down_discount),
        ("=", "pretax", facts.pretax()),
        ("+", "tax", facts.tax),
        ("=", "after tax", facts.after_tax()),
    ];
    parts.extend(bill.payments.iter().map(|(asset, amount)| ("-", asset.as_str(), *amount)));
    parts.push(("=", "outstanding", facts.outstanding()));
    let (currency, sum) = (bill.currency, table::sum(&parts));
    let mut text = format!(
        "bill {}: {}, {currency}\n{}\n{} {currency}\n",
        bill.bill,
        bill.state(),
        words(&said),
        sum.trim_end()
    );
    if let Some(lines) = lines {
        text.push('\n');
        text.push_str(&of_lines(lines));
    }
    text
}

fn of_lines(lines: &[BillLine]) -> String {
    let columns = [
        Column::Left("line"),
        Column::Left("cloud account"),
        Column::Left("service"),
        Column::Left("category"),
        Column::Right("charges"),
        Column::Right("amount"),
    ];
    let row = |line: &BillLine| {
        let mut row = vec![line.kind.name().replace('_', " ")];
        match &line.kind {
            BillLineKind::Charges { cloud_account, service, category, charges } => {
                row.extend([cloud_account, service, category].map(String::clone));
                row.push(table::count(*charges));
            }
            _ => row.resize(columns.len() - 1, String::new()),
        }
        row.push(line.amount.to_string());
        row
    };
    let rows: Vec<_> = lines.iter().map(row).collect();
    table(&columns, &rows)
}

fn due(bill: &BillView) -> String {
    let due_at = bill.facts.due_at;
    if bill.past_due { format!("{due_at}  PAST DUE") } else { due_at.to_string() }
}

/// What issuing bills came to.
pub(super) fn issued(answer: &IssueAnswer) -> String {
    match &answer.bill {
        Some(bill) => whole(bill, None),
        None => words(&[("bills issued", table::count(answer.issued))]) + &refused(&answer.refused),
    }
}

/// Accounts whose bills could not be issued, if there are any.
pub(super) fn refused(refused: &[(String, Refusal)]) -> String {
    if refused.is_empty() {
        return String::new();
    }
    let row = |(account, refusal): &(String, Refusal)| {
        vec![account.clone(), refusal.code().to_owned(), refusal.hint().to_owned()]
    };
    let rows: Vec<_> = refused.iter().map(row).collect();
    let columns = [Column::Left("no bill for"), Column::Left("because"), Column::Left("what to do")];
    format!("\n{}", table(&columns, &rows))
}
