//! Dead letters: listed, sent again, discarded.

use std::sync::atomic::AtomicBool;

use exchequer::clock::Clock;
use exchequer::notify::dead_letters::{Resent, UnknownLetter, discard, list, resend, select};

use crate::http::{serve, status};
use crate::ledger::{Ledger, OPS, position};
use crate::rig::{LONG, deliver, webhook};

/// So many dead letters, each refused with 410.
fn dead(count: u64) -> Ledger {
    let http = serve(|_, request| status(request, 410));
    let ledger = Ledger::with(count);
    assert_eq!(deliver(&ledger, webhook(&http.url, LONG), Clock::System).dead, count);
    ledger
}

fn ids(ledger: &Ledger) -> Vec<String> {
    list(ledger, OPS).unwrap().into_iter().map(|listed| listed.id).collect()
}

#[test]
fn they_are_listed_with_why() {
    let ledger = dead(2);
    assert_eq!(ids(&ledger), ["acme-1-alert", "acme-2-alert"]);
    let listed = &list(&ledger, OPS).unwrap()[0];
    assert_eq!((listed.letter.attempts, &*listed.letter.reason), (1, "the receiver answered `410 Gone`"));
    assert_eq!(listed.notification.as_ref().unwrap().billing_account, "acme");
    assert_eq!(list(&ledger, "another").unwrap(), []);
}

#[test]
fn sent_again_those_that_arrive_are_dead_no_more() {
    let ledger = dead(100);
    let http = serve(|_, request| {
        let odd = request.got.id().ends_with("1-alert");
        status(request, if odd { 500 } else { 200 });
    });
    let (spec, running) = (webhook(&http.url, LONG), AtomicBool::new(false));
    let resent = resend(&ledger, &spec, &list(&ledger, OPS).unwrap(), &Clock::System, &running).unwrap();
    assert_eq!((resent.sent, resent.no_address, resent.dead.len()), (90, 0, 10));
    assert!(resent.dead.contains(&(
        "acme-51-alert".to_owned(),
        "the receiver answered `500 Internal Server Error`".to_owned()
    )));
    assert_eq!(http.got.try_iter().count(), 100);
    let left: Vec<_> =
        (0..10).map(|tens| format!("acme-{tens}1-alert").replace("acme-01", "acme-1")).collect();
    assert_eq!(ids(&ledger), left);
    assert_eq!(ledger.ops().dead[&position(51)].attempts, 1);
    // What is dead is not sent by itself.
    assert_eq!(deliver(&ledger, spec, Clock::System).sent, 0);
}

#[test]
fn discarded_they_are_never_sent() {
    let ledger = dead(3);
    let some = select(list(&ledger, OPS).unwrap(), &["acme-2-alert".to_owned()]).unwrap();
    discard(&ledger, OPS, &some, &Clock::System).unwrap();
    assert_eq!(ids(&ledger), ["acme-1-alert", "acme-3-alert"]);
    let http = serve(|_, request| status(request, 200));
    assert_eq!(deliver(&ledger, webhook(&http.url, LONG), Clock::System).sent, 0);
    assert!(http.got.try_recv().is_err());
}

#[test]
fn an_unknown_id_is_told() {
    let letters = list(&dead(1), OPS).unwrap();
    assert_eq!(
        select(letters.clone(), &["acme-9-alert".to_owned()]),
        Err(UnknownLetter("acme-9-alert".to_owned()))
    );
    assert_eq!(select(letters.clone(), &[]).unwrap(), letters);
}

#[test]
fn stopped_nothing_more_is_sent() {
    let ledger = dead(3);
    let http = serve(|_, request| status(request, 200));
    let (spec, stopping) = (webhook(&http.url, LONG), AtomicBool::new(true));
    let resent = resend(&ledger, &spec, &list(&ledger, OPS).unwrap(), &Clock::System, &stopping).unwrap();
    assert_eq!(resent, Resent::default());
    assert_eq!(ids(&ledger).len(), 3);
}
