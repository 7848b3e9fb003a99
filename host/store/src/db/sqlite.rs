//! Queries of SQLite's.

use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::value::{Row, Value};
use crate::error::Error;

pub(super) fn execute(db: &Connection, sql: &str, values: &[Value<'_>]) -> Result<usize, Error> {
    Ok(db.prepare_cached(sql)?.execute(params_from_iter(values))?)
}

pub(super) fn each(
    db: &Connection,
    sql: &str,
    values: &[Value<'_>],
    take: &mut dyn FnMut(Row<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        take(Row::Sqlite(row))?;
    }
    Ok(())
}

pub(super) fn find<T>(
    db: &Connection,
    sql: &str,
    values: &[Value<'_>],
    read: impl Fn(Row<'_>) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    let mut query = db.prepare_cached(sql)?;
    // The error of the reading is carried through as it is.
    let found = query.query_row(params_from_iter(values), |row| Ok(read(Row::Sqlite(row))));
    found.optional()?.transpose()
}
