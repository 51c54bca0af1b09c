//! Refusals: why a rule says no, with a stable code each.

/// The broken rule. The order is the order in which rules are checked, and the order of the documentation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Refusal {
    /// The principal may not do this.
    PermissionDenied,
    /// No such account, enterprise, hold or administrator.
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
    /// The accounts belong to different enterprises (rule F4).
    DifferentEnterprise,
    /// The enterprise's Account Center is not enabled (rule A6).
    AccountCenterNotEnabled,
    /// The account is no active member of the enterprise (rule A6).
    AssociationNotActive,
    /// The enterprise has not invited the account (rule A6).
    NotInvited,
    /// The account has another verified owner than the enterprise (rule A6).
    OwnerMismatch,
    /// A partner pays for the account, or it owes for too long (rule E6).
    SelfServiceDisabled,
    /// The account is a member of an enterprise, which decides this (rule E5).
    ManagedByEnterprise,
    /// The credit contract is not at that step (rule E2).
    ContractNotConfirmed,
    /// More than the enterprise's total leaves (rule E1).
    ExceedsUnassignedCredit,
    /// More than the account's credit limit (rule E3).
    ExceedsCreditLimit,
    /// Less available credit would be left than was asked for (rule E3).
    BelowMinimumAvailableCredit,
    /// Available credit is below 0 (rule F1).
    AccountOverdue,
    /// More than may be transferred (rule F1).
    ExceedsTransferable,
    /// More than may be withdrawn (rule D11).
    ExceedsWithdrawable,
    /// The giver never transferred anything to the receiver (rule F3).
    NoPriorTransfer,
    /// Something is on its way to or from the account (rule F5).
    MoneyInFlight,
    /// More than may be taken back (rule F3).
    ExceedsRevocable,
    /// Less is spendable than is asked for (rule B5).
    InsufficientSpendable,
    /// The hold was captured, released or has expired (rule B5).
    HoldNotOpen,
    /// Less is left of the asset than it is to pay (rule D3).
    InsufficientAsset,
    /// The coupon is not valid then, or does not pay for that (rule D7).
    CouponNotApplicable,
    /// Credit refund pays bills of its month and later ones only (rule D5).
    CreditRefundNotEligible,
    /// The bill is settled already (rule D1).
    BillSettled,
    /// More than is outstanding (rule D2).
    ExceedsOutstanding,
    /// More is refunded than is left of the purchase (rule D6).
    ExceedsRefundable,
    /// No exchange rate is set for the day (rule D9).
    ExchangeRateMissing,
    /// The account has a credit limit (rule A6).
    CreditAllocated,
    /// Transferred funds are left (rule A6).
    TransferredFundsUnspent,
    /// The change of payer is not later than the last one (rule A4).
    EffectiveBeforeLastChange,
    /// More is repaid than was consumed (rule B2).
    ExceedsQuotaConsumed,
    /// Cash or credit refund is left in the account (rule A2).
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
    /// The management account is super administrator for good (rule G1).
    SuperAdministratorNotRevocable,
    /// A unified settlement is open (rule D8).
    UnifiedSettlementInProgress,
    /// The cycle has not ended, or has no bill yet (rules D1, D8).
    CycleOpen,
    /// The charge's cycle is behind the late window (rule C2).
    CycleTooOld,
    /// The cycle's bill is issued already (rule D1).
    AlreadyIssued,
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
    pub const ALL: [Self; 62] = [
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
        Self::DifferentEnterprise,
        Self::AccountCenterNotEnabled,
        Self::AssociationNotActive,
        Self::NotInvited,
        Self::OwnerMismatch,
        Self::SelfServiceDisabled,
        Self::ManagedByEnterprise,
        Self::ContractNotConfirmed,
        Self::ExceedsUnassignedCredit,
        Self::ExceedsCreditLimit,
        Self::BelowMinimumAvailableCredit,
        Self::AccountOverdue,
        Self::ExceedsTransferable,
        Self::ExceedsWithdrawable,
        Self::NoPriorTransfer,
        Self::MoneyInFlight,
        Self::ExceedsRevocable,
        Self::InsufficientSpendable,
        Self::HoldNotOpen,
        Self::InsufficientAsset,
        Self::CouponNotApplicable,
        Self::CreditRefundNotEligible,
        Self::BillSettled,
        Self::ExceedsOutstanding,
        Self::ExceedsRefundable,
        Self::ExchangeRateMissing,
        Self::CreditAllocated,
        Self::TransferredFundsUnspent,
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
        Self::SuperAdministratorNotRevocable,
        Self::UnifiedSettlementInProgress,
        Self::CycleOpen,
        Self::CycleTooOld,
        Self::AlreadyIssued,
        Self::AtomicSpansAccounts,
        Self::AtomicBatchRefused,
        Self::Conflict,
        Self::OverlappingImport,
    ];

    /// The stable code and what to do about it.
    #[allow(clippy::too_many_lines)] // one arm for each
    const fn entry(self) -> (&'static str, &'static str) {
        match self {
            Self::PermissionDenied => {
                ("permission_denied", "act as somebody who has the missing permission, or have it granted")
            }
            Self::NotFound => ("not_found", "open it first, or check its id"),
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
            Self::DifferentEnterprise => ("different_enterprise", "name two accounts of one enterprise"),
            Self::AccountCenterNotEnabled => {
                ("account_center_not_enabled", "enable it with enable_account_center first")
            }
            Self::AssociationNotActive => {
                ("association_not_active", "invite the account, and have the invitation accepted")
            }
            Self::NotInvited => ("not_invited", "invite the account with invite_account first"),
            Self::OwnerMismatch => {
                ("owner_mismatch", "only accounts of the enterprise's own legal owner can join it")
            }
            Self::SelfServiceDisabled => {
                ("self_service_disabled", "ask the provider; the account can't serve itself")
            }
            Self::ManagedByEnterprise => {
                ("managed_by_enterprise", "use allocate_credit, or end the association first")
            }
            Self::ContractNotConfirmed => {
                ("contract_not_confirmed", "request, approve and confirm the contract, in this order")
            }
            Self::ExceedsUnassignedCredit => {
                ("exceeds_unassigned_credit", "lower other limits, or have the total raised")
            }
            Self::ExceedsCreditLimit => ("exceeds_credit_limit", "move at most the account's limit"),
            Self::BelowMinimumAvailableCredit => {
                ("below_minimum_available_credit", "lower the limit by less, or give a lower minimum")
            }
            Self::AccountOverdue => ("account_overdue", "settle what is owed first"),
            Self::ExceedsTransferable => {
                ("exceeds_transferable", "ask `transferable`; transferred funds can't be passed on")
            }
            Self::ExceedsWithdrawable => {
                ("exceeds_withdrawable", "withdraw at most own cash less what is owed")
            }
            Self::NoPriorTransfer => ("no_prior_transfer", "name the account that transferred"),
            Self::MoneyInFlight => ("money_in_flight", "try again in a moment"),
            Self::ExceedsRevocable => ("exceeds_revocable", "ask `revocable`"),
            Self::InsufficientSpendable => ("insufficient_spendable", "top up, or release holds"),
            Self::HoldNotOpen => ("hold_not_open", "place a new hold"),
            Self::CreditAllocated => ("credit_allocated", "lower its limit to 0 first"),
            Self::TransferredFundsUnspent => {
                ("transferred_funds_unspent", "revoke them, or let them be consumed")
            }
            Self::EffectiveBeforeLastChange => {
                ("effective_before_last_change", "give an effective_at later than the last change of payer")
            }
            Self::ExceedsQuotaConsumed => ("exceeds_quota_consumed", "repay at most what was consumed"),
            Self::CashNotZero => {
                ("cash_not_zero", "withdraw or adjust the cash to 0, and use up credit refund, first")
            }
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
            Self::TimeOutOfRange => (
                "time_out_of_range",
                "give a time in the years 1 to 9999; an expiry must be later than the account's own time",
            ),
            Self::TooManyOpenCycles => ("too_many_open_cycles", "issue the bills of older cycles first"),
            Self::TooManyItems => ("too_many_items", "split it into several operations"),
            Self::SuperAdministratorNotRevocable => {
                ("super_administrator_not_revocable", "only regular administrators can be revoked")
            }
            Self::AtomicSpansAccounts => {
                ("atomic_spans_accounts", "an atomic batch holds at most 8192 charges of one billing account")
            }
            Self::AtomicBatchRefused => ("atomic_batch_refused", "correct the charge that was refused"),
            Self::Conflict => ("conflict", "a charge can't change; post the difference under a new id"),
            Self::InsufficientAsset => {
                ("insufficient_asset", "ask `account_overview` and `coupons` for what is left")
            }
            Self::CouponNotApplicable => {
                ("coupon_not_applicable", "ask `coupons` for its time, its services and its minimum spend")
            }
            Self::CreditRefundNotEligible => (
                "credit_refund_not_eligible",
                "switch on set_write_off_previous_bills, or pay with another asset",
            ),
            Self::BillSettled => ("bill_settled", "ask `bills` for what is outstanding"),
            Self::ExceedsOutstanding => {
                ("exceeds_outstanding", "pay at most what `bills` says is outstanding")
            }
            Self::ExceedsRefundable => ("exceeds_refundable", "refund at most what is left of the purchase"),
            Self::ExchangeRateMissing => ("exchange_rate_missing", "set one with set_exchange_rate"),
            Self::UnifiedSettlementInProgress => {
                ("unified_settlement_in_progress", "finish or close the unified settlement first")
            }
            Self::CycleOpen => ("cycle_open", "wait for its end, and issue its bill with issue_bills"),
            Self::CycleTooOld => ("cycle_too_old", "post it as a new charge of an open cycle"),
            Self::AlreadyIssued => {
                ("already_issued", "post what is missing as charges: they go on the next bill")
            }
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
