//! Refusals: why a rule says no, with a stable code each.

/// The broken rule. The order is the order in which rules are checked, and the order of the documentation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Refusal {
    /// The principal may not do this.
    PermissionDenied,
    /// No such account.
    NotFound,
    /// The id is taken already.
    AlreadyExists,
    /// The idempotency key came before with another content (rule J2).
    IdempotencyKeyReused,
    /// The billing account is canceled (rule A2).
    AccountCanceled,
    /// The billing account is frozen (rule A2).
    AccountFrozen,
    /// The billing account is not frozen.
    AccountNotFrozen,
    /// Direct and ecosystem accounts have different assets (rule B2).
    NotSupportedForAccountType,
    /// Credit is switched off for the account (rule A1).
    CreditNotEnabled,
    /// Another currency than the billing account's (rule D9).
    CurrencyMismatch,
    /// The amount is zero or negative.
    AmountMustBePositive,
    /// More than 18 fraction digits (rule B4).
    AmountTooPrecise,
    /// A sum would not fit (rule B4).
    AmountOverflow,
    /// It is that account already.
    SameAccount,
    /// The change of payer is not later than the last one (rule A4).
    EffectiveBeforeLastChange,
    /// More is repaid than was consumed (rule B2).
    ExceedsQuotaConsumed,
    /// Cash is left in the account (rule A2).
    CashNotZero,
    /// Something is unsettled (rule A2).
    UnsettledNotZero,
    /// The account still pays for cloud accounts (rule A2).
    PaysForCloudAccounts,
    /// A field can't change once the account has been used.
    FieldNotModifiable,
    /// An id is not 1 to 128 printable bytes (rule A7).
    InvalidId,
    /// A text is longer than it may be.
    FieldTooLong,
    /// The charge's time or cycle is outside the years 1 to 9999.
    TimeOutOfRange,
    /// Too many billing cycles are open at once.
    TooManyOpenCycles,
    /// More items than one operation takes.
    TooManyItems,
    /// An atomic batch names charges of several billing accounts, or too many (rule C6).
    AtomicSpansAccounts,
    /// Another charge of the same atomic batch was refused (rule C6).
    AtomicBatchRefused,
    /// The same charge identity was posted with another amount (rule C2).
    Conflict,
    /// The rows overlap what another import posted (rule C7).
    OverlappingImport,
}

impl Refusal {
    /// Every refusal, in order.
    pub const ALL: [Self; 29] = [
        Self::PermissionDenied,
        Self::NotFound,
        Self::AlreadyExists,
        Self::IdempotencyKeyReused,
        Self::AccountCanceled,
        Self::AccountFrozen,
        Self::AccountNotFrozen,
        Self::NotSupportedForAccountType,
        Self::CreditNotEnabled,
        Self::CurrencyMismatch,
        Self::AmountMustBePositive,
        Self::AmountTooPrecise,
        Self::AmountOverflow,
        Self::SameAccount,
        Self::EffectiveBeforeLastChange,
        Self::ExceedsQuotaConsumed,
        Self::CashNotZero,
        Self::UnsettledNotZero,
        Self::PaysForCloudAccounts,
        Self::FieldNotModifiable,
        Self::InvalidId,
        Self::FieldTooLong,
        Self::TimeOutOfRange,
        Self::TooManyOpenCycles,
        Self::TooManyItems,
        Self::AtomicSpansAccounts,
        Self::AtomicBatchRefused,
        Self::Conflict,
        Self::OverlappingImport,
    ];

    /// The stable code and what to do about it.
    const fn entry(self) -> (&'static str, &'static str) {
        match self {
            Self::PermissionDenied => (
                "permission_denied",
                "act as `provider`; an account itself may only modify its settings and top up",
            ),
            Self::NotFound => ("not_found", "open the account first, or check its id"),
            Self::AlreadyExists => {
                ("already_exists", "choose another id, or go on with the existing account")
            }
            Self::IdempotencyKeyReused => ("idempotency_key_reused", "use a new key for a new command"),
            Self::AccountCanceled => ("account_canceled", "use another billing account"),
            Self::AccountFrozen => ("account_frozen", "thaw the billing account first"),
            Self::AccountNotFrozen => ("account_not_frozen", "only a frozen account can be thawed"),
            Self::NotSupportedForAccountType => (
                "not_supported_for_account_type",
                "direct accounts have cash and credit, ecosystem accounts a quota",
            ),
            Self::CreditNotEnabled => ("credit_not_enabled", "enable credit with modify_billing_account"),
            Self::CurrencyMismatch => ("currency_mismatch", "use the billing account's currency"),
            Self::AmountMustBePositive => ("amount_must_be_positive", "give a positive amount"),
            Self::AmountTooPrecise => ("amount_too_precise", "give at most 18 fraction digits"),
            Self::AmountOverflow => ("amount_overflow", "give an amount whose sums fit"),
            Self::SameAccount => ("same_account", "name two different accounts"),
            Self::EffectiveBeforeLastChange => {
                ("effective_before_last_change", "give an effective_at later than the last change of payer")
            }
            Self::ExceedsQuotaConsumed => ("exceeds_quota_consumed", "repay at most what was consumed"),
            Self::CashNotZero => ("cash_not_zero", "withdraw or adjust the cash to 0 first"),
            Self::UnsettledNotZero => ("unsettled_not_zero", "settle what is owed first"),
            Self::PaysForCloudAccounts => {
                ("pays_for_cloud_accounts", "give its cloud accounts another payer with set_payer first")
            }
            Self::FieldNotModifiable => ("field_not_modifiable", "open another account with that setting"),
            Self::InvalidId => ("invalid_id", "give an id of 1 to 128 printable bytes"),
            Self::FieldTooLong => (
                "field_too_long",
                "give labels of at most 256 bytes, and a description and tags of at most 16 KiB each",
            ),
            Self::TimeOutOfRange => ("time_out_of_range", "give a time in the years 1 to 9999"),
            Self::TooManyOpenCycles => ("too_many_open_cycles", "issue the bills of older cycles first"),
            Self::TooManyItems => ("too_many_items", "split it into several operations"),
            Self::AtomicSpansAccounts => {
                ("atomic_spans_accounts", "an atomic batch holds at most 8192 charges of one billing account")
            }
            Self::AtomicBatchRefused => ("atomic_batch_refused", "correct the charge that was refused"),
            Self::Conflict => ("conflict", "a charge can't change; post the difference under a new id"),
            Self::OverlappingImport => (
                "overlapping_import",
                "another import posted this source, account and cycle; pass --append if it is meant",
            ),
        }
    }

    /// The stable code, as commands.md and the logs spell it.
    pub const fn code(self) -> &'static str {
        self.entry().0
    }

    /// What a person can do about it.
    pub const fn hint(self) -> &'static str {
        self.entry().1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_listed_in_order() {
        assert!(Refusal::ALL.windows(2).all(|pair| pair[0] < pair[1]));
        let mut codes: Vec<_> = Refusal::ALL.iter().map(|refusal| refusal.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Refusal::ALL.len());
    }
}
