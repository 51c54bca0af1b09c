//! `generate`: as many charges as asked for, the same ones in every format, the same bytes each time.

use std::collections::BTreeMap;
use std::io::Read;
use std::process::Stdio;

use exchequer::domain::money::Money;
use serde_json::Value;

use super::harness::{Home, ran};

const FORMATS: [&str; 7] = ["ndjson", "msgpack", "msgpack-maps", "focus", "aws-cur", "azure-ea", "oci"];

/// What is written.
fn generated(arguments: &[&str]) -> Vec<u8> {
    let home = Home::new();
    let output = home.command(&[&["generate"], arguments].concat()).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    output.stdout
}

/// The fields of each row, header and all, by the letter of RFC 4180.
fn rows(text: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut rest = text;
    let mut row = Vec::new();
    while !rest.is_empty() {
        let mut field = String::new();
        if let Some(mut quoted) = rest.strip_prefix('"') {
            while let Some((before, after)) = quoted.split_once('"') {
                field.push_str(before);
                quoted = after;
                if let Some(after) = quoted.strip_prefix('"') {
                    field.push('"');
                    quoted = after;
                } else {
                    break;
                }
            }
            rest = quoted;
        } else {
            let end = rest.find([',', '\n']).expect("every row ends");
            assert!(!rest[..end].contains(['"', '\r']), "{}", &rest[..end]);
            field.push_str(&rest[..end]);
            rest = &rest[end..];
        }
        row.push(field);
        if rest.starts_with('\n') {
            rows.push(std::mem::take(&mut row));
        }
        assert!(rest.starts_with([',', '\n']), "{rest:.100}");
        rest = &rest[1..];
    }
    assert!(row.is_empty());
    rows
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for format in FORMATS {
        let bytes = |seed: &str| {
            generated(&["--format", format, "--charges", "3000", "--accounts", "70", "--seed", seed])
        };
        let first = bytes("7");
        assert_eq!(first, bytes("7"), "{format}");
        assert_ne!(first, bytes("8"), "{format}");
        let zipped = ["--format", format, "--charges", "3000", "--accounts", "70", "--seed", "7", "--gzip"];
        let mut unzipped = Vec::new();
        flate2::read::GzDecoder::new(&generated(&zipped)[..]).read_to_end(&mut unzipped).unwrap();
        assert_eq!(first, unzipped);
        let home = Home::new();
        let to_file = [&["generate", "--file", "charges"], &zipped[..8]].concat();
        assert_eq!(home.run(&to_file).whole(), "exit 0\n");
        assert_eq!(std::fs::read(home.path("charges")).unwrap(), first);
    }
    // What a seed means stays the same for ever.
    let line = generated(&["--format", "ndjson", "--charges", "1"]);
    assert_eq!(
        String::from_utf8(line).unwrap(),
        concat!(
            r#"{"cloud_account":"org-0001/project-1","source":"generated","id":"d701f5c8-2406-2d47-046d-af9b8abaaf57","#,
            r#""amount":"0.31060646","currency":"USD","occurred_at":"2026-05-01T00:00:00Z","service":"Public Traffic","#,
            r#""sku":"NET-ZONE","quantity":"31.060646","unit":"GB","description":"Traffic between zones","#,
            r#""billing_account":"org-0001"}"#,
            "\n"
        )
    );
}

#[test]
fn every_format_posts_the_same_charges() {
    // rules A4, C7
    const COUNT: u64 = 20_000;
    let mut totals: Option<(Value, Value)> = None;
    for format in &FORMATS[..4] {
        let home = Home::new();
        let charges = COUNT.to_string();
        let arguments =
            ["generate", "--format", format, "--charges", &charges, "--accounts", "230", "--seed", "3"];
        let mut writer = home.command(&arguments).spawn().unwrap();
        let pipe = Stdio::from(writer.stdout.take().unwrap());
        let reader =
            home.command(&["ingest", "--open-accounts", "--output", "json", "-"]).stdin(pipe).spawn();
        let read = ran(reader.unwrap());
        assert_eq!((ran(writer).status, read.status), (0, 0), "{format}: {}", read.stdout);
        let summary: Value = serde_json::from_str(&read.stdout).unwrap();
        assert_eq!((&summary["rows"], &summary["accepted"]), (&COUNT.into(), &COUNT.into()), "{format}");
        let by = "billing_account,cloud_account,currency,cycle,service,category";
        let got = (summary["totals"].clone(), home.json(&["report", "--by", by])["items"].clone());
        let expect = totals.get_or_insert_with(|| got.clone());
        assert!(*expect == got, "{format} differs");
    }
    let (_, items) = totals.unwrap();
    let items = items.as_array().unwrap();
    let has = |name: &str, value: &str| items.iter().any(|item| item[name] == value);
    for category in ["usage", "purchase", "tax", "credit", "adjustment"] {
        assert!(has("category", category), "{category}");
    }
    assert!(has("currency", "EUR") && has("currency", "USD"));
    assert!(items.iter().any(|item| item["amount"].as_str().unwrap().starts_with('-')));
    assert!(items.iter().all(|item| item["cycle"] == "2026-05"), "late rows are billed in May");
}

#[test]
fn vendor_reports_are_sound_and_sum_up_to_the_same() {
    let arguments = ["--charges", "10000", "--seed", "5"];
    let sums = |format: &str, cost: &str, currency: &str| {
        let text = String::from_utf8(generated(&[&["--format", format], &arguments[..]].concat())).unwrap();
        let rows = rows(&text);
        assert_eq!(rows.len(), 10_001);
        let header = &rows[0];
        let place = |name: &str| header.iter().position(|column| column == name).unwrap();
        let (cost, currency) = (place(cost), place(currency));
        let mut sums = BTreeMap::new();
        for row in &rows[1..] {
            assert_eq!(row.len(), header.len());
            let sum: &mut Money = sums.entry(row[currency].clone()).or_default();
            *sum = sum.checked_add(Money::parse(&row[cost]).unwrap()).unwrap();
        }
        sums
    };
    let lines = generated(&[&["--format", "ndjson"], &arguments[..]].concat());
    let mut expect = BTreeMap::new();
    let (mut late, mut long, mut ids) = (0, 0, std::collections::HashSet::new());
    for line in std::str::from_utf8(&lines).unwrap().lines() {
        let charge: Value = serde_json::from_str(line).unwrap();
        let amount = charge["amount"].as_str().unwrap();
        let sum: &mut Money = expect.entry(charge["currency"].as_str().unwrap().to_owned()).or_default();
        *sum = sum.checked_add(Money::parse(amount).unwrap()).unwrap();
        late += usize::from(charge["occurred_at"].as_str().unwrap().starts_with("2026-04"));
        long += usize::from(amount.split('.').nth(1).is_some_and(|fraction| fraction.len() >= 10));
        ids.insert(charge["id"].as_str().unwrap().to_owned());
    }
    assert!(late > 50 && long > 1000 && ids.len() == 10_000, "{late} {long}");
    for (format, cost, currency) in [
        ("focus", "BilledCost", "BillingCurrency"),
        ("aws-cur", "lineItem/UnblendedCost", "lineItem/CurrencyCode"),
        ("azure-ea", "Cost", "BillingCurrency"),
        ("oci", "cost/myCost", "cost/currencyCode"),
    ] {
        assert_eq!(sums(format, cost, currency), expect, "{format}");
    }
}

#[test]
fn says_what_it_can_not_do() {
    let home = Home::new();
    let ran = home.run(&["generate", "--format", "oci", "--charges", "1", "--file", "no/such/folder"]);
    assert_eq!(
        ran.whole(),
        "exit 1\n---\nerror: cannot write `no/such/folder`: No such file or directory (os error 2)\n\
         hint: check the path, and that there is room on the disk\n"
    );
    assert_eq!(home.run(&["generate", "--format", "oci", "--charges", "1", "--accounts", "0"]).status, 2);
    assert_eq!(home.run(&["generate", "--format", "oci"]).status, 2);
    for format in FORMATS {
        let empty = String::from_utf8(generated(&["--format", format, "--charges", "0"])).unwrap();
        assert!(empty.lines().count() <= 1, "{empty}");
    }
    // Whoever reads the output has seen enough.
    let mut writer =
        home.command(&["generate", "--format", "ndjson", "--charges", "1000000"]).spawn().unwrap();
    drop(writer.stdout.take());
    assert_eq!(super::harness::ran(writer).whole(), "exit 0\n");
}
