//! Records as JSON, with the names that they refer to: for people who look into the log, and for the rare events of the
//! feed. Charges of the feed are the mass, and written by `charge_line`.

use serde_json::{Map, Value, json};

use super::enterprise;
use super::event_type::EventType;
use super::names::Names;
use crate::domain::account_event::AccountEvent;
use crate::domain::directory::DirectoryEvent;
use crate::domain::ids::{AccountIndex, CloudIndex, EnterpriseIndex};
use crate::domain::money::Amount;
use crate::domain::profile::{Opening, Profile};
use crate::domain::standing::{ChargeStanding, StandingChange};
use crate::domain::time::Timestamp;
use crate::engine::change_records::{ChangeRecord, changes_of};
use crate::journal::JournalFault;
use crate::journal::charges::{ChargesPosted, Label, PostedCharge};
use crate::journal::forms::account_record::AccountRecord;
use crate::journal::forms::authorization_record::AuthorizationRecord;
use crate::journal::forms::credit_record::CreditRecord;
use crate::journal::forms::directory_record::DirectoryRecord;
use crate::journal::frame::{Frame, Kind};

/// A whole record. Its own names must have been learnt before.
pub fn record(names: &Names, frame: &Frame<'_>) -> Result<Value, JournalFault> {
    Ok(match frame.kind {
        Kind::ChargesPosted => {
            let posted = ChargesPosted::decode(frame)?;
            let mut charges =
                posted.iter().map(|row| charge(names, &row?)).collect::<Result<Vec<_>, JournalFault>>()?;
            for (row, ChargeStanding { change, at, .. }) in posted.standings() {
                charges[*row]["standing"] = standing(change);
                charges[*row]["standing"]["at"] = json!(at.to_string());
            }
            json!({ "record": frame.kind.name(), "charges": charges })
        }
        Kind::Directory => {
            let record = DirectoryRecord::decode(frame)?;
            let events: Vec<_> = record.events.iter().map(|event| directory_event(names, event)).collect();
            json!({
                "record": frame.kind.name(),
                "sequence": record.sequence,
                "at": record.at.to_string(),
                "actor": record.actor,
                "key": record.remembered.map(|remembered| remembered.key),
                "events": events,
            })
        }
        Kind::Account => {
            let record = AccountRecord::decode(frame)?;
            let mut json = json!({
                "record": frame.kind.name(),
                "billing_account": account_name(names, record.account),
                "sequence": record.sequence,
                "key": record.remembered.as_ref().map(|remembered| &remembered.key),
            });
            if let AccountEvent::ProfileModified { profile: new } = &record.event {
                json["profile"] = profile(new);
            }
            if let AccountEvent::StandingChanged { change } = &record.event {
                json["standing"] = standing(change);
            }
            if let Some(message) = enterprise::message(&record.event) {
                json["message"] = message;
            }
            json["change"] = changes_of(record).first().map_or(Value::Null, ChangeRecord::to_json);
            json
        }
        Kind::CreditControl => enterprise::credit_record(names, &CreditRecord::decode(frame)?),
        Kind::AdminAuthorization => {
            enterprise::authorization_record(names, &AuthorizationRecord::decode(frame)?)
        }
    })
}

/// All that a step changed of an account's standing, and what its owner is told.
fn standing(change: &StandingChange) -> Value {
    json!({
        "changes": change.changes.names().collect::<Vec<_>>(),
        "available_credit": change.available_credit.to_string(),
        "threshold": change.threshold.to_string(),
    })
}

/// What the feed tells of an account's record: everything that it has changed, and with whom.
pub(super) fn account_data(names: &Names, record: &AccountRecord) -> Value {
    let mut data = json!({
        "billing_account": account_name(names, record.account),
        "sequence": record.sequence,
        "actor": record.actor,
    });
    if let Some(remembered) = &record.remembered {
        data["key"] = json!(remembered.key);
    }
    match &record.event {
        AccountEvent::ProfileModified { profile: new } => data["profile"] = profile(new),
        AccountEvent::StandingChanged { change } => data["standing"] = standing(change),
        AccountEvent::CashTransferred { to, .. } => data["to"] = account_name(names, *to),
        AccountEvent::TransferReceived { from, .. } | AccountEvent::RevocationReceived { from, .. } => {
            data["from"] = account_name(names, *from);
        }
        AccountEvent::TransferRevoked { giver, .. } => data["giver"] = account_name(names, *giver),
        AccountEvent::CreditReceived { enterprise: of, .. }
        | AccountEvent::EnterpriseJoined { enterprise: of, .. }
        | AccountEvent::EnterpriseLeft { enterprise: of, .. } => data["ecid"] = enterprise_name(names, *of),
        AccountEvent::CreditReturned { enterprise: of, moves_to, .. } => {
            data["ecid"] = enterprise_name(names, *of);
            if let Some(to) = moves_to {
                data["to"] = account_name(names, *to);
            }
        }
        _ => {}
    }
    if let Some(message) = enterprise::message(&record.event) {
        data["message"] = message;
    }
    data["changes"] = changes_of(record.clone()).iter().map(ChangeRecord::to_json).collect();
    data
}

/// What the feed tells of an event of a record of several: who and under which key, and the event itself.
pub(super) fn event_data(sequence: u64, actor: &str, key: Option<&str>, event: Value) -> Value {
    let mut data = Map::new();
    data.insert("sequence".to_owned(), json!(sequence));
    data.insert("actor".to_owned(), json!(actor));
    if let Some(key) = key {
        data.insert("key".to_owned(), json!(key));
    }
    if let Value::Object(fields) = event {
        // The type says it already.
        data.extend(fields.into_iter().filter(|(name, _)| name != "event"));
    }
    Value::Object(data)
}

pub(super) fn directory_event(names: &Names, event: &DirectoryEvent) -> Value {
    let name = EventType::of_directory(event).name();
    match event {
        DirectoryEvent::AccountOpened { id, opening } => {
            let Opening { kind, currency, offset, at, profile: settings } = &**opening;
            json!({
                "event": name,
                "billing_account": id,
                "type": kind.to_string(),
                "currency": currency.to_string(),
                "utc_offset": offset.to_string(),
                "at": at.to_string(),
                "profile": profile(settings),
            })
        }
        DirectoryEvent::CloudAccountRegistered { id, payer } => json!({
            "event": name,
            "cloud_account": id,
            "billing_account": account_name(names, *payer),
        }),
        DirectoryEvent::PayerChanged { cloud: of, account: payer, effective_at } => json!({
            "event": name,
            "cloud_account": cloud_name(names, *of),
            "billing_account": account_name(names, *payer),
            "effective_at": effective_at.to_string(),
        }),
        DirectoryEvent::EnterpriseOpened { ecid, charter } => json!({
            "event": name,
            "ecid": ecid,
            "owner": charter.owner,
            "management_account": charter.management_account,
            "currency": charter.currency.to_string(),
        }),
        DirectoryEvent::ExchangeRateSet { from, to, day, rate } => json!({
            "event": name,
            "from": from.to_string(),
            "to": to.to_string(),
            "day": Timestamp::default().plus_days(i64::from(*day)).to_string(),
            "rate": rate.to_string(),
        }),
        DirectoryEvent::RemittanceReceived { remittance, received } => json!({
            "event": name,
            "remittance": remittance,
            "amount": received.amount.to_string(),
            "currency": received.currency.to_string(),
            "reference": received.reference,
        }),
        DirectoryEvent::NotificationsSettled { channel, next, settled } => json!({
            "event": name,
            "channel": channel,
            "next": next.to_string(),
            "settled": settled.iter().map(|one| json!({
                "notification": one.position.to_string(),
                "at": one.at.to_string(),
                "fate": one.fate.name(),
            })).collect::<Vec<_>>(),
        }),
    }
}

fn charge(names: &Names, charge: &PostedCharge<'_>) -> Result<Value, JournalFault> {
    let amount = Amount::new(charge.amount).map_err(|_| JournalFault::Malformed("amount"))?;
    let mut space = [0; 36];
    Ok(json!({
        "billing_account": account_name(names, charge.account),
        "sequence": charge.sequence,
        "cloud_account": cloud_name(names, charge.cloud),
        "source": label(names, charge.source),
        "id": charge.id.as_str(&mut space),
        "amount": amount.money().to_string(),
        "charge_period_start": charge.period_start.to_string(),
        "billing_cycle": charge.cycle.to_string(),
        "category": charge.category.name(),
        "class": charge.correction.then_some("correction"),
        "service": label(names, charge.service),
        "sku": label(names, charge.sku),
        "quantity": charge.quantity.map(|quantity| quantity.to_string()),
        "unit": label(names, charge.unit),
        "description": present(charge.description),
        "tags": present(charge.tags),
        "import_row": (charge.import_row > 0).then_some(charge.import_row),
    }))
}

pub(super) fn account_name(names: &Names, account: AccountIndex) -> Value {
    named(names.account(account), account.0)
}

fn cloud_name(names: &Names, cloud: CloudIndex) -> Value {
    named(names.cloud(cloud), cloud.0)
}

pub(super) fn enterprise_name(names: &Names, enterprise: EnterpriseIndex) -> Value {
    match enterprise {
        EnterpriseIndex::NONE => Value::Null,
        enterprise => named(names.enterprise(enterprise), enterprise.0),
    }
}

fn label(names: &Names, label: Label<'_>) -> Option<String> {
    match names.label(label) {
        Some(text) => present(text).map(str::to_owned),
        None => Some(format!("string {}", label.number.0)),
    }
}

/// The name, or the number where the log that gave it was trimmed.
fn named(name: Option<&str>, number: u32) -> Value {
    name.map_or_else(|| json!(u64::from(number) + 1), |name| json!(name))
}

fn present(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn profile(profile: &Profile) -> Value {
    json!({
        "name": profile.name,
        "owner": profile.owner,
        "contact": profile.contact,
        "site": profile.site.to_string(),
        "credit_enabled": profile.credit_enabled,
        "pay_on_behalf": profile.pay_on_behalf,
        "payment_terms_days": profile.payment_terms_days,
    })
}
