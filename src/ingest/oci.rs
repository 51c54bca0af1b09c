//! Cost reports of Oracle Cloud Infrastructure.
//!
//! A row's key is its reference number: rows that are alike in all else have different ones, and a correction is a
//! further row with its own. Times may lack their seconds. There is no billing period and no category.

use super::Format;
use super::columns::Column;
use super::layout::{Layout, Tags};
use super::times;

pub(super) const LAYOUT: Layout = Layout {
    format: Format::Oci,
    known_min: 3,
    names,
    required: &[
        Column::Cost,
        Column::Currency,
        Column::BillingAccount,
        Column::PeriodStart,
        Column::LineItem,
    ],
    needs_billing_period: false,
    takes_time: times::full_minute,
    kinds: &[],
    classes: ["true", "false"],
    tags: Tags::Columns("tags/"),
};

fn names(column: Column) -> &'static [&'static str] {
    match column {
        Column::Cost => &["cost/myCost"],
        Column::Currency => &["cost/currencyCode"],
        Column::BillingAccount => &["lineItem/tenantId", "lineItem/TenantId"],
        Column::SubAccount => &["product/compartmentId"],
        Column::PeriodStart => &["lineItem/intervalUsageStart"],
        Column::Class => &["lineItem/isCorrection", "lineItem/iscorrection"],
        Column::Service => &["product/service"],
        Column::Sku => &["cost/productSku"],
        Column::Quantity => &["usage/billedQuantity"],
        Column::Unit => &["cost/skuUnitDescription", "cost/billingUnitReadable"],
        Column::Description => &["product/Description", "product/description"],
        Column::LineItem => &["lineItem/referenceNo"],
        Column::BillingPeriod | Column::Category | Column::Tags | Column::Interval => &[],
    }
}
