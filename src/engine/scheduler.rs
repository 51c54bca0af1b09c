//! Has accounts decide what is due by the engine's clock: expiries, reminders, ends of grace, and bills (rules D1, H2, H4,
//! J5).
//!
//! Each shard knows which of its accounts have something due and when, so nobody asks the others. Only bills are looked for in
//! every account, when the instant of their issue has passed.

use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::answer::Answer;
use super::commands::Scope;
use super::{Command, Engine, EngineError, Inner, OpenError, Request, open};
use crate::actors::timers::SettleDue;
use crate::domain::time::Timestamp;
use crate::limits::ACCOUNTS_PER_SWEEP;

/// When bills that could not be issued are tried again: an hour, in microseconds.
const RETRY_MICROS: i64 = 3_600 * 1_000_000;

/// How often the clock is looked at: what is due is late by at most as much.
const LOOK_EVERY: Duration = Duration::from_millis(250);

impl Engine {
    /// Starts the thread that looks at the clock, if it is configured.
    pub(super) fn advance_by_itself(&self) -> Result<(), OpenError> {
        if !self.inner.config.advance_by_clock {
            return Ok(());
        }
        let inner = std::sync::Arc::downgrade(&self.inner);
        let thread = open::spawn("exchequer-clock", move || watch_clock(&inner))?;
        if let Some(threads) = &mut *self.inner.threads.lock() {
            threads.watchers.push(thread);
        }
        Ok(())
    }

    /// Has everything decided that is due by the clock; bills are looked for if their issue has come since `issued`, which
    /// rises then, or `again` has come.
    fn settle_due(&self, issued: &mut Timestamp, again: &mut Option<Timestamp>) -> Result<(), EngineError> {
        let at = self.inner.config.clock.now();
        // A clock that was ahead leaves nothing out.
        *issued = (*issued).min(at);
        pollster::block_on(async {
            let mut bills = false;
            for shard in &self.inner.shards {
                loop {
                    let message = SettleDue { at, limit: ACCOUNTS_PER_SWEEP, issued: *issued };
                    let settled = shard.send(message).await.map_err(|_| self.inner.stopped())?;
                    let settled = settled.map_err(|_| self.inner.stopped())?;
                    bills |= settled.bills;
                    if !settled.more {
                        break;
                    }
                }
            }
            // Also once a day, for bills of charges that came late.
            if bills || again.is_none_or(|again| again <= at) {
                *again = Some(at.plus_days(1));
                let request = Request { at: Some(at), ..Request::new(Command::AdvanceTime) };
                let answer = self.advance_time(&Scope::new(&self.inner, &request)?).await?;
                *issued = at;
                if let Answer::Advanced { refused, .. } = answer {
                    for (account, refusal) in &refused {
                        tracing::warn!(
                            account,
                            code = refusal.code(),
                            "a bill that is due can't be issued yet"
                        );
                    }
                    // Tried again when what is missing may be there.
                    if !refused.is_empty() {
                        *again = Some(at.plus_micros(RETRY_MICROS));
                    }
                }
            }
            Ok(())
        })
    }
}

fn watch_clock(inner: &Weak<Inner>) {
    let (mut issued, mut again) = (Timestamp::MIN, None);
    loop {
        let Some(strong) = inner.upgrade() else { return };
        if strong.closing.load(Ordering::SeqCst) || strong.health.stopped().is_some() {
            return;
        }
        let engine = Engine::of(strong);
        if let Err(error) = engine.settle_due(&mut issued, &mut again)
            && engine.stopped().is_none()
        {
            // What is due stays due, and is decided at the latest before the account's next own decision.
            tracing::error!(%error, "deciding what is due failed");
        }
        drop(engine);
        std::thread::park_timeout(LOOK_EVERY);
    }
}
