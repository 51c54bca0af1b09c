//! MessagePack: a charge of `post_charges` as an array or a map.

use rmp::encode;

use super::charges::Row;
use super::ndjson::{CYCLE, SOURCE};
use super::words::{self, TimeForm};
use crate::domain::charge::Category;

/// The fields in the order of an array.
const FIELDS: [&str; 16] = [
    "cloud_account",
    "source",
    "id",
    "amount",
    "currency",
    "occurred_at",
    "billing_cycle",
    "category",
    "class",
    "service",
    "sku",
    "quantity",
    "unit",
    "description",
    "tags",
    "billing_account",
];

/// Writes nil where a field is absent.
pub(super) fn array(row: &Row, bytes: &mut Vec<u8>) {
    done(encode::write_array_len(bytes, 16).map(drop));
    for name in FIELDS {
        let start = bytes.len();
        value(name, row, bytes);
        if bytes.len() == start {
            done(encode::write_nil(bytes));
        }
    }
}

/// Leaves out what is absent.
pub(super) fn map(row: &Row, bytes: &mut Vec<u8>) {
    let start = bytes.len();
    // Its size is known in the end.
    bytes.extend_from_slice(&[0xde, 0, 0]);
    let mut count = 0;
    for name in FIELDS {
        let field = bytes.len();
        string(bytes, name);
        let content = bytes.len();
        value(name, row, bytes);
        if bytes.len() == content {
            bytes.truncate(field);
        } else {
            count += 1;
        }
    }
    bytes[start + 2] = count;
}

/// Writes the value of a field, or nothing.
fn value(name: &str, row: &Row, bytes: &mut Vec<u8>) {
    match name {
        "cloud_account" => composed(bytes, |text| words::cloud_account(text, row)),
        "source" => string(bytes, SOURCE),
        "id" => composed(bytes, |text| words::uuid(text, row.id)),
        "amount" => composed(bytes, |text| words::put(text, format_args!("{}", row.amount))),
        "currency" => string(bytes, row.currency),
        "occurred_at" => composed(bytes, |text| words::time(text, row.start, TimeForm::Seconds)),
        "billing_cycle" if row.late => string(bytes, CYCLE),
        "category" if row.item.category != Category::Usage => string(bytes, row.item.category.name()),
        "class" if row.late => string(bytes, "correction"),
        "service" => string(bytes, row.item.service),
        "sku" => string(bytes, row.item.sku),
        "quantity" => composed(bytes, |text| words::put(text, format_args!("{}", row.quantity))),
        "unit" => string(bytes, row.item.unit),
        "description" => string(bytes, row.item.description),
        "tags" => {
            if let Some((environment, team)) = row.tags {
                done(encode::write_map_len(bytes, 2).map(drop));
                for text in ["env", environment, "team", team] {
                    string(bytes, text);
                }
            }
        }
        "billing_account" => composed(bytes, |text| words::billing_account(text, row)),
        _ => {}
    }
}

fn string(bytes: &mut Vec<u8>, text: &str) {
    done(encode::write_str(bytes, text));
}

/// A string whose length is known when it is written; all of them are shorter than 256 bytes.
fn composed(bytes: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = bytes.len();
    bytes.extend_from_slice(&[0xd9, 0]);
    write(bytes);
    bytes[start + 1] =
        u8::try_from(bytes.len() - start - 2).expect("invariant: ids, numbers and times are short");
}

fn done<E: std::fmt::Debug>(written: Result<(), E>) {
    written.expect("invariant: writing into memory can't fail");
}
