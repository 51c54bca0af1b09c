//! Instants and billing cycles, as data: nothing here reads a clock.

use std::fmt;

/// An instant: microseconds since 1970-01-01T00:00:00Z, within the years 1 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The beginning of time: before every instant that can be read.
    pub const MIN: Self = Self(i64::MIN);

    const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

    /// The end of time: after every instant that can be read.
    pub const MAX: Self = Self(i64::MAX);

    /// That many microseconds after 1970-01-01T00:00:00Z.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// That many days later; the end of time where there is no such instant.
    #[must_use]
    pub const fn plus_days(self, days: i64) -> Self {
        Self(self.0.saturating_add(days.saturating_mul(Self::DAY_MICROS)))
    }

    /// That many microseconds later; the end of time where there is no such instant.
    #[must_use]
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// The day in UTC, counted from 1970-01-01.
    pub const fn days(self) -> i64 {
        self.0.div_euclid(Self::DAY_MICROS)
    }

    /// Reads RFC 3339 text with an offset, such as `2026-05-01T00:00:00Z`.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|instant| Self(instant.as_microsecond()))
    }
}

/// The text is not an RFC 3339 instant with an offset.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not an RFC 3339 time with an offset, such as 2026-05-01T00:00:00Z")]
pub struct NotATimestamp;

impl std::str::FromStr for Timestamp {
    type Err = NotATimestamp;

    fn from_str(text: &str) -> Result<Self, NotATimestamp> {
        Self::parse(text).ok_or(NotATimestamp)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(instant) => instant.fmt(formatter),
            Err(_) if self.0 > 0 => formatter.write_str("the end of time"),
            Err(_) => formatter.write_str("the beginning of time"),
        }
    }
}

/// A fixed offset from UTC, in minutes, in which a billing account's months begin (rule A1).
#[derive(Clone, Copy, PartialEq, PartialOrd, Ord, Eq, Default, Debug)]
pub struct UtcOffset(i16);

impl UtcOffset {
    /// From minutes east of UTC; at most 18 hours either way.
    pub fn from_minutes(minutes: i16) -> Option<Self> {
        (minutes.abs() <= 18 * 60).then_some(Self(minutes))
    }

    /// Minutes east of UTC.
    pub const fn minutes(self) -> i16 {
        self.0
    }

    /// Reads `+08:00`, `-05:30` or `Z`.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "Z" {
            return Some(Self(0));
        }
        let (sign, rest) = match text.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        let (hours, minutes) = rest.split_once(':')?;
        let two = |text: &str| -> Option<i16> {
            (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
        };
        let minutes = two(minutes).filter(|minutes| *minutes < 60)?;
        Self::from_minutes(sign * (two(hours)? * 60 + minutes))
    }
}

impl fmt::Display for UtcOffset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { '-' } else { '+' };
        write!(formatter, "{sign}{:02}:{:02}", self.0.abs() / 60, self.0.abs() % 60)
    }
}

/// A billing cycle: one calendar month, counted from January of the year 1 as 0 (rule C4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Cycle(u32);

impl Cycle {
    /// The last month that a time can lie in: December of the year 9999.
    pub const LAST: Self = Self(9999 * 12 - 1);

    /// The month `month` (1 to 12) of `year` (1 to 9999).
    pub fn new(year: u32, month: u32) -> Option<Self> {
        ((1..=9999).contains(&year) && (1..=12).contains(&month)).then(|| Self((year - 1) * 12 + month - 1))
    }

    /// From the count of months since January of the year 1, as [`Cycle::index`] gives it.
    pub const fn from_index(index: u32) -> Self {
        Self(index)
    }

    /// Months since January of the year 1.
    pub const fn index(self) -> u32 {
        self.0
    }

    /// Reads `YYYY-MM`.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let digits =
            |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return None;
        }
        Self::new(year.parse().ok()?, month.parse().ok()?)
    }

    /// The month after.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The instant at which the month begins in `offset`; the end of time beyond the year 9999.
    pub fn start(self, offset: UtcOffset) -> Timestamp {
        self.day(1, offset)
    }

    /// Midnight of that day of the month, in `offset`; the end of time beyond the year 9999.
    pub fn day(self, day: i8, offset: UtcOffset) -> Timestamp {
        let month = i8::try_from(self.0 % 12 + 1).expect("invariant: a month of the year");
        let instant = i16::try_from(self.0 / 12 + 1)
            .ok()
            .and_then(|year| jiff::civil::Date::new(year, month, day).ok())
            .zip(jiff::tz::Offset::from_seconds(i32::from(offset.0) * 60).ok())
            .and_then(|(date, zone)| zone.to_timestamp(date.to_datetime(jiff::civil::Time::midnight())).ok());
        instant.map_or(Timestamp::MAX, |instant| Timestamp(instant.as_microsecond()))
    }

    /// The month of `instant` in `offset`; months are half-open (rule C4).
    pub fn of(instant: Timestamp, offset: UtcOffset) -> Option<Self> {
        CycleSpan::of(instant, offset).map(|span| span.cycle)
    }
}

impl fmt::Display for Cycle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}", self.0 / 12 + 1, self.0 % 12 + 1)
    }
}

/// A cycle with its bounds in one offset, so that the usual charge needs two compares and no calendar.
#[derive(Clone, Copy, Debug)]
pub struct CycleSpan {
    /// The month.
    pub cycle: Cycle,
    offset: UtcOffset,
    start: Timestamp,
    end: Timestamp,
}

impl CycleSpan {
    /// The span of the month that holds `instant`; `None` outside the years 1 to 9999.
    pub fn of(instant: Timestamp, offset: UtcOffset) -> Option<Self> {
        let zone = jiff::tz::Offset::from_seconds(i32::from(offset.0) * 60).ok()?;
        let date = zone.to_datetime(jiff::Timestamp::from_microsecond(instant.0).ok()?).date();
        let first = date.first_of_month();
        let micros = |date: jiff::civil::Date| -> Option<i64> {
            let midnight = date.to_datetime(jiff::civil::Time::midnight());
            zone.to_timestamp(midnight).ok().map(jiff::Timestamp::as_microsecond)
        };
        let year = u32::try_from(date.year()).ok()?;
        let start = micros(first).unwrap_or(i64::MIN);
        let end = first.checked_add(jiff::Span::new().months(1)).ok().and_then(micros).unwrap_or(i64::MAX);
        Some(Self {
            cycle: Cycle::new(year, u32::try_from(date.month()).ok()?)?,
            offset,
            start: Timestamp(start),
            end: Timestamp(end),
        })
    }

    /// Whether `instant`, seen in `offset`, lies in this span.
    #[inline]
    pub fn holds(&self, instant: Timestamp, offset: UtcOffset) -> bool {
        self.offset == offset && self.start <= instant && instant < self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_half_open_in_the_accounts_offset() {
        // rule C4
        let cycle = |text, offset| {
            Cycle::of(Timestamp::parse(text).unwrap(), UtcOffset::parse(offset).unwrap()).unwrap().to_string()
        };
        assert_eq!(cycle("2026-05-31T23:59:59.999999Z", "+00:00"), "2026-05");
        assert_eq!(cycle("2026-06-01T00:00:00Z", "Z"), "2026-06");
        assert_eq!(cycle("2026-05-31T16:00:00Z", "+08:00"), "2026-06");
        assert_eq!(cycle("2026-06-01T04:29:59Z", "-04:30"), "2026-05");
        assert_eq!(cycle("2024-02-29T12:00:00Z", "+00:00"), "2024-02");
        assert_eq!(cycle("9999-12-30T12:00:00Z", "+00:00"), "9999-12");
    }

    #[test]
    fn cycles_and_offsets_read_back_what_they_print() {
        for text in ["0001-01", "1970-01", "2026-12", "9999-12"] {
            assert_eq!(Cycle::parse(text).unwrap().to_string(), text);
        }
        for text in ["2026-13", "2026-00", "0000-01", "2026-1", "26-01", "2026-05-01", "+026-05", "2026/05"] {
            assert_eq!(Cycle::parse(text), None, "{text}");
        }
        for text in ["+00:00", "+08:00", "-05:30", "+18:00"] {
            assert_eq!(UtcOffset::parse(text).unwrap().to_string(), text);
        }
        for text in ["+19:00", "08:00", "+8:00", "+08:60", "", "+ä:0"] {
            assert_eq!(UtcOffset::parse(text), None, "{text}");
        }
    }
}
