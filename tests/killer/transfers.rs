//! Kills a process in the midst of transfers, revocations and allocations, and looks at what is left: everything that
//! was answered, each once, and nothing by halves, to the last unit of money (rules E3, F5, J1, J2).
//!
//! The process is this test program itself: it runs `works_until_killed` alone, with its task in the environment.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use exchequer::clock::Stopwatch;
use exchequer::domain::charge::Charge;
use exchequer::domain::charge_batch::ChargeBatch;
use exchequer::domain::money::Money;
use exchequer::engine::verify::verify;
use exchequer::engine::{AccountSettings, Answer, Command, Config, Engine, EngineError, OnError, Request};
use exchequer::wal::LogOptions;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::work::{
    ACCOUNTS, ENTERPRISES, Figure, Figures, MEMBERS, Task, account, add, amount, boss, ecid, read, sum,
};
use crate::{ALONE, mix};

/// The environment variable that makes this program the process that is killed.
const TASK: &str = "EXCHEQUER_KILLER_TASK";

/// What begins a line that tells an answer, among those of the test harness.
const ANSWERED: &str = "answered ";

/// Commands that are under way at a time.
const CALLERS: u64 = 32;

/// The owner of everything.
const OWNER: &str = "owner";

fn config(ledger: &Path, shards: usize) -> Config {
    let mut config = Config::new(ledger);
    config.shards = Some(shards);
    config.snapshot_log_bytes = Some(256 * 1024);
    config.log = LogOptions { segment_bytes: 1024 * 1024, ..LogOptions::default() };
    config
}

/// What became of a command, for one line: also what a repeated one must answer. An enterprise's figures are told as
/// they are now, so they are left out.
fn told(result: &Result<Answer, EngineError>) -> String {
    match result {
        Ok(Answer::Credit(_)) => "ok".to_owned(),
        Ok(answer) => format!("ok {answer:?}"),
        Err(EngineError::Refused { refusal, .. }) => refusal.code().to_owned(),
        Err(error) => panic!("{error}"),
    }
}

/// The process that is killed; without a task it returns at once.
#[test]
fn works_until_killed() {
    let Ok(task) = std::env::var(TASK) else { return };
    let mut parts = task.splitn(3, ' ');
    let mut part = || parts.next().unwrap();
    let (seed, run) = (part().parse().unwrap(), part().parse().unwrap());
    let engine = Engine::open(config(part().as_ref(), 2)).unwrap();
    let snapshots = engine.clone();
    std::thread::spawn(move || {
        for number in 0_u64.. {
            std::thread::sleep(Duration::from_millis(mix(run << 32 | number) % 200));
            snapshots.snapshot().unwrap_or_else(|error| {
                eprintln!("{error}");
                std::process::exit(1) // which the test takes for a failure
            });
        }
    });
    pollster::block_on(async {
        let mut numbers = 0..u64::MAX;
        let one = async |number| {
            let request = Task::new(seed, run, number).request();
            (number, told(&engine.execute_async(&request).await))
        };
        let mut under_way: FuturesUnordered<_> =
            numbers.by_ref().take(usize::try_from(CALLERS).unwrap()).map(one).collect();
        while let Some((number, told)) = under_way.next().await {
            let line = format!("{ANSWERED}{number} {told}\n");
            let mut stdout = std::io::stdout().lock();
            stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()).unwrap();
            under_way.extend(numbers.next().map(one));
        }
    });
}

/// When a process is killed.
#[derive(Debug)]
enum Moment {
    /// So long after its start: also while it opens the ledger.
    Elapsed(Duration),
    /// After so many answers.
    Answers(usize),
}

impl Moment {
    fn new(seed: u64, run: u64) -> Self {
        let chance = mix(seed ^ mix(run));
        let part = chance >> 32;
        match chance % 4 {
            0 => Self::Elapsed(Duration::from_micros(part % 120_000)),
            1 => Self::Answers(usize::try_from(part % 100).unwrap()),
            _ => Self::Answers(usize::try_from(part % 3_000).unwrap()),
        }
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

/// Has a process work on the ledger, and kills it. Gives what it told of each answered command.
fn work_and_die(ledger: &Path, seed: u64, run: u64, moment: &Moment) -> BTreeMap<u64, String> {
    let child = Process::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "transfers::works_until_killed"])
        .env(TASK, format!("{seed} {run} {}", ledger.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Killed(child);
    let clock = Stopwatch::start();
    let mut stdout = BufReader::new(child.0.stdout.take().unwrap());
    let (sender, lines) = channel();
    let reader = std::thread::spawn(move || {
        let mut line = String::new();
        while stdout.read_line(&mut line).unwrap() > 0 && line.ends_with('\n') {
            sender.send(std::mem::take(&mut line)).unwrap();
        }
    });
    let mut answered = BTreeMap::new();
    let (answers, limit) = match *moment {
        Moment::Elapsed(elapsed) => (usize::MAX, elapsed),
        Moment::Answers(answers) => (answers, Duration::from_mins(1)),
    };
    while answered.len() < answers && receive(&lines, limit.saturating_sub(clock.elapsed()), &mut answered) {}
    child.0.kill().unwrap();
    let status = child.0.wait().unwrap();
    assert_eq!(status.signal(), Some(9), "it ended by itself: {status}");
    while receive(&lines, Duration::from_mins(1), &mut answered) {}
    reader.join().unwrap();
    assert!(answers == usize::MAX || answered.len() >= answers, "{} answers in a minute", answered.len());
    answered
}

/// One more line, if it comes in time.
fn receive(lines: &Receiver<String>, within: Duration, answered: &mut BTreeMap<u64, String>) -> bool {
    let line = match lines.recv_timeout(within) {
        Ok(line) => line,
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return false,
    };
    if let Some((_, answer)) = line.trim_end().split_once(ANSWERED) {
        let (number, told) = answer.split_once(' ').unwrap();
        let before = answered.insert(number.parse().unwrap(), told.to_owned());
        assert_eq!(before, None, "answered twice");
    }
    true
}

/// What was seen in all kills.
#[derive(Default)]
struct Tally {
    kills: u64,
    /// Kills after which something was on its way between two accounts.
    in_flight: u64,
    snapshots: u64,
    /// By what was told.
    answered: BTreeMap<String, u64>,
    /// By what became of it.
    unanswered: BTreeMap<&'static str, u64>,
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, in_flight, snapshots, answered, unanswered } = self;
        write!(
            formatter,
            "{kills} kills, {in_flight} with something in flight, {snapshots} recovered from a snapshot; \
             {} commands answered before kills {answered:?}, the others {unanswered:?}",
            answered.values().sum::<u64>()
        )
    }
}

/// A ledger whose processes are killed, and what should be in it.
struct Rig {
    seed: u64,
    directory: tempfile::TempDir,
    topped_up: Money,
    model: Figures,
}

impl Rig {
    fn new(seed: u64) -> Self {
        let mut rig = Self {
            seed,
            directory: tempfile::tempdir().unwrap(),
            topped_up: Money::ZERO,
            model: Figure::all().map(|figure| (figure, Money::ZERO)).collect(),
        };
        let engine = Engine::open(config(rig.directory.path(), 2)).unwrap();
        let give = |command| engine.execute(&Request::new(command)).unwrap();
        for (enterprise, ecid) in (0..ENTERPRISES).map(|enterprise| (enterprise, ecid(enterprise))) {
            let management_account = boss(enterprise);
            give(Command::register_cloud_account(&management_account));
            give(Command::OpenEnterprise {
                ecid: ecid.clone(),
                owner: OWNER.to_owned(),
                management_account,
                currency: None,
            });
            give(Command::EnableAccountCenter { ecid: ecid.clone() });
            give(Command::SetTotalCredit {
                ecid: ecid.clone(),
                public_cloud: "4999.999999999999999999".parse().unwrap(),
                hybrid_cloud: Some("1000.000000000000000001".parse().unwrap()),
            });
            give(Command::RequestCreditContract { ecid: ecid.clone() });
            give(Command::ApproveCreditContract { ecid: ecid.clone() });
            give(Command::ConfirmCreditContract { ecid });
        }
        let mut owed = ChargeBatch::new();
        for (number, id) in (0..ACCOUNTS).map(|number| (number, account(number))) {
            let ecid = ecid(number / MEMBERS);
            let settings = AccountSettings { owner: Some(OWNER.to_owned()), ..AccountSettings::default() };
            give(Command::RegisterCloudAccount { cloud_account: id.clone(), settings });
            give(Command::InviteAccount { ecid: ecid.clone(), billing_account: id.clone() });
            give(Command::AcceptInvitation { ecid, billing_account: id.clone() });
            let dollars = i128::from(mix(seed + number as u64) % 1_000) + 500;
            let cash = Money::from_units(dollars * 10_i128.pow(18) + 123_456_789_012_345_679);
            give(Command::top_up(&id, amount(cash)));
            add(&mut rig.model, &[(Figure::Cash(number), cash)]);
            rig.topped_up = rig.topped_up.checked_add(cash).unwrap();
            let started = "2026-05-01T00:00:00Z".parse().unwrap();
            // So that some accounts can't spend all their cash, and get overdue when their limits are lowered.
            let price = "449.000000000000000007".parse().unwrap();
            owed.push(&Charge::usage(&id, "meter", "charge-1", price, "USD", started));
        }
        assert_eq!(engine.post(&owed, OnError::Continue).unwrap().accepted, ACCOUNTS as u64);
        engine.close().unwrap();
        rig
    }

    /// One kill.
    fn kill_and_look(&mut self, run: u64, tally: &mut Tally) {
        let moment = Moment::new(self.seed, run);
        let answered = work_and_die(self.directory.path(), self.seed, run, &moment);
        let when = format!("seed {}, run {run}, killed at {moment:?}", self.seed);
        // Another number of shards than the killed process had, too.
        let config = config(self.directory.path(), usize::try_from(run % 3).unwrap() + 1);
        let report = verify(&config).unwrap();
        assert!(report.ok, "{when}: {:?}", report.invariants);
        let engine = Engine::open(config).unwrap();
        let opened = engine.opened();
        assert_eq!(opened.broken_snapshots, Vec::<String>::new(), "{when}");
        tally.kills += 1;
        tally.in_flight += u64::from(engine.durable_lsn() > opened.log.last);
        tally.snapshots += u64::from(opened.snapshot.is_some());
        let found = read(&engine, Figure::all());
        self.check_whole(&engine, &found, &when);
        self.repeat_answered(&engine, run, &answered, &when);
        assert_eq!(read(&engine, Figure::all()), found, "{when}: a repeated command had an effect");
        self.repeat_others(&engine, run, &answered, tally, &when);
        let found = read(&engine, Figure::all());
        assert_eq!(found, self.model, "{when}: the ledger and the model");
        self.check_whole(&engine, &found, &when);
        engine.close().unwrap();
        for told in answered.values() {
            let code = told.split_once(' ').map_or(&**told, |(code, _)| code);
            *tally.answered.entry(code.to_owned()).or_default() += 1;
        }
    }

    /// Nothing is on its way, and nothing there by halves.
    fn check_whole(&self, engine: &Engine, found: &Figures, when: &str) {
        assert_eq!(sum(found, |figure| matches!(figure, Figure::Cash(_))), self.topped_up, "{when}: cash");
        for number in 0..ACCOUNTS {
            let overview = engine.account_overview(&account(number)).unwrap();
            assert_eq!(overview.in_flight, Money::ZERO, "{when}: on its way from {}", account(number));
            let book =
                sum(found, |figure| matches!(figure, Figure::Pair(_, receiver) if *receiver == number));
            assert_eq!(
                found[&Figure::Book(number)],
                book,
                "{when}: the transfer book of {}",
                account(number)
            );
            let (limit, given) = (found[&Figure::Limit(number)], found[&Figure::Given(number)]);
            assert_eq!(limit, given, "{when}: the limit of {}", account(number));
        }
        for enterprise in 0..ENTERPRISES {
            let given = sum(
                found,
                |figure| matches!(figure, Figure::Given(account) if account / MEMBERS == enterprise),
            );
            assert_eq!(
                found[&Figure::Assigned(enterprise)],
                given,
                "{when}: limits of enterprise {enterprise}"
            );
        }
    }

    /// What was done and answered has the same answer again.
    fn repeat_answered(&mut self, engine: &Engine, run: u64, answered: &BTreeMap<u64, String>, when: &str) {
        for (number, first) in answered.iter().filter(|(_, told)| told.starts_with("ok")) {
            let task = Task::new(self.seed, run, *number);
            let again = engine.execute(&task.request());
            assert_eq!(told(&again), *first, "{when}: command {number} {task:?} again");
            add(&mut self.model, &task.effect(&again.unwrap()));
        }
    }

    /// What was not answered, and may not have begun, is there as a whole or not at all; what was refused is not
    /// there. Refusals are not remembered, so that either may be carried out now: then its whole effect is seen.
    fn repeat_others(
        &mut self,
        engine: &Engine,
        run: u64,
        answered: &BTreeMap<u64, String>,
        tally: &mut Tally,
        when: &str,
    ) {
        // A command began for each that was answered, after the first ones.
        for number in 0..answered.len() as u64 + CALLERS {
            let first = answered.get(&number);
            if first.is_some_and(|told| told.starts_with("ok")) {
                continue;
            }
            let task = Task::new(self.seed, run, number);
            // Its figures are the same, whatever the answer.
            let unknown = Answer::Advanced { decided: 0, refused: Vec::new() };
            let figures: Vec<_> = task.effect(&unknown).into_iter().map(|(figure, _)| figure).collect();
            let mut before = read(engine, figures.iter().copied());
            let result = engine.execute(&task.request());
            let after = read(engine, figures.iter().copied());
            let outcome = match result {
                Ok(answer) => {
                    let effect = task.effect(&answer);
                    add(&mut self.model, &effect);
                    if after == before {
                        assert_eq!(
                            first, None,
                            "{when}: command {number} {task:?} was refused, and is there"
                        );
                        "there"
                    } else {
                        add(&mut before, &effect);
                        assert_eq!(after, before, "{when}: command {number} {task:?} now");
                        "not there"
                    }
                }
                refused => {
                    told(&refused);
                    assert_eq!(after, before, "{when}: command {number} {task:?} is refused now");
                    "not there, and refused now"
                }
            };
            if first.is_none() {
                *tally.unanswered.entry(outcome).or_default() += 1;
            }
        }
    }
}

fn kill_again_and_again(seed: u64, ledgers: u64, kills: u64) {
    let _alone = ALONE.lock();
    let clock = Stopwatch::start();
    let mut tally = Tally::default();
    for ledger in 0..ledgers {
        let mut rig = Rig::new(mix(seed + ledger));
        for run in 0..kills {
            rig.kill_and_look(run, &mut tally);
        }
    }
    println!("seed {seed}: {tally}; {:.0} s", clock.elapsed().as_secs_f64());
}

#[test]
fn transfers_revocations_and_allocations_survive_kills() {
    kill_again_and_again(1, 1, 10);
}

#[test]
#[ignore = "minutes, and meant for the release build; see the top of `main.rs`"]
fn transfers_revocations_and_allocations_survive_a_hundred_kills() {
    kill_again_and_again(2, 10, 10);
}
