//! One deliverer a channel: a thread that decides, and a few that send.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam::channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

use super::channels::ChannelSpec;
use super::outbox::{Feed, Outbox};
use super::outcome::Outcome;
use super::window::{Consequence, Tally, Window};
use crate::clock::{Clock, Stopwatch};
use crate::domain::outbox::{Channel, Position};
use crate::engine::EngineError;
use crate::engine::outbox::Notification;
use crate::limits::{CHANNEL_LAG_BLOCKS, DELIVERIES_IN_FLIGHT_MAX, DELIVERIES_SETTLED_AT_ONCE};

/// How often it looks whether it shall stop, and whether something is due.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// For so long what is done waits for more that is recorded with it.
const MOMENT: Duration = Duration::from_millis(100);

/// Notifications that are read at once.
const READ_AT_ONCE: usize = 256;

/// When a deliverer ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Until {
    /// When everything that is there was tried once.
    Tried,
    /// When it is stopped.
    Stopped,
}

/// Sends the notifications of one channel, on threads of its own.
#[derive(Debug)]
pub struct Deliverer {
    thread: Option<JoinHandle<Result<(), EngineError>>>,
    stopping: Arc<AtomicBool>,
    tally: Arc<Mutex<Tally>>,
}

impl Deliverer {
    /// Begins where the channel has come to.
    pub fn start(
        outbox: Arc<impl Outbox>,
        spec: ChannelSpec,
        clock: Clock,
        until: Until,
    ) -> io::Result<Self> {
        let stopping = Arc::new(AtomicBool::new(false));
        let tally = Arc::new(Mutex::new(Tally::default()));
        let (stop, told) = (Arc::clone(&stopping), Arc::clone(&tally));
        let run = move || {
            let channel = Arc::clone(&spec.name);
            let ended = Course::new(outbox, spec, clock, told).and_then(|course| course.run(until, &stop));
            ended.inspect_err(|error| tracing::error!(%channel, %error, "a channel ends"))
        };
        let thread = thread::Builder::new().name("exchequer-notify".to_owned()).spawn(run)?;
        Ok(Self { thread: Some(thread), stopping, tally })
    }

    /// What it has done so far.
    pub fn tally(&self) -> Tally {
        *self.tally.lock()
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Begins nothing more from now on, and ends when what is on the wire is recorded.
    pub fn begin_to_stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// As [`Deliverer::begin_to_stop`], and waits for the end: no longer than one attempt may take, and the disk.
    pub fn stop(mut self) -> Result<Tally, EngineError> {
        self.begin_to_stop();
        let ended = self.thread.take().map(JoinHandle::join);
        match ended {
            Some(Ok(Err(error))) => Err(error),
            Some(Err(_)) => Err(EngineError::Stopped("a deliverer panicked".to_owned())),
            _ => Ok(self.tally()),
        }
    }
}

impl Drop for Deliverer {
    fn drop(&mut self) {
        // It ends by itself soon.
        self.begin_to_stop();
    }
}

/// What came back from a thread that sends.
type Return = (Position, Outcome);

/// A deliverer at work.
struct Course<O: Outbox> {
    outbox: Arc<O>,
    spec: ChannelSpec,
    clock: Clock,
    feed: O::Feed,
    window: Window,
    crew: Crew,
    /// Since something is done that is not recorded.
    unrecorded: Option<Stopwatch>,
    /// Whether the pause has been told.
    told_pause: bool,
    tally: Arc<Mutex<Tally>>,
}

impl<O: Outbox> Course<O> {
    fn new(
        outbox: Arc<O>,
        spec: ChannelSpec,
        clock: Clock,
        tally: Arc<Mutex<Tally>>,
    ) -> Result<Self, EngineError> {
        let mut channel = outbox.channel(&spec.name);
        if channel == Channel::default() {
            // Known from now on: what it has not sent stays in the log.
            channel.next = outbox.oldest()?;
            outbox.settle(&spec.name, channel.next, Vec::new())?;
        }
        let feed = outbox.notifications_from(channel.next)?;
        let crew = Crew::new(spec.clone(), outbox.source(), clock.clone());
        let window = Window::new(&channel);
        Ok(Self { outbox, spec, clock, feed, window, crew, unrecorded: None, told_pause: false, tally })
    }

    fn run(mut self, until: Until, stopping: &AtomicBool) -> Result<(), EngineError> {
        loop {
            let stop = stopping.load(Ordering::Relaxed);
            self.receive(Duration::ZERO);
            let read = if stop { false } else { self.read()? };
            self.unpause();
            if !stop {
                self.start();
                if self.window.give_up_what_blocks(self.clock.now()) {
                    tracing::warn!(
                        channel = &*self.spec.name,
                        "a notification is given up: all others waited for it"
                    );
                }
            }
            let idle = self.window.in_flight() == 0 && !read;
            let ending = idle && (stop || until == Until::Tried);
            self.settle(ending)?;
            *self.tally.lock() = self.window.tally();
            // What was recorded may have made room for more.
            if ending && (stop || !self.read()?) {
                return Ok(());
            }
            // Where there is no room, news is no reason to wake up.
            if self.window.in_flight() > 0 || self.window.room() == 0 {
                self.receive(LOOK_EVERY);
            } else if !read && !ending {
                let newest = self.feed.read_up_to().lsn.saturating_sub(1);
                self.outbox.wait_for_news(newest, LOOK_EVERY);
            }
        }
    }

    /// Reads what there is room for; whether there was any, or a part of the log without any.
    fn read(&mut self) -> Result<bool, EngineError> {
        let limit = self.window.room().min(READ_AT_ONCE);
        if limit == 0 {
            return Ok(false);
        }
        let before = self.feed.read_up_to();
        let notifications = self.feed.take(limit)?;
        let read = !notifications.is_empty() || self.feed.read_up_to() > before;
        for notification in notifications {
            if self.spec.sends(notification.kind) {
                self.window.admit(notification);
            }
        }
        self.window.has_read(self.feed.read_up_to());
        Ok(read)
    }

    fn start(&mut self) {
        while let Some(notification) = self.window.start(self.clock.now()) {
            self.crew.send(notification);
        }
    }

    /// Notes what came back, waiting so long for the first.
    fn receive(&mut self, timeout: Duration) {
        let mut next = self.crew.returns.recv_timeout(timeout).ok();
        while let Some((position, outcome)) = next {
            self.finish(position, outcome);
            next = self.crew.returns.try_recv().ok();
        }
    }

    fn finish(&mut self, position: Position, outcome: Outcome) {
        let channel = &*self.spec.name;
        let reason = match &outcome {
            Outcome::Failed(failure) => failure.reason.clone(),
            Outcome::Taken | Outcome::NoAddress => "".into(),
        };
        let Position { lsn, nth } = position;
        match self.window.finish(position, outcome, self.clock.now()) {
            None => {}
            Some(Consequence::Again { attempts, due }) => {
                tracing::info!(channel, lsn, nth, attempts, %reason, %due, "a notification is sent again later");
            }
            Some(Consequence::Dead { attempts }) => {
                tracing::warn!(channel, lsn, nth, attempts, %reason, "a notification is given up");
            }
        }
        if self.window.fresh() > 0 && self.unrecorded.is_none() {
            self.unrecorded = Some(Stopwatch::start());
        }
    }

    /// Records what is done: a batch, or what has waited for a moment, or whatever there is.
    fn settle(&mut self, whatever: bool) -> Result<(), EngineError> {
        let waited = self.unrecorded.is_some_and(|since| since.elapsed() >= MOMENT);
        let alone = self.window.in_flight() == 0;
        let batch = self.window.fresh() >= DELIVERIES_SETTLED_AT_ONCE;
        let settled = self.window.fresh() > 0 && (whatever || waited || alone || batch);
        if !settled && self.window.lag() < CHANNEL_LAG_BLOCKS {
            return Ok(());
        }
        let (next, settled) = self.window.settlement();
        self.outbox.settle(&self.spec.name, next, settled)?;
        self.window.has_recorded(next);
        self.unrecorded = None;
        Ok(())
    }

    /// Goes on where a person has sent or discarded dead letters; says so where it can't.
    fn unpause(&mut self) {
        if self.window.is_paused() {
            self.window.recorded_dead(self.outbox.channel(&self.spec.name).dead.len());
        }
        let paused = self.window.is_paused();
        let channel = &*self.spec.name;
        match (self.told_pause, paused) {
            (false, true) => {
                tracing::warn!(
                    channel,
                    "too many dead letters: the channel waits until some are sent or discarded"
                );
            }
            (true, false) => tracing::info!(channel, "the channel goes on"),
            _ => {}
        }
        self.told_pause = paused;
    }
}

/// The threads that send: one for each notification that is on the wire.
struct Crew {
    spec: ChannelSpec,
    source: Arc<str>,
    clock: Clock,
    returned: Sender<Return>,
    returns: Receiver<Return>,
}

impl Crew {
    fn new(spec: ChannelSpec, source: String, clock: Clock) -> Self {
        let (returned, returns) = bounded(DELIVERIES_IN_FLIGHT_MAX);
        Self { spec, source: source.into(), clock, returned, returns }
    }

    /// Makes one attempt, and returns what came of it.
    fn send(&self, notification: Arc<Notification>) {
        let position = notification.position;
        let transport = self.spec.transport.clone();
        let (source, clock, returned) = (Arc::clone(&self.source), self.clock.clone(), self.returned.clone());
        let attempt = move || {
            let send = || transport.send(&notification, &source, clock.now());
            let outcome = catch_unwind(AssertUnwindSafe(send));
            let outcome = outcome.unwrap_or_else(|_| Outcome::failed("a fault of the sender"));
            // Nobody waits for it where the engine has stopped.
            drop(returned.send((position, outcome)));
        };
        if let Err(error) = thread::Builder::new().name("exchequer-send".to_owned()).spawn(attempt) {
            let outcome = Outcome::failed(format!("no thread to send it: {}", error.kind()));
            drop(self.returned.send((position, outcome)));
        }
    }
}
