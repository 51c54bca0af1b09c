//! How long a row takes to read: `cargo bench --bench ingest`. The figures are per row (element).
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::io::Write;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use exchequer::ingest::{ARRAY_ORDER, ChargeReader, Page, ReaderOptions};

/// Rows of each input.
const ROWS: usize = 20_000;

/// A sample's rows again and again, behind the first `head` lines.
fn repeated(name: &str, head: usize) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let rows = lines.split_off(head);
    let rows = rows.iter().cycle().take(ROWS);
    lines.iter().chain(rows).flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect()
}

/// The same charges as MessagePack.
fn packed(lines: &[u8], pack: impl Fn(&serde_json::Value) -> serde_json::Value) -> Vec<u8> {
    let charges = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    charges
        .flat_map(|line| rmp_serde::to_vec(&pack(&serde_json::from_slice(line).unwrap())).unwrap())
        .collect()
}

/// A charge as an array in the order of [`ARRAY_ORDER`].
fn array(charge: &serde_json::Value) -> serde_json::Value {
    let value = |name| match charge.get(name) {
        None if name == "occurred_at" => charge["charge_period_start"].clone(),
        value => value.cloned().unwrap_or_default(),
    };
    ARRAY_ORDER.into_iter().map(value).collect()
}

fn read(input: &[u8], page: &mut Page) -> usize {
    let mut reader = ChargeReader::open(input, ReaderOptions::default()).unwrap();
    let mut count = 0;
    while reader.read(page, 4096).unwrap() {
        count += black_box(page.charges.len());
        page.clear();
    }
    count
}

fn ingest(criterion: &mut Criterion) {
    let focus = repeated("focus-1.2.csv", 1);
    let ndjson = repeated("charges.ndjson", 0);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&focus).unwrap();
    let inputs = [
        ("focus", focus),
        ("focus gzip", encoder.finish().unwrap()),
        ("msgpack arrays", packed(&ndjson, array)),
        ("msgpack maps", packed(&ndjson, serde_json::Value::clone)),
        ("ndjson", ndjson),
    ];
    let mut group = criterion.benchmark_group("ingest");
    group.throughput(Throughput::Elements(ROWS as u64)).sample_size(20);
    let mut page = Page::new();
    for (name, input) in &inputs {
        group.bench_function(*name, |bencher| {
            bencher.iter(|| assert_eq!(read(input, &mut page), ROWS));
        });
    }
    group.finish();
}

criterion_group!(benches, ingest);
criterion_main!(benches);
