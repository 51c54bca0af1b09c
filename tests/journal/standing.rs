//! Alerts, overdue and suspension, from domain through log and snapshot back to state: wherever a snapshot is taken, and
//! however far its parts lie apart (rules H1–H4).

use exchequer::domain::account_command::AccountCommand;
use exchequer::domain::account_event::AccountEvent;
use exchequer::domain::money::Money;
use exchequer::domain::standing::{AlertState, Changes, StandingChange, SuspensionBenefit};
use exchequer::journal::charges::{ChargesBuilder, ChargesPosted};
use exchequer::journal::forms::account_record::AccountRecord;
use exchequer::journal::frame::frames;
use exchequer::wal::Lsn;

use super::billing::{ACCOUNT, World, at, check_sound, money, replayed};

fn alert(threshold: &str) -> AccountCommand {
    AccountCommand::SetLowBalanceAlert { enabled: true, threshold: Some(money(threshold)) }
}

fn top_up(amount: &str) -> AccountCommand {
    AccountCommand::TopUp { amount: money(amount), reference: None }
}

/// Posts charges that form one record.
fn charges(world: &mut World, charges: &[(&str, &str)]) {
    let mut builder = ChargesBuilder::default();
    for (id, amount) in charges {
        world.push(&mut builder, (id, amount, "2026-05-02T00:00:00Z"), |_| {}, |_| {});
    }
    world.log(|bytes| builder.finish(bytes));
}

/// A time in which a standing changes by everything that may change it.
fn live(world: &mut World) {
    world.command(&alert("50"));
    world.command(&top_up("100")); // arms
    world.grant("spring", "5", "2026-06-10T00:00:00Z");
    charges(world, &[("1", "20"), ("2", "40"), ("3", "-20"), ("4", "20")]); // fires, arms, fires
    assert!(matches!(world.account.watch().unwrap().alert, AlertState::Firing { sent: 1, .. }));
    world.now = at("2026-05-04T12:00:00Z");
    world.settle_due(); // two reminders
    let (grace_micros, grace_amount) = (Some(72 * 3_600_000_000), Some(money("100")));
    let benefit = Some(SuspensionBenefit { grace_micros, grace_amount });
    world.command(&AccountCommand::SetSuspensionBenefit { benefit });
    charges(world, &[("5", "50"), ("6", "1")]); // overdue
    assert_eq!((world.account.overdue(), world.account.suspended()), (true, false));
    world.now = at("2026-05-09T00:00:00Z");
    world.settle_due(); // suspended
    assert!(world.account.suspended());
    charges(world, &[("7", "-100")]); // lifted, and armed
    charges(world, &[("8", "500"), ("9", "1")]); // overdue and suspended
    world.command(&AccountCommand::SetSuspensionBenefit { benefit: None });
    world.command(&alert("60")); // waits
}

fn changed(blocks: &[Vec<u8>]) -> Vec<(bool, Vec<&'static str>)> {
    let mut changed = Vec::new();
    for block in blocks {
        for frame in frames(block).map(Result::unwrap) {
            if let Ok(posted) = ChargesPosted::decode(&frame) {
                let rows = posted.standings().iter();
                changed.extend(rows.map(|(_, standing)| (true, standing.change.changes.names().collect())));
            } else if let Ok(record) = AccountRecord::decode(&frame)
                && let AccountEvent::StandingChanged { change } = record.event
            {
                changed.push((false, change.changes.names().collect()));
            }
        }
    }
    changed
}

#[test]
fn the_log_gives_back_standings_wherever_a_snapshot_begins() {
    let mut world = World::new();
    live(&mut world);
    assert_eq!(
        changed(&world.blocks),
        [
            (false, vec!["rearmed"]),
            (true, vec!["alerted"]),
            (true, vec!["rearmed"]),
            (true, vec!["alerted"]),
            (false, vec!["alerted"]),
            (false, vec!["alerted"]),
            (true, vec!["overdue"]),
            (false, vec!["suspended"]),
            (true, vec!["resumed", "cleared", "rearmed"]),
            (true, vec!["overdue", "suspended"]),
        ]
    );
    for shards in [1, 3] {
        world.check(&replayed(&world.blocks, shards, None).unwrap());
    }
    for apart in [0, 1, 2, 5, u64::MAX] {
        let mut world = World::new();
        live(&mut world);
        for mut snapshot in std::mem::take(&mut world.snapshots) {
            // Its parts are newer than where the log is read from.
            snapshot.low_water = Lsn::new(snapshot.low_water.number().saturating_sub(apart));
            world.check(&replayed(&world.blocks, 2, Some(snapshot)).unwrap());
        }
    }
}

#[test]
fn a_change_of_standing_at_another_available_credit_is_refused() {
    let check = |tell: &dyn Fn(&mut StandingChange), sound: bool| {
        let mut world = World::new();
        let mut builder = ChargesBuilder::default();
        world.push(&mut builder, ("1", "5", "2026-05-02T00:00:00Z"), |_| {}, tell);
        world.log(|bytes| builder.finish(bytes));
        check_sound(&world, sound, "malformed changed standings");
    };
    check(&|change| assert_eq!(change.available_credit, money("-5")), true);
    check(&|change| change.available_credit = money("5"), false);
    check(&|change| change.available_credit = money("-5.000000000000000001"), false);
    check(&|change| change.available_credit = Money::from_units(i128::MIN), false);
    // The same of a record of the account.
    for (available_credit, sound) in [("-5", true), ("-4", false)] {
        let mut world = World::new();
        world.record(AccountEvent::CashAdjusted {
            amount: money("-5"),
            cash_after: money("-5"),
            reason: "x".into(),
        });
        let change = StandingChange {
            changes: Changes::OVERDUE.and(Changes::SUSPENDED),
            available_credit: money(available_credit),
            threshold: Money::ZERO,
        };
        world.record(AccountEvent::StandingChanged { change });
        check_sound(&world, sound, "malformed changed standing");
    }
}

#[test]
fn hostile_standings_are_refused_or_applied_never_a_panic() {
    let mut world = World::new();
    live(&mut world);
    let mut told = 0;
    for block in &world.blocks {
        for at in 0..block.len() {
            for flip in [1, 0x80, 0xff] {
                let mut hostile = block.clone();
                hostile[at] ^= flip;
                for frame in frames(&hostile).map_while(Result::ok) {
                    if let Ok(posted) = ChargesPosted::decode(&frame) {
                        for (row, standing) in posted.standings() {
                            assert!(*row < posted.rows());
                            world.account.clone().apply_standing_of_charge(standing);
                            told += 1;
                        }
                    }
                    let Ok(record) = AccountRecord::decode(&frame) else { continue };
                    if matches!(
                        record.event,
                        AccountEvent::StandingChanged { .. }
                            | AccountEvent::LowBalanceAlertSet { .. }
                            | AccountEvent::SuspensionBenefitSet { .. }
                    ) {
                        let mut account = world.account.clone();
                        account.apply(&record.event, record.at);
                        assert!(account.attention_is_exact());
                        told += 1;
                    }
                }
            }
        }
    }
    assert!(told > 1_000, "{told}");
    assert_eq!(world.account.index, ACCOUNT);
}
