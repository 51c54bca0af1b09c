//! Accounts that leave, join again, or change while they are members (rules A1, A6, F5).

use exchequer::domain::account_command::AccountCommand;
use exchequer::domain::profile::ProfileChange;
use exchequer::domain::refusals::Refusal;

use crate::enterprise::units;
use crate::three;

#[test]
fn refuses_to_leave_or_cancel_while_money_is_in_flight() {
    // rules F5, A6
    let mut all = three();
    assert_eq!(all.transfer(0, 1, 100), Ok(true));
    for who in [0, 1] {
        assert_eq!(all.leave(who), Err(Refusal::MoneyInFlight), "{who}");
    }
    let mut alone = all.clone();
    for who in [0, 1] {
        alone.accounts[who].rare_mut().enterprise = None; // no member, so that only that rule speaks
        assert_eq!(alone.command(who, &AccountCommand::Cancel), Err(Refusal::MoneyInFlight), "{who}");
    }
    all.deliver();
    assert_eq!(all.leave(1), Err(Refusal::TransferredFundsUnspent));
    assert_eq!(all.leave(0), Ok(true));
    assert_eq!(all.leave(0), Err(Refusal::AssociationNotActive));
    // Nothing crosses between somebody who has left and a member.
    assert_eq!(all.revoke(0, 1, 1), Err(Refusal::AssociationNotActive));
    // Its message of leaving is on its way.
    assert_eq!(all.command(0, &AccountCommand::Cancel), Err(Refusal::MoneyInFlight));
    all.deliver();
    assert_eq!(all.command(0, &AccountCommand::Cancel), Ok(true));
}

#[test]
fn numbers_go_on_when_an_account_joins_again() {
    // rules A6, F5
    let mut all = three();
    assert_eq!(all.transfer(0, 1, 10), Ok(true));
    all.deliver();
    assert_eq!(all.revoke(0, 1, 10), Ok(true));
    all.deliver();
    for who in [0, 1] {
        assert_eq!(all.leave(who), Ok(true));
    }
    assert_eq!(all.accept(0), Err(Refusal::AlreadyExists)); // the credit control has not heard of it yet
    all.deliver();
    assert_eq!(all.accept(0), Err(Refusal::NotInvited));
    for who in [0, 1] {
        assert_eq!(all.invite(who), Ok(true));
        assert_eq!(all.invite(who), Ok(false));
        assert_eq!(all.accept(who), Ok(true));
    }
    all.deliver();
    assert_eq!(all.transfer(0, 1, 7), Ok(true));
    all.deliver();
    assert_eq!(all.accounts[1].transfer_book(), units(7));
    assert_eq!(all.revoke(0, 1, 8), Err(Refusal::ExceedsRevocable));
    assert_eq!(all.revoke(0, 1, 7), Ok(true));
    all.deliver();
    assert_eq!(all.accounts[0].cash(), units(100));
}

#[test]
fn a_member_keeps_its_owner_and_its_credit() {
    // rules A1, A6
    let modify = |change| AccountCommand::Modify { change };
    let name = ProfileChange { name: Some(Some("n".into())), ..ProfileChange::default() };
    let owner = ProfileChange { owner: Some(Some("other".into())), ..ProfileChange::default() };
    let credit = |enabled| ProfileChange { credit_enabled: Some(enabled), ..ProfileChange::default() };
    let mut all = three();
    assert_eq!(all.command(0, &modify(name.clone())), Ok(true));
    assert_eq!(all.command(0, &modify(owner.clone())), Err(Refusal::FieldNotModifiable));
    assert_eq!(all.command(0, &modify(credit(false))), Err(Refusal::FieldNotModifiable));
    // Whose credit was off before may change everything else, and have it on.
    all.accounts[0].rare_mut().profile.credit_enabled = false;
    assert_eq!(all.command(0, &modify(name)), Ok(true));
    assert_eq!(all.command(0, &modify(credit(true))), Ok(true));
    assert_eq!(all.leave(0), Ok(true));
    assert_eq!(all.command(0, &modify(owner)), Ok(true));
}
