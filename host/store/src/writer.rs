//! The one writer: a thread that owns the writing connection and commits in groups.
//!
//! It takes whatever is waiting, runs all of it in one transaction, commits once, and only then
//! answers. No timer is involved: while one commit waits for the disk, the next group gathers.

use std::sync::Arc;
use std::thread::JoinHandle;

use rusqlite::Connection;
use stokehold_ledger::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;
use crate::error::Error;
use crate::expiry;

/// How many writes may wait. Beyond it [`Error::Busy`] pushes back; at group-commit speed this is
/// a fraction of a second of work.
const QUEUE_MAX: usize = 8_192;

/// How many writes share one commit. Larger groups gain little and answer later.
const GROUP_MAX: usize = 1_024;

/// A write, ready to be run; more than once where its group has to be taken apart.
trait Job: Send {
    /// Runs the write inside the open transaction. Answers whether the transaction may be
    /// committed after it.
    fn run(&mut self, db: &Connection, now: Timestamp) -> bool;
    /// Tells the caller what came of it. `durable` is false where the commit failed: then nothing
    /// that was found out is told, a refusal neither, for it may rest on what another write of the
    /// group did.
    fn answer(self: Box<Self>, durable: bool);
}

struct Write<F, T> {
    work: F,
    done: Option<Result<T, Error>>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<F, T> Job for Write<F, T>
where
    F: FnMut(&Connection, Timestamp) -> Result<T, Error> + Send,
    T: Send,
{
    fn run(&mut self, db: &Connection, now: Timestamp) -> bool {
        let before = db.total_changes();
        let result = (self.work)(db, now);
        // A refusal that wrote nothing needs no undoing, and so costs its group nothing.
        let clean = match &result {
            Ok(_) => true,
            Err(error) => error.is_answer() && db.total_changes() == before,
        };
        self.done = Some(result);
        clean
    }

    fn answer(self: Box<Self>, durable: bool) {
        let answer = match self.done {
            Some(done) if durable => done,
            Some(_) => Err(Error::OutcomeUnknown),
            None => Err(Error::Stopped),
        };
        // The caller may have gone away; what it asked for is done all the same.
        let _ = self.reply.send(answer);
    }
}

/// The way to the writer thread. The thread ends, and the connection closes, when it is dropped.
pub(crate) struct Writer {
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(db: Connection, clock: Arc<Clock>) -> std::io::Result<Self> {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let state = State { db, clock };
        let thread = std::thread::Builder::new()
            .name("ledger-writer".into())
            .spawn(move || state.work_through(waiting))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Queues `work` and waits until it is durable.
    ///
    /// `work` has to give the same result each time it is run on the same rows.
    pub(crate) async fn write<F, T>(&self, work: F) -> Result<T, Error>
    where
        F: FnMut(&Connection, Timestamp) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Write { work, done: None, reply });
        let queue = self.queue.as_ref().ok_or(Error::Stopped)?;
        queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::Busy,
            mpsc::error::TrySendError::Closed(_) => Error::Stopped,
        })?;
        answer.await.map_err(|_| Error::Stopped)?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported where it happened.
            let _ = thread.join();
        }
    }
}

struct State {
    db: Connection,
    clock: Arc<Clock>,
}

impl State {
    fn work_through(mut self, mut waiting: mpsc::Receiver<Box<dyn Job>>) {
        let mut group = Vec::with_capacity(GROUP_MAX);
        while waiting.blocking_recv_many(&mut group, GROUP_MAX) > 0 {
            if !self.settle(&mut group) {
                tracing::error!("a commit failed: the ledger takes no more writes");
                waiting.close();
                while let Ok(job) = waiting.try_recv() {
                    job.answer(false);
                }
                return;
            }
        }
    }

    /// Runs a group and answers it. False where a commit failed and so nothing more may be
    /// written.
    fn settle(&mut self, group: &mut Vec<Box<dyn Job>>) -> bool {
        match self.attempt(group) {
            Attempt::Committed => {
                group.drain(..).for_each(|job| job.answer(true));
                true
            }
            // One write of several failed half-way: each runs again in a transaction of its own,
            // so that it undoes only itself.
            Attempt::Undone if group.len() > 1 => {
                let mut alive = true;
                for job in std::mem::take(group) {
                    if alive {
                        alive = self.settle(&mut vec![job]);
                    } else {
                        job.answer(false);
                    }
                }
                alive
            }
            Attempt::Undone => {
                group.drain(..).for_each(|job| job.answer(true));
                true
            }
            Attempt::Unknown => {
                group.drain(..).for_each(|job| job.answer(false));
                false
            }
        }
    }

    fn attempt(&mut self, group: &mut [Box<dyn Job>]) -> Attempt {
        let now = self.clock.now();
        let begun = self.db.execute_batch("BEGIN IMMEDIATE").and_then(|()| {
            self.db
                .prepare_cached("UPDATE instance SET last_instant = ?1 WHERE one = 1")?
                .execute([now.0])
        });
        if let Err(error) = begun {
            return unknown(&error.into());
        }
        if let Err(error) = expiry::expire_due(&self.db, now) {
            return unknown(&error);
        }
        if !group.iter_mut().all(|job| job.run(&self.db, now)) {
            return self.undo();
        }
        match self.db.execute_batch("COMMIT") {
            Ok(()) => Attempt::Committed,
            Err(error) => unknown(&error.into()),
        }
    }

    fn undo(&self) -> Attempt {
        match self.db.execute_batch("ROLLBACK") {
            Ok(()) => Attempt::Undone,
            Err(error) => unknown(&error.into()),
        }
    }
}

fn unknown(error: &Error) -> Attempt {
    tracing::error!(%error, "the transaction failed");
    Attempt::Unknown
}

enum Attempt {
    Committed,
    Undone,
    Unknown,
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use stokehold_ledger::Refusal;

    use super::*;
    use crate::store::{Mode, Store};

    /// An entry without a posting, which is found at the commit and not before.
    const FAILS_AT_COMMIT: &str = "PRAGMA defer_foreign_keys = ON; \
                                   INSERT INTO entry (posting_id, book, amount) VALUES (9, 0, 1)";

    #[tokio::test]
    async fn nothing_of_a_group_is_answered_when_its_commit_fails() {
        let store = Store::in_memory(Mode::Sandbox, [0; 32]).expect("a store");
        let (go, gate) = channel::<()>();
        // Keeps the writer busy until the other two are waiting, so that they are of one group.
        let first = store.write(move |_, _| gate.recv().map_err(|_| Error::Busy));
        let fails = store.write(|db, _| Ok(db.execute_batch(FAILS_AT_COMMIT)?));
        let refused = store.write(|_, _| Err::<(), _>(Refusal::AlreadyCaptured.into()));
        let open = async move { go.send(()) };
        let (_, fails, refused, _) = tokio::join!(first, fails, refused, open);
        assert!(matches!(fails, Err(Error::OutcomeUnknown)), "{fails:?}");
        // The refusal may rest on what the lost transaction did.
        assert!(matches!(refused, Err(Error::OutcomeUnknown)), "{refused:?}");
        assert!(matches!(store.expire_holds().await, Err(Error::Stopped)));
    }
}
