//! The `exchequer` command: one file per command.
//!
//! Data goes to stdout, words to stderr. Exit status: 0 done, 1 refused or found broken, 2 not understood. A message
//! says what was attempted, its causes once, and a hint.

mod account;
mod accounts;
mod admin;
mod alerts;
mod apply;
mod arguments;
mod bench;
mod bill;
mod bill_text;
mod change_records;
mod console;
mod coupon;
mod credit;
mod data_dir;
mod enterprise;
mod events;
mod export;
mod failure;
mod filters;
mod generate;
mod hold;
mod ingest;
mod lines;
mod notifications;
mod order;
mod pages;
mod past;
mod payment_method;
mod progress;
mod purchase;
mod rate;
mod refund;
mod remittance;
mod replace_period;
mod reply;
mod report;
mod request;
mod settlement;
mod snapshot;
mod summary;
mod suspension_benefit;
mod table;
mod transfer;
mod verify;
mod vocabulary;
mod wal;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// A billing-account ledger: every charge exactly once, every balance always current.
#[derive(Parser, Debug)]
#[command(name = "exchequer", version, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(clap::Args, Debug)]
struct Globals {
    /// Where the ledger keeps its log and snapshots.
    #[arg(long, value_name = "DIR", default_value = "exchequer-data", global = true)]
    data_dir: PathBuf,
    /// Text for people, or JSON for programs.
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Output::Text, global = true)]
    output: Output,
}

/// In which form data is printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Post the charges of files, or of a pipe (`-`).
    Ingest(ingest::Arguments),
    /// Write made-up charges, to try out and to measure with.
    Generate(generate::Arguments),
    /// Carry out commands and queries, one JSON object a line.
    Apply(apply::Arguments),
    /// List billing accounts: their credit, alerts, cash and coupons.
    Accounts(accounts::Arguments),
    /// Set low balance alerts, and list the accounts that have one.
    Alerts(alerts::Arguments),
    /// Set what delays the suspension of an overdue account.
    SuspensionBenefit(suspension_benefit::Arguments),
    /// Show one billing account and what its available credit is made of.
    Account(account::Arguments),
    /// Sum up the charges that were posted.
    Report(report::Arguments),
    /// Show what changed the assets and settings of one billing account, or of an enterprise.
    ChangeRecords(change_records::Arguments),
    /// Show the figures that one billing account had at a past time.
    ///
    /// They are those just before its first decision after that time, in the order of its records. Charges have no time of
    /// decision: those recorded before its last decision up to then count, and of those since, and before the next one,
    /// those whose period begins up to then.
    Balance(past::BalanceArguments),
    /// Show everything that happened to one billing account, in order: changes, and charges by the start of their period.
    History(past::HistoryArguments),
    /// Show what moved the cash and the credit refund of one billing account, and sum it up by month.
    Transactions(past::TransactionsArguments),
    /// Write every committed event as a line of JSON (CloudEvents), also beside a process that goes on writing.
    Events(events::Arguments),
    /// Write the books, accounts, transactions or bills for other programs.
    Export(export::Arguments),
    /// Open an enterprise, and have billing accounts join it and leave it.
    Enterprise(enterprise::Arguments),
    /// Control the credit of an enterprise's members.
    Credit(credit::Arguments),
    /// Transfer cash between the accounts of an enterprise, and take it back.
    Transfer(transfer::Arguments),
    /// Reserve amounts, and capture or release them.
    Hold(hold::Arguments),
    /// Say who administers a billing account, and what users may do.
    Admin(admin::Arguments),
    /// Issue bills, list and pay them, and set how they are paid.
    Bill(bill::Arguments),
    /// Grant coupons and vouchers, and list them.
    Coupon(coupon::Arguments),
    /// Buy something and pay it at once.
    Purchase(purchase::Arguments),
    /// Refund a purchase, in all or in part, to what paid it.
    Refund(refund::Arguments),
    /// Show a purchase: what paid it, and where its refunds went.
    Order(order::Arguments),
    /// Pay bills of several accounts together.
    Settlement(settlement::Arguments),
    /// Record remittances that came to the shared bank account, and claim them.
    Remittance(remittance::Arguments),
    /// Link third-party payment methods.
    PaymentMethod(payment_method::Arguments),
    /// Set exchange rates.
    Rate(rate::Arguments),
    /// Send notifications, and look after those that could not be sent.
    Notifications(notifications::Arguments),
    /// Check every invariant of a data directory, changing nothing.
    Verify,
    /// Take a snapshot, so that the next opening reads less of the log.
    Snapshot,
    /// Measure the engine on this machine, beside a plain loop that does the same work.
    #[command(subcommand)]
    Bench(bench::Arguments),
    /// Look into the write-ahead log, changing nothing.
    #[command(subcommand)]
    Wal(wal::Arguments),
}

/// What a command that could be carried out found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    /// All is well.
    Good,
    /// Something was refused, or found broken.
    Bad,
}

impl Verdict {
    const fn of(good: bool) -> Self {
        if good { Self::Good } else { Self::Bad }
    }
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false)
        .init();
    let globals = &cli.globals;
    let ran = match &cli.command {
        Command::Ingest(arguments) => ingest::run(globals, arguments),
        Command::Generate(arguments) => generate::run(arguments),
        Command::Apply(arguments) => apply::run(globals, arguments),
        Command::Accounts(arguments) => accounts::run(globals, arguments),
        Command::Alerts(arguments) => alerts::run(globals, arguments),
        Command::SuspensionBenefit(arguments) => suspension_benefit::run(globals, arguments),
        Command::Account(arguments) => account::run(globals, arguments),
        Command::Report(arguments) => report::run(globals, arguments),
        Command::ChangeRecords(arguments) => change_records::run(globals, arguments),
        Command::Balance(arguments) => past::balance(globals, arguments),
        Command::History(arguments) => past::history(globals, arguments),
        Command::Transactions(arguments) => past::transactions(globals, arguments),
        Command::Events(arguments) => events::run(globals, arguments),
        Command::Export(arguments) => export::run(globals, arguments),
        Command::Enterprise(arguments) => enterprise::run(globals, arguments),
        Command::Credit(arguments) => credit::run(globals, arguments),
        Command::Transfer(arguments) => transfer::run(globals, arguments),
        Command::Hold(arguments) => hold::run(globals, arguments),
        Command::Admin(arguments) => admin::run(globals, arguments),
        Command::Bill(arguments) => bill::run(globals, arguments),
        Command::Coupon(arguments) => coupon::run(globals, arguments),
        Command::Purchase(arguments) => purchase::run(globals, arguments),
        Command::Refund(arguments) => refund::run(globals, arguments),
        Command::Order(arguments) => order::run(globals, arguments),
        Command::Settlement(arguments) => settlement::run(globals, arguments),
        Command::Remittance(arguments) => remittance::run(globals, arguments),
        Command::PaymentMethod(arguments) => payment_method::run(globals, arguments),
        Command::Rate(arguments) => rate::run(globals, arguments),
        Command::Notifications(arguments) => notifications::run(globals, arguments),
        Command::Verify => verify::run(globals),
        Command::Snapshot => snapshot::run(globals),
        Command::Bench(arguments) => bench::run(globals, arguments),
        Command::Wal(arguments) => wal::run(globals, arguments),
    };
    match ran {
        Ok(Verdict::Good) => ExitCode::SUCCESS,
        Ok(Verdict::Bad) => ExitCode::from(1),
        // Whoever read the output has seen enough.
        Err(failure) if failure.is_closed_output() => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            ExitCode::from(1)
        }
    }
}
