//! What one account decides, case by case (rules A2, B1, B2, B4, C4, D9).
#![allow(missing_docs, clippy::unwrap_used)]

use exchequer::domain::account::{Account, Status, Surroundings};
use exchequer::domain::account_command::AccountCommand;
use exchequer::domain::account_event::AccountEvent;
use exchequer::domain::charge::Category;
use exchequer::domain::directory::Admission;
use exchequer::domain::ids::{AccountIndex, CloudIndex, Currency};
use exchequer::domain::invariants::check_ledger;
use exchequer::domain::ledger::Ledger;
use exchequer::domain::money::Money;
use exchequer::domain::paid_cloud_account::PaidCloudAccount;
use exchequer::domain::profile::AccountType::{self, Direct, Ecosystem};
use exchequer::domain::profile::{Opening, Profile, ProfileChange};
use exchequer::domain::refusals::Refusal;
use exchequer::domain::time::{Cycle, CycleSpan, Timestamp, UtcOffset};

const MAX: i128 = i128::MAX;
const MIN: i128 = i128::MIN;

/// When canceled accounts were canceled.
const CANCELED_AT: &str = "2026-05-10T00:00:00Z";

fn units(units: i128) -> Money {
    Money::from_units(units)
}

fn instant(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn opening(kind: AccountType, offset: &str) -> Opening {
    let (currency, at, profile) = (Currency::USD, instant("2026-01-01T00:00:00Z"), Profile::default());
    Opening { kind, currency, offset: UtcOffset::parse(offset).unwrap(), at, profile }
}

/// An account with nothing in it.
fn empty(kind: AccountType, status: Status) -> Account {
    let mut account = Account::open(AccountIndex(0), &opening(kind, "Z"));
    account.apply(&AccountEvent::StatusChanged { status }, instant(CANCELED_AT));
    account
}

/// An account with cash of 10 units and a limit of 20, or a quota of 30 of which 4 are consumed.
fn account(kind: AccountType, status: Status) -> Account {
    let mut account = empty(kind, status);
    let (zero, at) = (Money::ZERO, account.at());
    let events = match kind {
        Direct => [
            AccountEvent::CashToppedUp { amount: units(10), cash_after: units(10), reference: None },
            AccountEvent::CreditLimitGranted { before: zero, after: units(20) },
        ],
        Ecosystem => [
            AccountEvent::QuotaSet { before: zero, after: units(30) },
            AccountEvent::QuotaRepaid { amount: zero, consumed_after: units(4) },
        ],
    };
    for event in &events {
        account.apply(event, at);
    }
    account
}

fn top_up(amount: i128) -> AccountCommand {
    AccountCommand::TopUp { amount: units(amount), reference: Some("r".into()) }
}

fn adjust(amount: i128) -> AccountCommand {
    AccountCommand::AdjustCash { amount: units(amount), reason: "x".into() }
}

fn grant(amount: i128) -> AccountCommand {
    AccountCommand::GrantCreditLimit { amount: units(amount) }
}

fn quota(amount: i128) -> AccountCommand {
    AccountCommand::SetQuota { amount: units(amount) }
}

fn repay(amount: i128) -> AccountCommand {
    AccountCommand::RepayQuota { amount: units(amount) }
}

fn modify(credit_enabled: bool) -> AccountCommand {
    AccountCommand::Modify {
        change: ProfileChange { credit_enabled: Some(credit_enabled), ..ProfileChange::default() },
    }
}

/// The event that is decided.
fn decide(account: &Account, command: &AccountCommand, pays: bool) -> Result<AccountEvent, Refusal> {
    let around = Surroundings { pays, incoming: false };
    account.decide(command, account.at(), around).map(|event| event.expect("no step of a hold"))
}

/// What is decided: a refusal's code, or the event with its figures in units.
fn decided(account: &Account, command: &AccountCommand, pays: bool) -> String {
    match decide(account, command, pays) {
        Err(refusal) => refusal.code().to_owned(),
        Ok(AccountEvent::CashToppedUp { amount, cash_after, reference }) => {
            assert_eq!(reference.as_deref(), Some("r"));
            format!("topped up {} to {}", amount.units(), cash_after.units())
        }
        Ok(AccountEvent::CashAdjusted { amount, cash_after, reason }) => {
            assert_eq!(&*reason, "x");
            format!("adjusted {} to {}", amount.units(), cash_after.units())
        }
        Ok(AccountEvent::CreditLimitGranted { before, after }) => {
            format!("limit {} to {}", before.units(), after.units())
        }
        Ok(AccountEvent::QuotaSet { before, after }) => {
            format!("quota {} to {}", before.units(), after.units())
        }
        Ok(AccountEvent::QuotaRepaid { amount, consumed_after }) => {
            format!("repaid {} to {}", amount.units(), consumed_after.units())
        }
        Ok(AccountEvent::ProfileModified { profile }) => format!("credit {}", profile.credit_enabled),
        Ok(AccountEvent::StatusChanged { status }) => status.to_string(),
        Ok(event) => panic!("{event:?}"),
    }
}

#[test]
fn decides_every_command_by_type_and_status() {
    let check = |kind, command: &AccountCommand, valid: &str, frozen: &str, canceled: &str| {
        for (status, expect) in
            [(Status::Valid, valid), (Status::Frozen, frozen), (Status::Canceled, canceled)]
        {
            let account = account(kind, status);
            assert_eq!(decided(&account, command, false), expect, "{kind} {status} {command:?}");
        }
    };
    let same = |kind, command: &AccountCommand, expect: &str| {
        check(kind, command, expect, expect, "account_canceled");
    };
    let (other, not_positive) = ("not_supported_for_account_type", "amount_must_be_positive");
    let gone = "account_canceled"; // rule A2: canceled takes no command at all

    // rule A2: frozen takes top-ups, and an operator's corrections
    check(Direct, &top_up(5), "topped up 5 to 15", "topped up 5 to 15", gone);
    check(Direct, &adjust(5), "adjusted 5 to 15", "adjusted 5 to 15", gone);
    check(Direct, &adjust(-15), "adjusted -15 to -5", "adjusted -15 to -5", gone);
    same(Direct, &top_up(0), not_positive);
    same(Direct, &top_up(-5), not_positive);
    same(Direct, &adjust(0), not_positive);

    // rules A2, B1: frozen refuses an increase of the limit, and nothing else about it
    check(Direct, &grant(21), "limit 20 to 21", "account_frozen", gone);
    check(Direct, &grant(20), "limit 20 to 20", "limit 20 to 20", gone);
    check(Direct, &grant(0), "limit 20 to 0", "limit 20 to 0", gone);
    same(Direct, &grant(-1), not_positive);

    // rule B2: cash and limit are for direct accounts, the quota for ecosystem accounts
    same(Ecosystem, &top_up(5), other);
    same(Ecosystem, &adjust(5), other);
    same(Ecosystem, &grant(0), other);
    check(Ecosystem, &grant(1), other, "account_frozen", gone);
    same(Direct, &quota(0), other);
    check(Direct, &quota(1), other, "account_frozen", gone);
    same(Direct, &repay(1), other);
    check(Ecosystem, &quota(31), "quota 30 to 31", "account_frozen", gone);
    check(Ecosystem, &quota(30), "quota 30 to 30", "quota 30 to 30", gone);
    check(Ecosystem, &quota(3), "quota 30 to 3", "quota 30 to 3", gone); // below what is consumed
    same(Ecosystem, &quota(-1), not_positive);
    check(Ecosystem, &repay(3), "repaid 3 to 1", "repaid 3 to 1", gone);
    check(Ecosystem, &repay(4), "repaid 4 to 0", "repaid 4 to 0", gone);
    same(Ecosystem, &repay(5), "exceeds_quota_consumed");
    same(Ecosystem, &repay(0), not_positive);
    same(Ecosystem, &repay(-1), not_positive);

    // rule A1: credit can't be switched off while a limit is granted
    check(Direct, &modify(true), "credit true", "credit true", gone);
    same(Direct, &modify(false), "field_not_modifiable");
    check(Ecosystem, &modify(false), "credit false", "credit false", gone);

    // rule A2
    for kind in [Direct, Ecosystem] {
        check(kind, &AccountCommand::Freeze, "frozen", "account_frozen", gone);
        check(kind, &AccountCommand::Thaw, "account_not_frozen", "valid", gone);
    }
    check(Direct, &AccountCommand::Cancel, "cash_not_zero", "cash_not_zero", gone);
    check(Ecosystem, &AccountCommand::Cancel, "unsettled_not_zero", "unsettled_not_zero", gone);
}

#[test]
fn grants_no_limit_where_credit_is_switched_off() {
    // rule A1
    let mut account = empty(Direct, Status::Valid);
    let event = decide(&account, &modify(false), false).unwrap();
    account.apply(&event, account.at());
    for amount in [-1, 0, 1] {
        assert_eq!(decided(&account, &grant(amount), false), "credit_not_enabled");
    }
}

#[test]
fn cancels_only_what_holds_owes_and_pays_nothing() {
    // rule A2
    let check = |kind, cash: i128, owed: &[i128], pays, expect: &str| {
        for status in [Status::Valid, Status::Frozen] {
            let mut account = empty(kind, status);
            if cash != 0 {
                let cash_after = units(cash);
                let event = AccountEvent::CashAdjusted { amount: cash_after, cash_after, reason: "x".into() };
                account.apply(&event, account.at());
            }
            let mut paid = PaidCloudAccount::default();
            for owed in owed {
                account.apply_charge(&mut paid, units(*owed), Cycle::default(), Category::Usage);
            }
            let found = decided(&account, &AccountCommand::Cancel, pays);
            assert_eq!(found, expect, "{kind} {status} {cash} {owed:?} {pays}");
        }
    };
    check(Direct, 0, &[], false, "canceled");
    check(Direct, 1, &[], false, "cash_not_zero");
    check(Direct, -1, &[], false, "cash_not_zero");
    check(Direct, 0, &[1], false, "unsettled_not_zero");
    check(Direct, 0, &[-1], false, "unsettled_not_zero");
    check(Direct, 0, &[1, -1], false, "canceled");
    check(Direct, 0, &[], true, "pays_for_cloud_accounts");
    check(Direct, 1, &[1], true, "cash_not_zero");
    check(Direct, 0, &[1], true, "unsettled_not_zero");
    check(Ecosystem, 0, &[], false, "canceled");
    check(Ecosystem, 0, &[1], false, "unsettled_not_zero");
    check(Ecosystem, 0, &[], true, "pays_for_cloud_accounts");
}

/// A charge to decide, usual but for what a case is about.
#[derive(Clone, Copy)]
struct Case<'a> {
    amount: i128,
    currency: &'a str,
    start: &'a str,
    cycle: Option<&'a str>,
    category: Category,
}

const USUAL: Case<'static> = Case {
    amount: 1,
    currency: "USD",
    start: "2026-05-20T00:00:00Z",
    cycle: None,
    category: Category::Usage,
};

/// Decides a charge and posts it if it may be; the cycle or the refusal's code. No start is the beginning of time.
fn post(
    account: &mut Account,
    paid: &mut PaidCloudAccount,
    span: &mut Option<CycleSpan>,
    case: Case<'_>,
) -> String {
    let Case { amount, currency, start, cycle, category } = case;
    let start = Timestamp::parse(start).unwrap_or(Timestamp::MIN);
    let cycle = cycle.map(|cycle| Cycle::parse(cycle).unwrap());
    let (amount, currency) = (units(amount), Currency::parse(currency).unwrap());
    match account.decide_charge(paid, amount, currency, start, cycle, category, span) {
        Ok(place) => {
            account.apply_charge(paid, amount, place.cycle, category);
            place.cycle.to_string()
        }
        Err(refusal) => refusal.code().to_owned(),
    }
}

#[test]
fn takes_charges_by_status() {
    // rule A2
    let check = |status, case: Case<'_>, expect: &str| {
        for kind in [Direct, Ecosystem] {
            let (mut account, mut paid) = (account(kind, status), PaidCloudAccount::default());
            let before = account.available_credit().units();
            let found = post(&mut account, &mut paid, &mut None, case);
            assert_eq!(found, expect, "{kind} {status} {} {}", case.amount, case.start);
            let posted = if expect.starts_with("2026") { case.amount } else { 0 };
            assert_eq!(account.unsettled_current().units(), posted);
            assert_eq!(account.available_credit().units(), before - posted); // rules B1, B2
            assert_eq!(account.charges(), u64::from(expect.starts_with("2026")));
        }
    };
    let late = Case { start: "2026-05-09T23:59:59.999999Z", ..USUAL };
    for status in [Status::Valid, Status::Frozen] {
        for amount in [100, 1, 0, -1] {
            check(status, Case { amount, ..USUAL }, "2026-05"); // rule B5: usage is never refused for want of credit
        }
        check(status, late, "2026-05");
    }
    check(Status::Canceled, USUAL, "account_canceled");
    check(Status::Canceled, Case { start: CANCELED_AT, ..USUAL }, "account_canceled");
    check(Status::Canceled, late, "2026-05");
    check(Status::Canceled, Case { amount: 0, ..late }, "2026-05");
    check(Status::Canceled, Case { amount: -1, ..USUAL }, "2026-05");
    check(Status::Canceled, Case { amount: 0, ..USUAL }, "account_canceled");
    // It is the charge period that makes a charge late, not its cycle.
    check(Status::Canceled, Case { cycle: Some("2026-04"), ..USUAL }, "account_canceled");
}

#[test]
fn refuses_charges_in_the_order_of_the_refusals() {
    let check = |status, case: Case<'_>, expect: &str| {
        let (mut account, mut paid) = (account(Direct, status), PaidCloudAccount::default());
        assert_eq!(post(&mut account, &mut paid, &mut None, case), expect);
    };
    let timeless = Case { start: "", ..USUAL };
    let euro = Case { currency: "EUR", ..timeless };
    check(Status::Valid, Case { currency: "EUR", ..USUAL }, "currency_mismatch"); // rule D9
    check(Status::Valid, Case { amount: MIN, ..euro }, "currency_mismatch");
    check(Status::Canceled, Case { currency: "EUR", ..USUAL }, "account_canceled");
    check(Status::Valid, Case { amount: MIN, ..timeless }, "amount_overflow"); // rule B4
    check(Status::Valid, timeless, "time_out_of_range"); // rule C4
    check(Status::Valid, Case { cycle: Some("2026-05"), ..timeless }, "2026-05");
}

#[test]
fn bills_in_the_month_of_the_accounts_offset_or_the_given_cycle() {
    // rule C4; the span is shared, as a batch shares it between accounts
    let mut span = None;
    let mut check = |offset: &str, start, cycle, expect: &str| {
        let mut account = Account::open(AccountIndex(0), &opening(Direct, offset));
        let case = Case { start, cycle, ..USUAL };
        let found = post(&mut account, &mut PaidCloudAccount::default(), &mut span, case);
        assert_eq!(found, expect, "{offset} {start}");
    };
    check("+00:00", "2026-05-31T23:59:59.999999Z", None, "2026-05");
    check("+00:00", "2026-06-01T00:00:00Z", None, "2026-06");
    check("+08:00", "2026-05-31T15:59:59.999999Z", None, "2026-05");
    check("+08:00", "2026-05-31T16:00:00Z", None, "2026-06");
    check("+00:00", "2026-05-31T16:00:00Z", None, "2026-05");
    check("-05:30", "2026-06-01T05:29:59Z", None, "2026-05");
    check("-05:30", "2026-06-01T05:30:00Z", None, "2026-06");
    check("+00:00", "2026-06-01T05:00:00+08:00", None, "2026-05");
    check("+00:00", "2025-12-31T23:59:59Z", None, "2025-12");
    check("+00:00", "2026-05-20T00:00:00Z", Some("2026-04"), "2026-04");
    check("+00:00", "2026-05-20T00:00:00Z", Some("9999-12"), "9999-12");
    check("+00:00", "0001-01-01T00:00:00Z", None, "0001-01");
    check("-01:00", "0001-01-01T00:00:00Z", None, "time_out_of_range");
    check("+00:00", "2026-05-20T00:00:00Z", None, "2026-05"); // what could not be found is not kept
}

/// Posts charges of (amount, cycle, category) one after another.
fn check_sums(kind: AccountType, charges: &[(i128, &str, Category, &str)]) {
    let (mut account, mut paid) = (empty(kind, Status::Valid), PaidCloudAccount::default());
    for (index, (amount, cycle, category, expect)) in charges.iter().enumerate() {
        let case = Case { amount: *amount, cycle: Some(*cycle), category: *category, ..USUAL };
        let before = (account.clone(), paid.clone());
        let found = post(&mut account, &mut paid, &mut None, case);
        assert_eq!(found, *expect, "{index} {amount} {cycle}");
        if found != *cycle {
            assert_eq!((&account, &paid), (&before.0, &before.1), "a refusal changes nothing");
        }
        assert_eq!(account.available_credit_recomputed(), Some(account.available_credit()));
    }
}

#[test]
fn sums_go_to_their_bounds_and_never_beyond() {
    use Category::{Tax, Usage};
    // rule B4
    let (may, june, over) = ("2026-05", "2026-06", "amount_overflow");
    for kind in [Direct, Ecosystem] {
        // What the account owes.
        check_sums(kind, &[(MAX, may, Usage, may), (1, june, Tax, over), (-1, may, Usage, may)]);
        check_sums(kind, &[(MAX - 1, may, Usage, may), (1, june, Usage, june), (1, may, Usage, over)]);
        // Its available credit, whose bound comes one unit sooner: the account owes at least -MAX.
        check_sums(kind, &[(MIN, may, Usage, over), (-MAX, may, Usage, may), (-1, may, Usage, over)]);
        // The sum of one cycle and category, while the account owes nothing.
        check_sums(
            kind,
            &[
                (MAX, may, Usage, may),
                (-MAX, june, Usage, june),
                (1, may, Usage, over),
                (-2, june, Usage, over),
                (-1, june, Usage, june),
                (1, may, Tax, may),
                (MAX, june, Usage, june),
                (-MAX, may, Usage, may),
                (1, may, Usage, may),
            ],
        );
    }
}

#[test]
fn money_is_exact_at_every_size() {
    // rule B4: where a decimal would drop digits
    let (mut account, mut paid) = (empty(Direct, Status::Valid), PaidCloudAccount::default());
    for text in ["100000000000000000000", "0.000000000000000001", "1000000000000.000000000000000018"] {
        let amount = Money::parse(text).unwrap().units();
        assert_eq!(post(&mut account, &mut paid, &mut None, Case { amount, ..USUAL }), "2026-05");
    }
    assert_eq!(account.unsettled_current().to_string(), "100000001000000000000.000000000000000019");
    assert_eq!(account.available_credit().to_string(), "-100000001000000000000.000000000000000019");
}

#[test]
fn commands_refuse_what_would_not_fit() {
    // rule B4
    let check = |kind, before: &[AccountCommand], owed: i128, command: &AccountCommand, expect: &str| {
        let (mut account, mut paid) = (empty(kind, Status::Valid), PaidCloudAccount::default());
        for command in before {
            let event = decide(&account, command, false).unwrap();
            account.apply(&event, account.at());
        }
        assert_eq!(post(&mut account, &mut paid, &mut None, Case { amount: owed, ..USUAL }), "2026-05");
        assert_eq!(decided(&account, command, false), expect, "{before:?} {owed} {command:?}");
        if let Ok(event) = decide(&account, command, false) {
            account.apply(&event, account.at());
            assert_eq!(account.available_credit_recomputed(), Some(account.available_credit()));
        }
    };
    let text = |what: &str, to: i128| format!("{what} to {to}");
    check(Direct, &[top_up(MAX)], 0, &top_up(1), "amount_overflow");
    check(Direct, &[top_up(MAX)], MAX, &top_up(1), "amount_overflow"); // cash itself
    check(Direct, &[top_up(MAX - 1)], 0, &top_up(1), &text("topped up 1", MAX));
    check(Direct, &[top_up(1)], 0, &grant(MAX), "amount_overflow");
    check(Direct, &[top_up(1)], 1, &grant(MAX), &text("limit 0", MAX));
    check(Direct, &[top_up(MAX)], MAX, &grant(MAX), &text("limit 0", MAX));
    check(Direct, &[adjust(MIN)], 0, &adjust(-1), "amount_overflow");
    check(Direct, &[adjust(MIN)], -MAX, &grant(MAX), &text("limit 0", MAX));
    check(Direct, &[adjust(-MAX)], 1, &adjust(-1), "amount_overflow"); // available credit
    check(Direct, &[adjust(-MAX)], -1, &adjust(-1), &text("adjusted -1", MIN));
    check(Ecosystem, &[], -1, &quota(MAX), "amount_overflow");
    check(Ecosystem, &[], 0, &quota(MAX), &text("quota 0", MAX));
}

#[test]
fn what_fits_in_the_end_may_be_too_large_on_its_way() {
    // rule B4: cash and limit together don't fit, nor do the sums of two cycles; the account's figures do
    let mut ledger = Ledger::new(0, 1);
    let opening = Box::new(opening(Direct, "Z"));
    ledger.admit(&Admission::Account { account: AccountIndex(0), opening });
    ledger.admit(&Admission::Payment { account: AccountIndex(0), cloud: CloudIndex(0) });
    let (account, paid) = (&mut ledger.accounts[0], &mut ledger.payments[0].paid);
    account.apply(&decide(account, &top_up(MAX), true).unwrap(), Timestamp::MIN);
    for (amount, cycle) in [(MAX, "2026-05"), (-MAX, "2026-06"), (MAX, "2026-07")] {
        let case = Case { amount, cycle: Some(cycle), ..USUAL };
        assert_eq!(post(account, paid, &mut None, case), cycle);
    }
    account.apply(&decide(account, &grant(MAX), true).unwrap(), Timestamp::MIN);
    assert_eq!(account.available_credit(), units(MAX));
    assert_eq!(Account::from_parts(account.index, account.to_parts()).as_ref(), Some(&*account));
    assert_eq!(check_ledger(&ledger), []);
}
