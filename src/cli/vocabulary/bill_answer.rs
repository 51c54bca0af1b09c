//! What is answered about bills and what pays them. Amounts are decimal strings.

use serde_json::{Value, json};

use super::bills::date;
use crate::domain::money::Money;
use crate::domain::refusals::Refusal;
use crate::engine::answer::{Funding, IssueAnswer};
use crate::engine::bill_lines::{BillLine, BillLineKind};
use crate::engine::billing_queries::{BillView, CouponView, OrderView, PaymentMethodView};

/// One bill (rules D1, D2).
pub(super) fn bill(bill: &BillView) -> Value {
    let (facts, paid) = (&bill.facts, bill.paid());
    let money = |money: Money| money.to_string();
    let payments = bill.payments.iter();
    json!({
        "bill": bill.bill,
        "billing_account": bill.billing_account,
        "cycle": facts.cycle.to_string(),
        "state": bill.state(),
        "gross": money(facts.gross),
        "coupons": money(facts.coupons),
        "round_down_discount": money(facts.round_down_discount),
        "pretax": money(facts.pretax()),
        "tax": money(facts.tax),
        "after_tax": money(facts.after_tax()),
        "paid": {
            "coupon": money(paid.coupon),
            "credit_refund": money(paid.credit_refund),
            "transfer_book": money(paid.transfer_book),
            "cash": money(paid.cash),
            "quota": money(paid.quota),
        },
        "outstanding": money(facts.outstanding()),
        "currency": bill.currency.to_string(),
        "issued_at": facts.issued_at.to_string(),
        "due_at": facts.due_at.to_string(),
        "past_due": bill.past_due,
        "settled_at": facts.settled_at.map(|at| at.to_string()),
        "charges": facts.charges,
        "taxable": money(facts.taxable),
        "tax_rate": facts.tax_rate.to_string(),
        "payments": payments
            .map(|(asset, amount)| json!({ "asset": asset, "amount": money(*amount) }))
            .collect::<Vec<_>>(),
        "settlement": facts.converted.as_ref().map(|converted| json!({
            "currency": converted.currency.to_string(),
            "rate": converted.rate.to_string(),
            "rate_date": date(converted.day),
            "amount": money(converted.amount),
        })),
    })
}

/// One bill, with its lines where these are asked for.
pub(super) fn bill_with_lines(view: &BillView, lines: Option<&[BillLine]>) -> Value {
    let mut answer = bill(view);
    if let Some(lines) = lines {
        answer["lines"] = lines.iter().map(line).collect();
    }
    answer
}

fn line(line: &BillLine) -> Value {
    let mut answer = json!({ "line": line.kind.name(), "amount": line.amount.to_string() });
    if let BillLineKind::Charges { cloud_account, service, category, charges } = &line.kind {
        answer["cloud_account"] = json!(cloud_account);
        answer["service"] = json!(service);
        answer["category"] = json!(category);
        answer["charges"] = json!(charges);
    }
    answer
}

/// What issuing bills came to: the bill of an account that was named, or who was left out.
pub(super) fn issued(answer: &IssueAnswer) -> Value {
    match &answer.bill {
        Some(of_named) => json!({ "issued": answer.issued, "bill": bill(of_named) }),
        None => json!({ "issued": answer.issued, "refused": refused(&answer.refused) }),
    }
}

/// Accounts whose bills could not be issued.
pub(super) fn refused(refused: &[(String, Refusal)]) -> Value {
    let one = |(account, refusal): &(String, Refusal)| json!({ "billing_account": account, "code": refusal.code(), "detail": refusal.hint() });
    refused.iter().map(one).collect()
}

/// What has paid a purchase, or where its refund went; of a refund `credit` became credit refund (rule D6).
pub(super) fn funding(funding: &Funding) -> Value {
    json!({
        "coupon": funding.coupon.to_string(),
        "transfer_book": funding.transfer_book.to_string(),
        "cash": funding.cash.to_string(),
        "credit": funding.credit.to_string(),
    })
}

/// One coupon or voucher (rule D7).
pub(super) fn coupon(coupon: &CouponView) -> Value {
    let terms = &coupon.facts.terms;
    json!({
        "coupon": terms.id,
        "kind": terms.kind.to_string(),
        "amount": terms.nominal.to_string(),
        "balance": coupon.facts.balance.to_string(),
        "status": coupon.status,
        "starts_at": terms.starts_at.to_string(),
        "ends_at": terms.ends_at.to_string(),
        "services": terms.services,
        "minimum_spend": terms.minimum_spend.to_string(),
    })
}

/// One purchase with its refunds (rule D6).
pub(super) fn order(order: &OrderView) -> Value {
    let refunds: Vec<_> = order
        .refunds
        .iter()
        .map(|(refund, returned)| {
            json!({
                "refund": refund.id,
                "amount": refund.amount.to_string(),
                "at": refund.at.to_string(),
                "returned": funding(returned),
                "forfeited": refund.forfeited.to_string(),
            })
        })
        .collect();
    json!({
        "order": order.order,
        "billing_account": order.billing_account,
        "amount": order.amount.to_string(),
        "at": order.at.to_string(),
        "funding": funding(&order.funding),
        "refundable": order.refundable.to_string(),
        "refunds": refunds,
    })
}

/// One payment method, without its token (rule D10).
pub(super) fn payment_method(method: &PaymentMethodView) -> Value {
    json!({ "method": method.method, "kind": method.kind.to_string(), "default": method.is_default })
}
