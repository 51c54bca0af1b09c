//! How much can be transferred, withdrawn and taken back (rules D11, F1–F3).

use exchequer::domain::ids::AccountIndex;
use exchequer::domain::money::Money;
use exchequer::domain::refusals::Refusal;
use exchequer::domain::transfer_book::Pair;

use crate::enterprise::{Enterprise, owe, units};
use crate::{hold, three};

#[test]
fn transferable_is_own_cash_within_what_is_spendable() {
    // rule F1: max(0, min(cash − transfer book, spendable))
    let check = |cash: i128, book: i128, limit: i128, owed: i128, held: i128, expect: i128| {
        let mut all = Enterprise::confirmed(2, 1_000);
        assert_eq!(all.top_up(1, 1_000), Ok(true));
        assert!(cash == 0 || all.top_up(0, cash) == Ok(true));
        assert!(book == 0 || all.transfer(1, 0, book) == Ok(true));
        assert!(limit == 0 || all.allocate(0, limit) == Ok(true));
        all.deliver();
        assert!(held == 0 || all.command(0, &hold(held)) == Ok(true));
        owe(&mut all.accounts[0], owed);
        assert_eq!(all.accounts[0].transferable(), units(expect), "{cash} {book} {limit} {owed} {held}");
        // The operation checks what the query says.
        let overdue = cash + book + limit < owed;
        let over = if overdue { Refusal::AccountOverdue } else { Refusal::ExceedsTransferable };
        assert_eq!(all.clone().transfer(0, 1, expect + 1), Err(over));
        assert!(expect == 0 || all.transfer(0, 1, expect) == Ok(true));
    };
    check(100, 0, 0, 0, 0, 100);
    check(100, 0, 0, 30, 0, 70);
    check(100, 0, 0, 0, 30, 70); // rule B5: a hold is not spendable
    check(100, 0, 0, 30, 30, 40);
    check(100, 0, 50, 30, 0, 100); // credit covers what is owed
    check(100, 0, 50, 0, 0, 100); // and is never transferred itself
    check(100, 40, 0, 0, 0, 100); // rule F2: nor is what was transferred in
    check(0, 40, 0, 0, 0, 0);
    check(0, 40, 50, 0, 0, 0);
    check(100, 40, 0, 50, 0, 90);
    check(100, 0, 0, 100, 0, 0);
    check(100, 0, 0, 101, 0, 0); // overdue
    check(0, 0, 50, 0, 0, 0);
}

#[test]
fn transferred_funds_can_only_be_consumed() {
    // rules F2, D11
    let mut all = three();
    assert_eq!(all.transfer(0, 1, 100), Ok(true));
    all.deliver();
    let receiver = &all.accounts[1];
    assert_eq!((receiver.cash(), receiver.transfer_book()), (units(200), units(100)));
    assert_eq!((receiver.transferable(), receiver.withdrawable()), (units(100), units(100)));
    assert_eq!(all.transfer(1, 2, 101), Err(Refusal::ExceedsTransferable));
    assert_eq!(all.withdraw(1, 101), Err(Refusal::ExceedsWithdrawable));
    // Back to the giver they are a revocation, not a transfer.
    assert_eq!(all.transfer(1, 0, 101), Err(Refusal::ExceedsTransferable));
    assert_eq!(all.transfer(1, 2, 100), Ok(true));
    all.deliver();
    for amount in [1, 50, 100] {
        assert_eq!(all.transfer(1, 2, amount), Err(Refusal::ExceedsTransferable));
        assert_eq!(all.withdraw(1, amount), Err(Refusal::ExceedsWithdrawable));
    }
}

#[test]
fn withdraws_at_most_own_cash_less_what_is_owed() {
    // rule D11
    let check = |limit: i128, owed: i128, held: i128, expect: i128| {
        let mut all = Enterprise::confirmed(1, 1_000);
        assert_eq!(all.top_up(0, 100), Ok(true));
        assert!(limit == 0 || all.allocate(0, limit) == Ok(true));
        all.deliver();
        assert!(held == 0 || all.command(0, &hold(held)) == Ok(true));
        owe(&mut all.accounts[0], owed);
        assert_eq!(all.accounts[0].withdrawable(), units(expect), "{limit} {owed} {held}");
        assert_eq!(all.withdraw(0, expect + 1), Err(Refusal::ExceedsWithdrawable));
        assert!(expect == 0 || all.withdraw(0, expect) == Ok(true));
        assert_eq!(all.accounts[0].cash(), units(100 - expect));
    };
    check(0, 0, 0, 100);
    check(0, 30, 0, 70);
    check(50, 30, 0, 70); // credit is no reason to pay out what is owed
    check(0, 0, 30, 70);
    check(50, 0, 30, 100);
    check(50, 0, 70, 80);
    check(0, -30, 0, 100);
    check(0, 101, 0, 0);
}

#[test]
fn revocable_is_limited_by_the_book_the_pair_and_what_is_spendable() {
    // rule F3: max(0, min(transfer book, remaining of the pair, spendable)), kept per giver
    let check = |transferred: [i128; 2], owed: i128, held: i128, expect: [i128; 2]| {
        let mut all = three();
        assert_eq!(all.withdraw(2, 100), Ok(true));
        for giver in [0, 1] {
            assert!(transferred[giver] == 0 || all.transfer(giver, 2, transferred[giver]) == Ok(true));
        }
        all.deliver();
        assert!(held == 0 || all.command(2, &hold(held)) == Ok(true));
        owe(&mut all.accounts[2], owed);
        for giver in [0, 1] {
            let found = all.accounts[2].revocable(all.index(giver));
            assert_eq!(found, units(expect[giver]), "{transferred:?} {owed} {held}");
            let code =
                if transferred[giver] == 0 { Refusal::NoPriorTransfer } else { Refusal::ExceedsRevocable };
            assert_eq!(all.clone().revoke(giver, 2, expect[giver] + 1), Err(code));
            let mut all = all.clone();
            assert!(expect[giver] == 0 || all.revoke(giver, 2, expect[giver]) == Ok(true));
            all.deliver();
            assert_eq!(all.accounts[giver].cash(), units(100 - transferred[giver] + expect[giver]));
            assert!(
                all.accounts[2].available_credit() >= Money::ZERO.min(units(-owed)),
                "never overdue by it"
            );
        }
    };
    check([40, 0], 0, 0, [40, 0]);
    check([40, 60], 0, 0, [40, 60]);
    check([40, 60], 70, 0, [30, 30]);
    check([40, 60], 0, 70, [30, 30]);
    check([40, 60], 50, 20, [30, 30]);
    check([40, 60], 100, 0, [0, 0]);
    check([40, 60], 101, 0, [0, 0]);
}

#[test]
fn a_pair_remembers_what_was_transferred_and_taken_back() {
    // rule F3
    let mut all = three();
    for amount in [30, 20] {
        assert_eq!(all.transfer(0, 2, amount), Ok(true));
    }
    assert_eq!(all.transfer(1, 2, 10), Ok(true));
    all.deliver();
    assert_eq!(all.revoke(0, 2, 45), Ok(true));
    all.deliver();
    assert_eq!(all.revoke(0, 2, 6), Err(Refusal::ExceedsRevocable));
    assert_eq!(all.revoke(2, 0, 1), Err(Refusal::NoPriorTransfer)); // the other way round
    let book = &all.accounts[2].rare().unwrap().transfer_book;
    let pair = |transferred, revoked| Pair { transferred: units(transferred), revoked: units(revoked) };
    assert_eq!(
        book.pairs().collect::<Vec<_>>(),
        [(AccountIndex(0), pair(50, 45)), (AccountIndex(1), pair(10, 0))]
    );
    assert_eq!((book.total(), book.total_recomputed()), (units(15), Some(units(15))));
    // What came back is the giver's own again.
    assert_eq!(all.accounts[0].transferable(), units(95));
    assert_eq!(all.accounts[0].transfer_book(), Money::ZERO);
}
