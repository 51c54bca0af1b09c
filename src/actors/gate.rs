//! Backpressure: charges handed to a shard and not yet durable are capped; callers wait, or get `busy`.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use parking_lot::Mutex;

/// The cap of one shard.
pub struct Gate {
    max: usize,
    state: Mutex<GateState>,
}

#[derive(Default)]
struct GateState {
    in_flight: usize,
    closed: bool,
    wakers: Vec<Waker>,
}

/// Room that was taken and goes back when this is dropped, as when a caller gives up between two gates.
pub struct Room {
    gate: Arc<Gate>,
    charges: usize,
}

impl Room {
    /// Room for `charges` that have entered `gate`.
    pub const fn new(gate: Arc<Gate>, charges: usize) -> Self {
        Self { gate, charges }
    }

    /// The charges are on their way; whoever releases them gives the room back.
    pub fn hand_on(mut self) {
        self.charges = 0;
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.charges > 0 {
            self.gate.leave(self.charges);
        }
    }
}

/// The engine has stopped or is closing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Closed;

impl Gate {
    /// Lets at most `max` charges in.
    pub fn new(max: usize) -> Self {
        Self { max, state: Mutex::default() }
    }

    /// Takes room for `charges` if there is room now. More than the cap are let in when nothing else is in flight.
    pub fn try_enter(&self, charges: usize) -> Result<bool, Closed> {
        self.state.lock().enter(charges, self.max)
    }

    /// Waits for room, on any runtime.
    pub async fn enter(&self, charges: usize) -> Result<(), Closed> {
        poll_fn(|context| {
            let mut state = self.state.lock();
            match state.enter(charges, self.max) {
                Ok(true) => Poll::Ready(Ok(())),
                Ok(false) => {
                    state.wakers.push(context.waker().clone());
                    Poll::Pending
                }
                Err(closed) => Poll::Ready(Err(closed)),
            }
        })
        .await
    }

    /// Gives room back.
    pub fn leave(&self, charges: usize) {
        let wakers = {
            let mut state = self.state.lock();
            state.in_flight =
                state.in_flight.checked_sub(charges).expect("invariant: who leaves has entered");
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Lets nobody in any more, and wakes who waits.
    pub fn close(&self) {
        let wakers = {
            let mut state = self.state.lock();
            state.closed = true;
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl GateState {
    fn enter(&mut self, charges: usize, max: usize) -> Result<bool, Closed> {
        if self.closed {
            return Err(Closed);
        }
        let enters = self.in_flight == 0 || self.in_flight + charges <= max;
        if enters {
            self.in_flight += charges;
        }
        Ok(enters)
    }
}
