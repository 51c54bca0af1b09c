//! Credit that is given back or moved on, and what becomes of it on its way (rules E1, E3, F5, J2).

use exchequer::domain::account::Account;
use exchequer::domain::account_command::AccountCommand;
use exchequer::domain::credit_control::CreditCommand;
use exchequer::domain::crossing::{Cargo, Party, Received};
use exchequer::domain::ids::AccountIndex;
use exchequer::domain::keys::Remembered;
use exchequer::domain::refusals::Refusal;

use crate::check;
use crate::enterprise::{self, Enterprise, OURS, now, units};

#[test]
fn credit_is_given_up_before_it_is_given_on() {
    // rules E1, F5: at every instant Σ limits + in flight = assigned
    let mut all = Enterprise::confirmed(2, 100);
    assert_eq!(all.allocate(0, 100), Ok(true));
    check(&all, &[0, 0], [100, 0, 0]);
    all.deliver();
    assert_eq!(all.move_credit(0, 1, 30), Ok(true));
    check(&all, &[70, 0], [100, 0, 0]);
    let (to, received) = all.in_flight().remove(0);
    assert!(all.receive(to, &received));
    assert_eq!(all.control.members[&AccountIndex(1)].assigned, units(30));
    check(&all, &[70, 0], [100, 0, 0]);
    all.deliver();
    check(&all, &[70, 30], [100, 0, 0]);
}

#[test]
fn a_limit_is_not_lowered_twice_by_two_changes_at_once() {
    // rule E3: both set it to 40, and both saw 100
    let mut all = Enterprise::confirmed(1, 100);
    assert_eq!(all.allocate(0, 100), Ok(true));
    let lower = |limit| AccountCommand::ReturnCredit {
        amount: units(60),
        limit_after: Some(units(limit)),
        min_available_credit_after: None,
        moves_to: None,
    };
    // The raise is still on its way.
    assert_eq!(all.allocate(0, 40), Err(Refusal::MoneyInFlight));
    all.deliver();
    assert_eq!(all.command(0, &lower(40)), Ok(true));
    assert_eq!(all.command(0, &lower(40)), Err(Refusal::MoneyInFlight));
    // Nor while the first one is on its way.
    assert_eq!(all.allocate(0, 40), Err(Refusal::MoneyInFlight));
    all.deliver();
    assert_eq!(all.allocate(0, 40), Ok(false));
    check(&all, &[40], [40, 0, 60]);
    // A raise that was decided as a lowering, as somebody else has raised the limit meanwhile.
    let raise = CreditCommand::AllocateCredit {
        account: all.view(0),
        limit: units(39),
        min_available_credit_after: None,
    };
    assert_eq!(all.control.decide(&raise), Err(Refusal::MoneyInFlight));
}

#[test]
fn credit_on_its_way_to_somebody_who_has_left_stays_with_the_enterprise() {
    // rules E3, F5
    let mut all = Enterprise::confirmed(2, 100);
    assert_eq!(all.allocate(0, 50), Ok(true));
    all.deliver();
    assert_eq!(all.move_credit(0, 1, 20), Ok(true));
    assert_eq!(all.leave(1), Err(Refusal::MoneyInFlight));
    // Should it leave nevertheless, as if nobody had known that something is on its way:
    let leave = AccountCommand::LeaveEnterprise { enterprise: OURS };
    let event = enterprise::account_event(&all.accounts[1], &leave);
    all.accounts[1].apply(&event, now());
    for (to, received) in all.in_flight().into_iter().rev() {
        assert!(all.receive(to, &received));
    }
    all.deliver();
    check(&all, &[30, 0], [30, 0, 70]);
    assert_eq!(all.control.members.len(), 1);
}

#[test]
fn the_credit_control_remembers_the_key_that_comes_with_returned_credit() {
    // rule J2
    let mut all = Enterprise::confirmed(1, 100);
    assert_eq!(all.allocate(0, 50), Ok(true));
    all.deliver();
    let key =
        Remembered { principal: "p".into(), key: "k".into(), digest: 7, answer: Box::from(*b"a"), at: now() };
    let command = AccountCommand::ReturnCredit {
        amount: units(20),
        limit_after: None,
        min_available_credit_after: None,
        moves_to: None,
    };
    let mut event = enterprise::account_event(&all.accounts[0], &command);
    Account::remember_with(&mut event, &key);
    all.accounts[0].apply(&event, now());
    let (_, received) = all.in_flight().remove(0);
    let (event, remembered) = all.control.receive(&received).unwrap();
    assert_eq!(remembered.as_ref(), Some(&key));
    all.control.apply(&event, now(), remembered);
    assert_eq!(all.control.keys.look_up("p", "k", 7), Ok(Some(&b"a"[..])));
    assert_eq!(all.control.receive(&received), None);
    let (from, number) = (Party::Account(AccountIndex(0)), received.number + 1);
    assert!(all.control.receive(&Received { from, number, cargo: Cargo::Left }).is_some());
}
