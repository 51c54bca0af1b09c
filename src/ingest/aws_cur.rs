//! AWS cost and usage reports (CUR), and the exports of CUR 2.0, which join the same names by underscores.
//!
//! A row's key is its line item and interval, neither alone. The cost is the unblended one, which is what is billed.

use super::Format;
use super::columns::Column;
use super::fields::{Kind, correcting, kind};
use super::layout::{Layout, Tags};
use super::times;
use crate::domain::charge::Category;

pub(super) const LAYOUT: Layout = Layout {
    format: Format::AwsCur,
    known_min: 3,
    names,
    required: &[
        Column::Cost,
        Column::Currency,
        Column::BillingAccount,
        Column::PeriodStart,
        Column::BillingPeriod,
        Column::Category,
        Column::LineItem,
        Column::Interval,
    ],
    needs_billing_period: true,
    takes_time: times::utc_only,
    kinds: &KINDS,
    classes: ["", ""],
    tags: Tags::Columns("resourceTags/"),
};

/// Discounts and the negation of what a savings plan covers belong to the usage that they make cheaper, so that the
/// sum of usage is what usage costs.
const KINDS: [Kind; 17] = [
    kind("Usage", Category::Usage),
    kind("DiscountedUsage", Category::Usage),
    kind("SavingsPlanCoveredUsage", Category::Usage),
    kind("SavingsPlanNegation", Category::Usage),
    kind("BundledDiscount", Category::Usage),
    kind("Discount", Category::Usage),
    kind("EdpDiscount", Category::Usage),
    kind("PrivateRateDiscount", Category::Usage),
    kind("RiVolumeDiscount", Category::Usage),
    kind("SppDiscount", Category::Usage),
    kind("Fee", Category::Purchase),
    kind("RIFee", Category::Purchase),
    kind("SavingsPlanRecurringFee", Category::Purchase),
    kind("SavingsPlanUpfrontFee", Category::Purchase),
    kind("Tax", Category::Tax),
    kind("Credit", Category::Credit),
    correcting("Refund", Category::Adjustment),
];

fn names(column: Column) -> &'static [&'static str] {
    match column {
        Column::Cost => &["lineItem/UnblendedCost", "line_item_unblended_cost"],
        Column::Currency => &["lineItem/CurrencyCode", "line_item_currency_code"],
        Column::BillingAccount => &["bill/PayerAccountId", "bill_payer_account_id"],
        Column::SubAccount => &["lineItem/UsageAccountId", "line_item_usage_account_id"],
        Column::PeriodStart => &["lineItem/UsageStartDate", "line_item_usage_start_date"],
        Column::BillingPeriod => &["bill/BillingPeriodStartDate", "bill_billing_period_start_date"],
        Column::Category => &["lineItem/LineItemType", "line_item_line_item_type"],
        Column::Class => &[],
        Column::Service => &["lineItem/ProductCode", "line_item_product_code"],
        Column::Sku => &["product/sku", "product_sku"],
        Column::Quantity => &["lineItem/UsageAmount", "line_item_usage_amount"],
        Column::Unit => &["pricing/unit", "pricing_unit"],
        Column::Description => &["lineItem/LineItemDescription", "line_item_line_item_description"],
        Column::Tags => &["resource_tags"],
        Column::LineItem => &["identity/LineItemId", "identity_line_item_id"],
        Column::Interval => &["identity/TimeInterval", "identity_time_interval"],
    }
}
