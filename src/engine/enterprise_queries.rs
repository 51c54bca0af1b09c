//! Questions about enterprises: credit, transfers and administrators (rules E1, E3, F1, F3, G2).

use super::commands::quoted;
use super::{Engine, EngineError};
use crate::actors::admin_authorization::AuthorizationState;
use crate::actors::billing_account::{AskRevocable, View};
use crate::domain::admin_authorization::AdminAuthorization;
use crate::domain::credit_control::{CreditControl, Member};
use crate::domain::ids::{AccountIndex, Currency, EnterpriseIndex};
use crate::domain::money::Money;
use crate::domain::permissions::{Permission, Permissions};

/// The credit of one enterprise (rule E1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreditOverview {
    /// The enterprise's id.
    pub ecid: String,
    /// Its verified legal owner.
    pub owner: String,
    /// The cloud account that manages it.
    pub management_account: String,
    /// Currency of its credit.
    pub currency: Currency,
    /// Whether its Account Center is enabled.
    pub account_center: bool,
    /// `none`, `requested`, `approved` or `confirmed`.
    pub contract: &'static str,
    /// Public cloud quota.
    pub public_cloud: Money,
    /// Hybrid cloud quota.
    pub hybrid_cloud: Money,
    /// The total credit quota.
    pub total: Money,
    /// The sum of all members' limits.
    pub assigned: Money,
    /// What is left; below 0 after the total was lowered (rule E4).
    pub unassigned_credit: Money,
    /// Members and invited accounts, in the order of their numbers.
    pub members: Vec<MemberOverview>,
}

/// One member of an enterprise, or an account that was invited.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberOverview {
    /// The billing account's id.
    pub billing_account: String,
    /// `invited` or `active`.
    pub association: &'static str,
    /// The limit given to it.
    pub credit_limit: Money,
    /// The limit that it gets when the contract is confirmed; 0 if none waits.
    pub pending_credit_limit: Money,
}

/// What may be transferred from an account, and why no more (rule F1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transferable {
    /// How much.
    pub amount: Money,
    /// Cash, the transfer book included.
    pub cash_balance: Money,
    /// Transferred funds, which can't be passed on.
    pub transfer_book: Money,
    /// Available credit.
    pub available_credit: Money,
    /// Available credit less what is held.
    pub spendable: Money,
}

/// What a giver may take back from a receiver, and why no more (rule F3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Revocable {
    /// How much.
    pub amount: Money,
    /// The receiver's transfer book.
    pub transfer_book: Money,
    /// What the giver transferred less what it took back.
    pub pair_remaining: Money,
    /// The receiver's available credit.
    pub available_credit: Money,
    /// The receiver's available credit less what is held.
    pub spendable: Money,
}

/// One administrator of a billing account (rules G1, G2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Administrator {
    /// The cloud account.
    pub cloud_account: String,
    /// The enterprise's management account: everything, not revocable.
    pub is_super: bool,
    /// What a regular one may.
    pub permissions: Permissions,
}

impl Engine {
    /// The credit of an enterprise, blocking the thread.
    pub fn credit_overview(&self, ecid: &str) -> Result<CreditOverview, EngineError> {
        self.blocking()?;
        pollster::block_on(self.credit_overview_async(ecid))
    }

    /// The least and the greatest limit that a member can be given now, blocking the thread (rule E3).
    pub fn credit_bounds(&self, ecid: &str, billing_account: &str) -> Result<(Money, Money), EngineError> {
        self.blocking()?;
        pollster::block_on(self.credit_bounds_async(ecid, billing_account))
    }

    /// What may be transferred from an account now, blocking the thread; the transfer checks again (rule F1).
    pub fn transferable(&self, from: &str) -> Result<Transferable, EngineError> {
        self.blocking()?;
        pollster::block_on(self.transferable_async(from))
    }

    /// What may be taken back now, blocking the thread; the operation checks again (rule F3).
    pub fn revocable(&self, giver: &str, receiver: &str) -> Result<Revocable, EngineError> {
        self.blocking()?;
        pollster::block_on(self.revocable_async(giver, receiver))
    }

    /// Who administers a billing account, blocking the thread: the super administrator first (rules G1, G2).
    pub fn administrators(&self, billing_account: &str) -> Result<Vec<Administrator>, EngineError> {
        self.blocking()?;
        pollster::block_on(self.administrators_async(billing_account))
    }

    /// Refuses what `principal` may not do with a billing account, blocking the thread (rules G1–G4).
    pub fn authorize(
        &self,
        principal: &str,
        permission: Permission,
        billing_account: &str,
    ) -> Result<(), EngineError> {
        self.blocking()?;
        pollster::block_on(self.authorize_async(principal, permission, billing_account))
    }

    /// Refuses what `principal` may not do with an enterprise, blocking the thread (rules E5, G4).
    pub fn authorize_enterprise(
        &self,
        principal: &str,
        permission: Permission,
        ecid: &str,
    ) -> Result<(), EngineError> {
        self.blocking()?;
        pollster::block_on(self.authorize_enterprise_async(principal, permission, ecid))
    }
}

impl CreditOverview {
    /// What a credit control's state says; `id` names its members.
    pub(super) fn of(ecid: &str, state: &CreditControl, id: impl Fn(AccountIndex) -> String) -> Self {
        let member = |(account, member): (&AccountIndex, &Member)| MemberOverview {
            billing_account: id(*account),
            association: if member.active { "active" } else { "invited" },
            credit_limit: member.assigned,
            pending_credit_limit: member.pending,
        };
        Self {
            ecid: ecid.to_owned(),
            owner: state.charter.owner.to_string(),
            management_account: state.charter.management_account.to_string(),
            currency: state.charter.currency,
            account_center: state.account_center,
            contract: state.contract.name(),
            public_cloud: state.public_cloud,
            hybrid_cloud: state.hybrid_cloud,
            total: state.total(),
            assigned: state.assigned(),
            unassigned_credit: state.unassigned(),
            members: state.members.iter().map(member).collect(),
        }
    }
}

impl Engine {
    /// The credit of an enterprise, on any runtime.
    pub async fn credit_overview_async(&self, ecid: &str) -> Result<CreditOverview, EngineError> {
        let state = self.control_state(self.known_enterprise(ecid)?).await?;
        Ok(self.credit_overview_of(ecid, &state))
    }

    /// As [`Engine::credit_bounds`], on any runtime.
    pub async fn credit_bounds_async(
        &self,
        ecid: &str,
        billing_account: &str,
    ) -> Result<(Money, Money), EngineError> {
        let (enterprise, account) = (self.known_enterprise(ecid)?, self.known(billing_account)?);
        let state = self.control_state(enterprise).await?;
        state.bounds(account).map_err(|refusal| EngineError::refused(refusal, quoted(billing_account)))
    }

    /// As [`Engine::transferable`], on any runtime.
    pub async fn transferable_async(&self, from: &str) -> Result<Transferable, EngineError> {
        let view = self.ask(self.known(from)?, View).await?;
        let own = view.cash.checked_sub(view.transfer_book).unwrap_or(view.cash);
        Ok(Transferable {
            amount: own.min(view.spendable).max(Money::ZERO),
            cash_balance: view.cash,
            transfer_book: view.transfer_book,
            available_credit: view.available_credit,
            spendable: view.spendable,
        })
    }

    /// As [`Engine::revocable`], on any runtime.
    pub async fn revocable_async(&self, giver: &str, receiver: &str) -> Result<Revocable, EngineError> {
        let (giver, receiver) = (self.known(giver)?, self.known(receiver)?);
        let (amount, pair_remaining, view) = self.ask(receiver, AskRevocable(giver)).await?;
        Ok(Revocable {
            amount,
            transfer_book: view.transfer_book,
            pair_remaining,
            available_credit: view.available_credit,
            spendable: view.spendable,
        })
    }

    /// The state of an authorization, as durable as what it recorded before.
    pub(super) async fn authorization_state(
        &self,
        enterprise: Option<EnterpriseIndex>,
    ) -> Result<AdminAuthorization, EngineError> {
        let actor = self.inner.routes.authorization(enterprise).ok_or_else(|| self.inner.stopped())?;
        actor.send(AuthorizationState).await.map_err(|_| self.inner.stopped())
    }

    /// As [`Engine::administrators`], on any runtime.
    pub async fn administrators_async(
        &self,
        billing_account: &str,
    ) -> Result<Vec<Administrator>, EngineError> {
        let account = self.known(billing_account)?;
        let enterprise = self.inner.directory.read().enterprise_of(account);
        let state = self.authorization_state(enterprise).await?;
        let all = Permission::GRANTABLE.into_iter().collect();
        let of_super = state.super_administrator.iter().map(|id| Administrator {
            cloud_account: id.to_string(),
            is_super: true,
            permissions: all,
        });
        let regular = state.administrators.get(&account).into_iter().flatten();
        let regular = regular.map(|(id, permissions)| Administrator {
            cloud_account: id.to_string(),
            is_super: false,
            permissions: *permissions,
        });
        Ok(of_super.chain(regular).collect())
    }
}
