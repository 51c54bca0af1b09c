//! E-mail against a real SMTP server.

use exchequer::clock::Clock;
use exchequer::domain::notification::NotificationKind;
use exchequer::notify::email::Email;
use exchequer::notify::secret::Secret;
use exchequer::notify::transport::Transport;
use mailin::response;

use crate::http::{drip, nobody};
use crate::ledger::{Ledger, position};
use crate::rig::{LONG, SHORT, SetClock, deliver, email, spec, start};
use crate::smtp::serve;

#[test]
fn a_contact_gets_a_message() {
    let smtp = serve(false, |_, _| response::OK);
    let clock = SetClock::new();
    let tally = deliver(&Ledger::with(1), email(&smtp.url, LONG), clock.clock());
    assert_eq!((tally.sent, tally.retrying, tally.dead), (1, 0, 0));
    let mail = smtp.got.recv().unwrap();
    assert_eq!((mail.from.as_str(), mail.to), ("billing@example.com", vec!["ops@example.org".to_owned()]));
    let head = mail.text.split("\r\n\r\n").next().unwrap();
    assert_eq!(
        head.lines().collect::<Vec<_>>(),
        [
            "Message-ID: <acme-1-alert.0a1b2c@example.com>",
            "Date: Fri, 01 May 2026 12:00:00 +0000",
            "From: Exchequer <billing@example.com>",
            "To: ops@example.org",
            "Subject: low balance of acme",
            "Auto-Submitted: auto-generated",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: quoted-printable",
        ]
    );
    // A line of one full stop does not end it.
    let body = mail.text.split("\r\n\r\n").nth(1).unwrap();
    assert_eq!(body.trim_end(), "10 USD are left.\r\n.\r\nThe threshold is 20 USD: =C3=A9.");
}

#[test]
fn it_logs_in_where_the_server_wants_it() {
    let smtp = serve(true, |_, _| response::OK);
    let from = "billing@example.com".parse().unwrap();
    let password = Secret::new("correct horse");
    let email = Email::new(&smtp.url, Some(("exchequer", &password)), from, LONG).unwrap();
    let tally = deliver(&Ledger::with(1), spec(Transport::Email(Box::new(email))), Clock::System);
    assert_eq!(tally.sent, 1);
    let login = smtp.got.recv().unwrap().login;
    assert_eq!(login, Some(("exchequer".to_owned(), "correct horse".to_owned())));
}

#[test]
fn a_temporary_refusal_is_tried_again_under_the_same_id() {
    let smtp = serve(false, |nth, _| if nth == 0 { response::INTERNAL_ERROR } else { response::OK });
    let (ledger, clock) = (Ledger::with(1), SetClock::new());
    let deliverer = start(&ledger, email(&smtp.url, LONG), clock.clock());
    let (one, two) = (clock.until(&smtp.got), clock.until(&smtp.got));
    assert_eq!(one.header("Message-ID"), two.header("Message-ID"));
    assert!(one.header("Date") != two.header("Date"));
    ledger.wait_for(|channel| channel.next > position(1));
    assert_eq!(deliverer.stop().unwrap().sent, 1);
}

#[test]
fn a_permanent_refusal_is_dead_at_once() {
    let smtp = serve(false, |_, _| response::NO_MAILBOX);
    let ledger = Ledger::with(1);
    let tally = deliver(&ledger, email(&smtp.url, LONG), Clock::System);
    assert_eq!((tally.sent, tally.dead, tally.retrying), (0, 1, 0));
    let letter = &ledger.ops().dead[&position(1)];
    assert_eq!((letter.attempts, &*letter.reason), (1, "the mail server answered `550`"));
}

#[test]
fn without_an_address_there_is_nothing_to_send() {
    let smtp = serve(false, |_, _| response::OK);
    let ledger = Ledger::default();
    let nobody = ["", "acme", "a@b@c", "a b@example.org", "a@example.org, b@example.org", "+49 30 1234"];
    let hostile =
        ["a@example.org\r\nRCPT TO:<b@example.org>", "a@example.org>\r\nDATA", "a\n@example.org", "<a@b.c>"];
    ledger.notify(NotificationKind::Alert, None);
    for to in nobody.into_iter().chain(hostile) {
        ledger.notify(NotificationKind::Alert, Some(to));
    }
    let tally = deliver(&ledger, email(&smtp.url, LONG), Clock::System);
    assert_eq!((tally.sent, tally.no_address, tally.dead, tally.retrying), (0, 11, 0, 0));
    assert!(smtp.got.try_recv().is_err());
    assert!(ledger.ops().next > position(11) && ledger.ops().dead.is_empty());
}

#[test]
fn a_server_that_hangs_drips_or_is_not_there_is_tried_again() {
    let check = |address: String| {
        let ledger = Ledger::with(1);
        let tally = deliver(&ledger, email(&format!("smtp://{address}"), SHORT), Clock::System);
        assert_eq!((tally.sent, tally.retrying, tally.dead), (0, 1, 0), "{address}");
        assert_eq!(ledger.ops().next, position(0));
    };
    check(drip("", None));
    check(drip("220-", Some(b'x')));
    check(drip("HTTP/1.1 400 Bad Request\r\n\r\n", Some(b'x')));
    check(nobody());
}
