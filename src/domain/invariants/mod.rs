//! The registry of invariants: an id each, and one check, used by debug builds, tests, simulation and `verify` alike.

mod bills;
mod standing;

pub use bills::check_write_offs;

use super::account::Account;
use super::credit_control::CreditControl;
use super::crossing::{Cargo, Inbox, Outbox, Party};
use super::enterprise::Enterprise;
use super::ids::EnterpriseIndex;
use super::ledger::Ledger;
use super::money::{Money, RunningSum};

/// An invariant of the ledger.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Invariant {
    /// The log reads from its first block to its last: lengths, CRCs, chain and numbers.
    LogIsWhole,
    /// Every entity's records are numbered without a gap.
    SequencesAreContiguous,
    /// No charge identity stands in the log twice (rule C2).
    IdentitiesAreUnique,
    /// As many identities are remembered as charges are posted.
    IdentitiesAreRemembered,
    /// The cached available credit equals its formula (rules B1, B2).
    AvailableCreditIsExact,
    /// What is unsettled equals the sums of the account's payment relationships and of what was captured from holds and
    /// bought on credit, less what coupons have deducted.
    UnsettledEqualsSums,
    /// What is outstanding of all bills is what is outstanding of each (rule B1).
    UnsettledEqualsBills,
    /// A bill's figures follow from each other, and it is settled exactly when nothing is outstanding (rules D2, D9).
    BillsAddUp,
    /// A cycle is issued once, and all that was posted to it is on its bill (rule D1).
    BillsIssuedOnce,
    /// What is missing from coupons is what they have paid and not got back (rules C5, D6, D7).
    CouponsEqualUses,
    /// What is left of credit refund is what refunds and bills below 0 have made, less what it has paid (rules D2, D5).
    CreditRefundEqualsRefunds,
    /// Where automatic write-off is on, nothing is outstanding that an asset may pay (rule D3).
    WriteOffIsDone,
    /// Who is overdue owes, who is suspended is overdue, nobody without a benefit is overdue and not suspended or keeps a grace
    /// that is over, and the cached attention equals its formula (rules H3, H4).
    StandingFollowsCredit,
    /// How a low balance alert stands agrees with available credit, and no reminder is late (rule H2).
    AlertFollowsCredit,
    /// The charges of an account are those of its payment relationships.
    ChargesEqualSums,
    /// Every record changes cash by the amount that it names; and cash, in all accounts and in flight together, is what was
    /// topped up, claimed and adjusted less what was withdrawn and what has paid (rules D3, D6, F5).
    CashIsConserved,
    /// What is left in a transfer book is what givers transferred less what they took back and what was consumed, and not
    /// below 0 (rules F1, F3).
    TransferBookEqualsPairs,
    /// What is held is the sum of the open holds (rule B5).
    HeldEqualsHolds,
    /// Limits don't exceed an enterprise's total, unless the total was lowered (rules E1, E4).
    AllocatedWithinTotal,
    /// A member's credit limit, with what is in flight either way, is what its enterprise has assigned (rules E1, E3).
    LimitsEqualAssigned,
    /// Nobody has received a message that its sender has not sent (rule F5).
    NothingReceivedUnsent,
    /// An account and its enterprise agree on whether it is a member, with what is in flight (rule A6).
    MembersAgree,
    /// The state from the newest snapshot and the log after it equals the state from the whole log.
    SnapshotEqualsLog,
}

impl Invariant {
    /// Every invariant.
    pub const ALL: [Self; 23] = [
        Self::LogIsWhole,
        Self::SequencesAreContiguous,
        Self::IdentitiesAreUnique,
        Self::IdentitiesAreRemembered,
        Self::AvailableCreditIsExact,
        Self::UnsettledEqualsSums,
        Self::UnsettledEqualsBills,
        Self::BillsAddUp,
        Self::BillsIssuedOnce,
        Self::CouponsEqualUses,
        Self::CreditRefundEqualsRefunds,
        Self::WriteOffIsDone,
        Self::StandingFollowsCredit,
        Self::AlertFollowsCredit,
        Self::ChargesEqualSums,
        Self::CashIsConserved,
        Self::TransferBookEqualsPairs,
        Self::HeldEqualsHolds,
        Self::AllocatedWithinTotal,
        Self::LimitsEqualAssigned,
        Self::NothingReceivedUnsent,
        Self::MembersAgree,
        Self::SnapshotEqualsLog,
    ];

    /// The stable id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::LogIsWhole => "log-is-whole",
            Self::SequencesAreContiguous => "sequences-are-contiguous",
            Self::IdentitiesAreUnique => "identities-are-unique",
            Self::IdentitiesAreRemembered => "identities-are-remembered",
            Self::AvailableCreditIsExact => "available-credit-is-exact",
            Self::UnsettledEqualsSums => "unsettled-equals-sums",
            Self::UnsettledEqualsBills => "unsettled-equals-bills",
            Self::BillsAddUp => "bills-add-up",
            Self::BillsIssuedOnce => "bills-issued-once",
            Self::CouponsEqualUses => "coupons-equal-uses",
            Self::CreditRefundEqualsRefunds => "credit-refund-equals-refunds",
            Self::WriteOffIsDone => "write-off-is-done",
            Self::StandingFollowsCredit => "standing-follows-credit",
            Self::AlertFollowsCredit => "alert-follows-credit",
            Self::ChargesEqualSums => "charges-equal-sums",
            Self::CashIsConserved => "cash-is-conserved",
            Self::TransferBookEqualsPairs => "transfer-book-equals-pairs",
            Self::HeldEqualsHolds => "held-equals-holds",
            Self::AllocatedWithinTotal => "allocated-within-total",
            Self::LimitsEqualAssigned => "limits-equal-assigned",
            Self::NothingReceivedUnsent => "nothing-received-unsent",
            Self::MembersAgree => "members-agree",
            Self::SnapshotEqualsLog => "snapshot-equals-log",
        }
    }
}

/// A broken invariant, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// Where and how, for a person.
    pub detail: String,
}

/// Checks what one shard's state must satisfy by itself.
pub fn check_ledger(ledger: &Ledger) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut violated = |invariant, detail| violations.push(Violation { invariant, detail });
    for (account, (unsettled, charges)) in ledger.accounts.iter().zip(ledger.sums_by_account()) {
        let number = account.index;
        if account.available_credit_recomputed() != Some(account.available_credit()) {
            let detail =
                format!("account {number} caches an available credit of {}", account.available_credit());
            violated(Invariant::AvailableCreditIsExact, detail);
        }
        if unsettled != Some(account.unsettled_current()) {
            let detail = format!("account {number} has {} unsettled", account.unsettled_current());
            violated(Invariant::UnsettledEqualsSums, detail);
        }
        if charges != account.charges() {
            let detail = format!("account {number} counts {} charges, its sums {charges}", account.charges());
            violated(Invariant::ChargesEqualSums, detail);
        }
        bills::check(account, &mut violated);
        standing::check(account, &mut violated);
        let Some(rare) = account.rare() else { continue };
        let book = &rare.transfer_book;
        if book.total() < Money::ZERO || book.total_recomputed() != Some(book.total()) {
            let detail = format!("account {number} has {} in its transfer book", book.total());
            violated(Invariant::TransferBookEqualsPairs, detail);
        }
        if rare.holds.held_recomputed() != Some(rare.holds.held()) {
            let detail = format!("account {number} caches {} as held", rare.holds.held());
            violated(Invariant::HeldEqualsHolds, detail);
        }
    }
    violations
}

/// Checks what all shards' states must satisfy together.
pub fn check_ledgers(ledgers: &[Ledger]) -> Vec<Violation> {
    let mut violations: Vec<_> = ledgers.iter().flat_map(check_ledger).collect();
    let charges: u64 = ledgers.iter().flat_map(|ledger| &ledger.accounts).map(Account::charges).sum();
    let identities: usize = ledgers.iter().map(|ledger| ledger.identities.count()).sum();
    if charges != identities as u64 {
        violations.push(Violation {
            invariant: Invariant::IdentitiesAreRemembered,
            detail: format!("{identities} identities are remembered for {charges} charges"),
        });
    }
    violations
}

/// Checks what enterprises and accounts must satisfy together, when nothing is pending but what outboxes hold.
pub fn check_enterprises(ledgers: &[Ledger], enterprises: &[Enterprise]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for enterprise in enterprises {
        check_control(&enterprise.control, ledgers, &mut violations);
    }
    let parties = Parties { ledgers, enterprises };
    for account in ledgers.iter().flat_map(|ledger| &ledger.accounts) {
        let Some(rare) = account.rare() else { continue };
        let who = Party::Account(account.index);
        parties.check_received(who, &rare.inbox, &mut violations);
        // Members are looked at with their enterprise; it may not know of the account at all.
        let listed = |enterprise| {
            parties.control(enterprise).is_some_and(|control| control.members.contains_key(&account.index))
        };
        if let Some(enterprise) = rare.enterprise.filter(|enterprise| !listed(*enterprise)) {
            violations.push(Violation {
                invariant: Invariant::MembersAgree,
                detail: format!(
                    "account {} belongs to enterprise {enterprise}, which has not invited it",
                    account.index
                ),
            });
        }
    }
    for control in enterprises.iter().map(|enterprise| &enterprise.control) {
        parties.check_received(Party::CreditControl(control.enterprise), &control.inbox, &mut violations);
    }
    violations
}

fn check_control(control: &CreditControl, ledgers: &[Ledger], violations: &mut Vec<Violation>) {
    let enterprise = control.enterprise;
    let mut violated = |invariant, detail| violations.push(Violation { invariant, detail });
    if control.unassigned() < Money::ZERO && !control.total_lowered {
        let detail = format!("enterprise {enterprise} has {} to assign", control.unassigned());
        violated(Invariant::AllocatedWithinTotal, detail);
    }
    for (number, member) in &control.members {
        let Some(account) = Ledger::find(ledgers, *number) else {
            let detail = format!("enterprise {enterprise} lists account {number}, which is not there");
            violated(Invariant::MembersAgree, detail);
            continue;
        };
        let belongs = account.enterprise() == Some(enterprise);
        if active_when_received(member.active, enterprise, account) != belongs {
            let (lists, is) = (if member.active { "lists" } else { "does not list" }, account.enterprise());
            let is = is.map_or("none".to_owned(), |other| other.to_string());
            let detail =
                format!("enterprise {enterprise} {lists} account {number} as member, its own is {is}");
            violated(Invariant::MembersAgree, detail);
        }
        // Who has left may have another limit by now, but none of this enterprise.
        let limit = if belongs { limit_with_flight(control, account) } else { Some(Money::ZERO) };
        if limit != Some(member.assigned) {
            let detail = format!(
                "enterprise {enterprise} has assigned {} to account {number}, which makes {} of it",
                member.assigned,
                limit.map_or_else(|| "more than fits".to_owned(), |limit| limit.to_string())
            );
            violated(Invariant::LimitsEqualAssigned, detail);
        }
    }
}

/// Whether the enterprise will list the account as a member when it has all the account's messages.
fn active_when_received(active: bool, enterprise: EnterpriseIndex, account: &Account) -> bool {
    let sent = account.rare().into_iter().flat_map(|rare| rare.outbox.waiting());
    sent.filter(|sent| sent.to == Party::CreditControl(enterprise)).fold(active, |active, sent| {
        match sent.cargo {
            Cargo::Joined => true,
            Cargo::Left => false,
            _ => active,
        }
    })
}

/// A member's limit, with what its enterprise has given and what it has given back, both in flight.
fn limit_with_flight(control: &CreditControl, account: &Account) -> Option<Money> {
    let given = control.outbox.waiting().filter(|sent| sent.to == Party::Account(account.index));
    let returned = account.rare().into_iter().flat_map(|rare| rare.outbox.waiting());
    let returned = returned.filter(|sent| sent.to == Party::CreditControl(control.enterprise));
    let limit = RunningSum::default().plus(account.credit_limit());
    let in_flight = given.chain(returned).fold(limit, |sum, sent| match sent.cargo {
        Cargo::Credit { amount } | Cargo::CreditReturn { amount, .. } => sum.plus(amount),
        _ => sum,
    });
    in_flight.total()
}

/// Everybody who sends and receives.
struct Parties<'s> {
    ledgers: &'s [Ledger],
    enterprises: &'s [Enterprise],
}

impl<'s> Parties<'s> {
    fn control(&self, enterprise: EnterpriseIndex) -> Option<&'s CreditControl> {
        self.enterprises.get(enterprise.0 as usize).map(|enterprise| &enterprise.control)
    }

    fn outbox(&self, party: Party) -> Option<&'s Outbox> {
        match party {
            Party::Account(account) => Ledger::find(self.ledgers, account)?.rare().map(|rare| &rare.outbox),
            Party::CreditControl(enterprise) => self.control(enterprise).map(|control| &control.outbox),
        }
    }

    fn check_received(&self, receiver: Party, inbox: &Inbox, violations: &mut Vec<Violation>) {
        for (from, newest) in inbox.iter() {
            let sent = self.outbox(from).map_or(0, Outbox::last);
            if newest > sent {
                let detail =
                    format!("{receiver} has received message {newest} of {from}, which has sent {sent}");
                violations.push(Violation { invariant: Invariant::NothingReceivedUnsent, detail });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account_event::{AccountEvent, Posted};
    use crate::domain::credit_control::{Charter, CreditEvent, Member};
    use crate::domain::directory::Admission;
    use crate::domain::holds::HoldState;
    use crate::domain::ids::{AccountIndex, Currency};
    use crate::domain::profile::{AccountType, Opening, Profile};
    use crate::domain::time::{Cycle, Timestamp, UtcOffset};

    const AT: Timestamp = Timestamp::from_micros(0);
    const A: AccountIndex = AccountIndex(0);
    const B: AccountIndex = AccountIndex(1);
    const E: EnterpriseIndex = EnterpriseIndex(0);

    fn units(units: i128) -> Money {
        Money::from_units(units)
    }

    fn posted(number: u64) -> Posted {
        Posted { number, acknowledged: 0 }
    }

    /// Two accounts; the first one is a member with a limit of 50 of 100, of which 10 are still on their way to it.
    struct State {
        ledgers: Vec<Ledger>,
        enterprises: Vec<Enterprise>,
    }

    impl State {
        fn new() -> Self {
            let opening = Opening {
                kind: AccountType::Direct,
                currency: Currency::USD,
                offset: UtcOffset::default(),
                at: AT,
                profile: Profile::default(),
            };
            let mut ledger = Ledger::new(0, 1);
            for account in [A, B] {
                ledger.admit(&Admission::Account { account, opening: Box::new(opening.clone()) });
            }
            let charter =
                Charter { owner: "o".into(), management_account: "m".into(), currency: Currency::USD };
            let mut state = Self { ledgers: vec![ledger], enterprises: vec![Enterprise::open(E, charter)] };
            state.control(&CreditEvent::TotalCreditSet { public_cloud: units(100), hybrid_cloud: units(0) });
            state.control(&CreditEvent::AccountInvited { account: A });
            state.account(A, &AccountEvent::EnterpriseJoined { enterprise: E, posted: posted(1) });
            state.control(&CreditEvent::MemberJoined { account: A, number: 1 });
            for (number, amount, assigned_after) in [(1, 40, 40), (2, 10, 50)] {
                state.control(&CreditEvent::CreditAllocated {
                    account: A,
                    amount: units(amount),
                    assigned_after: units(assigned_after),
                    posted: posted(number),
                });
            }
            let (amount, limit_after) = (units(40), units(40));
            state.account(A, &AccountEvent::CreditReceived { enterprise: E, number: 1, amount, limit_after });
            // As recovery does with what was received.
            state.account_mut(A).rare_mut().outbox.acknowledge(1);
            state.enterprises[0].control.outbox.acknowledge(1);
            state
        }

        fn account_mut(&mut self, account: AccountIndex) -> &mut Account {
            &mut self.ledgers[0].accounts[account.0 as usize]
        }

        fn account(&mut self, account: AccountIndex, event: &AccountEvent) {
            self.account_mut(account).apply(event, AT);
        }

        fn control(&mut self, event: &CreditEvent) {
            self.enterprises[0].control.apply(event, AT, None);
        }

        fn violated(&self) -> Vec<Invariant> {
            let mut violations = check_ledgers(&self.ledgers);
            violations.extend(check_enterprises(&self.ledgers, &self.enterprises));
            violations.into_iter().map(|violation| violation.invariant).collect()
        }
    }

    fn check(expect: &[Invariant], change: impl FnOnce(&mut State)) {
        let mut state = State::new();
        change(&mut state);
        assert_eq!(state.violated(), expect);
    }

    #[test]
    fn every_way_to_leave_and_return_credit_is_in_order() {
        check(&[], |_| {});
        let returned = |state: &mut State| {
            state.account(
                A,
                &AccountEvent::CreditReturned {
                    enterprise: E,
                    amount: units(40),
                    limit_after: units(0),
                    moves_to: None,
                    remembered: None,
                    posted: posted(2),
                },
            );
        };
        check(&[], returned);
        // Who has left may get a limit of the provider before the enterprise knows.
        check(&[], |state| {
            state.enterprises[0].control.members.insert(A, Member { active: true, ..Member::default() });
            state.enterprises[0].control.outbox.acknowledge(2);
            state.account(A, &AccountEvent::EnterpriseLeft { enterprise: E, posted: posted(2) });
        });
        // Lowering the total is accepted.
        check(&[], |state| {
            state.control(&CreditEvent::TotalCreditSet { public_cloud: units(1), hybrid_cloud: units(0) });
        });
    }

    #[test]
    fn every_breach_is_found() {
        check(&[Invariant::LimitsEqualAssigned], |state| {
            state.enterprises[0].control.outbox.acknowledge(2);
        });
        check(&[Invariant::LimitsEqualAssigned], |state| {
            state.account(A, &AccountEvent::CreditLimitGranted { before: units(40), after: units(41) });
        });
        check(&[Invariant::AllocatedWithinTotal], |state| {
            state.enterprises[0].control.public_cloud = units(49);
        });
        check(&[Invariant::MembersAgree], |state| {
            state.account(B, &AccountEvent::EnterpriseJoined { enterprise: E, posted: posted(1) });
        });
        check(&[Invariant::MembersAgree], |state| {
            let member = Member { active: true, ..Member::default() };
            state.enterprises[0].control.members.insert(B, member);
        });
        check(&[Invariant::MembersAgree], |state| {
            state.enterprises[0].control.members.insert(AccountIndex(9), Member::default());
        });
        check(&[Invariant::NothingReceivedUnsent], |state| {
            state.account_mut(B).rare_mut().inbox.receive(Party::Account(A), 2);
        });
        check(&[Invariant::NothingReceivedUnsent], |state| {
            state.enterprises[0].control.inbox.receive(Party::Account(B), 1);
        });
        check(&[Invariant::TransferBookEqualsPairs], |state| {
            let book = &mut state.account_mut(A).rare_mut().transfer_book;
            book.receive(B, units(5));
            book.revoke(B, units(6));
        });
    }

    #[test]
    fn what_was_captured_from_holds_is_owed() {
        // rule B5
        let hold = Box::from("h");
        let cycle = Cycle::from_index(1);
        let captured = |state: &mut State| {
            let (amount, expires_at) = (units(5), Timestamp::from_micros(9));
            state.account(A, &AccountEvent::HoldPlaced { hold: Box::from("h"), amount, expires_at });
            state.account(A, &AccountEvent::HoldCaptured { hold, amount: units(3), cycle });
            let rare = state.account_mut(A).rare().cloned().unwrap_or_default();
            assert_eq!(rare.holds.hold("h").map(|hold| hold.state), Some(HoldState::Captured(units(3))));
        };
        check(&[], captured.clone());
        check(&[Invariant::UnsettledEqualsSums], |state| {
            captured(state);
            state.account_mut(A).rare_mut().captured.clear();
        });
    }
}
