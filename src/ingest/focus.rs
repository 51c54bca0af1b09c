//! FOCUS CSV 1.0–1.3: the `FinOps` Open Cost and Usage Specification.
//!
//! Rows have no key.

use super::Format;
use super::columns::Column;
use super::fields::{Kind, kind};
use super::layout::{Layout, Tags};
use super::times;
use crate::domain::charge::Category;

pub(super) const LAYOUT: Layout = Layout {
    format: Format::Focus,
    known_min: 1,
    names,
    required: &[Column::Cost],
    needs_billing_period: true,
    takes_time: times::utc_only,
    kinds: &KINDS,
    classes: ["Correction", ""],
    tags: Tags::Json,
};

const KINDS: [Kind; 5] = [
    kind("Usage", Category::Usage),
    kind("Purchase", Category::Purchase),
    kind("Tax", Category::Tax),
    kind("Credit", Category::Credit),
    kind("Adjustment", Category::Adjustment),
];

fn names(column: Column) -> &'static [&'static str] {
    match column {
        Column::Cost => &["BilledCost"],
        Column::Currency => &["BillingCurrency"],
        Column::BillingAccount => &["BillingAccountId"],
        Column::SubAccount => &["SubAccountId"],
        Column::PeriodStart => &["ChargePeriodStart"],
        Column::BillingPeriod => &["BillingPeriodStart"],
        Column::Category => &["ChargeCategory"],
        Column::Class => &["ChargeClass"],
        Column::Service => &["ServiceName"],
        Column::Sku => &["SkuId"],
        Column::Quantity => &["ConsumedQuantity"],
        Column::Unit => &["ConsumedUnit"],
        Column::Description => &["ChargeDescription"],
        Column::Tags => &["Tags"],
        Column::LineItem | Column::Interval => &[],
    }
}
