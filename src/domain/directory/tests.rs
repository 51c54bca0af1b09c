use super::*;
use crate::domain::ids::Currency;
use crate::domain::profile::Opening;
use crate::domain::profile::{AccountType, Profile};
use crate::domain::time::UtcOffset;

#[test]
fn slots_count_the_accounts_of_a_shard() {
    for shards in [1, 2, 3, 64] {
        let mut counts = vec![0; shards];
        for number in 0..3 * PARTITIONS + 7 {
            for (shard, count) in counts.iter().enumerate() {
                assert_eq!(slots_below(number, shard, shards), *count, "{number} of {shard}/{shards}");
            }
            let account = AccountIndex(u32::try_from(number).unwrap());
            let shard = account.partition().shard(shards);
            assert_eq!(account_slot(account, shards), counts[shard]);
            counts[shard] += 1;
        }
    }
}

fn directory(accounts: &[&str]) -> Directory {
    let mut directory = Directory::new(2);
    let opening = Opening {
        kind: AccountType::Direct,
        currency: Currency::USD,
        offset: UtcOffset::default(),
        at: Timestamp::MIN,
        profile: Profile::default(),
    };
    let events: Vec<_> = accounts
        .iter()
        .map(|id| DirectoryEvent::AccountOpened { id: (*id).into(), opening: Box::new(opening.clone()) })
        .collect();
    directory.apply(&events, Timestamp::MIN, None);
    let register = DirectoryEvent::CloudAccountRegistered { id: "cloud".into(), payer: AccountIndex(0) };
    directory.apply(&[register], Timestamp::MIN, None);
    directory
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

#[test]
fn a_charge_goes_to_the_payer_at_its_period_start() {
    // rule A4
    let mut directory = directory(&["a", "b"]);
    let change = directory.decide_payer("cloud", "b", at(100)).unwrap();
    directory.apply(&[change], at(50), None);
    let payer = |start| directory.payer(CloudIndex(0), at(start)).account.0;
    assert_eq!((payer(i64::MIN), payer(99), payer(100), payer(i64::MAX)), (0, 0, 1, 1));
    assert_eq!(directory.paid_by(AccountIndex(1), at(100)).collect::<Vec<_>>(), ["cloud"]);
    assert!(directory.pays(AccountIndex(0), at(99)) && !directory.pays(AccountIndex(0), at(100)));
    assert!(directory.spans_shards(CloudIndex(0)));
}

#[test]
fn changes_of_payer_come_in_order_and_to_somebody_else() {
    // rule A4
    let mut directory = directory(&["a", "b", "c"]);
    assert_eq!(directory.decide_payer("cloud", "a", at(1)), Err(Refusal::SameAccount));
    assert_eq!(directory.decide_payer("cloud", "x", at(1)), Err(Refusal::NotFound));
    assert_eq!(directory.decide_payer("x", "a", at(1)), Err(Refusal::NotFound));
    let change = directory.decide_payer("cloud", "b", at(100)).unwrap();
    directory.apply(&[change], at(1), None);
    assert_eq!(directory.decide_payer("cloud", "c", at(100)), Err(Refusal::EffectiveBeforeLastChange));
    directory.note_canceled(AccountIndex(2), true);
    assert_eq!(directory.decide_payer("cloud", "c", at(101)), Err(Refusal::AccountCanceled));
    let back = directory.decide_payer("cloud", "a", at(101)).unwrap();
    // Back to an earlier payer: the same relationship goes on.
    assert_eq!(directory.apply(&[back], at(1), None), []);
    assert_eq!(directory.payer(CloudIndex(0), at(101)), directory.first_payer(CloudIndex(0)));
}

#[test]
fn every_account_has_one_place_whatever_the_number_of_shards() {
    for shards in [1, 2, 3, 5, 7, 64] {
        let mut next = vec![0; shards];
        for number in 0..2_000 {
            let account = AccountIndex(number);
            let shard = account.partition().shard(shards);
            assert_eq!(account_slot(account, shards), next[shard], "{number} of {shards}");
            next[shard] += 1;
        }
    }
}
