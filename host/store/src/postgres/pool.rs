//! Sessions that only read.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::address::Address;
use super::session::{Session, Trouble};
use crate::db::Db;
use crate::error::{Error, OpenError};

/// How many reads run at once; more wait for their turn.
const READERS_MAX: usize = 8;

/// How long a read waits for its turn. Where all of them take as long, the server is silent.
const TURN_MAX: Duration = Duration::from_secs(5);

/// A pool of sessions with one database.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Shared>);

struct Shared {
    address: Address,
    turns: Arc<Semaphore>,
    idle: Mutex<Vec<Session>>,
}

impl Pool {
    pub(crate) fn new(address: Address) -> Self {
        Self(Arc::new(Shared {
            address,
            turns: Arc::new(Semaphore::new(READERS_MAX)),
            idle: Mutex::default(),
        }))
    }

    /// Runs `work` in a read transaction: all that it reads is of one moment. Where the connection
    /// is lost it runs once more, on another; but a server that is silent is waited for once.
    pub(crate) async fn read<F, T>(&self, work: F) -> Result<T, Error>
    where
        F: Fn(Db<'_>) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        let turn = timeout(TURN_MAX, self.0.turns.clone().acquire_owned()).await;
        let turn = turn.map_err(|_| Error::NoAnswer(TURN_MAX))?.map_err(|_| Error::Stopped)?;
        let shared = self.0.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let known = shared.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let read = known.map(|known| shared.read_on(known, &work));
            if let Some(Ok(read)) = read {
                return read;
            }
            // It was lost while nobody looked, and others of its time with it.
            shared.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
            if let Some(Err(error @ Error::NoAnswer(_))) = read {
                return Err(error);
            }
            let fresh = Session::connect(&shared.address, false)?;
            shared.read_on(fresh, &work).unwrap_or_else(Err)
        });
        reading.await.map_err(|_| Error::Stopped)?
    }
}

impl Shared {
    /// Reads, and keeps the session for the next. An error of its own where the session was lost.
    fn read_on<T>(
        &self,
        session: Session,
        work: &impl Fn(Db<'_>) -> Result<T, Error>,
    ) -> Result<Result<T, Error>, Error> {
        let read = read(&session, work);
        if session.trouble() == Trouble::Lost {
            return Err(read.err().unwrap_or(Error::Stopped));
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        Ok(read)
    }
}

/// Runs `work` in a read transaction of the session.
pub(crate) fn read<T>(
    session: &Session,
    work: impl FnOnce(Db<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    session.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
    let result = work(Db::Postgres(session));
    session.batch("COMMIT")?;
    result
}

/// A session for one long look.
pub(crate) fn look(address: &Address) -> Result<Session, OpenError> {
    let session = Session::connect(address, false)?.patient();
    session.batch("SET work_mem = '256MB'")?;
    Ok(session)
}
