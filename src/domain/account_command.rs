//! What an account can be asked to do.

use super::account::Counterpart;
use super::billing::asset::AssetKind;
use super::billing::coupon::CouponTerms;
use super::billing::payment_method::PaymentMethod;
use super::billing::rate::Rate;
use super::billing::settlement::SettlementEnd;
use super::ids::{AccountIndex, CloudIndex, Currency, EnterpriseIndex};
use super::money::Money;
use super::profile::ProfileChange;
use super::standing::SuspensionBenefit;
use super::time::{Cycle, Timestamp};

/// A command to one account (rules A1, A2, A6, B1, B2, B5, D11, E3, F1–F4).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccountCommand {
    /// Adds cash.
    TopUp {
        /// How much.
        amount: Money,
        /// The payment it came by.
        reference: Option<Box<str>>,
    },
    /// Corrects cash by an operator, up or down.
    AdjustCash {
        /// The difference.
        amount: Money,
        /// Why.
        reason: Box<str>,
    },
    /// Sets the credit limit given by the provider.
    GrantCreditLimit {
        /// The new limit.
        amount: Money,
    },
    /// Sets the quota given by the partner.
    SetQuota {
        /// The new quota.
        amount: Money,
    },
    /// Lowers the consumed quota by a repayment of the partner.
    RepayQuota {
        /// How much is repaid.
        amount: Money,
    },
    /// Changes facts of the profile.
    Modify {
        /// What is to change: what it does not name stays as it is when the account decides.
        change: ProfileChange,
    },
    /// Freezes the account.
    Freeze,
    /// Thaws a frozen account.
    Thaw,
    /// Cancels the account for good.
    Cancel,
    /// Lets own cash go to the bank (rule D11).
    WithdrawCash {
        /// How much.
        amount: Money,
    },
    /// Transfers own cash into another account's transfer book (rule F1).
    TransferCash {
        /// Who receives it.
        to: Counterpart,
        /// How much.
        amount: Money,
    },
    /// Gives transferred cash back to its giver (rule F3); decided by the account that has it.
    RevokeTransfer {
        /// Who gets it back.
        giver: Counterpart,
        /// How much.
        amount: Money,
    },
    /// Gives credit back to the enterprise, or on to another member (rule E3).
    ReturnCredit {
        /// By how much the limit is lowered.
        amount: Money,
        /// The limit that this is to leave, where one is being set: another one shows that a second change was on its
        /// way, and applying both would lower it twice.
        limit_after: Option<Money>,
        /// The least available credit that must be left afterwards.
        min_available_credit_after: Option<Money>,
        /// The member whose limit rises by as much.
        moves_to: Option<AccountIndex>,
    },
    /// Joins an enterprise that has invited the account (rule A6).
    JoinEnterprise {
        /// Which.
        enterprise: EnterpriseIndex,
        /// Whether the account has the enterprise's verified owner, as both their records say.
        same_owner: bool,
    },
    /// Leaves its enterprise (rule A6).
    LeaveEnterprise {
        /// Which.
        enterprise: EnterpriseIndex,
    },
    /// Reserves an amount against spendable credit (rule B5).
    PlaceHold {
        /// The caller's id of the hold.
        hold: Box<str>,
        /// How much.
        amount: Money,
        /// When it expires by itself.
        expires_at: Timestamp,
    },
    /// Posts a purchase of a hold's amount, or of part of it; the rest is free again (rule B5).
    CaptureHold {
        /// Which.
        hold: Box<str>,
        /// How much; all of it by default.
        amount: Option<Money>,
    },
    /// Gives a hold up (rule B5).
    ReleaseHold {
        /// Which.
        hold: Box<str>,
    },
    /// Switches automatic write-off (rule D3).
    SetAutomaticWriteOff {
        /// On or off.
        enabled: bool,
    },
    /// Switches *Write Off Previous Bills* (rule D5).
    SetWriteOffPreviousBills {
        /// On or off.
        enabled: bool,
    },
    /// Sets the rate of tax (rule D2).
    SetTaxRate {
        /// The rate.
        rate: Rate,
    },
    /// Sets the settlement currency from the next month on (rule D9).
    SetSettlementCurrency {
        /// The currency.
        currency: Currency,
    },
    /// Pays a bill by hand (rule D3).
    PayBill {
        /// The bill's cycle.
        cycle: Cycle,
        /// Which assets pay how much; nothing means what automatic write-off would take.
        with: Vec<PayWith>,
    },
    /// Grants a coupon or voucher (rule D7).
    GrantCoupon {
        /// What is granted.
        coupon: Box<CouponTerms>,
    },
    /// Buys something and pays it at once (rule D6).
    Purchase {
        /// The caller's id of the purchase.
        order: Box<str>,
        /// What it costs.
        amount: Money,
        /// Who buys it.
        cloud: Option<CloudIndex>,
        /// What is bought.
        service: Option<Box<str>>,
    },
    /// Refunds a purchase, in all or in part (rule D6).
    RefundPurchase {
        /// Which.
        order: Box<str>,
        /// The caller's id of the refund.
        refund: Box<str>,
        /// How much of it.
        amount: Money,
    },
    /// Begins a unified settlement of some bills (rule D8).
    StartUnifiedSettlement {
        /// Its id.
        settlement: Box<str>,
        /// The cycles of the bills.
        cycles: Vec<Cycle>,
        /// The kinds of assets that may pay them.
        assets: Vec<AssetKind>,
    },
    /// Ends a unified settlement: finished, its bills are paid; closed, they are not (rule D8).
    EndUnifiedSettlement {
        /// Its id.
        settlement: Box<str>,
        /// Which of the two.
        end: SettlementEnd,
    },
    /// Claims a remittance to the shared bank account (rule D11).
    ClaimRemittance {
        /// Its id.
        remittance: Box<str>,
        /// Its amount, as the provider has recorded it.
        amount: Money,
        /// Its currency.
        currency: Currency,
    },
    /// Links a third-party payment method (rule D10).
    LinkPaymentMethod {
        /// The account's own id for it.
        method: Box<str>,
        /// What it is.
        linked: PaymentMethod,
    },
    /// Gives a payment method another token (rule D10).
    EditPaymentMethod {
        /// Which.
        method: Box<str>,
        /// The new token.
        token: Box<str>,
    },
    /// Removes a payment method (rule D10).
    UnlinkPaymentMethod {
        /// Which.
        method: Box<str>,
    },
    /// Makes a payment method the one that is used if none is named (rule D10).
    SetDefaultPaymentMethod {
        /// Which.
        method: Box<str>,
    },
    /// Sets the low balance alert (rule H1).
    SetLowBalanceAlert {
        /// On or off.
        enabled: bool,
        /// Its threshold; the one it had if none.
        threshold: Option<Money>,
    },
    /// Sets, or takes away, what delays a suspension (rule H4).
    SetSuspensionBenefit {
        /// The benefit.
        benefit: Option<SuspensionBenefit>,
    },
}

/// An asset that a person pays a bill with, and how much of it (rule D3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PayWith {
    /// A coupon, by its id.
    Coupon {
        /// Which.
        coupon: Box<str>,
        /// How much of it.
        amount: Money,
    },
    /// Some of another asset; of credit refund, of that month, or of the oldest months that may pay the bill.
    Asset {
        /// Which.
        kind: AssetKind,
        /// The month of credit refund.
        month: Option<Cycle>,
        /// How much.
        amount: Money,
    },
}
