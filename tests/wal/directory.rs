//! A real directory: locks, strangers, versions, the helper thread.

use crate::harness::{RANDOM, open, options, payload};
use exchequer::wal::{
    Identity, LockFault, LogOptions, Lsn, OpenFault, OsStorage, Preallocation, SimStorage, Storage,
    VisitStop, inspect, open_log, read_log,
};
use std::error::Error;
use std::sync::Arc;

#[test]
fn refuses_a_second_opener_with_the_pid_of_the_first() {
    let directory = tempfile::tempdir().unwrap();
    let first = OsStorage::open(directory.path(), false).unwrap();
    let second = OsStorage::open(directory.path(), false).unwrap();
    let identity = Identity::open_or_create(&first, || RANDOM).unwrap();
    let fault = Identity::open_or_create(&second, || RANDOM).unwrap_err();
    let text = format!("the data directory is in use by process `{}`", std::process::id());
    assert_eq!(fault.to_string(), text);
    assert_eq!(fault.hint(), "stop that process first: one data directory has one writer");
    assert!(matches!(second.lock(), Err(LockFault::Held { pid: Some(_) })));
    first.lock().unwrap();
    drop(first);
    assert_eq!(Identity::open_or_create(&second, || RANDOM).unwrap().epoch, identity.epoch + 1);
}

#[test]
fn a_simulated_holder_is_reported_too() {
    let storage = SimStorage::new(0);
    storage.lock_held_by(Some(7));
    assert!(matches!(open(&storage, 512), Err(OpenFault::Locked { pid: Some(7) })));
}

#[test]
fn writes_rotates_trims_and_seals_on_real_files() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("a/b");
    assert!(OsStorage::open(&root, false).is_err());
    for preallocation in [Preallocation::Ahead, Preallocation::Inline] {
        let storage: Arc<dyn Storage> = Arc::new(OsStorage::open(&root, true).unwrap());
        let identity = Identity::open_or_create(&*storage, || RANDOM).unwrap();
        let options = LogOptions { segment_bytes: 16 * 1024, preallocation, spare_segments_max: 1 };
        let (mut writer, recovered) =
            open_log(Arc::clone(&storage), &identity, options, Lsn::new(0), &mut |_| Ok(())).unwrap();
        let before = recovered.last.number();
        for lsn in before + 1..=before + 60 {
            assert_eq!(writer.append(&[&payload(lsn, 1500)], 1).unwrap(), Lsn::new(lsn));
            if lsn == before + 40 {
                assert!(writer.trim(Lsn::new(before + 35)).unwrap() >= 3);
            }
        }
        // Beside the writer, changing nothing.
        let beside = OsStorage::open(&root, false).unwrap();
        let mut count = 0;
        let mut visit = |block: exchequer::wal::BlockRef<'_>| {
            count += 1;
            assert_eq!(block.bytes, payload(block.lsn.number(), 1500));
            Ok(())
        };
        read_log(&beside, &identity, Lsn::new(before + 35), Some(Lsn::new(before + 60)), &mut visit).unwrap();
        assert_eq!(count, 26);
        writer.seal().unwrap();
        let infos = inspect(&beside, &Identity::read(&beside).unwrap().unwrap()).unwrap();
        assert!(infos.last().is_some_and(|info| info.sealed && info.last == Lsn::new(before + 61)));
        assert!(infos.iter().all(|info| info.size == 16 * 1024 && info.bytes_used <= info.size));
        let names = beside.list("wal").unwrap();
        assert!(names.iter().all(|name| name.ends_with(".wal")), "no spare is left: {names:?}");
    }
}

#[test]
fn a_visitor_can_stop_with_its_own_error() {
    let storage = SimStorage::new(0);
    open(&storage, 512).unwrap().writer.append(&[b"one"], 1).unwrap();
    let identity = Identity::read(&storage).unwrap().unwrap();
    let mut visit = |_: exchequer::wal::BlockRef<'_>| Err(VisitStop::new("enough"));
    let fault = read_log(&storage, &identity, Lsn::new(1), None, &mut visit).unwrap_err();
    assert_eq!(fault.to_string(), "reading the log was stopped by its reader");
    assert_eq!(fault.source().map(ToString::to_string), Some("enough".to_owned()));
}

#[test]
fn refuses_strangers() {
    let storage = SimStorage::new(0);
    open(&storage, 512).unwrap().writer.append(&[b"one"], 1).unwrap();
    let segment = "wal/00000000000000000001.wal";
    let check = |damage: &dyn Fn(&SimStorage), expect: &str| {
        let storage = storage.restart();
        damage(&storage);
        assert_eq!(open(&storage, 512).err().map(|fault| fault.to_string()).as_deref(), Some(expect));
    };
    check(
        &|storage| storage.set_file("wal/notes.txt", b"hello"),
        "`wal/notes.txt` is not of this log: the log's directory holds segments and spare files only",
    );
    check(
        &|storage| {
            storage
                .set_file(segment, b"a text file, longer than a segment's header, by whoever put it there");
        },
        "`wal/00000000000000000001.wal` is not of this log: it does not start as a segment does",
    );
    check(
        &|storage| storage.set_file("identity", &[b'x'; 100]),
        "`identity` is not of this log: it does not start as an identity file does",
    );
    check(
        &|storage| storage.remove_file("identity"),
        "`identity` is damaged at offset `0`, where lsn `0` is expected: it is missing, though there is a log",
    );
    let other = SimStorage::new(0);
    let identity = Identity::open_or_create(&other, || [9; 32]).unwrap();
    open_log(Arc::new(other.clone()), &identity, options(512), Lsn::new(1), &mut |_| Ok(())).unwrap();
    check(
        &|storage| storage.set_file(segment, &other.file(segment).unwrap()),
        "`wal/00000000000000000001.wal` is not of this log: it carries the id of another data directory",
    );
    // A spare is ours: it is deleted.
    storage.set_file("wal/spare-3.tmp", b"half written");
    open(&storage, 512).unwrap();
    assert_eq!(storage.file("wal/spare-3.tmp"), None);
}

#[test]
fn refuses_a_newer_version() {
    let storage = SimStorage::new(0);
    open(&storage, 512).unwrap().writer.append(&[b"one"], 1).unwrap();
    for path in ["wal/00000000000000000001.wal", "identity"] {
        let storage = storage.restart();
        let mut bytes = storage.file(path).unwrap();
        bytes[8] = 2;
        let crc = crc32c::crc32c(&bytes[..68]);
        bytes[68..72].copy_from_slice(&crc.to_le_bytes());
        storage.set_file(path, &bytes);
        let fault = open(&storage, 512).err().expect("refused").to_string();
        assert_eq!(fault, format!("`{path}` has format version `2`, this program knows versions up to `1`"));
    }
}

#[test]
fn every_open_has_an_epoch_of_its_own() {
    let storage = SimStorage::new(0);
    for epoch in 1..4 {
        assert_eq!(open(&storage, 512).unwrap().identity.epoch, epoch);
    }
    // The log of a later epoch than its identity knows: somebody put an old identity back.
    let old = storage.file("identity").unwrap();
    drop(open(&storage, 512).unwrap());
    open(&storage, 512).unwrap().writer.append(&[b"one"], 1).unwrap();
    storage.set_file("identity", &old);
    let fault = open(&storage, 512).err().expect("refused").to_string();
    assert!(fault.ends_with("an epoch that does not fit the ones before it or the identity file"), "{fault}");
}

#[test]
fn reads_a_log_of_more_segments_than_a_process_may_open_files() {
    let directory = tempfile::tempdir().unwrap();
    let storage: Arc<dyn Storage> = Arc::new(OsStorage::open(directory.path(), true).unwrap());
    let identity = Identity::open_or_create(&*storage, || RANDOM).unwrap();
    let open = || open_log(Arc::clone(&storage), &identity, options(128), Lsn::new(1), &mut |_| Ok(()));
    let (mut writer, _) = open().unwrap();
    for lsn in 1..=1500 {
        writer.append(&[&payload(lsn, 16)], 1).unwrap();
    }
    drop(writer);
    assert!(storage.list("wal").unwrap().len() >= 1500);
    assert_eq!(open().unwrap().1.blocks, 1500);
}
