//! `ledger verify`: every invariant, checked against the rows.

mod check;

use std::fmt;

use crate::db::{Db, Row, Value};
use crate::error::Error;
use crate::seal::Seal;
use check::{Check, EVERYWHERE, SEALED, SQLITE, Sealed};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The invariant that does not hold.
    pub invariant: &'static str,
    /// Which row breaks it, and how.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}

/// How many rows of one kind are named before the rest is left out.
const NAMED_MAX: usize = 100;

/// Runs every check inside an open transaction, whose rows are of one moment.
pub(crate) fn check(db: Db<'_>) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    let own: &[Check] = if let Db::Sqlite(_) = db { SQLITE } else { &[] };
    for check in own.iter().chain(EVERYWHERE) {
        ask(db, check, &mut findings)?;
    }
    for sealed in SEALED {
        look(db, sealed, &mut findings)?;
    }
    Ok(findings)
}

/// How many accounts, holds and postings there are.
pub(crate) fn counts(db: Db<'_>) -> Result<[i64; 3], Error> {
    let count =
        |table| db.one(&format!("SELECT count(*) FROM {table}"), &[], |row| row.get::<i64>(0));
    Ok([count("account")?, count("hold")?, count("posting")?])
}

fn ask(db: Db<'_>, check: &Check, findings: &mut Vec<Finding>) -> Result<(), Error> {
    let sql = format!("{} LIMIT {NAMED_MAX}", check.sql);
    db.each(&sql, &[], &mut |row| {
        findings.push(Finding { invariant: check.invariant, what: said(check.says, row)? });
        Ok(())
    })
}

/// Looks for rows whose terms are not those that they were sealed with.
fn look(db: Db<'_>, sealed: &Sealed, findings: &mut Vec<Finding>) -> Result<(), Error> {
    let mut named = 0;
    let sql = format!("SELECT seal, {} FROM {}", sealed.terms, sealed.table);
    db.each(&sql, &[], &mut |row| {
        let mut seal = Seal::of(sealed.kind);
        for column in 1..row.len() {
            seal = seal.term(row.value(column)?);
        }
        if named < NAMED_MAX && seal.value() != row.get::<i64>(0)? {
            named += 1;
            let what = format!("{} {} was altered", sealed.kind, shown(row.value(1)?));
            findings.push(Finding { invariant: "what was sealed is as it was", what });
        }
        Ok(())
    })
}

/// A text with the row's values where it has `{}`.
fn said(text: &str, row: Row<'_>) -> Result<String, Error> {
    let mut said = String::new();
    for (position, part) in text.split("{}").enumerate() {
        if position > 0 {
            said.push_str(&shown(row.value(position - 1)?));
        }
        said.push_str(part);
    }
    Ok(said)
}

/// A value as people read it.
fn shown(value: Value<'_>) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => text.to_owned(),
        Value::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}
