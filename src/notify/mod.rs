//! The channels of the outbox: notifications leave at least once, with an id, and what became of them is recorded (rule H5).
//!
//! ```text
//!  the engine's log ── Outbox ──> Deliverer: one a channel, a thread of its own
//!                        ^          │  Window: what is under way, and what comes next (pure)
//!                        │          ├──> at most 16 threads ──> Transport: Webhook | Email ──> the receiver
//!                        └─ settled ┘       outcomes come back; `retry` says when to try again
//! ```
//!
//! Nothing here is between a charge and the disk: a deliverer reads what is durable, and keeps a bounded number of
//! notifications in memory. A crash between a receiver's answer and the record of it sends the notification again, under the
//! same id.
//!
//! Absent: the count of attempts is not durable, so a restart begins the schedule anew; several secrets of one webhook;
//! proxies; redirects.

pub mod channels;
pub mod dead_letters;
pub mod deliverer;
pub mod email;
pub mod outbox;
pub mod outcome;
pub mod retry;
pub mod secret;
pub mod transport;
pub mod webhook;
pub mod window;
