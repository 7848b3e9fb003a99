//! The target that guests compile for.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{command, paths};

/// Nothing is reachable on this target but what a guest imports by name.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Adds the target where the toolchain lacks it.
pub(crate) fn ensure() -> Result<()> {
    let rustc = &mut rustc();
    let libraries = command::output(rustc.args(["--print", "target-libdir", "--target", TARGET]))?;
    if Path::new(&libraries).exists() {
        return Ok(());
    }
    let rustup = &mut Command::new("rustup");
    rustup.current_dir(paths::root()).args(["target", "add", TARGET]);
    command::run(rustup).with_context(|| {
        format!(
            "Guests cannot be built: the Rust toolchain has no target {TARGET}.\n\
             hint: install it with `rustup target add {TARGET}`, or with the package manager that \
             installed Rust"
        )
    })
}

/// The folder of the compiler and its libraries.
pub(crate) fn sysroot() -> Result<String> {
    command::output(rustc().args(["--print", "sysroot"]))
}

/// The platform that the compiler runs on, as in `x86_64-unknown-linux-gnu`.
pub(crate) fn host() -> Result<String> {
    command::output(rustc().args(["--print", "host-tuple"]))
}

fn rustc() -> Command {
    let mut rustc = Command::new("rustc");
    // Here stands the file that pins the toolchain.
    rustc.current_dir(paths::root());
    rustc
}
