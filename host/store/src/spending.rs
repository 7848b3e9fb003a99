//! What the calls of an account cost in a day, where that has a limit.
//!
//! A call that has not ended counts with what it holds, one that has with what it captured. Days are
//! those of UTC, and a call counts towards the day on which it began.

use std::collections::HashMap;

use stokehold_ledger::{AccountKey, Credits, ServiceId, Timestamp};

use crate::call::NewCall;
use crate::error::Error;

const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// An account on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Spender {
    pub(crate) service: ServiceId,
    pub(crate) account: AccountKey,
    /// Counted from 1970.
    pub(crate) day: i64,
}

impl Spender {
    /// Whose spending a call counts towards.
    pub(crate) fn of(call: &NewCall, account: AccountKey, now: Timestamp) -> Self {
        Self { service: call.service, account, day: Self::day(now) }
    }

    /// The day of an instant.
    pub(crate) fn day(at: Timestamp) -> i64 {
        at.0.div_euclid(DAY_MICROS)
    }
}

/// The spending that a group of operations is decided on.
#[derive(Default)]
pub(crate) struct Spending {
    days: HashMap<Spender, Day>,
}

#[derive(Default)]
struct Day {
    credits: Credits,
    is_changed: bool,
}

impl Spending {
    pub(crate) fn load(&mut self, spender: Spender, credits: Credits) {
        self.days.entry(spender).or_insert(Day { credits, is_changed: false });
    }

    /// Refuses what would bring the day above `max`.
    pub(crate) fn check(
        &self,
        spender: Spender,
        credits: Credits,
        max: Credits,
    ) -> Result<(), Error> {
        let spent = self.days.get(&spender).map_or(Credits::ZERO, |day| day.credits);
        match spent.checked_add(credits) {
            Some(sum) if sum <= max => Ok(()),
            _ => Err(Error::DayLimit { max, spent }),
        }
    }

    /// Counts what a call holds.
    pub(crate) fn add(&mut self, spender: Spender, credits: Credits) {
        let day = self.days.entry(spender).or_default();
        // The check came before: this is the sum that it allowed.
        day.credits = day.credits.checked_add(credits).unwrap_or(day.credits);
        day.is_changed = true;
    }

    /// Counts what a call has captured in the place of what it held.
    pub(crate) fn give_back(&mut self, spender: Spender, held: Credits, captured: Credits) {
        // Days that are long over are forgotten.
        let Some(day) = self.days.get_mut(&spender) else { return };
        let left = held.checked_sub(captured).and_then(|left| day.credits.checked_sub(left));
        day.credits = left.unwrap_or(day.credits);
        day.is_changed = true;
    }

    /// The days that have changed.
    pub(crate) fn into_changed(self) -> Vec<(Spender, Credits)> {
        let changed = self.days.into_iter().filter(|(_, day)| day.is_changed);
        changed.map(|(spender, day)| (spender, day.credits)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_room_for_what_its_calls_gave_back() {
        let credits = Credits::from_micros;
        let spender = Spender { service: ServiceId(1), account: AccountKey([0; 20]), day: 1 };
        let mut spending = Spending::default();
        spending.load(spender, credits(10));
        let check = |spending: &Spending, more| spending.check(spender, credits(more), credits(30));
        assert!(check(&spending, 20).is_ok());
        spending.add(spender, credits(20));
        assert!(matches!(check(&spending, 1), Err(Error::DayLimit { .. })));
        spending.give_back(spender, credits(20), credits(5));
        assert!(check(&spending, 15).is_ok());
        assert!(check(&spending, 16).is_err());
        assert_eq!(spending.into_changed(), [(spender, credits(15))]);
    }
}
