//! A first look at the whole engine.
use exchequer::domain::{charge::Charge, charge_batch::ChargeBatch};
use exchequer::engine::{verify::verify, *};

#[test]
fn posts_survives_and_verifies() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config::new(directory.path());
    for round in 0..3 {
        let engine = Engine::open(config.clone()).unwrap();
        if round == 0 {
            for id in ["a", "b", "c"] {
                engine.execute(&Request::new(Command::register_cloud_account(id))).unwrap();
            }
        }
        let mut batch = ChargeBatch::new();
        let ids: Vec<String> = (0..20_000).map(|n| format!("id-{}", n + round * 10_000)).collect();
        for (n, id) in ids.iter().enumerate() {
            batch.push(&Charge::usage(
                ["a", "b", "c"][n % 3],
                "m",
                id,
                "0.01".parse().unwrap(),
                "USD",
                "2026-05-01T00:00:00Z".parse().unwrap(),
            ));
        }
        let report = engine.post(&batch, OnError::Continue).unwrap();
        println!("{report:?}");
        if round == 1 {
            engine.snapshot().unwrap();
        }
        println!("{:?}", engine.account_overview("a").unwrap());
        engine.close().unwrap();
        let report = verify(&config).unwrap();
        println!("{report:?}");
        assert!(report.ok);
    }
    println!("{:?}", Engine::open(config).unwrap().opened());
}
