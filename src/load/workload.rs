//! Seeded charges: the same seed gives the same charges, whoever posts them.

use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution as _, Zipf};
use rand_pcg::Pcg64Mcg;

use crate::domain::charge::{Category, Charge};
use crate::domain::charge_batch::ChargeBatch;
use crate::domain::ids::AccountIndex;
use crate::domain::money::Amount;
use crate::domain::time::Timestamp;

/// The source of all charges.
const SOURCE: &str = "meter";

/// The currency of all accounts.
pub const CURRENCY: &str = "USD";

/// How much an account that is hot is hotter than others: the exponent of Zipf's law.
const ZIPF_EXPONENT: f64 = 1.0;

/// Spreads the hot accounts over all numbers; a prime, so that it has no common factor with a usual count.
const SPREAD: u64 = 2_654_435_761;

/// Microseconds from 1970 to the first charge period, 2026-05-01, and the length of the month.
const MONTH_START: i64 = 1_777_593_600_000_000;
const HOUR: i64 = 3_600_000_000;
const HOURS: i64 = 31 * 24;

/// Which accounts are charged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Distribution {
    /// All alike.
    Uniform,
    /// A few of them often: Zipf's law with exponent 1.
    Zipf,
}

/// What charge ids look like; all have 20 digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IdOrder {
    /// Counted up.
    Ordered,
    /// In no order, and none twice.
    Random,
}

/// What to generate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WorkloadSpec {
    /// Billing accounts, each with one cloud account of the same id.
    pub accounts: u32,
    /// Charges of one batch.
    pub batch: usize,
    /// Which accounts are charged.
    pub distribution: Distribution,
    /// What charge ids look like.
    pub ids: IdOrder,
    /// Everything else follows from it.
    pub seed: u64,
}

/// Charges without end.
pub struct Workload {
    spec: WorkloadSpec,
    rng: Pcg64Mcg,
    zipf: Option<Zipf<f64>>,
    next: u64,
    /// Microseconds from 1970 to the first charge period.
    month_start: i64,
}

/// The id of an account, 20 bytes long.
pub fn account_id(account: u32) -> String {
    format!("account-{account:012}")
}

/// What each account is credited with before it is charged, so that none falls overdue.
pub const CREDIT: &str = "1000000000";

/// A credit for every account, in batches.
pub fn credits(accounts: u32, batch: usize) -> Vec<ChargeBatch> {
    let amount = Amount::parse(&format!("-{CREDIT}")).expect("invariant: an amount");
    let start = Timestamp::from_micros(MONTH_START);
    let mut batches = Vec::new();
    for first in (0..accounts).step_by(batch.max(1)) {
        let mut charges = ChargeBatch::new();
        let batch = u32::try_from(batch).unwrap_or(u32::MAX);
        for account in first..accounts.min(first.saturating_add(batch)) {
            let (account, id) = (account_id(account), format!("credit--{account:012}"));
            let credit = Charge::usage(&account, SOURCE, &id, amount, CURRENCY, start);
            charges.push(&Charge { category: Category::Credit, ..credit });
        }
        batches.push(charges);
    }
    batches
}

impl Workload {
    /// From its beginning.
    pub fn new(spec: WorkloadSpec) -> Self {
        let zipf = (spec.distribution == Distribution::Zipf)
            .then(|| Zipf::new(f64::from(spec.accounts.max(1)), ZIPF_EXPONENT).ok())
            .flatten();
        Self { spec, rng: Pcg64Mcg::seed_from_u64(spec.seed), zipf, next: 0, month_start: MONTH_START }
    }

    /// The charges from now on are of the month after.
    pub fn begin_next_month(&mut self) {
        self.month_start += HOURS * HOUR;
    }

    /// The next `charges` charges, in batches; the last one may be smaller.
    pub fn batches(&mut self, charges: u64) -> Vec<ChargeBatch> {
        let batch = self.spec.batch.max(1) as u64;
        let mut batches = Vec::new();
        let mut left = charges;
        while left > 0 {
            let count = left.min(batch);
            let mut charges = ChargeBatch::new();
            (0..count).for_each(|_| self.push(&mut charges));
            batches.push(charges);
            left -= count;
        }
        batches
    }

    /// The number of charges generated so far.
    pub const fn generated(&self) -> u64 {
        self.next
    }

    fn push(&mut self, batch: &mut ChargeBatch) {
        let account = account_id(self.account());
        let id = match self.spec.ids {
            IdOrder::Ordered => self.next,
            IdOrder::Random => scatter(self.next ^ self.spec.seed.rotate_left(32)),
        };
        let id = format!("{id:020}");
        let amount = Amount::parse(&format!(
            "{}.{:06}",
            self.rng.random_range(0..20),
            self.rng.random_range(1..1_000_000)
        ))
        .expect("invariant: an amount of six fraction digits");
        let start = self.month_start + self.rng.random_range(0..HOURS) * HOUR;
        let start = Timestamp::from_micros(start);
        batch.push(&Charge::usage(&account, SOURCE, &id, amount, CURRENCY, start));
        self.next += 1;
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a rank is at most the count of accounts
    fn account(&mut self) -> u32 {
        let accounts = u64::from(self.spec.accounts.max(1));
        match &self.zipf {
            None => self.rng.random_range(0..self.spec.accounts.max(1)),
            Some(zipf) => ((zipf.sample(&mut self.rng) as u64).wrapping_mul(SPREAD) % accounts) as u32,
        }
    }
}

/// A number for a number, and never the same for two (the finaliser of `SplitMix64`).
pub(super) const fn scatter(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Splits batches by the shard that each charge's account lives on, as many batches for each.
pub fn split(batches: &[ChargeBatch], shards: usize) -> Vec<Vec<ChargeBatch>> {
    let mut split = vec![Vec::new(); shards];
    for batch in batches {
        let mut parts = vec![ChargeBatch::new(); shards];
        for charge in batch.iter() {
            let digits =
                charge.cloud_account.trim_start_matches(|character: char| !character.is_ascii_digit());
            let account = AccountIndex(digits.parse().expect("invariant: an id of this workload"));
            parts[account.partition().shard(shards)].push(&charge);
        }
        for (shard, part) in split.iter_mut().zip(parts) {
            if !part.is_empty() {
                shard.push(part);
            }
        }
    }
    split
}
