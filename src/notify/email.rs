//! E-mail: one message to the account's contact, over SMTP (rule H5).

use std::error::Error as _;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use ureq::http::Uri;

use super::outcome::Outcome;
use super::secret::Secret;
use super::transport::{Patience, plain_id};
use crate::domain::time::Timestamp;
use crate::engine::outbox::Notification;

/// A mail server that takes notifications, and whom they are from.
#[derive(Clone)]
pub struct Email {
    host: String,
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    whole: Duration,
}

impl Email {
    /// Sends over `smtp`, with a user and password if the server wants them. An error tells what is wrong about `smtp`, and
    /// shows nothing of it.
    pub fn new(
        smtp: &str,
        login: Option<(&str, &Secret)>,
        from: Mailbox,
        patience: Patience,
    ) -> Result<Self, &'static str> {
        let uri = smtp.parse::<Uri>().map_err(|_| SMTP_FORM)?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(SMTP_FORM)?;
        let encrypted = match (uri.scheme_str(), uri.query()) {
            (Some("smtps"), None) | (Some("smtp"), Some("tls=required")) => true,
            (Some("smtp"), None | Some("tls=opportunistic")) => false,
            _ => return Err(SMTP_FORM),
        };
        let user_in_it = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        if user_in_it || !matches!(uri.path(), "" | "/") {
            return Err(SMTP_FORM);
        }
        if login.is_some() && !encrypted && !is_loopback(host) {
            return Err(
                "a password is sent over TLS only: give `smtps://host`, or `smtp://host?tls=required`",
            );
        }
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(smtp).map_err(|_| SMTP_FORM)?;
        let builder = builder.timeout(Some(patience.connect.max(patience.whole)));
        let builder = match login {
            None => builder,
            Some((user, password)) => {
                builder.credentials(Credentials::new(user.to_owned(), password.reveal().to_owned()))
            }
        };
        Ok(Self { host: host.to_owned(), server: builder.build(), from, whole: patience.whole })
    }

    /// Makes one attempt.
    pub fn send(&self, notification: &Notification, source: &str, now: Timestamp) -> Outcome {
        let Some(to) = notification.to.as_deref().and_then(|to| to.parse::<Address>().ok()) else {
            return Outcome::NoAddress;
        };
        let Ok(message) = self.message(notification, to, source, now) else {
            return Outcome::refused("it can't be written as a message");
        };
        // The library bounds each step; a server that drips would have many of them.
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return Outcome::failed(format!("no runtime: {}", error.kind())),
        };
        let sent =
            runtime.block_on(async { tokio::time::timeout(self.whole, self.server.send(message)).await });
        // A name that is still being looked up is not waited for.
        runtime.shutdown_background();
        match sent {
            Ok(Ok(_)) => Outcome::Taken,
            Ok(Err(error)) => failure(&error),
            Err(_) => Outcome::failed(NO_ANSWER),
        }
    }

    fn message(
        &self,
        notification: &Notification,
        to: Address,
        source: &str,
        now: Timestamp,
    ) -> Result<Message, lettre::error::Error> {
        // Two ledgers may send from one domain.
        let ledger = plain_id(source.rsplit('/').next().unwrap_or_default());
        let id = format!("<{}.{ledger}@{}>", plain_id(&notification.id), self.from.email.domain());
        let since = Duration::from_micros(u64::try_from(now.micros()).unwrap_or_default());
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        MessageBuilder::new()
            .message_id(Some(id))
            .date(UNIX_EPOCH + since)
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(notification.subject.as_str())
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN)
            .body(notification.body.clone())
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Email").field("host", &self.host).finish_non_exhaustive()
    }
}

const SMTP_FORM: &str = "give `smtp://host:port`, `smtp://host:port?tls=required`, `smtp://host:port?tls=opportunistic` or \
                         `smtps://host:port`; a user has fields of its own";
const NO_ANSWER: &str = "no answer in time";

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Why it was not sent, without the error's own text, in which the server may repeat what it was told.
fn failure(error: &Error) -> Outcome {
    if let Some(code) = error.status() {
        let reason = format!("the mail server answered `{code}`");
        // A login that fails, or a server that takes nothing from here, is no fault of the notification.
        let of_channel = matches!(u16::from(code), 530 | 534 | 535 | 538 | 554);
        let refused = error.is_permanent() && !of_channel;
        return if refused { Outcome::refused(reason) } else { Outcome::failed(reason) };
    }
    if error.is_timeout() {
        return Outcome::failed(NO_ANSWER);
    }
    if error.is_tls() {
        return Outcome::failed("no TLS: check the mail server's certificate");
    }
    if error.is_response() {
        return Outcome::failed("the answer is not understood");
    }
    if error.is_client() {
        return Outcome::failed(
            "the mail server lacks what is needed: TLS, a login, or letters of the address",
        );
    }
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.map_or(Outcome::failed("no connection"), |cause| Outcome::failed(cause.kind().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::notification::NotificationKind;
    use crate::domain::outbox::Position;

    fn from() -> Mailbox {
        "Exchequer <billing@example.com>".parse().unwrap()
    }

    fn notification(subject: &str, body: &str) -> Notification {
        Notification {
            position: Position { lsn: 7, nth: 0 },
            id: "acme.eu>\r\nX-A: b-7-alert".to_owned(),
            at: Timestamp::from_micros(0),
            kind: NotificationKind::Alert,
            billing_account: "acme".to_owned(),
            to: None,
            subject: subject.to_owned(),
            body: body.to_owned(),
            data: serde_json::Value::Null,
        }
    }

    fn lines(subject: &str, body: &str) -> Vec<String> {
        let email = Email::new("smtp://127.0.0.1:25", None, from(), Patience::default()).unwrap();
        let to = "ops@example.org".parse().unwrap();
        let now = "2026-05-01T00:00:00Z".parse().unwrap();
        let message = email.message(&notification(subject, body), to, "/exchequer/0a1b", now).unwrap();
        String::from_utf8(message.formatted()).unwrap().split("\r\n").map(str::to_owned).collect()
    }

    #[test]
    fn a_message_is_known_again_by_its_id() {
        assert_eq!(
            lines("low balance", "text"),
            [
                "Message-ID: <acme%2Eeu%3E%0D%0AX-A%3A%20b-7-alert.0a1b@example.com>",
                "Date: Fri, 01 May 2026 00:00:00 +0000",
                "From: Exchequer <billing@example.com>",
                "To: ops@example.org",
                "Subject: low balance",
                "Auto-Submitted: auto-generated",
                "Content-Type: text/plain; charset=utf-8",
                "Content-Transfer-Encoding: 7bit",
                "",
                "text"
            ]
        );
    }

    #[test]
    fn nothing_of_a_notification_becomes_a_header() {
        let hostile =
            "x\r\nBcc: evil@example.net\r\n\r\n<html>\nBcc: evil@example.net\rBcc: evil@example.net \0é";
        let lines = lines(hostile, "a\r\n.\r\nQUIT\r\n");
        let end = lines.iter().position(String::is_empty).unwrap();
        let names: Vec<_> = lines[..end]
            .iter()
            .filter(|line| !line.starts_with(' '))
            .map(|line| line.split(':').next().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "Message-ID",
                "Date",
                "From",
                "To",
                "Subject",
                "Auto-Submitted",
                "Content-Type",
                "Content-Transfer-Encoding"
            ]
        );
        assert!(lines.iter().all(|line| !line.contains(['\r', '\n', '\0'])), "{lines:?}");
    }

    #[test]
    fn refuses_servers_of_another_form_and_passwords_in_clear() {
        let password = Secret::new("hunter2");
        let check = |smtp: &str, login: bool, expect: Result<(), &'static str>| {
            let login = login.then_some(("ops", &password));
            assert_eq!(Email::new(smtp, login, from(), Patience::default()).map(drop), expect, "{smtp}");
        };
        for smtp in ["smtp://mail.example.com", "smtp://mail.example.com:25?tls=opportunistic"] {
            check(smtp, false, Ok(()));
            assert!(
                Email::new(smtp, Some(("ops", &password)), from(), Patience::default()).is_err(),
                "{smtp}"
            );
        }
        let safe = ["smtps://mail.example.com", "smtp://mail.example.com?tls=required", "smtp://[::1]:25"];
        for smtp in safe.into_iter().chain(["smtp://localhost", "smtp://127.0.0.1:2525"]) {
            check(smtp, true, Ok(()));
        }
        let bad =
            ["", "mail.example.com", "http://a", "smtp://", "smtp://u:p@a", "smtp://a/b", "smtp://a?tls=no"];
        for smtp in bad {
            check(smtp, false, Err(SMTP_FORM));
        }
    }
}
