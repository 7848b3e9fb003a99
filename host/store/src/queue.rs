//! A bounded queue from many threads to one.
//!
//! The one thread takes everything that waits at once, so that what gathers while it is busy is a
//! group. What locks and waits comes from `super::sync`: a test puts a scheduler's in its place and
//! runs this very file in every order.

use std::mem;
use std::time::Duration;

use super::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// See the module.
pub(crate) struct Queue<T> {
    room: usize,
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    waiting: Vec<T>,
    is_closed: bool,
    /// Only then is there somebody to wake.
    taker_waits: bool,
}

/// Why a queue takes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// As much waits as has room.
    Full,
    /// It was closed.
    Closed,
}

impl<T> Queue<T> {
    /// A queue with room for so many.
    pub(crate) fn new(room: usize) -> Self {
        let state = State { waiting: Vec::new(), is_closed: false, taker_waits: false };
        Self { room, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Adds one; never waits.
    pub(crate) fn push(&self, item: T) -> Result<(), Rejected> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(Rejected::Closed);
        }
        if state.waiting.len() >= self.room {
            return Err(Rejected::Full);
        }
        state.waiting.push(item);
        let wake = mem::take(&mut state.taker_waits);
        drop(state);
        if wake {
            self.changed.notify_one();
        }
        Ok(())
    }

    /// Takes everything that waits, in the order in which it came, into `taken`, which is empty;
    /// waits for something. False when nothing will come any more.
    pub(crate) fn take(&self, taken: &mut Vec<T>) -> bool {
        let mut state = self.lock();
        while state.waiting.is_empty() && !state.is_closed {
            state.taker_waits = true;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.taker_waits = false;
        mem::swap(&mut state.waiting, taken);
        !taken.is_empty()
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().waiting.is_empty()
    }

    /// Waits for the queue to be closed, `time` at the most. Answers whether it was.
    pub(crate) fn closes_within(&self, time: Duration) -> bool {
        let waiting = self.changed.wait_timeout_while(self.lock(), time, |state| !state.is_closed);
        let (state, _) = waiting.unwrap_or_else(PoisonError::into_inner);
        state.is_closed
    }

    /// Lets nothing more in. What waits is still taken.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
