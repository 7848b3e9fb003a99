//! Instants and the ledger's clock.

use std::time::Duration;

/// An instant in UTC, in microseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// A length of time in microseconds, never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

impl Span {
    /// A hundred years: longer than any hold.
    pub const MAX: Self = Self(100 * 366 * 24 * 3_600 * 1_000_000);

    /// A span of `micros` microseconds, or `None` where that is negative or above [`Span::MAX`].
    pub const fn from_micros(micros: i64) -> Option<Self> {
        if micros < 0 || micros > Self::MAX.0 { None } else { Some(Self(micros)) }
    }

    /// A span as long as `duration`, [`Span::MAX`] at the most.
    pub fn from_duration(duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(micros.min(Self::MAX.0))
    }

    /// The length in microseconds.
    pub const fn micros(self) -> i64 {
        self.0
    }
}

impl Timestamp {
    /// The instant `span` later; the last instant there is where that would be beyond it.
    #[must_use]
    pub const fn after(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

/// The ledger's own time: it only moves forward, and a jump of the wall clock does not move it.
///
/// Expiry is decided by this clock, so that a wall clock set a year ahead by mistake does not
/// expire every hold at once. It starts from the later of the wall clock and the last instant
/// that was stored. From then on it follows the time that really passes, and closes what the wall
/// clock is ahead by at no more than twice that pace.
///
/// Where the stored instant is ahead of the wall clock (that was set back, or was ahead when the
/// store last ran), time nearly stands still, one microsecond a tick, until the wall clock has
/// caught up. It cannot go back, for later rows would then be older than earlier ones; and if it
/// went on at the usual pace it would stay ahead for ever. Until then holds expire later than they
/// said, and none too early.
#[derive(Debug)]
pub struct LedgerClock {
    last: Timestamp,
}

impl LedgerClock {
    /// A clock that starts from the wall clock, but after `stored`.
    pub fn start(stored: Timestamp, wall: Timestamp) -> Self {
        Self { last: stored.max(wall) }
    }

    /// The instant now: later than every earlier one. `elapsed` is the time that has passed since
    /// the last tick, by a clock that nobody sets.
    pub fn tick(&mut self, wall: Timestamp, elapsed: Duration) -> Timestamp {
        let pace = i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX).saturating_mul(2);
        let ahead = wall.0.saturating_sub(self.last.0);
        self.last = Timestamp(self.last.0.saturating_add(ahead.min(pace).max(1)));
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn time_never_stands_still_or_goes_back() {
        let mut clock = LedgerClock::start(Timestamp(50), Timestamp(10));
        assert_eq!(clock.tick(Timestamp(10), Duration::ZERO), Timestamp(51));
        assert_eq!(clock.tick(Timestamp(-9), Duration::from_secs(1)), Timestamp(52));
    }

    #[test]
    fn a_jump_of_the_wall_clock_is_not_followed_at_once() {
        let mut clock = LedgerClock::start(Timestamp(0), Timestamp(0));
        let year = Timestamp(365 * 24 * 3_600 * SECOND);
        let now = clock.tick(year, Duration::from_secs(1));
        assert_eq!(now, Timestamp(2 * SECOND));
    }

    #[test]
    fn in_step_with_the_wall_clock_it_is_the_wall_clock() {
        let mut clock = LedgerClock::start(Timestamp(0), Timestamp(5 * SECOND));
        assert_eq!(
            clock.tick(Timestamp(6 * SECOND), Duration::from_secs(1)),
            Timestamp(6 * SECOND)
        );
    }
}
