//! The ledger's clock at work: the wall clock and a steady clock are read in this one place.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use stokehold_ledger::{LedgerClock, Timestamp};

/// A [`LedgerClock`] that threads share. Where a server's time counts, it is learned by and by.
pub(crate) struct Clock {
    ticking: Mutex<Ticking>,
    /// By how much the clock that counts is ahead of this machine's, in microseconds.
    ahead: AtomicI64,
}

struct Ticking {
    ledger: LedgerClock,
    ticked: Instant,
}

impl Clock {
    /// A clock that never goes behind `stored`. `server` is what a server has said its time was,
    /// with this machine's time when it was asked.
    pub(crate) fn start(stored: Timestamp, server: Option<(Timestamp, Timestamp)>) -> Self {
        let ahead = server.map_or(0, |(asked, time)| difference(asked, time));
        let wall = Timestamp(Self::local().0.saturating_add(ahead));
        let ledger = LedgerClock::start(stored, wall);
        let ticking = Mutex::new(Ticking { ledger, ticked: Instant::now() });
        Self { ticking, ahead: AtomicI64::new(ahead) }
    }

    /// The instant now, later than every earlier one.
    pub(crate) fn now(&self) -> Timestamp {
        let ahead = self.ahead.load(Ordering::Relaxed);
        let mut ticking = self.ticking.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = ticking.ticked.elapsed();
        ticking.ticked = Instant::now();
        ticking.ledger.tick(Timestamp(Self::local().0.saturating_add(ahead)), elapsed)
    }

    /// Learns that a server, asked at this machine's time `asked`, has said that it was `time`.
    pub(crate) fn learn(&self, asked: Timestamp, time: Timestamp) {
        self.ahead.store(difference(asked, time), Ordering::Relaxed);
    }

    /// This machine's time.
    pub(crate) fn local() -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the clock module")]
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// How far a server is ahead that was asked at `asked`, has answered by now, and said `time`: it
/// looked at its clock somewhere between.
fn difference(asked: Timestamp, time: Timestamp) -> i64 {
    let middle = asked.0.midpoint(Clock::local().0);
    time.0.saturating_sub(middle)
}
