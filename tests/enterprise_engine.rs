//! Enterprises through the engine: what is given twice, at a wrong time, or by whom it must not be (rules E3, G2, J2, J5).
#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use exchequer::clock::Clock;
use exchequer::domain::money::Amount;
use exchequer::domain::permissions::{Permission, Permissions, Policy};
use exchequer::domain::refusals::Refusal;
use exchequer::domain::time::Timestamp;
use exchequer::engine::verify::verify;
use exchequer::engine::{AccountSettings, Answer, Command, Config, Engine, EngineError, Request};
use exchequer::wal::SimStorage;

const NOW: &str = "2026-12-01T00:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

fn config(storage: &SimStorage) -> Config {
    let mut config = Config::new("simulated");
    config.storage = Some(Arc::new(storage.clone()));
    config.shards = Some(2);
    config.snapshot_log_bytes = None;
    config.clock = Clock::Set(Arc::new(AtomicI64::new(at(NOW).micros())));
    config
}

/// A ledger with one enterprise of three members, a total of 1000 and a confirmed contract.
struct Home {
    storage: SimStorage,
    engine: Engine,
}

impl Home {
    fn new() -> Self {
        let storage = SimStorage::new(0);
        let engine = Engine::open(config(&storage)).unwrap();
        let home = Self { storage, engine };
        let ecid = || "e".to_owned();
        for id in ["root", "one", "two", "stranger"] {
            let settings = AccountSettings { owner: Some("ACME".to_owned()), ..AccountSettings::default() };
            home.run(Command::RegisterCloudAccount { cloud_account: id.to_owned(), settings });
        }
        home.run(Command::OpenEnterprise {
            ecid: ecid(),
            owner: "ACME".to_owned(),
            management_account: "root".to_owned(),
            currency: None,
        });
        home.run(Command::EnableAccountCenter { ecid: ecid() });
        for id in ["root", "one", "two"] {
            home.run(Command::InviteAccount { ecid: ecid(), billing_account: id.to_owned() });
            home.run(Command::AcceptInvitation { ecid: ecid(), billing_account: id.to_owned() });
        }
        home.run(Command::SetTotalCredit { ecid: ecid(), public_cloud: amount("1000"), hybrid_cloud: None });
        home.run(Command::RequestCreditContract { ecid: ecid() });
        home.run(Command::ApproveCreditContract { ecid: ecid() });
        home.run(Command::ConfirmCreditContract { ecid: ecid() });
        home
    }

    fn run(&self, command: Command) -> Answer {
        self.engine.execute(&Request::new(command)).unwrap()
    }

    fn keyed(&self, command: &Command, key: &str) -> Result<Answer, EngineError> {
        let key = Some(key.to_owned());
        self.engine.execute(&Request { key, ..Request::new(command.clone()) })
    }

    fn by(&self, principal: &str, command: &Command) -> Result<Answer, EngineError> {
        let principal = principal.to_owned();
        self.engine.execute(&Request { principal, ..Request::new(command.clone()) })
    }

    fn limit(&self, id: &str) -> String {
        self.engine.account_overview(id).unwrap().credit_limit.to_string()
    }

    /// Closes and verifies.
    #[track_caller]
    fn verified(self) {
        self.engine.close().unwrap();
        let report = verify(&config(&self.storage)).unwrap();
        let broken: Vec<_> = report.invariants.iter().filter(|(_, holds, _)| !holds).collect();
        assert!(report.ok, "{broken:?}");
    }
}

fn allocate(id: &str, limit: &str) -> Command {
    Command::AllocateCredit {
        ecid: "e".to_owned(),
        billing_account: id.to_owned(),
        credit_limit: amount(limit),
        min_available_credit_after: None,
        dry_run: false,
    }
}

fn move_credit(from: &str, to: &str, much: &str) -> Command {
    let (from, to, ecid) = (from.to_owned(), to.to_owned(), "e".to_owned());
    Command::MoveCredit { ecid, from, to, amount: amount(much) }
}

#[track_caller]
fn refusal(answer: Result<Answer, EngineError>) -> Refusal {
    match answer {
        Err(EngineError::Refused { refusal, .. }) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_limit_that_is_lowered_twice_under_one_key_is_answered_the_same() {
    // rules E3, J2
    let home = Home::new();
    home.run(allocate("one", "100"));
    let lower = allocate("one", "40");
    let first = home.keyed(&lower, "k").unwrap();
    assert_eq!(home.keyed(&lower, "k").unwrap(), first);
    home.run(allocate("one", "70"));
    assert_eq!(home.keyed(&lower, "k").unwrap(), first);
    assert_eq!(home.limit("one"), "70");
    assert_eq!(refusal(home.keyed(&allocate("one", "90"), "k")), Refusal::IdempotencyKeyReused);
    home.verified();
}

#[test]
fn an_allocation_that_found_its_limit_set_has_no_effect_later_either() {
    // rule J2
    let home = Home::new();
    home.run(allocate("one", "100"));
    let first = home.keyed(&allocate("one", "100"), "k").unwrap();
    home.run(allocate("one", "40"));
    assert_eq!(home.keyed(&allocate("one", "100"), "k").unwrap(), first);
    assert_eq!(home.limit("one"), "40");
    home.verified();
}

#[test]
fn a_key_of_the_credit_control_is_not_used_again_by_moving_credit() {
    // rule J2
    let home = Home::new();
    home.run(allocate("two", "10"));
    home.keyed(&allocate("one", "100"), "k").unwrap();
    assert_eq!(refusal(home.keyed(&move_credit("two", "one", "5"), "k")), Refusal::IdempotencyKeyReused);
    home.keyed(&move_credit("one", "two", "5"), "m").unwrap();
    home.keyed(&move_credit("one", "two", "5"), "m").unwrap();
    assert_eq!((home.limit("one"), home.limit("two")), ("95".to_owned(), "15".to_owned()));
    home.engine.snapshot().unwrap();
    home.run(allocate("one", "100"));
    home.verified();
}

#[test]
fn a_wrong_clock_stays_with_the_account_that_was_told_it() {
    // rule J5
    let home = Home::new();
    let hold = |id: &str, account: &str| Command::PlaceHold {
        billing_account: account.to_owned(),
        hold: id.to_owned(),
        amount: amount("1"),
        expires_at: at("2027-01-01T00:00:00Z"),
    };
    let transfer =
        Command::TransferCash { from: "one".to_owned(), to: "two".to_owned(), amount: amount("1") };
    for id in ["one", "two"] {
        home.run(Command::top_up(id, amount("100")));
        home.run(allocate(id, "10"));
    }
    home.run(hold("h", "two"));
    // By a command of its own, by one that concerns others too, and by one long after.
    let wrong = Some(at("9999-01-01T00:00:00Z"));
    home.engine.execute(&Request { at: wrong, ..Request::new(Command::top_up("one", amount("1"))) }).unwrap();
    home.run(transfer.clone());
    home.engine.execute(&Request { at: wrong, ..Request::new(transfer) }).unwrap();
    home.run(move_credit("one", "two", "1"));
    home.engine.execute(&Request { at: wrong, ..Request::new(move_credit("one", "two", "1")) }).unwrap();
    home.engine.execute(&Request { at: wrong, ..Request::new(allocate("two", "20")) }).unwrap();
    home.run(allocate("two", "30"));
    let two = home.engine.account_overview("two").unwrap();
    assert_eq!(two.held.to_string(), "1", "it expires next year");
    home.run(hold("i", "two"));
    home.verified();
}

#[test]
fn nobody_gives_others_or_himself_more_than_he_may() {
    // rules G2, G3
    let home = Home::new();
    let grant = |whom: &str, permissions: &[Permission]| Command::GrantAdministrators {
        billing_account: "one".to_owned(),
        cloud_accounts: vec![whom.to_owned()],
        permissions: Some(permissions.iter().copied().collect::<Permissions>()),
    };
    let (administrators, transfer) = (Permission::ModifyAdministrators, Permission::Transfer);
    home.by("root", &grant("stranger", &[administrators])).unwrap();
    // Neither a regular administrator nor the owner may transfer.
    for who in ["stranger", "one"] {
        let refused = home.by(who, &grant(who, &[administrators, transfer]));
        assert_eq!(refusal(refused), Refusal::PermissionDenied, "{who}");
        home.by(who, &grant("two", &[administrators])).unwrap();
    }
    home.by("root", &grant("stranger", &[administrators, transfer])).unwrap();
    home.by("stranger", &grant("two", &[transfer])).unwrap();
    // Nor does a user give a policy that is more than its own.
    let attach = |user: &str, policy| Command::AttachPolicy { user: user.to_owned(), policy };
    let policies = Policy::Permissions([Permission::ModifyPolicies].into_iter().collect());
    home.by("one", &attach("one/eve", policies)).unwrap();
    for user in ["one/eve", "one/mallory"] {
        let refused = home.by("one/eve", &attach(user, Policy::FullAccess));
        assert_eq!(refusal(refused), Refusal::PermissionDenied, "{user}");
    }
    home.by("one/eve", &attach("one/bob", policies)).unwrap();
    home.by("one", &attach("one/eve", Policy::FullAccess)).unwrap();
    home.by("one/eve", &attach("one/bob", Policy::ReadOnly)).unwrap();
    home.verified();
}

#[test]
fn only_the_provider_says_who_owns_an_account_and_who_pays_for_it() {
    // rules A6, E6
    let home = Home::new();
    let modify =
        |settings| Command::ModifyBillingAccount { billing_account: "stranger".to_owned(), settings };
    let mut refused =
        vec![AccountSettings { owner: Some("Globex".to_owned()), ..AccountSettings::default() }];
    refused.push(AccountSettings { pay_on_behalf: Some(false), ..AccountSettings::default() });
    refused.push(AccountSettings { credit_enabled: Some(true), ..AccountSettings::default() });
    home.run(modify(AccountSettings {
        pay_on_behalf: Some(true),
        credit_enabled: Some(false),
        ..AccountSettings::default()
    }));
    for settings in refused {
        assert_eq!(refusal(home.by("stranger", &modify(settings))), Refusal::PermissionDenied);
    }
    let name = AccountSettings { name: Some("n".to_owned()), ..AccountSettings::default() };
    home.by("stranger", &modify(name)).unwrap();
    home.verified();
}
