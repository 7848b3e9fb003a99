//! Opening and closing a store.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};
use stokehold_ledger::Timestamp;

use crate::clock::Clock;
use crate::error::{Error, OpenError};
use crate::job::{Job, Reply};
use crate::op::Op;
use crate::sqlite::{Lock, Place, Readers, Sqlite, migrate, open_read_only};
use crate::verify::{self, Finding};
use crate::writer::Writer;

pub(crate) const DATABASE_FILE: &str = "stokehold.db";
pub(crate) const LOCK_FILE: &str = "stokehold.lock";

/// Whether money is real.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Orders are paid at once and services need no approval. Nothing here is worth anything.
    Sandbox,
    /// The real thing.
    Production,
}

/// A durable store in a data directory, or one in memory.
///
/// Reads run on connections of their own and never wait for a write. All writes go through one
/// thread that commits in groups; a method that writes returns once its write is durable.
pub struct Store {
    writer: Writer,
    readers: Option<Readers>,
    clock: Arc<Clock>,
    secret: [u8; 32],
    mode: Mode,
    /// Keeps other processes out for as long as the store is open; released last.
    _lock: Option<Lock>,
}

impl Store {
    /// Opens the store in `directory`, and makes it where there is none. `seed` are 32 random
    /// bytes, the secret of a new store.
    pub fn open(directory: &Path, mode: Mode, seed: [u8; 32]) -> Result<Self, OpenError> {
        fs::create_dir_all(directory).map_err(|error| io(directory, error))?;
        let lock = Lock::take(&directory.join(LOCK_FILE))?;
        let path = directory.join(DATABASE_FILE);
        let readers = Readers::new(&path);
        Self::start(Place::File(path), Some((readers, lock)), mode, seed)
    }

    /// A store in memory, gone when it is dropped.
    pub fn in_memory(mode: Mode, seed: [u8; 32]) -> Result<Self, OpenError> {
        Self::start(Place::Memory, None, mode, seed)
    }

    fn start(
        place: Place,
        durable: Option<(Readers, Lock)>,
        mode: Mode,
        seed: [u8; 32],
    ) -> Result<Self, OpenError> {
        let (sqlite, (stored, secret)) = Sqlite::open(place, |db| {
            check_mode(db, mode)?;
            migrate(db)?;
            Ok(instance(db, mode, seed)?)
        })?;
        let clock = Arc::new(Clock::start(stored));
        let writer = Writer::start(sqlite, clock.clone())
            .map_err(|source| OpenError::Io { path: "the writer thread".into(), source })?;
        let (readers, lock) = durable.unzip();
        Ok(Self { writer, readers, clock, secret, mode, _lock: lock })
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

    /// Whether the store takes writes and answers reads.
    pub async fn ping(&self) -> Result<(), Error> {
        // While the database is being opened again nobody knows how long a write waits.
        if !self.writer.is_well() {
            return Err(Error::NotWritten);
        }
        self.expire_holds().await?;
        self.read(|db| Ok(db.query_row("SELECT one FROM instance", [], |_| Ok(()))?)).await
    }

    /// Queues an operation and waits until it is durable.
    pub(crate) async fn submit<O: Op>(&self, op: O) -> Result<O::Answer, Error> {
        self.queue(op)?.await.map_err(|_| Error::Stopped)?
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
        F: FnMut(&Connection, Timestamp) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        let (job, reply) = Job::cold(work);
        self.writer.push(job)?;
        reply.await.map_err(|_| Error::Stopped)?
    }

    /// Reads; everything that `work` sees is of one moment.
    pub(crate) async fn read<F, T>(&self, work: F) -> Result<T, Error>
    where
        F: Fn(&Connection) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        match &self.readers {
            Some(readers) => readers.read(work).await,
            // A database in memory belongs to its one connection.
            None => self.write(move |db, _| work(db)).await,
        }
    }
}

/// Looks at a store from outside, also beside a server that is running on it.
pub struct Audit {
    db: Connection,
}

impl Audit {
    /// Opens the store in `directory` for reading.
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        let path = directory.join(DATABASE_FILE);
        if !path.is_file() {
            return Err(OpenError::Missing { path: directory.display().to_string() });
        }
        Ok(Self { db: open_read_only(&path)? })
    }

    /// Checks every invariant of the ledger on one moment's data. No findings: all of them hold.
    pub fn verify(&self) -> Result<Vec<Finding>, Error> {
        verify::verify(&self.db)
    }

    pub(crate) fn db(&self) -> &Connection {
        &self.db
    }

    /// How many accounts, holds and postings there are.
    pub fn counts(&self) -> Result<[i64; 3], Error> {
        verify::counts(&self.db)
    }
}

impl Store {
    /// Checks every invariant of the ledger on one moment's data. No findings: all of them hold.
    pub async fn verify(&self) -> Result<Vec<Finding>, Error> {
        self.read(verify::check).await
    }
}

/// Refuses a store of the other mode, before anything of it is altered: its tables may not even be
/// of this version yet.
fn check_mode(db: &Connection, mode: Mode) -> Result<(), OpenError> {
    let asked = mode == Mode::Sandbox;
    if !db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'instance'")?.exists([])? {
        return Ok(());
    }
    let made = db.query_row("SELECT sandbox FROM instance", [], |row| row.get(0)).optional()?;
    if made.unwrap_or(asked) == asked { Ok(()) } else { Err(OpenError::OtherMode { asked }) }
}

/// What the store remembers of itself; a new one begins to.
fn instance(
    db: &Connection,
    mode: Mode,
    seed: [u8; 32],
) -> rusqlite::Result<(Timestamp, [u8; 32])> {
    db.execute(
        "INSERT INTO instance (one, sandbox, secret, last_instant) VALUES (1, ?1, ?2, 0) \
         ON CONFLICT DO NOTHING",
        (mode == Mode::Sandbox, seed),
    )?;
    db.query_row("SELECT last_instant, secret FROM instance", [], |row| {
        Ok((Timestamp(row.get(0)?), row.get(1)?))
    })
}

fn io(path: &Path, source: std::io::Error) -> OpenError {
    OpenError::Io { path: path.display().to_string(), source }
}
