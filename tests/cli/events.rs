//! `exchequer events`: the change feed from another process.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::harness::{Home, charge, ran, sample};

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|fault| panic!("{fault}: {line}")))
        .collect()
}

/// Block and index of an event.
fn place(event: &Value) -> (u64, u64) {
    let (lsn, index) = event["id"].as_str().unwrap().split_once('-').unwrap();
    (lsn.parse().unwrap(), index.parse().unwrap())
}

/// Every event follows the one before.
fn in_order(events: &[Value]) {
    for pair in events.windows(2) {
        let ((lsn, index), next) = (place(&pair[0]), place(&pair[1]));
        let follows = next == (lsn, index + 1) || next.0 > lsn && next.1 == 0;
        assert!(follows, "{next:?} comes after {lsn}-{index}");
    }
}

#[test]
fn one_event_of_each_type_reads_as_it_always_did() {
    let home = Home::new();
    let mut first = BTreeMap::new();
    let samples =
        [("year", "account-year.ndjson"), ("day", "enterprise-day.ndjson"), ("alerts", "alerts.ndjson")];
    for (nth, (ledger, name)) in samples.into_iter().enumerate() {
        home.run(&["apply", &sample(name), "--data-dir", ledger]);
        let ran = home.run(&["events", "--data-dir", ledger]);
        assert_eq!((ran.status, &*ran.stderr), (0, ""));
        in_order(&lines(&ran.stdout));
        for mut event in lines(&ran.stdout) {
            // The id of the directory is random, and what shares a block with what depends on the disk.
            let source = event["source"].as_str().unwrap();
            assert!(
                source.starts_with("/exchequer/") && source.len() == "/exchequer/".len() + 32,
                "{source}"
            );
            event["source"] = "/exchequer/…".into();
            event["id"] = "…".into();
            // Accounts that were asked at once answer in any order.
            let of = |what: &str| event[what].as_str().unwrap_or_default().to_owned();
            let order = (nth, of("time"), of("subject"));
            let line = (order, event.to_string());
            let known = first.entry(of("type")).or_insert_with(|| line.clone());
            if line.0 < known.0 {
                *known = line;
            }
        }
    }
    let lines: Vec<_> = first.into_values().map(|(_, line)| line).collect();
    let text = lines.join("\n") + "\n";
    let golden = include_str!("events_of_each_type.ndjson");
    if text != golden {
        let changed: Vec<_> = text.lines().filter(|line| !golden.lines().any(|old| old == *line)).collect();
        panic!(
            "{} lines, {} before; new:\n{}",
            text.lines().count(),
            golden.lines().count(),
            changed.join("\n")
        );
    }
}

#[test]
fn a_range_a_kind_or_an_account_alone() {
    let home = Home::new();
    let rows: String =
        (0..5).map(|number| charge(["acme", "bolt"][number % 2], &number.to_string(), "1")).collect();
    home.file("charges.ndjson", rows);
    home.run(&["ingest", "--open-accounts", "charges.ndjson"]);
    let events = |arguments: &[&str]| {
        let ran = home.run(&[&["events"], arguments].concat());
        assert_eq!(ran.status, 0, "{arguments:?}");
        assert_eq!(ran.stderr.is_empty(), !ran.stdout.is_empty(), "{arguments:?}");
        lines(&ran.stdout)
    };
    let all = events(&[]);
    in_order(&all);
    let last = place(all.last().unwrap()).0;
    let only =
        |keep: &dyn Fn(&Value) -> bool| all.iter().filter(|event| keep(event)).cloned().collect::<Vec<_>>();
    for from in 1..=last + 2 {
        let (text, to) = (from.to_string(), (from + 1).to_string());
        assert_eq!(events(&["--from", &text]), only(&|event| place(event).0 >= from));
        let both = only(&|event| (from..=from + 1).contains(&place(event).0));
        assert_eq!(events(&["--from", &text, "--to", &to]), both);
    }
    let charges = events(&["--kind", "exchequer.charge"]);
    assert_eq!(charges.len(), 5);
    assert_eq!(charges, only(&|event| event["type"] == "exchequer.charge.posted"));
    let acme = events(&["--billing-account", "acme", "--kind", "exchequer.charge.posted"]);
    assert_eq!(acme, only(&|event| event["subject"] == "acme" && event["type"] == "exchequer.charge.posted"));
    assert_eq!(acme.len(), 3);
    assert_eq!(events(&["--billing-account", "nobody"]), Vec::<Value>::new());
    let none = home.run(&["events", "--kind", "nonsense"]);
    let sealed = last + 1;
    assert_eq!(none.stderr.trim(), format!("no such events: the log ends at block {sealed}"));
    // To a block that is there, a follower ends by itself.
    assert_eq!(events(&["--follow", "--to", &last.to_string()]), all);
}

#[test]
fn what_cannot_be_read_is_told() {
    let home = Home::new();
    home.check(
        &["events"],
        "
exit 1
---
error: cannot open the ledger in `exchequer-data`: No such file or directory (os error 2)
hint: check --data-dir; `exchequer ingest` and `exchequer apply` make a new one
",
    );
    assert_eq!(home.run(&["events", "--from", "0"]).status, 2);
    home.file("charges.ndjson", charge("acme", "1", "1"));
    home.run(&["ingest", "--open-accounts", "charges.ndjson"]);
    let mut bytes = std::fs::read(home.segment()).unwrap();
    bytes[100] ^= 1;
    std::fs::write(home.segment(), bytes).unwrap();
    home.check(
        &["events"],
        "
exit 1
---
error: cannot read the events in `exchequer-data`: cannot open the log: `wal/00000000000000000001.wal` is damaged at offset `72`, lsn `1`, though the log was closed cleanly
hint: nothing was changed: copy the data directory aside, check the disk, and restore from a backup
",
    );
}

fn interrupt(child: &Child) {
    kill_process(Pid::from_child(child), Signal::INT).unwrap();
}

#[test]
fn a_follower_gets_all_that_an_import_beside_it_posts() {
    const CHARGES: usize = 30_000;
    let home = Home::new();
    home.file("first.ndjson", charge("account 0", "first", "1"));
    home.run(&["ingest", "--open-accounts", "first.ndjson"]);
    let rows: String = (0..CHARGES)
        .map(|number| charge(&format!("account {}", number % 50), &number.to_string(), "0.25"))
        .collect();
    home.file("charges.ndjson", rows);
    let mut follower = home.command(&["events", "--follow"]).spawn().unwrap();
    let mut out = BufReader::new(follower.stdout.take().unwrap());
    let import = home.command(&["ingest", "--open-accounts", "--append", "charges.ndjson"]).spawn().unwrap();
    let (mut events, mut line, mut charges) = (Vec::new(), String::new(), 0);
    while charges < CHARGES + 1 {
        line.clear();
        assert!(out.read_line(&mut line).unwrap() > 0, "the follower ended early");
        let event: Value = serde_json::from_str(&line).unwrap();
        charges += usize::from(event["type"] == "exchequer.charge.posted");
        events.push(event);
    }
    let import = ran(import);
    assert_eq!(import.status, 0, "{}", import.stderr);
    interrupt(&follower);
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut out, &mut rest).unwrap();
    let ended = ran(follower);
    assert_eq!((ended.status, &*ended.stderr), (0, ""));
    events.extend(lines(&rest));
    in_order(&events);
    let mut ids: Vec<usize> = events
        .iter()
        .filter(|event| event["type"] == "exchequer.charge.posted" && event["data"]["id"] != "first")
        .map(|event| {
            let id: usize = event["data"]["id"].as_str().unwrap().parse().unwrap();
            assert_eq!(event["subject"], format!("account {}", id % 50), "names are those of the charge");
            id
        })
        .collect();
    ids.sort_unstable();
    assert!(ids.into_iter().eq(0..CHARGES), "every charge once");
    // The feed afterwards is the same.
    assert_eq!(lines(&home.run(&["events"]).stdout), events);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let home = Home::new();
    let rows: String = (0..5_000).map(|number| charge("acme", &number.to_string(), "1")).collect();
    home.file("charges.ndjson", rows);
    home.run(&["ingest", "--open-accounts", "charges.ndjson"]);
    let mut child = home.command(&["events"]).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("exchequer.directory."), "{first}");
    let ended = ran(child);
    assert_eq!((ended.status, &*ended.stderr), (0, ""));
}
