//! Followers of a log that is being written: what they are shown, and what never.

use crate::harness::{Blocks, Opened, RANDOM, open, payload, segments};
use exchequer::wal::{Identity, LogTail, Lsn, OpenFault, Shown, SimFault, SimStorage, Storage};
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::Arc;

const SEGMENT_BYTES: u64 = 256;

fn follow(storage: &SimStorage, from: u64) -> Result<LogTail, OpenFault> {
    let identity = Identity::read(storage)?.expect("the test made one");
    LogTail::open(Arc::new(storage.clone()) as Arc<dyn Storage>, &identity, Lsn::new(from))
}

/// Everything that a follower is shown now.
fn rest(tail: &mut LogTail, shown: Shown) -> Result<Blocks, OpenFault> {
    let mut blocks = Blocks::new();
    while let Some(block) = tail.next(shown)? {
        blocks.push((block.lsn.number(), block.bytes.to_vec()));
    }
    Ok(blocks)
}

fn append(log: &mut Opened, size: usize) -> (u64, Vec<u8>) {
    let lsn = log.writer.last().number() + 1;
    let bytes = payload(lsn, size);
    log.writer.append(&[&bytes], 1).unwrap();
    (lsn, bytes)
}

fn last_durable(storage: &SimStorage) -> Result<u64, OpenFault> {
    let identity = Identity::read(storage)?.expect("the test made one");
    LogTail::last_durable(Arc::new(storage.clone()), &identity).map(Lsn::number)
}

#[test]
fn a_log_without_a_block_has_nothing_new_yet() {
    let storage = SimStorage::new(1);
    Identity::open_or_create(&storage, || RANDOM).unwrap();
    let mut early = follow(&storage, 0).unwrap();
    assert_eq!(rest(&mut early, Shown::Synced).unwrap(), []);
    assert_eq!(last_durable(&storage).unwrap(), 0);
    let mut log = open(&storage, SEGMENT_BYTES).unwrap();
    assert_eq!(rest(&mut early, Shown::Synced).unwrap(), []);
    assert_eq!(last_durable(&storage).unwrap(), 0);
    let first = append(&mut log, 10);
    assert_eq!(rest(&mut early, Shown::Until(Lsn::new(0))).unwrap(), []);
    assert_eq!(rest(&mut early, Shown::Until(Lsn::new(1))).unwrap(), [first]);
    assert_eq!(last_durable(&storage).unwrap(), 1);
}

#[test]
fn the_last_block_is_shown_when_something_follows_it_or_it_was_synced() {
    let storage = SimStorage::new(1);
    let mut log = open(&storage, SEGMENT_BYTES).unwrap();
    let mut tail = follow(&storage, 1).unwrap();
    let one = append(&mut log, 20);
    assert_eq!(rest(&mut tail, Shown::Followed).unwrap(), []);
    let two = append(&mut log, 20);
    assert_eq!(rest(&mut tail, Shown::Followed).unwrap(), [one]);
    let calls = storage.calls();
    assert_eq!(tail.next(Shown::Synced).unwrap().unwrap().bytes, two.1);
    assert!(storage.calls() > calls + 1, "it was read and synced");
    let three = append(&mut log, 20);
    let seal = log.writer.seal().unwrap();
    assert_eq!(rest(&mut tail, Shown::Followed).unwrap(), [three, (seal.number(), Vec::new())]);
    // A clean close ends nothing.
    let mut log = open(&storage, SEGMENT_BYTES).unwrap();
    let (five, six) = (append(&mut log, 200), append(&mut log, 200));
    assert_eq!(rest(&mut tail, Shown::Followed).unwrap(), [five]);
    assert_eq!(rest(&mut tail, Shown::Synced).unwrap(), [six]);
}

#[test]
fn a_follower_may_begin_in_the_middle_and_ahead_of_the_log() {
    let storage = SimStorage::new(1);
    let mut log = open(&storage, SEGMENT_BYTES).unwrap();
    let blocks: Blocks = (0..9).map(|_| append(&mut log, 60)).collect();
    for from in 0..=9 {
        let mut tail = follow(&storage, from).unwrap();
        let expect = &blocks[from.saturating_sub(1) as usize..];
        assert_eq!(rest(&mut tail, Shown::Until(Lsn::new(9))).unwrap(), expect, "from {from}");
    }
    let mut ahead = follow(&storage, 11).unwrap();
    assert_eq!(rest(&mut ahead, Shown::Synced).unwrap(), []);
    append(&mut log, 60);
    let eleven = append(&mut log, 60);
    assert_eq!(rest(&mut ahead, Shown::Synced).unwrap(), [eleven]);
}

#[test]
fn a_trimmed_start_names_the_oldest_block() {
    let storage = SimStorage::new(1);
    let mut log = open(&storage, SEGMENT_BYTES).unwrap();
    (0..9).for_each(|_| drop(append(&mut log, 60)));
    log.writer.trim(Lsn::new(6)).unwrap();
    let fault = follow(&storage, 2).err().expect("refused");
    assert_eq!(fault.to_string(), "lsn `2` was trimmed: the oldest block there is is lsn `6`");
    assert_eq!(fault.hint(), "read from the oldest block on, or keep the whole log (`trim_log` off)");
    assert_eq!(rest(&mut follow(&storage, 6).unwrap(), Shown::Synced).unwrap().len(), 4);
}

#[test]
fn a_segment_recycled_under_a_follower_ends_it_without_a_wrong_byte() {
    for read_before in 0..3 {
        let storage = SimStorage::new(1);
        let mut log = open(&storage, SEGMENT_BYTES).unwrap();
        let mut blocks: Blocks = (0..6).map(|_| append(&mut log, 30)).collect();
        let mut tail = follow(&storage, 1).unwrap();
        for (lsn, bytes) in &blocks[..read_before] {
            let block = tail.next(Shown::Followed).unwrap().unwrap();
            assert_eq!((block.lsn.number(), block.bytes), (*lsn, &bytes[..]));
        }
        // The first segment's file becomes a later segment.
        log.writer.trim(Lsn::new(6)).unwrap();
        blocks.extend((0..6).map(|_| append(&mut log, 30)));
        let mut shown = read_before;
        let fault = loop {
            match tail.next(Shown::Until(Lsn::new(12))) {
                Ok(Some(block)) => {
                    assert_eq!((block.lsn.number(), block.bytes), (blocks[shown].0, &blocks[shown].1[..]));
                    shown += 1;
                }
                Ok(None) => panic!("{shown} blocks, and no word of the others"),
                Err(fault) => break fault,
            }
        };
        assert!(matches!(fault, OpenFault::Trimmed { .. }), "after {read_before}: {fault}");
        let mut tail = follow(&storage, 1);
        assert!(matches!(&mut tail, Err(OpenFault::Trimmed { .. })));
    }
}

/// Eight blocks, two in each of four segments.
fn small_log() -> (SimStorage, Blocks) {
    let storage = SimStorage::new(1);
    let mut log = open(&storage, SEGMENT_BYTES).unwrap();
    let blocks = (0..8).map(|number| append(&mut log, 30 + number)).collect();
    (storage, blocks)
}

#[test]
fn a_block_that_is_half_there_is_nothing_new_yet() {
    let (storage, blocks) = small_log();
    let path = segments(&storage).pop().unwrap();
    let whole = storage.file(&path).unwrap();
    let end = whole.iter().rposition(|byte| *byte != 0).unwrap();
    // The header stays: a segment has its name only when it has its header.
    for cut in 72..=end {
        let half = storage.restart();
        let mut tail = follow(&half, 1).unwrap();
        let mut bytes = whole.clone();
        bytes[cut..].fill(0);
        half.set_file(&path, &bytes);
        let mut tail_from_now = follow(&half, 1).unwrap();
        let before = rest(&mut tail_from_now, Shown::Followed).unwrap();
        assert!(blocks.starts_with(&before), "cut at {cut}");
        half.set_file(&path, &whole);
        let mut after = before.clone();
        // The handle is of the file as it was.
        let mut fresh = follow(&half, before.len() as u64 + 1).unwrap();
        after.extend(rest(&mut fresh, Shown::Synced).unwrap());
        assert_eq!(after, blocks, "cut at {cut}");
        assert_eq!(rest(&mut tail, Shown::Synced).unwrap(), blocks, "cut at {cut}");
    }
}

#[test]
fn a_log_cut_at_any_byte_shows_a_prefix_or_a_named_fault() {
    let (storage, blocks) = small_log();
    let paths = segments(&storage);
    let last = paths.last().unwrap();
    for path in &paths {
        for size in 0..storage.file(path).unwrap().len() as u64 {
            let what = format!("{path} cut at {size}");
            let damaged = storage.restart();
            damaged.truncate(path, size);
            let mut seen = Blocks::new();
            let fault = follow(&damaged, 1).and_then(|mut tail| {
                while let Some(block) = tail.next(Shown::Until(Lsn::new(8)))? {
                    seen.push((block.lsn.number(), block.bytes.to_vec()));
                }
                Ok(())
            });
            assert!(blocks.starts_with(&seen), "{what}");
            match fault {
                Ok(()) => assert_eq!(seen, blocks, "{what}"),
                Err(fault) => {
                    let named = matches!(fault, OpenFault::Corrupt { .. } | OpenFault::Trimmed { .. });
                    assert!(named && fault.to_string().contains("wal/"), "{what}: {fault}");
                }
            }
            // Where nothing is known to be durable, a cut of the very end can't be told from a writer at work.
            match last_durable(&damaged) {
                Ok(durable) if path == last => assert!((6..=8).contains(&durable), "{what}: {durable}"),
                Ok(durable) => assert_eq!(durable, 8, "{what}: only the last segment is looked at"),
                Err(fault) => panic!("{what}: {fault}"),
            }
        }
    }
}

#[test]
fn damage_before_something_valid_is_told_at_the_end() {
    let (storage, _) = small_log();
    let path = segments(&storage).pop().unwrap();
    storage.flip_bit(&path, 80, 0);
    let fault = last_durable(&storage).unwrap_err();
    assert!(matches!(fault, OpenFault::Corrupt { offset: 72, .. }), "{fault}");
    let (sealed, _) = small_log();
    open(&sealed, SEGMENT_BYTES).unwrap().writer.seal().unwrap();
    let path = segments(&sealed).pop().unwrap();
    let end = sealed.file(&path).unwrap().iter().rposition(|byte| *byte != 0).unwrap();
    sealed.flip_bit(&path, end as u64, 0);
    let fault = last_durable(&sealed).unwrap_err();
    assert!(matches!(fault, OpenFault::SealedDamaged { .. }), "{fault}");
}

/// Appends, follows and trims until power is lost at the call with that number; `false` when nothing was lost.
fn crashes_at(call: u64, seed: u64) -> bool {
    let storage = SimStorage::new(seed);
    drop(open(&storage, SEGMENT_BYTES).unwrap().writer);
    storage.fail_at(storage.calls() + call, SimFault::Crash);
    let mut shown = Blocks::new();
    let mut all = Blocks::new();
    let mut work = || -> Option<()> {
        let mut log = open(&storage, SEGMENT_BYTES).ok()?;
        let mut tail = follow(&storage, 1).ok()?;
        for number in 0..12 {
            let bytes = payload(number + 1, 40);
            all.push((number + 1, bytes.clone()));
            let appended = log.writer.append(&[&bytes], 1);
            let kind = if number % 3 == 0 { Shown::Synced } else { Shown::Followed };
            while let Some(block) = tail.next(kind).ok()? {
                shown.push((block.lsn.number(), block.bytes.to_vec()));
            }
            appended.ok()?;
        }
        Some(())
    };
    let went_well = work().is_some();
    assert!(all.starts_with(&shown));
    let survived = open(&storage.crash(seed), SEGMENT_BYTES).unwrap().blocks;
    assert!(survived.starts_with(&shown), "call {call}: a block was shown that a power loss unmade");
    !went_well
}

#[test]
fn nothing_is_shown_that_a_power_loss_unmakes() {
    for seed in 0..8 {
        let crashes = (1..10_000).take_while(|call| crashes_at(*call, seed)).count();
        assert!(crashes > 50, "{crashes}");
    }
}

#[derive(Clone, Debug)]
enum Operation {
    Append(usize),
    Trim(u64),
    Reopen,
    SealAndReopen,
    Follow(usize),
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        8 => (0..300_usize).prop_map(Operation::Append),
        1 => (0..40_u64).prop_map(Operation::Trim),
        1 => Just(Operation::Reopen),
        1 => Just(Operation::SealAndReopen),
        6 => (0..3_usize).prop_map(Operation::Follow),
    ]
}

fn run(segment_bytes: u64, operations: Vec<Operation>) {
    let storage = SimStorage::new(0);
    let mut log = open(&storage, segment_bytes).unwrap();
    let mut model = Blocks::new();
    let mut trimmed = 0;
    let mut tails: Vec<_> = (0..3).map(|_| (follow(&storage, 1).unwrap(), 0)).collect();
    for operation in operations {
        let last = model.len() as u64;
        match operation {
            Operation::Append(size) => model.push(append(&mut log, size)),
            Operation::Trim(below) => {
                log.writer.trim(Lsn::new(below.min(last))).unwrap();
                trimmed = trimmed.max(below.min(last));
            }
            Operation::Reopen => {
                drop(log.writer);
                log = open(&storage, segment_bytes).unwrap();
            }
            Operation::SealAndReopen => {
                model.push((log.writer.seal().unwrap().number(), Vec::new()));
                log = open(&storage, segment_bytes).unwrap();
            }
            Operation::Follow(kind) => {
                let shown = [Shown::Until(Lsn::new(last)), Shown::Followed, Shown::Synced][kind];
                let (tail, seen) = &mut tails[kind];
                let expect = match rest(tail, shown) {
                    Ok(blocks) => {
                        assert_eq!(blocks, model[*seen..*seen + blocks.len()]);
                        *seen += blocks.len();
                        let due = if shown == Shown::Followed { last.saturating_sub(1) } else { last };
                        assert!(*seen as u64 >= due || trimmed > 0, "{kind}: {seen} of {last}");
                        continue;
                    }
                    Err(OpenFault::Trimmed { oldest, .. }) => oldest.number(),
                    Err(fault) => panic!("{fault}"),
                };
                assert!(expect <= trimmed.max(1), "oldest {expect}, trimmed {trimmed}");
                *tail = follow(&storage, expect).unwrap();
                *seen = expect as usize - 1;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_follower_sees_what_a_vector_holds(segment_bytes in 200..1500_u64, operations in vec(operation(), 0..60)) {
        run(segment_bytes, operations);
    }
}
