//! MessagePack records (rules B4, C1, C7).

use exchequer::domain::charge::{Category, Charge};
use exchequer::domain::money::Amount;
use exchequer::domain::time::{Cycle, Timestamp};
use exchequer::ingest::{ARRAY_ORDER, Format, IngestFault, Page, ReaderOptions};
use exchequer::limits::{NESTING_MAX, ROW_BYTES_MAX};
use proptest::prelude::*;
use rmp::encode;
use serde_json::{Map, Value, json};

use super::{STRICT, Trickle, gzip, outcomes, outcomes_of, read_all};

/// A charge with no more than it needs.
fn usual() -> Value {
    json!({
        "cloud_account": "a", "source": "m", "id": "1", "amount": "1.5", "currency": "USD",
        "occurred_at": "2026-05-03T10:00:00+08:00",
    })
}

/// The usual charge with some fields replaced or added.
fn with(fields: Value) -> Value {
    let mut charge = usual();
    let Value::Object(fields) = fields else { panic!("fields") };
    charge.as_object_mut().unwrap().extend(fields);
    charge
}

fn pack(value: &Value) -> Vec<u8> {
    rmp_serde::to_vec(value).unwrap()
}

/// The charge as an array.
fn array(charge: &Value) -> Value {
    let mut values: Vec<_> =
        ARRAY_ORDER.iter().map(|name| charge.get(name).cloned().unwrap_or_default()).collect();
    while values.last() == Some(&Value::Null) {
        values.pop();
    }
    Value::Array(values)
}

/// The usual charge as a map in which one value is replaced by these bytes.
fn with_bytes(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut map = usual();
    map.as_object_mut().unwrap().shift_remove(name);
    let mut packed = pack(&map);
    packed[0] += 1;
    encode::write_str(&mut packed, name).unwrap();
    packed.extend_from_slice(bytes);
    packed
}

fn encoded<E>(write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Vec<u8> {
    let mut bytes = Vec::new();
    assert!(write(&mut bytes).is_ok());
    bytes
}

const AS_MSGPACK: ReaderOptions<'static> = ReaderOptions { format: Some(Format::Msgpack), ..STRICT };

fn check(record: &[u8], strict: &str, lenient: &str) {
    let input = [record, &pack(&usual())].concat();
    for (options, expect) in [(AS_MSGPACK, strict), (ReaderOptions { lenient: true, ..AS_MSGPACK }, lenient)]
    {
        assert_eq!(outcomes_of(&input, options), [format!("1 {expect}"), "2 read".to_owned()], "{options:?}");
    }
}

fn said(page: &Page) -> &str {
    &page.refused[0].detail
}

#[test]
fn maps_and_arrays_become_charges() {
    // rules C1, C7
    let whole = with(json!({
        "amount": "12345678901234.56789", "billing_cycle": "2026-06", "category": "tax", "class": "correction",
        "service": "Sü\"", "sku": "k", "quantity": "1e-9", "unit": "GB", "description": "d",
        "tags": {"a": "\"\n", "b": "ü"}, "billing_account": "b",
    }));
    let more = with(json!({"more": {"x": [{}]}, "tags": null}));
    let input = [pack(&whole), pack(&array(&whole)), pack(&more), pack(&array(&usual()))].concat();
    let (page, fault) = read_all(&input[..], STRICT);
    assert!(fault.is_none() && page.refused.is_empty(), "{fault:?} {:?}", page.refused);
    let expect = Charge {
        cloud_account: "a",
        source: "m",
        id: "1",
        amount: Amount::parse("12345678901234.56789").unwrap(),
        currency: "USD",
        period_start: Timestamp::parse("2026-05-03T02:00:00Z").unwrap(),
        billing_cycle: Cycle::new(2026, 6),
        category: Category::Tax,
        correction: true,
        service: "Sü\"",
        sku: "k",
        quantity: Some("0.000000001".parse().unwrap()),
        unit: "GB",
        description: "d",
        tags: r#"{"a":"\"\n","b":"ü"}"#,
        import_row: 0,
    };
    assert_eq!(page.charges.get(0), expect);
    assert_eq!(page.charges.get(1), expect);
    assert_eq!(page.charges.get(2), page.charges.get(3));
    assert_eq!((page.opening(0).billing_account, page.opening(1).billing_account), ("b", "b"));
    assert_eq!((page.opening(2).billing_account, &page.rows[..]), ("a", &[1, 2, 3, 4][..]));
}

#[test]
fn the_order_of_an_array_stays_the_same_for_ever() {
    assert_eq!(
        ARRAY_ORDER.join(" "),
        "cloud_account source id amount currency occurred_at billing_cycle category class service sku quantity unit \
         description tags billing_account"
    );
}

#[test]
fn one_array_may_hold_all_records() {
    let records: Vec<_> = (0..40).map(|id| with(json!({"id": id.to_string()}))).collect();
    let arrays: Vec<_> = records.iter().map(array).collect();
    for list in [Value::Array(records.clone()), Value::Array(arrays)] {
        let list = pack(&list);
        // What follows it is read too, a second one as well.
        for input in [list.clone(), [&list[..], &pack(&usual()), &list[..]].concat()] {
            let (page, fault) = read_all(&input[..], STRICT);
            assert!(fault.is_none() && page.refused.is_empty(), "{fault:?} {:?}", page.refused);
            assert_eq!(page.charges.len(), if input.len() > list.len() { 81 } else { 40 });
            assert_eq!(page.charges.get(39).id, "39");
        }
        let (page, fault) = read_all(&list[..list.len() - 1], STRICT);
        assert!(matches!(fault, Some(IngestFault::MsgpackCut { row: 39, .. })), "{fault:?}");
        assert_eq!(page.charges.len(), 39);
    }
    let odd = json!([usual(), null, 5, "x", [[usual()]], [], usual()]);
    let got = outcomes_of(&pack(&odd), STRICT);
    let malformed = |row| format!("{row} refused malformed_row");
    assert_eq!(got[1..4], [malformed(2), malformed(3), malformed(4)]);
    assert_eq!(got[4..], ["5 refused invalid_type", "6 refused missing_field", "7 read"]);
    // Between two records of the array.
    let mut cut = pack(&json!([usual()]));
    cut[0] += 1;
    let fault = read_all(&cut[..], STRICT).1.unwrap();
    assert_eq!(
        fault.to_string(),
        format!(
            "the MessagePack data ends too early, at byte {0}: record 2 begins at byte {0} and needs at least 1 more bytes",
            cut.len()
        )
    );
    assert_eq!(outcomes_of(&[0x90], STRICT), Vec::<String>::new());
    assert_eq!(outcomes_of(&[0x80], STRICT), ["1 refused missing_field"]);
}

#[test]
fn money_never_goes_through_a_binary_float() {
    // rule B4
    for float in [encoded(|to| encode::write_f64(to, 1.5)), encoded(|to| encode::write_f32(to, 1.5))] {
        for name in ["amount", "quantity"] {
            check(&with_bytes(name, &float), "refused invalid_type", "refused invalid_type");
        }
    }
    let float = encoded(|to| encode::write_f64(to, 0.1));
    let (page, _) = read_all(&with_bytes("amount", &float)[..], STRICT);
    assert_eq!(
        said(&page),
        "amount 0.1 is a binary float, which is not exact: write it as a string (the record begins at byte 0)"
    );
    for (bytes, expect) in [
        (encoded(|to| encode::write_uint(to, u64::MAX).map(drop)), "18446744073709551615"),
        (encoded(|to| encode::write_sint(to, i64::MIN).map(drop)), "-9223372036854775808"),
        (vec![5], "5"),
        (vec![0xff], "-1"),
    ] {
        let (page, _) = read_all(&with_bytes("amount", &bytes)[..], STRICT);
        assert_eq!(page.charges.get(0).amount.to_string(), expect);
    }
    for bytes in [&[0xc3][..], &[0xc4, 1, b'5'], &[0x91, 5], &[0x81, 5, 5], &[0xd4, 5, 5]] {
        check(&with_bytes("amount", bytes), "refused invalid_type", "refused invalid_type");
    }
}

#[test]
fn a_time_may_be_a_timestamp() {
    for (size, expect) in [(4, "2026-05-01T00:00:00Z"), (8, "2026-05-01T00:00:00.123456Z")] {
        let seconds = Timestamp::parse("2026-05-01T00:00:00Z").unwrap().micros() / 1_000_000;
        let seconds = u64::try_from(seconds).unwrap();
        let data = match size {
            4 => u32::try_from(seconds).unwrap().to_be_bytes().to_vec(),
            _ => (123_456_789 << 34 | seconds).to_be_bytes().to_vec(),
        };
        let mut bytes = encoded(|to| encode::write_ext_meta(to, size, -1).map(drop));
        bytes.extend(data);
        for name in ["occurred_at", "charge_period_start"] {
            let mut record = with_bytes(name, &bytes);
            if name == "charge_period_start" {
                let mut charge = usual();
                charge.as_object_mut().unwrap().shift_remove("occurred_at");
                let extra = pack(&usual()).len();
                record = [pack(&charge), record[extra..].to_vec()].concat();
                record[0] += 1;
            }
            let (page, _) = read_all(&record[..], STRICT);
            assert_eq!(page.refused, []);
            assert_eq!(page.charges.get(0).period_start.to_string(), expect);
        }
    }
    let extension = |kind: i8, data: &[u8]| {
        let mut bytes = vec![0xc7, u8::try_from(data.len()).unwrap(), kind.to_be_bytes()[0]];
        bytes.extend_from_slice(data);
        with_bytes("occurred_at", &bytes)
    };
    let before = [&0_u32.to_be_bytes()[..], &(-1_i64).to_be_bytes()].concat();
    let (page, _) = read_all(&extension(-1, &before)[..], STRICT);
    assert_eq!(page.charges.get(0).period_start.to_string(), "1969-12-31T23:59:59Z");
    let far = [&0_u32.to_be_bytes()[..], &i64::MAX.to_be_bytes()].concat();
    let year_10000 = [&0_u32.to_be_bytes()[..], &253_402_300_800_i64.to_be_bytes()].concat();
    let nanos = [&1_000_000_000_u32.to_be_bytes()[..], &0_i64.to_be_bytes()].concat();
    for (kind, data) in
        [(1, &before), (-1, &far), (-1, &nanos), (-1, &year_10000), (-1, &vec![]), (-1, &vec![0; 5])]
    {
        check(&extension(kind, data), "refused invalid_type", "refused invalid_type");
    }
    check(&with_bytes("occurred_at", &[5]), "refused invalid_type", "refused invalid_type");
}

#[test]
fn tags_become_json() {
    for (tags, expect) in [
        (json!({}), "{}"),
        (json!({"a": "b"}), r#"{"a":"b"}"#),
        (
            json!({"a": [1, -2, true, null, {"b": "\u{1}"}], "c": {}}),
            r#"{"a":[1,-2,true,null,{"b":"\u0001"}],"c":{}}"#,
        ),
        (Value::Null, ""),
    ] {
        let (page, _) = read_all(&pack(&with(json!({"tags": tags})))[..], STRICT);
        assert_eq!((page.refused.len(), page.charges.get(0).tags), (0, expect));
    }
    let wrong: [&[u8]; 8] = [
        b"\xa1a",
        &[0x90],
        &[5],
        &[0x81, 5, 5],
        &[0x81, 0xa1, b'a', 0xc4, 1, 0],
        &[0x81, 0xa1, b'a', 0xd4, 5, 5],
        &[0x81, 0xc0, 0xc0],
        &[0x81, 0xa1, b'a', 0xca, 0, 0, 0, 0],
    ];
    for tags in wrong {
        check(&with_bytes("tags", tags), "refused invalid_tags", "read field_dropped");
    }
    check(
        &with_bytes("tags", &[0x81, 0xa1, b'a', 0xa1, 0xff]),
        "refused invalid_utf8",
        "refused invalid_utf8",
    );
}

#[test]
fn a_bad_record_does_not_end_the_reading() {
    let both = "refused invalid_type";
    check(&pack(&with(json!({"sku": 5}))), both, both);
    check(&pack(&json!(["a", "m", "1", "1", 5])), both, both);
    check(&with_bytes("sku", &[0xd4, 5, 5]), both, both);
    check(&[0x81, 5, 5], both, both);
    check(&[0x81, 0xc0, 5], both, both);
    let both = "refused invalid_utf8";
    check(&with_bytes("sku", &[0xa2, b'a', 0xff]), both, both);
    check(&[0x81, 0xa1, 0xff, 5], both, both);
    let twice = [with_bytes("sku", &[0xc0]), b"\xa3sku\xc0".to_vec()].concat();
    let twice = [&[twice[0] + 1][..], &twice[1..]].concat();
    check(&twice, "refused duplicate_field", "refused duplicate_field");
    let mut long = array(&with(json!({"billing_account": "a"})));
    long.as_array_mut().unwrap().push(Value::Null);
    check(&pack(&long), "refused malformed_row", "refused malformed_row");
    let (page, _) = read_all(&[pack(&usual()), with_bytes("sku", &[0xa2, b'a', 0xff])].concat()[..], STRICT);
    assert_eq!(
        said(&page),
        format!("sku: byte 2 of a string is not UTF-8 (the record begins at byte {})", pack(&usual()).len())
    );
    let (page, _) = read_all(&with_bytes("sku", &[0xd4, 5, 5])[..], STRICT);
    assert_eq!(said(&page), "sku: invalid type: extension, expected a string (the record begins at byte 0)");
    // Data in fields that are not used is not looked at.
    for bytes in [&[0xa1, 0xff][..], &[0xc4, 1, 0xff], &[0xd4, 5, 5], &[0xcb, 0, 0, 0, 0, 0, 0, 0, 0]] {
        check(&with_bytes("more", bytes), "read", "read");
    }
}

#[test]
fn nesting_is_bounded() {
    for (depth, expect) in [(NESTING_MAX - 2, "read"), (NESTING_MAX - 1, "refused malformed_row")] {
        let deep = [vec![0x91; depth], vec![0x90]].concat();
        check(&with_bytes("more", &deep), expect, expect);
        let tags = [&[0x81, 0xa1, b'a'], &deep[1..]].concat();
        check(&with_bytes("tags", &tags), expect, expect);
    }
    let deep = [vec![0x91; 100_000], vec![0x90]].concat();
    for name in ["more", "tags", "amount", "sku"] {
        let input = [with_bytes(name, &deep), pack(&usual())].concat();
        let got = outcomes_of(&input, STRICT);
        assert!(got[0].starts_with("1 refused") && got[1] == "2 read", "{got:?}");
    }
    // An array of arrays without end.
    assert!(matches!(
        read_all(&vec![0x91; 3 << 20][..], STRICT).1,
        Some(IngestFault::MsgpackCut { row: 0, begin: 1, .. })
    ));
}

#[test]
fn a_long_record_is_refused_and_passed_over() {
    let size = |bytes: usize| {
        let mut text = encoded(|to| encode::write_str_len(to, u32::try_from(bytes).unwrap()).map(drop));
        text.resize(text.len() + bytes, b'x');
        with_bytes("description", &text)
    };
    let rest = size(ROW_BYTES_MAX).len() - ROW_BYTES_MAX;
    for (bytes, expect) in [
        (ROW_BYTES_MAX - rest, "refused field_too_long"),
        (ROW_BYTES_MAX - rest + 1, "refused row_too_long"),
        (3 * ROW_BYTES_MAX, "refused row_too_long"),
    ] {
        let input = [pack(&usual()), size(bytes), pack(&usual())].concat();
        for size in [usize::MAX, 1000, 65_537] {
            let (page, fault) = read_all(Trickle { bytes: &input, size }, STRICT);
            assert!(fault.is_none());
            assert_eq!(outcomes(&page), ["1 read", &format!("2 {expect}"), "3 read"]);
            assert!(page.charges.text_size() < 1000);
        }
    }
    let (page, _) = read_all(&size(3 * ROW_BYTES_MAX)[..], STRICT);
    let length = size(3 * ROW_BYTES_MAX).len();
    assert_eq!(
        said(&page),
        format!("the record has {length} bytes, 1048576 are allowed (the record begins at byte 0)")
    );
}

#[test]
fn a_declared_length_costs_no_memory() {
    let good = pack(&usual());
    let headers: [&[u8]; 6] = [
        &[0x81, 0xdb, 0xff, 0xff, 0xff, 0xff],
        &[0x91, 0xc6, 0xff, 0xff, 0xff, 0xff],
        &[0x91, 0xc9, 0xff, 0xff, 0xff, 0xff],
        &[0xdf, 0xff, 0xff, 0xff, 0xff],
        &[0x81, 0xa1, b'a', 0xdd, 0xff, 0xff, 0xff, 0xff],
        &[0xdd, 0xff, 0xff, 0xff, 0xff, 0xa1, b'a'],
    ];
    for header in headers {
        let input = [&good, header, b"abc"].concat();
        let (page, fault) = read_all(&input[..], STRICT);
        assert_eq!(outcomes(&page), ["1 read"]);
        let Some(IngestFault::MsgpackCut { row: 1, begin, offset, missing }) = fault else {
            panic!("{fault:?}")
        };
        assert_eq!((begin, offset), (good.len() as u64, input.len() as u64));
        assert!(missing > 0xffff_fff0, "{missing}");
    }
    // Records after it are not lost: they are counted on, and read before the end is missed.
    let input = [&[0xdd, 0xff, 0xff, 0xff, 0xff][..], &good, &good].concat();
    let (page, fault) = read_all(&input[..], STRICT);
    assert_eq!(outcomes(&page), ["1 read", "2 read"]);
    assert!(matches!(fault, Some(IngestFault::MsgpackCut { row: 2, .. })));
}

#[test]
fn damage_to_the_framing_ends_the_reading() {
    let good = pack(&usual());
    let check = |bytes: &[u8], offset: usize, what: &str| {
        let input = [&good, bytes, &good].concat();
        for size in [usize::MAX, 1, 7] {
            let (page, fault) = read_all(Trickle { bytes: &input, size }, STRICT);
            assert_eq!(outcomes(&page), ["1 read"]);
            let fault = fault.unwrap();
            assert_eq!(
                fault.to_string(),
                format!(
                    "the MessagePack data is damaged in record 2, at byte {}: {what}",
                    good.len() + offset
                )
            );
            assert!(fault.hint().contains("not posted twice"));
        }
    };
    check(&[0xc1], 0, "no value begins with 0xc1");
    check(&[0x92, 0xa1, b'a', 0xc1], 3, "no value begins with 0xc1");
    for value in [&b"\n"[..], b"\xa1a", b"\xc0", b"\xcb12345678", b"\xda\x00\x01a", b"\xd4\x01\x01"] {
        check(value, 0, "a record is a map or an array, and this is neither");
    }
}

/// A few records of every kind.
fn small() -> Vec<u8> {
    let tagged = with(json!({"tags": {"a": "b"}, "id": "2", "quantity": 300, "description": "x".repeat(40)}));
    let list = json!([with(json!({"id": "3"})), array(&with(json!({"id": "4"})))]);
    [pack(&usual()), pack(&array(&tagged)), pack(&list), pack(&with(json!({"id": "5"})))].concat()
}

#[test]
fn every_cut_gives_what_came_before_it() {
    let input = small();
    let (whole, _) = read_all(&input[..], STRICT);
    assert_eq!(whole.charges.len(), 5);
    let mut last = 0;
    for length in 1..input.len() {
        for size in [usize::MAX, 1, 3] {
            let (page, fault) = read_all(Trickle { bytes: &input[..length], size }, AS_MSGPACK);
            assert!(page.refused.is_empty() && page.charges.len() >= last, "cut at {length}");
            assert!(page.charges.iter().eq(whole.charges.iter().take(page.charges.len())));
            match fault {
                None => {}
                Some(IngestFault::MsgpackCut { row, offset, begin, missing }) => {
                    assert_eq!((row, offset), (page.charges.len() as u64, length as u64));
                    assert!(begin <= offset && missing > 0 && length as u64 + missing <= input.len() as u64);
                }
                Some(fault) => panic!("{fault:?}"),
            }
            last = page.charges.len();
        }
    }
    let zipped = gzip(&input);
    assert_eq!(read_all(&zipped[..], STRICT).0.charges.len(), 5);
    assert!(read_all(&zipped[..zipped.len() - 9], STRICT).1.is_some());
}

#[test]
fn flipped_bits_never_panic_and_pieces_make_no_difference() {
    let input = small();
    let (whole, _) = read_all(&input[..], STRICT);
    let kept = |page: &Page| page.charges.iter().map(|charge| format!("{charge:?}")).collect::<Vec<_>>();
    let charges = kept(&whole);
    let first = pack(&usual()).len();
    for bit in 0..input.len() * 8 {
        let mut broken = input.clone();
        broken[bit / 8] ^= 1 << (bit % 8);
        let (page, fault) = read_all(&broken[..], AS_MSGPACK);
        if bit / 8 >= first {
            assert_eq!(kept(&page)[0], charges[0], "bit {bit}");
        }
        let (pieces, piece_fault) = read_all(Trickle { bytes: &broken, size: 2 }, AS_MSGPACK);
        assert_eq!((outcomes(&pieces), kept(&pieces)), (outcomes(&page), kept(&page)), "bit {bit}");
        let words = |fault: Option<IngestFault>| fault.map(|fault| fault.to_string());
        assert_eq!(words(piece_fault), words(fault), "bit {bit}");
    }
}

#[test]
fn is_found_out_by_its_first_bytes() {
    for begin in [
        &pack(&usual())[..3],
        &pack(&array(&usual())),
        &pack(&json!([usual()])),
        &pack(&json!([array(&usual())])),
        &[0xdc, 0x80, 0x00, 0x86],
        &[0xdd, 0, 1, 0, 0, 0x96],
        &[0xde, 0, 17, 0xad],
        &[0xdf, 0, 0, 0, 17, 0xad],
        &[0x90],
    ] {
        assert_eq!(Format::detect(begin), Some(Format::Msgpack), "{begin:?}");
    }
    for begin in [&b"\xdcbersicht"[..], "Übersicht".as_bytes(), &[0x91, 5], &[0x81, 5], b"", &[0xc0]] {
        assert_eq!(Format::detect(begin), None, "{begin:?}");
    }
    assert!(outcomes_of(b"", AS_MSGPACK).is_empty());
}

#[test]
fn hands_over_what_a_slow_pipe_has_brought() {
    struct Slow(Vec<Vec<u8>>);
    impl std::io::Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            assert!(!self.0.is_empty(), "nothing is read that is not needed");
            let size = buffer.len().min(self.0[0].len());
            buffer[..size].copy_from_slice(&self.0[0][..size]);
            self.0[0].drain(..size);
            self.0.retain(|piece| !piece.is_empty());
            Ok(size)
        }
    }
    for list in [false, true] {
        let mut pieces = vec![pack(&usual()); 3];
        if list {
            pieces[0].insert(0, 0x93);
        }
        let mut reader = exchequer::ingest::ChargeReader::open(Slow(pieces), STRICT).unwrap();
        let mut page = Page::new();
        while page.charges.len() < 3 {
            let before = page.charges.len();
            assert!(reader.read(&mut page, 100).unwrap());
            assert!(page.charges.len() <= before + 1);
        }
    }
}

/// A value that a field may have, right or wrong.
fn value() -> impl Strategy<Value = Value> {
    let texts = [
        "",
        "a",
        "acme",
        "1",
        "-0.10",
        "1e-9",
        "1e-19",
        "$1,000.00",
        "NaN",
        "12345678901234567890123456789",
        "USD",
        "usd ",
        "2026-05-01T00:00:00Z",
        "2026-05-01",
        "2026-05-01T00:00:00+08:00",
        "2026-05",
        "2026-13",
        "Tax",
        "usage",
        "fee",
        "correction",
        "Correction",
        "GB",
        "a\u{1}b",
        "ü\"\\\n",
        "{}",
    ];
    prop_oneof![
        2 => Just(Value::Null),
        12 => proptest::sample::select(texts.to_vec()).prop_map(|text| json!(text)),
        1 => any::<i64>().prop_map(|number| json!(number)),
        1 => any::<bool>().prop_map(|truth| json!(truth)),
        1 => Just(json!(["a"])),
        2 => Just(json!({"a": "b\u{1f600}", "c": [1, null, {"d": ""}]})),
        1 => (120..200_usize).prop_map(|size| json!("x".repeat(size))),
        1 => Just(json!("x".repeat(20_000))),
        1 => Just(json!({"a": "x".repeat(20_000)})),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]
    #[test]
    fn agrees_with_ndjson(
        changes in proptest::collection::vec((0..ARRAY_ORDER.len() + 2, value()), 0..4),
        lenient in any::<bool>(),
        source in proptest::option::of(Just("given")),
    ) {
        let options = ReaderOptions { lenient, source, ..STRICT };
        let mut fields = Map::new();
        for (place, value) in changes {
            let name = ARRAY_ORDER.get(place).copied();
            fields.insert(name.unwrap_or(["charge_period_start", "more"][place % 2]).to_owned(), value);
        }
        let in_array = fields.keys().all(|name| ARRAY_ORDER.contains(&name.as_str()));
        let charge = with(Value::Object(fields));
        let charges = |input: &[u8], format| {
            let (page, fault) = read_all(input, ReaderOptions { format: Some(format), ..options });
            assert!(fault.is_none());
            let charge = page.charges.iter().next().map(|charge| format!("{charge:?}"));
            let billing_account = charge.as_ref().map(|_| page.opening(0).billing_account.to_owned());
            (outcomes(&page), charge, billing_account)
        };
        let expect = charges(format!("{charge}\n").as_bytes(), Format::Ndjson);
        prop_assert_eq!(&charges(&pack(&charge), Format::Msgpack), &expect);
        if in_array {
            let got = charges(&pack(&array(&charge)), Format::Msgpack);
            // Of several faults an array may have another one first.
            if expect.1.is_some() {
                prop_assert_eq!(&got, &expect);
            } else {
                prop_assert!(got.1.is_none(), "{:?} {:?}", got, expect);
            }
        }
    }

    #[test]
    fn hostile_bytes_never_panic(
        bytes in proptest::collection::vec(prop_oneof![
            3 => any::<u8>(), 2 => 0x80_u8..0xa4, 1 => proptest::sample::select(b"\xdc\xdd\xde\xdf\xda\xc7\xd6\xff".to_vec()),
        ], 0..200),
        size in 1_usize..50,
    ) {
        let (page, fault) = read_all(Trickle { bytes: &bytes, size }, AS_MSGPACK);
        let (again, fault_again) = read_all(&bytes[..], AS_MSGPACK);
        prop_assert_eq!(outcomes(&page), outcomes(&again));
        // Where gzip data is damaged is known no better than the bytes came.
        let kind = |fault| std::mem::discriminant::<IngestFault>(&fault);
        prop_assert_eq!(fault.map(kind), fault_again.map(kind));
    }
}
