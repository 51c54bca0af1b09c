//! What is known before any shard has run, right after opening.

use exchequer::engine::{Command, Engine, OnError};
use exchequer::wal::SimStorage;

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
        assert_eq!(engine.post(&batch(&[first.clone()]), OnError::Continue).unwrap().accepted, 1);
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
