//! Commands that cross accounts: each step is a message, and the answer comes when every part is durable (rules A6,
//! E1–E6, F1–F5, G2).

use std::sync::Arc;

use super::answer::{AllocationAnswer, Answer};
use super::authorization::Decider;
use super::commands::{Scope, quoted, require};
use super::enterprise_queries::CreditOverview;
use super::{Engine, EngineError};
use crate::actors::billing_account::{Do, Recall, View, ViewAt};
use crate::actors::credit_control::{CreditAnswer, CreditQuestion, DoCredit};
use crate::actors::crossings::Crossing;
use crate::actors::directory::ChangeItem;
use crate::domain::account::{AccountView, Surroundings};
use crate::domain::account_command::AccountCommand;
use crate::domain::credit_control::{
    Allocation, AllocationView, Charter, Contract, CreditCommand, CreditControl, Member,
};
use crate::domain::ids::{AccountIndex, Currency, EnterpriseIndex, is_id};
use crate::domain::money::Money;
use crate::domain::permissions::Permission;
use crate::domain::refusals::Refusal;

impl Engine {
    /// Opens an enterprise (rule A6).
    pub(super) async fn open_enterprise(
        &self,
        scope: Scope,
        ecid: &str,
        charter: Charter,
    ) -> Result<Answer, EngineError> {
        require(is_id(ecid), "ecid", "give an id of 1 to 128 printable bytes")?;
        let manager = &charter.management_account;
        if self.inner.directory.read().cloud(manager).is_none() {
            return Err(EngineError::refused(Refusal::NotFound, quoted(manager)));
        }
        let item = ChangeItem::OpenEnterprise { ecid: ecid.into(), charter: Box::new(charter) };
        self.change_one(scope, item, ecid).await?;
        Ok(Answer::Credit(Box::new(self.credit_overview_async(ecid).await?)))
    }

    /// A command to a credit control alone.
    pub(super) async fn credit_command(
        &self,
        scope: Scope,
        ecid: &str,
        command: CreditCommand,
    ) -> Result<Answer, EngineError> {
        let enterprise = self.known_enterprise(ecid)?;
        let _alone = self.inner.enterprise_lock(enterprise).await;
        let confirms = command == CreditCommand::ConfirmContract;
        self.tell_control(enterprise, scope, command, None, ecid).await?;
        let state = self.control_state(enterprise).await?;
        if confirms {
            // Every member's half must be durable.
            for account in state.members.keys() {
                self.ask(*account, View).await?;
            }
        }
        Ok(Answer::Credit(Box::new(self.credit_overview_of(ecid, &state))))
    }

    /// The enterprise after a command that its credit control has had part in.
    async fn credit_answer(&self, enterprise: EnterpriseIndex, ecid: &str) -> Result<Answer, EngineError> {
        let state = self.control_state(enterprise).await?;
        Ok(Answer::Credit(Box::new(self.credit_overview_of(ecid, &state))))
    }

    /// Invites an account (rule A6).
    pub(super) async fn invite(
        &self,
        scope: Scope,
        ecid: &str,
        billing_account: &str,
    ) -> Result<Answer, EngineError> {
        let account = Box::new(self.ask(self.known(billing_account)?, View).await?);
        let owner = owner_of(&account, billing_account);
        self.credit_command(scope, ecid, CreditCommand::InviteAccount { account, owner }).await
    }

    /// Accepts an invitation: the account decides, and tells the credit control (rule A6).
    pub(super) async fn accept(
        &self,
        scope: Scope,
        ecid: &str,
        billing_account: &str,
    ) -> Result<Answer, EngineError> {
        let (enterprise, account) = (self.known_enterprise(ecid)?, self.known(billing_account)?);
        let _alone = self.inner.enterprise_lock(enterprise).await;
        let first = self.recall(account, &scope, billing_account).await?;
        if first.is_none() {
            let invited =
                self.ask_control(enterprise, CreditQuestion::Accept(account), billing_account).await;
            let crossing = self.enter(&[account], billing_account)?;
            let state = self.control_state(enterprise).await?;
            let view = self.ask(account, View).await?;
            // The account's own refusals come first in order: what it says of itself is checked by itself.
            let same_owner = owner_of(&view, billing_account) == state.charter.owner;
            invited?;
            let command = AccountCommand::JoinEnterprise { enterprise, same_owner };
            self.tell(account, scope, command, Surroundings::default(), Some(crossing), billing_account)
                .await?;
        }
        self.credit_answer(enterprise, ecid).await
    }

    /// Ends an association: the account decides, and tells the credit control (rule A6).
    pub(super) async fn end_association(
        &self,
        scope: Scope,
        ecid: &str,
        billing_account: &str,
    ) -> Result<Answer, EngineError> {
        let (enterprise, account) = (self.known_enterprise(ecid)?, self.known(billing_account)?);
        let _alone = self.inner.enterprise_lock(enterprise).await;
        if self.recall(account, &scope, billing_account).await?.is_none() {
            let closing = self.inner.crossings.close(account);
            let outgoing =
                self.ask_control(enterprise, CreditQuestion::Leave(account), billing_account).await;
            let sent = refused_as(&outgoing, Refusal::MoneyInFlight);
            if !sent {
                outgoing?;
            }
            let incoming = closing.is_err() || sent;
            let around = Surroundings { incoming, ..Surroundings::default() };
            let command = AccountCommand::LeaveEnterprise { enterprise };
            self.tell(account, scope, command, around, None, billing_account).await?;
        }
        self.credit_answer(enterprise, ecid).await
    }

    /// Sets a member's limit: the credit control raises it, the account lowers it (rules E1–E3).
    pub(super) async fn allocate(
        &self,
        scope: Scope,
        ecid: &str,
        billing_account: &str,
        limit: Money,
        least: Option<Money>,
        dry_run: bool,
    ) -> Result<Answer, EngineError> {
        let (enterprise, index) = (self.known_enterprise(ecid)?, self.known(billing_account)?);
        let _alone = self.inner.enterprise_lock(enterprise).await;
        if !dry_run && let Some((key, digest)) = &scope.key {
            let question = CreditQuestion::Recall(scope.principal.clone(), key.clone(), *digest);
            if let CreditAnswer::Recalled(Some(Some(first))) =
                self.ask_control(enterprise, question, billing_account).await?
            {
                self.ask(index, View).await?;
                return Ok(Answer::Allocation(allocation_answer(first)));
            }
            if let Some((view, amount)) = self.recall(index, &scope, billing_account).await? {
                self.control_state(enterprise).await?;
                return Ok(lowered(&view, amount));
            }
        }
        // A command's wrong time stays with who decides it (rule J5), which is not always the account.
        let due_by = scope.at.min(self.inner.config.clock.now());
        let account = Box::new(self.ask(index, ViewAt(due_by)).await?);
        let question = CreditQuestion::Allocation { account: account.clone(), limit };
        let answer = self.ask_control(enterprise, question, billing_account).await?;
        let CreditAnswer::Allocation(allocation, member) = answer else {
            unreachable!("invariant: each question has an answer of its own");
        };
        match allocation {
            Allocation::Lower(amount) => {
                let command = AccountCommand::ReturnCredit {
                    amount,
                    limit_after: Some(limit),
                    min_available_credit_after: least,
                    moves_to: None,
                };
                if dry_run {
                    return self.try_lower(index, &account, command, amount, billing_account).await;
                }
                let crossing = self.enter(&[index], billing_account)?;
                let around = Surroundings::default();
                let (view, amount) =
                    self.tell(index, scope, command, around, Some(crossing), billing_account).await?;
                self.control_state(enterprise).await?;
                Ok(lowered(&view, amount))
            }
            Allocation::Raise => {
                let command =
                    CreditCommand::AllocateCredit { account, limit, min_available_credit_after: least };
                if dry_run {
                    let state = self.control_state(enterprise).await?;
                    return try_raise(&state, &command, &member, billing_account);
                }
                let crossing = self.enter(&[index], billing_account)?;
                let answer =
                    self.tell_control(enterprise, scope, command, Some(crossing), billing_account).await?;
                // Its half must be durable too.
                self.ask(index, View).await?;
                let view = answer.expect("invariant: an allocation is answered as one");
                Ok(Answer::Allocation(allocation_answer(view)))
            }
        }
    }

    /// What lowering would do, by a question to the account's rules.
    async fn try_lower(
        &self,
        account: AccountIndex,
        before: &AccountView,
        command: AccountCommand,
        amount: Money,
        billing_account: &str,
    ) -> Result<Answer, EngineError> {
        let AccountCommand::ReturnCredit { min_available_credit_after: least, .. } = command else {
            unreachable!("invariant: lowering returns credit");
        };
        let less = |sum: Money| {
            sum.checked_sub(amount)
                .ok_or_else(|| EngineError::refused(Refusal::AmountOverflow, quoted(billing_account)))
        };
        let (after, spendable) = (less(before.available_credit)?, less(before.spendable)?);
        if least.is_some_and(|least| spendable < least) {
            return Err(EngineError::refused(Refusal::BelowMinimumAvailableCredit, quoted(billing_account)));
        }
        self.ask(account, View).await?;
        Ok(Answer::Allocation(AllocationAnswer {
            credit_limit_before: before.credit_limit,
            credit_limit_after: less(before.credit_limit)?,
            available_credit_after: after,
            overdue: after < Money::ZERO,
            pending: false,
        }))
    }

    /// Moves credit: the one member gives it up, the credit control passes it on (rule E3).
    pub(super) async fn move_credit(
        &self,
        scope: Scope,
        ecid: &str,
        from: &str,
        to: &str,
        amount: Money,
    ) -> Result<Answer, EngineError> {
        let enterprise = self.known_enterprise(ecid)?;
        let (giver, receiver) = (self.known(from)?, self.known(to)?);
        let _alone = self.inner.enterprise_lock(enterprise).await;
        if self.recall(giver, &scope, from).await?.is_none() {
            // The credit control is to remember the key as well, so it must not know another command by it.
            if let Some((key, digest)) = &scope.key {
                let question = CreditQuestion::Recall(scope.principal.clone(), key.clone(), *digest);
                self.ask_control(enterprise, question, from).await?;
            }
            let crossing = self.enter_all([giver, receiver], from)?;
            let due_by = scope.at.min(self.inner.config.clock.now());
            let (one, other) =
                (self.ask(giver, ViewAt(due_by)).await?, self.ask(receiver, ViewAt(due_by)).await?);
            let (one, other) = (Box::new(one), Box::new(other));
            self.ask_control(enterprise, CreditQuestion::Move { from: one, to: other, amount }, from).await?;
            let command = AccountCommand::ReturnCredit {
                amount,
                limit_after: None,
                min_available_credit_after: None,
                moves_to: Some(receiver),
            };
            self.tell(giver, scope, command, Surroundings::default(), Some(crossing), from).await?;
        }
        // First the credit control has it, then the other member.
        let state = self.control_state(enterprise).await?;
        self.ask(receiver, View).await?;
        Ok(Answer::Credit(Box::new(self.credit_overview_of(ecid, &state))))
    }

    /// Gives an account a command; its figures afterwards, and how much moved.
    pub(super) async fn tell(
        &self,
        account: AccountIndex,
        scope: Scope,
        command: AccountCommand,
        around: Surroundings,
        crossing: Option<Arc<Crossing>>,
        id: &str,
    ) -> Result<(AccountView, Money), EngineError> {
        let message = Do { command, given: scope.given(&self.inner), around, crossing };
        let done = self.ask(account, message).await?;
        done.map_err(|refusal| EngineError::refused(refusal, quoted(id)))
    }

    async fn tell_control(
        &self,
        enterprise: EnterpriseIndex,
        scope: Scope,
        command: CreditCommand,
        crossing: Option<Arc<Crossing>>,
        id: &str,
    ) -> Result<Option<AllocationView>, EngineError> {
        self.inner.check_running()?;
        let message = DoCredit { command, given: scope.given(&self.inner), crossing };
        let control = self.control(enterprise)?;
        let result = control.send(message).await.map_err(|_| self.inner.stopped())?;
        result.map_err(|refusal| EngineError::refused(refusal, quoted(id)))
    }

    pub(super) async fn ask_control(
        &self,
        enterprise: EnterpriseIndex,
        question: CreditQuestion,
        id: &str,
    ) -> Result<CreditAnswer, EngineError> {
        self.inner.check_running()?;
        let control = self.control(enterprise)?;
        let answer = control.send(question).await.map_err(|_| self.inner.stopped())?;
        answer.map_err(|refusal| EngineError::refused(refusal, quoted(id)))
    }

    /// The state of a credit control, as durable as what it recorded before.
    pub(super) async fn control_state(
        &self,
        enterprise: EnterpriseIndex,
    ) -> Result<Box<CreditControl>, EngineError> {
        match self.ask_control(enterprise, CreditQuestion::State, "").await? {
            CreditAnswer::State(state) => Ok(state),
            _ => unreachable!("invariant: each question has an answer of its own"),
        }
    }

    fn control(
        &self,
        enterprise: EnterpriseIndex,
    ) -> Result<actix::Addr<crate::actors::credit_control::CreditControlActor>, EngineError> {
        let actors = self.inner.routes.enterprise(enterprise).ok_or_else(|| self.inner.stopped())?;
        Ok(actors.control)
    }

    /// The first answer to a command with this key, if the account remembers one.
    pub(super) async fn recall(
        &self,
        account: AccountIndex,
        scope: &Scope,
        id: &str,
    ) -> Result<Option<(AccountView, Money)>, EngineError> {
        let Some((key, digest)) = &scope.key else { return Ok(None) };
        let first = self.ask(account, Recall(scope.principal.clone(), key.clone(), *digest)).await?;
        first.map_err(|refusal| EngineError::refused(refusal, quoted(id)))
    }

    /// Begins an operation between accounts that none of them may leave or be closed in.
    fn enter(&self, accounts: &[AccountIndex], id: &str) -> Result<Arc<Crossing>, EngineError> {
        self.inner.crossings.enter(accounts).map_err(|refusal| EngineError::refused(refusal, quoted(id)))
    }

    /// As [`Engine::enter`], where both may be the same: its own rule refuses that.
    pub(super) fn enter_all(
        &self,
        accounts: [AccountIndex; 2],
        id: &str,
    ) -> Result<Arc<Crossing>, EngineError> {
        let distinct = if accounts[0] == accounts[1] { &accounts[..1] } else { &accounts[..] };
        self.enter(distinct, id)
    }

    pub(super) fn known_enterprise(&self, ecid: &str) -> Result<EnterpriseIndex, EngineError> {
        let enterprise = self.inner.directory.read().enterprise(ecid);
        enterprise.ok_or_else(|| EngineError::refused(Refusal::NotFound, quoted(ecid)))
    }

    pub(super) fn credit_overview_of(&self, ecid: &str, state: &CreditControl) -> CreditOverview {
        CreditOverview::of(ecid, state, |account| {
            self.inner.directory.read().account_id(account).unwrap_or_default().to_owned()
        })
    }

    /// The charter of a new enterprise.
    pub(super) fn charter(
        owner: &str,
        management_account: &str,
        currency: Option<Currency>,
    ) -> Result<Charter, EngineError> {
        require(!owner.is_empty(), "owner", "name the legal owner")?;
        super::commands::text_fits("owner", Some(owner))?;
        Ok(Charter {
            owner: owner.into(),
            management_account: management_account.into(),
            currency: currency.unwrap_or(Currency::USD),
        })
    }

    /// Which permission a command about an enterprise takes is the same for all of them but the provider's.
    pub(super) async fn authorize_credit(&self, scope: &Scope, ecid: &str) -> Result<(), EngineError> {
        let authorized =
            self.authorize_enterprise_async(&scope.principal, Permission::ControlCredit, ecid).await;
        self.unless_repeated(scope, authorized, Decider::Control(ecid)).await
    }
}

/// The legal owner of an account, as its record says.
fn owner_of(account: &AccountView, billing_account: &str) -> Box<str> {
    account.profile.owner.clone().unwrap_or_else(|| billing_account.into())
}

fn refused_as<T>(answer: &Result<T, EngineError>, refusal: Refusal) -> bool {
    matches!(answer, Err(EngineError::Refused { refusal: found, .. }) if *found == refusal)
}

fn allocation_answer(view: AllocationView) -> AllocationAnswer {
    AllocationAnswer {
        credit_limit_before: view.before,
        credit_limit_after: view.after,
        available_credit_after: view.available_credit_after,
        overdue: view.available_credit_after < Money::ZERO,
        pending: view.pending,
    }
}

/// The answer of a limit that its account has lowered by `amount`.
fn lowered(view: &AccountView, amount: Money) -> Answer {
    Answer::Allocation(AllocationAnswer {
        credit_limit_before: view.credit_limit.checked_add(amount).unwrap_or(view.credit_limit),
        credit_limit_after: view.credit_limit,
        available_credit_after: view.available_credit,
        overdue: view.available_credit < Money::ZERO,
        pending: false,
    })
}

/// What raising would do, by the rules of the state as it is.
fn try_raise(
    state: &CreditControl,
    command: &CreditCommand,
    member: &Member,
    id: &str,
) -> Result<Answer, EngineError> {
    let CreditCommand::AllocateCredit { account, limit, .. } = command else {
        unreachable!("invariant: raising allocates credit");
    };
    state.decide(command).map_err(|refusal| EngineError::refused(refusal, quoted(id)))?;
    let confirmed = state.contract == Contract::Confirmed;
    let before = if confirmed { member.assigned } else { member.pending };
    let rises = if confirmed { limit.checked_sub(before).unwrap_or_default() } else { Money::ZERO };
    let available_credit_after =
        account.available_credit.checked_add(rises).unwrap_or(account.available_credit);
    Ok(Answer::Allocation(allocation_answer(AllocationView {
        before,
        after: *limit,
        available_credit_after,
        pending: !confirmed && *limit > Money::ZERO,
    })))
}
