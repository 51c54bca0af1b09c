//! `exchequer bill`: what is owed for a month, and how it is paid (rules D1–D5, D9).

use super::failure::Failure;
use super::progress::{Form, Progress};
use super::vocabulary::answer::Reply;
use super::vocabulary::request::{Asked, Envelope, PageOf};
use super::{Globals, Verdict, arguments, data_dir, request};
use crate::domain::billing::asset::AssetKind;
use crate::domain::billing::rate::Rate;
use crate::domain::ids::Currency;
use crate::domain::time::Cycle;
use crate::engine::Command;
use crate::engine::command::{PROVIDER, PayingAsset};

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    envelope: Envelope,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Issue the bills of a month that has ended, and of older ones; each is issued once.
    Issue {
        /// The month.
        #[arg(long, value_name = "YYYY-MM", value_parser = arguments::cycle)]
        cycle: Cycle,
        /// Only of this billing account.
        #[arg(long, value_name = "ID")]
        account: Option<String>,
    },
    /// List the bills of a billing account, oldest first.
    List {
        /// The billing account's id.
        billing_account: String,
        /// Only that of this month.
        #[arg(long, value_name = "YYYY-MM", value_parser = arguments::cycle)]
        cycle: Option<Cycle>,
        /// Show what each is made of.
        #[arg(long)]
        lines: bool,
    },
    /// Pay a bill by hand; without assets, with what automatic write-off would take.
    Pay {
        /// The bill, such as acme/2026-05.
        bill: String,
        /// What pays, such as cash=10, coupon:WELCOME=5 or credit_refund:2026-03=7.
        #[arg(long = "asset", value_name = "KIND[:WHICH]=AMOUNT", value_parser = paying_asset)]
        assets: Vec<PayingAsset>,
    },
    /// Set how bills are taxed, paid and converted.
    #[command(subcommand)]
    Settings(Setting),
}

#[derive(clap::Subcommand, Clone, Debug)]
enum Setting {
    /// Set the rate of tax on bills that are issued from now on.
    Tax {
        /// The billing account's id.
        billing_account: String,
        /// The rate, such as 0.06.
        #[arg(value_parser = arguments::rate)]
        rate: Rate,
    },
    /// Switch automatic write-off: off, and bills are paid by hand alone.
    AutomaticWriteOff {
        /// The billing account's id.
        billing_account: String,
        /// `on` or `off`.
        #[arg(value_parser = arguments::switch, action = clap::ArgAction::Set)]
        enabled: bool,
    },
    /// Switch whether credit refund also pays bills of months before it.
    PreviousBills {
        /// The billing account's id.
        billing_account: String,
        /// `on` or `off`.
        #[arg(value_parser = arguments::switch, action = clap::ArgAction::Set)]
        enabled: bool,
    },
    /// Set the currency that bills are settled in, from the next month on.
    Currency {
        /// The billing account's id.
        billing_account: String,
        /// USD, EUR, SGD or HKD.
        #[arg(value_parser = arguments::currency)]
        currency: Currency,
    },
}

/// Reads `KIND=AMOUNT`, `coupon:ID=AMOUNT` or `credit_refund:YYYY-MM=AMOUNT`.
fn paying_asset(text: &str) -> Result<PayingAsset, String> {
    // A coupon's id may hold `=`.
    let (what, amount) = text.rsplit_once('=').ok_or("give an asset and an amount, such as cash=10")?;
    let (kind, which) = what.split_once(':').map_or((what, None), |(kind, which)| (kind, Some(which)));
    let kind = AssetKind::parse(kind)
        .ok_or_else(|| format!("`{kind}`: give one of {}", AssetKind::ALL.map(AssetKind::name).join(", ")))?;
    let (mut coupon, mut month) = (None, None);
    match (kind, which) {
        (_, None) => {}
        (AssetKind::Coupon, Some(id)) => coupon = Some(id.to_owned()),
        (AssetKind::CreditRefund, Some(text)) => month = Some(arguments::cycle(text)?),
        (_, Some(_)) => return Err(format!("`{}` needs nothing after a colon", kind.name())),
    }
    let amount = amount.parse().map_err(|fault| format!("`{amount}`: {fault}"))?;
    Ok(PayingAsset { kind, coupon, month, amount })
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let envelope = &arguments.envelope;
    let (attempt, asked) = match &arguments.verb {
        Verb::Issue { cycle, account: None } if envelope.principal() == PROVIDER => {
            return issue_all(globals, *cycle, envelope);
        }
        Verb::Issue { cycle, account } => (
            format!("cannot issue bills of {cycle}"),
            Asked::Command(Command::IssueBills { cycle: *cycle, billing_account: account.clone() }),
        ),
        Verb::List { billing_account, cycle, lines } => (
            format!("cannot list the bills of `{billing_account}`"),
            Asked::Bills {
                billing_account: billing_account.clone(),
                cycle: *cycle,
                lines: *lines,
                page: PageOf::ALL,
            },
        ),
        Verb::Pay { bill, assets } => (
            format!("cannot pay bill `{bill}`"),
            Asked::Command(Command::PayBill { bill: bill.clone(), assets: assets.clone() }),
        ),
        Verb::Settings(setting) => setting.asked(),
    };
    request::run(globals, &attempt, asked, envelope)
}

impl Setting {
    fn asked(&self) -> (String, Asked<'static>) {
        let (billing_account, command) = match self.clone() {
            Self::Tax { billing_account, rate } => {
                (billing_account.clone(), Command::SetTaxRate { billing_account, rate })
            }
            Self::AutomaticWriteOff { billing_account, enabled } => {
                (billing_account.clone(), Command::SetAutomaticWriteOff { billing_account, enabled })
            }
            Self::PreviousBills { billing_account, enabled } => {
                (billing_account.clone(), Command::SetWriteOffPreviousBills { billing_account, enabled })
            }
            Self::Currency { billing_account, currency } => {
                (billing_account.clone(), Command::SetSettlementCurrency { billing_account, currency })
            }
        };
        (format!("cannot change the settings of `{billing_account}`"), Asked::Command(command))
    }
}

/// Issues the bills of every account, showing how far it has come.
fn issue_all(globals: &Globals, cycle: Cycle, envelope: &Envelope) -> Result<Verdict, Failure> {
    let engine = data_dir::open_existing(globals)?;
    let progress = Progress::start(Form::Auto, Some(0));
    let issued = engine
        .issue_all(cycle, envelope.at(), &|looked_at, all| progress.looked_at(looked_at, all))
        .map_err(|error| Failure::engine(format!("cannot issue bills of {cycle}"), &error));
    progress.finish();
    let issued = issued?;
    data_dir::close(engine)?;
    request::print(globals, Reply::Issued(issued))
}
