//! Tasks of this repository: `cargo xtask TASK`.
#![expect(clippy::print_stdout, reason = "a task's output is its printed text")]

mod build_guests;
mod command;
mod component;
mod digest;
mod guest;
mod paths;
mod target;
mod test;
mod tidy;

use anyhow::Result;
use clap::Parser;

/// Tasks of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Task {
    /// Build every guest in plugins/ and write its component beside its source
    BuildGuests(build_guests::Options),
    /// Build all and run every test
    Test(test::Options),
    /// Check the rules of the code base that no other tool checks
    Tidy,
}

fn main() -> Result<()> {
    match Task::parse() {
        Task::BuildGuests(options) => build_guests::run(&options),
        Task::Test(options) => test::run(&options),
        Task::Tidy => tidy::run(),
    }
}
