//! Connections that only read.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use crate::db::Db;
use crate::error::Error;

/// How many reads run at once; more wait for their turn.
const READERS_MAX: usize = 4;

/// A pool of read-only connections to one database file.
#[derive(Clone)]
pub(crate) struct Readers(Arc<Pool>);

struct Pool {
    path: PathBuf,
    turns: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(crate) fn new(path: &Path) -> Self {
        Self(Arc::new(Pool {
            path: path.to_owned(),
            turns: Arc::new(Semaphore::new(READERS_MAX)),
            idle: Mutex::new(Vec::new()),
        }))
    }

    /// Runs `work` in a read transaction: all that it reads is of one moment.
    pub(crate) async fn read<F, T>(&self, work: F) -> Result<T, Error>
    where
        F: FnOnce(Db<'_>) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        let turn = self.0.turns.clone().acquire_owned().await.map_err(|_| Error::Stopped)?;
        let pool = self.0.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let db = pool.take()?;
            db.execute_batch("BEGIN")?;
            let result = work(Db::Sqlite(&db));
            db.execute_batch("COMMIT")?;
            pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(db);
            result
        });
        reading.await.map_err(|_| Error::Stopped)?
    }
}

impl Pool {
    fn take(&self) -> rusqlite::Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| open_read_only(&self.path), Ok)
    }
}

/// Opens a connection that cannot write. The file has to be there.
pub(crate) fn open_read_only(path: &Path) -> rusqlite::Result<Connection> {
    // SQLite has to write beside the file even to read a WAL; `query_only` keeps it out of the data.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.execute_batch("PRAGMA query_only = ON; PRAGMA busy_timeout = 5000;")?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(db)
}
