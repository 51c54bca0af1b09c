//! Commands about alerts and suspension, and what people were told: one table line per name (rules H1–H5).

use serde_json::value::RawValue;

use super::Problem;
use super::accounts::billing_account;
use super::fields::{Fields, invalid, need};
use super::request::{Asked, Build, limit};
use crate::domain::notification::NotificationKind;
use crate::engine::Command;
use crate::engine::outbox::NotificationQuery;

/// What a duration looks like.
pub(in crate::cli) const DURATION_FORM: &str = "a duration such as `PT72H` or `P3D`, or whole seconds";

/// How many notifications one answer has unless `limit` is given.
const NOTIFICATIONS_USUAL: usize = 10_000;

fn kinds() -> String {
    format!("one of {}", NotificationKind::ALL.map(NotificationKind::name).join(", "))
}

/// Every name with what it builds.
pub(super) const TABLE: [(&str, Build); 3] = [
    ("set_low_balance_alert", |fields| {
        Ok(Asked::Command(Command::SetLowBalanceAlert {
            billing_accounts: need("billing_accounts", fields.texts("billing_accounts")?)?,
            enabled: need("enabled", fields.boolean("enabled")?)?,
            threshold: fields.optional_amount("threshold")?,
        }))
    }),
    ("set_suspension_benefit", |fields| {
        Ok(Asked::Command(Command::SetSuspensionBenefit {
            billing_account: billing_account(fields)?,
            grace_micros: grace(fields)?,
            grace_amount: fields.optional_amount("grace_amount")?,
        }))
    }),
    ("notifications", |fields| {
        Ok(Asked::Notifications(NotificationQuery {
            billing_account: fields.text("billing_account")?,
            kind: fields.read_as("kind", &kinds(), NotificationKind::parse)?,
            from: fields.next()?.unwrap_or_default(),
            limit: limit(fields)?.unwrap_or(NOTIFICATIONS_USUAL),
        }))
    }),
];

fn grace(fields: &mut Fields<'_>) -> Result<Option<i64>, Problem> {
    let Some(raw) = fields.raw("grace_duration").map(RawValue::get) else { return Ok(None) };
    let text: Option<String> = serde_json::from_str(raw).ok();
    let text = text.as_deref().unwrap_or(raw);
    duration(text)
        .map(Some)
        .map_or_else(|| invalid("grace_duration", format!("`{text}`: give {DURATION_FORM}")), Ok)
}

/// The microseconds of an ISO 8601 duration of weeks, days (of 24 hours), hours, minutes and seconds, or of a count of
/// seconds.
pub(in crate::cli) fn duration(text: &str) -> Option<i64> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse::<i64>().ok()?.checked_mul(1_000_000);
    }
    let span: jiff::Span = text.parse().ok()?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return None;
    }
    let duration = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
    let micros = i64::try_from(duration.as_micros()).ok()?;
    let is_whole = duration.subsec_nanos() % 1_000 == 0;
    (is_whole && micros >= 0).then_some(micros)
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_exact_and_of_a_fixed_length() {
        const HOUR: i64 = 3_600 * 1_000_000;
        for (text, micros) in
            [("PT72H", 72 * HOUR), ("P3D", 72 * HOUR), ("P1W", 168 * HOUR), ("90", 90_000_000), ("PT0S", 0)]
        {
            assert_eq!(duration(text), Some(micros), "{text}");
        }
        for text in
            ["", "P1M", "P1Y", "-P1D", "-1", "1.5", "PT0.0000001S", "99999999999999999999", "three days"]
        {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
