//! The credit control of one enterprise: members, total quota, contract and allocations (rules A6, E1–E6).

mod command;
mod event;

use std::collections::BTreeMap;

pub use command::CreditCommand;
pub use event::CreditEvent;

use crate::domain::account::{AccountView, Status};
use crate::domain::account_event::Posted;
use crate::domain::crossing::{Cargo, Inbox, Outbox, Party, Received};
use crate::domain::ids::{AccountIndex, Currency, EnterpriseIndex};
use crate::domain::keys::{Keys, Remembered};
use crate::domain::money::{Money, RunningSum};
use crate::domain::profile::AccountType;
use crate::domain::refusals::Refusal;
use crate::domain::time::Timestamp;
use crate::limits::{MEMBERS_MAX, RECEIVED_UNITS_MAX};

/// How far the contract is that the first grant waits for (rule E2).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Contract {
    /// Nobody asked for it.
    #[default]
    None,
    /// By the management account.
    Requested,
    /// By the provider.
    Approved,
    /// By the management account: limits count from here on.
    Confirmed,
}

impl Contract {
    /// Its name in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::Confirmed => "confirmed",
        }
    }
}

/// One member, or an account that was invited.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Member {
    /// The invitation was accepted.
    pub active: bool,
    /// The limit given to it.
    pub assigned: Money,
    /// The limit that it gets when the contract is confirmed.
    pub pending: Money,
}

/// What an enterprise is opened with (rule A6).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Charter {
    /// The verified legal owner of it and of all its accounts.
    pub owner: Box<str>,
    /// Id of the management account, a cloud account.
    pub management_account: Box<str>,
    /// Currency of its credit.
    pub currency: Currency,
}

/// What setting a limit takes, as things are (rule E3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Allocation {
    /// The credit control raises it, or notes it as pending.
    Raise,
    /// The account lowers it by so much.
    Lower(Money),
}

/// What an allocation answers (rule E3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AllocationView {
    /// The member's limit before.
    pub before: Money,
    /// The limit that it was given.
    pub after: Money,
    /// The member's available credit with that limit; below 0 it is overdue.
    pub available_credit_after: Money,
    /// The limit waits for the contract and counts 0 until then (rule E2).
    pub pending: bool,
}

/// The state of one enterprise's credit control.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreditControl {
    /// The enterprise.
    pub enterprise: EnterpriseIndex,
    /// What it was opened with.
    pub charter: Charter,
    /// Number of its newest record.
    pub sequence: u64,
    /// Business time of its last decision (rule J5).
    pub at: Timestamp,
    /// Idempotency keys (rule J2).
    pub keys: Keys,
    /// Whether the Account Center is enabled.
    pub account_center: bool,
    /// Public cloud quota.
    pub public_cloud: Money,
    /// Hybrid cloud quota.
    pub hybrid_cloud: Money,
    /// The contract.
    pub contract: Contract,
    /// Members and invited accounts.
    pub members: BTreeMap<AccountIndex, Member>,
    /// What it sent to accounts.
    pub outbox: Outbox,
    /// What it received from them.
    pub inbox: Inbox,
    /// The total was lowered below what is assigned (rule E4).
    pub total_lowered: bool,
}

impl CreditControl {
    /// A new enterprise's.
    pub fn open(enterprise: EnterpriseIndex, charter: Charter) -> Self {
        Self {
            enterprise,
            charter,
            sequence: 0,
            at: Timestamp::MIN,
            keys: Keys::default(),
            account_center: false,
            public_cloud: Money::ZERO,
            hybrid_cloud: Money::ZERO,
            contract: Contract::None,
            members: BTreeMap::new(),
            outbox: Outbox::default(),
            inbox: Inbox::default(),
            total_lowered: false,
        }
    }

    /// The enterprise's total credit quota (rule E1).
    pub fn total(&self) -> Money {
        self.public_cloud.checked_add(self.hybrid_cloud).expect("invariant: checked when it was set")
    }

    /// The sum of all members' limits.
    pub fn assigned(&self) -> Money {
        self.sum_of(|member| member.assigned)
    }

    /// The sum of the limits that wait for the contract.
    pub fn pending(&self) -> Money {
        self.sum_of(|member| member.pending)
    }

    /// What is left to assign; below 0 after the total was lowered (rules E1, E4).
    pub fn unassigned(&self) -> Money {
        self.total().checked_sub(self.assigned()).expect("invariant: both are bounded")
    }

    fn sum_of(&self, part: impl Fn(&Member) -> Money) -> Money {
        let sum = self.members.values().fold(RunningSum::default(), |sum, member| sum.plus(part(member)));
        sum.total().expect("invariant: limits are bounded by the totals of their time")
    }

    /// What is left to assign, pending limits included.
    fn assignable(&self) -> Money {
        self.unassigned().checked_sub(self.pending()).expect("invariant: both are bounded")
    }

    /// An active member of an enabled Account Center (rule A6).
    pub fn member(&self, account: AccountIndex) -> Result<&Member, Refusal> {
        if !self.account_center {
            return Err(Refusal::AccountCenterNotEnabled);
        }
        self.members.get(&account).filter(|member| member.active).ok_or(Refusal::AssociationNotActive)
    }

    /// Whether an account may accept the enterprise's invitation (rule A6).
    pub fn decide_accept(&self, account: AccountIndex) -> Result<(), Refusal> {
        if !self.account_center {
            return Err(Refusal::AccountCenterNotEnabled);
        }
        match self.members.get(&account) {
            Some(member) if member.active => Err(Refusal::AlreadyExists),
            Some(_) => Ok(()),
            None => Err(Refusal::NotInvited),
        }
    }

    /// Whether a member may leave: nothing is on its way to it, and nothing waits for the contract, whose confirmation
    /// would send it credit (rule A6).
    pub fn decide_leave(&self, account: AccountIndex) -> Result<(), Refusal> {
        if self.outbox.waiting().any(|sent| sent.to == Party::Account(account)) {
            return Err(Refusal::MoneyInFlight);
        }
        match self.members.get(&account) {
            Some(member) if member.pending != Money::ZERO => Err(Refusal::CreditAllocated),
            _ => Ok(()),
        }
    }

    /// Which way a member's limit goes; what concerns the account alone is checked as well (rules E3, E5, E6).
    pub fn allocation(&self, account: &AccountView, limit: Money) -> Result<Allocation, Refusal> {
        let before = self.members.get(&account.account).map_or(Money::ZERO, |member| self.limit_of(member));
        self.may_hold_credit(&[(account, limit > before)])?;
        if limit < Money::ZERO {
            return Err(Refusal::AmountMustBePositive);
        }
        if limit.units() > RECEIVED_UNITS_MAX {
            return Err(Refusal::AmountOverflow);
        }
        self.not_elsewhere(account)?;
        let member = self.member_as_seen(account)?;
        if account.may_not_serve_itself {
            return Err(Refusal::SelfServiceDisabled);
        }
        match member.assigned.checked_sub(limit) {
            Some(less) if less > Money::ZERO => Ok(Allocation::Lower(less)),
            _ => Ok(Allocation::Raise),
        }
    }

    /// Whether a member's credit may move to another one; how much is for the first one to decide (rule E3).
    pub fn decide_move(&self, from: &AccountView, to: &AccountView, amount: Money) -> Result<(), Refusal> {
        self.may_hold_credit(&[(from, false), (to, true)])?;
        if amount <= Money::ZERO {
            return Err(Refusal::AmountMustBePositive);
        }
        if from.account == to.account {
            return Err(Refusal::SameAccount);
        }
        self.not_elsewhere(from)?;
        self.not_elsewhere(to)?;
        self.member_as_seen(from)?;
        self.member_as_seen(to)?;
        if from.may_not_serve_itself || to.may_not_serve_itself {
            return Err(Refusal::SelfServiceDisabled);
        }
        if self.contract != Contract::Confirmed {
            return Err(Refusal::ContractNotConfirmed);
        }
        Ok(())
    }

    /// The least and the greatest limit that a member can be given now (rule E3).
    pub fn bounds(&self, account: AccountIndex) -> Result<(Money, Money), Refusal> {
        let limit = self.limit_of(self.member(account)?);
        Ok((Money::ZERO, plus(limit, self.assignable().max(Money::ZERO))))
    }

    /// Decides a command; `None` if it was done already.
    pub fn decide(&self, command: &CreditCommand) -> Result<Option<CreditEvent>, Refusal> {
        let step = |needs: Contract, event: CreditEvent| {
            if self.contract == needs { Ok(Some(event)) } else { Err(Refusal::ContractNotConfirmed) }
        };
        match command {
            CreditCommand::EnableAccountCenter => {
                Ok((!self.account_center).then_some(CreditEvent::AccountCenterEnabled))
            }
            CreditCommand::InviteAccount { account, owner } => self.decide_invite(account, owner),
            CreditCommand::SetTotalCredit { public_cloud, hybrid_cloud } => {
                if *public_cloud < Money::ZERO || *hybrid_cloud < Money::ZERO {
                    return Err(Refusal::AmountMustBePositive);
                }
                let total = public_cloud.checked_add(*hybrid_cloud).ok_or(Refusal::AmountOverflow)?;
                if total.units() > RECEIVED_UNITS_MAX {
                    return Err(Refusal::AmountOverflow);
                }
                let (public_cloud, hybrid_cloud) = (*public_cloud, *hybrid_cloud);
                Ok(Some(CreditEvent::TotalCreditSet { public_cloud, hybrid_cloud }))
            }
            CreditCommand::RequestContract => step(Contract::None, CreditEvent::ContractRequested),
            CreditCommand::ApproveContract => step(Contract::Requested, CreditEvent::ContractApproved),
            CreditCommand::ConfirmContract => {
                let pending = self.members.iter().filter(|(_, member)| member.pending > Money::ZERO);
                let activated = pending.map(|(account, member)| (*account, member.pending)).collect();
                let event = CreditEvent::ContractConfirmed { activated, posted: self.posted() };
                let confirmed = step(Contract::Approved, event)?;
                // The total was lowered below what is pending, and the confirmation is an increase (rule E1).
                if self.pending() > Money::ZERO && self.assignable() < Money::ZERO {
                    return Err(Refusal::ExceedsUnassignedCredit);
                }
                Ok(confirmed)
            }
            CreditCommand::AllocateCredit { account, limit, min_available_credit_after } => {
                self.decide_raise(account, *limit, *min_available_credit_after)
            }
        }
    }

    fn decide_invite(&self, account: &AccountView, owner: &str) -> Result<Option<CreditEvent>, Refusal> {
        if account.status == Status::Canceled {
            return Err(Refusal::AccountCanceled);
        }
        if account.status == Status::Frozen {
            return Err(Refusal::AccountFrozen);
        }
        if account.enterprise.is_some_and(|enterprise| enterprise != self.enterprise) {
            return Err(Refusal::DifferentEnterprise);
        }
        if !self.account_center {
            return Err(Refusal::AccountCenterNotEnabled);
        }
        if *owner != *self.charter.owner {
            return Err(Refusal::OwnerMismatch);
        }
        if self.members.contains_key(&account.account) {
            return Ok(None);
        }
        if self.members.len() >= MEMBERS_MAX {
            return Err(Refusal::TooManyItems);
        }
        Ok(Some(CreditEvent::AccountInvited { account: account.account }))
    }

    fn decide_raise(
        &self,
        account: &AccountView,
        limit: Money,
        min_after: Option<Money>,
    ) -> Result<Option<CreditEvent>, Refusal> {
        const BOUNDED: &str = "invariant: limits are bounded";
        let Allocation::Raise = self.allocation(account, limit)? else {
            return Err(Refusal::MoneyInFlight); // somebody else has raised it meanwhile
        };
        let member = *self.member(account.account)?;
        let amount = limit.checked_sub(member.assigned).expect(BOUNDED);
        let confirmed = self.contract == Contract::Confirmed;
        let more = limit.checked_sub(self.limit_of(&member)).expect(BOUNDED);
        if more > Money::ZERO && more > self.assignable() {
            return Err(Refusal::ExceedsUnassignedCredit);
        }
        if let Some(least) = min_after {
            let rises = if confirmed { amount } else { Money::ZERO };
            // A sum that does not fit is more than any.
            if account.spendable.checked_add(rises).is_some_and(|after| after < least) {
                return Err(Refusal::BelowMinimumAvailableCredit);
            }
        }
        if more == Money::ZERO {
            return Ok(None);
        }
        let account = account.account;
        if !confirmed {
            return Ok(Some(CreditEvent::LimitPending { account, limit }));
        }
        let posted = self.posted();
        Ok(Some(CreditEvent::CreditAllocated { account, amount, assigned_after: limit, posted }))
    }

    /// What a member's message does; none if it was received before. It is never refused.
    pub fn receive(&self, received: &Received) -> Option<(CreditEvent, Option<Remembered>)> {
        let Received { from, number, cargo } = received;
        if *number <= self.inbox.newest(*from) {
            return None;
        }
        let (Party::Account(account), number) = (*from, *number) else {
            unreachable!("invariant: credit controls hear from accounts only");
        };
        match cargo {
            Cargo::Joined => Some((CreditEvent::MemberJoined { account, number }, None)),
            Cargo::Left => Some((CreditEvent::MemberLeft { account, number }, None)),
            Cargo::CreditReturn { amount, moves_to, remembered } => {
                // Credit for somebody who is no member any more stays with the enterprise.
                let to = moves_to.filter(|to| self.members.get(to).is_some_and(|member| member.active));
                let moved = to.map(|to| (to, self.posted()));
                let event = CreditEvent::CreditReturned { account, number, amount: *amount, moved };
                Some((event, remembered.as_deref().cloned()))
            }
            _ => unreachable!("invariant: members join, leave and return credit"),
        }
    }

    /// Applies one record; may not fail.
    pub fn apply(&mut self, event: &CreditEvent, at: Timestamp, remembered: Option<Remembered>) {
        match event {
            CreditEvent::AccountCenterEnabled => self.account_center = true,
            CreditEvent::AccountInvited { account } => {
                self.members.insert(*account, Member::default());
            }
            CreditEvent::MemberJoined { account, number } => {
                self.members.entry(*account).or_default().active = true;
                self.inbox.receive(Party::Account(*account), *number);
            }
            CreditEvent::MemberLeft { account, number } => {
                let left = self.members.remove(account).unwrap_or_default();
                if left.assigned != Money::ZERO {
                    // Never while `decide_leave` is asked; what a leaver has stays accounted for.
                    let left = Member { active: false, pending: Money::ZERO, ..left };
                    self.members.insert(*account, left);
                }
                self.inbox.receive(Party::Account(*account), *number);
            }
            CreditEvent::TotalCreditSet { public_cloud, hybrid_cloud } => {
                self.public_cloud = *public_cloud;
                self.hybrid_cloud = *hybrid_cloud;
            }
            CreditEvent::NothingChanged => {}
            CreditEvent::ContractRequested => self.contract = Contract::Requested,
            CreditEvent::ContractApproved => self.contract = Contract::Approved,
            CreditEvent::ContractConfirmed { activated, posted } => {
                self.contract = Contract::Confirmed;
                self.outbox.acknowledge_up_to(posted.acknowledged);
                for (account, limit) in activated {
                    let member = self.members.entry(*account).or_default();
                    member.assigned = plus(member.assigned, *limit);
                    member.pending = Money::ZERO;
                    self.outbox.push(Party::Account(*account), Cargo::Credit { amount: *limit });
                }
            }
            CreditEvent::LimitPending { account, limit } => {
                self.members.entry(*account).or_default().pending = *limit;
            }
            CreditEvent::CreditAllocated { account, amount, posted, .. } => {
                self.give(*account, *amount, *posted);
            }
            CreditEvent::CreditReturned { account, number, amount, moved } => {
                let member = self.members.entry(*account).or_default();
                let left = member.assigned.checked_sub(*amount);
                member.assigned = left.expect("invariant: a member returns at most what it was given");
                self.inbox.receive(Party::Account(*account), *number);
                if let Some((to, posted)) = moved {
                    self.give(*to, *amount, *posted);
                }
            }
        }
        self.sequence += 1;
        self.at = self.at.max(at);
        if let Some(remembered) = remembered {
            self.keys.remember(remembered);
        }
        // The sum over all members only where it matters.
        let total_set = matches!(event, CreditEvent::TotalCreditSet { .. });
        self.total_lowered = (self.total_lowered || total_set) && self.unassigned() < Money::ZERO;
    }

    fn give(&mut self, account: AccountIndex, amount: Money, posted: Posted) {
        let member = self.members.entry(account).or_default();
        member.assigned = plus(member.assigned, amount);
        self.outbox.acknowledge_up_to(posted.acknowledged);
        self.outbox.push(Party::Account(account), Cargo::Credit { amount });
        assert_eq!(self.outbox.last(), posted.number, "invariant: messages are numbered without a gap");
    }

    /// A member's limit, or the one that waits for the contract.
    fn limit_of(&self, member: &Member) -> Money {
        if self.contract == Contract::Confirmed { member.assigned } else { member.pending }
    }

    /// The account does not belong to another enterprise.
    fn not_elsewhere(&self, account: &AccountView) -> Result<(), Refusal> {
        match account.enterprise {
            Some(enterprise) if enterprise != self.enterprise => Err(Refusal::DifferentEnterprise),
            _ => Ok(()),
        }
    }

    /// An active member that has not left either, its message being on its way: nothing can be sent to it any more.
    fn member_as_seen(&self, account: &AccountView) -> Result<&Member, Refusal> {
        let member = self.member(account.account)?;
        if account.enterprise.is_some() { Ok(member) } else { Err(Refusal::AssociationNotActive) }
    }

    /// Statuses, types and currencies of accounts that may have credit, or more of it where it says so (rules A2, B2).
    fn may_hold_credit(&self, accounts: &[(&AccountView, bool)]) -> Result<(), Refusal> {
        let any = |broken: &dyn Fn(&AccountView, bool) -> bool, refusal| {
            if accounts.iter().any(|(account, more)| broken(account, *more)) { Err(refusal) } else { Ok(()) }
        };
        any(&|account, _| account.status == Status::Canceled, Refusal::AccountCanceled)?;
        any(&|account, more| more && account.status == Status::Frozen, Refusal::AccountFrozen)?;
        any(&|account, _| account.kind != AccountType::Direct, Refusal::NotSupportedForAccountType)?;
        any(&|account, more| more && !account.profile.credit_enabled, Refusal::CreditNotEnabled)?;
        any(&|account, _| account.currency != self.charter.currency, Refusal::CurrencyMismatch)
    }

    /// The message that the next record sends.
    fn posted(&self) -> Posted {
        Posted { number: self.outbox.next(), acknowledged: self.outbox.acknowledged() }
    }
}

fn plus(sum: Money, amount: Money) -> Money {
    sum.checked_add(amount).expect("invariant: limits are bounded by the totals of their time")
}
