//! The programs of toolchains: finding and running them.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Task;
use crate::failure::Failure;
use crate::output;

/// Where a project keeps the programs of Python.
pub(super) const VENV: &str = ".venv/bin";

/// A program: in `folder` of the project, or on the `PATH`.
pub(super) fn find(task: &Task<'_>, folder: &str, name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders = [task.directory.join(folder)].into_iter().chain(env::split_paths(&path));
    folders.find_map(|folder| Some(folder.join(name)).filter(|program| program.is_file()))
}

/// The command that installs what a file in the project lists, in a `venv` of the project's.
pub(super) fn pip_install(task: &Task<'_>, package: &str) -> String {
    let has_list = task.directory.join("requirements.txt").is_file();
    let what = if has_list { "-r requirements.txt" } else { package };
    format!("python3 -m venv .venv && {VENV}/pip install {what}")
}

/// There is no toolchain: says so, and how to get one.
pub(super) fn missing(task: &Task<'_>, why: &str, install: &str) -> Failure {
    let place = match task.name.to_str() {
        Some("." | "") => String::new(),
        _ => format!(" in {}", task.name.display()),
    };
    Failure::new(task.cannot_be_built(), why).hint(format!("run `{install}`{place}"))
}

/// Runs a compiler that takes `-o`, and answers what it makes.
pub(super) fn make(task: &Task<'_>, command: &mut Command) -> Result<Vec<u8>, Failure> {
    let made = task.scratch.join("made.wasm");
    run(task, command.arg("-o").arg(&made))?;
    fs::read(&made)
        .map_err(|error| Failure::new(format!("{} cannot be read", made.display()), error))
}

/// Runs a compiler in the project, and answers what it prints. Its errors are shown as they are.
pub(super) fn run(task: &Task<'_>, command: &mut Command) -> Result<Vec<u8>, Failure> {
    let line = line(command);
    if stderr().is_terminal() {
        output::err(&format!("  {line}\n"));
    }
    command.current_dir(task.directory).stdin(Stdio::null()).stderr(Stdio::inherit());
    let ended = command.output().map_err(|error| {
        Failure::new(task.cannot_be_built(), format!("`{line}` does not start: {error}"))
            .hint("install the toolchain anew")
    })?;
    if ended.status.success() {
        return Ok(ended.stdout);
    }
    Err(Failure::new(task.cannot_be_built(), format!("`{line}` ended with {}", ended.status))
        .hint("mend what the compiler says above, and build again"))
}

/// Whether a program runs to a good end, whatever it prints.
pub(super) fn succeeds(task: &Task<'_>, command: &mut Command) -> bool {
    let command = command.current_dir(task.directory).stdin(Stdio::null());
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// A command as one would type it, with the program's name for its path.
fn line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = [program].into_iter().chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
