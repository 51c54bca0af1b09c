//! The fields of a charge, whatever file they come from: what is read, refused, or read leniently.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde::de::IgnoredAny;

use super::code;
use super::page::RowNote;
use super::times::{Form, Reading, read_time};
use crate::domain::charge::Category;
use crate::domain::money::{Amount, AmountFault, parse_decimal};
use crate::limits::{ID_BYTES_MAX, LABEL_BYTES_MAX, TEXT_BYTES_MAX};

/// Bytes of a currency code; ISO 4217 has three, virtual currencies have names.
const CURRENCY_BYTES_MAX: usize = 32;

/// Characters of an offending value that a message shows.
const SHOWN_CHARS_MAX: usize = 60;

/// Why a row is refused.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) detail: String,
}

/// A refusal with that code and reason.
pub(super) fn refuse<T>(code: &'static str, detail: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { code, detail: detail.into() })
}

/// The value as a message shows it: bounded, and without control characters.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

/// A kind of charge, as a format spells it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    text: &'static str,
    pub(super) category: Category,
    /// Whether it corrects what was billed before.
    pub(super) correction: bool,
}

/// A kind of charge.
pub(super) const fn kind(text: &'static str, category: Category) -> Kind {
    Kind { text, category, correction: false }
}

/// A kind of charge that corrects what was billed before.
pub(super) const fn correcting(text: &'static str, category: Category) -> Kind {
    Kind { text, category, correction: true }
}

/// The categories by our own names.
const OWN_KINDS: [Kind; 5] = [
    kind("usage", Category::Usage),
    kind("purchase", Category::Purchase),
    kind("tax", Category::Tax),
    kind("credit", Category::Credit),
    kind("adjustment", Category::Adjustment),
];

/// How one row is read, and what there is to note about it.
pub(super) struct RowReading<'a> {
    pub(super) lenient: bool,
    pub(super) row: u64,
    pub(super) notes: &'a mut Vec<RowNote>,
}

impl RowReading<'_> {
    /// Notes a lenient reading.
    pub(super) fn note(&mut self, code: &'static str, detail: impl Into<Cow<'static, str>>) {
        self.notes.push(RowNote { row: self.row, code, detail: detail.into() });
    }

    /// In strict mode refuses the row; in lenient mode notes that the optional field is left out.
    pub(super) fn drop_field(&mut self, code: &'static str, detail: String) -> Result<(), Refusal> {
        if !self.lenient {
            return refuse(code, detail);
        }
        self.note(code::FIELD_DROPPED, detail);
        Ok(())
    }

    /// A cost: exact, or in lenient mode cleaned and shortened.
    pub(super) fn amount(&mut self, name: &str, text: &str) -> Result<Amount, Refusal> {
        match Amount::parse(text) {
            Ok(amount) => Ok(amount),
            Err(fault) if !self.lenient => refuse_amount(name, text, fault),
            Err(_) => self.lenient_amount(name, text),
        }
    }

    fn lenient_amount(&mut self, name: &str, text: &str) -> Result<Amount, Refusal> {
        let plain = clean_number(text);
        let (amount, shortened) = match Amount::parse_half_even(plain.as_deref().unwrap_or(text)) {
            Ok(read) => read,
            Err(fault) => return refuse_amount(name, text, fault),
        };
        if plain.is_some() {
            self.note(code::AMOUNT_CLEANED, format!("{name} `{}` was read as {amount}", shown(text)));
        }
        if shortened {
            self.note(code::AMOUNT_SHORTENED, format!("{name} `{}` was rounded to {amount}", shown(text)));
        }
        Ok(amount)
    }

    /// A quantity, which is kept exactly or not at all.
    pub(super) fn quantity(&mut self, name: &str, text: &str) -> Result<Option<Decimal>, Refusal> {
        if let Ok(quantity) = parse_decimal(text) {
            return Ok(Some(quantity));
        }
        if self.lenient
            && let Some(quantity) = clean_number(text).and_then(|plain| parse_decimal(&plain).ok())
        {
            return Ok(Some(quantity));
        }
        let detail = format!("{name} `{}` is no decimal number that can be held exactly", shown(text));
        self.drop_field(code::INVALID_QUANTITY, detail).map(|()| None)
    }

    /// A time; `takes` tells which forms the format prescribes.
    pub(super) fn time(
        &mut self,
        name: &str,
        text: &str,
        takes: fn(&str, Form) -> bool,
    ) -> Result<Reading, Refusal> {
        let read = read_time(if self.lenient { text.trim() } else { text });
        let Some(read) = read else {
            return refuse(code::INVALID_TIME, format!("{name} `{}` is not a time", shown(text)));
        };
        match read.form {
            form if takes(text, form) => {}
            Form::Offset if self.lenient => {
                self.note(code::TIME_ASSUMED, format!("{name} is not in UTC: its offset was applied"));
            }
            Form::Assumed(what) if self.lenient => self.note(code::TIME_ASSUMED, what),
            Form::Utc | Form::Offset | Form::Assumed(_) => {
                let detail = format!("{name} `{}` is not in the form 2026-05-01T00:00:00Z", shown(text));
                return refuse(code::INVALID_TIME, detail);
            }
        }
        Ok(read)
    }

    /// A kind of charge, as a format spells it; lenient reading also takes another letter case, and the unknown for usage.
    pub(super) fn kind(&mut self, name: &str, text: &str, kinds: &[Kind]) -> Result<Kind, Refusal> {
        if let Some(kind) = kinds.iter().find(|kind| kind.text == text) {
            return Ok(*kind);
        }
        if !self.lenient {
            let known: Vec<_> = kinds.iter().map(|kind| kind.text).collect();
            let detail = format!("{name} `{}` is none of {}", shown(text), known.join(", "));
            return refuse(code::INVALID_CATEGORY, detail);
        }
        let alike = kinds.iter().find(|kind| kind.text.eq_ignore_ascii_case(text.trim()));
        let read = alike.copied().unwrap_or(kind("", Category::Usage));
        let detail = format!("{name} `{}` was read as {}", shown(text), read.category.name());
        self.note(code::CATEGORY_ASSUMED, detail);
        Ok(read)
    }

    /// A category by our own names, in any letter case.
    pub(super) fn category(&mut self, name: &str, text: &str) -> Result<Category, Refusal> {
        match Category::parse(text) {
            Some(category) => Ok(category),
            None => self.kind(name, text, &OWN_KINDS).map(|kind| kind.category),
        }
    }

    /// A class; `exact` is the one spelling that strict mode takes.
    pub(super) fn correction(&mut self, name: &str, text: &str, exact: &str) -> Result<bool, Refusal> {
        if text == exact || self.lenient && text.trim().eq_ignore_ascii_case(exact) {
            return Ok(true);
        }
        let detail = format!("{name} `{}` is neither null nor `{exact}`", shown(text));
        self.drop_field(code::INVALID_CLASS, detail).map(|()| false)
    }

    /// Words for people: too long ones are refused or left out, never shortened.
    pub(super) fn description<'t>(&mut self, name: &str, text: &'t str) -> Result<&'t str, Refusal> {
        if text.len() <= TEXT_BYTES_MAX {
            return Ok(text);
        }
        self.drop_field(code::FIELD_TOO_LONG, too_long(name, text, TEXT_BYTES_MAX)).map(|()| "")
    }

    /// Tags: the text of a JSON object.
    pub(super) fn tags<'t>(&mut self, name: &str, text: &'t str) -> Result<&'t str, Refusal> {
        if text.len() > TEXT_BYTES_MAX {
            return self.description(name, text);
        }
        if text.trim_ascii_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok() {
            return Ok(text);
        }
        let detail = format!("{name} `{}` is not a JSON object", shown(text));
        self.drop_field(code::INVALID_TAGS, detail).map(|()| "")
    }
}

/// A service, sku or unit.
pub(super) fn label<'t>(name: &str, text: &'t str) -> Result<&'t str, Refusal> {
    if text.len() > LABEL_BYTES_MAX {
        return refuse(code::FIELD_TOO_LONG, too_long(name, text, LABEL_BYTES_MAX));
    }
    Ok(text)
}

/// A user's id (rule A7).
pub(super) fn id<'t>(name: &str, text: &'t str) -> Result<&'t str, Refusal> {
    id_within(name, text, ID_BYTES_MAX)
}

/// A user's id of at most that many bytes.
pub(super) fn id_within<'t>(name: &str, text: &'t str, bytes_max: usize) -> Result<&'t str, Refusal> {
    if text.is_empty() {
        return missing(name);
    }
    if text.len() > bytes_max {
        return refuse(code::INVALID_ID, too_long(name, text, bytes_max));
    }
    // To the end, whatever is found: that takes many bytes at a time.
    let plain = text.bytes().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'));
    if !plain && text.chars().any(char::is_control) {
        return refuse(code::INVALID_ID, format!("{name} `{}` holds a control character", shown(text)));
    }
    Ok(text)
}

/// A currency code.
pub(super) fn currency<'t>(name: &str, text: &'t str) -> Result<&'t str, Refusal> {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-. ".contains(&byte));
    if plain && text.len() <= CURRENCY_BYTES_MAX && text.trim_ascii() == text {
        return Ok(text);
    }
    refuse(code::INVALID_CURRENCY, format!("{name} `{}` is not a currency code", shown(text)))
}

/// A mandatory field that is absent.
pub(super) fn missing<T>(name: &str) -> Result<T, Refusal> {
    refuse(code::MISSING_FIELD, format!("`{name}` is absent or null"))
}

fn too_long(name: &str, text: &str, bytes_max: usize) -> String {
    format!("{name} has {} bytes, {bytes_max} are allowed", text.len())
}

fn refuse_amount<T>(name: &str, text: &str, fault: AmountFault) -> Result<T, Refusal> {
    let code = match fault {
        AmountFault::NotANumber => code::INVALID_AMOUNT,
        AmountFault::TooPrecise => code::AMOUNT_TOO_PRECISE,
        AmountFault::Overflow => code::AMOUNT_OVERFLOW,
    };
    refuse(code, format!("{name} `{}`: {fault}", shown(text)))
}

/// A number as spreadsheets write it (`"$1,234.50 "`, `(5.00)`), made plain; `None` where there is nothing to clean, or
/// where it is not clear what is meant (`1,5`).
fn clean_number(text: &str) -> Option<String> {
    let trimmed = text.trim();
    let (bracketed, inner) = match trimmed.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => (true, inner),
        None => (false, trimmed),
    };
    let is_sign = |character| matches!(character, '$' | ' ' | '\u{a0}');
    let inner = inner.trim_start_matches(is_sign);
    let (minus, inner) = match inner.strip_prefix('-') {
        Some(rest) => ("-", rest.trim_start_matches(is_sign)),
        None => ("", inner),
    };
    let inner = inner.trim_end_matches(is_sign);
    let (whole, fraction) = inner.split_at(inner.find('.').unwrap_or(inner.len()));
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let mut digits = first.to_owned();
    for group in groups {
        let is_group = group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit());
        if !is_group || first.is_empty() || first.len() > 3 || fraction.contains(',') {
            return None;
        }
        digits.push_str(group);
    }
    let sign = match (bracketed, minus) {
        (true, "-") => return None,
        (true, _) => "-",
        (false, minus) => minus,
    };
    let plain = format!("{sign}{digits}{fraction}");
    (plain != text).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleans_spreadsheet_numbers_and_guesses_nothing() {
        // rule C7
        let check =
            |text: &str, expect: Option<&str>| assert_eq!(clean_number(text).as_deref(), expect, "{text}");
        check("$10,000.00 ", Some("10000.00"));
        check("-$1,234,567.5", Some("-1234567.5"));
        check("$ -5", Some("-5"));
        check("(5.00)", Some("-5.00"));
        check("($1,000)", Some("-1000"));
        check(" 1 ", Some("1"));
        check("12 €", None);
        check("1.5E-9", None);
        for text in ["1,5", "1,50", "12,34,567", "1234,567", "1,2345", ",100", "(-5)", "1.234,567"] {
            check(text, None);
        }
    }

    #[test]
    fn messages_show_values_bounded_and_printable() {
        assert_eq!(shown("a\u{0}b"), "a\\0b");
        assert_eq!(shown(&"x".repeat(70)), format!("{}…", "x".repeat(60)));
    }
}
