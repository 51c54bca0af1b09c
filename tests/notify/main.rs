//! The channels of the outbox against real servers over HTTP and SMTP, in this process; the ledger behind them is simulated.
#![allow(clippy::unwrap_used)] // a test that can't go on fails

mod channels;
mod dead_letters;
mod email;
mod http;
mod ledger;
mod many;
mod rig;
mod secrets;
mod smtp;
mod webhook;
mod window;
