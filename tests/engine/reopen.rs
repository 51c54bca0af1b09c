//! What is known before any shard has run, right after opening.

use exchequer::engine::verify::verify;
use exchequer::engine::{Command, Engine, OnError};
use exchequer::wal::{SimFault, SimStorage, Storage};

use crate::rig::{Sent, at, batch, cents, config, keyed};

const SHARDS: usize = 8;

fn ids() -> Vec<String> {
    (0..SHARDS).map(|n| format!("account {n}")).collect()
}

#[test]
fn identities_of_other_shards_are_known_from_the_first_charge_on() {
    // rule C2
    let config = config(SimStorage::new(0), SHARDS);
    let mut engine = Engine::open(config.clone()).unwrap();
    let ids = ids();
    for id in &ids {
        engine.execute(&keyed(&Command::register_cloud_account(id), id)).unwrap();
    }
    // The identities are on the last shard, the payer that they are sent to is on the first one.
    let cloud = &ids[SHARDS - 1];
    let command = Command::SetPayer {
        cloud_accounts: vec![cloud.clone()],
        billing_account: ids[0].clone(),
        effective_at: Some(at("2026-02-01T00:00:00Z")),
    };
    engine.execute(&keyed(&command, "payer")).unwrap();
    for round in 0..20 {
        let first = Sent::new(cloud, format!("id-{round}"), 1, "2026-01-10T00:00:00Z");
        assert_eq!(engine.post(&batch(std::slice::from_ref(&first)), OnError::Continue).unwrap().accepted, 1);
        engine.close().unwrap();
        engine = Engine::open(config.clone()).unwrap();
        let again = Sent { start: at("2026-03-01T00:00:00Z"), ..first };
        let report = engine.post(&batch(&[again]), OnError::Continue).unwrap();
        assert_eq!(report.duplicate, 1, "round {round}: {report:?}");
    }
}

#[test]
fn available_credit_is_known_right_after_opening() {
    // rule B1
    let config = config(SimStorage::new(0), SHARDS);
    let mut engine = Engine::open(config.clone()).unwrap();
    let ids = ids();
    for id in &ids {
        engine.execute(&keyed(&Command::register_cloud_account(id), id)).unwrap();
    }
    let charges: Vec<_> = ids.iter().map(|id| Sent::new(id, "x", 5, "2026-01-10T00:00:00Z")).collect();
    engine.post(&batch(&charges), OnError::Continue).unwrap();
    for _ in 0..20 {
        engine.close().unwrap();
        engine = Engine::open(config.clone()).unwrap();
        for id in ids.iter().rev() {
            assert_eq!(engine.newest_available_credit(id).unwrap(), cents(-5));
        }
    }
}

#[test]
fn a_snapshot_that_could_not_be_read_once_is_no_trap_later() {
    let storage = SimStorage::new(0);
    let engine = Engine::open(config(storage.clone(), 2)).unwrap();
    engine.execute(&keyed(&Command::register_cloud_account("a"), "a")).unwrap();
    // The snapshot knows a text that stands in no record.
    let day = "2026-01-10T00:00:00Z";
    let refused =
        Sent { currency: "EUR".to_owned(), sku: "only refused".to_owned(), ..Sent::new("a", "x", 1, day) };
    assert_eq!(engine.post(&batch(&[refused]), OnError::Continue).unwrap().rejected, 1);
    engine.snapshot().unwrap();
    engine.close().unwrap();
    let calls = storage.restart();
    Engine::open(config(calls.clone(), 2)).unwrap().close().unwrap();
    let mut opened = 0;
    for call in 1..=calls.calls() {
        let storage = storage.restart();
        storage.fail_at(call, SimFault::Io);
        let Ok(engine) = Engine::open(config(storage.clone(), 2)) else { continue };
        let charge = Sent { sku: "new".to_owned(), ..Sent::new("a", "y", 1, day) };
        opened += u32::from(engine.post(&batch(&[charge]), OnError::Continue).is_ok());
        drop(engine);
        let config = config(storage.restart(), 2);
        let report = verify(&config).unwrap();
        assert!(report.ok, "call {call}: {report:?}");
        Engine::open(config).unwrap_or_else(|error| panic!("call {call}: {error:?}"));
    }
    assert!(opened > 0, "faults when closing are among the calls");
}

#[test]
fn a_broken_snapshot_is_none_of_the_two_that_are_kept() {
    // rule J1: what stays must be enough when the newest one breaks
    let storage = SimStorage::new(0);
    let trimming = |storage: &SimStorage| {
        let mut config = config(storage.clone(), 2);
        config.trim_log = true;
        config
    };
    let newest = |storage: &SimStorage| {
        storage.paths().into_iter().filter(|path| path.ends_with(".snap")).max().unwrap()
    };
    let post = |engine: &Engine, round: usize| {
        let charges: Vec<_> =
            (0..400).map(|n| Sent::new("a", format!("{round}-{n}"), 1, "2026-01-10T00:00:00Z")).collect();
        assert_eq!(engine.post(&batch(&charges), OnError::Continue).unwrap().accepted, 400);
    };
    let mut storage = storage;
    let mut engine = Engine::open(trimming(&storage)).unwrap();
    engine.execute(&keyed(&Command::register_cloud_account("a"), "a")).unwrap();
    for round in 0..3 {
        post(&engine, round);
        engine.snapshot().unwrap();
    }
    // The newest one breaks, is passed over when the ledger opens, and then the next one breaks too.
    for round in 3..5 {
        engine.close().unwrap();
        storage = storage.restart();
        storage.flip_bit(&newest(&storage), 100, 0);
        engine = Engine::open(trimming(&storage)).unwrap();
        assert!(!engine.opened().broken_snapshots.is_empty());
        assert_eq!(engine.account_overview("a").unwrap().charges, 400 * round);
        post(&engine, usize::try_from(round).unwrap());
        engine.snapshot().unwrap();
    }
}

#[test]
fn the_file_of_an_old_snapshot_becomes_that_of_the_next() {
    // rule J1: whatever stood in it
    const JUNK: u64 = 100_000;
    let storage = SimStorage::new(0);
    let engine = Engine::open(config(storage.clone(), 2)).unwrap();
    engine.execute(&keyed(&Command::register_cloud_account("a"), "a")).unwrap();
    for round in 0..6 {
        let charge = Sent::new("a", format!("{round}"), 1, "2026-01-10T00:00:00Z");
        assert_eq!(engine.post(&batch(&[charge]), OnError::Continue).unwrap().accepted, 1);
        engine.snapshot().unwrap();
        let old = storage.open("snapshots/unfinished.tmp");
        assert_eq!(storage.list("snapshots").unwrap().len(), 3.min(round + 1));
        assert_eq!(old.is_ok(), round >= 2);
        if let Ok(mut old) = old {
            old.write_all_at(&[0xAB; 100], JUNK).unwrap();
        }
    }
    engine.close().unwrap();
    let storage = storage.restart();
    for name in storage.list("snapshots").unwrap().iter().filter(|name| name.ends_with(".snap")) {
        assert!(storage.open(&format!("snapshots/{name}")).unwrap().size().unwrap() < JUNK, "{name}");
    }
    let engine = Engine::open(config(storage, 2)).unwrap();
    assert!(engine.opened().snapshot.is_some() && engine.opened().broken_snapshots.is_empty());
    assert_eq!(engine.account_overview("a").unwrap().charges, 6);
}
