//! How far an import has come, never ahead of the disk; how far a file that is written; and how many accounts have been
//! looked at.

use std::io::IsTerminal;
use std::time::Duration;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{console, table};
use crate::clock::Stopwatch;

/// Rows after which a plain line is due.
const ROWS_PER_LINE: u64 = 100_000;

/// Time after which a plain line is due.
const TIME_PER_LINE: Duration = Duration::from_secs(1);

/// In which form progress is shown.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
pub(super) enum Form {
    /// A bar on a terminal, else nothing.
    Auto,
    /// Lines on stderr.
    Plain,
    /// Nothing.
    None,
}

/// Shows progress on stderr.
pub(super) enum Progress {
    /// A bar.
    Bar(ProgressBar),
    /// Lines, with the rows of the last one and when it was.
    Plain {
        /// Rows that the last line told.
        told: u64,
        /// Time since then.
        since: Stopwatch,
    },
    /// Nothing.
    None,
}

impl Progress {
    /// Begins; `size` is how many bytes all inputs have, or how many charges or accounts there are, if known.
    pub(super) fn start(form: Form, size: Option<u64>) -> Self {
        match form {
            Form::Plain => Self::Plain { told: 0, since: Stopwatch::start() },
            Form::Auto if std::io::stderr().is_terminal() => {
                let bar = ProgressBar::with_draw_target(size, ProgressDrawTarget::stderr_with_hz(8));
                let style = if size.is_some() {
                    "{elapsed_precise} [{bar:40}] {percent}%  {msg}"
                } else {
                    "{elapsed_precise} {spinner}  {msg}"
                };
                if let Ok(style) = ProgressStyle::with_template(style) {
                    bar.set_style(style);
                }
                Self::Bar(bar)
            }
            Form::Auto | Form::None => Self::None,
        }
    }

    /// So many rows of all inputs are durable; `bytes` were read.
    pub(super) fn durable(&mut self, rows: u64, bytes: u64) {
        self.rows(rows, bytes, "durable");
    }

    /// So many rows of all inputs, and `bytes`, were read.
    pub(super) fn read(&mut self, rows: u64, bytes: u64) {
        self.rows(rows, bytes, "read");
    }

    fn rows(&mut self, rows: u64, bytes: u64, what: &str) {
        match self {
            Self::Bar(bar) => {
                bar.set_position(bytes);
                bar.set_message(format!("{} rows {what}", table::count(rows)));
            }
            Self::Plain { told, since } => {
                if rows >= *told + ROWS_PER_LINE || rows > *told && since.elapsed() >= TIME_PER_LINE {
                    tell(told, since, rows, what);
                }
            }
            Self::None => {}
        }
    }

    /// So many charges were written.
    pub(super) fn written(&self, charges: u64) {
        if let Self::Bar(bar) = self {
            bar.set_position(charges);
            bar.set_message(format!("{} charges written", table::count(charges)));
        }
    }

    /// So many of all accounts have been looked at.
    pub(super) fn looked_at(&self, accounts: u64, all: u64) {
        if let Self::Bar(bar) = self {
            bar.set_length(all);
            bar.set_position(accounts);
            bar.set_message(format!("{} of {} accounts", table::count(accounts), table::count(all)));
        }
    }

    /// An input has ended, and so many rows of all inputs are durable.
    pub(super) fn ended(&mut self, rows: u64) {
        self.tell(rows, "durable");
    }

    /// An input has ended, and so many rows of all inputs were read.
    pub(super) fn ended_reading(&mut self, rows: u64) {
        self.tell(rows, "read");
    }

    fn tell(&mut self, rows: u64, what: &str) {
        if let Self::Plain { told, since } = self {
            tell(told, since, rows, what);
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn tell(told: &mut u64, since: &mut Stopwatch, rows: u64, what: &str) {
    console::say(&format!("{rows} rows {what}"));
    *told = rows;
    *since = Stopwatch::start();
}
