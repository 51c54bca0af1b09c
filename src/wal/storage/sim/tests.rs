use super::*;

fn file(storage: &SimStorage) -> Box<dyn StorageFile> {
    let file = storage.create("wal/a").unwrap();
    storage.sync_directory("wal").unwrap();
    file
}

#[test]
fn keeps_what_was_synced_and_any_part_of_the_rest() {
    let storage = SimStorage::new(0);
    let mut file = file(&storage);
    file.write_all_at(&[1; 1024], 0).unwrap();
    file.sync().unwrap();
    file.write_all_at(&[2; 1024], 0).unwrap();
    let mut seen: Vec<Vec<u8>> = (0..64).map(|seed| storage.crash(seed).file("wal/a").unwrap()).collect();
    seen.sort();
    seen.dedup();
    let sectors = |first: u8, second: u8| [[first; 512], [second; 512]].concat();
    assert_eq!(seen, [sectors(1, 1), sectors(1, 2), sectors(2, 1), sectors(2, 2)]);
}

#[test]
fn keeps_or_loses_names_that_were_not_synced() {
    let storage = SimStorage::new(0);
    file(&storage).sync().unwrap();
    storage.rename("wal/a", "wal/b").unwrap();
    storage.create("wal/c").unwrap();
    let mut seen: Vec<Vec<String>> = (0..64).map(|seed| storage.crash(seed).paths()).collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen, [vec!["wal/a"], vec!["wal/a", "wal/c"], vec!["wal/b"], vec!["wal/b", "wal/c"]]);
    assert_eq!(storage.paths(), ["wal/b", "wal/c"]);
}

#[test]
fn a_failed_sync_can_be_read_and_is_never_durable() {
    let all = vec![1; 64 * 512];
    let losses = (0..16).filter(|seed| {
        let storage = SimStorage::new(*seed);
        let mut file = file(&storage);
        file.write_all_at(&all, 0).unwrap();
        storage.fail_at(storage.calls() + 1, SimFault::SyncFails);
        assert!(file.sync().is_err());
        file.sync().unwrap();
        assert!(storage.file("wal/a").as_ref() == Some(&all), "seed {seed}");
        assert!(storage.crash(0).file("wal/a") == storage.crash(1).file("wal/a"), "seed {seed}");
        storage.crash(0).file("wal/a").as_ref() != Some(&all)
    });
    assert!((8..16).contains(&losses.count()));
}

#[test]
fn every_call_fails_after_a_crash() {
    let storage = SimStorage::new(0);
    let mut file = file(&storage);
    storage.fail_at(storage.calls() + 1, SimFault::Crash);
    assert!(file.write_all_at(b"x", 0).is_err());
    assert!(file.sync().is_err() && file.size().is_err() && storage.list("").is_err());
    assert!(storage.crash(0).list("").is_ok());
}
