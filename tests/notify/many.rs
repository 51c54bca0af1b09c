//! Many notifications, and one that is stuck; stopping and going on.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use exchequer::clock::Clock;
use exchequer::domain::notification::NotificationKind;
use exchequer::domain::outbox::{Channel, DeadLetter};
use exchequer::limits::DEAD_LETTERS_MAX;
use exchequer::notify::dead_letters;

use crate::http::{Http, Request, serve, status};
use crate::ledger::{Ledger, OPS, position};
use crate::rig::{LONG, SHORT, deliver, start, webhook};

/// A server that lets the given notification hang and takes the others.
fn stuck_at(id: &'static str) -> (Http, Arc<Mutex<Vec<Request>>>) {
    let held = Arc::new(Mutex::new(Vec::new()));
    let keeper = Arc::clone(&held);
    let http = serve(move |_, request| {
        if request.got.id() == id { keeper.lock().unwrap().push(request) } else { status(request, 200) }
    });
    (http, held)
}

#[test]
fn one_that_hangs_stops_no_other_and_is_alone_sent_again() {
    let (http, held) = stuck_at("acme-3-alert");
    let ledger = Ledger::with(600);
    let deliverer = start(&ledger, webhook(&http.url, LONG), Clock::System);
    let ids: HashSet<_> = (0..600).map(|_| http.got.recv().unwrap().id().to_owned()).collect();
    assert_eq!(ids.len(), 600);
    // All others are recorded while it hangs, and what comes now is sent too.
    ledger.wait_for(|channel| channel.next == position(3) && channel.done.len() == 597);
    ledger.notify(NotificationKind::Overdue, None);
    assert!(http.got.recv().unwrap().id().ends_with("-overdue"));
    ledger.wait_for(|channel| channel.done.len() == 598);
    // A server that drops a request answers with a failure.
    held.lock().unwrap().clear();
    let tally = deliverer.stop().unwrap();
    assert_eq!((tally.sent, tally.retrying, tally.dead), (600, 1, 0));
    assert_eq!(ledger.ops().next, position(3));

    let http = serve(|_, request| status(request, 200));
    let tally = deliver(&ledger, webhook(&http.url, LONG), Clock::System);
    assert_eq!((tally.sent, tally.retrying), (1, 0));
    assert_eq!(http.got.try_iter().map(|got| got.id().to_owned()).collect::<Vec<_>>(), ["acme-3-alert"]);
    assert!(ledger.ops().dead.is_empty() && ledger.ops().next > position(3));
    assert_eq!(deliver(&ledger, webhook(&http.url, LONG), Clock::System).sent, 0);
}

#[test]
fn settled_ones_are_recorded_together() {
    let http = serve(|_, request| status(request, 200));
    let ledger = Ledger::with(600);
    assert_eq!(deliver(&ledger, webhook(&http.url, LONG), Clock::System).sent, 600);
    assert!(ledger.settlements() <= 100, "{} settlements", ledger.settlements());
}

#[test]
fn stopping_does_not_wait_for_a_receiver_that_hangs_longer_than_an_attempt() {
    let (http, held) = stuck_at("acme-1-alert");
    let ledger = Ledger::with(1);
    let deliverer = start(&ledger, webhook(&http.url, SHORT), Clock::System);
    http.got.recv().unwrap();
    // The receiver holds it all the while: without a bound this would never end.
    let tally = deliverer.stop().unwrap();
    assert_eq!((tally.sent, tally.retrying), (0, 1));
    assert_eq!(held.lock().unwrap().len(), 1);
}

#[test]
fn it_waits_for_what_comes_and_sends_it() {
    let http = serve(|_, request| status(request, 200));
    let ledger = Ledger::default();
    let deliverer = start(&ledger, webhook(&http.url, LONG), Clock::System);
    for lsn in 1..=3 {
        ledger.notify(NotificationKind::Transfer, None);
        assert!(http.got.recv().unwrap().id().ends_with("-transfer"));
        ledger.wait_for(|channel| channel.next > position(lsn));
    }
    assert_eq!(deliverer.stop().unwrap().sent, 3);
}

#[test]
fn a_channel_with_too_many_dead_letters_goes_on_when_a_person_has_seen_to_them() {
    let http = serve(|_, request| status(request, 200));
    let count = DEAD_LETTERS_MAX as u64;
    let ledger = Ledger::with(count + 1);
    let clock = Clock::System;
    let letter = DeadLetter { at: clock.now(), attempts: 11, reason: "no answer in time".into() };
    let dead = (1..=count).map(|lsn| (position(lsn), letter.clone())).collect();
    ledger.set_ops(Channel { next: position(count + 1), dead, ..Channel::default() });
    let tally = deliver(&ledger, webhook(&http.url, LONG), clock.clone());
    assert!(tally.paused && tally.sent == 0);
    assert!(http.got.try_recv().is_err());

    let deliverer = start(&ledger, webhook(&http.url, LONG), clock.clone());
    let letters = dead_letters::list(&ledger, OPS).unwrap();
    let some = dead_letters::select(letters, &["acme-7-alert".to_owned()]).unwrap();
    dead_letters::discard(&ledger, OPS, &some, &clock).unwrap();
    assert_eq!(http.got.recv().unwrap().id(), format!("acme-{}-alert", count + 1));
    assert_eq!(deliverer.stop().unwrap().sent, 1);
}
