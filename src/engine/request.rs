//! A command with who gives it, and when.

use super::command::{Command, PROVIDER};
use crate::domain::time::Timestamp;

/// A command with who gives it, when, and under which idempotency key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// What to do.
    pub command: Command,
    /// A cloud account, one of its users (`cloud_account/user`), or [`PROVIDER`].
    pub principal: String,
    /// The caller's key: a repeated command gets its first answer (rule J2).
    pub key: Option<String>,
    /// Business time; by default now (rule J5).
    pub at: Option<Timestamp>,
}

impl Request {
    /// A command of the provider, now, without a key.
    pub fn new(command: Command) -> Self {
        Self { command, principal: PROVIDER.to_owned(), key: None, at: None }
    }
}
