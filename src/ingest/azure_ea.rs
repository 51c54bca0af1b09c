//! Azure cost exports of an enterprise agreement, actual and amortized.
//!
//! Rows have no key. Dates are `MM/DD/YYYY`, and tags lack their braces.

use super::Format;
use super::columns::Column;
use super::fields::{Kind, correcting, kind};
use super::layout::{Layout, Tags};
use super::times;
use crate::domain::charge::Category;

pub(super) const LAYOUT: Layout = Layout {
    format: Format::AzureEa,
    known_min: 3,
    names,
    required: &[
        Column::Cost,
        Column::Currency,
        Column::BillingAccount,
        Column::PeriodStart,
        Column::Category,
    ],
    needs_billing_period: false,
    takes_time: times::full_us_date,
    kinds: &KINDS,
    classes: ["", ""],
    tags: Tags::BareJson,
};

/// As Azure's own FOCUS exports have them.
const KINDS: [Kind; 9] = [
    kind("Usage", Category::Usage),
    kind("UnusedReservation", Category::Usage),
    kind("UnusedSavingsPlan", Category::Usage),
    kind("Purchase", Category::Purchase),
    correcting("Refund", Category::Purchase),
    kind("Tax", Category::Tax),
    kind("Credit", Category::Credit),
    kind("Adjustment", Category::Adjustment),
    kind("RoundingAdjustment", Category::Adjustment),
];

fn names(column: Column) -> &'static [&'static str] {
    match column {
        Column::Cost => &["Cost", "CostInBillingCurrency", "PreTaxCost"],
        Column::Currency => &["BillingCurrency", "BillingCurrencyCode", "Currency"],
        Column::BillingAccount => &["BillingAccountId"],
        Column::SubAccount => &["SubscriptionId", "SubscriptionGuid"],
        Column::PeriodStart => &["Date", "UsageDateTime"],
        Column::BillingPeriod => &["BillingPeriodStartDate"],
        Column::Category => &["ChargeType"],
        Column::Service => &["MeterCategory"],
        Column::Sku => &["MeterId"],
        Column::Quantity => &["Quantity", "UsageQuantity"],
        Column::Unit => &["UnitOfMeasure"],
        Column::Description => &["Product", "ProductName"],
        Column::Tags => &["Tags"],
        Column::Class | Column::LineItem | Column::Interval => &[],
    }
}
