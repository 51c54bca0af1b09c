//! The unified list: figures of many accounts, filtered and paged (rule A8). Every page is durable.

use std::fmt;
use std::ops::ControlFlow;
use std::str::FromStr;

use tokio::sync::oneshot;

use super::queries::AccountOverview;
use super::{Engine, EngineError};
use crate::actors::listing::Answer;
use crate::actors::questions::{Listed, Question};
use crate::domain::account::{AccountView, Status};
use crate::domain::directory::slots_below;
use crate::domain::facts::{FactFilter, Facts};
use crate::domain::ids::{AccountIndex, EnterpriseIndex};
use crate::domain::profile::AccountType;
use crate::limits::ACCOUNTS_PER_ANSWER;

/// Which accounts are listed; all of them by default. Whatever it asks for is indexed.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct AccountFilter {
    /// Only members of that enterprise.
    pub ecid: Option<String>,
    /// Only accounts that have incurred costs: a charge was posted to them.
    pub with_costs_only: bool,
    /// Only accounts of that status.
    pub status: Option<Status>,
    /// Only accounts of that type.
    pub kind: Option<AccountType>,
    /// Only accounts that are overdue, or only those that are not (rule H3).
    pub overdue: Option<bool>,
    /// Only accounts that are suspended, or only those that are not (rule H4).
    pub suspended: Option<bool>,
    /// Only accounts whose alert stands so (rule H2).
    pub alert: Option<AlertFilter>,
}

/// How the low balance alert of a listed account stands (rule H2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AlertFilter {
    /// It is enabled, in any of the states below.
    Enabled,
    /// It is not.
    Off,
    /// Available credit is at the threshold or above.
    Armed,
    /// It fires with the next change of available credit.
    Waiting,
    /// It has fired, and reminders are to come.
    Firing,
    /// All notifications were sent, or the account fell overdue.
    Ended,
}

impl AlertFilter {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::Enabled, Self::Off, Self::Armed, Self::Waiting, Self::Firing, Self::Ended];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Off => "off",
            Self::Armed => "armed",
            Self::Waiting => "waiting",
            Self::Firing => "firing",
            Self::Ended => "ended",
        }
    }
}

impl fmt::Display for AlertFilter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for AlertFilter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|filter| filter.name() == text);
        known.ok_or("give `enabled`, `off`, `armed`, `waiting`, `firing` or `ended`")
    }
}

impl AccountFilter {
    /// The facts that it asks for.
    fn facts(&self) -> FactFilter {
        let mut filter = FactFilter::default();
        if self.with_costs_only {
            filter.require(Facts::COSTS, true);
        }
        match self.status {
            None => {}
            Some(Status::Valid) => filter.require(Facts::FROZEN.and(Facts::CANCELED), false),
            Some(Status::Frozen) => filter.require(Facts::FROZEN, true),
            Some(Status::Canceled) => filter.require(Facts::CANCELED, true),
        }
        if let Some(kind) = self.kind {
            filter.require(Facts::ECOSYSTEM, kind == AccountType::Ecosystem);
        }
        if let Some(overdue) = self.overdue {
            filter.require(Facts::OVERDUE, overdue);
        }
        if let Some(suspended) = self.suspended {
            filter.require(Facts::SUSPENDED, suspended);
        }
        match self.alert {
            None => {}
            Some(AlertFilter::Enabled) => filter.any = Facts::ENABLED,
            Some(AlertFilter::Off) => filter.require(Facts::ENABLED, false),
            Some(AlertFilter::Armed) => filter.require(Facts::ARMED, true),
            Some(AlertFilter::Waiting) => filter.require(Facts::WAITING, true),
            Some(AlertFilter::Firing) => filter.require(Facts::FIRING, true),
            Some(AlertFilter::Ended) => filter.require(Facts::ENDED, true),
        }
        filter
    }
}

/// One page of accounts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountPage {
    /// The accounts, in the order of their numbers.
    pub items: Vec<AccountOverview>,
    /// Where the next page begins, if there is one: it stays right whatever is opened meanwhile.
    pub next: Option<u32>,
}

/// A filter whose names are resolved.
#[derive(Clone, Copy)]
struct Resolved {
    facts: FactFilter,
    enterprise: Option<EnterpriseIndex>,
}

/// Some accounts that the shards were asked for.
struct Asked {
    parts: Vec<oneshot::Receiver<Listed>>,
    limit: usize,
    /// Where accounts are that nobody was asked for.
    beyond: Option<u32>,
}

/// What the shards answered, in the order of the numbers, and where it goes on.
type Answered = (Vec<AccountView>, Option<u32>);

impl Engine {
    /// Accounts from number `from` (0-based) on, at most `limit`; cloud accounts are not named. Blocks the thread.
    pub fn list_accounts(
        &self,
        filter: &AccountFilter,
        from: u32,
        limit: usize,
    ) -> Result<AccountPage, EngineError> {
        self.blocking()?;
        pollster::block_on(self.list_accounts_async(filter, from, limit))
    }

    /// As [`Engine::list_accounts`], on any runtime.
    pub async fn list_accounts_async(
        &self,
        filter: &AccountFilter,
        from: u32,
        limit: usize,
    ) -> Result<AccountPage, EngineError> {
        let resolved = self.resolved(filter)?;
        let mut page = AccountPage { items: Vec::new(), next: Some(from) };
        while let Some(next) = page.next
            && page.items.len() < limit
        {
            let asked = self.ask_shards(resolved, next, limit - page.items.len())?;
            let (views, next) = self.answered(asked).await?;
            self.overviews(views, &mut page.items);
            page.next = next;
        }
        Ok(page)
    }

    /// Shows every account that is listed, in the order of the numbers, until `visit` breaks it off. Blocks the thread.
    ///
    /// Memory does not grow with the list: while some accounts are shown, the next ones are on their way.
    pub fn each_account<B>(
        &self,
        filter: &AccountFilter,
        visit: &mut dyn FnMut(&AccountOverview) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, EngineError> {
        self.blocking()?;
        let resolved = self.resolved(filter)?;
        let ask = |next| self.ask_shards(resolved, next, ACCOUNTS_PER_ANSWER);
        let mut on_the_way = Some(ask(0)?);
        let mut items = Vec::new();
        while let Some(asked) = on_the_way.take() {
            let (views, next) = pollster::block_on(self.answered(asked))?;
            on_the_way = next.map(ask).transpose()?;
            items.clear();
            self.overviews(views, &mut items);
            if let ControlFlow::Break(done) = items.iter().try_for_each(&mut *visit) {
                return Ok(ControlFlow::Break(done));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// How many billing accounts there are.
    pub fn account_count(&self) -> u64 {
        self.inner.directory.read().account_count() as u64
    }

    fn resolved(&self, filter: &AccountFilter) -> Result<Resolved, EngineError> {
        let enterprise = filter.ecid.as_deref().map(|ecid| self.known_enterprise(ecid)).transpose()?;
        Ok(Resolved { facts: filter.facts(), enterprise })
    }

    /// Asks the shards that may have some of the next accounts from number `from` on.
    fn ask_shards(&self, filter: Resolved, from: u32, limit: usize) -> Result<Asked, EngineError> {
        self.inner.check_running()?;
        let limit = limit.min(ACCOUNTS_PER_ANSWER);
        let count = self.inner.directory.read().account_count();
        let from = (from as usize).min(count);
        // Where every account is listed, a page is a run of numbers, and of slots of each shard.
        let is_open = filter.facts.is_open() && filter.enterprise.is_none();
        let until = if is_open { count.min(from + limit) } else { count };
        let shards = self.inner.shards.len();
        let mut parts = Vec::with_capacity(shards);
        for (number, (shard, inbox)) in self.inner.shards.iter().zip(&self.inner.inboxes).enumerate() {
            let (first, end) = (slots_below(from, number, shards), slots_below(until, number, shards));
            if first == end {
                continue;
            }
            let (reply, part) = oneshot::channel();
            let Resolved { facts: filter, enterprise } = filter;
            let question = Question { filter, enterprise, from: first, until: end, limit, reply };
            if inbox.questions.push(question).map_err(|_| self.inner.stopped())? {
                shard.do_send(Answer);
            }
            parts.push(part);
        }
        Ok(Asked { parts, limit, beyond: (until < count).then(|| number_of(until)) })
    }

    async fn answered(&self, asked: Asked) -> Result<Answered, EngineError> {
        let Asked { parts, limit, beyond } = asked;
        let (mut views, mut next) = (Vec::new(), beyond);
        for part in parts {
            let listed = part.await.map_err(|_| self.inner.stopped())?;
            views.extend(listed.views);
            next = earlier(next, listed.next);
        }
        views.sort_unstable_by_key(|view: &AccountView| view.account);
        next = earlier(next, views.get(limit).map(|view| view.account));
        views.truncate(limit);
        Ok((views, next))
    }

    fn overviews(&self, views: Vec<AccountView>, items: &mut Vec<AccountOverview>) {
        let directory = self.inner.directory.read();
        items.extend(views.into_iter().map(|view| {
            let id = directory.account_id(view.account).unwrap_or_default();
            let ecid = view.enterprise.and_then(|enterprise| directory.enterprise_id(enterprise));
            AccountOverview::of(id, view, ecid.map(str::to_owned))
        }));
    }
}

/// The earlier of two places, if there are any.
fn earlier(one: Option<u32>, other: Option<AccountIndex>) -> Option<u32> {
    one.into_iter().chain(other.map(|account| account.0)).min()
}

fn number_of(account: usize) -> u32 {
    u32::try_from(account).expect("invariant: accounts are numbered by u32")
}
