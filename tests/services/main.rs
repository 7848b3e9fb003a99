//! What services keep and are told: keys and values, secrets.

mod bucket;
mod counting;
mod secrets;

use tempfile::TempDir;

/// A directory that is gone after the test.
fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}
