//! Which refusal comes first where several apply (rules A2, A6, B2, B4, D11, E5, E6, F1–F5).

use exchequer::domain::account::{Account, AccountParts, Counterpart, Status, Surroundings};
use exchequer::domain::account_command::AccountCommand;
use exchequer::domain::crossing::{Cargo, Party};
use exchequer::domain::ids::{AccountIndex, Currency};
use exchequer::domain::money::Money;
use exchequer::domain::profile::AccountType;
use exchequer::domain::refusals::Refusal;
use exchequer::limits::{GIVERS_MAX, MEMBER_UNITS_MAX, RECEIVED_UNITS_MAX};

use crate::enterprise::{OURS, THEIRS, check_order, now, refusal, units};
use crate::three;

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
