//! Format version 1, as it was first written. The files stay for ever.

use crate::harness::{open, payload, read};
use exchequer::wal::SimStorage;

const IDENTITY: &[u8] = include_bytes!("../golden/wal-v1-identity");
const SEGMENT: &[u8] = include_bytes!("../golden/wal-v1-segment");
const PATH: &str = "wal/00000000000000000001.wal";

fn write() -> SimStorage {
    let storage = SimStorage::new(0);
    let mut log = open(&storage, 512).unwrap();
    log.writer.append(&[b"hello ", b"log"], 2).unwrap();
    log.writer.append(&[], 0).unwrap();
    log.writer.append(&[&payload(3, 40)], 1).unwrap();
    log.writer.seal().unwrap();
    storage
}

#[test]
fn writes_the_bytes_it_always_wrote() {
    let storage = write();
    assert_eq!(storage.file("identity").as_deref(), Some(IDENTITY));
    assert_eq!(storage.file(PATH).as_deref(), Some(SEGMENT));
}

#[test]
fn reads_the_bytes_it_always_wrote() {
    let storage = SimStorage::new(0);
    storage.set_file("identity", IDENTITY);
    storage.set_file(PATH, SEGMENT);
    let (recovered, blocks) = read(&storage, 1, None).unwrap();
    assert!(recovered.sealed);
    assert_eq!(blocks, [(1, b"hello log".to_vec()), (2, vec![]), (3, payload(3, 40)), (4, vec![])]);
}

/// Run it by hand for a new format version, and keep the old files.
#[test]
#[ignore = "writes the golden files"]
fn write_golden_files() {
    let storage = write();
    std::fs::write("tests/golden/wal-v1-identity", storage.file("identity").unwrap()).unwrap();
    std::fs::write("tests/golden/wal-v1-segment", storage.file(PATH).unwrap()).unwrap();
}
