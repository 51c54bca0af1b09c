//! Values that arguments of several nouns have.

use super::vocabulary::bills::{DATE_FORM, RATE_FORM, day as days};
use crate::domain::billing::rate::Rate;
use crate::domain::ids::Currency;
use crate::domain::time::Cycle;

pub(super) fn cycle(text: &str) -> Result<Cycle, &'static str> {
    Cycle::parse(text).ok_or("give a month such as 2026-05")
}

pub(super) fn currency(text: &str) -> Result<Currency, &'static str> {
    Currency::parse(text).ok_or("give a code of 1 to 8 upper-case letters or digits")
}

pub(super) fn rate(text: &str) -> Result<Rate, String> {
    Rate::parse(text).ok_or_else(|| format!("give {RATE_FORM}"))
}

/// Days since 1970-01-01.
pub(super) fn day(text: &str) -> Result<i32, String> {
    days(text).ok_or_else(|| format!("give {DATE_FORM}"))
}

/// `on` or `off`.
pub(super) fn switch(text: &str) -> Result<bool, &'static str> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("give `on` or `off`"),
    }
}
