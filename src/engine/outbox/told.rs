//! Which notifications a record causes, and what they say (rules E2, F1, H2–H5).

use serde_json::{Value, json};

use super::Notification;
use crate::domain::account_event::AccountEvent;
use crate::domain::credit_control::CreditEvent;
use crate::domain::ids::{AccountIndex, Currency, EnterpriseIndex};
use crate::domain::money::Money;
use crate::domain::notification::NotificationKind;
use crate::domain::outbox::Position;
use crate::domain::standing::{Changes, ChargeStanding, StandingChange};
use crate::domain::time::Timestamp;
use crate::journal::JournalFault;
use crate::journal::charges::ChargesPosted;
use crate::journal::forms::account_record::AccountRecord;
use crate::journal::forms::credit_record::CreditRecord;
use crate::journal::frame::{Frame, Kind, frames};

/// A notification before it is put into words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Told {
    pub(super) position: Position,
    pub(super) subject: Subject,
    /// The record's number.
    sequence: u64,
    pub(super) at: Timestamp,
    pub(super) kind: NotificationKind,
    figures: Figures,
}

/// Whom it concerns.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Subject {
    Account(AccountIndex),
    /// Whoever manages it.
    Enterprise(EnterpriseIndex),
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Figures {
    Standing(StandingChange),
    Limit { before: Option<Money>, after: Money },
    Contract,
    Total(Option<Money>),
    Received { from: AccountIndex, amount: Money },
    TakenBack { by: AccountIndex, amount: Money },
    CameBack { from: AccountIndex, amount: Money },
}

/// What is known of an account, to put words to what it is told.
#[derive(Clone, Debug)]
pub(super) struct Addressee {
    /// The account's id.
    pub(super) billing_account: String,
    /// Its contact.
    pub(super) contact: Option<String>,
    /// Its currency.
    pub(super) currency: Currency,
}

/// The version of the records of charges from which on they may change a standing.
const CHARGES_VERSION: u8 = 3;

/// What the records of a block tell, in their order.
pub(super) fn told(lsn: u64, bytes: &[u8]) -> Result<Vec<Told>, JournalFault> {
    let mut block = Block { lsn, told: Vec::new() };
    for frame in frames(bytes) {
        block.record(&frame?)?;
    }
    Ok(block.told)
}

struct Block {
    lsn: u64,
    told: Vec<Told>,
}

impl Block {
    fn record(&mut self, frame: &Frame<'_>) -> Result<(), JournalFault> {
        match frame.kind {
            Kind::ChargesPosted if frame.version >= CHARGES_VERSION => self.charges(frame)?,
            Kind::Account => self.account(&AccountRecord::decode(frame)?),
            Kind::CreditControl => self.credit(&CreditRecord::decode(frame)?),
            Kind::ChargesPosted | Kind::Directory | Kind::AdminAuthorization => {}
        }
        Ok(())
    }

    fn charges(&mut self, frame: &Frame<'_>) -> Result<(), JournalFault> {
        let posted = ChargesPosted::decode(frame)?;
        for (row, ChargeStanding { change, at, .. }) in posted.standings() {
            let (account, sequence) = posted.whose(*row);
            self.standing(account, sequence, *at, change);
        }
        Ok(())
    }

    fn standing(&mut self, account: AccountIndex, sequence: u64, at: Timestamp, change: &StandingChange) {
        for (one, kind) in [
            (Changes::RESUMED, NotificationKind::SuspensionLifted),
            (Changes::OVERDUE, NotificationKind::Overdue),
            (Changes::SUSPENDED, NotificationKind::Suspension),
            (Changes::ALERTED, NotificationKind::Alert),
        ] {
            if change.changes.has(one) {
                self.tell(Subject::Account(account), sequence, at, kind, Figures::Standing(*change));
            }
        }
    }

    fn account(&mut self, record: &AccountRecord) {
        let (kind, figures) = match &record.event {
            AccountEvent::StandingChanged { change } => {
                return self.standing(record.account, record.sequence, record.at, change);
            }
            AccountEvent::CreditLimitGranted { before, after } => {
                (NotificationKind::LimitChanged, Figures::Limit { before: Some(*before), after: *after })
            }
            AccountEvent::CreditReceived { amount, limit_after, .. } => {
                let before = limit_after.checked_sub(*amount);
                (NotificationKind::LimitChanged, Figures::Limit { before, after: *limit_after })
            }
            AccountEvent::CreditReturned { amount, limit_after, .. } => {
                let before = limit_after.checked_add(*amount);
                (NotificationKind::LimitChanged, Figures::Limit { before, after: *limit_after })
            }
            AccountEvent::TransferReceived { from, amount, .. } => {
                (NotificationKind::Transfer, Figures::Received { from: *from, amount: *amount })
            }
            AccountEvent::TransferRevoked { giver, amount, .. } => {
                (NotificationKind::Transfer, Figures::TakenBack { by: *giver, amount: *amount })
            }
            AccountEvent::RevocationReceived { from, amount, .. } => {
                (NotificationKind::Transfer, Figures::CameBack { from: *from, amount: *amount })
            }
            _ => return,
        };
        self.tell(Subject::Account(record.account), record.sequence, record.at, kind, figures);
    }

    fn credit(&mut self, record: &CreditRecord) {
        let (kind, figures) = match &record.event {
            CreditEvent::ContractApproved => (NotificationKind::ContractToConfirm, Figures::Contract),
            CreditEvent::TotalCreditSet { public_cloud, hybrid_cloud } => {
                let total = public_cloud.checked_add(*hybrid_cloud);
                (NotificationKind::LimitChanged, Figures::Total(total))
            }
            _ => return,
        };
        self.tell(Subject::Enterprise(record.enterprise), record.sequence, record.at, kind, figures);
    }

    fn tell(
        &mut self,
        subject: Subject,
        sequence: u64,
        at: Timestamp,
        kind: NotificationKind,
        figures: Figures,
    ) {
        let nth = u32::try_from(self.told.len()).expect("invariant: a block has less than 2^32 records");
        let position = Position { lsn: self.lsn, nth };
        self.told.push(Told { position, subject, sequence, at, kind, figures });
    }
}

impl Told {
    /// The account that its words name besides.
    pub(super) fn other(&self) -> Option<AccountIndex> {
        match self.figures {
            Figures::Received { from, .. } | Figures::CameBack { from, .. } => Some(from),
            Figures::TakenBack { by, .. } => Some(by),
            _ => None,
        }
    }

    /// Puts it into words. `ecid` is the enterprise that it concerns, `other` the account that it names besides.
    pub(super) fn in_words(&self, whom: Addressee, ecid: Option<&str>, other: Option<&str>) -> Notification {
        let Addressee { billing_account, contact, currency } = whom;
        let (account, other) = (&billing_account, other.unwrap_or_default());
        let ecid = ecid.unwrap_or_default();
        let (subject, body, mut data) = match &self.figures {
            Figures::Standing(change) => self.standing_in_words(account, currency, change),
            Figures::Limit { before, after } => (
                format!("credit limit of {account}: {after} {currency}"),
                format!("The credit limit of billing account {account} is now {after} {currency}."),
                json!({ "before": before.map(|before| before.to_string()), "after": after.to_string() }),
            ),
            Figures::Contract => (
                format!("credit contract of {ecid} to confirm"),
                format!(
                    "The credit contract of enterprise {ecid} is approved. Confirm it, so that its limits take effect."
                ),
                json!({ "ecid": ecid }),
            ),
            Figures::Total(total) => {
                let total = total.map(|total| total.to_string());
                (
                    format!("total credit of {ecid} changed"),
                    format!(
                        "The total credit of enterprise {ecid} is now {} {currency}.",
                        total.as_deref().unwrap_or("above what can be counted")
                    ),
                    json!({ "ecid": ecid, "total": total }),
                )
            }
            Figures::Received { from: _, amount } => (
                format!("{amount} {currency} received by {account}"),
                format!(
                    "Billing account {other} has transferred {amount} {currency} to billing account {account}."
                ),
                json!({ "amount": amount.to_string(), "from": other, "to": account }),
            ),
            Figures::TakenBack { by: _, amount } => (
                format!("{amount} {currency} taken back from {account}"),
                format!(
                    "Billing account {other} has taken back {amount} {currency} that it had transferred to billing account {account}."
                ),
                json!({ "amount": amount.to_string(), "from": account, "to": other, "revocation": true }),
            ),
            Figures::CameBack { from: _, amount } => (
                format!("{amount} {currency} came back to {account}"),
                format!(
                    "{amount} {currency} that billing account {account} had transferred to {other} came back."
                ),
                json!({ "amount": amount.to_string(), "from": other, "to": account, "revocation": true }),
            ),
        };
        // Whoever reads it late must not take it for the present.
        let body = format!("{body} ({})", self.at);
        data["currency"] = json!(currency.to_string());
        data["billing_account"] = json!(account);
        let entity = match self.subject {
            Subject::Account(account) => account.to_string(),
            Subject::Enterprise(enterprise) => format!("credit-{enterprise}"),
        };
        Notification {
            position: self.position,
            id: format!("{entity}-{}-{}", self.sequence, self.kind.name()),
            at: self.at,
            kind: self.kind,
            billing_account,
            to: contact,
            subject,
            body,
            data,
        }
    }

    fn standing_in_words(
        &self,
        account: &str,
        currency: Currency,
        change: &StandingChange,
    ) -> (String, String, Value) {
        let StandingChange { available_credit, threshold, .. } = change;
        let mut data = json!({ "available_credit": available_credit.to_string() });
        let (subject, body) = match self.kind {
            NotificationKind::Alert => {
                data["threshold"] = json!(threshold.to_string());
                (
                    format!("low balance: {account}"),
                    format!(
                        "Available credit of billing account {account} is {available_credit} {currency}, below the threshold of {threshold} {currency}. Top up to prevent an overdue payment."
                    ),
                )
            }
            NotificationKind::Overdue => (
                format!("payment overdue: {account}"),
                format!(
                    "Available credit of billing account {account} is {available_credit} {currency}. Settle what is overdue."
                ),
            ),
            NotificationKind::Suspension => (
                format!("services suspended: {account}"),
                format!(
                    "Services of billing account {account} are suspended: its available credit is {available_credit} {currency}. They resume when it is 0 or more."
                ),
            ),
            _ => (
                format!("services resumed: {account}"),
                format!(
                    "Services of billing account {account} are not suspended any more: its available credit is {available_credit} {currency}."
                ),
            ),
        };
        (subject, body, data)
    }
}
