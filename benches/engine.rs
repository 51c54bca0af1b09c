//! Durable throughput of the in-place path: batches of 8,192 charges handed over one after the other, each counted
//! when it is durable. `cargo bench --bench engine`
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::VecDeque;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use exchequer::domain::charge::Charge;
use exchequer::domain::charge_batch::ChargeBatch;
use exchequer::domain::ids::Currency;
use exchequer::engine::{Config, Engine};

const BATCH_CHARGES: usize = 8_192;
const BATCHES: usize = 64;
const IN_FLIGHT_BATCHES: usize = 4;

fn batches(accounts: usize, first: usize) -> Vec<ChargeBatch> {
    let start = "2026-05-01T00:00:00Z".parse().unwrap();
    let amount = "0.0125".parse().unwrap();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64 ^ first as u64;
    (0..BATCHES)
        .map(|batch| {
            let mut charges = ChargeBatch::with_capacity(BATCH_CHARGES);
            for charge in 0..BATCH_CHARGES {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let account = format!("account-{:012}", state % accounts as u64);
                let id = format!("{:020}", first + batch * BATCH_CHARGES + charge);
                charges.push(&Charge::usage(&account, "bench", &id, amount, "USD", start));
            }
            charges
        })
        .collect()
}

fn post(engine: &Engine, batches: &[ChargeBatch]) {
    let mut pending = VecDeque::new();
    for batch in batches {
        pending.push_back((engine.submit(batch).unwrap(), batch));
        if pending.len() == IN_FLIGHT_BATCHES {
            let (oldest, batch) = pending.pop_front().unwrap();
            assert_eq!(oldest.wait(batch).unwrap().accepted, BATCH_CHARGES as u64);
        }
    }
    for (pending, batch) in pending {
        assert_eq!(pending.wait(batch).unwrap().accepted, BATCH_CHARGES as u64);
    }
}

fn throughput(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("durable");
    group.throughput(Throughput::Elements((BATCHES * BATCH_CHARGES) as u64)).sample_size(10);
    for accounts in [10_000, 100_000, 1_000_000] {
        for shards in [1, 2] {
            let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
            let config = Config { shards: Some(shards), ..Config::new(directory.path()) };
            let engine = Engine::open(config).unwrap();
            let pairs: Vec<_> = (0..accounts)
                .map(|n| (format!("account-{n:012}"), format!("account-{n:012}"), Currency::USD))
                .collect();
            assert!(engine.open_accounts(&pairs).unwrap().iter().all(Result::is_ok));
            let mut first = 0;
            group.bench_function(format!("{accounts} accounts, {shards} shards"), |bencher| {
                bencher.iter_batched(
                    || {
                        first += BATCHES * BATCH_CHARGES;
                        batches(accounts, first)
                    },
                    |batches| post(&engine, &batches),
                    BatchSize::PerIteration,
                );
            });
            engine.close().unwrap();
        }
    }
}

criterion_group!(benches, throughput);
criterion_main!(benches);
