//! `exchequer payment-method`: third-party payment methods, by the payment gateway's tokens (rule D10).

use super::failure::Failure;
use super::table::{Column, table};
use super::vocabulary::request::{Asked, Envelope, PageOf};
use super::{Globals, Verdict, request};
use crate::domain::billing::payment_method::PaymentMethodKind;
use crate::engine::Command;
use crate::engine::billing_queries::PaymentMethodView;

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    envelope: Envelope,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Link one; the first is the default.
    Link {
        #[command(flatten)]
        which: Which,
        /// `card` or `paypal`.
        #[arg(long, value_parser = kind)]
        kind: PaymentMethodKind,
        /// The payment gateway's token, never a card's number.
        #[arg(long)]
        token: String,
    },
    /// Give one another token.
    Edit {
        #[command(flatten)]
        which: Which,
        /// The new token.
        #[arg(long)]
        token: String,
    },
    /// Remove one.
    Unlink(Which),
    /// Make one the default.
    Default(Which),
    /// List them.
    List {
        /// The billing account's id.
        billing_account: String,
    },
}

#[derive(clap::Args, Debug)]
struct Which {
    /// The billing account's id.
    billing_account: String,
    /// The account's own id for the method.
    method: String,
}

impl Which {
    fn both(&self) -> (String, String) {
        (self.billing_account.clone(), self.method.clone())
    }
}

fn kind(text: &str) -> Result<PaymentMethodKind, &'static str> {
    PaymentMethodKind::parse(text).ok_or("give `card` or `paypal`")
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let attempt = |what: &str, Which { billing_account, method }: &Which| {
        format!("cannot {what} payment method `{method}` of `{billing_account}`")
    };
    let (attempt, asked) = match &arguments.verb {
        Verb::Link { which, kind, token } => {
            let ((billing_account, method), token) = (which.both(), token.clone());
            let command = Command::LinkPaymentMethod { billing_account, method, kind: *kind, token };
            (attempt("link", which), Asked::Command(command))
        }
        Verb::Edit { which, token } => {
            let ((billing_account, method), token) = (which.both(), token.clone());
            let command = Command::EditPaymentMethod { billing_account, method, token };
            (attempt("edit", which), Asked::Command(command))
        }
        Verb::Unlink(which) => {
            let (billing_account, method) = which.both();
            let command = Command::UnlinkPaymentMethod { billing_account, method };
            (attempt("unlink", which), Asked::Command(command))
        }
        Verb::Default(which) => {
            let (billing_account, method) = which.both();
            let command = Command::SetDefaultPaymentMethod { billing_account, method };
            (attempt("default to", which), Asked::Command(command))
        }
        Verb::List { billing_account } => (
            format!("cannot list the payment methods of `{billing_account}`"),
            Asked::PaymentMethods { billing_account: billing_account.clone(), page: PageOf::ALL },
        ),
    };
    request::run(globals, &attempt, asked, &arguments.envelope)
}

/// Payment methods for a person.
pub(super) fn text(methods: &[PaymentMethodView]) -> String {
    if methods.is_empty() {
        return "no payment methods\n".to_owned();
    }
    let row = |method: &PaymentMethodView| {
        let default = if method.is_default { "default" } else { "" };
        vec![method.method.clone(), method.kind.to_string(), default.to_owned()]
    };
    let columns = [Column::Left("method"), Column::Left("kind"), Column::Left("")];
    table(&columns, &methods.iter().map(row).collect::<Vec<_>>())
}
