//! `exchequer coupon`: what pays for chosen services for a time (rules C5, D7).

use super::failure::Failure;
use super::table::{Column, table};
use super::vocabulary::request::{Asked, Envelope, PageOf};
use super::{Globals, Verdict, request};
use crate::domain::billing::coupon::CouponKind;
use crate::domain::money::Amount;
use crate::domain::time::Timestamp;
use crate::engine::Command;
use crate::engine::billing_queries::CouponView;

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    envelope: Envelope,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Grant a coupon or voucher.
    Grant {
        /// The billing account's id.
        billing_account: String,
        /// An id for it.
        coupon: String,
        /// What it is worth.
        #[arg(allow_negative_numbers = true)]
        amount: Amount,
        /// From when on it may be used.
        #[arg(long, value_name = "TIME")]
        starts_at: Timestamp,
        /// From when on it may no more.
        #[arg(long, value_name = "TIME")]
        ends_at: Timestamp,
        /// `coupon` or `voucher`; both work alike.
        #[arg(long, default_value_t = CouponKind::Coupon, value_parser = kind)]
        kind: CouponKind,
        /// The services that it pays for; all of them by default.
        #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
        services: Vec<String>,
        /// The least charge, purchase or bill that it pays a part of.
        #[arg(long, value_name = "AMOUNT")]
        minimum_spend: Option<Amount>,
    },
    /// List coupons and vouchers, in the order in which they were granted.
    List {
        /// The billing account's id.
        billing_account: String,
    },
}

fn kind(text: &str) -> Result<CouponKind, &'static str> {
    CouponKind::parse(text).ok_or("give `coupon` or `voucher`")
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let (attempt, asked) = match &arguments.verb {
        Verb::Grant {
            billing_account,
            coupon,
            amount,
            starts_at,
            ends_at,
            kind,
            services,
            minimum_spend,
        } => (
            format!("cannot grant coupon `{coupon}` to `{billing_account}`"),
            Asked::Command(Command::GrantCoupon {
                billing_account: billing_account.clone(),
                coupon: coupon.clone(),
                kind: *kind,
                amount: *amount,
                starts_at: *starts_at,
                ends_at: *ends_at,
                services: services.clone(),
                minimum_spend: *minimum_spend,
            }),
        ),
        Verb::List { billing_account } => (
            format!("cannot list the coupons of `{billing_account}`"),
            Asked::Coupons { billing_account: billing_account.clone(), page: PageOf::ALL },
        ),
    };
    request::run(globals, &attempt, asked, &arguments.envelope)
}

/// Coupons for a person.
pub(super) fn text(coupons: &[CouponView]) -> String {
    if coupons.is_empty() {
        return "no coupons\n".to_owned();
    }
    let row = |coupon: &CouponView| {
        let terms = &coupon.facts.terms;
        let services = if terms.services.is_empty() { "all".to_owned() } else { terms.services.join(", ") };
        vec![
            terms.id.to_string(),
            terms.kind.to_string(),
            coupon.status.to_owned(),
            terms.nominal.to_string(),
            coupon.facts.balance.to_string(),
            terms.minimum_spend.to_string(),
            terms.starts_at.to_string(),
            terms.ends_at.to_string(),
            services,
        ]
    };
    let columns = [
        Column::Left("coupon"),
        Column::Left("kind"),
        Column::Left("status"),
        Column::Right("amount"),
        Column::Right("left"),
        Column::Right("minimum spend"),
        Column::Left("from"),
        Column::Left("until"),
        Column::Left("services"),
    ];
    table(&columns, &coupons.iter().map(row).collect::<Vec<_>>())
}
