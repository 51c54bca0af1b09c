//! What was given up: a person lists it, sends it again, or discards it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crossbeam::channel::bounded;

use super::channels::ChannelSpec;
use super::outbox::Outbox;
use super::outcome::Outcome;
use crate::clock::Clock;
use crate::domain::outbox::{DeadLetter, Fate, Position, Settled};
use crate::engine::EngineError;
use crate::engine::outbox::Notification;
use crate::limits::{DELIVERIES_IN_FLIGHT_MAX, DELIVERIES_SETTLED_AT_ONCE};

/// A dead letter, with the notification if the log still has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// Where the notification stands.
    pub position: Position,
    /// The notification's id, or `lsn.nth` of its position where it is gone.
    pub id: String,
    /// The notification.
    pub notification: Option<Notification>,
    /// Why it was given up.
    pub letter: DeadLetter,
}

/// What became of dead letters that were sent again.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Resent {
    /// Taken by the receiver.
    pub sent: u64,
    /// Without anybody to send them to; dead letters no more.
    pub no_address: u64,
    /// Still dead: their ids, and why.
    pub dead: Vec<(String, String)>,
}

/// No dead letter of the channel has this id.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no dead letter `{0}`")]
pub struct UnknownLetter(pub String);

/// The dead letters of a channel, oldest first.
pub fn list(outbox: &impl Outbox, channel: &str) -> Result<Vec<Listed>, EngineError> {
    let listed = |(position, letter): (Position, DeadLetter)| {
        let notification = outbox.notification(position)?;
        let id = notification.as_ref().map_or_else(
            || format!("{}.{}", position.lsn, position.nth),
            |notification| notification.id.clone(),
        );
        Ok(Listed { position, id, notification, letter })
    };
    outbox.channel(channel).dead.into_iter().map(listed).collect()
}

/// Those with the given ids; all of them if none is given.
pub fn select(letters: Vec<Listed>, ids: &[String]) -> Result<Vec<Listed>, UnknownLetter> {
    if let Some(unknown) = ids.iter().find(|id| letters.iter().all(|letter| letter.id != **id)) {
        return Err(UnknownLetter(unknown.clone()));
    }
    Ok(letters.into_iter().filter(|letter| ids.is_empty() || ids.contains(&letter.id)).collect())
}

/// Forgets them: they are never sent.
pub fn discard(
    outbox: &impl Outbox,
    channel: &str,
    letters: &[Listed],
    clock: &Clock,
) -> Result<(), EngineError> {
    let at = clock.now();
    let settled = |letter: &Listed| Settled { position: letter.position, at, fate: Fate::Discarded };
    let settled: Vec<_> = letters.iter().map(settled).collect();
    settle(outbox, channel, &settled)
}

/// Sends each of them once, some at a time, and records those that arrive. The others stay dead letters as they are.
/// What has not begun when `stopping` is set is not sent.
pub fn resend(
    outbox: &impl Outbox,
    spec: &ChannelSpec,
    letters: &[Listed],
    clock: &Clock,
    stopping: &AtomicBool,
) -> Result<Resent, EngineError> {
    let source = outbox.source();
    let mut resent = Resent::default();
    let next = AtomicUsize::new(0);
    let (returned, returns) = bounded(DELIVERIES_IN_FLIGHT_MAX);
    let send = |letter: &Listed| match &letter.notification {
        Some(notification) => spec.transport.send(notification, &source, clock.now()),
        None => Outcome::refused("the log does not hold it any more"),
    };
    thread::scope(|scope| {
        for _ in 0..letters.len().min(DELIVERIES_IN_FLIGHT_MAX) {
            let (returned, next) = (returned.clone(), &next);
            scope.spawn(move || {
                while !stopping.load(Ordering::Relaxed)
                    && let Some(letter) = letters.get(next.fetch_add(1, Ordering::Relaxed))
                    // Nobody listens any more where nothing can be recorded.
                    && returned.send((letter, send(letter))).is_ok()
                {}
            });
        }
        drop(returned);
        while let Ok(first) = returns.recv() {
            let mut settled = Vec::new();
            for (letter, outcome) in std::iter::once(first).chain(returns.try_iter()) {
                let fate = match outcome {
                    Outcome::Taken => Fate::Delivered,
                    Outcome::NoAddress => Fate::NoAddress,
                    Outcome::Failed(failure) => {
                        resent.dead.push((letter.id.clone(), failure.reason.into_owned()));
                        continue;
                    }
                };
                match fate {
                    Fate::Delivered => resent.sent += 1,
                    _ => resent.no_address += 1,
                }
                settled.push(Settled { position: letter.position, at: clock.now(), fate });
            }
            if let Err(error) = settle(outbox, &spec.name, &settled) {
                drop(returns);
                return Err(error);
            }
        }
        Ok(resent)
    })
}

/// Records them some at a time; how far the channel has come stays as it is.
fn settle(outbox: &impl Outbox, channel: &str, settled: &[Settled]) -> Result<(), EngineError> {
    for some in settled.chunks(DELIVERIES_SETTLED_AT_ONCE) {
        outbox.settle(channel, Position::default(), some.to_vec())?;
    }
    Ok(())
}
