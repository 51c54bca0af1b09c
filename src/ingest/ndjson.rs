//! NDJSON: one charge of `post_charges` a line (rules C1, C7).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use memchr::memchr;
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};
use serde_json::error::Category as JsonFault;
use serde_json::value::RawValue;

use super::charge_fields::{ChargeFields, Number, Tags, Time};
use super::fields::{Refusal, refuse, shown};
use super::page::RowFault;
use super::records::{RowFormat, Scanner};
use super::{Page, code};
use crate::limits::ROW_BYTES_MAX;

/// The lines of an NDJSON input.
pub(super) struct Ndjson {
    source: Option<String>,
    lenient: bool,
    lines: u64,
}

/// Text that borrows from the line unless it has escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }
            fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

/// A line. Numbers are kept as they are written: no float ever holds one (rule B4). Other fields are ignored.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    cloud_account: Option<Text<'a>>,
    #[serde(borrow)]
    billing_account: Option<Text<'a>>,
    #[serde(borrow)]
    source: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    amount: Option<&'a RawValue>,
    #[serde(borrow)]
    currency: Option<Text<'a>>,
    #[serde(borrow)]
    occurred_at: Option<Text<'a>>,
    #[serde(borrow)]
    charge_period_start: Option<Text<'a>>,
    #[serde(borrow)]
    billing_cycle: Option<Text<'a>>,
    #[serde(borrow)]
    category: Option<Text<'a>>,
    #[serde(borrow)]
    class: Option<Text<'a>>,
    #[serde(borrow)]
    service: Option<Text<'a>>,
    #[serde(borrow)]
    sku: Option<Text<'a>>,
    #[serde(borrow)]
    quantity: Option<&'a RawValue>,
    #[serde(borrow)]
    unit: Option<Text<'a>>,
    #[serde(borrow)]
    description: Option<Text<'a>>,
    #[serde(borrow)]
    tags: Option<&'a RawValue>,
}

impl Line<'_> {
    fn fields(&self) -> ChargeFields<'_> {
        ChargeFields {
            cloud_account: text(self.cloud_account.as_ref()),
            billing_account: text(self.billing_account.as_ref()),
            source: text(self.source.as_ref()),
            id: text(self.id.as_ref()),
            amount: scalar("amount", self.amount),
            currency: text(self.currency.as_ref()),
            occurred_at: text(self.occurred_at.as_ref()).map(Time::Text),
            charge_period_start: text(self.charge_period_start.as_ref()).map(Time::Text),
            billing_cycle: text(self.billing_cycle.as_ref()),
            category: text(self.category.as_ref()),
            class: text(self.class.as_ref()),
            service: text(self.service.as_ref()),
            sku: text(self.sku.as_ref()),
            quantity: scalar("quantity", self.quantity),
            unit: text(self.unit.as_ref()),
            description: text(self.description.as_ref()),
            tags: self.tags.map_or(Tags::Absent, |tags| Tags::Json(tags.get())),
        }
    }
}

/// The fields of a charge.
const FIELDS: [&str; 17] = [
    "cloud_account",
    "billing_account",
    "source",
    "id",
    "amount",
    "currency",
    "occurred_at",
    "charge_period_start",
    "billing_cycle",
    "category",
    "class",
    "service",
    "sku",
    "quantity",
    "unit",
    "description",
    "tags",
];

/// Reads one charge of `post_charges` into the page, strictly, as its row `row`; what is no charge is refused there.
///
/// Unlike a line of a file, it may have no field that is unknown.
pub fn read_charge(json: &str, row: u64, page: &mut Page) {
    let reader = Ndjson { source: None, lenient: false, lines: row };
    let names: Result<BTreeMap<String, &RawValue>, _> = serde_json::from_str(json);
    let unknown =
        names.ok().and_then(|names| names.keys().find(|name| !FIELDS.contains(&name.as_str())).cloned());
    let taken = match unknown {
        Some(name) => refuse(code::UNKNOWN_FIELD, format!("a charge has no field `{}`", shown(&name))),
        None => reader.take(json.as_bytes(), page),
    };
    if let Err(refusal) = taken {
        reader.refuse(refusal, page);
    }
}

impl Ndjson {
    pub(super) fn new(lenient: bool, source: Option<&str>) -> Self {
        Self { source: source.map(str::to_owned), lenient, lines: 0 }
    }

    fn take(&self, record: &[u8], page: &mut Page) -> Result<(), Refusal> {
        let line = parse(record)?;
        line.fields().push(self.source.as_deref(), self.lenient, self.lines, page)
    }

    fn refuse(&self, refusal: Refusal, page: &mut Page) {
        page.refused.push(RowFault { row: self.lines, code: refusal.code, detail: refusal.detail });
    }
}

fn parse(record: &[u8]) -> Result<Line<'_>, Refusal> {
    let text = match str::from_utf8(record) {
        Ok(text) => text,
        Err(fault) => {
            return refuse(
                code::INVALID_UTF8,
                format!("byte {} of the line is not UTF-8", fault.valid_up_to() + 1),
            );
        }
    };
    // serde would also take an array of the fields in their order.
    if !text.trim_ascii_start().starts_with('{') {
        return refuse(code::MALFORMED_ROW, format!("`{}` is not a JSON object", shown(text)));
    }
    serde_json::from_str(text).map_err(|fault| {
        let detail = fault.to_string();
        let code = match fault.classify() {
            JsonFault::Data if detail.starts_with("duplicate field") => code::DUPLICATE_FIELD,
            JsonFault::Data => code::INVALID_TYPE,
            _ => code::MALFORMED_ROW,
        };
        // The parser sees one line only, so that its line number would mislead.
        Refusal { code, detail: detail.replace(" at line 1 column ", " at byte ") }
    })
}

fn text<'t>(text: Option<&'t Text<'_>>) -> Option<&'t str> {
    text.map(|Text(text)| text.as_ref())
}

/// The text of a string or of a number.
fn scalar<'a>(name: &str, value: Option<&'a RawValue>) -> Number<'a> {
    let Some(raw) = value.map(RawValue::get) else { return Ok(None) };
    match raw.as_bytes().first() {
        Some(b'"') => match serde_json::from_str::<Text<'a>>(raw) {
            Ok(Text(text)) => Ok(Some(text)),
            Err(fault) => refuse(code::MALFORMED_ROW, format!("{name}: {fault}")),
        },
        Some(b'-' | b'0'..=b'9') => Ok(Some(Cow::Borrowed(raw))),
        _ => refuse(code::INVALID_TYPE, format!("{name} `{}` is neither a string nor a number", shown(raw))),
    }
}

impl Scanner for Ndjson {
    fn scan(&mut self, bytes: &[u8]) -> Option<usize> {
        memchr(b'\n', bytes)
    }
}

impl RowFormat for Ndjson {
    fn scanner(&mut self) -> &mut dyn Scanner {
        self
    }

    fn read(&mut self, record: &[u8], page: &mut Page) {
        self.lines += 1;
        if record.trim_ascii().is_empty() {
            return;
        }
        let notes = page.notes.len();
        if let Err(refusal) = self.take(record, page) {
            page.notes.truncate(notes);
            self.refuse(refusal, page);
        }
    }

    fn pass_over(&mut self, bytes: u64, page: &mut Page) {
        self.lines += 1;
        let detail = format!("the line has {bytes} bytes, {ROW_BYTES_MAX} are allowed");
        self.refuse(Refusal { code: code::ROW_TOO_LONG, detail }, page);
    }

    fn rows(&self) -> u64 {
        self.lines
    }
}
