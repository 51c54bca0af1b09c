//! The texts that several formats share.

use std::io::Write;

use super::charges::{Hour, Row};
use crate::domain::charge::Category;

/// How a time is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TimeForm {
    /// `2026-05-01T00:00:00Z`
    Seconds,
    /// `2026-05-01T00:00:00.000Z`
    Millis,
    /// `2026-05-01T00:00Z`
    Minutes,
    /// `05/01/2026`
    UsDate,
}

/// Appends formatted text.
pub(super) fn put(text: &mut Vec<u8>, words: std::fmt::Arguments<'_>) {
    text.write_fmt(words).expect("invariant: writing into memory can't fail");
}

pub(super) fn time(text: &mut Vec<u8>, Hour { month, day, of_day }: Hour, form: TimeForm) {
    let two = |number: u8| [b'0' + number / 10, b'0' + number % 10];
    let ([m1, m2], [d1, d2], [h1, h2]) = (two(month), two(day), two(of_day));
    if form == TimeForm::UsDate {
        text.extend_from_slice(&[m1, m2, b'/', d1, d2, b'/', b'2', b'0', b'2', b'6']);
        return;
    }
    text.extend_from_slice(&[b'2', b'0', b'2', b'6', b'-', m1, m2, b'-', d1, d2, b'T', h1, h2]);
    text.extend_from_slice(match form {
        TimeForm::Seconds => b":00:00Z",
        TimeForm::Millis => b":00:00.000Z",
        TimeForm::Minutes | TimeForm::UsDate => b":00Z",
    });
}

/// The billing account's id.
pub(super) fn billing_account(text: &mut Vec<u8>, row: &Row) {
    put(text, format_args!("org-{:04}", row.billing_account));
}

/// The sub account's id, if it has one.
pub(super) fn sub_account(text: &mut Vec<u8>, row: &Row) {
    if let Some(sub_account) = row.sub_account {
        put(text, format_args!("project-{sub_account}"));
    }
}

/// The cloud account as it is composed of a FOCUS row (rule A4).
pub(super) fn cloud_account(text: &mut Vec<u8>, row: &Row) {
    billing_account(text, row);
    if row.sub_account.is_some() {
        text.push(b'/');
        sub_account(text, row);
    }
}

/// A UUID of 16 bytes.
pub(super) fn uuid(text: &mut Vec<u8>, id: u128) {
    for (place, byte) in id.to_be_bytes().into_iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push(b'-');
        }
        for nibble in [byte >> 4, byte & 15] {
            text.push(b"0123456789abcdef"[usize::from(nibble)]);
        }
    }
}

/// FOCUS's name of a category.
pub(super) const fn category(category: Category) -> &'static str {
    match category {
        Category::Usage => "Usage",
        Category::Purchase => "Purchase",
        Category::Tax => "Tax",
        Category::Credit => "Credit",
        Category::Adjustment => "Adjustment",
    }
}

/// A text as JSON has it; the catalog holds no control characters.
pub(super) fn json_string(text: &mut Vec<u8>, words: &str) {
    text.push(b'"');
    for byte in words.bytes() {
        if matches!(byte, b'"' | b'\\') {
            text.push(b'\\');
        }
        text.push(byte);
    }
    text.push(b'"');
}
