//! The times that charge files hold: RFC 3339, and what spreadsheets make of it (rule C7).

use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::domain::time::{Cycle, Timestamp, UtcOffset};

/// A time that was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Reading {
    /// The instant, fractions beyond microseconds cut off.
    pub(super) instant: Timestamp,
    /// The month that the text names, whatever its offset.
    pub(super) cycle: Cycle,
    /// In which form it was written.
    pub(super) form: Form,
}

/// How well a time is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// RFC 3339 in UTC.
    Utc,
    /// RFC 3339 in another offset.
    Offset,
    /// Something else; what was taken for granted.
    Assumed(&'static str),
}

const NO_OFFSET: Form = Form::Assumed("a time without an offset was read as UTC");
const NO_TIME: Form = Form::Assumed("a date without a time was read as midnight UTC");
const NO_SECONDS: Form = Form::Assumed("a time without seconds was read as the full minute");
const SPACE: Form = Form::Assumed("a time with a space instead of `T` was read");
const MONTH_FIRST: Form = Form::Assumed("a date with slashes was read with the month first");

/// Strict reading of formats that prescribe RFC 3339 in UTC.
pub(super) fn utc_only(_: &str, form: Form) -> bool {
    form == Form::Utc
}

/// Strict reading that takes RFC 3339 in any offset.
pub(super) fn any_offset(_: &str, form: Form) -> bool {
    matches!(form, Form::Utc | Form::Offset)
}

/// Strict reading that also takes `MM/DD/YYYY`.
pub(super) fn full_us_date(text: &str, form: Form) -> bool {
    form == Form::Utc || form == MONTH_FIRST && text.len() == "MM/DD/YYYY".len()
}

/// Strict reading that also takes `YYYY-MM-DDThh:mmZ`.
pub(super) fn full_minute(text: &str, form: Form) -> bool {
    form == Form::Utc || form == NO_SECONDS && text.ends_with('Z')
}

/// Reads a time in any of the forms; `None` where it has none of them or is no date.
pub(super) fn read_time(text: &str) -> Option<Reading> {
    let mut rest = Rest(text.as_bytes());
    let slashes = text.as_bytes().iter().take(3).any(|byte| *byte == b'/');
    let (year, month, day) = if slashes { rest.us_date()? } else { rest.iso_date()? };
    let mut form = if slashes { MONTH_FIRST } else { Form::Utc };
    let assume = |form: &mut Form, why: Form| {
        if *form == Form::Utc {
            *form = why;
        }
    };
    let (mut hour, mut minute, mut second, mut nanos, mut offset_seconds) = (0, 0, 0, 0, 0);
    if rest.0.is_empty() {
        assume(&mut form, NO_TIME);
    } else {
        if rest.take(b' ') {
            assume(&mut form, SPACE);
        } else if !rest.take(b'T') && !rest.take(b't') {
            return None;
        }
        hour = rest.digits(if slashes { 1 } else { 2 }, 2)?;
        rest.expect(b':')?;
        minute = rest.digits(2, 2)?;
        if rest.take(b':') {
            second = rest.digits(2, 2)?;
            if rest.take(b'.') {
                nanos = rest.fraction()?;
            }
        } else {
            assume(&mut form, NO_SECONDS);
        }
        if rest.0.is_empty() {
            form = if form == SPACE || form == Form::Utc { NO_OFFSET } else { form };
        } else {
            offset_seconds = rest.offset()?;
            if offset_seconds != 0 {
                assume(&mut form, Form::Offset);
            }
        }
    }
    if !rest.0.is_empty() {
        return None;
    }
    // A leap second is read as the second before it, as `Timestamp::parse` does.
    let second = if second == 60 { 59 } else { second };
    let [month, day, hour, minute, second] =
        [month, day, hour, minute, second].map(|number| i8::try_from(number).ok());
    let civil =
        DateTime::new(i16::try_from(year).ok()?, month?, day?, hour?, minute?, second?, nanos).ok()?;
    let instant = Offset::from_seconds(offset_seconds).ok()?.to_timestamp(civil).ok()?;
    Some(Reading {
        instant: Timestamp::from_micros(instant.as_microsecond()),
        cycle: Cycle::new(u32::try_from(year).ok()?, u32::try_from(month?).ok()?)?,
        form,
    })
}

/// Reads a MessagePack extension as an instant within the years 1 to 9999: type -1 of 4, 8 or 12 bytes.
pub(super) fn read_extension(kind: i8, data: &[u8]) -> Option<Timestamp> {
    let (seconds, nanos) = match data.len() {
        4 => (i64::from(u32::from_be_bytes(data.try_into().ok()?)), 0),
        8 => {
            let both = u64::from_be_bytes(data.try_into().ok()?);
            (i64::try_from(both & ((1 << 34) - 1)).ok()?, u32::try_from(both >> 34).ok()?)
        }
        12 => {
            let (nanos, seconds) = data.split_at(4);
            (i64::from_be_bytes(seconds.try_into().ok()?), u32::from_be_bytes(nanos.try_into().ok()?))
        }
        _ => return None,
    };
    if kind != -1 || nanos >= 1_000_000_000 {
        return None;
    }
    let instant =
        Timestamp::from_micros(seconds.checked_mul(1_000_000)?.checked_add(i64::from(nanos / 1000))?);
    Cycle::of(instant, UtcOffset::default()).map(|_| instant)
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take(&mut self, byte: u8) -> bool {
        let found = self.0.first() == Some(&byte);
        if found {
            self.0 = &self.0[1..];
        }
        found
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.take(byte).then_some(())
    }

    fn digits(&mut self, least: usize, most: usize) -> Option<i32> {
        let mut number = 0;
        let mut count = 0;
        while let Some(byte) = self.0.first().filter(|byte| count < most && byte.is_ascii_digit()) {
            number = number * 10 + i32::from(byte - b'0');
            count += 1;
            self.0 = &self.0[1..];
        }
        (count >= least).then_some(number)
    }

    fn iso_date(&mut self) -> Option<(i32, i32, i32)> {
        let year = self.digits(4, 4)?;
        self.expect(b'-')?;
        let month = self.digits(2, 2)?;
        self.expect(b'-')?;
        Some((year, month, self.digits(2, 2)?))
    }

    fn us_date(&mut self) -> Option<(i32, i32, i32)> {
        let month = self.digits(1, 2)?;
        self.expect(b'/')?;
        let day = self.digits(1, 2)?;
        self.expect(b'/')?;
        let before = self.0.len();
        let year = self.digits(2, 4)?;
        match before - self.0.len() {
            2 => Some((2000 + year, month, day)),
            4 => Some((year, month, day)),
            _ => None,
        }
    }

    /// Nanoseconds; further digits are cut off.
    fn fraction(&mut self) -> Option<i32> {
        let before = self.0.len();
        let mut nanos = self.digits(1, 9)?;
        for _ in before - self.0.len()..9 {
            nanos *= 10;
        }
        while self.0.first().is_some_and(u8::is_ascii_digit) {
            self.0 = &self.0[1..];
        }
        Some(nanos)
    }

    /// Seconds east of UTC.
    fn offset(&mut self) -> Option<i32> {
        if self.take(b'Z') || self.take(b'z') {
            return Some(0);
        }
        let sign = if self.take(b'-') { -1 } else { self.expect(b'+').map(|()| 1)? };
        let hours = self.digits(2, 2)?;
        self.expect(b':')?;
        let minutes = self.digits(2, 2).filter(|minutes| *minutes < 60)?;
        (hours < 24).then_some(sign * (hours * 60 + minutes) * 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<(&str, &str, Form)>) {
        let got = read_time(text);
        let got = got.map(|read| (read.instant.to_string(), read.cycle.to_string(), read.form));
        let expect = expect.map(|(instant, cycle, form)| (instant.to_owned(), cycle.to_owned(), form));
        assert_eq!(got, expect, "{text}");
    }

    #[test]
    fn reads_the_forms_of_real_files() {
        // rule C7
        check("2024-09-01T00:00:00Z", Some(("2024-09-01T00:00:00Z", "2024-09", Form::Utc)));
        check("2023-11-01T00:00:00.000Z", Some(("2023-11-01T00:00:00Z", "2023-11", Form::Utc)));
        check(
            "2023-11-01T00:00:00.123456789012Z",
            Some(("2023-11-01T00:00:00.123456Z", "2023-11", Form::Utc)),
        );
        check("2023-11-01t00:00:00z", Some(("2023-11-01T00:00:00Z", "2023-11", Form::Utc)));
        check("2023-11-01T00:00:00+00:00", Some(("2023-11-01T00:00:00Z", "2023-11", Form::Utc)));
        check("2023-11-01T00:00:00+08:00", Some(("2023-10-31T16:00:00Z", "2023-11", Form::Offset)));
        check("2024-09-01 00:00:00", Some(("2024-09-01T00:00:00Z", "2024-09", NO_OFFSET)));
        check("2024-09-01 00:00:00Z", Some(("2024-09-01T00:00:00Z", "2024-09", SPACE)));
        check("2024-09-01T00:00:00", Some(("2024-09-01T00:00:00Z", "2024-09", NO_OFFSET)));
        check("2024-09-01", Some(("2024-09-01T00:00:00Z", "2024-09", NO_TIME)));
        check("5/1/25", Some(("2025-05-01T00:00:00Z", "2025-05", MONTH_FIRST)));
        check("05/31/2025", Some(("2025-05-31T00:00:00Z", "2025-05", MONTH_FIRST)));
        check("5/1/2025 9:30", Some(("2025-05-01T09:30:00Z", "2025-05", MONTH_FIRST)));
        check("2023-11-13T10:00Z", Some(("2023-11-13T10:00:00Z", "2023-11", NO_SECONDS)));
        check("2024-02-29", Some(("2024-02-29T00:00:00Z", "2024-02", NO_TIME)));
        check("2016-12-31T23:59:60Z", Some(("2016-12-31T23:59:59Z", "2016-12", Form::Utc)));
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "x",
            "2024-13-01",
            "2024-02-30",
            "2023-02-29",
            "13/1/25",
            "31/12/2025",
            "5/1/025",
            "0000-01-01",
            "2024-09-01T",
            "2024-09-01T24:00:00Z",
            "2024-09-01T00:60:00Z",
            "2024-09-01T00:00:00.Z",
            "2024-9-1",
            "2024-09-01T00:00:00Zx",
            "2024-09-01T00:00:00+8:00",
            "2024-09-01X00:00:00Z",
            " 2024-09-01",
            "2024-09-01 ",
            "+2024-09-01",
            "20240901",
            "5/1",
            "1725148800",
            "2024-09-01T00:00:00+24:00",
            "2024-09-01T00:00:61Z",
        ] {
            check(text, None);
        }
    }
}
