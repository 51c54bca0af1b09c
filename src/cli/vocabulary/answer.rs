//! What is answered. Amounts are decimal strings.

use serde_json::{Map, Value, json};

use super::bill_answer;
use super::request::Part;
use crate::domain::money::Money;
use crate::domain::permissions::Permission;
use crate::domain::refusals::Refusal;
use crate::domain::standing::AlertState;
use crate::engine::EngineError;
use crate::engine::answer::{AllocationAnswer, Funding, IssueAnswer};
use crate::engine::bill_lines::BillLine;
use crate::engine::billing_queries::{BillView, CouponView, OrderView, PaymentMethodView};
use crate::engine::change_records::ChangeRecord;
use crate::engine::enterprise_queries::{Administrator, CreditOverview, Revocable, Transferable};
use crate::engine::listing::AccountPage;
use crate::engine::outbox::{NotificationItem, NotificationPage};
use crate::engine::queries::AccountOverview;
use crate::engine::report::{ReportItem, ReportQuery};

/// What was answered, before it takes the form for a program or for a person.
#[derive(Debug)]
pub(in crate::cli) enum Reply {
    /// An account; `whole` where it is known which cloud accounts it pays for.
    Account { overview: Box<AccountOverview>, whole: bool },
    /// A result for each item; `of` is what they are.
    Items { of: &'static str, items: Vec<Item> },
    /// An enterprise.
    Credit(Box<CreditOverview>),
    /// What setting a limit did, or would do.
    Allocation(AllocationAnswer),
    /// How many things were due, and the accounts whose bills could not be issued.
    Advanced { decided: u64, refused: Vec<(String, Refusal)> },
    /// What issuing bills came to.
    Issued(IssueAnswer),
    /// A bill.
    Bill(Box<BillView>),
    /// Bills, with their lines where these are asked for.
    Bills(Part<(BillView, Option<Vec<BillLine>>)>),
    /// Coupons and vouchers.
    Coupons(Part<CouponView>),
    /// What has paid a purchase.
    Funding(Funding),
    /// Where a refund went.
    Returned { returned: Funding, forfeited: Money },
    /// A purchase.
    Order(Box<OrderView>),
    /// Payment methods.
    PaymentMethods(Part<PaymentMethodView>),
    /// Nothing but that it was done.
    Done,
    /// The least and the greatest limit of a member.
    Bounds { least: Money, greatest: Money },
    /// What may be transferred.
    Transferable(Transferable),
    /// What may be taken back.
    Revocable(Revocable),
    /// Who administers an account.
    Administrators(Vec<Administrator>),
    /// What people were told.
    Notifications(NotificationPage),
    /// What only programs ask for.
    Json(Value),
}

/// One item's id, and why not where it was refused.
#[derive(Debug)]
pub(in crate::cli) struct Item {
    pub(in crate::cli) id: String,
    pub(in crate::cli) refused: Option<(Refusal, String)>,
}

impl Reply {
    /// The form for a program.
    pub(in crate::cli) fn into_json(self) -> Value {
        let money = Money::to_string;
        match self {
            Self::Account { overview, whole } => account(&overview, whole),
            Self::Items { of, items } => json!({
                "items": items.iter().map(|item| item.json(of)).collect::<Vec<_>>(),
            }),
            Self::Credit(overview) => credit(&overview),
            Self::Allocation(allocation) => json!({
                "credit_limit_before": money(&allocation.credit_limit_before),
                "credit_limit_after": money(&allocation.credit_limit_after),
                "available_credit_after": money(&allocation.available_credit_after),
                "overdue": allocation.overdue,
                "pending": allocation.pending,
            }),
            Self::Advanced { decided, refused } => {
                json!({ "decided": decided, "refused": bill_answer::refused(&refused) })
            }
            Self::Issued(issued) => bill_answer::issued(&issued),
            Self::Bill(bill) => bill_answer::bill(&bill),
            Self::Bills(bills) => {
                bills.json(|(bill, lines)| bill_answer::bill_with_lines(bill, lines.as_deref()))
            }
            Self::Coupons(coupons) => coupons.json(bill_answer::coupon),
            Self::Funding(funding) => json!({ "funding": bill_answer::funding(&funding) }),
            Self::Returned { returned, forfeited } => json!({
                "returned": bill_answer::funding(&returned),
                "forfeited": money(&forfeited),
            }),
            Self::Order(order) => bill_answer::order(&order),
            Self::PaymentMethods(methods) => methods.json(bill_answer::payment_method),
            Self::Done => json!({}),
            Self::Bounds { least, greatest } => {
                json!({ "least": money(&least), "greatest": money(&greatest) })
            }
            Self::Transferable(transferable) => json!({
                "amount": money(&transferable.amount),
                "cash_balance": money(&transferable.cash_balance),
                "transfer_book": money(&transferable.transfer_book),
                "available_credit": money(&transferable.available_credit),
                "spendable": money(&transferable.spendable),
            }),
            Self::Revocable(revocable) => json!({
                "amount": money(&revocable.amount),
                "transfer_book": money(&revocable.transfer_book),
                "pair_remaining": money(&revocable.pair_remaining),
                "available_credit": money(&revocable.available_credit),
                "spendable": money(&revocable.spendable),
            }),
            Self::Administrators(administrators) => json!({
                "items": administrators.iter().map(administrator).collect::<Vec<_>>(),
            }),
            Self::Notifications(page) => json!({
                "items": page.items.iter().map(notification).collect::<Vec<_>>(),
                "next": page.next.map(|next| next.to_string()),
            }),
            Self::Json(value) => value,
        }
    }
}

impl Item {
    fn json(&self, of: &str) -> Value {
        let mut item = json!({ of: self.id });
        match &self.refused {
            None => item["ok"] = json!({}),
            Some((refusal, detail)) => {
                item["refused"] = json!({ "code": refusal.code(), "detail": detail });
            }
        }
        item
    }
}

/// The overview of one account (rules A8, B3). `whole` where it knows which cloud accounts are paid for.
pub(in crate::cli) fn account(overview: &AccountOverview, whole: bool) -> Value {
    let money = |money: Money| money.to_string();
    let mut answer = json!({
        "billing_account": overview.billing_account,
        "number": overview.number,
        "name": overview.name,
        "type": overview.kind.to_string(),
        "status": overview.status.to_string(),
        "owner": overview.owner,
        "contact": overview.contact,
        "site": overview.site.to_string(),
        "credit_enabled": overview.credit_enabled,
        "pay_on_behalf": overview.pay_on_behalf,
        "payment_terms_days": overview.payment_terms_days,
        "currency": overview.currency.to_string(),
        "utc_offset": overview.utc_offset.to_string(),
        "created_at": overview.created_at.to_string(),
        "cash_balance": money(overview.cash_balance),
        "own_cash": money(overview.own_cash),
        "transfer_book": money(overview.transfer_book),
        "credit_limit": money(overview.credit_limit),
        "credit_refund": money(overview.credit_refund),
        "unsettled_current": money(overview.unsettled_current),
        "unsettled_previous": money(overview.unsettled_previous),
        "held": money(overview.held),
        "available_credit": money(overview.available_credit),
        "spendable": money(overview.spendable),
        "in_flight": money(overview.in_flight),
        "quota": money(overview.quota),
        "quota_consumed": money(overview.quota_consumed),
        "unbilled": money(overview.unbilled),
        "overdue": overview.overdue,
        "suspended": overview.suspended,
        "suspension_benefit": overview.suspension_benefit.map(|benefit| json!({
            "grace_seconds": benefit.grace_micros.map(|micros| micros / 1_000_000),
            "grace_amount": benefit.grace_amount.map(money),
        })),
        "alert": alert(overview),
        "coupons_valid": overview.coupons_valid,
        "coupon_balance": money(overview.coupon_balance),
        "automatic_write_off": overview.automatic_write_off,
        "write_off_previous_bills": overview.write_off_previous_bills,
        "tax_rate": overview.tax_rate.to_string(),
        "settlement_currency": overview.settlement_currency.to_string(),
        "charges": overview.charges,
        "ecid": overview.ecid,
    });
    if whole {
        answer["cloud_accounts"] = json!(overview.cloud_accounts);
        answer["cloud_account_count"] = json!(overview.cloud_account_count);
    }
    answer
}

/// The low balance alert of an account (rule H1).
fn alert(overview: &AccountOverview) -> Value {
    let threshold = Some(overview.alert_threshold).filter(|threshold| *threshold != Money::ZERO);
    let mut alert = json!({
        "enabled": overview.alert != AlertState::Off,
        "threshold": threshold.map(|threshold| threshold.to_string()),
        "state": overview.alert.name(),
    });
    if let AlertState::Firing { sent, next_at } = overview.alert {
        alert["sent"] = json!(sent);
        alert["next_at"] = json!(next_at.to_string());
    }
    alert
}

/// One page of accounts.
pub(in crate::cli) fn accounts(page: &AccountPage) -> Value {
    let items: Vec<_> = page.items.iter().map(|overview| account(overview, false)).collect();
    json!({ "items": items, "next": page.next.map(|next| next.to_string()) })
}

/// What somebody was told, and when a channel delivered it (rule H5).
pub(in crate::cli) fn notification(item: &NotificationItem) -> Value {
    let NotificationItem { notification, delivered_at } = item;
    json!({
        "id": notification.id,
        "at": notification.at.to_string(),
        "kind": notification.kind.name(),
        "billing_account": notification.billing_account,
        "to": notification.to,
        "subject": notification.subject,
        "body": notification.body,
        "data": notification.data,
        "delivered_at": delivered_at.map(|at| at.to_string()),
    })
}

/// Results of items; an error that is no refusal ends everything.
pub(super) fn settled(items: Vec<(String, Result<(), EngineError>)>) -> Result<Vec<Item>, EngineError> {
    items
        .into_iter()
        .map(|(id, result)| match result {
            Ok(()) => Ok(Item { id, refused: None }),
            Err(EngineError::Refused { refusal, detail }) => {
                Ok(Item { id, refused: Some((refusal, detail)) })
            }
            Err(error) => Err(error),
        })
        .collect()
}

/// An enterprise's credit (rule E1).
fn credit(overview: &CreditOverview) -> Value {
    let money = |money: Money| money.to_string();
    let members: Vec<_> = overview
        .members
        .iter()
        .map(|member| {
            json!({
                "billing_account": member.billing_account,
                "association": member.association,
                "credit_limit": money(member.credit_limit),
                "pending_credit_limit": money(member.pending_credit_limit),
            })
        })
        .collect();
    json!({
        "ecid": overview.ecid,
        "owner": overview.owner,
        "management_account": overview.management_account,
        "currency": overview.currency.to_string(),
        "account_center": overview.account_center,
        "contract": overview.contract,
        "public_cloud": money(overview.public_cloud),
        "hybrid_cloud": money(overview.hybrid_cloud),
        "total": money(overview.total),
        "assigned": money(overview.assigned),
        "unassigned_credit": money(overview.unassigned_credit),
        "members": members,
    })
}

fn administrator(administrator: &Administrator) -> Value {
    json!({
        "cloud_account": administrator.cloud_account,
        "super": administrator.is_super,
        "permissions": administrator.permissions.iter().map(Permission::name).collect::<Vec<_>>(),
    })
}

/// The lines of a report.
pub(in crate::cli) fn report(query: &ReportQuery, items: &[ReportItem]) -> Vec<Value> {
    let line = |item: &ReportItem| {
        let keys = query.by.iter().zip(&item.keys);
        let mut line: Map<_, _> = keys.map(|(key, text)| (key.name().to_owned(), json!(text))).collect();
        line.insert("charges".to_owned(), json!(item.charges));
        line.insert("amount".to_owned(), json!(item.amount.to_string()));
        Value::Object(line)
    };
    items.iter().map(line).collect()
}

/// One change (rule B3).
pub(in crate::cli) fn change_record(record: &ChangeRecord) -> Value {
    record.to_json()
}
