//! Wire forms, version 1, of everything but charges: MessagePack arrays, field order is the format.
//!
//! They mirror the domain's types, so that a rule can be rewritten without touching what is on disk.

use serde::{Deserialize, Serialize};

use super::JournalFault;
use super::frame::{self, Frame, Kind};
use crate::domain::account::{AccountParts, AccountView, Rare, Status};
use crate::domain::account_event::AccountEvent;
use crate::domain::charge::Category;
use crate::domain::directory::DirectoryEvent;
use crate::domain::ids::{AccountIndex, CloudIndex, Currency};
use crate::domain::imports::ImportedUpTo;
use crate::domain::keys::Remembered;
use crate::domain::money::Money;
use crate::domain::paid_cloud_account::{ChargeSum, PaidCloudAccount};
use crate::domain::profile::{AccountType, Opening, Profile, Site};
use crate::domain::refusals::Refusal;
use crate::domain::time::{Cycle, Timestamp, UtcOffset};

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
        frame::append(bytes, Kind::Directory, |bytes| rmp_serde::encode::write(bytes, &form));
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

/// Decodes MessagePack; `kind` names the form in an error.
pub(super) fn from_slice<'a, T: Deserialize<'a>>(
    kind: &'static str,
    bytes: &'a [u8],
) -> Result<T, JournalFault> {
    rmp_serde::from_slice(bytes).map_err(|source| JournalFault::Form { kind, source })
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
struct DirectoryRecordV1 {
    sequence: u64,
    at: i64,
    actor: Box<str>,
    remembered: Option<RememberedV1>,
    events: Vec<DirectoryEventV1>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct RememberedV1 {
    principal: Box<str>,
    key: Box<str>,
    #[serde(with = "serde_bytes")]
    digest: Vec<u8>,
    #[serde(with = "serde_bytes")]
    answer: Vec<u8>,
    at: i64,
}

impl From<&Remembered> for RememberedV1 {
    fn from(remembered: &Remembered) -> Self {
        Self {
            principal: remembered.principal.clone(),
            key: remembered.key.clone(),
            digest: remembered.digest.to_le_bytes().to_vec(),
            answer: remembered.answer.to_vec(),
            at: remembered.at.micros(),
        }
    }
}

impl TryFrom<RememberedV1> for Remembered {
    type Error = JournalFault;

    fn try_from(form: RememberedV1) -> Result<Self, JournalFault> {
        let digest: [u8; 16] = form.digest.try_into().map_err(|_| JournalFault::Malformed("digest"))?;
        Ok(Self {
            principal: form.principal,
            key: form.key,
            digest: u128::from_le_bytes(digest),
            answer: form.answer.into(),
            at: Timestamp::from_micros(form.at),
        })
    }
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

#[derive(Serialize, Deserialize)]
struct ProfileV1 {
    name: Option<Box<str>>,
    owner: Option<Box<str>>,
    contact: Option<Box<str>>,
    site: u8,
    credit_enabled: bool,
    pay_on_behalf: bool,
    payment_terms_days: u16,
}

impl From<&Profile> for ProfileV1 {
    fn from(profile: &Profile) -> Self {
        Self {
            name: profile.name.clone(),
            owner: profile.owner.clone(),
            contact: profile.contact.clone(),
            site: match profile.site {
                Site::International => 0,
                Site::China => 1,
            },
            credit_enabled: profile.credit_enabled,
            pay_on_behalf: profile.pay_on_behalf,
            payment_terms_days: profile.payment_terms_days,
        }
    }
}

impl TryFrom<ProfileV1> for Profile {
    type Error = JournalFault;

    fn try_from(form: ProfileV1) -> Result<Self, JournalFault> {
        Ok(Self {
            name: form.name,
            owner: form.owner,
            contact: form.contact,
            site: match form.site {
                0 => Site::International,
                1 => Site::China,
                _ => return Err(JournalFault::Malformed("site")),
            },
            credit_enabled: form.credit_enabled,
            pay_on_behalf: form.pay_on_behalf,
            payment_terms_days: form.payment_terms_days,
        })
    }
}

#[derive(Serialize, Deserialize)]
enum DirectoryEventV1 {
    AccountOpened { id: Box<str>, opening: OpeningV1 },
    CloudAccountRegistered { id: Box<str>, payer: u32 },
    PayerChanged { cloud: u32, account: u32, effective_at: i64 },
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
        })
    }
}

fn status_number(status: Status) -> u8 {
    match status {
        Status::Valid => 0,
        Status::Frozen => 1,
        Status::Canceled => 2,
    }
}

fn status_of(number: u8) -> Result<Status, JournalFault> {
    match number {
        0 => Ok(Status::Valid),
        1 => Ok(Status::Frozen),
        2 => Ok(Status::Canceled),
        _ => Err(JournalFault::Malformed("status")),
    }
}

fn kind_number(kind: AccountType) -> u8 {
    match kind {
        AccountType::Direct => 0,
        AccountType::Ecosystem => 1,
    }
}

fn kind_of(number: u8) -> Result<AccountType, JournalFault> {
    match number {
        0 => Ok(AccountType::Direct),
        1 => Ok(AccountType::Ecosystem),
        _ => Err(JournalFault::Malformed("account type")),
    }
}

fn currency_of(text: &str) -> Result<Currency, JournalFault> {
    Currency::parse(text).ok_or(JournalFault::Malformed("currency"))
}

fn offset_of(minutes: i16) -> Result<UtcOffset, JournalFault> {
    UtcOffset::from_minutes(minutes).ok_or(JournalFault::Malformed("UTC offset"))
}

/// One account in a snapshot, with the payment relationships of its shard.
#[derive(Serialize, Deserialize)]
pub(super) struct AccountV1 {
    index: u32,
    unsettled_current: i128,
    sequence: u64,
    charges: u64,
    kind: u8,
    status: u8,
    currency: Box<str>,
    offset: i16,
    cash: i128,
    credit_limit: i128,
    at: i64,
    created_at: i64,
    rare: Option<RareV1>,
    payments: Vec<PaymentV1>,
}

#[derive(Serialize, Deserialize)]
struct RareV1 {
    profile: ProfileV1,
    quota: i128,
    quota_consumed: i128,
    canceled_at: Option<i64>,
    keys: Vec<RememberedV1>,
    imports: Vec<(Box<str>, u32, u64)>,
}

#[derive(Serialize, Deserialize)]
struct PaymentV1 {
    cloud: u32,
    sums: Vec<(u32, u8, u64, i128)>,
}

/// One account as a snapshot holds it: its number, its state, and what it owes for each cloud account.
pub type AccountState = (AccountIndex, AccountParts, Vec<(CloudIndex, PaidCloudAccount)>);

impl AccountV1 {
    pub(super) fn new<'a>(
        index: AccountIndex,
        parts: &AccountParts,
        payments: impl Iterator<Item = (CloudIndex, &'a PaidCloudAccount)>,
    ) -> Self {
        Self {
            index: index.0,
            unsettled_current: parts.unsettled_current.units(),
            sequence: parts.sequence,
            charges: parts.charges,
            kind: kind_number(parts.kind),
            status: status_number(parts.status),
            currency: parts.currency.as_str().into(),
            offset: parts.offset.minutes(),
            cash: parts.cash.units(),
            credit_limit: parts.credit_limit.units(),
            at: parts.at.micros(),
            created_at: parts.created_at.micros(),
            rare: parts.rare.as_deref().map(|rare| RareV1 {
                profile: (&rare.profile).into(),
                quota: rare.quota.units(),
                quota_consumed: rare.quota_consumed.units(),
                canceled_at: rare.canceled_at.map(Timestamp::micros),
                keys: rare.keys.iter().map(RememberedV1::from).collect(),
                imports: rare
                    .imports
                    .iter()
                    .map(|one| (one.source.clone(), one.cycle.index(), one.row))
                    .collect(),
            }),
            payments: payments
                .map(|(cloud, paid)| PaymentV1 {
                    cloud: cloud.0,
                    sums: paid
                        .sums()
                        .map(|sum| (sum.cycle.index(), sum.category as u8, sum.charges, sum.amount.units()))
                        .collect(),
                })
                .collect(),
        }
    }

    pub(super) fn into_state(self) -> Result<AccountState, JournalFault> {
        let rare = self.rare.map(RareV1::into_rare).transpose()?.map(Box::new);
        let parts = AccountParts {
            unsettled_current: Money::from_units(self.unsettled_current),
            sequence: self.sequence,
            charges: self.charges,
            kind: kind_of(self.kind)?,
            status: status_of(self.status)?,
            currency: currency_of(&self.currency)?,
            offset: offset_of(self.offset)?,
            cash: Money::from_units(self.cash),
            credit_limit: Money::from_units(self.credit_limit),
            at: Timestamp::from_micros(self.at),
            created_at: Timestamp::from_micros(self.created_at),
            rare,
        };
        let payments = self.payments.into_iter().map(PaymentV1::into_payment).collect::<Result<_, _>>()?;
        Ok((AccountIndex(self.index), parts, payments))
    }
}

impl RareV1 {
    fn into_rare(self) -> Result<Rare, JournalFault> {
        Ok(Rare {
            profile: self.profile.try_into()?,
            quota: Money::from_units(self.quota),
            quota_consumed: Money::from_units(self.quota_consumed),
            canceled_at: self.canceled_at.map(Timestamp::from_micros),
            keys: self.keys.into_iter().map(Remembered::try_from).collect::<Result<_, _>>()?,
            imports: self
                .imports
                .into_iter()
                .map(|(source, cycle, row)| ImportedUpTo { source, cycle: Cycle::from_index(cycle), row })
                .collect(),
        })
    }
}

impl PaymentV1 {
    fn into_payment(self) -> Result<(CloudIndex, PaidCloudAccount), JournalFault> {
        let sums = self
            .sums
            .into_iter()
            .map(|(cycle, category, charges, amount)| {
                Ok(ChargeSum {
                    cycle: Cycle::from_index(cycle),
                    category: Category::from_number(category).ok_or(JournalFault::Malformed("category"))?,
                    charges,
                    amount: Money::from_units(amount),
                })
            })
            .collect::<Result<Vec<_>, JournalFault>>()?;
        Ok((CloudIndex(self.cloud), PaidCloudAccount::from_sums(&sums)))
    }
}

#[derive(Serialize, Deserialize)]
struct ViewV1 {
    kind: u8,
    status: u8,
    currency: Box<str>,
    offset: i16,
    created_at: i64,
    profile: ProfileV1,
    cash: i128,
    credit_limit: i128,
    quota: i128,
    quota_consumed: i128,
    unsettled_current: i128,
    available_credit: i128,
    charges: u64,
    sequence: u64,
    at: i64,
}

/// Encodes an account's answer, to be remembered with its idempotency key.
pub fn encode_view(view: &AccountView) -> Vec<u8> {
    let form = ViewV1 {
        kind: kind_number(view.kind),
        status: status_number(view.status),
        currency: view.currency.as_str().into(),
        offset: view.offset.minutes(),
        created_at: view.created_at.micros(),
        profile: (&view.profile).into(),
        cash: view.cash.units(),
        credit_limit: view.credit_limit.units(),
        quota: view.quota.units(),
        quota_consumed: view.quota_consumed.units(),
        unsettled_current: view.unsettled_current.units(),
        available_credit: view.available_credit.units(),
        charges: view.charges,
        sequence: view.sequence,
        at: view.at.micros(),
    };
    rmp_serde::to_vec(&form).expect("invariant: encoding into memory can't fail")
}

/// Decodes what [`encode_view`] wrote for that account.
pub fn decode_view(account: AccountIndex, bytes: &[u8]) -> Result<AccountView, JournalFault> {
    let form: ViewV1 = from_slice("answer", bytes)?;
    let money = Money::from_units;
    Ok(AccountView {
        account,
        kind: kind_of(form.kind)?,
        status: status_of(form.status)?,
        currency: currency_of(&form.currency)?,
        offset: offset_of(form.offset)?,
        created_at: Timestamp::from_micros(form.created_at),
        profile: form.profile.try_into()?,
        cash: money(form.cash),
        credit_limit: money(form.credit_limit),
        quota: money(form.quota),
        quota_consumed: money(form.quota_consumed),
        unsettled_current: money(form.unsettled_current),
        available_credit: money(form.available_credit),
        charges: form.charges,
        sequence: form.sequence,
        at: Timestamp::from_micros(form.at),
    })
}

/// Encodes the results of a directory's command, to be remembered with its idempotency key.
pub fn encode_results(results: &[Result<(), Refusal>]) -> Vec<u8> {
    let codes: Vec<Option<&str>> = results.iter().map(|result| result.err().map(Refusal::code)).collect();
    rmp_serde::to_vec(&codes).expect("invariant: encoding into memory can't fail")
}

/// Decodes what [`encode_results`] wrote.
pub fn decode_results(bytes: &[u8]) -> Result<Vec<Result<(), Refusal>>, JournalFault> {
    let codes: Vec<Option<&str>> = from_slice("answer", bytes)?;
    codes
        .into_iter()
        .map(|code| match code {
            None => Ok(Ok(())),
            Some(code) => Refusal::ALL
                .into_iter()
                .find(|refusal| refusal.code() == code)
                .map(Err)
                .ok_or(JournalFault::Malformed("refusal code")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn directory_records_read_back() {
        let record = DirectoryRecord {
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
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        let frame = frame::frames(&bytes).next().unwrap().unwrap();
        assert_eq!(DirectoryRecord::decode(&frame).unwrap(), record);
    }
}
