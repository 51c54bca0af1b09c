//! The credit of an enterprise and its members, carried by hand (rules A6, E1–E6).
#![allow(missing_docs, clippy::unwrap_used)]

mod enterprise;

use enterprise::{Enterprise, OURS, OWNER, THEIRS, check_order, control, now, owe, refusal, units};
use exchequer::domain::account::{Account, AccountView, Status, Surroundings};
use exchequer::domain::account_command::AccountCommand;
use exchequer::domain::credit_control::{
    Allocation, Contract, CreditCommand, CreditControl, CreditEvent, Member,
};
use exchequer::domain::crossing::{Cargo, Party, Received};
use exchequer::domain::ids::{AccountIndex, Currency};
use exchequer::domain::keys::Remembered;
use exchequer::domain::money::Money;
use exchequer::domain::profile::AccountType;
use exchequer::domain::refusals::Refusal;
use exchequer::limits::{MEMBER_UNITS_MAX, MEMBERS_MAX, RECEIVED_UNITS_MAX};

const CONTRACT: [CreditCommand; 3] =
    [CreditCommand::RequestContract, CreditCommand::ApproveContract, CreditCommand::ConfirmContract];

/// Checks limits of accounts, and assigned, pending and unassigned credit.
#[track_caller]
fn check(all: &Enterprise, limits: &[i128], sums: [i128; 3]) {
    let found: Vec<_> = all.accounts.iter().map(|account| account.credit_limit().units()).collect();
    assert_eq!(found, limits);
    let control = &all.control;
    let found = [control.assigned(), control.pending(), control.unassigned()];
    assert_eq!(found.map(Money::units), sums);
}

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

/// A credit control, what one or two accounts answered, and amounts.
#[derive(Clone)]
struct Case {
    control: CreditControl,
    account: AccountView,
    other: AccountView,
    amount: i128,
    least: Option<i128>,
    owner: &'static str,
}

impl Case {
    /// Two members with limits of 50 and 20 of 100, of which 60 are asked for.
    fn usual() -> Self {
        let mut all = Enterprise::confirmed(2, 100);
        assert_eq!((all.allocate(0, 50), all.allocate(1, 20)), (Ok(true), Ok(true)));
        all.deliver();
        let (account, other) = (*all.view(0), *all.view(1));
        Self { control: all.control, account, other, amount: 60, least: None, owner: OWNER }
    }

    fn allocate(&self) -> Option<Refusal> {
        refusal(self.control.decide(&CreditCommand::AllocateCredit {
            account: Box::new(self.account.clone()),
            limit: units(self.amount),
            min_available_credit_after: self.least.map(units),
        }))
    }

    fn invite(&self) -> Option<Refusal> {
        let account = Box::new(self.account.clone());
        refusal(self.control.decide(&CreditCommand::InviteAccount { account, owner: self.owner.into() }))
    }

    fn member(&mut self) -> &mut Member {
        self.control.members.get_mut(&AccountIndex(0)).unwrap()
    }
}

#[test]
fn refuses_allocations_in_the_order_of_the_refusals() {
    // rules E1, E3, E5, E6, A2, A6, B2
    check_order(
        &Case::usual(),
        &[
            (Refusal::AccountCanceled, &|case| case.account.status = Status::Canceled),
            (Refusal::AccountFrozen, &|case| case.account.status = Status::Frozen),
            (Refusal::NotSupportedForAccountType, &|case| case.account.kind = AccountType::Ecosystem),
            (Refusal::CreditNotEnabled, &|case| case.account.profile.credit_enabled = false),
            (Refusal::CurrencyMismatch, &|case| case.account.currency = Currency::parse("EUR").unwrap()),
            (Refusal::AmountOverflow, &|case| case.amount = RECEIVED_UNITS_MAX + 1),
            (Refusal::DifferentEnterprise, &|case| case.account.enterprise = Some(THEIRS)),
            (Refusal::AccountCenterNotEnabled, &|case| case.control.account_center = false),
            (Refusal::AssociationNotActive, &|case| case.member().active = false),
            (Refusal::SelfServiceDisabled, &|case| case.account.may_not_serve_itself = true),
            (Refusal::ExceedsUnassignedCredit, &|case| case.control.public_cloud = units(79)),
            (Refusal::BelowMinimumAvailableCredit, &|case| case.least = Some(61)),
        ],
        Case::allocate,
    );
    let check = |broken: &dyn Fn(&mut Case), expect| {
        let mut case = Case::usual();
        broken(&mut case);
        assert_eq!(case.allocate(), expect);
    };
    check(&|case| case.amount = -1, Some(Refusal::AmountMustBePositive));
    check(&|case| case.amount = i128::MIN, Some(Refusal::AmountMustBePositive));
    check(&|case| case.account.account = AccountIndex(9), Some(Refusal::AssociationNotActive));
    // It has left, and its message is on its way.
    check(&|case| case.account.enterprise = None, Some(Refusal::AssociationNotActive));
    check(&|case| case.amount = 81, Some(Refusal::ExceedsUnassignedCredit));
    check(&|case| case.amount = 80, None);
    check(&|case| case.least = Some(60), None);
    // rule B2: that a partner pays on behalf of an ecosystem account is the later rule
    check(
        &|case| (case.account.kind, case.account.may_not_serve_itself) = (AccountType::Ecosystem, true),
        Some(Refusal::NotSupportedForAccountType),
    );
    // rule A2: a limit of a frozen account may be lowered, also one that waits for the contract
    let allocation = |amount, frozen, contract| {
        let mut case = Case::usual();
        (case.control.contract, case.account.status) = (contract, frozen);
        let member = case.member();
        (member.pending, member.assigned) =
            if contract == Contract::Confirmed { (Money::ZERO, units(50)) } else { (units(50), Money::ZERO) };
        case.control.allocation(&case.account, units(amount))
    };
    let (frozen, raise) = (Status::Frozen, Ok(Allocation::Raise));
    assert_eq!(allocation(51, frozen, Contract::Confirmed), Err(Refusal::AccountFrozen));
    assert_eq!(allocation(50, frozen, Contract::Confirmed), raise);
    assert_eq!(allocation(49, frozen, Contract::Confirmed), Ok(Allocation::Lower(units(1))));
    assert_eq!(allocation(51, frozen, Contract::Approved), Err(Refusal::AccountFrozen));
    assert_eq!(allocation(50, frozen, Contract::Approved), raise);
    assert_eq!(allocation(49, frozen, Contract::Approved), raise);
}

#[test]
fn refuses_moves_in_the_order_of_the_refusals() {
    // rules E3, E5, E6, A2, A6, B2
    let check = |broken: [&dyn Fn(&mut Case); 6]| {
        let [canceled, type_, currency, elsewhere, inactive, disabled] = broken;
        check_order(
            &Case::usual(),
            &[
                (Refusal::AccountCanceled, canceled),
                (Refusal::AccountFrozen, &|case| case.other.status = Status::Frozen),
                (Refusal::NotSupportedForAccountType, type_),
                (Refusal::CreditNotEnabled, &|case| case.other.profile.credit_enabled = false),
                (Refusal::CurrencyMismatch, currency),
                (Refusal::AmountMustBePositive, &|case| case.amount = 0),
                (Refusal::SameAccount, &|case| case.other.account = case.account.account),
                (Refusal::DifferentEnterprise, elsewhere),
                (Refusal::AccountCenterNotEnabled, &|case| case.control.account_center = false),
                (Refusal::AssociationNotActive, inactive),
                (Refusal::SelfServiceDisabled, disabled),
                (Refusal::ContractNotConfirmed, &|case| case.control.contract = Contract::Approved),
            ],
            |case| refusal(case.control.decide_move(&case.account, &case.other, units(case.amount))),
        );
    };
    check([
        &|case| case.account.status = Status::Canceled,
        &|case| case.account.kind = AccountType::Ecosystem,
        &|case| case.account.currency = Currency::parse("EUR").unwrap(),
        &|case| case.account.enterprise = Some(THEIRS),
        &|case| case.member().active = false,
        &|case| case.account.may_not_serve_itself = true,
    ]);
    check([
        &|case| (case.other.status, case.other.kind) = (Status::Canceled, AccountType::Direct),
        &|case| case.other.kind = AccountType::Ecosystem,
        &|case| case.other.currency = Currency::parse("EUR").unwrap(),
        &|case| case.other.enterprise = Some(THEIRS),
        &|case| case.control.members.get_mut(&AccountIndex(1)).unwrap().active = false,
        &|case| case.other.may_not_serve_itself = true,
    ]);
    // Whose limit is lowered may be frozen, and have credit switched off.
    let mut case = Case::usual();
    (case.account.status, case.account.profile.credit_enabled) = (Status::Frozen, false);
    assert_eq!(case.control.decide_move(&case.account, &case.other, units(1)), Ok(()));
}

#[test]
fn refuses_to_return_credit_in_the_order_of_the_refusals() {
    // rules E3, A2, B2, B4
    #[derive(Clone)]
    struct Returning {
        parts: exchequer::domain::account::AccountParts,
        amount: i128,
        limit_after: Option<i128>,
        least: Option<i128>,
    }
    let run = |case: &Returning| {
        let command = AccountCommand::ReturnCredit {
            amount: units(case.amount),
            limit_after: case.limit_after.map(units),
            min_available_credit_after: case.least.map(units),
            moves_to: None,
        };
        let account = Account::from_parts(AccountIndex(0), case.parts.clone()).unwrap();
        refusal(account.decide(&command, now(), Surroundings::default()))
    };
    let mut all = Enterprise::confirmed(1, 100);
    assert_eq!(all.allocate(0, 50), Ok(true));
    all.deliver();
    let usual = Returning { parts: all.accounts[0].to_parts(), amount: 20, limit_after: None, least: None };
    let rules: [enterprise::Broken<'_, Returning>; 7] = [
        (Refusal::AccountCanceled, &|case| case.parts.status = Status::Canceled),
        (Refusal::NotSupportedForAccountType, &|case| case.parts.kind = AccountType::Ecosystem),
        (Refusal::AmountMustBePositive, &|case| case.amount = 0),
        (Refusal::AmountOverflow, &|case| {
            let parts = &mut case.parts;
            (parts.cash, parts.credit_limit, parts.unsettled_current) =
                (units(-20), units(20), units(i128::MAX));
        }),
        (Refusal::AssociationNotActive, &|case| case.parts.rare.as_mut().unwrap().enterprise = None),
        (Refusal::ExceedsCreditLimit, &|case| case.parts.credit_limit = units(19)),
        (Refusal::BelowMinimumAvailableCredit, &|case| case.least = Some(31)),
    ];
    check_order(&usual, &rules, run);
    // Where a limit is being set, another one shows that something was on its way.
    let setting = Returning { limit_after: Some(30), ..usual };
    let mut rules = rules.to_vec();
    rules[5] = rules[6];
    rules[6] = (Refusal::MoneyInFlight, &|case| case.limit_after = Some(29));
    check_order(&setting, &rules, run);
    assert_eq!(run(&Returning { amount: 51, ..setting.clone() }), Some(Refusal::MoneyInFlight));
    // A frozen account gives credit back (rule A2).
    let mut frozen = setting;
    frozen.parts.status = Status::Frozen;
    assert_eq!(run(&frozen), None);
}

#[test]
fn refuses_invitations_in_the_order_of_the_refusals() {
    // rules A6, A2
    let mut usual = Case::usual();
    (usual.account.account, usual.account.enterprise) = (AccountIndex(9), None);
    check_order(
        &usual,
        &[
            (Refusal::AccountCanceled, &|case| case.account.status = Status::Canceled),
            (Refusal::AccountFrozen, &|case| case.account.status = Status::Frozen),
            (Refusal::DifferentEnterprise, &|case| case.account.enterprise = Some(THEIRS)),
            (Refusal::AccountCenterNotEnabled, &|case| case.control.account_center = false),
            (Refusal::OwnerMismatch, &|case| case.owner = "Somebody Else"),
            (Refusal::TooManyItems, &|case| {
                let members = (10..).map(|number| (AccountIndex(number), Member::default()));
                case.control.members = members.take(MEMBERS_MAX).collect();
            }),
        ],
        Case::invite,
    );
}

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
