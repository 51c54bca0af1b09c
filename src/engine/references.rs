//! Ids that are unique in the whole ledger though an account keeps what they name: purchases, remittances and unified
//! settlements (rules D6, D8, D11).
//!
//! An id is reserved before its account decides, so that no two accounts can get it; what has become durable is found again
//! in the accounts when the ledger opens.

use std::collections::HashMap;

use crate::domain::ids::AccountIndex;
use crate::domain::ledger::Ledger;

/// Whose each id is.
#[derive(Default)]
pub(super) struct References {
    orders: HashMap<Box<str>, Reserved>,
    remittances: HashMap<Box<str>, Reserved>,
    settlements: HashMap<Box<str>, Vec<AccountIndex>>,
}

/// An id that an account has, or will have if what is under way succeeds.
struct Reserved {
    account: AccountIndex,
    /// Commands that have given it to the account, or are under way.
    holders: u64,
}

/// What an id names that one account has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Named {
    /// A purchase.
    Order,
    /// A remittance.
    Remittance,
}

impl References {
    /// What the accounts have.
    pub(super) fn of(ledgers: &[Ledger]) -> Self {
        let mut references = Self::default();
        for account in ledgers.iter().flat_map(|ledger| &ledger.accounts) {
            let billing = account.billing();
            for order in billing.orders.keys() {
                references.orders.insert(order.clone(), Reserved { account: account.index, holders: 1 });
            }
            for remittance in billing.remittances.keys() {
                let reserved = Reserved { account: account.index, holders: 1 };
                references.remittances.insert(remittance.clone(), reserved);
            }
            for settlement in billing.settlements.by_id.keys() {
                references.settlements.entry(settlement.clone()).or_default().push(account.index);
            }
        }
        references
    }

    fn named(&mut self, named: Named) -> &mut HashMap<Box<str>, Reserved> {
        match named {
            Named::Order => &mut self.orders,
            Named::Remittance => &mut self.remittances,
        }
    }

    /// Whose it is.
    pub(super) fn owner(&mut self, named: Named, id: &str) -> Option<AccountIndex> {
        self.named(named).get(id).map(|reserved| reserved.account)
    }

    /// Reserves an id for an account; `false` if another one has it.
    pub(super) fn reserve(&mut self, named: Named, id: &str, account: AccountIndex) -> bool {
        let reserved = self.named(named).entry(id.into());
        let reserved = reserved.or_insert(Reserved { account, holders: 0 });
        let mine = reserved.account == account;
        reserved.holders += u64::from(mine);
        mine
    }

    /// Gives back a reservation of which nothing has become: the id is free when all of them are given back.
    pub(super) fn release(&mut self, named: Named, id: &str) {
        if let Some(reserved) = self.named(named).get_mut(id) {
            reserved.holders -= 1;
            if reserved.holders == 0 {
                self.named(named).remove(id);
            }
        }
    }

    /// The accounts of a unified settlement.
    pub(super) fn settlement(&self, id: &str) -> Option<&[AccountIndex]> {
        self.settlements.get(id).map(Vec::as_slice)
    }

    /// Notes the accounts of a unified settlement; none of it remains where there are none.
    pub(super) fn note_settlement(&mut self, id: &str, accounts: Vec<AccountIndex>) {
        if accounts.is_empty() {
            self.settlements.remove(id);
        } else {
            self.settlements.insert(id.into(), accounts);
        }
    }
}
