//! Opening and closing a store.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use stokehold_ledger::Timestamp;
use tokio::time::timeout;

use crate::clock::Clock;
use crate::db::Db;
use crate::error::{Error, OpenError};
use crate::expiry::Sweep;
use crate::host::{self, HostId};
use crate::instance::{self, Instance};
use crate::job::{Job, Reply};
use crate::op::Op;
use crate::postgres::{Address, Opened, Pool, Postgres};
use crate::sqlite::{Lock, MemoryMax, Place, Readers, Sqlite, migrate};
use crate::verify::{self, Finding};
use crate::writer::Writer;

/// The database in a data directory.
pub(crate) const DATABASE_FILE: &str = "stokehold.db";
pub(crate) const LOCK_FILE: &str = "stokehold.lock";

/// How long the caller of a write waits for the answer. Clients of the protocol give up after 15 s,
/// and have to be told before, whatever the database does: its writer waits less long, but for a
/// database that is there and gone again and again, or a disk that never ends a write.
pub(crate) const ANSWERED_WITHIN: Duration = Duration::from_secs(13);

/// Whether money is real.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Orders are paid at once and services need no approval. Nothing here is worth anything.
    Sandbox,
    /// The real thing.
    Production,
}

/// A durable store: a database of SQLite's in a data directory, one of PostgreSQL's that many hosts
/// may share, or one in memory.
///
/// Reads run on connections of their own and never wait for a write. All writes of a host go
/// through one thread that commits in groups; a method that writes returns once its write is
/// durable.
pub struct Store {
    writer: Writer,
    reads: Reads,
    clock: Arc<Clock>,
    host: HostId,
    secret: [u8; 32],
    mode: Mode,
    /// Keeps other processes out for as long as the store is open; released last.
    _lock: Option<Lock>,
}

/// Where reads are done.
enum Reads {
    /// A database in memory belongs to its one connection.
    Writer,
    Sqlite(Readers),
    Postgres(Pool),
}

impl Store {
    /// Opens the store in `directory`, and makes it where there is none. `seed` are 32 random
    /// bytes, the secret of a new store.
    pub fn open(directory: &Path, mode: Mode, seed: [u8; 32]) -> Result<Self, OpenError> {
        Self::open_with(directory, mode, seed, MemoryMax::default())
    }

    /// The same where so much is known in memory.
    pub fn open_with(
        directory: &Path,
        mode: Mode,
        seed: [u8; 32],
        max: MemoryMax,
    ) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io { path: directory.display().to_string(), source };
        fs::create_dir_all(directory).map_err(io)?;
        let lock = Lock::take(&directory.join(LOCK_FILE))?;
        let path = directory.join(DATABASE_FILE);
        let reads = Reads::Sqlite(Readers::new(&path));
        Self::of_sqlite((Place::File(path), max), (reads, Some(lock)), mode, seed)
    }

    /// A store in memory, gone when it is dropped.
    pub fn in_memory(mode: Mode, seed: [u8; 32]) -> Result<Self, OpenError> {
        Self::of_sqlite((Place::Memory, MemoryMax::default()), (Reads::Writer, None), mode, seed)
    }

    /// Opens the store in a PostgreSQL database, which other hosts may have open too, and makes it
    /// where there is none. Waits for the server: not to be called where one must not wait.
    pub fn connect(address: &Address, mode: Mode, seed: [u8; 32]) -> Result<Self, OpenError> {
        let Opened { backend, clock, host, secret } = Postgres::open(address.clone(), mode, seed)?;
        let writer = Writer::start(backend, clock.clone()).map_err(no_thread)?;
        let reads = Reads::Postgres(Pool::new(address.clone()));
        Ok(Self { writer, reads, clock, host, secret, mode, _lock: None })
    }

    fn of_sqlite(
        (place, max): (Place, MemoryMax),
        (reads, lock): (Reads, Option<Lock>),
        mode: Mode,
        seed: [u8; 32],
    ) -> Result<Self, OpenError> {
        let (backend, (clock, host, secret)) = Sqlite::open(place, max, |db| {
            migrate(db, |db| instance::check_mode(db, mode))?;
            let db = Db::Sqlite(db);
            let Instance { secret, last_instant } = instance::begin(db, mode, seed)?;
            let clock = Clock::start(last_instant, None);
            // Whoever had it before is gone, and nobody else comes while the lock is held.
            host::end_leases(db, None)?;
            let host = host::join(db, clock.now(), Timestamp(i64::MAX))?;
            Ok((host, (Arc::new(clock), host, secret)))
        })?;
        let writer = Writer::start(backend, clock.clone()).map_err(no_thread)?;
        Ok(Self { writer, reads, clock, host, secret, mode, _lock: lock })
    }

    /// Whether money is real here.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// 32 random bytes that belong to this store and never leave it.
    pub fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// The ledger's time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// This host, of those that share the database.
    pub(crate) fn host(&self) -> HostId {
        self.host
    }

    /// Whether the store takes writes and answers reads.
    pub async fn ping(&self) -> Result<(), Error> {
        // While the database is being opened again nobody knows how long a write waits.
        if !self.writer.is_well() {
            return Err(Error::NotWritten);
        }
        self.submit(Sweep).await?;
        self.catalogue_version().await.map(drop)
    }

    /// Checks every invariant of the ledger on one moment's data. No findings: all of them hold.
    pub async fn verify(&self) -> Result<Vec<Finding>, Error> {
        self.read(verify::check).await
    }

    /// Queues an operation and waits until it is durable.
    pub(crate) async fn submit<O: Op>(&self, op: O) -> Result<O::Answer, Error> {
        answer_of(self.queue(op)?).await
    }

    /// Queues an operation. Its caller may wait for it.
    pub(crate) fn queue<O: Op>(&self, op: O) -> Result<Reply<O::Answer>, Error> {
        let (job, reply) = Job::hot(op);
        self.writer.push(job)?;
        Ok(reply)
    }

    /// Queues a cold write and waits until it is durable. `work` may run more than once.
    pub(crate) async fn write<F, T>(&self, work: F) -> Result<T, Error>
    where
        F: FnMut(Db<'_>, Timestamp) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        let (job, reply) = Job::cold(work);
        self.writer.push(job)?;
        answer_of(reply).await
    }

    /// Reads; everything that `work` sees is of one moment.
    pub(crate) async fn read<F, T>(&self, work: F) -> Result<T, Error>
    where
        F: Fn(Db<'_>) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        match &self.reads {
            Reads::Sqlite(readers) => readers.read(work).await,
            Reads::Postgres(pool) => pool.read(work).await,
            Reads::Writer => self.write(move |db, _| work(db)).await,
        }
    }
}

/// The answer of a write, in time.
async fn answer_of<T>(reply: Reply<T>) -> Result<T, Error> {
    let answer = timeout(ANSWERED_WITHIN, reply).await;
    answer.map_err(|_| Error::OutcomeUnknown)?.map_err(|_| Error::Stopped)?
}

fn no_thread(source: std::io::Error) -> OpenError {
    OpenError::Io { path: "the writer thread".into(), source }
}
