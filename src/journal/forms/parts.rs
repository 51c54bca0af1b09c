//! Forms that several records share.

use crate::domain::account::Status;
use crate::domain::account_event::Posted;
use crate::domain::credit_control::Charter;
use crate::domain::ids::Currency;
use crate::domain::keys::Remembered;
use crate::domain::profile::{AccountType, Profile, Site};
use crate::domain::time::{Timestamp, UtcOffset};
use crate::journal::JournalFault;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(in crate::journal) struct RememberedV1 {
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
pub(in crate::journal) struct ProfileV1 {
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
pub(in crate::journal) struct CharterV1 {
    owner: Box<str>,
    management_account: Box<str>,
    currency: Box<str>,
}

impl From<&Charter> for CharterV1 {
    fn from(charter: &Charter) -> Self {
        Self {
            owner: charter.owner.clone(),
            management_account: charter.management_account.clone(),
            currency: charter.currency.as_str().into(),
        }
    }
}

impl TryFrom<CharterV1> for Charter {
    type Error = JournalFault;

    fn try_from(form: CharterV1) -> Result<Self, JournalFault> {
        Ok(Self {
            owner: form.owner,
            management_account: form.management_account,
            currency: currency_of(&form.currency)?,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(in crate::journal) struct PostedV1 {
    number: u64,
    acknowledged: u64,
}

impl From<Posted> for PostedV1 {
    fn from(Posted { number, acknowledged }: Posted) -> Self {
        Self { number, acknowledged }
    }
}

impl From<PostedV1> for Posted {
    fn from(PostedV1 { number, acknowledged }: PostedV1) -> Self {
        Self { number, acknowledged }
    }
}

pub(in crate::journal) fn status_number(status: Status) -> u8 {
    match status {
        Status::Valid => 0,
        Status::Frozen => 1,
        Status::Canceled => 2,
    }
}

pub(in crate::journal) fn status_of(number: u8) -> Result<Status, JournalFault> {
    match number {
        0 => Ok(Status::Valid),
        1 => Ok(Status::Frozen),
        2 => Ok(Status::Canceled),
        _ => Err(JournalFault::Malformed("status")),
    }
}

pub(in crate::journal) fn kind_number(kind: AccountType) -> u8 {
    match kind {
        AccountType::Direct => 0,
        AccountType::Ecosystem => 1,
    }
}

pub(in crate::journal) fn kind_of(number: u8) -> Result<AccountType, JournalFault> {
    match number {
        0 => Ok(AccountType::Direct),
        1 => Ok(AccountType::Ecosystem),
        _ => Err(JournalFault::Malformed("account type")),
    }
}

pub(in crate::journal) fn currency_of(text: &str) -> Result<Currency, JournalFault> {
    Currency::parse(text).ok_or(JournalFault::Malformed("currency"))
}

pub(in crate::journal) fn offset_of(minutes: i16) -> Result<UtcOffset, JournalFault> {
    UtcOffset::from_minutes(minutes).ok_or(JournalFault::Malformed("UTC offset"))
}
