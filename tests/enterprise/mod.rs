//! One enterprise with some accounts, whose messages are carried by hand.
#![allow(dead_code)] // every test uses a part of it

use exchequer::domain::account::{Account, AccountView, Counterpart, Surroundings};
use exchequer::domain::account_command::AccountCommand;
use exchequer::domain::account_event::AccountEvent;
use exchequer::domain::charge::Category;
use exchequer::domain::credit_control::{Allocation, Charter, CreditCommand, CreditControl, CreditEvent};
use exchequer::domain::crossing::{Cargo, Outbox, Party, Received};
use exchequer::domain::ids::{AccountIndex, Currency, EnterpriseIndex};
use exchequer::domain::money::Money;
use exchequer::domain::paid_cloud_account::PaidCloudAccount;
use exchequer::domain::profile::{AccountType, Opening, Profile};
use exchequer::domain::refusals::Refusal;
use exchequer::domain::time::{Cycle, Timestamp, UtcOffset};

/// The enterprise, and another one.
pub const OURS: EnterpriseIndex = EnterpriseIndex(0);
pub const THEIRS: EnterpriseIndex = EnterpriseIndex(1);

/// The legal owner of everything here.
pub const OWNER: &str = "ACME";

pub fn units(units: i128) -> Money {
    Money::from_units(units)
}

pub fn instant(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// When everything happens that says nothing else.
pub fn now() -> Timestamp {
    instant("2026-05-20T00:00:00Z")
}

/// A new direct account.
pub fn account(number: u32) -> Account {
    let (kind, currency) = (AccountType::Direct, Currency::USD);
    let (offset, profile) = (UtcOffset::default(), Profile::default());
    Account::open(AccountIndex(number), &Opening { kind, currency, offset, at: now(), profile })
}

/// A new credit control.
pub fn control() -> CreditControl {
    let charter = Charter { owner: OWNER.into(), management_account: "root".into(), currency: Currency::USD };
    CreditControl::open(OURS, charter)
}

pub fn owe(account: &mut Account, amount: i128) {
    let (mut paid, cycle) = (PaidCloudAccount::default(), Cycle::parse("2026-05").unwrap());
    account.apply_charge(&mut paid, units(amount), cycle, Category::Usage);
}

/// Accounts of one enterprise, and its credit control.
#[derive(Clone)]
pub struct Enterprise {
    pub accounts: Vec<Account>,
    pub control: CreditControl,
}

/// What became of a command: nothing new, something, or a refusal.
pub type Outcome = Result<bool, Refusal>;

impl Enterprise {
    /// With that many members, and nothing in them.
    pub fn new(members: u32) -> Self {
        let mut all = Self { accounts: (0..members).map(account).collect(), control: control() };
        assert_eq!(all.credit(&CreditCommand::EnableAccountCenter), Ok(true));
        for member in 0..all.accounts.len() {
            assert_eq!(all.invite(member), Ok(true));
            assert_eq!(all.accept(member), Ok(true));
        }
        all.deliver();
        all
    }

    /// With a confirmed contract, and a total.
    pub fn confirmed(members: u32, total: i128) -> Self {
        let mut all = Self::new(members);
        assert_eq!(all.set_total(total), Ok(true));
        for step in
            [CreditCommand::RequestContract, CreditCommand::ApproveContract, CreditCommand::ConfirmContract]
        {
            assert_eq!(all.credit(&step), Ok(true));
        }
        all
    }

    pub fn index(&self, who: usize) -> AccountIndex {
        self.accounts[who].index
    }

    pub fn counterpart(&self, who: usize, asked_by: usize) -> Counterpart {
        self.accounts[who].counterpart(self.index(asked_by), Timestamp::MIN)
    }

    pub fn view(&self, who: usize) -> Box<AccountView> {
        Box::new(self.accounts[who].view())
    }

    pub fn around(&self, who: usize) -> Surroundings {
        let to = self.index(who);
        let comes = |cargo: &Cargo, receiver: Party| {
            receiver == Party::Account(to)
                || matches!(cargo, Cargo::CreditReturn { moves_to: Some(moves_to), .. } if *moves_to == to)
        };
        let incoming = self.in_flight().iter().any(|(receiver, received)| comes(&received.cargo, *receiver));
        Surroundings { pays: false, incoming }
    }

    /// Gives an account a command, after what is due.
    pub fn command(&mut self, who: usize, command: &AccountCommand) -> Outcome {
        let around = self.around(who);
        let account = &mut self.accounts[who];
        let at = account.at();
        while let Some((event, due)) = account.due(at) {
            account.apply(&event, due);
        }
        let event = account.decide(command, at, around)?;
        if let Some(event) = &event {
            account.apply(event, at);
            assert_eq!(account.available_credit_recomputed(), Some(account.available_credit()));
        }
        Ok(event.is_some())
    }

    /// Gives the credit control a command.
    pub fn credit(&mut self, command: &CreditCommand) -> Outcome {
        let event = self.control.decide(command)?;
        if let Some(event) = &event {
            self.control.apply(event, now(), None);
        }
        Ok(event.is_some())
    }

    pub fn invite(&mut self, who: usize) -> Outcome {
        self.credit(&CreditCommand::InviteAccount { account: self.view(who), owner: OWNER.into() })
    }

    pub fn accept(&mut self, who: usize) -> Outcome {
        self.control.decide_accept(self.index(who))?;
        self.command(who, &AccountCommand::JoinEnterprise { enterprise: OURS, same_owner: true })
    }

    pub fn leave(&mut self, who: usize) -> Outcome {
        self.control.decide_leave(self.index(who))?;
        self.command(who, &AccountCommand::LeaveEnterprise { enterprise: OURS })
    }

    pub fn top_up(&mut self, who: usize, amount: i128) -> Outcome {
        self.command(who, &AccountCommand::TopUp { amount: units(amount), reference: None })
    }

    pub fn withdraw(&mut self, who: usize, amount: i128) -> Outcome {
        self.command(who, &AccountCommand::WithdrawCash { amount: units(amount) })
    }

    pub fn transfer(&mut self, from: usize, to: usize, amount: i128) -> Outcome {
        let to = self.counterpart(to, from);
        self.command(from, &AccountCommand::TransferCash { to, amount: units(amount) })
    }

    pub fn revoke(&mut self, giver: usize, receiver: usize, amount: i128) -> Outcome {
        let giver = self.counterpart(giver, receiver);
        self.command(receiver, &AccountCommand::RevokeTransfer { giver, amount: units(amount) })
    }

    pub fn set_total(&mut self, total: i128) -> Outcome {
        let (public_cloud, hybrid_cloud) = (units(total), Money::ZERO);
        self.credit(&CreditCommand::SetTotalCredit { public_cloud, hybrid_cloud })
    }

    pub fn allocate(&mut self, who: usize, limit: i128) -> Outcome {
        self.allocate_above(who, limit, None)
    }

    /// Sets a limit: the credit control raises it, or the account gives back.
    pub fn allocate_above(&mut self, who: usize, limit: i128, least: Option<i128>) -> Outcome {
        let (account, limit, least) = (self.view(who), units(limit), least.map(units));
        match self.control.allocation(&account, limit)? {
            Allocation::Raise => self.credit(&CreditCommand::AllocateCredit {
                account,
                limit,
                min_available_credit_after: least,
            }),
            Allocation::Lower(amount) => self.command(
                who,
                &AccountCommand::ReturnCredit {
                    amount,
                    limit_after: Some(limit),
                    min_available_credit_after: least,
                    moves_to: None,
                },
            ),
        }
    }

    pub fn move_credit(&mut self, from: usize, to: usize, amount: i128) -> Outcome {
        self.control.decide_move(&self.view(from), &self.view(to), units(amount))?;
        let moves_to = Some(self.index(to));
        let (limit_after, min_available_credit_after) = (None, None);
        let amount = units(amount);
        let command =
            AccountCommand::ReturnCredit { amount, limit_after, min_available_credit_after, moves_to };
        self.command(from, &command)
    }

    /// What was sent and not received, in the order of each sender, with its receiver.
    pub fn in_flight(&self) -> Vec<(Party, Received)> {
        let of = |from: Party, outbox: &Outbox| -> Vec<_> {
            let received = |cargo: &Cargo, number| Received { from, number, cargo: cargo.clone() };
            let sent = outbox.waiting().map(|sent| (sent.to, received(&sent.cargo, sent.number)));
            sent.filter(|(to, received)| received.number > self.newest(*to, from)).collect()
        };
        let accounts = self.accounts.iter().filter_map(|account| Some((account.index, account.rare()?)));
        let mut all: Vec<_> =
            accounts.flat_map(|(index, rare)| of(Party::Account(index), &rare.outbox)).collect();
        all.extend(of(Party::CreditControl(OURS), &self.control.outbox));
        all
    }

    fn newest(&self, to: Party, from: Party) -> u64 {
        match to {
            Party::Account(index) => {
                self.accounts[index.0 as usize].rare().map_or(0, |rare| rare.inbox.newest(from))
            }
            Party::CreditControl(_) => self.control.inbox.newest(from),
        }
    }

    /// Has one message received; whether it was new.
    pub fn receive(&mut self, to: Party, received: &Received) -> bool {
        match to {
            Party::Account(index) => {
                let account = &mut self.accounts[index.0 as usize];
                let event = account.receive(received);
                event.inspect(|event| account.apply(event, now())).is_some()
            }
            Party::CreditControl(_) => {
                let event = self.control.receive(received);
                event.inspect(|(event, _)| self.control.apply(event, now(), None)).is_some()
            }
        }
    }

    /// Tells the sender that its message was received.
    pub fn acknowledge(&mut self, received: &Received) {
        match received.from {
            Party::Account(index) => {
                self.accounts[index.0 as usize].rare_mut().outbox.acknowledge(received.number);
            }
            Party::CreditControl(_) => self.control.outbox.acknowledge(received.number),
        }
    }

    /// Has everything received and acknowledged, what it leads to as well.
    pub fn deliver(&mut self) {
        while let Some((to, received)) = self.in_flight().into_iter().next() {
            assert!(self.receive(to, &received));
            assert!(!self.receive(to, &received), "a message that comes twice counts once");
            self.acknowledge(&received);
        }
    }
}

/// The refusal, if it is one.
pub fn refusal<T>(result: Result<T, Refusal>) -> Option<Refusal> {
    result.err()
}

/// A rule, and how to break it.
pub type Broken<'a, C> = (Refusal, &'a dyn Fn(&mut C));

/// Checks that a usual case is not refused, that each rule refuses when it alone is broken, and that of any two
/// broken rules the earlier one is named.
pub fn check_order<C: Clone>(usual: &C, rules: &[Broken<'_, C>], run: impl Fn(&C) -> Option<Refusal>) {
    assert_eq!(run(usual), None, "the usual case");
    assert!(rules.is_sorted_by_key(|(refusal, _)| *refusal), "the rules are listed in their order");
    for (place, (first, break_first)) in rules.iter().enumerate() {
        let mut case = usual.clone();
        break_first(&mut case);
        assert_eq!(run(&case), Some(*first), "{} alone", first.code());
        for (second, break_second) in &rules[place + 1..] {
            let mut case = usual.clone();
            break_second(&mut case);
            break_first(&mut case);
            assert_eq!(run(&case), Some(*first), "{} before {}", first.code(), second.code());
        }
    }
}

/// What the newest record of a credit control was, for tests of its events.
pub fn credit_event(control: &CreditControl, command: &CreditCommand) -> CreditEvent {
    control.decide(command).unwrap().unwrap()
}

/// The one event of a command.
pub fn account_event(account: &Account, command: &AccountCommand) -> AccountEvent {
    account.decide(command, account.at(), Surroundings::default()).unwrap().unwrap()
}
