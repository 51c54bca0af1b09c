//! Accounts against a naive model with plain maps and integers of any size (rules A2, B1, B2, B4, C4, D9).
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeMap;

use exchequer::domain::account::{Account, Status, Surroundings};
use exchequer::domain::account_command::AccountCommand;
use exchequer::domain::account_event::AccountEvent;
use exchequer::domain::charge::Category;
use exchequer::domain::directory::Admission;
use exchequer::domain::ids::{AccountIndex, CloudIndex, Currency};
use exchequer::domain::invariants::check_ledger;
use exchequer::domain::ledger::Ledger;
use exchequer::domain::money::Money;
use exchequer::domain::paid_cloud_account::{ChargeSum, PaidCloudAccount};
use exchequer::domain::profile::{AccountType, Opening, Profile, ProfileChange};
use exchequer::domain::refusals::Refusal;
use exchequer::domain::time::{Cycle, CycleSpan, Timestamp, UtcOffset};
use num_bigint::BigInt;
use proptest::prelude::*;

/// Clouds that each account pays for.
const CLOUDS: usize = 2;

/// Consumed quota of the ecosystem account at first.
const CONSUMED: i128 = 1000;

/// Instants with their months in the direct account's offset (+00:00) and in the ecosystem account's (+08:00).
const INSTANTS: [(&str, [&str; 2]); 5] = [
    ("2026-05-31T15:59:59.999999Z", ["2026-05", "2026-05"]),
    ("2026-05-31T16:00:00Z", ["2026-05", "2026-06"]),
    ("2026-06-01T00:00:00Z", ["2026-06", "2026-06"]),
    ("2026-12-31T23:59:59Z", ["2026-12", "2027-01"]),
    ("", ["", ""]), // the beginning of time, which is in no month
];

/// An amount: as it is, or what is missing to a bound of one of the account's figures and so much more.
#[derive(Clone, Copy, Debug)]
enum Size {
    Units(i128),
    ToBound { figure: usize, upper: bool, more: i128 },
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Charge { cloud: usize, size: Size, euro: bool, instant: usize, cycle: Option<u32>, category: usize },
    TopUp(Size),
    AdjustCash(Size),
    GrantCreditLimit(Size),
    SetQuota(Size),
    RepayQuota(Size),
    Modify { credit_enabled: bool },
    Freeze,
    Thaw,
    Cancel { pays: bool },
    Empty,
    Reopen,
}

/// What the rules say, as naively as possible.
struct Model {
    kind: AccountType,
    status: Status,
    credit_enabled: bool,
    cash: BigInt,
    limit: BigInt,
    quota: BigInt,
    consumed: BigInt,
    canceled_at: Option<Timestamp>,
    /// By cloud account, cycle and category.
    sums: BTreeMap<(usize, Cycle, Category), (u64, BigInt)>,
    records: u64,
}

impl Model {
    fn new(kind: AccountType) -> Self {
        Self {
            kind,
            status: Status::Valid,
            credit_enabled: true,
            cash: 0.into(),
            limit: 0.into(),
            quota: 0.into(),
            consumed: 0.into(),
            canceled_at: None,
            sums: BTreeMap::new(),
            records: 0,
        }
    }

    fn unsettled(&self) -> BigInt {
        self.sums.values().map(|(_, amount)| amount).sum()
    }

    fn available(&self) -> BigInt {
        match self.kind {
            AccountType::Direct => &self.cash + &self.limit - self.unsettled(), // rule B1
            AccountType::Ecosystem => &self.quota - &self.consumed - self.unsettled(), // rule B2
        }
    }

    fn resolve(&self, size: Size) -> i128 {
        match size {
            Size::Units(units) => units,
            Size::ToBound { figure, upper, more } => {
                let bound = if upper { i128::MAX } else { i128::MIN };
                let figures = [self.available(), self.unsettled(), self.cash.clone(), self.limit.clone()];
                let units = if figure == 0 { &figures[0] - bound } else { bound - &figures[figure] } + more;
                i128::try_from(units).unwrap_or(bound)
            }
        }
    }

    #[allow(clippy::too_many_arguments)] // a charge has as many parts
    fn charge(
        &mut self,
        cloud: usize,
        units: i128,
        euro: bool,
        at: Timestamp,
        month: Option<Cycle>,
        cycle: Option<Cycle>,
        category: Category,
    ) -> Result<Cycle, &'static str> {
        let late = self.canceled_at.is_some_and(|canceled_at| at < canceled_at);
        if self.status == Status::Canceled && !late && units >= 0 {
            return Err("account_canceled"); // rule A2
        }
        if euro {
            return Err("currency_mismatch"); // rule D9
        }
        fits(&(self.unsettled() + units))?;
        fits(&(self.available() - units))?;
        let cycle = cycle.or(month).ok_or("time_out_of_range")?; // rule C4
        let (charges, sum) = self.sums.entry((cloud, cycle, category)).or_default();
        fits(&(&*sum + units))?;
        *charges += 1;
        *sum += units;
        self.records += 1;
        Ok(cycle)
    }

    fn command(&mut self, command: &AccountCommand, pays: bool, at: Timestamp) -> Result<(), &'static str> {
        if self.status == Status::Canceled {
            return Err("account_canceled"); // rule A2
        }
        let of = |kind| if self.kind == kind { Ok(()) } else { Err("not_supported_for_account_type") };
        let positive = |yes| if yes { Ok(()) } else { Err("amount_must_be_positive") };
        let increase = |yes| {
            if yes && self.status == Status::Frozen { Err("account_frozen") } else { Ok(()) }
        };
        match command {
            AccountCommand::TopUp { amount, .. } | AccountCommand::AdjustCash { amount, .. } => {
                let units = amount.units();
                of(AccountType::Direct)?;
                positive(units > 0 || units < 0 && matches!(command, AccountCommand::AdjustCash { .. }))?;
                fits(&(&self.cash + units))?;
                fits(&(self.available() + units))?;
                self.cash += units;
            }
            AccountCommand::GrantCreditLimit { amount } => {
                let units = BigInt::from(amount.units());
                increase(units > self.limit)?;
                of(AccountType::Direct)?;
                if !self.credit_enabled {
                    return Err("credit_not_enabled");
                }
                positive(units >= 0.into())?;
                fits(&(self.available() - &self.limit + &units))?;
                self.limit = units;
            }
            AccountCommand::SetQuota { amount } => {
                let units = BigInt::from(amount.units());
                increase(units > self.quota)?;
                of(AccountType::Ecosystem)?;
                positive(units >= 0.into())?;
                fits(&(self.available() - &self.quota + &units))?;
                self.quota = units;
            }
            AccountCommand::RepayQuota { amount } => {
                let units = BigInt::from(amount.units());
                of(AccountType::Ecosystem)?;
                positive(units > 0.into())?;
                if units > self.consumed {
                    return Err("exceeds_quota_consumed");
                }
                fits(&(self.available() + &units))?;
                self.consumed -= units;
            }
            AccountCommand::Modify { change } => {
                let credit_enabled = change.credit_enabled.unwrap_or(self.credit_enabled);
                if self.limit != 0.into() && !credit_enabled {
                    return Err("field_not_modifiable");
                }
                self.credit_enabled = credit_enabled;
            }
            AccountCommand::Freeze if self.status == Status::Frozen => return Err("account_frozen"),
            AccountCommand::Freeze => self.status = Status::Frozen,
            AccountCommand::Thaw if self.status == Status::Valid => return Err("account_not_frozen"),
            AccountCommand::Thaw => self.status = Status::Valid,
            AccountCommand::Cancel if self.cash != 0.into() => return Err("cash_not_zero"),
            AccountCommand::Cancel if self.unsettled() != 0.into() || self.consumed != 0.into() => {
                return Err("unsettled_not_zero");
            }
            AccountCommand::Cancel if pays => return Err("pays_for_cloud_accounts"),
            AccountCommand::Cancel => {
                self.status = Status::Canceled;
                self.canceled_at = Some(at);
            }
            command => unreachable!("{command:?} has a model of its own"),
        }
        self.records += 1;
        Ok(())
    }

    fn check(&self, account: &Account, paid: &[&PaidCloudAccount]) {
        let big = |money: Money| BigInt::from(money.units());
        assert_eq!(big(account.available_credit()), self.available());
        assert_eq!(big(account.unsettled_current()), self.unsettled());
        assert_eq!(big(account.cash()), self.cash);
        assert_eq!(big(account.credit_limit()), self.limit);
        assert_eq!(big(account.quota()), self.quota);
        assert_eq!(big(account.quota_consumed()), self.consumed);
        assert_eq!(account.status(), self.status);
        assert_eq!(account.charges(), self.sums.values().map(|(charges, _)| charges).sum::<u64>());
        assert_eq!(account.sequence(), self.records);
        let mut sums = BTreeMap::new();
        for (cloud, paid) in paid.iter().enumerate() {
            for sum in paid.sums() {
                let before = sums.insert((cloud, sum.cycle, sum.category), (sum.charges, big(sum.amount)));
                assert!(before.is_none(), "a sum stands twice: {sum:?}");
            }
        }
        let posted = self.sums.iter().filter(|(_, (charges, _))| *charges > 0);
        assert!(sums.iter().eq(posted), "{sums:?} {:?}", self.sums);
    }
}

fn fits(units: &BigInt) -> Result<(), &'static str> {
    i128::try_from(units).map(|_| ()).map_err(|_| "amount_overflow") // rule B4
}

/// A direct and an ecosystem account with their payment relationships, beside their models.
struct Bench {
    ledger: Ledger,
    models: [Model; 2],
    span: Option<CycleSpan>,
    clock: i64,
}

impl Bench {
    fn new() -> Self {
        let mut ledger = Ledger::new(0, 1);
        let kinds = [AccountType::Direct, AccountType::Ecosystem];
        for (index, kind) in (0..).zip(kinds) {
            let offset = UtcOffset::parse(["Z", "+08:00"][index as usize]).unwrap();
            let (currency, profile) = (Currency::USD, Profile::default());
            let opening =
                Box::new(Opening { kind, currency, offset, at: Timestamp::from_micros(0), profile });
            ledger.admit(&Admission::Account { account: AccountIndex(index), opening });
        }
        for cloud in 0..2 * CLOUDS {
            let account = AccountIndex(u32::try_from(cloud / CLOUDS).unwrap());
            ledger.admit(&Admission::Payment { account, cloud: CloudIndex(u32::try_from(cloud).unwrap()) });
        }
        let mut bench = Self { ledger, models: kinds.map(Model::new), span: None, clock: 0 };
        bench.consume();
        bench
    }

    /// Billing will move what is unbilled into the consumed quota (rule B2); until then a bare event does.
    fn consume(&mut self) {
        let consumed_after = Money::from_units(CONSUMED);
        let event = AccountEvent::QuotaRepaid { amount: Money::ZERO, consumed_after };
        self.ledger.accounts[1].apply(&event, Timestamp::MIN);
        self.models[1].consumed = CONSUMED.into();
        self.models[1].records += 1;
    }

    fn run(&mut self, who: usize, op: Op) {
        self.clock += 1;
        let now = Timestamp::parse("2026-05-31T16:00:00Z").unwrap().micros() + self.clock;
        let now = Timestamp::from_micros(now);
        let model = &self.models[who];
        let money = |size| Money::from_units(model.resolve(size));
        let command = match op {
            Op::Charge { cloud, size, euro, instant, cycle, category } => {
                let units = model.resolve(size);
                return self.charge(who, cloud, units, euro, instant, cycle, Category::ALL[category]);
            }
            Op::Empty => return self.empty(who, now),
            Op::Reopen => return self.reopen(who),
            Op::TopUp(size) => AccountCommand::TopUp { amount: money(size), reference: None },
            Op::AdjustCash(size) => AccountCommand::AdjustCash { amount: money(size), reason: "x".into() },
            Op::GrantCreditLimit(size) => AccountCommand::GrantCreditLimit { amount: money(size) },
            Op::SetQuota(size) => AccountCommand::SetQuota { amount: money(size) },
            Op::RepayQuota(size) => AccountCommand::RepayQuota { amount: money(size) },
            Op::Modify { credit_enabled } => AccountCommand::Modify {
                change: ProfileChange { credit_enabled: Some(credit_enabled), ..ProfileChange::default() },
            },
            Op::Freeze => AccountCommand::Freeze,
            Op::Thaw => AccountCommand::Thaw,
            Op::Cancel { pays } => return self.command(who, &AccountCommand::Cancel, pays, now),
        };
        self.command(who, &command, true, now);
    }

    #[allow(clippy::too_many_arguments)] // a charge has as many parts
    fn charge(
        &mut self,
        who: usize,
        cloud: usize,
        units: i128,
        euro: bool,
        instant: usize,
        cycle: Option<u32>,
        category: Category,
    ) {
        let (text, months) = INSTANTS[instant];
        let at = Timestamp::parse(text).unwrap_or(Timestamp::MIN);
        let month = Cycle::parse(months[who]);
        let cycle = cycle.map(|month| Cycle::new(2026, 5 + month).unwrap());
        let currency = Currency::parse(if euro { "EUR" } else { "USD" }).unwrap();
        let account = &mut self.ledger.accounts[who];
        let paid = &mut self.ledger.payments[who * CLOUDS + cloud].paid;
        let amount = Money::from_units(units);
        let decided = account.decide_charge(paid, amount, currency, at, cycle, category, &mut self.span);
        let decided = decided.map(|place| place.cycle);
        if let Ok(cycle) = decided {
            account.apply_charge(paid, amount, cycle, category);
        }
        let expect = self.models[who].charge(cloud, units, euro, at, month, cycle, category);
        assert_eq!(decided.map_err(Refusal::code), expect);
    }

    fn command(&mut self, who: usize, command: &AccountCommand, pays: bool, now: Timestamp) {
        let account = &mut self.ledger.accounts[who];
        let decided = account.decide(command, now, Surroundings { pays, incoming: false });
        if let Ok(Some(event)) = &decided {
            account.apply(event, now);
        }
        let expect = self.models[who].command(command, pays, now);
        assert_eq!(decided.map(|_| ()).map_err(Refusal::code), expect, "{command:?}");
    }

    /// Brings an account to where it can be canceled, as far as it goes.
    fn empty(&mut self, who: usize, now: Timestamp) {
        let sums: Vec<_> = self.models[who].sums.iter().map(|(key, sum)| (*key, sum.1.clone())).collect();
        for ((cloud, cycle, category), sum) in sums {
            let Ok(units) = i128::try_from(-sum) else { continue };
            let month = cycle.index().checked_sub(Cycle::new(2026, 5).unwrap().index());
            self.charge(who, cloud, units, false, 0, month.filter(|month| *month < 8), category);
        }
        let model = &self.models[who];
        let (cash, consumed) =
            (-i128::try_from(&model.cash).unwrap().max(-i128::MAX), i128::try_from(&model.consumed).unwrap());
        let amount = Money::from_units(cash);
        self.command(who, &AccountCommand::AdjustCash { amount, reason: "x".into() }, true, now);
        self.command(who, &AccountCommand::RepayQuota { amount: Money::from_units(consumed) }, true, now);
    }

    /// Takes an account apart as a snapshot does.
    fn reopen(&mut self, who: usize) {
        let account = &mut self.ledger.accounts[who];
        let again = Account::from_parts(account.index, account.to_parts()).unwrap();
        assert_eq!(again, *account);
        for payment in &mut self.ledger.payments {
            let sums: Vec<ChargeSum> = payment.paid.sums().copied().collect();
            payment.paid = PaidCloudAccount::from_sums(&sums);
        }
    }

    fn check(&self) {
        for (who, model) in self.models.iter().enumerate() {
            let paid: Vec<_> =
                self.ledger.payments[who * CLOUDS..][..CLOUDS].iter().map(|payment| &payment.paid).collect();
            model.check(&self.ledger.accounts[who], &paid);
        }
        assert_eq!(check_ledger(&self.ledger), []);
    }
}

fn size() -> impl Strategy<Value = Size> {
    let units = prop_oneof![
        4 => -3_i128..4,
        2 => -CONSUMED..=CONSUMED,
        1 => any::<i128>(),
        1 => prop::sample::select(vec![i128::MIN, i128::MIN + 1, i128::MAX, i128::MAX - 1, i128::MAX / 2]),
    ];
    let bound = (0_usize..4, any::<bool>(), -1_i128..2);
    prop_oneof![
        3 => units.prop_map(Size::Units),
        1 => bound.prop_map(|(figure, upper, more)| Size::ToBound { figure, upper, more }),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let charge = (
        0..CLOUDS,
        size(),
        prop::bool::weighted(0.05),
        0..INSTANTS.len(),
        prop::option::of(0_u32..3),
        0..Category::ALL.len(),
    );
    prop_oneof![
        12 => charge.prop_map(|(cloud, size, euro, instant, cycle, category)| {
            Op::Charge { cloud, size, euro, instant, cycle, category }
        }),
        2 => size().prop_map(Op::TopUp),
        2 => size().prop_map(Op::AdjustCash),
        2 => size().prop_map(Op::GrantCreditLimit),
        2 => size().prop_map(Op::SetQuota),
        1 => size().prop_map(Op::RepayQuota),
        1 => any::<bool>().prop_map(|credit_enabled| Op::Modify { credit_enabled }),
        1 => Just(Op::Freeze),
        1 => Just(Op::Thaw),
        1 => any::<bool>().prop_map(|pays| Op::Cancel { pays }),
        1 => Just(Op::Empty),
        1 => Just(Op::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]
    #[test]
    fn accounts_do_what_the_naive_model_does(ops in prop::collection::vec((0_usize..2, op()), 1..60)) {
        let mut bench = Bench::new();
        bench.check();
        for (who, op) in ops {
            bench.run(who, op);
            bench.check();
        }
    }
}
