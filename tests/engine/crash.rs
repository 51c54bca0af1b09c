//! A fault at every storage call of a whole life, then a power loss: what was acknowledged is there once, and nothing
//! else but whole operations that were not (rules C2, C6, J1, J2).

use exchequer::domain::charge::Category;
use exchequer::domain::time::Cycle;
use exchequer::engine::verify::verify;
use exchequer::engine::{AccountSettings, Command, Config, Engine, EngineError, OnError};
use exchequer::wal::{SimFault, SimStorage};

use crate::naive::{Counts, Fate, Naive};
use crate::rig::{Sent, amount, at, batch, config, figures, keyed, sums, wait_until_stopped};

/// One step of the life of a ledger.
#[derive(Clone, Debug)]
enum Step {
    Do(Command),
    Post(Vec<Sent>, OnError),
    /// Submitted one after the other, then waited for; a snapshot is taken in between.
    Pipeline(Vec<Vec<Sent>>),
    Snapshot,
    /// Closed and opened with so many shards.
    Reopen(usize),
}

/// What happened to a step that was not acknowledged.
#[derive(Debug)]
enum Maybe {
    Command(Command, String),
    Charges(Vec<Sent>, OnError),
}

/// What the outside world knows after a life that may have ended early.
#[derive(Default, Debug)]
struct Auditor {
    acknowledged: Naive,
    maybe: Vec<Maybe>,
    /// Parts of the log may be gone.
    trims: bool,
}

fn sent(cloud: &str, id: &str, amount: i64, start: &str) -> Sent {
    Sent::new(cloud, id, amount, start)
}

fn with_sku(mut charge: Sent, sku: &str) -> Sent {
    sku.clone_into(&mut charge.sku);
    charge
}

fn in_currency(mut charge: Sent, currency: &str) -> Sent {
    currency.clone_into(&mut charge.currency);
    charge
}

fn rename(account: &str, name: &str) -> Step {
    let settings = AccountSettings { name: Some(name.to_owned()), ..AccountSettings::default() };
    Step::Do(Command::ModifyBillingAccount { billing_account: account.to_owned(), settings })
}

fn set_payer(cloud: &str, payer: &str, from: &str) -> Step {
    Step::Do(Command::SetPayer {
        cloud_accounts: vec![cloud.to_owned()],
        billing_account: payer.to_owned(),
        effective_at: Some(at(from)),
    })
}

fn top_up(account: &str, cents: i64) -> Step {
    Step::Do(Command::top_up(account, amount(cents)))
}

fn limit(account: &str, cents: i64) -> Step {
    let billing_account = account.to_owned();
    Step::Do(Command::GrantCreditLimit { billing_account, amount: amount(cents) })
}

fn register(account: &str) -> Step {
    Step::Do(Command::register_cloud_account(account))
}

/// Charges of all cloud accounts, over cycles and categories, under ids that begin with `mark`.
fn many(mark: &str, count: usize) -> Vec<Sent> {
    let clouds = ["a", "b", "c", "a/x"];
    (0..count)
        .map(|n| {
            let mut charge =
                sent(clouds[n % 4], &format!("{mark}-{n}"), n as i64 * 7 - 20, "2026-02-10T00:00:00Z");
            charge.start =
                at(["2026-01-31T23:59:59Z", "2026-02-01T00:00:00Z", "2026-03-15T12:00:00Z"][n % 3]);
            charge.category = Category::ALL[n % 5];
            charge.cycle = (n % 7 == 0).then(|| Cycle::new(2025, 12).unwrap());
            with_sku(charge, ["", "s1", "s2"][n % 3])
        })
        .collect()
}

fn life() -> Vec<Step> {
    let early = "2026-01-10T00:00:00Z";
    let late = "2026-03-10T00:00:00Z";
    let first = many("first", 12);
    let mut mixed = many("mixed", 6);
    mixed.push(first[0].clone()); // a duplicate
    mixed.push(Sent { amount: 999, ..first[1].clone() }); // a conflict
    mixed.push(sent("nobody", "n", 1, early));
    // Refused, so that its sku is known to the engine and in no record.
    mixed.push(with_sku(in_currency(sent("a", "eur", 1, early), "EUR"), "only refused"));
    mixed.push(sent("b", "after-exceptions", 5, early));
    vec![
        register("a"),
        register("b"),
        Step::Do(Command::RegisterPaidCloudAccount {
            cloud_account: "a/x".to_owned(),
            billing_account: "a".to_owned(),
        }),
        register("c"),
        Step::Post(first.clone(), OnError::Continue),
        top_up("a", 10_000),
        Step::Post(mixed.clone(), OnError::Continue),
        limit("b", 500),
        Step::Pipeline((0..5).map(|n| many(&format!("pipe-{n}"), 4)).collect()),
        set_payer("a/x", "b", "2026-02-01T00:00:00Z"),
        // The same identities again go to another payer by their start, and are known all the same.
        Step::Post(
            first.iter().map(|one| Sent { start: at(late), ..one.clone() }).collect(),
            OnError::Continue,
        ),
        Step::Snapshot,
        Step::Post(
            (0..6).map(|n| sent("a", &format!("atomic-{n}"), 100 + n, early)).collect(),
            OnError::Atomic,
        ),
        Step::Post(
            vec![
                sent("b", "part", 1, early),
                Sent { amount: 1, ..first[1].clone() },
                sent("b", "never", 1, early),
            ],
            OnError::Atomic,
        ),
        rename("c", "see"),
        Step::Post(
            vec![
                sent("a", "stop-1", 1, early),
                sent("b", "stop-2", 2, early),
                Sent { amount: 12_345, ..first[2].clone() },
                sent("c", "never", 3, early),
            ],
            OnError::Stop,
        ),
        register("d"),
        Step::Post((0..8).map(|n| sent("d", &format!("d-{n}"), n, early)).collect(), OnError::Continue),
        Step::Do(Command::FreezeBillingAccount { billing_account: "c".to_owned() }),
        Step::Do(Command::OpenBillingAccount {
            billing_account: "e".to_owned(),
            settings: AccountSettings::default(),
        }),
        Step::Do(Command::CancelBillingAccount { billing_account: "e".to_owned() }),
        Step::Snapshot,
        Step::Pipeline((5..9).map(|n| many(&format!("pipe-{n}"), 5)).collect()),
        set_payer("d", "c", "2026-02-01T00:00:00Z"),
        Step::Reopen(3),
        Step::Post(
            vec![with_sku(sent("a", "new-sku", 3, late), "s3"), sent("d", "d-late", 4, late)],
            OnError::Continue,
        ),
        Step::Post(mixed, OnError::Continue),
        top_up("b", 1),
        Step::Do(Command::ThawBillingAccount { billing_account: "c".to_owned() }),
        Step::Snapshot,
        set_payer("a/x", "c", "2026-03-01T00:00:00Z"),
        Step::Post(many("last", 9), OnError::Continue),
        Step::Reopen(2),
        limit("b", 0),
        Step::Post(many("end", 3), OnError::Continue),
        Step::Reopen(2),
    ]
}

/// The key of a step's command.
fn key(step: usize) -> String {
    format!("step {step}")
}

fn is_stopped<T: std::fmt::Debug>(result: &Result<T, EngineError>) -> bool {
    matches!(result, Err(EngineError::Stopped(_)))
}

impl Auditor {
    /// Lives until the engine stops or the life is over. An error is a wrong answer.
    fn live(config: &Config, steps: &[Step]) -> Result<Self, String> {
        let mut auditor = Self { trims: config.trim_log, ..Self::default() };
        let Ok(mut engine) = Engine::open(config.clone()) else { return Ok(auditor) };
        for (number, step) in steps.iter().enumerate() {
            let goes_on = match step {
                Step::Reopen(shards) => {
                    let closed = engine.close();
                    let opened = Engine::open(Config { shards: Some(*shards), ..config.clone() });
                    let (Ok(()), Ok(opened)) = (closed, opened) else { return Ok(auditor) };
                    engine = opened;
                    true
                }
                step => auditor.step(&engine, number, step)?,
            };
            if !goes_on {
                check_stopped(engine)?;
                return Ok(auditor);
            }
        }
        drop(engine.close());
        Ok(auditor)
    }

    /// One step of a running engine; `false` if it has stopped.
    fn step(&mut self, engine: &Engine, number: usize, step: &Step) -> Result<bool, String> {
        match step {
            Step::Do(command) => match engine.execute(&keyed(command, key(number))) {
                Ok(_) => self.acknowledged.execute(command, &key(number)),
                Err(EngineError::Stopped(_)) => {
                    self.maybe.push(Maybe::Command(command.clone(), key(number)));
                    return Ok(false);
                }
                Err(error) => return Err(format!("step {number}: {error}")),
            },
            Step::Post(charges, on_error) => {
                let answer = engine.post(&batch(charges), *on_error);
                return self.answered(number, charges, *on_error, answer);
            }
            Step::Pipeline(batches) => {
                let batches: Vec<_> = batches.iter().map(|charges| (charges, batch(charges))).collect();
                let pending: Vec<_> = batches.iter().map(|(_, batch)| engine.submit(batch)).collect();
                // Of what is not durable yet. If it fails by a fault of its own, the engine goes on.
                let mut goes_on = !is_stopped(&engine.snapshot());
                for ((charges, batch), pending) in batches.iter().zip(pending) {
                    let answer = pending.and_then(|pending| pending.wait(batch));
                    goes_on &= self.answered(number, charges, OnError::Continue, answer)?;
                }
                return Ok(goes_on);
            }
            Step::Snapshot => {
                let snapshot = engine.snapshot();
                return Ok(!is_stopped(&snapshot));
            }
            Step::Reopen(_) => {}
        }
        Ok(true)
    }

    fn answered(
        &mut self,
        number: usize,
        charges: &[Sent],
        on_error: OnError,
        answer: Result<exchequer::engine::PostReport, EngineError>,
    ) -> Result<bool, String> {
        match answer {
            Ok(report) => {
                let expected = self.acknowledged.post(charges, on_error);
                same(&format!("answer of step {number}"), &Counts::from(&report), &expected)?;
                Ok(true)
            }
            Err(EngineError::Stopped(_)) => {
                self.maybe.push(Maybe::Charges(charges.to_vec(), on_error));
                Ok(false)
            }
            Err(error) => Err(format!("step {number}: {error}")),
        }
    }

    /// Opens what is left and compares; then gives the whole life once more.
    fn audit(&self, left: &SimStorage, shards: usize, steps: &[Step]) -> Result<(), String> {
        let mut config = config(left.clone(), shards);
        config.trim_log = self.trims;
        self.check_verify(&config)?;
        let engine = Engine::open(config.clone()).map_err(|error| format!("opening: {error:?}"))?;
        let found = figures(&engine).map_err(|error| error.to_string())?;
        let found_sums = sums(&engine).map_err(|error| error.to_string())?;
        let mut naive = self.acknowledged.clone();
        let mut missing = Vec::new();
        for maybe in &self.maybe {
            match maybe {
                Maybe::Command(command, key) => {
                    let mut with = naive.clone();
                    with.execute(command, key);
                    if found == with.figures() {
                        naive = with;
                    }
                }
                Maybe::Charges(charges, on_error) => {
                    missing.extend(self.find(&engine, &mut naive, charges, *on_error)?);
                }
            }
        }
        same("figures found", &found, &naive.figures())?;
        match found_sums {
            Some(found) => same("sums found", &found, &naive.sums())?,
            None if self.trims => {}
            None => return Err("the log can't be reported".to_owned()),
        }
        missing.iter().for_each(|sent| assert_eq!(naive.post_one(sent), Fate::Accepted));
        let mut again = Self { acknowledged: naive, maybe: Vec::new(), trims: self.trims };
        for (number, step) in steps.iter().enumerate() {
            if !matches!(step, Step::Snapshot) && !again.step(&engine, number, step)? {
                return Err(format!("stopped at step {number} of the second life"));
            }
        }
        again.check(&engine)?;
        engine.snapshot().map_err(|error| error.to_string())?;
        engine.close().map_err(|error| error.to_string())?;
        self.check_verify(&config)?;
        config.shards = Some(shards % 3 + 1);
        let engine = Engine::open(config).map_err(|error| format!("opening again: {error:?}"))?;
        again.check(&engine)
    }

    /// Sends charges that were not acknowledged one by one: those that were there are duplicates, and go into
    /// `naive`; the others are given back, posted now.
    fn find(
        &self,
        engine: &Engine,
        naive: &mut Naive,
        charges: &[Sent],
        on_error: OnError,
    ) -> Result<Vec<Sent>, String> {
        let refused = charges.iter().position(|sent| matches!(naive.fate(sent), Fate::Refused(_)));
        let posted = match (on_error, refused) {
            (OnError::Atomic, Some(_)) => 0,
            (OnError::Stop, Some(first)) => first,
            _ => charges.len(),
        };
        let fresh: Vec<_> =
            charges[..posted].iter().filter(|sent| naive.fate(sent) == Fate::Accepted).collect();
        let mut missing = Vec::new();
        let mut there = 0;
        for sent in fresh {
            let report = engine.post(&batch(std::slice::from_ref(sent)), OnError::Continue);
            let report = report.map_err(|error| error.to_string())?;
            match (report.accepted, report.duplicate) {
                (1, 0) => missing.push(sent.clone()),
                (0, 1) => {
                    there += 1;
                    naive.post_one(sent);
                }
                _ => return Err(format!("{sent:?} was answered {report:?}")),
            }
        }
        if on_error == OnError::Atomic && there > 0 && !missing.is_empty() {
            return Err(format!("{there} charges of an atomic batch are there, {} are not", missing.len()));
        }
        Ok(missing)
    }

    fn check(&self, engine: &Engine) -> Result<(), String> {
        let found = figures(engine).map_err(|error| error.to_string())?;
        same("figures", &found, &self.acknowledged.figures())?;
        match sums(engine).map_err(|error| error.to_string())? {
            Some(sums) => same("sums", &sums, &self.acknowledged.sums()),
            None if self.trims => Ok(()),
            None => Err("the log can't be reported".to_owned()),
        }
    }

    fn check_verify(&self, config: &Config) -> Result<(), String> {
        match verify(config) {
            Ok(report) if report.ok => Ok(()),
            Ok(report) => Err(format!("verify: {report:?}")),
            // Power was lost before there was a data directory.
            Err(_) if self.acknowledged == Naive::default() => Ok(()),
            Err(error) => Err(format!("verify: {error:?}")),
        }
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}:\n found {found:?}\n not   {expected:?}")) }
}

/// A stopped engine answers `stopped` to everybody, and closes without hanging.
fn check_stopped(engine: Engine) -> Result<(), String> {
    wait_until_stopped(&engine);
    let one = batch(&[sent("a", "too late", 1, "2026-01-01T00:00:00Z")]);
    let answers = [
        ("post", is_stopped(&engine.post(&one, OnError::Continue))),
        ("atomic", is_stopped(&engine.post(&one, OnError::Atomic))),
        ("try_submit", is_stopped(&engine.try_submit(&one).map(|_| ()))),
        ("execute", is_stopped(&engine.execute(&keyed(&Command::register_cloud_account("late"), "late")))),
        ("barrier", is_stopped(&engine.barrier())),
        ("snapshot", is_stopped(&engine.snapshot())),
        ("close", is_stopped(&engine.close())),
    ];
    match answers.iter().find(|(_, stopped)| !stopped) {
        Some((what, _)) => Err(format!("a stopped engine's `{what}` does not say so")),
        None => Ok(()),
    }
}

/// Calls of a life without faults.
fn calls(trims: bool) -> u64 {
    let storage = SimStorage::new(0);
    let mut config = config(storage.clone(), 2);
    config.trim_log = trims;
    let auditor = Auditor::live(&config, &life()).unwrap();
    let mut full = Naive::default();
    for (number, step) in life().iter().enumerate() {
        match step {
            Step::Do(command) => full.execute(command, &key(number)),
            Step::Post(charges, on_error) => drop(full.post(charges, *on_error)),
            Step::Pipeline(batches) => {
                batches.iter().for_each(|charges| drop(full.post(charges, OnError::Continue)));
            }
            Step::Snapshot | Step::Reopen(_) => {}
        }
    }
    assert_eq!(auditor.acknowledged, full, "a life without faults is acknowledged whole");
    auditor.audit(&storage.restart(), 2, &life()).unwrap();
    storage.calls()
}

fn live_and_die(call: u64, fault: SimFault, trims: bool) -> (SimStorage, Auditor) {
    let storage = SimStorage::new(call);
    storage.fail_at(call, fault);
    let mut config = config(storage.clone(), 2);
    config.trim_log = trims;
    let auditor = Auditor::live(&config, &life())
        .unwrap_or_else(|wrong| panic!("{fault:?} at call {call}, trims {trims}: {wrong}"));
    (storage, auditor)
}

fn die_at_every_call(fault: SimFault, crash_seeds: u64) {
    let steps = life();
    for call in 1..=calls(false) + 10 {
        let trims = call % 2 == 0;
        let (storage, auditor) = live_and_die(call, fault, trims);
        for seed in 0..crash_seeds {
            let shards = usize::try_from((call + seed) % 3).unwrap() + 1;
            auditor.audit(&storage.crash(seed), shards, &steps).unwrap_or_else(|wrong| {
                panic!("{fault:?} at call {call}, trims {trims}, power loss with seed {seed}, {shards} shards: {wrong}")
            });
        }
        if (call / 2) % 2 == 0 || crash_seeds == 0 {
            let shards = usize::try_from(call % 3).unwrap() + 1;
            auditor.audit(&storage.restart(), shards, &steps).unwrap_or_else(|wrong| {
                panic!("{fault:?} at call {call}, trims {trims}, restarted, {shards} shards: {wrong}")
            });
        }
    }
}

#[test]
fn a_life_without_faults() {
    println!("{} calls, {} where the log is trimmed", calls(false), calls(true));
}

#[test]
fn power_loss_at_every_call() {
    die_at_every_call(SimFault::Crash, 2);
}

#[test]
fn a_full_disk_at_every_call() {
    die_at_every_call(SimFault::NoSpace, 1);
}

#[test]
fn an_input_output_error_at_every_call() {
    die_at_every_call(SimFault::Io, 1);
}

#[test]
fn a_failed_sync_at_every_call() {
    die_at_every_call(SimFault::SyncFails, 1);
}

#[test]
fn a_short_write_at_every_call() {
    die_at_every_call(SimFault::ShortWrite, 1);
}

#[test]
fn a_lying_disk_is_noticed() {
    let steps = life();
    let mut lost = 0;
    for call in [100, 150, 200] {
        for seed in 0..4 {
            let storage = SimStorage::new(seed);
            storage.ignore_syncs(true);
            storage.fail_at(call, SimFault::Crash);
            let auditor = Auditor::live(&config(storage.clone(), 2), &steps).unwrap();
            lost += usize::from(auditor.audit(&storage.crash(seed), 2, &steps).is_err());
        }
    }
    assert!(lost >= 9, "only {lost} of 12 power losses were noticed on a disk that ignores syncs");
}
