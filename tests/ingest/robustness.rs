//! Broken, hostile and endless inputs (rule C7).

use std::io::{self, Read};

use exchequer::ingest::{ChargeReader, IngestFault, Page, ReaderOptions};
use exchequer::limits::ROW_BYTES_MAX;

use super::{LENIENT, STRICT, Trickle, gzip, outcomes, outcomes_of, read_all, sample};

const HEAD: &str =
    "BilledCost,BillingAccountId,BillingCurrency,BillingPeriodStart,ChargeCategory,ChargePeriodStart,Tags\n";
const ROW: &str = "1,b,USD,2026-05-01T00:00:00Z,Usage,2026-05-01T00:00:00Z,\"{\"\"a\"\": \"\"b, c\"\"}\"\n";
const LINE: &str = r#"{"cloud_account":"a","source":"m","id":"1","amount":1,"currency":"USD","occurred_at":"2026-05-01T00:00:00Z"}"#;

/// A reader of a head, a middle repeated many times, and a tail.
fn long(head: &str, middle: &'static [u8], times: usize, tail: &str) -> impl Read {
    struct Repeat(&'static [u8], usize, usize);
    impl Read for Repeat {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let mut count = 0;
            while self.1 > 0 && count < buffer.len() {
                let piece = &self.0[self.2..];
                let size = piece.len().min(buffer.len() - count);
                buffer[count..count + size].copy_from_slice(&piece[..size]);
                count += size;
                self.2 += size;
                if self.2 == self.0.len() {
                    (self.1, self.2) = (self.1 - 1, 0);
                }
            }
            Ok(count)
        }
    }
    let head = io::Cursor::new(head.as_bytes().to_vec());
    head.chain(Repeat(middle, times, 0)).chain(io::Cursor::new(tail.as_bytes().to_vec()))
}

#[test]
fn a_line_of_80_megabytes_is_refused_and_passed_over() {
    let times = 80 * 1024;
    let check = |input: &mut dyn Read, expect: &[&str], detail: &str| {
        let (page, fault) = read_all(input, STRICT);
        assert!(fault.is_none());
        assert_eq!(outcomes(&page), expect);
        assert!(page.refused[0].detail.contains(detail), "{}", page.refused[0].detail);
        assert!(page.charges.text_size() < 1000);
    };
    let expect = ["1 read", "2 refused row_too_long", "3 read"];
    let bytes = "the row has 83886080 bytes, 1048576 are allowed";
    check(&mut long(&format!("{HEAD}{ROW}"), &[b'x'; 1024], times, &format!("\n{ROW}")), &expect, bytes);
    check(&mut long(&format!("{HEAD}{ROW}"), &[b','; 1024], times, &format!("\r\n{ROW}")), &expect, bytes);
    let quoted = &[b'\n'; 1024];
    check(
        &mut long(&format!("{HEAD}{ROW}\""), quoted, times, &format!("\"\n{ROW}")),
        &expect,
        "83886082 bytes",
    );
    let open = ["1 read", "2 refused row_too_long"];
    check(&mut long(&format!("{HEAD}{ROW}\""), quoted, times, "x\n"), &open, "never closed");
    check(
        &mut long(&format!("{LINE}\n"), &[b'x'; 1024], times, &format!("\n{LINE}")),
        &expect,
        "83886080 bytes",
    );
    let header = read_all(long("BilledCost,", &[b'x'; 1024], times, "\n"), STRICT).1;
    assert!(matches!(header, Some(IngestFault::HeaderTooLong)), "{header:?}");
}

#[test]
fn the_bound_of_a_row_is_exact_however_it_arrives() {
    for (length, expect) in
        [(ROW_BYTES_MAX, "1 refused field_too_long"), (ROW_BYTES_MAX + 1, "1 refused row_too_long")]
    {
        let start = &ROW[..ROW.find('"').unwrap()];
        let row = format!("{start}{}", "x".repeat(length - start.len()));
        let mut keys = Vec::new();
        for end in ["\n", "\r\n"] {
            let input = format!("{HEAD}{row}{end}{ROW}");
            for size in [usize::MAX, 1000, 65_537] {
                let (page, _) = read_all(Trickle { bytes: input.as_bytes(), size }, STRICT);
                assert_eq!(outcomes(&page), [expect, "2 read"]);
                keys.push(page.charges.get(0).id.to_owned());
            }
            let last = outcomes_of(format!("{HEAD}{row}{}", end.trim_end_matches('\n')).as_bytes(), STRICT);
            assert_eq!(last, [expect]);
        }
        assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    }
}

#[test]
fn an_unclosed_quote_names_the_row_where_it_began() {
    let input = format!("{HEAD}{ROW}{}{ROW}{ROW}", ROW.replace("\"{", "\"\"\"{").replace("}\"", "}"));
    // The row after it is swallowed, up to its first quote; what follows is read again.
    assert_eq!(outcomes_of(input.as_bytes(), LENIENT), ["1 read", "2 refused malformed_row", "3 read"]);
    let input = format!("{HEAD}{ROW}1,\"b\n");
    let (page, _) = read_all(input.as_bytes(), STRICT);
    assert_eq!(outcomes(&page), ["1 read", "2 refused malformed_row"]);
    assert!(page.refused[0].detail.contains("never closed"));
}

#[test]
fn a_cut_gzip_delivers_the_rows_before_the_cut() {
    let whole = gzip(&sample("focus-1.2.csv"));
    let (page, fault) = read_all(&whole[..whole.len() / 2], STRICT);
    let Some(IngestFault::GzipCut { row, .. }) = fault else { panic!("{fault:?}") };
    assert!(page.charges.len() > 50 && page.charges.len() as u64 == row, "{row} {}", page.charges.len());
    let (page, fault) = read_all(&whole[..whole.len() - 1], STRICT);
    assert_eq!(page.charges.len(), 288);
    assert_eq!(
        fault.unwrap().to_string(),
        format!("the gzip data ends too early: after row 288, at compressed byte {}", whole.len() - 1)
    );
    let mut damaged = whole.clone();
    let last = damaged.len() - 6;
    damaged[last] ^= 1;
    assert!(matches!(read_all(&damaged[..], STRICT).1, Some(IngestFault::GzipDamaged { row: 288, .. })));
}

#[test]
fn a_failing_input_is_a_fault_and_an_interrupted_one_is_not() {
    struct Failing(io::ErrorKind, bool);
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.1, true) { Ok(0) } else { Err(self.0.into()) }
        }
    }
    let text = format!("{HEAD}{ROW}{ROW}");
    let (page, fault) = read_all(text.as_bytes().chain(Failing(io::ErrorKind::Interrupted, false)), STRICT);
    assert!(fault.is_none() && page.charges.len() == 2);
    for input in [text.as_bytes().to_vec(), gzip(text.as_bytes())[..20].to_vec()] {
        let fault = read_all((&input[..]).chain(Failing(io::ErrorKind::BrokenPipe, false)), STRICT).1;
        let Some(fault @ IngestFault::Read { .. }) = fault else { panic!("{fault:?}") };
        assert!(!fault.hint().is_empty());
    }
}

#[test]
fn no_truncation_and_no_flipped_byte_panics() {
    let csv = format!("\u{feff}{HEAD}{ROW}{}{ROW}", ROW.replace("USD", "\"EUR\"").replace('\n', "\r\n"));
    let json = format!("{LINE}\n\n{}\n", LINE.replace("\"m\"", "\"\\u00e4\""));
    let aws = "identity/LineItemId,identity/TimeInterval,bill/PayerAccountId,bill/BillingPeriodStartDate,\
               lineItem/UsageAccountId,lineItem/LineItemType,lineItem/UsageStartDate,lineItem/CurrencyCode,\
               lineItem/UnblendedCost,resourceTags/a\n\
               l,t/u,1,2026-05-01T00:00:00Z,2,Refund,2026-05-01T00:00:00Z,USD,-1.5E-9,\"b\"\"\"\n";
    let azure = "\u{feff}BillingAccountId,Date,ChargeType,BillingCurrency,Cost,Tags\n\
                 1,05/01/2026,Usage,USD,0.1234567890123456785000000001,\"\"\"a\"\": 1\"\n";
    let oci = "lineItem/referenceNo,lineItem/tenantId,lineItem/intervalUsageStart,cost/currencyCode,cost/myCost,tags/a\n\
               r,t,2026-05-01T00:00Z,USD,1E-18,\\\n";
    let inputs = [
        csv.clone().into_bytes(),
        json.into_bytes(),
        gzip(csv.as_bytes()),
        aws.into(),
        azure.into(),
        oci.into(),
    ];
    for input in &inputs[3..] {
        assert!(!read_all(&input[..], LENIENT).0.charges.is_empty(), "{}", String::from_utf8_lossy(input));
    }
    let run = |input: &[u8]| {
        for options in [STRICT, LENIENT] {
            let (page, _) = read_all(input, options);
            assert_eq!(page.rows.len(), page.charges.len());
        }
    };
    // A fixed linear congruence, so that a failure comes back.
    let mut state = 1_u64;
    let mut next = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % bound
    };
    for input in &inputs {
        for length in 0..input.len() {
            run(&input[..length]);
        }
        for _ in 0..4000 {
            let mut broken = input.clone();
            for _ in 0..=next(3) {
                let (at, with) = (next(broken.len()), next(256));
                broken[at] =
                    if with < 64 { b",\"\n\r{}\0\xff"[with % 8] } else { u8::try_from(with).unwrap() };
            }
            run(&broken);
        }
    }
}

#[test]
fn a_page_of_long_rows_is_handed_over_early() {
    let row = ROW.replace("b, c", &"y".repeat(15_000));
    let input = format!("{HEAD}{}", row.repeat(2000));
    let mut reader = ChargeReader::open(input.as_bytes(), ReaderOptions::default()).unwrap();
    let mut page = Page::new();
    assert!(reader.read(&mut page, 2000).unwrap());
    assert!(page.charges.len() < 700 && page.charges.text_size() < 9 << 20);
}

/// A pipe that is written to line by line.
struct SlowPipe<'a> {
    rest: &'a [u8],
}

impl Read for SlowPipe<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let line = self.rest.iter().position(|byte| *byte == b'\n').map_or(self.rest.len(), |end| end + 1);
        let count = line.min(buffer.len());
        buffer[..count].copy_from_slice(&self.rest[..count]);
        self.rest = &self.rest[count..];
        Ok(count)
    }
}

#[test]
fn hands_over_what_a_slow_pipe_has_brought() {
    let line = |id: u32| {
        format!(
            r#"{{"cloud_account":"a","source":"s","id":"{id}","amount":"1","currency":"USD","occurred_at":"2026-05-01T00:00:00Z"}}"#
        )
    };
    let text: String = (1..=3).map(|id| line(id) + "\n").collect();
    let mut reader =
        ChargeReader::open(SlowPipe { rest: text.as_bytes() }, ReaderOptions::default()).unwrap();
    let mut page = Page::new();
    for rows in 1..=3 {
        assert!(reader.read(&mut page, 100).unwrap());
        assert_eq!(page.charges.len(), rows, "one row is there, the next one would have to be waited for");
    }
    assert!(!reader.read(&mut page, 100).unwrap());
}
