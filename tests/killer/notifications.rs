//! Kills a process that posts charges and sends notifications, and looks at what was received: nothing is missing, nothing
//! was told that is not so, and each notification has one id and one text however often it was sent (rule H5).
//!
//! The process is this test program itself: it runs `notifies_until_killed` alone, with its task in the environment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Command as Process};
use std::sync::Arc;
use std::time::Duration;

use exchequer::clock::Clock;
use exchequer::domain::charge::Charge;
use exchequer::domain::charge_batch::ChargeBatch;
use exchequer::domain::outbox::Position;
use exchequer::engine::outbox::{Notification, NotificationQuery};
use exchequer::engine::verify::verify;
use exchequer::engine::{Command, Config, Engine, OnError, Request};
use exchequer::notify::channels::ChannelSpec;
use exchequer::notify::deliverer::{Deliverer, Until};
use exchequer::notify::secret::Secret;
use exchequer::notify::transport::{Patience, Transport};
use exchequer::notify::webhook::Webhook;
use exchequer::wal::LogOptions;

use crate::http::{self, Http};
use crate::{ALONE, mix};

/// The environment variable that makes this program the process that is killed.
const TASK: &str = "EXCHEQUER_KILLER_NOTIFIES";

const CHANNEL: &str = "ops";

const ACCOUNTS: u64 = 64;

fn account(number: u64) -> String {
    format!("account-{}", number % ACCOUNTS)
}

fn open(ledger: &Path) -> Engine {
    let mut config = Config::new(ledger);
    config.shards = Some(2);
    config.snapshot_log_bytes = Some(128 * 1024);
    config.log = LogOptions { segment_bytes: 1024 * 1024, ..LogOptions::default() };
    Engine::open(config).unwrap()
}

fn deliverer(engine: &Engine, url: &str, until: Until) -> Deliverer {
    let secret = Secret::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    let patience = Patience { connect: Duration::from_mins(1), whole: Duration::from_mins(1) };
    let transport = Transport::Webhook(Box::new(Webhook::new(url, &secret, patience).unwrap()));
    let spec = ChannelSpec { name: CHANNEL.into(), kinds: None, transport };
    Deliverer::start(Arc::new(engine.clone()), spec, Clock::System, until).unwrap()
}

/// The process that is killed; without a task it returns at once.
#[test]
fn notifies_until_killed() {
    let Ok(task) = std::env::var(TASK) else { return };
    let mut parts = task.splitn(4, ' ');
    let mut part = || parts.next().unwrap();
    let (seed, run, url): (u64, u64, _) = (part().parse().unwrap(), part().parse().unwrap(), part());
    let engine = open(part().as_ref());
    let _deliverer = deliverer(&engine, url, Until::Stopped);
    for number in 0_u64.. {
        let mut batch = ChargeBatch::new();
        for nth in 0..8 {
            let chance = mix(seed ^ mix(run << 40 | number << 8 | nth));
            // Up and down across the threshold of 50 and across 0.
            let amount = i64::try_from(chance % 160).unwrap() - 80;
            let (account, id) = (account(chance >> 32), format!("{run}-{number}-{nth}"));
            let (amount, start) =
                (amount.to_string().parse().unwrap(), "2026-05-01T00:00:00Z".parse().unwrap());
            batch.push(&Charge::usage(&account, "meter", &id, amount, "USD", start));
        }
        assert_eq!(engine.post(&batch, OnError::Continue).unwrap().accepted, 8);
    }
}

/// A process that does not outlive the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // Gone already, unless the test fails.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn work_and_die(ledger: &Path, url: &str, seed: u64, run: u64) {
    let child = Process::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "notifications::notifies_until_killed"])
        .env(TASK, format!("{seed} {run} {url} {}", ledger.display()))
        .spawn()
        .unwrap();
    let child = Killed(child);
    std::thread::sleep(Duration::from_micros(40_000 + mix(seed ^ mix(run)) % 360_000));
    drop(child);
}

/// Every notification that there is.
fn all(engine: &Engine) -> Vec<Notification> {
    let (mut all, mut next) = (Vec::new(), Some(Position::default()));
    while let Some(from) = next {
        let query = NotificationQuery { from, limit: 500, ..NotificationQuery::default() };
        let page = engine.notifications(&query).unwrap();
        all.extend(page.items.into_iter().map(|item| item.notification));
        next = page.next;
    }
    all
}

fn kills(count: u64, seed: u64) {
    let _alone = ALONE.lock();
    let home = tempfile::tempdir().unwrap();
    // One in eight is refused when it first comes.
    let Http { url, got } = http::serve(|nth, request| {
        let refused = nth == 0 && request.got.id().bytes().map(u64::from).sum::<u64>() % 8 == 0;
        http::status(request, if refused { 503 } else { 200 });
    });
    {
        let engine = open(home.path());
        let accounts: Vec<_> = (0..ACCOUNTS).map(account).collect();
        for account in &accounts {
            engine.execute(&Request::new(Command::register_cloud_account(account))).unwrap();
            engine.execute(&Request::new(Command::top_up(account, "100".parse().unwrap()))).unwrap();
        }
        let threshold = Some("50".parse().unwrap());
        let alert = Command::SetLowBalanceAlert { billing_accounts: accounts, enabled: true, threshold };
        engine.execute(&Request::new(alert)).unwrap();
        engine.close().unwrap();
    }
    for run in 0..count {
        work_and_die(home.path(), &url, seed, run);
    }
    let engine = open(home.path());
    let expected = all(&engine);
    // What is left is sent until nothing is.
    let end = engine.durable_lsn().number();
    while engine.channel(CHANNEL).next.lsn <= end {
        let tried = deliverer(&engine, &url, Until::Tried);
        while !tried.has_ended() {
            std::thread::sleep(Duration::from_millis(10));
        }
        tried.stop().unwrap();
        let news = engine.channel(CHANNEL);
        if news.next.lsn <= end && news.done.is_empty() && expected.iter().all(|one| one.position < news.next)
        {
            break;
        }
    }
    let mut received: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut requests = 0;
    for got in got.try_iter() {
        requests += 1;
        received.entry(got.id().to_owned()).or_default().insert(got.body);
    }
    let ids: BTreeSet<_> = expected.iter().map(|one| one.id.clone()).collect();
    assert_eq!(ids.len(), expected.len(), "each has an id of its own");
    assert!(received.keys().eq(&ids), "received {} of {} notifications", received.len(), ids.len());
    assert!(received.values().all(|bodies| bodies.len() == 1), "one text each, however often it was sent");
    let told = |account: u64| {
        let changes = engine.change_records(&self::account(account), None).unwrap();
        let kinds = ["alerted", "overdue", "suspended", "resumed"];
        changes.iter().filter(|change| kinds.contains(&change.kind)).count()
    };
    assert_eq!((0..ACCOUNTS).map(told).sum::<usize>(), ids.len(), "as the accounts' own records tell");
    assert!(count == 0 || !ids.is_empty());
    engine.close().unwrap();
    let report = verify(&Config::new(home.path())).unwrap();
    assert!(report.ok, "{:?}", report.invariants);
    println!("{count} kills: {} notifications, received {requests} times", ids.len());
}

#[test]
fn no_notification_is_missing_after_some_kills() {
    kills(6, 11);
}

#[test]
#[ignore = "takes a minute"]
fn no_notification_is_missing_after_100_kills() {
    kills(100, 12);
}
