//! Batches at their edges: all or none, nothing after the first exception, and room that always comes back
//! (rule C6).

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use exchequer::domain::charge_batch::ChargeBatch;
use exchequer::domain::refusals::Refusal;
use exchequer::domain::time::Cycle;
use exchequer::engine::{Command, Config, Engine, EngineError, OnError};
use exchequer::limits::CYCLES_REMEMBERED_MAX;
use exchequer::wal::SimStorage;

use crate::naive::Counts;
use crate::rig::{Sent, at, batch, cents, config, keyed};
use crate::valve::Valve;

const DAY: &str = "2026-01-10T00:00:00Z";

fn engine_of(config: Config) -> Engine {
    let engine = Engine::open(config).unwrap();
    for id in ["a", "b"] {
        engine.execute(&keyed(&Command::register_cloud_account(id), id)).unwrap();
    }
    engine
}

fn sent(cloud: &str, id: &str) -> Sent {
    Sent::new(cloud, id, 100, DAY)
}

#[test]
fn nothing_is_posted_after_a_currency_that_is_none() {
    let engine = engine_of(config(SimStorage::new(0), 2));
    let bad = Sent { currency: "us dollars".to_owned(), ..sent("a", "bad") };
    let charges = batch(&[sent("a", "before"), bad, sent("a", "after")]);
    let report = Counts::from(&engine.post(&charges, OnError::Stop).unwrap());
    let items = vec![(1, Refusal::CurrencyMismatch)];
    assert_eq!(
        report,
        Counts { accepted: 1, rejected: 1, unsubmitted: 1, items: items.clone(), ..Counts::default() }
    );
    assert_eq!(engine.account_overview("a").unwrap().charges, 1);
    let report = Counts::from(&engine.post(&charges, OnError::Atomic).unwrap());
    assert_eq!(report, Counts { rejected: 3, items, ..Counts::default() });
}

#[test]
fn an_atomic_batch_opens_no_more_cycles_than_are_left() {
    let engine = engine_of(config(SimStorage::new(0), 2));
    let in_cycle = |n: usize| Sent {
        cycle: Some(Cycle::from_index(20_000 + u32::try_from(n).unwrap())),
        ..sent("a", &format!("cycle-{n}"))
    };
    let charges: Vec<_> = (1..CYCLES_REMEMBERED_MAX).map(in_cycle).collect();
    let report = engine.post(&batch(&charges), OnError::Continue).unwrap();
    assert_eq!(report.accepted, charges.len() as u64, "{report:?}");
    let two = batch(&[in_cycle(500), in_cycle(501)]);
    let report = engine.post(&two, OnError::Atomic).unwrap();
    assert_eq!((report.accepted, report.rejected), (0, 2), "{report:?}");
    assert_eq!(engine.account_overview("a").unwrap().charges, charges.len() as u64);
    assert_eq!(engine.post(&batch(&[in_cycle(500)]), OnError::Atomic).unwrap().accepted, 1);
}

#[test]
fn an_atomic_batch_sees_the_rows_of_its_own_import() {
    let engine = engine_of(config(SimStorage::new(0), 2));
    let mut rows = ChargeBatch::new();
    for (id, import_row) in [("x", 3), ("y", 2)] {
        let row = sent("a", id);
        rows.push(&exchequer::domain::charge::Charge { import_row, ..row.charge() });
    }
    let report = engine.post(&rows, OnError::Atomic).unwrap();
    assert_eq!((report.accepted, report.rejected), (0, 2), "{report:?}");
    assert_eq!(report.items[0].code, Refusal::OverlappingImport);
    assert_eq!(engine.account_overview("a").unwrap().charges, 0);
}

#[test]
fn an_atomic_batch_is_of_one_account_also_after_a_change_of_payer() {
    let valve = Valve::new();
    let engine = engine_of(Config { in_flight_charges_max: 1, ..config(valve.clone(), 2) });
    let _held = valve.close();
    // The account's shard has no room, so that the atomic batch waits, routed already.
    let first = batch(&[sent("a", "first")]);
    let pending = engine.submit(&first).unwrap();
    let late = Sent { start: at("2026-03-01T00:00:00Z"), ..sent("a", "late") };
    let charges = batch(&[sent("a", "early"), late]);
    let mut atomic = pin!(engine.post_async(&charges, OnError::Atomic));
    assert!(atomic.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let command = Command::SetPayer {
        cloud_accounts: vec!["a".to_owned()],
        billing_account: "b".to_owned(),
        effective_at: Some(at("2026-02-01T00:00:00Z")),
    };
    valve.open();
    engine.execute(&keyed(&command, "payer")).unwrap();
    assert_eq!(pending.wait(&first).unwrap().accepted, 1);
    let answer = pollster::block_on(atomic);
    let charges = |id| engine.account_overview(id).unwrap().charges;
    assert!(
        matches!(answer, Err(EngineError::Refused { refusal: Refusal::AtomicSpansAccounts, .. })),
        "{answer:?}, {} charges of `a` and {} of `b`",
        charges("a"),
        charges("b")
    );
    assert_eq!((charges("a"), charges("b")), (1, 0));
    // Its room came back.
    let both = batch(&[sent("a", "1"), sent("b", "2")]);
    assert_eq!(engine.try_submit(&both).unwrap().wait(&both).unwrap().accepted, 2);
}

#[test]
fn room_comes_back_from_a_call_that_is_given_up() {
    let valve = Valve::new();
    let engine = engine_of(Config { in_flight_charges_max: 10, ..config(valve.clone(), 2) });
    let _held = valve.close();
    let full: Vec<_> = (0..10).map(|n| sent("b", &format!("full-{n}"))).collect();
    let full = batch(&full);
    let pending = engine.submit(&full).unwrap();
    let both = batch(&[sent("a", "1"), sent("b", "2")]);
    for on_error in [OnError::Continue, OnError::Stop] {
        // Has room on the first shard, waits for the second, and is dropped.
        let mut post = Box::pin(engine.post_async(&both, on_error));
        assert!(post.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    valve.open();
    assert_eq!(pending.wait(&full).unwrap().accepted, 10);
    engine.barrier().unwrap();
    // As much as there is room for, besides one that is in flight.
    let _held = valve.close();
    let one = batch(&[sent("a", "one")]);
    let in_flight = engine.submit(&one).unwrap();
    let nine: Vec<_> = (0..9).map(|n| sent("a", &format!("nine-{n}"))).collect();
    let nine = batch(&nine);
    let second = engine.try_submit(&nine);
    valve.open();
    assert_eq!(second.expect("all room came back").wait(&nine).unwrap().accepted, 9);
    in_flight.wait(&one).unwrap();
}

#[test]
fn busy_at_the_cap_and_everything_is_accepted_later() {
    let valve = Valve::new();
    let engine = engine_of(Config { in_flight_charges_max: 3, ..config(valve.clone(), 2) });
    let _held = valve.close();
    let batches: Vec<_> =
        (0..12).map(|n| batch(&[sent("a", &format!("a-{n}")), sent("b", &format!("b-{n}"))])).collect();
    let answers: Vec<_> = batches.iter().map(|batch| engine.try_submit(batch)).collect();
    assert!(answers[..3].iter().all(Result::is_ok));
    assert!(answers[3..].iter().all(|answer| matches!(answer, Err(EngineError::Busy))));
    valve.open();
    for (batch, answer) in batches.iter().zip(answers) {
        let pending = answer.or_else(|_| engine.submit(batch)).unwrap();
        assert_eq!(pending.wait(batch).unwrap().accepted, 2);
    }
    for id in ["a", "b"] {
        let overview = engine.account_overview(id).unwrap();
        assert_eq!((overview.charges, overview.unsettled_current), (12, cents(1200)));
    }
}

#[test]
fn an_atomic_batch_stays_whole_beside_a_conflict_of_another_shard() {
    let engine = engine_of(config(SimStorage::new(0), 2));
    let command = Command::SetPayer {
        cloud_accounts: vec!["a".to_owned()],
        billing_account: "b".to_owned(),
        effective_at: Some(at("2026-02-01T00:00:00Z")),
    };
    engine.execute(&keyed(&command, "payer")).unwrap();
    for round in 0..200 {
        let early: Vec<_> = (0..50).map(|n| sent("a", &format!("{round}-{n}"))).collect();
        // The last identity again, with another amount, to the payer on the other shard.
        let late = Sent { amount: 7, start: at("2026-03-01T00:00:00Z"), ..early[49].clone() };
        let (early, late) = (batch(&early), batch(&[late]));
        let (atomic, single) = std::thread::scope(|scope| {
            let atomic = scope.spawn(|| engine.post(&early, OnError::Atomic).unwrap());
            let single = engine.post(&late, OnError::Continue).unwrap();
            (atomic.join().unwrap(), single)
        });
        let won = (atomic.accepted, atomic.conflict, single.accepted, single.conflict);
        assert!(won == (50, 0, 0, 1) || won == (0, 1, 1, 0), "round {round}: {atomic:?}, {single:?}");
    }
}
