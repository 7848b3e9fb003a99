//! The store in one SQLite database: the connection that writes.

mod accounts;
mod disk;
mod flush;
mod load;
mod log;
mod memory;
mod open;
mod readers;
mod requests;

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, mpsc};

use rusqlite::hooks::Action;
use rusqlite::{Connection, ErrorCode};
use stokehold_ledger::{AccountId, Timestamp};

pub(crate) use open::{Lock, Place, migrate, tables};
pub(crate) use readers::{Readers, open_read_only};

use memory::Memory;

pub use memory::MemoryMax;

use crate::db::Db;
use crate::error::{Error, OpenError};
use crate::fail_point::FailPoint;
use crate::host::HostId;
use crate::job::Cold;
use crate::replay;
use crate::writer::{Backend, Failure, Group};

/// How many pages the write-ahead log may have before it is copied into the database, which lets it
/// be written from its start again: 32 MiB. Overwriting it takes half as long as growing it, and a
/// page that was written often is copied once.
const LOG_PAGES_MAX: i32 = 8_192;

/// The same for a moment at which nobody waits.
const LOG_PAGES_IDLE: i32 = 1_024;

/// The writing connection.
pub(crate) struct Sqlite {
    place: Place,
    /// None only while it cannot be opened again.
    db: Option<Connection>,
    host: HostId,
    /// The fence of the last attempt.
    fence: Timestamp,
    log_pages: Arc<AtomicI32>,
    memory: Memory,
}

impl Sqlite {
    /// Opens the database for writing. `prepare` has it before the writer has.
    pub(crate) fn open<T>(
        place: Place,
        max: MemoryMax,
        prepare: impl FnOnce(&mut Connection) -> Result<(HostId, T), OpenError>,
    ) -> Result<(Self, T), OpenError> {
        let log_pages = Arc::new(AtomicI32::new(0));
        let mut db = open::connect(&place, &log_pages)?;
        let (host, prepared) = prepare(&mut db)?;
        // What a process that was killed has left in the log may not have reached the disk yet, and
        // is read from now on as if it had.
        open::copy_log(&db)?;
        let memory = Memory::load(Db::Sqlite(&db), max)?;
        let fence = Timestamp(0);
        Ok((Self { place, db: Some(db), host, fence, log_pages, memory }, prepared))
    }
}

impl Backend for Sqlite {
    const COLD_TOGETHER: bool = true;

    fn attempt(&mut self, group: &mut Group, now: Timestamp) -> Result<(), Failure> {
        let Some(db) = &mut self.db else { return Err(Failure::Unknown(Error::Stopped)) };
        self.fence = now;
        let done = match run(db, &mut self.memory, group, (self.host, now)) {
            Ok(()) => commit(db),
            Err(error) => Err(undo(db, error)),
        };
        match done {
            Ok(()) => self.memory.settled(),
            Err(_) => self.memory.undone(),
        }
        done
    }

    fn reopen(&mut self) -> Result<bool, Error> {
        let db = match (self.db.take(), &self.place) {
            // It is all there is.
            (Some(db), Place::Memory) => db,
            (_, Place::Memory) => return Err(Error::Stopped),
            (old, Place::File(_)) => {
                drop(old);
                let db = open::connect(&self.place, &self.log_pages)?;
                // A failed sync may have left a commit in the cache of the operating system, or one
                // in the log that no reader sees. Once the log is empty, neither is possible.
                open::empty_log(&db)?;
                db
            }
        };
        let db = self.db.insert(db);
        if !db.is_autocommit() {
            db.execute_batch("ROLLBACK")?;
        }
        self.memory = Memory::load(Db::Sqlite(db), self.memory.max())?;
        let fence: i64 = db.query_row("SELECT last_instant FROM instance", [], |row| row.get(0))?;
        Ok(fence >= self.fence.0)
    }

    fn tidy(&mut self, idle: bool) {
        let most = if idle { LOG_PAGES_IDLE } else { LOG_PAGES_MAX };
        if self.log_pages.load(Ordering::Relaxed) < most {
            return;
        }
        // Copies what no reader is in the way of. The next write says how long the log then is.
        if let Some(Err(error)) = self.db.as_ref().map(open::copy_log) {
            tracing::warn!(%error, "the write-ahead log cannot be copied into the database");
        }
    }
}

/// Everything of a group but the commit.
fn run(
    db: &mut Connection,
    memory: &mut Memory,
    group: &mut Group,
    (host, now): (HostId, Timestamp),
) -> Result<(), Error> {
    db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    db.prepare_cached("UPDATE instance SET last_instant = ?1")?.execute([now.0])?;
    if group.is_hot() {
        let wanted = group.wanted();
        let shim = Db::Sqlite(db);
        let mut rows = load::load(shim, memory, &wanted, now)?;
        group.decide(&mut rows);
        flush::flush(shim, memory, rows.into_writes(), (host, now))?;
        if wanted.swept_max > 0 {
            replay::forget(shim, now)?;
            memory.requests.forget(shim, now)?;
        }
    }
    if group.cold().next().is_some() { run_cold(db, memory, group, now) } else { Ok(()) }
}

/// Does the cold writes of a group, and forgets the accounts whose rows they change: it is SQLite
/// that tells which (<https://sqlite.org/c3ref/update_hook.html>).
fn run_cold(
    db: &mut Connection,
    memory: &mut Memory,
    group: &mut Group,
    now: Timestamp,
) -> Result<(), Error> {
    let (changed, accounts) = mpsc::channel();
    db.update_hook(Some(move |_, _: &str, table: &str, row| {
        if table == "account" || table == "account_balance" {
            // The other end is there until this one is gone.
            let _ = changed.send(AccountId(row));
        }
    }))?;
    let done = group.cold().try_for_each(|job| run_job(db, job.as_mut(), now));
    db.update_hook(None::<fn(Action, &str, &str, i64)>)?;
    for account in accounts.try_iter() {
        memory.accounts.forget(account);
    }
    done
}

/// A cold write that fails undoes itself and nothing else.
fn run_job(db: &Connection, job: &mut dyn Cold, now: Timestamp) -> Result<(), Error> {
    db.prepare_cached("SAVEPOINT cold")?.execute([])?;
    if !job.run(Db::Sqlite(db), now) {
        db.prepare_cached("ROLLBACK TO cold")?.execute([])?;
    }
    db.prepare_cached("RELEASE cold")?.execute([])?;
    Ok(())
}

fn commit(db: &Connection) -> Result<(), Failure> {
    FailPoint::BeforeCommit.pass();
    match db.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([])) {
        Ok(_) => Ok(()),
        // A constraint is checked before anything is written.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            Err(undo(db, error.into()))
        }
        Err(error) => Err(Failure::Unknown(error.into())),
    }
}

/// Rolls back what SQLite has not rolled back by itself.
fn undo(db: &Connection, error: Error) -> Failure {
    match if db.is_autocommit() { Ok(()) } else { db.execute_batch("ROLLBACK") } {
        Ok(()) => Failure::Undone(error),
        Err(_) => Failure::Unknown(error),
    }
}
