//! One seed: what happens in which order.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::Ordering;

use actix::System;
use exchequer::domain::time::Timestamp;
use exchequer::engine::verify::verify;
use exchequer::engine::{Answer, Command, PROVIDER, PlantedFault};
use siphasher::sip128::Hasher128;
use std::hash::Hasher;

use crate::auditor::{self, Questions};
use crate::bills_workload::jump;
use crate::client::{Client, Halt};
use crate::model::{Model, refusal_of};
use crate::op::{Expect, Op, Reply, What};
use crate::random::Chance;
use crate::report::Tally;
use crate::rules;
use crate::touches::serialize;
use crate::workload::Workload;
use crate::world::{BEGIN, HOUR, World};

/// How a seed is run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many commands at least.
    pub commands: u64,
    pub planted: Option<PlantedFault>,
    pub trace: bool,
    /// Where the data directory is left at the end.
    pub left_in: Option<&'static Path>,
}

impl Default for Options {
    fn default() -> Self {
        Self { commands: 500, planted: None, trace: false, left_in: None }
    }
}

/// What became of a seed.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Of every answer, and of the bytes on the disk at the end.
    pub digest: u128,
    pub tally: Tally,
    pub violation: Option<String>,
}

/// Runs one seed.
pub fn run(seed: u64, options: Options) -> Outcome {
    let mut tally = Tally { seeds: 1, ..Tally::default() };
    let ran = catch_unwind(AssertUnwindSafe(|| {
        System::new().block_on(async {
            let mut run = Run::new(seed, options);
            let violation = run.live().await.err();
            (run.client.digest.finish128().as_u128(), run.client.tally, violation)
        })
    }));
    match ran {
        Ok((digest, counted, violation)) => {
            tally.merge(&counted);
            Outcome { digest, tally, violation }
        }
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            let violation = Some(format!("panicked: {}", text.unwrap_or_default()));
            Outcome { digest: 0, tally, violation }
        }
    }
}

struct Run {
    chance: Chance,
    options: Options,
    client: Client,
    model: Model,
    workload: Workload,
    setup: std::collections::VecDeque<(String, Command)>,
    /// At most so many operations at once.
    k: usize,
    /// How many operations were begun.
    issued: u64,
    /// How many crashes there are to be, and were.
    crashes: (u64, u64),
    audit_due: bool,
    /// What is due may have been decided at some accounts and not at others.
    advancing: bool,
    /// When the clock jumps next, by operations.
    jump: u64,
    /// So many operations more come before what is due is decided everywhere.
    before_due: Option<u64>,
}

impl Run {
    fn new(seed: u64, options: Options) -> Self {
        let mut chance = Chance(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x5eed);
        let (world, setup) = World::new(&mut chance);
        let k = if chance.one_in(3) { 1 } else { 2 + usize::try_from(chance.below(7)).unwrap_or(0) };
        let months = chance.one_in(2);
        let model = Model { now: BEGIN, months, ..Model::default() };
        let crashes = (3 + chance.below(3), 0);
        Self {
            client: Client::new(seed, &mut chance, options),
            chance,
            options,
            model,
            workload: Workload::new(world),
            setup: setup.into(),
            k,
            issued: 0,
            crashes,
            audit_due: false,
            advancing: false,
            jump: 60,
            before_due: None,
        }
    }

    async fn live(&mut self) -> Result<(), String> {
        let opened = self.open().await;
        self.or_crash(opened).await?;
        while self.issued < self.options.commands.max(self.issued + self.setup.len() as u64)
            || self.crashes.1 < self.crashes.0
        {
            let stepped = self.step().await;
            self.or_crash(stepped).await?;
        }
        self.audit_due = true;
        while self.audit_due {
            let audited = self.audit().await;
            self.or_crash(audited).await?;
        }
        self.end()
    }

    async fn step(&mut self) -> Result<(), Halt> {
        if self.audit_due {
            return self.audit().await;
        }
        let phase = self.options.commands * (self.crashes.1 + 1) / (self.crashes.0 + 1);
        if self.crashes.1 < self.crashes.0 && self.issued >= phase {
            for _ in 0..self.chance.below(12) {
                self.client.progress(&mut self.chance).await?;
                self.collect()?;
            }
            return Err(Halt::Crash("between messages".to_owned()));
        }
        let ready = self.client.waiting.len() < if self.setup.is_empty() { self.k } else { 1 };
        match self.chance.below(24) {
            0..12 if ready => self.issue(),
            // Every k is 1 now and then: what happens is exact only when nothing else does.
            12 if self.k == 1 || self.client.waiting.is_empty() => self.pass_time(),
            13 if self.chance.one_in(8) => self.client.snapshot(),
            14 if self.chance.one_in(16) => self.audit_due = true,
            _ => self.client.progress(&mut self.chance).await?,
        }
        self.collect()
    }

    fn pass_time(&mut self) {
        if self.client.waiting.is_empty() && !self.model.months {
            self.model.now += self.chance.below(3).cast_signed() * HOUR / 2;
            self.client.clock.store(self.model.now, Ordering::Relaxed);
        }
    }

    /// Lets days or months pass when nothing is under way; whether that is to come first.
    fn jump(&mut self) -> bool {
        if !self.model.months || self.issued < self.jump || self.before_due.is_some() {
            return false;
        }
        if self.client.waiting.is_empty() {
            self.workload.before = self.model.now;
            self.model.now = jump(&self.model, &mut self.chance);
            self.client.trace(|| format!("== now {}", Timestamp::from_micros(self.model.now)));
            self.client.clock.store(self.model.now, Ordering::Relaxed);
            self.jump = self.issued + 3 + self.chance.below(16);
            self.before_due = Some(self.chance.below(3) * self.chance.below(3));
        }
        true
    }

    fn issue(&mut self) {
        if self.setup.is_empty() && self.jump() {
            return;
        }
        let number = self.issued;
        let mut op = match (self.setup.pop_front(), self.before_due) {
            (Some((principal, command)), _) => Workload::op(number, &principal, command, None),
            (None, Some(0)) => Workload::op(number, PROVIDER, Command::AdvanceTime, None),
            (None, Some(_)) => self.workload.before_due(number, &self.model, &mut self.chance),
            (None, None) => self.workload.next(number, &self.model, &mut self.chance),
        };
        if self.model.months {
            serialize(&mut op, &self.model);
        }
        let fits = |other: &Op| op.touches.gets_on_with(&other.touches);
        if !self.client.waiting.values().all(fits) {
            return;
        }
        if self.k == 1
            && !op.is_idle()
            && let What::Command(request) = &op.what
        {
            if request.at.is_none() && !self.model.months {
                self.model.settle_due();
            }
            op.expect = rules::expect(&self.model, request);
        }
        self.issued += 1;
        self.before_due = self.before_due.and_then(|left| left.checked_sub(1));
        self.client.issue(op);
    }

    /// Takes in what was answered.
    fn collect(&mut self) -> Result<(), Halt> {
        for (op, result) in self.client.answers()? {
            self.take_in(&op, result).map_err(|wrong| {
                Halt::Violation(format!("operation {}: {wrong}\n  {:?}", op.number, op.what))
            })?;
        }
        Ok(())
    }

    fn take_in(
        &mut self,
        op: &Op,
        result: Result<Reply, exchequer::engine::EngineError>,
    ) -> Result<(), String> {
        self.client.tally.count("answers", 1);
        let name = match op.command() {
            Some(command) => format!("{command:?}").split([' ', '(']).next().unwrap_or_default().to_owned(),
            None => "PostCharges".to_owned(),
        };
        let counts = self.client.tally.commands.entry(name).or_default();
        counts.1 += 1;
        let reply = match result {
            Err(error) => {
                let refusal = refusal_of(&error).ok_or_else(|| format!("answered {error:?}"))?;
                self.client.tally.refuse(refusal);
                check_refusal(op, refusal)?;
                return if op.is_idle() { Ok(()) } else { self.model.learn_refused(op, refusal) };
            }
            Ok(reply) => reply,
        };
        counts.0 += 1;
        self.count_items(&reply);
        match &op.expect {
            Expect::Refused(rules) => return Err(format!("answered ok, though {rules:?} speak against it")),
            Expect::Reused => return Err("answered ok under the key of another command".to_owned()),
            Expect::Again(first) => return check_again(op, first, &reply),
            Expect::Ok | Expect::Anything => {}
        }
        if let Reply::Answer(answer) = &reply {
            auditor::check_answer(answer)?;
        }
        let changed = self.model.learn(op, &reply)?;
        if (self.k == 1 || self.model.months)
            && !op.reissued
            && let Reply::Answer(Answer::Account(overview)) = &reply
            && let Some(account) = self.model.account(&overview.billing_account)
            && matches!(&op.what, What::Command(request) if request.at.is_none())
        {
            auditor::compare_overview(account, overview)?;
        }
        if changed {
            self.workload.learn(op.clone(), reply, self.model.now);
        }
        Ok(())
    }

    fn count_items(&mut self, reply: &Reply) {
        match reply {
            Reply::Answer(Answer::Items(items)) => {
                let refused = items.iter().filter_map(|(_, result)| result.as_ref().err());
                refused.filter_map(refusal_of).for_each(|refusal| self.client.tally.refuse(refusal));
            }
            Reply::Report(report) => {
                self.client.tally.count("charges accepted", report.accepted);
                self.client.tally.count("charges duplicate", report.duplicate);
                report.items.iter().for_each(|item| self.client.tally.refuse(item.code));
            }
            Reply::Answer(_) => {}
        }
    }

    async fn drain(&mut self) -> Result<(), Halt> {
        for _ in 0..200_000 {
            if self.client.waiting.is_empty() {
                return Ok(());
            }
            self.client.progress(&mut self.chance).await?;
            self.collect()?;
        }
        let stuck: Vec<_> = self.client.waiting.values().map(|op| &op.what).collect();
        Err(Halt::Violation(format!("stuck: {stuck:?}")))
    }

    /// Waits until nothing is under way, and compares everything.
    async fn audit(&mut self) -> Result<(), Halt> {
        self.drain().await?;
        let questions = Questions::of(&self.model);
        self.advancing = true;
        let shown = self.client.look(questions, true, &mut self.chance).await?;
        self.model.settle_due();
        self.advancing = false;
        auditor::compare(&self.model, &shown).map_err(Halt::Violation)?;
        self.client.tally.count("audits", 1);
        self.audit_due = false;
        Ok(())
    }

    async fn or_crash(&mut self, result: Result<(), Halt>) -> Result<(), String> {
        let mut result = result;
        loop {
            match result {
                Ok(()) => return Ok(()),
                Err(Halt::Violation(wrong)) => return Err(wrong),
                Err(Halt::Crash(point)) => {
                    if !point.starts_with("recovery") {
                        self.crashes.1 += 1;
                    }
                    self.client.crash(point, &mut self.chance);
                    result = self.open().await;
                }
            }
        }
    }

    /// Opens the engine, looks whether what was answered is there, and asks again for what was not.
    async fn open(&mut self) -> Result<(), Halt> {
        self.client.open(&mut self.chance).await?;
        let shown = self.client.look(Questions::of(&self.model), false, &mut self.chance).await?;
        let unanswered = self.client.waiting.values();
        match (self.model.months, self.advancing) {
            (false, _) => auditor::check_cash_after_restart(&self.model, &shown, unanswered),
            (true, false) => auditor::compare_after_restart(&self.model, &shown, unanswered),
            (true, true) => Ok(()),
        }
        .map_err(Halt::Violation)?;
        self.client.reissue();
        self.audit_due = self.crashes.1 > 0;
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        let (config, sim) = self.client.end();
        for path in sim.paths() {
            self.client.digest.write(path.as_bytes());
            let bytes = sim.file(&path).unwrap_or_default();
            self.client.digest.write(&bytes);
            if let Some(folder) = self.options.left_in {
                let path = folder.join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, bytes).unwrap();
            }
        }
        for account in self.model.accounts.values() {
            let tally = &mut self.client.tally;
            let bills = account.bills.issued.values();
            tally.count("bills", bills.len() as u64);
            tally.count("bills below 0", bills.clone().filter(|bill| bill.after_tax() < 0).count() as u64);
            tally.count("bills settled", bills.filter(|bill| bill.settled_at.is_some()).count() as u64);
            if self.model.months {
                account.standing.notices.iter().for_each(|notice| tally.count(notice.kind, 1));
                account.standing.ways.iter().for_each(|(way, count)| tally.count(way, *count));
            }
        }
        let report = verify(&config).map_err(|error| format!("verify: {error:?}"))?;
        self.client.tally.count("log blocks", report.blocks);
        let broken: Vec<_> = report.invariants.iter().filter(|(_, holds, _)| !holds).collect();
        if report.ok { Ok(()) } else { Err(format!("verify: {broken:?}")) }
    }
}

fn check_refusal(op: &Op, refusal: exchequer::domain::refusals::Refusal) -> Result<(), String> {
    use exchequer::domain::refusals::Refusal;
    match &op.expect {
        Expect::Anything => Ok(()),
        Expect::Ok => Err(format!("refused {}, though nothing speaks against it", refusal.code())),
        Expect::Refused(rules) if rules.first() == Some(&refusal) => Ok(()),
        Expect::Refused(rules) => {
            Err(format!("refused {}, though {rules:?} come in that order", refusal.code()))
        }
        Expect::Reused if refusal == Refusal::IdempotencyKeyReused => Ok(()),
        Expect::Reused => Err(format!("refused {} under the key of another command", refusal.code())),
        // It can't be looked up by whom may not ask any more, nor while an account is being closed.
        Expect::Again(_) if matches!(refusal, Refusal::PermissionDenied | Refusal::MoneyInFlight) => Ok(()),
        Expect::Again(_) => Err(format!("refused {} when asked again", refusal.code())),
    }
}

/// A repeated command gets its first answer (rule J2), but for those that show an enterprise or a bill as it is now.
fn check_again(op: &Op, first: &Reply, again: &Reply) -> Result<(), String> {
    let now = matches!(
        again,
        Reply::Answer(
            Answer::Credit(_)
                | Answer::Advanced { .. }
                | Answer::Issued(_)
                | Answer::Bill(_)
                | Answer::Bills(_)
        )
    );
    if now || first == again {
        return Ok(());
    }
    Err(format!("asked again of {:?}: answered {again:?}, at first {first:?}", op.command()))
}
