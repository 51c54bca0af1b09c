//! How one channel sends.

use std::fmt::Write;
use std::time::Duration;

use super::email::Email;
use super::outcome::Outcome;
use super::webhook::Webhook;
use crate::domain::time::Timestamp;
use crate::engine::outbox::Notification;
use crate::limits::{DELIVERY_CONNECT_SECONDS, DELIVERY_SECONDS};

/// How one channel sends.
#[derive(Clone, Debug)]
pub enum Transport {
    /// To an HTTP server.
    Webhook(Box<Webhook>),
    /// To a mail server.
    Email(Box<Email>),
}

impl Transport {
    /// Makes one attempt, at `now`; `source` is the ledger's. It blocks the thread for no longer than [`Patience::whole`].
    pub fn send(&self, notification: &Notification, source: &str, now: Timestamp) -> Outcome {
        match self {
            Self::Webhook(webhook) => webhook.send(notification, source, now),
            Self::Email(email) => email.send(notification, source, now),
        }
    }
}

/// For how long a receiver is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// Until it has taken the connection.
    pub connect: Duration,
    /// Until it has answered, from the beginning of the attempt.
    pub whole: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(DELIVERY_CONNECT_SECONDS),
            whole: Duration::from_secs(DELIVERY_SECONDS),
        }
    }
}

/// A notification's id in letters that every header takes: all but letters, digits, `-` and `_` are percent-encoded. Usual
/// ids are as they were. A signature needs it without a full stop, which parts what is signed.
pub(super) fn plain_id(id: &str) -> String {
    let mut plain = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_".contains(&byte) {
            plain.push(char::from(byte));
        } else {
            write!(plain, "%{byte:02X}").expect("invariant: writing into memory can't fail");
        }
    }
    plain
}
