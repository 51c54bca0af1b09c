//! Limits and the total: how far they go up and down (rules B4, B5, E1, E3, E4).

use exchequer::domain::account_command::AccountCommand;
use exchequer::domain::credit_control::CreditCommand;
use exchequer::domain::ids::AccountIndex;
use exchequer::domain::refusals::Refusal;
use exchequer::limits::{MEMBER_UNITS_MAX, RECEIVED_UNITS_MAX};

use crate::enterprise::{self, Enterprise, control, now, owe, refusal, units};
use crate::{CONTRACT, check};

#[test]
fn an_increase_never_exceeds_the_total() {
    // rules E1, E4
    let mut all = Enterprise::confirmed(3, 100);
    assert_eq!(all.allocate(0, 101), Err(Refusal::ExceedsUnassignedCredit));
    assert_eq!(all.allocate(0, 60), Ok(true));
    assert_eq!(all.allocate(1, 41), Err(Refusal::ExceedsUnassignedCredit)); // in flight counts
    assert_eq!(all.allocate(1, 40), Ok(true));
    all.deliver();
    check(&all, &[60, 40, 0], [100, 0, 0]);
    // A total below what is assigned is accepted, and nobody is cut.
    assert_eq!(all.set_total(50), Ok(true));
    check(&all, &[60, 40, 0], [100, 0, -50]);
    assert!(all.control.total_lowered);
    assert_eq!(all.allocate(2, 1), Err(Refusal::ExceedsUnassignedCredit));
    assert_eq!(all.allocate(0, 61), Err(Refusal::ExceedsUnassignedCredit));
    assert_eq!(all.allocate(0, 60), Ok(false)); // as it is
    assert_eq!(all.move_credit(0, 2, 10), Ok(true)); // no more than before in all
    all.deliver();
    check(&all, &[50, 40, 10], [100, 0, -50]);
    assert_eq!(all.allocate(0, 1), Ok(true));
    all.deliver();
    check(&all, &[1, 40, 10], [51, 0, -1]);
    assert_eq!(all.allocate(2, 11), Err(Refusal::ExceedsUnassignedCredit));
    assert_eq!(all.allocate(0, 0), Ok(true));
    all.deliver();
    assert!(!all.control.total_lowered);
    assert_eq!(all.allocate(2, 11), Err(Refusal::ExceedsUnassignedCredit));
    assert_eq!(all.set_total(51), Ok(true));
    assert_eq!(all.allocate(2, 11), Ok(true));
    all.deliver();
    check(&all, &[0, 40, 11], [51, 0, 0]);
}

#[test]
fn credit_goes_up_and_down_and_on() {
    // rule E3
    let mut all = Enterprise::confirmed(3, 100);
    let mut step = |outcome: fn(&mut Enterprise) -> enterprise::Outcome, expect, limits, sums| {
        assert_eq!(outcome(&mut all), expect);
        all.deliver();
        check(&all, limits, sums);
    };
    let exceeds = Err(Refusal::ExceedsCreditLimit);
    step(|all| all.allocate(0, 50), Ok(true), &[50, 0, 0], [50, 0, 50]);
    step(|all| all.allocate(0, 50), Ok(false), &[50, 0, 0], [50, 0, 50]);
    step(|all| all.allocate(0, 80), Ok(true), &[80, 0, 0], [80, 0, 20]);
    step(|all| all.allocate(0, 30), Ok(true), &[30, 0, 0], [30, 0, 70]);
    step(|all| all.move_credit(0, 1, 10), Ok(true), &[20, 10, 0], [30, 0, 70]);
    step(|all| all.move_credit(0, 1, 21), exceeds, &[20, 10, 0], [30, 0, 70]);
    step(|all| all.move_credit(0, 2, 20), Ok(true), &[0, 10, 20], [30, 0, 70]);
    step(|all| all.move_credit(0, 2, 1), exceeds, &[0, 10, 20], [30, 0, 70]);
    step(|all| all.allocate(1, 0), Ok(true), &[0, 0, 20], [20, 0, 80]);
    step(|all| all.allocate(1, 80), Ok(true), &[0, 80, 20], [100, 0, 0]);
}

#[test]
fn a_decrease_below_usage_makes_overdue_unless_told_otherwise() {
    // rules E3, B5
    let mut all = Enterprise::confirmed(1, 100);
    assert_eq!(all.allocate(0, 100), Ok(true));
    all.deliver();
    owe(&mut all.accounts[0], 60);
    let hold = AccountCommand::PlaceHold {
        hold: "h".into(),
        amount: units(10),
        expires_at: enterprise::instant("2027-01-01T00:00:00Z"),
    };
    assert_eq!(all.command(0, &hold), Ok(true));
    let below = Err(Refusal::BelowMinimumAvailableCredit);
    let check = |limit, least, expect: enterprise::Outcome, available: i128| {
        let mut all = all.clone();
        assert_eq!(all.allocate_above(0, limit, least), expect, "{limit} {least:?}");
        all.deliver();
        assert_eq!(all.accounts[0].available_credit(), units(available));
    };
    check(70, Some(0), Ok(true), 10);
    check(69, Some(0), below, 40); // spendable would be -1
    check(69, Some(-1), Ok(true), 9);
    check(69, None, Ok(true), 9);
    check(0, None, Ok(true), -60); // overdue
    check(0, Some(i128::MIN), Ok(true), -60);
    check(0, Some(i128::MAX), below, 40);
    // An increase is refused as well if it is not enough.
    all.allocate(0, 10).unwrap();
    all.deliver();
    let check = |limit, least, expect: enterprise::Outcome| {
        let mut all = all.clone();
        assert_eq!(all.allocate_above(0, limit, least), expect, "{limit} {least:?}");
    };
    check(70, Some(0), Ok(true));
    check(69, Some(0), below);
    check(10, Some(-60), Ok(false));
    check(10, Some(-59), below);
}

#[test]
fn says_the_least_and_the_greatest_limit() {
    // rule E3
    let mut all = Enterprise::new(2);
    let bounds = |all: &Enterprise, who| {
        let (least, greatest) = all.control.bounds(all.index(who)).unwrap();
        let mut raised = all.clone();
        assert!(raised.allocate(who, greatest.units()).is_ok(), "the greatest is settable");
        let mut over = all.clone();
        assert_eq!(over.allocate(who, greatest.units() + 1), Err(Refusal::ExceedsUnassignedCredit));
        [least.units(), greatest.units()]
    };
    assert_eq!(bounds(&all, 0), [0, 0]);
    assert_eq!(all.set_total(100), Ok(true));
    assert_eq!(bounds(&all, 0), [0, 100]);
    assert_eq!(all.allocate(0, 30), Ok(true));
    assert_eq!([bounds(&all, 0), bounds(&all, 1)], [[0, 100], [0, 70]]);
    assert_eq!(all.set_total(20), Ok(true));
    assert_eq!([bounds(&all, 0), bounds(&all, 1)], [[0, 30], [0, 0]]);
    assert_eq!(all.set_total(100), Ok(true));
    for step in &CONTRACT {
        assert_eq!(all.credit(step), Ok(true));
    }
    all.deliver();
    assert_eq!([bounds(&all, 0), bounds(&all, 1)], [[0, 100], [0, 70]]);
    assert_eq!(all.set_total(20), Ok(true));
    assert_eq!([bounds(&all, 0), bounds(&all, 1)], [[0, 30], [0, 0]]);
    assert_eq!(all.control.bounds(AccountIndex(9)), Err(Refusal::AssociationNotActive));
}

#[test]
fn a_total_is_bounded_and_not_negative() {
    // rules E1, B4
    let check = |public_cloud: i128, hybrid_cloud: i128, expect| {
        let (public_cloud, hybrid_cloud) = (units(public_cloud), units(hybrid_cloud));
        let mut control = control();
        let decided = control.decide(&CreditCommand::SetTotalCredit { public_cloud, hybrid_cloud });
        assert_eq!(refusal(decided.clone()), expect);
        if let Ok(Some(event)) = decided {
            control.apply(&event, now(), None);
            assert_eq!(control.total(), public_cloud.checked_add(hybrid_cloud).unwrap());
        }
    };
    let (positive, overflow) = (Some(Refusal::AmountMustBePositive), Some(Refusal::AmountOverflow));
    check(0, 0, None);
    check(60, 40, None);
    check(-1, 1, positive);
    check(1, -1, positive);
    check(i128::MAX, -1, positive);
    check(i128::MAX, 1, overflow);
    check(i128::MAX, i128::MAX, overflow);
    check(RECEIVED_UNITS_MAX, 0, None);
    check(RECEIVED_UNITS_MAX - 1, 1, None);
    check(RECEIVED_UNITS_MAX, 1, overflow);
}

#[test]
fn all_the_credit_there_can_be_fits_an_account_that_has_all_it_can_have() {
    // rules B4, F5
    let mut all = Enterprise::confirmed(1, RECEIVED_UNITS_MAX);
    assert_eq!(all.top_up(0, MEMBER_UNITS_MAX), Ok(true));
    assert_eq!(
        all.allocate_above(0, RECEIVED_UNITS_MAX, Some(i128::MAX)),
        Err(Refusal::BelowMinimumAvailableCredit)
    );
    assert_eq!(all.allocate(0, RECEIVED_UNITS_MAX), Ok(true));
    all.deliver();
    assert_eq!(all.accounts[0].credit_limit(), units(RECEIVED_UNITS_MAX));
}
