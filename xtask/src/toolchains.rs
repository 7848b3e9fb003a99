//! What compiles plugins in other languages than Rust, and the client of other people's for
//! registries, for the tests: kept below the target directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{command, paths};

/// The larger engine for JavaScript, and what it needs and does not ask for itself.
const LARGE_ENGINE: [&str; 2] =
    ["@bytecodealliance/componentize-js@0.23.0", "@bytecodealliance/preview2-shim@0.17.9"];

/// The ecosystem's client for registries of components.
const WKG: &str = "0.16.1";

/// Installs what is not there yet; compilers in the versions that new projects ask for.
pub(crate) fn ensure() -> Result<()> {
    let examples = paths::root().join("examples/wordcount");
    let folder = paths::target_dir().join("toolchains");
    fs::create_dir_all(&folder)?;
    let package = read(examples.join("javascript/package.json"))?;
    once(&folder.join("javascript"), &format!("{package}{LARGE_ENGINE:?}"), |folder| {
        fs::write(folder.join("package.json"), &package)?;
        let mut npm = Command::new("npm");
        npm.current_dir(folder).args(["install", "--no-audit", "--no-fund", "--save-dev"]);
        command::run(npm.args(LARGE_ENGINE))
            .context("hint: install Node.js with npm, which make plugins in JavaScript")
    })?;
    let lists = ["python", "c"].map(|language| examples.join(language).join("requirements.txt"));
    let pins = lists.iter().map(read).collect::<Result<String>>()?;
    once(&folder.join("python"), &pins, |folder| {
        let mut venv = Command::new("python3");
        command::run(venv.current_dir(folder).args(["-m", "venv", ".venv"]))
            .context("hint: install Python 3 with its module venv")?;
        let mut pip = Command::new(folder.join(".venv/bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check"]);
        for list in &lists {
            pip.arg("-r").arg(list);
        }
        command::run(&mut pip)
    })?;
    program("wkg", WKG).map(drop)
}

/// Installs a program from crates.io, unless it is there, and answers where it is.
pub(crate) fn program(name: &str, version: &str) -> Result<PathBuf> {
    let folder = paths::target_dir().join("toolchains").join(name);
    once(&folder, version, |folder| {
        // It is built once and runs for a moment, so the quickest build is the best; and apart from
        // what is built here.
        let mut cargo = command::cargo();
        cargo.args(["install", name, "--version", version, "--locked", "--debug", "--root"]);
        cargo.arg(folder).current_dir(folder);
        cargo.env_remove("CARGO_TARGET_DIR").env("CARGO_PROFILE_DEV_DEBUG", "0");
        command::run(&mut cargo)
    })?;
    Ok(folder.join("bin").join(name))
}

/// Fills a folder anew, unless that went well before with the same pins.
fn once(folder: &Path, pins: &str, install: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let stamp = folder.join("installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == pins) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    install(folder)?;
    Ok(fs::write(stamp, pins)?)
}

fn read(path: impl AsRef<Path>) -> Result<String> {
    let path = path.as_ref();
    fs::read_to_string(path).with_context(|| format!("Cannot read {}", path.display()))
}
