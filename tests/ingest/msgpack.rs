//! MessagePack records (rules B4, C1, C7).

use exchequer::domain::charge::{Category, Charge};
use exchequer::domain::money::Amount;
use exchequer::domain::time::{Cycle, Timestamp};
use exchequer::ingest::{ARRAY_ORDER, Format, IngestFault, Page, ReaderOptions};
use rmp::encode;
use serde_json::{Value, json};

use super::{STRICT, outcomes_of, read_all};

/// A charge with no more than it needs.
pub fn usual() -> Value {
    json!({
        "cloud_account": "a", "source": "m", "id": "1", "amount": "1.5", "currency": "USD",
        "occurred_at": "2026-05-03T10:00:00+08:00",
    })
}

/// The usual charge with some fields replaced or added.
pub fn with(fields: Value) -> Value {
    let mut charge = usual();
    let Value::Object(fields) = fields else { panic!("fields") };
    charge.as_object_mut().unwrap().extend(fields);
    charge
}

pub fn pack(value: &Value) -> Vec<u8> {
    rmp_serde::to_vec(value).unwrap()
}

/// The charge as an array.
pub fn array(charge: &Value) -> Value {
    let mut values: Vec<_> =
        ARRAY_ORDER.iter().map(|name| charge.get(name).cloned().unwrap_or_default()).collect();
    while values.last() == Some(&Value::Null) {
        values.pop();
    }
    Value::Array(values)
}

/// The usual charge as a map in which one value is replaced by these bytes.
pub fn with_bytes(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut map = usual();
    map.as_object_mut().unwrap().shift_remove(name);
    let mut packed = pack(&map);
    packed[0] += 1;
    encode::write_str(&mut packed, name).unwrap();
    packed.extend_from_slice(bytes);
    packed
}

pub fn encoded<E>(write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Vec<u8> {
    let mut bytes = Vec::new();
    assert!(write(&mut bytes).is_ok());
    bytes
}

pub const AS_MSGPACK: ReaderOptions<'static> = ReaderOptions { format: Some(Format::Msgpack), ..STRICT };

pub fn check(record: &[u8], strict: &str, lenient: &str) {
    let input = [record, &pack(&usual())].concat();
    for (options, expect) in [(AS_MSGPACK, strict), (ReaderOptions { lenient: true, ..AS_MSGPACK }, lenient)]
    {
        assert_eq!(outcomes_of(&input, options), [format!("1 {expect}"), "2 read".to_owned()], "{options:?}");
    }
}

pub fn said(page: &Page) -> &str {
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
