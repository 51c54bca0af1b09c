//! A posted charge as a line, written by hand: there are millions a second.

use std::fmt::Display;
use std::io::Write;

use rust_decimal::Decimal;

use super::change::Change;
use crate::domain::billing::asset::{Asset, Portion};
use crate::domain::time::{Cycle, Timestamp};
use crate::journal::charges::{Label, PostedCharge};

const MICROS_A_DAY: i64 = 86_400_000_000;

/// Days whose text is kept, by day number: those of a month.
const DAYS: u8 = 32;

/// Bytes of `YYYY-MM-DD`.
const DATE_BYTES: usize = 10;

/// Writes charges of one ledger.
pub(super) struct ChargeLine {
    /// From the end of the id to the beginning of the subject.
    envelope: Vec<u8>,
    days: Vec<Option<(i64, [u8; DATE_BYTES])>>,
    cycle: Option<(Cycle, String)>,
}

impl ChargeLine {
    pub fn new(source: &str) -> Self {
        let envelope = format!(r#"","source":"{source}","type":"exchequer.charge.posted","#);
        Self { envelope: envelope.into_bytes(), days: vec![None; usize::from(DAYS)], cycle: None }
    }

    /// Appends the event, without a line end.
    pub fn write(
        &mut self,
        event: &Change<'_>,
        charge: &PostedCharge<'_>,
        deductions: &[Portion],
        line: &mut Vec<u8>,
    ) {
        line.extend_from_slice(br#"{"specversion":"1.0","id":""#);
        push_number(line, event.lsn.number());
        line.push(b'-');
        push_number(line, u64::from(event.index));
        line.extend_from_slice(&self.envelope);
        let names = event.names;
        if let Some(account) = names.account(charge.account) {
            line.extend_from_slice(br#""subject":"#);
            let start = line.len();
            push_text(line, account);
            let end = line.len();
            line.extend_from_slice(br#","datacontenttype":"application/json","data":{"billing_account":"#);
            line.extend_from_within(start..end);
        } else {
            line.extend_from_slice(br#""datacontenttype":"application/json","data":{"billing_account":"#);
            push_number(line, u64::from(charge.account.0) + 1);
        }
        line.extend_from_slice(br#","sequence":"#);
        push_number(line, charge.sequence);
        line.extend_from_slice(br#","cloud_account":"#);
        match names.cloud(charge.cloud) {
            Some(cloud) => push_text(line, cloud),
            None => push_number(line, u64::from(charge.cloud.0) + 1),
        }
        push_label(line, br#","source":"#, event, charge.source);
        line.extend_from_slice(br#","id":"#);
        push_text(line, charge.id.as_str(&mut [0; 36]));
        line.extend_from_slice(br#","amount":""#);
        push_decimal(line, charge.amount, Zeros::Cut);
        line.extend_from_slice(br#"","charge_period_start":""#);
        self.push_time(line, charge.period_start);
        line.extend_from_slice(br#"","billing_cycle":""#);
        self.push_cycle(line, charge.cycle);
        line.extend_from_slice(br#"","category":""#);
        line.extend_from_slice(charge.category.name().as_bytes());
        line.push(b'"');
        if charge.correction {
            line.extend_from_slice(br#","class":"correction""#);
        }
        if charge.original_cycle != charge.cycle {
            line.extend_from_slice(br#","original_cycle":""#);
            push_displayed(line, charge.original_cycle);
            line.push(b'"');
        }
        push_label(line, br#","service":"#, event, charge.service);
        push_label(line, br#","sku":"#, event, charge.sku);
        if let Some(quantity) = charge.quantity {
            line.extend_from_slice(br#","quantity":""#);
            push_decimal(line, quantity, Zeros::Keep);
            line.push(b'"');
        }
        push_label(line, br#","unit":"#, event, charge.unit);
        push_present(line, br#","description":"#, charge.description);
        push_present(line, br#","tags":"#, charge.tags);
        if charge.import_row > 0 {
            line.extend_from_slice(br#","import_row":"#);
            push_number(line, charge.import_row);
        }
        push_deductions(line, deductions);
        line.extend_from_slice(b"}}");
    }

    fn push_time(&mut self, line: &mut Vec<u8>, at: Timestamp) {
        let (day, micros) = (at.micros().div_euclid(MICROS_A_DAY), at.micros().rem_euclid(MICROS_A_DAY));
        let place = usize::try_from(day.rem_euclid(i64::from(DAYS))).expect("invariant: below DAYS");
        let date = match self.days[place] {
            Some((of, date)) if of == day => date,
            _ => {
                let text = at.to_string();
                // Far from now a year has more digits, or is none.
                let Some(date) =
                    text.as_bytes().first_chunk().filter(|_| text.as_bytes().get(10) == Some(&b'T'))
                else {
                    line.extend_from_slice(text.as_bytes());
                    return;
                };
                self.days[place] = Some((day, *date));
                *date
            }
        };
        line.extend_from_slice(&date);
        let seconds = micros / 1_000_000;
        for (mark, part) in [(b'T', seconds / 3_600), (b':', seconds / 60 % 60), (b':', seconds % 60)] {
            line.extend_from_slice(&[mark, digit(part / 10), digit(part % 10)]);
        }
        let mut fraction = micros % 1_000_000;
        if fraction > 0 {
            line.push(b'.');
            while fraction > 0 {
                line.push(digit(fraction / 100_000));
                fraction = fraction % 100_000 * 10;
            }
        }
        line.push(b'Z');
    }

    fn push_cycle(&mut self, line: &mut Vec<u8>, cycle: Cycle) {
        let known = self.cycle.as_ref().filter(|(of, _)| *of == cycle);
        if let Some((_, text)) = known {
            line.extend_from_slice(text.as_bytes());
        } else {
            push_displayed(line, cycle);
            self.cycle = Some((cycle, cycle.to_string()));
        }
    }
}

/// What becomes of zeros at the end of a fraction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Zeros {
    Cut,
    Keep,
}

/// The digit of a number from 0 to 9.
fn digit(number: i64) -> u8 {
    b'0' + u8::try_from(number).expect("invariant: a digit")
}

pub(super) fn push_number(line: &mut Vec<u8>, number: u64) {
    line.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// A text in quotes, escaped.
fn push_text(line: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(line, text).expect("invariant: a text, into memory");
}

fn push_displayed(line: &mut Vec<u8>, shown: impl Display) {
    write!(line, "{shown}").expect("invariant: into memory");
}

fn push_present(line: &mut Vec<u8>, name: &[u8], text: &str) {
    if !text.is_empty() {
        line.extend_from_slice(name);
        push_text(line, text);
    }
}

fn push_label(line: &mut Vec<u8>, name: &[u8], change: &Change<'_>, label: Label<'_>) {
    match change.names.label(label) {
        Some(text) => push_present(line, name, text),
        None => push_present(line, name, &format!("string {}", label.number.0)),
    }
}

fn push_decimal(line: &mut Vec<u8>, number: Decimal, zeros: Zeros) {
    let (mantissa, scale) = (number.mantissa().unsigned_abs(), number.scale() as usize);
    let mut space = itoa::Buffer::new();
    let digits = match u64::try_from(mantissa) {
        Ok(small) => space.format(small),
        Err(_) => space.format(mantissa),
    };
    let (whole, mut fraction) = digits.split_at(digits.len().saturating_sub(scale));
    let mut padding = scale - fraction.len();
    if zeros == Zeros::Cut {
        fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() {
            padding = 0;
        }
    }
    if number.is_sign_negative() && mantissa > 0 {
        line.push(b'-');
    }
    line.extend_from_slice(if whole.is_empty() { b"0" } else { whole.as_bytes() });
    if padding + fraction.len() > 0 {
        line.push(b'.');
        line.extend(std::iter::repeat_n(b'0', padding));
        line.extend_from_slice(fraction.as_bytes());
    }
}

/// Coupons have numbers within their account, in the order in which they were granted.
fn push_deductions(line: &mut Vec<u8>, deductions: &[Portion]) {
    for (place, part) in deductions.iter().enumerate() {
        line.extend_from_slice(if place == 0 { &br#","deductions":[{"#[..] } else { b",{" });
        if let Asset::Coupon(number) = part.asset {
            line.extend_from_slice(br#""coupon_number":"#);
            push_number(line, u64::from(number));
            line.push(b',');
        }
        line.extend_from_slice(br#""amount":""#);
        push_displayed(line, part.amount);
        line.extend_from_slice(br#""}"#);
    }
    if !deductions.is_empty() {
        line.push(b']');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::charge::Category;
    use crate::domain::ids::{AccountIndex, CloudIndex};
    use crate::domain::money::{Amount, Money};
    use crate::domain::strings::StringId;
    use crate::engine::feed::change::Fact;
    use crate::engine::feed::names::Names;
    use crate::journal::charges::ChargeId;
    use crate::wal::Lsn;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut line = Vec::new();
        write(&mut line);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn decimals_are_written_as_amounts_and_decimals_are() {
        for number in [
            "0",
            "0.00",
            "1",
            "-1",
            "10",
            "100.00",
            "0.5",
            "-0.05",
            "12.340",
            "0.000000000000000001",
            "79228162514.264337593543950335",
            "-79228162514264337593.543950335",
            "1000000000000.10",
        ] {
            let decimal: Decimal = number.parse().unwrap();
            assert_eq!(text(|line| push_decimal(line, decimal, Zeros::Keep)), decimal.to_string());
            let amount = Amount::new(decimal).unwrap().money().to_string();
            assert_eq!(text(|line| push_decimal(line, decimal, Zeros::Cut)), amount);
        }
    }

    #[test]
    fn times_are_written_as_timestamps_are() {
        let mut lines = ChargeLine::new("");
        let day = MICROS_A_DAY;
        let mut times = vec![i64::MIN, -1, 0, 1, 999_999, 1_500_000, day - 1, day, i64::MAX];
        times.extend((0..80).map(|number| 1_777_593_600_000_000 + number * (day / 3) + number * 1_010_101));
        times.extend([-62_135_596_800_000_000, -62_135_596_800_000_001, 253_402_207_200_000_000]);
        for micros in times.iter().chain(&times) {
            let at = Timestamp::from_micros(*micros);
            assert_eq!(text(|line| lines.push_time(line, at)), at.to_string());
        }
        for cycle in [Cycle::from_index(0), Cycle::LAST, Cycle::from_index(0)] {
            assert_eq!(text(|line| lines.push_cycle(line, cycle)), cycle.to_string());
        }
    }

    #[test]
    fn hostile_texts_are_escaped_and_absent_fields_left_out() {
        let hostile = "\"\\\n\u{0}\u{7f}é\u{2028}";
        let charge = PostedCharge {
            account: AccountIndex(3),
            sequence: 7,
            cloud: CloudIndex(5),
            amount: "1.50".parse().unwrap(),
            period_start: Timestamp::default(),
            cycle: Cycle::new(2026, 5).unwrap(),
            original_cycle: Cycle::new(2026, 4).unwrap(),
            category: Category::Tax,
            correction: true,
            id: ChargeId::new(hostile),
            source: Label { number: StringId(4), inline: "" },
            service: Label { number: StringId::INLINE, inline: hostile },
            sku: Label::EMPTY,
            unit: Label::EMPTY,
            quantity: Some("2.0".parse().unwrap()),
            description: hostile,
            tags: "{\"a\":1}",
            import_row: 9,
        };
        let parts = [
            Portion { asset: Asset::Coupon(0), amount: Money::from_units(1) },
            Portion { asset: Asset::Coupon(2), amount: Money::from_units(-1) },
        ];
        let names = Names::default();
        let fact = Fact::Charge { charge: &charge, deductions: &parts };
        let event = Change { lsn: Lsn::new(12), index: 3, fact, names: &names };
        let line = text(|line| ChargeLine::new("/exchequer/x").write(&event, &charge, &parts, line));
        let json: serde_json::Value = serde_json::from_str(&line).unwrap();
        let expect = serde_json::json!({
            "specversion": "1.0",
            "id": "12-3",
            "source": "/exchequer/x",
            "type": "exchequer.charge.posted",
            "datacontenttype": "application/json",
            "data": {
                "billing_account": 4,
                "sequence": 7,
                "cloud_account": 6,
                "source": "string 4",
                "id": hostile,
                "amount": "1.5",
                "charge_period_start": "1970-01-01T00:00:00Z",
                "billing_cycle": "2026-05",
                "category": "tax",
                "class": "correction",
                "original_cycle": "2026-04",
                "service": hostile,
                "quantity": "2.0",
                "description": hostile,
                "tags": "{\"a\":1}",
                "import_row": 9,
                "deductions": [
                    { "coupon_number": 0, "amount": "0.000000000000000001" },
                    { "coupon_number": 2, "amount": "-0.000000000000000001" },
                ],
            },
        });
        assert_eq!(json.to_string(), expect.to_string());
    }
}
