//! Programs of the system's packages that tests need, each a package of its own name.

use std::env;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command;

/// Installs a program where the machine lacks it and this may be done, else says how to.
pub(crate) fn ensure(program: &str) -> Result<()> {
    let path = env::var_os("PATH").unwrap_or_default();
    if env::split_paths(&path).any(|folder| folder.join(program).exists()) {
        return Ok(());
    }
    let is_root = command::output(Command::new("id").arg("--user"))? == "0";
    if !is_root {
        let install = command::line(&install(program));
        bail!("The tests need `{program}`, which is not here.\nhint: run `sudo {install}`");
    }
    command::run(apt_get().arg("update"))?;
    command::run(&mut install(program))
        .with_context(|| format!("hint: install a package that has the program `{program}`"))
}

fn install(program: &str) -> Command {
    let mut install = apt_get();
    install.args(["install", "--yes", "--no-install-recommends", program]);
    install
}

fn apt_get() -> Command {
    let mut apt_get = Command::new("apt-get");
    apt_get.env("DEBIAN_FRONTEND", "noninteractive");
    apt_get
}
