//! Alerts, overdue and suspension: one table line an event (rules H1–H4, J5).
#![allow(missing_docs, clippy::unwrap_used)]

mod accounts;
mod alerts;
#[path = "../billing/mod.rs"]
mod billing;
mod due;
mod suspension;

use exchequer::domain::account_command::AccountCommand;
use exchequer::domain::billing::coupon::CouponTerms;
use exchequer::domain::charge::Category;
use exchequer::domain::postings::Postings;
use exchequer::domain::profile::{AccountType, Opening};
use exchequer::domain::standing::{AlertState, SuspensionBenefit};

use billing::{Bench, cycle, grant, instant, limit, money, purchase, refund, tax, terms, top_up, usual};

fn ecosystem() -> Opening {
    Opening { kind: AccountType::Ecosystem, ..usual() }
}

fn benefit(hours: &str, amount: &str) -> AccountCommand {
    let given = |text: &str| Some(text.to_owned()).filter(|text| text != "-");
    let grace_micros = given(hours).map(|hours| hours.parse::<i64>().unwrap() * 3_600 * 1_000_000);
    let benefit = SuspensionBenefit { grace_micros, grace_amount: given(amount).map(|text| money(&text)) };
    AccountCommand::SetSuspensionBenefit { benefit: Some(benefit) }
}

/// A coupon for all bills, and for charges of its time, which begins with July.
fn july(nominal: &str) -> AccountCommand {
    let (starts_at, ends_at) = (instant("2026-07-01"), instant("2027-01-01"));
    grant(CouponTerms { starts_at, ends_at, ..terms("july", nominal) })
}

fn command(words: &[&str]) -> AccountCommand {
    let alert = |enabled, threshold: Option<&str>| AccountCommand::SetLowBalanceAlert {
        enabled,
        threshold: threshold.map(money),
    };
    match *words {
        ["top_up", amount] => top_up(amount),
        ["adjust", amount] => AccountCommand::AdjustCash { amount: money(amount), reason: "x".into() },
        ["withdraw", amount] => AccountCommand::WithdrawCash { amount: money(amount) },
        ["limit", amount] => limit(amount),
        ["quota", amount] => AccountCommand::SetQuota { amount: money(amount) },
        ["repay", amount] => AccountCommand::RepayQuota { amount: money(amount) },
        ["purchase", order, amount] => purchase(order, amount),
        ["refund", order, amount] => refund(order, "r", amount),
        ["hold", amount] => AccountCommand::PlaceHold {
            hold: "h".into(),
            amount: money(amount),
            expires_at: instant("2026-05-20"),
        },
        ["capture"] => AccountCommand::CaptureHold { hold: "h".into(), amount: None },
        ["coupon", amount] => grant(terms("all", amount)),
        ["july", amount] => july(amount),
        ["tax", rate] => tax(rate),
        ["freeze"] => AccountCommand::Freeze,
        ["cancel"] => AccountCommand::Cancel,
        ["alert", "on"] => alert(true, None),
        ["alert", "off"] => alert(false, None),
        ["alert", "off", threshold] => alert(false, Some(threshold)),
        ["alert", threshold] => alert(true, Some(threshold)),
        ["benefit", "none"] => AccountCommand::SetSuspensionBenefit { benefit: None },
        ["benefit", hours, amount] => benefit(hours, amount),
        _ => panic!("{words:?}"),
    }
}

/// Posts a charge as it was before these rules: nobody looks at the standing.
fn post_as_ever(bench: &mut Bench, amount: &str) {
    let amount = money(amount);
    let cycle = cycle("2026-05");
    let (account, paid) = (&mut bench.ledger.accounts[0], &mut bench.ledger.payments[0].paid);
    account.apply_charge(paid, amount, cycle, Category::Usage);
    let mut postings = Postings::default();
    postings.charge(Category::Usage, amount);
    bench.book(&postings);
    bench.check();
}

/// What is done, and its code if it is refused or changes nothing.
fn act(bench: &mut Bench, action: &str) -> Option<String> {
    let words: Vec<_> = action.split_whitespace().collect();
    let posted = |told: String| Some(told).filter(|told| !told.starts_with("20"));
    match words[..] {
        ["wait"] => {
            bench.settle_due();
            None
        }
        ["charge", amount] => {
            let now = bench.now;
            posted(bench.post(money(amount), now, Category::Usage, "compute"))
        }
        ["late", amount, day] => {
            let start = instant(&format!("2026-{day}"));
            posted(bench.post(money(amount), start, Category::Usage, "compute"))
        }
        ["as_ever", amount] => {
            post_as_ever(bench, amount);
            None
        }
        ["receive", amount] => {
            bench.settle_due();
            bench.receive(amount);
            None
        }
        ["issue", month] => {
            bench.issues(month);
            None
        }
        _ => Some(bench.told(&command(&words)).to_owned()).filter(|told| told != "ok"),
    }
}

/// How an account stands, in words.
fn stands(bench: &Bench) -> String {
    let account = bench.account();
    let alert = account.watch().map(|watch| watch.alert).unwrap_or_default();
    let mut words = match alert {
        AlertState::Firing { sent, .. } => format!("firing {sent}"),
        alert => alert.name().to_owned(),
    };
    for (holds, word) in [(account.overdue(), " overdue"), (account.suspended(), " suspended")] {
        if holds {
            words += word;
        }
    }
    let view = account.view();
    assert_eq!((view.alert, view.suspended), (alert, account.suspended()));
    words
}

/// Lines of time in 2026 (that of the line above if none), what is done, what is told because of it (with the available
/// credit, and the time where that is another), and how the account stands then.
fn check(opening: Opening, table: &str) {
    let mut bench = Bench::of(opening);
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let columns: Vec<_> = line.split('|').map(str::trim).collect();
        let [time, action, told, state] = columns[..] else { panic!("{line}") };
        if !time.is_empty() {
            bench.now = instant(&format!("2026-{time}"));
        }
        let refused = act(&mut bench, action);
        let changes = std::mem::take(&mut bench.changes);
        let told_now = changes.iter().map(|(at, change)| {
            let names = change.changes.names().collect::<Vec<_>>().join("+");
            let late = if *at == bench.now { String::new() } else { format!(" at {at}") };
            format!("{names} {}{late}", change.available_credit)
        });
        let told_now = told_now.chain(refused).collect::<Vec<_>>().join(", ");
        assert_eq!((told_now.as_str(), stands(&bench).as_str()), (told, state), "{line}");
        let threshold = bench.account().watch().map(|watch| watch.threshold).unwrap_or_default();
        assert!(changes.iter().all(|(_, change)| change.threshold == threshold));
        bench.check();
    }
}
