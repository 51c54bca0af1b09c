//! A change of the directory.

use super::billing::{RateV1, RemittanceV1};
use super::from_slice;
use super::outbox::{SettledV1, position_form, position_of};
use super::parts::{CharterV1, ProfileV1, RememberedV1, currency_of, kind_number, kind_of, offset_of};
use crate::domain::directory::DirectoryEvent;
use crate::domain::ids::{AccountIndex, CloudIndex};
use crate::domain::keys::Remembered;
use crate::domain::outbox::Settled;
use crate::domain::profile::{Opening, Profile};
use crate::domain::time::Timestamp;
use crate::journal::JournalFault;
use crate::journal::frame;
use crate::journal::frame::{Frame, Kind};
use serde::{Deserialize, Serialize};

/// A change of the directory: everything that one command caused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DirectoryRecord {
    /// The directory's record number.
    pub sequence: u64,
    /// Business time of the decision.
    pub at: Timestamp,
    /// Who gave the command.
    pub actor: Box<str>,
    /// The idempotency key with the first answer.
    pub remembered: Option<Remembered>,
    /// What happened, in order.
    pub events: Vec<DirectoryEvent>,
}

impl DirectoryRecord {
    /// Appends the record to a block's bytes.
    pub fn encode(&self, bytes: &mut Vec<u8>) {
        let form = DirectoryRecordV1 {
            sequence: self.sequence,
            at: self.at.micros(),
            actor: self.actor.clone(),
            remembered: self.remembered.as_ref().map(RememberedV1::from),
            events: self.events.iter().map(DirectoryEventV1::from).collect(),
        };
        let version = form.events.iter().map(DirectoryEventV1::version).max().unwrap_or(1);
        frame::append(bytes, Kind::Directory, version, |bytes| rmp_serde::encode::write(bytes, &form));
    }

    /// Decodes a record of kind [`Kind::Directory`].
    pub fn decode(frame: &Frame<'_>) -> Result<Self, JournalFault> {
        let form: DirectoryRecordV1 = from_slice(frame.kind.name(), frame.body)?;
        Ok(Self {
            sequence: form.sequence,
            at: Timestamp::from_micros(form.at),
            actor: form.actor,
            remembered: form.remembered.map(Remembered::try_from).transpose()?,
            events: form.events.into_iter().map(DirectoryEvent::try_from).collect::<Result<_, _>>()?,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct DirectoryRecordV1 {
    sequence: u64,
    at: i64,
    actor: Box<str>,
    remembered: Option<RememberedV1>,
    events: Vec<DirectoryEventV1>,
}

#[derive(Serialize, Deserialize)]
enum DirectoryEventV1 {
    AccountOpened { id: Box<str>, opening: OpeningV1 },
    CloudAccountRegistered { id: Box<str>, payer: u32 },
    PayerChanged { cloud: u32, account: u32, effective_at: i64 },
    // Since version 2.
    EnterpriseOpened { ecid: Box<str>, charter: CharterV1 },
    // Since version 3.
    ExchangeRateSet { from: Box<str>, to: Box<str>, day: i32, rate: RateV1 },
    RemittanceReceived { remittance: Box<str>, received: RemittanceV1 },
    // Since version 4.
    NotificationsSettled { channel: Box<str>, next: (u64, u32), settled: Vec<SettledV1> },
}

impl DirectoryEventV1 {
    /// The least version of a record that holds it.
    const fn version(&self) -> u8 {
        match self {
            Self::AccountOpened { .. } | Self::CloudAccountRegistered { .. } | Self::PayerChanged { .. } => 1,
            Self::EnterpriseOpened { .. } => 2,
            Self::ExchangeRateSet { .. } | Self::RemittanceReceived { .. } => 3,
            Self::NotificationsSettled { .. } => 4,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct OpeningV1 {
    kind: u8,
    currency: Box<str>,
    offset: i16,
    at: i64,
    profile: Option<ProfileV1>,
}

impl From<&DirectoryEvent> for DirectoryEventV1 {
    fn from(event: &DirectoryEvent) -> Self {
        match event {
            DirectoryEvent::AccountOpened { id, opening } => Self::AccountOpened {
                id: id.clone(),
                opening: OpeningV1 {
                    kind: kind_number(opening.kind),
                    currency: opening.currency.as_str().into(),
                    offset: opening.offset.minutes(),
                    at: opening.at.micros(),
                    profile: (opening.profile != Profile::default()).then(|| (&opening.profile).into()),
                },
            },
            DirectoryEvent::CloudAccountRegistered { id, payer } => {
                Self::CloudAccountRegistered { id: id.clone(), payer: payer.0 }
            }
            DirectoryEvent::PayerChanged { cloud, account, effective_at } => {
                Self::PayerChanged { cloud: cloud.0, account: account.0, effective_at: effective_at.micros() }
            }
            DirectoryEvent::EnterpriseOpened { ecid, charter } => {
                Self::EnterpriseOpened { ecid: ecid.clone(), charter: (&**charter).into() }
            }
            DirectoryEvent::ExchangeRateSet { from, to, day, rate } => Self::ExchangeRateSet {
                from: from.as_str().into(),
                to: to.as_str().into(),
                day: *day,
                rate: (*rate).into(),
            },
            DirectoryEvent::RemittanceReceived { remittance, received } => {
                Self::RemittanceReceived { remittance: remittance.clone(), received: received.into() }
            }
            DirectoryEvent::NotificationsSettled { channel, next, settled } => Self::NotificationsSettled {
                channel: channel.clone(),
                next: position_form(*next),
                settled: settled.iter().map(SettledV1::from).collect(),
            },
        }
    }
}

impl TryFrom<DirectoryEventV1> for DirectoryEvent {
    type Error = JournalFault;

    fn try_from(form: DirectoryEventV1) -> Result<Self, JournalFault> {
        Ok(match form {
            DirectoryEventV1::AccountOpened { id, opening } => Self::AccountOpened {
                id,
                opening: Box::new(Opening {
                    kind: kind_of(opening.kind)?,
                    currency: currency_of(&opening.currency)?,
                    offset: offset_of(opening.offset)?,
                    at: Timestamp::from_micros(opening.at),
                    profile: opening.profile.map_or_else(|| Ok(Profile::default()), Profile::try_from)?,
                }),
            },
            DirectoryEventV1::CloudAccountRegistered { id, payer } => {
                Self::CloudAccountRegistered { id, payer: AccountIndex(payer) }
            }
            DirectoryEventV1::PayerChanged { cloud, account, effective_at } => Self::PayerChanged {
                cloud: CloudIndex(cloud),
                account: AccountIndex(account),
                effective_at: Timestamp::from_micros(effective_at),
            },
            DirectoryEventV1::EnterpriseOpened { ecid, charter } => {
                Self::EnterpriseOpened { ecid, charter: Box::new(charter.try_into()?) }
            }
            DirectoryEventV1::ExchangeRateSet { from, to, day, rate } => Self::ExchangeRateSet {
                from: currency_of(&from)?,
                to: currency_of(&to)?,
                day,
                rate: rate.try_into()?,
            },
            DirectoryEventV1::RemittanceReceived { remittance, received } => {
                Self::RemittanceReceived { remittance, received: received.try_into()? }
            }
            DirectoryEventV1::NotificationsSettled { channel, next, settled } => {
                let settled = settled.into_iter().map(Settled::from).collect();
                Self::NotificationsSettled { channel, next: position_of(next), settled }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::billing::rate::Rate;
    use crate::domain::credit_control::Charter;
    use crate::domain::directory::Remittance;
    use crate::domain::ids::Currency;
    use crate::domain::money::Money;
    use crate::domain::profile::AccountType;
    use crate::domain::time::UtcOffset;

    #[test]
    fn directory_records_read_back() {
        let mut record = DirectoryRecord {
            sequence: 1,
            at: Timestamp::from_micros(1),
            actor: "a/b".into(),
            remembered: None,
            events: vec![
                DirectoryEvent::AccountOpened {
                    id: "b".into(),
                    opening: Box::new(Opening {
                        kind: AccountType::Ecosystem,
                        currency: Currency::USD,
                        offset: UtcOffset::from_minutes(-90).unwrap(),
                        at: Timestamp::from_micros(2),
                        profile: Profile { owner: Some("o".into()), ..Profile::default() },
                    }),
                },
                DirectoryEvent::CloudAccountRegistered { id: "c".into(), payer: AccountIndex(0) },
                DirectoryEvent::PayerChanged {
                    cloud: CloudIndex(0),
                    account: AccountIndex(1),
                    effective_at: Timestamp::from_micros(3),
                },
            ],
        };
        let check = |record: &DirectoryRecord, version: u8| {
            let mut bytes = Vec::new();
            record.encode(&mut bytes);
            let frame = frame::frames(&bytes).next().unwrap().unwrap();
            assert_eq!(frame.version, version);
            assert_eq!(DirectoryRecord::decode(&frame).unwrap(), *record);
        };
        check(&record, 1);
        let charter = Charter { owner: "o".into(), management_account: "c".into(), currency: Currency::USD };
        record.events.push(DirectoryEvent::EnterpriseOpened { ecid: "e".into(), charter: Box::new(charter) });
        check(&record, 2);
        let (from, to) = (Currency::USD, Currency::parse("EUR").unwrap());
        for rate in ["0", "0.000000000000000001", "1000000000"] {
            let rate = Rate::parse(rate).unwrap();
            record.events.push(DirectoryEvent::ExchangeRateSet { from, to, day: i32::MIN, rate });
        }
        check(&record, 3);
        let received =
            Remittance { amount: Money::from_units(i128::MAX), currency: to, reference: Some("r".into()) };
        record.events = vec![DirectoryEvent::RemittanceReceived { remittance: "x".into(), received }];
        check(&record, 3);
    }
}
