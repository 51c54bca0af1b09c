//! Answers that are remembered with idempotency keys.

use super::from_slice;
use super::parts::{ProfileV1, currency_of, kind_number, kind_of, offset_of, status_number, status_of};
use crate::domain::account::AccountView;
use crate::domain::ids::AccountIndex;
use crate::domain::money::Money;
use crate::domain::refusals::Refusal;
use crate::domain::time::Timestamp;
use crate::journal::JournalFault;
use serde::{Deserialize, Serialize};

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
