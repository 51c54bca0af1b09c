//! Benchmarks, at sizes that take no time: the shape of what they tell, and its counts. Times prove nothing here.

use serde_json::Value;

use crate::harness::{Home, charge, sample};

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
fn accounts_are_listed_beside_ingestion_and_exported() {
    let sizes = ["--accounts", "200", "--pages", "18", "--charges", "2000", "--batch", "64"];
    let json = bench(&[&["accounts"], &sizes[..]].concat());
    positive(&json, &["charges_per_second_alone", "charges_per_second_beside", "ratio"]);
    let pages = json["pages"].as_array().unwrap();
    assert_eq!(pages.len(), 9);
    assert_eq!(pages.iter().map(|pages| pages["pages"].as_u64().unwrap()).sum::<u64>(), 18);
    positive(&pages[0]["latency_us"], &["p50", "p99"]);
    let exports = json["exports"].as_array().unwrap();
    assert_eq!(
        exports.iter().map(|export| export["form"].as_str().unwrap()).collect::<Vec<_>>(),
        ["csv", "ndjson"]
    );
    for export in exports {
        // Besides, an ecosystem account and a member of the enterprise for each four, and who manages it.
        assert_eq!(export["accounts"], 200 + 50 + 50 + 1);
        positive(export, &["accounts_per_second", "seconds"]);
    }
    let paced = bench(&[&["accounts", "--rate", "50%"], &sizes[..]].concat());
    positive(&paced, &["charges_per_second_beside"]);
    let [alone, offered] =
        ["charges_per_second_alone", "charges_per_second_offered"].map(|name| paced[name].as_f64().unwrap());
    assert!((offered - alone / 2.0).abs() <= 1.0, "{paced:#}");
    assert!(json["charges_per_second_offered"].is_null(), "{json:#}");
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
fn a_file_is_imported_beside_reading_it_alone() {
    let (ndjson, focus) = (sample("charges.ndjson"), sample("focus-1.2.csv"));
    let json = bench(&["file", &ndjson, &focus, "--rounds", "2"]);
    let cells = json["cells"].as_array().unwrap();
    let expect = [(&ndjson, "ndjson", 420), (&focus, "focus", 288)];
    for (cell, (file, format, rows)) in cells.iter().zip(expect) {
        assert_eq!((&cell["file"], &cell["format"]), (&file.as_str().into(), &format.into()));
        assert_eq!(cell["rows"], rows);
        assert_eq!(cell["rounds"].as_array().unwrap().len(), 2);
        for side in ["end_to_end", "parse_only"] {
            positive(&cell["rounds"][0][side], &["rows_per_second", "seconds", "cpu_ns_per_row"]);
        }
        positive(cell, &["ratio"]);
    }
    let json = bench(&["file", &ndjson, "--rounds", "1", "--format", "ndjson"]);
    assert_eq!(json["rounds"].as_array().unwrap().len(), 1);
}

#[test]
fn a_file_that_is_not_imported_whole_is_no_measure() {
    let home = Home::new();
    let ran = home.run(&["bench", "file", "nowhere.ndjson"]);
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.starts_with("error: cannot measure `nowhere.ndjson`: "), "{}", ran.stderr);
    home.file("twice.ndjson", charge("acme", "1", "1") + &charge("acme", "1", "1"));
    let ran = home.run(&["bench", "file", "twice.ndjson"]);
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.contains("1 of 2 rows were posted"), "{}", ran.stderr);
    assert_eq!(home.run(&["bench", "file", "twice.ndjson", "--format", "parquet"]).status, 2);
}

#[test]
fn a_scratch_directory_that_is_not_there_is_told() {
    for command in ["ingest", "latency", "recover"] {
        let ran = Home::new().run(&["bench", command, "--scratch-dir", "nowhere"]);
        assert_eq!(ran.status, 1);
        assert!(ran.stderr.starts_with("error: cannot measure: "), "{}", ran.stderr);
        assert!(ran.stderr.contains("hint: check --scratch-dir"), "{}", ran.stderr);
    }
}

#[test]
fn events_go_to_a_subscriber_beside_ingestion() {
    let arguments = ["events", "--accounts", "30", "--charges", "5000", "--batch", "100", "--rounds", "2"];
    let json = bench(&arguments);
    let rounds = json["rounds"].as_array().unwrap();
    assert_eq!(rounds.len(), 2);
    for round in rounds {
        positive(&round["alone"], &["charges_per_second", "cpu_ns_per_charge"]);
        positive(&round["beside"], &["charges_per_second", "cpu_ns_per_charge"]);
        positive(&round["follower"], &["events_per_second", "bytes"]);
        assert_eq!(round["follower"]["events"], 5_000);
        positive(round, &["ratio"]);
    }
    positive(&json, &["ratio"]);
    assert_eq!(json["complete_and_in_order"], true);
}
