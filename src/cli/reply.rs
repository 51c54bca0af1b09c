//! An answer in the form for a person.

use super::table::{self, Column, table, words};
use super::vocabulary::answer::{Item, Reply};
use super::{account, bill_text, coupon, order, payment_method, purchase};
use crate::domain::money::Money;
use crate::domain::permissions::Permission;
use crate::engine::enterprise_queries::{Administrator, CreditOverview};
use crate::engine::outbox::{NotificationItem, NotificationPage};

pub(super) fn text(reply: Reply) -> String {
    match reply {
        Reply::Account { overview, whole } => account::text(&overview, whole),
        Reply::Items { of, items } => results(of, &items),
        Reply::Credit(overview) => credit(&overview),
        Reply::Allocation(allocation) => {
            let mut text = words(&[
                ("credit limit before", allocation.credit_limit_before.to_string()),
                ("credit limit after", allocation.credit_limit_after.to_string()),
                ("available credit after", allocation.available_credit_after.to_string()),
            ]);
            if allocation.overdue {
                text.push_str("OVERDUE\n");
            }
            if allocation.pending {
                text.push_str("pending: it counts when the contract is confirmed\n");
            }
            text
        }
        Reply::Advanced { decided, refused } => {
            let decided = words(&[("decided", table::count(decided))]);
            decided + &bill_text::refused(&refused)
        }
        Reply::Issued(issued) => bill_text::issued(&issued),
        Reply::Bill(bill) => bill_text::whole(&bill, None),
        Reply::Bills(bills) => bill_text::list(&bills.items),
        Reply::Coupons(coupons) => coupon::text(&coupons.items),
        Reply::Funding(funding) => words(&purchase::parts(&funding, "credit")),
        Reply::Returned { returned, forfeited } => {
            let mut parts = purchase::parts(&returned, "credit refund");
            if forfeited != Money::ZERO {
                parts.push(("forfeited with expired coupons", forfeited.to_string()));
            }
            words(&parts)
        }
        Reply::Order(order) => order::text(&order),
        Reply::PaymentMethods(methods) => payment_method::text(&methods.items),
        Reply::Done => "done\n".to_owned(),
        Reply::Bounds { least, greatest } => {
            words(&[("least limit", least.to_string()), ("greatest limit", greatest.to_string())])
        }
        Reply::Transferable(transferable) => words(&[
            ("transferable", transferable.amount.to_string()),
            ("cash balance", transferable.cash_balance.to_string()),
            ("transfer book", transferable.transfer_book.to_string()),
            ("available credit", transferable.available_credit.to_string()),
            ("spendable", transferable.spendable.to_string()),
        ]),
        Reply::Revocable(revocable) => words(&[
            ("revocable", revocable.amount.to_string()),
            ("transfer book", revocable.transfer_book.to_string()),
            ("left of what the giver gave", revocable.pair_remaining.to_string()),
            ("available credit", revocable.available_credit.to_string()),
            ("spendable", revocable.spendable.to_string()),
        ]),
        Reply::Administrators(administrators) => list(&administrators),
        Reply::Notifications(page) => notifications(&page),
        Reply::Json(value) => value.to_string(),
    }
}

fn notifications(page: &NotificationPage) -> String {
    let columns = [
        Column::Left("at"),
        Column::Left("kind"),
        Column::Left("billing account"),
        Column::Left("to"),
        Column::Left("subject"),
        Column::Left("delivered at"),
    ];
    let rows: Vec<_> = page
        .items
        .iter()
        .map(|NotificationItem { notification, delivered_at }| {
            vec![
                notification.at.to_string(),
                notification.kind.name().to_owned(),
                notification.billing_account.clone(),
                notification.to.clone().unwrap_or_else(|| "-".to_owned()),
                notification.subject.clone(),
                delivered_at.map_or_else(|| "-".to_owned(), |at| at.to_string()),
            ]
        })
        .collect();
    let more =
        page.next.map_or_else(String::new, |next| format!("there are more: go on with --next {next}\n"));
    table(&columns, &rows) + &more
}

fn results(of: &'static str, items: &[Item]) -> String {
    let rows: Vec<_> = items
        .iter()
        .map(|item| {
            let (result, detail) = match &item.refused {
                None => ("ok", String::new()),
                Some((refusal, detail)) => (refusal.code(), detail.clone()),
            };
            vec![item.id.clone(), result.to_owned(), detail]
        })
        .collect();
    let what = match of {
        "user" => "user",
        "billing_account" => "billing account",
        _ => "cloud account",
    };
    table(&[Column::Left(what), Column::Left("result"), Column::Left("detail")], &rows)
}

fn credit(overview: &CreditOverview) -> String {
    let CreditOverview { ecid, currency, .. } = overview;
    let facts = words(&[
        ("owner", overview.owner.clone()),
        ("managed by", overview.management_account.clone()),
        ("account center", (if overview.account_center { "enabled" } else { "not enabled" }).to_owned()),
        ("contract", overview.contract.to_owned()),
    ]);
    let sum = table::sum(&[
        ("", "public cloud", overview.public_cloud),
        ("+", "hybrid cloud", overview.hybrid_cloud),
        ("-", "assigned", overview.assigned),
        ("=", "unassigned credit", overview.unassigned_credit),
    ]);
    let head = format!("enterprise {ecid}: {currency}\n{facts}\n{} {currency}\n", sum.trim_end());
    if overview.members.is_empty() {
        return head;
    }
    let rows: Vec<_> = overview
        .members
        .iter()
        .map(|member| {
            vec![
                member.billing_account.clone(),
                member.association.to_owned(),
                member.credit_limit.to_string(),
                member.pending_credit_limit.to_string(),
            ]
        })
        .collect();
    let columns = [
        Column::Left("billing account"),
        Column::Left("association"),
        Column::Right("credit limit"),
        Column::Right("pending"),
    ];
    format!("{head}\n{}", table(&columns, &rows))
}

fn list(administrators: &[Administrator]) -> String {
    let row = |administrator: &Administrator| {
        let (rank, may) = if administrator.is_super {
            ("super", "everything".to_owned())
        } else {
            let names: Vec<_> = administrator.permissions.iter().map(Permission::name).collect();
            ("regular", names.join(", "))
        };
        vec![administrator.cloud_account.clone(), rank.to_owned(), may]
    };
    let rows: Vec<_> = administrators.iter().map(row).collect();
    table(&[Column::Left("cloud account"), Column::Left("administrator"), Column::Left("permissions")], &rows)
}
