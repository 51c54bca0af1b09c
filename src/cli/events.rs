//! `exchequer events`: the change feed of a ledger that this or another process writes.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::failure::Failure;
use super::{Globals, Verdict, console, data_dir};
use crate::clock::Stopwatch;
use crate::engine::feed::{Background, Change, EventLines, Feed};
use crate::wal::Lsn;

/// Bytes that are written at once.
const WRITTEN_AT_ONCE: usize = 256 * 1024;

/// How long news are waited for before Ctrl-C is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Time between two lines of progress.
const TOLD_EVERY: Duration = Duration::from_secs(2);

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The first block of the log.
    #[arg(long, value_name = "LSN", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    from: u64,
    /// The last one.
    #[arg(long, value_name = "LSN", value_parser = clap::value_parser!(u64).range(1..))]
    to: Option<u64>,
    /// Go on with what becomes durable, until Ctrl-C or `--to`.
    #[arg(long)]
    follow: bool,
    /// Only events whose type begins so, such as `exchequer.account`.
    #[arg(long, value_name = "TYPE-PREFIX")]
    kind: Option<String>,
    /// Only events that concern this billing account.
    #[arg(long, value_name = "ID")]
    billing_account: Option<String>,
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    data_dir::storage(globals)?; // or the usual words where there is no ledger
    let mut background = Background::enter();
    let interrupted = Arc::new(AtomicBool::new(false));
    // The first one ends the feed between two events, the second one the process.
    let signal = signal_hook::consts::SIGINT;
    signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&interrupted))
        .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&interrupted)))
        .map_err(|error| Failure::because("cannot wait for Ctrl-C", &error, "try again"))?;
    let attempt = || format!("cannot read the events in `{}`", globals.data_dir.display());
    let mut told = Stopwatch::start();
    let mut feed = Feed::open(&globals.data_dir, Lsn::new(arguments.from), &mut |read, last| {
        if told.elapsed() >= TOLD_EVERY {
            console::say(&format!("reading the names that events refer to: block {read} of {last}"));
            told = Stopwatch::start();
        }
    })
    .map_err(|error| Failure::open(attempt(), &error))?;
    let to = arguments.to.map_or(Lsn::new(u64::MAX), Lsn::new);
    let to = if arguments.follow { to } else { to.min(feed.end()) };
    let mut writer = Writer { lines: feed.lines(), text: Vec::new(), wrote: false, arguments };
    while feed.last() < to && !interrupted.load(Ordering::Relaxed) {
        let Some(changes) = feed.next(LOOK_EVERY).map_err(|error| Failure::open(attempt(), &error))? else {
            continue;
        };
        if changes.lsn() > to {
            break;
        }
        let flow = changes
            .for_each(&mut |change| writer.event(change))
            .map_err(|fault| Failure::open(attempt(), &fault.into()))?;
        if let ControlFlow::Break(failure) = flow {
            return Err(failure);
        }
        writer.write()?;
        if arguments.follow {
            background.rest();
        }
    }
    if !writer.wrote && !arguments.follow && !interrupted.load(Ordering::Relaxed) {
        console::say(&format!("no such events: the log ends at block {}", feed.end()));
    }
    Ok(Verdict::Good)
}

struct Writer<'a> {
    lines: EventLines,
    text: Vec<u8>,
    wrote: bool,
    arguments: &'a Arguments,
}

impl Writer<'_> {
    fn event(&mut self, change: &Change<'_>) -> ControlFlow<Failure> {
        let Arguments { kind, billing_account, .. } = self.arguments;
        if kind.as_ref().is_some_and(|kind| !change.event_type().starts_with(kind))
            || billing_account.as_ref().is_some_and(|id| change.billing_account() != Some(id))
        {
            return ControlFlow::Continue(());
        }
        self.lines.write(change, &mut self.text);
        if self.text.len() < WRITTEN_AT_ONCE {
            return ControlFlow::Continue(());
        }
        self.write().map_or_else(ControlFlow::Break, ControlFlow::Continue)
    }

    fn write(&mut self) -> Result<(), Failure> {
        if !self.text.is_empty() {
            self.wrote = true;
            let mut stdout = io::stdout().lock();
            stdout
                .write_all(&self.text)
                .and_then(|()| stdout.flush())
                .map_err(|error| Failure::output(&error))?;
            self.text.clear();
        }
        Ok(())
    }
}
