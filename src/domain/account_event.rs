//! What happened to an account.

use super::account::Status;
use super::billing::asset::{Asset, AssetKind, BillPayment, Portion};
use super::billing::bill::Bill;
use super::billing::coupon::CouponTerms;
use super::billing::payment_method::PaymentMethod;
use super::billing::rate::Rate;
use super::billing::settlement::SettlementEnd;
use super::ids::{AccountIndex, CloudIndex, Currency, EnterpriseIndex};
use super::keys::Remembered;
use super::money::{Money, RunningSum};
use super::profile::Profile;
use super::standing::{StandingChange, SuspensionBenefit};
use super::time::{Cycle, Timestamp};

/// The message that a record sends (rule F5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Posted {
    /// Its number among the sender's messages.
    pub number: u64,
    /// Up to which number the sender's messages were acknowledged by then.
    pub acknowledged: u64,
}

/// What happened to one account: a fact, applied without any rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccountEvent {
    /// Cash was added.
    CashToppedUp {
        /// How much.
        amount: Money,
        /// Cash afterwards.
        cash_after: Money,
        /// The payment it came by.
        reference: Option<Box<str>>,
    },
    /// Cash was corrected.
    CashAdjusted {
        /// The difference.
        amount: Money,
        /// Cash afterwards.
        cash_after: Money,
        /// Why.
        reason: Box<str>,
    },
    /// The credit limit changed.
    CreditLimitGranted {
        /// Before.
        before: Money,
        /// After.
        after: Money,
    },
    /// The quota changed.
    QuotaSet {
        /// Before.
        before: Money,
        /// After.
        after: Money,
    },
    /// Consumed quota was repaid.
    QuotaRepaid {
        /// How much.
        amount: Money,
        /// Consumption afterwards.
        consumed_after: Money,
    },
    /// The profile changed.
    ProfileModified {
        /// The whole new profile.
        profile: Profile,
    },
    /// The status changed.
    StatusChanged {
        /// After.
        status: Status,
    },
    /// Cash left to the bank.
    CashWithdrawn {
        /// How much.
        amount: Money,
        /// Cash afterwards.
        cash_after: Money,
    },
    /// Cash left for another account's transfer book.
    CashTransferred {
        /// Whose.
        to: AccountIndex,
        /// How much.
        amount: Money,
        /// Cash afterwards.
        cash_after: Money,
        /// The message that carries it.
        posted: Posted,
    },
    /// Transferred cash arrived.
    TransferReceived {
        /// The giver.
        from: AccountIndex,
        /// Number of the giver's message.
        number: u64,
        /// How much.
        amount: Money,
        /// Cash afterwards.
        cash_after: Money,
    },
    /// Transferred cash left for its giver.
    TransferRevoked {
        /// Who gets it back.
        giver: AccountIndex,
        /// How much.
        amount: Money,
        /// Cash afterwards.
        cash_after: Money,
        /// The message that carries it.
        posted: Posted,
    },
    /// Cash came back that this account had transferred.
    RevocationReceived {
        /// From where.
        from: AccountIndex,
        /// Number of the sender's message.
        number: u64,
        /// How much.
        amount: Money,
        /// Cash afterwards.
        cash_after: Money,
    },
    /// The enterprise raised the credit limit.
    CreditReceived {
        /// Which enterprise.
        enterprise: EnterpriseIndex,
        /// Number of the credit control's message.
        number: u64,
        /// By how much.
        amount: Money,
        /// The limit afterwards.
        limit_after: Money,
    },
    /// The credit limit was lowered, for the enterprise or another member.
    CreditReturned {
        /// Which enterprise.
        enterprise: EnterpriseIndex,
        /// By how much.
        amount: Money,
        /// The limit afterwards.
        limit_after: Money,
        /// The member whose limit rises by as much.
        moves_to: Option<AccountIndex>,
        /// The key that the credit control remembers too.
        remembered: Option<Box<Remembered>>,
        /// The message that carries it.
        posted: Posted,
    },
    /// It joined an enterprise.
    EnterpriseJoined {
        /// Which.
        enterprise: EnterpriseIndex,
        /// The message that tells its credit control.
        posted: Posted,
    },
    /// It left its enterprise.
    EnterpriseLeft {
        /// Which.
        enterprise: EnterpriseIndex,
        /// The message that tells its credit control.
        posted: Posted,
    },
    /// An amount was reserved.
    HoldPlaced {
        /// Its id.
        hold: Box<str>,
        /// How much.
        amount: Money,
        /// When it expires by itself.
        expires_at: Timestamp,
    },
    /// A hold became a purchase.
    HoldCaptured {
        /// Its id.
        hold: Box<str>,
        /// How much was captured; the rest is free again.
        amount: Money,
        /// The cycle that the purchase was posted to.
        cycle: Cycle,
    },
    /// A hold was given up.
    HoldReleased {
        /// Its id.
        hold: Box<str>,
    },
    /// A hold's time ran out.
    HoldExpired {
        /// Its id.
        hold: Box<str>,
    },
    /// A cycle's bill was issued (rules D1, D2): its total left what is unsettled of open cycles.
    BillIssued {
        /// The bill, with what has paid it at once.
        bill: Box<Bill>,
    },
    /// Assets have paid bills (rule D3).
    BillsWrittenOff {
        /// Which has paid which, in the order of payment.
        payments: Box<[BillPayment]>,
    },
    /// A coupon or voucher was granted, under the next number (rule D7).
    CouponGranted {
        /// What was granted.
        coupon: Box<CouponTerms>,
    },
    /// A coupon's time ran out.
    CouponExpired {
        /// Its number.
        number: u32,
        /// What was left of it.
        amount: Money,
    },
    /// Automatic write-off was switched (rule D3).
    AutomaticWriteOffSet {
        /// On or off.
        enabled: bool,
    },
    /// *Write Off Previous Bills* was switched (rule D5).
    WriteOffPreviousBillsSet {
        /// On or off.
        enabled: bool,
    },
    /// The rate of tax changed (rule D2).
    TaxRateSet {
        /// Before.
        before: Rate,
        /// After.
        after: Rate,
    },
    /// The settlement currency of a month and those after it was set (rule D9).
    SettlementCurrencySet {
        /// The first cycle that it holds for.
        from: Cycle,
        /// The currency.
        currency: Currency,
    },
    /// Something was bought and paid at once (rule D6).
    Purchased {
        /// The caller's id of the purchase.
        order: Box<str>,
        /// What it cost.
        amount: Money,
        /// What paid it, in the order of payment; credit became unsettled.
        funding: Box<[Portion]>,
        /// The cycle that the part on credit was posted to.
        cycle: Cycle,
        /// Who bought it.
        cloud: Option<CloudIndex>,
        /// What was bought.
        service: Option<Box<str>>,
    },
    /// A purchase was refunded, in all or in part (rule D6).
    PurchaseRefunded {
        /// Which.
        order: Box<str>,
        /// The caller's id of the refund.
        refund: Box<str>,
        /// How much of the purchase.
        amount: Money,
        /// Where it went, by what had paid: credit became credit refund of `month`, or lowered what is unbilled.
        returned: Box<[Portion]>,
        /// What was lost with coupons that have expired.
        forfeited: Money,
        /// The month of the refund.
        month: Cycle,
    },
    /// A unified settlement of some of the account's bills began (rule D8).
    UnifiedSettlementStarted {
        /// Its id.
        settlement: Box<str>,
        /// The cycles of the bills.
        cycles: Box<[Cycle]>,
        /// The kinds of assets that may pay them.
        assets: Box<[AssetKind]>,
    },
    /// A unified settlement ended.
    UnifiedSettlementEnded {
        /// Its id.
        settlement: Box<str>,
        /// What was paid at its end; nothing where it was closed without.
        payments: Box<[BillPayment]>,
        /// How.
        end: SettlementEnd,
    },
    /// A remittance to the shared bank account was claimed (rule D11).
    RemittanceClaimed {
        /// Its id.
        remittance: Box<str>,
        /// How much.
        amount: Money,
        /// Cash afterwards.
        cash_after: Money,
    },
    /// A payment method was linked (rule D10).
    PaymentMethodLinked {
        /// The account's own id for it.
        method: Box<str>,
        /// What it is.
        linked: PaymentMethod,
    },
    /// A payment method got another token.
    PaymentMethodEdited {
        /// Which.
        method: Box<str>,
        /// What it is now.
        linked: PaymentMethod,
    },
    /// A payment method was removed.
    PaymentMethodUnlinked {
        /// Which.
        method: Box<str>,
    },
    /// Another payment method is used if none is named.
    DefaultPaymentMethodSet {
        /// Which.
        method: Box<str>,
    },
    /// The low balance alert was set (rule H1).
    LowBalanceAlertSet {
        /// On or off.
        enabled: bool,
        /// Its threshold.
        threshold: Money,
    },
    /// The suspension benefit was set (rule H4).
    SuspensionBenefitSet {
        /// What delays a suspension from now on; nothing does if none.
        benefit: Option<SuspensionBenefit>,
    },
    /// The account's standing changed, by a change of available credit or by time (rules H2-H4).
    StandingChanged {
        /// How.
        change: StandingChange,
    },
}

impl AccountEvent {
    /// Whether it concerns other accounts or an enterprise.
    pub const fn is_crossing(&self) -> bool {
        matches!(
            self,
            Self::CashTransferred { .. }
                | Self::TransferReceived { .. }
                | Self::TransferRevoked { .. }
                | Self::RevocationReceived { .. }
                | Self::CreditReceived { .. }
                | Self::CreditReturned { .. }
                | Self::EnterpriseJoined { .. }
                | Self::EnterpriseLeft { .. }
        )
    }

    /// How much it moved; 0 where nothing moves.
    pub const fn amount(&self) -> Money {
        match self {
            Self::CashToppedUp { amount, .. }
            | Self::CashAdjusted { amount, .. }
            | Self::QuotaRepaid { amount, .. }
            | Self::CashWithdrawn { amount, .. }
            | Self::CashTransferred { amount, .. }
            | Self::TransferReceived { amount, .. }
            | Self::TransferRevoked { amount, .. }
            | Self::RevocationReceived { amount, .. }
            | Self::CreditReceived { amount, .. }
            | Self::CreditReturned { amount, .. }
            | Self::HoldPlaced { amount, .. }
            | Self::HoldCaptured { amount, .. }
            | Self::Purchased { amount, .. }
            | Self::PurchaseRefunded { amount, .. }
            | Self::RemittanceClaimed { amount, .. } => *amount,
            _ => Money::ZERO,
        }
    }

    /// By how much it changes the account's cash.
    pub fn cash_moved(&self) -> RunningSum {
        let nothing = RunningSum::default();
        match self {
            Self::TransferReceived { amount, .. } | Self::RevocationReceived { amount, .. } => {
                nothing.plus(*amount)
            }
            Self::CashTransferred { amount, .. } | Self::TransferRevoked { amount, .. } => {
                nothing.minus(*amount)
            }
            event => event.cash_from_outside().with(event.cash_spent()),
        }
    }

    /// How much of that pays, or comes back from what it paid: below 0 where it pays.
    pub fn cash_spent(&self) -> RunningSum {
        let nothing = RunningSum::default();
        let of_cash = |asset| matches!(asset, Asset::Cash | Asset::TransferBook);
        let paid =
            |sum: RunningSum, part: &Portion| if of_cash(part.asset) { sum.minus(part.amount) } else { sum };
        match self {
            // Of a bill below 0 the parts are below 0: cash that came back.
            Self::BillIssued { bill } => bill.payments.iter().fold(nothing, paid),
            Self::BillsWrittenOff { payments } | Self::UnifiedSettlementEnded { payments, .. } => {
                payments.iter().map(|payment| &payment.part).fold(nothing, paid)
            }
            Self::Purchased { funding, .. } => funding.iter().fold(nothing, paid),
            Self::PurchaseRefunded { returned, .. } => {
                let returned = returned.iter().filter(|part| of_cash(part.asset));
                returned.fold(nothing, |sum, part| sum.plus(part.amount))
            }
            _ => nothing,
        }
    }

    /// How much of that comes from outside of the ledger, or leaves it.
    pub fn cash_from_outside(&self) -> RunningSum {
        let nothing = RunningSum::default();
        match self {
            Self::CashToppedUp { amount, .. }
            | Self::CashAdjusted { amount, .. }
            | Self::RemittanceClaimed { amount, .. } => nothing.plus(*amount),
            Self::CashWithdrawn { amount, .. } => nothing.minus(*amount),
            _ => nothing,
        }
    }
}
