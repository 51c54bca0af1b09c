//! Commands to the directory, and what it decides of them.

use actix::Message;

use super::super::ticket::Stopped;
use crate::domain::billing::rate::Rate;
use crate::domain::credit_control::Charter;
use crate::domain::directory::{Directory, DirectoryEvent, Remittance};
use crate::domain::ids::{AccountIndex, Currency};
use crate::domain::outbox::{Position, Settled};
use crate::domain::profile::Opening;
use crate::domain::refusals::Refusal;
use crate::domain::time::Timestamp;

/// A command to the directory.
pub struct Change {
    /// What to do.
    pub items: Vec<ChangeItem>,
    /// Who says so.
    pub principal: Box<str>,
    /// The caller's idempotency key, with the digest of the request (rule J2).
    pub key: Option<(Box<str>, u128)>,
    /// Business time of the command.
    pub at: Timestamp,
    /// The engine's clock: keys are kept by it, so that one command with a wrong time forgets nobody's key (rule J5).
    pub now: Timestamp,
}

/// One thing to change; each has a result of its own.
pub enum ChangeItem {
    /// Opens a billing account.
    Open {
        /// The user's id.
        id: Box<str>,
        /// What it starts with.
        opening: Box<Opening>,
    },
    /// Registers a cloud account that an existing billing account pays for.
    Register {
        /// The user's id.
        id: Box<str>,
        /// The payer's id.
        payer: Box<str>,
    },
    /// Registers a cloud account and opens its default billing account under the same id (rule A3).
    RegisterWithAccount {
        /// The user's id of both.
        id: Box<str>,
        /// What the billing account starts with.
        opening: Box<Opening>,
    },
    /// Changes a payer (rule A4).
    SetPayer {
        /// The cloud account's id.
        cloud: Box<str>,
        /// The new payer's id.
        payer: Box<str>,
        /// From when on; by default from the decision on.
        effective_at: Option<Timestamp>,
    },
    /// Opens an enterprise (rule A6).
    OpenEnterprise {
        /// The user's id.
        ecid: Box<str>,
        /// What it starts with.
        charter: Box<Charter>,
    },
    /// Sets the exchange rate of a day (rule D9).
    SetExchangeRate {
        /// One unit of this currency…
        from: Currency,
        /// …is worth `rate` units of that.
        to: Currency,
        /// The day, counted from 1970-01-01.
        day: i32,
        /// The rate.
        rate: Rate,
    },
    /// Records what became of notifications (rule H5).
    SettleNotifications {
        /// The channel's name.
        channel: Box<str>,
        /// It is done with everything before.
        next: Position,
        /// What became of which.
        settled: Box<[Settled]>,
    },
    /// Records a remittance to the shared bank account (rule D11).
    RecordRemittance {
        /// Its id.
        remittance: Box<str>,
        /// What it is.
        received: Remittance,
    },
}

/// A result for each item, in order; or one refusal of the whole command.
pub type ChangeResult = Result<Vec<Result<(), Refusal>>, Refusal>;

impl Message for Change {
    type Result = Result<ChangeResult, Stopped>;
}

/// Decides the items one after the other; later ones see what earlier ones make.
pub(super) fn decide(
    directory: &Directory,
    items: Vec<ChangeItem>,
    at: Timestamp,
) -> (Vec<DirectoryEvent>, Vec<Result<(), Refusal>>) {
    let mut events = Vec::new();
    let mut results = Vec::with_capacity(items.len());
    let mut opened = std::collections::HashMap::new();
    let mut registered = std::collections::HashSet::new();
    let mut changed = std::collections::HashSet::new();
    let mut id_bytes = 0;
    for item in items {
        let next = AccountIndex(u32::try_from(directory.account_count() + opened.len()).unwrap_or(u32::MAX));
        let result = (|| match item {
            ChangeItem::Open { id, opening } => {
                room(directory, opened.len(), registered.len(), id_bytes + id.len())?;
                open(directory, &mut opened, &id, next)?;
                id_bytes += id.len();
                events.push(DirectoryEvent::AccountOpened { id, opening });
                Ok(())
            }
            ChangeItem::Register { id, payer } => {
                room(directory, opened.len(), registered.len(), id_bytes + id.len())?;
                let payer = opened
                    .get(&payer)
                    .copied()
                    .or_else(|| directory.account(&payer))
                    .ok_or(Refusal::NotFound)?;
                if (payer.0 as usize) < directory.account_count() && directory.is_canceled(payer) {
                    return Err(Refusal::AccountCanceled);
                }
                register(directory, &mut registered, &id)?;
                id_bytes += id.len();
                events.push(DirectoryEvent::CloudAccountRegistered { id, payer });
                Ok(())
            }
            ChangeItem::RegisterWithAccount { id, opening } => {
                room(directory, opened.len(), registered.len(), id_bytes + id.len())?;
                directory.decide_register(&id)?;
                if registered.contains(&id) {
                    return Err(Refusal::AlreadyExists);
                }
                open(directory, &mut opened, &id, next)?;
                register(directory, &mut registered, &id)?;
                id_bytes += id.len();
                events.push(DirectoryEvent::AccountOpened { id: id.clone(), opening });
                events.push(DirectoryEvent::CloudAccountRegistered { id, payer: next });
                Ok(())
            }
            ChangeItem::SetPayer { cloud, payer, effective_at } => {
                let event = directory.decide_payer(&cloud, &payer, effective_at.unwrap_or(at))?;
                // The same cloud account twice in one command: the second would not see the first.
                if !changed.insert(cloud) {
                    return Err(Refusal::EffectiveBeforeLastChange);
                }
                events.push(event);
                Ok(())
            }
            ChangeItem::SetExchangeRate { from, to, day, rate } => {
                if from == to {
                    return Err(Refusal::CurrencyMismatch);
                }
                events.push(DirectoryEvent::ExchangeRateSet { from, to, day, rate });
                Ok(())
            }
            ChangeItem::RecordRemittance { remittance, received } => {
                if directory.decide_remittance(&remittance, &received)? {
                    events.push(DirectoryEvent::RemittanceReceived { remittance, received });
                }
                Ok(())
            }
            ChangeItem::SettleNotifications { channel, next, settled } => {
                directory.decide_settled(&channel, next, &settled)?;
                events.push(DirectoryEvent::NotificationsSettled { channel, next, settled });
                Ok(())
            }
            ChangeItem::OpenEnterprise { ecid, charter } => {
                // One of them is one whole command.
                room(directory, opened.len(), registered.len(), id_bytes + ecid.len())?;
                directory.decide_enterprise(&ecid, &charter)?;
                events.push(DirectoryEvent::EnterpriseOpened { ecid, charter });
                Ok(())
            }
        })();
        results.push(result);
    }
    (events, results)
}

fn room(directory: &Directory, opened: usize, registered: usize, id_bytes: usize) -> Result<(), Refusal> {
    if directory.has_room(opened.max(registered) + 1, id_bytes) { Ok(()) } else { Err(Refusal::TooManyItems) }
}

fn open(
    directory: &Directory,
    opened: &mut std::collections::HashMap<Box<str>, AccountIndex>,
    id: &str,
    next: AccountIndex,
) -> Result<(), Refusal> {
    directory.decide_open(id)?;
    if opened.contains_key(id) {
        return Err(Refusal::AlreadyExists);
    }
    opened.insert(id.into(), next);
    Ok(())
}

fn register(
    directory: &Directory,
    registered: &mut std::collections::HashSet<Box<str>>,
    id: &str,
) -> Result<(), Refusal> {
    directory.decide_register(id)?;
    if registered.insert(id.into()) { Ok(()) } else { Err(Refusal::AlreadyExists) }
}
