//! Every byte cut, every bit flipped.

use crate::harness::{Blocks, open, open_from, payload, read, segments};
use exchequer::wal::{Lsn, OpenFault, SimStorage};

const SEGMENT_BYTES: u64 = 256;
const BLOCKS: u64 = 7;

/// Seven blocks over four segments, sealed or not.
fn small_log(seal: bool) -> (SimStorage, Blocks) {
    let storage = SimStorage::new(1);
    let mut log = open(&storage, SEGMENT_BYTES).unwrap();
    let mut blocks = Blocks::new();
    for lsn in 1..=BLOCKS {
        let bytes = payload(lsn, 30 + lsn as usize);
        assert_eq!(log.writer.append(&[&bytes[..9], &bytes[9..]], 1).unwrap(), Lsn::new(lsn));
        blocks.push((lsn, bytes));
    }
    if seal {
        let lsn = log.writer.seal().unwrap();
        blocks.push((lsn.number(), Vec::new()));
    }
    assert!(segments(&storage).len() >= 3, "{:?}", segments(&storage));
    (storage, blocks)
}

/// What became of a damaged log.
#[derive(PartialEq, Eq, Debug)]
enum Outcome {
    /// All blocks, nothing to report.
    Whole,
    /// A prefix of the blocks, with a tear reported.
    Torn,
    /// A fault that names file and offset (or what is missing).
    Refused,
}

/// Opens a damaged copy; the blocks are a prefix of `expect`, or it is refused and nothing but the epoch changed.
fn outcome(damaged: &SimStorage, expect: &Blocks, what: &str) -> Outcome {
    let before: Vec<_> = segments(damaged).iter().map(|path| damaged.file(path)).collect();
    let readable = read(damaged, 0, None);
    match open(damaged, SEGMENT_BYTES) {
        Ok(opened) => {
            let (recovered, blocks) = readable.unwrap_or_else(|fault| panic!("{what}: opens, but: {fault}"));
            assert_eq!((&recovered, &blocks), (&opened.recovered, &opened.blocks), "{what}");
            assert!(expect.starts_with(&opened.blocks), "{what}: not a prefix");
            let whole = opened.blocks.len() == expect.len();
            assert!(whole || opened.recovered.torn.is_some(), "{what}: blocks vanished without a word");
            drop(opened.writer);
            let again =
                open(damaged, SEGMENT_BYTES).unwrap_or_else(|fault| panic!("{what}: once only: {fault}"));
            assert_eq!(again.recovered.torn, None, "{what}: the tear is still there");
            assert_eq!(again.blocks, opened.blocks, "{what}");
            if opened.recovered.torn.is_some() { Outcome::Torn } else { Outcome::Whole }
        }
        Err(fault) => {
            let text = fault.to_string();
            assert!(!fault.hint().is_empty());
            let placed =
                text.contains("`wal/") || text.contains("`identity`") || text.contains("lacks blocks");
            assert!(placed, "{what}: {text}");
            let after: Vec<_> = segments(damaged).iter().map(|path| damaged.file(path)).collect();
            assert!(before == after, "{what}: refused, but changed");
            let again = open(damaged, SEGMENT_BYTES).err().map(|fault| fault.to_string());
            assert_eq!(again, Some(text), "{what}: refused once, and then not");
            Outcome::Refused
        }
    }
}

/// Where the blocks of each segment end.
fn used(storage: &SimStorage) -> Vec<(String, u64)> {
    let identity = exchequer::wal::Identity::read(storage).unwrap().unwrap();
    let infos = exchequer::wal::inspect(storage, &identity).unwrap();
    infos.into_iter().map(|info| (info.name, info.bytes_used)).collect()
}

#[test]
fn survives_truncation_at_every_byte() {
    for seal in [false, true] {
        let (storage, blocks) = small_log(seal);
        let used = used(&storage);
        let last = used.last().unwrap().0.clone();
        for (path, bytes_used) in &used {
            for size in 0..storage.file(path).unwrap().len() as u64 {
                let damaged = storage.restart();
                damaged.truncate(path, size);
                let outcome = outcome(&damaged, &blocks, &format!("sealed {seal}, {path} cut at {size}"));
                if size < *bytes_used || *path == last {
                    assert_eq!(outcome, Outcome::Refused, "sealed {seal}, {path} cut at {size}");
                }
            }
        }
    }
}

#[test]
fn survives_every_bit_flipped() {
    for seal in [false, true] {
        let (storage, blocks) = small_log(seal);
        let mut torn = 0;
        for (path, bytes_used) in used(&storage) {
            for offset in 0..storage.file(&path).unwrap().len() as u64 {
                for bit in 0..8 {
                    let damaged = storage.restart();
                    damaged.flip_bit(&path, offset, bit);
                    let what = format!("sealed {seal}, {path} at {offset} bit {bit}");
                    let outcome = outcome(&damaged, &blocks, &what);
                    if offset < bytes_used {
                        assert_ne!(outcome, Outcome::Whole, "{what}: unnoticed");
                        assert!(!seal || outcome == Outcome::Refused, "{what}: {outcome:?}");
                    }
                    torn += u32::from(outcome == Outcome::Torn);
                }
            }
        }
        assert_eq!(torn > 0, !seal, "only a log that was not closed can be torn");
    }
}

#[test]
fn refuses_every_flipped_bit_of_the_identity() {
    let (storage, _) = small_log(true);
    for offset in 0..storage.file("identity").unwrap().len() as u64 {
        for bit in 0..8 {
            let damaged = storage.restart();
            damaged.flip_bit("identity", offset, bit);
            assert!(open(&damaged, SEGMENT_BYTES).is_err(), "identity at {offset} bit {bit}");
        }
    }
}

#[test]
fn refuses_any_segment_missing_from_a_sealed_log() {
    let (storage, blocks) = small_log(true);
    for path in segments(&storage) {
        let damaged = storage.restart();
        damaged.remove_file(&path);
        match open_from(&damaged, SEGMENT_BYTES, 1).map(|opened| opened.blocks) {
            Err(OpenFault::Gap { .. } | OpenFault::SealedDamaged { .. }) => {}
            other => panic!("{path} missing: {other:?}"),
        }
    }
    assert_eq!(open(&storage, SEGMENT_BYTES).unwrap().blocks, blocks);
}

#[test]
fn refuses_a_missing_middle_segment_as_a_gap() {
    let (storage, _) = small_log(false);
    let paths = segments(&storage);
    storage.remove_file(&paths[1]);
    let fault = open(&storage, SEGMENT_BYTES).err().expect("refused");
    assert_eq!(fault.to_string(), "the log lacks blocks: lsn `3` is expected, `5` was found");
}

#[test]
fn refuses_a_log_that_does_not_reach_what_is_asked_for() {
    let storage = SimStorage::new(1);
    let fault = open_from(&storage, SEGMENT_BYTES, 2).err().expect("refused");
    assert_eq!(fault.to_string(), "the log lacks blocks: lsn `2` is expected, the log is empty");
    let mut log = open(&storage, SEGMENT_BYTES).unwrap();
    log.writer.append(&[b"one"], 1).unwrap();
    drop(log);
    assert_eq!(open_from(&storage, SEGMENT_BYTES, 2).unwrap().blocks, []);
    assert!(matches!(open_from(&storage, SEGMENT_BYTES, 3), Err(OpenFault::Gap { .. })));
    assert!(matches!(read(&storage, 0, Some(2)), Err(OpenFault::Gap { .. })));
}

#[test]
fn reads_a_range_and_nothing_else() {
    let (storage, blocks) = small_log(false);
    let check = |from: u64, until: Option<u64>, expect: &[(u64, Vec<u8>)]| {
        assert_eq!(read(&storage, from, until).unwrap().1, expect, "{from}..={until:?}");
    };
    check(0, None, &blocks);
    check(1, Some(1), &blocks[..1]);
    check(2, Some(5), &blocks[1..5]);
    check(5, None, &blocks[4..]);
    check(BLOCKS + 1, None, &[]);
    check(3, Some(2), &[]);
    check(0, Some(0), &[]);
}

#[test]
fn a_stale_block_is_never_taken_for_a_later_one() {
    // What a segment's former life leaves behind: whole blocks of older lsn, right after the last block.
    let storage = SimStorage::new(1);
    let mut log = open(&storage, 1024).unwrap();
    for lsn in 1..=4 {
        log.writer.append(&[&payload(lsn, 24)], 1).unwrap();
    }
    drop(log);
    let path = segments(&storage).remove(0);
    let mut bytes = storage.file(&path).unwrap();
    let (block_bytes, end) = (64, 72 + 4 * 64);
    for older in 0..3 {
        let from = 72 + older * block_bytes;
        let stale = bytes[from..from + block_bytes].to_vec();
        bytes[end + older * block_bytes..][..block_bytes].copy_from_slice(&stale);
    }
    storage.set_file(&path, &bytes);
    let mut log = open(&storage, 1024).unwrap();
    assert_eq!((log.recovered.last, log.recovered.torn.clone()), (Lsn::new(4), None));
    // Written over, block by block: each time the next stale block follows.
    for lsn in 5..=6 {
        log.writer.append(&[&payload(lsn, 24)], 1).unwrap();
        drop(log);
        log = open(&storage, 1024).unwrap();
        assert_eq!((log.recovered.last, &log.recovered.torn), (Lsn::new(lsn), &None));
    }
    // A newer epoch does not make the old block valid either, nor does its being the only one.
    assert_eq!(log.blocks.len(), 6);
}

#[test]
fn refuses_a_whole_block_that_does_not_follow() {
    // Two histories of one directory: the second block of one after the first of the other.
    let storage = SimStorage::new(1);
    drop(open(&storage, 1024).unwrap());
    let other = storage.restart();
    for (storage, text) in [(&storage, b"ours  "), (&other, b"theirs")] {
        let mut log = open(storage, 1024).unwrap();
        log.writer.append(&[text], 1).unwrap();
        log.writer.append(&[text], 1).unwrap();
    }
    let path = segments(&storage).remove(0);
    let (mut bytes, theirs) = (storage.file(&path).unwrap(), other.file(&path).unwrap());
    bytes[120..168].copy_from_slice(&theirs[120..168]);
    storage.set_file(&path, &bytes);
    let fault = open(&storage, 1024).err().expect("refused").to_string();
    assert_eq!(
        fault,
        "`wal/00000000000000000001.wal` is damaged at offset `120`, where lsn `2` is expected: the block there does \
         not follow the one before it"
    );
}

#[test]
fn a_last_segment_with_nothing_but_a_damaged_header_is_begun_anew() {
    let storage = SimStorage::new(1);
    let mut log = open(&storage, 1024).unwrap();
    log.writer.append(&[b"one"], 1).unwrap();
    drop(log);
    let path = "wal/00000000000000000002.wal";
    for header in [&b""[..], b"EXCHQWAL\x01\0\0"] {
        let mut bytes = header.to_vec();
        bytes.resize(1024, 0);
        let storage = storage.restart();
        storage.set_file(path, &bytes);
        let mut log = open(&storage, 1024).unwrap();
        assert_eq!(log.recovered.last, Lsn::new(1));
        assert_eq!(log.recovered.torn.as_ref().map(|torn| (torn.lsn, torn.offset)), Some((Lsn::new(2), 0)));
        assert_eq!(storage.file(path), None);
        log.writer.append(&[b"two"], 1).unwrap();
        drop(log);
        assert_eq!(open(&storage, 1024).unwrap().recovered.last, Lsn::new(2));
    }
    // The segment's name tells that block 1 was there: if it is not, nothing was torn.
    let storage = SimStorage::new(1);
    drop(open(&storage, 1024).unwrap());
    storage.set_file(path, &[0; 1024]);
    assert!(matches!(open(&storage, 1024), Err(OpenFault::SealedDamaged { .. })));
}

#[test]
fn a_huge_length_allocates_nothing_huge() {
    let (storage, _) = small_log(false);
    let path = segments(&storage).pop().unwrap();
    let mut bytes = storage.file(&path).unwrap();
    bytes[72..76].copy_from_slice(&u32::MAX.to_le_bytes());
    storage.set_file(&path, &bytes);
    assert!(open(&storage, SEGMENT_BYTES).is_ok_and(|log| log.recovered.torn.is_some()));
}

#[test]
fn bytes_after_the_seal_are_damage_until_the_log_is_opened_again() {
    let (storage, blocks) = small_log(true);
    let (path, end) = used(&storage).pop().unwrap();
    let damaged = storage.restart();
    damaged.flip_bit(&path, end + 8, 0);
    assert_eq!(outcome(&damaged, &blocks, "after the seal"), Outcome::Refused);
    drop(open(&storage, SEGMENT_BYTES).unwrap());
    storage.flip_bit(&path, end + 8, 0);
    assert_eq!(outcome(&storage, &blocks, "after the seal, reopened"), Outcome::Torn);
}
