//! Amounts so large that they hardly fit (rules B4, F5).

use exchequer::domain::account::{Account, Surroundings};
use exchequer::domain::account_command::AccountCommand;
use exchequer::domain::account_event::AccountEvent;
use exchequer::domain::charge::Category;
use exchequer::domain::ids::{AccountIndex, Currency};
use exchequer::domain::money::Money;
use exchequer::domain::paid_cloud_account::PaidCloudAccount;
use exchequer::domain::refusals::Refusal;
use exchequer::limits::{MEMBER_UNITS_MAX, RECEIVED_UNITS_MAX};

use crate::enterprise::{Enterprise, account, now, owe, units};
use crate::three;

#[test]
fn what_is_in_flight_fits_whatever_the_receiver_does_meanwhile() {
    // rules F5, B4
    let mut all = three();
    assert_eq!(all.top_up(0, MEMBER_UNITS_MAX - 100), Ok(true));
    let most = RECEIVED_UNITS_MAX - 100;
    for _ in 0..1_000 {
        assert_eq!(all.transfer(0, 1, most), Ok(true));
    }
    // Its own cash, and a refund.
    assert_eq!(all.top_up(1, i128::MAX - 100), Err(Refusal::AmountOverflow));
    assert_eq!(all.top_up(1, MEMBER_UNITS_MAX - 99), Err(Refusal::AmountOverflow));
    let refund = |account: &Account, amount: i128| {
        let (paid, currency) = (PaidCloudAccount::default(), Currency::USD);
        account.decide_charge(&paid, units(amount), currency, now(), None, Category::Usage, &mut None)
    };
    assert_eq!(refund(&all.accounts[1], -MEMBER_UNITS_MAX), Err(Refusal::AmountOverflow));
    assert!(refund(&all.accounts[1], 100 - MEMBER_UNITS_MAX).is_ok());
    assert!(refund(&account(9), -i128::MAX).is_ok()); // who gets nothing needs no room
    let mut richest = all.clone();
    assert_eq!(richest.top_up(1, MEMBER_UNITS_MAX - 100), Ok(true));
    richest.deliver();
    owe(&mut all.accounts[1], 100 - MEMBER_UNITS_MAX);
    all.deliver();
    // What it has by then is no obstacle to what lowers it, and charges are taken.
    assert!(refund(&all.accounts[1], 1).is_ok());
    let lower = AccountCommand::AdjustCash { amount: units(-1), reason: "x".into() };
    assert_eq!(all.command(1, &lower), Ok(true));
}

#[test]
fn going_to_and_fro_for_ever_overflows_nothing() {
    // rule B4: what a pair transferred in all, and what was withdrawn in all
    let mut all = Enterprise::new(2);
    assert_eq!(all.top_up(0, RECEIVED_UNITS_MAX), Ok(true));
    for _ in 0..5_000 {
        assert_eq!(all.transfer(0, 1, RECEIVED_UNITS_MAX), Ok(true));
        all.deliver();
        assert_eq!(all.revoke(0, 1, RECEIVED_UNITS_MAX), Ok(true));
        all.deliver();
    }
    let book = &all.accounts[1].rare().unwrap().transfer_book;
    assert_eq!((book.total(), book.total_recomputed()), (Money::ZERO, Some(Money::ZERO)));
    let mut alone = account(0);
    for round in 0..3 {
        let cash_after = units(i128::MAX);
        let event = AccountEvent::CashToppedUp { amount: cash_after, cash_after, reference: None };
        alone.apply(&event, now());
        let withdraw = AccountCommand::WithdrawCash { amount: cash_after };
        match alone.decide(&withdraw, now(), Surroundings::default()) {
            Ok(event) => alone.apply(&event.unwrap(), now()),
            Err(refused) => assert_eq!((round > 0, refused), (true, Refusal::AmountOverflow)),
        }
    }
}

#[test]
fn a_book_that_is_more_than_the_cash_takes_no_more_than_fits() {
    // rule F5: an operator may correct cash below the transfer book
    let mut all = three();
    assert_eq!(all.withdraw(1, 100), Ok(true));
    all.accounts[1].rare_mut().transfer_book.receive(AccountIndex(2), units(RECEIVED_UNITS_MAX));
    assert_eq!(all.transfer(0, 1, 1), Err(Refusal::AmountOverflow));
}
