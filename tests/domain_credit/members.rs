//! Who is a member: accounts that are invited, join and leave (rule A6).

use exchequer::domain::account_command::AccountCommand;
use exchequer::domain::credit_control::{CreditCommand, CreditControl, CreditEvent, Member};
use exchequer::domain::ids::AccountIndex;
use exchequer::domain::refusals::Refusal;

use crate::enterprise::{self, Enterprise, OURS, now};
use crate::{CONTRACT, check};

#[test]
fn an_account_joins_what_it_was_invited_to() {
    // rule A6
    let mut all = Enterprise::new(1);
    all.accounts.push(enterprise::account(1));
    assert_eq!(all.accept(1), Err(Refusal::NotInvited));
    assert_eq!(all.invite(1), Ok(true));
    assert_eq!(all.invite(1), Ok(false));
    assert_eq!(all.set_total(10), Ok(true));
    assert_eq!(all.allocate(1, 1), Err(Refusal::AssociationNotActive)); // invited only
    let join = |same_owner| AccountCommand::JoinEnterprise { enterprise: OURS, same_owner };
    assert_eq!(all.command(1, &join(false)), Err(Refusal::OwnerMismatch));
    assert_eq!(all.accept(1), Ok(true));
    assert_eq!(all.allocate(1, 1), Err(Refusal::AssociationNotActive)); // its message is on its way
    all.deliver();
    assert_eq!(all.accept(1), Err(Refusal::AlreadyExists));
    assert_eq!(all.allocate(1, 1), Ok(true));
    let mut disabled = CreditControl { account_center: false, ..all.control.clone() };
    assert_eq!(disabled.decide_accept(AccountIndex(1)), Err(Refusal::AccountCenterNotEnabled));
    assert_eq!(disabled.bounds(AccountIndex(1)), Err(Refusal::AccountCenterNotEnabled));
    disabled.apply(&CreditEvent::AccountCenterEnabled, now(), None);
    assert_eq!(disabled.decide(&CreditCommand::EnableAccountCenter), Ok(None));
}

#[test]
fn nobody_leaves_with_credit_or_with_some_to_come() {
    // rule A6
    let mut all = Enterprise::new(2);
    assert_eq!(all.set_total(100), Ok(true));
    assert_eq!(all.allocate(0, 10), Ok(true));
    // The confirmation would send it credit that it could not return.
    assert_eq!(all.leave(0), Err(Refusal::CreditAllocated));
    for step in &CONTRACT {
        assert_eq!(all.credit(step), Ok(true));
    }
    assert_eq!(all.leave(0), Err(Refusal::MoneyInFlight));
    all.deliver();
    assert_eq!(all.leave(0), Err(Refusal::CreditAllocated));
    assert_eq!(all.allocate(0, 0), Ok(true));
    assert_eq!(all.leave(0), Err(Refusal::MoneyInFlight));
    all.deliver();
    assert_eq!(all.leave(0), Ok(true));
    all.deliver();
    check(&all, &[0, 0], [0, 0, 100]);
    assert_eq!(all.leave(0), Err(Refusal::AssociationNotActive));
    // It comes back with nothing.
    assert_eq!((all.invite(0), all.accept(0)), (Ok(true), Ok(true)));
    all.deliver();
    let member = Member { active: true, ..Member::default() };
    assert_eq!(all.control.members[&AccountIndex(0)], member);
}
