//! Answers that are remembered with idempotency keys.

use super::billing::RateV1;
use super::from_slice;
use super::parts::{ProfileV1, currency_of, kind_number, kind_of, offset_of, status_number, status_of};
use super::standing::WatchV1;
use crate::domain::account::AccountView;
use crate::domain::credit_control::AllocationView;
use crate::domain::ids::{AccountIndex, EnterpriseIndex};
use crate::domain::money::Money;
use crate::domain::refusals::Refusal;
use crate::domain::standing::Watch;
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
    // What older answers lack.
    #[serde(default)]
    in_flight: i128,
    #[serde(default)]
    transfer_book: i128,
    #[serde(default)]
    held: i128,
    #[serde(default)]
    spendable: Option<i128>,
    #[serde(default)]
    enterprise: Option<u32>,
    #[serde(default)]
    amount: i128,
    #[serde(default)]
    unsettled_previous: i128,
    #[serde(default)]
    credit_refund: i128,
    #[serde(default)]
    coupons_valid: u64,
    #[serde(default)]
    coupon_balance: i128,
    #[serde(default)]
    automatic_write_off: Option<bool>,
    #[serde(default)]
    write_off_previous_bills: bool,
    #[serde(default)]
    tax_rate: RateV1,
    #[serde(default)]
    settlement_currency: Option<Box<str>>,
    #[serde(default)]
    suspended: bool,
    #[serde(default)]
    watch: Option<WatchV1>,
}

/// Encodes an account's answer and what its event moved, to be remembered with its idempotency key.
pub fn encode_view(view: &AccountView, amount: Money) -> Vec<u8> {
    let watch = Watch {
        threshold: view.alert_threshold,
        alert: view.alert,
        benefit: view.suspension_benefit,
        overdue_since: None,
    };
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
        in_flight: view.in_flight.units(),
        transfer_book: view.transfer_book.units(),
        held: view.held.units(),
        spendable: Some(view.spendable.units()),
        enterprise: view.enterprise.map(|enterprise| enterprise.0),
        amount: amount.units(),
        unsettled_previous: view.unsettled_previous.units(),
        credit_refund: view.credit_refund.units(),
        coupons_valid: view.coupons_valid,
        coupon_balance: view.coupon_balance.units(),
        automatic_write_off: Some(view.automatic_write_off),
        write_off_previous_bills: view.write_off_previous_bills,
        tax_rate: view.tax_rate.into(),
        settlement_currency: Some(view.settlement_currency.as_str().into()),
        suspended: view.suspended,
        watch: (watch != Watch::default()).then(|| (&watch).into()),
    };
    rmp_serde::to_vec(&form).expect("invariant: encoding into memory can't fail")
}

/// Decodes what [`encode_view`] wrote for that account: its answer, and what the event moved (0 in older answers).
pub fn decode_view(account: AccountIndex, bytes: &[u8]) -> Result<(AccountView, Money), JournalFault> {
    let form: ViewV1 = from_slice("answer", bytes)?;
    let money = Money::from_units;
    let watch = form.watch.map(Watch::try_from).transpose()?.unwrap_or_default();
    let view = AccountView {
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
        // Answered to whoever gave the command, who knows.
        may_not_serve_itself: false,
        unsettled_previous: money(form.unsettled_previous),
        credit_refund: money(form.credit_refund),
        coupons_valid: form.coupons_valid,
        coupon_balance: money(form.coupon_balance),
        // As accounts are that were never told otherwise.
        automatic_write_off: form.automatic_write_off.unwrap_or(true),
        write_off_previous_bills: form.write_off_previous_bills,
        tax_rate: form.tax_rate.try_into()?,
        settlement_currency: currency_of(form.settlement_currency.as_deref().unwrap_or(&form.currency))?,
        transfer_book: money(form.transfer_book),
        held: money(form.held),
        // There were no holds before the answer had the field.
        spendable: money(form.spendable.unwrap_or(form.available_credit)),
        in_flight: money(form.in_flight),
        enterprise: form.enterprise.map(EnterpriseIndex),
        charges: form.charges,
        sequence: form.sequence,
        at: Timestamp::from_micros(form.at),
        overdue: form.available_credit < 0,
        suspended: form.suspended,
        alert: watch.alert,
        alert_threshold: watch.threshold,
        suspension_benefit: watch.benefit,
    };
    Ok((view, money(form.amount)))
}

#[derive(Serialize, Deserialize)]
struct AllocationV1 {
    before: i128,
    after: i128,
    available_credit_after: i128,
    pending: bool,
}

/// Encodes the answer of an allocation, to be remembered with its idempotency key.
pub fn encode_allocation(allocation: &AllocationView) -> Vec<u8> {
    let form = AllocationV1 {
        before: allocation.before.units(),
        after: allocation.after.units(),
        available_credit_after: allocation.available_credit_after.units(),
        pending: allocation.pending,
    };
    rmp_serde::to_vec(&form).expect("invariant: encoding into memory can't fail")
}

/// Decodes what [`encode_allocation`] wrote.
pub fn decode_allocation(bytes: &[u8]) -> Result<AllocationView, JournalFault> {
    let form: AllocationV1 = from_slice("answer", bytes)?;
    let money = Money::from_units;
    Ok(AllocationView {
        before: money(form.before),
        after: money(form.after),
        available_credit_after: money(form.available_credit_after),
        pending: form.pending,
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
    use crate::domain::account::Account;
    use crate::domain::billing::rate::Rate;
    use crate::domain::ids::Currency;

    fn view() -> AccountView {
        let money = Money::from_units;
        AccountView {
            available_credit: money(70),
            in_flight: money(1),
            transfer_book: money(2),
            held: money(3),
            spendable: money(67),
            enterprise: Some(EnterpriseIndex(0)),
            unsettled_previous: money(4),
            credit_refund: money(5),
            coupons_valid: 6,
            coupon_balance: money(i128::MAX),
            automatic_write_off: false,
            write_off_previous_bills: true,
            tax_rate: Rate::parse("0.06").unwrap(),
            settlement_currency: Currency::parse("EUR").unwrap(),
            ..Account::placeholder(AccountIndex(5)).view()
        }
    }

    #[test]
    fn answers_read_back() {
        let amount = Money::from_units(-9);
        assert_eq!(decode_view(AccountIndex(5), &encode_view(&view(), amount)).unwrap(), (view(), amount));
        let allocation = AllocationView {
            before: Money::from_units(1),
            after: Money::from_units(2),
            available_credit_after: Money::from_units(i128::MIN),
            pending: true,
        };
        assert_eq!(decode_allocation(&encode_allocation(&allocation)).unwrap(), allocation);
    }

    #[test]
    fn an_answer_from_before_transfers_reads_with_defaults() {
        let form: ViewV1 = from_slice("answer", &encode_view(&view(), Money::ZERO)).unwrap();
        let first = (form.kind, form.status, form.currency, form.offset, form.created_at, form.profile);
        let second = (form.cash, form.credit_limit, form.quota, form.quota_consumed);
        let third = (form.unsettled_current, form.available_credit, form.charges, form.sequence, form.at);
        // One array of the first fifteen fields: tuples that long have no form of their own.
        let mut bytes = vec![0x9f];
        for part in [rmp_serde::to_vec(&first), rmp_serde::to_vec(&second), rmp_serde::to_vec(&third)] {
            bytes.extend_from_slice(&part.unwrap()[1..]);
        }
        let old = AccountView {
            in_flight: Money::ZERO,
            transfer_book: Money::ZERO,
            held: Money::ZERO,
            spendable: Money::from_units(70),
            enterprise: None,
            unsettled_previous: Money::ZERO,
            credit_refund: Money::ZERO,
            coupons_valid: 0,
            coupon_balance: Money::ZERO,
            automatic_write_off: true,
            write_off_previous_bills: false,
            tax_rate: Rate::default(),
            settlement_currency: Currency::USD,
            ..view()
        };
        assert_eq!(decode_view(AccountIndex(5), &bytes).unwrap(), (old, Money::ZERO));
    }
}
