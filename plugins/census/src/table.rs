//! The table that a client sends.

use std::fmt::Display;

use csv::{Reader, StringRecord};
use serde::Deserialize;
use stokehold_sdk::{Failure, Json, Request, json};

use crate::column::Column;

/// The longest table, in bytes: a quote reads its params on what fuel the host gives for nothing.
const BYTES_MAX: usize = 256 << 10;
/// The most columns.
const COLUMNS_MAX: usize = 100;

/// The parameters of the route `columns`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    /// The table, as CSV (RFC 4180) with names in its first line.
    pub(crate) csv: String,
}

impl Table {
    /// Reads the params. The table itself is for `columns` and `describe`.
    pub(crate) fn of(request: &Request) -> Result<Self, Failure> {
        let table: Self = match request.route.as_str() {
            "columns" => request.params()?,
            _ => return Err(request.unknown_route(&["columns"])),
        };
        match table.csv.len() {
            0..=BYTES_MAX => Ok(table),
            bytes => Err(refused(format!("it has {bytes} bytes and may have {BYTES_MAX}"))),
        }
    }

    /// How many columns it has. A table is refused by its first line, before anybody pays for the rest.
    pub(crate) fn columns(&self) -> Result<usize, Failure> {
        columns(&mut self.reader()).map(|columns| columns.len())
    }

    /// What is in each column.
    pub(crate) fn describe(&self) -> Result<Json, Failure> {
        let mut reader = self.reader();
        let mut columns = columns(&mut reader)?;
        let (mut row, mut rows) = (StringRecord::new(), 0);
        while reader.read_record(&mut row).map_err(refused)? {
            for (column, cell) in columns.iter_mut().zip(&row) {
                column.count(cell);
            }
            rows += 1;
        }
        let columns: Json = columns.iter().map(Column::report).collect();
        Ok(json!({ "rows": rows, "columns": columns }))
    }

    fn reader(&self) -> Reader<&[u8]> {
        Reader::from_reader(self.csv.as_bytes())
    }
}

/// The columns that the first line names, with nothing in them yet.
fn columns(reader: &mut Reader<&[u8]>) -> Result<Vec<Column>, Failure> {
    let names = reader.headers().map_err(refused)?;
    match names.len() {
        1..=COLUMNS_MAX => Ok(names.iter().map(Column::new).collect()),
        count => Err(refused(format!("it has {count} columns and may have 1 to {COLUMNS_MAX}"))),
    }
}

fn refused(why: impl Display) -> Failure {
    Failure::UserError(format!("params.csv: {why}"))
}
