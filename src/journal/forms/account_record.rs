//! A change of one account.

use super::from_slice;
use super::parts::{ProfileV1, RememberedV1, status_number, status_of};
use crate::domain::account_event::AccountEvent;
use crate::domain::ids::AccountIndex;
use crate::domain::keys::Remembered;
use crate::domain::money::Money;
use crate::domain::time::Timestamp;
use crate::journal::JournalFault;
use crate::journal::frame;
use crate::journal::frame::{Frame, Kind};
use serde::{Deserialize, Serialize};

/// A change of one account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountRecord {
    /// Whose.
    pub account: AccountIndex,
    /// The account's record number.
    pub sequence: u64,
    /// Business time of the decision.
    pub at: Timestamp,
    /// Who gave the command.
    pub actor: Box<str>,
    /// The idempotency key with the first answer.
    pub remembered: Option<Remembered>,
    /// What happened.
    pub event: AccountEvent,
}

impl AccountRecord {
    /// Appends the record to a block's bytes.
    pub fn encode(&self, bytes: &mut Vec<u8>) {
        let form = AccountRecordV1 {
            account: self.account.0,
            sequence: self.sequence,
            at: self.at.micros(),
            actor: self.actor.clone(),
            remembered: self.remembered.as_ref().map(RememberedV1::from),
            event: AccountEventV1::from(&self.event),
        };
        frame::append(bytes, Kind::Account, |bytes| rmp_serde::encode::write(bytes, &form));
    }

    /// Decodes a record of kind [`Kind::Account`].
    pub fn decode(frame: &Frame<'_>) -> Result<Self, JournalFault> {
        let form: AccountRecordV1 = from_slice(frame.kind.name(), frame.body)?;
        Ok(Self {
            account: AccountIndex(form.account),
            sequence: form.sequence,
            at: Timestamp::from_micros(form.at),
            actor: form.actor,
            remembered: form.remembered.map(Remembered::try_from).transpose()?,
            event: form.event.try_into()?,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct AccountRecordV1 {
    account: u32,
    sequence: u64,
    at: i64,
    actor: Box<str>,
    remembered: Option<RememberedV1>,
    event: AccountEventV1,
}

#[derive(Serialize, Deserialize)]
enum AccountEventV1 {
    CashToppedUp { amount: i128, cash_after: i128, reference: Option<Box<str>> },
    CashAdjusted { amount: i128, cash_after: i128, reason: Box<str> },
    CreditLimitGranted { before: i128, after: i128 },
    QuotaSet { before: i128, after: i128 },
    QuotaRepaid { amount: i128, consumed_after: i128 },
    ProfileModified { profile: ProfileV1 },
    StatusChanged { status: u8 },
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
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::Status;
    use crate::domain::profile::{Profile, Site};

    fn money(units: i128) -> Money {
        Money::from_units(units)
    }

    #[test]
    fn account_records_read_back() {
        let profile = Profile { name: Some("n".into()), site: Site::China, ..Profile::default() };
        let events = [
            AccountEvent::CashToppedUp {
                amount: money(1),
                cash_after: money(i128::MAX),
                reference: Some("r".into()),
            },
            AccountEvent::CashAdjusted {
                amount: money(i128::MIN),
                cash_after: money(-1),
                reason: "x".into(),
            },
            AccountEvent::CreditLimitGranted { before: money(0), after: money(5) },
            AccountEvent::QuotaSet { before: money(5), after: money(0) },
            AccountEvent::QuotaRepaid { amount: money(5), consumed_after: money(0) },
            AccountEvent::ProfileModified { profile },
            AccountEvent::StatusChanged { status: Status::Canceled },
        ];
        for event in events {
            let record = AccountRecord {
                account: AccountIndex(7),
                sequence: u64::MAX,
                at: Timestamp::MIN,
                actor: "provider".into(),
                remembered: Some(Remembered {
                    principal: "p".into(),
                    key: "k".into(),
                    digest: u128::MAX - 1,
                    answer: Box::from([1, 2, 3]),
                    at: Timestamp::from_micros(9),
                }),
                event,
            };
            let mut bytes = Vec::new();
            record.encode(&mut bytes);
            let frame = frame::frames(&bytes).next().unwrap().unwrap();
            assert_eq!(AccountRecord::decode(&frame).unwrap(), record);
        }
    }
}
