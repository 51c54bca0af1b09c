//! What a killed process is given to do: transfers, revocations and allocations that follow from a seed, and the naive
//! model of what they lead to.

use std::collections::BTreeMap;

use exchequer::domain::money::{Amount, Money};
use exchequer::engine::{Answer, Command, Engine, Request};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::mix;

pub const ENTERPRISES: usize = 2;
/// Of each enterprise. Neighbours live in different shards.
pub const MEMBERS: usize = 8;
pub const ACCOUNTS: usize = ENTERPRISES * MEMBERS;

/// 10⁻¹⁸ of a dollar.
const UNITS: i128 = 10_i128.pow(18);

pub fn account(number: usize) -> String {
    format!("account-{number}")
}

pub fn ecid(enterprise: usize) -> String {
    format!("ecid-{enterprise}")
}

/// Who manages an enterprise.
pub fn boss(enterprise: usize) -> String {
    format!("boss-{enterprise}")
}

pub fn amount(money: Money) -> Amount {
    money.to_string().parse().unwrap()
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Transfer,
    Revoke,
    Allocate,
    Move,
}

/// One command between accounts. A revocation takes back what `one` gave `other`.
#[derive(Debug)]
pub struct Task {
    kind: Kind,
    one: usize,
    other: usize,
    amount: Money,
    key: String,
}

impl Task {
    /// The command of that number of that run.
    pub fn new(seed: u64, run: u64, number: u64) -> Self {
        let mut chance = Pcg64Mcg::seed_from_u64(mix(seed ^ mix(run ^ mix(number))));
        let one = chance.random_range(0..ACCOUNTS);
        let step = chance.random_range(1..MEMBERS);
        // One in fifty is with a stranger, and refused.
        let other = if chance.random_ratio(1, 50) {
            (one + MEMBERS) % ACCOUNTS
        } else {
            one / MEMBERS * MEMBERS + (one + step) % MEMBERS
        };
        let (kind, units) = match chance.random_range(0..20) {
            0..10 => (Kind::Transfer, money_units(&mut chance)),
            10..15 => (Kind::Revoke, money_units(&mut chance)),
            15..18 => (Kind::Allocate, chance.random_range(1..1_500 * UNITS)),
            _ => (Kind::Move, money_units(&mut chance)),
        };
        // Odd to the last digit.
        Self { kind, one, other, amount: Money::from_units(units | 1), key: format!("{run}-{number}") }
    }

    pub fn request(&self) -> Request {
        let (one, other, amount) = (account(self.one), account(self.other), amount(self.amount));
        let enterprise = self.one / MEMBERS;
        let ecid = ecid(enterprise);
        let command = match self.kind {
            Kind::Transfer => Command::TransferCash { from: one, to: other, amount },
            Kind::Revoke => Command::RevokeTransfer { giver: one, receiver: other, amount },
            Kind::Allocate => Command::AllocateCredit {
                ecid,
                billing_account: one,
                credit_limit: amount,
                min_available_credit_after: self.other.is_multiple_of(3).then(|| "0".parse().unwrap()),
                dry_run: false,
            },
            Kind::Move => Command::MoveCredit { ecid, from: one, to: other, amount },
        };
        Request { principal: boss(enterprise), key: Some(self.key.clone()), ..Request::new(command) }
    }

    /// What it adds to which figures, if that is its answer.
    pub fn effect(&self, answer: &Answer) -> Vec<(Figure, Money)> {
        let (one, other) = (self.one, self.other);
        let amount = match answer {
            Answer::Allocation(set) => set.credit_limit_after.checked_sub(set.credit_limit_before).unwrap(),
            _ => self.amount,
        };
        let less = Money::ZERO.checked_sub(amount).unwrap();
        match self.kind {
            Kind::Transfer => vec![
                (Figure::Cash(one), less),
                (Figure::Cash(other), amount),
                (Figure::Book(other), amount),
                (Figure::Pair(one, other), amount),
            ],
            Kind::Revoke => vec![
                (Figure::Cash(one), amount),
                (Figure::Cash(other), less),
                (Figure::Book(other), less),
                (Figure::Pair(one, other), less),
            ],
            Kind::Allocate => vec![
                (Figure::Limit(one), amount),
                (Figure::Given(one), amount),
                (Figure::Assigned(one / MEMBERS), amount),
            ],
            Kind::Move => vec![
                (Figure::Limit(one), less),
                (Figure::Given(one), less),
                (Figure::Limit(other), amount),
                (Figure::Given(other), amount),
            ],
        }
    }
}

/// From a few units to a thousand dollars.
fn money_units(chance: &mut Pcg64Mcg) -> i128 {
    let digits = chance.random_range(1..=21);
    chance.random_range(1..10_i128.pow(digits))
}

/// What a ledger says about accounts and enterprises.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Figure {
    /// Of an account, its transfer book included.
    Cash(usize),
    /// An account's transfer book.
    Book(usize),
    /// What a giver can take back from a receiver, whatever was consumed.
    Pair(usize, usize),
    /// An account's credit limit, as it says itself.
    Limit(usize),
    /// The same, as the credit control says.
    Given(usize),
    /// The sum of the limits in an enterprise.
    Assigned(usize),
}

pub type Figures = BTreeMap<Figure, Money>;

impl Figure {
    pub fn all() -> impl Iterator<Item = Self> {
        let of_account = |account| {
            let member = move |step| account / MEMBERS * MEMBERS + (account + step) % MEMBERS;
            let pairs = (1..MEMBERS).map(move |step| Self::Pair(member(step), account));
            [Self::Cash(account), Self::Book(account), Self::Limit(account), Self::Given(account)]
                .into_iter()
                .chain(pairs)
        };
        (0..ACCOUNTS).flat_map(of_account).chain((0..ENTERPRISES).map(Self::Assigned))
    }

    pub fn read(self, engine: &Engine) -> Money {
        let overview = |number| engine.account_overview(&account(number)).unwrap();
        let credit = |enterprise| engine.credit_overview(&ecid(enterprise)).unwrap();
        match self {
            Self::Cash(account) => overview(account).cash_balance,
            Self::Book(account) => overview(account).transfer_book,
            Self::Limit(account) => overview(account).credit_limit,
            Self::Pair(giver, receiver) => {
                engine.revocable(&account(giver), &account(receiver)).unwrap().pair_remaining
            }
            Self::Given(number) => {
                let members = credit(number / MEMBERS).members;
                let member = members.into_iter().find(|member| member.billing_account == account(number));
                member.unwrap().credit_limit
            }
            Self::Assigned(enterprise) => credit(enterprise).assigned,
        }
    }
}

pub fn read(engine: &Engine, figures: impl Iterator<Item = Figure>) -> Figures {
    figures.map(|figure| (figure, figure.read(engine))).collect()
}

pub fn add(figures: &mut Figures, effect: &[(Figure, Money)]) {
    for (figure, amount) in effect {
        let sum = figures.get_mut(figure).unwrap();
        *sum = sum.checked_add(*amount).unwrap();
    }
}

/// The sum of the figures that `which` chooses.
pub fn sum(figures: &Figures, which: impl Fn(&Figure) -> bool) -> Money {
    let chosen = figures.iter().filter(|(figure, _)| which(figure));
    chosen.fold(Money::ZERO, |sum, (_, amount)| sum.checked_add(*amount).unwrap())
}
