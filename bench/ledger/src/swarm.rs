//! Operations in flight: so many tasks, each with one at a time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use stokehold_ledger::HoldId;
use tokio::task::JoinSet;

use crate::figure::Sample;
use crate::process::own_cpu_us;
use crate::subject::Subject;

/// An operation of the store.
#[derive(Clone, Copy)]
pub(crate) enum Operation {
    /// Make a hold on one of so many accounts.
    Authorize {
        /// How many.
        accounts: usize,
        /// Whether it could be repeated, as a request over HTTP can.
        repeat: bool,
    },
    /// Make a hold on one of so many accounts and capture it.
    Pair {
        /// How many.
        accounts: usize,
        /// Whether the hold could be repeated, as a request over HTTP can.
        repeat: bool,
    },
    /// Capture a hold.
    Capture,
    /// Cancel a hold.
    Cancel,
    /// Read what an account has.
    Balance,
}

/// How long a swarm works.
#[derive(Clone)]
pub(crate) enum Until {
    /// This instant.
    Instant(Instant),
    /// It has made so many.
    Count(Arc<Mutex<usize>>),
    /// These holds are ended.
    Ended(Arc<Mutex<Vec<HoldId>>>),
}

impl Until {
    pub(crate) fn after(time: Duration) -> Self {
        Self::Instant(Instant::now() + time)
    }

    pub(crate) fn made(count: usize) -> Self {
        Self::Count(Arc::new(Mutex::new(count)))
    }

    /// The oldest first, as providers come back: in the order in which tasks gave them, no two would
    /// be of one page.
    pub(crate) fn ended(mut holds: Vec<HoldId>) -> Self {
        holds.sort_unstable_by(|one, other| other.cmp(one));
        Self::Ended(Arc::new(Mutex::new(holds)))
    }

    /// The hold of the next operation, nil where it needs none; nothing where it was the last.
    fn next(&self) -> Option<HoldId> {
        let none = HoldId(uuid::Uuid::nil());
        match self {
            Self::Instant(end) => (Instant::now() < *end).then_some(none),
            Self::Count(left) => {
                let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
                *left = left.checked_sub(1)?;
                Some(none)
            }
            Self::Ended(holds) => holds.lock().unwrap_or_else(PoisonError::into_inner).pop(),
        }
    }
}

/// Has `in_flight` tasks work, and gives the holds that they have made.
pub(crate) async fn work(
    subject: &Arc<Subject>,
    in_flight: usize,
    operation: Operation,
    until: Until,
) -> Result<(Sample, Vec<HoldId>)> {
    let (cpu_before_us, start) = (own_cpu_us(), Instant::now());
    let mut tasks = JoinSet::new();
    for _ in 0..in_flight {
        tasks.spawn(one(subject.clone(), operation, until.clone()));
    }
    let (mut took, mut holds) = (Vec::new(), Vec::new());
    while let Some(done) = tasks.join_next().await {
        let (its_took, its_holds) = done??;
        took.extend(its_took);
        holds.extend(its_holds);
    }
    let (elapsed, cpu_us) = (start.elapsed(), own_cpu_us() - cpu_before_us);
    Ok((Sample::new(took, elapsed, cpu_us), holds))
}

async fn one(
    subject: Arc<Subject>,
    operation: Operation,
    until: Until,
) -> Result<(Vec<Duration>, Vec<HoldId>)> {
    let (mut took, mut holds) = (Vec::new(), Vec::new());
    while let Some(hold) = until.next() {
        let start = Instant::now();
        match operation {
            Operation::Authorize { accounts, repeat } => {
                holds.push(subject.authorize(accounts, repeat).await?);
            }
            Operation::Pair { accounts, repeat } => {
                subject.capture(subject.authorize(accounts, repeat).await?).await?;
            }
            Operation::Capture => subject.capture(hold).await?,
            Operation::Cancel => subject.cancel(hold).await?,
            Operation::Balance => subject.balance().await?,
        }
        took.push(start.elapsed());
    }
    Ok((took, holds))
}
