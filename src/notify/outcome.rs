//! What came of one attempt to send a notification.

use std::borrow::Cow;
use std::time::Duration;

/// What came of one attempt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The receiver has taken it.
    Taken,
    /// There is nobody to send it to.
    NoAddress,
    /// It did not arrive, or nobody knows whether it did.
    Failed(Failure),
}

/// Why an attempt failed, in our own words: nothing of an address, an answer, or a library's error is in it, since each may
/// hold a secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// For a person.
    pub reason: Cow<'static, str>,
    /// Whether another attempt may go better.
    pub hope: Hope,
}

/// Whether another attempt may go better.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hope {
    /// The receiver refuses this notification for good.
    None,
    /// It may, after the usual wait, and no earlier than the receiver asked for.
    Later(Option<Duration>),
}

impl Outcome {
    /// A failure that may pass.
    pub fn failed(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Failed(Failure { reason: reason.into(), hope: Hope::Later(None) })
    }

    /// A failure for good.
    pub fn refused(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Failed(Failure { reason: reason.into(), hope: Hope::None })
    }
}
