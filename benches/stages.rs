//! What a charge costs, stage by stage: `cargo bench --bench stages`. Parsing is in `ingest`, appending in `wal`.
#![allow(missing_docs, clippy::unwrap_used, clippy::cast_possible_truncation)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use exchequer::domain::account::Account;
use exchequer::domain::charge::Category;
use exchequer::domain::charge_batch::ChargeBatch;
use exchequer::domain::identities::{Identities, IdentityHasher, IdentityKey, Seen};
use exchequer::domain::ids::{AccountIndex, CloudIndex, Currency, Partition};
use exchequer::domain::names::{LOOK_UPS_AHEAD, Names};
use exchequer::domain::paid_cloud_account::PaidCloudAccount;
use exchequer::domain::strings::StringId;
use exchequer::domain::time::Cycle;
use exchequer::journal::JournalFault;
use exchequer::journal::charges::{ChargeId, ChargesBuilder, Label, PostedCharge};
use exchequer::journal::replay::{Start, replay};
use exchequer::load::drive::{Pace, post};
use exchequer::load::ingest::open;
use exchequer::load::workload::{Distribution, IdOrder, Workload, WorkloadSpec, account_id};
use exchequer::wal::{Identity, Lsn, OsStorage, VisitStop, read_log};

const ACCOUNTS: u32 = 100_000;
const CHARGES: usize = 8_192;
const REPLAYED: u64 = 524_288;

fn workload() -> Workload {
    let (distribution, ids) = (Distribution::Uniform, IdOrder::Random);
    Workload::new(WorkloadSpec { accounts: ACCOUNTS, batch: CHARGES, distribution, ids, seed: 1 })
}

fn batch() -> ChargeBatch {
    workload().batches(CHARGES as u64).remove(0)
}

fn lookup(criterion: &mut Criterion) {
    let mut names = Names::default();
    (0..ACCOUNTS).for_each(|account| assert!(names.insert(&account_id(account)).is_some()));
    let batch = batch();
    let ids: Vec<_> = batch.iter().map(|charge| charge.cloud_account).collect();
    let mut group = criterion.benchmark_group("lookup");
    group.throughput(Throughput::Elements(CHARGES as u64));
    group.bench_function("one by one", |bencher| {
        bencher.iter(|| ids.iter().for_each(|id| assert!(black_box(names.number(id)).is_some())));
    });
    group.bench_function("many at once", |bencher| {
        let mut numbers = [None; LOOK_UPS_AHEAD];
        bencher.iter(|| {
            for ids in ids.chunks(LOOK_UPS_AHEAD) {
                names.numbers(ids, &mut numbers);
                assert!(black_box(numbers)[0].is_some());
            }
        });
    });
}

fn dedupe(criterion: &mut Criterion) {
    let hasher = IdentityHasher::new([7; 16]);
    let batch = batch();
    let mut group = criterion.benchmark_group("dedupe");
    group.throughput(Throughput::Elements(CHARGES as u64));
    group.bench_function("hash", |bencher| {
        bencher.iter(|| {
            for charge in batch.iter() {
                let amount = charge.amount.money();
                black_box(hasher.key(CloudIndex(1), charge.source, charge.id, amount));
            }
        });
    });
    let cycle = Cycle::from_index(24_304);
    let keys = |first: u128| -> Vec<_> {
        let mix = |number: u128| number.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        (first..first + CHARGES as u128).map(|number| IdentityKey::new(mix(number), 0)).collect()
    };
    let partition = |key: IdentityKey| Partition((key.0 >> 40 & 0xFF) as u16);
    let mut identities = Identities::default();
    let mut first = 0;
    group.bench_function("look up and remember", |bencher| {
        bencher.iter_batched(
            || {
                first += CHARGES as u128;
                keys(first)
            },
            |keys| {
                for key in keys {
                    assert_eq!(identities.look_up(partition(key), key), Seen::New);
                    identities.insert(partition(key), cycle, key);
                }
            },
            BatchSize::PerIteration,
        );
    });
}

fn apply(criterion: &mut Criterion) {
    let batch = batch();
    let mut accounts: Vec<_> = (0..ACCOUNTS)
        .map(|account| (Account::placeholder(AccountIndex(account)), PaidCloudAccount::default()))
        .collect();
    let mut span = None;
    let mut group = criterion.benchmark_group("apply");
    group.throughput(Throughput::Elements(CHARGES as u64));
    group.bench_function("decide and apply", |bencher| {
        bencher.iter(|| {
            for (place, charge) in batch.iter().enumerate() {
                let (account, paid) = &mut accounts[place * 12 % ACCOUNTS as usize];
                let amount = charge.amount.money();
                let (start, category) = (charge.period_start, Category::Usage);
                let place = account
                    .decide_charge(paid, amount, Currency::USD, start, None, category, &mut span)
                    .unwrap();
                account.apply_charge(paid, amount, place.cycle, category);
            }
        });
    });
}

fn encode(criterion: &mut Criterion) {
    let batch = batch();
    let mut builder = ChargesBuilder::default();
    let mut bytes = Vec::new();
    let mut record = |bytes: &mut Vec<u8>| {
        bytes.clear();
        for (place, charge) in (0..).zip(batch.iter()) {
            builder.push(&PostedCharge {
                account: AccountIndex(place),
                sequence: 1,
                cloud: CloudIndex(place),
                amount: charge.amount.decimal(),
                period_start: charge.period_start,
                cycle: Cycle::from_index(24_304),
                original_cycle: Cycle::from_index(24_304),
                category: charge.category,
                correction: charge.correction,
                id: ChargeId::new(charge.id),
                source: Label { number: StringId(1), inline: "" },
                service: Label::EMPTY,
                sku: Label::EMPTY,
                unit: Label::EMPTY,
                quantity: charge.quantity,
                description: charge.description,
                tags: charge.tags,
                import_row: charge.import_row,
            });
        }
        builder.finish(bytes);
    };
    let mut group = criterion.benchmark_group("encode");
    group.throughput(Throughput::Elements(CHARGES as u64));
    group.bench_function("record", |bencher| bencher.iter(|| record(&mut bytes)));
    group.bench_function("crc of the record", |bencher| bencher.iter(|| black_box(crc32c::crc32c(&bytes))));
}

fn replay_log(criterion: &mut Criterion) {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let engine = open(directory.path(), ACCOUNTS, 1).unwrap();
    let pace = Pace { in_flight: 4, interval: None };
    post(&engine, &[workload().batches(REPLAYED)], pace).unwrap();
    engine.close().unwrap();
    let storage = OsStorage::open(directory.path(), false).unwrap();
    let identity = Identity::read(&storage).unwrap().unwrap();
    let mut group = criterion.benchmark_group("replay");
    group.throughput(Throughput::Elements(REPLAYED)).sample_size(10);
    for shards in [1, 2] {
        group.bench_function(format!("{shards} shards"), |bencher| {
            bencher.iter(|| {
                let start = Start { hasher: IdentityHasher::new(identity.hash_key), shards, snapshot: None };
                let replayed = replay::<JournalFault>(start, |sink| {
                    read_log(&storage, &identity, Lsn::FIRST, None, &mut |block| {
                        sink(block.bytes).map_err(VisitStop::new)
                    })
                    .unwrap();
                    Ok(())
                });
                assert_eq!(replayed.unwrap().charges, REPLAYED);
            });
        });
    }
}

criterion_group!(benches, lookup, dedupe, apply, encode, replay_log);
criterion_main!(benches);
