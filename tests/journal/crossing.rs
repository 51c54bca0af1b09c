//! What crosses accounts, from domain through log and snapshot back to state: whatever the schedule, wherever the log
//! ends, and however far the parts of a snapshot lie apart (rules F5, J1).

use exchequer::domain::account::Account;
use exchequer::domain::crossing::Party;
use exchequer::domain::identities::IdentityHasher;
use exchequer::domain::invariants::{check_enterprises, check_ledgers};
use exchequer::domain::ledger::Ledger;
use exchequer::domain::money::RunningSum;
use exchequer::journal::JournalFault;
use exchequer::journal::replay::{Replayed, Start, replay};
use exchequer::journal::snapshot::SnapshotState;

use super::crossing_world::World;

fn replayed(blocks: &[Vec<u8>], shards: usize, snapshot: Option<SnapshotState>) -> Replayed {
    let from = snapshot.as_ref().map_or(0, |snapshot| usize::try_from(snapshot.low_water.number()).unwrap());
    let start = Start { hasher: IdentityHasher::new([1; 16]), shards, snapshot };
    replay::<JournalFault>(start, |sink| blocks[from..].iter().try_for_each(|block| sink(block))).unwrap()
}

fn check(replayed: &Replayed) {
    assert_eq!(check_ledgers(&replayed.ledgers), []);
    assert_eq!(check_enterprises(&replayed.ledgers, &replayed.enterprises), []);
    assert!(replayed.cash_misstated.is_empty(), "{:?}", replayed.cash_misstated);
    let accounts = replayed.ledgers.iter().flat_map(|ledger| &ledger.accounts);
    let cash = accounts.fold(RunningSum::default(), |sum, account| sum.plus(account.cash()));
    let flight = replayed.in_flight.iter();
    let all = flight.fold(cash, |sum, (_, sent)| sum.plus(sent.cargo.cash()));
    assert!(replayed.cash_expected.is_none_or(|expected| expected == all));
}

/// Accounts in the order of their numbers, whatever the shards.
fn accounts(ledgers: &[Ledger]) -> Vec<Account> {
    let mut accounts: Vec<_> = ledgers.iter().flat_map(|ledger| ledger.accounts.clone()).collect();
    accounts.sort_by_key(|account| account.index);
    accounts
}

fn same(one: &Replayed, other: &Replayed) {
    assert_eq!(accounts(&one.ledgers), accounts(&other.ledgers));
    assert_eq!(one.enterprises, other.enterprises);
    assert_eq!(one.outside, other.outside);
    assert_eq!(one.directory.to_parts(), other.directory.to_parts());
    let sorted = |replayed: &Replayed| {
        let mut flight = replayed.in_flight.clone();
        flight.sort_by_key(|(from, sent)| (*from, sent.number));
        flight
    };
    assert_eq!(sorted(one), sorted(other));
}

/// The state in memory is that of the log, but for what memory has not seen acknowledged yet.
fn same_as_memory(world: &World, replayed: &Replayed) {
    let received = |to, from, number| number <= world.newest(to, from);
    let mut live = world.accounts.clone();
    for account in live.iter_mut().filter(|account| account.rare().is_some()) {
        let from = Party::Account(account.index);
        account.rare_mut().outbox.retain_unreceived(|to, number| received(to, from, number));
    }
    assert_eq!(accounts(&replayed.ledgers), live);
    let mut live = world.enterprises.clone();
    for control in live.iter_mut().map(|enterprise| &mut enterprise.control) {
        let from = Party::CreditControl(control.enterprise);
        control.outbox.retain_unreceived(|to, number| received(to, from, number));
    }
    assert_eq!(replayed.enterprises, live);
    assert_eq!(replayed.outside, world.outside);
    for account in &world.accounts {
        assert_eq!(replayed.directory.enterprise_of(account.index), account.enterprise());
    }
}

#[test]
fn the_log_gives_back_the_state_wherever_it_ends_and_wherever_snapshots_begin() {
    let mut in_flight = 0;
    for seed in 0..60 {
        println!("seed {seed}");
        let mut world = World::new(seed);
        world.steps(150);
        let mut snapshots = vec![world.snapshot()];
        world.steps(60);
        snapshots.push(world.snapshot());
        world.steps(20);
        let whole = replayed(&world.blocks, 1, None);
        check(&whole);
        same_as_memory(&world, &whole);
        same(&whole, &replayed(&world.blocks, 3, None));
        for (snapshot, shards) in snapshots.into_iter().zip([1, 2]) {
            let resumed = replayed(&world.blocks, shards, Some(snapshot));
            check(&resumed);
            same(&whole, &resumed);
        }
        for _ in 0..20 {
            let end = world.chance.below(world.blocks.len());
            let cut = replayed(&world.blocks[..end], 2, None);
            check(&cut);
            in_flight += cut.in_flight.len();
            // Else a credit control could send the next message to a member before the last one is sent again.
            let of_accounts = cut.in_flight.iter().map(|(from, _)| matches!(from, Party::Account(_)));
            assert!(of_accounts.is_sorted(), "credit controls' messages are sent again first");
        }
    }
    assert!(in_flight > 100, "the schedules leave hardly anything in flight: {in_flight}");
}

#[test]
fn a_missing_record_of_an_enterprise_is_told() {
    let world = World::new(1);
    let start = || Start { hasher: IdentityHasher::new([1; 16]), shards: 1, snapshot: None };
    // Without the record that enabled the Account Center.
    let missing = world.blocks.len() - 2;
    let mut blocks = world.blocks.clone();
    blocks.remove(missing);
    let read = replay::<JournalFault>(start(), |sink| blocks.iter().try_for_each(|block| sink(block)));
    let fault = read.err().unwrap();
    assert_eq!(
        fault.to_string(),
        "credit control of enterprise 1 goes from record 0 to record 2: records between are missing"
    );
}
