//! A change of one account.

use super::account_event::AccountEventV1;
use super::from_slice;
use super::parts::RememberedV1;
use crate::domain::account_event::AccountEvent;
use crate::domain::ids::AccountIndex;
use crate::domain::keys::Remembered;
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
        frame::append(bytes, Kind::Account, form.event.version(), |bytes| {
            rmp_serde::encode::write(bytes, &form)
        });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::Status;
    use crate::domain::account_event::Posted;
    use crate::domain::ids::EnterpriseIndex;
    use crate::domain::money::Money;
    use crate::domain::profile::{Profile, Site};
    use crate::domain::time::Cycle;

    fn money(units: i128) -> Money {
        Money::from_units(units)
    }

    fn remembered() -> Remembered {
        Remembered {
            principal: "p".into(),
            key: "k".into(),
            digest: u128::MAX - 1,
            answer: Box::from([1, 2, 3]),
            at: Timestamp::from_micros(9),
        }
    }

    /// The version that the record was written with.
    fn round_trip(event: AccountEvent) -> u8 {
        let record = AccountRecord {
            account: AccountIndex(7),
            sequence: u64::MAX,
            at: Timestamp::MIN,
            actor: "provider".into(),
            remembered: Some(remembered()),
            event,
        };
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        let frame = frame::frames(&bytes).next().unwrap().unwrap();
        assert_eq!(AccountRecord::decode(&frame).unwrap(), record);
        frame.version
    }

    #[test]
    fn records_of_what_version_1_knows_are_of_version_1() {
        let profile = Profile { name: Some("n".into()), site: Site::China, ..Profile::default() };
        let (amount, cash_after) = (money(1), money(i128::MAX));
        let events = [
            AccountEvent::CashToppedUp { amount, cash_after, reference: Some("r".into()) },
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
            assert_eq!(round_trip(event), 1);
        }
    }

    #[test]
    fn records_of_what_is_new_are_of_version_2() {
        let (amount, cash_after, limit_after) = (money(i128::MAX), money(i128::MIN), money(3));
        let (from, to, giver) = (AccountIndex(0), AccountIndex(u32::MAX), AccountIndex(8));
        let (enterprise, number) = (EnterpriseIndex(4), u64::MAX);
        let posted = Posted { number: 9, acknowledged: 8 };
        let hold = || Box::from("h");
        let events = [
            AccountEvent::CashWithdrawn { amount, cash_after },
            AccountEvent::CashTransferred { to, amount, cash_after, posted },
            AccountEvent::TransferReceived { from, number, amount, cash_after },
            AccountEvent::TransferRevoked { giver, amount, cash_after, posted },
            AccountEvent::RevocationReceived { from, number, amount, cash_after },
            AccountEvent::CreditReceived { enterprise, number, amount, limit_after },
            AccountEvent::CreditReturned {
                enterprise,
                amount,
                limit_after,
                moves_to: Some(to),
                remembered: Some(Box::new(remembered())),
                posted,
            },
            AccountEvent::CreditReturned {
                enterprise,
                amount,
                limit_after,
                moves_to: None,
                remembered: None,
                posted,
            },
            AccountEvent::EnterpriseJoined { enterprise, posted },
            AccountEvent::EnterpriseLeft { enterprise, posted },
            AccountEvent::HoldPlaced { hold: hold(), amount, expires_at: Timestamp::MIN },
            AccountEvent::HoldCaptured { hold: hold(), amount, cycle: Cycle::from_index(7) },
            AccountEvent::HoldReleased { hold: hold() },
            AccountEvent::HoldExpired { hold: hold() },
        ];
        for event in events {
            assert_eq!(round_trip(event), 2);
        }
    }
}
