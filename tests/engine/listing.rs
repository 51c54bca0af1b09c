//! The unified list: what is filtered is what a scan would find, pages stay right, and no page is ahead of the disk
//! (rule A8).

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use exchequer::domain::account::Status;
use exchequer::domain::ids::Currency;
use exchequer::domain::profile::AccountType;
use exchequer::domain::standing::AlertState;
use exchequer::engine::listing::{AccountFilter, AlertFilter};
use exchequer::engine::queries::AccountOverview;
use exchequer::engine::{AccountSettings, Command, Engine, EngineError, OnError, Request};
use exchequer::wal::SimStorage;

use crate::random::Chance;
use crate::rig::{Sent, amount, batch, cents, config};
use crate::valve::Valve;

const DAY: &str = "2026-01-10T00:00:00Z";

/// More than there are partitions, so that a shard has several slots of each.
const ACCOUNTS: u64 = 600;

fn id(number: u64) -> String {
    format!("account {number}")
}

fn run(engine: &Engine, command: Command) -> bool {
    match engine.execute(&Request::new(command)) {
        Ok(_) => true,
        Err(EngineError::Refused { .. }) => false,
        Err(error) => panic!("{error}"),
    }
}

fn open(engine: &Engine) {
    for number in 0..ACCOUNTS {
        let kind = if number.is_multiple_of(7) { AccountType::Ecosystem } else { AccountType::Direct };
        let settings = AccountSettings {
            kind: Some(kind),
            owner: Some("ACME".to_owned()),
            ..AccountSettings::default()
        };
        // Who pays for nothing can be canceled.
        let opening = if number.is_multiple_of(11) && number > 0 {
            Command::OpenBillingAccount { billing_account: id(number), settings }
        } else {
            Command::RegisterCloudAccount { cloud_account: id(number), settings }
        };
        assert!(run(engine, opening));
    }
    for (ecid, management_account) in [("e", id(0)), ("f", id(1))] {
        let (ecid, owner) = (ecid.to_owned(), "ACME".to_owned());
        let opening =
            Command::OpenEnterprise { ecid: ecid.clone(), owner, management_account, currency: None };
        assert!(run(engine, opening));
        assert!(run(engine, Command::EnableAccountCenter { ecid }));
    }
}

/// Whatever changes the facts that accounts are listed by.
fn change(engine: &Engine, chance: &mut Chance, step: u64) {
    let account = id(chance.below(ACCOUNTS));
    let own = || account.clone();
    let ecid = || if step.is_multiple_of(3) { "e".to_owned() } else { "f".to_owned() };
    match chance.below(12) {
        0..=3 => {
            let cents = chance.below(4_000) as i64 - 1_000;
            let charges: Vec<_> = (0..chance.below(4))
                .map(|n| Sent::new(&account, format!("{step}-{n}"), cents, DAY))
                .collect();
            let on_error = if chance.one_in(3) { OnError::Atomic } else { OnError::Continue };
            engine.post(&batch(&charges), on_error).unwrap();
        }
        4 => {
            run(engine, Command::top_up(account, amount(chance.below(9_000) as i64)));
        }
        5 => {
            run(engine, Command::FreezeBillingAccount { billing_account: account });
        }
        6 => {
            run(engine, Command::ThawBillingAccount { billing_account: account });
        }
        7 => {
            run(engine, Command::CancelBillingAccount { billing_account: account });
        }
        8 | 9 => {
            let others = (0..3).map(|_| id(chance.below(ACCOUNTS)));
            let billing_accounts = others.chain([account]).collect();
            let threshold = Some(amount(chance.below(5_000) as i64 + 1));
            let enabled = !chance.one_in(4);
            {
                run(engine, Command::SetLowBalanceAlert { billing_accounts, enabled, threshold });
            }
        }
        10 => {
            if run(engine, Command::InviteAccount { ecid: ecid(), billing_account: own() }) {
                {
                    run(engine, Command::AcceptInvitation { ecid: ecid(), billing_account: own() });
                }
            }
        }
        _ => {
            run(engine, Command::EndAssociation { ecid: ecid(), billing_account: own() });
        }
    }
}

/// All pages of a list, so many accounts each.
fn listed(engine: &Engine, filter: &AccountFilter, limit: usize) -> Vec<AccountOverview> {
    let (mut items, mut from) = (Vec::new(), Some(0));
    while let Some(first) = from {
        let page = engine.list_accounts(filter, first, limit).unwrap();
        assert!(page.items.len() == limit || page.next.is_none(), "a page that is not full is the last one");
        assert!(page.next.is_none_or(|next| next > first));
        items.extend(page.items);
        from = page.next;
    }
    items
}

/// Whether a scan would list it.
fn lists(filter: &AccountFilter, account: &AccountOverview) -> bool {
    let alert = |filter| match filter {
        AlertFilter::Enabled => account.alert != AlertState::Off,
        state => account.alert.name() == state.name(),
    };
    filter.ecid.as_ref().is_none_or(|ecid| account.ecid.as_ref() == Some(ecid))
        && (!filter.with_costs_only || account.charges > 0)
        && filter.status.is_none_or(|status| account.status == status)
        && filter.kind.is_none_or(|kind| account.kind == kind)
        && filter.overdue.is_none_or(|overdue| account.overdue == overdue)
        && filter.suspended.is_none_or(|suspended| account.suspended == suspended)
        && filter.alert.is_none_or(alert)
}

fn any_filter(chance: &mut Chance) -> AccountFilter {
    let statuses = [Status::Valid, Status::Frozen, Status::Canceled];
    let mut some = |one_in| chance.one_in(one_in);
    let (ecid, costs, status, kind, overdue, suspended, alert) =
        (some(5), some(3), some(3), some(4), some(3), some(4), some(2));
    AccountFilter {
        ecid: ecid.then(|| chance.pick(&["e", "f"]).to_string()),
        with_costs_only: costs,
        status: status.then(|| *chance.pick(&statuses)),
        kind: kind.then(|| *chance.pick(&[AccountType::Direct, AccountType::Ecosystem])),
        overdue: overdue.then(|| chance.one_in(2)),
        suspended: suspended.then(|| chance.one_in(2)),
        alert: alert.then(|| *chance.pick(&AlertFilter::ALL)),
    }
}

fn check(engine: &Engine, chance: &mut Chance, seed: u64) {
    let all = listed(engine, &AccountFilter::default(), 250);
    let numbers: Vec<_> = all.iter().map(|account| account.number.parse::<u64>().unwrap()).collect();
    assert_eq!(numbers, (1..=ACCOUNTS).collect::<Vec<_>>());
    for _ in 0..60 {
        let filter = any_filter(chance);
        let limit = usize::try_from(chance.below(40)).unwrap() + 1;
        let scanned: Vec<_> = all.iter().filter(|account| lists(&filter, account)).cloned().collect();
        assert_eq!(listed(engine, &filter, limit), scanned, "seed {seed}: {filter:?}, {limit} a page");
        let mut streamed = Vec::new();
        let flow = engine.each_account::<()>(&filter, &mut |account| {
            streamed.push(account.clone());
            std::ops::ControlFlow::Continue(())
        });
        assert!(flow.unwrap().is_continue());
        assert_eq!(streamed, scanned, "seed {seed}: {filter:?}, streamed");
    }
}

#[test]
fn every_filter_lists_what_a_scan_finds() {
    for seed in 0..3 {
        let mut chance = Chance(seed);
        let storage = SimStorage::new(seed);
        let mut engine = Engine::open(config(storage.clone(), 2)).unwrap();
        open(&engine);
        for round in 0..4 {
            for step in 0..300 {
                change(&engine, &mut chance, round * 1_000 + step);
            }
            check(&engine, &mut chance, seed);
            if round == 1 {
                engine.snapshot().unwrap();
            }
            engine.close().unwrap();
            engine = Engine::open(config(storage.clone(), 1 + usize::try_from(round).unwrap())).unwrap();
            check(&engine, &mut chance, seed);
        }
        // The changes have led to every fact.
        for alert in AlertFilter::ALL {
            let filter = AccountFilter { alert: Some(alert), ..AccountFilter::default() };
            assert!(!listed(&engine, &filter, 100).is_empty(), "seed {seed}: {alert}");
        }
        for status in [Status::Valid, Status::Frozen, Status::Canceled] {
            let filter = AccountFilter { status: Some(status), ..AccountFilter::default() };
            assert!(!listed(&engine, &filter, 100).is_empty(), "seed {seed}: {status}");
        }
        engine.close().unwrap();
    }
}

#[test]
fn pages_stay_right_while_accounts_are_opened() {
    let engine = Engine::open(config(SimStorage::new(0), 3)).unwrap();
    let pair = |number: u64| (id(number), id(number), Currency::USD);
    std::thread::scope(|scope| {
        let opening = scope.spawn(|| {
            for number in 0..400 {
                assert_eq!(engine.open_accounts(&[pair(number)]).unwrap(), [Ok(())]);
                // What is opened is listed from then on.
                let from = u32::try_from(number).unwrap();
                let page = engine.list_accounts(&AccountFilter::default(), from, 10).unwrap();
                assert_eq!((page.items[0].billing_account.clone(), page.next), (id(number), None));
            }
        });
        while !opening.is_finished() {
            let before = engine.account_count();
            let all = listed(&engine, &AccountFilter::default(), 7);
            let ids: Vec<_> = all.into_iter().map(|account| account.billing_account).collect();
            assert_eq!(ids, (0..ids.len() as u64).map(id).collect::<Vec<_>>());
            assert!(ids.len() as u64 >= before);
            let none = AccountFilter { with_costs_only: true, ..AccountFilter::default() };
            assert!(listed(&engine, &none, 7).is_empty());
        }
        opening.join().unwrap();
    });
    engine.close().unwrap();
}

#[test]
fn a_page_is_never_ahead_of_the_disk() {
    for filter in
        [AccountFilter::default(), AccountFilter { with_costs_only: true, ..AccountFilter::default() }]
    {
        for fails in [false, true] {
            let valve = Valve::new();
            let engine = Engine::open(config(valve.clone(), 2)).unwrap();
            assert!(run(&engine, Command::register_cloud_account("a")));
            assert!(run(&engine, Command::register_cloud_account("b")));
            let _held = valve.close();
            let charges = batch(&[Sent::new("a", "1", 5, DAY)]);
            let pending = engine.submit(&charges).unwrap();
            drop(engine.account("a").unwrap()); // its shard has posted it
            valve.wait_until_held();
            let asking = engine.clone();
            let mut page = pin!(asking.list_accounts_async(&filter, 0, 10));
            let mut polled = || page.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::new(Nobody))));
            assert!(polled().is_pending());
            drop(engine.account("a").unwrap()); // its shard has answered
            drop(engine.account("b").unwrap());
            assert!(polled().is_pending(), "{filter:?}");
            if fails {
                valve.fail();
                assert!(matches!(pollster::block_on(page), Err(EngineError::Stopped(_))));
                assert!(matches!(pending.wait(&charges), Err(EngineError::Stopped(_))));
                assert!(engine.close().is_err());
                continue;
            }
            valve.open();
            let page = match polled() {
                Poll::Ready(page) => page,
                Poll::Pending => pollster::block_on(page),
            };
            assert_eq!(page.unwrap().items[0].unsettled_current, cents(5));
            pending.wait(&charges).unwrap();
            engine.close().unwrap();
        }
    }
}

struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}
