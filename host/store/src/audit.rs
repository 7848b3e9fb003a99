//! A look at a store from outside, also beside servers that run on it.

use std::path::Path;

use rusqlite::Connection;

use crate::db::Db;
use crate::error::{Error, OpenError};
use crate::postgres::{self, Address, Session};
use crate::sqlite::{open_read_only, tables};
use crate::store::DATABASE_FILE;
use crate::verify::{self, Finding};

/// A connection to a store that only looks.
pub struct Audit(Look);

enum Look {
    Sqlite(Connection),
    Postgres(Session),
}

impl Audit {
    /// Looks at the store in `directory`.
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        let path = directory.join(DATABASE_FILE);
        if !path.is_file() {
            return Err(OpenError::Missing { path: directory.display().to_string() });
        }
        Self::of_file(&path)
    }

    /// Looks at the database in a file.
    pub(crate) fn of_file(path: &Path) -> Result<Self, OpenError> {
        let db = open_read_only(path)?;
        // 64 MiB: it looks at everything, at some of it again and again.
        db.execute_batch("PRAGMA cache_size = -65536").map_err(OpenError::from)?;
        tables(&db)?.are_current(|| path.display().to_string())?;
        Ok(Self(Look::Sqlite(db)))
    }

    /// Looks at the store in a PostgreSQL database.
    pub fn connect(address: &Address) -> Result<Self, OpenError> {
        let session = postgres::look(address)?;
        postgres::tables(&session)?.are_current(|| address.to_string())?;
        Ok(Self(Look::Postgres(session)))
    }

    /// Checks every invariant of the ledger on one moment's data. No findings: all of them hold.
    pub fn verify(&self) -> Result<Vec<Finding>, Error> {
        self.read(verify::check)
    }

    /// How many accounts, holds and postings there are.
    pub fn counts(&self) -> Result<[i64; 3], Error> {
        self.read(verify::counts)
    }

    /// The database, where it is one of SQLite's.
    pub(crate) fn sqlite(&self) -> Option<&Connection> {
        match &self.0 {
            Look::Sqlite(db) => Some(db),
            Look::Postgres(_) => None,
        }
    }

    /// Reads; everything that `work` sees is of one moment.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(Db<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match &self.0 {
            Look::Postgres(session) => postgres::read(session, work),
            Look::Sqlite(db) => {
                db.execute_batch("BEGIN")?;
                let result = work(Db::Sqlite(db));
                db.execute_batch("COMMIT")?;
                result
            }
        }
    }
}
