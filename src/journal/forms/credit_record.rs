//! A change of an enterprise's credit control.

use super::credit_event::CreditEventV1;
use super::from_slice;
use super::parts::RememberedV1;
use crate::domain::credit_control::CreditEvent;
use crate::domain::ids::EnterpriseIndex;
use crate::domain::keys::Remembered;
use crate::domain::time::Timestamp;
use crate::journal::JournalFault;
use crate::journal::frame;
use crate::journal::frame::{Frame, Kind};
use serde::{Deserialize, Serialize};

/// A change of one enterprise's credit control.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreditRecord {
    /// Whose.
    pub enterprise: EnterpriseIndex,
    /// The credit control's record number.
    pub sequence: u64,
    /// Business time of the decision.
    pub at: Timestamp,
    /// Who gave the command.
    pub actor: Box<str>,
    /// The idempotency key with the first answer.
    pub remembered: Option<Remembered>,
    /// What happened.
    pub event: CreditEvent,
}

impl CreditRecord {
    /// Appends the record to a block's bytes.
    pub fn encode(&self, bytes: &mut Vec<u8>) {
        let form = CreditRecordV1 {
            enterprise: self.enterprise.0,
            sequence: self.sequence,
            at: self.at.micros(),
            actor: self.actor.clone(),
            remembered: self.remembered.as_ref().map(RememberedV1::from),
            event: CreditEventV1::from(&self.event),
        };
        frame::append(bytes, Kind::CreditControl, 1, |bytes| rmp_serde::encode::write(bytes, &form));
    }

    /// Decodes a record of kind [`Kind::CreditControl`].
    pub fn decode(frame: &Frame<'_>) -> Result<Self, JournalFault> {
        let form: CreditRecordV1 = from_slice(frame.kind.name(), frame.body)?;
        Ok(Self {
            enterprise: EnterpriseIndex(form.enterprise),
            sequence: form.sequence,
            at: Timestamp::from_micros(form.at),
            actor: form.actor,
            remembered: form.remembered.map(Remembered::try_from).transpose()?,
            event: form.event.into(),
        })
    }
}

#[derive(Serialize, Deserialize)]
struct CreditRecordV1 {
    enterprise: u32,
    sequence: u64,
    at: i64,
    actor: Box<str>,
    remembered: Option<RememberedV1>,
    event: CreditEventV1,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account_event::Posted;
    use crate::domain::ids::AccountIndex;
    use crate::domain::money::Money;

    #[test]
    fn credit_records_read_back() {
        let (account, number) = (AccountIndex(u32::MAX), u64::MAX);
        let (amount, other) = (Money::from_units(i128::MAX), Money::from_units(-1));
        let posted = Posted { number: 3, acknowledged: 1 };
        let events = [
            CreditEvent::AccountCenterEnabled,
            CreditEvent::AccountInvited { account },
            CreditEvent::MemberJoined { account, number },
            CreditEvent::MemberLeft { account, number },
            CreditEvent::TotalCreditSet { public_cloud: amount, hybrid_cloud: other },
            CreditEvent::NothingChanged,
            CreditEvent::ContractRequested,
            CreditEvent::ContractApproved,
            CreditEvent::ContractConfirmed {
                activated: vec![(account, amount), (AccountIndex(0), other)],
                posted,
            },
            CreditEvent::LimitPending { account, limit: amount },
            CreditEvent::CreditAllocated { account, amount, assigned_after: other, posted },
            CreditEvent::CreditReturned { account, number, amount, moved: None },
            CreditEvent::CreditReturned { account, number, amount, moved: Some((AccountIndex(0), posted)) },
        ];
        for event in events {
            let remembered = Remembered {
                principal: "p".into(),
                key: "k".into(),
                digest: 5,
                answer: Box::from([1]),
                at: Timestamp::from_micros(9),
            };
            let record = CreditRecord {
                enterprise: EnterpriseIndex(7),
                sequence: 2,
                at: Timestamp::from_micros(-1),
                actor: "a/b".into(),
                remembered: Some(remembered),
                event,
            };
            let mut bytes = Vec::new();
            record.encode(&mut bytes);
            let frame = frame::frames(&bytes).next().unwrap().unwrap();
            assert_eq!(CreditRecord::decode(&frame).unwrap(), record);
        }
    }
}
