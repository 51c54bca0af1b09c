//! The contract, and the limits that wait for it (rules E1, E2).

use exchequer::domain::credit_control::{Contract, CreditControl, CreditEvent};
use exchequer::domain::ids::AccountIndex;
use exchequer::domain::money::Money;
use exchequer::domain::refusals::Refusal;

use crate::enterprise::{Enterprise, control, now, units};
use crate::{CONTRACT, check};

#[test]
fn limits_wait_for_the_contract_and_count_nothing_until_then() {
    // rule E2
    let mut all = Enterprise::new(3);
    assert_eq!(all.set_total(100), Ok(true));
    assert_eq!(all.allocate(0, 60), Ok(true));
    assert_eq!(all.allocate(1, 30), Ok(true));
    all.deliver();
    check(&all, &[0, 0, 0], [0, 90, 100]);
    assert_eq!(all.accounts[0].available_credit(), Money::ZERO);
    // What is pending can't be given twice; it can be changed.
    assert_eq!(all.allocate(2, 11), Err(Refusal::ExceedsUnassignedCredit));
    assert_eq!(all.allocate(0, 71), Err(Refusal::ExceedsUnassignedCredit));
    assert_eq!(all.allocate(0, 70), Ok(true));
    assert_eq!(all.allocate(0, 70), Ok(false));
    assert_eq!(all.allocate(0, 20), Ok(true));
    assert_eq!(all.allocate(2, 50), Ok(true));
    assert_eq!(all.allocate(1, 0), Ok(true));
    check(&all, &[0, 0, 0], [0, 70, 100]);
    assert_eq!(all.move_credit(0, 1, 1), Err(Refusal::ContractNotConfirmed));
    // One event activates all of them.
    assert_eq!((all.credit(&CONTRACT[0]), all.credit(&CONTRACT[1])), (Ok(true), Ok(true)));
    check(&all, &[0, 0, 0], [0, 70, 100]);
    let CreditEvent::ContractConfirmed { activated, .. } = all.control.decide(&CONTRACT[2]).unwrap().unwrap()
    else {
        panic!("no confirmation");
    };
    assert_eq!(activated, [(AccountIndex(0), units(20)), (AccountIndex(2), units(50))]);
    assert_eq!(all.credit(&CONTRACT[2]), Ok(true));
    check(&all, &[0, 0, 0], [70, 0, 30]);
    all.deliver();
    check(&all, &[20, 0, 50], [70, 0, 30]);
    // Later changes take effect by themselves.
    assert_eq!(all.allocate(1, 30), Ok(true));
    all.deliver();
    check(&all, &[20, 30, 50], [100, 0, 0]);
}

#[test]
fn the_contract_goes_step_by_step() {
    // rule E2
    let states = [Contract::None, Contract::Requested, Contract::Approved, Contract::Confirmed];
    for (place, state) in states.into_iter().enumerate() {
        for (step, command) in CONTRACT.iter().enumerate() {
            let mut control = CreditControl { contract: state, ..control() };
            let decided = control.decide(command);
            if step == place {
                control.apply(&decided.unwrap().unwrap(), now(), None);
                assert_eq!(control.contract, states[place + 1]);
            } else {
                assert_eq!(decided, Err(Refusal::ContractNotConfirmed), "{command:?} of {}", state.name());
            }
        }
    }
}

#[test]
fn a_confirmation_is_an_increase() {
    // rules E1, E2: the total was lowered below what is pending
    let mut all = Enterprise::new(2);
    assert_eq!(all.set_total(100), Ok(true));
    assert_eq!(all.allocate(0, 60), Ok(true));
    assert_eq!(all.allocate(1, 40), Ok(true));
    assert_eq!(all.set_total(99), Ok(true));
    assert_eq!(all.credit(&CONTRACT[2]), Err(Refusal::ContractNotConfirmed));
    assert_eq!((all.credit(&CONTRACT[0]), all.credit(&CONTRACT[1])), (Ok(true), Ok(true)));
    assert_eq!(all.credit(&CONTRACT[2]), Err(Refusal::ExceedsUnassignedCredit));
    let bounds =
        |all: &Enterprise, who| all.control.bounds(all.index(who)).map(|(least, most)| [least, most]);
    assert_eq!(bounds(&all, 0), Ok([0, 60].map(units)));
    assert_eq!(all.allocate(0, 61), Err(Refusal::ExceedsUnassignedCredit));
    assert_eq!(all.allocate(0, 59), Ok(true));
    assert_eq!(all.credit(&CONTRACT[2]), Ok(true));
    all.deliver();
    check(&all, &[59, 40], [99, 0, 0]);
}
