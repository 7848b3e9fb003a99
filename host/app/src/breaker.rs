//! The circuit breaker: a version whose calls fail one after the other takes none for a while.
//!
//! Only failures of the service's own code count, and every call that it answers begins the count
//! anew. A suspended version rests; then one call tries it, and decides whether it rests again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use stokehold_ledger::VersionId;
use stokehold_runtime::Stop;
use stokehold_store::Suspension;

use crate::config::Calls;
use crate::outcome::CallFailure;

/// The breakers of all versions.
pub(crate) struct Breakers {
    failures_max: u32,
    pause: Duration,
    versions: Mutex<HashMap<VersionId, Breaker>>,
}

#[derive(Default)]
struct Breaker {
    failures: u32,
    open: Option<Open>,
}

struct Open {
    suspension: Suspension,
    until: Instant,
    is_tried: bool,
}

/// What a call says of the code that it ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The code works.
    Works,
    /// The code has failed.
    Fails,
    /// Neither: it was given too little, or it did not run.
    Unknown,
}

/// What is to be stored after a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The version is suspended, after so many failures.
    Suspend {
        /// How many.
        failures: u32,
    },
    /// The version takes calls again.
    Resume,
}

/// Leave to call a version. Dropped without a verdict, it says nothing.
pub(crate) struct Pass<'a> {
    breakers: &'a Breakers,
    version: VersionId,
    is_trial: bool,
}

impl Breakers {
    /// `suspended` are the versions that were suspended when the host stopped: they rest once more.
    pub(crate) fn new(calls: &Calls, suspended: Vec<(VersionId, Suspension)>) -> Self {
        let pause = Duration::from_secs(calls.breaker_pause_s);
        let breakers =
            Self { failures_max: calls.breaker_failures, pause, versions: Mutex::default() };
        breakers.follow(suspended);
        breakers
    }

    /// Lets a call through, or says when to come back.
    pub(crate) fn admit(&self, version: VersionId) -> Result<Pass<'_>, CallFailure> {
        let mut versions = self.lock();
        let open = versions.get_mut(&version).and_then(|breaker| breaker.open.as_mut());
        let is_trial = open.is_some();
        if let Some(open) = open {
            let rest = open.until.saturating_duration_since(Instant::now());
            if open.is_tried || !rest.is_zero() {
                let retry_after = rest.max(Duration::from_secs(1));
                return Err(CallFailure::Suspended { retry_after });
            }
            open.is_tried = true;
        }
        Ok(Pass { breakers: self, version, is_trial })
    }

    /// Why a version is suspended, if it is.
    pub(crate) fn suspension(&self, version: VersionId) -> Option<Suspension> {
        self.lock().get(&version)?.open.as_ref().map(|open| open.suspension.clone())
    }

    /// Notes that a version is suspended from now on.
    pub(crate) fn open(&self, version: VersionId, suspension: Suspension) {
        self.lock().entry(version).or_default().open = Some(self.rest(suspension));
    }

    /// Follows what is stored, where other hosts have suspended versions or let them go on.
    pub(crate) fn follow(&self, stored: Vec<(VersionId, Suspension)>) {
        if self.failures_max == 0 {
            return;
        }
        let mut stored: HashMap<_, _> = stored.into_iter().collect();
        let mut versions = self.lock();
        for (version, breaker) in versions.iter_mut() {
            let known = breaker.open.as_ref().map(|open| &open.suspension);
            let now = stored.remove(version);
            if known != now.as_ref() {
                breaker.failures = now.as_ref().map_or(0, |suspension| suspension.failures);
                breaker.open = now.map(|suspension| self.rest(suspension));
            }
        }
        for (version, suspension) in stored {
            let failures = suspension.failures;
            versions.insert(version, Breaker { failures, open: Some(self.rest(suspension)) });
        }
    }

    fn rest(&self, suspension: Suspension) -> Open {
        Open { suspension, until: Instant::now() + self.pause, is_tried: false }
    }

    /// Forgets what was held against a version. Answers whether it was suspended.
    pub(crate) fn reset(&self, version: VersionId) -> bool {
        self.lock().remove(&version).is_some_and(|breaker| breaker.open.is_some())
    }

    fn judge(&self, version: VersionId, verdict: Verdict, is_trial: bool) -> Option<Change> {
        if self.failures_max == 0 {
            return None;
        }
        let mut versions = self.lock();
        match verdict {
            Verdict::Unknown => None,
            Verdict::Works => {
                let breaker = versions.get_mut(&version)?;
                breaker.failures = 0;
                // One that ran since before the suspension proves as much as a trial.
                breaker.open.take().map(|_| Change::Resume)
            }
            Verdict::Fails => {
                let breaker = versions.entry(version).or_default();
                breaker.failures = breaker.failures.saturating_add(1);
                let failures = breaker.failures;
                let is_new = breaker.open.is_none() && failures >= self.failures_max;
                (is_new || is_trial).then_some(Change::Suspend { failures })
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<VersionId, Breaker>> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// Says what the call has shown. The answer is what is to be stored.
    pub(crate) fn judge(self, verdict: Verdict) -> Option<Change> {
        self.breakers.judge(self.version, verdict, self.is_trial)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.is_trial {
            let mut versions = self.breakers.lock();
            let open = versions.get_mut(&self.version).and_then(|breaker| breaker.open.as_mut());
            if let Some(open) = open {
                open.is_tried = false;
            }
        }
    }
}

impl Verdict {
    /// What an outcome says of the code.
    pub(crate) fn of<T>(outcome: &Result<T, CallFailure>) -> Self {
        match outcome {
            Ok(_) | Err(CallFailure::Failed(_)) => Self::Works,
            Err(
                CallFailure::BadOutput(_)
                | CallFailure::Stopped {
                    stop:
                        Stop::Trap { .. }
                        | Stop::Memory { .. }
                        | Stop::Output { .. }
                        | Stop::Handles { .. },
                    ..
                },
            ) => Self::Fails,
            Err(_) => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use stokehold_ledger::Timestamp;

    use super::Verdict::{Fails, Unknown, Works};
    use super::*;

    const VERSION: VersionId = VersionId(1);

    fn breakers(pause: Duration) -> Breakers {
        let calls = Calls { breaker_failures: 3, ..Calls::default() };
        Breakers { pause, ..Breakers::new(&calls, Vec::new()) }
    }

    /// Makes a call, and stores what follows from it.
    fn call(breakers: &Breakers, verdict: Verdict) -> Option<Change> {
        let pass = breakers.admit(VERSION).expect("a pass");
        let change = pass.judge(verdict);
        if let Some(Change::Suspend { failures }) = change {
            let (outcome, since) = ("trap".into(), Timestamp(0));
            breakers.open(VERSION, Suspension { outcome, failures, since });
        }
        change
    }

    #[test]
    fn failures_in_a_row_suspend_and_an_answer_counts_from_zero() {
        let breakers = breakers(Duration::from_mins(1));
        for verdict in [Fails, Fails, Works, Fails, Unknown, Fails] {
            assert_eq!(call(&breakers, verdict), None);
        }
        assert_eq!(call(&breakers, Fails), Some(Change::Suspend { failures: 3 }));
        let refused = breakers.admit(VERSION).err().expect("it rests");
        let CallFailure::Suspended { retry_after } = refused else { panic!("{refused:?}") };
        assert!((1..=60).contains(&retry_after.as_secs()), "{retry_after:?}");
        assert_eq!(breakers.suspension(VERSION).expect("it is suspended").failures, 3);
        assert!(breakers.reset(VERSION));
        assert_eq!(call(&breakers, Fails), None);
    }

    #[test]
    fn what_other_hosts_have_found_out_counts_here() {
        let breakers = breakers(Duration::from_mins(1));
        let (other, since) = (VersionId(8), Timestamp(0));
        let suspension = Suspension { outcome: "trap".into(), failures: 5, since };
        breakers.follow(vec![(other, suspension.clone())]);
        assert!(breakers.admit(other).is_err(), "another host has suspended it");
        for _ in 0..3 {
            call(&breakers, Fails);
        }
        let own = breakers.suspension(VERSION).expect("it is suspended");
        breakers.follow(vec![(other, suspension), (VERSION, own)]);
        assert!(breakers.admit(other).is_err() && breakers.admit(VERSION).is_err());
        breakers.follow(Vec::new());
        assert_eq!(call(&breakers, Fails), None, "another host lets it go on");
        assert!(breakers.admit(other).is_ok());
    }

    #[test]
    fn after_its_rest_one_call_tries_it() {
        let breakers = breakers(Duration::ZERO);
        for _ in 0..3 {
            call(&breakers, Fails);
        }
        let trial = breakers.admit(VERSION).expect("a trial");
        assert!(breakers.admit(VERSION).is_err(), "one at a time");
        drop(trial);
        assert_eq!(call(&breakers, Unknown), None, "the next one tries");
        assert_eq!(call(&breakers, Fails), Some(Change::Suspend { failures: 4 }));
        assert_eq!(call(&breakers, Works), Some(Change::Resume));
        assert_eq!(call(&breakers, Fails), None);
    }
}
