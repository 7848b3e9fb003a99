//! Rust: Cargo makes a core module, and its custom sections say what component it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::{Task, encode, program};
use crate::failure::Failure;

/// Nothing is reachable on this target but what a guest imports by name.
const TARGET: &str = "wasm32-unknown-unknown";

/// What Cargo reports, of which artifacts matter here.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

pub(super) fn compile(task: &Task<'_>) -> Result<Vec<u8>, Failure> {
    ensure_target(task)?;
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--lib", "--target", TARGET]);
    cargo.arg("--message-format=json-render-diagnostics");
    let messages = program::run(task, &mut cargo)?;
    let module = module(task.directory, &messages).ok_or_else(|| {
        Failure::new(task.cannot_be_built(), "Cargo has made no WebAssembly module of it")
            .hint("write `crate-type = [\"cdylib\"]` below [lib] in Cargo.toml")
    })?;
    let module = fs::read(&module)
        .map_err(|error| Failure::new(format!("{} cannot be read", module.display()), error))?;
    encode(task, &module)
}

/// Asks the compiler that the project chooses whether it has the target.
fn ensure_target(task: &Task<'_>) -> Result<(), Failure> {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", TARGET]).current_dir(task.directory);
    let printed = rustc.output().map_err(|_| {
        let why = "there is no `rustc` on the PATH";
        program::missing(task, why, "curl https://sh.rustup.rs -sSf | sh")
    })?;
    let libraries = String::from_utf8_lossy(&printed.stdout);
    if printed.status.success() && Path::new(libraries.trim_end()).is_dir() {
        return Ok(());
    }
    let why = format!("the Rust toolchain has no target {TARGET}");
    Err(program::missing(task, &why, &format!("rustup target add {TARGET}")))
}

/// The module that Cargo has made of the crate in `directory`.
fn module(directory: &Path, messages: &[u8]) -> Option<PathBuf> {
    let manifest = fs::canonicalize(directory.join("Cargo.toml")).ok()?;
    let messages = serde_json::Deserializer::from_slice(messages).into_iter::<Message>();
    let mut artifacts = messages.flatten().filter(|message| {
        message.reason == "compiler-artifact"
            && fs::canonicalize(&message.manifest_path).is_ok_and(|path| path == manifest)
    });
    let is_module = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "wasm");
    artifacts.find_map(|artifact| artifact.filenames.into_iter().find(is_module))
}
