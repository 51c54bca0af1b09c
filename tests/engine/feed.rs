//! The change feed: every committed event once, in order, from the engine and from the log alone; and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use exchequer::domain::account_event::AccountEvent;
use exchequer::engine::feed::{Change, Changes, EventLines, Fact, Feed, Subscription};
use exchequer::engine::{Command, Engine, EngineError, OnError, OpenError};
use exchequer::journal::forms::account_record::AccountRecord;
use exchequer::wal::{LogTail, Lsn, OpenFault, SimFault, SimStorage, Storage};
use serde_json::Value;

use crate::rig::{Sent, amount, batch, config, keyed};

const START: &str = "2026-05-01T00:00:00Z";

/// Long enough for any news; it is waited out only where something is broken.
const PATIENCE: Duration = Duration::from_mins(1);

fn account(number: usize) -> String {
    format!("account {number}")
}

/// Lines with the block that they came with.
type Lines = Vec<(u64, String)>;

fn collect(changes: Changes<'_>, lines: &mut EventLines, into: &mut Lines) {
    let all = changes.for_each::<()>(&mut |change: &Change<'_>| {
        let mut text = Vec::new();
        lines.write(change, &mut text);
        into.push((change.lsn.number(), String::from_utf8(text).unwrap()));
        ControlFlow::Continue(())
    });
    assert_eq!(all.unwrap(), ControlFlow::Continue(()));
}

/// What a subscription gives now.
fn now(subscription: &mut Subscription) -> Result<Lines, EngineError> {
    let (mut lines, mut all) = (subscription.lines(), Lines::new());
    while let Some(changes) = subscription.next(Duration::ZERO)? {
        collect(changes, &mut lines, &mut all);
    }
    Ok(all)
}

fn shared(storage: &SimStorage) -> Arc<dyn Storage> {
    Arc::new(storage.clone())
}

/// What the log alone gives, as another process reads it.
fn outside(storage: &SimStorage, from: u64) -> Result<Lines, OpenError> {
    let feed = Feed::of(&shared(storage), Lsn::new(from), &mut |_, _| ())?;
    let mut feed = feed.expect("there is a ledger");
    let (mut lines, mut all) = (feed.lines(), Lines::new());
    while feed.last() < feed.end() {
        let changes = feed.next(Duration::ZERO)?.expect("all up to the end is there");
        collect(changes, &mut lines, &mut all);
    }
    Ok(all)
}

/// Accounts, cash and charges: some from each of the records that there are.
fn work(engine: &Engine, round: usize) {
    for number in 0..3 {
        let name = account(number);
        let register = Command::register_cloud_account(name.clone());
        engine.execute(&keyed(&register, format!("open {number}"))).unwrap();
        engine
            .execute(&keyed(&Command::top_up(name.clone(), amount(100)), format!("{round} {number}")))
            .unwrap();
        let charges: Vec<_> = (0..4)
            .map(|charge| Sent {
                sku: format!("sku {} \"quoted\"", charge % 2),
                ..Sent::new(&name, format!("{round}-{charge}"), 7, START)
            })
            .collect();
        assert_eq!(engine.post(&batch(&charges), OnError::Continue).unwrap().accepted, 4);
    }
}

#[test]
fn a_subscription_from_any_block_gives_the_rest_of_the_same_lines() {
    let storage = SimStorage::new(1);
    let engine = Engine::open(config(storage.clone(), 2)).unwrap();
    work(&engine, 0);
    let all = now(&mut engine.subscribe(Lsn::FIRST).unwrap()).unwrap();
    let types =
        |kind: &str| all.iter().filter(|(_, line)| line.contains(&format!("\"type\":\"{kind}\""))).count();
    assert_eq!(types("exchequer.charge.posted"), 12);
    assert_eq!(types("exchequer.directory.account_opened"), 3);
    assert_eq!(types("exchequer.account.cash_topped_up"), 3);
    let last = engine.durable_lsn().number();
    for from in 0..=last + 1 {
        let expect: Vec<_> = all.iter().filter(|(lsn, _)| *lsn >= from).cloned().collect();
        assert_eq!(now(&mut engine.subscribe(Lsn::new(from)).unwrap()).unwrap(), expect, "from {from}");
        assert_eq!(outside(&storage, from).unwrap(), expect, "from {from}, outside");
    }
    engine.close().unwrap();
    assert_eq!(outside(&storage, 1).unwrap(), all);
}

#[test]
fn lines_are_the_same_after_snapshots_trims_and_openings() {
    let storage = SimStorage::new(1);
    let mut seen = BTreeMap::new();
    let mut oldest = 1;
    for round in 0..6 {
        let mut config = config(storage.clone(), 1 + round % 3);
        config.trim_log = true;
        let engine = Engine::open(config).unwrap();
        oldest = LogTail::oldest(&storage).unwrap().number();
        if oldest > 1 {
            let text = format!("lsn `1` was trimmed: the oldest block there is is lsn `{oldest}`");
            assert_eq!(engine.subscribe(Lsn::FIRST).err(), Some(EngineError::Log(text)));
            let fault = outside(&storage, oldest - 1).unwrap_err();
            assert!(matches!(fault, OpenError::Log(OpenFault::Trimmed { .. })), "{fault}");
        }
        work(&engine, round);
        let mut both = now(&mut engine.subscribe(Lsn::new(oldest)).unwrap()).unwrap();
        both.extend(outside(&storage, oldest).unwrap());
        for (_, line) in both {
            let json: Value = serde_json::from_str(&line).unwrap();
            let id = json["id"].as_str().unwrap().to_owned();
            assert_eq!(*seen.entry(id).or_insert(line.clone()), line);
        }
        engine.snapshot().unwrap();
        engine.close().unwrap();
    }
    assert!(oldest > 1, "nothing was trimmed");
    assert_eq!(seen.values().filter(|line| line.contains("charge.posted")).count(), 6 * 12);
}

/// Checks that events come once and in order.
#[derive(Default)]
struct Auditor {
    last: Option<(u64, u32)>,
    sequences: BTreeMap<u32, u64>,
    charges: BTreeSet<String>,
    sealed: u64,
}

impl Auditor {
    fn see(&mut self, changes: Changes<'_>) {
        let lsn = changes.lsn().number();
        let expect = self.last.map_or(1, |(lsn, _)| lsn + 1);
        assert_eq!(lsn, expect, "blocks come without a hole");
        self.last = Some((lsn, 0));
        let mut next = 0;
        let all = changes.for_each::<()>(&mut |change| {
            assert_eq!((change.lsn.number(), change.index), (lsn, next));
            next += 1;
            let (account, sequence) = match &change.fact {
                Fact::Charge { charge, .. } => {
                    let id = charge.id.as_str(&mut [0; 36]).to_owned();
                    assert!(self.charges.insert(id), "a charge came twice");
                    (charge.account, charge.sequence)
                }
                // What a charge did to its account's standing stands in the charge's own record.
                Fact::Account(AccountRecord { account, sequence, actor, event, .. })
                    if matches!(event, AccountEvent::StandingChanged { .. }) && actor.is_empty() =>
                {
                    assert_eq!(self.sequences.get(&account.0), Some(sequence));
                    return ControlFlow::Continue(());
                }
                Fact::Account(record) => (record.account, record.sequence),
                _ => return ControlFlow::Continue(()),
            };
            let before = self.sequences.insert(account.0, sequence).unwrap_or(0);
            assert_eq!(sequence, before + 1, "account {account}");
            assert!(change.subject().is_some());
            ControlFlow::Continue(())
        });
        assert_eq!(all.unwrap(), ControlFlow::Continue(()));
        self.sealed += u64::from(next == 0);
    }
}

#[test]
fn subscribers_see_every_event_once_and_in_order_while_many_post() {
    const THREADS: usize = 3;
    const BATCHES: usize = 40;
    let storage = SimStorage::new(1);
    let mut config = config(storage.clone(), 2);
    config.log.segment_bytes = 16 * 1024;
    let engine = Engine::open(config).unwrap();
    for number in 0..5 {
        engine
            .execute(&keyed(&Command::register_cloud_account(account(number)), format!("{number}")))
            .unwrap();
    }
    let mut inside = engine.subscribe(Lsn::FIRST).unwrap();
    let end = std::thread::scope(|scope| {
        let follower = scope.spawn(move || {
            let mut auditor = Auditor::default();
            let ended = loop {
                match inside.next(PATIENCE) {
                    Ok(Some(changes)) => auditor.see(changes),
                    Ok(None) => panic!("nothing new for a minute"),
                    Err(error) => break error,
                }
            };
            assert_eq!(ended, EngineError::Stopped("it is closed".to_owned()));
            auditor
        });
        let stranger = scope.spawn({
            let storage = storage.clone();
            move || {
                let feed = Feed::of(&shared(&storage), Lsn::FIRST, &mut |_, _| ()).unwrap();
                let (mut feed, mut auditor) = (feed.unwrap(), Auditor::default());
                while auditor.sealed == 0 {
                    auditor.see(feed.next(PATIENCE).unwrap().expect("news within a minute"));
                }
                auditor
            }
        });
        let posters: Vec<_> = (0..THREADS)
            .map(|thread| {
                let engine = engine.clone();
                scope.spawn(move || {
                    for number in 0..BATCHES {
                        let charges: Vec<_> = (0..20)
                            .map(|charge| {
                                let id = format!("{thread}-{number}-{charge}");
                                Sent::new(&account((thread + number + charge) % 5), id, 1, START)
                            })
                            .collect();
                        let report = engine.post(&batch(&charges), OnError::Continue).unwrap();
                        assert_eq!(report.accepted, 20);
                        let top_up = Command::top_up(account(thread), amount(1));
                        engine.execute(&keyed(&top_up, format!("{thread} {number}"))).unwrap();
                    }
                })
            })
            .collect();
        posters.into_iter().for_each(|poster| poster.join().unwrap());
        engine.close().unwrap();
        [follower.join().unwrap(), stranger.join().unwrap()]
    });
    for auditor in end {
        assert_eq!(auditor.charges.len(), THREADS * BATCHES * 20);
        let records: u64 = auditor.sequences.values().sum();
        assert_eq!(records, (THREADS * BATCHES * 21) as u64);
    }
}

#[test]
fn nothing_is_shown_that_a_crash_unmade() {
    let mut crashes = 0;
    for call in 0..60 {
        let storage = SimStorage::new(call);
        let engine = Engine::open(config(storage.clone(), 1)).unwrap();
        work(&engine, 0);
        let mut subscription = engine.subscribe(Lsn::FIRST).unwrap();
        storage.fail_at(storage.calls() + 1 + call * 2, SimFault::Crash);
        let mut shown = Lines::new();
        for round in 1..40 {
            let charges = [Sent::new(&account(0), format!("late {round}"), 1, START)];
            let posted = engine.post(&batch(&charges), OnError::Continue);
            // A crash in the reader's own call is none of the log's.
            match now(&mut subscription) {
                Ok(lines) => shown.extend(lines),
                Err(_) => break,
            }
            if posted.is_err() {
                break;
            }
        }
        crashes += u32::from(engine.stopped().is_some());
        drop(engine.close());
        let survived = outside(&storage.crash(call), 1).unwrap();
        assert!(survived.starts_with(&shown), "call {call}");
    }
    assert!(crashes > 20, "{crashes}");
}
