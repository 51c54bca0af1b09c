//! The fields of a charge of `post_charges`, however they were written, and how they become a charge (rules C1, C7).

use std::borrow::Cow;

use super::fields::{self, Refusal, RowReading, missing, refuse, shown};
use super::{Page, code, times};
use crate::domain::charge::{Category, Charge};
use crate::domain::time::{Cycle, Timestamp};
use crate::limits::COMPOSED_ID_BYTES_MAX;

/// The text of a number, or why it is none; that is told when its turn comes.
pub(super) type Number<'a> = Result<Option<Cow<'a, str>>, Refusal>;

/// A time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Time<'a> {
    /// Still to be read.
    Text(&'a str),
    /// Known already.
    Instant(Timestamp),
}

/// The tags.
#[derive(Debug)]
pub(super) enum Tags<'a> {
    Absent,
    /// JSON of any kind.
    Json(&'a str),
    /// JSON that is known to be an object.
    Object(&'a str),
    /// No tags, and why.
    Wrong(String),
}

/// What one record says; `None` where a field is absent or null.
#[derive(Debug)]
pub(super) struct ChargeFields<'a> {
    pub(super) cloud_account: Option<&'a str>,
    pub(super) billing_account: Option<&'a str>,
    pub(super) source: Option<&'a str>,
    pub(super) id: Option<&'a str>,
    pub(super) amount: Number<'a>,
    pub(super) currency: Option<&'a str>,
    pub(super) occurred_at: Option<Time<'a>>,
    pub(super) charge_period_start: Option<Time<'a>>,
    pub(super) billing_cycle: Option<&'a str>,
    pub(super) category: Option<&'a str>,
    pub(super) class: Option<&'a str>,
    pub(super) service: Option<&'a str>,
    pub(super) sku: Option<&'a str>,
    pub(super) quantity: Number<'a>,
    pub(super) unit: Option<&'a str>,
    pub(super) description: Option<&'a str>,
    pub(super) tags: Tags<'a>,
}

impl ChargeFields<'_> {
    /// No field.
    pub(super) const NONE: Self = Self {
        cloud_account: None,
        billing_account: None,
        source: None,
        id: None,
        amount: Ok(None),
        currency: None,
        occurred_at: None,
        charge_period_start: None,
        billing_cycle: None,
        category: None,
        class: None,
        service: None,
        sku: None,
        quantity: Ok(None),
        unit: None,
        description: None,
        tags: Tags::Absent,
    };

    /// Adds the charge to the page as its row `row`; `source` stands in for an absent one.
    pub(super) fn push(
        self,
        source: Option<&str>,
        lenient: bool,
        row: u64,
        page: &mut Page,
    ) -> Result<(), Refusal> {
        let mut reading = RowReading { lenient, row, notes: &mut page.notes };
        let cloud_account = need("cloud_account", self.cloud_account)?;
        let cloud_account = fields::id_within("cloud_account", cloud_account, COMPOSED_ID_BYTES_MAX)?;
        let billing_account = match self.billing_account {
            Some(text) => fields::id("billing_account", text)?,
            None => cloud_account,
        };
        let source = need("source", self.source.or(source))?;
        let amount = match self.amount? {
            Some(text) => reading.amount("amount", &text)?,
            None => return missing("amount"),
        };
        let period_start = match (self.charge_period_start, self.occurred_at) {
            (Some(_), Some(_)) => {
                return refuse(code::MALFORMED_ROW, "charge_period_start and occurred_at: give one of them");
            }
            (Some(Time::Instant(instant)), None) | (None, Some(Time::Instant(instant))) => instant,
            (Some(Time::Text(text)), None) => {
                reading.time("charge_period_start", text, times::any_offset)?.instant
            }
            (None, Some(Time::Text(text))) => reading.time("occurred_at", text, times::any_offset)?.instant,
            (None, None) => return missing("occurred_at"),
        };
        let category = match self.category {
            Some(text) => reading.category("category", text)?,
            None => Category::default(),
        };
        let correction = match self.class {
            Some(text) => reading.correction("class", text, "correction")?,
            None => false,
        };
        let quantity = match self.quantity? {
            Some(text) => reading.quantity("quantity", &text)?,
            None => None,
        };
        let description = match self.description {
            Some(text) => reading.description("description", text)?,
            None => "",
        };
        let tags = match self.tags {
            Tags::Absent => "",
            Tags::Json(text) => reading.tags("tags", text)?,
            Tags::Object(text) => reading.description("tags", text)?,
            Tags::Wrong(why) => reading.drop_field(code::INVALID_TAGS, why).map(|()| "")?,
        };
        let charge = Charge {
            cloud_account,
            source: fields::id("source", source)?,
            id: fields::id("id", need("id", self.id)?)?,
            amount,
            currency: fields::currency("currency", need("currency", self.currency)?)?,
            period_start,
            billing_cycle: self.billing_cycle.map(cycle).transpose()?,
            category,
            correction,
            service: label("service", self.service)?,
            sku: label("sku", self.sku)?,
            quantity,
            unit: label("unit", self.unit)?,
            description,
            tags,
            import_row: 0,
        };
        page.push(row, &charge, billing_account);
        Ok(())
    }
}

fn need<'t>(name: &str, text: Option<&'t str>) -> Result<&'t str, Refusal> {
    text.map_or_else(|| missing(name), Ok)
}

fn label<'t>(name: &str, text: Option<&'t str>) -> Result<&'t str, Refusal> {
    text.map_or(Ok(""), |text| fields::label(name, text))
}

fn cycle(text: &str) -> Result<Cycle, Refusal> {
    match Cycle::parse(text) {
        Some(cycle) => Ok(cycle),
        None => refuse(code::INVALID_CYCLE, format!("billing_cycle `{}` is not YYYY-MM", shown(text))),
    }
}
