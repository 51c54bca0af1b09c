//! One MessagePack record becomes the fields of a charge: texts are borrowed from it, tags become JSON.

use std::borrow::Cow;
use std::fmt;

use rmp_serde::decode::Error;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::charge_fields::{ChargeFields, Number, Tags, Time};
use super::code;
use super::fields::{Refusal, refuse};
use super::msgpack_tags::{FoundTags, TagsSeed};
use super::times::read_extension;
use crate::limits::NESTING_MAX;

/// What the elements of a record that is an array are. Trailing ones may be left off, and nil stands for an absent one.
///
/// The time is the start of the charge period, or the instant of occurrence.
pub const ARRAY_ORDER: [&str; 16] = [
    "cloud_account",
    "source",
    "id",
    "amount",
    "currency",
    "occurred_at",
    "billing_cycle",
    "category",
    "class",
    "service",
    "sku",
    "quantity",
    "unit",
    "description",
    "tags",
    "billing_account",
];

/// Decodes records; keeps the memory for the text of tags.
#[derive(Default)]
pub(super) struct Decoder {
    tags: Vec<u8>,
}

impl Decoder {
    /// The fields of a record, which is a whole map or array. An error of type is one of the whole record, unless it
    /// is in a number or in the tags.
    pub(super) fn decode<'a>(&'a mut self, record: &'a [u8]) -> Result<ChargeFields<'a>, Refusal> {
        self.tags.clear();
        let mut reading = Reading {
            fields: ChargeFields::NONE,
            seen: 0,
            tags: FoundTags::Absent,
            text: &mut self.tags,
            field: None,
        };
        let mut deserializer = rmp_serde::Deserializer::from_read_ref(record);
        deserializer.set_max_depth(NESTING_MAX + 1);
        if let Err(fault) = deserializer.deserialize_any(&mut reading) {
            return Err(refusal(&fault, reading.field));
        }
        let Reading { mut fields, tags, .. } = reading;
        fields.tags = match tags {
            FoundTags::Absent => Tags::Absent,
            FoundTags::Written => {
                let text = str::from_utf8(&self.tags).expect("invariant: JSON is written as UTF-8");
                if text.starts_with('{') { Tags::Object(text) } else { Tags::Json(text) }
            }
            FoundTags::Wrong(why) => Tags::Wrong(why),
        };
        Ok(fields)
    }
}

fn refusal(fault: &Error, field: Option<&str>) -> Refusal {
    let (code, detail) = match fault {
        Error::Utf8Error(fault) => {
            (code::INVALID_UTF8, format!("byte {} of a string is not UTF-8", fault.valid_up_to() + 1))
        }
        Error::Syntax(detail) if detail.starts_with("duplicate field") => {
            return Refusal { code: code::DUPLICATE_FIELD, detail: detail.clone() };
        }
        Error::Syntax(detail) => (code::INVALID_TYPE, detail.replace("newtype struct", "extension")),
        Error::LengthMismatch(_) => {
            let detail = format!("the array has more than {} elements", ARRAY_ORDER.len());
            return Refusal { code: code::MALFORMED_ROW, detail };
        }
        Error::DepthLimitExceeded => {
            (code::MALFORMED_ROW, format!("arrays or maps lie more than {NESTING_MAX} deep in each other"))
        }
        fault => (code::MALFORMED_ROW, fault.to_string()),
    };
    let detail = match field {
        Some(field) => format!("{field}: {detail}"),
        None => detail,
    };
    Refusal { code, detail }
}

/// A record on its way.
struct Reading<'de, 't> {
    fields: ChargeFields<'de>,
    /// A bit for each field that a map has named.
    seen: u32,
    tags: FoundTags,
    text: &'t mut Vec<u8>,
    /// The field at hand.
    field: Option<&'static str>,
}

impl<'de> Visitor<'de> for &mut Reading<'de, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map or an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        for field in Field::IN_ARRAY {
            self.field = Some(field.name());
            if elements.next_element_seed(FieldSeed { reading: self, field })?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(Key(field)) = entries.next_key()? {
            let Some(field) = field else {
                entries.next_value::<IgnoredAny>()?;
                continue;
            };
            let bit = 1 << field as u32;
            if self.seen & bit != 0 {
                return Err(serde::de::Error::duplicate_field(field.name()));
            }
            self.seen |= bit;
            self.field = Some(field.name());
            entries.next_value_seed(FieldSeed { reading: self, field })?;
            self.field = None;
        }
        Ok(())
    }
}

/// A field, in the order of an array.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Field {
    CloudAccount,
    Source,
    Id,
    Amount,
    Currency,
    OccurredAt,
    BillingCycle,
    Category,
    Class,
    Service,
    Sku,
    Quantity,
    Unit,
    Description,
    Tags,
    BillingAccount,
    ChargePeriodStart,
}

impl Field {
    /// The fields of an array.
    const IN_ARRAY: [Self; ARRAY_ORDER.len()] = [
        Self::CloudAccount,
        Self::Source,
        Self::Id,
        Self::Amount,
        Self::Currency,
        Self::OccurredAt,
        Self::BillingCycle,
        Self::Category,
        Self::Class,
        Self::Service,
        Self::Sku,
        Self::Quantity,
        Self::Unit,
        Self::Description,
        Self::Tags,
        Self::BillingAccount,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::ChargePeriodStart => "charge_period_start",
            field => ARRAY_ORDER[field as usize],
        }
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "cloud_account" => Self::CloudAccount,
            "source" => Self::Source,
            "id" => Self::Id,
            "amount" => Self::Amount,
            "currency" => Self::Currency,
            "occurred_at" => Self::OccurredAt,
            "billing_cycle" => Self::BillingCycle,
            "category" => Self::Category,
            "class" => Self::Class,
            "service" => Self::Service,
            "sku" => Self::Sku,
            "quantity" => Self::Quantity,
            "unit" => Self::Unit,
            "description" => Self::Description,
            "tags" => Self::Tags,
            "billing_account" => Self::BillingAccount,
            "charge_period_start" => Self::ChargePeriodStart,
            _ => return None,
        })
    }
}

/// The name of a field, if a charge has it.
struct Key(Option<Field>);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl Visitor<'_> for KeyVisitor {
            type Value = Key;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the name of a field")
            }
            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Key, E> {
                Ok(Key(Field::named(name)))
            }
        }
        deserializer.deserialize_any(KeyVisitor)
    }
}

/// Reads the value of a field into its place.
struct FieldSeed<'r, 'de, 't> {
    reading: &'r mut Reading<'de, 't>,
    field: Field,
}

impl<'de> DeserializeSeed<'de> for FieldSeed<'_, 'de, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let fields = &mut self.reading.fields;
        let text = match self.field {
            Field::Amount => {
                fields.amount = deserializer.deserialize_any(NumberVisitor("amount"))?;
                return Ok(());
            }
            Field::Quantity => {
                fields.quantity = deserializer.deserialize_any(NumberVisitor("quantity"))?;
                return Ok(());
            }
            Field::OccurredAt => {
                fields.occurred_at = deserializer.deserialize_any(TimeVisitor)?;
                return Ok(());
            }
            Field::ChargePeriodStart => {
                fields.charge_period_start = deserializer.deserialize_any(TimeVisitor)?;
                return Ok(());
            }
            Field::Tags => {
                self.reading.tags = TagsSeed(&mut *self.reading.text).deserialize(deserializer)?;
                return Ok(());
            }
            Field::CloudAccount => &mut fields.cloud_account,
            Field::Source => &mut fields.source,
            Field::Id => &mut fields.id,
            Field::Currency => &mut fields.currency,
            Field::BillingCycle => &mut fields.billing_cycle,
            Field::Category => &mut fields.category,
            Field::Class => &mut fields.class,
            Field::Service => &mut fields.service,
            Field::Sku => &mut fields.sku,
            Field::Unit => &mut fields.unit,
            Field::Description => &mut fields.description,
            Field::BillingAccount => &mut fields.billing_account,
        };
        *text = deserializer.deserialize_any(TextVisitor)?;
        Ok(())
    }
}

/// A string or nil.
struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Option<&'de str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(text))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// A string, a timestamp or nil.
struct TimeVisitor;

impl<'de> Visitor<'de> for TimeVisitor {
    type Value = Option<Time<'de>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a time as a string, or a timestamp")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Time::Text(text)))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    /// An extension.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let (kind, data) = <(i8, &[u8])>::deserialize(deserializer)?;
        let instant = read_extension(kind, data);
        let instant = instant.ok_or_else(|| {
            let detail = format!("an extension of type {kind} with {} bytes is no timestamp", data.len());
            serde::de::Error::custom(detail)
        })?;
        Ok(Some(Time::Instant(instant)))
    }
}

/// A number as a string or an integer; never a binary float (rule B4).
struct NumberVisitor(&'static str);

impl NumberVisitor {
    fn wrong<T>(&self) -> Result<T, Refusal> {
        refuse(code::INVALID_TYPE, format!("{} is neither a string nor an integer", self.0))
    }
}

impl<'de> Visitor<'de> for NumberVisitor {
    type Value = Number<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number as a string, or an integer")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Ok(Some(Cow::Borrowed(text))))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(Ok(None))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Ok(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Ok(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Self::Value, E> {
        let detail =
            format!("{} {number} is a binary float, which is not exact: write it as a string", self.0);
        Ok(refuse(code::INVALID_TYPE, detail))
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(self.wrong())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<Self::Value, A::Error> {
        IgnoredAny.visit_seq(elements)?;
        Ok(self.wrong())
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
        IgnoredAny.visit_map(entries)?;
        Ok(self.wrong())
    }
}
