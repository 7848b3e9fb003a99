//! The ledger's clock at work: the wall clock and a steady clock are read in this one place.

use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use stokehold_ledger::{LedgerClock, Timestamp};

/// A [`LedgerClock`] that threads share.
pub(crate) struct Clock(Mutex<Ticking>);

struct Ticking {
    ledger: LedgerClock,
    ticked: Instant,
}

impl Clock {
    /// A clock that never goes behind `stored`.
    pub(crate) fn start(stored: Timestamp) -> Self {
        let ledger = LedgerClock::start(stored, wall());
        Self(Mutex::new(Ticking { ledger, ticked: Instant::now() }))
    }

    /// The instant now, later than every earlier one.
    pub(crate) fn now(&self) -> Timestamp {
        let mut ticking = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = ticking.ticked.elapsed();
        ticking.ticked = Instant::now();
        ticking.ledger.tick(wall(), elapsed)
    }
}

fn wall() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "this is the clock module")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
