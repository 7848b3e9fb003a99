//! What the documents say is true: the README's tour and the guide run, every key has its row, no
//! link is dead.

mod guide;
mod links;
mod markdown;
mod reference;
mod session;
mod tour;

use std::fs;

use stokehold_tests::binary::root;

/// A file of the repository.
fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
