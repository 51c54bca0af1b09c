//! The log against a vector, with reopening as one of the operations.

use crate::harness::{Blocks, open, read};
use exchequer::wal::{Lsn, SimStorage};
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Operation {
    Append(Vec<Vec<u8>>),
    Trim(u64),
    Reopen,
    SealAndReopen,
    LosePower(u64),
    Read(u64, u64),
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        8 => vec(vec(any::<u8>(), 0..300), 0..4).prop_map(Operation::Append),
        1 => (0..40_u64).prop_map(Operation::Trim),
        1 => Just(Operation::Reopen),
        1 => Just(Operation::SealAndReopen),
        1 => any::<u64>().prop_map(Operation::LosePower),
        1 => (0..40_u64, 0..40_u64).prop_map(|(from, until)| Operation::Read(from, until)),
    ]
}

fn run(segment_bytes: u64, operations: Vec<Operation>) {
    let mut storage = SimStorage::new(0);
    let mut log = open(&storage, segment_bytes).unwrap();
    let mut model = Blocks::new();
    let mut trimmed = 0;
    for operation in operations {
        let last = model.len() as u64;
        let reopened = match operation {
            Operation::Append(parts) => {
                let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
                let lsn = log.writer.append(&slices, 1).unwrap();
                assert_eq!(lsn, Lsn::new(last + 1));
                model.push((last + 1, parts.concat()));
                false
            }
            Operation::Trim(below) => {
                let below = below.min(last);
                log.writer.trim(Lsn::new(below)).unwrap();
                trimmed = trimmed.max(below);
                false
            }
            Operation::Read(from, until) => {
                let (from, until) = (from.clamp(trimmed.max(1), last + 1), until.min(last));
                let (_, blocks) = read(&storage, from, Some(until)).unwrap();
                let expect: Blocks =
                    model.iter().filter(|(lsn, _)| (from..=until).contains(lsn)).cloned().collect();
                assert_eq!(blocks, expect);
                false
            }
            Operation::Reopen => true,
            Operation::SealAndReopen => {
                assert_eq!(log.writer.seal().unwrap(), Lsn::new(last + 1));
                model.push((last + 1, Vec::new()));
                log = open(&storage, segment_bytes).unwrap();
                assert!(log.recovered.sealed);
                false
            }
            Operation::LosePower(seed) => {
                storage = storage.crash(seed);
                true
            }
        };
        if reopened {
            log = open(&storage, segment_bytes).unwrap();
            assert_eq!(log.recovered.torn, None);
        }
        if !log.blocks.is_empty() || reopened {
            let (recovered, blocks) = read(&storage, 0, None).unwrap();
            let oldest = blocks.first().map_or(model.len(), |(lsn, _)| *lsn as usize - 1);
            assert!(oldest as u64 <= trimmed.max(1));
            assert_eq!(blocks, model[oldest..]);
            assert_eq!(recovered.last, Lsn::new(model.len() as u64));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn behaves_like_a_vector(segment_bytes in 200..2000_u64, operations in vec(operation(), 0..40)) {
        run(segment_bytes, operations);
    }
}
