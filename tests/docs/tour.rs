//! The README's tour.

use std::os::unix::fs::symlink;

use stokehold_tests::binary;
use stokehold_tests::postgres::Postgres;

use crate::session::Session;

/// How the README starts the program.
const RUN: &str = "cargo run --release --";

#[test]
fn the_tour_prints_what_it_says() {
    assert_tour(&[]);
}

#[test]
fn the_tour_is_the_same_on_postgresql() {
    let postgres = Postgres::start();
    assert_tour(&[("STOKEHOLD_STORE_DATABASE", postgres.url())]);
    assert_eq!(postgres.sql("SELECT count(*) > 0 FROM posting"), "t");
}

/// Takes the tour, with settings in the environment of all that it starts.
fn assert_tour(environment: &[(&str, String)]) {
    let folder = tempfile::tempdir().expect("a folder");
    symlink(binary::root().join("plugins"), folder.path().join("plugins")).expect("a link");
    let session = Session {
        document: "README.md",
        replaced: &[(RUN, format!("'{}'", binary::path().display()))],
        environment,
        folder: folder.path(),
    };
    assert!(session.check() >= 9);
}
