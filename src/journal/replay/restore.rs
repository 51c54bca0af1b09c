//! From the parts of a snapshot to the state that replay goes on from.

use std::collections::BTreeSet;

use crate::domain::account::Account;
use crate::domain::admin_authorization::AdminAuthorization;
use crate::domain::credit_control::CreditControl;
use crate::domain::enterprise::Enterprise;
use crate::domain::identities::Identities;
use crate::domain::ids::{AccountIndex, CloudIndex, EnterpriseIndex};
use crate::domain::ledger::Ledger;
use crate::domain::paid_cloud_account::PaidCloudAccount;
use crate::journal::JournalFault;
use crate::journal::forms::snapshot_account::AccountState;

/// What a snapshot holds of one payment relationship.
pub(super) type SnapshotPayment = (AccountIndex, CloudIndex, PaidCloudAccount);

/// The ledgers that a snapshot holds.
pub(super) struct RestoredLedgers {
    pub(super) ledgers: Vec<Ledger>,
    /// The sums of their payment relationships, whose places are still to be made.
    pub(super) payments: Vec<SnapshotPayment>,
    /// The accounts that it misses.
    pub(super) unopened: BTreeSet<AccountIndex>,
}

pub(super) fn restore_ledgers(
    shards: usize,
    account_count: usize,
    accounts: Vec<AccountState>,
    mut identities: Identities,
) -> Result<RestoredLedgers, JournalFault> {
    let mut ledgers: Vec<_> = (0..shards).map(|shard| Ledger::new(shard, shards)).collect();
    for (shard, ledger) in ledgers.iter_mut().enumerate() {
        ledger.identities = identities.split_off(shard, shards);
        ledger.accounts.reserve(account_count.div_ceil(shards));
    }
    let mut missing = vec![true; account_count];
    for (number, _) in (0..).zip(&missing) {
        let index = AccountIndex(number);
        ledgers[index.partition().shard(shards)].accounts.push(Account::placeholder(index));
    }
    let mut sums = Vec::with_capacity(accounts.len());
    for (index, parts, payments) in accounts {
        let account = Account::from_parts(index, parts).ok_or(JournalFault::Malformed("account sums"))?;
        *missing.get_mut(index.0 as usize).ok_or(JournalFault::Malformed("account number"))? = false;
        let ledger = &mut ledgers[index.partition().shard(shards)];
        let slot = ledger.slot(index);
        ledger.accounts[slot] = account;
        sums.extend(payments.into_iter().map(|(cloud, paid)| (index, cloud, paid)));
    }
    let missing = (0..).zip(missing).filter_map(|(number, missing)| missing.then_some(AccountIndex(number)));
    Ok(RestoredLedgers { ledgers, payments: sums, unopened: missing.collect() })
}

/// The enterprises that a snapshot's directory names, `count` of them, and the authorization outside of enterprises.
///
/// Their parts were taken after the directory's and may know later ones: those are opened again by replay, which has all
/// their records, because they all stand after the low-water mark.
pub(super) fn restore_enterprises(
    count: usize,
    controls: Vec<CreditControl>,
    authorizations: Vec<(EnterpriseIndex, AdminAuthorization)>,
) -> Result<(Vec<Enterprise>, AdminAuthorization), JournalFault> {
    let mut found: Vec<(Option<CreditControl>, Option<AdminAuthorization>)> = Vec::new();
    found.resize_with(count, Default::default);
    for control in controls {
        let Some((place, _)) = found.get_mut(control.enterprise.0 as usize) else { continue };
        if place.replace(control).is_some() {
            return Err(JournalFault::Malformed("credit control that the snapshot holds twice"));
        }
    }
    let mut outside = None;
    for (enterprise, authorization) in authorizations {
        let place = match enterprise {
            EnterpriseIndex::NONE => &mut outside,
            EnterpriseIndex(number) => match found.get_mut(number as usize) {
                Some((_, place)) => place,
                None => continue,
            },
        };
        if place.replace(authorization).is_some() {
            return Err(JournalFault::Malformed("authorization that the snapshot holds twice"));
        }
    }
    let whole = |(number, (control, authorization)): (u32, _)| {
        if let (Some(control), Some(authorization)) = (control, authorization) {
            return Ok(Enterprise { control, authorization });
        }
        let enterprise = EnterpriseIndex(number);
        Err(JournalFault::Contradiction(format!(
            "enterprise {enterprise} is in the snapshot's directory only"
        )))
    };
    let enterprises = (0..).zip(found).map(whole).collect::<Result<_, _>>()?;
    Ok((enterprises, outside.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::credit_control::Charter;
    use crate::domain::ids::Currency;

    fn parts(numbers: &[u32]) -> (Vec<CreditControl>, Vec<(EnterpriseIndex, AdminAuthorization)>) {
        let open = |number: &u32| {
            let charter =
                Charter { owner: "o".into(), management_account: "m".into(), currency: Currency::USD };
            let Enterprise { control, authorization } = Enterprise::open(EnterpriseIndex(*number), charter);
            (control, (EnterpriseIndex(*number), authorization))
        };
        numbers.iter().map(open).unzip()
    }

    #[test]
    fn enterprises_are_those_of_the_directory() {
        let restore = |count, numbers: &[u32]| {
            let (controls, authorizations) = parts(numbers);
            restore_enterprises(count, controls, authorizations).map(|(enterprises, _)| {
                enterprises.iter().map(|one| one.control.enterprise.0).collect::<Vec<_>>()
            })
        };
        assert!(restore(0, &[]).unwrap().is_empty());
        assert_eq!(restore(2, &[1, 0]).unwrap(), [0, 1]);
        // Opened after the directory's part was taken.
        assert_eq!(restore(1, &[0, 1, 2]).unwrap(), [0]);
        assert!(matches!(restore(2, &[0]), Err(JournalFault::Contradiction(_))));
        assert!(matches!(restore(1, &[0, 0]), Err(JournalFault::Malformed(_))));
        let (controls, _) = parts(&[0]);
        assert!(matches!(restore_enterprises(1, controls, vec![]), Err(JournalFault::Contradiction(_))));
    }

    #[test]
    fn the_authorization_outside_of_enterprises_is_always_there() {
        let outside = AdminAuthorization { sequence: 3, ..AdminAuthorization::default() };
        let parts = vec![(EnterpriseIndex::NONE, outside.clone())];
        assert_eq!(restore_enterprises(0, vec![], parts).unwrap(), (vec![], outside));
        assert_eq!(restore_enterprises(0, vec![], vec![]).unwrap(), (vec![], AdminAuthorization::default()));
    }
}
