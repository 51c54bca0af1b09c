//! `exchequer wal`: a look into the log, changing nothing. The directory is locked while it lasts.

mod enterprise;

use std::collections::HashMap;

use serde_json::{Value, json};

use super::failure::Failure;
use super::table::{self, Column, table};
use super::vocabulary::answer;
use super::{Globals, Output, Verdict, console, data_dir};
use crate::domain::account_event::AccountEvent;
use crate::domain::directory::DirectoryEvent;
use crate::domain::ids::{AccountIndex, CloudIndex, EnterpriseIndex};
use crate::domain::money::Amount;
use crate::domain::profile::{Opening, Profile};
use crate::domain::strings::StringId;
use crate::domain::time::Timestamp;
use crate::engine::change_records::change_record;
use crate::journal::JournalFault;
use crate::journal::charges::{ChargesPosted, Label, PostedCharge};
use crate::journal::forms::account_record::AccountRecord;
use crate::journal::forms::authorization_record::AuthorizationRecord;
use crate::journal::forms::credit_record::CreditRecord;
use crate::journal::forms::directory_record::DirectoryRecord;
use crate::journal::frame::{Frame, Kind, frames};
use crate::wal::{Lsn, OpenFault, VisitStop, inspect, read_log};

#[derive(clap::Subcommand, Debug)]
pub(super) enum Arguments {
    /// List the segments, after reading all of them.
    Inspect,
    /// Show the records of one block, with the names that they refer to.
    Dump {
        /// The block's number.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        lsn: u64,
    },
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    match arguments {
        Arguments::Inspect => segments(globals),
        Arguments::Dump { lsn } => dump(globals, Lsn::new(*lsn)),
    }
}

fn segments(globals: &Globals) -> Result<Verdict, Failure> {
    let (storage, identity) = data_dir::locked_storage(globals)?;
    let segments =
        inspect(&*storage, &identity).map_err(|fault| Failure::log("cannot inspect the log", &fault))?;
    if globals.output == Output::Json {
        let segments: Vec<_> = segments
            .iter()
            .map(|segment| {
                json!({
                    "name": segment.name,
                    "first_lsn": segment.first.number(),
                    "last_lsn": segment.last.number(),
                    "epoch": segment.epoch,
                    "blocks": segment.blocks,
                    "bytes_used": segment.bytes_used,
                    "size": segment.size,
                    "sealed": segment.sealed,
                })
            })
            .collect();
        console::print_json(&json!({ "segments": segments }))?;
        return Ok(Verdict::Good);
    }
    let columns = [
        Column::Left("segment"),
        Column::Right("first lsn"),
        Column::Right("last lsn"),
        Column::Right("blocks"),
        Column::Right("bytes used"),
        Column::Right("size"),
        Column::Right("epoch"),
        Column::Left("sealed"),
    ];
    let rows: Vec<_> = segments
        .iter()
        .map(|segment| {
            vec![
                segment.name.clone(),
                segment.first.to_string(),
                if segment.blocks == 0 { "-".to_owned() } else { segment.last.to_string() },
                table::count(segment.blocks),
                table::count(segment.bytes_used),
                table::count(segment.size),
                segment.epoch.to_string(),
                if segment.sealed { "yes" } else { "no" }.to_owned(),
            ]
        })
        .collect();
    console::print(&table(&columns, &rows))?;
    Ok(Verdict::Good)
}

fn dump(globals: &Globals, lsn: Lsn) -> Result<Verdict, Failure> {
    let (storage, identity) = data_dir::locked_storage(globals)?;
    let mut names = Names::default();
    let mut found = None;
    let attempt = || format!("cannot dump block {lsn} of the log");
    // The names that a block refers to may stand in any block before it.
    let read = read_log(&*storage, &identity, Lsn::NOTHING, Some(lsn), &mut |block| {
        let wanted = block.lsn == lsn;
        let mut records = Vec::new();
        for frame in frames(block.bytes) {
            let frame = frame.map_err(VisitStop::new)?;
            let record = names.record(&frame, wanted).map_err(VisitStop::new)?;
            records.extend(record.filter(|_| wanted));
        }
        if wanted {
            found = Some(json!({
                "lsn": lsn.number(),
                "segment": block.segment,
                "offset": block.offset,
                "bytes": block.bytes.len(),
                "seal": block.bytes.is_empty(),
                "records": records,
            }));
        }
        Ok(())
    });
    match read {
        // Whatever comes after the block does not matter here.
        _ if found.is_some() => {}
        Err(OpenFault::Gap { expected, found }) if found < expected => {}
        read => drop(read.map_err(|fault| Failure::log(attempt(), &fault))?),
    }
    let block = found.ok_or_else(|| {
        Failure::new(
            format!("{}: there is none", attempt()),
            "see `exchequer wal inspect` for the blocks there are",
        )
    })?;
    match globals.output {
        Output::Json => console::print_json(&block)?,
        Output::Text => console::print(&format!("{block:#}"))?,
    }
    Ok(Verdict::Good)
}

/// The names that numbers in the log stand for.
#[derive(Default)]
struct Names {
    strings: HashMap<StringId, String>,
    accounts: Vec<Box<str>>,
    clouds: Vec<Box<str>>,
    enterprises: Vec<Box<str>>,
}

impl Names {
    /// Learns a record's names; gives it as JSON where it is wanted.
    fn record(&mut self, frame: &Frame<'_>, wanted: bool) -> Result<Option<Value>, JournalFault> {
        Ok(match frame.kind {
            Kind::ChargesPosted => {
                let posted = ChargesPosted::decode(frame)?;
                for (number, text) in &posted.strings {
                    self.strings.insert(*number, (*text).to_owned());
                }
                if !wanted {
                    return Ok(None);
                }
                let mut charges = Vec::new();
                for charge in &posted {
                    charges.push(self.charge(&charge?)?);
                }
                Some(json!({ "record": frame.kind.name(), "charges": charges }))
            }
            Kind::Directory => {
                let record = DirectoryRecord::decode(frame)?;
                let events: Vec<_> = record.events.iter().map(|event| self.event(event)).collect();
                Some(json!({
                    "record": frame.kind.name(),
                    "sequence": record.sequence,
                    "at": record.at.to_string(),
                    "actor": record.actor,
                    "key": record.remembered.map(|remembered| remembered.key),
                    "events": events,
                }))
            }
            Kind::Account | Kind::CreditControl | Kind::AdminAuthorization if !wanted => None,
            Kind::Account => {
                let record = AccountRecord::decode(frame)?;
                let mut json = json!({
                    "record": frame.kind.name(),
                    "billing_account": self.account(record.account),
                    "sequence": record.sequence,
                    "key": record.remembered.as_ref().map(|remembered| &remembered.key),
                });
                if let AccountEvent::ProfileModified { profile: new } = &record.event {
                    json["profile"] = profile(new);
                }
                if let Some(message) = enterprise::message(&record.event) {
                    json["message"] = message;
                }
                json["change"] = answer::change_record(&change_record(record));
                Some(json)
            }
            Kind::CreditControl => Some(self.credit_record(&CreditRecord::decode(frame)?)),
            Kind::AdminAuthorization => Some(self.authorization_record(&AuthorizationRecord::decode(frame)?)),
        })
    }

    fn event(&mut self, event: &DirectoryEvent) -> Value {
        match event {
            DirectoryEvent::AccountOpened { id, opening } => {
                self.accounts.push(id.clone());
                let Opening { kind, currency, offset, at, profile: settings } = &**opening;
                json!({
                    "event": "account_opened",
                    "billing_account": id,
                    "type": kind.to_string(),
                    "currency": currency.to_string(),
                    "utc_offset": offset.to_string(),
                    "at": at.to_string(),
                    "profile": profile(settings),
                })
            }
            DirectoryEvent::CloudAccountRegistered { id, payer } => {
                self.clouds.push(id.clone());
                json!({
                    "event": "cloud_account_registered",
                    "cloud_account": id,
                    "billing_account": self.account(*payer),
                })
            }
            DirectoryEvent::PayerChanged { cloud, account, effective_at } => json!({
                "event": "payer_changed",
                "cloud_account": self.cloud(*cloud),
                "billing_account": self.account(*account),
                "effective_at": effective_at.to_string(),
            }),
            DirectoryEvent::EnterpriseOpened { ecid, charter } => {
                self.enterprises.push(ecid.clone());
                json!({
                    "event": "enterprise_opened",
                    "ecid": ecid,
                    "owner": charter.owner,
                    "management_account": charter.management_account,
                    "currency": charter.currency.to_string(),
                })
            }
            DirectoryEvent::ExchangeRateSet { from, to, day, rate } => json!({
                "event": "exchange_rate_set",
                "from": from.to_string(),
                "to": to.to_string(),
                "day": Timestamp::default().plus_days(i64::from(*day)).to_string(),
                "rate": rate.to_string(),
            }),
            DirectoryEvent::RemittanceReceived { remittance, received } => json!({
                "event": "remittance_received",
                "remittance": remittance,
                "amount": received.amount.to_string(),
                "currency": received.currency.to_string(),
                "reference": received.reference,
            }),
        }
    }

    fn charge(&self, charge: &PostedCharge<'_>) -> Result<Value, JournalFault> {
        let amount = Amount::new(charge.amount).map_err(|_| JournalFault::Malformed("amount"))?;
        let mut space = [0; 36];
        Ok(json!({
            "billing_account": self.account(charge.account),
            "sequence": charge.sequence,
            "cloud_account": self.cloud(charge.cloud),
            "source": self.label(charge.source),
            "id": charge.id.as_str(&mut space),
            "amount": amount.money().to_string(),
            "charge_period_start": charge.period_start.to_string(),
            "billing_cycle": charge.cycle.to_string(),
            "category": charge.category.name(),
            "class": charge.correction.then_some("correction"),
            "service": self.label(charge.service),
            "sku": self.label(charge.sku),
            "quantity": charge.quantity.map(|quantity| quantity.to_string()),
            "unit": self.label(charge.unit),
            "description": present(charge.description),
            "tags": present(charge.tags),
            "import_row": (charge.import_row > 0).then_some(charge.import_row),
        }))
    }

    fn account(&self, account: AccountIndex) -> Value {
        named(&self.accounts, account.0)
    }

    fn cloud(&self, cloud: CloudIndex) -> Value {
        named(&self.clouds, cloud.0)
    }

    fn enterprise(&self, enterprise: EnterpriseIndex) -> Value {
        match enterprise {
            EnterpriseIndex::NONE => Value::Null,
            enterprise => named(&self.enterprises, enterprise.0),
        }
    }

    fn label(&self, label: Label<'_>) -> Option<String> {
        match label.number {
            StringId::EMPTY => None,
            StringId::INLINE => present(label.inline).map(str::to_owned),
            number => {
                Some(self.strings.get(&number).cloned().unwrap_or_else(|| format!("string {}", number.0)))
            }
        }
    }
}

/// The name, or the number where the log that gave it was trimmed.
fn named(names: &[Box<str>], number: u32) -> Value {
    names.get(number as usize).map_or_else(|| json!(u64::from(number) + 1), |name| json!(name))
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
