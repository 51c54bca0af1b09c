//! Change records: what changed accounts and enterprises, streamed from the log (rules B2, B3, E5).

mod account;
mod enterprise;

use serde_json::{Value, json};

pub(super) use self::account::Figures;
pub(super) use self::account::{change_record, changes_of};
use self::enterprise::{Limits, authorization_changes};
use super::{Engine, EngineError};
use crate::domain::ids::AccountIndex;
use crate::domain::money::{Money, RunningSum};
use crate::domain::refusals::Refusal;
use crate::domain::time::Timestamp;
use crate::journal::charges::ChargesPosted;
use crate::journal::forms::account_record::AccountRecord;
use crate::journal::forms::authorization_record::AuthorizationRecord;
use crate::journal::forms::credit_record::CreditRecord;
use crate::journal::frame::Kind;

/// One change of an asset or setting (rule B3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChangeRecord {
    /// `<account number>-<record number>`; of an enterprise `credit-<enterprise number>-<record number>` or
    /// `authorization-…`.
    pub transaction: String,
    /// Business time.
    pub at: Timestamp,
    /// What changed.
    pub asset: &'static str,
    /// How.
    pub kind: &'static str,
    /// By how much, where it is money: below 0 where the asset shrinks.
    pub amount: Option<Money>,
    /// Before.
    pub before: Option<Money>,
    /// After.
    pub after: Option<Money>,
    /// Who; nobody of what a charge has done.
    pub actor: String,
    /// Why, by which payment, or from or to whom.
    pub reason: Option<String>,
}

impl ChangeRecord {
    /// As programs read it.
    pub fn to_json(&self) -> Value {
        let money = |money: Option<Money>| money.map(|money| money.to_string());
        json!({
            "transaction": self.transaction,
            "at": self.at.to_string(),
            "asset": self.asset,
            "type": self.kind,
            "amount": money(self.amount),
            "before": money(self.before),
            "after": money(self.after),
            "actor": self.actor,
            "reason": self.reason,
        })
    }
}

impl Engine {
    /// The change records of one billing account, oldest first (rules B2, B3). A record changes every asset that it touches:
    /// what came by a transfer changes cash, and the transfer book that is part of it; a write-off bills and what pays them.
    pub fn change_records(
        &self,
        billing_account: &str,
        asset: Option<&str>,
    ) -> Result<Vec<ChangeRecord>, EngineError> {
        let account = self.known(billing_account)?;
        let mut records = Vec::new();
        let mut figures = Figures::opened();
        self.read_history(&mut |_, frame| {
            let changes = match frame.kind {
                Kind::Account => {
                    let record = AccountRecord::decode(frame)?;
                    if record.account == account { figures.records(record) } else { Vec::new() }
                }
                Kind::ChargesPosted => figures.records_of_charges(account, &ChargesPosted::decode(frame)?)?,
                Kind::Directory | Kind::CreditControl | Kind::AdminAuthorization => Vec::new(),
            };
            records.extend(changes.into_iter().filter(|one| asset.is_none_or(|asset| asset == one.asset)));
            Ok(())
        })?;
        Ok(records)
    }

    /// The change records of one enterprise, oldest first: its credit and its administrators (rule E5).
    pub fn enterprise_change_records(
        &self,
        ecid: &str,
        asset: Option<&str>,
    ) -> Result<Vec<ChangeRecord>, EngineError> {
        let enterprise = self.inner.directory.read().enterprise(ecid);
        let enterprise =
            enterprise.ok_or_else(|| EngineError::refused(Refusal::NotFound, format!("`{ecid}`")))?;
        let mut records = Vec::new();
        let mut limits = Limits::default();
        self.read_history(&mut |_, frame| {
            match frame.kind {
                Kind::CreditControl => {
                    let record = CreditRecord::decode(frame)?;
                    if record.enterprise == enterprise {
                        records.extend(limits.changes(&record));
                    }
                }
                Kind::AdminAuthorization => {
                    let record = AuthorizationRecord::decode(frame)?;
                    if record.enterprise == enterprise {
                        records.extend(authorization_changes(&record));
                    }
                }
                Kind::ChargesPosted | Kind::Account | Kind::Directory => {}
            }
            Ok(())
        })?;
        records.retain(|record| asset.is_none_or(|asset| asset == record.asset));
        Ok(records)
    }
}

/// What one record says has changed, without who and when.
struct Change {
    asset: &'static str,
    kind: &'static str,
    amount: Option<Money>,
    before: Option<Money>,
    after: Option<Money>,
    reason: Option<String>,
}

impl Change {
    /// Of something that is no money.
    const fn of(asset: &'static str, kind: &'static str) -> Self {
        Self { asset, kind, amount: None, before: None, after: None, reason: None }
    }

    /// Of money, which is `after` afterwards.
    fn up(self, amount: Money, after: Money) -> Self {
        Self { amount: Some(amount), before: after.checked_sub(amount), after: Some(after), ..self }
    }

    /// Of money, less by `amount`.
    fn down(self, amount: Money, after: Money) -> Self {
        Self { amount: negative(amount), before: after.checked_add(amount), after: Some(after), ..self }
    }

    /// Of money, from one figure to another.
    fn moved(self, before: Option<Money>, after: Money) -> Self {
        let amount = before.and_then(|before| after.checked_sub(before));
        Self { amount, before, after: Some(after), ..self }
    }

    /// Of money whose figure is followed: by so much.
    fn by(self, figure: &mut Option<Money>, difference: RunningSum) -> Self {
        let before = *figure;
        *figure = before.and_then(|before| difference.plus(before).total());
        Self { amount: difference.total(), before, after: *figure, ..self }
    }

    fn because(self, reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..self }
    }

    fn of_account(self, account: AccountIndex) -> Self {
        self.because(format!("account {account}"))
    }

    fn record(self, transaction: String, at: Timestamp, actor: &str) -> ChangeRecord {
        let Self { asset, kind, amount, before, after, reason } = self;
        ChangeRecord { transaction, at, asset, kind, amount, before, after, actor: actor.to_owned(), reason }
    }
}

fn negative(amount: Money) -> Option<Money> {
    Money::ZERO.checked_sub(amount)
}
