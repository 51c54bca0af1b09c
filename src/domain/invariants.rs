//! The registry of invariants: an id each, and one check, used by debug builds, tests, simulation and `verify` alike.

use super::ledger::Ledger;

/// An invariant of the ledger.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Invariant {
    /// The log reads from its first block to its last: lengths, CRCs, chain and numbers.
    LogIsWhole,
    /// Every entity's records are numbered without a gap.
    SequencesAreContiguous,
    /// No charge identity stands in the log twice (rule C2).
    IdentitiesAreUnique,
    /// As many identities are remembered as charges are posted.
    IdentitiesAreRemembered,
    /// The cached available credit equals its formula (rules B1, B2).
    AvailableCreditIsExact,
    /// What is unsettled equals the sums of the account's payment relationships.
    UnsettledEqualsSums,
    /// The charges of an account are those of its payment relationships.
    ChargesEqualSums,
    /// Cash is what was topped up and adjusted, in all accounts together.
    CashIsConserved,
    /// The state from the newest snapshot and the log after it equals the state from the whole log.
    SnapshotEqualsLog,
}

impl Invariant {
    /// Every invariant.
    pub const ALL: [Self; 9] = [
        Self::LogIsWhole,
        Self::SequencesAreContiguous,
        Self::IdentitiesAreUnique,
        Self::IdentitiesAreRemembered,
        Self::AvailableCreditIsExact,
        Self::UnsettledEqualsSums,
        Self::ChargesEqualSums,
        Self::CashIsConserved,
        Self::SnapshotEqualsLog,
    ];

    /// The stable id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::LogIsWhole => "log-is-whole",
            Self::SequencesAreContiguous => "sequences-are-contiguous",
            Self::IdentitiesAreUnique => "identities-are-unique",
            Self::IdentitiesAreRemembered => "identities-are-remembered",
            Self::AvailableCreditIsExact => "available-credit-is-exact",
            Self::UnsettledEqualsSums => "unsettled-equals-sums",
            Self::ChargesEqualSums => "charges-equal-sums",
            Self::CashIsConserved => "cash-is-conserved",
            Self::SnapshotEqualsLog => "snapshot-equals-log",
        }
    }
}

/// A broken invariant, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// Where and how, for a person.
    pub detail: String,
}

/// Checks what one shard's state must satisfy by itself.
pub fn check_ledger(ledger: &Ledger) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut violated = |invariant, detail| violations.push(Violation { invariant, detail });
    for (account, (unsettled, charges)) in ledger.accounts.iter().zip(ledger.sums_by_account()) {
        let number = account.index;
        if account.available_credit_recomputed() != Some(account.available_credit()) {
            let detail =
                format!("account {number} caches an available credit of {}", account.available_credit());
            violated(Invariant::AvailableCreditIsExact, detail);
        }
        if unsettled != Some(account.unsettled_current()) {
            let detail = format!("account {number} has {} unsettled", account.unsettled_current());
            violated(Invariant::UnsettledEqualsSums, detail);
        }
        if charges != account.charges() {
            let detail = format!("account {number} counts {} charges, its sums {charges}", account.charges());
            violated(Invariant::ChargesEqualSums, detail);
        }
    }
    violations
}

/// Checks what all shards' states must satisfy together.
pub fn check_ledgers(ledgers: &[Ledger]) -> Vec<Violation> {
    let mut violations: Vec<_> = ledgers.iter().flat_map(check_ledger).collect();
    let charges: u64 =
        ledgers.iter().flat_map(|ledger| &ledger.accounts).map(super::account::Account::charges).sum();
    let identities: usize = ledgers.iter().map(|ledger| ledger.identities.count()).sum();
    if charges != identities as u64 {
        violations.push(Violation {
            invariant: Invariant::IdentitiesAreRemembered,
            detail: format!("{identities} identities are remembered for {charges} charges"),
        });
    }
    violations
}
