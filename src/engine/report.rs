//! What is in the log: exact sums of charges, streamed; history needs no memory.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::listing::AccountFilter;
use super::open::{describe, journal_fault};
use super::{Engine, EngineError};
use crate::domain::charge::Category;
use crate::domain::ids::{AccountIndex, CloudIndex, Currency};
use crate::domain::money::{Amount, Money, RunningSum};
use crate::domain::refusals::Refusal;
use crate::domain::strings::{StringId, Strings};
use crate::domain::time::Cycle;
use crate::journal::JournalFault;
use crate::journal::charges::{ChargesPosted, Label, PostedCharge};
use crate::journal::frame::{Frame, Kind, frames};
use crate::wal::{Lsn, VisitStop, read_log};

/// Looks at a record of the log, and may break the reading off.
pub(super) type Visit<'v, B> = dyn FnMut(Lsn, &Frame<'_>) -> Result<ControlFlow<B>, JournalFault> + 'v;

/// What a report may be broken down by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ReportKey {
    /// The payer's id.
    BillingAccount,
    /// The cloud account's id.
    CloudAccount,
    /// Currency.
    Currency,
    /// The cycle the charges were posted to.
    Cycle,
    /// Service.
    Service,
    /// Category.
    Category,
    /// Stock-keeping unit.
    Sku,
    /// Source.
    Source,
}

impl ReportKey {
    /// Every key.
    pub const ALL: [Self; 8] = [
        Self::BillingAccount,
        Self::CloudAccount,
        Self::Currency,
        Self::Cycle,
        Self::Service,
        Self::Category,
        Self::Sku,
        Self::Source,
    ];

    /// The name, as fields of an answer carry it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BillingAccount => "billing_account",
            Self::CloudAccount => "cloud_account",
            Self::Currency => "currency",
            Self::Cycle => "cycle",
            Self::Service => "service",
            Self::Category => "category",
            Self::Sku => "sku",
            Self::Source => "source",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == text)
    }
}

/// What to report.
#[derive(Clone, Default, Debug)]
pub struct ReportQuery {
    /// The breakdown; nothing means one grand total a currency.
    pub by: Vec<ReportKey>,
    /// Only this payer.
    pub billing_account: Option<String>,
    /// Only this cycle.
    pub cycle: Option<Cycle>,
}

/// One line of a report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReportItem {
    /// The values of the keys, in the order asked for.
    pub keys: Vec<String>,
    /// How many charges.
    pub charges: u64,
    /// Their exact sum.
    pub amount: Money,
}

impl Engine {
    /// Exact sums and counts of the charges posted, in the order of their keys.
    pub fn report(&self, query: &ReportQuery) -> Result<Vec<ReportItem>, EngineError> {
        let account = query.billing_account.as_ref().map(|id| self.known(id)).transpose()?;
        let (currencies, names) = self.currencies()?;
        // The keys asked for, and the currency at the end.
        let mut sums: HashMap<[u32; ReportKey::ALL.len() + 1], (RunningSum, u64)> = HashMap::new();
        let mut texts = Texts { currencies: names, ..Texts::default() };
        let mut key = [0; ReportKey::ALL.len() + 1];
        let mut by = query.by.clone();
        by.dedup();
        if by.len() > ReportKey::ALL.len() {
            return Err(EngineError::Invalid { field: "by", detail: "name each key once".to_owned() });
        }
        self.read_history(&mut |_, frame| {
            if frame.kind != Kind::ChargesPosted {
                return Ok(());
            }
            let posted = ChargesPosted::decode(frame)?;
            texts.keep(&posted)?;
            for charge in &posted {
                let charge = charge?;
                if account.is_some_and(|account| account != charge.account)
                    || query.cycle.is_some_and(|cycle| cycle != charge.cycle)
                {
                    continue;
                }
                // A sum never mixes currencies, asked for or not.
                let currency = currencies.get(charge.account.0 as usize).copied().unwrap_or_default();
                key[ReportKey::ALL.len()] = currency;
                for (part, by) in key.iter_mut().zip(&by) {
                    *part = texts.part(*by, &charge, currency);
                }
                let amount =
                    Amount::new(charge.amount).map_err(|_| JournalFault::Malformed("amount"))?.money();
                let (sum, count) = sums.entry(key).or_default();
                *sum = sum.plus(amount);
                *count += 1;
            }
            Ok(())
        })?;
        let item = |(key, (sum, charges)): ([u32; ReportKey::ALL.len() + 1], (RunningSum, u64))| {
            let too_large = || EngineError::refused(Refusal::AmountOverflow, "a sum of the report");
            Ok(ReportItem {
                keys: key.iter().zip(&by).map(|(part, by)| self.key_text(*by, *part, &texts)).collect(),
                charges,
                amount: sum.total().ok_or_else(too_large)?,
            })
        };
        let mut items = sums.into_iter().map(item).collect::<Result<Vec<_>, EngineError>>()?;
        items.sort_by(|one, other| one.keys.cmp(&other.keys));
        Ok(items)
    }

    /// Reads all records that are durable now, oldest first.
    pub(super) fn read_history(
        &self,
        visit: &mut dyn FnMut(Lsn, &Frame<'_>) -> Result<(), JournalFault>,
    ) -> Result<(), EngineError> {
        let _not_trimmed = self.inner.history.read();
        let until = self.inner.watermark.durable();
        if until == Lsn::NOTHING {
            return Ok(());
        }
        let read =
            read_log(&*self.inner.storage, &self.inner.identity, Lsn::FIRST, Some(until), &mut |block| {
                frames(block.bytes).try_for_each(|frame| visit(block.lsn, &frame?)).map_err(VisitStop::new)
            });
        read.map(|_| ()).map_err(|fault| EngineError::Log(describe(&journal_fault(fault))))
    }

    /// As [`Engine::read_history`], until `visit` breaks it off.
    pub(super) fn stream_history<B>(&self, visit: &mut Visit<'_, B>) -> Result<ControlFlow<B>, EngineError> {
        let mut flow = ControlFlow::Continue(());
        let read = self.read_history(&mut |lsn, frame| {
            flow = visit(lsn, frame)?;
            // Any fault ends the reading; this one is not reported.
            if flow.is_break() { Err(JournalFault::Malformed("record")) } else { Ok(()) }
        });
        if flow.is_break() { Ok(flow) } else { read.map(|()| flow) }
    }

    /// By account number: a number for its currency; and the currencies by these numbers.
    pub(super) fn currencies(&self) -> Result<(Vec<u32>, Vec<Currency>), EngineError> {
        let mut names = Vec::new();
        let mut currencies = Vec::new();
        let mut from = Some(0);
        while let Some(first) = from {
            let page = self.list_accounts(&AccountFilter::default(), first, 65_536)?;
            for account in page.items {
                let known = names.iter().position(|name| *name == account.currency);
                let place = known.unwrap_or_else(|| {
                    names.push(account.currency);
                    names.len() - 1
                });
                currencies.push(u32::try_from(place).expect("invariant: as many as accounts at most"));
            }
            from = page.next;
        }
        Ok((currencies, names))
    }

    fn key_text(&self, by: ReportKey, part: u32, texts: &Texts) -> String {
        let directory = self.inner.directory.read();
        match by {
            ReportKey::BillingAccount => {
                directory.account_id(AccountIndex(part)).unwrap_or_default().to_owned()
            }
            ReportKey::CloudAccount => directory.cloud_id(CloudIndex(part)).unwrap_or_default().to_owned(),
            ReportKey::Currency => texts.currency(part),
            ReportKey::Cycle => Cycle::from_index(part).to_string(),
            ReportKey::Category => Category::from_number(u8::try_from(part).unwrap_or(u8::MAX))
                .map_or_else(String::new, |category| category.name().to_owned()),
            ReportKey::Service | ReportKey::Sku | ReportKey::Source => texts.text(part).to_owned(),
        }
    }
}

/// Texts of charges, numbered for one reading of the log.
#[derive(Default)]
pub(super) struct Texts {
    currencies: Vec<Currency>,
    logged: Strings,
    inline: Vec<String>,
    inline_numbers: HashMap<String, u32>,
}

/// Numbers from here on mean texts that the log holds with their rows.
const INLINE_BASE: u32 = 1 << 31;

impl Texts {
    pub(super) fn keep(&mut self, posted: &ChargesPosted<'_>) -> Result<(), JournalFault> {
        let known = posted.strings.iter().all(|(number, text)| self.logged.restore(*number, text));
        if known { Ok(()) } else { Err(JournalFault::Malformed("strings")) }
    }

    pub(super) fn label(&mut self, label: Label<'_>) -> u32 {
        if label.number != StringId::INLINE {
            return label.number.0;
        }
        if let Some(number) = self.inline_numbers.get(label.inline) {
            return *number;
        }
        let number =
            INLINE_BASE + u32::try_from(self.inline.len()).expect("invariant: memory ends far below 2^31");
        self.inline.push(label.inline.to_owned());
        self.inline_numbers.insert(label.inline.to_owned(), number);
        number
    }

    pub(super) fn text(&self, number: u32) -> &str {
        match number.checked_sub(INLINE_BASE) {
            Some(place) => self.inline.get(place as usize).map_or("", String::as_str),
            None => self.logged.text(StringId(number)).unwrap_or_default(),
        }
    }

    fn part(&mut self, by: ReportKey, charge: &PostedCharge<'_>, currency: u32) -> u32 {
        match by {
            ReportKey::BillingAccount => charge.account.0,
            ReportKey::CloudAccount => charge.cloud.0,
            ReportKey::Currency => currency,
            ReportKey::Cycle => charge.cycle.index(),
            ReportKey::Category => charge.category as u32,
            ReportKey::Service => self.label(charge.service),
            ReportKey::Sku => self.label(charge.sku),
            ReportKey::Source => self.label(charge.source),
        }
    }

    fn currency(&self, number: u32) -> String {
        self.currencies.get(number as usize).map(Currency::to_string).unwrap_or_default()
    }
}
