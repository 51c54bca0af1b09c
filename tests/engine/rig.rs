//! How tests open an engine, and what they read from it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use exchequer::clock::Clock;
use exchequer::domain::charge::{Category, Charge};
use exchequer::domain::charge_batch::ChargeBatch;
use exchequer::domain::money::{Amount, Money};
use exchequer::domain::time::{Cycle, Timestamp};
use exchequer::engine::listing::AccountFilter;
use exchequer::engine::report::{ReportKey, ReportQuery};
use exchequer::engine::{Command, Config, Engine, EngineError, Request};
use exchequer::wal::{LogOptions, Preallocation, Storage};

use crate::naive::{Figures, Sums};

/// Long after every charge of the tests.
pub const NOW: &str = "2026-12-01T00:00:00Z";

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A small log on that storage, without snapshots by itself.
pub fn config(storage: impl Storage, shards: usize) -> Config {
    let mut config = Config::new("simulated");
    config.storage = Some(Arc::new(storage));
    config.shards = Some(shards);
    config.snapshot_log_bytes = None;
    config.log =
        LogOptions { segment_bytes: 4096, preallocation: Preallocation::Inline, ..LogOptions::default() };
    config.clock = Clock::Set(Arc::new(AtomicI64::new(at(NOW).micros())));
    config
}

/// A charge that owns its texts.
#[derive(Clone, PartialEq, Debug)]
pub struct Sent {
    pub cloud: String,
    pub id: String,
    /// In cents.
    pub amount: i64,
    pub start: Timestamp,
    pub cycle: Option<Cycle>,
    pub category: Category,
    pub currency: String,
    pub sku: String,
}

impl Sent {
    pub fn new(cloud: &str, id: impl Into<String>, amount: i64, start: &str) -> Self {
        Self {
            cloud: cloud.to_owned(),
            id: id.into(),
            amount,
            start: at(start),
            cycle: None,
            category: Category::Usage,
            currency: "USD".to_owned(),
            sku: String::new(),
        }
    }

    pub fn money(&self) -> Money {
        cents(self.amount)
    }

    pub fn charge(&self) -> Charge<'_> {
        Charge {
            billing_cycle: self.cycle,
            category: self.category,
            sku: &self.sku,
            ..Charge::usage(&self.cloud, "meter", &self.id, amount(self.amount), &self.currency, self.start)
        }
    }
}

pub fn cents(cents: i64) -> Money {
    Money::from_units(i128::from(cents) * 10_i128.pow(16))
}

pub fn amount(cents: i64) -> Amount {
    format!("{cents}E-2").parse().unwrap()
}

pub fn batch(charges: &[Sent]) -> ChargeBatch {
    let mut batch = ChargeBatch::new();
    charges.iter().for_each(|sent| batch.push(&sent.charge()));
    batch
}

/// Waits until the engine knows why it stopped: who waits for an answer is woken a moment before.
pub fn wait_until_stopped(engine: &Engine) {
    while engine.stopped().is_none() {
        std::thread::yield_now();
    }
}

/// A command under a key of its own, so that giving it again has no effect.
pub fn keyed(command: &Command, key: impl Into<String>) -> Request {
    Request { key: Some(key.into()), ..Request::new(command.clone()) }
}

/// The figures of all billing accounts.
pub fn figures(engine: &Engine) -> Result<BTreeMap<String, Figures>, EngineError> {
    let mut figures = BTreeMap::new();
    let mut from = Some(0);
    while let Some(first) = from {
        let page = engine.list_accounts(&AccountFilter::default(), first, 3)?;
        for account in page.items {
            let id = account.billing_account.clone();
            let overview = engine.account_overview(&id)?;
            let newest = engine.newest_available_credit(&id)?;
            let of_one = Figures {
                name: overview.name,
                status: overview.status.to_string(),
                cash: overview.cash_balance,
                limit: overview.credit_limit,
                unsettled: overview.unsettled_current,
                available: overview.available_credit,
                newest,
                charges: overview.charges,
                clouds: overview.cloud_accounts.into_iter().collect(),
            };
            assert_eq!(account.available_credit, of_one.available, "list and overview of `{id}`");
            figures.insert(id, of_one);
        }
        from = page.next;
    }
    Ok(figures)
}

/// All charges in the log, summed; none if the log was trimmed.
pub fn sums(engine: &Engine) -> Result<Option<Sums>, EngineError> {
    let by = vec![ReportKey::BillingAccount, ReportKey::CloudAccount, ReportKey::Cycle, ReportKey::Category];
    match engine.report(&ReportQuery { by, ..ReportQuery::default() }) {
        Ok(items) => {
            let sums = items.into_iter().map(|item| (item.keys, (item.charges, item.amount))).collect();
            Ok(Some(sums))
        }
        Err(EngineError::Log(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
