//! Issuing bills, and deciding what is due: some accounts of a shard at a time, so that ingestion never stops (rules D1,
//! J5).

use std::sync::Arc;

use actix::{Handler, Message, ResponseFuture};
use tokio::sync::oneshot;

use super::billing_account::{BillingAccount, Cause};
use super::credit_control::Given;
use super::log::Release;
use super::planted::PlantedFault;
use super::resident::Resident;
use super::shard::Shard;
use super::ticket::Stopped;
use crate::domain::account::CycleSums;
use crate::domain::account_event::AccountEvent;
use crate::domain::billing::rate::ExchangeRates;
use crate::domain::directory::account_slot;
use crate::domain::ids::AccountIndex;
use crate::domain::paid_cloud_account::PaidCloudAccount;
use crate::domain::refusals::Refusal;
use crate::domain::time::{Cycle, Timestamp};

/// What some accounts of a shard came to.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Sweep {
    /// How many bills were issued, or things that were due decided.
    pub count: u64,
    /// The accounts whose bills could not be issued, and why.
    pub refused: Vec<(AccountIndex, Refusal)>,
    /// The slot to go on from; none at the end.
    pub next: Option<usize>,
}

/// Issues the bills of a cycle, and of older ones, of some accounts that have something to bill.
pub struct IssueBills {
    /// The cycle.
    pub through: Cycle,
    /// The exchange rates.
    pub rates: Arc<ExchangeRates>,
    /// Business time, and who gave the command.
    pub given: Given,
    /// The first slot.
    pub from: usize,
    /// At most so many accounts.
    pub limit: usize,
}

impl Message for IssueBills {
    type Result = Result<Sweep, Stopped>;
}

impl Handler<IssueBills> for Shard {
    type Result = ResponseFuture<Result<Sweep, Stopped>>;

    fn handle(&mut self, message: IssueBills, context: &mut Self::Context) -> Self::Result {
        self.drain();
        let IssueBills { through, rates, given, from, limit } = message;
        let sweep = self.sweep(from, limit, |shard, slot, sweep| {
            let issued = shard.issue_through(slot, through, &rates, &given);
            sweep.count += issued.0;
            issued.1
        });
        self.answer(sweep, context)
    }
}

/// Issues the bill of one account's cycle, after those of older ones; also if there is nothing to bill.
pub struct IssueBill {
    /// Whose.
    pub account: AccountIndex,
    /// The cycle.
    pub cycle: Cycle,
    /// The exchange rates.
    pub rates: Arc<ExchangeRates>,
    /// Who gave the command.
    pub given: Given,
}

impl Message for IssueBill {
    type Result = Result<Result<(), Refusal>, Stopped>;
}

impl Handler<IssueBill> for Shard {
    type Result = ResponseFuture<Result<Result<(), Refusal>, Stopped>>;

    fn handle(&mut self, message: IssueBill, context: &mut Self::Context) -> Self::Result {
        self.drain();
        let IssueBill { account, cycle, rates, given } = message;
        let slot = account_slot(account, self.shards);
        let issued = self.issue_one(slot, cycle, &rates, &given);
        self.answer(issued, context)
    }
}

/// Has some accounts decide what is due by then: expiries, and bills (rules D1, J5).
pub struct Advance {
    /// By when.
    pub at: Timestamp,
    /// The exchange rates.
    pub rates: Arc<ExchangeRates>,
    /// The first slot.
    pub from: usize,
    /// At most so many accounts.
    pub limit: usize,
}

impl Message for Advance {
    type Result = Result<Sweep, Stopped>;
}

impl Handler<Advance> for Shard {
    type Result = ResponseFuture<Result<Sweep, Stopped>>;

    fn handle(&mut self, message: Advance, context: &mut Self::Context) -> Self::Result {
        self.drain();
        let Advance { at, rates, from, limit } = message;
        let sweep = self.sweep(from, limit, |shard, slot, sweep| {
            let decided = shard.advance(slot, at, &rates);
            sweep.count += decided.0;
            decided.1
        });
        self.answer(sweep, context)
    }
}

impl Shard {
    /// Answers when everything recorded so far is durable.
    pub(super) fn answer<T: Send + 'static>(
        &mut self,
        answer: T,
        context: &mut <Self as actix::Actor>::Context,
    ) -> ResponseFuture<Result<T, Stopped>> {
        let (reply, answered) = oneshot::channel();
        let release = Release::Reply(Box::new(move || {
            let _nobody_waits = reply.send(answer);
        }));
        self.resident.log.releases.push(release);
        self.finish_turn(context);
        Box::pin(async move { answered.await.map_err(|_| Stopped) })
    }

    fn sweep(
        &mut self,
        from: usize,
        limit: usize,
        mut decide: impl FnMut(&mut Self, usize, &mut Sweep) -> Result<(), Refusal>,
    ) -> Sweep {
        let mut sweep = Sweep::default();
        let end = self.accounts.len().min(from.saturating_add(limit));
        for slot in from..end {
            if let Err(refusal) = decide(self, slot, &mut sweep) {
                sweep.refused.push((self.accounts[slot].account.index, refusal));
            }
        }
        sweep.next = (end < self.accounts.len()).then_some(end);
        sweep
    }

    fn paid_by(&self, slot: usize) -> impl Iterator<Item = &PaidCloudAccount> {
        self.payments_of(slot).map(|payment| &payment.paid)
    }

    /// The first cycle of an account up to `through` in which there is something to bill.
    fn first_to_bill(&self, slot: usize, through: Cycle) -> Option<Cycle> {
        self.accounts[slot].account.first_to_bill(self.paid_by(slot), through)
    }

    fn issue(
        &mut self,
        slot: usize,
        cycle: Cycle,
        rates: &ExchangeRates,
        given: Option<&Given>,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        let mut sums = CycleSums::default();
        for paid in self.paid_by(slot) {
            sums.add(paid, cycle);
        }
        self.lend(slot, |account, context| account.issue(cycle, sums, rates, given, at, context))
    }

    /// Issues every bill up to a cycle for which there is something to bill; how many, and why no more.
    fn issue_through(
        &mut self,
        slot: usize,
        through: Cycle,
        rates: &ExchangeRates,
        given: &Given,
    ) -> (u64, Result<(), Refusal>) {
        let mut count = 0;
        while let Some(cycle) = self.first_to_bill(slot, through) {
            if let Err(refusal) = self.issue(slot, cycle, rates, Some(given), given.at) {
                return (count, Err(refusal));
            }
            count += 1;
        }
        (count, Ok(()))
    }

    fn issue_one(
        &mut self,
        slot: usize,
        cycle: Cycle,
        rates: &ExchangeRates,
        given: &Given,
    ) -> Result<(), Refusal> {
        if self.resident.planted == Some(PlantedFault::BillIssuedTwice) {
            self.lend(slot, |account, context| account.issue_again(cycle, given, context));
        }
        let account = &self.accounts[slot].account;
        if let (Some((key, digest)), Some(rare)) = (&given.key, account.rare())
            && rare.keys.look_up(&given.principal, key, *digest)?.is_some()
        {
            return Ok(());
        }
        if cycle < account.open_from() {
            return Err(Refusal::AlreadyIssued);
        }
        let at = given.at.max(account.at());
        if cycle.next().start(account.offset()) > at {
            return Err(Refusal::CycleOpen);
        }
        // Older ones come without the key, which is the named one's.
        let of_older = Given { key: None, ..given.clone() };
        while let Some(older) = self.first_to_bill(slot, cycle).filter(|older| *older < cycle) {
            self.issue(slot, older, rates, Some(&of_older), at)?;
        }
        self.issue(slot, cycle, rates, Some(given), at)
    }

    /// Decides what is due by `at` in due order: expiries, and bills; how much, and why no more bills.
    fn advance(&mut self, slot: usize, at: Timestamp, rates: &ExchangeRates) -> (u64, Result<(), Refusal>) {
        let (mut count, mut issued) = (0, Ok(()));
        // What else is due does not wait for a bill that can't be issued.
        while issued.is_ok() {
            let account = &self.accounts[slot].account;
            let last = Cycle::of(at, account.offset()).unwrap_or_default();
            let bill = self.first_to_bill(slot, last).map(|cycle| (cycle, account.issue_due(cycle)));
            let Some((cycle, due)) = bill.filter(|(_, due)| *due <= at) else { break };
            count += self.lend(slot, |account, context| account.settle_due(due, context));
            issued = self.issue(slot, cycle, rates, None, due);
            count += u64::from(issued.is_ok());
        }
        if self.accounts[slot].account.due(at).is_some() {
            count += self.lend(slot, |account, context| account.settle_due(at, context));
        }
        (count, issued)
    }
}

impl BillingAccount {
    /// Issues one bill at `at`, or at the account's own time if that is later; by the clock where nobody has asked.
    fn issue(
        &mut self,
        cycle: Cycle,
        sums: CycleSums,
        rates: &ExchangeRates,
        given: Option<&Given>,
        at: Timestamp,
        context: &mut Resident,
    ) -> Result<(), Refusal> {
        let at = at.max(self.account.at());
        self.settle_due(at, context);
        let event = self.account.decide_issue(cycle, sums, rates, at)?;
        let cause = match given {
            Some(given) => {
                Cause { at, elsewhere: given.elsewhere(), actor: given.principal.clone(), crossing: None }
            }
            None => Cause::due(at),
        };
        self.record(event, cause, given, context);
        Ok(())
    }

    /// A planted fault: a bill that is issued comes once more, as that of the next cycle.
    #[cold]
    fn issue_again(&mut self, cycle: Cycle, given: &Given, context: &mut Resident) {
        let Some(before) = self.account.billing().bills.of(cycle) else { return };
        let mut bill = Box::new(before.clone());
        bill.cycle = self.account.open_from();
        (bill.payments, bill.settled_at) = (Vec::new(), None);
        let at = given.at;
        let cause = Cause { at, elsewhere: at, actor: given.principal.clone(), crossing: None };
        self.record(AccountEvent::BillIssued { bill }, cause, None, context);
    }
}
