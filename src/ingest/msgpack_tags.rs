//! Tags of a MessagePack record, written as the JSON object that an NDJSON line would have.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What stands in the place of the tags.
pub(super) enum FoundTags {
    /// Nothing, or nil.
    Absent,
    /// Something that JSON can say; it was written, whether or not it is an object.
    Written,
    /// Something that no JSON object can be made of, and why.
    Wrong(String),
}

/// Writes the tags to the text, which is empty.
pub(super) struct TagsSeed<'t>(pub(super) &'t mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for TagsSeed<'_> {
    type Value = FoundTags;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<FoundTags, D::Error> {
        let mut writer = Writer { text: self.0, wrong: None };
        deserializer.deserialize_any(&mut writer)?;
        Ok(match (writer.wrong, writer.text.as_slice()) {
            (None, b"null") => FoundTags::Absent,
            (None, _) => FoundTags::Written,
            (Some(what), _) => {
                FoundTags::Wrong(format!("tags hold {what}, which JSON has not or not exactly"))
            }
        })
    }
}

/// Writes a value as JSON; after something that JSON can't say, the text means nothing.
struct Writer<'t> {
    text: &'t mut Vec<u8>,
    wrong: Option<&'static str>,
}

impl Writer<'_> {
    fn write<E: serde::de::Error>(&mut self, value: impl serde::Serialize) -> Result<(), E> {
        serde_json::to_writer(&mut *self.text, &value).map_err(E::custom)
    }
}

impl<'de> DeserializeSeed<'de> for &mut Writer<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Writer<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("tags")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.write(text)
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<(), E> {
        self.write(number)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<(), E> {
        self.write(number)
    }

    fn visit_bool<E: serde::de::Error>(self, truth: bool) -> Result<(), E> {
        self.write(truth)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.write(())
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.wrong = Some("a binary float");
        Ok(())
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<(), E> {
        // A string that is not UTF-8 comes as bytes too.
        if str::from_utf8(bytes).is_err() {
            return Err(E::custom("not UTF-8"));
        }
        self.wrong = Some("binary data");
        Ok(())
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.wrong = Some("an extension");
        IgnoredAny::deserialize(deserializer).map(drop)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        self.text.push(b'[');
        let mut first = true;
        loop {
            let end = self.text.len();
            if !first {
                self.text.push(b',');
            }
            if elements.next_element_seed(&mut *self)?.is_none() {
                self.text.truncate(end);
                break;
            }
            first = false;
        }
        self.text.push(b']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        self.text.push(b'{');
        let mut first = true;
        loop {
            let end = self.text.len();
            if !first {
                self.text.push(b',');
            }
            let key = self.text.len();
            if entries.next_key_seed(&mut *self)?.is_none() {
                self.text.truncate(end);
                break;
            }
            if self.text.get(key) != Some(&b'"') {
                self.wrong = Some("a key that is not a string");
            }
            self.text.push(b':');
            entries.next_value_seed(&mut *self)?;
            first = false;
        }
        self.text.push(b'}');
        Ok(())
    }
}
