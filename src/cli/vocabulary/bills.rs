//! Commands and queries about bills and what pays them: one table line per name.

use super::Problem;
use super::accounts::{billing_account, currency, currency_of, cycle, whose_amount};
use super::fields::{Fields, invalid, need};
use super::request::{Asked, Build, PageOf};
use crate::domain::billing::asset::AssetKind;
use crate::domain::billing::coupon::CouponKind;
use crate::domain::billing::payment_method::PaymentMethodKind;
use crate::domain::time::Timestamp;
use crate::engine::Command;
use crate::engine::command::PayingAsset;

/// Every name with what it builds.
pub(super) const TABLE: [(&str, Build); 23] = [
    ("set_automatic_write_off", |fields| {
        let (billing_account, enabled) = switch(fields)?;
        Ok(Asked::Command(Command::SetAutomaticWriteOff { billing_account, enabled }))
    }),
    ("set_write_off_previous_bills", |fields| {
        let (billing_account, enabled) = switch(fields)?;
        Ok(Asked::Command(Command::SetWriteOffPreviousBills { billing_account, enabled }))
    }),
    ("set_settlement_currency", |fields| {
        let billing_account = billing_account(fields)?;
        let currency = need("currency", currency(fields)?)?;
        Ok(Asked::Command(Command::SetSettlementCurrency { billing_account, currency }))
    }),
    ("set_exchange_rate", |fields| {
        Ok(Asked::Command(Command::SetExchangeRate {
            from: need("from", currency_of(fields, "from")?)?,
            to: need("to", currency_of(fields, "to")?)?,
            rate: fields.rate("rate")?,
            day: need("date", fields.read_as("date", DATE_FORM, day)?)?,
        }))
    }),
    ("set_tax_rate", |fields| {
        Ok(Asked::Command(Command::SetTaxRate {
            billing_account: billing_account(fields)?,
            rate: fields.rate("rate")?,
        }))
    }),
    ("issue_bills", |fields| {
        Ok(Asked::Command(Command::IssueBills {
            cycle: need("cycle", cycle(fields, "cycle")?)?,
            billing_account: fields.text("billing_account")?,
        }))
    }),
    ("pay_bill", |fields| {
        let bill = fields.need_text("bill")?;
        let assets = fields.objects("assets", paying_asset)?.unwrap_or_default();
        Ok(Asked::Command(Command::PayBill { bill, assets }))
    }),
    ("grant_coupon", |fields| {
        let (billing_account, amount) = whose_amount(fields)?;
        let kind = fields.read_as("kind", "`coupon` or `voucher`", CouponKind::parse)?;
        Ok(Asked::Command(Command::GrantCoupon {
            billing_account,
            coupon: fields.need_text("coupon")?,
            kind: kind.unwrap_or_default(),
            amount,
            starts_at: need("starts_at", fields.time("starts_at")?)?,
            ends_at: need("ends_at", fields.time("ends_at")?)?,
            services: fields.texts("services")?.unwrap_or_default(),
            minimum_spend: fields.optional_amount("minimum_spend")?,
        }))
    }),
    ("purchase", |fields| {
        let (billing_account, amount) = whose_amount(fields)?;
        Ok(Asked::Command(Command::Purchase {
            billing_account,
            order: fields.need_text("order")?,
            amount,
            cloud_account: fields.text("cloud_account")?,
            service: fields.text("service")?,
        }))
    }),
    ("refund", |fields| {
        Ok(Asked::Command(Command::Refund {
            order: fields.need_text("order")?,
            refund: fields.need_text("refund")?,
            amount: fields.amount("amount")?,
        }))
    }),
    ("start_unified_settlement", |fields| {
        let pair =
            |pair: &mut Fields<'_>| Ok((billing_account(pair)?, need("cycle", cycle(pair, "cycle")?)?));
        Ok(Asked::Command(Command::StartUnifiedSettlement {
            settlement: fields.need_text("settlement")?,
            pairs: need("pairs", fields.objects("pairs", pair)?)?,
            assets: asset_kinds(fields)?,
        }))
    }),
    ("finish_unified_settlement", |fields| {
        Ok(Asked::Command(Command::FinishUnifiedSettlement { settlement: fields.need_text("settlement")? }))
    }),
    ("close_unified_settlement", |fields| {
        Ok(Asked::Command(Command::CloseUnifiedSettlement { settlement: fields.need_text("settlement")? }))
    }),
    ("record_remittance", |fields| {
        Ok(Asked::Command(Command::RecordRemittance {
            remittance: fields.need_text("remittance")?,
            amount: fields.amount("amount")?,
            currency: currency(fields)?,
            reference: fields.text("reference")?,
        }))
    }),
    ("claim_remittance", |fields| {
        let billing_account = billing_account(fields)?;
        let remittance = fields.need_text("remittance")?;
        Ok(Asked::Command(Command::ClaimRemittance { billing_account, remittance }))
    }),
    ("link_payment_method", |fields| {
        let (billing_account, method) = payment_method(fields)?;
        let kind = fields.read_as("kind", "`card` or `paypal`", PaymentMethodKind::parse)?;
        Ok(Asked::Command(Command::LinkPaymentMethod {
            billing_account,
            method,
            kind: need("kind", kind)?,
            token: fields.need_text("token")?,
        }))
    }),
    ("edit_payment_method", |fields| {
        let (billing_account, method) = payment_method(fields)?;
        let token = fields.need_text("token")?;
        Ok(Asked::Command(Command::EditPaymentMethod { billing_account, method, token }))
    }),
    ("unlink_payment_method", |fields| {
        let (billing_account, method) = payment_method(fields)?;
        Ok(Asked::Command(Command::UnlinkPaymentMethod { billing_account, method }))
    }),
    ("set_default_payment_method", |fields| {
        let (billing_account, method) = payment_method(fields)?;
        Ok(Asked::Command(Command::SetDefaultPaymentMethod { billing_account, method }))
    }),
    ("bills", |fields| {
        Ok(Asked::Bills {
            billing_account: billing_account(fields)?,
            cycle: cycle(fields, "cycle")?,
            lines: fields.boolean("lines")?.unwrap_or(false),
            page: PageOf::read(fields)?,
        })
    }),
    ("coupons", |fields| {
        Ok(Asked::Coupons { billing_account: billing_account(fields)?, page: PageOf::read(fields)? })
    }),
    ("order", |fields| Ok(Asked::Order { order: fields.need_text("order")? })),
    ("payment_methods", |fields| {
        Ok(Asked::PaymentMethods { billing_account: billing_account(fields)?, page: PageOf::read(fields)? })
    }),
];

/// What a rate looks like.
pub(in crate::cli) const RATE_FORM: &str =
    "a rate from 0 to 1000000000 of at most 18 fraction digits, such as 0.06";

/// What a day looks like.
pub(in crate::cli) const DATE_FORM: &str = "a day such as 2026-05-31";

/// Reads `YYYY-MM-DD`: days since 1970-01-01.
pub(in crate::cli) fn day(text: &str) -> Option<i32> {
    let midnight = Timestamp::parse(&format!("{text}T00:00:00Z")).filter(|_| text.len() == 10)?;
    i32::try_from(midnight.days()).ok()
}

/// `YYYY-MM-DD`.
pub(in crate::cli) fn date(day: i32) -> String {
    let text = Timestamp::default().plus_days(i64::from(day)).to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

/// Reads the names of some kinds of assets.
pub(in crate::cli) fn asset_kinds_of<'a>(
    names: impl Iterator<Item = &'a str>,
) -> Result<Vec<AssetKind>, String> {
    let read =
        |name: &str| AssetKind::parse(name).ok_or_else(|| format!("`{name}`: give some of {}", kinds()));
    names.map(read).collect()
}

fn kinds() -> String {
    AssetKind::ALL.map(AssetKind::name).join(", ")
}

fn switch(fields: &mut Fields<'_>) -> Result<(String, bool), Problem> {
    Ok((billing_account(fields)?, need("enabled", fields.boolean("enabled")?)?))
}

fn payment_method(fields: &mut Fields<'_>) -> Result<(String, String), Problem> {
    Ok((billing_account(fields)?, fields.need_text("method")?))
}

fn paying_asset(asset: &mut Fields<'_>) -> Result<PayingAsset, Problem> {
    let kind = asset.read_as("kind", &format!("one of {}", kinds()), AssetKind::parse)?;
    Ok(PayingAsset {
        kind: need("kind", kind)?,
        coupon: asset.text("coupon")?,
        month: cycle(asset, "month")?,
        amount: asset.amount("amount")?,
    })
}

fn asset_kinds(fields: &mut Fields<'_>) -> Result<Option<Vec<AssetKind>>, Problem> {
    let Some(names) = fields.texts("assets")? else { return Ok(None) };
    match asset_kinds_of(names.iter().map(String::as_str)) {
        Ok(kinds) if kinds.is_empty() => invalid("assets", "name at least one kind of asset"),
        Ok(kinds) => Ok(Some(kinds)),
        Err(detail) => invalid("assets", detail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_and_printed() {
        for (text, expect) in [("1970-01-01", 0), ("2026-05-31", 20_604), ("1969-12-31", -1)] {
            assert_eq!((day(text), date(expect)), (Some(expect), text.to_owned()));
        }
        for text in ["2026-02-30", "2026-5-1", "20260531", "2026-05-31T", ""] {
            assert_eq!(day(text), None, "{text}");
        }
    }
}
