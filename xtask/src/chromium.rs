//! The browser that the tests of the pages drive.

use std::env;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command;

const PROGRAM: &str = "chromium";

/// Installs the browser where the machine lacks it and this may be done, else says how to.
pub(crate) fn ensure() -> Result<()> {
    let path = env::var_os("PATH").unwrap_or_default();
    if env::split_paths(&path).any(|folder| folder.join(PROGRAM).exists()) {
        return Ok(());
    }
    let is_root = command::output(Command::new("id").arg("--user"))? == "0";
    if !is_root {
        let install = command::line(&install());
        bail!("There is no `{PROGRAM}` to test the pages with.\nhint: run `sudo {install}`");
    }
    command::run(apt_get().arg("update"))?;
    command::run(&mut install())
        .with_context(|| format!("hint: install a package that has the program `{PROGRAM}`"))
}

fn install() -> Command {
    let mut install = apt_get();
    install.args(["install", "--yes", "--no-install-recommends", PROGRAM]);
    install
}

fn apt_get() -> Command {
    let mut apt_get = Command::new("apt-get");
    apt_get.env("DEBIAN_FRONTEND", "noninteractive");
    apt_get
}
