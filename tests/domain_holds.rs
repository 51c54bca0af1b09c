//! Holds: reserved amounts and what becomes of them (rules B5, J5).
#![allow(missing_docs, clippy::unwrap_used)]

mod enterprise;

use enterprise::{account, check_order, instant, owe, refusal, units};
use exchequer::domain::account::{Account, AccountParts, Rare, Status, Surroundings};
use exchequer::domain::account_command::AccountCommand;
use exchequer::domain::account_event::AccountEvent;
use exchequer::domain::directory::Admission;
use exchequer::domain::holds::{Hold, HoldState, Holds};
use exchequer::domain::ids::{AccountIndex, Currency};
use exchequer::domain::invariants::check_ledger;
use exchequer::domain::ledger::Ledger;
use exchequer::domain::money::Money;
use exchequer::domain::profile::{AccountType, Opening, Profile};
use exchequer::domain::refusals::Refusal;
use exchequer::domain::time::{Cycle, Timestamp, UtcOffset};
use exchequer::limits::{HOLDS_MAX, IDEMPOTENCY_DAYS};

const DAY: i64 = 24 * 3_600 * 1_000_000;

/// So many days after the beginning.
fn day(days: i64) -> Timestamp {
    Timestamp::from_micros(instant("2026-05-20T00:00:00Z").micros() + days * DAY)
}

fn place(hold: &str, amount: i128, expires_at: Timestamp) -> AccountCommand {
    AccountCommand::PlaceHold { hold: hold.into(), amount: units(amount), expires_at }
}

fn capture(hold: &str, amount: Option<i128>) -> AccountCommand {
    AccountCommand::CaptureHold { hold: hold.into(), amount: amount.map(units) }
}

fn release(hold: &str) -> AccountCommand {
    AccountCommand::ReleaseHold { hold: hold.into() }
}

/// Decides a command at an instant, after what is due by then: what was due and what was done, in words.
fn run(account: &mut Account, command: &AccountCommand, at: Timestamp) -> String {
    let mut words = String::new();
    while let Some((event, due)) = account.due(at) {
        let AccountEvent::HoldExpired { hold } = &event else { panic!("{event:?}") };
        words.extend([hold, " expires, "]);
        assert!(due <= at);
        account.apply(&event, due);
    }
    words += match account.decide(command, at, Surroundings::default()) {
        Err(refusal) => refusal.code(),
        Ok(None) => "as before",
        Ok(Some(event)) => {
            account.apply(&event, at);
            "done"
        }
    };
    assert_eq!(account.available_credit_recomputed(), Some(account.available_credit()));
    let holds = &account.rare().unwrap().holds;
    assert_eq!(holds.held_recomputed(), Some(holds.held()));
    let again = Account::from_parts(account.index, account.to_parts()).unwrap();
    let parts = holds.iter().map(|(id, hold)| (id.into(), *hold));
    assert_eq!((again.rare(), Holds::from_parts(parts).as_ref()), (account.rare(), Some(holds)));
    words
}

/// An account with cash of 100 units.
fn rich() -> Account {
    let mut account = account(0);
    let cash_after = units(100);
    account.apply(&AccountEvent::CashToppedUp { amount: cash_after, cash_after, reference: None }, day(0));
    account
}

/// Runs steps of (command, day, what is said, held, available credit).
fn check(steps: &[(AccountCommand, i64, &str, i128, i128)]) {
    let mut account = rich();
    for (place, (command, at, expect, held, available)) in steps.iter().enumerate() {
        assert_eq!(run(&mut account, command, day(*at)), *expect, "{place} {command:?}");
        let found = (account.held(), account.available_credit());
        assert_eq!(found, (units(*held), units(*available)), "{place} {command:?}");
        assert_eq!(account.spendable(), units(available - held));
    }
}

#[test]
fn a_hold_reserves_what_is_spendable_and_leaves_available_credit() {
    // rule B5
    let far = day(9);
    check(&[
        (place("a", 60, far), 0, "done", 60, 100),
        (place("b", 41, far), 0, "insufficient_spendable", 60, 100),
        (place("b", 40, far), 0, "done", 100, 100),
        (place("c", 1, far), 0, "insufficient_spendable", 100, 100),
        (AccountCommand::WithdrawCash { amount: units(1) }, 0, "exceeds_withdrawable", 100, 100),
        (release("b"), 0, "done", 60, 100),
        (AccountCommand::WithdrawCash { amount: units(40) }, 0, "done", 60, 60),
        (place("c", 1, far), 0, "insufficient_spendable", 60, 60),
    ]);
}

#[test]
fn a_hold_is_captured_in_all_or_in_part_released_or_expires() {
    // rule B5
    check(&[
        (place("a", 30, day(5)), 0, "done", 30, 100),
        (place("b", 20, day(5)), 0, "done", 50, 100),
        (place("c", 10, day(5)), 0, "done", 60, 100),
        (place("d", 5, day(5)), 0, "done", 65, 100),
        (capture("a", None), 1, "done", 35, 70), // all of it
        (capture("b", Some(21)), 1, "insufficient_spendable", 35, 70),
        (capture("b", Some(0)), 1, "amount_must_be_positive", 35, 70),
        (capture("b", Some(-1)), 1, "amount_must_be_positive", 35, 70),
        (capture("b", Some(i128::MAX)), 1, "amount_overflow", 35, 70),
        (capture("b", Some(12)), 1, "done", 15, 58), // the rest is free again
        (release("c"), 1, "done", 5, 58),
        (capture("e", None), 1, "not_found", 5, 58),
        (release("e"), 1, "not_found", 5, 58),
        (capture("d", Some(6)), 5, "d expires, insufficient_spendable", 0, 58),
        (capture("d", None), 5, "hold_not_open", 0, 58),
    ]);
}

#[test]
fn each_step_of_a_hold_is_idempotent() {
    // rule B5
    check(&[
        (place("a", 30, day(5)), 0, "done", 30, 100),
        (place("a", 30, day(5)), 0, "as before", 30, 100),
        (place("a", 31, day(5)), 0, "already_exists", 30, 100),
        (place("a", 30, day(6)), 0, "already_exists", 30, 100),
        (capture("a", Some(10)), 0, "done", 0, 90),
        (capture("a", Some(10)), 0, "as before", 0, 90),
        (capture("a", Some(11)), 0, "hold_not_open", 0, 90),
        (capture("a", None), 0, "hold_not_open", 0, 90), // that would be 30
        (release("a"), 0, "hold_not_open", 0, 90),
        (place("a", 30, day(5)), 0, "as before", 0, 90),
        (place("b", 7, day(5)), 0, "done", 7, 90),
        (capture("b", None), 0, "done", 0, 83),
        (capture("b", Some(7)), 0, "as before", 0, 83),
        (capture("b", None), 0, "as before", 0, 83),
        (place("c", 8, day(5)), 0, "done", 8, 83),
        (release("c"), 0, "done", 0, 83),
        (release("c"), 0, "as before", 0, 83),
        (capture("c", None), 0, "hold_not_open", 0, 83),
        // Long after, when nobody repeats a step any more.
        (place("d", 1, day(99)), IDEMPOTENCY_DAYS, "done", 1, 83),
        (release("c"), IDEMPOTENCY_DAYS, "as before", 1, 83),
        (place("e", 1, day(99)), IDEMPOTENCY_DAYS + 1, "done", 2, 83),
        (release("c"), IDEMPOTENCY_DAYS + 1, "not_found", 2, 83),
        (capture("a", Some(10)), IDEMPOTENCY_DAYS + 1, "not_found", 2, 83),
    ]);
}

#[test]
fn what_is_due_is_decided_first_and_in_its_order() {
    // rule J5
    check(&[
        (place("late", 10, day(4)), 0, "done", 10, 100),
        (place("early", 20, day(2)), 0, "done", 30, 100),
        (place("b", 5, day(3)), 0, "done", 35, 100),
        (place("a", 5, day(3)), 0, "done", 40, 100),
        (place("x", 80, day(9)), 1, "insufficient_spendable", 40, 100),
        (place("x", 80, day(9)), 2, "early expires, done", 100, 100), // its end is at that instant
        (release("late"), 4, "a expires, b expires, late expires, hold_not_open", 80, 100),
    ]);
    let mut account = rich();
    run(&mut account, &place("a", 10, day(2)), day(0));
    let before = Timestamp::from_micros(day(2).micros() - 1);
    assert_eq!(account.due(before), None);
    assert_eq!(account.due(day(7)), Some((AccountEvent::HoldExpired { hold: "a".into() }, day(2))));
    // A closed hold is due no more, nor is anything of an account without holds.
    run(&mut account, &release("a"), day(1));
    assert_eq!(account.due(day(7)), None);
    assert_eq!(enterprise::account(1).due(day(7)), None);
}

#[test]
fn what_expires_is_recorded_at_its_end() {
    // rule J5
    let mut account = rich();
    run(&mut account, &place("a", 10, day(2)), day(0));
    run(&mut account, &place("b", 10, day(9)), day(5));
    assert_eq!(account.at(), day(5));
    let hold = *account.rare().unwrap().holds.hold("a").unwrap();
    let expect =
        Hold { amount: units(10), expires_at: day(2), state: HoldState::Expired, changed_at: day(2) };
    assert_eq!(hold, expect);
}

#[test]
fn a_capture_is_a_purchase_of_its_month() {
    // rules B5, C4
    let mut ledger = Ledger::new(0, 1);
    let (kind, currency) = (AccountType::Direct, Currency::USD);
    let (offset, profile) = (UtcOffset::parse("+08:00").unwrap(), Profile::default());
    let opening = Box::new(Opening { kind, currency, offset, at: day(0), profile });
    ledger.admit(&Admission::Account { account: AccountIndex(0), opening });
    let account = &mut ledger.accounts[0];
    let cash_after = units(100);
    account.apply(&AccountEvent::CashToppedUp { amount: cash_after, cash_after, reference: None }, day(0));
    for (hold, at) in
        [("a", "2026-05-31T15:59:59Z"), ("b", "2026-05-31T16:00:00Z"), ("c", "2026-06-02T00:00:00Z")]
    {
        assert_eq!(run(account, &place(hold, 30, instant("2027-01-01T00:00:00Z")), instant(at)), "done");
        assert_eq!(run(account, &capture(hold, Some(20)), instant(at)), "done");
    }
    assert_eq!((account.unsettled_current(), account.cash()), (units(60), units(100)));
    let captured = &account.rare().unwrap().captured;
    let month = |text| Cycle::parse(text).unwrap();
    let expect = [(month("2026-05"), (1, units(20))), (month("2026-06"), (2, units(40)))];
    assert!(captured.iter().map(|(cycle, sum)| (*cycle, *sum)).eq(expect));
    assert_eq!(check_ledger(&ledger), []); // what is unsettled equals its sums
}

#[test]
fn usage_may_eat_up_what_is_held_and_the_hold_is_captured_still() {
    // rules B5, H3
    let mut account = rich();
    assert_eq!(run(&mut account, &place("a", 60, day(9)), day(0)), "done");
    owe(&mut account, 90);
    assert_eq!(account.spendable(), units(-50));
    assert_eq!(run(&mut account, &place("b", 1, day(9)), day(0)), "insufficient_spendable");
    assert_eq!(run(&mut account, &capture("a", None), day(0)), "done");
    assert_eq!((account.available_credit(), account.spendable()), (units(-50), units(-50)));
}

#[test]
fn ecosystem_accounts_hold_against_their_quota() {
    // rules B2, B5
    let opening = Opening {
        kind: AccountType::Ecosystem,
        currency: Currency::USD,
        offset: UtcOffset::default(),
        at: day(0),
        profile: Profile::default(),
    };
    let mut account = Account::open(AccountIndex(0), &opening);
    account.apply(&AccountEvent::QuotaSet { before: Money::ZERO, after: units(50) }, day(0));
    assert_eq!(run(&mut account, &place("a", 50, day(9)), day(0)), "done");
    assert_eq!(run(&mut account, &place("b", 1, day(9)), day(0)), "insufficient_spendable");
    assert_eq!(run(&mut account, &capture("a", Some(20)), day(0)), "done");
    assert_eq!(account.available_credit(), units(30));
}

/// An account's state and a step of the hold `h`.
#[derive(Clone)]
struct Case {
    parts: AccountParts,
    hold: &'static str,
    amount: i128,
    at: Timestamp,
}

impl Case {
    /// The hold `h` of 10 units was placed, of 100; 5 are asked for.
    fn usual() -> Self {
        let mut account = rich();
        run(&mut account, &place("h", 10, day(9)), day(0));
        Self { parts: account.to_parts(), hold: "h", amount: 5, at: day(1) }
    }

    fn rare(&mut self) -> &mut Rare {
        self.parts.rare.as_mut().unwrap()
    }

    fn set_hold(&mut self, amount: i128, state: HoldState) {
        let hold = Hold { amount: units(amount), expires_at: day(9), state, changed_at: day(0) };
        self.rare().holds = Holds::from_parts([("h".into(), hold)]).unwrap();
    }

    fn run(&self, command: &AccountCommand) -> Option<Refusal> {
        let account = Account::from_parts(AccountIndex(0), self.parts.clone()).unwrap();
        refusal(account.decide(command, self.at, Surroundings::default()))
    }
}

#[test]
fn refuses_to_place_a_hold_in_the_order_of_the_refusals() {
    // rules B5, A2
    let full = |case: &mut Case| {
        let hold =
            Hold { amount: units(1), expires_at: day(9), state: HoldState::Released, changed_at: day(0) };
        let known = case.rare().holds.iter().map(|(id, hold)| (Box::from(id), *hold)).collect::<Vec<_>>();
        let closed = (known.len()..HOLDS_MAX).map(|number| (Box::from(number.to_string()), hold));
        let closed: Vec<_> = closed.collect();
        case.rare().holds = Holds::from_parts(known.into_iter().chain(closed)).unwrap();
    };
    check_order(
        &Case { hold: "new", ..Case::usual() },
        &[
            (Refusal::AlreadyExists, &|case| case.hold = "h"),
            (Refusal::AccountCanceled, &|case| case.parts.status = Status::Canceled),
            (Refusal::AccountFrozen, &|case| case.parts.status = Status::Frozen),
            (Refusal::AmountMustBePositive, &|case| case.amount = 0),
            (Refusal::InsufficientSpendable, &|case| case.parts.unsettled_current = units(86)),
            (Refusal::TimeOutOfRange, &|case| case.at = day(20)),
            (Refusal::TooManyItems, &full),
        ],
        |case| case.run(&place(case.hold, case.amount, day(20))),
    );
}

#[test]
fn refuses_to_capture_a_hold_in_the_order_of_the_refusals() {
    // rules B5, A2, B4
    check_order(
        &Case::usual(),
        &[
            (Refusal::NotFound, &|case| case.hold = "other"),
            (Refusal::AccountCanceled, &|case| case.parts.status = Status::Canceled),
            (Refusal::AccountFrozen, &|case| case.parts.status = Status::Frozen),
            (Refusal::AmountMustBePositive, &|case| case.amount = 0),
            (Refusal::AmountOverflow, &|case| case.parts.unsettled_current = units(i128::MAX)),
            (Refusal::InsufficientSpendable, &|case| {
                let state = case.rare().holds.hold("h").unwrap().state;
                case.set_hold(4, state);
            }),
            (Refusal::HoldNotOpen, &|case| case.set_hold(10, HoldState::Expired)),
            (Refusal::TimeOutOfRange, &|case| case.at = Timestamp::MIN),
        ],
        |case| case.run(&capture(case.hold, Some(case.amount))),
    );
    let mut case = Case::usual();
    case.rare().captured.insert(Cycle::parse("2026-05").unwrap(), (1, units(i128::MAX - 4)));
    assert_eq!(case.run(&capture("h", Some(5))), Some(Refusal::AmountOverflow)); // the month's sum
    assert_eq!(case.run(&capture("h", Some(4))), None);
}

#[test]
fn refuses_to_release_a_hold_in_the_order_of_the_refusals() {
    // rules B5, A2
    check_order(
        &Case::usual(),
        &[
            (Refusal::NotFound, &|case| case.hold = "other"),
            (Refusal::AccountCanceled, &|case| case.parts.status = Status::Canceled),
            (Refusal::HoldNotOpen, &|case| case.set_hold(10, HoldState::Expired)),
        ],
        |case| case.run(&release(case.hold)),
    );
    // A frozen account can release.
    let mut case = Case::usual();
    case.parts.status = Status::Frozen;
    assert_eq!(case.run(&release("h")), None);
}

#[test]
fn an_account_full_of_closed_holds_takes_new_ones_in_time() {
    // rule B5
    let mut account = rich();
    for number in 0..HOLDS_MAX {
        let hold = number.to_string();
        for event in [
            AccountEvent::HoldPlaced { hold: hold.as_str().into(), amount: units(1), expires_at: day(9) },
            AccountEvent::HoldReleased { hold: hold.as_str().into() },
        ] {
            account.apply(&event, day(0));
        }
    }
    assert_eq!(run(&mut account, &place("a", 1, day(99)), day(IDEMPOTENCY_DAYS)), "too_many_items");
    assert_eq!(run(&mut account, &place("a", 1, day(99)), day(IDEMPOTENCY_DAYS + 1)), "done");
    assert_eq!(account.rare().unwrap().holds.iter().len(), 1);
}
