//! Opening the database, and keeping others out of it.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use refinery::Migration;
use rusqlite::config::DbConfig;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::{Connection, OpenFlags};

use super::{disk, log};
use crate::db::{Db, Value};
use crate::error::{Error, OpenError};
use crate::seal::Seal;
use crate::tables::Tables;

mod migrations {
    //! The tables, version by version.
    refinery::embed_migrations!("migrations/sqlite");
}

/// 3.51.3: older ones can lose a checkpoint when two connections meet (the WAL-reset fault).
const SQLITE_MIN: i32 = 3_051_003;

/// Where a database is.
pub(crate) enum Place {
    /// In a file, which is made where there is none.
    File(PathBuf),
    /// In memory: it belongs to its one connection.
    Memory,
}

/// Opens the connection that writes. `log_pages` is told how long the write-ahead log is after each
/// commit.
pub(super) fn connect(place: &Place, log_pages: &Arc<AtomicI32>) -> Result<Connection, OpenError> {
    if rusqlite::version_number() < SQLITE_MIN {
        return Err(OpenError::OldSqlite { found: rusqlite::version() });
    }
    let mut db = match place {
        Place::File(path) => {
            disk::check(path)?;
            // One thread has it at a time.
            let flags = OpenFlags::default() | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            log::register()?;
            Connection::open_with_flags_and_vfs(
                path,
                flags - OpenFlags::SQLITE_OPEN_FULL_MUTEX,
                log::VFS,
            )?
        }
        Place::Memory => Connection::open_in_memory()?,
    };
    // FULL: a commit that was answered survives a loss of power. The log is copied into the
    // database by the writer, see `tidy`. 64 MiB of pages hold the accounts and the latest holds of
    // a busy host.
    db.execute_batch(
        "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -65536; \
         PRAGMA wal_autocheckpoint = 0;",
    )?;
    // Without it a statement is prepared again whenever a value for it might call for another plan.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.set_prepared_statement_cache_capacity(128);
    let log_pages = log_pages.clone();
    db.wal_hook(Some(move |_: &mut _, pages| {
        log_pages.store(pages, Ordering::Relaxed);
        Ok(())
    }))?;
    Ok(db)
}

/// Syncs the write-ahead log, and copies of it into the database what no reader is in the way of.
pub(super) fn copy_log(db: &Connection) -> rusqlite::Result<()> {
    db.query_row("PRAGMA wal_checkpoint", [], |_| Ok(()))
}

/// Copies all of the write-ahead log into the database, syncs that, and empties the log.
pub(super) fn empty_log(db: &Connection) -> Result<(), Error> {
    let is_blocked: bool = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if is_blocked { Err(Error::LogInUse) } else { Ok(()) }
}

/// Brings the tables up to date. `check` looks at a database that has tables, before they are
/// altered.
pub(crate) fn migrate(
    db: &mut Connection,
    check: impl FnOnce(Db<'_>) -> Result<(), OpenError>,
) -> Result<(), OpenError> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    db.create_scalar_function("seal", -1, flags, seal)?;
    tables(db)?.are_known()?;
    if db.table_exists(None, "instance")? {
        check(Db::Sqlite(db))?;
    }
    // A table that others refer to may be replaced by one of the same name.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
    migrations::migrations::runner().run(db)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
    db.remove_function("seal", -1)?;
    Ok(())
}

/// How far the tables are.
pub(crate) fn tables(db: &Connection) -> Result<Tables, OpenError> {
    let runner = migrations::migrations::runner();
    let known = runner.get_migrations().iter().map(Migration::version).max().unwrap_or(0);
    let history = "SELECT 1 FROM sqlite_schema WHERE name = 'refinery_schema_history'";
    if !db.prepare(history)?.exists([])? {
        return Ok(Tables { found: 0, known });
    }
    let version = "SELECT coalesce(max(version), 0) FROM refinery_schema_history";
    Ok(Tables { found: db.query_row(version, [], |row| row.get(0))?, known })
}

/// The SQL function `seal`: its arguments are the kind of row and its terms.
fn seal(terms: &Context<'_>) -> rusqlite::Result<i64> {
    let kind: String = terms.get(0)?;
    let mut seal = Seal::of(&kind);
    for position in 1..terms.len() {
        seal = seal.term(Value::of_sqlite(terms.get_raw(position))?);
    }
    Ok(seal.value())
}

/// Keeps other processes out of a data directory.
pub(crate) struct Lock(File);

impl Lock {
    pub(crate) fn take(path: &Path) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io { path: path.display().to_string(), source };
        let file =
            File::options().create(true).truncate(false).write(true).open(path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => {
                Err(OpenError::Locked { path: path.display().to_string() })
            }
            Err(TryLockError::Error(error)) => Err(io(error)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // By word, not by closing: a child that is being started at this moment has the file open
        // as well. Where it fails, closing releases the lock a moment later.
        let _ = self.0.unlock();
    }
}
