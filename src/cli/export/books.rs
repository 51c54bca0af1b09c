//! The books in the forms of other programs (rule J3).

use std::collections::HashSet;
use std::fmt::{self, Write as _};
use std::io::Write;
use std::ops::ControlFlow;

use super::rows::csv_line;
use super::{BookForm, Output, flow_of};
use crate::cli::failure::Failure;
use crate::domain::ids::Currency;
use crate::domain::money::Money;
use crate::domain::postings::LedgerAccount;
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::engine::books::{BookItem, Transaction};

/// Columns of CSV.
pub(super) const COLUMNS: [&str; 10] = [
    "date",
    "transaction",
    "lsn",
    "what",
    "billing_account",
    "actor",
    "charges",
    "ledger_account",
    "amount",
    "currency",
];

/// The earliest date that hledger knows.
const FIRST_DATE: &str = "0001-01-01";

pub(super) fn export(engine: &Engine, form: BookForm, by_row: bool, mut out: Output) -> Result<(), Failure> {
    let head = match form {
        BookForm::Hledger => head(),
        BookForm::Csv => csv_line(COLUMNS.into_iter()) + "\n",
    };
    let mut write = |text: &str| out.write_all(text.as_bytes()).map_err(|error| Failure::output(&error));
    write(&head)?;
    let mut currencies = HashSet::new();
    let flow = engine.books(by_row, &mut |item| {
        flow_of(write(&match form {
            BookForm::Hledger => journal_text(item, &mut currencies),
            BookForm::Csv => csv_text(item),
        }))
    });
    match flow.map_err(|error| Failure::engine("cannot export the books", &error))? {
        ControlFlow::Break(failure) => Err(failure),
        ControlFlow::Continue(()) => out.flush().map_err(|error| Failure::output(&error)),
    }
}

/// The day of a count of days since 1970-01-01.
pub(super) fn day(days: i32) -> String {
    date(Timestamp::default().plus_days(i64::from(days)))
}

/// The date of an instant in UTC.
fn date(at: Timestamp) -> String {
    let text = at.to_string();
    let date = text.get(..10).filter(|date| date.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()));
    date.filter(|date| !date.starts_with('-')).unwrap_or(FIRST_DATE).to_owned()
}

/// What stands before everything else.
fn head() -> String {
    let accounts = LedgerAccount::SHARED.map(|account| format!("account {}\n", account.named("")));
    format!("decimal-mark .\n\n{}", accounts.concat())
}

fn journal_text(item: &BookItem<'_>, currencies: &mut HashSet<Currency>) -> String {
    let mut text = "\n".to_owned();
    let written = match item {
        BookItem::Opened { billing_account, currency } => {
            write_opening(billing_account, *currency, currencies, &mut text)
        }
        BookItem::Transaction(transaction) => write_transaction(transaction, currencies, &mut text),
    };
    written.expect("invariant: writing into memory can't fail");
    text
}

fn write_opening(
    billing_account: &str,
    currency: Currency,
    currencies: &mut HashSet<Currency>,
    text: &mut String,
) -> fmt::Result {
    declare(currency, currencies, text)?;
    let owner = encoded(billing_account);
    LedgerAccount::OF_ACCOUNT
        .iter()
        .try_for_each(|account| writeln!(text, "account {}", account.named(&owner)))
}

fn write_transaction(
    transaction: &Transaction<'_>,
    currencies: &mut HashSet<Currency>,
    text: &mut String,
) -> fmt::Result {
    let Transaction { lsn, transaction: code, at, what, actor, currency, charges, .. } = transaction;
    declare(*currency, currencies, text)?;
    let owner = encoded(transaction.billing_account.unwrap_or_default());
    write!(text, "{} ({code}) {what}  ; lsn:{lsn}", date(*at))?;
    for (tag, value) in [("account", &owner), ("actor", &encoded(actor))] {
        if !value.is_empty() {
            write!(text, ", {tag}:{value}")?;
        }
    }
    if *charges > 0 {
        write!(text, ", charges:{charges}")?;
    }
    writeln!(text)?;
    shown(transaction).try_for_each(|(account, amount)| {
        writeln!(text, "    {}  {amount} \"{currency}\"", account.named(&owner))
    })
}

/// Tells a currency once, with as many digits as money has: else hledger would round what it shows and checks.
fn declare(currency: Currency, currencies: &mut HashSet<Currency>, text: &mut String) -> fmt::Result {
    if currencies.insert(currency) {
        writeln!(text, "commodity 1.000000000000000000 \"{currency}\"")?;
    }
    Ok(())
}

fn csv_text(item: &BookItem<'_>) -> String {
    let BookItem::Transaction(transaction) = item else { return String::new() };
    let Transaction { lsn, transaction: code, at, what, billing_account, actor, currency, charges, .. } =
        transaction;
    let billing_account = billing_account.unwrap_or_default();
    let owner = encoded(billing_account);
    let mut text = String::new();
    for (account, amount) in shown(transaction) {
        let cells = [
            &date(*at),
            code,
            &lsn.to_string(),
            what,
            billing_account,
            actor,
            &charges.to_string(),
            &account.named(&owner).to_string(),
            &amount.to_string(),
            currency.as_str(),
        ];
        text.push_str(&csv_line(cells.into_iter()));
        text.push('\n');
    }
    text
}

/// The postings that move something.
fn shown(transaction: &Transaction<'_>) -> impl Iterator<Item = (LedgerAccount, Money)> {
    transaction.postings.iter().filter(|(_, amount)| *amount != Money::ZERO)
}

/// An id as part of a ledger account's name: what could be misread is percent-encoded, so that two ids never meet.
fn encoded(id: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./@+".contains(&byte);
    let parts = id
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_nothing_that_could_be_misread() {
        let check = |id, expect| assert_eq!(encoded(id), expect);
        check("acme-emea", "acme-emea");
        check("arn:aws;x (1)  [y]", "arn%3Aaws%3Bx%20%281%29%20%20%5By%5D");
        check("a%3A", "a%253A");
        check("ü\"", "%C3%BC%22");
    }

    #[test]
    fn dates_are_those_of_utc() {
        let check = |text, expect| assert_eq!(date(Timestamp::parse(text).unwrap()), expect);
        check("2026-06-01T00:30:00+01:00", "2026-05-31");
        check("0001-01-01T00:00:00Z", "0001-01-01");
        assert_eq!(date(Timestamp::MIN), FIRST_DATE);
        assert_eq!(day(20_604), "2026-05-31");
    }
}
