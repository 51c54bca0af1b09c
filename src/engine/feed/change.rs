//! One block of the log as the events that it holds.

use std::ops::ControlFlow;

use parking_lot::RwLock;

use super::event_type::EventType;
use super::names::{Ahead, Names};
use crate::domain::account_event::AccountEvent;
use crate::domain::admin_authorization::AuthorizationEvent;
use crate::domain::billing::asset::Portion;
use crate::domain::directory::{Directory, DirectoryEvent};
use crate::domain::ids::{AccountIndex, EnterpriseIndex};
use crate::domain::standing::ChargeStanding;
use crate::domain::strings::Strings;
use crate::domain::time::Timestamp;
use crate::journal::JournalFault;
use crate::journal::charges::{ChargesPosted, PostedCharge};
use crate::journal::forms::account_record::AccountRecord;
use crate::journal::forms::authorization_record::AuthorizationRecord;
use crate::journal::forms::credit_record::CreditRecord;
use crate::journal::forms::directory_record::DirectoryRecord;
use crate::journal::frame::{Frame, Kind, frames};
use crate::wal::{BlockRef, Lsn};

/// How many rows ahead names are asked for: more than half of the time went into waiting for them.
const PREFETCH_AHEAD: usize = 8;

/// The events of one block: what became durable at once. A block may hold none.
pub struct Changes<'a> {
    block: BlockRef<'a>,
    names: &'a mut Names,
    live: Option<Live<'a>>,
}

/// Where an engine keeps the names; without one they were learnt from the log.
#[derive(Clone, Copy)]
pub(super) struct Live<'a> {
    pub directory: &'a RwLock<Directory>,
    pub strings: &'a RwLock<Strings>,
}

/// One event.
#[derive(Clone, Copy)]
pub struct Change<'a> {
    /// The block that it became durable with.
    pub lsn: Lsn,
    /// Which of the block's events it is, from 0.
    pub index: u32,
    /// What happened.
    pub fact: Fact<'a>,
    /// What the numbers in it stand for.
    pub names: &'a Names,
}

/// What happened, as it is recorded.
#[derive(Clone, Copy)]
pub enum Fact<'a> {
    /// A charge was posted.
    Charge {
        /// The charge.
        charge: &'a PostedCharge<'a>,
        /// What coupons have deducted from it (rule C5).
        deductions: &'a [Portion],
    },
    /// Something happened to an account.
    Account(&'a AccountRecord),
    /// Something happened in the directory.
    Directory {
        /// The record that it stands in.
        record: &'a DirectoryRecord,
        /// The event.
        event: &'a DirectoryEvent,
    },
    /// Something happened to an enterprise's credit control.
    CreditControl(&'a CreditRecord),
    /// Something happened to an authorization.
    Authorization {
        /// The record that it stands in.
        record: &'a AuthorizationRecord,
        /// The event.
        event: &'a AuthorizationEvent,
    },
}

impl<'a> Changes<'a> {
    pub(super) const fn new(block: BlockRef<'a>, names: &'a mut Names, live: Option<Live<'a>>) -> Self {
        Self { block, names, live }
    }

    /// The block.
    pub const fn lsn(&self) -> Lsn {
        self.block.lsn
    }

    /// Gives every event in order, until `visit` breaks it off.
    pub fn for_each<B>(
        self,
        visit: &mut dyn FnMut(&Change<'_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, JournalFault> {
        let Self { block, names, live } = self;
        let mut events = Events { lsn: block.lsn, next: 0, names, live, deductions: Vec::new(), visit };
        for frame in frames(block.bytes) {
            let flow = events.record(&frame?)?;
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

struct Events<'e, 'v, B> {
    lsn: Lsn,
    next: u32,
    names: &'e mut Names,
    live: Option<Live<'e>>,
    deductions: Vec<Portion>,
    visit: &'v mut dyn FnMut(&Change<'_>) -> ControlFlow<B>,
}

impl<B> Events<'_, '_, B> {
    fn record(&mut self, frame: &Frame<'_>) -> Result<ControlFlow<B>, JournalFault> {
        if frame.kind == Kind::ChargesPosted {
            return self.charges(&ChargesPosted::decode(frame)?);
        }
        if let Some(live) = self.live {
            self.names.copy_directory(live.directory);
        }
        Ok(match frame.kind {
            Kind::ChargesPosted => unreachable!("invariant: decided above"),
            Kind::Account => self.give(Fact::Account(&AccountRecord::decode(frame)?)),
            Kind::CreditControl => self.give(Fact::CreditControl(&CreditRecord::decode(frame)?)),
            Kind::Directory => {
                let record = DirectoryRecord::decode(frame)?;
                let mut events = record.events.iter();
                events.try_for_each(|event| self.give(Fact::Directory { record: &record, event }))
            }
            Kind::AdminAuthorization => {
                let record = AuthorizationRecord::decode(frame)?;
                let mut events = record.events.iter();
                events.try_for_each(|event| self.give(Fact::Authorization { record: &record, event }))
            }
        })
    }

    fn charges(&mut self, posted: &ChargesPosted<'_>) -> Result<ControlFlow<B>, JournalFault> {
        let mut deductions = posted.deductions().peekable();
        let mut standings = posted.standings().iter().peekable();
        for (row, charge) in posted.iter().enumerate() {
            let charge = charge?;
            for (rows, ahead) in [(2 * PREFETCH_AHEAD, Ahead::Far), (PREFETCH_AHEAD, Ahead::Near)] {
                if row + rows < posted.rows() {
                    self.names.prefetch(posted.parties(row + rows), ahead);
                }
            }
            if let Some(live) = self.live {
                self.copy_names(&charge, live);
            }
            let mut parts = std::mem::take(&mut self.deductions);
            parts.clear();
            parts.extend(
                std::iter::from_fn(|| deductions.next_if(|(of, _)| *of == row)).map(|(_, part)| part),
            );
            let flow = self.give(Fact::Charge { charge: &charge, deductions: &parts });
            self.deductions = parts;
            if flow.is_break() {
                return Ok(flow);
            }
            // What it did to the account's standing is an event of its own, as after any other step.
            if let Some((_, ChargeStanding { change, at, .. })) = standings.next_if(|(of, ..)| *of == row) {
                let flow = self.give(Fact::Account(&AccountRecord {
                    account: charge.account,
                    sequence: charge.sequence,
                    at: *at,
                    actor: Box::default(),
                    remembered: None,
                    event: AccountEvent::StandingChanged { change: *change },
                }));
                if flow.is_break() {
                    return Ok(flow);
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Copies what the charge refers to from where the engine keeps it: everything durable is there.
    #[inline]
    fn copy_names(&mut self, charge: &PostedCharge<'_>, live: Live<'_>) {
        if !self.names.know(charge.account, charge.cloud) {
            self.names.copy_directory(live.directory);
        }
        for label in [charge.source, charge.service, charge.sku, charge.unit] {
            if self.names.lacks(label) {
                self.names.copy_string(label, &live.strings.read());
            }
        }
    }

    #[inline]
    fn give(&mut self, fact: Fact<'_>) -> ControlFlow<B> {
        let change = Change { lsn: self.lsn, index: self.next, fact, names: self.names };
        self.next += 1;
        (self.visit)(&change)
    }
}

impl Change<'_> {
    /// Its type.
    #[inline]
    pub const fn event_type(&self) -> EventType {
        match &self.fact {
            Fact::Charge { .. } => EventType::CHARGE_POSTED,
            Fact::Account(record) => EventType::of_account(&record.event),
            Fact::Directory { event, .. } => EventType::of_directory(event),
            Fact::CreditControl(record) => EventType::of_credit_control(&record.event),
            Fact::Authorization { event, .. } => EventType::of_authorization(event),
        }
    }

    /// The billing account that it concerns, or else the enterprise; `None` where it concerns neither.
    pub fn subject(&self) -> Option<&str> {
        match &self.fact {
            Fact::CreditControl(record) => self.names.enterprise(record.enterprise),
            Fact::Directory { event: DirectoryEvent::EnterpriseOpened { ecid, .. }, .. } => Some(ecid),
            Fact::Authorization { record, .. } if record.enterprise != EnterpriseIndex::NONE => {
                self.names.enterprise(record.enterprise)
            }
            _ => self.billing_account(),
        }
    }

    /// The billing account that is its subject.
    #[inline]
    pub fn billing_account(&self) -> Option<&str> {
        let account: AccountIndex = match &self.fact {
            Fact::Charge { charge, .. } => charge.account,
            Fact::Account(record) => record.account,
            Fact::Directory { event, .. } => match event {
                DirectoryEvent::AccountOpened { id, .. } => return Some(id),
                DirectoryEvent::CloudAccountRegistered { payer: account, .. }
                | DirectoryEvent::PayerChanged { account, .. } => *account,
                _ => return None,
            },
            Fact::Authorization { record, event } if record.enterprise == EnterpriseIndex::NONE => {
                match event {
                    AuthorizationEvent::AdministratorGranted { account, .. }
                    | AuthorizationEvent::AdministratorRevoked { account, .. } => *account,
                    _ => return None,
                }
            }
            Fact::CreditControl(_) | Fact::Authorization { .. } => return None,
        };
        self.names.account(account)
    }

    /// Business time of the decision; a charge has none of its own.
    pub const fn at(&self) -> Option<Timestamp> {
        match &self.fact {
            Fact::Charge { .. } => None,
            Fact::Account(record) => Some(record.at),
            Fact::Directory { record, .. } => Some(record.at),
            Fact::CreditControl(record) => Some(record.at),
            Fact::Authorization { record, .. } => Some(record.at),
        }
    }
}
