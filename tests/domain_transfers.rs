//! Transfers between accounts of an enterprise, and everything else that crosses them (rules A6, D11, F1–F5).
#![allow(missing_docs, clippy::unwrap_used)]

mod enterprise;

use enterprise::{Enterprise, OURS, THEIRS, account, check_order, instant, now, owe, refusal, units};
use exchequer::domain::account::{Account, AccountParts, Counterpart, Status, Surroundings};
use exchequer::domain::account_command::AccountCommand;
use exchequer::domain::account_event::AccountEvent;
use exchequer::domain::charge::Category;
use exchequer::domain::crossing::{Cargo, Party, Received};
use exchequer::domain::ids::{AccountIndex, Currency};
use exchequer::domain::money::Money;
use exchequer::domain::paid_cloud_account::PaidCloudAccount;
use exchequer::domain::profile::{AccountType, ProfileChange};
use exchequer::domain::refusals::Refusal;
use exchequer::domain::transfer_book::Pair;
use exchequer::limits::{GIVERS_MAX, MEMBER_UNITS_MAX, RECEIVED_UNITS_MAX};

/// Members: three with cash of 100 units each.
fn three() -> Enterprise {
    let mut all = Enterprise::new(3);
    for who in 0..3 {
        assert_eq!(all.top_up(who, 100), Ok(true));
    }
    all
}

fn hold(amount: i128) -> AccountCommand {
    AccountCommand::PlaceHold {
        hold: "h".into(),
        amount: units(amount),
        expires_at: instant("2026-06-01T00:00:00Z"),
    }
}

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

/// An account's state, what the other one answered, and an amount: a case of a transfer or a revocation.
#[derive(Clone)]
struct Case {
    mine: AccountParts,
    other: Counterpart,
    amount: i128,
    around: Surroundings,
}

impl Case {
    /// Two members; the first one has 10 units of its own and 10 of the second one, of which 5 are asked for.
    fn usual() -> Self {
        let mut all = three();
        assert_eq!(all.withdraw(0, 90), Ok(true));
        assert_eq!(all.transfer(1, 0, 10), Ok(true));
        all.deliver();
        let other = all.counterpart(1, 0);
        Self { mine: all.accounts[0].to_parts(), other, amount: 5, around: Surroundings::default() }
    }

    fn mine(&self) -> Account {
        Account::from_parts(AccountIndex(0), self.mine.clone()).unwrap()
    }

    fn run(&self, command: &AccountCommand) -> Option<Refusal> {
        refusal(self.mine().decide(command, now(), self.around))
    }

    fn transfer(&self) -> Option<Refusal> {
        self.run(&AccountCommand::TransferCash { to: self.other, amount: units(self.amount) })
    }

    fn revoke(&self) -> Option<Refusal> {
        self.run(&AccountCommand::RevokeTransfer { giver: self.other, amount: units(self.amount) })
    }
}

fn rare(case: &mut Case) -> &mut exchequer::domain::account::Rare {
    case.mine.rare.as_mut().unwrap()
}

fn euro() -> Currency {
    Currency::parse("EUR").unwrap()
}

#[test]
fn refuses_transfers_in_the_order_of_the_refusals() {
    // rules F1, F4, A2, A6, B2, E6
    let check = |broken: [&dyn Fn(&mut Case); 6]| {
        let [canceled, frozen, type_, currency, disabled, overflow] = broken;
        check_order(
            &Case::usual(),
            &[
                (Refusal::AccountCanceled, canceled),
                (Refusal::AccountFrozen, frozen),
                (Refusal::NotSupportedForAccountType, type_),
                (Refusal::CurrencyMismatch, currency),
                (Refusal::AmountMustBePositive, &|case| case.amount = 0),
                (Refusal::AmountOverflow, overflow),
                (Refusal::SameAccount, &|case| case.other.account = AccountIndex(0)),
                (Refusal::DifferentEnterprise, &|case| case.other.enterprise = Some(THEIRS)),
                (Refusal::AssociationNotActive, &|case| case.other.enterprise = None),
                (Refusal::SelfServiceDisabled, disabled),
                (Refusal::AccountOverdue, &|case| case.mine.unsettled_current = units(21)),
                (Refusal::ExceedsTransferable, &|case| case.mine.unsettled_current = units(16)),
                (Refusal::TooManyItems, &|case| case.other.givers = GIVERS_MAX),
            ],
            Case::transfer,
        );
    };
    // The giver breaks them, or the receiver.
    check([
        &|case| case.mine.status = Status::Canceled,
        &|case| case.mine.status = Status::Frozen,
        &|case| case.mine.kind = AccountType::Ecosystem,
        &|case| case.mine.currency = euro(),
        &|case| rare(case).profile.pay_on_behalf = true,
        &|case| (case.mine.cash, case.mine.unsettled_current) = (units(i128::MIN + 1), Money::ZERO),
    ]);
    check([
        &|case| case.other.status = Status::Canceled,
        &|case| case.other.status = Status::Frozen,
        &|case| case.other.kind = AccountType::Ecosystem,
        &|case| case.other.currency = euro(),
        &|case| case.other.may_not_serve_itself = true,
        &|case| case.other.cash = units(RECEIVED_UNITS_MAX),
    ]);
    // Each of the others has further ways.
    let check = |broken: &dyn Fn(&mut Case), expect| {
        let mut case = Case::usual();
        broken(&mut case);
        assert_eq!(case.transfer(), expect);
    };
    check(&|case| case.amount = -1, Some(Refusal::AmountMustBePositive));
    check(&|case| case.amount = i128::MIN, Some(Refusal::AmountMustBePositive));
    check(&|case| case.amount = i128::MAX, Some(Refusal::AmountOverflow));
    check(&|case| case.amount = 11, Some(Refusal::ExceedsTransferable));
    check(&|case| rare(case).enterprise = None, Some(Refusal::AssociationNotActive));
    check(&|case| rare(case).enterprise = Some(THEIRS), Some(Refusal::DifferentEnterprise));
    check(&|case| case.other.givers = GIVERS_MAX - 1, None);
    check(&|case| case.other.cash = units(RECEIVED_UNITS_MAX - 5), None);
    check(&|case| case.mine.cash = units(i128::MIN + 1), Some(Refusal::AmountOverflow));
}

#[test]
fn refuses_revocations_in_the_order_of_the_refusals() {
    // rules F3, F4, A2, A6, B2, E6
    let check = |broken: [&dyn Fn(&mut Case); 5]| {
        let [canceled, frozen, type_, currency, disabled] = broken;
        check_order(
            &Case::usual(),
            &[
                (Refusal::AccountCanceled, canceled),
                (Refusal::AccountFrozen, frozen),
                (Refusal::NotSupportedForAccountType, type_),
                (Refusal::CurrencyMismatch, currency),
                (Refusal::AmountMustBePositive, &|case| case.amount = 0),
                (Refusal::AmountOverflow, &|case| case.other.cash = units(RECEIVED_UNITS_MAX)),
                (Refusal::SameAccount, &|case| case.other.account = AccountIndex(0)),
                (Refusal::DifferentEnterprise, &|case| case.other.enterprise = Some(THEIRS)),
                (Refusal::AssociationNotActive, &|case| case.other.enterprise = None),
                (Refusal::SelfServiceDisabled, disabled),
                (Refusal::NoPriorTransfer, &|case| case.other.account = AccountIndex(2)),
                (Refusal::ExceedsRevocable, &|case| case.mine.unsettled_current = units(16)),
            ],
            Case::revoke,
        );
    };
    check([
        &|case| case.mine.status = Status::Canceled,
        &|case| case.mine.status = Status::Frozen,
        &|case| case.mine.kind = AccountType::Ecosystem,
        &|case| case.mine.currency = euro(),
        &|case| rare(case).profile.pay_on_behalf = true,
    ]);
    check([
        &|case| case.other.status = Status::Canceled,
        &|case| case.other.status = Status::Frozen,
        &|case| case.other.kind = AccountType::Ecosystem,
        &|case| case.other.currency = euro(),
        &|case| case.other.may_not_serve_itself = true,
    ]);
    let mut case = Case::usual();
    case.amount = 11; // more than the pair, though not more than the cash
    assert_eq!(case.revoke(), Some(Refusal::ExceedsRevocable));
    case.amount = 10;
    assert_eq!(case.revoke(), None);
}

#[test]
fn refuses_withdrawals_in_the_order_of_the_refusals() {
    // rules D11, A2, B2, B4
    check_order(
        &Case::usual(),
        &[
            (Refusal::AccountCanceled, &|case| case.mine.status = Status::Canceled),
            (Refusal::AccountFrozen, &|case| case.mine.status = Status::Frozen),
            (Refusal::NotSupportedForAccountType, &|case| case.mine.kind = AccountType::Ecosystem),
            (Refusal::AmountMustBePositive, &|case| case.amount = 0),
            (Refusal::AmountOverflow, &|case| rare(case).withdrawn = units(i128::MAX)),
            (Refusal::ExceedsWithdrawable, &|case| case.mine.unsettled_current = units(6)),
        ],
        |case| case.run(&AccountCommand::WithdrawCash { amount: units(case.amount) }),
    );
}

#[test]
fn refuses_to_join_in_the_order_of_the_refusals() {
    // rule A6
    #[derive(Clone)]
    struct Joining(Case, bool);
    let mut usual = Case::usual();
    rare(&mut usual).enterprise = None;
    check_order(
        &Joining(usual, true),
        &[
            (Refusal::AlreadyExists, &|joining| rare(&mut joining.0).enterprise = Some(OURS)),
            (Refusal::AccountFrozen, &|joining| joining.0.mine.status = Status::Frozen),
            (Refusal::AmountOverflow, &|joining| joining.0.mine.cash = units(MEMBER_UNITS_MAX + 1)),
            (Refusal::DifferentEnterprise, &|joining| rare(&mut joining.0).enterprise = Some(THEIRS)),
            (Refusal::OwnerMismatch, &|joining| joining.1 = false),
            (Refusal::CreditAllocated, &|joining| joining.0.mine.credit_limit = units(1)),
        ],
        |Joining(case, same_owner)| {
            case.run(&AccountCommand::JoinEnterprise { enterprise: OURS, same_owner: *same_owner })
        },
    );
}

#[test]
fn refuses_to_leave_in_the_order_of_the_refusals() {
    // rules A6, F5
    let mut usual = Case::usual();
    rare(&mut usual).transfer_book = exchequer::domain::transfer_book::TransferBook::default();
    check_order(
        &usual,
        &[
            (Refusal::AccountCanceled, &|case| case.mine.status = Status::Canceled),
            (Refusal::DifferentEnterprise, &|case| rare(case).enterprise = Some(THEIRS)),
            (Refusal::AssociationNotActive, &|case| rare(case).enterprise = None),
            (Refusal::MoneyInFlight, &|case| case.around.incoming = true),
            (Refusal::CreditAllocated, &|case| case.mine.credit_limit = units(1)),
            (Refusal::TransferredFundsUnspent, &|case| {
                rare(case).transfer_book.receive(AccountIndex(1), units(1));
            }),
        ],
        |case| case.run(&AccountCommand::LeaveEnterprise { enterprise: OURS }),
    );
}

#[test]
fn refuses_to_cancel_in_the_order_of_the_refusals() {
    // rules A2, F5
    let mut usual = Case::usual();
    usual.mine.cash = Money::ZERO;
    rare(&mut usual).enterprise = None;
    check_order(
        &usual,
        &[
            (Refusal::AccountCanceled, &|case| case.mine.status = Status::Canceled),
            (Refusal::ManagedByEnterprise, &|case| rare(case).enterprise = Some(OURS)),
            (Refusal::MoneyInFlight, &|case| rare(case).outbox.push(Party::CreditControl(OURS), Cargo::Left)),
            (Refusal::CashNotZero, &|case| case.mine.cash = units(1)),
            (Refusal::UnsettledNotZero, &|case| case.mine.unsettled_current = units(1)),
            (Refusal::PaysForCloudAccounts, &|case| case.around.pays = true),
        ],
        |case| case.run(&AccountCommand::Cancel),
    );
}

#[test]
fn a_limit_of_a_member_is_the_enterprises() {
    // rule E5
    check_order(
        &{
            let mut usual = Case::usual();
            rare(&mut usual).enterprise = None;
            usual
        },
        &[
            (Refusal::AccountCanceled, &|case| case.mine.status = Status::Canceled),
            (Refusal::AccountFrozen, &|case| case.mine.status = Status::Frozen),
            (Refusal::NotSupportedForAccountType, &|case| case.mine.kind = AccountType::Ecosystem),
            (Refusal::CreditNotEnabled, &|case| rare(case).profile.credit_enabled = false),
            (Refusal::AmountOverflow, &|case| case.mine.unsettled_current = units(-i128::MAX + 20)),
            (Refusal::ManagedByEnterprise, &|case| rare(case).enterprise = Some(OURS)),
        ],
        |case| case.run(&AccountCommand::GrantCreditLimit { amount: units(case.amount) }),
    );
}

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
