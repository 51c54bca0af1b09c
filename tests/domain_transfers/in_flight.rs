//! What has left one account and not come to the other one yet (rules A2, F5).

use exchequer::domain::account::Account;
use exchequer::domain::account_command::AccountCommand;
use exchequer::domain::crossing::{Party, Received};
use exchequer::domain::ids::AccountIndex;
use exchequer::domain::refusals::Refusal;

use crate::enterprise::{Enterprise, units};
use crate::{hold, three};

#[test]
fn receives_each_message_of_a_sender_once() {
    // rule F5
    let mut all = three();
    for (giver, amount) in [(0, 1), (0, 2), (1, 4)] {
        assert_eq!(all.transfer(giver, 2, amount), Ok(true));
    }
    let messages = all.in_flight();
    assert_eq!(messages.len(), 3);
    // A message that comes again changes nothing, whatever else came meanwhile; each sender has its own numbers.
    for order in [[0, 1, 2], [0, 2, 1], [2, 0, 1]] {
        let mut all = all.clone();
        for (place, index) in order.into_iter().enumerate() {
            assert!(all.receive(messages[index].0, &messages[index].1));
            for again in &order[..=place] {
                assert!(!all.receive(messages[*again].0, &messages[*again].1));
            }
        }
        assert_eq!(all.accounts[2].cash(), units(107));
        assert_eq!(all.accounts[2].transfer_book(), units(7));
        assert_eq!(all.in_flight(), []);
    }
}

#[test]
fn money_is_in_the_giver_in_flight_or_in_the_receiver() {
    // rule F5
    let mut all = three();
    let check = |all: &Enterprise, expect: [i128; 3]| {
        let (giver, receiver) = (&all.accounts[0], &all.accounts[1]);
        assert_eq!([giver.cash(), giver.in_flight(), receiver.cash()], expect.map(units));
    };
    check(&all, [100, 0, 100]);
    assert_eq!(all.transfer(0, 1, 30), Ok(true));
    check(&all, [70, 30, 100]);
    assert_eq!(all.accounts[0].view().in_flight, units(30));
    all.deliver();
    check(&all, [70, 0, 130]);
    assert_eq!(all.revoke(0, 1, 10), Ok(true));
    assert_eq!(all.accounts[1].in_flight(), units(10));
    check(&all, [70, 0, 120]);
    all.deliver();
    check(&all, [80, 0, 120]);
}

#[test]
fn a_frozen_receiver_accepts_what_is_in_flight() {
    // rules F5, A2
    let mut all = three();
    assert_eq!(all.transfer(0, 1, 30), Ok(true));
    assert_eq!(all.command(1, &AccountCommand::Freeze), Ok(true));
    all.deliver();
    assert_eq!(all.accounts[1].transfer_book(), units(30));
    for result in [
        all.transfer(0, 1, 1),
        all.transfer(1, 0, 1),
        all.revoke(0, 1, 1),
        all.withdraw(1, 1),
        all.command(1, &hold(1)),
    ] {
        assert_eq!(result, Err(Refusal::AccountFrozen));
    }
    assert_eq!(all.top_up(1, 1), Ok(true));
    assert_eq!(all.command(1, &AccountCommand::Thaw), Ok(true));
    assert_eq!(all.revoke(0, 1, 30), Ok(true));
    // A frozen giver gets back what is in flight.
    assert_eq!(all.command(0, &AccountCommand::Freeze), Ok(true));
    all.deliver();
    assert_eq!(all.accounts[0].cash(), units(100));
}

#[test]
fn a_snapshot_holds_what_crosses() {
    // rule F5
    let mut all = three();
    assert_eq!(all.transfer(0, 1, 10), Ok(true));
    all.deliver();
    assert_eq!(all.transfer(0, 1, 5), Ok(true));
    assert_eq!(all.revoke(0, 1, 3), Ok(true));
    for account in &mut all.accounts {
        *account = Account::from_parts(account.index, account.to_parts()).unwrap();
    }
    let (to, received) = all.in_flight().remove(0);
    assert_eq!((to, received.from), (Party::Account(AccountIndex(1)), Party::Account(AccountIndex(0))));
    assert!(!all.receive(to, &Received { number: received.number - 1, ..received }));
    all.deliver();
    assert_eq!(all.accounts[0].cash(), units(88));
    assert_eq!(all.accounts[1].cash(), units(112));
}
