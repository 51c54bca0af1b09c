//! Alerts, overdue and suspension against a naive model (rules H1–H4, J5), and what charges are looked at for them.
#![allow(missing_docs, clippy::unwrap_used)]

mod billing;

use std::collections::BTreeSet;

use billing::{Bench, instant, usual};
use exchequer::domain::account::{Account, AccountParts};
use exchequer::domain::account_command::AccountCommand;
use exchequer::domain::charge::Category;
use exchequer::domain::ids::AccountIndex;
use exchequer::domain::money::Money;
use exchequer::domain::paid_cloud_account::PaidCloudAccount;
use exchequer::domain::postings::Postings;
use exchequer::domain::standing::{AlertState, SuspensionBenefit, Watch};
use exchequer::domain::time::{Cycle, Timestamp};
use proptest::prelude::*;

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

/// What was told, and when.
type Told = (i64, BTreeSet<&'static str>, i128);

/// Hours and an amount.
type Benefit = (Option<i64>, Option<i128>);

/// What the rules say, as naively as possible: all sums in units, all times in microseconds.
#[derive(Clone, Default)]
#[allow(clippy::struct_excessive_bools)] // as naive as that
struct Model {
    /// Of the clock, and of the account's last decision.
    now: i64,
    last: i64,
    credit: i128,
    enabled: bool,
    threshold: i128,
    waiting: bool,
    /// Notifications of this low balance, and when the last one left.
    sent: u8,
    sent_at: i64,
    stopped: bool,
    benefit: Option<Benefit>,
    overdue_since: Option<i64>,
    suspended: bool,
    told: Vec<Told>,
}

impl Model {
    fn tell(&mut self, at: i64, news: BTreeSet<&'static str>) {
        if !news.is_empty() {
            self.last = self.last.max(at);
            self.told.push((at, news, self.credit));
        }
    }

    fn grace_ends(&self) -> Option<i64> {
        let (hours, _) = self.benefit?;
        Some(self.overdue_since? + hours? * HOUR)
    }

    /// Everything that time brings.
    fn settle(&mut self, to: i64) {
        loop {
            let reminds = self.enabled && !self.stopped && self.sent > 0;
            let reminder = self.sent_at + DAY;
            let suspends = if self.suspended { None } else { self.grace_ends() };
            if reminds && reminder <= to {
                self.sent += 1;
                self.sent_at = reminder;
                self.stopped = self.sent == 5;
                self.tell(reminder, ["alerted"].into());
            } else if let Some(end) = suspends.filter(|end| *end <= to) {
                self.suspended = true;
                self.tell(end, ["suspended"].into());
            } else {
                return;
            }
        }
    }

    /// One step at an instant.
    fn step(&mut self, at: i64, change: impl FnOnce(&mut Self)) {
        let before = self.credit;
        change(self);
        let mut news = BTreeSet::new();
        if self.credit < 0 {
            if self.overdue_since.is_none() {
                self.overdue_since = Some(at);
                (self.stopped, self.waiting) = (true, false);
                news.insert("overdue");
            }
            let too_much = match self.benefit {
                Some((_, Some(amount))) => -self.credit > amount,
                Some(_) => false,
                None => true,
            };
            let too_long = self.grace_ends().is_some_and(|end| end <= at);
            if !self.suspended && (too_much || too_long) {
                self.suspended = true;
                news.insert("suspended");
            }
        } else {
            if self.overdue_since.take().is_some() {
                news.insert("cleared");
            }
            if std::mem::take(&mut self.suspended) {
                news.insert("resumed");
            }
            let armed = !self.waiting && !self.stopped && self.sent == 0;
            let changed = self.credit != before;
            if self.enabled && self.credit < self.threshold && (armed || self.waiting && changed) {
                (self.waiting, self.sent, self.sent_at) = (false, 1, at);
                news.insert("alerted");
            }
            if self.enabled && self.credit >= self.threshold && !armed && changed {
                (self.waiting, self.stopped, self.sent) = (false, false, 0);
                news.insert("rearmed");
            }
        }
        self.tell(at, news);
    }

    fn command(&mut self, change: impl FnOnce(&mut Self)) {
        let at = self.now.max(self.last);
        self.settle(at);
        self.last = at;
        self.step(at, change);
    }

    /// If a charge changes anything, what is due by then comes first.
    fn charge(&mut self, amount: i128) {
        let at = self.now.max(self.last);
        let mut looked = self.clone();
        looked.settle(at);
        let (told, last) = (looked.told.len(), looked.last);
        looked.step(at, |model| model.credit -= amount);
        // The account's own time stays as it is.
        looked.last = last;
        if looked.told.len() > told {
            *self = looked;
        } else {
            self.credit -= amount;
        }
    }

    fn alert(&self) -> &'static str {
        match () {
            () if !self.enabled => "off",
            () if self.stopped => "ended",
            () if self.waiting => "waiting",
            () if self.sent > 0 => "firing",
            () => "armed",
        }
    }
}

/// A sum: as it is, or so much that available credit comes to a bound and so much more.
#[derive(Clone, Copy, Debug)]
enum Size {
    Units(i128),
    ToThreshold(i128),
    ToZero(i128),
    ToGraceAmount(i128),
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Charge(Size),
    TopUp(Size),
    Adjust(Size),
    Limit(i128),
    Alert {
        enabled: bool,
        threshold: Option<i128>,
    },
    Benefit(Option<Benefit>),
    Clock(i64),
    /// Somebody wakes the account.
    Wake,
    Reopen,
}

fn units(units: i128) -> Money {
    Money::from_units(units)
}

fn benefit(benefit: Option<Benefit>) -> Option<SuspensionBenefit> {
    benefit.map(|(hours, amount)| SuspensionBenefit {
        grace_micros: hours.map(|hours| hours * HOUR),
        grace_amount: amount.map(units),
    })
}

struct Pair {
    bench: Bench,
    model: Model,
    limit: i128,
    /// Whether somebody wakes the account as soon as something is due, or only when it is asked.
    prompt: bool,
    start: i64,
}

impl Pair {
    fn new(prompt: bool, owed_before: i128) -> Self {
        let mut bench = Bench::of(usual());
        // As it was before these rules: nobody looked at the standing.
        let (account, paid) = (&mut bench.ledger.accounts[0], &mut bench.ledger.payments[0].paid);
        account.apply_charge(paid, units(owed_before), Cycle::parse("2026-05").unwrap(), Category::Usage);
        let mut postings = Postings::default();
        postings.charge(Category::Usage, units(owed_before));
        bench.book(&postings);
        let model = Model { credit: -owed_before, ..Model::default() };
        Self { bench, model, limit: 0, prompt, start: instant("2026-05-01").micros() }
    }

    /// By how much a command raises available credit.
    fn raise(&self, size: Size) -> i128 {
        let model = &self.model;
        match size {
            Size::Units(units) => units,
            Size::ToThreshold(more) => model.threshold + more - model.credit,
            Size::ToZero(more) => more - model.credit,
            Size::ToGraceAmount(more) => {
                more - model.benefit.and_then(|(_, amount)| amount).unwrap_or_default() - model.credit
            }
        }
    }

    fn command(&mut self, command: &AccountCommand, change: impl FnOnce(&mut Model)) {
        match self.bench.run(command) {
            Ok(true) => self.model.command(change),
            // The bounds of sums and settings are other tests' matter; what is due comes first all the same.
            Ok(false) | Err(_) => self.model.settle(self.model.now.max(self.model.last)),
        }
    }

    fn run(&mut self, op: Op) {
        match op {
            Op::Charge(size) => {
                let amount = -self.raise(size);
                self.model.charge(amount);
                let start = instant("2026-05-02");
                assert_eq!(self.bench.post(units(amount), start, Category::Usage, "compute"), "2026-05");
            }
            Op::TopUp(size) => {
                let amount = self.raise(size);
                let command = AccountCommand::TopUp { amount: units(amount), reference: None };
                self.command(&command, |model| model.credit += amount);
            }
            Op::Adjust(size) => {
                let amount = self.raise(size);
                let command = AccountCommand::AdjustCash { amount: units(amount), reason: "x".into() };
                self.command(&command, |model| model.credit += amount);
            }
            Op::Limit(limit) => {
                let raised = limit - self.limit;
                self.limit = limit;
                let command = AccountCommand::GrantCreditLimit { amount: units(limit) };
                self.command(&command, |model| model.credit += raised);
            }
            Op::Alert { enabled, threshold } => {
                let command = AccountCommand::SetLowBalanceAlert { enabled, threshold: threshold.map(units) };
                self.command(&command, |model| {
                    model.threshold = threshold.unwrap_or(model.threshold);
                    (model.enabled, model.stopped, model.sent) = (enabled, false, 0);
                    model.waiting = enabled && model.credit < model.threshold;
                });
            }
            Op::Benefit(given) => {
                let command = AccountCommand::SetSuspensionBenefit { benefit: benefit(given) };
                self.command(&command, |model| model.benefit = given);
            }
            Op::Clock(passed) => {
                self.model.now += if self.prompt { passed } else { passed.abs() };
                self.bench.now = Timestamp::from_micros(self.start + self.model.now);
            }
            Op::Wake => self.wake(),
            Op::Reopen => {
                let parts = self.bench.account().to_parts();
                self.bench.ledger.accounts[0] = Account::from_parts(AccountIndex(0), parts).unwrap();
            }
        }
        if self.prompt {
            self.wake();
        }
    }

    fn wake(&mut self) {
        self.bench.settle_due();
        self.model.settle(self.model.now.max(self.model.last));
        self.check();
    }

    fn check(&self) {
        let (account, model) = (self.bench.account(), &self.model);
        let told = self.bench.changes.iter().map(|(at, change)| {
            // Who is woken late tells the credit of then.
            let credit = if self.prompt { change.available_credit.units() } else { 0 };
            (at.micros() - self.start, change.changes.names().collect::<BTreeSet<_>>(), credit)
        });
        let credit = |credit| if self.prompt { credit } else { 0 };
        let expect = model.told.iter().map(|(at, news, then)| (*at, news.clone(), credit(*then)));
        assert_eq!(told.collect::<Vec<_>>(), expect.collect::<Vec<_>>());
        assert_eq!(account.available_credit(), units(model.credit));
        assert_eq!(
            (account.overdue(), account.suspended()),
            (model.overdue_since.is_some(), model.suspended)
        );
        let alert = account.watch().map(|watch| watch.alert).unwrap_or_default();
        assert_eq!(alert.name(), model.alert());
        if let AlertState::Firing { sent, next_at } = alert {
            assert_eq!((sent, next_at.micros() - self.start), (model.sent, model.sent_at + DAY));
        }
    }
}

fn size() -> impl Strategy<Value = Size> {
    prop_oneof![
        4 => (-30_i128..30).prop_map(Size::Units),
        2 => (-1_i128..2).prop_map(Size::ToThreshold),
        2 => (-1_i128..2).prop_map(Size::ToZero),
        2 => (-1_i128..2).prop_map(Size::ToGraceAmount),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let hours = || prop_oneof![0_i64..4, 20_i64..80];
    let benefit = (prop::option::of(hours()), prop::option::of(0_i128..20));
    let benefit = benefit.prop_filter("something", |(hours, amount)| hours.is_some() || amount.is_some());
    let passed = prop_oneof![
        4 => (1_i64..60).prop_map(|hours| hours * HOUR),
        1 => (1_i64..12).prop_map(|days| days * DAY),
        1 => (-1_i64..2).prop_map(|micros| DAY + micros),
        1 => (-9_i64..0).prop_map(|hours| hours * HOUR),
    ];
    prop_oneof![
        8 => size().prop_map(Op::Charge),
        3 => size().prop_map(Op::TopUp),
        2 => size().prop_map(Op::Adjust),
        1 => (0_i128..20).prop_map(Op::Limit),
        3 => (prop::bool::weighted(0.8), prop::option::of(0_i128..40))
            .prop_map(|(enabled, threshold)| Op::Alert { enabled, threshold }),
        2 => prop::option::weighted(0.8, benefit).prop_map(Op::Benefit),
        5 => passed.prop_map(Op::Clock),
        2 => Just(Op::Wake),
        1 => Just(Op::Reopen),
    ]
}

/// A standing near which charges are posted.
#[derive(Clone, Copy, Debug)]
enum Near {
    Nothing,
    Armed,
    Waiting,
    Firing,
    Ended,
    /// Overdue, with a benefit of that amount.
    InGrace,
    Suspended,
    /// From before the rules.
    Unmarked,
}

/// A sum of any size, more often a small one.
fn sum() -> impl Strategy<Value = i128> {
    (any::<u128>(), 4_u32..128).prop_map(|(units, shift)| i128::try_from(units >> shift).unwrap())
}

/// An account with an available credit as far from the bound of its standing as asked.
fn account_near(near: Near, bound: i128, apart: i128) -> (Account, i128) {
    let firing = AlertState::Firing { sent: 1, next_at: Timestamp::MAX };
    let at_bound = |alert| Watch { threshold: units(bound), alert, ..Watch::default() };
    let (available, watch) = match near {
        Near::Nothing => (apart, None),
        Near::Armed => (bound + apart, Some(at_bound(AlertState::Armed))),
        Near::Waiting => (bound - 1 - apart.min(bound - 1), Some(at_bound(AlertState::Waiting))),
        Near::Firing => (apart.min(bound - 1), Some(at_bound(firing))),
        Near::Ended => (bound - 1 - apart.min(bound - 1), Some(at_bound(AlertState::Ended))),
        Near::InGrace => {
            let benefit = SuspensionBenefit { grace_micros: None, grace_amount: Some(units(bound)) };
            let since = Some(Timestamp::MIN);
            let watch = Watch { benefit: Some(benefit), overdue_since: since, ..Watch::default() };
            (-1 - apart.min(bound - 1), Some(watch))
        }
        Near::Suspended | Near::Unmarked => (-1 - apart, None),
    };
    let parts = AccountParts {
        cash: units(available),
        watch: watch.map(Box::new),
        overdue: matches!(near, Near::InGrace | Near::Suspended),
        suspended: matches!(near, Near::Suspended),
        ..Account::placeholder(AccountIndex(0)).to_parts()
    };
    (Account::from_parts(AccountIndex(0), parts).unwrap(), available)
}

/// Whether the account decides a charge without anybody having looked at it.
fn check_looks(account: &Account, amount: i128) -> bool {
    let (mut after, mut paid, cycle) = (account.clone(), PaidCloudAccount::default(), Cycle::default());
    let before = account.available_credit();
    after.apply_charge(&mut paid, units(amount), cycle, Category::Usage);
    let changes = after.decide_standing(before, account.at());
    assert!(
        account.looks_closer(units(amount)) || changes.is_none(),
        "{amount} of {before}: {changes:?}, {account:?}"
    );
    changes.is_some()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]
    #[test]
    fn standings_change_as_the_naive_model_says(
        prompt: bool,
        owed_before in prop_oneof![3 => Just(0), 1 => -30_i128..30],
        ops in prop::collection::vec(op(), 1..60),
    ) {
        let mut pair = Pair::new(prompt, owed_before);
        for op in ops {
            pair.run(op);
        }
        pair.run(Op::Clock(20 * DAY));
        pair.run(Op::Wake);
    }

    #[test]
    fn no_charge_passes_that_changes_the_standing(
        near in prop::sample::select(vec![
            Near::Nothing, Near::Armed, Near::Waiting, Near::Firing, Near::Ended, Near::InGrace, Near::Suspended,
            Near::Unmarked,
        ]),
        bound in sum(),
        apart in sum(),
        other in sum(),
    ) {
        let bound = bound + 1;
        let (account, available) = account_near(near, bound, apart);
        // To the bounds and their neighbours, to the last unit.
        for to in [bound, -bound, 0, available] {
            for more in [-2, -1, 0, 1, 2] {
                check_looks(&account, available - to + more);
            }
        }
        check_looks(&account, other);
        check_looks(&account, -other);
        // Each bound is one: the neighbour on its other side changes the standing.
        let changes = |to: i128| check_looks(&account, available - to);
        match near {
            Near::Nothing | Near::Firing => prop_assert!(changes(-1) && !changes(0)),
            Near::Armed => prop_assert!(changes(bound - 1) && !changes(bound)),
            Near::Waiting => prop_assert!(changes(-1) && !changes(available)),
            Near::Ended => prop_assert!(changes(bound) && !changes(bound - 1)),
            Near::InGrace => prop_assert!(changes(-bound - 1) && !changes(-bound) && changes(0)),
            Near::Suspended => prop_assert!(changes(0) && !changes(-1)),
            Near::Unmarked => prop_assert!(changes(available) && !changes(0)),
        }
    }
}
