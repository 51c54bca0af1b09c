//! An account's past: its whole history, and its figures at a past time, from the log (rule J3).

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::change_records::{ChangeRecord, Figures};
use super::commands::quoted;
use super::queries::AccountOverview;
use super::report::Texts;
use super::{Engine, EngineError};
use crate::domain::account::Account;
use crate::domain::account_event::AccountEvent;
use crate::domain::billing::asset::Portion;
use crate::domain::charge::Category;
use crate::domain::directory::DirectoryEvent;
use crate::domain::ids::{AccountIndex, CloudIndex};
use crate::domain::money::{Amount, Money};
use crate::domain::paid_cloud_account::PaidCloudAccount;
use crate::domain::refusals::Refusal;
use crate::domain::standing::ChargeStanding;
use crate::domain::time::{Cycle, Timestamp};
use crate::journal::JournalFault;
use crate::journal::charges::{ChargesPosted, PostedCharge};
use crate::journal::forms::account_record::AccountRecord;
use crate::journal::forms::directory_record::DirectoryRecord;
use crate::journal::frame::{Frame, Kind};

/// A span of time: from an instant on, up to another one, which is outside.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Span {
    /// The first instant; none: the beginning of time.
    pub from: Option<Timestamp>,
    /// The first instant after; none: the end of time.
    pub to: Option<Timestamp>,
}

impl Span {
    /// Whether an instant is in it.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }
}

/// One thing that happened to an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HistoryItem {
    /// An asset or setting changed.
    Change(ChangeRecord),
    /// A charge was posted.
    Charge(Box<ChargeItem>),
}

/// A charge of an account's history. Empty text means that the field is absent.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // as in `Charge`
pub struct ChargeItem {
    /// `<account number>-<record number>`.
    pub transaction: String,
    pub cloud_account: String,
    pub source: String,
    pub id: String,
    pub amount: Money,
    pub period_start: Timestamp,
    /// The cycle that it was posted to.
    pub cycle: Cycle,
    /// The cycle that it is of.
    pub original_cycle: Cycle,
    pub category: Category,
    pub correction: bool,
    pub service: String,
    pub sku: String,
    pub description: String,
}

/// What a charge does to its account.
struct Charged {
    cloud: CloudIndex,
    amount: Money,
    cycle: Cycle,
    category: Category,
    deductions: Vec<Portion>,
    standing: Option<ChargeStanding>,
}

/// An account as its records make it, one after the other.
struct Past {
    index: AccountIndex,
    time: Timestamp,
    account: Option<Account>,
    paid: HashMap<CloudIndex, PaidCloudAccount>,
    /// Charges since its last decision, that count only if another decision up to `time` follows.
    later: Vec<Charged>,
    /// It has decided something after `time`.
    over: bool,
}

impl Engine {
    /// The full history of an account in the order of its records, until `visit` breaks it off: changes by their business
    /// time, charges by the start of their period.
    pub fn history<B>(
        &self,
        billing_account: &str,
        span: Span,
        visit: &mut dyn FnMut(HistoryItem) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, EngineError> {
        let account = self.known(billing_account)?;
        let (mut figures, mut texts) = (Figures::opened(), Texts::default());
        self.stream_history(&mut |_, frame| {
            let items = match frame.kind {
                Kind::Account => {
                    let record = AccountRecord::decode(frame)?;
                    let changes =
                        if record.account == account { figures.records(record) } else { Vec::new() };
                    changes.into_iter().map(HistoryItem::Change).collect()
                }
                Kind::ChargesPosted => self.charge_items(account, frame, &mut figures, &mut texts)?,
                Kind::Directory | Kind::CreditControl | Kind::AdminAuthorization => Vec::new(),
            };
            let mut flow = ControlFlow::Continue(());
            for item in items {
                let at = match &item {
                    HistoryItem::Change(change) => change.at,
                    HistoryItem::Charge(charge) => charge.period_start,
                };
                if flow.is_continue() && span.holds(at) {
                    flow = visit(item);
                }
            }
            Ok(flow)
        })
    }

    /// The figures that an account had at a past time; its cloud accounts are not named.
    ///
    /// It is the account in the order of its records just before its first decision after `time`. Charges have no time of
    /// decision, but where they change the standing (rules H2-H4): of the others, those recorded before the last decision up to `time` count, and of those between it and the first one after
    /// `time` those whose period begins up to `time`. Cash is in flight that no receiver had recorded by then.
    pub fn account_at(&self, billing_account: &str, time: Timestamp) -> Result<AccountOverview, EngineError> {
        let index = self.known(billing_account)?;
        let (paid, later) = (HashMap::new(), Vec::new());
        let mut past = Past { index, time, account: None, paid, later, over: false };
        self.read_history(&mut |_, frame| past.read(frame, billing_account))?;
        let account = past.account.filter(|account| account.created_at() <= time);
        let account = account.ok_or_else(|| {
            EngineError::refused(Refusal::NotFound, format!("{} at {time}", quoted(billing_account)))
        })?;
        Ok(self.overview(billing_account, account.view()))
    }

    /// The account's charges of a record, each with what coupons have deducted from it.
    fn charge_items(
        &self,
        account: AccountIndex,
        frame: &Frame<'_>,
        figures: &mut Figures,
        texts: &mut Texts,
    ) -> Result<Vec<HistoryItem>, JournalFault> {
        let posted = ChargesPosted::decode(frame)?;
        texts.keep(&posted)?;
        let mut items = Vec::new();
        let mut deductions = figures.records_of_charges(account, &posted)?.into_iter().peekable();
        for charge in &posted {
            let charge = charge?;
            if charge.account != account {
                continue;
            }
            let item = self.charge_item(&charge, texts)?;
            let transaction = item.transaction.clone();
            items.push(HistoryItem::Charge(Box::new(item)));
            while let Some(change) = deductions.next_if(|change| change.transaction == transaction) {
                items.push(HistoryItem::Change(change));
            }
        }
        Ok(items)
    }

    fn charge_item(&self, charge: &PostedCharge<'_>, texts: &mut Texts) -> Result<ChargeItem, JournalFault> {
        let cloud_account = self.inner.directory.read().cloud_id(charge.cloud).unwrap_or_default().to_owned();
        let [source, service, sku] = [charge.source, charge.service, charge.sku].map(|label| {
            let number = texts.label(label);
            texts.text(number).to_owned()
        });
        Ok(ChargeItem {
            transaction: format!("{}-{}", charge.account, charge.sequence),
            cloud_account,
            source,
            id: charge.id.as_str(&mut [0; 36]).to_owned(),
            amount: money_of(charge)?,
            period_start: charge.period_start,
            cycle: charge.cycle,
            original_cycle: charge.original_cycle,
            category: charge.category,
            correction: charge.correction,
            service,
            sku,
            description: charge.description.to_owned(),
        })
    }
}

fn money_of(charge: &PostedCharge<'_>) -> Result<Money, JournalFault> {
    Ok(Amount::new(charge.amount).map_err(|_| JournalFault::Malformed("amount"))?.money())
}

impl Charged {
    /// Applies it in another order than it was decided in; what was checked to fit then may not fit now.
    fn apply(
        self,
        account: &mut Account,
        paid: &mut HashMap<CloudIndex, PaidCloudAccount>,
    ) -> Result<(), JournalFault> {
        let Self { cloud, amount, cycle, category, deductions, standing } = self;
        let fits = account.unsettled_current().checked_add(amount).is_some()
            && account.available_credit().checked_sub(amount).is_some()
            && paid.entry(cloud).or_default().sum(cycle, category).checked_add(amount).is_some();
        if !fits {
            let detail = format!("the figures of account {} at that time don't fit", account.index);
            return Err(JournalFault::Contradiction(detail));
        }
        account.apply_charge(paid.entry(cloud).or_default(), amount, cycle, category);
        account.apply_deductions(cycle, deductions);
        if let Some(standing) = standing {
            account.apply_standing_of_charge(&standing);
        }
        Ok(())
    }
}

impl Past {
    fn read(&mut self, frame: &Frame<'_>, billing_account: &str) -> Result<(), JournalFault> {
        match frame.kind {
            Kind::Directory => {
                for event in DirectoryRecord::decode(frame)?.events {
                    if let DirectoryEvent::AccountOpened { id, opening } = event
                        && *id == *billing_account
                    {
                        self.account = Some(Account::open(self.index, &opening));
                    }
                }
            }
            Kind::Account => self.decision(&AccountRecord::decode(frame)?)?,
            Kind::ChargesPosted if !self.over => self.charges(&ChargesPosted::decode(frame)?)?,
            Kind::ChargesPosted | Kind::CreditControl | Kind::AdminAuthorization => {}
        }
        Ok(())
    }

    fn decision(&mut self, record: &AccountRecord) -> Result<(), JournalFault> {
        let Some(account) = &mut self.account else { return Ok(()) };
        if record.account == self.index {
            self.over |= record.at > self.time;
            if !self.over {
                for charged in self.later.drain(..) {
                    charged.apply(account, &mut self.paid)?;
                }
                account.apply(&record.event, record.at);
            }
        } else if record.at <= self.time
            && let AccountEvent::TransferReceived { from, number, .. }
            | AccountEvent::RevocationReceived { from, number, .. } = record.event
            && from == self.index
            && account.rare().is_some_and(|rare| number <= rare.outbox.last())
        {
            account.rare_mut().outbox.acknowledge(number);
        }
        Ok(())
    }

    fn charges(&mut self, posted: &ChargesPosted<'_>) -> Result<(), JournalFault> {
        let Some(account) = &mut self.account else { return Ok(()) };
        let mut deducted = posted.deductions().peekable();
        let mut standings = posted.standings().iter().peekable();
        for (place, charge) in posted.iter().enumerate() {
            let charge = charge?;
            let of_row = std::iter::from_fn(|| deducted.next_if(|(row, _)| *row == place));
            let deductions: Vec<_> = of_row.map(|(_, part)| part).collect();
            let standing = standings.next_if(|(row, ..)| *row == place).map(|(_, standing)| *standing);
            if charge.account != self.index || self.over {
                continue;
            }
            let (cloud, amount) = (charge.cloud, money_of(&charge)?);
            let (cycle, category) = (charge.cycle, charge.category);
            let charged = Charged { cloud, amount, cycle, category, deductions, standing };
            if charge.period_start > self.time {
                self.later.push(charged);
            } else {
                charged.apply(account, &mut self.paid)?;
            }
        }
        Ok(())
    }
}
