//! Python: `componentize-py` puts `CPython`, the source and what it imports into a component of 18 MB.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use super::language::PYTHON_MODULE;
use super::{Task, program, world};
use crate::failure::Failure;

/// What may say more of a project in Python.
const PROJECT: &str = "pyproject.toml";

/// What of pyproject.toml matters here.
#[derive(Default, Deserialize)]
struct Project {
    #[serde(default)]
    tool: Tool,
}

#[derive(Default, Deserialize)]
struct Tool {
    #[serde(default)]
    stokehold: Options,
}

/// What `[tool.stokehold]` says.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// Whether the interpreter reaches WASI: clocks, random numbers, the call's log.
    wasi: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { wasi: true }
    }
}

pub(super) fn compile(task: &Task<'_>) -> Result<Vec<u8>, Failure> {
    let project = read(&task.directory.join(PROJECT))?;
    let program = program::find(task, program::VENV, "componentize-py").ok_or_else(|| {
        let why = "there is no componentize-py in .venv, nor on the PATH";
        program::missing(task, why, &program::pip_install(task, "componentize-py"))
    })?;
    let mut command = Command::new(program);
    command.arg("--quiet").arg("--wit-path").arg(world::folder(task)?);
    command.args(["componentize", PYTHON_MODULE]);
    if !project.tool.stokehold.wasi {
        command.arg("--stub-wasi");
    }
    let venv = task.directory.join(".venv");
    if venv.is_dir() {
        // Where it looks for what the source imports.
        command.env("VIRTUAL_ENV", venv);
    }
    program::make(task, &mut command)
}

fn read(path: &Path) -> Result<Project, Failure> {
    if !path.is_file() {
        return Ok(Project::default());
    }
    let what = |verb| format!("{} cannot be {verb}", path.display());
    let text = fs::read_to_string(path).map_err(|error| Failure::new(what("read"), error))?;
    toml::from_str(&text).map_err(|error| {
        Failure::new(what("understood"), error.message())
            .hint("[tool.stokehold] takes `wasi = false`; docs/toolchains.md has more")
    })
}
