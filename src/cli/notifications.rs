//! `exchequer notifications`: sends what the outbox holds, and looks after what could not be sent (rule H5).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::failure::Failure;
use super::table::{Column, count, table};
use super::vocabulary::request::{Asked, Envelope};
use super::{Globals, Output, Verdict, console, data_dir, request};
use crate::clock::Clock;
use crate::domain::notification::NotificationKind;
use crate::domain::outbox::Position;
use crate::engine::EngineError;
use crate::engine::outbox::{Notification, NotificationQuery};
use crate::notify::channels::{self, ChannelSpec};
use crate::notify::dead_letters::{self, Listed, Resent};
use crate::notify::deliverer::{Deliverer, Until};
use crate::notify::transport::Patience;
use crate::notify::window::Tally;

/// How often it looks whether it shall end.
const LOOK_EVERY: Duration = Duration::from_millis(100);

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// List what people were told, oldest first, and when a channel delivered it.
    List {
        /// Only of this billing account.
        billing_account: Option<String>,
        /// Only of this kind, such as `alert`, `overdue` or `suspension`.
        #[arg(long, value_name = "KIND", value_parser = kind)]
        kind: Option<NotificationKind>,
        /// At most so many.
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
        /// Where the page before ended.
        #[arg(long, value_name = "NEXT")]
        next: Option<Position>,
        #[command(flatten)]
        envelope: Envelope,
    },
    /// Send what is outstanding through every channel.
    ///
    /// Each notification is tried once; what fails is sent by the next run. With --follow it goes on until Ctrl-C, and tries
    /// again what failed.
    Send {
        /// The file of channels.
        #[arg(long, value_name = "FILE")]
        channels: PathBuf,
        /// Go on as notifications come, until Ctrl-C.
        #[arg(long)]
        follow: bool,
    },
    /// List what a channel has given up.
    Dead {
        /// The channel's name.
        #[arg(long, value_name = "NAME")]
        channel: String,
    },
    /// Send again what a channel has given up, once.
    Retry {
        /// The channel's name.
        #[arg(long, value_name = "NAME")]
        channel: String,
        /// The file of channels.
        #[arg(long, value_name = "FILE")]
        channels: PathBuf,
        /// The notifications; all of them by default.
        #[arg(value_name = "ID")]
        ids: Vec<String>,
    },
    /// Forget what a channel has given up: it is never sent.
    Discard {
        /// The channel's name.
        #[arg(long, value_name = "NAME")]
        channel: String,
        /// The notifications.
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,
    },
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    match &arguments.verb {
        Verb::List { billing_account, kind, limit, next, envelope } => {
            let query = NotificationQuery {
                billing_account: billing_account.clone(),
                kind: *kind,
                from: next.unwrap_or_default(),
                limit: *limit as usize,
            };
            let attempt = "cannot list the notifications";
            request::run(globals, attempt, Asked::Notifications(query), envelope)
        }
        Verb::Send { channels, follow } => {
            send(globals, channels, if *follow { Until::Stopped } else { Until::Tried })
        }
        Verb::Dead { channel } => dead(globals, channel),
        Verb::Retry { channel, channels, ids } => retry(globals, channel, channels, ids),
        Verb::Discard { channel, ids } => discard(globals, channel, ids),
    }
}

fn kind(text: &str) -> Result<NotificationKind, String> {
    let known = NotificationKind::ALL.map(NotificationKind::name).join(", ");
    NotificationKind::parse(text).ok_or_else(|| format!("give one of {known}"))
}

fn send(globals: &Globals, file: &Path, until: Until) -> Result<Verdict, Failure> {
    let specs = read_channels(file)?;
    let interrupted = interruption()?;
    let engine = match until {
        Until::Tried => data_dir::open_existing(globals)?,
        // Reminders and ends of grace come by the clock.
        Until::Stopped => data_dir::open_with_clock(globals)?,
    };
    let outbox = Arc::new(engine.clone());
    let mut deliverers = Vec::with_capacity(specs.len());
    for spec in specs {
        let name = Arc::clone(&spec.name);
        let deliverer =
            Deliverer::start(Arc::clone(&outbox), spec, Clock::System, until).map_err(|error| {
                Failure::because("cannot start a thread", &error, "check the limits on threads and memory")
            })?;
        deliverers.push((name, deliverer));
    }
    while !interrupted.load(Ordering::Relaxed)
        && deliverers.iter().any(|(_, deliverer)| !deliverer.has_ended())
    {
        thread::sleep(LOOK_EVERY);
    }
    // Each one is told before the first is waited for.
    for (_, deliverer) in &deliverers {
        deliverer.begin_to_stop();
    }
    // All of them end before any fault is told: what is on the wire is recorded.
    let ended: Vec<_> = deliverers.into_iter().map(|(name, deliverer)| (name, deliverer.stop())).collect();
    let mut tallies = Vec::with_capacity(ended.len());
    for (name, tally) in ended {
        let attempt = || format!("cannot send the notifications of channel `{name}`");
        let tally = tally.map_err(|error| Failure::engine(attempt(), &error))?;
        tallies.push((name, tally));
    }
    drop(outbox);
    data_dir::close(engine)?;
    match globals.output {
        Output::Json => console::print_json(&json!({
            "channels": tallies.iter().map(|(name, tally)| tally_json(name, tally)).collect::<Vec<_>>(),
        }))?,
        Output::Text => console::say(tallies_text(&tallies).trim_end()),
    }
    let well = |tally: &Tally| tally.dead == 0 && tally.retrying == 0 && !tally.paused;
    Ok(Verdict::of(tallies.iter().all(|(_, tally)| well(tally))))
}

fn tally_json(name: &str, tally: &Tally) -> Value {
    let Tally { sent, no_address, dead, retrying, paused } = tally;
    json!({
        "channel": name, "sent": sent, "no_address": no_address, "dead": dead, "retrying": retrying, "paused": paused,
    })
}

fn tallies_text(tallies: &[(Arc<str>, Tally)]) -> String {
    let columns = [
        Column::Left("channel"),
        Column::Right("sent"),
        Column::Right("no address"),
        Column::Right("dead"),
        Column::Right("retrying"),
        Column::Left(""),
    ];
    let row = |(name, tally): &(Arc<str>, Tally)| {
        vec![
            name.to_string(),
            count(tally.sent),
            count(tally.no_address),
            count(tally.dead),
            count(tally.retrying),
            if tally.paused { "paused: too many dead letters".to_owned() } else { String::new() },
        ]
    };
    table(&columns, &tallies.iter().map(row).collect::<Vec<_>>())
}

fn dead(globals: &Globals, channel: &str) -> Result<Verdict, Failure> {
    let engine = data_dir::open_existing(globals)?;
    known(&engine, channel)?;
    let letters = dead_letters::list(&engine, channel).map_err(|error| unlisted(channel, &error))?;
    data_dir::close(engine)?;
    match globals.output {
        Output::Json => {
            let items: Vec<_> = letters.iter().map(letter_json).collect();
            console::print_json(&json!({ "items": items }))?;
        }
        Output::Text if letters.is_empty() => console::say("no dead letters"),
        Output::Text => console::print(&letters_text(&letters))?,
    }
    Ok(Verdict::Good)
}

fn letter_json(listed: &Listed) -> Value {
    let letter = &listed.letter;
    let mut json = json!({
        "id": listed.id, "at": letter.at.to_string(), "attempts": letter.attempts, "reason": letter.reason,
    });
    if let Some(Notification { kind, billing_account, to, subject, .. }) = &listed.notification {
        json["kind"] = json!(kind.name());
        json["billing_account"] = json!(billing_account);
        json["to"] = json!(to);
        json["subject"] = json!(subject);
    }
    json
}

fn letters_text(letters: &[Listed]) -> String {
    let columns = [
        Column::Left("id"),
        Column::Left("billing account"),
        Column::Left("kind"),
        Column::Left("given up at"),
        Column::Right("attempts"),
        Column::Left("reason"),
    ];
    let row = |listed: &Listed| {
        let of = |what: fn(&Notification) -> &str| listed.notification.as_ref().map_or("", what).to_owned();
        vec![
            listed.id.clone(),
            of(|notification| &notification.billing_account),
            of(|notification| notification.kind.name()),
            listed.letter.at.to_string(),
            count(listed.letter.attempts.into()),
            listed.letter.reason.to_string(),
        ]
    };
    table(&columns, &letters.iter().map(row).collect::<Vec<_>>())
}

fn retry(globals: &Globals, channel: &str, file: &Path, ids: &[String]) -> Result<Verdict, Failure> {
    let specs = read_channels(file)?;
    let Some(spec) = specs.iter().find(|spec| *spec.name == *channel) else {
        let hint = "check --channel, or add it to the file";
        return Err(Failure::new(format!("`{}` has no channel `{channel}`", file.display()), hint));
    };
    let interrupted = interruption()?;
    let engine = data_dir::open_existing(globals)?;
    let letters = selected(&engine, channel, ids)?;
    let resent =
        dead_letters::resend(&engine, spec, &letters, &Clock::System, &interrupted).map_err(|error| {
            Failure::engine(format!("cannot send the dead letters of channel `{channel}`"), &error)
        })?;
    data_dir::close(engine)?;
    let Resent { sent, no_address, dead } = &resent;
    for (id, reason) in dead {
        console::say(&format!("{id}: {reason}"));
    }
    match globals.output {
        Output::Json => {
            let dead: Vec<_> =
                dead.iter().map(|(id, reason)| json!({ "id": id, "reason": reason })).collect();
            console::print_json(&json!({ "sent": sent, "no_address": no_address, "dead": dead }))?;
        }
        Output::Text => console::say(&format!(
            "sent {}, {} without an address, {} still dead",
            count(*sent),
            count(*no_address),
            dead.len()
        )),
    }
    Ok(Verdict::of(dead.is_empty()))
}

fn discard(globals: &Globals, channel: &str, ids: &[String]) -> Result<Verdict, Failure> {
    let engine = data_dir::open_existing(globals)?;
    let letters = selected(&engine, channel, ids)?;
    dead_letters::discard(&engine, channel, &letters, &Clock::System).map_err(|error| {
        Failure::engine(format!("cannot discard dead letters of channel `{channel}`"), &error)
    })?;
    data_dir::close(engine)?;
    match globals.output {
        Output::Json => console::print_json(&json!({ "discarded": letters.len() }))?,
        Output::Text => console::say(&format!("discarded {}", letters.len())),
    }
    Ok(Verdict::Good)
}

/// Refuses the name of a channel that never sent anything.
fn known(engine: &crate::engine::Engine, channel: &str) -> Result<(), Failure> {
    let names = engine.channels();
    if names.iter().any(|name| name == channel) {
        return Ok(());
    }
    let hint = if names.is_empty() {
        "nothing was sent yet".to_owned()
    } else {
        format!("there are {}", names.join(", "))
    };
    Err(Failure::new(format!("the ledger knows no channel `{channel}`"), hint))
}

fn selected(engine: &crate::engine::Engine, channel: &str, ids: &[String]) -> Result<Vec<Listed>, Failure> {
    known(engine, channel)?;
    let letters = dead_letters::list(engine, channel).map_err(|error| unlisted(channel, &error))?;
    dead_letters::select(letters, ids).map_err(|unknown| {
        let hint = format!("`exchequer notifications dead --channel {channel}` lists them");
        Failure::because(format!("cannot find it in channel `{channel}`"), &unknown, hint)
    })
}

fn unlisted(channel: &str, error: &EngineError) -> Failure {
    Failure::engine(format!("cannot list the dead letters of channel `{channel}`"), error)
}

fn read_channels(file: &Path) -> Result<Vec<ChannelSpec>, Failure> {
    channels::read(file, Patience::default())
        .map_err(|fault| Failure::because("cannot read the channels", &fault, "correct the file of channels"))
}

/// The first Ctrl-C, or SIGTERM, is told, the second one ends the process.
fn interruption() -> Result<Arc<AtomicBool>, Failure> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for (signal, status) in [(signal_hook::consts::SIGINT, 130), (signal_hook::consts::SIGTERM, 143)] {
        signal_hook::flag::register_conditional_shutdown(signal, status, Arc::clone(&interrupted))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&interrupted)))
            .map_err(|error| Failure::because("cannot wait for Ctrl-C", &error, "try again"))?;
    }
    Ok(interrupted)
}
