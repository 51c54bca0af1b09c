//! The books: every change of money as postings that balance, from the provider's point of view (rule J3).
//!
//! | ledger account | its balance is |
//! |---|---|
//! | `assets:bank` | money received from customers and partners, less what was paid out |
//! | `assets:receivable:ACCOUNT:current` | unsettled of open cycles; of an ecosystem account, what is unbilled |
//! | `assets:receivable:ACCOUNT:previous` | outstanding of issued bills |
//! | `assets:receivable:ACCOUNT:quota` | quota consumed |
//! | `liabilities:cash:ACCOUNT:own` | own cash, below 0 as every debt of the provider |
//! | `liabilities:cash:ACCOUNT:transfer_book` | transferred funds |
//! | `liabilities:credit_refund:ACCOUNT` | credit refund |
//! | `liabilities:in_transit` | cash that has left a giver and not reached its receiver |
//! | `liabilities:remittances` | remittances that nobody has claimed |
//! | `liabilities:tax` | tax on bills |
//! | `income:charges:CATEGORY` | charges, by category |
//! | `income:purchases` | purchases and captured holds, less refunds |
//! | `expenses:coupons` | what coupons have paid |
//! | `expenses:coupons:forfeited` | what of that was given back to coupons that had expired; below 0 |
//! | `expenses:round_down_discount` | what was dropped from bills by rounding |
//! | `equity:adjustments` | corrections of cash |
//!
//! Each figure of an account is the balance of one ledger account, but for cash, which is the sum of two. What is no money
//! has no postings: credit limits, quotas, holds, and coupons before they pay.

use std::fmt;

use super::account_event::AccountEvent;
use super::billing::asset::{Asset, BillPayment, Portion};
use super::billing::bill::Bill;
use super::charge::Category;
use super::money::Money;
use super::profile::AccountType;

/// Where a posting goes. Those of a billing account are of the one that the record belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs)] // the table above says what each is
pub enum LedgerAccount {
    Bank,
    Current,
    Previous,
    QuotaConsumed,
    OwnCash,
    TransferBook,
    CreditRefund,
    InTransit,
    Remittances,
    Tax,
    Charges(Category),
    Purchases,
    Coupons,
    CouponsForfeited,
    RoundDownDiscount,
    Adjustments,
}

impl LedgerAccount {
    /// Those that every billing account has of its own.
    pub const OF_ACCOUNT: [Self; 6] = [
        Self::Current,
        Self::Previous,
        Self::QuotaConsumed,
        Self::OwnCash,
        Self::TransferBook,
        Self::CreditRefund,
    ];

    /// Those that all billing accounts share.
    pub const SHARED: [Self; 14] = [
        Self::Bank,
        Self::InTransit,
        Self::Remittances,
        Self::Tax,
        Self::Charges(Category::Usage),
        Self::Charges(Category::Purchase),
        Self::Charges(Category::Tax),
        Self::Charges(Category::Credit),
        Self::Charges(Category::Adjustment),
        Self::Purchases,
        Self::Coupons,
        Self::CouponsForfeited,
        Self::RoundDownDiscount,
        Self::Adjustments,
    ];

    /// The full name, `owner` being the billing account's.
    pub const fn named(self, owner: &str) -> Named<'_> {
        Named { account: self, owner }
    }
}

/// A ledger account with the name of the billing account that it may belong to.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    account: LedgerAccount,
    owner: &'a str,
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = self.owner;
        match self.account {
            LedgerAccount::Bank => formatter.write_str("assets:bank"),
            LedgerAccount::Current => write!(formatter, "assets:receivable:{owner}:current"),
            LedgerAccount::Previous => write!(formatter, "assets:receivable:{owner}:previous"),
            LedgerAccount::QuotaConsumed => write!(formatter, "assets:receivable:{owner}:quota"),
            LedgerAccount::OwnCash => write!(formatter, "liabilities:cash:{owner}:own"),
            LedgerAccount::TransferBook => write!(formatter, "liabilities:cash:{owner}:transfer_book"),
            LedgerAccount::CreditRefund => write!(formatter, "liabilities:credit_refund:{owner}"),
            LedgerAccount::InTransit => formatter.write_str("liabilities:in_transit"),
            LedgerAccount::Remittances => formatter.write_str("liabilities:remittances"),
            LedgerAccount::Tax => formatter.write_str("liabilities:tax"),
            LedgerAccount::Charges(category) => write!(formatter, "income:charges:{}", category.name()),
            LedgerAccount::Purchases => formatter.write_str("income:purchases"),
            LedgerAccount::Coupons => formatter.write_str("expenses:coupons"),
            LedgerAccount::CouponsForfeited => formatter.write_str("expenses:coupons:forfeited"),
            LedgerAccount::RoundDownDiscount => formatter.write_str("expenses:round_down_discount"),
            LedgerAccount::Adjustments => formatter.write_str("equity:adjustments"),
        }
    }
}

/// Postings that sum to 0, each ledger account once unless its sum would not fit.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Postings(Vec<(LedgerAccount, Money)>);

impl Postings {
    /// What one record of an account posts; of some records nothing.
    pub fn of_event(event: &AccountEvent, kind: AccountType) -> Self {
        use LedgerAccount as To;
        let mut postings = Self::default();
        match event {
            AccountEvent::CashToppedUp { amount, .. } => postings.post(To::Bank, To::OwnCash, *amount),
            AccountEvent::CashAdjusted { amount, .. } => postings.post(To::Adjustments, To::OwnCash, *amount),
            AccountEvent::CashWithdrawn { amount, .. } => postings.post(To::OwnCash, To::Bank, *amount),
            AccountEvent::RemittanceClaimed { amount, .. } => {
                postings.post(To::Remittances, To::OwnCash, *amount);
            }
            // The two halves of a transfer meet in transit (rule F5).
            AccountEvent::CashTransferred { amount, .. } => {
                postings.post(To::OwnCash, To::InTransit, *amount);
            }
            AccountEvent::TransferReceived { amount, .. } => {
                postings.post(To::InTransit, To::TransferBook, *amount);
            }
            AccountEvent::TransferRevoked { amount, .. } => {
                postings.post(To::TransferBook, To::InTransit, *amount);
            }
            AccountEvent::RevocationReceived { amount, .. } => {
                postings.post(To::InTransit, To::OwnCash, *amount);
            }
            AccountEvent::QuotaRepaid { amount, .. } => postings.post(To::Bank, To::QuotaConsumed, *amount),
            AccountEvent::HoldCaptured { amount, .. } => postings.post(To::Current, To::Purchases, *amount),
            AccountEvent::BillIssued { bill } => postings.bill(bill),
            AccountEvent::BillsWrittenOff { payments }
            | AccountEvent::UnifiedSettlementEnded { payments, .. } => {
                for BillPayment { part, .. } in payments {
                    postings.post(source(part.asset), To::Previous, part.amount);
                }
            }
            AccountEvent::Purchased { funding, .. } => {
                for part in funding {
                    postings.post(source(part.asset), To::Purchases, part.amount);
                }
            }
            AccountEvent::PurchaseRefunded { returned, forfeited, .. } => {
                for part in returned {
                    let to = match (part.asset, kind) {
                        (Asset::Credit, AccountType::Direct) => To::CreditRefund,
                        (asset, _) => source(asset),
                    };
                    postings.post(To::Purchases, to, part.amount);
                }
                postings.post(To::Purchases, To::CouponsForfeited, *forfeited);
            }
            _ => {}
        }
        postings
    }

    /// Adds a charge.
    pub fn charge(&mut self, category: Category, amount: Money) {
        self.post(LedgerAccount::Current, LedgerAccount::Charges(category), amount);
    }

    /// Adds what a coupon has deducted from a charge (rule C5).
    pub fn deduction(&mut self, part: Portion) {
        self.post(source(part.asset), LedgerAccount::Current, part.amount);
    }

    /// A remittance to the shared bank account (rule D11).
    pub fn of_remittance(amount: Money) -> Self {
        let mut postings = Self::default();
        postings.post(LedgerAccount::Bank, LedgerAccount::Remittances, amount);
        postings
    }

    /// Whether nothing is posted.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each posting: above 0 a debit, below 0 a credit.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (LedgerAccount, Money)> {
        self.0.iter().copied()
    }

    /// The bill takes the place of the open cycle's sums (rules D1, D2); then come what has paid it at once, or what it
    /// has become where it is below 0.
    fn bill(&mut self, bill: &Bill) {
        self.post(LedgerAccount::Previous, LedgerAccount::Current, bill.gross);
        self.post(LedgerAccount::Current, LedgerAccount::Previous, bill.coupons);
        self.post(LedgerAccount::RoundDownDiscount, LedgerAccount::Previous, bill.round_down_discount);
        self.post(LedgerAccount::Previous, LedgerAccount::Tax, bill.tax);
        for part in &bill.payments {
            self.post(source(part.asset), LedgerAccount::Previous, part.amount);
        }
    }

    fn post(&mut self, debit: LedgerAccount, credit: LedgerAccount, amount: Money) {
        self.add(debit, amount);
        if let Some(negative) = Money::ZERO.checked_sub(amount) {
            self.add(credit, negative);
        } else {
            // The least sum has no opposite in one piece.
            self.add(credit, Money::from_units(i128::MAX));
            self.add(credit, Money::from_units(1));
        }
    }

    fn add(&mut self, account: LedgerAccount, amount: Money) {
        if amount == Money::ZERO {
            return;
        }
        let mut of_account = self.0.iter_mut().filter(|(one, _)| *one == account);
        let summed = of_account.find_map(|(_, sum)| Some((sum.checked_add(amount)?, sum)));
        match summed {
            Some((total, sum)) => *sum = total,
            None => self.0.push((account, amount)),
        }
    }
}

/// The ledger account that falls when the asset pays.
const fn source(asset: Asset) -> LedgerAccount {
    match asset {
        Asset::Coupon(_) => LedgerAccount::Coupons,
        Asset::CreditRefund(_) => LedgerAccount::CreditRefund,
        Asset::TransferBook => LedgerAccount::TransferBook,
        Asset::Cash => LedgerAccount::OwnCash,
        Asset::Quota => LedgerAccount::QuotaConsumed,
        Asset::Credit => LedgerAccount::Current,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::billing::rate::Rate;
    use crate::domain::money::RunningSum;
    use crate::domain::time::{Cycle, Timestamp};

    fn money(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    fn check(postings: &Postings, expect: &[(LedgerAccount, &str)]) {
        let sum = postings.iter().fold(RunningSum::default(), |sum, (_, amount)| sum.plus(amount));
        assert_eq!(sum, RunningSum::default(), "{postings:?}");
        let expect: Vec<_> = expect.iter().map(|(account, amount)| (*account, money(amount))).collect();
        let shown: Vec<_> = postings.iter().filter(|(_, amount)| *amount != Money::ZERO).collect();
        assert_eq!(shown, expect);
    }

    fn bill(payments: Vec<Portion>) -> AccountEvent {
        let (issued_at, due_at) = (Timestamp::default(), Timestamp::default());
        let bill = Bill {
            cycle: Cycle::default(),
            issued_at,
            due_at,
            charges: 3,
            gross: money("100.019"),
            coupons: money("10"),
            round_down_discount: money("0.009"),
            taxable: money("90.019"),
            tax_rate: Rate::parse("0.1").unwrap(),
            tax: money("9"),
            converted: None,
            payments,
            settled_at: None,
        };
        AccountEvent::BillIssued { bill: Box::new(bill) }
    }

    #[test]
    fn an_issued_bill_moves_what_is_unsettled() {
        // rule D2
        let issued = Postings::of_event(&bill(Vec::new()), AccountType::Direct);
        check(
            &issued,
            &[
                (LedgerAccount::Previous, "99.01"),
                (LedgerAccount::Current, "-90.019"),
                (LedgerAccount::RoundDownDiscount, "0.009"),
                (LedgerAccount::Tax, "-9"),
            ],
        );
        let paid = vec![Portion { asset: Asset::Quota, amount: money("99.01") }];
        let billed = Postings::of_event(&bill(paid), AccountType::Ecosystem);
        check(
            &billed,
            &[
                (LedgerAccount::Current, "-90.019"),
                (LedgerAccount::RoundDownDiscount, "0.009"),
                (LedgerAccount::Tax, "-9"),
                (LedgerAccount::QuotaConsumed, "99.01"),
            ],
        );
    }

    #[test]
    fn a_refund_goes_where_the_funding_came_from() {
        // rule D6
        let part = |asset, amount| Portion { asset, amount: money(amount) };
        let refund = AccountEvent::PurchaseRefunded {
            order: "o".into(),
            refund: "r".into(),
            amount: money("15"),
            returned: [part(Asset::Credit, "5"), part(Asset::Cash, "4"), part(Asset::Coupon(1), "3")].into(),
            forfeited: money("3"),
            month: Cycle::default(),
        };
        let rest = [
            (LedgerAccount::OwnCash, "-4"),
            (LedgerAccount::Coupons, "-3"),
            (LedgerAccount::CouponsForfeited, "-3"),
        ];
        for (kind, credit) in [
            (AccountType::Direct, LedgerAccount::CreditRefund),
            (AccountType::Ecosystem, LedgerAccount::Current),
        ] {
            let first = [(LedgerAccount::Purchases, "15"), (credit, "-5")];
            check(&Postings::of_event(&refund, kind), &[&first[..], &rest].concat());
        }
    }

    #[test]
    fn sums_that_do_not_fit_stay_apart() {
        let mut postings = Postings::default();
        for units in [i128::MIN, i128::MAX, i128::MAX] {
            postings.charge(Category::Usage, Money::from_units(units));
        }
        let sum = postings.iter().fold(RunningSum::default(), |sum, (_, amount)| sum.plus(amount));
        assert_eq!(sum, RunningSum::default());
        let on_current = postings.iter().filter(|(account, _)| *account == LedgerAccount::Current);
        let owed = on_current.fold(RunningSum::default(), |sum, (_, amount)| sum.plus(amount));
        assert_eq!(owed.total(), Some(Money::from_units(i128::MAX - 1)));
    }
}
