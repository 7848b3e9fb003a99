//! What waits for the writer: an operation or a cold write, with the way to its caller.

use stokehold_ledger::Timestamp;
use tokio::sync::oneshot;

use crate::db::Db;
use crate::error::Error;
use crate::op::{Op, Wanted};
use crate::working_set::WorkingSet;

/// A write that waits.
pub(crate) enum Job {
    /// One that is decided on a working set.
    Hot(Box<dyn Hot>),
    /// One that reads and writes by itself.
    Cold(Box<dyn Cold>),
}

/// An [`Op`], whatever it answers.
pub(crate) trait Hot: Send {
    /// See [`Op::want`].
    fn want(&self, wanted: &mut Wanted);
    /// See [`Op::decide`]. The answer is kept until it may be told.
    fn decide(&mut self, rows: &mut WorkingSet);
    /// Tells the caller what was decided, or why that did not come to be.
    fn answer(self: Box<Self>, durable: Result<(), Error>);
}

/// A closure over the database, whatever it answers.
pub(crate) trait Cold: Send {
    /// Runs it inside an open transaction; more than once where that has to be repeated. Answers
    /// whether what it has written is to be kept.
    fn run(&mut self, db: Db<'_>, now: Timestamp) -> bool;
    /// Tells the caller what came of it, or why that did not come to be.
    fn answer(self: Box<Self>, durable: Result<(), Error>);
}

/// The caller of a write waits for it here.
pub(crate) type Reply<T> = oneshot::Receiver<Result<T, Error>>;

struct Waiting<W, T> {
    work: W,
    done: Option<Result<T, Error>>,
    caller: oneshot::Sender<Result<T, Error>>,
}

impl Job {
    /// An operation.
    pub(crate) fn hot<O: Op>(op: O) -> (Self, Reply<O::Answer>) {
        let (caller, reply) = oneshot::channel();
        (Self::Hot(Box::new(Waiting { work: op, done: None, caller })), reply)
    }

    /// A cold write. It has to give the same result each time it is run on the same rows.
    pub(crate) fn cold<F, T>(work: F) -> (Self, Reply<T>)
    where
        F: FnMut(Db<'_>, Timestamp) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        let (caller, reply) = oneshot::channel();
        (Self::Cold(Box::new(Waiting { work, done: None, caller })), reply)
    }

    /// Tells the caller what came of it, or why nothing did.
    pub(crate) fn answer(self, durable: Result<(), Error>) {
        match self {
            Self::Hot(job) => job.answer(durable),
            Self::Cold(job) => job.answer(durable),
        }
    }
}

impl<O: Op> Hot for Waiting<O, O::Answer> {
    fn want(&self, wanted: &mut Wanted) {
        self.work.want(wanted);
    }

    fn decide(&mut self, rows: &mut WorkingSet) {
        self.done = Some(self.work.decide(rows));
    }

    fn answer(self: Box<Self>, durable: Result<(), Error>) {
        self.tell(durable);
    }
}

impl<F, T> Cold for Waiting<F, T>
where
    F: FnMut(Db<'_>, Timestamp) -> Result<T, Error> + Send,
    T: Send,
{
    fn run(&mut self, db: Db<'_>, now: Timestamp) -> bool {
        let result = (self.work)(db, now);
        let keep = result.is_ok();
        self.done = Some(result);
        keep
    }

    fn answer(self: Box<Self>, durable: Result<(), Error>) {
        self.tell(durable);
    }
}

impl<W, T> Waiting<W, T> {
    fn tell(self, durable: Result<(), Error>) {
        let answer = match durable {
            Ok(()) => self.done.unwrap_or(Err(Error::Stopped)),
            Err(error) => Err(error),
        };
        // The caller may have gone away; what it asked for is done all the same.
        let _ = self.caller.send(answer);
    }
}
