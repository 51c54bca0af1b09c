//! Posting one charge: the hot path, called in place with borrowed parts of the shard.

use actix::{Handler, Message, MessageResult};

use super::super::resident::Resident;
use super::BillingAccount;
use crate::domain::account::ChargePlace;
use crate::domain::billing::asset::Portion;
use crate::domain::charge::Category;
use crate::domain::identities::{Identities, IdentityKey, Seen};
use crate::domain::ids::{Currency, Partition};
use crate::domain::imports::ImportedRow;
use crate::domain::money::Money;
use crate::domain::paid_cloud_account::PaidCloudAccount;
use crate::domain::refusals::Refusal;
use crate::domain::standing::ChargeStanding;
use crate::domain::time::{Cycle, CycleSpan, Timestamp};

/// Posts one charge: the hot path, called in place with borrowed parts of the shard.
pub struct PostCharge<'a> {
    /// The payment relationship it belongs to.
    pub paid: &'a mut PaidCloudAccount,
    /// The identities of its home partition's shard.
    pub identities: &'a mut Identities,
    /// Its home partition.
    pub home: Partition,
    /// Its identity.
    pub key: IdentityKey,
    /// How much.
    pub amount: Money,
    /// Currency.
    pub currency: Currency,
    /// Start of the charge period.
    pub period_start: Timestamp,
    /// The cycle asked for.
    pub billing_cycle: Option<Cycle>,
    /// Category.
    pub category: Category,
    /// The row of an import whose ids are digests (rule C7).
    pub import: Option<ImportedRow<'a>>,
    /// The service that was used; only looked at where coupons may deduct.
    pub service: &'a str,
    /// What coupons have deducted (rule C5).
    pub deducted: &'a mut Vec<Portion>,
    /// The cycle looked up last.
    pub span: &'a mut Option<CycleSpan>,
    /// The business time of the decision, where the charge may change the account's standing (rules H2-H4).
    pub closer: Option<Timestamp>,
    /// How it did.
    pub standing: &'a mut Option<ChargeStanding>,
}

/// What became of one charge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Posted there.
    Posted(ChargePlace),
    /// Posted before; no effect.
    Duplicate,
    /// Not posted.
    Refused(Refusal),
}

impl Message for PostCharge<'_> {
    type Result = Verdict;
}

impl<'a> Handler<PostCharge<'a>> for BillingAccount {
    type Result = MessageResult<PostCharge<'a>>;

    #[inline]
    fn handle(&mut self, charge: PostCharge<'a>, context: &mut Resident) -> Self::Result {
        match charge.identities.look_up(charge.home, charge.key) {
            Seen::New => {}
            // The same amount in another currency is another amount.
            Seen::Duplicate if charge.currency != self.account.currency() => {
                return MessageResult(Verdict::Refused(Refusal::Conflict));
            }
            Seen::Duplicate => {
                if charge.import.is_some() {
                    self.meet(charge);
                }
                return MessageResult(Verdict::Duplicate);
            }
            Seen::Conflict => return MessageResult(Verdict::Refused(Refusal::Conflict)),
        }
        let decided = self
            .account
            .decide_charge(
                charge.paid,
                charge.amount,
                charge.currency,
                charge.period_start,
                charge.billing_cycle,
                charge.category,
                charge.span,
            )
            .and_then(|place| {
                if let Some(import) = &charge.import {
                    self.account.imports_decide(import, place.original)?;
                }
                charge.identities.decide(charge.home, place.cycle)?;
                Ok(place)
            });
        MessageResult(match decided {
            Ok(place) => {
                let ChargePlace { cycle, original } = place;
                let available = self.account.available_credit();
                self.account.apply_charge(charge.paid, charge.amount, cycle, charge.category);
                if self.account.deducts() {
                    let PostCharge { amount, period_start, category, service, .. } = charge;
                    let parts = charge.deducted;
                    self.account.decide_deductions(amount, period_start, category, service, parts);
                    self.account.apply_deductions(cycle, parts.iter().copied());
                }
                if let Some(import) = charge.import {
                    let imports = &mut self.account.rare_mut().imports;
                    imports.apply(import.source, original, import.row, Some(import.reading));
                }
                if let Some(at) = charge.closer
                    && let Some(change) = self.decide_standing(available, at, context)
                {
                    let standing = ChargeStanding { change, at };
                    self.account.apply_standing_of_charge(&standing);
                    *charge.standing = Some(standing);
                }
                charge.identities.insert(charge.home, cycle, charge.key);
                Verdict::Posted(place)
            }
            Err(refusal) => Verdict::Refused(refusal),
        })
    }
}
