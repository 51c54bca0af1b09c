//! One JSON object taken apart: every field is asked for once, and none may be left over.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Problem;
use super::bills::RATE_FORM;
use crate::domain::billing::rate::Rate;
use crate::domain::money::{Amount, AmountFault};
use crate::domain::refusals::Refusal;
use crate::domain::time::Timestamp;
use crate::engine::EngineError;

/// The fields that have not been asked for yet, as they are written.
pub(super) struct Fields<'a> {
    fields: Vec<(Cow<'a, str>, &'a RawValue)>,
}

/// An object in the order of its fields; equal names stay apart.
struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// A name that borrows from the text unless it has escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Object<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
                    fields.push((name, value));
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(ObjectVisitor)
    }
}

/// A request that is not well-formed.
pub(super) fn invalid<T>(field: impl Into<String>, detail: impl Into<String>) -> Result<T, Problem> {
    Err(Problem::Invalid { field: field.into(), detail: detail.into() })
}

impl<'a> Fields<'a> {
    /// Reads an object.
    pub(super) fn read(json: &'a str) -> Result<Self, Problem> {
        let Object(fields) = match serde_json::from_str(json) {
            Ok(object) => object,
            // The parser sees one line only, so that its line number would mislead.
            Err(fault) => {
                return invalid("json", fault.to_string().replace(" at line 1 column ", " at byte "));
            }
        };
        let mut names = HashSet::with_capacity(fields.len());
        if let Some((name, _)) = fields.iter().find(|(name, _)| !names.insert(&**name)) {
            return invalid(&**name, "the field is given twice");
        }
        drop(names);
        Ok(Self { fields })
    }

    /// A field as it is written; `null` is as good as absent.
    pub(super) fn raw(&mut self, name: &str) -> Option<&'a RawValue> {
        let place = self.fields.iter().position(|(field, _)| field == name)?;
        Some(self.fields.swap_remove(place).1).filter(|value| value.get() != "null")
    }

    /// A field of any type that JSON knows.
    fn value<T: Deserialize<'a>>(&mut self, name: &str, what: &str) -> Result<Option<T>, Problem> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        serde_json::from_str(raw.get()).map(Some).or_else(|_| invalid(name, format!("give {what}")))
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Problem> {
        self.value(name, "a string")
    }

    pub(super) fn need_text(&mut self, name: &str) -> Result<String, Problem> {
        need(name, self.text(name)?)
    }

    pub(super) fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>, Problem> {
        self.value(name, "an array of strings")
    }

    pub(super) fn boolean(&mut self, name: &str) -> Result<Option<bool>, Problem> {
        self.value(name, "true or false")
    }

    pub(super) fn whole<T: Deserialize<'a>>(&mut self, name: &str) -> Result<Option<T>, Problem> {
        self.value(name, "a whole number, not negative and not too large")
    }

    /// Where the next page begins: what `next` of the page before said.
    pub(super) fn next<T: std::str::FromStr>(&mut self) -> Result<Option<T>, Problem> {
        match self.text("next")? {
            Some(text) => {
                text.parse().map(Some).or_else(|_| invalid("next", "give what the answer before said"))
            }
            None => Ok(None),
        }
    }

    /// A field whose text `read` understands.
    pub(super) fn read_as<T>(
        &mut self,
        name: &str,
        what: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.value::<String>(name, what)? else { return Ok(None) };
        read(&text).map(Some).map_or_else(|| invalid(name, format!("`{text}`: give {what}")), Ok)
    }

    pub(super) fn time(&mut self, name: &str) -> Result<Option<Timestamp>, Problem> {
        self.read_as(name, "an RFC 3339 time such as 2026-05-01T00:00:00Z", Timestamp::parse)
    }

    /// Whether a field is there and not `null`.
    pub(super) fn is_given(&self, name: &str) -> bool {
        self.fields.iter().any(|(field, value)| field == name && value.get() != "null")
    }

    /// Takes a field under another name, in place of what has that name.
    pub(super) fn rename(&mut self, name: &str, new: &'static str) {
        self.fields.retain(|(field, _)| field != new);
        for (field, _) in &mut self.fields {
            if field == name {
                *field = Cow::Borrowed(new);
            }
        }
    }

    /// An amount: a string, or a number that is read from its text (rule B4).
    pub(super) fn amount(&mut self, name: &str) -> Result<Amount, Problem> {
        need(name, self.optional_amount(name)?)
    }

    /// An amount that may be absent.
    pub(super) fn optional_amount(&mut self, name: &str) -> Result<Option<Amount>, Problem> {
        let Some(text) = self.decimal(name)? else { return Ok(None) };
        let refused = |refusal| Err(EngineError::refused(refusal, format!("`{name}` `{text}`")).into());
        match Amount::parse(&text) {
            Ok(amount) => Ok(Some(amount)),
            Err(AmountFault::NotANumber) => invalid(name, format!("`{text}` is not a decimal number")),
            Err(AmountFault::TooPrecise) => refused(Refusal::AmountTooPrecise),
            Err(AmountFault::Overflow) => refused(Refusal::AmountOverflow),
        }
    }

    /// A rate: a string, or a number that is read from its text.
    pub(super) fn rate(&mut self, name: &str) -> Result<Rate, Problem> {
        let text = need(name, self.decimal(name)?)?;
        Rate::parse(&text).map_or_else(|| invalid(name, format!("`{text}`: give {RATE_FORM}")), Ok)
    }

    /// The text of a decimal number.
    fn decimal(&mut self, name: &str) -> Result<Option<Cow<'a, str>>, Problem> {
        let Some(raw) = self.raw(name).map(RawValue::get) else { return Ok(None) };
        let text = match raw.as_bytes().first() {
            Some(b'"') => serde_json::from_str::<Name<'_>>(raw).ok().map(|Name(text)| text),
            Some(b'-' | b'0'..=b'9') => Some(Cow::Borrowed(raw)),
            _ => None,
        };
        text.map_or_else(|| invalid(name, "give a decimal number, best as a string"), |text| Ok(Some(text)))
    }

    /// An array of objects; what `read` leaves over of each is refused.
    pub(super) fn objects<T>(
        &mut self,
        name: &str,
        read: impl Fn(&mut Fields<'_>) -> Result<T, Problem>,
    ) -> Result<Option<Vec<T>>, Problem> {
        let Some(items) = self.value::<Vec<&RawValue>>(name, "an array of objects")? else { return Ok(None) };
        let item = |item: &&RawValue| {
            let mut fields = Fields::read(item.get())?;
            let read = read(&mut fields)?;
            fields.finish()?;
            Ok(read)
        };
        items.iter().map(item).collect::<Result<_, _>>().map(Some)
    }

    /// Nothing else may be there: a misspelt field must not be lost.
    pub(super) fn finish(self) -> Result<(), Problem> {
        match self.fields.first() {
            None => Ok(()),
            Some((name, _)) => invalid(&**name, "no such field here"),
        }
    }
}

/// A field that can't be done without.
pub(super) fn need<T>(name: &str, value: Option<T>) -> Result<T, Problem> {
    value.map_or_else(|| invalid(name, "the field is missing"), Ok)
}
