//! The type of each event: the one place that names them.

use std::fmt;

use crate::domain::account_event::AccountEvent;
use crate::domain::admin_authorization::AuthorizationEvent;
use crate::domain::credit_control::CreditEvent;
use crate::domain::directory::DirectoryEvent;

/// An event's type, such as `exchequer.account.cash_topped_up`: a family, and what happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventType {
    family: &'static str,
    name: &'static str,
}

impl EventType {
    /// A charge was posted.
    pub const CHARGE_POSTED: Self = Self { family: "charge", name: "posted" };

    /// Of an account.
    pub const fn of_account(event: &AccountEvent) -> Self {
        Self { family: "account", name: account_event(event) }
    }

    /// Of the directory.
    pub const fn of_directory(event: &DirectoryEvent) -> Self {
        Self { family: "directory", name: directory_event(event) }
    }

    /// Of an enterprise's credit control.
    pub const fn of_credit_control(event: &CreditEvent) -> Self {
        Self { family: "credit_control", name: credit_event(event) }
    }

    /// Of an authorization.
    pub const fn of_authorization(event: &AuthorizationEvent) -> Self {
        Self { family: "authorization", name: authorization_event(event) }
    }

    /// What happened, without the family.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Whether the type begins with that text.
    pub fn starts_with(self, prefix: &str) -> bool {
        let mut left = prefix;
        for part in ["exchequer.", self.family, ".", self.name] {
            match left.strip_prefix(part) {
                Some(rest) => left = rest,
                None => return part.starts_with(left),
            }
        }
        left.is_empty()
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "exchequer.{}.{}", self.family, self.name)
    }
}

const fn account_event(event: &AccountEvent) -> &'static str {
    match event {
        AccountEvent::CashToppedUp { .. } => "cash_topped_up",
        AccountEvent::CashAdjusted { .. } => "cash_adjusted",
        AccountEvent::CreditLimitGranted { .. } => "credit_limit_granted",
        AccountEvent::QuotaSet { .. } => "quota_set",
        AccountEvent::QuotaRepaid { .. } => "quota_repaid",
        AccountEvent::ProfileModified { .. } => "profile_modified",
        AccountEvent::StatusChanged { .. } => "status_changed",
        AccountEvent::CashWithdrawn { .. } => "cash_withdrawn",
        AccountEvent::CashTransferred { .. } => "cash_transferred",
        AccountEvent::TransferReceived { .. } => "transfer_received",
        AccountEvent::TransferRevoked { .. } => "transfer_revoked",
        AccountEvent::RevocationReceived { .. } => "revocation_received",
        AccountEvent::CreditReceived { .. } => "credit_received",
        AccountEvent::CreditReturned { .. } => "credit_returned",
        AccountEvent::EnterpriseJoined { .. } => "enterprise_joined",
        AccountEvent::EnterpriseLeft { .. } => "enterprise_left",
        AccountEvent::HoldPlaced { .. } => "hold_placed",
        AccountEvent::HoldCaptured { .. } => "hold_captured",
        AccountEvent::HoldReleased { .. } => "hold_released",
        AccountEvent::HoldExpired { .. } => "hold_expired",
        AccountEvent::BillIssued { .. } => "bill_issued",
        AccountEvent::BillsWrittenOff { .. } => "bills_written_off",
        AccountEvent::CouponGranted { .. } => "coupon_granted",
        AccountEvent::CouponExpired { .. } => "coupon_expired",
        AccountEvent::AutomaticWriteOffSet { .. } => "automatic_write_off_set",
        AccountEvent::WriteOffPreviousBillsSet { .. } => "write_off_previous_bills_set",
        AccountEvent::TaxRateSet { .. } => "tax_rate_set",
        AccountEvent::SettlementCurrencySet { .. } => "settlement_currency_set",
        AccountEvent::Purchased { .. } => "purchased",
        AccountEvent::PurchaseRefunded { .. } => "purchase_refunded",
        AccountEvent::UnifiedSettlementStarted { .. } => "unified_settlement_started",
        AccountEvent::UnifiedSettlementEnded { .. } => "unified_settlement_ended",
        AccountEvent::RemittanceClaimed { .. } => "remittance_claimed",
        AccountEvent::PaymentMethodLinked { .. } => "payment_method_linked",
        AccountEvent::PaymentMethodEdited { .. } => "payment_method_edited",
        AccountEvent::PaymentMethodUnlinked { .. } => "payment_method_unlinked",
        AccountEvent::DefaultPaymentMethodSet { .. } => "default_payment_method_set",
        AccountEvent::LowBalanceAlertSet { .. } => "low_balance_alert_set",
        AccountEvent::SuspensionBenefitSet { .. } => "suspension_benefit_set",
        AccountEvent::StandingChanged { .. } => "standing_changed",
    }
}

const fn directory_event(event: &DirectoryEvent) -> &'static str {
    match event {
        DirectoryEvent::AccountOpened { .. } => "account_opened",
        DirectoryEvent::CloudAccountRegistered { .. } => "cloud_account_registered",
        DirectoryEvent::PayerChanged { .. } => "payer_changed",
        DirectoryEvent::EnterpriseOpened { .. } => "enterprise_opened",
        DirectoryEvent::ExchangeRateSet { .. } => "exchange_rate_set",
        DirectoryEvent::RemittanceReceived { .. } => "remittance_received",
        DirectoryEvent::NotificationsSettled { .. } => "notifications_settled",
    }
}

const fn credit_event(event: &CreditEvent) -> &'static str {
    match event {
        CreditEvent::AccountCenterEnabled => "account_center_enabled",
        CreditEvent::AccountInvited { .. } => "account_invited",
        CreditEvent::MemberJoined { .. } => "member_joined",
        CreditEvent::MemberLeft { .. } => "member_left",
        CreditEvent::TotalCreditSet { .. } => "total_credit_set",
        CreditEvent::NothingChanged => "nothing_changed",
        CreditEvent::ContractRequested => "contract_requested",
        CreditEvent::ContractApproved => "contract_approved",
        CreditEvent::ContractConfirmed { .. } => "contract_confirmed",
        CreditEvent::LimitPending { .. } => "limit_pending",
        CreditEvent::CreditAllocated { .. } => "credit_allocated",
        CreditEvent::CreditReturned { .. } => "credit_returned",
    }
}

const fn authorization_event(event: &AuthorizationEvent) -> &'static str {
    match event {
        AuthorizationEvent::AdministratorGranted { .. } => "administrator_granted",
        AuthorizationEvent::AdministratorRevoked { .. } => "administrator_revoked",
        AuthorizationEvent::PolicyAttached { .. } => "policy_attached",
        AuthorizationEvent::PolicyDetached { .. } => "policy_detached",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_begins_with_its_parts_and_nothing_else() {
        let whole = EventType::CHARGE_POSTED.to_string();
        assert_eq!(whole, "exchequer.charge.posted");
        for end in 0..=whole.len() {
            assert!(EventType::CHARGE_POSTED.starts_with(&whole[..end]), "{end}");
        }
        for other in ["x", "exchequer.account", "exchequer.chargeposted", "exchequer.charge.posted."] {
            assert!(!EventType::CHARGE_POSTED.starts_with(other), "{other}");
        }
    }
}
