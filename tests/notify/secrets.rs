//! No secret is in an error, in what is shown of a channel, in what is recorded, or in the log lines.

use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Arc, Mutex};

use exchequer::clock::Clock;
use exchequer::notify::channels::{ChannelSpec, read};
use exchequer::notify::dead_letters;
use exchequer::notify::email::Email;
use exchequer::notify::outbox::Outbox;
use exchequer::notify::secret::Secret;
use exchequer::notify::transport::{Patience, Transport};
use exchequer::notify::webhook::Webhook;
use mailin::{Response, response};
use tracing_subscriber::fmt::MakeWriter;

use crate::http::{drip, nobody, serve as http, status};
use crate::ledger::{Ledger, OPS, position};
use crate::rig::{SHORT, deliver, spec};
use crate::smtp::serve as smtp;

/// Each secret part, in letters that nothing else holds.
const USER: &str = "zqUSERzq";
const PASSWORD: &str = "zqPASSWORDzq";
const PATH: &str = "zqPATHzq";
const QUERY: &str = "zqQUERYzq";
const KEY: &str = "zqKEYzqKEYzqKEYzqKEYzqKEYzqKEYzqKEYz";

/// Everything that is traced by any test of this process.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

fn webhook(scheme: &str, address: &str) -> ChannelSpec {
    let url = format!("{scheme}://{USER}:{PASSWORD}@{address}/{PATH}?token={QUERY}");
    let secret = Secret::new(format!("whsec_{KEY}"));
    spec(Transport::Webhook(Box::new(Webhook::new(&url, &secret, SHORT).unwrap())))
}

fn email(smtp: &str) -> ChannelSpec {
    let from = "billing@example.com".parse().unwrap();
    let email = Email::new(smtp, Some((USER, &Secret::new(PASSWORD))), from, SHORT).unwrap();
    spec(Transport::Email(Box::new(email)))
}

/// A mail server that repeats what it was told.
fn repeating() -> Response {
    Response::custom(550, format!("no {PASSWORD} {USER}"))
}

#[test]
fn whatever_fails_no_secret_is_told() {
    let lines = Lines::default();
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(lines.clone()).init();
    let told = Mutex::new(String::new());
    let tell = |text: &dyn std::fmt::Debug| writeln!(told.lock().unwrap(), "{text:?}").unwrap();

    let refusing = http(|_, request| status(request, 410));
    let authorization = http(|_, request| status(request, 500));
    let address = |url: &str| url.trim_start_matches("http://").trim_end_matches("/hook").to_owned();
    let refusing_mail = smtp(true, |_, _| repeating());
    let lacking_mail = smtp(false, |_, _| response::OK);
    let hanging = drip("", None);
    let channels = [
        webhook("http", &address(&refusing.url)),
        webhook("http", &address(&authorization.url)),
        webhook("http", &nobody()),
        webhook("http", &hanging),
        webhook("https", &drip("HTTP/1.1 400 Bad\r\n\r\n", Some(b'x'))),
        webhook("http", &drip("220 mail\r\n", Some(b'x'))),
        webhook("http", "no-such-host.invalid"),
        email(&refusing_mail.url),
        email(&lacking_mail.url),
        email(&format!("smtp://{}", nobody())),
        email(&format!("smtp://{hanging}")),
        email(&format!("smtps://{}", drip("HTTP/1.1 400 Bad\r\n\r\n", Some(b'x')))),
        email("smtps://no-such-host.invalid"),
    ];
    for spec in channels {
        tell(&spec);
        let ledger = Ledger::with(1);
        let tally = deliver(&ledger, spec.clone(), Clock::System);
        assert_eq!((tally.sent, tally.dead + tally.retrying), (0, 1), "{spec:?}");
        tell(&dead_letters::list(&ledger, OPS).unwrap());
        let letter = ledger.notification(position(1)).unwrap().unwrap();
        tell(&spec.transport.send(&letter, "/exchequer/x", Clock::System.now()));
    }
    // They were used, so they could have been told.
    let got = authorization.got.recv().unwrap();
    let login = got.headers["authorization"].strip_prefix("Basic ").unwrap();
    assert_eq!(refusing_mail.got.recv().unwrap().login, Some((USER.to_owned(), PASSWORD.to_owned())));

    for text in faults_of_files() {
        tell(&text);
    }
    let secret = Secret::new(PASSWORD);
    tell(&format!("{secret} {secret:?}"));

    let told = told.into_inner().unwrap() + std::str::from_utf8(&lines.0.lock().unwrap()).unwrap();
    assert!(
        told.contains("a notification is given up") && told.contains("the mail server answered"),
        "{told}"
    );
    for hidden in [USER, PASSWORD, PATH, QUERY, KEY, "zq", login] {
        assert!(!told.contains(hidden), "`{hidden}` is in {told}");
    }
}

/// What is said of files whose secrets are not as they should be.
fn faults_of_files() -> Vec<String> {
    let home = tempfile::TempDir::new().unwrap();
    let file = |name: &str, text: String| std::fs::write(home.path().join(name), text).unwrap();
    file("key", format!("whsec_{KEY}!"));
    let channels = [
        r#"{"name": "a", "kind": "webhook", "url": "https://h/", "secret_file": "key"}"#.to_owned(),
        format!(
            r#"{{"name": "a", "kind": "webhook", "url": "ftp://{USER}:{PASSWORD}@h/{PATH}", "secret_file": "key"}}"#
        ),
        format!(r#"{{"name": "a", "kind": "webhook", "url": "https://h/", "secret": "whsec_{KEY}"}}"#),
        format!(r#"{{"name": "a", "kind": "email", "smtp": "smtp://{USER}:{PASSWORD}@h", "from": "a@b.c"}}"#),
        format!(r#"{{"name": "a", "kind": "email", "smtp": "smtp://h?{QUERY}", "from": "a@b.c"}}"#),
        format!(r#"{{"name": "a", "kind": "email", "smtp": "smtp://h", "password": "{PASSWORD}"}}"#),
    ];
    let fault = |channel: &String| {
        file("channels.json", format!(r#"{{"channels": [{channel}]}}"#));
        let fault = read(&home.path().join("channels.json"), Patience::default()).unwrap_err();
        format!("{fault} {fault:?}").replace(&home.path().display().to_string(), "~")
    };
    channels.iter().map(fault).collect()
}
