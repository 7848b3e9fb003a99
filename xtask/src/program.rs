//! Programs of this repository that a task is nothing but a way to: built when they are asked for,
//! since they need what takes long to compile.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{command, paths};

/// What is passed on to a program.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// `--help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Arguments {
    /// Whether this one is among them.
    pub(crate) fn contain(&self, argument: &str) -> bool {
        self.arguments.iter().any(|given| given == argument)
    }
}

/// Builds every program, and runs this one, which starts the `stokehold` at `subject`.
pub(crate) fn run(name: &str, first: &[&str], arguments: &Arguments, subject: &Path) -> Result<()> {
    build(&[])?;
    let mut program = Command::new(paths::target_dir().join("release").join(name));
    program.args(first).args(&arguments.arguments);
    command::run(program.env("STOKEHOLD_BIN", subject))
}

/// Builds the programs and examples of the workspace: with the features of the whole of it, as the
/// tests have, so that nothing is compiled twice.
pub(crate) fn build(more: &[&str]) -> Result<()> {
    let mut cargo = command::cargo();
    cargo.current_dir(paths::root());
    cargo.args(["build", "--locked", "--release", "--workspace", "--bins", "--examples"]);
    command::run(cargo.args(more))
}
