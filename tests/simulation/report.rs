//! What happened, counted.

use std::collections::BTreeMap;

use exchequer::domain::refusals::Refusal;

use crate::standing::WAYS;

/// The refusals that a long run must raise.
pub const REQUIRED: [Refusal; 49] = [
    Refusal::PermissionDenied,
    Refusal::NotFound,
    Refusal::AlreadyExists,
    Refusal::IdempotencyKeyReused,
    Refusal::AccountCanceled,
    Refusal::AccountFrozen,
    Refusal::AccountNotFrozen,
    Refusal::NotSupportedForAccountType,
    Refusal::CreditNotEnabled,
    Refusal::CurrencyMismatch,
    Refusal::AmountMustBePositive,
    Refusal::AmountOverflow,
    Refusal::SameAccount,
    Refusal::DifferentEnterprise,
    Refusal::AccountCenterNotEnabled,
    Refusal::AssociationNotActive,
    Refusal::NotInvited,
    Refusal::OwnerMismatch,
    Refusal::SelfServiceDisabled,
    Refusal::ManagedByEnterprise,
    Refusal::ContractNotConfirmed,
    Refusal::ExceedsUnassignedCredit,
    Refusal::ExceedsCreditLimit,
    Refusal::BelowMinimumAvailableCredit,
    Refusal::AccountOverdue,
    Refusal::ExceedsTransferable,
    Refusal::ExceedsWithdrawable,
    Refusal::NoPriorTransfer,
    Refusal::MoneyInFlight,
    Refusal::ExceedsRevocable,
    Refusal::InsufficientSpendable,
    Refusal::HoldNotOpen,
    Refusal::InsufficientAsset,
    Refusal::CouponNotApplicable,
    Refusal::CreditRefundNotEligible,
    Refusal::BillSettled,
    Refusal::ExceedsOutstanding,
    Refusal::ExceedsRefundable,
    Refusal::ExchangeRateMissing,
    Refusal::CreditAllocated,
    Refusal::TransferredFundsUnspent,
    Refusal::ExceedsQuotaConsumed,
    Refusal::TimeOutOfRange,
    Refusal::TooManyItems,
    Refusal::SuperAdministratorNotRevocable,
    Refusal::UnifiedSettlementInProgress,
    Refusal::CycleOpen,
    Refusal::CycleTooOld,
    Refusal::AlreadyIssued,
];

/// Counts of one seed, or of many.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Tally {
    pub seeds: u64,
    /// By name.
    pub counts: BTreeMap<&'static str, u64>,
    /// By code.
    pub refusals: BTreeMap<Refusal, u64>,
    /// Commands by name: answered ok, and in all.
    pub commands: BTreeMap<String, (u64, u64)>,
    /// By what was going on.
    pub crashes: BTreeMap<String, u64>,
}

impl Tally {
    pub fn count(&mut self, what: &'static str, more: u64) {
        *self.counts.entry(what).or_default() += more;
    }

    pub fn refuse(&mut self, refusal: Refusal) {
        *self.refusals.entry(refusal).or_default() += 1;
    }

    pub fn merge(&mut self, other: &Self) {
        self.seeds += other.seeds;
        other.counts.iter().for_each(|(what, more)| self.count(what, *more));
        for (refusal, more) in &other.refusals {
            *self.refusals.entry(*refusal).or_default() += more;
        }
        for (point, more) in &other.crashes {
            *self.crashes.entry(point.clone()).or_default() += more;
        }
        for (name, (ok, all)) in &other.commands {
            let counts = self.commands.entry(name.clone()).or_default();
            counts.0 += ok;
            counts.1 += all;
        }
    }

    /// The refusals that should have been raised, and the ways in which the standing should have changed, that were not.
    pub fn missing(&self) -> Vec<&'static str> {
        let missing = REQUIRED.iter().filter(|refusal| !self.refusals.contains_key(refusal));
        let ways = WAYS.into_iter().filter(|way| !self.counts.contains_key(way));
        missing.map(|refusal| refusal.code()).chain(ways).collect()
    }

    pub fn print(&self) {
        println!("{} seeds", self.seeds);
        for (what, count) in &self.counts {
            println!("  {what:<28} {count:>12}");
        }
        println!("commands: carried out / answered");
        for (name, (ok, all)) in &self.commands {
            println!("  {name:<28} {ok:>12} / {all}");
        }
        println!("refusals");
        for (refusal, count) in &self.refusals {
            println!("  {:<34} {count:>10}", refusal.code());
        }
        println!("crashes");
        for (point, count) in &self.crashes {
            println!("  {point:<44} {count:>10}");
        }
        println!("never raised, or never seen: {:?}", self.missing());
    }
}
