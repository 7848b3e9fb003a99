//! `cargo xtask deny`: what may be in the tree, as `deny.toml` says.
//!
//! Advisories are left out: what they say changes from day to day, and has nothing to do with a change
//! that is checked. `cargo deny check advisories` asks for them.

use std::process::Command;

use anyhow::Result;

use crate::{command, paths, toolchains};

const VERSION: &str = "0.20.2";

/// Checks the host and the guests.
pub(crate) fn run() -> Result<()> {
    let program = toolchains::program("cargo-deny", VERSION)?;
    for workspace in [paths::root(), &paths::plugins()] {
        let mut deny = Command::new(&program);
        deny.current_dir(workspace).args(["--locked", "--log-level", "error", "check"]);
        command::run(deny.args(["--hide-inclusion-graph", "licenses", "bans", "sources"]))?;
    }
    Ok(())
}
