//! What the tests have in common: a clock that they set, and channels with little patience.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use exchequer::clock::Clock;
use exchequer::domain::time::Timestamp;
use exchequer::notify::channels::ChannelSpec;
use exchequer::notify::deliverer::{Deliverer, Until};
use exchequer::notify::email::Email;
use exchequer::notify::secret::Secret;
use exchequer::notify::transport::{Patience, Transport};
use exchequer::notify::webhook::Webhook;
use exchequer::notify::window::Tally;

use crate::ledger::{Ledger, OPS};

/// The secret of the published example of Standard Webhooks.
pub const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// For receivers that answer.
pub const LONG: Patience = Patience { connect: Duration::from_mins(1), whole: Duration::from_mins(1) };

/// For receivers that don't.
pub const SHORT: Patience = Patience { connect: Duration::from_mins(1), whole: Duration::from_millis(300) };

pub fn webhook(url: &str, patience: Patience) -> ChannelSpec {
    let webhook = Webhook::new(url, &Secret::new(SECRET), patience).unwrap();
    spec(Transport::Webhook(Box::new(webhook)))
}

pub fn email(smtp: &str, patience: Patience) -> ChannelSpec {
    let from = "Exchequer <billing@example.com>".parse().unwrap();
    spec(Transport::Email(Box::new(Email::new(smtp, None, from, patience).unwrap())))
}

pub fn spec(transport: Transport) -> ChannelSpec {
    ChannelSpec { name: OPS.into(), kinds: None, transport }
}

/// A clock that a test sets.
#[derive(Clone)]
pub struct SetClock(Arc<AtomicI64>);

impl SetClock {
    pub fn new() -> Self {
        let now: Timestamp = "2026-05-01T12:00:00Z".parse().unwrap();
        Self(Arc::new(AtomicI64::new(now.micros())))
    }

    pub fn clock(&self) -> Clock {
        Clock::Set(Arc::clone(&self.0))
    }

    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }

    /// Lets time pass, some seconds at a time, until something comes.
    pub fn until<T>(&self, come: &Receiver<T>) -> T {
        for _ in 0..3_000 {
            if let Ok(what) = come.recv_timeout(Duration::from_millis(20)) {
                return what;
            }
            self.advance(2);
        }
        panic!("nothing came");
    }
}

pub fn start(ledger: &Ledger, spec: ChannelSpec, clock: Clock) -> Deliverer {
    Deliverer::start(Arc::new(ledger.clone()), spec, clock, Until::Stopped).unwrap()
}

/// Tries everything once.
pub fn deliver(ledger: &Ledger, spec: ChannelSpec, clock: Clock) -> Tally {
    let deliverer = Deliverer::start(Arc::new(ledger.clone()), spec, clock, Until::Tried).unwrap();
    while !deliverer.has_ended() {
        std::thread::yield_now();
    }
    deliverer.stop().unwrap()
}
