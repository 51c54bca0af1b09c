//! CSV rows, cell by cell as a table of columns says.

use super::charges::{Hour, Row};
use super::words::{self, TimeForm, put};
use crate::domain::charge::Category;

/// What stands in a column.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell {
    Empty,
    /// The same in every row.
    Always(&'static str),
    BillingAccount,
    SubAccount,
    /// Numbers of 12 digits.
    AwsPayer,
    AwsAccount,
    /// A UUID.
    AzureSubscription,
    OciTenancy,
    OciCompartment,
    /// The row's own id: a UUID, or 26 letters and digits.
    Id,
    ShortId,
    Start(TimeForm),
    End(TimeForm),
    Interval,
    PeriodStart(TimeForm),
    /// The first instant after the period.
    PeriodEnd(TimeForm),
    PeriodLastDay,
    Amount,
    Price,
    Quantity,
    Currency,
    Service,
    Family,
    Sku,
    Unit,
    Description,
    Region,
    FocusCategory,
    FocusClass,
    AwsLineItemType,
    TaxType,
    IsCorrection,
    /// As an object.
    Tags,
    /// Without the braces.
    BareTags,
    Environment,
    Team,
}

/// The columns of a file, with their names.
pub(super) type Columns = &'static [(&'static str, Cell)];

const PERIOD_START: Hour = Hour { month: 5, day: 1, of_day: 0 };
const PERIOD_LAST: Hour = Hour { month: 5, day: 31, of_day: 0 };
const PERIOD_END: Hour = Hour { month: 6, day: 1, of_day: 0 };

pub(super) fn header(columns: Columns, text: &mut Vec<u8>) {
    for (place, (name, _)) in columns.iter().enumerate() {
        if place > 0 {
            text.push(b',');
        }
        text.extend_from_slice(name.as_bytes());
    }
    text.push(b'\n');
}

pub(super) fn row(columns: Columns, row: &Row, text: &mut Vec<u8>) {
    for (place, (_, cell)) in columns.iter().enumerate() {
        if place > 0 {
            text.push(b',');
        }
        write(*cell, row, text);
    }
    text.push(b'\n');
}

fn write(cell: Cell, row: &Row, text: &mut Vec<u8>) {
    let mut decimal = |decimal| put(text, format_args!("{decimal}"));
    match cell {
        Cell::Always(words) => quoted(text, words),
        Cell::BillingAccount => words::billing_account(text, row),
        Cell::SubAccount => words::sub_account(text, row),
        Cell::AwsPayer => put(text, format_args!("1{:011}", row.billing_account)),
        Cell::AwsAccount => match row.sub_account {
            Some(sub_account) => put(text, format_args!("2{:010}{sub_account}", row.billing_account)),
            None => write(Cell::AwsPayer, row, text),
        },
        Cell::AzureSubscription => {
            if let Some(sub_account) = row.sub_account {
                put(text, format_args!("{:08x}-0000-4000-8000-{sub_account:012x}", row.billing_account));
            }
        }
        Cell::OciTenancy => put(text, format_args!("ocid1.tenancy.oc1..aaaaaaaa{:052}", row.billing_account)),
        Cell::OciCompartment => match row.sub_account {
            Some(sub_account) => put(
                text,
                format_args!("ocid1.compartment.oc1..aaaaaaaa{:051}{sub_account}", row.billing_account),
            ),
            None => write(Cell::OciTenancy, row, text),
        },
        Cell::Id => words::uuid(text, row.id),
        Cell::ShortId => {
            let digit =
                |place: u32| b"abcdefghijklmnopqrstuvwxyz234567"[(row.id >> (5 * place)) as usize & 31];
            text.extend((0..26).map(digit));
        }
        Cell::Start(form) => words::time(text, row.start, form),
        Cell::End(form) => words::time(text, row.end, form),
        Cell::Interval => {
            words::time(text, row.start, TimeForm::Seconds);
            text.push(b'/');
            words::time(text, row.end, TimeForm::Seconds);
        }
        Cell::PeriodStart(form) => words::time(text, PERIOD_START, form),
        Cell::PeriodEnd(form) => words::time(text, PERIOD_END, form),
        Cell::PeriodLastDay => words::time(text, PERIOD_LAST, TimeForm::UsDate),
        Cell::Amount => decimal(row.amount),
        Cell::Price => decimal(row.price),
        Cell::Quantity => decimal(row.quantity),
        Cell::Currency => text.extend_from_slice(row.currency.as_bytes()),
        Cell::Service => quoted(text, row.item.service),
        Cell::Family => quoted(text, row.item.family),
        Cell::Sku => quoted(text, row.item.sku),
        Cell::Unit => quoted(text, row.item.unit),
        Cell::Description => quoted(text, row.item.description),
        Cell::Region => quoted(text, row.region),
        Cell::FocusCategory => text.extend_from_slice(words::category(row.item.category).as_bytes()),
        Cell::FocusClass if row.late => text.extend_from_slice(b"Correction"),
        Cell::AwsLineItemType => text.extend_from_slice(match row.item.category {
            Category::Usage => b"Usage",
            Category::Purchase => b"Fee",
            Category::Tax => b"Tax",
            Category::Credit => b"Credit",
            Category::Adjustment => b"Refund",
        }),
        Cell::TaxType if row.item.category == Category::Tax => text.extend_from_slice(b"VAT"),
        Cell::IsCorrection => put(text, format_args!("{}", row.late)),
        Cell::Tags | Cell::BareTags | Cell::Environment | Cell::Team => {
            if let Some((environment, team)) = row.tags {
                match cell {
                    Cell::Environment => quoted(text, environment),
                    Cell::Team => quoted(text, team),
                    Cell::Tags => quoted(text, &format!("{{\"env\":\"{environment}\",\"team\":\"{team}\"}}")),
                    _ => quoted(text, &format!("\"env\": \"{environment}\",\"team\": \"{team}\"")),
                }
            }
        }
        Cell::Empty | Cell::FocusClass | Cell::TaxType => {}
    }
}

/// A field in quotes where it needs them.
fn quoted(text: &mut Vec<u8>, words: &str) {
    if !words.bytes().any(|byte| matches!(byte, b'"' | b',' | b'\n' | b'\r')) {
        text.extend_from_slice(words.as_bytes());
        return;
    }
    text.push(b'"');
    for byte in words.bytes() {
        if byte == b'"' {
            text.push(byte);
        }
        text.push(byte);
    }
    text.push(b'"');
}
