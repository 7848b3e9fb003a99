//! Tasks of this repository: `cargo xtask TASK`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what a task says, it prints")]

mod bench;
mod build_guests;
mod command;
mod component;
mod crash;
mod deny;
mod digest;
mod guest;
mod package;
mod paths;
mod program;
mod target;
mod test;
mod tidy;
mod toolchains;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

/// Tasks of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Task {
    /// Measure, side by side in one go
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Build every guest in plugins/ and write its component beside its source
    BuildGuests(build_guests::Options),
    /// Kill the program under load, again and again, and compare with what its clients had heard
    #[command(disable_help_flag = true)]
    Crash(program::Arguments),
    /// Build all and run every test
    Test(test::Options),
    /// Check the licences and the sources of all that is depended on: `deny.toml`
    Deny,
    /// Install what compiles the plugins of the tests, unless it is there
    Toolchains,
    /// Check the rules of the code base that no other tool checks
    Tidy,
}

fn main() -> ExitCode {
    match run(&Task::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not `{error:?}`: what a task finds is no bug of the task, so no backtrace helps.
            for (depth, cause) in error.chain().enumerate() {
                eprintln!("{}: {cause}", if depth == 0 { "error" } else { "because" });
            }
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> Result<()> {
    match task {
        Task::Bench(bench) => bench::run(bench),
        Task::BuildGuests(options) => build_guests::run(options),
        Task::Crash(arguments) => crash::run(arguments),
        Task::Test(options) => test::run(options),
        Task::Deny => deny::run(),
        Task::Toolchains => toolchains::ensure(),
        Task::Tidy => tidy::run(),
    }
}
