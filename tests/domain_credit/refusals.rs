//! Which refusal comes first where several apply (rules A2, A6, B2, B4, E1, E3, E5, E6).

use exchequer::domain::account::{Account, AccountView, Status, Surroundings};
use exchequer::domain::account_command::AccountCommand;
use exchequer::domain::credit_control::{Allocation, Contract, CreditCommand, CreditControl, Member};
use exchequer::domain::ids::{AccountIndex, Currency};
use exchequer::domain::money::Money;
use exchequer::domain::profile::AccountType;
use exchequer::domain::refusals::Refusal;
use exchequer::limits::{MEMBERS_MAX, RECEIVED_UNITS_MAX};

use crate::enterprise::{self, Enterprise, OWNER, THEIRS, check_order, now, refusal, units};

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
