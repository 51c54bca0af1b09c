//! The enterprise beside its model, with messages that come late and twice.

use std::collections::BTreeMap;

use exchequer::domain::account::{Account, Status};
use exchequer::domain::account_command::AccountCommand;
use exchequer::domain::credit_control::CreditCommand;
use exchequer::domain::crossing::{Cargo, Outbox, Party, Received};
use exchequer::domain::refusals::Refusal;
use exchequer::domain::time::Timestamp;

use crate::enterprise::{self, Enterprise, OURS, instant, owe, units};
use crate::model::{CONTROL, Freight, HoldState, Model};
use crate::{ACCOUNTS, Op};

/// The enterprise beside its model.
pub struct Bench {
    real: Enterprise,
    model: Model,
    received: Vec<(Party, Received)>,
    unacknowledged: Vec<Received>,
}

fn party(party: Party) -> usize {
    match party {
        Party::Account(account) => account.0 as usize,
        Party::CreditControl(_) => CONTROL,
    }
}

fn freight(cargo: &Cargo) -> Freight {
    match cargo {
        Cargo::Transfer { amount } => Freight::Transfer(amount.units()),
        Cargo::Revocation { amount } => Freight::Revocation(amount.units()),
        Cargo::Credit { amount } => Freight::Credit(amount.units()),
        Cargo::CreditReturn { amount, moves_to, .. } => {
            Freight::Return(amount.units(), moves_to.map(|account| account.0 as usize))
        }
        Cargo::Joined => Freight::Joined,
        Cargo::Left => Freight::Left,
    }
}

impl Bench {
    pub fn new() -> Self {
        let accounts = u32::try_from(ACCOUNTS).unwrap();
        let mut real = Enterprise::new(0);
        real.accounts = (0..accounts).map(enterprise::account).collect();
        let (received, unacknowledged) = (Vec::new(), Vec::new());
        Self { real, model: Model::default(), received, unacknowledged }
    }

    /// With four rich members, and credit to give where the contract is confirmed: or most commands were refused.
    pub fn with_members(contract_steps: usize) -> Self {
        let mut bench = Self::new();
        for who in 0..ACCOUNTS {
            for op in [Op::Invite(who), Op::Accept(who), Op::TopUp(who, 50)] {
                bench.run(op);
            }
        }
        bench.run(Op::SetTotal(100));
        for step in 0..contract_steps {
            bench.run(Op::Contract(step));
        }
        bench.settle();
        bench
    }

    fn at(days: i64) -> Timestamp {
        Timestamp::from_micros(instant("2026-05-20T00:00:00Z").micros() + days * 24 * 3_600 * 1_000_000)
    }

    pub fn run(&mut self, op: Op) {
        let real = &mut self.real;
        let outcome = match op {
            Op::TopUp(who, amount) => real.top_up(who, amount),
            Op::Adjust(who, amount) => {
                let (amount, reason) = (units(amount), "x".into());
                real.command(who, &AccountCommand::AdjustCash { amount, reason })
            }
            Op::Withdraw(who, amount) => real.withdraw(who, amount),
            Op::Charge(who, amount) => {
                owe(&mut real.accounts[who], amount);
                Ok(true)
            }
            Op::Transfer(from, to, amount) => real.transfer(from, to, amount),
            Op::Revoke(giver, receiver, amount) => real.revoke(giver, receiver, amount),
            Op::PlaceHold(who, hold, amount, end) => {
                let expires_at = Self::at(self.model.days + end);
                let hold = hold.to_string().into();
                real.command(who, &AccountCommand::PlaceHold { hold, amount: units(amount), expires_at })
            }
            Op::CaptureHold(who, hold, amount) => {
                let (hold, amount) = (hold.to_string().into(), amount.map(units));
                real.command(who, &AccountCommand::CaptureHold { hold, amount })
            }
            Op::ReleaseHold(who, hold) => {
                real.command(who, &AccountCommand::ReleaseHold { hold: hold.to_string().into() })
            }
            Op::Freeze(who) => real.command(who, &AccountCommand::Freeze),
            Op::Thaw(who) => real.command(who, &AccountCommand::Thaw),
            Op::Cancel(who) => real.command(who, &AccountCommand::Cancel),
            Op::Invite(who) => real.invite(who),
            Op::Accept(who) => real.accept(who),
            Op::Leave(who) => real.leave(who),
            Op::SetTotal(total) => real.set_total(total),
            Op::Contract(step) => real.credit(
                &[
                    CreditCommand::RequestContract,
                    CreditCommand::ApproveContract,
                    CreditCommand::ConfirmContract,
                ][step],
            ),
            Op::Allocate(who, limit) => real.allocate(who, limit),
            Op::Move(from, to, amount) => real.move_credit(from, to, amount),
            Op::Receive(which) => return self.receive(which),
            Op::ReceiveAgain(which) => return self.receive_again(which),
            Op::Acknowledge(which) => return self.acknowledge(which),
            Op::Wait(days) => return self.wait(days),
            Op::Reopen => return self.reopen(),
        };
        assert_eq!(outcome.map_err(Refusal::code), self.model.run(op), "{op:?}");
    }

    /// The oldest message of one sender to one receiver comes.
    fn receive(&mut self, which: usize) {
        let mut next: Vec<(Party, Received)> = Vec::new();
        for (to, received) in self.real.in_flight() {
            if !next.iter().any(|(other, before)| (*other, before.from) == (to, received.from)) {
                next.push((to, received));
            }
        }
        if next.is_empty() {
            return;
        }
        let (to, received) = next.swap_remove(which % next.len());
        assert!(self.real.receive(to, &received));
        self.model.receive(party(received.from), party(to), received.number);
        self.unacknowledged.push(received.clone());
        self.received.push((to, received));
    }

    fn receive_again(&mut self, which: usize) {
        if !self.received.is_empty() {
            let (to, received) = &self.received[which % self.received.len()];
            assert!(!self.real.receive(*to, received), "{received:?} counts once");
        }
    }

    fn acknowledge(&mut self, which: usize) {
        if !self.unacknowledged.is_empty() {
            let which = which % self.unacknowledged.len();
            let received = self.unacknowledged.swap_remove(which);
            self.real.acknowledge(&received);
            self.model.unacknowledged[party(received.from)].retain(|(number, _)| *number != received.number);
        }
    }

    /// Days pass for everybody: what is due is decided.
    fn wait(&mut self, days: i64) {
        self.model.days += days;
        let at = Self::at(self.model.days);
        for account in &mut self.real.accounts {
            while let Some((event, due)) = account.due(at) {
                account.apply(&event, due);
            }
            // Business time goes on with each record; any record does.
            let event =
                exchequer::domain::account_event::AccountEvent::StatusChanged { status: account.status() };
            let canceled_at = account.rare().and_then(|rare| rare.canceled_at);
            account.apply(&event, at);
            if account.status() == Status::Canceled {
                account.rare_mut().canceled_at = canceled_at;
            }
        }
        for account in &mut self.model.accounts {
            for hold in account.holds.values_mut() {
                if hold.1 <= self.model.days && hold.2 == Some(HoldState::Open) {
                    hold.2 = Some(HoldState::Closed);
                }
            }
        }
    }

    /// Takes everything apart as a snapshot does, and has what was not acknowledged sent again.
    fn reopen(&mut self) {
        for account in &mut self.real.accounts {
            let again = Account::from_parts(account.index, account.to_parts()).unwrap();
            assert_eq!(again, *account);
        }
        let newest: Vec<_> = (0..ACCOUNTS)
            .map(|who| self.real.accounts[who].rare().map(|rare| rare.inbox.clone()).unwrap_or_default())
            .chain([self.real.control.inbox.clone()])
            .collect();
        let resend = |from: Party, outbox: &mut Outbox| {
            outbox.retain_unreceived(|to, number| newest[party(to)].newest(from) >= number);
        };
        for account in &mut self.real.accounts {
            let from = Party::Account(account.index);
            resend(from, &mut account.rare_mut().outbox);
        }
        resend(Party::CreditControl(OURS), &mut self.real.control.outbox);
        for received in self.unacknowledged.drain(..) {
            self.model.unacknowledged[party(received.from)].retain(|(number, _)| *number != received.number);
        }
    }

    pub fn check(&self) {
        self.model.check_sums();
        for (account, model) in self.real.accounts.iter().zip(&self.model.accounts) {
            let found = [
                account.cash(),
                account.credit_limit(),
                account.unsettled_current(),
                account.available_credit(),
                account.transfer_book(),
                account.held(),
                account.transferable(),
                account.withdrawable(),
            ];
            let expect = [
                model.cash,
                model.limit,
                model.owed,
                model.available(),
                model.book(),
                model.held(),
                model.transferable(),
                model.withdrawable(),
            ];
            assert_eq!(found, expect.map(units), "account {}", account.index);
            assert_eq!(account.enterprise().is_some(), model.member);
            assert_eq!(account.available_credit_recomputed(), Some(account.available_credit()));
            if let Some(rare) = account.rare() {
                assert_eq!(rare.transfer_book.total_recomputed(), Some(rare.transfer_book.total()));
                assert_eq!(rare.holds.held_recomputed(), Some(rare.holds.held()));
                assert_eq!(rare.withdrawn, units(model.withdrawn));
                let pairs = rare.transfer_book.pairs();
                let pairs = pairs.map(|(giver, pair)| (giver.0 as usize, pair.remaining().units()));
                assert!(pairs.eq(model.pairs.iter().map(|(giver, left)| (*giver, *left)))); // rule F3
            }
        }
        let control = &self.real.control;
        let members: BTreeMap<_, _> = control
            .members
            .iter()
            .map(|(who, member)| {
                (who.0 as usize, (member.active, member.assigned.units(), member.pending.units()))
            })
            .collect();
        assert_eq!(members, self.model.members);
        assert_eq!(control.unassigned(), units(self.model.total - self.model.assigned()));
        assert!(control.unassigned() >= units(0) || control.total_lowered); // rule E4
        let mut flying: BTreeMap<(usize, usize), Vec<(u64, Freight)>> = BTreeMap::new();
        for (to, received) in self.real.in_flight() {
            let messages = flying.entry((party(received.from), party(to))).or_default();
            messages.push((received.number, freight(&received.cargo)));
        }
        let expect = self.model.flying.iter().filter(|(_, messages)| !messages.is_empty());
        assert!(flying.iter().eq(expect), "{flying:?} {:?}", self.model.flying);
    }

    /// Everything comes in the end.
    pub fn settle(&mut self) {
        while !self.real.in_flight().is_empty() {
            self.receive(0);
        }
        while !self.unacknowledged.is_empty() {
            self.acknowledge(0);
        }
        self.check();
        let limits = self.real.accounts.iter().map(|account| account.credit_limit().units()).sum();
        assert_eq!(self.real.control.assigned(), units(limits));
    }
}
