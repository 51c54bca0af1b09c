//! Idempotency keys: the first answer again, also after a restart, in the scope of who asked (rule J2).

use exchequer::domain::refusals::Refusal;
use exchequer::engine::{AccountSettings, Answer, Command, Engine, EngineError, Request};
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

#[test]
fn a_repeated_allocation_gets_its_first_answer_whichever_way_the_limit_went() {
    let storage = SimStorage::new(0);
    let mut engine = Engine::open(config(storage.clone(), 2)).unwrap();
    let give = |command| engine.execute(&Request::new(command)).unwrap();
    let ecid = || "e".to_owned();
    give(Command::register_cloud_account("boss"));
    let management_account = "boss".to_owned();
    give(Command::OpenEnterprise { ecid: ecid(), owner: "o".to_owned(), management_account, currency: None });
    give(Command::EnableAccountCenter { ecid: ecid() });
    for member in ["a", "b"].map(str::to_owned) {
        let settings = AccountSettings { owner: Some("o".to_owned()), ..AccountSettings::default() };
        give(Command::OpenBillingAccount { billing_account: member.clone(), settings });
        give(Command::InviteAccount { ecid: ecid(), billing_account: member.clone() });
        give(Command::AcceptInvitation { ecid: ecid(), billing_account: member });
    }
    give(Command::SetTotalCredit { ecid: ecid(), public_cloud: amount(1_000), hybrid_cloud: None });
    give(Command::RequestCreditContract { ecid: ecid() });
    give(Command::ApproveCreditContract { ecid: ecid() });
    give(Command::ConfirmCreditContract { ecid: ecid() });
    let allocate = |limit: i64, key: &str| {
        let command = Command::AllocateCredit {
            ecid: ecid(),
            billing_account: "a".to_owned(),
            credit_limit: amount(limit),
            min_available_credit_after: None,
            dry_run: false,
        };
        keyed(&command, key)
    };
    let moved =
        |amount| Command::MoveCredit { ecid: ecid(), from: "a".to_owned(), to: "b".to_owned(), amount };
    let moved = keyed(&moved(amount(7)), "moved");
    let set = [allocate(500, "raised"), allocate(300, "lowered"), allocate(400, "raised again")];
    let first = set.each_ref().map(|request| engine.execute(request).unwrap());
    engine.execute(&moved).unwrap();
    for round in 0..4 {
        for (request, first) in set.iter().zip(&first) {
            assert_eq!(engine.execute(request).unwrap(), *first, "round {round}");
        }
        let Answer::Credit(credit) = engine.execute(&moved).unwrap() else { panic!("another answer") };
        let limits: Vec<_> = credit.members.iter().map(|member| member.credit_limit).collect();
        assert_eq!(limits, [amount(393).money(), amount(7).money()], "round {round}");
        for key in ["raised", "lowered", "moved"] {
            let other = engine.execute(&allocate(1, key));
            assert_eq!(refusal(other), Refusal::IdempotencyKeyReused, "round {round}");
        }
        if round == 1 {
            engine.snapshot().unwrap();
        }
        engine.close().unwrap();
        engine = Engine::open(config(storage.clone(), round % 3 + 1)).unwrap();
    }
}
