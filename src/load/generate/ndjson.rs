//! NDJSON: a charge of `post_charges` a line.

use super::charges::Row;
use super::words::{self, TimeForm, put};
use crate::domain::charge::Category;

/// The source of all rows that name one.
pub(super) const SOURCE: &str = "generated";

/// The cycle of every charge; late ones have to say it.
pub(super) const CYCLE: &str = "2026-05";

pub(super) fn line(row: &Row, text: &mut Vec<u8>) {
    text.extend_from_slice(b"{\"cloud_account\":\"");
    words::cloud_account(text, row);
    put(text, format_args!("\",\"source\":\"{SOURCE}\",\"id\":\""));
    words::uuid(text, row.id);
    put(text, format_args!("\",\"amount\":\"{}\",\"currency\":\"{}\",\"", row.amount, row.currency));
    text.extend_from_slice(b"occurred_at\":\"");
    words::time(text, row.start, TimeForm::Seconds);
    text.push(b'"');
    if row.late {
        put(text, format_args!(",\"billing_cycle\":\"{CYCLE}\",\"class\":\"correction\""));
    }
    if row.item.category != Category::Usage {
        put(text, format_args!(",\"category\":\"{}\"", row.item.category.name()));
    }
    put(text, format_args!(",\"service\":\"{}\",\"sku\":\"{}\"", row.item.service, row.item.sku));
    put(text, format_args!(",\"quantity\":\"{}\",\"unit\":\"{}\"", row.quantity, row.item.unit));
    text.extend_from_slice(b",\"description\":");
    words::json_string(text, row.item.description);
    if let Some((environment, team)) = row.tags {
        put(text, format_args!(",\"tags\":{{\"env\":\"{environment}\",\"team\":\"{team}\"}}"));
    }
    text.extend_from_slice(b",\"billing_account\":\"");
    words::billing_account(text, row);
    text.extend_from_slice(b"\"}\n");
}
