//! Third-party payment methods (rule D10): a token of a card or of `PayPal`, never a card's number.

use std::collections::BTreeMap;
use std::fmt;

/// What kind of method.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PaymentMethodKind {
    /// A card.
    Card,
    /// `PayPal`.
    Paypal,
}

impl PaymentMethodKind {
    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Card, Self::Paypal].into_iter().find(|kind| kind.to_string() == text)
    }
}

impl fmt::Display for PaymentMethodKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Card => "card",
            Self::Paypal => "paypal",
        })
    }
}

/// One linked method.
#[derive(Clone, PartialEq, Eq)]
pub struct PaymentMethod {
    /// Its kind.
    pub kind: PaymentMethodKind,
    /// The payment gateway's token for it.
    pub token: Box<str>,
}

impl fmt::Debug for PaymentMethod {
    /// Without the token: who has it can charge the card.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PaymentMethod").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The methods of one account.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct PaymentMethods {
    /// By the account's own id for it.
    pub by_id: BTreeMap<Box<str>, PaymentMethod>,
    /// The one that is used if no other is named.
    pub default: Option<Box<str>>,
}

/// Whether a text could be the number of a card, which is never kept (rule D10): 12 to 19 digits, however they are
/// grouped.
pub fn is_like_card_number(text: &str) -> bool {
    let mut digits = text.chars().filter(|character| character.is_alphanumeric());
    let count = digits.clone().count();
    (12..=19).contains(&count) && digits.all(char::is_numeric)
}
