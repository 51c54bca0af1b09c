//! Inputs that can't be read: a clear word each, and what was accepted stays.

use std::io::Write;

use super::harness::{Home, charge, sample_text};

/// Imports one file and gives what is said on stderr.
fn said(name: &str, content: &[u8]) -> String {
    let home = Home::new();
    home.file(name, content);
    let ran = home.run(&["ingest", "--open-accounts", name]);
    assert_eq!(ran.status, 1);
    ran.stderr
}

#[test]
fn tells_what_is_wrong_with_a_file() {
    assert_eq!(
        said("empty.csv", b""),
        "error: cannot import `empty.csv`: the input is empty\nhint: check that the export was finished\n"
    );
    assert_eq!(
        said("book.xlsx", b"PK\x03\x04rest"),
        "error: cannot import `book.xlsx`: not a text file: it is a zip archive or a spreadsheet\n\
         hint: charge files are UTF-8 text or MessagePack, plain or gzip; convert or unpack it first\n"
    );
    assert_eq!(
        said("random.bin", &[0, 1, 2, 3, 255, 254, 7]),
        "error: cannot import `random.bin`: not a text file: it holds control characters\n\
         hint: charge files are UTF-8 text or MessagePack, plain or gzip; convert or unpack it first\n"
    );
    assert_eq!(
        said("words.txt", b"hello world\n"),
        "error: cannot import `words.txt`: not a known charge format: it begins `hello world\\n`\n\
         hint: known are `focus`, `aws-cur`, `azure-ea`, `oci` (CSV with a header row), `ndjson` (one JSON object a \
         line) and `msgpack`\n"
    );
}

#[test]
fn what_comes_before_a_cut_is_posted_and_the_whole_repairs_it() {
    // rule C7
    let home = Home::new();
    let text: String =
        (0..5_000).map(|id| charge("acme", &format!("{id:x}-{}", id * 7919), "0.01")).collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    home.file("whole.gz", &gzip);
    home.file("cut.gz", &gzip[..gzip.len() / 2]);
    let ran = home.run(&["ingest", "--open-accounts", "cut.gz", "--output", "json"]);
    assert_eq!(ran.status, 1);
    assert!(
        ran.stderr.starts_with("error: cannot import `cut.gz`: the gzip data ends too early: after row "),
        "{}",
        ran.stderr
    );
    let cut: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let posted = cut["accepted"].as_u64().unwrap();
    assert!(posted > 0 && posted < 5_000);
    assert!(ran.stderr.contains(&format!("after row {posted}, at compressed byte {}", gzip.len() / 2)));
    let whole = home.json(&["ingest", "whole.gz"]);
    assert_eq!(
        (whole["duplicate"].as_u64(), whole["accepted"].as_u64()),
        (Some(posted), Some(5_000 - posted))
    );
    assert_eq!(home.json(&["report"])["items"][0]["amount"], "50");
    home.verified();
}

#[test]
fn a_cut_row_of_a_focus_file_is_refused_and_the_whole_repairs_it() {
    // rule C7
    let home = Home::new();
    let text = sample_text("focus-1.2.csv");
    home.file("cut.csv", &text[..text.len() / 2]);
    home.file("whole.csv", &text);
    let cut = home.json(&["ingest", "--open-accounts", "cut.csv"]);
    let posted = cut["accepted"].as_u64().unwrap();
    assert_eq!((&cut["rejected"], &cut["items"][0]["code"]), (&1.into(), &"malformed_row".into()));
    let whole = home.json(&["ingest", "--open-accounts", "whole.csv"]);
    assert_eq!(
        (whole["duplicate"].as_u64(), whole["accepted"].as_u64()),
        (Some(posted), Some(288 - posted)),
        "{whole:#}"
    );
    home.verified();
}
