//! Idempotency keys: the first answer again, also after a restart, in the scope of who asked (rule J2).

use exchequer::domain::refusals::Refusal;
use exchequer::engine::{Command, Engine, EngineError, Request};
use exchequer::wal::SimStorage;

use crate::rig::{amount, config, keyed};

fn refusal<T: std::fmt::Debug>(answer: Result<T, EngineError>) -> Refusal {
    match answer {
        Err(EngineError::Refused { refusal, .. }) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_repeated_command_gets_its_first_answer() {
    let storage = SimStorage::new(0);
    let mut engine = Engine::open(config(storage.clone(), 2)).unwrap();
    let register = keyed(&Command::register_cloud_account("a"), "register");
    engine.execute(&register).unwrap();
    let top_up = keyed(&Command::top_up("a", amount(100)), "top up");
    let first = engine.execute(&top_up).unwrap();
    // As the account itself, the same key is another one.
    let by_owner = Request { principal: "a".to_owned(), ..top_up.clone() };
    let first_by_owner = engine.execute(&by_owner).unwrap();
    engine.execute(&keyed(&Command::top_up("a", amount(1)), "later")).unwrap();
    let refused = keyed(&Command::top_up("a", amount(-1)), "refused");
    assert_eq!(refusal(engine.execute(&refused)), Refusal::AmountMustBePositive);
    for round in 0..4 {
        assert_eq!(engine.execute(&top_up).unwrap(), first, "round {round}");
        assert_eq!(engine.execute(&by_owner).unwrap(), first_by_owner, "round {round}");
        engine.execute(&register).unwrap();
        let other = keyed(&Command::top_up("a", amount(101)), "top up");
        assert_eq!(refusal(engine.execute(&other)), Refusal::IdempotencyKeyReused, "round {round}");
        let other = keyed(&Command::register_cloud_account("b"), "register");
        assert_eq!(refusal(engine.execute(&other)), Refusal::IdempotencyKeyReused, "round {round}");
        assert_eq!(engine.account_overview("a").unwrap().cash_balance, amount(201).money());
        if round == 1 {
            engine.snapshot().unwrap();
        }
        engine.close().unwrap();
        engine = Engine::open(config(storage.clone(), round % 3 + 1)).unwrap();
    }
    // A refusal is not remembered: its key is free for what is right.
    let right = keyed(&Command::top_up("a", amount(9)), "refused");
    engine.execute(&right).unwrap();
    assert_eq!(engine.account_overview("a").unwrap().cash_balance, amount(210).money());
}
