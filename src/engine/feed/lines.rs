//! Events as lines of JSON: CloudEvents 1.0, structured mode.

use serde_json::Value;

use super::change::{Change, Fact};
use super::charge_line::{ChargeLine, push_number};
use super::enterprise::{authorization_event, credit_event};
use super::render::{account_data, directory_event, enterprise_name, event_data};
use crate::domain::ids::EnterpriseIndex;
use crate::domain::keys::Remembered;
use crate::domain::time::Timestamp;
use crate::engine::cloud_event::{CloudEvent, source_of};

/// Writes events of one ledger, each a line.
pub struct EventLines {
    source: String,
    charges: ChargeLine,
}

impl EventLines {
    /// For the data directory with that id.
    pub(super) fn new(directory_id: &[u8; 16]) -> Self {
        let source = source_of(directory_id);
        Self { charges: ChargeLine::new(&source), source }
    }

    /// Appends an event, with its line end.
    #[inline]
    pub fn write(&mut self, change: &Change<'_>, line: &mut Vec<u8>) {
        if let Fact::Charge { charge, deductions } = &change.fact {
            self.charges.write(change, charge, deductions, line);
        } else {
            self.write_rare(change, line);
        }
        line.push(b'\n');
    }

    fn write_rare(&self, change: &Change<'_>, line: &mut Vec<u8>) {
        let mut id = Vec::new();
        push_number(&mut id, change.lsn.number());
        id.push(b'-');
        push_number(&mut id, u64::from(change.index));
        let id = String::from_utf8(id).expect("invariant: digits and a hyphen");
        let time = change.at().filter(|at| *at > Timestamp::MIN && *at < Timestamp::MAX);
        let time = time.map(|at| at.to_string());
        let event = CloudEvent {
            specversion: CloudEvent::<Value>::SPECVERSION,
            id: &id,
            source: &self.source,
            kind: &change.event_type().to_string(),
            subject: change.subject(),
            time: time.as_deref(),
            datacontenttype: CloudEvent::<Value>::DATA_CONTENT_TYPE,
            data: data(change),
        };
        serde_json::to_writer(line, &event).expect("invariant: JSON of strings and numbers, into memory");
    }
}

fn data(change: &Change<'_>) -> Value {
    fn key(remembered: Option<&Remembered>) -> Option<&str> {
        remembered.map(|remembered| &*remembered.key)
    }
    let names = change.names;
    match &change.fact {
        Fact::Charge { .. } => Value::Null,
        Fact::Account(record) => account_data(names, record),
        Fact::Directory { record, event } => event_data(
            record.sequence,
            &record.actor,
            key(record.remembered.as_ref()),
            directory_event(names, event),
        ),
        Fact::CreditControl(record) => {
            let event = credit_event(names, &record.event);
            let mut data = event_data(record.sequence, &record.actor, key(record.remembered.as_ref()), event);
            data["ecid"] = enterprise_name(names, record.enterprise);
            data
        }
        Fact::Authorization { record, event } => {
            let event = authorization_event(names, event);
            let mut data = event_data(record.sequence, &record.actor, key(record.remembered.as_ref()), event);
            if record.enterprise != EnterpriseIndex::NONE {
                data["ecid"] = enterprise_name(names, record.enterprise);
            }
            data
        }
    }
}
