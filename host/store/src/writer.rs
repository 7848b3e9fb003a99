//! The one writer of a host: a thread that commits in groups.
//!
//! It takes whatever is waiting, does all of it in one transaction, commits once, and only then
//! answers. No timer is involved: while one commit waits for the disk, the next group gathers.
//!
//! **No answer is lost or given twice.** Each transaction moves a counter, the *fence*, that is as
//! durable as what it is about. Where a commit fails, or the connection is lost, the store is opened
//! again and the fence tells whether the transaction took place. If it did, the answers that were
//! worked out are true and are given. If it did not, it is done again, once.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use stokehold_ledger::Timestamp;

use crate::clock::Clock;
use crate::error::Error;
use crate::fail_point::FailPoint;
use crate::job::{Cold, Hot, Job};
use crate::op::Wanted;
use crate::queue::{Queue, Rejected};
use crate::working_set::WorkingSet;

/// How many writes may wait. Beyond it [`Error::Busy`] pushes back; at group-commit speed this is
/// a fraction of a second of work.
const QUEUE_MAX: usize = 8_192;

/// How many writes share one commit. Larger groups gain little and answer later.
const GROUP_MAX: usize = 1_024;

/// How long a group waits to learn whether its commit took place. A caller has to be told within
/// [`crate::store::ANSWERED_WITHIN`].
const SETTLED_WITHIN: Duration = Duration::from_secs(10);

/// How long to wait before a database is opened again; twice as long after each attempt that fails.
const BACK_OFF: Duration = Duration::from_millis(20);

/// The longest wait between two such attempts.
const BACK_OFF_MAX: Duration = Duration::from_secs(1);

/// What the writer needs of a database.
pub(crate) trait Backend: Send + 'static {
    /// Whether cold writes share the transaction of their group; otherwise each is a group of its
    /// own.
    const COLD_TOGETHER: bool;

    /// Does a group in one transaction at the instant `now`, which moves the fence.
    fn attempt(&mut self, group: &mut Group, now: Timestamp) -> Result<(), Failure>;

    /// Opens the database again, from nothing. Answers whether the last attempt took place, once
    /// that is known and durable.
    fn reopen(&mut self) -> Result<bool, Error>;

    /// Called between groups, when all answers are given, for what can wait until then. `idle`: no
    /// write is waiting.
    fn tidy(&mut self, idle: bool);
}

/// Why a group was not committed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was rolled back, all of it.
    Undone(Error),
    /// It was not committed, and the database has to be opened again.
    Lost(Error),
    /// It may have been committed or not, and the database has to be opened again.
    Unknown(Error),
}

/// Writes that share a transaction.
#[derive(Default)]
pub(crate) struct Group {
    hot: Vec<Box<dyn Hot>>,
    cold: Vec<Box<dyn Cold>>,
}

impl Group {
    /// The rows that its operations are decided on.
    pub(crate) fn wanted(&self) -> Wanted {
        let mut wanted = Wanted::default();
        self.hot.iter().for_each(|job| job.want(&mut wanted));
        wanted
    }

    /// Decides its operations, each on what those before it have left.
    pub(crate) fn decide(&mut self, rows: &mut WorkingSet) {
        rows.expire();
        self.hot.iter_mut().for_each(|job| job.decide(rows));
    }

    /// Its cold writes.
    pub(crate) fn cold(&mut self) -> impl Iterator<Item = &mut Box<dyn Cold>> {
        self.cold.iter_mut()
    }

    /// Whether it has operations.
    pub(crate) fn is_hot(&self) -> bool {
        !self.hot.is_empty()
    }

    fn len(&self) -> usize {
        self.hot.len() + self.cold.len()
    }

    fn add(&mut self, job: Job) {
        match job {
            Job::Hot(job) => self.hot.push(job),
            Job::Cold(job) => self.cold.push(job),
        }
    }

    fn into_jobs(self) -> impl Iterator<Item = Job> {
        self.hot.into_iter().map(Job::Hot).chain(self.cold.into_iter().map(Job::Cold))
    }

    /// Tells every caller what came of its write, or why nothing did.
    fn answer(self, durable: impl Fn() -> Result<(), Error>) {
        self.into_jobs().for_each(|job| job.answer(durable()));
    }
}

/// The way to the writer thread. The thread ends, and the database closes, when it is dropped.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    queue: Queue<Job>,
    /// False while it is not known whether the database can be written.
    is_well: AtomicBool,
}

impl Writer {
    pub(crate) fn start<B: Backend>(backend: B, clock: Arc<Clock>) -> std::io::Result<Self> {
        let queue = Queue::new(QUEUE_MAX);
        let shared = Arc::new(Shared { queue, is_well: AtomicBool::new(true) });
        let work = Work { backend, clock, shared: shared.clone() };
        let thread = std::thread::Builder::new()
            .name("ledger-writer".into())
            .spawn(move || work.work_through())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Queues a write.
    pub(crate) fn push(&self, job: Job) -> Result<(), Error> {
        self.shared.queue.push(job).map_err(|why| match why {
            Rejected::Full => Error::Busy,
            Rejected::Closed => Error::Stopped,
        })
    }

    /// Whether the database can be written, as far as is known.
    pub(crate) fn is_well(&self) -> bool {
        self.shared.is_well.load(Ordering::Relaxed)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.queue.close();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported where it happened.
            let _ = thread.join();
        }
    }
}

struct Work<B> {
    backend: B,
    clock: Arc<Clock>,
    shared: Arc<Shared>,
}

/// Whatever ends the thread, a panic too: nobody waits for ever.
impl<B> Drop for Work<B> {
    fn drop(&mut self) {
        self.shared.is_well.store(false, Ordering::Relaxed);
        self.shared.queue.close();
        let mut left = Vec::new();
        self.shared.queue.take(&mut left);
        for job in left {
            job.answer(Err(Error::Stopped));
        }
    }
}

impl<B: Backend> Work<B> {
    fn work_through(mut self) {
        let mut waiting = Vec::new();
        while self.shared.queue.take(&mut waiting) {
            let mut group = Group::default();
            for job in waiting.drain(..) {
                group.add(job);
                if group.len() == GROUP_MAX {
                    self.settle(mem::take(&mut group));
                }
            }
            self.settle(group);
            if !self.is_well() {
                self.wait_for_the_database();
            }
        }
    }

    fn is_well(&self) -> bool {
        self.shared.is_well.load(Ordering::Relaxed)
    }

    /// Does a group and answers it.
    fn settle(&mut self, mut group: Group) {
        if group.len() == 0 {
            return;
        }
        let is_many = group.len() > 1;
        let apart = if B::COLD_TOGETHER { Vec::new() } else { mem::take(&mut group.cold) };
        if group.len() > 0 {
            self.commit(group);
        }
        for job in apart {
            self.commit(Group { hot: Vec::new(), cold: vec![job] });
        }
        if is_many {
            // Those who were answered may have more to write: let them come, so that the next group
            // is not the first of them alone.
            std::thread::yield_now();
        }
        let idle = self.shared.queue.is_empty();
        self.backend.tidy(idle);
    }

    fn commit(&mut self, mut group: Group) {
        if !self.is_well() {
            // What was taken before it has waited long enough for all.
            return group.answer(|| Err(Error::NotWritten));
        }
        match self.attempt(&mut group) {
            Ok(()) => group.answer(|| Ok(())),
            Err(Failed::Undone(error)) if group.len() == 1 => {
                if let Some(job) = group.into_jobs().next() {
                    job.answer(Err(error));
                }
            }
            // One of several cannot be written: each runs again in a transaction of its own, so
            // that it undoes only itself.
            Err(Failed::Undone(_)) => {
                for job in group.into_jobs() {
                    let mut alone = Group::default();
                    alone.add(job);
                    self.commit(alone);
                }
            }
            Err(Failed::NotWritten) => group.answer(|| Err(Error::NotWritten)),
            Err(Failed::Unsettled) => group.answer(|| Err(Error::OutcomeUnknown)),
        }
    }

    /// Does a group, and a second time where the first is known not to have taken place.
    fn attempt(&mut self, group: &mut Group) -> Result<(), Failed> {
        let start = Instant::now();
        for _ in 0..2 {
            let now = self.clock.now();
            let unsettled = match self.backend.attempt(group, now) {
                Ok(()) => {
                    FailPoint::AfterCommit.pass();
                    return Ok(());
                }
                Err(Failure::Undone(error)) => return Err(Failed::Undone(error)),
                Err(Failure::Lost(error)) => {
                    tracing::error!(%error, "the database is lost: opening it again");
                    Failed::NotWritten
                }
                Err(Failure::Unknown(error)) => {
                    tracing::error!(%error, "the outcome of a commit is not known: opening the database again");
                    Failed::Unsettled
                }
            };
            let left = SETTLED_WITHIN.saturating_sub(start.elapsed());
            let took_place = self.reopen_within(left).ok_or(unsettled)?;
            tracing::warn!(took_place, "the database is open again");
            if took_place {
                return Ok(());
            }
        }
        Err(Failed::NotWritten)
    }

    /// Opens the database again and answers whether the last attempt took place; nothing where that
    /// takes longer.
    fn reopen_within(&mut self, time: Duration) -> Option<bool> {
        let start = Instant::now();
        let mut wait = BACK_OFF;
        self.shared.is_well.store(false, Ordering::Relaxed);
        loop {
            match self.backend.reopen() {
                Ok(took_place) => {
                    self.shared.is_well.store(true, Ordering::Relaxed);
                    return Some(took_place);
                }
                Err(error) => tracing::warn!(%error, "the database cannot be opened again yet"),
            }
            if start.elapsed() + wait > time || self.shared.queue.closes_within(wait) {
                return None;
            }
            wait = (wait * 2).min(BACK_OFF_MAX);
        }
    }

    /// Tries until the database is there again. What is asked for meanwhile is refused, for nobody
    /// knows how long that takes.
    fn wait_for_the_database(&mut self) {
        let mut waiting = Vec::new();
        loop {
            if !self.shared.queue.is_empty() {
                self.shared.queue.take(&mut waiting);
            }
            for job in waiting.drain(..) {
                job.answer(Err(Error::NotWritten));
            }
            if self.shared.queue.closes_within(BACK_OFF)
                || self.reopen_within(BACK_OFF_MAX).is_some()
            {
                return;
            }
        }
    }
}

/// Why a group has no answers of its own.
enum Failed {
    /// It was rolled back, and would be again.
    Undone(Error),
    /// It was not written, and may be another time.
    NotWritten,
    /// Nobody knows.
    Unsettled,
}

#[cfg(test)]
mod tests;
