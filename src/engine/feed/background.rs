//! Work that takes only what nobody else needs.

use std::time::Duration;

use crate::clock::Delay;

/// Waking up takes a while, also where nobody else wants the processor.
const KEPT_MIN: Duration = Duration::from_millis(1);

/// The longest rest: on processors that are idle again nothing is waited for.
const REST_MAX: Duration = Duration::from_millis(20);

/// A thread that works while processors have nothing else to do.
///
/// It gives its processor up at once when others need it, but what it does to the caches costs them more than that; so it
/// rests after they did. Where processors are to spare it never does.
pub struct Background {
    delay: Delay,
}

impl Background {
    /// Gives the calling thread the lowest priority, for good. Where the system has no such thing nothing changes.
    pub fn enter() -> Self {
        #[cfg(target_os = "linux")]
        {
            use thread_priority::{
                NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
                set_thread_priority_and_policy, thread_native_id,
            };

            let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
            if let Err(error) =
                set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy)
            {
                tracing::debug!(%error, "the priority of a reading thread could not be lowered");
            }
        }
        Self { delay: Delay::of_this_thread() }
    }

    /// Rests for as long as others have kept the thread from its processor since the last call: to be called every few
    /// milliseconds of work, on the thread itself.
    pub fn rest(&mut self) {
        let kept = self.delay.since_last();
        if kept >= KEPT_MIN {
            std::thread::sleep(kept.min(REST_MAX));
        }
    }
}
