//! What a command may do, whoever gives it and whatever it says.

use std::collections::BTreeSet;

use exchequer::domain::refusals::Refusal;
use exchequer::engine::command::AccountSettings;
use exchequer::engine::{Command, Engine, EngineError, Request};
use exchequer::wal::SimStorage;

use crate::rig::{amount, at, cents, config, keyed};

fn open(accounts: &[&str]) -> Engine {
    let engine = Engine::open(config(SimStorage::new(0), 2)).unwrap();
    for id in accounts {
        engine.execute(&Request::new(Command::register_cloud_account(*id))).unwrap();
    }
    engine
}

fn code(engine: &Engine, command: Command, principal: &str) -> Option<Refusal> {
    let request = Request { principal: principal.to_owned(), ..Request::new(command) };
    match engine.execute(&request) {
        Ok(_) => None,
        Err(EngineError::Refused { refusal, .. }) => Some(refusal),
        Err(other) => panic!("{other:?}"),
    }
}

fn modify(billing_account: &str, settings: AccountSettings) -> Command {
    Command::ModifyBillingAccount { billing_account: billing_account.to_owned(), settings }
}

#[test]
fn a_command_of_a_far_future_makes_nobody_elses_key_forgotten() {
    // rules J2, J5
    let engine = open(&["acme"]);
    let paid = keyed(&Command::top_up("acme", amount(100)), "payment-1");
    engine.execute(&paid).unwrap();
    let wrong_clock = Request {
        principal: "acme".to_owned(),
        at: Some(at("2099-01-01T00:00:00Z")),
        ..keyed(&Command::top_up("acme", amount(1)), "payment-2")
    };
    engine.execute(&wrong_clock).unwrap();
    engine.execute(&paid).unwrap();
    assert_eq!(engine.account_overview("acme").unwrap().cash_balance, cents(101));
}

#[test]
fn modifications_at_the_same_time_are_all_kept() {
    let engine = open(&["acme"]);
    for round in 0..300 {
        let text = format!("round {round}");
        let name = AccountSettings { name: Some(text.clone()), ..AccountSettings::default() };
        let contact = AccountSettings { contact: Some(text.clone()), ..AccountSettings::default() };
        std::thread::scope(|scope| {
            for settings in [name, contact] {
                let request = Request::new(modify("acme", settings));
                let engine = &engine;
                scope.spawn(move || engine.execute(&request).unwrap());
            }
        });
        let overview = engine.account_overview("acme").unwrap();
        assert_eq!((&overview.name, overview.contact.as_ref()), (&text, Some(&text)));
    }
}

#[test]
fn who_may_not_ask_learns_nothing_else() {
    // rule G4: permission_denied comes before every other refusal
    let engine = open(&["acme"]);
    let denied = Some(Refusal::PermissionDenied);
    assert_eq!(code(&engine, modify("nobody", AccountSettings::default()), "mallory"), denied);
    let currency = AccountSettings {
        currency: exchequer::domain::ids::Currency::parse("EUR"),
        ..AccountSettings::default()
    };
    assert_eq!(code(&engine, modify("acme", currency), "mallory"), denied);
    let many = Command::SetPayer {
        cloud_accounts: vec!["acme".to_owned(); 10_000],
        billing_account: "acme".to_owned(),
        effective_at: None,
    };
    assert_eq!(code(&engine, many, "mallory"), denied);
}

#[test]
fn no_account_takes_the_name_of_the_provider() {
    // rule G3: whoever acts as that account would act as the provider
    let engine = open(&["acme"]);
    let refused: BTreeSet<_> = [
        Command::register_cloud_account("provider"),
        Command::RegisterPaidCloudAccount {
            cloud_account: "provider".to_owned(),
            billing_account: "acme".to_owned(),
        },
    ]
    .into_iter()
    .map(|command| engine.execute(&Request::new(command)).is_err())
    .collect();
    assert_eq!(refused, BTreeSet::from([true]));
    let pair = ("provider".to_owned(), "acme".to_owned(), exchequer::domain::ids::Currency::USD);
    assert_eq!(engine.open_accounts(&[pair]).unwrap(), [Err(Refusal::InvalidId)]);
}
