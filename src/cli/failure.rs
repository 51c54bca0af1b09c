//! Why a command could not be carried out: what was attempted, why not, and what to do.

use std::error::Error;
use std::io;

use super::console;
use super::vocabulary::Problem;
use crate::engine::{EngineError, OpenError};
use crate::ingest::IngestFault;
use crate::wal::OpenFault;

/// An error for a person, printed once.
#[derive(Debug)]
pub(super) struct Failure {
    attempt: String,
    causes: Vec<String>,
    hint: String,
    closed_output: bool,
}

impl Failure {
    /// A failed attempt with its hint, for no other cause than what it says itself.
    pub(super) fn new(attempt: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { attempt: attempt.into(), causes: Vec::new(), hint: hint.into(), closed_output: false }
    }

    /// A failed attempt, an error with its sources, and a hint.
    pub(super) fn because(attempt: impl Into<String>, error: &dyn Error, hint: impl Into<String>) -> Self {
        let mut failure = Self::new(attempt, hint);
        let mut cause = Some(error);
        while let Some(error) = cause {
            let text = error.to_string();
            if failure.causes.last() != Some(&text) {
                failure.causes.push(text);
            }
            cause = error.source();
        }
        failure
    }

    /// An engine that would not do it.
    pub(super) fn engine(attempt: impl Into<String>, error: &EngineError) -> Self {
        match error {
            // The detail of a refusal ends with its advice, which is printed as the hint.
            EngineError::Refused { refusal, detail } => {
                let what = detail.strip_suffix(refusal.hint()).unwrap_or(detail).trim_end_matches(": ");
                let mut failure = Self::new(attempt, refusal.hint());
                failure.causes.push(match what {
                    "" => refusal.code().to_owned(),
                    what => format!("{}: {what}", refusal.code()),
                });
                failure
            }
            error => Self::because(attempt, error, error.hint()),
        }
    }

    /// A request that was not carried out.
    pub(super) fn problem(attempt: impl Into<String>, problem: &Problem) -> Self {
        match problem {
            Problem::Engine(error) => Self::engine(attempt, error),
            Problem::Invalid { field, detail } => {
                Self::new(format!("{}: `{field}`: {detail}", attempt.into()), "correct the command line")
            }
        }
    }

    /// A data directory that could not be opened.
    pub(super) fn open(attempt: impl Into<String>, error: &OpenError) -> Self {
        Self::because(attempt, error, error.hint())
    }

    /// A log that could not be read.
    pub(super) fn log(attempt: impl Into<String>, fault: &OpenFault) -> Self {
        Self::because(attempt, fault, fault.hint())
    }

    /// An input that could not be read.
    pub(super) fn input(attempt: impl Into<String>, fault: &IngestFault) -> Self {
        Self::because(attempt, fault, fault.hint())
    }

    /// Output that could not be written.
    pub(super) fn output(error: &io::Error) -> Self {
        let closed_output = error.kind() == io::ErrorKind::BrokenPipe;
        let hint = "check where the output goes: a full disk, or a program that ended";
        Self { closed_output, ..Self::because("cannot write the output", error, hint) }
    }

    /// Whether the reader of the output has gone, which is no error of ours.
    pub(super) fn is_closed_output(&self) -> bool {
        self.closed_output
    }

    /// What was attempted and why not, without the hint.
    pub(super) fn detail(&self) -> String {
        let mut text = self.attempt.clone();
        for cause in &self.causes {
            text.push_str(": ");
            text.push_str(cause);
        }
        text
    }

    /// What to do.
    pub(super) fn hint(&self) -> &str {
        &self.hint
    }

    /// Prints it for a person.
    pub(super) fn print(&self) {
        console::say(&format!("error: {}\nhint: {}", self.detail(), self.hint));
    }
}
