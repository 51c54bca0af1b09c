//! Reading notifications from the log (rule H5).

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::told::{Addressee, Subject, told};
use super::{Notification, Told};
use crate::actors::contacts::Contacts;
use crate::domain::directory::DirectoryEvent;
use crate::domain::ids::{AccountIndex, Currency, EnterpriseIndex};
use crate::domain::notification::NotificationKind;
use crate::domain::outbox::{Fate, Position};
use crate::domain::time::Timestamp;
use crate::engine::open::describe;
use crate::engine::{Engine, EngineError};
use crate::journal::JournalFault;
use crate::journal::forms::directory_record::DirectoryRecord;
use crate::journal::frame::{Kind, frames};
use crate::limits::NOTIFICATIONS_LISTED_MAX;
use crate::wal::{LogTail, Lsn, Shown};

/// Blocks read in one step: whoever reads has to be able to stop.
const BLOCKS_AT_ONCE: usize = 256;

/// Notifications put into words at once.
const WORDS_AT_ONCE: usize = 1_024;

/// The notifications of the log, oldest first, as they become durable.
pub struct Notifications {
    engine: Engine,
    tail: LogTail,
    from: Position,
    /// What the block that was read last told besides.
    waiting: VecDeque<Told>,
}

/// Which notifications to list.
#[derive(Clone, Default, Debug)]
pub struct NotificationQuery {
    /// Only of this account.
    pub billing_account: Option<String>,
    /// Only of this kind.
    pub kind: Option<NotificationKind>,
    /// From here on: where the page before ended.
    pub from: Position,
    /// At most so many.
    pub limit: usize,
}

/// A notification, and when a receiver took it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotificationItem {
    /// What it says.
    pub notification: Notification,
    /// When a channel delivered it first.
    pub delivered_at: Option<Timestamp>,
}

/// Who manages an enterprise.
struct Manager {
    /// The billing account that pays for its management account now.
    account: Option<AccountIndex>,
    ecid: String,
    /// Of the enterprise's credit.
    currency: Currency,
}

/// One page of notifications, oldest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotificationPage {
    /// The notifications.
    pub items: Vec<NotificationItem>,
    /// Where the next page begins, if there is one.
    pub next: Option<Position>,
}

impl Notifications {
    pub(super) fn open(engine: &Engine, from: Position) -> Result<Self, EngineError> {
        let (storage, first) = (Arc::clone(&engine.inner.storage), Lsn::new(from.lsn).max(Lsn::FIRST));
        let tail = LogTail::open(storage, &engine.inner.identity, first)
            .map_err(|fault| EngineError::Log(describe(&fault)))?;
        Ok(Self { engine: engine.clone(), tail, from, waiting: VecDeque::new() })
    }

    /// The next ones, at most `limit`. It never waits for more: none may also mean that a part of the log without any was
    /// read; [`Notifications::read_up_to`] has risen then. It blocks the thread.
    pub fn take(&mut self, limit: usize) -> Result<Vec<Notification>, EngineError> {
        let taken = self.take_told(limit.min(WORDS_AT_ONCE), |_| true)?;
        self.engine.in_words(&taken)
    }

    /// Where the next one will stand, or later: every one before it was given. When all that is durable has been read, it is
    /// the beginning of the block after that.
    pub fn read_up_to(&self) -> Position {
        let next = Position { lsn: self.tail.last().next().number(), nth: 0 };
        self.waiting.front().map_or(next, |waiting| waiting.position).max(self.from)
    }

    fn take_told(&mut self, limit: usize, wanted: impl Fn(&Told) -> bool) -> Result<Vec<Told>, EngineError> {
        let mut taken = Vec::new();
        for _ in 0..BLOCKS_AT_ONCE {
            while taken.len() < limit
                && let Some(told) = self.waiting.pop_front()
            {
                taken.extend(Some(told).filter(&wanted));
            }
            if taken.len() >= limit || !self.read_block()? {
                break;
            }
        }
        Ok(taken)
    }

    /// Reads what the next durable block tells; `false` if there is none.
    fn read_block(&mut self) -> Result<bool, EngineError> {
        let durable = self.engine.inner.watermark.durable();
        let block = self.tail.next(Shown::Until(durable));
        let Some(block) = block.map_err(|fault| EngineError::Log(describe(&fault)))? else {
            return Ok(false);
        };
        let all =
            told(block.lsn.number(), block.bytes).map_err(|fault| EngineError::Log(describe(&fault)))?;
        self.waiting.extend(all.into_iter().filter(|told| told.position >= self.from));
        Ok(true)
    }
}

impl Engine {
    /// A page of the notifications that there are: the in-app messages (rule H5). It blocks the thread, and reads the log
    /// from the page's beginning.
    pub fn notifications(&self, query: &NotificationQuery) -> Result<NotificationPage, EngineError> {
        self.blocking()?;
        let _not_trimmed = self.inner.history.read();
        let account = query.billing_account.as_deref().map(|id| self.known(id)).transpose()?;
        // A trimmed log begins later.
        let from = query.from.max(self.oldest_notification()?);
        let mut reader = Notifications::open(self, from)?;
        let until = self.durable_lsn();
        let limit = query.limit.min(NOTIFICATIONS_LISTED_MAX);
        let wanted = |told: &Told| {
            query.kind.is_none_or(|kind| kind == told.kind)
                && account.is_none_or(|account| self.concerns(told, account))
        };
        let mut taken = Vec::new();
        while taken.len() < limit && reader.read_up_to().lsn <= until.number() {
            let part = reader.take_told(limit - taken.len(), wanted)?;
            if part.is_empty() && reader.waiting.is_empty() && reader.tail.last() >= until {
                break;
            }
            taken.extend(part);
        }
        let next = Some(reader.read_up_to()).filter(|next| next.lsn <= until.number());
        let mut delivered = match taken.first() {
            Some(first) => {
                self.deliveries(first.position, taken.last().map_or(first.position, |last| last.position))?
            }
            None => BTreeMap::new(),
        };
        let mut items = Vec::with_capacity(taken.len());
        for part in taken.chunks(WORDS_AT_ONCE) {
            items.extend(self.in_words(part)?.into_iter().map(|notification| {
                let delivered_at = delivered.remove(&notification.position);
                NotificationItem { notification, delivered_at }
            }));
        }
        Ok(NotificationPage { items, next })
    }

    fn concerns(&self, told: &Told, account: AccountIndex) -> bool {
        match told.subject {
            Subject::Account(subject) => subject == account,
            Subject::Enterprise(enterprise) => {
                self.manager(enterprise).is_ok_and(|manager| manager.account == Some(account))
            }
        }
    }

    /// When notifications from one position to another were delivered first, by any channel.
    fn deliveries(
        &self,
        first: Position,
        last: Position,
    ) -> Result<BTreeMap<Position, Timestamp>, EngineError> {
        let mut delivered = BTreeMap::new();
        if self.channels().is_empty() {
            return Ok(delivered);
        }
        self.read_history_from(Lsn::new(first.lsn), &mut |bytes| {
            for frame in frames(bytes) {
                let frame = frame?;
                if frame.kind != Kind::Directory {
                    continue;
                }
                for event in DirectoryRecord::decode(&frame)?.events {
                    let DirectoryEvent::NotificationsSettled { settled, .. } = event else { continue };
                    for one in settled {
                        if one.fate == Fate::Delivered && (first..=last).contains(&one.position) {
                            delivered.entry(one.position).or_insert(one.at);
                        }
                    }
                }
            }
            Ok(())
        })?;
        Ok(delivered)
    }

    /// Reads the blocks from `from` on that are durable now.
    fn read_history_from(
        &self,
        from: Lsn,
        visit: &mut dyn FnMut(&[u8]) -> Result<(), JournalFault>,
    ) -> Result<(), EngineError> {
        let failed = |fault: &dyn std::error::Error| EngineError::Log(describe(fault));
        let storage = Arc::clone(&self.inner.storage);
        let mut tail = LogTail::open(storage, &self.inner.identity, from).map_err(|fault| failed(&fault))?;
        let shown = Shown::Until(self.inner.watermark.durable());
        while let Some(block) = tail.next(shown).map_err(|fault| failed(&fault))? {
            visit(block.bytes).map_err(|fault| failed(&fault))?;
        }
        Ok(())
    }

    /// Who manages an enterprise.
    fn manager(&self, enterprise: EnterpriseIndex) -> Result<Manager, EngineError> {
        let control = pollster::block_on(self.control_state(enterprise))?;
        let now = self.inner.config.clock.now();
        let directory = self.inner.directory.read();
        let cloud = directory.cloud(&control.charter.management_account);
        let manager = cloud.map(|cloud| directory.payer(cloud, now).account);
        let ecid = directory.enterprise_id(enterprise).unwrap_or_default().to_owned();
        Ok(Manager { account: manager, ecid, currency: control.charter.currency })
    }

    /// Puts notifications into words: with the contacts that the accounts have now.
    fn in_words(&self, taken: &[Told]) -> Result<Vec<Notification>, EngineError> {
        self.blocking()?;
        let mut managers = HashMap::new();
        for one in taken {
            if let Subject::Enterprise(enterprise) = one.subject
                && !managers.contains_key(&enterprise)
            {
                managers.insert(enterprise, self.manager(enterprise)?);
            }
        }
        let account_of = |told: &Told| match told.subject {
            Subject::Account(account) => Some(account),
            Subject::Enterprise(enterprise) => {
                managers.get(&enterprise).and_then(|manager: &Manager| manager.account)
            }
        };
        let addressees = self.addressees(taken.iter().filter_map(account_of))?;
        let mut worded = Vec::with_capacity(taken.len());
        for one in taken {
            let Some(whom) = account_of(one).and_then(|account| addressees.get(&account)) else { continue };
            let mut whom = whom.clone();
            let manager = match one.subject {
                Subject::Enterprise(enterprise) => managers.get(&enterprise),
                Subject::Account(_) => None,
            };
            if let Some(manager) = manager {
                whom.currency = manager.currency;
            }
            let ecid = manager.map(|manager| manager.ecid.as_str());
            let other = one
                .other()
                .map(|other| self.inner.directory.read().account_id(other).unwrap_or_default().to_owned());
            worded.push(one.in_words(whom, ecid, other.as_deref()));
        }
        Ok(worded)
    }

    /// Ids, contacts and currencies of accounts, as durable as the accounts' records.
    fn addressees(
        &self,
        accounts: impl Iterator<Item = AccountIndex>,
    ) -> Result<HashMap<AccountIndex, Addressee>, EngineError> {
        let shards = self.inner.shards.len();
        let mut asked = vec![Vec::new(); shards];
        for account in accounts {
            asked[account.partition().shard(shards)].push(account);
        }
        let mut known = HashMap::new();
        for (shard, mut accounts) in self.inner.shards.iter().zip(asked) {
            accounts.sort_unstable();
            accounts.dedup();
            if accounts.is_empty() {
                continue;
            }
            let answer = pollster::block_on(shard.send(Contacts(accounts.clone())));
            let contacts = answer.map_err(|_| self.inner.stopped())?.map_err(|_| self.inner.stopped())?;
            let directory = self.inner.directory.read();
            for (account, (contact, currency)) in accounts.into_iter().zip(contacts) {
                let billing_account = directory.account_id(account).unwrap_or_default().to_owned();
                let contact = contact.map(Into::into);
                known.insert(account, Addressee { billing_account, contact, currency });
            }
        }
        Ok(known)
    }
}
