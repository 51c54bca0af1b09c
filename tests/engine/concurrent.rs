//! Several threads at once, in every way that an engine can be asked, against a naive ledger at quiescent points; with
//! closing and opening, on other numbers of shards, as one of the operations (rules A4, B1, C2, C6, J1, J2).

use std::collections::BTreeMap;

use exchequer::domain::account_command::AccountCommand;
use exchequer::domain::money::Money;
use exchequer::engine::verify::verify;
use exchequer::engine::{AccountSettings, Command, Config, Engine, EngineError, OnError, PostReport};
use exchequer::wal::SimStorage;

use crate::naive::{Counts, Fate, Naive};
use crate::random::Chance;
use crate::rig::{Sent, amount, at, batch, config, figures, keyed, sums};

const THREADS: usize = 4;
const ROUNDS: u32 = 7;
const ACCOUNTS: usize = 7;

fn account(number: usize) -> String {
    format!("account {number}")
}

/// A cloud account whose payer is changed by that thread alone.
fn wandering(thread: usize) -> String {
    format!("wandering {thread}")
}

fn clouds() -> Vec<String> {
    (0..ACCOUNTS).map(account).chain((0..THREADS).map(wandering)).collect()
}

/// What one thread has done in a round, as far as the naive ledger must follow.
#[derive(Default)]
struct Done {
    charges: Vec<Sent>,
    accepted: u64,
    commands: Vec<(Command, String)>,
}

/// One seed's run.
struct Run {
    seed: u64,
    storage: SimStorage,
    naive: Naive,
    /// Everything ever posted.
    posted: Vec<Sent>,
    /// Cash given by account.
    top_ups: BTreeMap<String, Vec<Money>>,
}

fn config_of(storage: &SimStorage, chance: &mut Chance) -> Config {
    let mut config = config(storage.clone(), usize::try_from(chance.below(4)).unwrap() + 1);
    config.in_flight_charges_max = 48;
    config.log.segment_bytes = 64 * 1024;
    config
}

impl Run {
    fn new(seed: u64, engine: &Engine, storage: SimStorage) -> Self {
        let mut run =
            Self { seed, storage, naive: Naive::default(), posted: Vec::new(), top_ups: BTreeMap::new() };
        let openings = (0..ACCOUNTS).map(|n| Command::register_cloud_account(account(n)));
        let wandering = (0..THREADS).map(|thread| Command::RegisterPaidCloudAccount {
            cloud_account: wandering(thread),
            billing_account: account(thread),
        });
        for (n, command) in openings.chain(wandering).enumerate() {
            let key = format!("opening {n}");
            engine.execute(&keyed(&command, &*key)).unwrap();
            run.naive.execute(&command, &key);
        }
        run
    }

    /// All threads at once; then the naive ledger follows.
    fn round(&mut self, engine: &Engine, round: u32) {
        let new = self.new_charges(round);
        let done: Vec<Done> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let (run, new) = (&*self, &new);
                    scope.spawn(move || run.thread(engine, round, thread, new))
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let before = self.naive.posted_count();
        for done in &done {
            for sent in &done.charges {
                if self.naive.post_one(sent) == Fate::Accepted {
                    self.posted.push(sent.clone());
                }
            }
        }
        let accepted: u64 = done.iter().map(|done| done.accepted).sum();
        let expected = (self.naive.posted_count() - before) as u64;
        assert_eq!(accepted, expected, "seed {}, round {round}: each identity is accepted once", self.seed);
        for (command, key) in done.iter().flat_map(|done| &done.commands) {
            if let Command::TopUp { billing_account, amount, .. } = command
                && !self.naive.has_done(key)
            {
                self.top_ups.entry(billing_account.clone()).or_default().push(amount.money());
            }
            self.naive.execute(command, key);
        }
    }

    /// Charges of this round, of which every thread sends some.
    fn new_charges(&self, round: u32) -> Vec<Sent> {
        let mut chance = Chance(self.seed ^ (u64::from(round) << 32));
        (0..300)
            .map(|n| {
                let cloud = chance.pick(&clouds()).clone();
                let start = format!("2026-{:02}-{:02}T00:00:00Z", round + 1, chance.below(28) + 1);
                Sent::new(&cloud, format!("{round}-{n}"), chance.below(1_000) as i64 - 100, &start)
            })
            .collect()
    }

    fn thread(&self, engine: &Engine, round: u32, thread: usize, new: &[Sent]) -> Done {
        let mut chance = Chance(self.seed.wrapping_mul(31) + u64::from(round) * 97 + thread as u64);
        let mut done = Done::default();
        let handles: Vec<_> = (0..ACCOUNTS).map(|n| engine.account(&account(n)).unwrap()).collect();
        let mut changes_payer = true;
        for step in 0..40 {
            let key = format!("{round} {thread} {step}");
            match chance.below(12) {
                0..=5 => self.post(engine, &mut chance, new, round, &mut done),
                6 => {
                    // The same command from whoever comes to it, under the same key.
                    let to = account(usize::try_from(chance.below(ACCOUNTS as u64)).unwrap());
                    let command = Command::top_up(&*to, amount(5));
                    let key = format!("shared {round} {to}");
                    engine.execute(&keyed(&command, &*key)).unwrap();
                    done.commands.push((command, key));
                }
                7 => {
                    let to = usize::try_from(chance.below(ACCOUNTS as u64)).unwrap();
                    let cents = chance.below(500) as i64 + 1;
                    let command = AccountCommand::TopUp { amount: amount(cents).money(), reference: None };
                    pollster::block_on(handles[to].send(command)).unwrap();
                    done.commands.push((Command::top_up(account(to), amount(cents)), key));
                }
                8 => {
                    let command = self.own_command(&mut chance, thread, &key);
                    match pollster::block_on(engine.execute_async(&keyed(&command, &*key))) {
                        Ok(_) => done.commands.push((command, key)),
                        Err(EngineError::Refused { .. }) => {} // frozen already, or not
                        Err(error) => panic!("{error}"),
                    }
                }
                9 if changes_payer => {
                    changes_payer = false;
                    let command = Command::SetPayer {
                        cloud_accounts: vec![wandering(thread)],
                        billing_account: account(usize::try_from(chance.below(ACCOUNTS as u64)).unwrap()),
                        // Whatever is posted in this round stays with the payer of before.
                        effective_at: Some(at(&format!("2026-{:02}-01T00:00:00Z", round + 2))),
                    };
                    let answer = engine.execute(&keyed(&command, &*key)).unwrap();
                    if let exchequer::engine::Answer::Items(items) = answer
                        && items[0].1.is_ok()
                    {
                        done.commands.push((command, key));
                    }
                }
                _ => {
                    let view = pollster::block_on(handles[thread].view()).unwrap();
                    assert_eq!(view.available_credit, credit_of(&view));
                }
            }
        }
        done
    }

    /// A command to an account that this thread alone commands.
    fn own_command(&self, chance: &mut Chance, thread: usize, key: &str) -> Command {
        let billing_account = account(thread);
        match chance.below(4) {
            0 => Command::GrantCreditLimit { billing_account, amount: amount(chance.below(9_999) as i64) },
            1 => Command::FreezeBillingAccount { billing_account },
            2 => Command::ThawBillingAccount { billing_account },
            _ => Command::ModifyBillingAccount {
                billing_account,
                settings: AccountSettings { name: Some(key.to_owned()), ..AccountSettings::default() },
            },
        }
    }

    fn post(&self, engine: &Engine, chance: &mut Chance, new: &[Sent], round: u32, done: &mut Done) {
        let count = usize::try_from(chance.below(20)).unwrap() + 1;
        let mut charges: Vec<Sent> = (0..count).map(|_| chance.pick(new).clone()).collect();
        if chance.one_in(2) && !self.posted.is_empty() {
            // Known from an earlier round, and sent to whoever pays now or from the next round on.
            let known = chance.pick(&self.posted).clone();
            let start = at(&format!("2026-{:02}-15T00:00:00Z", u64::from(round) + 1 + chance.below(2)));
            charges.push(Sent { start, ..known });
        }
        let mut expected_conflicts = 0;
        if chance.one_in(4) && !self.posted.is_empty() {
            let known = chance.pick(&self.posted).clone();
            charges.push(Sent { amount: known.amount + 1, ..known });
            expected_conflicts = 1;
        }
        let on_error = match chance.below(6) {
            0 => OnError::Stop,
            1 => OnError::Atomic,
            _ => OnError::Continue,
        };
        if on_error == OnError::Atomic {
            let cloud = charges[0].cloud.clone();
            charges.retain(|sent| sent.cloud == cloud && sent.start < at("2027-01-01T00:00:00Z"));
            charges.truncate(3);
            expected_conflicts = 0;
            charges.retain(|sent| !self.naive.has_posted(sent));
            if charges.is_empty() {
                return;
            }
        }
        let batch = batch(&charges);
        let report = match (on_error, chance.below(4)) {
            (OnError::Continue, 0) => {
                // Counts twice while in flight: given a second time before the first answer.
                let (first, second) = (engine.submit(&batch).unwrap(), engine.submit(&batch).unwrap());
                let second = second.wait(&batch).unwrap();
                done.accepted += second.accepted;
                first.wait(&batch).unwrap()
            }
            (OnError::Continue, 1) => match engine.try_submit(&batch) {
                Ok(pending) => pollster::block_on(pending.wait_async(&batch)).unwrap(),
                Err(EngineError::Busy) => engine.post(&batch, on_error).unwrap(),
                Err(error) => panic!("{error}"),
            },
            (_, 2) => pollster::block_on(engine.post_async(&batch, on_error)).unwrap(),
            _ => engine.post(&batch, on_error).unwrap(),
        };
        self.note(&charges, on_error, &report, expected_conflicts, done);
    }

    fn note(
        &self,
        charges: &[Sent],
        on_error: OnError,
        report: &PostReport,
        conflicts: u64,
        done: &mut Done,
    ) {
        let counts = Counts::from(report);
        assert_eq!((counts.conflict, counts.rejected), (conflicts, 0), "seed {}: {report:?}", self.seed);
        let all = counts.accepted + counts.duplicate + counts.conflict + counts.unsubmitted;
        assert_eq!(all, charges.len() as u64, "seed {}: {report:?}", self.seed);
        assert!(on_error == OnError::Stop || counts.unsubmitted == 0, "seed {}: {report:?}", self.seed);
        done.accepted += counts.accepted;
        // A conflict is the last charge of its batch, so whatever is before it was posted.
        done.charges.extend_from_slice(&charges[..charges.len() - usize::try_from(conflicts).unwrap()]);
    }

    fn check(&self, engine: &Engine, when: &str) {
        let seed = self.seed;
        assert_eq!(figures(engine).unwrap(), self.naive.figures(), "seed {seed}, {when}");
        assert_eq!(sums(engine).unwrap(), Some(self.naive.sums()), "seed {seed}, {when}");
        for (id, mut given) in self.top_ups.clone() {
            let records = engine.change_records(&id, Some("cash")).unwrap();
            let mut found: Vec<_> = records.iter().map(|record| record.amount.unwrap()).collect();
            found.sort_unstable();
            given.sort_unstable();
            assert_eq!(found, given, "seed {seed}, {when}: cash of `{id}`");
            let mut cash = Money::ZERO;
            for record in records {
                assert_eq!(record.before, Some(cash), "seed {seed}, {when}: {record:?}");
                cash = record.after.unwrap();
                assert_eq!(record.before.unwrap().checked_add(record.amount.unwrap()), Some(cash));
            }
        }
    }
}

fn credit_of(view: &exchequer::domain::account::AccountView) -> Money {
    let assets = view.cash.checked_add(view.credit_limit).unwrap();
    assets.checked_sub(view.unsettled_current).unwrap()
}

#[test]
fn agrees_with_a_naive_ledger_whatever_the_threads_do() {
    for seed in 0..40 {
        let mut chance = Chance(seed);
        let storage = SimStorage::new(seed);
        let mut engine = Engine::open(config_of(&storage, &mut chance)).unwrap();
        let mut run = Run::new(seed, &engine, storage);
        for round in 0..ROUNDS {
            std::thread::scope(|scope| {
                // A snapshot in the midst of it.
                let snapshot = chance.one_in(2).then(|| scope.spawn(|| engine.snapshot().unwrap()));
                run.round(&engine, round);
                if let Some(snapshot) = snapshot {
                    snapshot.join().unwrap();
                }
            });
            run.check(&engine, &format!("after round {round}"));
            if chance.one_in(3) {
                engine.snapshot().unwrap();
            }
            if chance.one_in(2) {
                match chance.below(3) {
                    0 => drop(engine), // the last one closes
                    _ => engine.close().unwrap(),
                }
                let config = config_of(&run.storage, &mut chance);
                let report = verify(&config).unwrap();
                assert!(report.ok, "seed {seed}, round {round}: {report:?}");
                engine = Engine::open(config).unwrap();
                run.check(&engine, &format!("opened after round {round}"));
            }
        }
        engine.close().unwrap();
    }
}
