//! The books of the whole ledger, streamed from the log in its order (rule J3).

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::change_records::change_record;
use super::{Engine, EngineError};
use crate::domain::directory::DirectoryEvent;
use crate::domain::ids::{AccountIndex, Currency};
use crate::domain::money::Amount;
use crate::domain::postings::Postings;
use crate::domain::profile::AccountType;
use crate::domain::time::Timestamp;
use crate::journal::JournalFault;
use crate::journal::charges::ChargesPosted;
use crate::journal::forms::account_record::AccountRecord;
use crate::journal::forms::directory_record::DirectoryRecord;
use crate::journal::frame::{Frame, Kind};
use crate::wal::Lsn;

/// What the books tell next.
#[derive(Debug)]
pub enum BookItem<'a> {
    /// A billing account was opened: from here on its ledger accounts may be used.
    Opened {
        /// Its id.
        billing_account: &'a str,
        /// Its currency.
        currency: Currency,
    },
    /// Something was posted.
    Transaction(Transaction<'a>),
}

/// Postings that belong together and sum to 0.
#[derive(Debug)]
pub struct Transaction<'a> {
    /// The block of the log.
    pub lsn: Lsn,
    /// `<account number>-<record number>`, as change records have it; of several charges that of the first. A remittance
    /// that came in has `directory-<record number>`.
    pub transaction: String,
    /// The instant whose UTC date is the transaction's: the business time of the decision; of charges, which nobody
    /// decides, the start of the charge period.
    pub at: Timestamp,
    /// What happened: an asset and how it has changed, as change records name them, or `charges posted`.
    pub what: String,
    /// Whose; none of what belongs to nobody yet.
    pub billing_account: Option<&'a str>,
    /// Who; nobody of charges.
    pub actor: &'a str,
    /// The currency of every posting.
    pub currency: Currency,
    /// How many charges it sums up.
    pub charges: u64,
    /// Debits and credits.
    pub postings: Postings,
}

/// Charges of one account and one day.
#[derive(Default)]
struct Charged {
    first: u64,
    at: Timestamp,
    charges: u64,
    postings: Postings,
}

/// What the records read so far say of each account, by number.
#[derive(Default)]
struct Accounts(Vec<(AccountType, Currency)>);

impl Accounts {
    fn of(&self, account: AccountIndex) -> Result<(AccountType, Currency), JournalFault> {
        self.0.get(account.0 as usize).copied().ok_or(JournalFault::Malformed("account number"))
    }
}

impl Engine {
    /// The books, in the order of the log, until `visit` breaks it off. What is decided later is not in them.
    ///
    /// Charges are summed up by record of the log, account and day (UTC) of their period's start; with `by_row` each is a
    /// transaction of its own.
    pub fn books<B>(
        &self,
        by_row: bool,
        visit: &mut dyn FnMut(&BookItem<'_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, EngineError> {
        let mut accounts = Accounts::default();
        self.stream_history(&mut |lsn, frame| match frame.kind {
            Kind::Directory => directory(lsn, frame, &mut accounts, visit),
            Kind::Account => self.account_transaction(lsn, frame, &accounts, visit),
            Kind::ChargesPosted => self.charge_transactions(lsn, frame, &accounts, by_row, visit),
            Kind::CreditControl | Kind::AdminAuthorization => Ok(ControlFlow::Continue(())),
        })
    }

    fn account_transaction<B>(
        &self,
        lsn: Lsn,
        frame: &Frame<'_>,
        accounts: &Accounts,
        visit: &mut dyn FnMut(&BookItem<'_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, JournalFault> {
        let record = AccountRecord::decode(frame)?;
        let (kind, currency) = accounts.of(record.account)?;
        let postings = Postings::of_event(&record.event, kind);
        if postings.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        let id = self.id_of(record.account);
        let change = change_record(record);
        Ok(visit(&BookItem::Transaction(Transaction {
            lsn,
            transaction: change.transaction,
            at: change.at,
            what: format!("{} {}", change.asset, change.kind),
            billing_account: Some(&id),
            actor: &change.actor,
            currency,
            charges: 0,
            postings,
        })))
    }

    fn charge_transactions<B>(
        &self,
        lsn: Lsn,
        frame: &Frame<'_>,
        accounts: &Accounts,
        by_row: bool,
        visit: &mut dyn FnMut(&BookItem<'_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, JournalFault> {
        let posted = ChargesPosted::decode(frame)?;
        let mut deductions = posted.deductions().peekable();
        let mut charged: BTreeMap<(AccountIndex, i64, usize), Charged> = BTreeMap::new();
        for (place, charge) in posted.iter().enumerate() {
            let charge = charge?;
            let amount = Amount::new(charge.amount).map_err(|_| JournalFault::Malformed("amount"))?;
            let day = charge.period_start.days();
            let key = (charge.account, day, if by_row { place } else { 0 });
            let group = charged.entry(key).or_insert_with(|| Charged {
                first: charge.sequence,
                at: charge.period_start,
                ..Charged::default()
            });
            group.charges += 1;
            group.postings.charge(charge.category, amount.money());
            while let Some((_, part)) = deductions.next_if(|(row, _)| *row == place) {
                group.postings.deduction(part);
            }
        }
        for ((account, ..), Charged { first, at, charges, postings }) in charged {
            let (_, currency) = accounts.of(account)?;
            let flow = visit(&BookItem::Transaction(Transaction {
                lsn,
                transaction: format!("{account}-{first}"),
                at,
                what: "charges posted".to_owned(),
                billing_account: Some(&self.id_of(account)),
                actor: "",
                currency,
                charges,
                postings,
            }));
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The user's id of an account that a record names.
    pub(super) fn id_of(&self, account: AccountIndex) -> String {
        self.inner.directory.read().account_id(account).unwrap_or_default().to_owned()
    }
}

fn directory<B>(
    lsn: Lsn,
    frame: &Frame<'_>,
    accounts: &mut Accounts,
    visit: &mut dyn FnMut(&BookItem<'_>) -> ControlFlow<B>,
) -> Result<ControlFlow<B>, JournalFault> {
    let record = DirectoryRecord::decode(frame)?;
    for event in record.events {
        let flow = match event {
            DirectoryEvent::AccountOpened { id, opening } => {
                accounts.0.push((opening.kind, opening.currency));
                visit(&BookItem::Opened { billing_account: &id, currency: opening.currency })
            }
            DirectoryEvent::RemittanceReceived { received, .. } => {
                visit(&BookItem::Transaction(Transaction {
                    lsn,
                    transaction: format!("directory-{}", record.sequence),
                    at: record.at,
                    what: "remittance received".to_owned(),
                    billing_account: None,
                    actor: &record.actor,
                    currency: received.currency,
                    charges: 0,
                    postings: Postings::of_remittance(received.amount),
                }))
            }
            _ => ControlFlow::Continue(()),
        };
        if flow.is_break() {
            return Ok(flow);
        }
    }
    Ok(ControlFlow::Continue(()))
}
