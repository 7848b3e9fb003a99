//! The real program from outside, as its users meet it.

mod config;
mod crash;
mod demo;
mod guests;
mod ledger;
mod library;
mod limits;
mod once;
mod outbound;
mod refusals;
mod run;
mod secrets;
mod shutdown;
mod tour;
mod unauthorised;
mod versions;

use std::path::{Path, PathBuf};

use stokehold_tests::binary;
use tempfile::TempDir;

/// A directory that is gone after the test.
fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

/// The coal roller's project.
fn coal_roller() -> PathBuf {
    binary::root().join("plugins/coalroller")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}
