//! The deliverer's decisions alone, against made-up outcomes: what is sent, recorded and forgotten, over crashes.

use std::collections::{BTreeMap, BTreeSet};

use exchequer::domain::notification::NotificationKind;
use exchequer::domain::outbox::{Channel, DeadLetter, Fate, Position};
use exchequer::domain::time::Timestamp;
use exchequer::limits::{
    DEAD_LETTERS_MAX, DELIVERIES_IN_FLIGHT_MAX, DELIVERIES_UNDER_WAY_MAX, DELIVERY_ATTEMPTS_MAX,
};
use exchequer::notify::outcome::Outcome;
use exchequer::notify::window::{Consequence, Window};
use proptest::prelude::*;

use crate::ledger::{notification, position};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn admit(window: &mut Window, lsns: std::ops::Range<u64>) {
    window.has_read(position(lsns.end));
    for lsn in lsns {
        window.admit(notification(lsn, NotificationKind::Alert, None));
    }
}

/// Records what is done, as the ledger does.
fn record(window: &mut Window, channel: &mut Channel) {
    let (next, settled) = window.settlement();
    assert!(channel.has_room(next, &settled), "{} done", channel.done.len());
    channel.settle(next, &settled);
    window.has_recorded(next);
}

#[test]
fn one_stuck_notification_stops_the_others_only_when_the_window_is_full() {
    let mut channel = Channel::default();
    let mut window = Window::new(&channel);
    let mut sent = 0;
    let mut next = 1;
    let stuck = window_start_first(&mut window, &mut next);
    loop {
        let room = window.room() as u64;
        admit(&mut window, next..next + room.min(100));
        next += room.min(100);
        let Some(started) = window.start(at(0)) else { break };
        assert_eq!(window.finish(started.position, Outcome::Taken, at(0)), None);
        sent += 1;
        if sent % 7 == 0 {
            record(&mut window, &mut channel);
        }
    }
    assert_eq!(sent, DELIVERIES_UNDER_WAY_MAX - 1);
    assert_eq!((window.room(), window.next()), (0, stuck));
    // It gives up, and the others go on.
    assert_eq!(
        window.finish(stuck, Outcome::refused("gone"), at(1)),
        Some(Consequence::Dead { attempts: 1 })
    );
    record(&mut window, &mut channel);
    assert_eq!((window.room(), channel.next), (DELIVERIES_UNDER_WAY_MAX, position(next)));
    assert!(channel.done.is_empty() && channel.dead.len() == 1);
}

fn window_start_first(window: &mut Window, next: &mut u64) -> Position {
    admit(window, *next..*next + 1);
    *next += 1;
    window.start(at(0)).unwrap().position
}

#[test]
fn no_more_are_on_the_wire_than_may_be() {
    let mut window = Window::new(&Channel::default());
    admit(&mut window, 1..100);
    let started: Vec<_> = std::iter::from_fn(|| window.start(at(0))).collect();
    assert_eq!(started.len(), DELIVERIES_IN_FLIGHT_MAX);
    window.finish(started[3].position, Outcome::Taken, at(0));
    assert_eq!(window.start(at(0)).map(|started| started.position), Some(position(17)));
}

#[test]
fn what_failed_waits_for_its_time_while_others_go() {
    let mut window = Window::new(&Channel::default());
    admit(&mut window, 1..3);
    let first = window.start(at(0)).unwrap().position;
    let consequence = window.finish(first, Outcome::failed("no answer"), at(0));
    let Some(Consequence::Again { attempts: 1, due }) = consequence else { panic!("{consequence:?}") };
    assert_eq!((window.tally().retrying, window.next()), (1, first));
    assert_eq!(window.start(at(0)).map(|started| started.position), Some(position(2)));
    assert_eq!(window.start(Timestamp::from_micros(due.micros() - 1)), None);
    assert_eq!(window.start(due).map(|started| started.position), Some(first));
}

#[test]
fn a_channel_with_too_many_dead_letters_waits_for_a_person() {
    let letter = DeadLetter { at: at(0), attempts: 1, reason: "gone".into() };
    let full = (1..DEAD_LETTERS_MAX as u64).map(|lsn| (position(lsn), letter.clone()));
    let next = position(DEAD_LETTERS_MAX as u64);
    let mut channel = Channel { next, done: BTreeSet::new(), dead: full.collect() };
    let mut window = Window::new(&channel);
    admit(&mut window, next.lsn..next.lsn + 3);
    // One may become the last dead letter; no other one is begun beside it.
    let last = window.start(at(0)).unwrap().position;
    assert_eq!(window.start(at(0)), None);
    assert!(!window.is_paused());
    window.finish(last, Outcome::refused("gone"), at(0));
    assert!(window.is_paused() && window.start(at(0)).is_none());
    record(&mut window, &mut channel);
    assert_eq!(channel.dead.len(), DEAD_LETTERS_MAX);
    window.recorded_dead(channel.dead.len());
    assert!(window.tally().paused);
    window.recorded_dead(DEAD_LETTERS_MAX - 2);
    assert_eq!((window.start(at(0)).is_some(), window.start(at(0)).is_some()), (true, true));
    assert_eq!(window.start(at(0)), None);
}

/// One step of a made-up course.
#[derive(Clone, Copy, Debug)]
enum Step {
    Read(u8),
    Start,
    /// The how many-eth on the wire, and what came of it.
    Finish(u8, u8),
    Record,
    Wait(u16),
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any::<u8>().prop_map(Step::Read),
        8 => Just(Step::Start),
        8 => (any::<u8>(), any::<u8>()).prop_map(|(which, outcome)| Step::Finish(which, outcome)),
        2 => Just(Step::Record),
        2 => any::<u16>().prop_map(Step::Wait),
        1 => Just(Step::Crash),
    ]
}

/// Notifications in the made-up log.
const COUNT: u64 = 1_500;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever happens: each one that is recorded was sent, what was recorded is never sent again, nothing is passed over,
    /// and all bounds hold.
    #[test]
    fn every_notification_is_settled_once_and_none_is_lost(steps in proptest::collection::vec(step(), 1..600)) {
        let mut channel = Channel::default();
        let mut window = Window::new(&channel);
        let (mut read, mut now) = (1, 0);
        let mut wire: Vec<Position> = Vec::new();
        let mut fates: BTreeMap<Position, Fate> = BTreeMap::new();
        let mut recorded: BTreeSet<Position> = BTreeSet::new();
        let last = [Step::Read(255), Step::Start, Step::Finish(0, 0), Step::Record, Step::Wait(u16::MAX)];
        let rest = last.into_iter().cycle().take(60_000);
        for step in steps.into_iter().chain(rest) {
            match step {
                Step::Read(count) => {
                    let end = (read + u64::from(count).min(window.room() as u64)).min(COUNT + 1);
                    admit(&mut window, read..end);
                    read = end;
                }
                Step::Start => if let Some(started) = window.start(at(now)) {
                    prop_assert!(!recorded.contains(&started.position), "sent again: {:?}", started.position);
                    wire.push(started.position);
                }
                Step::Finish(..) if wire.is_empty() => {}
                Step::Finish(which, outcome) => {
                    let position = wire.swap_remove(usize::from(which) % wire.len());
                    let (outcome, fate) = match outcome {
                        0..100 => (Outcome::Taken, Some(Fate::Delivered)),
                        100..110 => (Outcome::NoAddress, Some(Fate::NoAddress)),
                        110..120 => (Outcome::refused("gone"), None),
                        _ => (Outcome::failed("no answer"), None),
                    };
                    match window.finish(position, outcome, at(now)) {
                        None => { fates.insert(position, fate.unwrap()); }
                        Some(Consequence::Dead { attempts }) => {
                            prop_assert!(fate.is_none() && attempts <= DELIVERY_ATTEMPTS_MAX);
                            fates.insert(position, Fate::Dead { attempts, reason: "".into() });
                        }
                        Some(Consequence::Again { attempts, due }) => {
                            prop_assert!(due > at(now) && attempts < DELIVERY_ATTEMPTS_MAX);
                        }
                    }
                }
                Step::Record => {
                    record(&mut window, &mut channel);
                    recorded.extend(fates.keys());
                    // Both are sorted: as many as there are below `next`, and none beyond but those that are done.
                    prop_assert_eq!(recorded.range(..channel.next).count() as u64, channel.next.lsn.saturating_sub(1));
                    prop_assert!(recorded.range(channel.next..).eq(&channel.done));
                }
                Step::Wait(seconds) => now += i64::from(seconds),
                Step::Crash => {
                    window = Window::new(&channel);
                    read = channel.next.lsn.max(1);
                    wire.clear();
                    fates.retain(|position, _| recorded.contains(position));
                }
            }
            prop_assert_eq!(window.in_flight(), wire.len());
            prop_assert!(wire.len() <= DELIVERIES_IN_FLIGHT_MAX);
            if channel.next == position(COUNT + 1) {
                break;
            }
        }
        prop_assert_eq!(channel.next, position(COUNT + 1));
        prop_assert_eq!(recorded.len() as u64, COUNT);
        let dead: Vec<_> = fates.iter().filter(|(_, fate)| matches!(fate, Fate::Dead { .. })).map(|(at, _)| *at).collect();
        prop_assert!(channel.dead.keys().copied().eq(dead));
    }
}
