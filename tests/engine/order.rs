//! No answer runs ahead of the disk, whatever it depends on (rules C2, C6, J1).

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use exchequer::domain::refusals::Refusal;
use exchequer::engine::{Command, Engine, EngineError, OnError, PostReport};

use crate::rig::{Sent, amount, at, batch, config, keyed};
use crate::valve::Valve;

const EARLY: &str = "2026-01-10T00:00:00Z";
const LATE: &str = "2026-03-10T00:00:00Z";

/// `cloud` is paid by `a` on the first shard until February, and by `b` on the second shard from then on.
fn engine_of(valve: &Valve) -> Engine {
    let engine = Engine::open(config(valve.clone(), 2)).unwrap();
    for id in ["a", "b"] {
        engine.execute(&keyed(&Command::register_cloud_account(id), id)).unwrap();
    }
    let cloud_account = "cloud".to_owned();
    let command = Command::RegisterPaidCloudAccount { cloud_account, billing_account: "a".to_owned() };
    engine.execute(&keyed(&command, "cloud")).unwrap();
    let command = Command::SetPayer {
        cloud_accounts: vec!["cloud".to_owned()],
        billing_account: "b".to_owned(),
        effective_at: Some(at("2026-02-01T00:00:00Z")),
    };
    engine.execute(&keyed(&command, "payer")).unwrap();
    engine
}

fn is_ready<F: Future>(future: &mut Pin<&mut F>) -> bool {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

/// All shards have handled what was sent to them.
fn pass_shards(engine: &Engine) {
    // Twice, for what goes from one shard to the other.
    for id in ["a", "b", "a", "b"] {
        drop(engine.account(id).unwrap());
    }
}

/// Posts the first charge, and the second while the first is not durable; whether the second was answered then.
fn answered_ahead_of_the_disk(first: &Sent, second: &Sent, expect: (u64, u64), on_error: OnError) -> bool {
    let valve = Valve::new();
    let engine = engine_of(&valve);
    let _held = valve.close();
    let first = batch(std::slice::from_ref(first));
    let pending = engine.submit(&first).unwrap();
    pass_shards(&engine);
    let second = batch(std::slice::from_ref(second));
    let mut answer = pin!(engine.post_async(&second, on_error));
    let mut ahead = is_ready(&mut answer);
    pass_shards(&engine);
    ahead = ahead || is_ready(&mut answer);
    valve.open();
    assert_eq!(pending.wait(&first).unwrap().accepted, 1);
    if !ahead {
        let report: PostReport = pollster::block_on(answer).unwrap();
        assert_eq!((report.duplicate, report.conflict), expect);
    }
    ahead
}

#[test]
fn a_duplicate_waits_for_what_it_repeats_on_another_shard() {
    let first = Sent::new("cloud", "id", 1, EARLY);
    let again = Sent { start: at(LATE), ..first.clone() };
    for on_error in [OnError::Continue, OnError::Stop, OnError::Atomic] {
        assert!(!answered_ahead_of_the_disk(&first, &again, (1, 0), on_error), "{on_error:?}");
    }
}

#[test]
fn a_conflict_waits_for_what_it_contradicts_on_another_shard() {
    let first = Sent::new("cloud", "id", 1, EARLY);
    let other = Sent { start: at(LATE), amount: 2, ..first.clone() };
    for on_error in [OnError::Continue, OnError::Stop, OnError::Atomic] {
        assert!(!answered_ahead_of_the_disk(&first, &other, (0, 1), on_error), "{on_error:?}");
    }
}

#[test]
fn a_duplicate_and_a_conflict_wait_on_their_own_shard() {
    let first = Sent::new("a", "id", 1, EARLY);
    let other = Sent { amount: 2, ..first.clone() };
    assert!(!answered_ahead_of_the_disk(&first, &first, (1, 0), OnError::Continue));
    assert!(!answered_ahead_of_the_disk(&first, &other, (0, 1), OnError::Continue));
}

#[test]
fn what_is_shown_of_a_new_account_waits_for_its_opening() {
    let valve = Valve::new();
    let engine = engine_of(&valve);
    let _held = valve.close();
    let request = keyed(&Command::register_cloud_account("c"), "c");
    let mut register = pin!(engine.execute_async(&request));
    assert!(!is_ready(&mut register));
    valve.wait_until_held();
    // Its record stands in the log before the directory publishes it: until then nobody knows it.
    let mut view = loop {
        let mut view = Box::pin(engine.account_overview_async("c"));
        match view.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => break view,
            Poll::Ready(Err(EngineError::Refused { refusal: Refusal::NotFound, .. })) => {
                std::thread::yield_now();
            }
            Poll::Ready(_) => panic!("the account was shown before it was durable"),
        }
    };
    let refused = batch(&[Sent { currency: "EUR".to_owned(), ..Sent::new("c", "x", 1, EARLY) }]);
    let mut post = pin!(engine.post_async(&refused, OnError::Continue));
    for _ in 0..2 {
        assert!(!is_ready(&mut view.as_mut()), "the account was shown before it was durable");
        assert!(!is_ready(&mut post), "a charge was refused by an account that was not durable");
        pass_shards(&engine);
    }
    valve.open();
    pollster::block_on(register).unwrap();
    pollster::block_on(view).unwrap();
    assert_eq!(pollster::block_on(post).unwrap().rejected, 1);
}

#[test]
fn a_snapshot_counts_only_once_all_that_it_holds_is_durable() {
    let valve = Valve::new();
    let engine = engine_of(&valve);
    let _held = valve.close();
    let charge = batch(&[Sent::new("a", "x", 1, EARLY)]);
    let pending = engine.submit(&charge).unwrap();
    pass_shards(&engine);
    std::thread::scope(|scope| {
        let snapshot = scope.spawn(|| engine.snapshot());
        valve.wait_for_snapshot();
        valve.fail();
        assert!(matches!(snapshot.join().unwrap(), Err(EngineError::Stopped(_))));
    });
    assert!(matches!(pending.wait(&charge), Err(EngineError::Stopped(_))));
    let paths = valve.sim.paths();
    assert!(!paths.iter().any(|path| path.ends_with(".snap")), "{paths:?}");
    drop(engine);
    let mut unmade = 0;
    for seed in 0..16 {
        let engine = Engine::open(config(valve.sim.crash(seed), 2)).unwrap();
        let kept = engine.opened().charges;
        let report = engine.post(&charge, OnError::Continue).unwrap();
        assert_eq!((report.duplicate, report.accepted), (kept, 1 - kept), "{seed}");
        unmade += report.accepted;
    }
    assert!(unmade > 0, "no crash unmade the charge");
}

#[test]
fn commands_and_views_wait_for_the_disk() {
    let valve = Valve::new();
    let engine = engine_of(&valve);
    let _held = valve.close();
    let top_up = keyed(&Command::top_up("a", amount(5)), "t");
    let mut first = pin!(engine.execute_async(&top_up));
    let mut again = pin!(engine.execute_async(&top_up));
    let mut view = pin!(engine.account_overview_async("a"));
    let refused = keyed(&Command::top_up("a", amount(-5)), "u");
    let mut refused = pin!(engine.execute_async(&refused));
    for _ in 0..2 {
        assert!(
            !is_ready(&mut first) && !is_ready(&mut again) && !is_ready(&mut view) && !is_ready(&mut refused)
        );
        pass_shards(&engine);
    }
    valve.open();
    let first = pollster::block_on(first).unwrap();
    assert_eq!(pollster::block_on(again).unwrap(), first);
    assert_eq!(pollster::block_on(view).unwrap().cash_balance, amount(5).money());
    assert!(matches!(pollster::block_on(refused), Err(EngineError::Refused { .. })));
}
