//! MessagePack records that are deep or long, say that they are, or come slowly (rule C7).

use exchequer::ingest::{IngestFault, Page};
use exchequer::limits::{NESTING_MAX, ROW_BYTES_MAX};
use rmp::encode;

use super::msgpack::{check, encoded, pack, said, usual, with_bytes};
use super::{STRICT, Trickle, outcomes, outcomes_of, read_all};

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
