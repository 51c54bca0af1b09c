//! MessagePack data that is cut, damaged or hostile (rule C7).

use exchequer::ingest::{IngestFault, Page};
use proptest::prelude::*;
use serde_json::json;

use super::msgpack::{AS_MSGPACK, array, pack, usual, with};
use super::{STRICT, Trickle, gzip, outcomes, read_all};

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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

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
