//! Webhooks against receivers that fail, hang, answer late, and worse.

use std::sync::Mutex;
use std::time::Duration;

use exchequer::clock::Clock;
use exchequer::domain::notification::NotificationKind;
use serde_json::{Value, json};

use crate::http::{Request, drip, nobody, serve, status};
use crate::ledger::{Ledger, notification, position};
use crate::rig::{LONG, SECRET, SHORT, SetClock, deliver, start, webhook};

#[test]
fn a_receiver_can_verify_what_it_gets() {
    let http = serve(|_, request| status(request, 204));
    let tally = deliver(&Ledger::with(1), webhook(&http.url, LONG), Clock::System);
    assert_eq!((tally.sent, tally.retrying, tally.dead), (1, 0, 0));
    let got = http.got.recv().unwrap();
    let verify = |secret: &str, body: &str| {
        let mut headers = ureq::http::HeaderMap::new();
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            headers.insert(name, got.headers[name].parse().unwrap());
        }
        standardwebhooks::Webhook::new(secret).unwrap().verify(body.as_bytes(), &headers).is_ok()
    };
    assert!(verify(SECRET, &got.body));
    assert!(!verify(SECRET, &got.body.replace("10 USD", "11 USD")));
    assert!(!verify("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &got.body));
    assert_eq!(got.id(), "acme-1-alert");
    assert_eq!(got.headers["content-type"], "application/cloudevents+json");
    let event: Value = serde_json::from_str(&got.body).unwrap();
    assert_eq!(
        event,
        json!({
            "specversion": "1.0",
            "id": "acme-1-alert",
            "source": "/exchequer/0a1b2c",
            "type": "exchequer.notification.alert",
            "subject": "acme",
            "time": "2026-05-01T00:00:00Z",
            "datacontenttype": "application/json",
            "data": {
                "billing_account": "acme",
                "to": "ops@example.org",
                "subject": "low balance of acme",
                "body": "10 USD are left.\n.\nThe threshold is 20 USD: é.",
                "figures": { "available_credit": "10", "threshold": "20" },
            },
        })
    );
}

#[test]
fn an_id_of_any_letters_can_be_signed_and_sent() {
    let http = serve(|_, request| status(request, 200));
    let mut hostile = notification(1, NotificationKind::Alert, None);
    hostile.id = "ac.me é\r\nx-evil: 1-1-alert".to_owned();
    hostile.billing_account = "ac.me é\"\r\n".to_owned();
    let outcome = webhook(&http.url, LONG).transport.send(&hostile, "/exchequer/x", Clock::System.now());
    assert_eq!(outcome, exchequer::notify::outcome::Outcome::Taken);
    let got = http.got.recv().unwrap();
    assert_eq!(got.id(), "ac%2Eme%20%C3%A9%0D%0Ax-evil%3A%201-1-alert");
    assert!(!got.headers.contains_key("x-evil"));
    let event: Value = serde_json::from_str(&got.body).unwrap();
    assert_eq!((&event["id"], &event["subject"]), (&json!(hostile.id), &json!(hostile.billing_account)));
}

#[test]
fn what_fails_is_sent_again_as_the_schedule_has_it() {
    let http = serve(|nth, request| status(request, if nth < 2 { 500 } else { 200 }));
    let (ledger, clock) = (Ledger::with(1), SetClock::new());
    let deliverer = start(&ledger, webhook(&http.url, LONG), clock.clock());
    let got: Vec<_> = (0..3).map(|_| clock.until(&http.got)).collect();
    assert!(got.iter().all(|got| got.id() == "acme-1-alert"));
    assert!(got.iter().all(|other| other.body == got[0].body));
    assert!(got[1].timestamp() - got[0].timestamp() >= 10);
    assert!(got[2].timestamp() - got[1].timestamp() >= 30);
    assert!(got[0].headers["webhook-signature"] != got[1].headers["webhook-signature"]);
    let channel = ledger.wait_for(|channel| channel.next > position(1));
    assert!(channel.dead.is_empty());
    let tally = deliverer.stop().unwrap();
    assert_eq!((tally.sent, tally.retrying), (1, 0));
}

#[test]
fn a_receiver_may_ask_for_time() {
    let http = serve(|nth, request| {
        if nth > 0 {
            return status(request, 200);
        }
        request.answer(429, "retry-after: 600\r\n");
    });
    let (ledger, clock) = (Ledger::with(1), SetClock::new());
    let deliverer = start(&ledger, webhook(&http.url, LONG), clock.clock());
    let first = clock.until(&http.got).timestamp();
    assert!(clock.until(&http.got).timestamp() - first >= 600);
    deliverer.stop().unwrap();
}

#[test]
fn a_receiver_that_hangs_gets_it_again() {
    let held = Mutex::new(Vec::new());
    let http = serve(move |nth, request| match nth {
        0 => held.lock().unwrap().push(request),
        _ => status(request, 200),
    });
    let (ledger, clock) = (Ledger::with(1), SetClock::new());
    let deliverer = start(&ledger, webhook(&http.url, SHORT), clock.clock());
    assert_eq!(clock.until(&http.got).id(), clock.until(&http.got).id());
    ledger.wait_for(|channel| channel.next > position(1));
    assert_eq!(deliverer.stop().unwrap().sent, 1);
}

#[test]
fn a_receiver_that_answers_late_gets_it_twice_and_is_recorded_once() {
    // It takes the first one, and says so only when the second one comes.
    let (late, first) = (Mutex::new(None::<Request>), Mutex::new(0));
    let http = serve(move |nth, request| {
        let mut late = late.lock().unwrap();
        match (nth, late.take()) {
            (0, _) => *late = Some(request),
            (_, taken) => {
                if let Some(taken) = taken {
                    status(taken, 200);
                }
                *first.lock().unwrap() += 1;
                status(request, 200);
            }
        }
    });
    let (ledger, clock) = (Ledger::with(1), SetClock::new());
    let deliverer = start(&ledger, webhook(&http.url, SHORT), clock.clock());
    let (one, two) = (clock.until(&http.got), clock.until(&http.got));
    assert_eq!((one.id(), &one.body), (two.id(), &two.body));
    ledger.wait_for(|channel| channel.next > position(1));
    assert_eq!(deliverer.stop().unwrap().sent, 1);
    assert_eq!(ledger.settlements(), 1);
    assert!(http.got.try_recv().is_err());
}

#[test]
fn a_connection_that_is_refused_is_tried_again_later() {
    let ledger = Ledger::with(1);
    let tally = deliver(&ledger, webhook(&format!("http://{}", nobody()), LONG), Clock::System);
    assert_eq!((tally.sent, tally.retrying, tally.dead), (0, 1, 0));
    assert_eq!(ledger.ops().next, position(0));
    // A later run goes on.
    let http = serve(|_, request| status(request, 200));
    assert_eq!(deliver(&ledger, webhook(&http.url, LONG), Clock::System).sent, 1);
    assert!(ledger.ops().next > position(1));
}

#[test]
fn a_redirect_is_not_followed() {
    let check = |code: u16, dead: u64| {
        let elsewhere = serve(|_, request| status(request, 200));
        let location = format!("location: {}\r\n", elsewhere.url);
        let http = serve(move |_, request| request.answer(code, &location));
        let tally = deliver(&Ledger::with(1), webhook(&http.url, LONG), Clock::System);
        assert_eq!((tally.sent, tally.dead, tally.retrying), (0, dead, 1 - dead), "{code}");
        assert_eq!(http.got.try_iter().count(), 1);
        assert_eq!(elsewhere.got.try_iter().count(), 0);
    };
    check(301, 1);
    check(302, 0);
    check(307, 0);
    check(308, 1);
}

#[test]
fn a_huge_answer_is_not_read() {
    let http = serve(|_, request| request.answer_endlessly());
    let tally = deliver(&Ledger::with(3), webhook(&http.url, LONG), Clock::System);
    assert_eq!(tally.sent, 3);
}

#[test]
fn a_body_that_drips_is_bounded_and_the_status_counts() {
    let url = format!("http://{}", drip("HTTP/1.1 200 OK\r\n\r\n", Some(b'x')));
    assert_eq!(deliver(&Ledger::with(1), webhook(&url, SHORT), Clock::System).sent, 1);
    let url = format!("http://{}", drip("HTTP/1.1 500 Sorry\r\n\r\n", Some(b'x')));
    assert_eq!(deliver(&Ledger::with(1), webhook(&url, SHORT), Clock::System).retrying, 1);
}

#[test]
fn headers_that_drip_and_answers_of_nonsense_are_failures() {
    let check = |first, byte| {
        let tally = deliver(
            &Ledger::with(1),
            webhook(&format!("http://{}", drip(first, byte)), SHORT),
            Clock::System,
        );
        assert_eq!((tally.sent, tally.retrying), (0, 1), "{first}");
    };
    check("HTTP/1.1 200 OK\r\nx-drip: ", Some(b'x'));
    check("220 mail.example.com ESMTP\r\n", Some(b'x'));
    check("", None);
    check("", Some(b'\0'));
}

#[test]
fn gone_is_dead_at_once() {
    for code in [400, 404, 410, 413] {
        let http = serve(move |_, request| status(request, code));
        let ledger = Ledger::with(2);
        let tally = deliver(&ledger, webhook(&http.url, LONG), Clock::System);
        assert_eq!((tally.sent, tally.dead, tally.retrying), (0, 2, 0));
        assert_eq!(http.got.try_iter().count(), 2);
        let channel = ledger.ops();
        let letter = &channel.dead[&position(1)];
        assert_eq!(letter.attempts, 1);
        assert!(letter.reason.starts_with(&format!("the receiver answered `{code} ")), "{}", letter.reason);
        assert!(channel.next > position(2));
    }
}

#[test]
fn a_day_of_failures_makes_a_dead_letter() {
    let http = serve(|_, request| status(request, 503));
    let (ledger, clock) = (Ledger::with(1), SetClock::new());
    let deliverer = start(&ledger, webhook(&http.url, LONG), clock.clock());
    let begin = http.got.recv().unwrap().timestamp();
    let mut last = begin;
    for _ in 1..11 {
        // Long waits need few steps.
        last = loop {
            clock.advance(600);
            if let Ok(got) = http.got.recv_timeout(Duration::from_millis(20)) {
                break got.timestamp();
            }
        };
    }
    assert!(last - begin >= 20 * 3_600);
    let channel = ledger.wait_for(|channel| !channel.dead.is_empty());
    assert_eq!(channel.dead[&position(1)].attempts, 11);
    assert_eq!(deliverer.stop().unwrap().dead, 1);
    assert!(http.got.try_recv().is_err());
}

#[test]
fn other_kinds_are_passed_over_and_that_is_recorded_rarely() {
    let http = serve(|_, request| status(request, 200));
    let mut spec = webhook(&http.url, LONG);
    spec.kinds = Some([NotificationKind::Overdue].into());
    let ledger = Ledger::with(300);
    ledger.grow(3_000);
    assert_eq!(deliver(&ledger, spec.clone(), Clock::System).sent, 0);
    assert_eq!((ledger.settlements(), ledger.ops().next), (0, position(0)));
    ledger.grow(3_000);
    assert_eq!(deliver(&ledger, spec.clone(), Clock::System).sent, 0);
    assert_eq!((ledger.settlements(), ledger.ops().next), (1, position(6_301)));
    ledger.notify(NotificationKind::Overdue, None);
    assert_eq!(deliver(&ledger, spec, Clock::System).sent, 1);
    assert_eq!(http.got.try_iter().map(|got| got.id().to_owned()).collect::<Vec<_>>(), ["acme-6302-overdue"]);
    assert!(ledger.ops().next > position(6_302));
    assert!(ledger.ops().done.is_empty());
}
