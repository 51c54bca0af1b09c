//! What happened to an account, as its records hold it.

use super::billing::cycle_of;
use super::billing_event::BillingEventV1;
use super::parts::{PostedV1, ProfileV1, RememberedV1, status_number, status_of};
use super::standing::StandingEventV1;
use crate::domain::account_event::AccountEvent;
use crate::domain::ids::{AccountIndex, EnterpriseIndex};
use crate::domain::keys::Remembered;
use crate::domain::money::Money;
use crate::domain::time::Timestamp;
use crate::journal::JournalFault;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) enum AccountEventV1 {
    CashToppedUp {
        amount: i128,
        cash_after: i128,
        reference: Option<Box<str>>,
    },
    CashAdjusted {
        amount: i128,
        cash_after: i128,
        reason: Box<str>,
    },
    CreditLimitGranted {
        before: i128,
        after: i128,
    },
    QuotaSet {
        before: i128,
        after: i128,
    },
    QuotaRepaid {
        amount: i128,
        consumed_after: i128,
    },
    ProfileModified {
        profile: ProfileV1,
    },
    StatusChanged {
        status: u8,
    },
    // Since version 2.
    CashWithdrawn {
        amount: i128,
        cash_after: i128,
    },
    CashTransferred {
        to: u32,
        amount: i128,
        cash_after: i128,
        posted: PostedV1,
    },
    TransferReceived {
        from: u32,
        number: u64,
        amount: i128,
        cash_after: i128,
    },
    TransferRevoked {
        giver: u32,
        amount: i128,
        cash_after: i128,
        posted: PostedV1,
    },
    RevocationReceived {
        from: u32,
        number: u64,
        amount: i128,
        cash_after: i128,
    },
    CreditReceived {
        enterprise: u32,
        number: u64,
        amount: i128,
        limit_after: i128,
    },
    CreditReturned {
        enterprise: u32,
        amount: i128,
        limit_after: i128,
        moves_to: Option<u32>,
        remembered: Option<RememberedV1>,
        posted: PostedV1,
    },
    EnterpriseJoined {
        enterprise: u32,
        posted: PostedV1,
    },
    EnterpriseLeft {
        enterprise: u32,
        posted: PostedV1,
    },
    HoldPlaced {
        hold: Box<str>,
        amount: i128,
        expires_at: i64,
    },
    HoldCaptured {
        hold: Box<str>,
        amount: i128,
        cycle: u32,
    },
    HoldReleased {
        hold: Box<str>,
    },
    HoldExpired {
        hold: Box<str>,
    },
    // Since version 3.
    Billing(BillingEventV1),
    // Since version 4.
    Standing(StandingEventV1),
}

impl AccountEventV1 {
    /// The version of a record that holds it.
    pub(super) const fn version(&self) -> u8 {
        match self {
            Self::CashToppedUp { .. }
            | Self::CashAdjusted { .. }
            | Self::CreditLimitGranted { .. }
            | Self::QuotaSet { .. }
            | Self::QuotaRepaid { .. }
            | Self::ProfileModified { .. }
            | Self::StatusChanged { .. } => 1,
            Self::Billing(_) => 3,
            Self::Standing(_) => 4,
            _ => 2,
        }
    }
}

impl From<&AccountEvent> for AccountEventV1 {
    fn from(event: &AccountEvent) -> Self {
        match event {
            AccountEvent::CashToppedUp { amount, cash_after, reference } => Self::CashToppedUp {
                amount: amount.units(),
                cash_after: cash_after.units(),
                reference: reference.clone(),
            },
            AccountEvent::CashAdjusted { amount, cash_after, reason } => Self::CashAdjusted {
                amount: amount.units(),
                cash_after: cash_after.units(),
                reason: reason.clone(),
            },
            AccountEvent::CreditLimitGranted { before, after } => {
                Self::CreditLimitGranted { before: before.units(), after: after.units() }
            }
            AccountEvent::QuotaSet { before, after } => {
                Self::QuotaSet { before: before.units(), after: after.units() }
            }
            AccountEvent::QuotaRepaid { amount, consumed_after } => {
                Self::QuotaRepaid { amount: amount.units(), consumed_after: consumed_after.units() }
            }
            AccountEvent::ProfileModified { profile } => Self::ProfileModified { profile: profile.into() },
            AccountEvent::StatusChanged { status } => Self::StatusChanged { status: status_number(*status) },
            AccountEvent::CashWithdrawn { amount, cash_after } => {
                Self::CashWithdrawn { amount: amount.units(), cash_after: cash_after.units() }
            }
            AccountEvent::HoldPlaced { hold, amount, expires_at } => Self::HoldPlaced {
                hold: hold.clone(),
                amount: amount.units(),
                expires_at: expires_at.micros(),
            },
            AccountEvent::HoldCaptured { hold, amount, cycle } => {
                Self::HoldCaptured { hold: hold.clone(), amount: amount.units(), cycle: cycle.index() }
            }
            AccountEvent::HoldReleased { hold } => Self::HoldReleased { hold: hold.clone() },
            AccountEvent::HoldExpired { hold } => Self::HoldExpired { hold: hold.clone() },
            crossing if crossing.is_crossing() => Self::of_crossing(crossing),
            event => match StandingEventV1::of(event) {
                Some(standing) => Self::Standing(standing),
                None => Self::Billing(event.into()),
            },
        }
    }
}

impl AccountEventV1 {
    fn of_crossing(event: &AccountEvent) -> Self {
        match event {
            AccountEvent::CashTransferred { to, amount, cash_after, posted } => Self::CashTransferred {
                to: to.0,
                amount: amount.units(),
                cash_after: cash_after.units(),
                posted: (*posted).into(),
            },
            AccountEvent::TransferReceived { from, number, amount, cash_after } => Self::TransferReceived {
                from: from.0,
                number: *number,
                amount: amount.units(),
                cash_after: cash_after.units(),
            },
            AccountEvent::TransferRevoked { giver, amount, cash_after, posted } => Self::TransferRevoked {
                giver: giver.0,
                amount: amount.units(),
                cash_after: cash_after.units(),
                posted: (*posted).into(),
            },
            AccountEvent::RevocationReceived { from, number, amount, cash_after } => {
                Self::RevocationReceived {
                    from: from.0,
                    number: *number,
                    amount: amount.units(),
                    cash_after: cash_after.units(),
                }
            }
            AccountEvent::CreditReceived { enterprise, number, amount, limit_after } => {
                Self::CreditReceived {
                    enterprise: enterprise.0,
                    number: *number,
                    amount: amount.units(),
                    limit_after: limit_after.units(),
                }
            }
            AccountEvent::CreditReturned {
                enterprise,
                amount,
                limit_after,
                moves_to,
                remembered,
                posted,
            } => Self::CreditReturned {
                enterprise: enterprise.0,
                amount: amount.units(),
                limit_after: limit_after.units(),
                moves_to: moves_to.map(|account| account.0),
                remembered: remembered.as_deref().map(RememberedV1::from),
                posted: (*posted).into(),
            },
            AccountEvent::EnterpriseJoined { enterprise, posted } => {
                Self::EnterpriseJoined { enterprise: enterprise.0, posted: (*posted).into() }
            }
            AccountEvent::EnterpriseLeft { enterprise, posted } => {
                Self::EnterpriseLeft { enterprise: enterprise.0, posted: (*posted).into() }
            }
            _ => unreachable!("invariant: `from` has written what stays inside the account"),
        }
    }
}

impl TryFrom<AccountEventV1> for AccountEvent {
    type Error = JournalFault;

    fn try_from(form: AccountEventV1) -> Result<Self, JournalFault> {
        let money = Money::from_units;
        Ok(match form {
            AccountEventV1::CashToppedUp { amount, cash_after, reference } => {
                Self::CashToppedUp { amount: money(amount), cash_after: money(cash_after), reference }
            }
            AccountEventV1::CashAdjusted { amount, cash_after, reason } => {
                Self::CashAdjusted { amount: money(amount), cash_after: money(cash_after), reason }
            }
            AccountEventV1::CreditLimitGranted { before, after } => {
                Self::CreditLimitGranted { before: money(before), after: money(after) }
            }
            AccountEventV1::QuotaSet { before, after } => {
                Self::QuotaSet { before: money(before), after: money(after) }
            }
            AccountEventV1::QuotaRepaid { amount, consumed_after } => {
                Self::QuotaRepaid { amount: money(amount), consumed_after: money(consumed_after) }
            }
            AccountEventV1::ProfileModified { profile } => {
                Self::ProfileModified { profile: profile.try_into()? }
            }
            AccountEventV1::StatusChanged { status } => Self::StatusChanged { status: status_of(status)? },
            AccountEventV1::CashWithdrawn { amount, cash_after } => {
                Self::CashWithdrawn { amount: money(amount), cash_after: money(cash_after) }
            }
            AccountEventV1::HoldPlaced { hold, amount, expires_at } => Self::HoldPlaced {
                hold,
                amount: money(amount),
                expires_at: Timestamp::from_micros(expires_at),
            },
            AccountEventV1::HoldCaptured { hold, amount, cycle } => {
                Self::HoldCaptured { hold, amount: money(amount), cycle: cycle_of(cycle)? }
            }
            AccountEventV1::HoldReleased { hold } => Self::HoldReleased { hold },
            AccountEventV1::HoldExpired { hold } => Self::HoldExpired { hold },
            AccountEventV1::Billing(billing) => billing.try_into()?,
            AccountEventV1::Standing(standing) => standing.try_into()?,
            crossing => crossing.into_crossing()?,
        })
    }
}

impl AccountEventV1 {
    fn into_crossing(self) -> Result<AccountEvent, JournalFault> {
        let money = Money::from_units;
        Ok(match self {
            Self::CashTransferred { to, amount, cash_after, posted } => AccountEvent::CashTransferred {
                to: AccountIndex(to),
                amount: money(amount),
                cash_after: money(cash_after),
                posted: posted.into(),
            },
            Self::TransferReceived { from, number, amount, cash_after } => AccountEvent::TransferReceived {
                from: AccountIndex(from),
                number,
                amount: money(amount),
                cash_after: money(cash_after),
            },
            Self::TransferRevoked { giver, amount, cash_after, posted } => AccountEvent::TransferRevoked {
                giver: AccountIndex(giver),
                amount: money(amount),
                cash_after: money(cash_after),
                posted: posted.into(),
            },
            Self::RevocationReceived { from, number, amount, cash_after } => {
                AccountEvent::RevocationReceived {
                    from: AccountIndex(from),
                    number,
                    amount: money(amount),
                    cash_after: money(cash_after),
                }
            }
            Self::CreditReceived { enterprise, number, amount, limit_after } => {
                AccountEvent::CreditReceived {
                    enterprise: EnterpriseIndex(enterprise),
                    number,
                    amount: money(amount),
                    limit_after: money(limit_after),
                }
            }
            Self::CreditReturned { enterprise, amount, limit_after, moves_to, remembered, posted } => {
                AccountEvent::CreditReturned {
                    enterprise: EnterpriseIndex(enterprise),
                    amount: money(amount),
                    limit_after: money(limit_after),
                    moves_to: moves_to.map(AccountIndex),
                    remembered: remembered.map(Remembered::try_from).transpose()?.map(Box::new),
                    posted: posted.into(),
                }
            }
            Self::EnterpriseJoined { enterprise, posted } => AccountEvent::EnterpriseJoined {
                enterprise: EnterpriseIndex(enterprise),
                posted: posted.into(),
            },
            Self::EnterpriseLeft { enterprise, posted } => AccountEvent::EnterpriseLeft {
                enterprise: EnterpriseIndex(enterprise),
                posted: posted.into(),
            },
            _ => unreachable!("invariant: `try_from` has read what stays inside the account"),
        })
    }
}
