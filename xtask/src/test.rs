//! `cargo xtask test`: build all, run every test.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::{build_guests, command, package, paths, program, toolchains};

/// Options of the task.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// What to pass to `cargo test` of the host's workspace
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Runs each step, and stops at the first that fails.
pub(crate) fn run(options: &Options) -> Result<()> {
    step("guests are what their source builds", || {
        build_guests::run(&build_guests::Options { check: true })
    })?;
    step("the programs that the tests start", || program::build(&[]))?;
    step("the browser that the tests drive", || package::ensure("chromium"))?;
    step("the registry that components are published to", || package::ensure("docker-registry"))?;
    step("the compilers of plugins, and wkg", toolchains::ensure)?;
    step("tests of the host", || command::run(&mut host_tests(options)))?;
    step("tests of the guests", || command::run(&mut guest_tests()))
}

fn host_tests(options: &Options) -> Command {
    let mut cargo = command::cargo();
    cargo
        .current_dir(paths::root())
        .args(["test", "--locked", "--release", "--workspace"])
        .env("STOKEHOLD_BIN", paths::target_dir().join("release/stokehold"))
        .args(&options.arguments);
    cargo
}

/// Guests are tested as native code, quick to build: their speed as components is not at stake.
fn guest_tests() -> Command {
    let mut cargo = command::cargo();
    cargo
        .current_dir(paths::plugins())
        .args(["test", "--locked", "--workspace"])
        .env("CARGO_TARGET_DIR", paths::guest_target_dir());
    cargo
}

fn step(name: &str, run: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("==> {name}");
    let start = Instant::now();
    run().with_context(|| format!("Failed: {name}"))?;
    println!("==> {name}: done in {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}
