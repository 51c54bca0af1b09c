//! One account with what it pays for, asked as its actor asks it: what is due first, and a write-off after every event, and
//! then how its standing has changed.
#![allow(dead_code)] // every test uses a part of it

use std::collections::BTreeMap;

use exchequer::domain::account::{Account, CycleSums, Surroundings};
use exchequer::domain::account_command::{AccountCommand, PayWith};
use exchequer::domain::account_event::AccountEvent;
use exchequer::domain::billing::asset::{Asset, AssetKind, Portion};
use exchequer::domain::billing::bill::Bill;
use exchequer::domain::billing::coupon::{CouponKind, CouponTerms};
use exchequer::domain::billing::rate::{ExchangeRates, Rate};
use exchequer::domain::billing::settlement::SettlementEnd;
use exchequer::domain::charge::Category;
use exchequer::domain::directory::Admission;
use exchequer::domain::ids::{AccountIndex, CloudIndex, Currency};
use exchequer::domain::invariants::{check_ledger, check_write_offs};
use exchequer::domain::ledger::Ledger;
use exchequer::domain::money::{Money, RunningSum};
use exchequer::domain::postings::{LedgerAccount, Postings};
use exchequer::domain::profile::{AccountType, Opening, Profile};
use exchequer::domain::refusals::Refusal;
use exchequer::domain::standing::{ChargeStanding, StandingChange};
use exchequer::domain::time::{Cycle, Timestamp, UtcOffset};

pub fn money(text: &str) -> Money {
    Money::parse(text).unwrap()
}

pub fn cycle(text: &str) -> Cycle {
    Cycle::parse(text).unwrap()
}

pub fn instant(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap_or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z")).unwrap())
}

pub fn currency(text: &str) -> Currency {
    Currency::parse(text).unwrap()
}

/// A direct account in US dollars, opened with May.
pub fn usual() -> Opening {
    let (kind, offset, profile) = (AccountType::Direct, UtcOffset::default(), Profile::default());
    Opening { kind, currency: Currency::USD, offset, at: instant("2026-05-01"), profile }
}

#[derive(Clone)]
pub struct Bench {
    pub ledger: Ledger,
    pub rates: ExchangeRates,
    pub now: Timestamp,
    /// How the account's standing changed, and when.
    pub changes: Vec<(Timestamp, StandingChange)>,
    orders: usize,
    books: BTreeMap<LedgerAccount, RunningSum>,
}

impl Bench {
    pub fn new() -> Self {
        Self::of(usual())
    }

    pub fn of(opening: Opening) -> Self {
        let now = opening.at;
        let mut ledger = Ledger::new(0, 1);
        ledger.admit(&Admission::Account { account: AccountIndex(0), opening: Box::new(opening) });
        ledger.admit(&Admission::Payment { account: AccountIndex(0), cloud: CloudIndex(0) });
        Self {
            ledger,
            rates: ExchangeRates::default(),
            now,
            changes: Vec::new(),
            orders: 0,
            books: BTreeMap::new(),
        }
    }

    pub fn account(&self) -> &Account {
        &self.ledger.accounts[0]
    }

    /// Lets time go on, and has everything decided that is due.
    pub fn at(&mut self, time: &str) -> &mut Self {
        self.now = instant(time);
        self.settle_due();
        self
    }

    pub fn settle_due(&mut self) {
        let now = self.now.max(self.account().at());
        while let Some((event, due)) = self.account().due(now) {
            assert_eq!(self.account().next_due(), Some(due));
            self.record(&event, due);
        }
        assert!(self.account().next_due().is_none_or(|due| due > now));
    }

    /// Has reminders and ends of grace decided that are due: what comes before a charge that may change the standing.
    fn settle_standing_due(&mut self) {
        let now = self.now.max(self.account().at());
        while let Some((event, due)) = self.account().standing_due(now) {
            self.record(&event, due);
        }
    }

    /// Applies an event, the write-off that follows, and what both change of the account's standing.
    pub fn record(&mut self, event: &AccountEvent, at: Timestamp) {
        let at = at.max(self.account().at());
        let account = &mut self.ledger.accounts[0];
        let (before, available) = (account.cash(), account.available_credit());
        account.apply(event, at);
        if let AccountEvent::StandingChanged { change } = event {
            self.changes.push((at, *change));
        }
        let moved = account.cash().checked_sub(before).unwrap();
        assert_eq!(event.cash_moved().total(), Some(moved), "{event:?}");
        if let Some(written_off) = account.decide_write_off(at) {
            account.apply(&written_off, at);
            self.book(&Postings::of_event(&written_off, self.account().kind()));
        }
        if let Some(change) = self.account().decide_standing(available, at) {
            self.ledger.accounts[0].apply(&AccountEvent::StandingChanged { change }, at);
            self.changes.push((at, change));
        }
        self.book(&Postings::of_event(event, self.account().kind()));
        self.check();
    }

    pub fn book(&mut self, postings: &Postings) {
        for (account, amount) in postings.iter() {
            let balance = self.books.entry(account).or_default();
            *balance = balance.plus(amount);
        }
    }

    /// The books balance, and each figure of the account is the balance of one ledger account (rule J3).
    fn check_books(&self) {
        let nothing = RunningSum::default();
        assert_eq!(self.books.values().fold(nothing, |sum, balance| sum.with(*balance)), nothing);
        let account = self.account();
        let (book, owes) = (account.transfer_book(), |money| nothing.minus(money));
        for (ledger_account, figure) in [
            (LedgerAccount::Current, nothing.plus(account.unsettled_current())),
            (LedgerAccount::Previous, nothing.plus(account.unsettled_previous())),
            (LedgerAccount::QuotaConsumed, nothing.plus(account.quota_consumed())),
            (LedgerAccount::OwnCash, owes(account.cash()).plus(book)),
            (LedgerAccount::TransferBook, owes(book)),
            (LedgerAccount::CreditRefund, owes(account.credit_refund())),
        ] {
            let balance = self.books.get(&ledger_account).copied().unwrap_or_default();
            assert_eq!(balance, figure, "{ledger_account:?}");
        }
    }

    pub fn check(&self) {
        self.check_books();
        assert_eq!(check_ledger(&self.ledger), []);
        assert_eq!(check_write_offs(std::slice::from_ref(&self.ledger)), []);
        let again = Account::from_parts(AccountIndex(0), self.account().to_parts());
        assert_eq!(again.as_ref(), Some(self.account()));
    }

    /// Whether a command did something, or why not.
    pub fn run(&mut self, command: &AccountCommand) -> Result<bool, Refusal> {
        self.settle_due();
        let at = self.now.max(self.account().at());
        let event = self.account().decide(command, at, Surroundings::default())?;
        if let Some(event) = &event {
            self.record(event, at);
        }
        Ok(event.is_some())
    }

    /// What a command came to: `ok`, `again`, or the code of the refusal.
    pub fn told(&mut self, command: &AccountCommand) -> &'static str {
        match self.run(command) {
            Ok(true) => "ok",
            Ok(false) => "again",
            Err(refusal) => refusal.code(),
        }
    }

    /// Does what can't be refused.
    pub fn does(&mut self, command: &AccountCommand) -> &mut Self {
        assert_eq!(self.told(command), "ok", "{command:?}");
        self
    }

    /// Posts a charge: the cycle that it is posted to, or the code of the refusal.
    pub fn post(&mut self, amount: Money, start: Timestamp, category: Category, service: &str) -> String {
        let closer = self.account().looks_closer(amount);
        if closer {
            self.settle_standing_due();
        }
        let (at, available) = (self.now.max(self.account().at()), self.account().available_credit());
        let (account, paid) = (&mut self.ledger.accounts[0], &mut self.ledger.payments[0].paid);
        let currency = account.currency();
        match account.decide_charge(paid, amount, currency, start, None, category, &mut None) {
            Ok(place) => {
                account.apply_charge(paid, amount, place.cycle, category);
                let mut parts = Vec::new();
                account.decide_deductions(amount, start, category, service, &mut parts);
                account.apply_deductions(place.cycle, parts.iter().copied());
                // What time alone changes is told in its own time.
                let decided = account.decide_standing(available, if closer { at } else { account.at() });
                if let Some(change) = decided {
                    assert!(closer, "nobody would have looked at {change:?}");
                    account.apply_standing_of_charge(&ChargeStanding { change, at });
                    self.changes.push((at, change));
                }
                let mut postings = Postings::default();
                postings.charge(category, amount);
                for part in parts {
                    postings.deduction(part);
                }
                self.book(&postings);
                self.check();
                place.cycle.to_string()
            }
            Err(refusal) => refusal.code().to_owned(),
        }
    }

    pub fn usage(&mut self, amount: &str, start: &str) -> &mut Self {
        self.post(money(amount), instant(start), Category::Usage, "compute");
        self
    }

    pub fn issue(&mut self, cycle: Cycle) -> Result<(), Refusal> {
        self.settle_due();
        let mut sums = CycleSums::default();
        sums.add(&self.ledger.payments[0].paid, cycle);
        let at = self.now.max(self.account().at());
        let event = self.account().decide_issue(cycle, sums, &self.rates, at)?;
        self.record(&event, at);
        Ok(())
    }

    pub fn issues(&mut self, text: &str) -> &mut Self {
        assert_eq!(self.issue(cycle(text)), Ok(()), "{text}");
        self
    }

    pub fn bill(&self, text: &str) -> &Bill {
        self.account().billing().bills.of(cycle(text)).unwrap()
    }

    /// A bill of that much, of a cycle from 2026-05 on, issued on the 3rd of the next month.
    pub fn billed(&mut self, text: &str, amount: &str) -> &mut Self {
        self.usage(amount, &format!("{text}-02"));
        self.at(&format!("{}-03", cycle(text).next())).issues(text)
    }

    /// Buys on credit for that much and has it refunded at once.
    pub fn refunded_credit(&mut self, amount: &str) -> &mut Self {
        self.orders += 1;
        let order = format!("order {}", self.orders);
        self.does(&purchase(&order, amount)).does(&refund(&order, "r", amount))
    }

    /// What is outstanding of each bill.
    pub fn outstanding(&self) -> String {
        let bills = self.account().billing().bills.iter();
        bills.map(|bill| bill.outstanding().to_string()).collect::<Vec<_>>().join(" ")
    }

    /// What has paid each bill.
    pub fn paid(&self) -> String {
        let bills = self.account().billing().bills.iter();
        bills.map(|bill| parts(&bill.payments)).collect::<Vec<_>>().join("; ")
    }

    /// What is left in coupons.
    pub fn coupons(&self) -> String {
        let coupons = self.account().billing().coupons.iter();
        coupons.map(|coupon| coupon.balance.to_string()).collect::<Vec<_>>().join(" ")
    }

    /// Cash that another account has transferred.
    pub fn receive(&mut self, amount: &str) -> &mut Self {
        let number = self.account().rare().map_or(0, |rare| {
            rare.inbox.newest(exchequer::domain::crossing::Party::Account(AccountIndex(9)))
        });
        let amount = money(amount);
        let cash_after = self.account().cash().checked_add(amount).unwrap();
        let (from, number, at) = (AccountIndex(9), number + 1, self.now.max(self.account().at()));
        self.record(&AccountEvent::TransferReceived { from, number, amount, cash_after }, at);
        self
    }
}

/// Portions, as `coupon 0: 5, cash: 3`.
pub fn parts(parts: &[Portion]) -> String {
    let name = |asset| match asset {
        Asset::Coupon(number) => format!("coupon {number}"),
        Asset::CreditRefund(month) => format!("refund {month}"),
        Asset::TransferBook => "book".to_owned(),
        Asset::Cash => "cash".to_owned(),
        Asset::Quota => "quota".to_owned(),
        Asset::Credit => "credit".to_owned(),
    };
    let parts = parts.iter().map(|part| format!("{}: {}", name(part.asset), part.amount));
    parts.collect::<Vec<_>>().join(", ")
}

pub fn top_up(amount: &str) -> AccountCommand {
    AccountCommand::TopUp { amount: money(amount), reference: None }
}

pub fn limit(amount: &str) -> AccountCommand {
    AccountCommand::GrantCreditLimit { amount: money(amount) }
}

pub fn tax(rate: &str) -> AccountCommand {
    AccountCommand::SetTaxRate { rate: Rate::parse(rate).unwrap() }
}

/// A coupon for everything, valid in May and June.
pub fn terms(id: &str, nominal: &str) -> CouponTerms {
    CouponTerms {
        id: id.into(),
        kind: CouponKind::Coupon,
        nominal: money(nominal),
        starts_at: instant("2026-05-01"),
        ends_at: instant("2026-07-01"),
        services: Box::default(),
        minimum_spend: Money::ZERO,
    }
}

pub fn grant(terms: CouponTerms) -> AccountCommand {
    AccountCommand::GrantCoupon { coupon: Box::new(terms) }
}

pub fn purchase(order: &str, amount: &str) -> AccountCommand {
    AccountCommand::Purchase { order: order.into(), amount: money(amount), cloud: None, service: None }
}

pub fn refund(order: &str, refund: &str, amount: &str) -> AccountCommand {
    AccountCommand::RefundPurchase { order: order.into(), refund: refund.into(), amount: money(amount) }
}

pub fn alert(threshold: &str) -> AccountCommand {
    AccountCommand::SetLowBalanceAlert { enabled: true, threshold: Some(money(threshold)) }
}

pub fn automatic(enabled: bool) -> AccountCommand {
    AccountCommand::SetAutomaticWriteOff { enabled }
}

pub fn previous(enabled: bool) -> AccountCommand {
    AccountCommand::SetWriteOffPreviousBills { enabled }
}

pub fn pay(text: &str, with: &[PayWith]) -> AccountCommand {
    AccountCommand::PayBill { cycle: cycle(text), with: with.to_vec() }
}

pub fn by(kind: AssetKind, amount: &str) -> PayWith {
    PayWith::Asset { kind, month: None, amount: money(amount) }
}

pub fn by_month(month: &str, amount: &str) -> PayWith {
    PayWith::Asset { kind: AssetKind::CreditRefund, month: Some(cycle(month)), amount: money(amount) }
}

pub fn by_coupon(coupon: &str, amount: &str) -> PayWith {
    PayWith::Coupon { coupon: coupon.into(), amount: money(amount) }
}

pub fn start(settlement: &str, cycles: &[&str], assets: &[AssetKind]) -> AccountCommand {
    let cycles = cycles.iter().map(|text| cycle(text)).collect();
    AccountCommand::StartUnifiedSettlement { settlement: settlement.into(), cycles, assets: assets.to_vec() }
}

pub fn end(settlement: &str, finish: bool) -> AccountCommand {
    let end = if finish { SettlementEnd::Finished } else { SettlementEnd::Closed };
    AccountCommand::EndUnifiedSettlement { settlement: settlement.into(), end }
}
