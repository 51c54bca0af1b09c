//! Benchmarks, at sizes that take no time: the shape of what they tell, and its counts. Times prove nothing here.

use serde_json::Value;

use crate::harness::Home;

/// Runs a benchmark in a home, in which nothing is left behind.
fn bench(arguments: &[&str]) -> Value {
    let home = Home::new();
    let json = home.json(&[&["bench"], arguments].concat());
    assert_eq!(std::fs::read_dir(home.path("")).unwrap().count(), 0, "files are left behind");
    json
}

/// Some fields of an object are positive numbers.
fn positive(object: &Value, fields: &[&str]) {
    for field in fields {
        assert!(object[field].as_f64().is_some_and(|number| number > 0.0), "{field}: {object:#}");
    }
}

#[test]
fn ingest_tells_of_the_engine_and_the_floor() {
    let json = bench(&["ingest", "--accounts", "10", "--charges", "100", "--batch", "8", "--rounds", "2"]);
    assert_eq!(json["charges"], 100);
    let rounds = json["rounds"].as_array().unwrap();
    assert_eq!(rounds.len(), 2);
    for side in ["engine", "floor"] {
        positive(&rounds[0][side], &["charges_per_second", "cpu_ns_per_charge"]);
        positive(&rounds[0][side]["batch_latency_us"], &["p50", "p99", "p999", "max"]);
    }
    positive(&json, &["ratio"]);
}

#[test]
fn latency_stands_beside_the_disk_alone() {
    let json = bench(&["latency", "--accounts", "3", "--charges", "5", "--reads", "300"]);
    for side in ["charge_us", "fdatasync_us", "mailbox_read_us"] {
        positive(&json[side], &["p50", "p99", "p999", "max"]);
    }
    assert!(json["lock_free_read_ns"]["p50"].is_u64(), "{json:#}");
    positive(&json, &["ratio_p50", "block_bytes"]);
    assert_eq!((&json["accounts"], &json["charges"], &json["reads"]), (&3.into(), &5.into(), &300.into()));
}

#[test]
fn recover_replays_all_charges_beside_the_floor() {
    let arguments =
        ["recover", "--accounts", "300", "--charges", "20000", "--rounds", "2", "--shards", "1,2"];
    let json = bench(&arguments);
    let cells = json["cells"].as_array().unwrap();
    assert_eq!(cells.iter().map(|cell| cell["shards"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2]);
    for cell in cells {
        assert_eq!((&cell["charges"], &cell["accounts"]), (&20_000.into(), &300.into()));
        let rounds = cell["rounds"].as_array().unwrap();
        assert_eq!(rounds.len(), 2);
        for side in ["engine", "floor"] {
            positive(&rounds[1][side], &["charges_per_second", "seconds", "cpu_ns_per_charge"]);
        }
        positive(cell, &["ratio"]);
    }
}

#[test]
fn recover_opens_from_a_snapshot() {
    let arguments = ["recover", "--from-snapshot", "--accounts", "300", "--charges", "100", "--rounds", "2"];
    let json = bench(&arguments);
    positive(&json, &["seconds", "snapshot_bytes"]);
    assert_eq!(json["rounds"].as_array().unwrap().len(), 2);
    positive(&json["rounds"][0]["engine"], &["seconds", "cpu_seconds"]);
}

#[test]
fn memory_is_counted_by_account_and_by_id() {
    let json = bench(&["memory", "--accounts", "20000", "--ids", "100000"]);
    assert_eq!((&json["accounts"], &json["ids"]), (&20_000.into(), &100_000.into()));
    let account = json["account_bytes"].as_f64().unwrap();
    // At least what it is known to hold: the actor, its payment relationship, two ids of 20 bytes.
    assert!(account > json["actor_bytes"].as_f64().unwrap() + 40.0, "{json:#}");
    // An entry has 16 bytes.
    assert!(json["id_bytes"]["mean"].as_f64().unwrap() > 16.0, "{json:#}");
    positive(&json["id_bytes"], &["max"]);
}

#[test]
fn a_scratch_directory_that_is_not_there_is_told() {
    for command in ["ingest", "latency", "memory", "recover"] {
        let ran = Home::new().run(&["bench", command, "--scratch-dir", "nowhere"]);
        assert_eq!(ran.status, 1);
        assert!(ran.stderr.starts_with("error: cannot measure: "), "{}", ran.stderr);
        assert!(ran.stderr.contains("hint: check --scratch-dir"), "{}", ran.stderr);
    }
}
