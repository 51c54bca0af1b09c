//! What can be commanded, by whom, and what is answered. Ids are the users' own.

use serde::Serialize;

use super::command_forms::{
    asset_names, optional_amount, optional_text, pairs_of, permission_names, plain_amount, policy_name, text,
};
pub use super::paying_asset::PayingAsset;
pub use super::request::Request;
pub use super::settings::AccountSettings;
use crate::domain::billing::asset::AssetKind;
use crate::domain::billing::coupon::CouponKind;
use crate::domain::billing::payment_method::PaymentMethodKind;
use crate::domain::billing::rate::Rate;
use crate::domain::ids::Currency;
use crate::domain::money::Amount;
use crate::domain::permissions::{Permissions, Policy};
use crate::domain::time::{Cycle, Timestamp};

/// The operator: may do everything.
pub const PROVIDER: &str = "provider";

/// What can be commanded. Ids are the users' own.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub enum Command {
    /// Registers a cloud account and opens its default billing account under the same id (rule A3).
    RegisterCloudAccount {
        /// The new id of both.
        cloud_account: String,
        /// Settings of the billing account.
        settings: AccountSettings,
    },
    /// Registers a cloud account that an existing billing account pays for.
    RegisterPaidCloudAccount {
        /// The new id.
        cloud_account: String,
        /// Who pays.
        billing_account: String,
    },
    /// Opens a billing account.
    OpenBillingAccount {
        /// The new id.
        billing_account: String,
        /// Its settings.
        settings: AccountSettings,
    },
    /// Changes settings of a billing account.
    ModifyBillingAccount {
        /// Which.
        billing_account: String,
        /// The settings to change.
        settings: AccountSettings,
    },
    /// Changes who pays for some cloud accounts (rule A4).
    SetPayer {
        /// Whose payer.
        cloud_accounts: Vec<String>,
        /// The new payer.
        billing_account: String,
        /// From when on; by default from the decision on.
        #[serde(serialize_with = "optional_text")]
        effective_at: Option<Timestamp>,
    },
    /// Freezes a billing account.
    FreezeBillingAccount {
        /// Which.
        billing_account: String,
    },
    /// Thaws a billing account.
    ThawBillingAccount {
        /// Which.
        billing_account: String,
    },
    /// Cancels a billing account (rule A2).
    CancelBillingAccount {
        /// Which.
        billing_account: String,
    },
    /// Adds cash.
    TopUp {
        /// Whose.
        billing_account: String,
        /// How much.
        #[serde(serialize_with = "plain_amount")]
        amount: Amount,
        /// The payment it came by.
        reference: Option<String>,
    },
    /// Corrects cash, up or down.
    AdjustCash {
        /// Whose.
        billing_account: String,
        /// The difference.
        #[serde(serialize_with = "plain_amount")]
        amount: Amount,
        /// Why.
        reason: String,
    },
    /// Sets the credit limit given by the provider.
    GrantCreditLimit {
        /// Whose.
        billing_account: String,
        /// The new limit.
        #[serde(serialize_with = "plain_amount")]
        amount: Amount,
    },
    /// Sets the quota of an ecosystem account.
    SetQuota {
        /// Whose.
        billing_account: String,
        /// The new quota.
        #[serde(serialize_with = "plain_amount")]
        amount: Amount,
    },
    /// Lowers the consumed quota of an ecosystem account.
    RepayQuota {
        /// Whose.
        billing_account: String,
        /// How much was repaid.
        #[serde(serialize_with = "plain_amount")]
        amount: Amount,
    },
    /// Lets own cash go to the bank (rule D11).
    WithdrawCash {
        /// Whose.
        billing_account: String,
        /// How much.
        #[serde(serialize_with = "plain_amount")]
        amount: Amount,
    },
    /// Reserves an amount against spendable credit (rule B5).
    PlaceHold {
        /// Whose credit.
        billing_account: String,
        /// The caller's id of the hold.
        hold: String,
        /// How much.
        #[serde(serialize_with = "plain_amount")]
        amount: Amount,
        /// When it expires by itself.
        #[serde(serialize_with = "text")]
        expires_at: Timestamp,
    },
    /// Posts a purchase of a hold's amount or of part of it (rule B5).
    CaptureHold {
        /// Whose.
        billing_account: String,
        /// Which hold.
        hold: String,
        /// How much; all of it by default.
        #[serde(serialize_with = "optional_amount")]
        amount: Option<Amount>,
    },
    /// Gives a hold up (rule B5).
    ReleaseHold {
        /// Whose.
        billing_account: String,
        /// Which hold.
        hold: String,
    },
    /// Decides everything that is due by the request's time (rule J5).
    AdvanceTime,
    /// Opens an enterprise (rule A6).
    OpenEnterprise {
        /// The new id.
        ecid: String,
        /// The verified legal owner of it and of all its accounts.
        owner: String,
        /// The cloud account that manages it (rule G1).
        management_account: String,
        /// Currency of its credit; US dollar by default.
        #[serde(serialize_with = "optional_text")]
        currency: Option<Currency>,
    },
    /// Enables an enterprise's Account Center (rule A6).
    EnableAccountCenter {
        /// Whose.
        ecid: String,
    },
    /// Invites a billing account to an enterprise (rule A6).
    InviteAccount {
        /// Who invites.
        ecid: String,
        /// Whom.
        billing_account: String,
    },
    /// Accepts an enterprise's invitation (rule A6).
    AcceptInvitation {
        /// Whose invitation.
        ecid: String,
        /// Who accepts.
        billing_account: String,
    },
    /// Ends an association (rule A6).
    EndAssociation {
        /// Which enterprise.
        ecid: String,
        /// Which account leaves.
        billing_account: String,
    },
    /// Sets an enterprise's total credit quota (rules E1, E4).
    SetTotalCredit {
        /// Whose.
        ecid: String,
        /// Public cloud quota.
        #[serde(serialize_with = "plain_amount")]
        public_cloud: Amount,
        /// Hybrid cloud quota; none by default.
        #[serde(serialize_with = "optional_amount")]
        hybrid_cloud: Option<Amount>,
    },
    /// Asks for the credit contract (rule E2).
    RequestCreditContract {
        /// Whose.
        ecid: String,
    },
    /// Approves the credit contract (rule E2).
    ApproveCreditContract {
        /// Whose.
        ecid: String,
    },
    /// Confirms the credit contract: all pending limits become active (rule E2).
    ConfirmCreditContract {
        /// Whose.
        ecid: String,
    },
    /// Sets a member's credit limit (rules E1–E3).
    AllocateCredit {
        /// Of which enterprise.
        ecid: String,
        /// Which member.
        billing_account: String,
        /// The new limit.
        #[serde(serialize_with = "plain_amount")]
        credit_limit: Amount,
        /// The least available credit that must be left afterwards.
        #[serde(serialize_with = "optional_amount")]
        min_available_credit_after: Option<Amount>,
        /// Answers without any effect.
        dry_run: bool,
    },
    /// Moves credit from one member to another in one step (rule E3).
    MoveCredit {
        /// Of which enterprise.
        ecid: String,
        /// Whose limit is lowered.
        from: String,
        /// Whose limit is raised.
        to: String,
        /// By how much.
        #[serde(serialize_with = "plain_amount")]
        amount: Amount,
    },
    /// Transfers cash to another account of the enterprise (rule F1).
    TransferCash {
        /// The giver.
        from: String,
        /// The receiver.
        to: String,
        /// How much.
        #[serde(serialize_with = "plain_amount")]
        amount: Amount,
    },
    /// Takes transferred cash back (rule F3).
    RevokeTransfer {
        /// Who gave it, and gets it back.
        giver: String,
        /// Who has it.
        receiver: String,
        /// How much.
        #[serde(serialize_with = "plain_amount")]
        amount: Amount,
    },
    /// Makes cloud accounts administrators of a billing account (rule G2).
    GrantAdministrators {
        /// Of which.
        billing_account: String,
        /// Whom, at most 20.
        cloud_accounts: Vec<String>,
        /// What they may; by default see and modify it.
        #[serde(serialize_with = "permission_names")]
        permissions: Option<Permissions>,
    },
    /// Takes an administrator off the list (rule G2).
    RevokeAdministrator {
        /// Of which.
        billing_account: String,
        /// Whom.
        cloud_account: String,
    },
    /// Gives a user of a cloud account a policy (rule G3).
    AttachPolicy {
        /// `cloud_account/user`.
        user: String,
        /// What the user may of what the cloud account may.
        #[serde(serialize_with = "policy_name")]
        policy: Policy,
    },
    /// Takes a user's policy away (rule G3).
    DetachPolicy {
        /// `cloud_account/user`.
        user: String,
    },
    /// Switches automatic write-off (rule D3).
    SetAutomaticWriteOff {
        /// Whose.
        billing_account: String,
        /// On or off.
        enabled: bool,
    },
    /// Switches *Write Off Previous Bills* (rule D5).
    SetWriteOffPreviousBills {
        /// Whose.
        billing_account: String,
        /// On or off.
        enabled: bool,
    },
    /// Sets the settlement currency from the next month on (rule D9).
    SetSettlementCurrency {
        /// Whose.
        billing_account: String,
        /// The currency.
        #[serde(serialize_with = "text")]
        currency: Currency,
    },
    /// Sets the exchange rate of a day (rule D9).
    SetExchangeRate {
        /// One unit of this currency…
        #[serde(serialize_with = "text")]
        from: Currency,
        /// …is worth `rate` units of that.
        #[serde(serialize_with = "text")]
        to: Currency,
        /// The rate.
        #[serde(serialize_with = "text")]
        rate: Rate,
        /// The day, counted from 1970-01-01.
        day: i32,
    },
    /// Sets the low balance alert of some accounts (rule H1).
    SetLowBalanceAlert {
        /// Whose.
        billing_accounts: Vec<String>,
        /// On or off.
        enabled: bool,
        /// Available credit below it is low; by default the one there was.
        #[serde(serialize_with = "optional_amount")]
        threshold: Option<Amount>,
    },
    /// Sets what delays the suspension of an overdue account; nothing does if neither is given (rule H4).
    SetSuspensionBenefit {
        /// Whose.
        billing_account: String,
        /// How long after falling overdue, in microseconds.
        grace_micros: Option<i64>,
        /// How much may be owed below 0.
        #[serde(serialize_with = "optional_amount")]
        grace_amount: Option<Amount>,
    },
    /// Sets the rate of tax on bills (rule D2).
    SetTaxRate {
        /// Whose.
        billing_account: String,
        /// The rate, such as 0.06.
        #[serde(serialize_with = "text")]
        rate: Rate,
    },
    /// Issues bills of a cycle, and of older ones (rules D1, D2).
    IssueBills {
        /// The cycle.
        #[serde(serialize_with = "text")]
        cycle: Cycle,
        /// Whose; by default of every account that has something to bill.
        billing_account: Option<String>,
    },
    /// Pays a bill by hand (rule D3).
    PayBill {
        /// The bill: `BILLING_ACCOUNT/CYCLE`.
        bill: String,
        /// What pays it; nothing means what automatic write-off would take.
        assets: Vec<PayingAsset>,
    },
    /// Grants a coupon or voucher (rule D7).
    GrantCoupon {
        /// Whom.
        billing_account: String,
        /// Its id, unique in the account.
        coupon: String,
        /// Coupon or voucher.
        #[serde(serialize_with = "text")]
        kind: CouponKind,
        /// What it is worth.
        #[serde(serialize_with = "plain_amount")]
        amount: Amount,
        /// From when on it may be used.
        #[serde(serialize_with = "text")]
        starts_at: Timestamp,
        /// From when on it may no more.
        #[serde(serialize_with = "text")]
        ends_at: Timestamp,
        /// The services that it pays for; all of them where none is named.
        services: Vec<String>,
        /// The least charge, purchase or bill that it pays a part of.
        #[serde(serialize_with = "optional_amount")]
        minimum_spend: Option<Amount>,
    },
    /// Buys something and pays it at once (rule D6).
    Purchase {
        /// Who pays.
        billing_account: String,
        /// The caller's id of the purchase, unique in the ledger.
        order: String,
        /// What it costs.
        #[serde(serialize_with = "plain_amount")]
        amount: Amount,
        /// Who buys it.
        cloud_account: Option<String>,
        /// What is bought.
        service: Option<String>,
    },
    /// Refunds a purchase, in all or in part (rule D6).
    Refund {
        /// Which.
        order: String,
        /// The caller's id of the refund, unique within the purchase.
        refund: String,
        /// How much.
        #[serde(serialize_with = "plain_amount")]
        amount: Amount,
    },
    /// Begins a unified settlement (rule D8).
    StartUnifiedSettlement {
        /// Its id, unique in the ledger.
        settlement: String,
        /// The accounts and cycles whose bills are to be paid.
        #[serde(serialize_with = "pairs_of")]
        pairs: Vec<(String, Cycle)>,
        /// The kinds of assets that may pay; all of them by default.
        #[serde(serialize_with = "asset_names")]
        assets: Option<Vec<AssetKind>>,
    },
    /// Pays the bills of a unified settlement and ends it (rule D8).
    FinishUnifiedSettlement {
        /// Which.
        settlement: String,
    },
    /// Ends a unified settlement without paying (rule D8).
    CloseUnifiedSettlement {
        /// Which.
        settlement: String,
    },
    /// Records a remittance that has come to the shared bank account (rule D11).
    RecordRemittance {
        /// Its id.
        remittance: String,
        /// How much.
        #[serde(serialize_with = "plain_amount")]
        amount: Amount,
        /// In which currency; US dollar by default.
        #[serde(serialize_with = "optional_text")]
        currency: Option<Currency>,
        /// What the bank says about it.
        reference: Option<String>,
    },
    /// Claims a remittance for an account (rule D11).
    ClaimRemittance {
        /// Whose it becomes.
        billing_account: String,
        /// Which.
        remittance: String,
    },
    /// Links a third-party payment method (rule D10).
    LinkPaymentMethod {
        /// Whose.
        billing_account: String,
        /// The account's own id for it.
        method: String,
        /// What it is.
        #[serde(serialize_with = "text")]
        kind: PaymentMethodKind,
        /// The payment gateway's token for it.
        token: String,
    },
    /// Gives a payment method another token (rule D10).
    EditPaymentMethod {
        /// Whose.
        billing_account: String,
        /// Which.
        method: String,
        /// The new token.
        token: String,
    },
    /// Removes a payment method (rule D10).
    UnlinkPaymentMethod {
        /// Whose.
        billing_account: String,
        /// Which.
        method: String,
    },
    /// Makes a payment method the one that is used if none is named (rule D10).
    SetDefaultPaymentMethod {
        /// Whose.
        billing_account: String,
        /// Which.
        method: String,
    },
}

impl Command {
    /// Registers a cloud account with the default settings.
    pub fn register_cloud_account(cloud_account: impl Into<String>) -> Self {
        Self::RegisterCloudAccount {
            cloud_account: cloud_account.into(),
            settings: AccountSettings::default(),
        }
    }

    /// Adds cash.
    pub fn top_up(billing_account: impl Into<String>, amount: Amount) -> Self {
        Self::TopUp { billing_account: billing_account.into(), amount, reference: None }
    }
}
