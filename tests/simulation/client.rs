//! The clients of one seed: what they wait for, and how they go on after a crash.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::Hasher;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use actix::System;
use exchequer::clock::Clock;
use exchequer::engine::{Config, Engine, EngineError, Simulated};
use exchequer::wal::{LogOptions, Preallocation, Pumped, SimStorage};
use siphasher::sip128::SipHasher13;
use tokio::task::JoinHandle;

use crate::auditor::{Questions, Shown};
use crate::disk::Disk;
use crate::op::{Op, Reply, What, batch};
use crate::random::Chance;
use crate::report::Tally;
use crate::run::Options;
use crate::world::BEGIN;

/// Why things don't go on.
#[derive(Clone, Debug)]
pub enum Halt {
    Violation(String),
    /// The engine is gone; at which point.
    Crash(String),
}

/// Operations with their answers.
type Told = Vec<(Op, Result<Reply, EngineError>)>;

type Answered = Vec<(u64, Result<Reply, EngineError>)>;

/// The clients, and the engine that they talk to.
pub struct Client {
    pub waiting: BTreeMap<u64, Op>,
    pub tally: Tally,
    pub digest: SipHasher13,
    pub clock: Arc<AtomicI64>,
    options: Options,
    random: [u8; 32],
    disk: Disk,
    simulated: Option<Simulated>,
    inbox: Rc<RefCell<Answered>>,
    tasks: Vec<JoinHandle<()>>,
    snapshot: Option<JoinHandle<()>>,
    /// One of so many turns is the log's.
    pump_every: u64,
    segment_bytes: u64,
}

impl Client {
    pub fn new(seed: u64, chance: &mut Chance, options: Options) -> Self {
        let mut random = [0; 32];
        random[..8].copy_from_slice(&seed.to_le_bytes());
        Self {
            waiting: BTreeMap::new(),
            tally: Tally::default(),
            digest: SipHasher13::new(),
            clock: Arc::new(AtomicI64::new(BEGIN)),
            options,
            random,
            disk: Disk::new(SimStorage::new(seed)),
            simulated: None,
            inbox: Rc::default(),
            tasks: Vec::new(),
            snapshot: None,
            pump_every: *chance.pick(&[2, 2, 3, 6]),
            segment_bytes: *chance.pick(&[8 * 1024, 32 * 1024, 128 * 1024]),
        }
    }

    fn config(&self, shards: usize) -> Config {
        let mut config = Config::new("simulated");
        config.storage = Some(Arc::new(self.disk.clone()));
        config.shards = Some(shards);
        config.snapshot_log_bytes = None;
        config.log = LogOptions {
            segment_bytes: self.segment_bytes,
            preallocation: Preallocation::Inline,
            ..LogOptions::default()
        };
        config.clock = Clock::Set(Arc::clone(&self.clock));
        config.planted = self.options.planted;
        config
    }

    pub fn trace(&self, text: impl FnOnce() -> String) {
        if self.options.trace {
            println!("{}", text());
        }
    }

    /// Opens the engine, and sends again what was on its way.
    pub async fn open(&mut self, chance: &mut Chance) -> Result<(), Halt> {
        if chance.below(3) != 0 {
            let calls = *chance.pick(&[60, 200, 200, 700]);
            self.disk.lose_power_in(1 + chance.below(calls));
        }
        let shards = 1 + usize::try_from(chance.below(3)).unwrap_or(0);
        self.trace(|| format!("== opens with {shards} shards"));
        let mut simulated = match Engine::open_here(self.config(shards), self.random) {
            Ok(simulated) => simulated,
            Err(error) => {
                return Err(match self.disk.crashed() {
                    Some(point) => Halt::Crash(format!("recovery: {point}")),
                    None => Halt::Violation(format!("can't open: {error:?}")),
                });
            }
        };
        self.tally.count("messages sent again", simulated.unacknowledged() as u64);
        self.tally.count("opened from a snapshot", u64::from(simulated.engine.opened().snapshot.is_some()));
        let sending = simulated.send_again();
        self.simulated = Some(simulated);
        let sent = self.finish(sending, chance).await?;
        sent.map_err(|error| self.stopped(format!("can't send again: {error:?}")))
    }

    /// Power is lost, or the process dies.
    pub fn crash(&mut self, point: String, chance: &mut Chance) {
        self.trace(|| format!("== crash: {point}"));
        *self.tally.crashes.entry(point).or_default() += 1;
        self.tally.count("crashes", 1);
        self.tally.count("unanswered at a crash", self.waiting.len() as u64);
        for task in self.tasks.drain(..).chain(self.snapshot.take()) {
            task.abort();
        }
        self.inbox = Rc::default();
        self.simulated = None;
        let seed = chance.next();
        let dies = self.disk.crashed().is_none() && seed.is_multiple_of(4);
        let sim = if dies { self.disk.sim.restart() } else { self.disk.sim.crash(seed) };
        self.disk = Disk::new(sim);
    }

    fn engine(&self) -> Engine {
        self.simulated.as_ref().expect("the engine is open").engine.clone()
    }

    /// Begins an operation.
    pub fn issue(&mut self, op: Op) {
        self.trace(|| {
            let again = if op.reissued { " again" } else { "" };
            format!("{}{again} -> {:?} (expects {:?})", op.number, op.what, op.expect)
        });
        self.tally.count("commands", u64::from(!op.reissued));
        let (engine, inbox) = (self.engine(), Rc::clone(&self.inbox));
        let (number, what) = (op.number, op.what.clone());
        self.waiting.insert(number, op);
        self.tasks.push(actix::spawn(async move {
            let result = match what {
                What::Command(request) => engine.execute_async(&request).await.map(Reply::Answer),
                What::Post(charges, on_error, at) => {
                    engine.post_async(&batch(&charges, at), on_error).await.map(Reply::Report)
                }
            };
            inbox.borrow_mut().push((number, result));
        }));
    }

    /// Asks again for everything that was not answered, under the same keys.
    pub fn reissue(&mut self) {
        for (_, mut op) in std::mem::take(&mut self.waiting) {
            op.reissued = true;
            self.issue(op);
        }
    }

    /// What was answered meanwhile.
    pub fn answers(&mut self) -> Result<Told, Halt> {
        let answered = self.inbox.take();
        let mut answers = Vec::new();
        for (number, result) in answered {
            if let Err(EngineError::Stopped(reason)) = &result {
                return Err(self.stopped(format!("stopped: {reason}")));
            }
            self.trace(|| format!("{number} <- {result:?}"));
            self.digest.write(format!("{number} {result:?}").as_bytes());
            let op = self.waiting.remove(&number).expect("an operation is answered once");
            // What may have been carried out before the crash is asked for until it is told.
            if op.reissued && refused_for_now(&result) {
                self.tally.count("asked for once more", 1);
                self.issue(op);
            } else {
                answers.push((op, result));
            }
        }
        self.power()?;
        Ok(answers)
    }

    fn power(&self) -> Result<(), Halt> {
        self.disk.crashed().map_or(Ok(()), |point| Err(Halt::Crash(point)))
    }

    fn stopped(&self, reason: String) -> Halt {
        self.disk.crashed().map_or(Halt::Violation(reason), Halt::Crash)
    }

    /// Lets the log or the actors do something.
    pub async fn progress(&mut self, chance: &mut Chance) -> Result<(), Halt> {
        if chance.one_in(self.pump_every) {
            let Some(simulated) = &mut self.simulated else { return Ok(()) };
            match simulated.log.pump() {
                Ok(Pumped::Idle) => tokio::task::yield_now().await,
                Ok(_) => {}
                Err(fault) => return Err(self.stopped(format!("the log stopped: {fault:?}"))),
            }
        } else {
            tokio::task::yield_now().await;
        }
        self.tasks.retain(|task| !task.is_finished());
        self.power()
    }

    /// Takes a snapshot beside everything else.
    pub fn snapshot(&mut self) {
        if self.snapshot.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        self.tally.count("snapshots begun", 1);
        let engine = self.engine();
        self.snapshot = Some(actix::spawn(async move {
            // An error comes from the disk, or is told by everybody else as well.
            let _taken = engine.snapshot_async().await;
        }));
    }

    /// Looks at everything, while the log goes on.
    pub async fn look(
        &mut self,
        questions: Questions,
        advance: bool,
        chance: &mut Chance,
    ) -> Result<Shown, Halt> {
        let engine = self.engine();
        let shown = self.finish(questions.ask(engine, advance), chance).await?;
        shown.map_err(|error| self.stopped(format!("can't look: {error:?}")))
    }

    /// Goes on until that future is done.
    async fn finish<T: 'static>(
        &mut self,
        future: impl Future<Output = T> + 'static,
        chance: &mut Chance,
    ) -> Result<T, Halt> {
        let done = Rc::new(RefCell::new(None));
        let result = Rc::clone(&done);
        self.tasks.push(actix::spawn(async move {
            let value = future.await;
            *result.borrow_mut() = Some(value);
        }));
        for _ in 0..200_000 {
            self.progress(chance).await?;
            if let Some(value) = done.take() {
                return Ok(value);
            }
        }
        Err(self.stopped("stuck: what is asked for is never told".to_owned()))
    }

    /// The engine ends in good order; what it leaves.
    pub fn end(&mut self) -> (Config, SimStorage) {
        self.simulated = None;
        System::current().stop();
        self.disk = Disk::new(self.disk.sim.restart());
        (self.config(1), self.disk.sim.clone())
    }
}

fn refused_for_now(result: &Result<Reply, EngineError>) -> bool {
    use exchequer::domain::refusals::Refusal;
    matches!(result, Err(EngineError::Refused { refusal: Refusal::MoneyInFlight, .. }))
}
