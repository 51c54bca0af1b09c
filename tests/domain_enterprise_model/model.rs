//! What the rules say, as naively as possible.

use std::collections::{BTreeMap, BTreeSet};

use crate::{ACCOUNTS, Op};

/// A cargo, as the model sees it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Freight {
    Transfer(i128),
    Revocation(i128),
    Credit(i128),
    Return(i128, Option<usize>),
    Joined,
    Left,
}

/// Who sends or receives: an account, or the credit control as the last one.
pub const CONTROL: usize = ACCOUNTS;

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum HoldState {
    Open,
    Captured(i128),
    Closed,
}

#[derive(Clone, Default)]
pub struct AccountModel {
    pub cash: i128,
    pub limit: i128,
    pub owed: i128,
    pub withdrawn: i128,
    pub given: i128,
    pub frozen: bool,
    pub canceled: bool,
    pub member: bool,
    /// By giver.
    pub pairs: BTreeMap<usize, i128>,
    pub givers: BTreeSet<usize>,
    /// Amount, end and state by name.
    pub holds: BTreeMap<u8, (i128, i64, Option<HoldState>)>,
}

impl AccountModel {
    pub fn book(&self) -> i128 {
        self.pairs.values().sum()
    }

    pub fn available(&self) -> i128 {
        self.cash + self.limit - self.owed
    }

    pub fn held(&self) -> i128 {
        self.holds.values().filter(|hold| hold.2 == Some(HoldState::Open)).map(|hold| hold.0).sum()
    }

    fn spendable(&self) -> i128 {
        self.available() - self.held()
    }

    pub fn transferable(&self) -> i128 {
        (self.cash - self.book()).min(self.spendable()).max(0)
    }

    fn revocable(&self, giver: usize) -> i128 {
        let remaining = self.pairs.get(&giver).copied().unwrap_or(0);
        self.book().min(remaining).min(self.spendable()).max(0)
    }

    pub fn withdrawable(&self) -> i128 {
        (self.cash - self.book() - self.owed.max(0)).min(self.spendable()).max(0)
    }
}

/// What the rules say, as naively as possible.
#[derive(Clone, Default)]
pub struct Model {
    pub accounts: [AccountModel; ACCOUNTS],
    /// By sender and receiver, oldest first, with the sender's number.
    pub flying: BTreeMap<(usize, usize), Vec<(u64, Freight)>>,
    pub sent: [u64; ACCOUNTS + 1],
    /// By sender: number and receiver.
    pub unacknowledged: [Vec<(u64, usize)>; ACCOUNTS + 1],
    pub total: i128,
    pub contract: usize,
    /// Invited accounts: whether they are active, and their limits and pending limits.
    pub members: BTreeMap<usize, (bool, i128, i128)>,
    /// The sum of assigned limits that the last lowering of the total, or its raising, has left.
    pub highest: i128,
    pub days: i64,
}

type Expect = Result<bool, &'static str>;

impl Model {
    fn send(&mut self, from: usize, to: usize, freight: Freight) {
        self.sent[from] += 1;
        self.flying.entry((from, to)).or_default().push((self.sent[from], freight));
        self.unacknowledged[from].push((self.sent[from], to));
    }

    fn concerns(&self, who: usize) -> bool {
        let incoming = |(key, messages): (&(usize, usize), &Vec<(u64, Freight)>)| {
            let moves = |freight: &Freight| matches!(freight, Freight::Return(_, Some(to)) if *to == who);
            !messages.is_empty() && key.1 == who || messages.iter().any(|(_, freight)| moves(freight))
        };
        !self.unacknowledged[who].is_empty() || self.flying.iter().any(incoming)
    }

    pub fn assigned(&self) -> i128 {
        self.members.values().map(|member| member.1).sum()
    }

    fn pending(&self) -> i128 {
        self.members.values().map(|member| member.2).sum()
    }

    fn active(&self, who: usize) -> Result<(bool, i128, i128), &'static str> {
        // Both know it: neither has its message on its way.
        let member = self.members.get(&who).copied().filter(|member| member.0);
        member.filter(|_| self.accounts[who].member).ok_or("association_not_active")
    }

    /// Rules of the two accounts of a transfer or a revocation.
    fn crosses(&self, from: usize, to: usize, amount: i128) -> Result<(), &'static str> {
        let (from_account, to_account) = (&self.accounts[from], &self.accounts[to]);
        refuse(from_account.canceled || to_account.canceled, "account_canceled")?;
        refuse(from_account.frozen || to_account.frozen, "account_frozen")?;
        refuse(amount <= 0, "amount_must_be_positive")?;
        refuse(from == to, "same_account")?;
        refuse(!from_account.member || !to_account.member, "association_not_active")
    }

    pub fn run(&mut self, op: Op) -> Expect {
        match op {
            Op::TopUp(who, amount) => {
                let account = &mut self.accounts[who];
                refuse(account.canceled, "account_canceled")?;
                refuse(amount <= 0, "amount_must_be_positive")?;
                account.cash += amount;
                account.given += amount;
            }
            Op::Adjust(who, amount) => {
                let account = &mut self.accounts[who];
                refuse(account.canceled, "account_canceled")?;
                refuse(amount == 0, "amount_must_be_positive")?;
                account.cash += amount;
                account.given += amount;
            }
            Op::Charge(who, amount) => self.accounts[who].owed += amount,
            Op::Withdraw(who, amount) => {
                let account = &mut self.accounts[who];
                refuse(account.canceled, "account_canceled")?;
                refuse(account.frozen, "account_frozen")?;
                refuse(amount <= 0, "amount_must_be_positive")?;
                refuse(amount > account.withdrawable(), "exceeds_withdrawable")?;
                account.cash -= amount;
                account.withdrawn += amount;
            }
            Op::Transfer(from, to, amount) => {
                self.crosses(from, to, amount)?;
                refuse(self.accounts[from].available() < 0, "account_overdue")?;
                refuse(amount > self.accounts[from].transferable(), "exceeds_transferable")?;
                self.accounts[from].cash -= amount;
                self.send(from, to, Freight::Transfer(amount));
            }
            Op::Revoke(giver, receiver, amount) => {
                self.crosses(receiver, giver, amount)?;
                let account = &mut self.accounts[receiver];
                refuse(!account.givers.contains(&giver), "no_prior_transfer")?;
                refuse(amount > account.revocable(giver), "exceeds_revocable")?;
                account.cash -= amount;
                *account.pairs.get_mut(&giver).unwrap() -= amount;
                self.send(receiver, giver, Freight::Revocation(amount));
            }
            Op::Freeze(who) => {
                refuse(self.accounts[who].canceled, "account_canceled")?;
                refuse(self.accounts[who].frozen, "account_frozen")?;
                self.accounts[who].frozen = true;
            }
            Op::Thaw(who) => {
                refuse(self.accounts[who].canceled, "account_canceled")?;
                refuse(!self.accounts[who].frozen, "account_not_frozen")?;
                self.accounts[who].frozen = false;
            }
            Op::Cancel(who) => {
                let account = &self.accounts[who];
                refuse(account.canceled, "account_canceled")?;
                refuse(account.member, "managed_by_enterprise")?;
                refuse(self.concerns(who), "money_in_flight")?;
                refuse(account.cash != 0, "cash_not_zero")?;
                refuse(account.owed != 0, "unsettled_not_zero")?;
                let account = &mut self.accounts[who];
                (account.canceled, account.frozen) = (true, false);
            }
            op @ (Op::PlaceHold(..) | Op::CaptureHold(..) | Op::ReleaseHold(..)) => return self.run_hold(op),
            op => return self.run_enterprise(op),
        }
        Ok(true)
    }

    fn run_hold(&mut self, op: Op) -> Expect {
        let days = self.days;
        match op {
            Op::PlaceHold(who, hold, amount, end) => {
                let (account, end) = (&mut self.accounts[who], days + end);
                if let Some(known) = account.holds.get(&hold) {
                    return if (known.0, known.1) == (amount, end) {
                        Ok(false)
                    } else {
                        Err("already_exists")
                    };
                }
                refuse(account.canceled, "account_canceled")?;
                refuse(account.frozen, "account_frozen")?;
                refuse(amount <= 0, "amount_must_be_positive")?;
                refuse(amount > account.spendable(), "insufficient_spendable")?;
                refuse(end <= days, "time_out_of_range")?;
                account.holds.insert(hold, (amount, end, Some(HoldState::Open)));
            }
            Op::CaptureHold(who, hold, amount) => {
                let account = &mut self.accounts[who];
                let known = account.holds.get_mut(&hold).ok_or("not_found")?;
                let amount = amount.unwrap_or(known.0);
                if known.2 == Some(HoldState::Captured(amount)) {
                    return Ok(false);
                }
                refuse(account.canceled, "account_canceled")?;
                refuse(account.frozen, "account_frozen")?;
                refuse(amount <= 0, "amount_must_be_positive")?;
                refuse(amount > known.0, "insufficient_spendable")?;
                refuse(known.2 != Some(HoldState::Open), "hold_not_open")?;
                known.2 = Some(HoldState::Captured(amount));
                account.owed += amount;
            }
            Op::ReleaseHold(who, hold) => {
                let account = &mut self.accounts[who];
                let known = account.holds.get_mut(&hold).ok_or("not_found")?;
                if known.2.is_none() {
                    return Ok(false);
                }
                refuse(account.canceled, "account_canceled")?;
                refuse(known.2 != Some(HoldState::Open), "hold_not_open")?;
                known.2 = None;
            }
            op => unreachable!("{op:?} is no step of a hold"),
        }
        Ok(true)
    }

    fn run_enterprise(&mut self, op: Op) -> Expect {
        match op {
            Op::Invite(who) => {
                let account = &self.accounts[who];
                refuse(account.canceled, "account_canceled")?;
                refuse(account.frozen, "account_frozen")?;
                if self.members.contains_key(&who) {
                    return Ok(false);
                }
                self.members.insert(who, (false, 0, 0));
            }
            Op::Accept(who) => {
                let member = self.members.get(&who).ok_or("not_invited")?;
                refuse(member.0, "already_exists")?;
                let account = &self.accounts[who];
                refuse(account.canceled, "account_canceled")?;
                refuse(account.member, "already_exists")?;
                refuse(account.frozen, "account_frozen")?;
                refuse(account.limit != 0, "credit_allocated")?;
                self.accounts[who].member = true;
                self.send(who, CONTROL, Freight::Joined);
            }
            Op::Leave(who) => {
                let to_it = self.unacknowledged[CONTROL].iter().any(|(_, to)| *to == who);
                refuse(to_it, "money_in_flight")?;
                refuse(self.members.get(&who).is_some_and(|member| member.2 != 0), "credit_allocated")?;
                let account = &self.accounts[who];
                refuse(account.canceled, "account_canceled")?;
                refuse(!account.member, "association_not_active")?;
                refuse(self.concerns(who), "money_in_flight")?;
                refuse(account.limit != 0, "credit_allocated")?;
                refuse(account.book() != 0, "transferred_funds_unspent")?;
                self.accounts[who].member = false;
                self.send(who, CONTROL, Freight::Left);
            }
            Op::SetTotal(total) => {
                refuse(total < 0, "amount_must_be_positive")?;
                self.total = total;
                self.highest = self.assigned().max(total);
            }
            Op::Contract(step) => {
                refuse(self.contract != step, "contract_not_confirmed")?;
                if step == 2 {
                    let exceeds = self.pending() > 0 && self.pending() > self.total - self.assigned();
                    refuse(exceeds, "exceeds_unassigned_credit")?;
                    for who in 0..ACCOUNTS {
                        if let Some(member) = self.members.get_mut(&who)
                            && member.2 > 0
                        {
                            let amount = std::mem::take(&mut member.2);
                            member.1 += amount;
                            self.send(CONTROL, who, Freight::Credit(amount));
                        }
                    }
                }
                self.contract += 1;
            }
            Op::Allocate(who, limit) => return self.allocate(who, limit),
            Op::Move(from, to, amount) => {
                let (giver, taker) = (&self.accounts[from], &self.accounts[to]);
                refuse(giver.canceled || taker.canceled, "account_canceled")?;
                refuse(taker.frozen, "account_frozen")?;
                refuse(amount <= 0, "amount_must_be_positive")?;
                refuse(from == to, "same_account")?;
                self.active(from)?;
                self.active(to)?;
                refuse(self.contract < 3, "contract_not_confirmed")?;
                refuse(amount > giver.limit, "exceeds_credit_limit")?;
                self.accounts[from].limit -= amount;
                self.send(from, CONTROL, Freight::Return(amount, Some(to)));
            }
            op => unreachable!("{op:?} is no command"),
        }
        Ok(true)
    }

    fn allocate(&mut self, who: usize, limit: i128) -> Expect {
        let known = self.members.get(&who).copied().unwrap_or_default();
        let before = if self.contract < 3 { known.2 } else { known.1 };
        let account = &self.accounts[who];
        refuse(account.canceled, "account_canceled")?;
        refuse(account.frozen && limit > before, "account_frozen")?;
        refuse(limit < 0, "amount_must_be_positive")?;
        self.active(who)?;
        if limit < known.1 {
            let lower = known.1 - limit;
            refuse(account.limit - lower != limit, "money_in_flight")?;
            self.accounts[who].limit -= lower;
            self.send(who, CONTROL, Freight::Return(lower, None));
            return Ok(true);
        }
        let more = limit - before;
        let free = self.total - self.assigned() - self.pending();
        refuse(more > 0 && more > free, "exceeds_unassigned_credit")?;
        if more == 0 {
            return Ok(false);
        }
        let member = self.members.get_mut(&who).unwrap();
        if self.contract < 3 {
            member.2 = limit;
        } else {
            member.1 = limit;
            self.send(CONTROL, who, Freight::Credit(more));
        }
        Ok(true)
    }

    pub fn receive(&mut self, from: usize, to: usize, number: u64) {
        let (oldest, freight) = self.flying.get_mut(&(from, to)).unwrap().remove(0);
        assert_eq!(oldest, number, "messages come in order");
        match freight {
            Freight::Transfer(amount) => {
                self.accounts[to].cash += amount;
                *self.accounts[to].pairs.entry(from).or_default() += amount;
                self.accounts[to].givers.insert(from);
            }
            Freight::Revocation(amount) => self.accounts[to].cash += amount,
            Freight::Credit(amount) => self.accounts[to].limit += amount,
            Freight::Return(amount, moves_to) => {
                self.members.get_mut(&from).unwrap().1 -= amount;
                if let Some(to) = moves_to {
                    self.members.get_mut(&to).unwrap().1 += amount;
                    self.send(CONTROL, to, Freight::Credit(amount));
                }
            }
            Freight::Joined => self.members.get_mut(&from).unwrap().0 = true,
            Freight::Left => {
                let left = self.members.remove(&from);
                assert_eq!(left, Some((true, 0, 0)), "nobody leaves with credit");
            }
        }
    }

    /// What must hold at every instant.
    pub fn check_sums(&self) {
        let flying = |pick: fn(&Freight) -> i128| -> i128 {
            self.flying.values().flatten().map(|(_, freight)| pick(freight)).sum()
        };
        let cash = flying(|freight| match freight {
            Freight::Transfer(amount) | Freight::Revocation(amount) => *amount,
            _ => 0,
        });
        let accounts = self.accounts.iter();
        let (had, withdrawn, given) = accounts.fold((0, 0, 0), |(had, withdrawn, given), account| {
            (had + account.cash, withdrawn + account.withdrawn, given + account.given)
        });
        assert_eq!(had + cash + withdrawn, given, "cash is conserved"); // rule F5
        let credit = flying(|freight| match freight {
            Freight::Credit(amount) | Freight::Return(amount, _) => *amount,
            _ => 0,
        });
        let limits: i128 = self.accounts.iter().map(|account| account.limit).sum();
        assert_eq!(limits + credit, self.assigned(), "credit is conserved"); // rule E1
        assert!(self.assigned() <= self.highest.max(self.total), "no increase exceeds the total");
    }
}

fn refuse(broken: bool, code: &'static str) -> Result<(), &'static str> {
    if broken { Err(code) } else { Ok(()) }
}
