//! Issuing bills, and deciding what is due, of all accounts: as a stream beside ingestion (rules D1, J5).

use std::sync::Arc;

use futures_util::future::try_join_all;

use super::answer::{Answer, IssueAnswer};
use super::commands::{Scope, quoted};
use super::{Engine, EngineError};
use crate::actors::issue::{Advance, IssueBill, IssueBills, Sweep};
use crate::actors::shard::Shard;
use crate::actors::ticket::Stopped;
use crate::domain::billing::rate::ExchangeRates;
use crate::domain::refusals::Refusal;
use crate::domain::time::Cycle;
use crate::limits::ACCOUNTS_PER_SWEEP;

/// How far a sweep over all accounts is: accounts looked at, and how many there are.
pub type SweepProgress<'a> = &'a (dyn Fn(u64, u64) + Sync);

impl Engine {
    /// Issues the bills of `cycle`, and of older ones, of every account that has something to bill; `progress` is told how
    /// many accounts have been looked at. It blocks the thread. Doing it again goes on where it was interrupted: each bill
    /// is issued once (rule D1).
    pub fn issue_all(
        &self,
        cycle: Cycle,
        at: Option<crate::domain::time::Timestamp>,
        progress: SweepProgress<'_>,
    ) -> Result<IssueAnswer, EngineError> {
        self.blocking()?;
        let request = super::Request {
            at,
            ..super::Request::new(super::Command::IssueBills { cycle, billing_account: None })
        };
        let scope = Scope::new(&self.inner, &request)?;
        pollster::block_on(self.issue_through(&scope, cycle, progress))
    }

    pub(super) async fn issue_bills(
        &self,
        scope: Scope,
        cycle: Cycle,
        billing_account: Option<&str>,
    ) -> Result<Answer, EngineError> {
        self.authorize_provider(&scope.principal)?;
        let Some(billing_account) = billing_account else {
            let answer = self.issue_through(&scope, cycle, &|_, _| ()).await?;
            return Ok(Answer::Issued(answer));
        };
        self.inner.check_running()?;
        let account = self.known(billing_account)?;
        let message = IssueBill { account, cycle, rates: self.rates(), given: scope.given(&self.inner) };
        let shard = account.partition().shard(self.inner.shards.len());
        let issued = self.inner.shards[shard].send(message).await.map_err(|_| self.inner.stopped())?;
        let issued = issued.map_err(|_| self.inner.stopped())?;
        issued.map_err(|refusal| EngineError::refused(refusal, quoted(billing_account)))?;
        let bill = self.bill(billing_account, cycle).await?;
        Ok(Answer::Issued(IssueAnswer { issued: 1, bill: Some(Box::new(bill)), refused: Vec::new() }))
    }

    async fn issue_through(
        &self,
        scope: &Scope,
        cycle: Cycle,
        progress: SweepProgress<'_>,
    ) -> Result<IssueAnswer, EngineError> {
        let rates = self.rates();
        // The bills are their own memory: a key for each account would only take room.
        let given = Scope { key: None, principal: scope.principal.clone(), at: scope.at }.given(&self.inner);
        let (issued, refused) = self
            .sweep(progress, |from| IssueBills {
                through: cycle,
                rates: Arc::clone(&rates),
                given: given.clone(),
                from,
                limit: ACCOUNTS_PER_SWEEP,
            })
            .await?;
        Ok(IssueAnswer { issued, bill: None, refused })
    }

    /// Has everything decided that is due (rule J5), bills too.
    pub(super) async fn advance_time(&self, scope: &Scope) -> Result<Answer, EngineError> {
        self.authorize_provider(&scope.principal)?;
        let (at, rates) = (scope.at, self.rates());
        let limit = ACCOUNTS_PER_SWEEP;
        let advance = |from| Advance { at, rates: Arc::clone(&rates), from, limit };
        let (decided, refused) = self.sweep(&|_, _| (), advance).await?;
        Ok(Answer::Advanced { decided, refused })
    }

    fn rates(&self) -> Arc<ExchangeRates> {
        self.inner.directory.read().rates()
    }

    /// Sends every shard one message after the other, each when what came of the one before is durable.
    async fn sweep<M>(
        &self,
        progress: SweepProgress<'_>,
        message: impl Fn(usize) -> M,
    ) -> Result<(u64, Vec<(String, Refusal)>), EngineError>
    where
        M: actix::Message<Result = Result<Sweep, Stopped>> + Send + 'static,
        Shard: actix::Handler<M>,
    {
        self.inner.check_running()?;
        let total = self.inner.directory.read().account_count() as u64;
        let done = std::sync::atomic::AtomicU64::new(0);
        let sweeps = self.inner.shards.iter().map(async |shard| {
            let (mut count, mut refused, mut next) = (0, Vec::new(), Some(0));
            while let Some(from) = next {
                let sweep = shard.send(message(from)).await.map_err(|_| self.inner.stopped())?;
                let sweep = sweep.map_err(|_| self.inner.stopped())?;
                let order = std::sync::atomic::Ordering::Relaxed;
                let looked_at = (ACCOUNTS_PER_SWEEP as u64).min(total);
                progress((done.fetch_add(looked_at, order) + looked_at).min(total), total);
                count += sweep.count;
                refused.extend(sweep.refused);
                next = sweep.next;
            }
            Ok::<_, EngineError>((count, refused))
        });
        let (mut count, mut refused) = (0, Vec::new());
        for swept in try_join_all(sweeps).await? {
            count += swept.0;
            refused.extend(swept.1);
        }
        let directory = self.inner.directory.read();
        let named =
            |(account, refusal)| (directory.account_id(account).unwrap_or_default().to_owned(), refusal);
        Ok((count, refused.into_iter().map(named).collect()))
    }
}
