//! One charge, as its sender describes it (rule C1).

use super::money::Amount;
use super::time::{Cycle, Timestamp};
use rust_decimal::Decimal;

/// What kind of charge it is (rule C1; FOCUS `ChargeCategory`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
#[repr(u8)]
pub enum Category {
    /// Consumption of a service.
    #[default]
    Usage = 0,
    /// A one-time or recurring purchase.
    Purchase = 1,
    /// A tax computed by the provider.
    Tax = 2,
    /// A credit given by the provider.
    Credit = 3,
    /// A correction of earlier charges.
    Adjustment = 4,
}

impl Category {
    /// Every category, in the order of its number.
    pub const ALL: [Self; 5] = [Self::Usage, Self::Purchase, Self::Tax, Self::Credit, Self::Adjustment];

    /// The category with that number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The lower-case name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Purchase => "purchase",
            Self::Tax => "tax",
            Self::Credit => "credit",
            Self::Adjustment => "adjustment",
        }
    }

    /// Reads a name in any letter case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.name().eq_ignore_ascii_case(text))
    }
}

/// A charge as it is handed in (rule C1). Empty text means that the field is absent.
///
/// Its identity is (`cloud_account`, `source`, `id`); posting the same identity again has no effect (rule C2).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Charge<'a> {
    /// Who used the service: the user's own id of 1–128 bytes.
    pub cloud_account: &'a str,
    /// The system that numbers the charges.
    pub source: &'a str,
    /// The charge's id within its source and cloud account.
    pub id: &'a str,
    /// What is owed; negative for a refund.
    pub amount: Amount,
    /// ISO 4217 code, or a virtual currency's; must be the billing account's.
    pub currency: &'a str,
    /// Start of the charge period, or the instant of occurrence.
    pub period_start: Timestamp,
    /// The cycle it is to be billed in; by default the month of `period_start` (rule C4).
    pub billing_cycle: Option<Cycle>,
    /// Kind of charge.
    pub category: Category,
    /// Whether it corrects an earlier cycle (FOCUS `ChargeClass`).
    pub correction: bool,
    /// Name of the service used.
    pub service: &'a str,
    /// Stock-keeping unit.
    pub sku: &'a str,
    /// Quantity consumed, in `unit`.
    pub quantity: Option<Decimal>,
    /// Unit of `quantity`.
    pub unit: &'a str,
    /// Words for people.
    pub description: &'a str,
    /// Tags as the text of a JSON object.
    pub tags: &'a str,
    /// 1-based row of the import that made up `id` from a running digest; 0 where the source gave the id (rule C7).
    pub import_row: u64,
}

impl<'a> Charge<'a> {
    /// A charge for usage with no more than it needs.
    pub const fn usage(
        cloud_account: &'a str,
        source: &'a str,
        id: &'a str,
        amount: Amount,
        currency: &'a str,
        period_start: Timestamp,
    ) -> Self {
        Self {
            cloud_account,
            source,
            id,
            amount,
            currency,
            period_start,
            billing_cycle: None,
            category: Category::Usage,
            correction: false,
            service: "",
            sku: "",
            quantity: None,
            unit: "",
            description: "",
            tags: "",
            import_row: 0,
        }
    }
}
