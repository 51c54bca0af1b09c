//! `exchequer export`: everything there is, streamed for other programs (rules J3, J4).

pub(super) mod accounts;
mod books;
mod rows;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::{Value, json};

use self::rows::Rows;
use super::failure::Failure;
use super::filters::Filters;
use super::progress::{Form, Progress};
use super::{Globals, Verdict, data_dir, pages};
use crate::domain::billing::bill::Converted;
use crate::domain::money::Money;
use crate::engine::billing_queries::BillView;
use crate::engine::history::Span;
use crate::engine::listing::AccountFilter;
use crate::engine::transactions::Fund;
use crate::engine::{Engine, EngineError};

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand, Debug)]
enum What {
    /// The books: every change of money as postings that sum to 0, in the order of the log.
    ///
    /// A transaction is one record of one account; of charges it sums up those of one record, account and day (UTC) of their
    /// period's start. Its date is that of the business time, its code is the record's as `change-records` tells it, and
    /// the comment has the block of the log, the account and who did it. Records that move no money (limits, holds, coupons
    /// before they pay, settings) have none. In names and comments whatever is not a letter, a digit or one of `-_./@+` is
    /// percent-encoded.
    #[command(after_long_help = columns("Columns of CSV, a row for each posting", &books::COLUMNS))]
    Journal {
        /// The form.
        #[arg(long, value_enum, value_name = "FORM", default_value_t = BookForm::Hledger)]
        format: BookForm,
        /// A transaction for each charge.
        #[arg(long)]
        rows: bool,
        /// Where to; stdout if none is named.
        file: Option<PathBuf>,
    },
    /// Every billing account with its figures as of now, in the order of the numbers.
    #[command(after_help = columns("Columns", &accounts::COLUMNS))]
    Accounts {
        /// The form.
        #[arg(long, value_enum, value_name = "FORM", default_value_t = RowForm::Csv)]
        format: RowForm,
        /// Only accounts that have incurred costs.
        #[arg(long)]
        with_costs: bool,
        #[command(flatten)]
        filters: Filters,
        /// Where to; stdout if none is named.
        file: Option<PathBuf>,
    },
    /// What moved cash and credit refund of every account, in the order of the log.
    #[command(after_help = columns("Columns", &TRANSACTION_COLUMNS))]
    Transactions {
        /// The form.
        #[arg(long, value_enum, value_name = "FORM", default_value_t = RowForm::Csv)]
        format: RowForm,
        /// Where to; stdout if none is named.
        file: Option<PathBuf>,
    },
    /// Every issued bill, by account and cycle.
    ///
    /// Gross less coupons and what rounding dropped is pretax, which with tax is after tax; what is not paid of it is
    /// outstanding.
    #[command(after_help = columns("Columns", &BILL_COLUMNS))]
    Bills {
        /// The form.
        #[arg(long, value_enum, value_name = "FORM", default_value_t = RowForm::Csv)]
        format: RowForm,
        /// Where to; stdout if none is named.
        file: Option<PathBuf>,
    },
}

/// Forms of the books.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum BookForm {
    /// A journal that hledger (1.25 or newer) reads.
    Hledger,
    /// A row for each posting, under a heading.
    Csv,
}

/// Forms of rows.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
pub(super) enum RowForm {
    /// Comma-separated values under a heading.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

/// Where exports go.
pub(super) type Output = BufWriter<Box<dyn Write>>;

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let engine = data_dir::open_existing(globals)?;
    match &arguments.what {
        What::Journal { format, rows, file } => {
            books::export(&engine, *format, *rows, open(file.as_deref())?)?;
        }
        What::Accounts { format, with_costs, filters, file } => {
            let progress = Progress::start(Form::Auto, Some(engine.account_count()));
            let filter = filters.filter(*with_costs);
            accounts::export(&engine, &filter, *format, open(file.as_deref())?, &progress)?;
        }
        What::Transactions { format, file } => {
            let out = Rows::begin(open(file.as_deref())?, *format, &TRANSACTION_COLUMNS)?;
            transactions(&engine, out)?;
        }
        What::Bills { format, file } => {
            bills(&engine, Rows::begin(open(file.as_deref())?, *format, &BILL_COLUMNS)?)?;
        }
    }
    data_dir::close(engine)?;
    Ok(Verdict::Good)
}

fn columns(what: &str, names: &[&str]) -> String {
    format!("{what}: {}", names.join(", "))
}

fn open(file: Option<&Path>) -> Result<Output, Failure> {
    let Some(path) = file.filter(|path| !pages::is_stdin(path)) else {
        return Ok(buffered(Box::new(io::stdout())));
    };
    let file = File::create(path).map_err(|error| {
        let attempt = format!("cannot write `{}`", path.display());
        Failure::because(attempt, &error, "check the path, and that you may write there")
    })?;
    Ok(buffered(Box::new(file)))
}

/// An output that is written in large pieces.
pub(super) fn buffered(out: Box<dyn Write>) -> Output {
    const BYTES: usize = 256 * 1024;
    BufWriter::with_capacity(BYTES, out)
}

/// What the visitor of a stream broke it off with, if it did.
fn flow_of(result: Result<(), Failure>) -> ControlFlow<Failure> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(failure) => ControlFlow::Break(failure),
    }
}

fn money(money: Money) -> Value {
    json!(money.to_string())
}

const TRANSACTION_COLUMNS: [&str; 10] =
    ["billing_account", "transaction", "at", "fund", "type", "amount", "before", "after", "actor", "reason"];

fn transactions(engine: &Engine, mut out: Rows) -> Result<(), Failure> {
    let flow =
        engine.each_transaction(None, None::<Fund>, Span::default(), &mut |billing_account, change| {
            flow_of(out.row([
                json!(billing_account),
                json!(change.transaction),
                json!(change.at.to_string()),
                json!(change.asset),
                json!(change.kind),
                change.amount.map_or(Value::Null, money),
                change.before.map_or(Value::Null, money),
                change.after.map_or(Value::Null, money),
                json!(change.actor),
                json!(change.reason),
            ]))
        });
    match flow.map_err(|error| Failure::engine("cannot export the transactions", &error))? {
        ControlFlow::Break(failure) => Err(failure),
        ControlFlow::Continue(()) => out.end(),
    }
}

const BILL_COLUMNS: [&str; 27] = [
    "bill",
    "billing_account",
    "cycle",
    "state",
    "currency",
    "issued_at",
    "due_at",
    "settled_at",
    "charges",
    "gross",
    "coupons",
    "round_down_discount",
    "pretax",
    "taxable",
    "tax_rate",
    "tax",
    "after_tax",
    "paid_coupon",
    "paid_credit_refund",
    "paid_transfer_book",
    "paid_cash",
    "paid_quota",
    "outstanding",
    "settlement_currency",
    "exchange_rate",
    "exchange_day",
    "settlement_amount",
];

fn bills(engine: &Engine, mut out: Rows) -> Result<(), Failure> {
    let failed = |error: &EngineError| Failure::engine("cannot export the bills", error);
    let flow = engine.each_account(&AccountFilter::default(), &mut |overview| {
        let bills = engine.bills(&overview.billing_account, None).map_err(|error| failed(&error));
        flow_of(bills.and_then(|bills| bills.iter().try_for_each(|one| out.row(bill(one)))))
    });
    match flow.map_err(|error| failed(&error))? {
        ControlFlow::Break(failure) => Err(failure),
        ControlFlow::Continue(()) => out.end(),
    }
}

fn bill(view: &BillView) -> [Value; BILL_COLUMNS.len()] {
    let (facts, paid) = (&view.facts, view.paid());
    let converted = |text: fn(&Converted) -> String| {
        facts.converted.as_deref().map_or(Value::Null, |converted| json!(text(converted)))
    };
    [
        json!(view.bill),
        json!(view.billing_account),
        json!(facts.cycle.to_string()),
        json!(view.state()),
        json!(view.currency.to_string()),
        json!(facts.issued_at.to_string()),
        json!(facts.due_at.to_string()),
        json!(facts.settled_at.map(|at| at.to_string())),
        json!(facts.charges),
        money(facts.gross),
        money(facts.coupons),
        money(facts.round_down_discount),
        money(facts.pretax()),
        money(facts.taxable),
        json!(facts.tax_rate.to_string()),
        money(facts.tax),
        money(facts.after_tax()),
        money(paid.coupon),
        money(paid.credit_refund),
        money(paid.transfer_book),
        money(paid.cash),
        money(paid.quota),
        money(facts.outstanding()),
        converted(|converted| converted.currency.to_string()),
        converted(|converted| converted.rate.to_string()),
        converted(|converted| books::day(converted.day)),
        converted(|converted| converted.amount.to_string()),
    ]
}
