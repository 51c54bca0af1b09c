//! The first fault stops the whole engine; whoever waits is woken, and nobody is left to wait.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

use exchequer::engine::{Command, Engine, EngineError, OnError};
use exchequer::wal::{SimFault, SimStorage};
use parking_lot::Mutex;

use crate::rig::{Sent, amount, batch, config, keyed, wait_until_stopped};
use crate::valve::Valve;

const DAY: &str = "2026-01-10T00:00:00Z";

/// An engine on two shards, where `a` lives on the first and `b` on the second.
fn engine_of(storage: impl exchequer::wal::Storage) -> Engine {
    let engine = Engine::open(config(storage, 2)).unwrap();
    for id in ["a", "b"] {
        engine.execute(&keyed(&Command::register_cloud_account(id), id)).unwrap();
    }
    engine
}

#[test]
fn a_fault_wakes_who_waits_behind_a_queued_buffer() {
    let valve = Valve::new();
    let engine = engine_of(valve.clone());
    let _held = valve.close();
    let batches: Vec<_> = (0..4).map(|n| batch(&[Sent::new("a", format!("id-{n}"), 1, DAY)])).collect();
    // The first is being synced, the second queued, the others still with their shard.
    let pending: Vec<_> = batches
        .iter()
        .map(|batch| {
            let pending = engine.submit(batch).unwrap();
            drop(engine.account("a").unwrap()); // the shard has handled it
            valve.wait_until_held();
            pending
        })
        .collect();
    valve.fail();
    for (pending, batch) in pending.into_iter().zip(&batches) {
        assert!(matches!(pending.wait(batch), Err(EngineError::Stopped(_))));
    }
    assert!(matches!(engine.close(), Err(EngineError::Stopped(_))));
}

#[test]
fn a_fault_wakes_everybody() {
    for call in 60..80 {
        let storage = SimStorage::new(call);
        let engine = engine_of(storage.clone());
        storage.fail_at(storage.calls() + call, SimFault::Io);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let engine = &engine;
                scope.spawn(move || {
                    let account = ["a", "b"][thread % 2];
                    for n in 0.. {
                        let answered = match (thread + n) % 4 {
                            0 => engine
                                .execute(&keyed(
                                    &Command::top_up(account, amount(1)),
                                    format!("{thread} {n}"),
                                ))
                                .map(|_| ()),
                            1 => engine.barrier(),
                            2 => engine.account_overview(account).map(|_| ()),
                            _ => {
                                let charge = Sent::new(account, format!("{thread}-{n}"), 1, DAY);
                                engine.post(&batch(&[charge]), OnError::Continue).map(|_| ())
                            }
                        };
                        if answered.is_err() {
                            assert!(matches!(answered, Err(EngineError::Stopped(_))), "{answered:?}");
                            break;
                        }
                    }
                });
            }
        });
        wait_until_stopped(&engine);
        assert!(matches!(engine.close(), Err(EngineError::Stopped(_))), "call {call}");
    }
}

/// Asks until the answer is not there at once, so that who gives it wakes `waker`.
fn waiting<F: Future>(waker: &Arc<impl Wake + Send + Sync + 'static>, ask: impl Fn() -> F) -> Pin<Box<F>> {
    let waker = Waker::from(Arc::clone(waker));
    loop {
        let mut answer = Box::pin(ask());
        if answer.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            return answer;
        }
    }
}

/// Panics in the thread that wakes it: inside the handler that answers.
struct Bomb;

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        panic!("a bomb: this panic is meant");
    }
}

#[test]
fn a_panic_in_a_handler_stops_the_whole_engine() {
    let engine = engine_of(SimStorage::new(0));
    // Nothing of the shard waits for the disk, so its own thread answers.
    let answer = waiting(&Arc::new(Bomb), || engine.account_overview_async("a"));
    wait_until_stopped(&engine);
    assert!(engine.stopped().is_some_and(|reason| reason.contains("panic")), "{:?}", engine.stopped());
    for id in ["a", "b"] {
        let charge = batch(&[Sent::new(id, "x", 1, DAY)]);
        let stopped = [
            engine.post(&charge, OnError::Continue).map(|_| ()),
            engine.execute(&keyed(&Command::top_up(id, amount(1)), "t")).map(|_| ()),
            engine.execute(&keyed(&Command::register_cloud_account("c"), "c")).map(|_| ()),
            engine.account_overview(id).map(|_| ()),
            engine.account(id).map(|_| ()),
            engine.snapshot().map(|_| ()),
            engine.barrier(),
        ];
        for (nth, answer) in stopped.into_iter().enumerate() {
            assert!(matches!(answer, Err(EngineError::Stopped(_))), "`{id}`, call {nth}: {answer:?}");
        }
    }
    drop(answer);
    assert!(matches!(engine.close(), Err(EngineError::Stopped(_))));
}

#[test]
fn a_panic_of_the_log_stops_the_whole_engine() {
    let valve = Valve::new();
    let engine = engine_of(valve.clone());
    let _held = valve.close();
    let charge = batch(&[Sent::new("a", "x", 1, DAY)]);
    let pending = engine.submit(&charge).unwrap();
    valve.wait_until_held();
    // The log's thread answers this one, and dies of it.
    let mut barrier = Box::pin(engine.barrier_async());
    let waker = Waker::from(Arc::new(Bomb));
    assert!(barrier.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    let account = engine.account("a").unwrap(); // the shard has passed it on
    drop(account);
    valve.open();
    drop(pending.wait(&charge)); // durable before the panic, or not
    wait_until_stopped(&engine);
    let again = engine.post(&batch(&[Sent::new("a", "y", 1, DAY)]), OnError::Continue);
    assert!(matches!(again, Err(EngineError::Stopped(_))), "{again:?}");
    drop(barrier);
    assert!(matches!(engine.close(), Err(EngineError::Stopped(_))));
}

/// Makes a blocking call in the thread that wakes it.
struct Blocker {
    engine: Engine,
    answers: Mutex<Vec<Result<(), EngineError>>>,
    woken: AtomicUsize,
}

impl Wake for Blocker {
    fn wake(self: Arc<Self>) {
        self.answers.lock().push(self.engine.barrier());
        self.woken.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_blocking_call_on_an_actors_or_the_logs_thread_is_refused() {
    let engine = engine_of(SimStorage::new(0));
    let blocker = |engine: &Engine| {
        Arc::new(Blocker { engine: engine.clone(), answers: Mutex::default(), woken: AtomicUsize::new(0) })
    };
    // Answered by the shard's thread, since nothing waits for the disk; and by the log's.
    let shard = blocker(&engine);
    let view = waiting(&shard, || engine.account_overview_async("a"));
    let log = blocker(&engine);
    let next = AtomicUsize::new(0);
    let post = waiting(&log, || {
        let id = format!("id {}", next.fetch_add(1, Ordering::SeqCst));
        let engine = engine.clone();
        async move {
            let charge = batch(&[Sent::new("a", id, 1, DAY)]);
            engine.post_async(&charge, OnError::Continue).await
        }
    });
    for blocker in [&shard, &log] {
        while blocker.woken.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        let answers = blocker.answers.lock();
        assert!(answers.iter().all(|answer| *answer == Err(EngineError::WouldDeadlock)), "{answers:?}");
    }
    drop((view, post));
}
