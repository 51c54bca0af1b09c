//! An enterprise against a naive model, with messages that come late and twice (rules A6, B1, B5, D11, E1–E4, F1–F5).
#![allow(missing_docs, clippy::unwrap_used)]

mod bench;
#[path = "../enterprise/mod.rs"]
mod enterprise;
mod model;

use proptest::prelude::*;

use bench::Bench;

const ACCOUNTS: usize = 4;

/// What can happen. Amounts are small, so that bounds are met often.
#[derive(Clone, Copy, Debug)]
enum Op {
    TopUp(usize, i128),
    Adjust(usize, i128),
    Withdraw(usize, i128),
    Charge(usize, i128),
    Transfer(usize, usize, i128),
    Revoke(usize, usize, i128),
    PlaceHold(usize, u8, i128, i64),
    CaptureHold(usize, u8, Option<i128>),
    ReleaseHold(usize, u8),
    Freeze(usize),
    Thaw(usize),
    Cancel(usize),
    Invite(usize),
    Accept(usize),
    Leave(usize),
    SetTotal(i128),
    Contract(usize),
    Allocate(usize, i128),
    Move(usize, usize, i128),
    /// One of the messages that can come next.
    Receive(usize),
    /// One of those that came before comes again.
    ReceiveAgain(usize),
    Acknowledge(usize),
    /// Days pass.
    Wait(i64),
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    let who = || 0..ACCOUNTS;
    let amount = || prop_oneof![1 => -2_i128..3, 8 => 1_i128..25];
    // Seldom with itself.
    let pair = || (who(), 0_usize..13).prop_map(|(from, more)| (from, (from + more.div_ceil(4)) % ACCOUNTS));
    let hold = || 0_u8..2;
    let any_message = || any::<prop::sample::Index>().prop_map(|index| index.index(64));
    prop_oneof![
        4 => (who(), amount()).prop_map(|(who, amount)| Op::TopUp(who, amount)),
        1 => (who(), -20_i128..20).prop_map(|(who, amount)| Op::Adjust(who, amount)),
        2 => (who(), amount()).prop_map(|(who, amount)| Op::Withdraw(who, amount)),
        2 => (who(), -9_i128..30).prop_map(|(who, amount)| Op::Charge(who, amount)),
        8 => (pair(), amount()).prop_map(|((from, to), amount)| Op::Transfer(from, to, amount)),
        10 => (pair(), amount()).prop_map(|((giver, to), amount)| Op::Revoke(giver, to, amount)),
        3 => (who(), hold(), amount(), -1_i64..9)
            .prop_map(|(who, hold, amount, end)| Op::PlaceHold(who, hold, amount, end)),
        4 => (who(), hold(), prop::option::of(amount()))
            .prop_map(|(who, hold, amount)| Op::CaptureHold(who, hold, amount)),
        1 => (who(), hold()).prop_map(|(who, hold)| Op::ReleaseHold(who, hold)),
        1 => who().prop_map(Op::Freeze),
        3 => who().prop_map(Op::Thaw),
        1 => (who(), 0..4).prop_map(|(who, rare)| if rare == 0 { Op::Cancel(who) } else { Op::Thaw(who) }),
        4 => who().prop_map(Op::Invite),
        6 => who().prop_map(Op::Accept),
        1 => who().prop_map(Op::Leave),
        3 => (-1_i128..100).prop_map(Op::SetTotal),
        3 => (0_usize..3).prop_map(Op::Contract),
        8 => (who(), -1_i128..40).prop_map(|(who, limit)| Op::Allocate(who, limit)),
        6 => (pair(), amount()).prop_map(|((from, to), amount)| Op::Move(from, to, amount)),
        24 => any_message().prop_map(Op::Receive),
        4 => any_message().prop_map(Op::ReceiveAgain),
        16 => any_message().prop_map(Op::Acknowledge),
        1 => (1_i64..4).prop_map(Op::Wait),
        1 => Just(Op::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]
    #[test]
    fn an_enterprise_does_what_the_naive_model_does(
        start in prop::option::weighted(0.9, prop::sample::select(vec![0, 1, 2, 3, 3, 3])),
        ops in prop::collection::vec(op(), 1..200),
    ) {
        let mut bench = start.map_or_else(Bench::new, Bench::with_members);
        bench.check();
        for op in ops {
            bench.run(op);
            bench.check();
        }
        bench.settle();
    }
}
