//! Replacing a period converges, whatever cuts it off and whoever else does the same (rule C8).

use exchequer::domain::charge::Charge;
use exchequer::domain::charge_batch::ChargeBatch;
use exchequer::domain::money::Money;
use exchequer::domain::time::Cycle;
use exchequer::engine::report::{ReportKey, ReportQuery};
use exchequer::engine::{Command, Delivery, Engine, EngineError, OnError, Reach, ReplaceReport, Request};
use exchequer::wal::{SimFault, SimStorage};

use crate::rig::{amount, at, cents, config};

/// More than one batch of adjustments.
const SKUS: u32 = 9_000;

/// A delivery: a charge a sku, of that many cents and a cent more for each sku.
fn charges(mark: &str, first: i64) -> ChargeBatch {
    let mut batch = ChargeBatch::new();
    let start = at("2026-05-03T00:00:00Z");
    for number in 0..SKUS {
        let (id, sku) = (format!("{mark}-{number}"), format!("sku-{number}"));
        let cloud = ["a", "b"][number as usize % 2];
        let charge = Charge::usage(cloud, "meter", &id, amount(first + i64::from(number)), "USD", start);
        batch.push(&Charge { sku: &sku, ..charge });
    }
    batch
}

fn replace(engine: &Engine, charges: &ChargeBatch) -> Result<ReplaceReport, EngineError> {
    let mut delivery = Delivery::new(Cycle::new(2026, 5).unwrap());
    assert_eq!(engine.deliver(&mut delivery, charges, Reach::Payer)?, []);
    engine.replace_period(delivery)
}

fn posted_first(storage: &SimStorage) -> Engine {
    let engine = Engine::open(config(storage.clone(), 2)).unwrap();
    for account in ["a", "b"] {
        engine.execute(&Request::new(Command::register_cloud_account(account))).unwrap();
    }
    engine.post(&charges("first", 100), OnError::Continue).unwrap();
    engine
}

/// By sku.
fn sums(engine: &Engine) -> Vec<(String, Money)> {
    let query = ReportQuery { by: vec![ReportKey::Sku], ..ReportQuery::default() };
    engine.report(&query).unwrap().into_iter().map(|item| (item.keys[0].clone(), item.amount)).collect()
}

fn expected(first: i64) -> Vec<(String, Money)> {
    let sum = |number| (format!("sku-{number}"), cents(first + i64::from(number)));
    let mut sums: Vec<_> = (0..SKUS).map(sum).collect();
    sums.sort();
    sums
}

#[test]
fn a_replacement_cut_off_anywhere_is_completed_by_the_same_delivery() {
    let storage = SimStorage::new(0);
    let before = {
        let engine = posted_first(&storage);
        let before = storage.calls();
        assert_eq!(replace(&engine, &charges("second", 150)).unwrap().adjustments, u64::from(SKUS));
        assert_eq!(sums(&engine), expected(150));
        before
    };
    let mut cut_in_the_middle = 0;
    // Every third: each takes a life of its own.
    for call in (before + 1..=storage.calls()).step_by(3) {
        let storage = SimStorage::new(call);
        let engine = posted_first(&storage);
        storage.fail_at(call.max(storage.calls() + 1), SimFault::Crash);
        let cut = replace(&engine, &charges("second", 150)).is_err();
        drop(engine);
        let engine = Engine::open(config(storage.crash(call), 2)).unwrap();
        let completed = replace(&engine, &charges("second", 150)).unwrap();
        assert_eq!((completed.refused, completed.keys), (0, u64::from(SKUS)));
        cut_in_the_middle += u32::from(cut && (1..u64::from(SKUS)).contains(&completed.adjustments));
        assert_eq!(sums(&engine), expected(150), "call {call}");
        assert_eq!(replace(&engine, &charges("second", 150)).unwrap().adjustments, 0);
    }
    assert!(cut_in_the_middle > 0);
}

#[test]
fn replacements_at_the_same_time_post_each_difference_once() {
    let engine = posted_first(&SimStorage::new(0));
    let adjustments: u64 = std::thread::scope(|scope| {
        let replacing =
            [0, 1, 2].map(|_| scope.spawn(|| replace(&engine, &charges("second", 70)).unwrap().adjustments));
        replacing.map(|thread| thread.join().unwrap()).into_iter().sum()
    });
    assert_eq!(adjustments, u64::from(SKUS));
    assert_eq!(sums(&engine), expected(70));
}

#[test]
fn a_delivery_with_an_unfit_charge_is_not_posted() {
    let engine = posted_first(&SimStorage::new(0));
    let mut delivery = Delivery::new(Cycle::new(2026, 6).unwrap());
    let unfit = engine.deliver(&mut delivery, &charges("second", 1), Reach::Payer).unwrap();
    assert_eq!(unfit.len(), SKUS as usize);
    assert!(matches!(engine.replace_period(delivery), Err(EngineError::Invalid { field: "delivery", .. })));
}
