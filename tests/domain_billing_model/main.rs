//! Bills and what pays them against a naive model with plain maps and integers of any size (rules B1, C4, C5, D1–D8, D11).
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../billing/mod.rs"]
mod billing;
mod commands;
mod model;
mod pair;

use exchequer::domain::money::Money;
use exchequer::domain::time::Timestamp;
use num_bigint::BigInt;
use proptest::prelude::*;

use pair::Pair;

/// Days of the months from May 2026 on, the first of which is number 24,316 from January of the year 1.
const MONTH_DAYS: [i64; 24] =
    [31, 30, 31, 31, 30, 31, 30, 31, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 29, 31, 30];
const MAY: u32 = 2025 * 12 + 4;
const DAY: i64 = 86_400_000_000;
/// Units of an amount of 0.001, the tenth part of a cent.
const MIL: i128 = 1_000_000_000_000_000;
const SERVICES: [&str; 2] = ["compute", "storage"];
const RATES: [(&str, i64); 4] = [("0", 0), ("0.05", 50), ("0.125", 125), ("1.001", 1001)];

/// The month of a day from the 1st of May 2026 on.
fn month(day: i64) -> u32 {
    let mut left = day;
    let ended = MONTH_DAYS.iter().take_while(|days| {
        left -= **days;
        left >= 0
    });
    MAY + u32::try_from(ended.count()).unwrap()
}

#[derive(Clone, Debug)]
enum Choice {
    Kind(u8),
    Coupon(usize),
}

/// A command; numbers of bills and orders pick one that is there, if they can.
#[derive(Clone, Debug)]
enum Op {
    Charge { mils: i64, days_ago: i64, category: usize, service: usize },
    TopUp(i64),
    Receive(i64),
    Withdraw(i64),
    Limit(i64),
    Grant { mils: i64, starts: i64, days: i64, service: Option<usize>, minimum: i64 },
    Issue { back: u32 },
    Pay { bill: usize, with: Vec<(Choice, i64)> },
    Purchase { id: usize, mils: i64, service: Option<usize> },
    Refund { id: usize, refund: usize, mils: i64 },
    Automatic(bool),
    Previous(bool),
    Tax(usize),
    Start { id: usize, bills: Vec<usize>, assets: Vec<u8> },
    End { id: usize, finish: bool },
    Clock(i64),
}

fn units(mils: i64) -> BigInt {
    BigInt::from(i128::from(mils) * MIL)
}

fn money(mils: i64) -> Money {
    Money::from_units(i128::from(mils) * MIL)
}

fn time(day: i64) -> Timestamp {
    Timestamp::from_micros(billing::instant("2026-05-01").micros() + day * DAY)
}

fn big(money: Money) -> BigInt {
    BigInt::from(money.units())
}

fn mils() -> impl Strategy<Value = i64> {
    prop_oneof![4 => 1_i64..20_000, 4 => 1_i64..2_000, 2 => 1_i64..30, 1 => -10_000_i64..1]
}

fn op() -> impl Strategy<Value = Op> {
    let service = || prop::option::of(0..SERVICES.len());
    let choice =
        prop_oneof![3 => (0_u8..4).prop_map(Choice::Kind), 1 => (0_usize..4).prop_map(Choice::Coupon)];
    let days_ago = prop_oneof![5 => -5_i64..50, 1 => 50_i64..150];
    let pick = || 0_usize..100;
    prop_oneof![
        12 => (mils(), days_ago, 0_usize..3, 0..SERVICES.len()).prop_map(|(mils, days_ago, category, service)| {
            Op::Charge { mils, days_ago, category, service }
        }),
        3 => mils().prop_map(Op::TopUp),
        2 => (1_i64..9_000).prop_map(Op::Receive),
        1 => mils().prop_map(Op::Withdraw),
        2 => (0_i64..200_000).prop_map(Op::Limit),
        4 => (1_i64..9_000, -5_i64..40, 1_i64..90, service(), 0_i64..9_000).prop_map(
            |(mils, starts, days, service, minimum)| Op::Grant { mils, starts, days, service, minimum }
        ),
        7 => prop::sample::select(vec![0_u32, 1, 1, 1, 1, 2]).prop_map(|back| Op::Issue { back }),
        5 => (pick(), prop::collection::vec((choice, mils()), 0..3)).prop_map(|(bill, with)| Op::Pay { bill, with }),
        4 => (0_usize..20, mils(), service()).prop_map(|(id, mils, service)| Op::Purchase { id, mils, service }),
        5 => (pick(), 0_usize..6, mils()).prop_map(|(id, refund, mils)| Op::Refund { id, refund, mils }),
        3 => any::<bool>().prop_map(Op::Automatic),
        1 => any::<bool>().prop_map(Op::Previous),
        1 => (0..RATES.len()).prop_map(Op::Tax),
        2 => (0_usize..2, prop::collection::vec(pick(), 1..5), prop::sample::subsequence(vec![0_u8, 1, 2, 3], 1..4))
            .prop_map(|(id, bills, assets)| Op::Start { id, bills, assets }),
        1 => (0_usize..2, any::<bool>()).prop_map(|(id, finish)| Op::End { id, finish }),
        5 => (0_i64..25).prop_map(Op::Clock),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]
    #[test]
    fn bills_do_what_the_naive_model_does(credit in any::<bool>(), ops in prop::collection::vec(op(), 1..200)) {
        let mut pair = Pair::new(credit);
        for op in ops {
            pair.run(op);
            pair.check();
        }
    }
}
