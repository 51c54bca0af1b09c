//! MessagePack records and the same as NDJSON: they become the same charges (rule C7).

use exchequer::ingest::{ARRAY_ORDER, Format, ReaderOptions};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::msgpack::{array, pack, with};
use super::{STRICT, outcomes, read_all};

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
}
