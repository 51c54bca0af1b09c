//! Data directories that can't be used, and readers that go away.

use std::fs::File;
use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use super::harness::{Home, charge, ran, sample};

fn ledger() -> Home {
    let home = Home::new();
    assert_eq!(home.run(&["ingest", "--open-accounts", &sample("focus-1.2.csv")]).status, 0);
    home
}

#[test]
fn refuses_a_directory_of_a_newer_version() {
    let home = ledger();
    let path = home.path("exchequer-data/identity");
    let mut identity = std::fs::read(&path).unwrap();
    identity[8] = 9;
    let crc = crc32c::crc32c(&identity[..68]);
    identity[68..72].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(&path, identity).unwrap();
    home.check(
        &["accounts"],
        "
exit 1
---
error: cannot open the ledger in `exchequer-data`: `identity` has format version `9`, this program knows versions up to `1`
hint: use the version of the program that wrote it, or a later one
",
    );
}

#[test]
fn refuses_a_damaged_log_and_changes_nothing() {
    let home = ledger();
    let mut bytes = std::fs::read(home.segment()).unwrap();
    bytes[2_000] ^= 1;
    std::fs::write(home.segment(), &bytes).unwrap();
    let refused = home.run(&["accounts"]);
    assert_eq!(refused.status, 1);
    let start = "error: cannot open the ledger in `exchequer-data`: cannot open the log: `wal/00000000000000000001.wal` is damaged at offset ";
    assert!(refused.stderr.starts_with(start), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("\nhint: nothing was changed: copy the data directory aside"),
        "{}",
        refused.stderr
    );
    let verified = home.run(&["verify"]);
    assert_eq!(verified.status, 1);
    assert!(verified.stdout.starts_with("BROKEN  log-is-whole"), "{}", verified.stdout);
    assert_eq!(home.json(&["verify"])["ok"], false);
    assert_eq!(std::fs::read(home.segment()).unwrap(), bytes);
}

#[test]
fn one_directory_has_one_process() {
    let home = Home::new();
    let mut holder = home.command(&["ingest", "--open-accounts", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let expect = format!("the data directory is in use by process `{}`\n", holder.id());
    let mut stderr = String::new();
    // It takes a moment until the other process has it.
    for _ in 0..500 {
        stderr = home.run(&["accounts"]).stderr;
        if stderr.contains(&expect) {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(stderr.contains(&expect), "{stderr}");
    assert!(
        stderr.ends_with("hint: stop that process first: one data directory has one writer\n"),
        "{stderr}"
    );
    for command in [&["verify"][..], &["wal", "inspect"]] {
        assert!(home.run(command).stderr.contains(&expect));
    }
    holder.stdin.take().unwrap().write_all(charge("acme", "1", "1").as_bytes()).unwrap();
    assert_eq!(ran(holder).status, 0);
    assert_eq!(home.json(&["accounts"])["items"][0]["charges"], 1);
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let home = ledger();
    for command in [&["accounts"][..], &["wal", "dump", "--lsn", "2"], &["--help"], &["verify"]] {
        let mut child = home.command(command).spawn().unwrap();
        drop(child.stdout.take());
        assert_eq!(ran(child).status, 0);
    }
    let mut child = home.command(&["ingest", "--open-accounts", &sample("charges.ndjson")]).spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    home.verified();
    assert_eq!(home.json(&["ingest", &sample("charges.ndjson")])["duplicate"], 420);
}

#[test]
fn output_that_can_not_be_written_is_an_error() {
    let Ok(full) = File::options().write(true).open("/dev/full") else { return };
    let home = ledger();
    let ran = ran(home.command(&["accounts"]).stdout(full).spawn().unwrap());
    assert_eq!(ran.status, 1);
    assert_eq!(
        ran.stderr,
        "error: cannot write the output: No space left on device (os error 28)\n\
         hint: check where the output goes: a full disk, or a program that ended\n"
    );
}

#[test]
fn usage_is_told_apart_from_refusal() {
    let home = Home::new();
    for arguments in [
        &[][..],
        &["ingest"],
        &["ingest", "--format", "xml", "f"],
        &["nonsense"],
        &["wal", "dump", "--lsn", "0"],
    ] {
        assert_eq!(home.run(arguments).status, 2, "{arguments:?}");
    }
}
