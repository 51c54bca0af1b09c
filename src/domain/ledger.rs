//! What one shard owns: billing accounts, payment relationships and remembered identities, as plain state.

use super::account::Account;
use super::directory::{Admission, account_slot};
use super::identities::Identities;
use super::ids::{AccountIndex, CloudIndex};
use super::money::{Money, RunningSum};
use super::paid_cloud_account::PaidCloudAccount;

/// One payment relationship: a cloud account and who pays for it (rule A4).
#[derive(Clone, PartialEq, Eq, Debug)]
#[repr(align(64))] // one cache line
pub struct Payment {
    /// The payer.
    pub account: AccountIndex,
    /// Who is paid for.
    pub cloud: CloudIndex,
    /// The sums owed.
    pub paid: PaidCloudAccount,
}

const _: () = assert!(size_of::<Payment>() == 64);

/// The state of one shard.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// Which shard.
    pub shard: usize,
    /// Of how many.
    pub shards: usize,
    /// Its accounts, by [`account_slot`].
    pub accounts: Vec<Account>,
    /// Its payment relationships, by [`super::directory::Payer::slot`].
    pub payments: Vec<Payment>,
    /// The identities of its partitions.
    pub identities: Identities,
}

impl Ledger {
    /// An empty shard.
    pub fn new(shard: usize, shards: usize) -> Self {
        Self { shard, shards, accounts: Vec::new(), payments: Vec::new(), identities: Identities::default() }
    }

    /// Whether an account belongs here.
    #[inline]
    pub fn owns(&self, account: AccountIndex) -> bool {
        account.partition().shard(self.shards) == self.shard
    }

    /// The place of an account that belongs here.
    #[inline]
    pub fn slot(&self, account: AccountIndex) -> usize {
        account_slot(account, self.shards)
    }

    /// An account of any shard; none if there is no such account.
    pub fn find(ledgers: &[Self], account: AccountIndex) -> Option<&Account> {
        let ledger = ledgers.get(account.partition().shard(ledgers.len()))?;
        ledger.accounts.get(ledger.slot(account))
    }

    /// Makes the place that an admission asks for, if it belongs here; its slot.
    pub fn admit(&mut self, admission: &Admission) -> Option<usize> {
        match admission {
            Admission::Account { account, opening } if self.owns(*account) => {
                assert_eq!(self.accounts.len(), self.slot(*account), "invariant: accounts come in order");
                self.accounts.push(Account::open(*account, opening));
                Some(self.accounts.len() - 1)
            }
            Admission::Payment { account, cloud } if self.owns(*account) => {
                self.payments.push(Payment {
                    account: *account,
                    cloud: *cloud,
                    paid: PaidCloudAccount::default(),
                });
                Some(self.payments.len() - 1)
            }
            _ => None,
        }
    }

    /// Sums by account slot: what is unsettled of open cycles by payment relationships, with what was bought on credit and
    /// less what coupons deducted; and how many charges, with those on bills.
    pub fn sums_by_account(&self) -> Vec<(Option<Money>, u64)> {
        let besides = |account: &Account| {
            let bought = account.rare().into_iter().flat_map(|rare| rare.captured.values());
            let bought = bought.fold(RunningSum::default(), |sum, (_, bought)| sum.plus(*bought));
            account.billing().deducted.values().fold(bought, |sum, deducted| sum.minus(*deducted))
        };
        let billed = |account: &Account| account.billing().bills.charges();
        let mut sums: Vec<_> =
            self.accounts.iter().map(|account| (besides(account), billed(account))).collect();
        for payment in &self.payments {
            let slot = self.slot(payment.account);
            let open_from = self.accounts[slot].open_from();
            let (amount, charges) = &mut sums[slot];
            for sum in payment.paid.sums().filter(|sum| sum.cycle >= open_from) {
                *amount = amount.plus(sum.amount);
                *charges += sum.charges;
            }
        }
        sums.into_iter().map(|(amount, charges)| (amount.total(), charges)).collect()
    }
}
