//! The log against its floors: `cargo bench --bench wal`. Uses the directory for temporary files (`TMPDIR`).
#![allow(missing_docs, clippy::unwrap_used, clippy::cast_possible_truncation)]
#![allow(clippy::case_sensitive_file_extension_comparisons)] // the names are our own

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use exchequer::wal::{Identity, LogOptions, LogWriter, Lsn, OsStorage, Storage, open_log, read_log};
use std::hint::black_box;
use std::sync::Arc;

const FILE_BYTES: u64 = 64 * 1024 * 1024;
const LOG_BLOCKS: u64 = 512;
const LOG_BLOCK_BYTES: usize = 512 * 1024;

fn log(directory: &tempfile::TempDir) -> (Arc<dyn Storage>, Identity, LogWriter) {
    let storage: Arc<dyn Storage> = Arc::new(OsStorage::open(directory.path(), true).unwrap());
    let identity = Identity::open_or_create(&*storage, || [7; 32]).unwrap();
    let options = LogOptions { segment_bytes: FILE_BYTES, ..LogOptions::default() };
    let (writer, _) =
        open_log(Arc::clone(&storage), &identity, options, Lsn::new(0), &mut |_| Ok(())).unwrap();
    (storage, identity, writer)
}

fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    for bytes in [4096_usize, 1024 * 1024] {
        let payload = vec![5; bytes];
        group.sample_size(30).throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(format!("growing file, {bytes} B"), |bencher| {
            let directory = tempfile::tempdir().unwrap();
            let mut file = OsStorage::open(directory.path(), true).unwrap().create("file").unwrap();
            let mut offset = 0;
            bencher.iter(|| {
                file.write_all_at(&payload, offset).unwrap();
                file.sync().unwrap();
                offset += bytes as u64;
            });
        });
        group.bench_function(format!("zero-filled file, {bytes} B"), |bencher| {
            let directory = tempfile::tempdir().unwrap();
            let mut file = OsStorage::open(directory.path(), true).unwrap().create("file").unwrap();
            file.write_all_at(&vec![0; usize::try_from(FILE_BYTES).unwrap()], 0).unwrap();
            file.sync().unwrap();
            let mut offset = 0;
            bencher.iter(|| {
                file.write_all_at(&payload, offset).unwrap();
                file.sync().unwrap();
                offset = (offset + bytes as u64) % FILE_BYTES;
            });
        });
        group.bench_function(format!("log, {bytes} B"), |bencher| {
            let directory = tempfile::tempdir().unwrap();
            let (_storage, _identity, mut writer) = log(&directory);
            bencher.iter(|| {
                let lsn = writer.append(&[&payload], 1).unwrap();
                if lsn.number() % 4096 == 0 {
                    writer.trim(lsn).unwrap();
                }
            });
        });
    }
}

fn read(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    let (storage, identity, mut writer) = log(&directory);
    for number in 0..LOG_BLOCKS {
        let payload: Vec<u8> = (0..LOG_BLOCK_BYTES as u64).map(|index| (index * 31 + number) as u8).collect();
        writer.append(&[&payload], 1).unwrap();
    }
    let mut group = criterion.benchmark_group("read, cached");
    group.sample_size(10).throughput(Throughput::Bytes(LOG_BLOCKS * LOG_BLOCK_BYTES as u64));
    group.bench_function("plain loop with CRC", |bencher| {
        let names = storage.list("wal").unwrap();
        let mut buffer = vec![0; 1024 * 1024];
        bencher.iter(|| {
            for name in names.iter().filter(|name| name.ends_with(".wal")) {
                let file = storage.open(&format!("wal/{name}")).unwrap();
                let mut offset = 0;
                loop {
                    let count = file.read_at(&mut buffer, offset).unwrap();
                    if count == 0 {
                        break;
                    }
                    black_box(crc32c::crc32c(&buffer[..count]));
                    offset += count as u64;
                }
            }
        });
    });
    group.bench_function("log", |bencher| {
        bencher.iter(|| {
            let recovered = read_log(&*storage, &identity, Lsn::new(1), None, &mut |block| {
                black_box(block.bytes);
                Ok(())
            });
            assert_eq!(recovered.unwrap().blocks, LOG_BLOCKS);
        });
    });
}

criterion_group!(benches, append, read);
criterion_main!(benches);
