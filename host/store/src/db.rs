//! One way to ask either database, so that every query but the hottest is written once.
//!
//! Queries are written in the SQL that both understand, with parameters `?1`, `?2`, …; ids and
//! digests travel as bytes and are made readable in Rust. Where the two differ, a method here knows.

mod sqlite;
mod value;

use rusqlite::{CachedStatement, Connection, params_from_iter};

pub(crate) use value::{Row, Value};

use crate::error::Error;
use crate::postgres::Session;

/// Values for the parameters of a query, in their order.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::db::Value::from($value)),*][..] };
}
pub(crate) use values;

/// A connection to either database, inside a transaction.
#[derive(Clone, Copy)]
pub(crate) enum Db<'a> {
    /// A connection of SQLite's.
    Sqlite(&'a Connection),
    /// A session with a PostgreSQL server.
    Postgres(&'a Session),
}

/// A statement that is run several times.
pub(crate) enum Prepared<'a> {
    /// For a connection of SQLite's.
    Sqlite(&'a Connection, CachedStatement<'a>),
    /// For a session with a PostgreSQL server, which keeps what it has prepared.
    Postgres(&'a Session, &'a str),
}

impl Prepared<'_> {
    /// Runs it. Answers how many rows it has changed.
    pub(crate) fn execute(&mut self, values: &[Value<'_>]) -> Result<usize, Error> {
        match self {
            Self::Sqlite(_, statement) => Ok(statement.execute(params_from_iter(values))?),
            Self::Postgres(db, sql) => db.execute(sql, values),
        }
    }

    /// Runs it where it inserts a row into a table whose `id` the database chooses, and answers that.
    pub(crate) fn insert(&mut self, values: &[Value<'_>]) -> Result<i64, Error> {
        match self {
            Self::Sqlite(db, statement) => {
                statement.execute(params_from_iter(values))?;
                Ok(db.last_insert_rowid())
            }
            Self::Postgres(db, sql) => Db::Postgres(db).insert(sql, values),
        }
    }
}

impl<'a> Db<'a> {
    /// Prepares a statement that is run several times.
    pub(crate) fn prepare(self, sql: &'a str) -> Result<Prepared<'a>, Error> {
        Ok(match self {
            Self::Sqlite(db) => Prepared::Sqlite(db, db.prepare_cached(sql)?),
            Self::Postgres(db) => Prepared::Postgres(db, sql),
        })
    }

    /// Runs `run` for each of `items` with the same statement.
    pub(crate) fn for_each<T>(
        self,
        sql: &'a str,
        items: &[T],
        mut run: impl FnMut(&mut Prepared<'a>, &T) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if items.is_empty() {
            return Ok(());
        }
        let mut statement = self.prepare(sql)?;
        items.iter().try_for_each(|item| run(&mut statement, item))
    }
}

impl Db<'_> {
    /// Runs a statement. Answers how many rows it has changed.
    pub(crate) fn execute(self, sql: &str, values: &[Value<'_>]) -> Result<usize, Error> {
        match self {
            Self::Sqlite(db) => sqlite::execute(db, sql, values),
            Self::Postgres(db) => db.execute(sql, values),
        }
    }

    /// Inserts a row into a table whose `id` the database chooses, and answers that.
    pub(crate) fn insert(self, sql: &str, values: &[Value<'_>]) -> Result<i64, Error> {
        match self {
            Self::Sqlite(db) => {
                sqlite::execute(db, sql, values)?;
                Ok(db.last_insert_rowid())
            }
            Self::Postgres(_) => {
                let id = self.find(&format!("{sql} RETURNING id"), values, |row| row.get(0))?;
                id.ok_or_else(|| Error::Corrupt("an insert made no row".into()))
            }
        }
    }

    /// Hands each row of a query's answer to `take`.
    pub(crate) fn each(
        self,
        sql: &str,
        values: &[Value<'_>],
        take: &mut dyn FnMut(Row<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match self {
            Self::Sqlite(db) => sqlite::each(db, sql, values, take),
            Self::Postgres(db) => db.each(sql, values, take),
        }
    }

    /// All rows of a query's answer.
    pub(crate) fn query<T>(
        self,
        sql: &str,
        values: &[Value<'_>],
        read: impl Fn(Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        self.each(sql, values, &mut |row| {
            all.push(read(row)?);
            Ok(())
        })?;
        Ok(all)
    }

    /// The first row of a query's answer.
    pub(crate) fn find<T>(
        self,
        sql: &str,
        values: &[Value<'_>],
        read: impl Fn(Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        match self {
            Self::Sqlite(db) => sqlite::find(db, sql, values, read),
            Self::Postgres(_) => {
                let mut first = None;
                self.each(sql, values, &mut |row| {
                    if first.is_none() {
                        first = Some(read(row)?);
                    }
                    Ok(())
                })?;
                Ok(first)
            }
        }
    }

    /// The one row that a query always answers.
    pub(crate) fn one<T>(
        self,
        sql: &str,
        values: &[Value<'_>],
        read: impl Fn(Row<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.find(sql, values, read)?.ok_or_else(|| Error::Corrupt("a query found no row".into()))
    }

    /// Whether a query finds anything.
    pub(crate) fn exists(self, sql: &str, values: &[Value<'_>]) -> Result<bool, Error> {
        Ok(self.find(sql, values, |_| Ok(()))?.is_some())
    }

    /// What a query of rows that will be changed ends with: nobody else changes them until then.
    /// SQLite has one writer.
    pub(crate) fn for_update(self) -> &'static str {
        match self {
            Self::Postgres(db) if db.may_write() => " FOR UPDATE",
            _ => "",
        }
    }

    /// The same for a query that does without the rows that somebody else is changing.
    pub(crate) fn skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => " FOR UPDATE SKIP LOCKED",
        }
    }
}
