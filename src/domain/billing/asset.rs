//! What pays: an asset, and how much of it (rules D3, D6).

use crate::domain::money::Money;
use crate::domain::time::Cycle;

/// What a bill or a purchase is paid with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Asset {
    /// A coupon or voucher, by its number in the account.
    Coupon(u32),
    /// Credit refund of that month.
    CreditRefund(Cycle),
    /// Transferred funds.
    TransferBook,
    /// The account's own cash.
    Cash,
    /// Quota of an ecosystem account.
    Quota,
    /// Nothing yet: of a purchase, what became unsettled.
    Credit,
}

/// The kinds of assets that pay bills, in the order in which they do (rule D3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AssetKind {
    /// Coupons and vouchers.
    Coupon,
    /// Credit refund.
    CreditRefund,
    /// Transferred funds.
    TransferBook,
    /// Own cash.
    Cash,
}

impl AssetKind {
    /// Every kind, in the order of write-off.
    pub const ALL: [Self; 4] = [Self::Coupon, Self::CreditRefund, Self::TransferBook, Self::Cash];

    /// The name, as fields carry it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Coupon => "coupon",
            Self::CreditRefund => "credit_refund",
            Self::TransferBook => "transfer_book",
            Self::Cash => "cash",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == text)
    }
}

/// Some of an asset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Portion {
    /// Of which.
    pub asset: Asset,
    /// How much.
    pub amount: Money,
}

/// Some of an asset that pays a bill.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BillPayment {
    /// The bill's cycle.
    pub cycle: Cycle,
    /// What pays.
    pub part: Portion,
}
