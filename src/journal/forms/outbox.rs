//! How far channels have come with notifications, as records and snapshots hold it.

use crate::domain::outbox::{Channel, DeadLetter, Fate, Position, Settled};
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Block, and which notification of it.
type PositionV1 = (u64, u32);

#[derive(Serialize, Deserialize)]
pub(super) struct SettledV1 {
    position: PositionV1,
    at: i64,
    fate: FateV1,
}

#[derive(Serialize, Deserialize)]
enum FateV1 {
    Delivered,
    NoAddress,
    Dead(u32, Box<str>),
    Discarded,
}

#[derive(Serialize, Deserialize)]
pub(in crate::journal) struct ChannelV1 {
    name: Box<str>,
    next: PositionV1,
    done: Vec<PositionV1>,
    dead: Vec<(PositionV1, i64, u32, Box<str>)>,
}

pub(super) const fn position_form(position: Position) -> PositionV1 {
    (position.lsn, position.nth)
}

pub(super) const fn position_of((lsn, nth): PositionV1) -> Position {
    Position { lsn, nth }
}

impl From<&Settled> for SettledV1 {
    fn from(settled: &Settled) -> Self {
        Self {
            position: position_form(settled.position),
            at: settled.at.micros(),
            fate: match &settled.fate {
                Fate::Delivered => FateV1::Delivered,
                Fate::NoAddress => FateV1::NoAddress,
                Fate::Dead { attempts, reason } => FateV1::Dead(*attempts, reason.clone()),
                Fate::Discarded => FateV1::Discarded,
            },
        }
    }
}

impl From<SettledV1> for Settled {
    fn from(form: SettledV1) -> Self {
        Self {
            position: position_of(form.position),
            at: Timestamp::from_micros(form.at),
            fate: match form.fate {
                FateV1::Delivered => Fate::Delivered,
                FateV1::NoAddress => Fate::NoAddress,
                FateV1::Dead(attempts, reason) => Fate::Dead { attempts, reason },
                FateV1::Discarded => Fate::Discarded,
            },
        }
    }
}

impl From<(&str, &Channel)> for ChannelV1 {
    fn from((name, channel): (&str, &Channel)) -> Self {
        let dead = |(position, letter): (&Position, &DeadLetter)| {
            (position_form(*position), letter.at.micros(), letter.attempts, letter.reason.clone())
        };
        Self {
            name: name.into(),
            next: position_form(channel.next),
            done: channel.done.iter().copied().map(position_form).collect(),
            dead: channel.dead.iter().map(dead).collect(),
        }
    }
}

impl From<ChannelV1> for (Box<str>, Channel) {
    fn from(form: ChannelV1) -> Self {
        let dead = |(position, at, attempts, reason)| {
            let letter = DeadLetter { at: Timestamp::from_micros(at), attempts, reason };
            (position_of(position), letter)
        };
        let channel = Channel {
            next: position_of(form.next),
            done: form.done.into_iter().map(position_of).collect(),
            dead: form.dead.into_iter().map(dead).collect(),
        };
        (form.name, channel)
    }
}
