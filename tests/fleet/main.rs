//! The real program on PostgreSQL: finding the database, and several hosts that share it.

mod address;
mod frozen;
mod hosts;
mod moving;

use std::path::Path;

use stokehold_tests::binary::{Ran, run};
use stokehold_tests::postgres::Postgres;
use tempfile::TempDir;

/// A directory that is gone after the test.
fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

/// A task of `stokehold ledger` on a database.
fn ledger(task: &str, arguments: &[&str], database: &str) -> Ran {
    run(&[&["ledger", task], arguments, &["--database", database]].concat())
}

/// Asserts that `stokehold ledger verify` finds nothing wrong in the server's database.
#[track_caller]
fn assert_clean(postgres: &Postgres) {
    let verified = ledger("verify", &["--json"], &postgres.url());
    assert_eq!(verified.code, Some(0), "{verified:?}");
    assert_eq!(verified.json()["clean"], true, "{verified:?}");
}
