//! A whole ledger from one kind of database into the other: every row of every table.
//!
//! The tables are the same on both sides but for what stands in [`TABLES`]. Columns are read from the
//! schema of the database that is filled, so a new column needs nothing here and a new table a row.
//! Rows are handed on one by one: what is in memory does not grow with the ledger.

use std::pin::pin;

use rusqlite::{Connection, params_from_iter};
use tokio_postgres::Column;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;

use crate::db::{Db, Row, Value, values};
use crate::error::Error;
use crate::postgres::Session;

/// A table, and what its rows are read from where the ledger comes from the other kind of database.
struct Table {
    name: &'static str,
    /// None where PostgreSQL has no such table.
    of_sqlite: Option<&'static str>,
    of_postgres: &'static str,
}

/// All tables. What a row refers to stands before it, but for [`LATER`].
const TABLES: &[Table] = &[
    alike("instance"),
    alike("host"),
    alike("api_token"),
    alike("service"),
    alike("component"),
    alike("version"),
    alike("pack"),
    alike("account"),
    alike("account_balance"),
    alike("alert_address"),
    alike("outbox"),
    alike("eligible_database"),
    alike("trial"),
    alike("hold"),
    alike("purchase"),
    alike("posting"),
    // A request that has made a hold is a row of `request` in SQLite. In PostgreSQL it is an answer
    // like others, whose fingerprint is zero: see `replay` and `sqlite/requests`.
    Table {
        name: "replay",
        of_sqlite: Some(
            "(SELECT day, key, fingerprint, answer, at FROM replay UNION ALL \
             SELECT at / 86400000000 AS day, digest, zeroblob(32), lower(hex(hold_id)), max(at) \
             FROM request GROUP BY at / 86400000000, digest) AS kept",
        ),
        of_postgres: "(SELECT * FROM replay WHERE fingerprint <> decode(repeat('00', 32), 'hex')) \
                      AS kept",
    },
    Table {
        name: "request",
        of_sqlite: None,
        of_postgres: "(SELECT row_number() OVER (ORDER BY at, answer) AS id, key AS digest, \
                      decode(answer, 'hex') AS hold_id, at \
                      FROM replay WHERE fingerprint = decode(repeat('00', 32), 'hex')) AS kept",
    },
    alike("call"),
    alike("queued_call"),
    alike("call_sweep"),
    alike("spending"),
    alike("suspension"),
    alike("signing_key"),
    alike("key_value"),
    alike("key_value_sum"),
    alike("secret"),
];

const fn alike(name: &'static str) -> Table {
    Table { name, of_sqlite: Some(name), of_postgres: name }
}

/// A column that refers to a table further down, and is set once that is there.
const LATER: (&str, &str) = ("service", "active_version");

/// What the tables are made with, and no host that wrote to them is there any more.
const EMPTY: &str = "DELETE FROM call_sweep";
const NO_HOSTS: &str = "UPDATE host SET lease_until = 0";

/// Fills the empty tables of a SQLite database from one moment's data. It has to be whole, or thrown
/// away: nothing can be undone.
pub(crate) fn export(from: Db<'_>, into: &Connection) -> Result<(), Error> {
    into.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; BEGIN",
    )?;
    into.execute_batch(EMPTY)?;
    for table in TABLES {
        let shape = into.prepare(&format!("SELECT * FROM {}", table.name))?;
        let names: Vec<_> = shape.column_names().collect();
        let marks: Vec<_> = (1..=names.len()).map(|number| format!("?{number}")).collect();
        let (names, marks) = (names.join(", "), marks.join(", "));
        let insert = format!("INSERT INTO {} ({names}) VALUES ({marks})", table.name);
        let mut insert = into.prepare(&insert)?;
        let rows = format!("SELECT {names} FROM {}", table.of_postgres);
        from.each(&rows, &[], &mut |row| {
            insert.execute(params_from_iter(values_of(row)?))?;
            Ok(())
        })?;
    }
    into.execute_batch(NO_HOSTS)?;
    Ok(into.execute_batch("COMMIT")?)
}

/// Fills the empty tables of a PostgreSQL database, inside its open transaction.
pub(crate) fn import(from: &Connection, into: &Session) -> Result<(), Error> {
    into.batch(EMPTY)?;
    for table in TABLES {
        if let Some(source) = table.of_sqlite {
            copy_in(from, source, table.name, into)?;
        }
    }
    let (table, column) = LATER;
    let later = format!("SELECT id, {column} FROM {table} WHERE {column} IS NOT NULL");
    let set = format!("UPDATE {table} SET {column} = ?2 WHERE id = ?1");
    Db::Sqlite(from).each(&later, &[], &mut |row| {
        into.execute(&set, values![row.get::<i64>(0)?, row.get::<i64>(1)?]).map(drop)
    })?;
    into.batch(NO_HOSTS)?;
    count_on(into)?;
    // Whoever asks next knows how much there is.
    into.batch("ANALYZE")
}

fn copy_in(from: &Connection, source: &str, table: &str, into: &Session) -> Result<(), Error> {
    let shape = into.statement(&format!("SELECT * FROM {table}"))?;
    let names: Vec<_> = shape.columns().iter().map(Column::name).collect();
    let types: Vec<Type> = shape.columns().iter().map(|column| column.type_().clone()).collect();
    let read: Vec<_> =
        names.iter().map(|&name| if (table, name) == LATER { "NULL" } else { name }).collect();
    let copy = format!("COPY {table} ({}) FROM STDIN BINARY", names.join(", "));
    let sink = into.wait(into.client().copy_in(&copy))?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
    let rows = format!("SELECT {} FROM {source}", read.join(", "));
    Db::Sqlite(from).each(&rows, &[], &mut |row| {
        let values = values_of(row)?;
        into.wait(writer.as_mut().write_raw(values.iter()))
    })?;
    into.wait(writer.finish()).map(drop)
}

fn values_of(row: Row<'_>) -> Result<Vec<Value<'_>>, Error> {
    (0..row.len()).map(|column| row.value(column)).collect()
}

/// Has PostgreSQL choose new ids above those that are there.
fn count_on(db: &Session) -> Result<(), Error> {
    let tables = "SELECT CAST(table_name AS text) FROM information_schema.columns \
                  WHERE table_schema = current_schema() AND column_name = 'id' AND is_identity = 'YES'";
    let tables: Vec<String> = Db::Postgres(db).query(tables, &[], |row| row.get(0))?;
    for table in tables {
        // An empty table has no largest id, and keeps its sequence.
        db.batch(&format!(
            "SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
        ))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::sqlite::migrate;

    #[test]
    fn every_table_is_known() {
        let mut db = Connection::open_in_memory().expect("a database");
        migrate(&mut db, |_| Ok(())).expect("tables");
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' \
                   AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'refinery_%'";
        let there = Db::Sqlite(&db).query(sql, &[], |row| row.get::<String>(0));
        let there: BTreeSet<_> = there.expect("names").into_iter().collect();
        let known: BTreeSet<_> = TABLES.iter().map(|table| table.name.to_owned()).collect();
        assert_eq!(known, there);
    }
}
