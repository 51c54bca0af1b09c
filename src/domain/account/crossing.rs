//! What an account sends to others and gets from them: decided here, never refused there (rules A6, E3, F1–F5).

use super::decide::{Counterpart, Surroundings, positive};
use super::{Account, Status};
use crate::domain::account_event::{AccountEvent, Posted};
use crate::domain::crossing::{Cargo, Party, Received};
use crate::domain::ids::{AccountIndex, EnterpriseIndex};
use crate::domain::money::Money;
use crate::domain::profile::AccountType;
use crate::domain::refusals::Refusal;
use crate::domain::time::Timestamp;
use crate::limits::{GIVERS_MAX, MEMBER_UNITS_MAX, RECEIVED_UNITS_MAX};

impl Account {
    /// What a message does to this account; none if it was received before. It is never refused (rule F5).
    pub fn receive(&self, received: &Received) -> Option<AccountEvent> {
        const FITS: &str = "invariant: the sender has checked that it fits";
        let Received { from, number, cargo } = received;
        if *number <= self.rare().map_or(0, |rare| rare.inbox.newest(*from)) {
            return None;
        }
        let number = *number;
        match (from, cargo) {
            (Party::Account(from), Cargo::Transfer { amount }) => {
                let cash_after = self.cash.checked_add(*amount).expect(FITS);
                Some(AccountEvent::TransferReceived { from: *from, number, amount: *amount, cash_after })
            }
            (Party::Account(from), Cargo::Revocation { amount }) => {
                let cash_after = self.cash.checked_add(*amount).expect(FITS);
                Some(AccountEvent::RevocationReceived { from: *from, number, amount: *amount, cash_after })
            }
            (Party::CreditControl(enterprise), Cargo::Credit { amount }) => {
                let limit_after = self.credit_limit.checked_add(*amount).expect(FITS);
                let (enterprise, amount) = (*enterprise, *amount);
                Some(AccountEvent::CreditReceived { enterprise, number, amount, limit_after })
            }
            _ => unreachable!("invariant: an account gets transfers, revocations and credit"),
        }
    }

    pub(super) fn decide_transfer(
        &self,
        to: &Counterpart,
        amount: Money,
        at: Timestamp,
    ) -> Result<AccountEvent, Refusal> {
        self.may_cross(to)?;
        positive(amount)?;
        let cash_after = self.cash_less(amount)?;
        fits_receiver(to, amount)?;
        self.same_enterprise(to, at)?;
        if self.available_credit < Money::ZERO {
            return Err(Refusal::AccountOverdue);
        }
        if amount > self.transferable() {
            return Err(Refusal::ExceedsTransferable);
        }
        if to.givers >= GIVERS_MAX {
            return Err(Refusal::TooManyItems);
        }
        Ok(AccountEvent::CashTransferred { to: to.account, amount, cash_after, posted: self.posted() })
    }

    pub(super) fn decide_revoke(
        &self,
        giver: &Counterpart,
        amount: Money,
        at: Timestamp,
    ) -> Result<AccountEvent, Refusal> {
        self.may_cross(giver)?;
        positive(amount)?;
        let cash_after = self.cash_less(amount)?;
        fits_receiver(giver, amount)?;
        self.same_enterprise(giver, at)?;
        if self.rare().is_none_or(|rare| rare.transfer_book.pair(giver.account).is_none()) {
            return Err(Refusal::NoPriorTransfer);
        }
        if amount > self.revocable(giver.account) {
            return Err(Refusal::ExceedsRevocable);
        }
        let giver = giver.account;
        Ok(AccountEvent::TransferRevoked { giver, amount, cash_after, posted: self.posted() })
    }

    pub(super) fn decide_return(
        &self,
        amount: Money,
        expected: Option<Money>,
        min_after: Option<Money>,
        moves_to: Option<AccountIndex>,
    ) -> Result<AccountEvent, Refusal> {
        self.require(AccountType::Direct)?;
        positive(amount)?;
        let available_after = self.available_credit.checked_sub(amount).ok_or(Refusal::AmountOverflow)?;
        let limit_after = self.credit_limit.checked_sub(amount).ok_or(Refusal::AmountOverflow)?;
        let enterprise = self.enterprise().ok_or(Refusal::AssociationNotActive)?;
        if limit_after < Money::ZERO && expected.is_none() {
            return Err(Refusal::ExceedsCreditLimit);
        }
        // A sum that does not fit is less than any.
        let spendable_after = available_after.checked_sub(self.held());
        if min_after.is_some_and(|least| spendable_after.is_none_or(|after| after < least)) {
            return Err(Refusal::BelowMinimumAvailableCredit);
        }
        if expected.is_some_and(|expected| expected != limit_after) {
            return Err(Refusal::MoneyInFlight);
        }
        let (remembered, posted) = (None, self.posted());
        Ok(AccountEvent::CreditReturned { enterprise, amount, limit_after, moves_to, remembered, posted })
    }

    pub(super) fn decide_join(
        &self,
        enterprise: EnterpriseIndex,
        same_owner: bool,
    ) -> Result<AccountEvent, Refusal> {
        if self.enterprise() == Some(enterprise) {
            return Err(Refusal::AlreadyExists);
        }
        self.not_frozen()?;
        if self.cash.max(self.available_credit).units() > MEMBER_UNITS_MAX {
            return Err(Refusal::AmountOverflow);
        }
        if self.enterprise().is_some() {
            return Err(Refusal::DifferentEnterprise);
        }
        if !same_owner {
            return Err(Refusal::OwnerMismatch);
        }
        if self.credit_limit != Money::ZERO {
            return Err(Refusal::CreditAllocated);
        }
        Ok(AccountEvent::EnterpriseJoined { enterprise, posted: self.posted() })
    }

    pub(super) fn decide_leave(
        &self,
        enterprise: EnterpriseIndex,
        around: Surroundings,
    ) -> Result<AccountEvent, Refusal> {
        match self.enterprise() {
            Some(current) if current == enterprise => {}
            Some(_) => return Err(Refusal::DifferentEnterprise),
            None => return Err(Refusal::AssociationNotActive),
        }
        self.nothing_in_flight(around)?;
        if self.credit_limit != Money::ZERO {
            return Err(Refusal::CreditAllocated);
        }
        if self.transfer_book() != Money::ZERO {
            return Err(Refusal::TransferredFundsUnspent);
        }
        Ok(AccountEvent::EnterpriseLeft { enterprise, posted: self.posted() })
    }

    /// Statuses, types and currencies between which cash may cross (rule F4).
    fn may_cross(&self, other: &Counterpart) -> Result<(), Refusal> {
        if other.status == Status::Canceled {
            return Err(Refusal::AccountCanceled);
        }
        if self.status == Status::Frozen || other.status == Status::Frozen {
            return Err(Refusal::AccountFrozen);
        }
        if self.kind() != AccountType::Direct || other.kind != AccountType::Direct {
            return Err(Refusal::NotSupportedForAccountType);
        }
        if self.currency != other.currency {
            return Err(Refusal::CurrencyMismatch);
        }
        Ok(())
    }

    /// Two members of one enterprise that may serve themselves (rules A6, E6, F4).
    fn same_enterprise(&self, other: &Counterpart, at: Timestamp) -> Result<(), Refusal> {
        if self.index == other.account {
            return Err(Refusal::SameAccount);
        }
        match (self.enterprise(), other.enterprise) {
            (Some(mine), Some(theirs)) if mine != theirs => return Err(Refusal::DifferentEnterprise),
            (Some(_), Some(_)) => {}
            _ => return Err(Refusal::AssociationNotActive),
        }
        if self.may_not_serve_itself(at) || other.may_not_serve_itself {
            return Err(Refusal::SelfServiceDisabled);
        }
        Ok(())
    }

    /// The message that the next record sends.
    fn posted(&self) -> Posted {
        self.rare().map_or(Posted { number: 1, acknowledged: 0 }, |rare| Posted {
            number: rare.outbox.next(),
            acknowledged: rare.outbox.acknowledged(),
        })
    }
}

fn fits_receiver(receiver: &Counterpart, amount: Money) -> Result<(), Refusal> {
    let sum = receiver.cash.checked_add(amount).ok_or(Refusal::AmountOverflow)?;
    if sum.units() <= RECEIVED_UNITS_MAX { Ok(()) } else { Err(Refusal::AmountOverflow) }
}
